//! Reading a log from its raw entries, one after another: the tree, the commits, the time between them.
//!
//! Nothing a relay stores beside the entries is believed: every leaf is hashed here, every note of the relay's own is
//! verified by the log's key, every `batch` must name the one before and count what follows, and silence must be explained
//! (SECURITY F6). The caller holds the root against a signed checkpoint; then these are the entries the log signed.
//!
//! State is a few kilobytes, whatever the log's size, and can be kept between readings ([`Saved`]).
//! Not here: whether a session holds ([`super::verify::check_recorded`]).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::encoding;
use crate::id::{Leaf, SessionId};
use crate::key::VerifierKey;
use crate::ledger::heartbeat::{Hole, Pulse};
use crate::ledger::kind::KindName;
use crate::ledger::merkle::{Hash, Tree};
use crate::ledger::note::{self, Note};
use crate::ledger::notice::{EntryError, LogEntry, Notice};
use crate::now::Wall;

/// A log being read.
#[derive(Clone, Debug)]
pub struct Reading {
    log: VerifierKey,
    tree: Tree,
    /// The newest complete node of each level: what the right edge of the tree is made of.
    nodes: BTreeMap<u8, (u64, Hash)>,
    last: Option<(Leaf, Wall)>,
    /// Entries of the commit under way that are still to come.
    left: u64,
    gap: Option<(Wall, Wall)>,
    was_open: bool,
    open: BTreeSet<SessionId>,
    pulse: Pulse,
}

/// One entry, read.
#[derive(Clone, Debug)]
pub struct Read {
    /// Its index.
    pub index: u64,
    /// The relay's time of its commit.
    pub observed: Wall,
    /// What it is.
    pub entry: LogEntry,
    /// Unexplained silence before its commit.
    pub hole: Option<Hole>,
}

/// What a reading keeps between two runs; only between two commits. Believed no further than the folder it lies in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// Entries read.
    pub size: u64,
    /// Level, number and hex hash of the right edge's nodes.
    pub nodes: Vec<(u8, u64, String)>,
    /// Leaf and time of the last batch note.
    pub last: Option<(String, i64)>,
    /// Sessions that haven't ended.
    pub open: Vec<String>,
}

/// Where a log isn't what a relay may write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {entry}: {why}")]
pub struct Unreadable {
    /// Index of the entry.
    pub entry: u64,
    /// Why not.
    pub why: Why,
}

/// Why an entry can't stand there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Not an entry of this log.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// A batch note while the one before still counts entries to come, or an entry no batch counts.
    #[error("the commits don't count their entries")]
    Count,
    /// A batch note that names another than the one before.
    #[error("the batch doesn't name the one before it")]
    Previous,
    /// What was kept can't be ours.
    #[error("the state kept from the last reading is damaged")]
    Saved,
}

impl Reading {
    /// At the beginning of a log.
    pub fn new(log: VerifierKey) -> Self {
        Self {
            log,
            tree: Tree::new(),
            nodes: BTreeMap::new(),
            last: None,
            left: 0,
            gap: None,
            was_open: false,
            open: BTreeSet::new(),
            pulse: Pulse::default(),
        }
    }

    /// Goes on where an earlier reading stopped.
    pub fn resume(log: VerifierKey, saved: &Saved) -> Result<Self, Unreadable> {
        let damaged = || Unreadable { entry: saved.size, why: Why::Saved };
        let mut reading = Self::new(log);
        for (level, index, hash) in &saved.nodes {
            reading.nodes.insert(*level, (*index, encoding::hex(hash).ok_or_else(damaged)?));
        }
        let node = |level, index| reading.nodes.get(&level).filter(|(at, _)| *at == index).map(|(_, hash)| *hash);
        reading.tree = Tree::load(saved.size, node).map_err(|_| damaged())?;
        if let Some((leaf, at)) = &saved.last {
            let observed = Wall::from_ms(*at);
            reading.last = Some((leaf.parse().map_err(|_| damaged())?, observed));
            reading.pulse.batch(observed, false, None);
        }
        for session in &saved.open {
            reading.open.insert(session.parse().map_err(|_| damaged())?);
        }
        Ok(reading)
    }

    /// What to keep; `None` within a commit.
    pub fn save(&self) -> Option<Saved> {
        (self.left == 0).then(|| Saved {
            size: self.tree.size(),
            nodes: self.nodes.iter().map(|(level, (at, hash))| (*level, *at, encoding::to_hex(hash))).collect(),
            last: self.last.map(|(leaf, observed)| (leaf.to_string(), observed.ms())),
            open: self.open.iter().map(ToString::to_string).collect(),
        })
    }

    /// Entries read.
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// The log's key.
    pub fn log(&self) -> &VerifierKey {
        &self.log
    }

    /// Root over them.
    pub fn root(&self) -> Hash {
        self.tree.root()
    }

    /// Whether a commit is complete here, as at every checkpoint.
    pub fn is_whole(&self) -> bool {
        self.left == 0
    }

