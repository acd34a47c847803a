//! A world in which sessions happen: an organisation, a relay's log, an agent, technicians; deterministic keys, and
//! every way to cheat that a participant has.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;

use sha2::{Digest, Sha256};
use venia_proto::catalog::Catalog;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::foreign::Foreign;
use venia_proto::id::{Leaf, SessionId, Strand};
use venia_proto::key::{KeyName, SigningKey, VerifierKey};
use venia_proto::ledger::batch::Batch;
use venia_proto::ledger::body::{
    Addendum, Admit, Allowed, Arguments, Body, Consent, Join, Language, Offer, Open, Outcome, Request, Said, Signoff,
};
use venia_proto::ledger::bundle::{self, Bundle, Entry, JoinBatch};
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::cosignature::cosign;
use venia_proto::ledger::event::{After, Event, Header};
use venia_proto::ledger::kind::{Addition, Answer, Cause, Kind, Status, Verified};
use venia_proto::ledger::merkle::{self, Tree};
use venia_proto::ledger::note::{self, Note};
use venia_proto::ledger::part::{Opening, PartName};
use venia_proto::ledger::proof::Proof;
use venia_proto::ledger::strand::Author;
use venia_proto::ledger::verify::{Finding, Roots, Verdict, verify};
use venia_proto::now::Wall;
use venia_proto::report::Report;
use venia_proto::statement::{Member, Relay, Role, Statement, WitnessKey};

pub(crate) const AGENT: Strand = Strand::Agent;
pub(crate) const ANA: Strand = Strand::Technician(NonZeroU16::MIN);
pub(crate) const MINUTE: i64 = 60_000;
/// Who could open what is sealed here.
const AUDITOR: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
const START: i64 = 1_795_514_402_000;

/// A relay's log: appends, one batch note per commit, keeps every node.
pub(crate) struct Log {
    pub(crate) key: SigningKey,
    tree: Tree,
    nodes: BTreeMap<(u8, u64), [u8; 32]>,
    previous: Option<Leaf>,
    batches: Vec<(u64, Vec<u8>)>,
}

impl Log {
    pub(crate) fn new(origin: &str, seed: u8) -> Self {
        let key = SigningKey::new("log", [seed; 32]).named(KeyName::new(origin).unwrap());
        Self { key, tree: Tree::new(), nodes: BTreeMap::new(), previous: None, batches: Vec::new() }
    }

    fn append(&mut self, note: &[u8]) -> u64 {
        self.tree.append(note::leaf(note), |level, index, hash| {
            self.nodes.insert((level, index), hash);
        })
    }

