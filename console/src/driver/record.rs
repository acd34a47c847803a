//! This side's copy of the record: what came is verified before the machine hears of it, what is said is signed.
//!
//! Results travel on streams of their own, and a *no* overtakes gates that a *yes* waits at, so events arrive in any order.
//! They are handed on in the order of the agent's strand; one that has waited long enough for what is missing before it
//! goes ahead, so that a large result on a thin line doesn't hide a pause.
//!
//! What stops which attack: an event counts only with the signature of the key the agent proved in TLS and in the
//! pairing; its words only if they are what it committed to; a receipt only by the log the pinned root names, and never
//! two roots of one size (SECURITY F4). Whoever breaks one of these broke the rules, and the connection ends.

mod error;

use std::collections::{BTreeMap, BTreeSet};

use venia_proto::consent::EntryRef;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::id::{Leaf, SessionId, Strand};
use venia_proto::key::{PublicKey, SigningKey, VerifierKey};
use venia_proto::ledger::body::Body;
use venia_proto::ledger::event::{After, Event};
use venia_proto::ledger::kind::Kind;
use venia_proto::ledger::part::{Opening, PartError, PartName};
use venia_proto::ledger::pin::{Pin, PinError};
use venia_proto::ledger::proof::{Proof, ReceiptError};
use venia_proto::ledger::strand::Author;
use venia_proto::message::{Arrived, BEYOND_MAX, BareOpening, Signed, ToAgent};
use venia_proto::minute::Minute;
use venia_proto::now::Now;
use venia_proto::session::console::{AGENT_EVENTS_PER_MINUTE, Input, Write};
use venia_proto::session::timer::ADMISSION_MS;
use venia_proto::statement::Statement;
use venia_relay::client::receipt::Held;

pub(crate) use error::RecordError;

/// Most events of a session (SECURITY E6).
const EVENTS_MAX: usize = 10_000;
/// Most bytes of openings of a session (SECURITY E6).
const OPENINGS_MAX: usize = 256 << 20;

/// What both sides of a session are called and sign with.
pub(crate) struct Sides {
    pub(crate) session: SessionId,
    /// The organisation's root.
    pub(crate) root: Fingerprint,
    /// The key the agent proved.
    pub(crate) agent: PublicKey,
    /// The log of the relay we are connected to, as the statement names it.
    pub(crate) log: VerifierKey,
    /// The strand we write.
    pub(crate) strand: Strand,
    /// The key we write with, under the name the member note gives it.
    pub(crate) key: SigningKey,
    /// Whether the statement names auditors: then every part is sealed to them, and otherwise none is. (SECURITY E4)
    pub(crate) sealed: bool,
}

/// Longest wait of an event for those before it, in milliseconds.
const PATIENCE_MS: u64 = 1_000;
/// Longest wait of a `consent`, which answers another question without the one before it: as long as a gate may take.
const CONSENT_PATIENCE_MS: u64 = ADMISSION_MS + PATIENCE_MS;
/// Longest wait of the `close`: what was cut off before it arrives bare.
const CLOSE_PATIENCE_MS: u64 = 2_000;

/// Everything known of one session.
pub(crate) struct Record {
    sides: Sides,
    author: Author,
    agent: Option<VerifierKey>,
    events: BTreeMap<EntryRef, Event>,
    places: BTreeMap<Leaf, EntryRef>,
    openings: BTreeMap<[u8; 32], Vec<u8>>,
    opened: usize,
    /// What came within this minute.
    minute: Minute,
    /// Where the agent's events stand in the log.
    indices: BTreeMap<u64, u64>,
    first: Option<Proof>,
    /// The statement the session began with, as the agent showed it.
    statement: Option<Vec<u8>>,
    /// Whether that one, or ours until it is shown, names auditors.
    sealed: bool,
    /// Checkpoints of the receipts, by size.
    pins: BTreeMap<u64, Pin>,
    /// Arrived and not handed on: words, and when.
    waiting: BTreeMap<u64, (Body, u64)>,
    /// The agent's events before this number were handed on.
    front: u64,
    /// Handed on ahead of others.
    ahead: BTreeSet<u64>,
}

