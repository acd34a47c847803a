//! What a technician's program may write into a person's record.

use std::num::NonZeroU16;

use venia_proto::foreign::{Foreign, TEXT_MAX};
use venia_proto::ledger::body::{Join, Language, Offer};
use venia_proto::ledger::body::{Open, Said};
use venia_proto::ledger::kind::Verified;

use super::*;

const SESSION: SessionId = SessionId([7; 16]);
const TECHNICIAN: Strand = Strand::Technician(NonZeroU16::MIN);

/// A scribe whose technician has joined, and that technician's key.
fn joined() -> (Scribe, SigningKey) {
    let mut scribe = Scribe::new(SESSION, SigningKey::new("agent", [1; 32]), Recipients::default());
    let theirs = SigningKey::new("technician", [2; 32]);
    let open = Open { about: None, since: None, language: Language::En, called: None, skew_ms: None };
    let join = Join { member: String::new(), reason: Foreign::new("why"), offer: Offer::default() };
    let kind = Kind::Join { strand: TECHNICIAN, key: theirs.verifier().clone(), verified: Verified::Code };
    let entries = vec![
        Entry::Own { kind: Kind::Open { versions: vec![1] }, body: Body::Open(open) },
        Entry::Own { kind, body: Body::Join(join) },
    ];
    scribe.write(entries, Wall::MIN).unwrap();
    (scribe, theirs)
}

fn after(origin: &str, size: u64, root: u8) -> After {
    After { origin: KeyName::new(origin).unwrap(), size, root: [root; 32] }
}

/// A chat line that quotes this checkpoint.
fn line(key: &SigningKey, after: Option<After>) -> Signed {
    saying("hello", key, after)
}

fn saying(text: &str, key: &SigningKey, after: Option<After>) -> Signed {
    let mut author = Author::new(SESSION, TECHNICIAN);
    after.into_iter().for_each(|after| author.receipted(after));
    let words = Body::Said(Said { text: Foreign::new(text) }).encode().unwrap();
    let opening = Opening::make([3; 32], &words).unwrap();
    let event = author.write(Kind::Chat, &[opening.part(PartName::Body, None)], Wall::MIN, key);
    Signed { note: event.bytes().to_vec(), openings: vec![BareOpening { random: [3; 32], plaintext: words }] }
}

#[test]
fn e6_a_technician_quotes_only_checkpoints_they_were_shown() {
    for (quoted, fits) in [
        (None, true),
        (Some(after("relay.example/log", 5, 1)), true),
        (Some(after("relay.example/log", 5, 2)), false),
        (Some(after("relay.example/log", 1 << 50, 1)), false),
        (Some(after("elsewhere.example/log", 5, 1)), false),
    ] {
        let (mut scribe, theirs) = joined();
        scribe.receipted(after("relay.example/log", 5, 1));
        scribe.receipted(after("relay.example/log", 9, 4));
        let received = scribe.receive(&line(&theirs, quoted.clone()));
        assert_eq!(received.is_ok(), fits, "{quoted:?}: {received:?}");
    }
}

#[test]
fn d4_a_line_is_as_long_as_free_text_may_be() {
    for (length, fits) in [(TEXT_MAX - 1, true), (TEXT_MAX, true), (TEXT_MAX + 1, false)] {
        let (mut scribe, theirs) = joined();
        let received = scribe.receive(&saying(&"ñ".repeat(length), &theirs, None));
        assert_eq!(received.is_ok(), fits, "{length}: {:?}", received.err());
    }
}
