use std::num::NonZeroU16;

use venia_proto::foreign::{Foreign, TEXT_MAX};
use venia_proto::key::KeyName;
use venia_proto::ledger::body::{Open, Said};
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::kind::Cause;
use venia_proto::ledger::merkle::Tree;
use venia_proto::ledger::note::Note;
use venia_proto::minute::MINUTE_MS;
use venia_proto::now::Wall;

use super::*;

const SESSION: SessionId = SessionId([1; 16]);
const US: Strand = Strand::Technician(NonZeroU16::MIN);
const NOW: Now = Now { boot_ms: 1, wall: Wall::MIN };

fn device() -> SigningKey {
    SigningKey::new("device", [1; 32])
}

fn log() -> SigningKey {
    SigningKey::new("log", [2; 32]).named(KeyName::new("relay.example/log").unwrap())
}

fn record() -> Record {
    record_of(false)
}

/// A record under a statement that names auditors, or none.
fn record_of(sealed: bool) -> Record {
    let log = log().verifier().clone();
    let key = SigningKey::new("member", [3; 32]);
    let root = Fingerprint::of(device().verifier());
    let agent = *device().public();
    Record::new(Sides { session: SESSION, root, agent, log, strand: US, key, sealed })
}

/// The agent's events: open, a chat line, a pause, the close.
fn story() -> Vec<(Event, Signed)> {
    let mut author = Author::new(SESSION, Strand::Agent);
    let said = |text: &str| Body::Said(Said { text: Foreign::new(text) });
    let by = Cause::Person;
    let mut written = Vec::new();
    for (n, (kind, body)) in (0..).zip([
        (Kind::Open { versions: vec![1] }, Body::Open(Open::default())),
        (Kind::Chat, said("hello")),
        (Kind::Pause { by, cause: by }, Body::None),
    ]) {
        written.push(signed(&mut author, kind, &body, n));
    }
    let held = author.held();
    written.push(signed(&mut author, Kind::Close { by, cause: by, held }, &Body::None, 9));
    written
}

/// An agent that has said its first word.
fn begun() -> Author {
    let mut author = Author::new(SESSION, Strand::Agent);
    let _ = signed(&mut author, Kind::Open { versions: vec![1] }, &Body::Open(Open::default()), 0);
    author
}

fn signed(author: &mut Author, kind: Kind, body: &Body, salt: u8) -> (Event, Signed) {
    let plaintext = body.encode();
    let random = [salt; 32];
    let parts: Vec<_> = plaintext
        .iter()
        .map(|plaintext| Opening::make(random, plaintext).unwrap().part(PartName::Body, None))
        .collect();
    let event = author.write(kind, &parts, Wall::MIN, &device());
    let openings = plaintext.into_iter().map(|plaintext| BareOpening { random, plaintext }).collect();
    let note = event.bytes().to_vec();
    (event, Signed { note, openings })
}

fn numbers(inputs: &[Input]) -> Vec<u64> {
    inputs
        .iter()
        .map(|input| {
            let Input::Event { entry, .. } = input else { panic!("not an event") };
            entry.seq
        })
        .collect()
}

/// A receipt over a log of this event alone, or of it and a stranger.
fn receipt(event: &Event, stranger: Option<u8>) -> Vec<u8> {
    let mut tree = Tree::new();
    let mut siblings = Vec::new();
    tree.append(event.leaf(), |_, _, _| {});
    if let Some(byte) = stranger {
        tree.append(Leaf([byte; 32]), |_, _, _| {});
        siblings.push([byte; 32]);
    }
    let checkpoint = Checkpoint::of(log().verifier(), tree.size(), tree.root()).sign(&log());
    Proof { index: 0, siblings, checkpoint: Note::parse(&checkpoint).unwrap(), extra: None }.to_bytes()
}

#[test]
fn events_are_heard_in_the_order_of_the_strand() {
    let story = story();
    let mut record = record();
    for n in [3, 1] {
        record.take(&story[n].1, None, 0).unwrap();
        assert_eq!(numbers(&record.ready(0, false)), [0_u64; 0]);
    }
    record.take(&story[0].1, None, 0).unwrap();
    assert_eq!(numbers(&record.ready(0, false)), [0, 1]);
    record.take(&story[2].1, None, 0).unwrap();
    assert_eq!(numbers(&record.ready(0, false)), [2, 3]);
    assert_eq!(record.close(), Some(3));
}

