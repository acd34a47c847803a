//! Golden bytes: one example of everything that is signed, and of every body, as files a reviewer can read.
//!
//! They are one small session, in order, with fixed keys. A change here is a change of the ledger's format: it needs a
//! new first line, not a new golden file. After a deliberate change, `VENIA_BLESS=1 cargo test -p venia-proto --test
//! golden` writes them again.

#![expect(clippy::disallowed_methods, reason = "golden bytes are files; only the product's code touches none")]
#![expect(clippy::unwrap_used, reason = "the whole file is a test: a panic is how it reports")]

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use std::path::Path;

use venia_proto::fingerprint::Fingerprint;
use venia_proto::foreign::Foreign;
use venia_proto::id::{Leaf, SessionId, Strand};
use venia_proto::key::{KeyName, SigningKey};
use venia_proto::ledger::batch::Batch;
use venia_proto::ledger::body::{self, Body};
use venia_proto::ledger::event::{After, Event, part_names};
use venia_proto::ledger::kind::{Addition, Answer, Cause, Kind, KindName, Status, Verified, Why};
use venia_proto::ledger::note;
use venia_proto::ledger::notice::Notice;
use venia_proto::ledger::part::{Opening, PartRef};
use venia_proto::ledger::strand::{Admission, Author, Strands};
use venia_proto::now::Wall;
use venia_proto::report::{Draft, Report};
use venia_proto::scope::Scope;
use venia_proto::statement::{Member, PackHash, Relay, Role, Statement, WitnessKey};

const SESSION: SessionId = SessionId([0x5f; 16]);
const ANA: Strand = Strand::Technician(NonZeroU16::MIN);

fn golden(name: &str, bytes: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("VENIA_BLESS").is_some() {
        std::fs::write(&path, bytes).unwrap();
    }
    let golden = std::fs::read(&path).unwrap_or_default();
    assert_eq!(String::from_utf8_lossy(bytes), String::from_utf8_lossy(&golden), "{name}");
    assert_eq!(bytes, golden, "{name}");
}

fn key(kind: &str) -> SigningKey {
    let mut seed = [0; 32];
    seed[..kind.len()].copy_from_slice(kind.as_bytes());
    SigningKey::new(kind, seed)
}

fn log() -> SigningKey {
    key("log").named(KeyName::new("relay.example/log").unwrap())
}

fn time(seconds: i64) -> Wall {
    Wall::from_ms(1_795_428_000_000 + seconds * 1_000)
}

fn statement() -> Statement {
    let witness = key("witness");
    Statement {
        root: key("root").verifier().clone(),
        organisation: Foreign::new("Ayuda Ñandú"),
        serial: 7,
        not_after: time(365 * 86_400),
        relays: vec![Relay {
            name: Foreign::new("madrid"),
            address: "relay.example:4433".parse().unwrap(),
            tls: *key("tls").public(),
            log: log().verifier().clone(),
        }],
        authority: key("authority").verifier().clone(),
        auditors: vec!["age1vr80xrz0x65k2v0rswwsdeeas5zljqd0rsx90w4w3zcfcxwnfgkqev4zq4".into()],
        witnesses: vec![WitnessKey { name: witness.verifier().name.clone(), key: *witness.public() }],
        packs: vec![PackHash([7; 32])],
        keep_days: 30,
        quorum: 1,
    }
}

fn member() -> Member {
    Member {
        key: key("member").verifier().clone(),
        name: Foreign::new("Ana Núñez"),
        role: Role::Technician,
        level: 2,
        not_after: time(86_400),
    }
}

fn batch() -> Batch {
    Batch { origin: log().verifier().name.clone(), n: 3, observed: time(2), previous: Some(Leaf([7; 32])) }
}

fn said(text: &str) -> Body {
    Body::Said(body::Said { text: Foreign::new(text) })
}

/// Writes the session; every event is the next of its strand and knows all before it.
struct Story {
    strands: Strands,
    agent: Author,
    ana: Author,
    seconds: i64,
    events: Vec<(Kind, Body, Event)>,
}

impl Story {
    fn tell(&mut self, author: Strand, kind: Kind, body: Body) -> Leaf {
        self.seconds += 1;
        let parts: Vec<PartRef> = match part_names(&kind) {
            [] => Vec::new(),
            [name, ..] => {
                let plaintext = body.encode().unwrap_or_else(|| b"42 43 44\n".to_vec());
                vec![Opening::make([0x2a; 32], &plaintext).unwrap().part(*name, None)]
            }
        };
        let event = if author == Strand::Agent {
            self.agent.write(kind.clone(), &parts, time(self.seconds), &key("device"))
        } else {
            self.ana.write(kind.clone(), &parts, time(self.seconds), &key("member"))
        };
        assert_eq!(self.strands.admit(&event), Ok(Admission::New));
        self.agent.follow(&event);
        self.ana.follow(&event);
        let after = After { origin: log().verifier().name.clone(), size: 1_000 + event.header().seq, root: [9; 32] };
        self.agent.receipted(after);
        self.events.push((kind, body, event.clone()));
        event.leaf()
    }
}

