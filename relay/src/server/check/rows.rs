//! What the tables beside the entries say about them, row by row.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::{OptionalExtension as _, Row};
use venia_proto::foreign::Foreign;
use venia_proto::id::{SessionId, Strand};
use venia_proto::key::{PublicKey, VerifierKey};
use venia_proto::ledger::batch::Batch;
use venia_proto::ledger::event::{Event, Header};
use venia_proto::ledger::kind::{Kind, KindName};
use venia_proto::now::Wall;
use venia_proto::statement::Role;

use super::entries::Entries;
use super::{At, Said, Unchecked, broken, sealed};
use crate::server::ledger::limits::DAY_MS;
use crate::server::ledger::shards::verified;
use crate::server::ledger::sqlite::Sqlite;
use crate::server::ledger::{Placed, Store as _, StoreError};
use crate::server::members;

/// The row of an event in the log.
pub(super) fn event(store: &Sqlite, header: &Header, entry: u64, said: &mut Said) -> Result<(), Unchecked> {
    let sql = "SELECT session, author, seq, batch, before FROM events WHERE entry = $1";
    let row = |row: &Row<'_>| {
        let number = |column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
        let before = row.get::<_, Option<i64>>(4)?.map(i64::cast_unsigned);
        Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?, number(2)?, number(3)?, before))
    };
    let found = store.connection.prepare_cached(sql)?.query_row([entry.cast_signed()], row).optional()?;
    let before = said.newest.insert(header.session, entry);
    let author = header.author.to_string();
    let wrong = |why| Err(broken(&format!("events {entry}"), why));
    match found {
        Some(found) if found == (header.session.0.to_vec(), author, header.seq, said.batch, before) => Ok(()),
        Some(_) => wrong("it doesn't say which event this entry is, of which commit, and after which"),
        None => wrong("missing, although the entry is an event"),
    }
}

/// Tables as a whole: their own structure, and no row that nothing in the log asks for.
pub(super) fn whole_tables(store: &Sqlite, said: &Said, opened: u64) -> Result<(), Unchecked> {
    let connection = &store.connection;
    let sound: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if sound != "ok" {
        return Err(broken("relay.db", &sound));
    }
    let dangling = "SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1";
    if let Some(table) = connection.query_row(dangling, [], |row| row.get::<_, String>(0)).optional()? {
        return Err(broken(&table, "a row names something that isn't there"));
    }
    let here = "sessions WHERE shard IS NULL";
    for (table, rows, expected) in [("events", "events", said.events), ("sessions", here, opened), ("head", "head", 1)]
    {
        if count(store, rows)? != expected {
            return Err(broken(table, "there are rows that nothing in the log asks for"));
        }
    }
    Ok(())
}

/// Closed logs: each ends where its own key signed, and its file holds no more and no less than the list says. Every entry of
/// those that weren't pruned is hashed again, and every node of their trees is compared.
pub(super) fn closed(store: &Sqlite, stop: &AtomicBool) -> Result<(), Unchecked> {
    for shard in store.shards()? {
        let wrong = |why: &str| broken(&format!("shards {}", shard.number), why);
        let archive = store.archive(shard.number).map_err(|_| wrong("its file can't be read"))?;
        let head = verified(&archive, &shard.log).map_err(|_| wrong("its tree isn't the one it signed"))?;
        let Some((_, last)) = head.filter(|(head, _)| head.size == shard.size) else {
            return Err(wrong("its file ends elsewhere"));
        };
        if shard.kept_from > 0 {
            continue;
        }
        let root = Entries::new(&archive, shard.size).root(stop).map_err(|error| match error {
            // An entry's number alone would be taken for one of the log that grows.
            Unchecked::Broken { at: At::Entry(entry), why } => wrong(&format!("entry {entry}: {why}")),
            Unchecked::Broken { at: At::Row(row), why } => wrong(&format!("{row}: {why}")),
            other @ (Unchecked::Store(_) | Unchecked::Stopped(_)) => other,
        })?;
        if root != last.root {
            return Err(wrong("the entries don't lead to the root it signed"));
        }
    }
    Ok(())
}