/// What we are about to say, before it is signed.
pub(crate) struct Words {
    pub(crate) write: Write,
    opening: Opening,
    /// As it travels.
    pub(crate) bare: BareOpening,
}

impl Record {
    pub(crate) fn new(sides: Sides) -> Self {
        let (author, sealed) = (Author::new(sides.session, sides.strand), sides.sealed);
        Self {
            sides,
            author,
            agent: None,
            events: BTreeMap::new(),
            places: BTreeMap::new(),
            openings: BTreeMap::new(),
            opened: 0,
            minute: Minute::default(),
            indices: BTreeMap::new(),
            first: None,
            statement: None,
            sealed,
            pins: BTreeMap::new(),
            waiting: BTreeMap::new(),
            front: 0,
            ahead: BTreeSet::new(),
        }
    }

    /// Takes an event of the agent, whole or without its words. `now_ms` is on the boot clock.
    pub(crate) fn take(&mut self, signed: &Signed, proof: Option<&[u8]>, now_ms: u64) -> Result<(), RecordError> {
        let event = Event::parse(&signed.note)?;
        let header = event.header();
        if header.session != self.sides.session || header.author != Strand::Agent {
            return Err(RecordError::Elsewhere);
        }
        let agent = match (&self.agent, event.key_name()) {
            (Some(agent), _) => agent.clone(),
            (None, Some(name)) => VerifierKey { name: name.clone(), key: self.sides.agent },
            (None, None) => return Err(RecordError::Elsewhere),
        };
        event.verify(&agent).map_err(RecordError::Signature)?;
        self.agent = Some(agent);

        let entry = EntryRef { author: Strand::Agent, seq: header.seq };
        // Its word alone would decide whether an auditor can ever read what is said here, ours too. (SECURITY E4)
        if header.parts.iter().any(|part| part.sealed.is_some() != self.sealed) {
            return Err(RecordError::Sealing);
        }
        let again = self.fits(entry, &event)?;
        if let Kind::Join { strand, key, .. } = &header.kind
            && *strand == self.sides.strand
            && *key != *self.sides.key.verifier()
        {
            return Err(RecordError::NotUs);
        }
        let body = self.open(&event, &signed.openings)?;
        if let Some(proof) = proof {
            self.receipt(&event, proof)?;
        }
        if !again {
            if self.events.len() >= EVENTS_MAX {
                return Err(RecordError::TooMuch);
            }
            // Each may be a line on the technician's screen. (SECURITY D4)
            if !self.minute.counts(now_ms, AGENT_EVENTS_PER_MINUTE) {
                return Err(RecordError::TooFast);
            }
            self.author.follow(&event);
            self.places.insert(event.leaf(), entry);
            self.waiting.insert(entry.seq, (body, now_ms));
            self.events.insert(entry, event);
        } else if let Some((waiting, _)) = self.waiting.get_mut(&entry.seq)
            && body != Body::None
        {
            *waiting = body;
        }
        Ok(())
    }

    /// What the machine may hear now, oldest first. With `all` everything: nothing more can come.
    pub(crate) fn ready(&mut self, now_ms: u64, all: bool) -> Vec<Input> {
        let mut ready = Vec::new();
        let numbers: Vec<(u64, u64)> = self.waiting.iter().map(|(&seq, &(_, since))| (seq, since)).collect();
        for (seq, since) in numbers {
            let entry = EntryRef { author: Strand::Agent, seq };
            let Some(event) = self.events.get(&entry) else { continue };
            let kind = event.header().kind.clone();
            let in_turn = seq == self.front;
            if !in_turn && !all && now_ms < since + patience(&kind) {
                continue;
            }
            // What names an unknown event waits for it, whatever the time.
            let Some(kind) = kind.try_map(|leaf| self.places.get(&leaf).copied()) else { continue };
            let Some((body, _)) = self.waiting.remove(&seq) else { continue };
            self.ahead.insert(seq);
            while self.ahead.remove(&self.front) {
                self.front += 1;
            }
            ready.push(Input::Event { entry, kind, body });
        }
        ready
    }