fn story() -> Vec<(Kind, Body, Event)> {
    let agent = Strand::Agent;
    let mut s = Story {
        strands: Strands::new(SESSION, key("device").verifier().clone()),
        agent: Author::new(SESSION, agent),
        ana: Author::new(SESSION, ANA),
        seconds: 0,
        events: Vec::new(),
    };
    let item = body::ItemId("network.gateway".into());
    let definition = body::DefinitionHash("ab".repeat(32));
    let arguments = BTreeMap::from([("count".to_owned(), "3".to_owned())]);
    let (by, cause) = (Cause::Person, Cause::Lock);

    s.tell(
        agent,
        Kind::Open { versions: vec![1] },
        Body::Open(body::Open {
            about: Some(Foreign::new("no hay Internet")),
            since: Some(Foreign::new("ayer")),
            language: body::Language::Es,
            called: None,
            skew_ms: Some(-1_500),
        }),
    );
    let asked = body::Asked { item: item.clone(), definition: definition.clone(), arguments: arguments.clone() };
    let join = s.tell(
        agent,
        Kind::Join { strand: ANA, key: key("member").verifier().clone(), verified: Verified::Code },
        Body::Join(body::Join {
            member: String::from_utf8(member().sign(&key("authority"))).unwrap(),
            reason: Foreign::new("look at the network"),
            offer: body::Offer { scopes: BTreeSet::from([Scope::Network]), items: vec![asked] },
        }),
    );
    let allowed = body::Allowed {
        item: item.clone(),
        definition: definition.clone(),
        values: BTreeMap::from([("count".to_owned(), BTreeSet::from(["3".to_owned()]))]),
        uses: 1,
    };
    let consent = s.tell(
        agent,
        Kind::Consent { asked: join, answer: Answer::Yes, took: 4_200 },
        Body::Consent(body::Consent {
            text: "¿Permitir?".into(),
            language: body::Language::Es,
            scopes: BTreeSet::from([Scope::Network]),
            items: vec![allowed],
            minutes: Some(30),
        }),
    );
    let ask =
        body::Request { item: item.clone(), definition: definition.clone(), arguments, why: Foreign::new("first") };
    let request = s.tell(ANA, Kind::Request, Body::Request(ask.clone()));
    let fences = vec!["process-group".to_owned()];
    let admit =
        s.tell(agent, Kind::Admit { request, grant: consent }, Body::Admit(body::Admit { item, definition, fences }));
    let rules = BTreeMap::from([("mac".to_owned(), 2)]);
    s.tell(agent, Kind::Redaction { admit }, Body::Redaction(body::Redaction { set: "shapes-1".into(), rules }));
    s.tell(agent, Kind::Series { admit, samples: 3, block: [6; 32] }, Body::None);
    let mut draft = Draft::default();
    draft.fact("loss", 0.5, "%");
    let report = Report { facts: draft.facts, tables: draft.tables, findings: Vec::new() };
    s.tell(
        agent,
        Kind::Result { admit, status: Status::Done },
        Body::Result(body::Outcome { report: Some(report), detail: Foreign::new("") }),
    );
    let again = s.tell(ANA, Kind::Request, Body::Request(ask));
    s.tell(
        agent,
        Kind::Refuse { request: again, why: Why::OutsideGrant },
        Body::Refuse(body::Refuse { detail: Foreign::new("one use was allowed") }),
    );
    s.tell(ANA, Kind::Chat, said("¿Está encendido el router?"));
    s.tell(agent, Kind::Note, said("the router was off"));
    s.tell(agent, Kind::Pause { by, cause }, Body::None);
    s.tell(agent, Kind::Resume { by, cause }, Body::None);
    let tips = s.ana.tips();
    s.tell(
        ANA,
        Kind::Signoff { tips },
        Body::Signoff(body::Signoff {
            outcome: Foreign::new("solved"),
            next: Foreign::new("nothing"),
            observations: None,
        }),
    );
    s.tell(agent, Kind::Stop { by: Cause::Person, cause: Cause::Done }, Body::None);
    let held = s.agent.held();
    let close = s.tell(agent, Kind::Close { by: Cause::Technician, cause: Cause::Done, held }, Body::None);
    s.tell(
        agent,
        Kind::Addendum { about: close, what: Addition::Rating },
        Body::Addendum(body::Addendum { stars: Some(5), comment: Some(Foreign::new("gracias")), correction: None }),
    );
    s.events
}

