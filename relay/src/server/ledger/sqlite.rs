//! The ledger's database on SQLite: write-ahead log, `synchronous = FULL`, one connection that writes.
//!
//! Tables are STRICT, and a schema found in the file is never trusted to run code (`trusted_schema = OFF`). Migrations are
//! numbered files whose SHA-256 is recorded; a database made by a newer program, or by other migrations, is refused rather
//! than guessed at.
//!
//! Not here: what may be stored ([`super::admission`]), and in which order ([`super::committer`]).

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use venia_proto::id::{SessionId, Strand};
use venia_proto::key::{PublicKey, VerifierKey};
use venia_proto::ledger::merkle::{Hash, completed};

use super::{Commit, Equivocation, Head, Placed, Store, StoreError, StoredSession};

/// How long to wait for another process that reads the file, in milliseconds.
const BUSY_MS: u32 = 5_000;

/// How often the write-ahead log is brought into the database, in its pages of 4 KiB: what many commits change in turn is
/// then written once.
const CHECKPOINT_PAGES: u32 = 4_000;

/// Walks a session's events (`$1`) from its newest backwards. Each step goes back, whatever a damaged row says.
macro_rules! walking {
    ($select:literal) => {
        concat!(
            "WITH RECURSIVE walk (entry, author, seq, batch, before) AS ( \
                 SELECT entry, author, seq, batch, before FROM events \
                 WHERE entry = (SELECT newest FROM sessions WHERE session = $1) AND session = $1 \
                 UNION ALL \
                 SELECT events.entry, events.author, events.seq, events.batch, events.before \
                 FROM walk JOIN events ON events.entry = walk.before AND events.entry < walk.entry \
                 WHERE events.session = $1 \
             ) ",
            $select
        )
    };
}

mod append;
mod schema;

/// An open database.
pub struct Sqlite {
    pub(in crate::server) path: PathBuf,
    /// The first entry whose bytes are still here: above zero in a closed log that was pruned.
    pub(super) kept_from: u64,
    pub(in crate::server) connection: Connection,
}

