use super::*;
use crate::fingerprint::Fingerprint;
use crate::foreign::Foreign;
use crate::id::{SessionId, Strand};
use crate::key::SigningKey;
use crate::ledger::kind::Kind;
use crate::ledger::merkle::{self, Tree};
use crate::ledger::note;
use crate::ledger::part::{Opening, PartName};
use crate::ledger::pin::{Pin, PinError};
use crate::ledger::strand::Author;
use crate::statement::{Relay, Role};

fn key(kind: &str, seed: u8) -> SigningKey {
    SigningKey::new(kind, [seed; 32])
}

fn log() -> SigningKey {
    key("log", 2)
}

fn root() -> Fingerprint {
    Fingerprint::of(key("root", 1).verifier())
}

fn statement() -> Vec<u8> {
    let relay = Relay {
        name: Foreign::new("a"),
        address: "relay.example:4433".parse().unwrap(),
        tls: *key("tls", 3).public(),
        log: log().verifier().clone(),
    };
    Statement {
        root: key("root", 1).verifier().clone(),
        organisation: Foreign::new("Ayuda"),
        serial: 1,
        not_after: Wall::from_ms(1_795_514_402_000),
        relays: vec![relay],
        authority: key("authority", 4).verifier().clone(),
        auditors: Vec::new(),
        witnesses: Vec::new(),
        packs: Vec::new(),
        keep_days: 30,
        quorum: 0,
    }
    .sign(&key("root", 1))
}

/// Checkpoint of `size` leaves of history `story`, and its proof from `from`.
fn history(story: u8, from: u64, size: u64) -> (Vec<u8>, Vec<Hash>) {
    let (mut tree, mut nodes) = (Tree::new(), Vec::new());
    for n in 0..size {
        tree.append(note::leaf(&[story, n as u8]), |level, index, hash| nodes.push(((level, index), hash)));
    }
    let node = |level, index| nodes.iter().find(|(name, _)| *name == (level, index)).map(|(_, hash)| *hash);
    let proof = merkle::consistency(from, size, node).unwrap();
    (Checkpoint::of(log().verifier(), size, tree.root()).sign(&log()), proof)
}

/// What a pin at `known` entries of history 1 says to `shown` entries of history 2.
fn found(known: u64, shown: u64) -> File {
    let mut pin = Pin::new(&history(1, 0, known).0, log().verifier()).unwrap();
    let (note, proof) = history(2, known, shown);
    match pin.advance(&note, log().verifier(), Some(&proof)) {
        Err(PinError::Evidence(evidence)) => File::of_log(statement(), &evidence),
        other => panic!("{other:?}"),
    }
}

fn event(text: &[u8], by: &SigningKey) -> Vec<u8> {
    let part = Opening::make([1; 32], text).unwrap().part(PartName::Body, None);
    let mut author = Author::new(SessionId([7; 16]), Strand::Agent);
    author.write(Kind::Open { versions: vec![1] }, &[part], Wall::from_ms(1), by).bytes().to_vec()
}

fn member(of: &SigningKey) -> Vec<u8> {
    let member = Member {
        key: of.verifier().clone(),
        name: Foreign::new("Ana"),
        role: Role::Technician,
        level: 2,
        not_after: Wall::from_ms(1_795_514_402_000),
    };
    member.sign(&key("authority", 4))
}

fn equivocation() -> File {
    let (known, shown) = (event(b"{}", &key("key", 5)), event(b"{ }", &key("key", 5)));
    let claim = Claim::Equivocation { key: key("key", 5).verifier().clone(), member: None, known, shown };
    File { statement: statement(), claim }
}

fn withheld() -> File {
    let claim = Claim::Withheld {
        origin: log().verifier().name.clone(),
        key: key("key", 5).verifier().clone(),
        from: Wall::from_ms(1),
        to: Wall::from_ms(60_000),
        events: vec![event(b"{}", &key("key", 5)); EVENTS_MAX],
    };
    File { statement: statement(), claim }
}

fn named() -> Roots<'static> {
    Roots { named: Some(root()), known: &[] }
}