    /// One group commit: the batch note, then the entries; gives their indices.
    pub(crate) fn commit(&mut self, entries: &[&[u8]], observed: Wall) -> Vec<u64> {
        let origin = self.key.verifier().name.clone();
        let batch = Batch { origin, n: entries.len() as u64, observed, previous: self.previous }.sign(&self.key);
        self.previous = Some(note::leaf(&batch));
        let index = self.append(&batch);
        self.batches.push((index, batch));
        entries.iter().map(|entry| self.append(entry)).collect()
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint {
        Checkpoint::of(self.key.verifier(), self.tree.size(), self.tree.root())
    }

    pub(crate) fn proof(&self, index: u64, checkpoint: &Note) -> Vec<u8> {
        let size = Checkpoint::unverified(checkpoint).unwrap().size;
        let siblings = merkle::inclusion(index, size, |l, i| self.nodes.get(&(l, i)).copied()).unwrap();
        Proof { index, siblings, checkpoint: checkpoint.clone(), extra: None }.to_bytes()
    }

    pub(crate) fn consistency(&self, from: u64, to: u64) -> String {
        bundle::consistency(&merkle::consistency(from, to, |l, i| self.nodes.get(&(l, i)).copied()).unwrap())
    }
}

/// One session and everybody in it.
pub(crate) struct World {
    pub(crate) root: SigningKey,
    pub(crate) authority: SigningKey,
    pub(crate) log: Log,
    pub(crate) witness: SigningKey,
    pub(crate) quorum: u32,
    pub(crate) keys: BTreeMap<Strand, SigningKey>,
    pub(crate) members: BTreeMap<Strand, Member>,
    pub(crate) authors: BTreeMap<Strand, Author>,
    pub(crate) events: Vec<(Event, u64)>,
    pub(crate) openings: BTreeMap<[u8; 32], Vec<u8>>,
    /// Parts are sealed from now on, and the bundle has the sealed files: what stands in them is nobody's business here.
    pub(crate) seals: bool,
    sealed: BTreeMap<[u8; 32], Vec<u8>>,
    joins: BTreeMap<Strand, usize>,
    first: Option<Note>,
    /// What the clock on the wall says; moved by hand.
    pub(crate) now: Wall,
    /// How far the participants' clocks are ahead of the relay's, in milliseconds.
    pub(crate) ahead: i64,
    /// The organisation has a second relay.
    pub(crate) second: Option<SigningKey>,
    /// Receipts reach the authors. Without, their `after` stays where it is.
    pub(crate) receipts: bool,
}

impl World {
    /// An empty log that others have used before, and nobody in the session yet.
    pub(crate) fn new() -> Self {
        let mut log = Log::new("relay.example/log", 3);
        for n in 0..5_u8 {
            log.commit(&[&[n]], Wall::from_ms(START - MINUTE));
        }
        Self {
            root: SigningKey::new("root", [1; 32]),
            authority: SigningKey::new("authority", [2; 32]),
            log,
            witness: SigningKey::new("witness", [4; 32]),
            quorum: 0,
            keys: BTreeMap::from([(AGENT, SigningKey::new("device", [5; 32]))]),
            members: BTreeMap::new(),
            authors: BTreeMap::new(),
            events: Vec::new(),
            openings: BTreeMap::new(),
            seals: false,
            sealed: BTreeMap::new(),
            joins: BTreeMap::new(),
            first: None,
            now: Wall::from_ms(START),
            ahead: 0,
            second: None,
            receipts: true,
        }
    }

    /// The whole first session in an organisation with auditors: every part is sealed too.
    pub(crate) fn sealed() -> Self {
        let mut world = Self::new();
        world.seals = true;
        world.arrive();
        world.work();
        world.end();
        world.addenda();
        world
    }

    /// The whole first session, with addenda.
    pub(crate) fn session() -> Self {
        let mut world = Self::begun();
        world.work();
        world.end();
        world.addenda();
        world
    }

    /// Opened, joined by Ana (level 2), and the person said she may come in.
    pub(crate) fn begun() -> Self {
        let mut world = Self::new();
        world.arrive();
        world
    }

    /// Opened, joined by Ana, and the person said she may come in.
    pub(crate) fn arrive(&mut self) {
        self.say(AGENT, Kind::Open { versions: vec![1] }, Body::Open(Open::default()));
        let join = self.join(ANA, 6, "Ana", 2);
        self.consent(join, Answer::Yes, Vec::new(), None);
    }

    /// Ana asks, the person allows, the agent runs it.
    pub(crate) fn work(&mut self) {
        let join = self.leaf(1);
        let card = self.consent(join, Answer::Yes, vec![allowed(1)], Some(30));
        self.run(card);
    }

    pub(crate) fn run(&mut self, grant: Leaf) -> Leaf {
        let request = self.request(ANA);
        let admit = self.admit(request, grant);
        self.result(admit, Status::Done);
        request
    }

    pub(crate) fn end(&mut self) {
        self.chat(ANA);
        self.chat(AGENT);
        let tips = self.tips();
        let words = || Foreign::new("done");
        let signoff = Signoff { outcome: words(), next: words(), observations: None };
        self.say(ANA, Kind::Signoff { tips }, Body::Signoff(signoff));
        self.close();
    }

