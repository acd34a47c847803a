//! A session as this PC's journal holds it: what it says, and the bundle made of it.
//!
//! The journal keeps exact bytes; here they are read as events, and put together as the person's bundle, which has every
//! opening (SECURITY E11).

use std::collections::BTreeMap;

use venia_proto::catalog::Catalog;
use venia_proto::consent::EntryRef;
use venia_proto::id::{Leaf, SessionId, Strand};
use venia_proto::key::VerifierKey;
use venia_proto::ledger::body::Body;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::event::Event;
use venia_proto::ledger::kind::{Cause, Kind};
use venia_proto::ledger::part::Opening;
use venia_proto::ledger::proof::Proof;
use venia_proto::session::recovery;
use venia_proto::statement::Statement;
use venia_relay::client::receipt::Held;
use venia_ui::story::{Source, Story};

use crate::journal::{Mark, Record, Replay};
use crate::seal::{Recipients, SealError, SealedFile};

/// A file of the bundle that says what the others are.
const README: &str = include_str!("archive/README.txt");

/// A session read back.
#[derive(Clone)]
pub struct Archive {
    /// Which session.
    pub session: SessionId,
    /// The organisation's statement, exact bytes.
    pub statement: Vec<u8>,
    /// Member notes by strand.
    pub members: BTreeMap<Strand, Vec<u8>>,
    /// Events in the order they were recorded here, with their openings.
    pub events: Vec<(Event, Vec<Opening>)>,
    /// Sealed parts by hash.
    pub sealed: BTreeMap<[u8; 32], SealedFile>,
    /// Receipts by event.
    pub receipts: BTreeMap<Leaf, Vec<u8>>,
    /// Whether the session is closed.
    pub closed: bool,
    /// Whether the log will never know of it.
    pub never_began: bool,
}

/// A journal that doesn't hold a session.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// No event, or no statement.
    #[error("the journal holds no session")]
    Empty,
    /// A line that was written by us can't be read.
    #[error("the journal holds an event that can't be read")]
    Event,
}

impl Archive {
    /// Reads what a journal holds.
    pub fn read(replay: &Replay) -> Result<Self, ArchiveError> {
        let mut events = Vec::new();
        let mut receipts = BTreeMap::new();
        let mut members = BTreeMap::new();
        let mut sealed = BTreeMap::new();
        let mut statement = None;
        let (mut closed, mut never_began) = (false, false);
        for record in &replay.records {
            match record {
                Record::Event { note, openings } => {
                    let event = Event::parse(&note.0).map_err(|_| ArchiveError::Event)?;
                    let openings: Result<Vec<_>, _> = openings.iter().map(|bytes| Opening::parse(&bytes.0)).collect();
                    events.push((event, openings.map_err(|_| ArchiveError::Event)?));
                }
                Record::Receipt { leaf, proof } => drop(receipts.entry(*leaf).or_insert_with(|| proof.0.clone())),
                Record::Sealed { file } => {
                    let file = SealedFile::of(file.0.clone());
                    sealed.insert(file.sha256, file);
                }
                Record::Statement(note) => statement = Some(note.0.clone()),
                Record::Member { strand, note } => drop(members.insert(*strand, note.0.clone())),
                Record::Checkpoint { .. } | Record::Batch { .. } => {}
                Record::Mark(Mark::Closed) => closed = true,
                Record::Mark(Mark::NeverBegan) => never_began = true,
                Record::Mark(Mark::Receipted) => {}
            }
        }
        let session = events.first().map(|(event, _)| event.header().session).ok_or(ArchiveError::Empty)?;
        let statement = statement.ok_or(ArchiveError::Empty)?;
        Ok(Self { session, statement, members, events, sealed, receipts, closed, never_began })
    }

    /// Events without a receipt, in order.
    pub fn unreceipted(&self) -> impl Iterator<Item = &(Event, Vec<Opening>)> {
        self.events.iter().filter(|(event, _)| !self.receipts.contains_key(&event.leaf()))
    }

    /// Whether the log never took any of it, and nothing came of it. ([`recovery::never_began`])
    pub fn is_unbegun(&self) -> bool {
        self.receipts.is_empty() && recovery::never_began(self.events.iter().map(|(event, _)| &event.header().kind))
    }

    /// The sealed files an event names, in order.
    pub fn sealed_of(&self, event: &Event) -> Vec<SealedFile> {
        let named = event.header().parts.iter().filter_map(|part| part.sealed);
        named.filter_map(|sha256| self.sealed.get(&sha256).cloned()).collect()
    }

    /// Who the session's parts are sealed to: the auditors of the statement it began with. (SECURITY E4)
    pub fn recipients(&self) -> Result<Recipients, SealError> {
        let statement = Statement::open_unpinned(&self.statement).ok();
        Recipients::parse(statement.as_ref().map_or(&[], |statement| &statement.auditors))
    }

    /// What the bundle is made of, without the page that is rendered from it; `None` while the first event has no
    /// receipt: the ledger knows nothing of it.
    pub fn held(&self, agent: &VerifierKey) -> Option<Held> {
        let (open, _) = self.events.first()?;
        let first = Proof::parse(self.receipts.get(&open.leaf())?).ok()?;
        let openings = self.events.iter().flat_map(|(_, openings)| openings);
        Some(Held {
            statement: self.statement.clone(),
            agent: agent.clone(),
            events: self.events.iter().map(|(event, _)| event.clone()).collect(),
            openings: openings.map(|opening| (opening.commit(), opening.bytes().to_vec())).collect(),
            members: self.members.clone(),
            first,
            receipt: None,
            readme: Some(README.as_bytes().to_vec()),
        })
    }

    /// The log the session is recorded in: that of its first receipt, as the session's own statement names it.
    pub fn log(&self) -> Option<VerifierKey> {
        let (open, _) = self.events.first()?;
        let proof = Proof::parse(self.receipts.get(&open.leaf())?).ok()?;
        let origin = Checkpoint::unverified(&proof.checkpoint).ok()?.origin;
        let statement = Statement::open_unpinned(&self.statement).ok()?;
        statement.relay_of(origin.as_str()).map(|relay| relay.log.clone())
    }

    /// The number of the agent's `close`.
    pub fn close(&self) -> Option<(EntryRef, Leaf)> {
        self.events.iter().find_map(|(event, _)| {
            let header = event.header();
            matches!(header.kind, Kind::Close { .. })
                .then(|| (EntryRef { author: header.author, seq: header.seq }, event.leaf()))
        })
    }

    /// What happened, as the receipt tells it.
    pub fn story(&self, catalog: &Catalog) -> Option<Story> {
        let events = self.events.iter().map(|(event, openings)| {
            let said = Some(words_of(event, openings)).filter(|body| *body != Body::None);
            (event.clone(), said)
        });
        let source =
            Source { statement: &self.statement, members: &self.members, agent: None, events: events.collect() };
        Story::tell(source, catalog)
    }

    /// Why it ended, if it did.
    pub fn cause(&self) -> Option<Cause> {
        self.events.iter().find_map(|(event, _)| {
            let Kind::Close { cause, .. } = &event.header().kind else { return None };
            Some(*cause)
        })
    }
}

/// The words of an event as this PC holds them.
pub fn words_of(event: &Event, openings: &[Opening]) -> Body {
    let name = event.header().kind.name();
    openings.first().and_then(|opening| Body::decode(name, opening.plaintext()).ok()).unwrap_or(Body::None)
}
