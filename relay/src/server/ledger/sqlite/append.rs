//! The one transaction of a commit: all of it or nothing, and only on the head it was made for.

use std::collections::BTreeMap;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use venia_proto::id::SessionId;

use super::numbered;
use crate::server::ledger::{Commit, ErasedParts, StoreError};

/// Adds a commit; see [`crate::server::ledger::Store::append`].
pub(super) fn append(connection: &mut Connection, commit: &Commit) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut insert = transaction.prepare_cached("INSERT INTO entries (entry, note) VALUES ($1, $2)")?;
    for (index, note) in (commit.from..).zip(&commit.entries) {
        insert.execute(params![index.cast_signed(), note])?;
    }
    drop(insert);
    let mut insert =
        transaction.prepare_cached("INSERT INTO nodes (node, level, place, hash) VALUES ($1, $2, $3, $4)")?;
    for &(level, place, hash) in &commit.nodes {
        let node = numbered(level, place).ok_or(StoreError::Damaged("a node of no tree"))?;
        insert.execute(params![node.cast_signed(), level, place.cast_signed(), hash])?;
    }
    drop(insert);
    for opened in &commit.opened {
        let sql = "INSERT INTO sessions (session, agent, device, source, opened) VALUES ($1, $2, $3, $4, $5)";
        let device = opened.agent.key.as_bytes();
        let row = params![opened.session.0, opened.agent.to_string(), device, opened.source, opened.at];
        transaction.prepare_cached(sql)?.execute(row)?;
    }
    for (session, key) in &commit.parties {
        let sql = "INSERT INTO parties (session, key) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        transaction.prepare_cached(sql)?.execute(params![session.0, key.as_bytes()])?;
    }
    chain(&transaction, commit)?;
    for (session, entry) in &commit.ended {
        let sql = "UPDATE sessions SET ended = $1 WHERE session = $2 AND ended IS NULL";
        transaction.prepare_cached(sql)?.execute(params![entry.cast_signed(), session.0])?;
    }
    for part in &commit.sealed {
        let sql = "INSERT INTO sealed (session, sha256, bytes) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        transaction.prepare_cached(sql)?.execute(params![part.session.0, part.sha256, &part.bytes[..]])?;
    }
    for erased in &commit.erased {
        erase(&transaction, erased, commit.at)?;
    }
    let size = commit.from + commit.entries.len() as u64;
    let batch = commit.entries.first().ok_or(StoreError::Damaged("a commit without a batch note"))?;
    // The comparison: whoever moved the head since we read it, the transaction fails as a whole.
    let moved = if commit.from == 0 {
        let sql = "INSERT INTO head (one, size, checkpoint, batch) VALUES (1, $1, $2, $3) ON CONFLICT DO NOTHING";
        transaction.prepare_cached(sql)?.execute(params![size.cast_signed(), commit.checkpoint, batch])?
    } else {
        let sql = "UPDATE head SET size = $1, checkpoint = $2, batch = $3 WHERE one = 1 AND size = $4";
        let row = params![size.cast_signed(), commit.checkpoint, batch, commit.from.cast_signed()];
        transaction.prepare_cached(sql)?.execute(row)?
    };
    if moved != 1 {
        return Err(StoreError::HeadMoved);
    }
    Ok(transaction.commit()?)
}

/// Puts the events where they stand, each behind the one before it in its session.
fn chain(transaction: &Transaction<'_>, commit: &Commit) -> Result<(), StoreError> {
    let sql = "INSERT INTO events (entry, session, author, seq, batch, before) \
               VALUES ($1, $2, $3, $4, $5, coalesce($6, (SELECT newest FROM sessions WHERE session = $2)))";
    let mut insert = transaction.prepare_cached(sql)?;
    let mut newest: BTreeMap<SessionId, i64> = BTreeMap::new();
    for event in &commit.events {
        let (seq, entry, batch) = (event.seq.cast_signed(), event.entry.cast_signed(), event.batch.cast_signed());
        let before = newest.insert(event.session, entry);
        insert.execute(params![entry, event.session.0, event.author.to_string(), seq, batch, before])?;
    }
    let mut update = transaction.prepare_cached("UPDATE sessions SET last = $1, newest = $2 WHERE session = $3")?;
    for (session, entry) in newest {
        if update.execute(params![commit.at, entry, session.0])? != 1 {
            return Err(StoreError::Damaged("an event without its session"));
        }
    }
    Ok(())
}

/// Deletes ciphertext, and keeps the note that says so.
fn erase(transaction: &Transaction<'_>, erased: &ErasedParts, at: i64) -> Result<(), StoreError> {
    match &erased.sealed {
        None => {
            let sql = "DELETE FROM sealed WHERE session = $1";
            transaction.prepare_cached(sql)?.execute(params![erased.session.0])?;
        }
        Some(parts) => {
            for sha256 in parts {
                let sql = "DELETE FROM sealed WHERE session = $1 AND sha256 = $2";
                transaction.prepare_cached(sql)?.execute(params![erased.session.0, sha256])?;
            }
        }
    }
    let sql = "INSERT INTO erasures (session, parts, note, observed) VALUES ($1, $2, $3, $4)";
    let parts = erased.parts.as_ref().map(|parts| parts.concat());
    transaction.prepare_cached(sql)?.execute(params![erased.session.0, parts, erased.note, at])?;
    Ok(())
}