#[test]
fn what_is_missing_holds_nothing_back_for_ever() {
    let story = story();
    let mut record = record();
    record.take(&story[2].1, None, 10).unwrap();
    record.take(&story[3].1, None, 10).unwrap();
    assert_eq!(numbers(&record.ready(10 + PATIENCE_MS - 1, false)), [0_u64; 0]);
    assert_eq!(numbers(&record.ready(10 + PATIENCE_MS, false)), [2]);
    assert_eq!(numbers(&record.ready(10 + CLOSE_PATIENCE_MS - 1, false)), [0_u64; 0]);
    assert_eq!(numbers(&record.ready(10 + CLOSE_PATIENCE_MS, false)), [3]);
    record.take(&story[0].1, None, 20).unwrap();
    assert_eq!(numbers(&record.ready(20, false)), [0]);
    record.take(&story[1].1, None, 20).unwrap();
    assert_eq!(numbers(&record.ready(20, false)), [1]);

    let mut cut = self::record();
    cut.take(&story[3].1, None, 0).unwrap();
    assert_eq!(numbers(&cut.ready(0, true)), [3], "nothing more can come");
}

#[test]
fn an_event_is_heard_once_and_words_may_follow_it() {
    let story = story();
    let mut record = record();
    let bare = Signed { openings: Vec::new(), ..story[1].1.clone() };
    record.take(&bare, None, 0).unwrap();
    record.take(&story[1].1, None, 0).unwrap();
    let ready = record.ready(PATIENCE_MS, false);
    assert!(matches!(&ready[..], [Input::Event { body: Body::Said(said), .. }] if said.text.raw() == "hello"));
    record.take(&bare, None, 0).unwrap();
    assert!(record.ready(PATIENCE_MS, false).is_empty());
}

#[test]
fn a3_only_the_agents_key_writes_its_strand() {
    let mut record = record();
    let mut author = Author::new(SESSION, Strand::Agent);
    let parts = [Opening::make([0; 32], b"{}").unwrap().part(PartName::Body, None)];
    let stranger = SigningKey::new("device", [8; 32]).named(device().verifier().name.clone());
    let event = author.write(Kind::Open { versions: vec![1] }, &parts, Wall::MIN, &stranger);
    let foreign = Signed { note: event.bytes().to_vec(), openings: Vec::new() };
    assert!(matches!(record.take(&foreign, None, 0), Err(RecordError::Signature(_))));

    let mut elsewhere = Author::new(SessionId([2; 16]), Strand::Agent);
    let event = elsewhere.write(Kind::Open { versions: vec![1] }, &parts, Wall::MIN, &device());
    let elsewhere = Signed { note: event.bytes().to_vec(), openings: Vec::new() };
    assert!(matches!(record.take(&elsewhere, None, 0), Err(RecordError::Elsewhere)));
    assert!(record.ready(0, true).is_empty());
}

#[test]
fn two_events_for_one_place_and_broken_chains_are_refused() {
    let story = story();
    let mut record = record();
    record.take(&story[0].1, None, 0).unwrap();
    record.take(&story[1].1, None, 0).unwrap();
    let mut other = Author::new(SESSION, Strand::Agent);
    other.follow(&story[0].0);
    let (_, twin) = signed(&mut other, Kind::Chat, &Body::Said(Said { text: Foreign::new("other") }), 7);
    assert!(matches!(record.take(&twin, None, 0), Err(RecordError::Contradiction)));
    let (_, child) = signed(&mut other, Kind::Chat, &Body::Said(Said { text: Foreign::new("child") }), 8);
    assert!(matches!(record.take(&child, None, 0), Err(RecordError::Contradiction)));
}

#[test]
fn words_must_be_the_ones_committed_to() {
    let story = story();
    let Signed { note, openings } = story[1].1.clone();
    let mut changed = openings.clone();
    changed[0].plaintext = b"{\"text\":\"HELLO\"}".to_vec();
    let twice = [openings.clone(), openings].concat();
    let mut record = record();
    let refused = record.take(&Signed { note: note.clone(), openings: changed }, None, 0);
    assert!(matches!(refused, Err(RecordError::Words(PartError::WrongCommitment))));
    assert!(matches!(record.take(&Signed { note, openings: twice }, None, 0), Err(RecordError::Openings)));
}

