//! Logs that were followed by another: a closed file each, from which old receipts are still proven. (SECURITY F5)
//!
//! ```text
//! DATA/relay.db        the log that grows; members; every session's participants; sealed parts and erasures of all logs
//! DATA/archive/1.db    the first log, closed: its entries, its tree, its last checkpoint, whose sessions they are
//! DATA/archive/2.db    …
//! ```
//!
//! Sealed parts stay in `relay.db`, so that erasing one of an old session is still one transaction with the note that says
//! so, in the log that grows. The private key of a closed log is destroyed: nobody can add to it, us included, and what is
//! asked about it is answered with the last checkpoint it signed.
//!
//! Not here: closing a log ([`super::succession`]).

use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension as _, params};
use venia_proto::id::SessionId;
use venia_proto::key::{PublicKey, VerifierKey};
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::notice::Closed;
use venia_proto::ledger::succession::{FIRST_SIZE, KEY_INDEX, year};
use venia_proto::now::Wall;
use venia_proto::rendezvous::{Answer, LogHead, Refusal, SUCCESSORS_MAX, Successor};

use super::notes::notes;
use super::prove::{Nodes, NotProven, Question, prove};
use super::sqlite::Sqlite;
use super::{Head, Store, StoreError};

/// Folder of closed logs, beside the database.
pub const ARCHIVE: &str = "archive";

/// A closed log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// The first log is 1.
    pub number: u64,
    /// Its key; the name is the origin.
    pub log: VerifierKey,
    /// Entries it was closed at.
    pub size: u64,
    /// A signed statement that names the key.
    pub statement: Vec<u8>,
    /// Its first and its last batch, by the ledger's time.
    pub lived: (Wall, Wall),
    /// The first entry whose bytes are still here.
    pub kept_from: u64,
}

/// The file of a closed log in the folder of this database.
pub fn file(database: &Path, number: u64) -> PathBuf {
    database.with_file_name(ARCHIVE).join(format!("{number}.db"))
}

/// The log's head, held against its tree and its own key.
pub fn verified(store: &Sqlite, log: &VerifierKey) -> Result<Option<(Head, Checkpoint)>, StoreError> {
    let Some(head) = store.head()? else { return Ok(None) };
    let checkpoint = Checkpoint::open(&head.checkpoint, log)
        .map_err(|_| StoreError::Damaged("the head isn't signed by this log's key"))?;
    let root = Nodes::stored(store).tree(head.size)?.root();
    if (checkpoint.size, checkpoint.root) != (head.size, root) {
        return Err(StoreError::Damaged("the tree isn't the one that was signed"));
    }
    Ok(Some((head, checkpoint)))
}

impl Sqlite {
    /// Every closed log, oldest first.
    pub fn shards(&self) -> Result<Vec<Shard>, StoreError> {
        let sql = "SELECT shard, log, size, statement, begun, closed, kept_from FROM shards ORDER BY shard";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| {
            let number = |column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
            let at = |column: usize| row.get(column).map(Wall::from_ms);
            Ok((row.get::<_, String>(1)?, number(0)?, number(2)?, row.get(3)?, at(4)?, at(5)?, number(6)?))
        })?;
        rows.map(|row| {
            let (log, number, size, statement, begun, closed, kept_from) = row?;
            let log = log.parse().map_err(|_| StoreError::Damaged("a closed log's key"))?;
            Ok(Shard { number, log, size, statement, lived: (begun, closed), kept_from })
        })
        .collect()
    }

    /// The closed log a session stands in, if it isn't the one that grows.
    pub fn shard_of(&self, session: SessionId) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT shard FROM sessions WHERE session = $1 AND shard IS NOT NULL";
        let number: Option<i64> =
            self.connection.prepare_cached(sql)?.query_row([session.0], |row| row.get(0)).optional()?;
        Ok(number.map(i64::cast_unsigned))
    }

    /// A closed log, to read from.
    pub fn archive(&self, number: u64) -> Result<Self, StoreError> {
        let sql = "SELECT kept_from FROM shards WHERE shard = $1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let kept_from: i64 = statement.query_row(params![number.cast_signed()], |row| row.get(0))?;
        let mut archive = Self::reader(&file(&self.path, number))?;
        archive.kept_from = kept_from.cast_unsigned();
        Ok(archive)
    }

    /// The closed log a session stands in, to read from.
    pub fn archive_of(&self, session: SessionId) -> Result<Option<Self>, StoreError> {
        self.shard_of(session)?.map(|number| self.archive(number)).transpose()
    }

    /// Says of every log that was closed before this year that its entries' bytes aren't kept; the logs. Their bytes are
    /// deleted by [`strip`], after this: a crash between leaves entries that nobody is given, never a hole that nobody
    /// explains.
    pub fn prune(&mut self, before: i16) -> Result<Vec<Shard>, StoreError> {
        let mut pruned = self.shards()?;
        pruned.retain(|shard| year(shard.lived.1) < before);
        for shard in &mut pruned {
            let sql = "UPDATE shards SET kept_from = size WHERE shard = $1";
            self.connection.execute(sql, [shard.number.cast_signed()])?;
            shard.kept_from = shard.size;
        }
        Ok(pruned)
    }
}

