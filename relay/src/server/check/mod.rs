//! The operator's own re-derivation: `venia-relay check`.
//!
//! ```text
//! entries ──▶ every leaf hashed, the tree built anew ──▶ every stored node, the head and its copy beside the database
//!         ──▶ every note of the relay's own, every event's signature and strand
//!         ──▶ what the other tables say about the entries: events, sessions, parties, sealed parts, erasures, evidence
//! closed logs ──▶ every leaf hashed, the tree built anew ──▶ every stored node, the last checkpoint (unless pruned)
//! ```
//!
//! Read in one transaction of a connection that can't write: a running relay goes on beside it. Nothing is repaired.
//!
//! Columns that only the relay itself ever knew can't be derived, and only their form is looked at: where a session came
//! from and when it was asked for, when evidence, enrolments and acknowledgements came, levels, unused invites, and the days
//! of retention. The rules of consent are the auditor's question, not the database's.

mod entries;
mod rows;
mod sealed;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use rusqlite::ErrorCode;
use serde::Serialize;
use venia_proto::id::SessionId;
use venia_proto::key::VerifierKey;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::merkle::Hash;
use venia_proto::ledger::notice::{LogEntry, Notice};
use venia_proto::ledger::reading::{Read, Reading};
use venia_proto::ledger::verify::{Unsound, check_strands};
use venia_proto::ledger::whole::Whole;
use venia_proto::now::Wall;

use self::entries::Entries;
use super::ledger::sqlite::Sqlite;
use super::ledger::{Store as _, StoreError};
use crate::walking::{Judged, NotWalked, Terms, Walked, walk};

/// Entries between two words of progress.
const TOLD_EVERY: u64 = 1 << 10;

/// What a database that holds is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Entries in the log.
    pub entries: u64,
    /// Sessions in it.
    pub sessions: u64,
}

/// Where a database doesn't hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum At {
    /// An entry of the log.
    Entry(u64),
    /// A table, and which of its rows.
    Row(String),
}

/// Why a database isn't found right.
#[derive(Debug, thiserror::Error)]
pub enum Unchecked {
    /// It doesn't hold.
    #[error("{why}")]
    Broken {
        /// Where.
        at: At,
        /// Why.
        why: String,
    },
    /// It can't be read, so nothing can be told.
    #[error(transparent)]
    Store(StoreError),
    /// Somebody stopped it.
    #[error("stopped at entry {0}")]
    Stopped(u64),
}

/// What is asked of a check.
pub struct Wish<'a> {
    /// The log's key.
    pub log: &'a VerifierKey,
    /// What the copy of the head beside the database says; read before the database.
    pub head: Option<(u64, Hash)>,
    /// Threads that check signatures.
    pub jobs: usize,
    /// Set by whoever wants it to stop.
    pub stop: &'a AtomicBool,
}

/// What the entries say, for the tables to be held against.
#[derive(Debug, Default)]
struct Said {
    events: u64,
    /// Where the commit began that is being read.
    batch: u64,
    /// Newest event of each session.
    newest: BTreeMap<SessionId, u64>,
    /// First `abandoned` note of a session.
    abandoned: BTreeMap<SessionId, u64>,
    erased: Vec<Erased>,
}

/// An `erase` note.
#[derive(Debug)]
struct Erased {
    entry: u64,
    session: SessionId,
    parts: Option<Vec<[u8; 32]>>,
    observed: Wall,
}

/// Checks a database. `told` hears entries read, and of how many.
pub fn check(store: &Sqlite, wish: &Wish<'_>, told: impl FnMut(u64, u64)) -> Result<Checked, Unchecked> {
    // One moment of the database, whatever is written meanwhile.
    store.connection.execute_batch("BEGIN").map_err(StoreError::from)?;
    let checked = at_one_moment(store, wish, told);
    store.connection.execute_batch("COMMIT").map_err(StoreError::from)?;
    checked
}

