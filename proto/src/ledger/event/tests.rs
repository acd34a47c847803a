use std::num::NonZeroU16;

use proptest::prelude::*;

use super::*;
use crate::ledger::kind::{Addition, Answer, Cause, Verified, Why};
use crate::ledger::part::Opening;

fn key() -> SigningKey {
    SigningKey::new("device", [1; 32])
}

fn technician() -> Strand {
    Strand::Technician(NonZeroU16::MIN)
}

fn leaf(n: u8) -> Leaf {
    Leaf([n; 32])
}

fn part(name: PartName) -> PartRef {
    Opening::make([7; 32], b"{}").unwrap().part(name, Some([8; 32]))
}

/// A header of every kind, as its author may write it.
fn headers() -> Vec<Header> {
    let agent = |kind| {
        let seq = u64::from(!matches!(kind, Kind::Open { .. })) * 3;
        Header {
            session: SessionId([0x5f; 16]),
            author: Strand::Agent,
            seq,
            prev: (seq > 0).then(|| leaf(1)),
            seen: BTreeMap::from([(technician(), leaf(2))]),
            time: Wall::from_ms(1_795_514_402_000),
            after: Some(After { origin: KeyName::new("relay.example/log").unwrap(), size: 1003, root: [9; 32] }),
            parts: part_names(&kind).iter().map(|&name| part(name)).collect(),
            kind,
        }
    };
    let ana = |kind| Header { author: technician(), seen: BTreeMap::from([(Strand::Agent, leaf(2))]), ..agent(kind) };
    let (by, cause) = (Cause::Person, Cause::NoEyes);
    vec![
        Header { after: None, seen: BTreeMap::new(), ..agent(Kind::Open { versions: vec![1, 2] }) },
        agent(Kind::Join { strand: technician(), key: key().verifier().clone(), verified: Verified::Code }),
        agent(Kind::Consent { asked: leaf(3), answer: Answer::Silence, took: 120_000 }),
        ana(Kind::Request),
        agent(Kind::Admit { request: leaf(3), grant: leaf(4) }),
        agent(Kind::Refuse { request: leaf(3), why: Why::OutsideGrant }),
        agent(Kind::Result { admit: leaf(3), status: Status::Done }),
        agent(Kind::Result { admit: leaf(3), status: Status::Withheld }),
        agent(Kind::Series { admit: leaf(3), samples: 50, block: [6; 32] }),
        ana(Kind::Chat),
        agent(Kind::Note),
        agent(Kind::Redaction { admit: leaf(3) }),
        agent(Kind::Pause { by, cause }),
        agent(Kind::Resume { by, cause }),
        agent(Kind::Stop { by, cause }),
        ana(Kind::Signoff { tips: BTreeMap::from([(Strand::Agent, (9, leaf(5))), (technician(), (3, leaf(1)))]) }),
        agent(Kind::Close { by, cause, held: BTreeMap::from([(Strand::Agent, 4), (technician(), 1)]) }),
        ana(Kind::Addendum { about: leaf(3), what: Addition::Rating }),
    ]
}

fn signed(line: &str) -> Result<Event, EventError> {
    Event::parse(&note::sign(&format!("{EVENT}\n{line}\n"), &key()))
}

#[test]
fn every_kind_comes_back() {
    for header in headers() {
        let event = header.clone().sign(&key());
        let again = Event::parse(event.bytes());
        assert_eq!(again.as_ref(), Ok(&event));
        assert_eq!(event.header(), &header);
        assert_eq!(event.leaf(), note::leaf(event.bytes()));
        assert_eq!(event.verify(key().verifier()), Ok(()));
        assert_eq!(event.key_name(), Some(&key().verifier().name));
    }
    let mut kinds: Vec<_> = headers().iter().map(|header| header.kind.name()).collect();
    kinds.dedup();
    assert_eq!(kinds, KindName::ALL, "every kind is tested");
}