/// Every session's own row, its parties and its sealed parts.
pub(super) fn sessions(store: &Sqlite, log: &VerifierKey, said: &Said, stop: &AtomicBool) -> Result<(), Unchecked> {
    let sql = "SELECT session, agent, device, source, opened, last, ended, newest FROM sessions \
               WHERE shard IS NULL ORDER BY session";
    let mut statement = store.connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut held = 0;
    while let Some(row) = rows.next()? {
        if stop.load(Ordering::Acquire) {
            return Err(Unchecked::Stopped(0));
        }
        held += session(store, log, said, row)?;
    }
    let mut statement = store.connection.prepare("SELECT session FROM sessions WHERE shard IS NOT NULL")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id = SessionId(row.get(0)?);
        held += sealed::of_closed(store, said, id, &events_of(store, id)?)?;
    }
    if count(store, "sealed")? != held {
        return Err(broken("sealed", "there are parts that no event names"));
    }
    Ok(())
}

fn session(store: &Sqlite, log: &VerifierKey, said: &Said, row: &Row<'_>) -> Result<u64, Unchecked> {
    let id = SessionId(row.get(0)?);
    let wrong = |why: &str| broken(&format!("sessions {id}"), why);
    let agent: VerifierKey = row.get::<_, String>(1)?.parse().map_err(|_| wrong("the agent's key is malformed"))?;
    if row.get::<_, [u8; 32]>(2)? != *agent.key.as_bytes() {
        return Err(wrong("the device isn't the agent's key"));
    }
    if row.get::<_, String>(3)?.is_empty() {
        return Err(wrong("it came from nowhere"));
    }
    if row.get::<_, Option<i64>>(7)?.map(i64::cast_unsigned) != said.newest.get(&id).copied() {
        return Err(wrong("its newest event isn't the one in the log"));
    }
    let events = events_of(store, id)?;
    let (first, last) = match (events.first(), events.last()) {
        (Some(first), Some(last)) => (first, last),
        _ => return Err(wrong("nothing of it is in the log")),
    };
    let (opened, touched): (i64, i64) = (row.get(4)?, row.get(5)?);
    let (began, newest) = (observed(store, log, first.batch)?.ms(), observed(store, log, last.batch)?.ms());
    // When it was asked for is the relay's own memory; after the commit it can't be, but for a clock that was set.
    if opened > began.saturating_add(DAY_MS) || opened < Wall::MIN.ms() {
        return Err(wrong("it was opened after its first event was recorded"));
    }
    // Databases older than this column hold the opening there.
    if touched != newest && touched != opened {
        return Err(wrong("the time of its last event isn't the one in the log"));
    }
    let closed = events.iter().find(|event| event.header().kind.name() == KindName::Close).map(|event| event.entry);
    let ended = [closed, said.abandoned.get(&id).copied()].into_iter().flatten().min();
    if row.get::<_, Option<i64>>(6)?.map(i64::cast_unsigned) != ended {
        return Err(wrong("the entry that ended it isn't the one in the log"));
    }
    parties(store, id, &events)?;
    sealed::of_session(store, said, id, &events)
}

/// An event, and where it stands.
pub(super) struct Stored {
    pub(super) entry: u64,
    batch: u64,
    event: Event,
}

impl Stored {
    pub(super) fn header(&self) -> &Header {
        self.event.header()
    }
}

/// A session's events, by its own log; none if that was pruned.
pub(super) fn events_of(store: &Sqlite, session: SessionId) -> Result<Vec<Stored>, Unchecked> {
    let mut events = Vec::new();
    let archive = store.archive_of(session)?;
    let log = archive.as_ref().unwrap_or(store);
    if log.kept_from() > 0 {
        return Ok(events);
    }
    for Placed { entry, batch, .. } in log.placed(session, u64::MAX >> 1, 0, usize::MAX)? {
        let note = log.entry(entry)?.ok_or(StoreError::Damaged("an entry is missing"))?;
        let event = Event::parse(&note).map_err(|_| StoreError::Damaged("an event"))?;
        events.push(Stored { entry, batch, event });
    }
    Ok(events)
}

