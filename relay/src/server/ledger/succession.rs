//! Ends a log and begins the one that follows it: at a new year, and after a restored backup. (SECURITY F5)
//!
//! ```text
//! new key ─▶ statement that names it ─▶ archive/N.db, checked ─▶ one transaction: old log out, new log's first commit in ─▶ old key destroyed
//! ```
//!
//! A crash at any arrow leaves the old log or the new one, never both and never neither: until the transaction the old one
//! is the log, and what was made for the next is made again. Only while nobody else writes here: the caller holds the
//! folder's lock and no committer runs.
//!
//! Not here: when ([`super::super::serve`], [`super::super::recovery`]), and what peers make of it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior, params};
use venia_proto::key::{KeyName, SigningKey, VerifierKey};
use venia_proto::ledger::batch::Batch;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::merkle::{Hash, Tree};
use venia_proto::ledger::note::{NOTE_MAX, Note, leaf};
use venia_proto::ledger::notice::{Closed, Notice, Succession};
use venia_proto::ledger::succession::{SERIAL_JUMP, is_due};
use venia_proto::now::Wall;

use super::super::cosigning;
use super::super::identity::{IdentityError, Keys, Published, log_file, log_key, log_number};
use super::super::serve::DATABASE;
use super::super::settings::Settings;
use super::prove::Nodes;
use super::shards::{closed, file, verified};
use super::sqlite::{Sqlite, numbered};
use super::{Store as _, StoreError};
use crate::client::home::{Home, HomeError};

/// Tables that go with a log, in the order in which rows may be copied.
const TABLES: [&str; 6] = ["sessions", "parties", "entries", "nodes", "head", "events"];

/// A log that was ended, and the one that follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Succeeded {
    /// What the new one says of the old one.
    pub closed: Closed,
    /// Last moment the old one knew of.
    pub until: Wall,
    /// Origin of the new one.
    pub origin: KeyName,
    /// Serial of the statement that names it.
    pub serial: u64,
    /// Sessions that hadn't ended in the old one: nothing follows there.
    pub left_open: u64,
    /// Invites that nobody had used, as far as this copy knows: withdrawn after a restored backup, which may have forgotten
    /// that somebody did.
    pub withdrawn: u64,
}

/// A log that can't be followed by another.
#[derive(Debug, thiserror::Error)]
pub enum SuccessionError {
    /// Keys or statement.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is none yet.
    #[error("there is no log here yet")]
    NoLog,
    /// The closed log's file can't be written.
    #[error("the closed log can't be written")]
    Archive(#[source] io::Error),
}

impl From<HomeError> for SuccessionError {
    fn from(error: HomeError) -> Self {
        Self::Identity(error.into())
    }
}

/// Number of the log that grows, and the origin of the first one if this isn't it.
pub fn current(home: &Home) -> Result<(u64, Option<KeyName>), HomeError> {
    let path = home.path(DATABASE)?;
    if !path.is_file() {
        return Ok((1, None));
    }
    count(&path).map_err(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "the list of closed logs");
        HomeError::Damaged(path)
    })
}

fn count(path: &Path) -> Result<(u64, Option<KeyName>), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'shards')";
    if !connection.query_row(sql, [], |row| row.get::<_, bool>(0))? {
        return Ok((1, None));
    }
    let sql = "SELECT max(shard), (SELECT log FROM shards WHERE shard = 1) FROM shards";
    let (last, first): (Option<i64>, Option<String>) =
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let damaged = || StoreError::Damaged("the first log's key");
    let first = first.map(|log| log.parse::<VerifierKey>().map_err(|_| damaged())).transpose()?;
    Ok((last.map_or(1, |last| last.cast_unsigned() + 1), first.map(|log| log.name)))
}

/// Whether the log that grows should be followed by another now.
pub fn due(store: &Sqlite, log: &VerifierKey, now: Wall) -> Result<bool, StoreError> {
    let Some(first) = store.entry(0)? else { return Ok(false) };
    let begun = Batch::open(&first, log).map_err(|_| StoreError::Damaged("the first batch note"))?.observed;
    Ok(is_due(begun, now, store.is_open()?))
}

/// Holds the database against what it once reached. A log that was set back is never ended as if nothing had happened.
pub fn against(store: &Sqlite, reached: Option<(u64, Hash)>) -> Result<(), StoreError> {
    let Some((had, root)) = reached else { return Ok(()) };
    let found = store.head()?.map_or(0, |head| head.size);
    if found < had {
        return Err(StoreError::SetBack { had, found });
    }
    if Nodes::stored(store).tree(had)?.root() != root {
        return Err(StoreError::Damaged("the log isn't the one that was here before"));
    }
    Ok(())
}