#[test]
fn statement_member_and_batch() {
    let bytes = statement().sign(&key("root"));
    golden("statement", &bytes);
    assert_eq!(Statement::open(&bytes, &Fingerprint::of(key("root").verifier())), Ok(statement()));
    let bytes = member().sign(&key("authority"));
    golden("member", &bytes);
    assert_eq!(Member::open(&bytes, &statement().authority), Ok(member()));
    let bytes = batch().sign(&log());
    golden("batch", &bytes);
    assert_eq!(Batch::open(&bytes, log().verifier()), Ok(batch()));
}

#[test]
fn every_kind_of_event_and_its_body() {
    let story = story();
    let told: BTreeSet<_> = story.iter().map(|(kind, ..)| kind.name()).collect();
    assert_eq!(told, BTreeSet::from(KindName::ALL), "the story has every kind");
    for (n, (kind, body, event)) in story.iter().enumerate() {
        let name = format!("{n:02}-{}", kind.name());
        golden(&format!("{name}.event"), event.bytes());
        assert_eq!(Event::parse(event.bytes()).as_ref(), Ok(event));
        if let Some(plaintext) = body.encode() {
            golden(&format!("{name}.body.json"), &plaintext);
            assert_eq!(Body::decode(kind.name(), &plaintext).as_ref(), Ok(body));
        }
    }
}

/// The same key signs everything here: only the first line tells the kinds apart.
#[test]
fn f7_no_kind_is_taken_for_another() {
    let key = key("one-for-all");
    let name = &key.verifier().name;
    let notes = [
        ("statement", Statement { root: key.verifier().clone(), ..statement() }.sign(&key)),
        ("member", member().sign(&key)),
        ("batch", Batch { origin: name.clone(), ..batch() }.sign(&key)),
        ("event", story().remove(0).2.header().clone().sign(&key).bytes().to_vec()),
        ("checkpoint", venia_proto::ledger::note::sign(&format!("{name}\n5\nAAAA\n"), &key)),
    ];
    for (kind, bytes) in notes {
        let accepted = [
            ("statement", Statement::open_unpinned(&bytes).is_ok()),
            ("member", Member::open(&bytes, key.verifier()).is_ok()),
            ("batch", Batch::open(&bytes, key.verifier()).is_ok()),
            ("event", Event::parse(&bytes).is_ok()),
        ];
        for (reader, accepted) in accepted {
            assert_eq!(accepted, reader == kind, "{kind} read as {reader}");
        }
        // Nor does another first line turn it into that kind.
        let text = String::from_utf8(bytes).unwrap();
        for line in ["venia/statement@v1", "venia/member@v1", "venia/batch@v1", "venia/event@v1"] {
            let rest = text.split_once('\n').unwrap().1;
            let moved = format!("{line}\n{rest}");
            if moved != text {
                assert!(Statement::open_unpinned(moved.as_bytes()).is_err());
                assert!(Member::open(moved.as_bytes(), key.verifier()).is_err());
                assert!(Batch::open(moved.as_bytes(), key.verifier()).is_err());
                assert!(Event::parse(moved.as_bytes()).map_or(true, |event| event.verify(key.verifier()).is_err()));
            }
        }
    }
}

/// What a document shows between fences.
fn fenced(document: &str) -> Vec<&str> {
    document
        .split("\n```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.split_once('\n'))
        .map(|(_, text)| text)
        .collect()
}

#[test]
fn the_examples_of_the_documents_are_what_the_code_writes() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(here.join("../docs/ledger.md")).unwrap();
    let files: Vec<Vec<u8>> = std::fs::read_dir(here.join("tests/golden"))
        .unwrap()
        .filter_map(|f| std::fs::read(f.unwrap().path()).ok())
        .collect();
    let (mut whole, mut cut) = (0, 0);
    for example in fenced(&document) {
        let text = format!("{example}\n");
        let Some((kind, rest)) = text.split_once('\n').filter(|(kind, _)| kind.starts_with("venia/")) else { continue };
        let line = rest.lines().next().unwrap();
        if text.contains("\u{2014} ") && !text.contains('\u{2026}') {
            assert!(files.iter().any(|file| *file == text.as_bytes()), "in no file of proto/tests/golden:\n{text}");
            whole += 1;
        } else {
            // Its signature is left out: signed by a log of that name, it is read, and written again the same.
            let origin =
                serde_json::from_str::<serde_json::Value>(line).unwrap()["origin"].as_str().unwrap().to_owned();
            let log = SigningKey::new("log", [1; 32]).named(KeyName::new(&origin).unwrap());
            let signed = note::sign(&format!("{kind}\n{line}\n"), &log);
            let notice = Notice::open(&signed, log.verifier()).unwrap();
            assert_eq!(String::from_utf8(notice.sign(&log)), String::from_utf8(signed));
            cut += 1;
        }
    }
    assert!(whole >= 1 && cut >= 2, "{whole} {cut}");
    let body = std::fs::read_to_string(here.join("tests/golden/14-signoff.body.json")).unwrap();
    assert!(fenced(&document).contains(&body.trim_end()), "the words of the example");
}