#[test]
fn e5_the_schema_is_closed() {
    for header in headers() {
        let line = json::signed_line(&header);
        let fields = json::signed_object(&line).unwrap();
        for (name, value) in &fields {
            let mut without = fields.clone();
            without.remove(name);
            let without = json::signed_line(&without);
            assert!(signed(&without).is_err(), "without {name}: {line}");
            assert!(signed(&format!("{{\"{name}\":{value},{}", &line[1..])).is_err(), "{name} twice: {line}");
            for other in [r#""x""#, "0.5", "-1", "9007199254740993", "[]", "[0]", "{}", "true", "null", r#"{"a":0}"#] {
                let mut changed = fields.clone();
                changed.insert(name.clone(), serde_json::from_str(other).unwrap());
                if let Ok(event) = signed(&json::signed_line(&changed)) {
                    // Only where the type really allows it: an empty list or object.
                    let allowed = matches!((name.as_str(), other), ("versions", "[]" | "[0]") | ("seen", "{}"));
                    let open_after = name == "after" && other == "null";
                    let same = changed == fields;
                    assert!(same || allowed || open_after, "{name} = {other}: {:?}", event.header());
                }
            }
        }
        for extra in ["item", "name", "why ", "text"] {
            let error = signed(&format!("{{\"{extra}\":\"x\",{}", &line[1..]));
            assert_eq!(error, Err(EventError::Json(JsonError::Unknown)), "{line}");
        }
        // Inside too.
        for (at, _) in line.match_indices('{').skip(1) {
            assert!(signed(&format!("{}{{\"x\":1,{}", &line[..at], &line[at + 1..])).is_err(), "{line}");
        }
        for (from, to) in
            [("\"kind\":\"", "\"kind\":\"x"), ("\"name\":\"b", "\"name\":\"B"), ("\"author\":\"", "\"author\":\" ")]
        {
            if line.contains(from) {
                assert!(signed(&line.replacen(from, to, 1)).is_err(), "{to}: {line}");
            }
        }
    }
}

#[test]
fn e5_the_text_is_at_most_16_kib() {
    let header = &headers()[3];
    let line = json::signed_line(header);
    for (more, fits) in [(0, true), (1, false)] {
        let spaces = note::TEXT_MAX - EVENT.len() - 2 - line.len() + more;
        let padded = format!("{{{}{}", " ".repeat(spaces), &line[1..]);
        assert_eq!(signed(&padded).is_ok(), fits, "{more}");
    }
}

#[test]
fn exactly_one_signature() {
    let event = headers().remove(3).sign(&key());
    let mut twice = Note::parse(event.bytes()).unwrap();
    twice.add_signature(&SigningKey::new("device", [2; 32]));
    assert_eq!(Event::parse(&twice.to_bytes()), Err(EventError::Note(NoteError::NotOneSignature)));
}

#[test]
fn only_the_agent_decides_and_only_technicians_ask() {
    for header in headers() {
        let kind = header.kind.name();
        let others = [Strand::Agent, technician(), Strand::Observer(NonZeroU16::MIN)];
        for author in others.into_iter().filter(|&author| author != header.author) {
            let moved = Header { author, seen: BTreeMap::new(), ..header.clone() };
            let anyone = matches!(kind, KindName::Chat | KindName::Note | KindName::Addendum);
            let error = moved.check();
            assert_eq!(error == Err(EventError::WrongAuthor), !anyone, "{kind} by {author}");
        }
    }
}

#[test]
fn parts_fit_the_kind() {
    for header in headers() {
        let mut more = header.clone();
        more.parts.push(part(PartName::Body));
        assert_eq!(more.check(), Err(EventError::Parts));
        if header.parts.is_empty() {
            continue;
        }
        let none = Header { parts: Vec::new(), ..header.clone() };
        assert_eq!(none.check(), Err(EventError::Parts));
        if let Kind::Result { admit, .. } = header.kind {
            for (status, fits) in
                [(Status::Failed, true), (Status::Killed, true), (Status::Late, true), (Status::Unknown, false)]
            {
                let silent = Header { kind: Kind::Result { admit, status }, ..none.clone() };
                assert_eq!(silent.check().is_ok(), fits, "{status:?}");
            }
        }
        for len in [0, 1023, 1025, 2048, 4 << 20] {
            let mut odd = header.clone();
            odd.parts[0].len = len;
            assert_eq!(odd.check(), Err(EventError::Parts), "{len}");
        }
    }
}