/// Ends the log that grows and begins the one that follows.
pub fn succeed(home: &Home, store: &mut Sqlite, cause: Succession, now: Wall) -> Result<Succeeded, SuccessionError> {
    let (number, first) = current(home)?;
    let keys = Keys::open(home)?;
    let log = keys.log.verifier().clone();
    let (head, checkpoint) = verified(store, &log)?.ok_or(SuccessionError::NoLog)?;
    let until = Batch::open(&head.batch, &log).map_err(|_| StoreError::Damaged("the newest batch note"))?.observed;
    let begun = store.entry(0)?.ok_or(StoreError::Damaged("the first entry is missing"))?;
    let begun = Batch::open(&begun, &log).map_err(|_| StoreError::Damaged("the first batch note"))?.observed;
    let before = Published::read(home)?.ok_or(SuccessionError::NoLog)?;
    let settings = Settings::read(home)?;

    let first = first.unwrap_or_else(|| log.name.clone());
    let next = log_key(home, (number + 1, Some(first)))?;
    let keys = keys.with_log(next);
    let jump = match cause {
        Succession::Year => 1,
        Succession::Recovered => SERIAL_JUMP,
    };
    let published = Published::succeeding(home, &keys, &before, &settings, jump, now)?;
    archive(store, number, &log, witnessed(home, &head.checkpoint)?.as_deref())?;

    let previous = closed(&checkpoint);
    let begins = Beginning::new(&keys.log, previous.clone(), cause, now.max(until));
    let transaction =
        store.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(StoreError::from)?;
    let done = (|| -> Result<(u64, u64), StoreError> {
        let size: i64 = transaction.query_row("SELECT size FROM head", [], |row| row.get(0))?;
        if size.cast_unsigned() != head.size {
            return Err(StoreError::HeadMoved);
        }
        let sql = "INSERT INTO shards (shard, log, size, statement, begun, closed) VALUES ($1, $2, $3, $4, $5, $6)";
        let row = params![number.cast_signed(), log.to_string(), size, before.note, begun.ms(), until.ms()];
        transaction.execute(sql, row)?;
        let left_open = transaction.execute("UPDATE sessions SET ended = $1 WHERE ended IS NULL", [size])?;
        transaction.execute("UPDATE sessions SET shard = $1 WHERE shard IS NULL", [number.cast_signed()])?;
        for table in ["events", "entries", "nodes", "head"] {
            transaction.execute(&format!("DELETE FROM {table}"), [])?;
        }
        begins.store(&transaction)?;
        let withdrawn = match cause {
            Succession::Year => 0,
            Succession::Recovered => transaction.execute("DELETE FROM invites WHERE used IS NULL", [])?,
        };
        Ok((left_open as u64, withdrawn as u64))
    })();
    let (left_open, withdrawn) = done?;
    transaction.commit().map_err(StoreError::from)?;
    // A reader that hinders it now doesn't when the relay starts.
    store.scrub(true)?;
    // Whoever finds it later could sign another end to a log that people hold receipts of.
    home.remove(&log_file(number))?;
    let (origin, serial) = (keys.log.verifier().name.clone(), published.statement.serial);
    Ok(Succeeded { closed: previous, until, origin, serial, left_open, withdrawn })
}

/// Destroys keys of closed logs that a crash, or a copied folder, left here: whoever finds one could sign another end to a log
/// that people hold receipts of.
pub fn bury(home: &Home) -> Result<(), HomeError> {
    let (number, _) = current(home)?;
    let folder = || home.dir().to_owned();
    let files = fs::read_dir(home.dir()).map_err(|source| HomeError::Disk { path: folder(), source })?;
    for file in files {
        let file = file.map_err(|source| HomeError::Disk { path: folder(), source })?.file_name();
        let Some(name) = file.to_str() else { continue };
        if log_number(name).is_some_and(|closed| closed < number) {
            tracing::warn!(name, "a closed log's key was still here; it is destroyed");
            home.remove(name)?;
        }
    }
    Ok(())
}

/// The first commit of a log that follows another.
struct Beginning {
    entries: [Vec<u8>; 2],
    nodes: Vec<(u8, u64, Hash)>,
    checkpoint: Vec<u8>,
}

impl Beginning {
    fn new(log: &SigningKey, previous: Closed, cause: Succession, observed: Wall) -> Self {
        let batch = Batch { origin: log.verifier().name.clone(), n: 1, observed, previous: None }.sign(log);
        let entries = [batch, Notice::Key { previous, cause }.sign(log)];
        let (mut tree, mut nodes) = (Tree::new(), Vec::new());
        for entry in &entries {
            tree.append(leaf(entry), |level, place, hash| nodes.push((level, place, hash)));
        }
        let checkpoint = Checkpoint::of(log.verifier(), tree.size(), tree.root()).sign(log);
        Self { entries, nodes, checkpoint }
    }