fn at_one_moment(store: &Sqlite, wish: &Wish<'_>, mut told: impl FnMut(u64, u64)) -> Result<Checked, Unchecked> {
    if !store.has_our_schema()? {
        return Err(broken("schema_version", "the tables aren't those this program makes"));
    }
    let head = store.head()?.ok_or_else(|| broken("head", "there is none"))?;
    let checkpoint = Checkpoint::open(&head.checkpoint, wish.log);
    let checkpoint = checkpoint.map_err(|error| broken("head", &format!("its checkpoint: {error}")))?;
    if checkpoint.size != head.size {
        return Err(broken("head", "its size isn't the one of its checkpoint"));
    }
    let mut whole = Whole::new(Reading::new(wish.log.clone()));
    let expected = wish.head.map_or(Ok(()), |(size, root)| whole.expect(size, root));
    expected.map_err(unsound)?;
    let mut said = Said::default();
    let mut source = Entries::new(store, head.size);
    let judge = |session: Judged| {
        let places: Vec<_> = session.places.iter().map(|place| (place.entry, place.observed)).collect();
        check_strands(wish.log, &session.agent, &places, &session.events)
    };
    let terms = Terms { jobs: wish.jobs, stop: wish.stop, pause_after: u64::MAX, judge: &judge };
    let mut see = |read: &Read| -> Result<(), Unchecked> {
        if read.index.is_multiple_of(TOLD_EVERY) {
            told(read.index, head.size);
        }
        match &read.entry {
            LogEntry::Batch(_) => said.batch = read.index,
            LogEntry::Event(event) => {
                said.events += 1;
                rows::event(store, event.header(), read.index, &mut said)?;
            }
            LogEntry::Notice(Notice::Abandoned { session }) => {
                said.abandoned.entry(*session).or_insert(read.index);
            }
            LogEntry::Notice(Notice::Erase { session, parts }) => {
                let (session, parts) = (*session, parts.clone());
                said.erased.push(Erased { entry: read.index, session, parts, observed: read.observed });
            }
            LogEntry::Notice(Notice::Gap { .. } | Notice::Look { .. } | Notice::Key { .. } | Notice::Policy { .. }) => {
            }
        }
        Ok(())
    };
    let walked = walk(&mut whole, &mut source, &terms, &mut see, |_| {});
    let walked = walked.map_err(|error| match error {
        NotWalked::Unsound(broken) => unsound(broken),
        NotWalked::Source(error) => error,
    })?;
    if walked != Walked::End {
        return Err(Unchecked::Stopped(whole.reading().size()));
    }
    if !whole.reading().is_whole() {
        return Err(at_entry(head.size, "the last commit isn't whole"));
    }
    if checkpoint.root != whole.reading().root() {
        return Err(broken("head", "the entries don't lead to the root it signed"));
    }
    if store.entry(said.batch)?.as_ref() != Some(&head.batch) {
        return Err(broken("head", "its batch note isn't the newest in the log"));
    }
    source.nothing_more()?;
    rows::whole_tables(store, &said, whole.opened())?;
    sealed::erasures(store, &said)?;
    rows::members(store)?;
    rows::closed(store, wish.stop)?;
    rows::sessions(store, wish.log, &said, wish.stop)?;
    rows::evidence(store)?;
    rows::life(store)?;
    told(head.size, head.size);
    Ok(Checked { entries: head.size, sessions: whole.opened() })
}

fn broken(row: &str, why: &str) -> Unchecked {
    Unchecked::Broken { at: At::Row(row.to_owned()), why: why.to_owned() }
}

fn at_entry(entry: u64, why: &str) -> Unchecked {
    Unchecked::Broken { at: At::Entry(entry), why: why.to_owned() }
}

fn unsound(unsound: Unsound) -> Unchecked {
    Unchecked::Broken { at: At::Entry(unsound.entry), why: unsound.why }
}

/// A file that is no database any more, or a value no column of ours holds, is broken; a disk that fails tells nothing.
impl From<StoreError> for Unchecked {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(error) => error.into(),
            StoreError::Damaged(why) => broken("relay.db", why),
            StoreError::File(_)
            | StoreError::HeadMoved
            | StoreError::Newer { .. }
            | StoreError::Foreign(_)
            | StoreError::SetBack { .. } => Self::Store(error),
        }
    }
}

impl From<rusqlite::Error> for Unchecked {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error_code();
        let damaged = matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)) || code.is_none();
        if damaged { broken("relay.db", &error.to_string()) } else { Self::Store(StoreError::Database(error)) }
    }
}