    /// Whether this session's words are sealed to auditors: then the agent must seal ours too, before we sign.
    pub(crate) fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// The log the receipts must come from.
    pub(crate) fn log(&self) -> &VerifierKey {
        &self.sides.log
    }

    /// The newest checkpoint of all receipts that came.
    pub(crate) fn newest(&self) -> Option<&Pin> {
        self.pins.last_key_value().map(|(_, pin)| pin)
    }

    /// The words of the next event of our strand, salted.
    pub(crate) fn words(write: Write) -> Result<Words, RecordError> {
        let plaintext = write_body(&write).encode().unwrap_or_default();
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|_| RecordError::Random)?;
        let opening = Opening::make(random, &plaintext).map_err(RecordError::Ours)?;
        Ok(Words { write, opening, bare: BareOpening { random, plaintext } })
    }

    /// Signs the next event of our strand; gives its number and how it travels. `sealed`: the hash of the file the agent made of
    /// its words, in a sealed session.
    pub(crate) fn write(
        &mut self,
        words: Words,
        sealed: Option<[u8; 32]>,
        now: Now,
    ) -> Result<(u64, ToAgent), RecordError> {
        let Words { write, opening, bare } = words;
        let (kind, wrap): (Kind, fn(Signed) -> ToAgent) = match write {
            Write::Ask(_) => (Kind::Request, ToAgent::Ask),
            Write::Run(_) => (Kind::Request, ToAgent::Run),
            Write::Chat(_) => (Kind::Chat, ToAgent::Chat),
            Write::Note(_) => (Kind::Note, ToAgent::Note),
            Write::Signoff(_) => (Kind::Signoff { tips: self.author.tips() }, ToAgent::Signoff),
        };
        let part = opening.part(PartName::Body, sealed);
        let event = self.author.write(kind, std::slice::from_ref(&part), now.wall, &self.sides.key);
        let entry = EntryRef { author: self.sides.strand, seq: event.header().seq };
        let note = event.bytes().to_vec();
        self.openings.insert(part.commit, opening.bytes().to_vec());
        self.places.insert(event.leaf(), entry);
        self.events.insert(entry, event);
        Ok((entry.seq, wrap(Signed { note, openings: vec![bare] })))
    }

    /// Which of the agent's events are here.
    pub(crate) fn arrived(&self) -> Arrived {
        let mut arrived = Arrived::default();
        let theirs = self.events.keys().filter(|entry| entry.author == Strand::Agent);
        for seq in theirs.map(|entry| entry.seq) {
            if seq == arrived.next {
                arrived.next += 1;
            } else if arrived.beyond.len() < BEYOND_MAX {
                arrived.beyond.push(seq);
            }
        }
        arrived
    }

    /// Where an event of the agent stands in the log, if its proof came with it.
    pub(crate) fn index(&self, entry: EntryRef) -> Option<u64> {
        self.indices.get(&entry.seq).copied().filter(|_| entry.author == Strand::Agent)
    }

    /// Number of the agent's close, once it came.
    pub(crate) fn close(&self) -> Option<u64> {
        let close = |event: &&Event| matches!(event.header().kind, Kind::Close { .. });
        self.events.values().find(close).map(|event| event.header().seq)
    }

    /// The first receipt, once it came.
    pub(crate) fn first(&self) -> Option<&Proof> {
        self.first.as_ref()
    }

    /// The agent shows the statement the session begins with. Whether it is one of this organisation's, for this log, and
    /// the first one shown.
    pub(crate) fn begin_under(&mut self, note: &[u8]) -> bool {
        let log = &self.sides.log;
        let ours = |statement: &Statement| statement.relay_of(log.name.as_str()).is_some_and(|relay| relay.log == *log);
        let shown = Statement::open(note, &self.sides.root).ok().filter(ours);
        let shown = shown.filter(|_| self.statement.is_none() && self.events.is_empty());
        if let Some(statement) = &shown {
            (self.statement, self.sealed) = (Some(note.to_vec()), !statement.auditors.is_empty());
        }
        shown.is_some()
    }

    /// Everything for the bundle; `None` without a first receipt. `statement`: ours, if the agent showed none.
    pub(crate) fn held(&self, statement: Vec<u8>, member: Vec<u8>) -> Option<Held> {
        Some(Held {
            statement: self.statement.clone().unwrap_or(statement),
            agent: self.agent.clone()?,
            events: self.events.values().cloned().collect(),
            openings: self.openings.clone(),
            members: BTreeMap::from([(self.sides.strand, member)]),
            first: self.first.clone()?,
            receipt: None,
            readme: None,
        })
    }

    /// Whether the same event is there already; an error if another one is, or if its neighbours deny it.
    fn fits(&self, entry: EntryRef, event: &Event) -> Result<bool, RecordError> {
        if let Some(known) = self.events.get(&entry) {
            return if known.leaf() == event.leaf() { Ok(true) } else { Err(RecordError::Contradiction) };
        }
        let at = |seq: Option<u64>| seq.and_then(|seq| self.events.get(&EntryRef { seq, ..entry }));
        let before = at(entry.seq.checked_sub(1)).is_none_or(|before| event.header().prev == Some(before.leaf()));
        let after = at(entry.seq.checked_add(1)).is_none_or(|after| after.header().prev == Some(event.leaf()));
        if before && after { Ok(false) } else { Err(RecordError::Contradiction) }
    }

    fn open(&mut self, event: &Event, openings: &[BareOpening]) -> Result<Body, RecordError> {
        if openings.is_empty() {
            return Ok(Body::None);
        }
        let parts = &event.header().parts;
        if openings.len() != parts.len() {
            return Err(RecordError::Openings);
        }
        let mut body = Body::None;
        for (part, bare) in parts.iter().zip(openings) {
            let opening = Opening::make(bare.random, &bare.plaintext).map_err(RecordError::Words)?;
            if opening.part(part.name, part.sealed) != *part {
                return Err(RecordError::Words(PartError::WrongCommitment));
            }
            if part.name == PartName::Body {
                body = Body::decode(event.header().kind.name(), opening.plaintext())?;
                if !body.is_within() {
                    return Err(RecordError::TooLong);
                }
            }
            self.opened += opening.bytes().len();
            if self.opened > OPENINGS_MAX {
                return Err(RecordError::TooMuch);
            }
            self.openings.insert(part.commit, opening.bytes().to_vec());
        }
        Ok(body)
    }

    fn receipt(&mut self, event: &Event, proof: &[u8]) -> Result<(), RecordError> {
        let proof = Proof::parse(proof)?;
        let checkpoint = proof.verify(event.leaf(), &self.sides.log)?;
        let note = proof.checkpoint.to_bytes();
        let shown = Pin::new(&note, &self.sides.log).map_err(ReceiptError::Checkpoint)?;
        let known = self.pins.entry(checkpoint.size).or_insert(shown);
        if let Err(PinError::Evidence(found)) = known.advance(&note, &self.sides.log, None) {
            return Err(RecordError::Fork(found));
        }
        let seq = event.header().seq;
        self.indices.insert(seq, proof.index);
        if seq == 0 && self.first.is_none() {
            self.first = Some(proof);
        }
        self.author.receipted(After { origin: checkpoint.origin, size: checkpoint.size, root: checkpoint.root });
        Ok(())
    }
}

fn write_body(write: &Write) -> Body {
    match write {
        Write::Ask(request) | Write::Run(request) => Body::Request(request.clone()),
        Write::Chat(said) | Write::Note(said) => Body::Said(said.clone()),
        Write::Signoff(signoff) => Body::Signoff(signoff.clone()),
    }
}

fn patience(kind: &Kind) -> u64 {
    if matches!(kind, Kind::Consent { .. }) {
        CONSENT_PATIENCE_MS
    } else if matches!(kind, Kind::Close { .. }) {
        CLOSE_PATIENCE_MS
    } else {
        PATIENCE_MS
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
