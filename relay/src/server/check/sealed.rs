//! Sealed parts: each that an event names is there, whole, or erased on record; and nothing else is.

use std::collections::BTreeMap;

use rusqlite::params;
use sha2::{Digest as _, Sha256};
use venia_proto::encoding::to_hex;
use venia_proto::id::SessionId;
use venia_proto::ledger::notice::Notice;

use super::rows::Stored;
use super::{Erased, Said, Unchecked, broken};
use crate::server::ledger::Store as _;
use crate::server::ledger::sqlite::Sqlite;

/// The table of erasures says what the log says, note for note.
pub(super) fn erasures(store: &Sqlite, said: &Said) -> Result<(), Unchecked> {
    let sql = "SELECT erasure, session, parts, note, observed FROM erasures ORDER BY erasure";
    let mut statement = store.connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let closed = store.shards()?;
    let (mut notes, mut expected) = (said.erased.iter(), 0);
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        expected += 1;
        let wrong = |why: &str| broken(&format!("erasures {number}"), why);
        if number != expected {
            return Err(wrong(&format!("the erasures are numbered from 1, and this is the place of {expected}")));
        }
        // Erased while an earlier log grew, which said so.
        let note: Vec<u8> = row.get(3)?;
        if closed.iter().any(|shard| matches!(Notice::open(&note, &shard.log), Ok(Notice::Erase { .. }))) {
            continue;
        }
        let Erased { entry, session, parts, observed } =
            notes.next().ok_or_else(|| wrong("the log has no note of it"))?;
        if store.entry(*entry)? != Some(row.get(3)?) {
            return Err(wrong(&format!("its note isn't entry {entry}")));
        }
        let stored: Option<Vec<u8>> = row.get(2)?;
        let named = parts.as_ref().map(|parts| parts.concat());
        if row.get::<_, [u8; 16]>(1)? != session.0 || stored != named || row.get::<_, i64>(4)? != observed.ms() {
            return Err(wrong("it doesn't say what its note says"));
        }
    }
    match notes.next() {
        Some(missing) => Err(broken("erasures", &format!("the erasure of entry {} is missing", missing.entry))),
        None => Ok(()),
    }
}

/// Sealed parts of a session of a closed log, whose erasures stand in more than one log: what is there must be what an event
/// named, and not erased on record since. Gives how many are there.
pub(super) fn of_closed(store: &Sqlite, said: &Said, session: SessionId, events: &[Stored]) -> Result<u64, Unchecked> {
    let row = |sha256: &[u8; 32]| format!("sealed {session} {}", to_hex(sha256));
    let mut statement = store.connection.prepare_cached("SELECT sha256, bytes FROM sealed WHERE session = $1")?;
    let mut rows = statement.query(params![session.0])?;
    let mut held = 0;
    while let Some(found) = rows.next()? {
        let sha256: [u8; 32] = found.get(0)?;
        let bytes = found.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        if Sha256::digest(bytes).as_slice() != sha256 {
            return Err(broken(&row(&sha256), "not the bytes the event named"));
        }
        let named: Vec<_> = events
            .iter()
            .flat_map(|event| &event.header().parts)
            .filter(|part| part.sealed == Some(sha256))
            .map(|part| part.commit)
            .collect();
        // Of a pruned log nobody knows any more what its events named.
        if named.is_empty() && !events.is_empty() {
            return Err(broken(&row(&sha256), "no event names it"));
        }
        let erased = said.erased.iter().filter(|erased| erased.session == session).any(|erased| {
            erased.parts.as_ref().is_none_or(|parts| !named.is_empty() && named.iter().all(|part| parts.contains(part)))
        });
        if erased {
            return Err(broken(&row(&sha256), "erased on record, and still there"));
        }
        held += 1;
    }
    Ok(held)
}

/// A session's sealed parts; gives how many are there.
pub(super) fn of_session(store: &Sqlite, said: &Said, session: SessionId, events: &[Stored]) -> Result<u64, Unchecked> {
    let row = |sha256: &[u8; 32]| format!("sealed {session} {}", to_hex(sha256));
    // Whether any event still asks for it: one that names it and was recorded after every erasure that covers it.
    let mut asked: BTreeMap<[u8; 32], bool> = BTreeMap::new();
    for event in events {
        for part in &event.header().parts {
            let Some(sha256) = part.sealed else { continue };
            let erased = said.erased.iter().any(|erased| {
                let covers = erased.parts.as_ref().is_none_or(|parts| parts.contains(&part.commit));
                erased.session == session && erased.entry > event.entry && covers
            });
            *asked.entry(sha256).or_default() |= !erased;
        }
    }
    let sql = "SELECT sha256, bytes FROM sealed WHERE session = $1";
    let mut statement = store.connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![session.0])?;
    let mut held = 0;
    while let Some(found) = rows.next()? {
        let sha256: [u8; 32] = found.get(0)?;
        let bytes = found.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        if Sha256::digest(bytes).as_slice() != sha256 {
            return Err(broken(&row(&sha256), "not the bytes the event named"));
        }
        match asked.remove(&sha256) {
            Some(true) => held += 1,
            Some(false) => return Err(broken(&row(&sha256), "erased on record, and still there")),
            None => return Err(broken(&row(&sha256), "no event names it")),
        }
    }
    match asked.iter().find(|(_, wanted)| **wanted) {
        Some((sha256, _)) => Err(broken(&row(sha256), "missing, and no erasure is on record")),
        None => Ok(held),
    }
}