    pub(crate) fn close(&mut self) {
        let mut held: BTreeMap<Strand, u64> = BTreeMap::new();
        for (event, _) in &self.events {
            *held.entry(event.header().author).or_default() += 1;
        }
        *held.entry(AGENT).or_default() += 1;
        self.say(AGENT, Kind::Close { by: Cause::Technician, cause: Cause::Done, held }, Body::None);
    }

    pub(crate) fn addenda(&mut self) {
        let about = self.last();
        for what in [Addition::Signoff, Addition::Rating] {
            let stars = (what == Addition::Rating).then_some(5);
            let words = Addendum { stars, comment: None, correction: None };
            self.say(AGENT, Kind::Addendum { about, what }, Body::Addendum(words));
        }
    }

    pub(crate) fn join(&mut self, strand: Strand, seed: u8, name: &str, level: u8) -> Leaf {
        let role = if matches!(strand, Strand::Observer(_)) { Role::Auditor } else { Role::Technician };
        let key = SigningKey::new("member", [seed; 32]);
        let vkey = key.verifier().clone();
        let not_after = self.now.plus_ms(600 * MINUTE);
        let member = Member { key: vkey.clone(), name: Foreign::new(name), role, level, not_after };
        let note = String::from_utf8(member.sign(&self.authority)).unwrap();
        self.keys.insert(strand, key);
        self.members.insert(strand, member);
        self.joins.insert(strand, self.events.len());
        let body = Join { member: note, reason: Foreign::new("slow"), offer: Offer::default() };
        self.say(AGENT, Kind::Join { strand, key: vkey, verified: Verified::Code }, Body::Join(body))
    }

    /// A member whose join somebody else writes next.
    pub(crate) fn stands_in(&mut self, strand: Strand, key: SigningKey, member: Member) {
        self.keys.insert(strand, key);
        self.members.insert(strand, member);
        self.joins.insert(strand, self.events.len());
    }

    /// Somebody the person invited: without a note, in the join as in the bundle.
    pub(crate) fn join_helper(&mut self, strand: Strand, seed: u8) -> Leaf {
        let key = SigningKey::new("helper", [seed; 32]);
        let vkey = key.verifier().clone();
        self.keys.insert(strand, key);
        self.joins.insert(strand, self.events.len());
        let body = Join { member: String::new(), reason: Foreign::new("family"), offer: Offer::default() };
        self.say(AGENT, Kind::Join { strand, key: vkey, verified: Verified::Code }, Body::Join(body))
    }

    pub(crate) fn consent(&mut self, asked: Leaf, answer: Answer, items: Vec<Allowed>, minutes: Option<u32>) -> Leaf {
        let scopes = BTreeSet::new();
        let body = Consent { text: "May Ana?".into(), language: Language::En, scopes, items, minutes };
        self.say(AGENT, Kind::Consent { asked, answer, took: 900 }, Body::Consent(body))
    }

    pub(crate) fn request(&mut self, strand: Strand) -> Leaf {
        let allowed = allowed(1);
        let arguments = Arguments::new();
        let body =
            Request { item: allowed.item, definition: allowed.definition, arguments, why: Foreign::new("to see") };
        self.say(strand, Kind::Request, Body::Request(body))
    }

    pub(crate) fn admit(&mut self, request: Leaf, grant: Leaf) -> Leaf {
        let allowed = allowed(1);
        let body = Admit { item: allowed.item, definition: allowed.definition, fences: Vec::new() };
        self.say(AGENT, Kind::Admit { request, grant }, Body::Admit(body))
    }

    pub(crate) fn result(&mut self, admit: Leaf, status: Status) -> Leaf {
        let outcome = Outcome { report: Some(Report::default()), detail: Foreign::new("") };
        let body = match status {
            Status::Withheld | Status::Lost => Body::None,
            Status::Done | Status::Unknown | Status::Failed | Status::Killed | Status::Late => Body::Result(outcome),
        };
        self.say(AGENT, Kind::Result { admit, status }, body)
    }

    pub(crate) fn chat(&mut self, strand: Strand) -> Leaf {
        self.say(strand, Kind::Chat, Body::Said(Said { text: Foreign::new("hello") }))
    }

