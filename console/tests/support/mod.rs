//! A whole session as a relay and an agent would have recorded it, made without either: the technician asks for one
//! check, the person allows it, it runs, both close.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use venia_proto::catalog::Catalog;
use venia_proto::foreign::Foreign;
use venia_proto::id::{Leaf, SessionId, Strand};
use venia_proto::key::{KeyName, SigningKey};
use venia_proto::ledger::batch::Batch;
use venia_proto::ledger::body::{self, Body, ItemId, Language};
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::event::{After, Event};
use venia_proto::ledger::kind::{Answer, Cause, Kind, Status, Verified};
use venia_proto::ledger::merkle::{self, Hash, Tree};
use venia_proto::ledger::note::{Note, leaf};
use venia_proto::ledger::part::{Opening, PartName};
use venia_proto::ledger::proof::Proof;
use venia_proto::ledger::strand::Author;
use venia_proto::now::Wall;
use venia_proto::rendezvous::{Entry, ProvenBatch};
use venia_proto::report::Report;
use venia_proto::statement::{MEMBER_LIFE_MS, Member, Relay, Role, Statement};
use venia_relay::client::receipt::{Held, Proofs};

pub(crate) const SESSION: SessionId = SessionId(*b"a test's session");
const START: i64 = 1_795_514_400_000;
const TECHNICIAN: Strand = Strand::Technician(NonZeroU16::MIN);

/// A log in memory.
#[derive(Default)]
struct Log {
    tree: Tree,
    nodes: BTreeMap<(u8, u64), Hash>,
}

impl Log {
    fn append(&mut self, leaf: Leaf) -> u64 {
        let nodes = &mut self.nodes;
        self.tree.append(leaf, |level, index, hash| {
            nodes.insert((level, index), hash);
        })
    }

    fn entry(&self, index: u64) -> Entry {
        let node = |level, index| self.nodes.get(&(level, index)).copied();
        Entry { index, path: merkle::inclusion(index, self.tree.size(), node).unwrap() }
    }

    fn consistency(&self, from: u64) -> Vec<Hash> {
        let node = |level, index| self.nodes.get(&(level, index)).copied();
        merkle::consistency(from, self.tree.size(), node).unwrap()
    }
}

/// Everything of one session.
pub(crate) struct Session {
    pub(crate) held: Held,
    pub(crate) proofs: Proofs,
    pub(crate) root: SigningKey,
}

struct Maker {
    log_key: SigningKey,
    log: Log,
    batch: Option<Leaf>,
    clock: i64,
    events: Vec<Event>,
    openings: BTreeMap<[u8; 32], Vec<u8>>,
    entries: BTreeMap<(Strand, u64), u64>,
    /// Note and index of the newest batch.
    newest: (Vec<u8>, u64),
    first: Option<Proof>,
    salt: u8,
}

impl Maker {
    /// Signs an event, commits it in a batch of its own, and quotes that checkpoint from then on.
    fn write(&mut self, authors: &mut [(&mut Author, &SigningKey)], kind: Kind, body: Body) -> Leaf {
        self.clock += 1_000;
        self.salt += 1;
        let opening = body.encode().map(|plaintext| Opening::make([self.salt; 32], &plaintext).unwrap());
        let parts: Vec<_> = opening.iter().map(|opening| opening.part(PartName::Body, None)).collect();
        if let (Some(part), Some(opening)) = (parts.first(), &opening) {
            self.openings.insert(part.commit, opening.bytes().to_vec());
        }
        let (author, key) = &mut authors[0];
        let event = author.write(kind, &parts, Wall::from_ms(self.clock), key);
        let origin = self.log_key.verifier().name.clone();
        let observed = Wall::from_ms(self.clock);
        let batch = Batch { origin: origin.clone(), n: 1, observed, previous: self.batch }.sign(&self.log_key);
        self.batch = Some(leaf(&batch));
        self.newest = (batch.clone(), self.log.append(leaf(&batch)));
        let index = self.log.append(event.leaf());
        self.entries.insert((event.header().author, event.header().seq), index);
        let (size, root) = (self.log.tree.size(), self.log.tree.root());
        if self.first.is_none() {
            let checkpoint = Checkpoint::of(self.log_key.verifier(), size, root).sign(&self.log_key);
            let checkpoint = Note::parse(&checkpoint).unwrap();
            self.first = Some(Proof { index, siblings: self.log.entry(index).path, checkpoint, extra: None });
        }
        for (author, _) in authors {
            author.follow(&event);
            author.receipted(After { origin: origin.clone(), size, root });
        }
        let leaf = event.leaf();
        self.events.push(event);
        leaf
    }
}