impl Sqlite {
    /// Opens or makes the database. The caller holds the folder's lock: never a second writer.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let mut connection = connect(path)?;
        schema::migrate(&mut connection)?;
        Ok(Self { path: path.to_owned(), kept_from: 0, connection })
    }

    /// A second connection that reads beside the writer and can't write.
    pub fn reader(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_millis(BUSY_MS.into()))?;
        connection.pragma_update(None, "trusted_schema", "OFF")?;
        Ok(Self { path: path.to_owned(), kept_from: 0, connection })
    }

    /// Whether every migration of this program was run here, and no other.
    pub fn is_current(&self) -> Result<bool, StoreError> {
        schema::is_current(&self.connection)
    }

    /// Whether the schema is exactly the one this program makes: every migration, and no table, index or trigger more.
    pub fn has_our_schema(&self) -> Result<bool, StoreError> {
        let mut fresh = Connection::open_in_memory()?;
        schema::migrate(&mut fresh)?;
        Ok(schema::made(&self.connection)? == schema::made(&fresh)?)
    }

    /// Entries from an index on, at most so many.
    pub fn entries_from(&self, from: u64, most: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        let sql = "SELECT note FROM entries WHERE entry >= $1 ORDER BY entry LIMIT $2";
        let (Ok(from), Ok(most)) = (i64::try_from(from), i64::try_from(most)) else { return Ok(Vec::new()) };
        let mut statement = self.connection.prepare_cached(sql)?;
        let entries = statement.query_map(params![from, most], |row| row.get(0))?;
        Ok(entries.collect::<Result<_, _>>()?)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl Store for Sqlite {
    fn head(&self) -> Result<Option<Head>, StoreError> {
        let sql = "SELECT size, checkpoint, batch FROM head WHERE one = 1";
        let head = self.connection.prepare_cached(sql)?.query_row([], |row| {
            Ok(Head { size: row.get::<_, i64>(0)?.cast_unsigned(), checkpoint: row.get(1)?, batch: row.get(2)? })
        });
        Ok(head.optional()?)
    }

    fn append(&mut self, commit: &Commit) -> Result<(), StoreError> {
        append::append(&mut self.connection, commit)
    }

    fn scrub(&mut self, wait: bool) -> Result<bool, StoreError> {
        let patience = Duration::from_millis(BUSY_MS.into());
        self.connection.busy_timeout(if wait { patience } else { Duration::ZERO })?;
        let busy = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        self.connection.busy_timeout(patience)?;
        Ok(busy? == 0)
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        // After a failed fsync the kernel may drop pages it couldn't write; only a new connection reads what is there.
        self.connection = connect(&self.path)?;
        Ok(())
    }

    fn node(&self, level: u8, place: u64) -> Result<Option<Hash>, StoreError> {
        let Some(node) = numbered(level, place) else { return Ok(None) };
        let sql = "SELECT hash FROM nodes WHERE node = $1 AND level = $2 AND place = $3";
        let row = params![node.cast_signed(), level, place.cast_signed()];
        Ok(self.connection.prepare_cached(sql)?.query_row(row, |row| row.get(0)).optional()?)
    }

    fn kept_from(&self) -> u64 {
        self.kept_from
    }

    fn entry(&self, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT note FROM entries WHERE entry = $1";
        Ok(self.connection.prepare_cached(sql)?.query_row([index.cast_signed()], |row| row.get(0)).optional()?)
    }

    fn session(&self, session: SessionId) -> Result<Option<StoredSession>, StoreError> {
        let Some((agent, parties)) = self.session_keys(session)? else { return Ok(None) };
        let archive = self.archive_of(session)?;
        let sql = walking!("SELECT note FROM walk JOIN entries USING (entry) ORDER BY entry");
        let log = archive.as_ref().unwrap_or(self);
        let mut statement = log.connection.prepare_cached(sql)?;
        let events = statement.query_map([session.0], |row| row.get(0))?.collect::<Result<_, _>>()?;
        drop(statement);
        Ok(Some(StoredSession { agent, parties, events, archived: archive.is_some() }))
    }

    fn session_keys(&self, session: SessionId) -> Result<Option<(VerifierKey, Vec<PublicKey>)>, StoreError> {
        let sql = "SELECT agent FROM sessions WHERE session = $1";
        let agent: Option<String> =
            self.connection.prepare_cached(sql)?.query_row([session.0], |row| row.get(0)).optional()?;
        let Some(agent) = agent else { return Ok(None) };
        let agent = VerifierKey::from_str(&agent).map_err(|_| StoreError::Damaged("an agent's key"))?;
        let mut statement = self.connection.prepare_cached("SELECT key FROM parties WHERE session = $1")?;
        let parties = statement.query_map([session.0], |row| row.get::<_, [u8; 32]>(0))?;
        let parties = parties
            .map(|key| PublicKey::from_bytes(key?).map_err(|_| StoreError::Damaged("a party's key")))
            .collect::<Result<_, _>>()?;
        Ok(Some((agent, parties)))
    }

    fn place(&self, session: SessionId, author: Strand, seq: u64) -> Result<Option<u64>, StoreError> {
        let sql = walking!("SELECT entry FROM walk WHERE author = $2 AND seq = $3");
        let row = params![session.0, author.to_string(), seq.cast_signed()];
        let entry: Option<i64> = self.connection.prepare_cached(sql)?.query_row(row, |row| row.get(0)).optional()?;
        Ok(entry.map(i64::cast_unsigned))
    }

    fn placed(&self, session: SessionId, below: u64, skip: u64, most: usize) -> Result<Vec<Placed>, StoreError> {
        let sql =
            walking!("SELECT author, seq, entry, batch FROM walk WHERE entry < $2 ORDER BY entry LIMIT $3 OFFSET $4");
        let mut statement = self.connection.prepare_cached(sql)?;
        let page = params![session.0, below.cast_signed(), i64::try_from(most).unwrap_or(i64::MAX), skip.cast_signed()];
        let rows = statement.query_map(page, |row| {
            let number = |column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
            Ok((row.get::<_, String>(0)?, number(1)?, number(2)?, number(3)?))
        })?;
        rows.map(|row| {
            let (author, seq, entry, batch) = row?;
            let author = author.parse().map_err(|_| StoreError::Damaged("a strand"))?;
            Ok(Placed { session, author, seq, entry, batch })
        })
        .collect()
    }

    fn opened_since(&self, device: &PublicKey, source: &str, since: i64) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT (SELECT count(*) FROM sessions WHERE device = $1 AND opened > $2), \
                          (SELECT count(*) FROM sessions WHERE source = $3 AND opened > $2)";
        let row = params![device.as_bytes(), since, source];
        let (device, source): (i64, i64) =
            self.connection.prepare_cached(sql)?.query_row(row, |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok((device.cast_unsigned(), source.cast_unsigned()))
    }

    fn quiet_since(&self, since: i64, most: usize) -> Result<Vec<SessionId>, StoreError> {
        let sql = "SELECT session FROM sessions WHERE ended IS NULL AND last <= $1 ORDER BY last LIMIT $2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![since, most], |row| row.get(0).map(SessionId))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn is_open(&self) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM sessions WHERE ended IS NULL)";
        Ok(self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
    }

    fn sealed(&self, session: SessionId, sha256: [u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT bytes FROM sealed WHERE session = $1 AND sha256 = $2";
        let row = params![session.0, sha256];
        Ok(self.connection.prepare_cached(sql)?.query_row(row, |row| row.get(0)).optional()?)
    }

    fn sealed_bytes(&self, session: SessionId) -> Result<u64, StoreError> {
        let sql = "SELECT coalesce(sum(length(bytes)), 0) FROM sealed WHERE session = $1";
        let bytes: i64 = self.connection.prepare_cached(sql)?.query_row([session.0], |row| row.get(0))?;
        Ok(bytes.cast_unsigned())
    }

    fn keep(&mut self, evidence: &Equivocation) -> Result<(), StoreError> {
        let sql = "INSERT INTO evidence (session, author, seq, held, offered, observed) \
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
        let Equivocation { session, author, seq, held, offered, at } = evidence;
        let row = params![session.0, author.to_string(), seq.cast_signed(), held.0, offered, at];
        self.connection.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }

    fn evidence(&self, session: SessionId) -> Result<Vec<(Strand, u64, Vec<u8>)>, StoreError> {
        let sql = "SELECT author, seq, offered FROM evidence WHERE session = $1 ORDER BY author, seq";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([session.0], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?.cast_unsigned(), row.get(2)?))
        })?;
        rows.map(|row| {
            let (author, seq, offered) = row?;
            Ok((author.parse().map_err(|_| StoreError::Damaged("a strand"))?, seq, offered))
        })
        .collect()
    }
}