    fn store(&self, connection: &Connection) -> Result<(), StoreError> {
        for (entry, note) in (0_i64..).zip(&self.entries) {
            connection.execute("INSERT INTO entries (entry, note) VALUES ($1, $2)", params![entry, note])?;
        }
        for (level, place, hash) in &self.nodes {
            let node = numbered(*level, *place).ok_or(StoreError::Damaged("a node of no tree"))?;
            let sql = "INSERT INTO nodes (node, level, place, hash) VALUES ($1, $2, $3, $4)";
            connection.execute(sql, params![node.cast_signed(), level, place.cast_signed(), hash])?;
        }
        let sql = "INSERT INTO head (one, size, checkpoint, batch) VALUES (1, $1, $2, $3)";
        connection.execute(sql, params![self.entries.len() as i64, self.checkpoint, self.entries[0]])?;
        Ok(())
    }
}

/// The last checkpoint with its cosignatures, if they came in time: nobody cosigns it later.
fn witnessed(home: &Home, last: &[u8]) -> Result<Option<Vec<u8>>, HomeError> {
    let last = Note::parse(last).ok();
    let kept = home.read(cosigning::FILE, NOTE_MAX)?.and_then(|bytes| Note::parse(&bytes).ok());
    Ok(kept.zip(last).filter(|(kept, last)| kept.text() == last.text()).map(|(kept, _)| kept.to_bytes()))
}

/// Copies the log that grows into a file of its own, and checks it before it counts.
fn archive(store: &Sqlite, number: u64, log: &VerifierKey, witnessed: Option<&[u8]>) -> Result<(), SuccessionError> {
    let done = file(&store.path, number);
    let folder = done.parent().unwrap_or(Path::new("."));
    if let Err(error) = DirBuilder::new().mode(0o700).create(folder)
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        return Err(SuccessionError::Archive(error));
    }
    let beside = done.with_extension("part");
    if let Err(error) = fs::remove_file(&beside)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(SuccessionError::Archive(error));
    }
    // SQLite would make it readable for all.
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside);
    drop(made.map_err(SuccessionError::Archive)?);
    copy(store, &beside)?;
    let copied = Sqlite::reader(&beside)?;
    let same = copied.head()? == store.head()? && verified(&copied, log)?.is_some() && rows(&copied)? == rows(store)?;
    drop(copied);
    if !same {
        return Err(StoreError::Damaged("the closed log's copy isn't the log").into());
    }
    if let Some(checkpoint) = witnessed {
        let made = Connection::open(&beside).map_err(StoreError::from)?;
        made.pragma_update(None, "synchronous", "FULL").map_err(StoreError::from)?;
        made.execute("UPDATE head SET checkpoint = $1", [checkpoint]).map_err(StoreError::from)?;
    }
    let placed = fs::rename(&beside, &done).and_then(|()| File::open(folder)?.sync_all());
    placed.map_err(SuccessionError::Archive)
}

fn copy(store: &Sqlite, to: &Path) -> Result<(), StoreError> {
    let schema = |kind: &str, table: &str| -> Result<Vec<String>, StoreError> {
        let sql = "SELECT sql FROM sqlite_master WHERE type = $1 AND tbl_name = $2 AND sql IS NOT NULL";
        let mut statement = store.connection.prepare(sql)?;
        let found = statement.query_map(params![kind, table], |row| row.get(0))?;
        Ok(found.collect::<Result<_, _>>()?)
    };
    let made = Connection::open(to)?;
    made.pragma_update(None, "trusted_schema", "OFF")?;
    made.pragma_update(None, "synchronous", "FULL")?;
    for kind in ["table", "index"] {
        for table in TABLES {
            for sql in schema(kind, table)? {
                made.execute_batch(&sql)?;
            }
        }
    }
    drop(made);
    let path = to.to_str().ok_or(StoreError::Damaged("the data folder's name isn't text"))?;
    store.connection.execute("ATTACH $1 AS closing", [path])?;
    let copied = (|| -> Result<(), StoreError> {
        let transaction = store.connection.unchecked_transaction()?;
        for table in TABLES {
            let of_this_log = match table {
                "sessions" => "WHERE shard IS NULL",
                "parties" => "WHERE session IN (SELECT session FROM main.sessions WHERE shard IS NULL)",
                _ => "",
            };
            let sql = format!("INSERT INTO closing.{table} SELECT * FROM main.{table} {of_this_log}");
            transaction.execute(&sql, [])?;
        }
        Ok(transaction.commit()?)
    })();
    store.connection.execute("DETACH closing", [])?;
    copied
}

/// How many entries, nodes and events there are.
fn rows(store: &Sqlite) -> Result<Option<(i64, i64, i64)>, StoreError> {
    let sql = "SELECT (SELECT count(*) FROM entries), (SELECT count(*) FROM nodes), (SELECT count(*) FROM events)";
    let counts = store.connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    Ok(counts.optional()?)
}