/// Deletes the bytes of entries that are no longer kept. The tree and the last checkpoint stay, so old receipts are still
/// proven; the note a log began with stays too, so that the chain of logs can be shown. Again: nothing.
pub fn strip(database: &Path, pruned: &[Shard]) -> Result<(), StoreError> {
    for shard in pruned.iter().filter(|shard| shard.kept_from > 0) {
        let archive = rusqlite::Connection::open(file(database, shard.number))?;
        archive.pragma_update(None, "trusted_schema", "OFF")?;
        // Where events stood stays known; what stood there is gone.
        archive.pragma_update(None, "foreign_keys", "OFF")?;
        archive.pragma_update(None, "secure_delete", "ON")?;
        if archive.execute("DELETE FROM entries WHERE entry >= $1", [FIRST_SIZE.cast_signed()])? > 0 {
            archive.execute_batch("VACUUM")?;
        }
    }
    Ok(())
}

/// Proofs for a session of a closed log; `None` if it stands in the one that grows, or nowhere.
pub fn proven(main: &Sqlite, question: &Question) -> Result<Option<Result<Answer, Refusal>>, StoreError> {
    let Some(archive) = main.archive_of(question.session)? else { return Ok(None) };
    let head = archive.head()?.ok_or(StoreError::Damaged("a closed log has no head"))?;
    match prove(&archive, &head, None, question) {
        Ok(answer) => Ok(Some(Ok(answer))),
        Err(NotProven::Refused(refusal)) => Ok(Some(Err(refusal))),
        Err(NotProven::Store(error)) => Err(error),
    }
}

/// Notes of a session of a closed log; `None` if it stands in the one that grows, or nowhere.
pub fn noted(
    main: &Sqlite,
    by: PublicKey,
    session: SessionId,
    skip: u64,
) -> Result<Option<Result<Answer, Refusal>>, StoreError> {
    let Some(archive) = main.archive_of(session)? else { return Ok(None) };
    if archive.kept_from > 0 {
        let (agent, parties) = archive.session_keys(session)?.ok_or(StoreError::Damaged("a session"))?;
        let allowed = agent.key == by || parties.contains(&by);
        return Ok(Some(Err(if allowed { Refusal::Erased } else { Refusal::NotAllowed })));
    }
    Ok(Some(notes(&archive, by, session, skip)))
}

/// Proof that a closed log's last tree continues an earlier one; `None` if no closed log has this origin.
pub fn between(
    main: &Sqlite,
    (origin, first, second): (&str, u64, u64),
) -> Result<Option<Result<Answer, Refusal>>, StoreError> {
    let Some(shard) = main.shards()?.into_iter().find(|shard| shard.log.name.as_str() == origin) else {
        return Ok(None);
    };
    // The key is gone: no other tree than the last is signed again.
    if first > shard.size || !(second == 0 || second == shard.size) {
        return Ok(Some(Err(Refusal::NotAllowed)));
    }
    let archive = main.archive(shard.number)?;
    let head = archive.head()?.ok_or(StoreError::Damaged("a closed log has no head"))?;
    let path = Nodes::stored(&archive).consistency(first, head.size)?;
    Ok(Some(Ok(Answer::Consistency { checkpoint: head.checkpoint, path })))
}

/// The logs that followed this one, each with the note it begins with. `grows`: the log that grows, and `served` the statement
/// in force, which names it.
pub fn successors(
    main: &Sqlite,
    log: &str,
    grows: &VerifierKey,
    served: &[u8],
) -> Result<Result<Answer, Refusal>, StoreError> {
    let shards = main.shards()?;
    let mut logs = Vec::new();
    if log != grows.to_string() {
        let Some(at) = shards.iter().position(|shard| shard.log.to_string() == log) else {
            return Ok(Err(Refusal::NotAllowed));
        };
        for shard in shards.iter().skip(at + 1).take(SUCCESSORS_MAX) {
            logs.push(successor(&main.archive(shard.number)?, shard.statement.clone())?);
        }
        if logs.len() < SUCCESSORS_MAX {
            logs.push(successor(main, served.to_vec())?);
        }
    }
    Ok(Ok(Answer::Successors { logs }))
}

fn successor(log: &Sqlite, statement: Vec<u8>) -> Result<Successor, StoreError> {
    let head = log.head()?.ok_or(StoreError::Damaged("no head"))?;
    let note = log.entry(KEY_INDEX)?.ok_or(StoreError::Damaged("the note a log begins with"))?;
    let path = Nodes::stored(log).entry(KEY_INDEX, head.size)?.path;
    Ok(Successor { statement, checkpoint: head.checkpoint, note, path })
}

/// The heads of all closed logs, oldest first.
pub fn heads(main: &Sqlite) -> Result<Vec<LogHead>, StoreError> {
    let head = |shard: Shard| {
        let head = main.archive(shard.number)?.head()?.ok_or(StoreError::Damaged("a closed log has no head"))?;
        Ok(LogHead { checkpoint: head.checkpoint, statement: shard.statement, kept_from: shard.kept_from })
    };
    main.shards()?.into_iter().map(head).collect()
}

/// What the log that follows says of this one.
pub fn closed(checkpoint: &Checkpoint) -> Closed {
    Closed { origin: checkpoint.origin.clone(), size: checkpoint.size, root: checkpoint.root }
}