#[test]
fn d4_a_line_of_the_agent_is_as_long_as_free_text_may_be() {
    for (length, fits) in [(TEXT_MAX - 1, true), (TEXT_MAX, true), (TEXT_MAX + 1, false)] {
        let (mut author, text) = (begun(), Foreign::new("ñ".repeat(length)));
        let (_, line) = signed(&mut author, Kind::Chat, &Body::Said(Said { text }), 1);
        let taken = record().take(&line, None, 0);
        assert_eq!(taken.is_ok(), fits, "{length}");
        assert!(fits || matches!(taken, Err(RecordError::TooLong)));
    }
}

#[test]
fn d4_an_agent_says_so_much_within_a_minute() {
    let mut author = begun();
    let mut line = || signed(&mut author, Kind::Chat, &Body::Said(Said { text: Foreign::new("hello") }), 1).1;
    let mut record = record();
    let first = line();
    record.take(&first, None, MINUTE_MS).unwrap();
    for n in 1..AGENT_EVENTS_PER_MINUTE {
        assert!(record.take(&line(), None, MINUTE_MS).is_ok(), "{n}");
    }
    // What comes again after a reconnect is nothing new.
    record.take(&first, None, MINUTE_MS).unwrap();
    let next = line();
    assert!(matches!(record.take(&next, None, 2 * MINUTE_MS - 1), Err(RecordError::TooFast)));
    assert!(record.take(&next, None, 2 * MINUTE_MS).is_ok());
}

#[test]
fn f4_receipts_of_two_histories_are_refused() {
    let story = story();
    let (open, signed) = &story[0];
    let mut record = record();
    record.take(signed, Some(&receipt(open, Some(1))), 0).unwrap();
    assert_eq!(record.index(EntryRef { author: Strand::Agent, seq: 0 }), Some(0));
    assert!(record.first().is_some());
    assert!(matches!(record.take(signed, Some(&receipt(open, Some(2))), 0), Err(RecordError::Fork(_))));
    let of_another = receipt(&story[1].0, None);
    assert!(matches!(record.take(signed, Some(&of_another), 0), Err(RecordError::Receipt(_))));
}

#[test]
fn our_events_quote_what_we_saw_and_can_be_opened() {
    let story = story();
    let mut record = record();
    record.take(&story[0].1, Some(&receipt(&story[0].0, None)), 0).unwrap();
    let said = Write::Chat(Said { text: Foreign::new("hi") });
    let (0, ToAgent::Chat(Signed { note, openings })) = record.write(Record::words(said).unwrap(), None, NOW).unwrap()
    else {
        panic!("not a chat line")
    };
    let event = Event::parse(&note).unwrap();
    let header = event.header();
    assert_eq!((header.author, header.seq), (US, 0));
    assert_eq!(header.seen.get(&Strand::Agent), Some(&story[0].0.leaf()));
    assert_eq!(header.after.as_ref().map(|after| after.size), Some(1));
    let opening = Opening::make(openings[0].random, &openings[0].plaintext).unwrap();
    assert_eq!(header.parts, [opening.part(PartName::Body, None)]);
    assert_eq!(event.verify(SigningKey::new("member", [3; 32]).verifier()), Ok(()));
}

#[test]
fn e4_an_agent_that_doesnt_seal_as_the_statement_says_is_refused() {
    let story = story();
    for names_auditors in [false, true] {
        let mut record = record_of(names_auditors);
        for (n, (event, signed)) in story.iter().enumerate() {
            // The agent of this story seals nothing; what has no words can't be sealed either way.
            let lies = names_auditors && !event.header().parts.is_empty();
            let taken = record.take(signed, None, 0);
            assert_eq!(matches!(taken, Err(RecordError::Sealing)), lies, "{n}: {taken:?}");
        }
        assert_eq!(record.is_sealed(), names_auditors);
    }
}

#[test]
fn e4_sealed_to_nobody_the_statement_names_is_refused() {
    let mut author = Author::new(SESSION, Strand::Agent);
    let body = Body::Open(Open::default());
    let plaintext = body.encode().unwrap();
    let part = Opening::make([0; 32], &plaintext).unwrap().part(PartName::Body, Some([7; 32]));
    let event = author.write(Kind::Open { versions: vec![1] }, &[part], Wall::MIN, &device());
    let openings = vec![BareOpening { random: [0; 32], plaintext }];
    let signed = Signed { note: event.bytes().to_vec(), openings };
    assert!(matches!(record().take(&signed, None, 0), Err(RecordError::Sealing)));
    record_of(true).take(&signed, None, 0).unwrap();
}