    /// Says something, and the log commits it on its own.
    pub(crate) fn say(&mut self, strand: Strand, kind: Kind, body: Body) -> Leaf {
        let plaintext = body.encode();
        self.utter(strand, kind, plaintext.as_deref(), |_| {})
    }

    /// Says something in any words, under a header changed before it is signed.
    pub(crate) fn utter(
        &mut self,
        strand: Strand,
        kind: Kind,
        plaintext: Option<&[u8]>,
        change: impl FnOnce(&mut Header),
    ) -> Leaf {
        self.now = self.now.plus_ms(1_000);
        let mut parts = Vec::new();
        if let Some(plaintext) = plaintext {
            let opening = Opening::make([self.events.len() as u8; 32], plaintext).unwrap();
            let file = [b"age-encryption.org/v1\n".as_slice(), &opening.commit()].concat();
            let hash: [u8; 32] = Sha256::digest(&file).into();
            let name = if matches!(kind, Kind::Series { .. }) { PartName::Block } else { PartName::Body };
            parts.push(opening.part(name, self.seals.then_some(hash)));
            if self.seals {
                self.sealed.insert(hash, file);
            }
            self.openings.insert(opening.commit(), opening.bytes().to_vec());
        }
        let author = self.authors.entry(strand).or_insert_with(|| Author::new(SessionId([7; 16]), strand));
        let time = self.now.plus_ms(self.ahead);
        let mut header = author.clone().write(kind, &parts, time, &self.keys[&strand]).header().clone();
        change(&mut header);
        self.take(header.sign(&self.keys[&strand]))
    }

    /// Takes any event into the record as it is.
    pub(crate) fn take(&mut self, event: Event) -> Leaf {
        let leaf = event.leaf();
        let index = self.log.commit(&[event.bytes()], self.now)[0];
        let checkpoint = self.log.checkpoint();
        if self.first.is_none() {
            self.first = Some(Note::parse(&checkpoint.sign(&self.log.key)).unwrap());
        }
        for strand in self.keys.keys() {
            let author = self.authors.entry(*strand).or_insert_with(|| Author::new(SessionId([7; 16]), *strand));
            author.follow(&event);
            if self.receipts {
                author.receipted(After {
                    origin: checkpoint.origin.clone(),
                    size: checkpoint.size,
                    root: checkpoint.root,
                });
            }
        }
        self.events.push((event, index));
        leaf
    }

    pub(crate) fn leaf(&self, n: usize) -> Leaf {
        self.events[n].0.leaf()
    }

    /// The first batch note after event `n`, and its index.
    pub(crate) fn batch_after(&self, n: usize) -> (u64, Vec<u8>) {
        self.log.batches.iter().find(|(at, _)| *at > self.events[n].1).unwrap().clone()
    }

    pub(crate) fn last(&self) -> Leaf {
        self.leaf(self.events.len() - 1)
    }

    /// Number of the first event of this kind.
    pub(crate) fn number(&self, kind: &str) -> usize {
        self.events.iter().position(|(event, _)| event.header().kind.name().to_string() == kind).unwrap()
    }

    fn tips(&self) -> BTreeMap<Strand, (u64, Leaf)> {
        let mut tips: BTreeMap<Strand, (u64, Leaf)> = BTreeMap::new();
        for (event, _) in &self.events {
            let header = event.header();
            tips.insert(header.author, (header.seq + 1, event.leaf()));
        }
        tips
    }