#[test]
fn f4_each_file_is_read_back_and_judged() {
    let files = [
        (found(5, 5), Accusation::Fork, true),
        (found(5, 8), Accusation::Inconsistent, true),
        (equivocation(), Accusation::Equivocation, true),
        (withheld(), Accusation::Withheld, false),
    ];
    for (file, fault, proves) in files {
        let bytes = file.to_bytes();
        assert!(File::is_one(&bytes) && bytes.len() <= FILE_MAX);
        assert_eq!(File::parse(&bytes), Ok(file.clone()));
        let judged = file.judge(named()).unwrap();
        assert_eq!((judged.fault, judged.proves, judged.rooted), (fault, proves, true), "{}", judged.why);
        assert!(!file.judge(Roots::default()).unwrap().rooted, "keys from the file alone");
        assert!(file.judge(Roots { named: None, known: &[root()] }).unwrap().rooted);
        let other = Fingerprint::of(key("root", 9).verifier());
        let refused = file.judge(Roots { named: Some(other), known: &[] });
        assert_eq!(refused, Err(EvidenceError::OtherRoot(root().to_string())));
    }
}

#[test]
fn f4_every_flipped_bit_is_refused() {
    for file in [found(5, 5), equivocation()] {
        let good = file.to_bytes();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(File::parse(&bad).and_then(|file| file.judge(named())).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn f4_what_may_both_be_true_accuses_nobody() {
    let (five, _) = history(1, 0, 5);
    let (eight, proof) = history(1, 5, 8);
    let judged = |claim| File { statement: statement(), claim }.judge(named());
    let same = Claim::Fork { known: five.clone(), shown: five.clone() };
    assert_eq!(judged(same), Err(EvidenceError::NoContradiction));
    let grown = Claim::Inconsistent { known: five, shown: eight, proof };
    assert_eq!(judged(grown), Err(EvidenceError::NoContradiction));
    let theirs = Checkpoint::of(key("log", 9).verifier(), 5, [9; 32]).sign(&key("log", 9));
    let foreign = Claim::Fork { known: theirs.clone(), shown: theirs };
    assert!(matches!(judged(foreign), Err(EvidenceError::UnknownLog(_))));
}

#[test]
fn e6_an_author_is_accused_by_their_own_key_only() {
    let (own, other) = (key("key", 5), key("key", 6));
    let judged = |key: &SigningKey, member, known, shown| {
        let claim = Claim::Equivocation { key: key.verifier().clone(), member, known, shown };
        File { statement: statement(), claim }.judge(named())
    };
    let (one, two) = (event(b"{}", &own), event(b"{ }", &own));
    assert_eq!(judged(&own, Some(member(&own)), one.clone(), two.clone()).unwrap().who, "Ana");
    assert_eq!(judged(&own, Some(member(&other)), one.clone(), two.clone()), Err(EvidenceError::Member));
    assert_eq!(judged(&other, None, one.clone(), two), Err(EvidenceError::Author));
    assert_eq!(judged(&own, None, one.clone(), event(b"{ }", &other)), Err(EvidenceError::Author));
    assert_eq!(judged(&own, None, one.clone(), one), Err(EvidenceError::SameOrElsewhere));
}

#[test]
fn f7_an_evidence_file_is_no_note_and_no_note_is_evidence() {
    assert!(Statement::open_unpinned(&found(5, 5).to_bytes()).is_err());
    assert!(!File::is_one(&statement()));
    assert_eq!(File::parse(&statement()), Err(EvidenceError::Line(1)));
}

#[test]
fn limits_at_and_above() {
    let mut file = withheld();
    let Claim::Withheld { events, .. } = &mut file.claim else { panic!("withheld") };
    events.push(event(b"{}", &key("key", 5)));
    assert!(matches!(File::parse(&file.to_bytes()), Err(EvidenceError::Line(_))), "one event too many");
    let mut long = format!("{EVIDENCE}\n").into_bytes();
    long.resize(FILE_MAX, b'x');
    assert!(matches!(File::parse(&long), Err(EvidenceError::Line(_))));
    long.push(b'x');
    assert_eq!(File::parse(&long), Err(EvidenceError::TooLong));
    for (from, to) in [("note known ", "note known 0"), ("\nfork\n", "\nfork \n"), ("\nfork\n", "\nfork\nkey x\n")] {
        let text = String::from_utf8(found(5, 5).to_bytes()).unwrap();
        assert!(text.contains(from));
        assert!(File::parse(text.replacen(from, to, 1).as_bytes()).is_err(), "{to}");
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_never_panic_and_have_one_spelling(tail in "[a-z0-9 \n+/=]{0,200}") {
        let bytes = format!("{EVIDENCE}\n{tail}").into_bytes();
        if let Ok(file) = File::parse(&bytes) {
            proptest::prop_assert_eq!(file.to_bytes(), bytes);
        }
    }
}