/// The relay's time of a commit. The note's signature was checked in the walk.
fn observed(store: &Sqlite, log: &VerifierKey, batch: u64) -> Result<Wall, Unchecked> {
    let note = store.entry(batch)?.ok_or(StoreError::Damaged("a batch note is missing"))?;
    let (batch, _) = Batch::claimed(&note, log).map_err(|_| StoreError::Damaged("a batch note"))?;
    Ok(batch.observed)
}

/// Everybody who joined came first, and nobody came who was never a member.
fn parties(store: &Sqlite, id: SessionId, events: &[Stored]) -> Result<(), Unchecked> {
    let wrong = |why: &str| broken(&format!("parties {id}"), why);
    let keys = store.session_keys(id).map_err(|_| wrong("a key is malformed"))?;
    let (_, parties) = keys.ok_or_else(|| wrong("its session is missing"))?;
    for event in events {
        if let Kind::Join { key, .. } = &event.header().kind
            && !parties.contains(&key.key)
        {
            return Err(wrong("somebody joined who isn't among those who came"));
        }
    }
    let member = "SELECT EXISTS (SELECT 1 FROM members WHERE key = $1)";
    for party in &parties {
        if !store.connection.prepare_cached(member)?.query_row([party.as_bytes()], |row| row.get::<_, bool>(0))? {
            return Err(wrong("somebody came who was never a member"));
        }
    }
    Ok(())
}

/// Evidence must be what it claims: two events by one key for one place, one of them in the log.
pub(super) fn evidence(store: &Sqlite) -> Result<(), Unchecked> {
    let sql = "SELECT session, author, seq, held, offered FROM evidence";
    let mut statement = store.connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (session, author) = (SessionId(row.get(0)?), row.get::<_, String>(1)?);
        let seq = row.get::<_, i64>(2)?.cast_unsigned();
        let wrong = |why: &str| broken(&format!("evidence {session} {author} {seq}"), why);
        let strand: Strand = author.parse().map_err(|_| wrong("no strand is called so"))?;
        let events = events_of(store, session)?;
        // What it contradicts was pruned with its log.
        if events.is_empty() && store.shard_of(session)?.is_some() {
            continue;
        }
        let held = events.iter().find(|event| event.header().author == strand && event.header().seq == seq);
        let held = held.ok_or_else(|| wrong("the log has no event at that place"))?;
        let offered = Event::parse(&row.get::<_, Vec<u8>>(4)?).map_err(|_| wrong("what was offered is no event"))?;
        let header = offered.header();
        if held.event.leaf().0 != row.get::<_, [u8; 32]>(3)? {
            return Err(wrong("the event it names isn't the one in the log"));
        }
        let same = (header.session, header.author, header.seq) == (session, strand, seq);
        if !same || offered.leaf() == held.event.leaf() {
            return Err(wrong("what was offered isn't another event for that place"));
        }
        let key = key_of(store, session, strand, &events)?.ok_or_else(|| wrong("nobody wrote that strand"))?;
        if offered.verify(&key).is_err() {
            return Err(wrong("what was offered isn't signed by the strand's key"));
        }
    }
    Ok(())
}

fn key_of(
    store: &Sqlite,
    session: SessionId,
    strand: Strand,
    events: &[Stored],
) -> Result<Option<VerifierKey>, Unchecked> {
    if strand == Strand::Agent {
        return Ok(store.session_keys(session)?.map(|(agent, _)| agent));
    }
    Ok(events.iter().find_map(|event| {
        let Kind::Join { strand: joined, key, .. } = &event.header().kind else { return None };
        (*joined == strand).then(|| key.clone())
    }))
}