/// The session; `level` is what the technician is certified for.
pub(crate) fn session(level: u8) -> Session {
    let key = |kind: &str, seed: u8| SigningKey::new(kind, [seed; 32]);
    let (root, authority, agent, ana) = (key("root", 1), key("authority", 2), key("device", 3), key("member", 4));
    let log_key = key("log", 5).named(KeyName::new("relay.example/log").unwrap());
    let statement = Statement {
        root: root.verifier().clone(),
        organisation: Foreign::new("Ayuda S. A."),
        serial: 1,
        not_after: Wall::from_ms(START).plus_ms(1_000_000_000),
        relays: vec![Relay {
            name: Foreign::new("relay"),
            address: "127.0.0.1:4433".parse().unwrap(),
            tls: *key("relay", 6).public(),
            log: log_key.verifier().clone(),
        }],
        authority: authority.verifier().clone(),
        auditors: Vec::new(),
        witnesses: Vec::new(),
        packs: Vec::new(),
        keep_days: 30,
        quorum: 0,
    };
    let member = Member {
        key: ana.verifier().clone(),
        name: Foreign::new("Ana"),
        role: Role::Technician,
        level,
        not_after: Wall::from_ms(START).plus_ms(MEMBER_LIFE_MS),
    };
    let member = member.sign(&authority);
    let catalog = Catalog::built_in();
    let item = catalog.get(&ItemId("system.overview".to_owned())).unwrap();
    let asked = item.asked(&BTreeMap::new()).unwrap();

    let (mut us, mut them) = (Author::new(SESSION, Strand::Agent), Author::new(SESSION, TECHNICIAN));
    let mut maker = Maker {
        log_key,
        log: Log::default(),
        batch: None,
        clock: START,
        events: Vec::new(),
        openings: BTreeMap::new(),
        entries: BTreeMap::new(),
        newest: (Vec::new(), 0),
        first: None,
        salt: 0,
    };
    macro_rules! agent {
        ($kind:expr, $body:expr) => {{
            let (kind, body) = ($kind, $body);
            maker.write(&mut [(&mut us, &agent), (&mut them, &ana)], kind, body)
        }};
    }
    macro_rules! technician {
        ($kind:expr, $body:expr) => {{
            let (kind, body) = ($kind, $body);
            maker.write(&mut [(&mut them, &ana), (&mut us, &agent)], kind, body)
        }};
    }
    agent!(Kind::Open { versions: vec![1] }, Body::Open(body::Open::default()));
    let text = |text: &str| Foreign::new(text);
    let joined = body::Join {
        member: String::from_utf8(member.clone()).unwrap(),
        reason: text("slow"),
        offer: body::Offer { items: vec![asked.clone()], ..Default::default() },
    };
    let join = agent!(
        Kind::Join { strand: TECHNICIAN, key: ana.verifier().clone(), verified: Verified::Code },
        Body::Join(joined)
    );
    let (batch, batch_index) = maker.newest.clone();
    let card = |items| body::Consent {
        text: "card".to_owned(),
        language: Language::Es,
        scopes: Default::default(),
        items,
        minutes: Some(30),
    };
    agent!(Kind::Consent { asked: join, answer: Answer::Yes, took: 2_000 }, Body::Consent(card(Vec::new())));
    let allowed =
        body::Allowed { item: item.id.clone(), definition: item.definition.clone(), values: BTreeMap::new(), uses: 1 };
    let grant =
        agent!(Kind::Consent { asked: join, answer: Answer::Yes, took: 3_000 }, Body::Consent(card(vec![allowed])));
    let wanted = body::Request {
        item: asked.item.clone(),
        definition: asked.definition.clone(),
        arguments: asked.arguments,
        why: text("slow"),
    };
    let request = technician!(Kind::Request, Body::Request(wanted));
    let admitted = body::Admit { item: asked.item, definition: asked.definition, fences: Vec::new() };
    let admit = agent!(Kind::Admit { request, grant }, Body::Admit(admitted));
    let outcome = body::Outcome { report: Some(Report::default()), detail: text("") };
    agent!(Kind::Result { admit, status: Status::Done }, Body::Result(outcome));
    let tips = them.tips();
    let signoff = body::Signoff { outcome: text("fine"), next: text("none"), observations: None };
    let (kind, words) = (Kind::Signoff { tips }, Body::Signoff(signoff));
    maker.write(&mut [(&mut them, &ana), (&mut us, &agent)], kind, words);
    let held = us.held();
    let close = Kind::Close { by: Cause::Technician, cause: Cause::Done, held };
    maker.write(&mut [(&mut us, &agent), (&mut them, &ana)], close, Body::None);

    let log = &maker.log;
    let first = maker.first.clone().unwrap();
    let first_size = Checkpoint::of_note(&first.checkpoint, maker.log_key.verifier()).unwrap().size;
    let checkpoint = Checkpoint::of(maker.log_key.verifier(), log.tree.size(), log.tree.root());
    let proofs = Proofs {
        checkpoint: checkpoint.sign(&maker.log_key),
        consistency: log.consistency(first_size),
        entries: maker.entries.iter().map(|(&name, &index)| (name, log.entry(index))).collect(),
        batches: vec![ProvenBatch { strand: TECHNICIAN, note: batch, entry: log.entry(batch_index) }],
    };
    let held = Held {
        statement: statement.sign(&root),
        agent: agent.verifier().clone(),
        events: maker.events,
        openings: maker.openings,
        members: BTreeMap::from([(TECHNICIAN, member)]),
        first,
        receipt: None,
        readme: None,
    };
    Session { held, proofs, root }
}
