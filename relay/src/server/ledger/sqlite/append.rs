//! The one transaction of a commit: all of it or nothing, and only on the head it was made for.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};
use venia_proto::id::{SessionId, Strand};

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
    let mut next: BTreeMap<(SessionId, Strand), u64> = BTreeMap::new();
    for event in &commit.events {
        // The last door: whatever went wrong before it, no place of a strand is given twice, and none is left out.
        let expected = match next.get(&(event.session, event.author)) {
            Some(expected) => *expected,
            None => following(transaction, event.session, event.author)?,
        };
        if event.seq != expected {
            return Err(StoreError::Damaged("an event that doesn't follow its strand"));
        }
        next.insert((event.session, event.author), expected + 1);
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

/// How many events of a strand are stored. The newest of them is nearly always the newest of its session, else near it.
fn following(transaction: &Transaction<'_>, session: SessionId, author: Strand) -> Result<u64, StoreError> {
    let (id, author) = (session.0, author.to_string());
    let sql = "SELECT events.author, events.seq FROM sessions JOIN events ON events.entry = sessions.newest \
               AND events.session = sessions.session WHERE sessions.session = $1";
    let row = |row: &Row<'_>| Ok((row.get_ref(0)?.as_str()? == author, row.get(1)?));
    let newest: Option<(bool, i64)> = transaction.prepare_cached(sql)?.query_row([id], row).optional()?;
    let newest = match newest {
        None => None,
        Some((true, seq)) => Some(seq),
        Some((false, _)) => {
            let sql = walking!("SELECT seq FROM walk WHERE author = $2 LIMIT 1");
            transaction.prepare_cached(sql)?.query_row(params![id, author], |row| row.get(0)).optional()?
        }
    };
    Ok(newest.map_or(0, |seq| seq.cast_unsigned() + 1))
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

#[cfg(test)]
mod tests {
    use venia_proto::key::SigningKey;

    use super::*;
    use crate::server::ledger::sqlite::Sqlite;
    use crate::server::ledger::{Opened, Placed, Store as _};

    /// A damaged row that names another session's event as the newest one lends nobody that session's numbers.
    #[test]
    fn a_newest_event_of_another_session_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Sqlite::open(&folder.path().join("relay.db")).unwrap();
        let agent = SigningKey::new("device", [1; 32]).verifier().clone();
        let ids = [SessionId([1; 16]), SessionId([2; 16])];
        let opened =
            ids.map(|session| Opened { session, agent: agent.clone(), source: "here".to_owned(), at: 1 }).to_vec();
        let mut commit = |from, session: SessionId, seq, opened| {
            let placed = Placed { session, author: Strand::Agent, seq, entry: from + 1, batch: from };
            store.append(&Commit { from, entries: vec![vec![0]; 2], events: vec![placed], opened, ..Commit::default() })
        };
        commit(0, ids[0], 0, opened).unwrap();
        commit(2, ids[1], 0, Vec::new()).unwrap();
        let damage = "UPDATE sessions SET newest = 1 WHERE session = $1";
        Connection::open(folder.path().join("relay.db")).unwrap().execute(damage, [ids[1].0]).unwrap();
        let mut commit = |seq| {
            let placed = Placed { session: ids[1], author: Strand::Agent, seq, entry: 5, batch: 4 };
            store.append(&Commit { from: 4, entries: vec![vec![0]; 2], events: vec![placed], ..Commit::default() })
        };
        assert!(matches!(commit(1), Err(StoreError::Damaged(_))), "not the other session's number");
    }

    /// Places by who writes and its number: taken whole, or refused whole.
    #[test]
    fn no_place_of_a_strand_is_given_twice_and_none_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Sqlite::open(&folder.path().join("relay.db")).unwrap();
        let session = SessionId([1; 16]);
        let agent = SigningKey::new("device", [1; 32]).verifier().clone();
        let opened = Opened { session, agent, source: "here".to_owned(), at: 1 };
        let (a, t) = (Strand::Agent, "technician-1".parse().unwrap());
        let steps: [(&[(Strand, u64)], bool); 10] = [
            (&[(a, 0), (a, 0)], false),
            (&[(a, 0), (a, 2)], false),
            (&[(a, 1)], false),
            (&[(a, 0), (a, 1), (t, 0)], true),
            (&[(a, 1)], false),
            (&[(a, 3)], false),
            (&[(t, 0)], false),
            (&[(a, 2), (t, 2)], false),
            (&[(a, 2), (t, 1), (a, 3)], true),
            (&[(t, 2), (a, 4)], true),
        ];
        let mut from = 0;
        for (step, (events, fits)) in steps.into_iter().enumerate() {
            let mut commit = Commit { from, entries: vec![vec![0]; events.len() + 1], ..Commit::default() };
            commit.opened = if from == 0 { vec![opened.clone()] } else { Vec::new() };
            commit.events = (from + 1..)
                .zip(events)
                .map(|(entry, &(author, seq))| Placed { session, author, seq, entry, batch: from })
                .collect();
            let appended = store.append(&commit);
            assert_eq!(appended.is_ok(), fits, "{step}: {appended:?}");
            assert!(fits || matches!(appended, Err(StoreError::Damaged(_))), "{step}");
            from += if fits { commit.entries.len() as u64 } else { 0 };
            assert_eq!(store.head().unwrap().map_or(0, |head| head.size), from, "{step}");
        }
    }
}
