//! A whole log, entry by entry: one pass, pure, in memory that hardly grows with the log.
//!
//! ```text
//! raw entries ──▶ Whole: tree, commits, time, quoted trees, who spoke in which session ──▶ sessions to be judged
//!                                                                                     └─▶ notes whose signature is owed
//! ```
//!
//! The walk itself is sequential and cheap: it parses, hashes, and sorts events into their sessions. What costs, the
//! signatures, is handed out: [`Whole::ready`] gives sessions that can be judged ([`super::verify::check_recorded`]) by
//! whoever has hands, and [`Taken::owed`] the relay's own notes. Nothing is true before all of them came back.
//!
//! Held in memory are the events of sessions that still grow, up to [`HELD_MAX`] bytes; beyond that a session's events
//! are let go and read again when it is judged. Of every event stays its [`Place`] (24 bytes), of every commit its size
//! and half its root.
//!
//! Not here: threads, files, and which signature is checked when.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use crate::id::SessionId;
use crate::key::VerifierKey;
use crate::ledger::event::{After, Event};
use crate::ledger::heartbeat::Hole;
use crate::ledger::kind::KindName;
use crate::ledger::merkle::Hash;
use crate::ledger::note::Note;
use crate::ledger::notice::{LogEntry, Notice};
use crate::ledger::reading::{Read, Reading, Unreadable};
use crate::ledger::verify::Unsound;
use crate::now::Wall;

/// Bytes of notes held in memory for sessions that may still grow: 8 MiB, in memory some three times as much.
pub const HELD_MAX: usize = 8 << 20;
/// Bytes of a root that are remembered: to quote another tree under them takes a second preimage of 128 bits.
const REMEMBERED: usize = 16;

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index in the log.
    pub entry: u64,
    /// Where its bytes lie, in the words of whoever reads them.
    pub at: u64,
    /// The relay's time of its commit.
    pub observed: Wall,
}

/// A log being walked.
#[derive(Clone, Debug)]
pub struct Whole {
    reading: Reading,
    /// Trees smaller than this were not walked.
    start: u64,
    roots: Vec<(u64, [u8; REMEMBERED])>,
    /// Quoted trees from before the start: root, and the first entry that quotes it.
    older: BTreeMap<u64, (Hash, u64)>,
    known: BTreeMap<u64, Hash>,
    sessions: BTreeMap<SessionId, Kept>,
    /// Sessions that ended while held, the first one first.
    ended: VecDeque<SessionId>,
    held: usize,
    held_max: usize,
    opened: u64,
}

/// What is kept of a session.
#[derive(Clone, Debug)]
struct Kept {
    agent: Option<String>,
    places: Vec<Place>,
    state: State,
    /// Whether its `open` was walked.
    from_start: bool,
}

#[derive(Clone, Debug)]
enum State {
    /// All its events, and their bytes.
    Held(Vec<Event>, usize),
    /// Its events have to be read again.
    LetGo,
    /// Handed out, and nothing came since.
    Judged,
}

/// One entry, taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Its index.
    pub index: u64,
    /// Unexplained silence before its commit.
    pub hole: Option<Hole>,
    /// A note of the relay's own whose signature by the log's key is still to be checked.
    pub owed: Option<Note>,
}

/// A session to be judged.
#[derive(Clone, Debug)]
pub struct Session {
    /// Which.
    pub id: SessionId,
    /// The agent's key, as the relay told it with the `open`; `None` if that wasn't walked.
    pub agent: Option<String>,
    /// Where its events stand, in the order of the log. If its `open` wasn't walked, more come before these.
    pub places: Vec<Place>,
    /// The events at these places; `None`: they have to be read again.
    pub events: Option<Vec<Event>>,
}

impl Whole {
    /// Begins where a reading stands: at the beginning of a log, or where everything before was found right.
    pub fn new(reading: Reading) -> Self {
        let start = reading.size();
        let mut whole = Self {
            reading,
            start,
            roots: Vec::new(),
            older: BTreeMap::new(),
            known: BTreeMap::new(),
            sessions: BTreeMap::new(),
            ended: VecDeque::new(),
            held: 0,
            held_max: HELD_MAX,
            opened: 0,
        };
        whole.remember();
        whole
    }

    /// Holds at most so many bytes of notes.
    #[must_use]
    pub fn holding(self, held_max: usize) -> Self {
        Self { held_max, ..self }
    }

    /// A tree this log was seen to have: it must have it still.
    pub fn expect(&mut self, size: u64, root: Hash) -> Result<(), Unsound> {
        if size < self.start {
            return self.quote_older(size, root, size);
        }
        self.known.insert(size, root);
        self.meet()
    }

