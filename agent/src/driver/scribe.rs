//! Writes and reads the record of one session: signs the agent's events, checks the technician's.
//!
//! The session machine names events by author and number; here they become notes with leaves. Not here: the disk and the
//! relay ([`super::recorder`]), and what any event means.

use std::collections::{BTreeMap, BTreeSet};

use venia_proto::consent::EntryRef;
use venia_proto::id::{Leaf, SessionId, Strand};
use venia_proto::key::{KeyName, SigningKey};
use venia_proto::ledger::body::Body;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::event::{After, Event};
use venia_proto::ledger::kind::Kind;
use venia_proto::ledger::part::{Opening, PartError, PartName};
use venia_proto::ledger::proof::Proof;
use venia_proto::ledger::strand::{Admission, Author, Strands};
use venia_proto::message::{BareOpening, Signed};
use venia_proto::now::Wall;
use venia_proto::session::agent::Entry;

use crate::journal::Record;
use crate::seal::{Recipients, SealError, SealedFile};

/// Parts sealed for the technician whose events haven't come yet. A console asks for one event at a time.
pub const GIVEN_MAX: usize = 8;

/// An event with the openings of its parts: what the journal keeps and, if it may, what is sent.
#[derive(Clone)]
pub struct Recorded {
    /// Which event.
    pub entry: EntryRef,
    /// The event.
    pub event: Event,
    /// Openings, in the order of its parts.
    pub openings: Vec<Opening>,
    /// The same sealed to the auditors; empty if there are none.
    pub sealed: Vec<SealedFile>,
}

impl Recorded {
    /// How the journal keeps it.
    pub fn records(&self) -> Vec<Record> {
        let openings = self.openings.iter().map(|opening| opening.bytes().to_vec().into()).collect();
        let event = Record::Event { note: self.event.bytes().to_vec().into(), openings };
        let sealed = self.sealed.iter().map(|file| Record::Sealed { file: file.bytes.to_vec().into() });
        std::iter::once(event).chain(sealed).collect()
    }
}

/// An event that came from the technician, checked.
#[derive(Debug)]
pub struct Received {
    /// Which event.
    pub entry: EntryRef,
    /// Its kind.
    pub kind: Kind,
    /// Its words.
    pub body: Body,
}