/// Members and invites: keys, names and roles that belong together.
pub(super) fn members(store: &Sqlite) -> Result<(), Unchecked> {
    let sql = "SELECT key, vkey, folded, name, role, since, revoked, level FROM members";
    let mut statement = store.connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let key: [u8; 32] = row.get(0)?;
        let (vkey, folded, name, role): (String, String, String, String) =
            (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
        let wrong = |why: &str| broken(&format!("members {}", Foreign::new(name.as_str()).visible()), why);
        let vkey: VerifierKey = vkey.parse().map_err(|_| wrong("the key is malformed"))?;
        if *vkey.key.as_bytes() != key {
            return Err(wrong("two keys in one row"));
        }
        named(&folded, &name, &role, row.get(7)?).map_err(wrong)?;
        let (since, revoked): (i64, Option<i64>) = (row.get(5)?, row.get(6)?);
        if since < 0 || revoked.is_some_and(|revoked| revoked < 0) {
            return Err(wrong("a time that never was"));
        }
    }
    let mut statement = store.connection.prepare("SELECT folded, name, role, expires, used, level FROM invites")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (folded, name, role): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let wrong = |why: &str| broken(&format!("invites {}", Foreign::new(name.as_str()).visible()), why);
        named(&folded, &name, &role, row.get(5)?).map_err(wrong)?;
        let (expires, used): (i64, Option<i64>) = (row.get(3)?, row.get(4)?);
        if expires < 0 || used.is_some_and(|used| used < 0 || used > expires) {
            return Err(wrong("a time that never was"));
        }
    }
    Ok(())
}

fn named(folded: &str, name: &str, role: &str, level: i64) -> Result<(), &'static str> {
    // SQLite's own check of its structure passes over what its tables promise.
    if !(1..=5).contains(&level) {
        return Err("a level is a number from 1 to 5");
    }
    let name = Foreign::name(name).map_err(|_| "no name of a person")?;
    if members::fold(&name) != folded {
        return Err("the name it is found by isn't its name");
    }
    role.parse::<Role>().map(drop).map_err(|_| "no role is called so")
}

/// Who obeyed an erasure took part in its session; and parts are kept for a number of days.
pub(super) fn life(store: &Sqlite) -> Result<(), Unchecked> {
    let odd = "SELECT EXISTS (SELECT 1 FROM retention WHERE one <> 1 OR days < 0)";
    if store.connection.query_row(odd, [], |row| row.get::<_, bool>(0))? {
        return Err(broken("retention", "not one number of days"));
    }
    let sql = "SELECT session, key, erasure, at, EXISTS (SELECT 1 FROM erasures e WHERE e.erasure = o.erasure \
               AND e.session = o.session) FROM obeyed o";
    let mut statement = store.connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut known: BTreeMap<SessionId, Vec<PublicKey>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (session, key) = (SessionId(row.get(0)?), row.get::<_, [u8; 32]>(1)?);
        let wrong = |why: &str| broken(&format!("obeyed {session}"), why);
        if !row.get::<_, bool>(4)? {
            return Err(wrong("it names an erasure of another session"));
        }
        if row.get::<_, i64>(3)? < 0 {
            return Err(wrong("a time that never was"));
        }
        let participants = match known.get(&session) {
            Some(known) => known,
            None => known.entry(session).or_insert(store.participants(session)?),
        };
        if !participants.iter().any(|participant| *participant.as_bytes() == key) {
            return Err(wrong("somebody who took no part"));
        }
    }
    Ok(())
}

/// Rows of a table.
fn count(store: &Sqlite, table: &str) -> Result<u64, Unchecked> {
    // A table's name can't be a parameter; these are our own words.
    let sql = format!("SELECT count(*) FROM {table}");
    Ok(store.connection.query_row(&sql, [], |row| row.get::<_, i64>(0))?.cast_unsigned())
}
