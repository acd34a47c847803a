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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::ledger::sqlite::Sqlite;

    #[test]
    fn a_newer_or_foreign_schema_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        drop(Sqlite::open(&path).unwrap());
        let connection = Connection::open(&path).unwrap();
        connection.execute("INSERT INTO schema_version VALUES (5, x'00')", []).unwrap();
        assert!(matches!(Sqlite::open(&path), Err(StoreError::Newer { found: 5, known: 4 })));
        connection.execute("DELETE FROM schema_version WHERE version = 5", []).unwrap();
        connection.execute("UPDATE schema_version SET sha256 = x'00'", []).unwrap();
        assert!(matches!(Sqlite::open(&path), Err(StoreError::Foreign(1))));
    }
}