    pub(crate) fn statement(&self) -> Statement {
        let relay = Relay {
            name: Foreign::new("one"),
            address: "relay.example:4433".parse().unwrap(),
            tls: *SigningKey::new("tls", [8; 32]).public(),
            log: self.log.key.verifier().clone(),
        };
        let second = self.second.as_ref().map(|log| Relay {
            name: Foreign::new("two"),
            log: log.verifier().clone(),
            ..relay.clone()
        });
        let witness = WitnessKey { name: self.witness.verifier().name.clone(), key: *self.witness.public() };
        Statement {
            root: self.root.verifier().clone(),
            organisation: Foreign::new("Help"),
            serial: 1,
            not_after: Wall::from_ms(START + 600 * MINUTE),
            relays: [relay].into_iter().chain(second).collect(),
            authority: self.authority.verifier().clone(),
            auditors: if self.seals { vec![AUDITOR.to_owned()] } else { Vec::new() },
            witnesses: vec![witness],
            packs: Vec::new(),
            keep_days: 30,
            quorum: self.quorum,
        }
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.root.verifier())
    }

    /// The log's newest checkpoint, as this witness has cosigned it.
    pub(crate) fn common(&self) -> Note {
        let mut note = Note::parse(&self.log.checkpoint().sign(&self.log.key)).unwrap();
        let line = cosign(&note, &self.witness, 1_795_514_402);
        note.add_line(line);
        note
    }

    pub(crate) fn bundle(&self) -> Bundle {
        let common = self.common();
        let statement = self.statement();
        let first = self.first.clone().unwrap();
        let from = Checkpoint::unverified(&first).unwrap().size;
        let batches = self.joins.iter().map(|(strand, n)| {
            let index = self.events[*n].1;
            let (at, note) = self.log.batches.iter().rfind(|(at, _)| *at < index).unwrap();
            (*strand, JoinBatch { note: note.clone(), proof: self.log.proof(*at, &common) })
        });
        let strands: Vec<(Strand, &VerifierKey)> = self.keys.iter().map(|(s, key)| (*s, key.verifier())).collect();
        Bundle {
            members: self.members.iter().map(|(strand, member)| (*strand, member.sign(&self.authority))).collect(),
            participants: bundle::participants(strands).into(),
            policy: bundle::policy(&statement).into(),
            statement: statement.sign(&self.root),
            entries: self
                .events
                .iter()
                .map(|(event, index)| Entry {
                    event: event.bytes().to_vec(),
                    proof: Some(self.log.proof(*index, &common)),
                })
                .collect(),
            first_checkpoint: first.to_bytes(),
            consistency: self.log.consistency(from, self.log.tree.size()).into(),
            batches: batches.collect(),
            openings: self.openings.clone(),
            sealed: self.sealed.clone(),
            receipt: Some("<p>story</p>".into()),
            readme: Some("read me".into()),
        }
    }

    pub(crate) fn zip(&self) -> Vec<u8> {
        self.bundle().to_zip().unwrap()
    }

    /// The verdict of somebody who knows this organisation's root.
    pub(crate) fn verdict(&self) -> Verdict {
        self.judge(&self.bundle())
    }

    pub(crate) fn judge(&self, bundle: &Bundle) -> Verdict {
        self.judge_zip(&bundle.to_zip().unwrap())
    }

    pub(crate) fn judge_zip(&self, zip: &[u8]) -> Verdict {
        verify(zip, Roots { named: Some(self.fingerprint()), known: &[] })
    }
}

/// A reading item of the built-in catalogue, as a card allows it.
pub(crate) fn allowed(uses: u32) -> Allowed {
    let catalog = Catalog::built_in();
    let item = catalog.items().find(|item| item.id.0 == "system.overview").unwrap();
    Allowed { item: item.id.clone(), definition: item.definition.clone(), values: BTreeMap::new(), uses }
}

/// Asserts a broken verdict at an entry or file, for a reason.
#[track_caller]
pub(crate) fn broken(verdict: &Verdict, at: &str, why: &str) {
    assert_eq!(verdict.verdict, Finding::Broken, "{verdict:?}");
    let place = serde_json::to_value(&verdict.at).unwrap();
    let place = place.as_str().map_or(place.to_string(), str::to_owned);
    assert_eq!(place, at, "{verdict:?}");
    assert!(verdict.why.contains(why), "{verdict:?}");
}

#[track_caller]
pub(crate) fn intact(verdict: &Verdict) {
    assert_eq!(verdict.verdict, Finding::Intact, "{verdict:?}");
}