#[test]
fn an_event_does_not_contradict_itself() {
    type Change = fn(&mut Header);
    let changes: [(usize, Change, EventError); 9] = [
        (0, |h| h.prev = Some(Leaf([0; 32])), EventError::Prev),
        (3, |h| h.prev = None, EventError::Prev),
        (3, |h| h.seen = BTreeMap::from([(h.author, Leaf([0; 32]))]), EventError::SeesItself),
        (1, |h| (h.seq, h.prev) = (0, None), EventError::Contradiction("kind")),
        (0, |h| (h.seq, h.prev) = (1, Some(Leaf([0; 32]))), EventError::Contradiction("kind")),
        (
            1,
            |h| {
                h.kind = Kind::Join { strand: Strand::Agent, key: key().verifier().clone(), verified: Verified::Code };
            },
            EventError::Contradiction("strand"),
        ),
        (15, |h| h.kind = Kind::Signoff { tips: BTreeMap::new() }, EventError::Contradiction("tips")),
        (15, |h| (h.seq, h.prev) = (2, Some(Leaf([1; 32]))), EventError::Contradiction("tips")),
        (16, |h| (h.seq, h.prev) = (4, Some(Leaf([1; 32]))), EventError::Contradiction("final")),
    ];
    for (which, change, error) in changes {
        let mut header = headers().remove(which);
        change(&mut header);
        assert_eq!(Event::parse(header.clone().sign(&key()).bytes()), Err(error), "{header:?}");
    }
}

/// What the strict reader says of a line.
fn strictly(line: &str) -> Option<Header> {
    header::read(json::signed_object(line).ok()?).ok()
}

#[test]
fn e5_the_quick_reader_takes_nothing_the_strict_one_refuses() {
    for header in headers() {
        let good = json::signed_line(&header);
        assert_eq!(canonical::read(&good).as_ref(), Some(&header), "our own spelling goes the quick way: {good}");
        assert_eq!(strictly(&good), Some(header));
        for at in 0..good.len() {
            let (before, from) = (&good[..at], &good[at..]);
            let mut bad: Vec<String> =
                " \"\\{}[],:01-.eaZ=\u{e9}".chars().map(|c| format!("{before}{c}{}", &from[1..])).collect();
            bad.push(format!("{before}{}", &from[1..]));
            bad.push(format!("{before}{}{from}", &from[..1]));
            bad.push(before.to_owned());
            for line in bad {
                if let Some(read) = canonical::read(&line) {
                    assert_eq!(strictly(&line), Some(read), "{line}");
                }
            }
        }
    }
    let twice = json::signed_line(&headers()[15]).replacen(
        "\"agent\":[",
        "\"agent\":[9,\"BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=\"],\"agent\":[",
        1,
    );
    assert_eq!((canonical::read(&twice), strictly(&twice)), (None, None), "{twice}");
    let spaced = json::signed_line(&headers()[3]).replacen(",\"", ", \"", 1);
    assert_eq!((canonical::read(&spaced), strictly(&spaced)), (None, Some(headers().remove(3))));
}

#[test]
fn every_flipped_bit_is_refused() {
    for header in headers() {
        let good = header.sign(&key());
        for at in 0..good.bytes().len() {
            let mut bad = good.bytes().to_vec();
            bad[at] ^= 1 << (at % 8);
            let accepted = Event::parse(&bad).is_ok_and(|event| event.verify(key().verifier()).is_ok());
            assert!(!accepted, "byte {at}");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Event::parse(&bytes);
    }

    #[test]
    fn any_line_never_panics(line in "[ -~]{0,200}") {
        let _ = signed(&line);
    }

    #[test]
    fn any_header_comes_back(
        session: [u8; 16], seq in 0..=json::INTEGER_MAX - 1, hashes: [[u8; 32]; 4], ms: i64, size in 0..=json::INTEGER_MAX,
        seen in proptest::collection::btree_map(1..=u16::MAX, any::<[u8; 32]>(), 0..5), sealed: bool, quoted: bool,
    ) {
        let observer = |n| NonZeroU16::new(n).map_or(Strand::Agent, Strand::Observer);
        let header = Header {
            session: SessionId(session),
            author: technician(),
            seq,
            prev: (seq > 0).then_some(Leaf(hashes[0])),
            seen: seen.into_iter().map(|(n, leaf)| (observer(n), Leaf(leaf))).collect(),
            kind: Kind::Request,
            time: Wall::from_ms(ms),
            after: quoted.then(|| After { origin: KeyName::new("a/b").unwrap(), size, root: hashes[1] }),
            parts: vec![PartRef { name: PartName::Body, commit: hashes[2], len: 4096, sealed: sealed.then_some(hashes[3]) }],
        };
        let event = header.clone().sign(&key());
        prop_assert_eq!(Event::parse(event.bytes()).map(|event| event.header().clone()), Ok(header));
    }
}
