//! The schema: numbered migrations, each run once, in order, in one transaction with the record that it ran.

use rusqlite::{Connection, TransactionBehavior, params};
use sha2::{Digest, Sha256};

use crate::server::ledger::StoreError;

/// Every migration, in order. Append only; a released file never changes.
const MIGRATIONS: &[&str] = &[
    include_str!("../schema/0001.sql"),
    include_str!("../schema/0002.sql"),
    include_str!("../schema/0003_sealed.sql"),
    include_str!("../schema/0004_life.sql"),
    include_str!("../schema/0005_chain.sql"),
    include_str!("../schema/0006_nodes.sql"),
    include_str!("../schema/0007_shards.sql"),
];

pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, sha256 BLOB NOT NULL) STRICT",
    )?;
    let done: Vec<(i64, Vec<u8>)> = transaction
        .prepare("SELECT version, sha256 FROM schema_version ORDER BY version")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let known = MIGRATIONS.len() as i64;
    if let Some((found, _)) = done.last().filter(|(found, _)| *found > known) {
        return Err(StoreError::Newer { found: *found, known });
    }
    for (version, migration) in (1..).zip(MIGRATIONS) {
        let sha256 = Sha256::digest(migration);
        match done.iter().find(|(done, _)| *done == version) {
            Some((_, recorded)) if recorded.as_slice() == sha256.as_slice() => {}
            Some(_) => return Err(StoreError::Foreign(version)),
            None => {
                transaction.execute_batch(migration)?;
                let sql = "INSERT INTO schema_version (version, sha256) VALUES ($1, $2)";
                transaction.execute(sql, params![version, sha256.as_slice()])?;
            }
        }
    }
    Ok(transaction.commit()?)
}

/// Whether every migration was run, and no newer one.
pub(super) fn is_current(connection: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT coalesce(max(version), 0) FROM schema_version";
    let newest: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(newest == MIGRATIONS.len() as i64)
}

/// Kind, name and making of everything in a database; then number and hash of the migrations it says it had.
pub(super) type Made = (Vec<(String, String, Option<String>)>, Vec<(i64, Vec<u8>)>);

/// Everything that was ever made in a database, and the migrations it says it had.
pub(super) fn made(connection: &Connection) -> Result<Made, StoreError> {
    let mut made = connection.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")?;
    let made = made.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect::<Result<_, _>>()?;
    let mut done = connection.prepare("SELECT version, sha256 FROM schema_version ORDER BY version")?;
    let done = done.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    Ok((made, done))
}

#[cfg(test)]
mod tests {
    use venia_proto::id::{Leaf, SessionId, Strand};
    use venia_proto::key::SigningKey;
    use venia_proto::ledger::merkle::Tree;

    use super::*;
    use crate::server::ledger::Store as _;
    use crate::server::ledger::sqlite::Sqlite;

    #[test]
    fn a_newer_or_foreign_schema_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        drop(Sqlite::open(&path).unwrap());
        let connection = Connection::open(&path).unwrap();
        let (known, newer) = (MIGRATIONS.len() as i64, MIGRATIONS.len() as i64 + 1);
        connection.execute("INSERT INTO schema_version VALUES ($1, x'00')", [newer]).unwrap();
        assert!(
            matches!(Sqlite::open(&path), Err(StoreError::Newer { found, known: most }) if (found, most) == (newer, known))
        );
        connection.execute("DELETE FROM schema_version WHERE version = $1", [newer]).unwrap();
        connection.execute("UPDATE schema_version SET sha256 = x'00'", []).unwrap();
        assert!(matches!(Sqlite::open(&path), Err(StoreError::Foreign(1))));
    }

    /// A database as the first four migrations left it: two sessions that wrote in turn, and one that never did.
    #[test]
    fn sessions_of_an_older_database_are_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        let connection = Connection::open(&path).unwrap();
        let versions = "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, sha256 BLOB NOT NULL) STRICT";
        connection.execute_batch(versions).unwrap();
        for (version, migration) in (1..).zip(&MIGRATIONS[..4]) {
            connection.execute_batch(migration).unwrap();
            let sha256 = Sha256::digest(migration);
            let sql = "INSERT INTO schema_version VALUES ($1, $2)";
            connection.execute(sql, params![version, sha256.as_slice()]).unwrap();
        }
        let agent = SigningKey::new("device", [1; 32]);
        for session in [1_u8, 2, 3] {
            let sql = "INSERT INTO sessions (session, agent, device, source, opened) VALUES ($1, $2, $3, 'here', 1)";
            let (id, agent, device) = ([session; 16], agent.verifier().to_string(), agent.public().as_bytes());
            connection.execute(sql, params![id, agent, device]).unwrap();
        }
        // Batch notes at 0 and 4.
        let written: [(u64, u8, u64); 6] = [(1, 1, 0), (2, 2, 0), (3, 1, 1), (5, 2, 1), (6, 2, 2), (7, 1, 2)];
        for entry in 0..8_u8 {
            connection.execute("INSERT INTO entries VALUES ($1, $2)", params![entry, [entry]]).unwrap();
        }
        for (entry, session, seq) in written {
            let (seq, batch) = (seq.cast_signed(), if entry < 4 { 0 } else { 4 });
            let sql = "INSERT INTO events VALUES ($1, 'agent', $2, $3, $4)";
            connection.execute(sql, params![[session; 16], seq, entry.cast_signed(), batch]).unwrap();
        }
        let (mut tree, mut nodes) = (Tree::new(), Vec::new());
        for entry in 0..8_u8 {
            tree.append(Leaf([entry; 32]), |level, place, hash| nodes.push((level, place, hash)));
        }
        for (level, place, hash) in &nodes {
            let sql = "INSERT INTO nodes VALUES ($1, $2, $3)";
            connection.execute(sql, params![level, place.cast_signed(), hash]).unwrap();
        }
        drop(connection);
        let store = Sqlite::open(&path).unwrap();
        for (level, place, hash) in nodes {
            assert_eq!(store.node(level, place).unwrap(), Some(hash), "{level} {place}");
        }
        assert_eq!(store.node(0, 8).unwrap(), None);
        for session in [1_u8, 2, 3] {
            let of = written.iter().filter(|(_, of, _)| *of == session).collect::<Vec<_>>();
            let id = SessionId([session; 16]);
            let notes: Vec<_> = of.iter().map(|(entry, ..)| vec![*entry as u8]).collect();
            assert_eq!(store.session(id).unwrap().unwrap().events, notes);
            for &&(entry, _, seq) in &of {
                assert_eq!(store.place(id, Strand::Agent, seq).unwrap(), Some(entry));
            }
            assert_eq!(store.place(id, Strand::Agent, 3).unwrap(), None);
            let placed = |below, skip, most| -> Vec<_> {
                let placed = store.placed(id, below, skip, most).unwrap();
                placed.iter().map(|placed| (placed.entry, placed.seq, placed.batch)).collect()
            };
            let all: Vec<_> = of.iter().map(|&&(entry, _, seq)| (entry, seq, if entry < 4 { 0 } else { 4 })).collect();
            assert_eq!(placed(8, 0, 9), all);
            assert_eq!(
                placed(5, 1, 9),
                all.iter().copied().filter(|(entry, ..)| *entry < 5).skip(1).collect::<Vec<_>>()
            );
            assert_eq!(placed(8, 1, 1), all.iter().copied().skip(1).take(1).collect::<Vec<_>>());
        }
        assert!(store.is_open().unwrap());
        assert_eq!(store.quiet_since(0, 9).unwrap().len(), 3);
        assert_eq!(store.quiet_since(-1, 9).unwrap().len(), 0);
    }
}