    /// How far the log was read.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Sessions that began among the entries walked.
    pub fn opened(&self) -> u64 {
        self.opened
    }

    /// Sessions that were not handed out since their last event.
    pub fn unjudged(&self) -> impl Iterator<Item = SessionId> {
        let unjudged = self.sessions.iter().filter(|(_, kept)| !matches!(kept.state, State::Judged));
        unjudged.map(|(id, _)| *id)
    }

    /// Those among them whose `open` was not walked.
    pub fn unwalked(&self) -> impl Iterator<Item = SessionId> {
        let unjudged = self.sessions.iter().filter(|(_, kept)| !matches!(kept.state, State::Judged));
        unjudged.filter(|(_, kept)| !kept.from_start).map(|(id, _)| *id)
    }

    /// Sessions that opened in a walk that didn't begin at the first entry: none of them may have been there before.
    pub fn unproven_new(&self) -> impl Iterator<Item = SessionId> {
        let new = self.sessions.iter().filter(|(_, kept)| kept.from_start && self.start > 0);
        new.map(|(id, _)| *id)
    }

    /// Where a session's events stood before the walk began: nowhere, if its `open` was walked.
    pub fn check_new(&self, session: SessionId, earlier: &[Place]) -> Result<(), Unsound> {
        let first = self.sessions.get(&session).filter(|kept| kept.from_start).and_then(|kept| kept.places.first());
        match first {
            Some(first) if earlier.iter().any(|place| place.entry < self.start) => {
                Err(unsound(first.entry, "opens a session that was there before".to_owned()))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// A session from before the start that was never judged: it will be, whether or not anything of it comes.
    pub fn owe(&mut self, session: SessionId) {
        let kept = Kept { agent: None, places: Vec::new(), state: State::LetGo, from_start: false };
        self.sessions.entry(session).or_insert(kept);
    }

    /// The next entry's exact bytes, and where they lie. `agent` is asked at a session's `open` for the agent's key as the
    /// relay told it; `see` is shown what was read, its relay-made notes not yet verified.
    pub fn push(
        &mut self,
        at: u64,
        bytes: &[u8],
        agent: impl FnOnce(SessionId) -> String,
        see: impl FnOnce(&Read),
    ) -> Result<Taken, Unsound> {
        let (read, owed) = self.reading.push_owing(bytes)?;
        see(&read);
        let Read { index, observed, entry, hole } = read;
        match entry {
            LogEntry::Event(event) => {
                if let Some(after) =
                    event.header().after.as_ref().filter(|after| after.origin == self.reading.log().name)
                {
                    self.quote(after, index)?;
                }
                self.sort(*event, Place { entry: index, at, observed }, agent);
            }
            LogEntry::Notice(Notice::Abandoned { session }) => self.ended.push_back(session),
            LogEntry::Batch(_) | LogEntry::Notice(_) => {}
        }
        if self.reading.is_whole() {
            self.remember();
        }
        self.meet()?;
        Ok(Taken { index, hole, owed })
    }

    /// A session to be judged now, if more is held than may be: the one that ended first.
    pub fn ready(&mut self) -> Option<Session> {
        while self.held > self.held_max {
            let Some(id) = self.ended.pop_front() else {
                // Nothing ended: the largest is let go, and read again when it is judged.
                let size = |kept: &Kept| if let State::Held(_, bytes) = kept.state { bytes } else { 0 };
                let largest = self.sessions.values_mut().max_by_key(|kept| size(kept))?;
                self.held -= size(largest);
                largest.state = State::LetGo;
                continue;
            };
            if let Some(session) = self.hand_out(id, |state| matches!(state, State::Held(..))) {
                return Some(session);
            }
        }
        None
    }

    /// At the end: the next session that was not judged since its last event.
    pub fn rest(&mut self) -> Option<Session> {
        let id = self.unjudged().next()?;
        self.hand_out(id, |_| true)
    }

    /// Trees from before the start that events quote: size, root and the entry that quotes it. Whoever can read the log
    /// before the start holds them against it.
    pub fn older(&self) -> impl Iterator<Item = (u64, Hash, u64)> {
        self.older.iter().map(|(size, (root, entry))| (*size, *root, *entry))
    }

    /// At the end: the log must have reached every tree it was seen to have.
    pub fn finish(&self) -> Result<(), Unsound> {
        match self.known.last_key_value() {
            Some((size, _)) => Err(unsound(self.reading.size(), format!("the log was seen to have {size} entries"))),
            None => Ok(()),
        }
    }

    fn hand_out(&mut self, id: SessionId, wanted: impl Fn(&State) -> bool) -> Option<Session> {
        let kept = self.sessions.get_mut(&id).filter(|kept| wanted(&kept.state))?;
        kept.places.shrink_to_fit();
        let (events, bytes) = match std::mem::replace(&mut kept.state, State::Judged) {
            State::Held(events, bytes) => (Some(events), bytes),
            State::LetGo | State::Judged => (None, 0),
        };
        self.held -= bytes;
        let agent = kept.agent.clone().filter(|_| kept.from_start);
        Some(Session { id, agent, places: kept.places.clone(), events })
    }

    fn sort(&mut self, event: Event, place: Place, agent: impl FnOnce(SessionId) -> String) {
        let (id, kind, bytes) = (event.header().session, event.header().kind.name(), event.bytes().len());
        let opens = kind == KindName::Open;
        self.opened += u64::from(opens);
        let kept = match self.sessions.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let state = if opens { State::Held(Vec::new(), 0) } else { State::LetGo };
                let agent = opens.then(|| agent(id));
                new.insert(Kept { agent, places: Vec::new(), state, from_start: opens })
            }
        };
        kept.places.push(place);
        match &mut kept.state {
            State::Held(events, held) => {
                events.push(event);
                *held += bytes;
                self.held += bytes;
            }
            State::LetGo => {}
            State::Judged => kept.state = State::LetGo,
        }
        if kind == KindName::Close {
            self.ended.push_back(id);
        }
    }

    /// What an event quotes must be a tree this log had. (SECURITY E9)
    fn quote(&mut self, after: &After, entry: u64) -> Result<(), Unsound> {
        if after.size < self.start {
            return self.quote_older(after.size, after.root, entry);
        }
        // Nearly always one of the last.
        let known = match self.roots.iter().rev().take(8).find(|(size, _)| *size == after.size) {
            Some((_, root)) => Some(root),
            None => self.roots.binary_search_by_key(&after.size, |(size, _)| *size).ok().map(|at| &self.roots[at].1),
        };
        if known.is_some_and(|root| after.root.starts_with(root)) {
            Ok(())
        } else {
            Err(unsound(entry, "quotes a tree this log never had".to_owned()))
        }
    }

    fn quote_older(&mut self, size: u64, root: Hash, entry: u64) -> Result<(), Unsound> {
        let (known, _) = self.older.entry(size).or_insert((root, entry));
        if *known == root { Ok(()) } else { Err(unsound(entry, format!("two roots at one size: {size} entries"))) }
    }

    fn remember(&mut self) {
        let mut remembered = [0; REMEMBERED];
        remembered.copy_from_slice(&self.reading.root()[..REMEMBERED]);
        self.roots.push((self.reading.size(), remembered));
    }

    fn meet(&mut self) -> Result<(), Unsound> {
        let size = self.reading.size();
        match self.known.first_key_value() {
            Some((known, root)) if *known == size => {
                if *root != self.reading.root() {
                    return Err(unsound(
                        size,
                        format!("not the log that was seen before: another tree at {size} entries"),
                    ));
                }
                self.known.remove(&size);
                Ok(())
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// The tree from before the start must be the one that was quoted: `tree` is the log's own at that size.
pub fn held_against(quoted: (u64, Hash, u64), tree: &Hash) -> Result<(), Unsound> {
    let (_, root, entry) = quoted;
    if root == *tree { Ok(()) } else { Err(unsound(entry, "quotes a tree this log never had".to_owned())) }
}

/// A note of the relay's own, signed by the log's key or not.
pub fn settle(index: u64, owed: &Note, log: &crate::key::ReadyKey) -> Result<(), Unsound> {
    owed.verify_by(log).map_err(|error| unsound(index, format!("the relay's note is not properly signed: {error}")))
}

/// The agent's key as it was told.
pub fn agent_key(session: &Session) -> Result<Option<VerifierKey>, Unsound> {
    let first = session.places.first().map_or(0, |place| place.entry);
    let parse = |key: &String| key.parse().map_err(|_| unsound(first, "the agent's key is malformed".to_owned()));
    session.agent.as_ref().map(parse).transpose()
}

fn unsound(entry: u64, why: String) -> Unsound {
    Unsound { entry, why }
}

impl From<Unreadable> for Unsound {
    fn from(unreadable: Unreadable) -> Self {
        unsound(unreadable.entry, unreadable.why.to_string())
    }
}

#[cfg(test)]
mod tests;