/// A record that can't be written; only a broken machine or a report beyond its limit gets here.
#[derive(Debug, thiserror::Error)]
pub enum ScribeError {
    /// The machine names an event that was never recorded.
    #[error("the session names an event that isn't in its record")]
    UnknownEntry,
    /// The words don't fit into a part.
    #[error("the words of an event don't fit")]
    Part(#[from] PartError),
    /// The operating system gave no random bytes.
    #[error("this computer gives no random numbers")]
    Random(#[source] getrandom::Error),
    /// The words can't be sealed to the auditors.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// The record of one session as this PC holds it.
pub struct Scribe {
    key: SigningKey,
    author: Author,
    strands: Strands,
    events: BTreeMap<EntryRef, Recorded>,
    /// Checkpoints this PC verified in this session: the only ones the technician can know of from here, by size.
    shown: BTreeSet<(u64, [u8; 32])>,
    /// The log they are of.
    log: Option<KeyName>,
    /// Who the parts are sealed to, for the whole session.
    recipients: Recipients,
    /// Sealed for the technician, whose event hasn't come yet: by commitment.
    given: BTreeMap<[u8; 32], SealedFile>,
}

impl Scribe {
    /// At the beginning of a session.
    pub fn new(session: SessionId, key: SigningKey, recipients: Recipients) -> Self {
        let strands = Strands::new(session, key.verifier().clone());
        let author = Author::new(session, Strand::Agent);
        let (events, shown, given) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        Self { key, author, strands, events, shown, log: None, recipients, given }
    }

    /// Writes the events of a batch, in order.
    pub fn write(&mut self, entries: Vec<Entry>, time: Wall) -> Result<Vec<Recorded>, ScribeError> {
        entries.into_iter().map(|entry| self.write_one(entry, time)).collect()
    }

    fn write_one(&mut self, entry: Entry, time: Wall) -> Result<Recorded, ScribeError> {
        let (kind, body) = match entry {
            Entry::Own { kind, body } => (kind, body),
            Entry::Theirs(entry) => {
                let theirs = self.events.get(&entry).ok_or(ScribeError::UnknownEntry)?.clone();
                // Seen from now on, and not before: the relay must know what our next event says we have seen.
                self.author.follow(&theirs.event);
                return Ok(theirs);
            }
        };
        let kind = kind.try_map(|entry| self.leaf(entry)).ok_or(ScribeError::UnknownEntry)?;
        let mut openings = Vec::new();
        if let Some(words) = body.encode() {
            let mut random = [0; 32];
            getrandom::fill(&mut random).map_err(ScribeError::Random)?;
            openings.push(Opening::make(random, &words)?);
        }
        let mut sealed = Vec::new();
        let mut parts = Vec::new();
        for opening in &openings {
            let file = self.recipients.seal(opening)?;
            parts.push(opening.part(PartName::Body, file.as_ref().map(|file| file.sha256)));
            sealed.extend(file);
        }
        let event = self.author.write(kind, &parts, time, &self.key);
        // Our own strand can't be refused; if it could, the relay would say so.
        if let Err(error) = self.strands.admit(&event) {
            tracing::error!(%error, "the agent's own event doesn't fit its strand");
        }
        let entry = EntryRef { author: Strand::Agent, seq: event.header().seq };
        let recorded = Recorded { entry, event, openings, sealed };
        self.events.insert(entry, recorded.clone());
        Ok(recorded)
    }

    /// Checks an event of the technician: format, signature, place in the strand, and that the words are those it
    /// commits to. The error says what was wrong, in words for the record.
    pub fn receive(&mut self, signed: &Signed) -> Result<Received, String> {
        let event = Event::parse(&signed.note).map_err(|error| error.to_string())?;
        let header = event.header();
        if header.author == Strand::Agent {
            return Err("an event in the agent's name".to_owned());
        }
        // A checkpoint of their own making would make the relay refuse this event and all after it, or `verify` call the
        // whole record broken: two roots of one size, or a tree from the future (LEDGER section 9).
        let known =
            |after: &After| self.log.as_ref() == Some(&after.origin) && self.shown.contains(&(after.size, after.root));
        if header.after.as_ref().is_some_and(|after| !known(after)) {
            return Err("an event that quotes a checkpoint it wasn't shown".to_owned());
        }
        if header.parts.len() != signed.openings.len() {
            return Err("an event without its words".to_owned());
        }
        let mut openings = Vec::new();
        let mut body = Body::None;
        for (part, bare) in header.parts.iter().zip(&signed.openings) {
            let opening = Opening::make(bare.random, &bare.plaintext).map_err(|error| error.to_string())?;
            // What nobody but us could have sealed: another hash would name a file that no auditor can open.
            let sealed = match self.given.get(&opening.commit()) {
                None if self.recipients.is_empty() => None,
                None => return Err("words that weren't sealed".to_owned()),
                Some(file) => Some(file.sha256),
            };
            if opening.part(part.name, sealed) != *part {
                return Err("words the event doesn't commit to".to_owned());
            }
            body = Body::decode(header.kind.name(), opening.plaintext()).map_err(|error| error.to_string())?;
            openings.push(opening);
        }
        // Shown to the person and kept by them.
        if !body.is_within() {
            return Err("more words than anybody may say at once".to_owned());
        }
        match self.strands.admit(&event) {
            Ok(Admission::New) => {}
            Ok(Admission::Again) => return Err("an event sent twice".to_owned()),
            Err(error) => return Err(error.to_string()),
        }
        let entry = EntryRef { author: header.author, seq: header.seq };
        let kind = header.kind.clone();
        let sealed = openings.iter().filter_map(|opening| self.given.remove(&opening.commit())).collect();
        self.events.insert(entry, Recorded { entry, event, openings, sealed });
        Ok(Received { entry, kind, body })
    }

    /// Seals what the technician is about to sign, who can't: the recipients are this PC's affair. Bounded: what isn't
    /// signed counts. The error says what was wrong, in words for the record.
    pub fn seal(&mut self, openings: &[BareOpening]) -> Result<Vec<[u8; 32]>, String> {
        if self.recipients.is_empty() {
            return Err("words to be sealed to nobody".to_owned());
        }
        let mut hashes = Vec::with_capacity(openings.len());
        for bare in openings {
            let opening = Opening::make(bare.random, &bare.plaintext).map_err(|error| error.to_string())?;
            let file = match self.given.get(&opening.commit()) {
                Some(file) => file.clone(),
                None if self.given.len() >= GIVEN_MAX => return Err("more words to be sealed than are said".to_owned()),
                None => self.recipients.seal(&opening).map_err(|error| error.to_string())?.ok_or("no auditor")?,
            };
            hashes.push(file.sha256);
            self.given.insert(opening.commit(), file);
        }
        Ok(hashes)
    }

    /// Takes notice of a verified checkpoint: the next events quote it.
    pub fn receipted(&mut self, after: After) {
        self.log = Some(after.origin.clone());
        self.shown.insert((after.size, after.root));
        self.author.receipted(after);
    }

    /// The log follows another: until there is a receipt of this one, events quote the newest checkpoint of that one.
    pub fn follows(&mut self, after: After) {
        self.author.receipted(after);
    }

    /// Takes notice of a verified receipt: the technician, who gets it, may quote its checkpoint.
    pub fn proven(&mut self, proof: &[u8]) {
        let checkpoint = Proof::parse(proof).ok().and_then(|proof| Checkpoint::unverified(&proof.checkpoint).ok());
        self.shown.extend(checkpoint.map(|checkpoint| (checkpoint.size, checkpoint.root)));
    }

    /// Takes notice of a receipt of the journal, which was verified before it was kept.
    pub fn held(&mut self, proof: &[u8]) {
        let checkpoint = Proof::parse(proof).ok().and_then(|proof| Checkpoint::unverified(&proof.checkpoint).ok());
        if let Some(Checkpoint { origin, size, root, .. }) = checkpoint {
            self.receipted(After { origin, size, root });
        }
    }

    /// Takes in an event of the journal, after a restart.
    pub fn replay(&mut self, event: &Event, openings: Vec<Opening>) -> Result<EntryRef, String> {
        self.strands.admit(event).map_err(|error| error.to_string())?;
        self.author.follow(event);
        let entry = EntryRef { author: event.header().author, seq: event.header().seq };
        self.events.insert(entry, Recorded { entry, event: event.clone(), openings, sealed: Vec::new() });
        Ok(entry)
    }

    /// What travels to the technician: the event, with its words or without.
    pub fn signed(&self, entry: EntryRef, words: bool) -> Option<Signed> {
        let recorded = self.events.get(&entry)?;
        let bare = |opening: &Opening| {
            let mut random = [0; 32];
            random.copy_from_slice(opening.bytes().get(..32)?);
            Some(BareOpening { random, plaintext: opening.plaintext().to_vec() })
        };
        let openings = if words { recorded.openings.iter().map(bare).collect::<Option<_>>()? } else { Vec::new() };
        Some(Signed { note: recorded.event.bytes().to_vec(), openings })
    }

    /// The number of the next event of a strand: all before it are here.
    pub fn next_of(&self, author: Strand) -> u64 {
        let of = EntryRef { author, seq: u64::MAX };
        let last = self.events.range(..=of).next_back().filter(|(entry, _)| entry.author == author);
        last.map_or(0, |(entry, _)| entry.seq.saturating_add(1))
    }

    /// The leaf of an event.
    pub fn leaf(&self, entry: EntryRef) -> Option<Leaf> {
        self.strands.leaf_at(entry.author, entry.seq)
    }

    /// Which event a leaf is.
    pub fn entry(&self, leaf: Leaf) -> Option<EntryRef> {
        self.strands.place_of(leaf).map(|(author, seq)| EntryRef { author, seq })
    }

    /// The kind of an event, with its references as entries.
    pub fn kind(&self, entry: EntryRef) -> Option<Kind<EntryRef>> {
        let kind = self.events.get(&entry)?.event.header().kind.clone();
        kind.try_map(|leaf| self.entry(leaf))
    }

    /// All events, by author and number.
    pub fn events(&self) -> impl Iterator<Item = &Recorded> {
        self.events.values()
    }

    /// The agent's key.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }
}

#[cfg(test)]
mod tests;