/// The row of a node; `None` if no tree has it.
pub(super) fn numbered(level: u8, place: u64) -> Option<u64> {
    Some(completed(level, place)? + 1)
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    // SQLite would make it readable for all, and its side files as readable as it is.
    let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    made.map_err(StoreError::File)?;
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_millis(BUSY_MS.into()))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    // What is deleted is overwritten: an erased part must not be found in a free page. (SECURITY E11)
    connection.pragma_update(None, "secure_delete", "ON")?;
    // Else a statement is parsed and planned anew whenever a value it is run with changes.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        (folder, path)
    }

    fn commit(from: u64) -> Commit {
        Commit {
            from,
            entries: vec![format!("batch {from}").into_bytes()],
            nodes: vec![(0, from, [7; 32])],
            checkpoint: format!("checkpoint {}", from + 1).into_bytes(),
            ..Commit::default()
        }
    }

    #[test]
    fn settings_are_the_durable_ones() {
        let (_folder, path) = database();
        let store = Sqlite::open(&path).unwrap();
        let ask = |name: &str| -> String {
            let value = store.connection.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0));
            format!("{:?}", value.unwrap())
        };
        assert_eq!(ask("journal_mode"), "Text(\"wal\")");
        assert_eq!(ask("synchronous"), "Integer(2)");
        assert_eq!(ask("trusted_schema"), "Integer(0)");
        assert_eq!(ask("foreign_keys"), "Integer(1)");
        assert_eq!(ask("secure_delete"), "Integer(1)");
    }

    #[test]
    fn the_head_moves_by_comparison_only() {
        let (_folder, path) = database();
        let (mut one, mut two) = (Sqlite::open(&path).unwrap(), Sqlite::open(&path).unwrap());
        one.append(&commit(0)).unwrap();
        assert!(two.append(&commit(0)).is_err(), "the first entry is taken");
        one.append(&commit(1)).unwrap();
        // Even if no row collides: the head isn't where this writer left it.
        let mut late = commit(1);
        late.entries.clear();
        late.nodes.clear();
        assert!(two.append(&late).is_err());
        let stale = Commit { from: 5, ..commit(5) };
        assert!(matches!(two.append(&stale), Err(StoreError::HeadMoved)));
        let head = two.head().unwrap().unwrap();
        assert_eq!((head.size, head.batch.as_slice()), (2, b"batch 1".as_slice()));
        assert_eq!(two.entry(5).unwrap(), None, "nothing of the failed one is there");
    }

    #[test]
    fn what_was_committed_is_there_after_reopening() {
        let (_folder, path) = database();
        let mut store = Sqlite::open(&path).unwrap();
        store.append(&commit(0)).unwrap();
        store.reopen().unwrap();
        assert_eq!(store.node(0, 0).unwrap(), Some([7; 32]));
        drop(store);
        assert_eq!(Sqlite::open(&path).unwrap().head().unwrap().unwrap().size, 1);
    }
}