    /// The next entry's exact bytes.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Read, Unreadable> {
        let entry = LogEntry::open(bytes, &self.log).map_err(|error| self.fault(error.into()))?;
        self.place(entry, bytes)
    }

    /// The same, but the signature of a note of the relay's own is owed: nothing read since the last one that was checked is
    /// to be believed before the note given here is found signed by the log's key.
    pub fn push_owing(&mut self, bytes: &[u8]) -> Result<(Read, Option<Note>), Unreadable> {
        let (entry, owed) = LogEntry::claimed(bytes, &self.log).map_err(|error| self.fault(error.into()))?;
        Ok((self.place(entry, bytes)?, owed))
    }

    fn fault(&self, why: Why) -> Unreadable {
        Unreadable { entry: self.tree.size(), why }
    }

    fn place(&mut self, entry: LogEntry, bytes: &[u8]) -> Result<Read, Unreadable> {
        let index = self.tree.size();
        let fault = |why| Unreadable { entry: index, why };
        let leaf = match &entry {
            LogEntry::Event(event) => event.leaf(),
            LogEntry::Batch(_) | LogEntry::Notice(_) => note::leaf(bytes),
        };
        let mut hole = None;
        match &entry {
            LogEntry::Batch(batch) => {
                if self.left != 0 {
                    return Err(fault(Why::Count));
                }
                if batch.previous != self.last.map(|(leaf, _)| leaf) {
                    return Err(fault(Why::Previous));
                }
                (self.left, self.last, self.gap) = (batch.n, Some((leaf, batch.observed)), None);
                self.was_open = !self.open.is_empty();
            }
            LogEntry::Notice(_) | LogEntry::Event(_) => {
                self.left = self.left.checked_sub(1).ok_or_else(|| fault(Why::Count))?;
            }
        }
        match &entry {
            LogEntry::Notice(Notice::Gap { from, to }) => self.gap = Some((*from, *to)),
            LogEntry::Notice(Notice::Abandoned { session }) => {
                self.open.remove(session);
            }
            LogEntry::Event(event) => match event.header().kind.name() {
                KindName::Open => {
                    self.open.insert(event.header().session);
                }
                KindName::Close => {
                    self.open.remove(&event.header().session);
                }
                KindName::Join
                | KindName::Consent
                | KindName::Request
                | KindName::Admit
                | KindName::Refuse
                | KindName::Result
                | KindName::Series
                | KindName::Chat
                | KindName::Note
                | KindName::Redaction
                | KindName::Pause
                | KindName::Resume
                | KindName::Stop
                | KindName::Signoff
                | KindName::Addendum => {}
            },
            LogEntry::Batch(_)
            | LogEntry::Notice(
                Notice::Erase { .. } | Notice::Look { .. } | Notice::Key { .. } | Notice::Policy { .. },
            ) => {}
        }
        let nodes = &mut self.nodes;
        self.tree.append(leaf, |level, at, hash| {
            nodes.insert(level, (at, hash));
        });
        let observed = self.last.map_or(Wall::MIN, |(_, observed)| observed);
        // A gap stands in the commit it explains, so silence is judged once the commit is whole.
        if self.left == 0 {
            hole = self.pulse.batch(observed, self.was_open, self.gap.take());
        }
        Ok(Read { index, observed, entry, hole })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{KeyName, SigningKey};
    use crate::ledger::batch::Batch;
    use crate::ledger::heartbeat::{IDLE_MS, SLACK_MS};

    fn key() -> SigningKey {
        SigningKey::new("log", [7; 32]).named(KeyName::new("relay.example/log").unwrap())
    }

    fn batch(n: u64, at: i64, previous: Option<&[u8]>) -> Vec<u8> {
        let origin = key().verifier().name.clone();
        Batch { origin, n, observed: Wall::from_ms(at), previous: previous.map(note::leaf) }.sign(&key())
    }

    fn read(entries: &[Vec<u8>]) -> Result<Vec<Read>, Unreadable> {
        let mut reading = Reading::new(key().verifier().clone());
        entries.iter().map(|entry| reading.push(entry)).collect()
    }

    #[test]
    fn f6_commits_count_name_and_explain() {
        let silence = (IDLE_MS + SLACK_MS).cast_signed();
        let first = batch(0, 0, None);
        let gap = Notice::Gap { from: Wall::from_ms(0), to: Wall::from_ms(silence + 1) }.sign(&key());
        let next = |n, at| batch(n, at, Some(&first));
        let hole = |entries: &[Vec<u8>]| read(entries).unwrap().iter().any(|read| read.hole.is_some());
        assert!(!hole(&[first.clone(), next(0, silence)]));
        assert!(hole(&[first.clone(), next(0, silence + 1)]));
        assert!(!hole(&[first.clone(), next(1, silence + 1), gap.clone()]));
        let why = |entries: &[Vec<u8>]| read(entries).unwrap_err();
        assert_eq!(why(&[first.clone(), gap.clone()]), Unreadable { entry: 1, why: Why::Count });
        assert_eq!(why(&[batch(1, 0, None), next(0, 1)]), Unreadable { entry: 1, why: Why::Count });
        assert_eq!(why(&[first.clone(), batch(0, 1, None)]), Unreadable { entry: 1, why: Why::Previous });
        let other = SigningKey::new("log", [8; 32]).named(key().verifier().name.clone());
        let forged = Batch {
            origin: key().verifier().name.clone(),
            n: 0,
            observed: Wall::from_ms(1),
            previous: Some(note::leaf(&first)),
        };
        assert!(matches!(why(&[first.clone(), forged.sign(&other)]).why, Why::Entry(_)), "a foreign key");
    }

    #[test]
    fn a_reading_goes_on_where_it_stopped() {
        let mut entries = vec![batch(0, 0, None)];
        for at in 1..70 {
            let previous = entries.last().unwrap().clone();
            entries.push(batch(0, at, Some(&previous)));
        }
        let mut whole = Reading::new(key().verifier().clone());
        for (n, entry) in entries.iter().enumerate() {
            let mut resumed = Reading::resume(key().verifier().clone(), &whole.save().unwrap()).unwrap();
            whole.push(entry).unwrap();
            resumed.push(entry).unwrap();
            assert_eq!((resumed.root(), resumed.size()), (whole.root(), n as u64 + 1));
            assert_eq!(resumed.save(), whole.save());
        }
        let mut damaged = whole.save().unwrap();
        damaged.nodes.clear();
        assert!(Reading::resume(key().verifier().clone(), &damaged).is_err());
    }
}
