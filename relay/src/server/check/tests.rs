//! A database with a row in every table, and what is found when one of them is changed.

use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::types::Value;
use sha2::{Digest as _, Sha256};
use venia_proto::id::Strand;
use venia_proto::key::SigningKey;
use venia_proto::ledger::event::{Event, part_names};
use venia_proto::ledger::kind::{Addition, Cause, Kind, Verified};
use venia_proto::ledger::part::{Opening, PartName};
use venia_proto::ledger::strand::Author;
use venia_proto::now::Now;

use super::*;
use crate::server::ledger::admission::Submission;
use crate::server::ledger::committer::{Surroundings, start};
use crate::server::ledger::limits::Limits;
use crate::server::ledger::queue::Ledger;
use crate::server::ledger::sealed::{Held, SealedPart};

/// 2026-11-24, in milliseconds.
const START: i64 = 1_795_514_402_000;

/// Columns that only the relay ever knew: a plausible other value can't be told from the true one.
const UNDERIVABLE: [&str; 9] = [
    "sessions.source",
    "sessions.opened",
    "evidence.observed",
    "members.since",
    "members.revoked",
    "invites.hash",
    "invites.expires",
    "obeyed.at",
    "retention.days",
];
/// Rows that nothing else speaks of: their absence can't be seen.
const UNMISSED: [&str; 4] = ["evidence", "invites", "obeyed", "retention"];

fn log() -> SigningKey {
    SigningKey::new("log", [200; 32])
}

struct Agent {
    session: SessionId,
    key: SigningKey,
    member: SigningKey,
    author: Author,
}

impl Agent {
    fn new(seed: u8) -> Self {
        let session = SessionId([seed; 16]);
        let (key, member) = (SigningKey::new("device", [seed; 32]), SigningKey::new("member", [100; 32]));
        Self { session, key, member, author: Author::new(session, Strand::Agent) }
    }

    fn write(&mut self, kind: Kind, sealed: Option<[u8; 32]>) -> Event {
        let part = |name: &PartName| Opening::make([1; 32], b"{}").unwrap().part(*name, sealed);
        let parts: Vec<_> = part_names(&kind).iter().map(part).collect();
        self.author.write(kind, &parts, Wall::from_ms(START), &self.key)
    }

    fn begin(&mut self, sealed: Option<[u8; 32]>) -> Vec<Vec<u8>> {
        let strand = Strand::Technician(NonZeroU16::MIN);
        let join = Kind::Join { strand, key: self.member.verifier().clone(), verified: Verified::Code };
        let open = self.write(Kind::Open { versions: vec![1] }, sealed);
        [open, self.write(join, sealed)].map(|event| event.bytes().to_vec()).into()
    }

    fn close(&mut self) -> Event {
        let held = self.author.held();
        self.write(Kind::Close { by: Cause::Person, cause: Cause::Done, held }, None)
    }

    async fn submit(&self, ledger: &Ledger<Sqlite>, events: Vec<Vec<u8>>, held: &Held) -> bool {
        let sealed = |event: Event| event.header().parts.iter().any(|part| part.sealed.is_some());
        let auditors = Event::parse(&events[0]).is_ok_and(sealed);
        let submission = Submission {
            from: *self.key.public(),
            source: "192.0.2.1".to_owned(),
            met: Some((self.session, vec![*self.member.public()])),
            events,
            known: 0,
            held: held.clone(),
            auditors: Some(auditors),
        };
        ledger.submit(submission).await.unwrap().await.unwrap().is_ok()
    }
}

/// A ledger with everything in it, closed.
fn database() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let surroundings = Surroundings {
        now: Arc::new(|| Now { boot_ms: 1_000_000, wall: Wall::from_ms(START) }),
        free: Arc::new(|| u64::MAX),
        limits: Limits::default(),
        head: None,
    };
    let (ledger, thread) = start(Sqlite::open(&path).unwrap(), log(), surroundings).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(filled(&ledger));
    drop(ledger);
    thread.join().unwrap();
    (folder, path)
}

async fn filled(ledger: &Ledger<Sqlite>) {
    let member = Agent::new(0).member;
    ledger
        .perform(move |store| {
            let (key, vkey) = (member.public().as_bytes().to_vec(), member.verifier().to_string());
            let sql = "INSERT INTO members (key, vkey, folded, name, role, level, since) \
                       VALUES ($1, $2, 'ana', 'Ana', 'technician', 3, 5)";
            store.connection.execute(sql, rusqlite::params![key, vkey]).unwrap();
            let sql = "INSERT INTO invites (hash, folded, name, role, level, expires, used) \
                       VALUES ($1, 'bo', 'Bo', 'auditor', 1, 9, 7)";
            store.connection.execute(sql, [[3_u8; 32]]).unwrap();
            store.retain(Some(30)).unwrap();
        })
        .await
        .unwrap();
    // One session whole, with parts of which one is erased; one with equivocation; one that nobody closed.
    let (mut one, mut two, mut three) = (Agent::new(1), Agent::new(2), Agent::new(3));
    let held = Held::default();
    let arrival: [u8; 32] = Sha256::digest(b"arrival").into();
    let part = SealedPart { session: one.session, sha256: arrival, bytes: b"arrival".as_slice().into() };
    held.keep(held.reserve(7).unwrap(), part);
    let mut events = one.begin(Some(arrival));
    let mut commits = Vec::new();
    for bytes in [b"first", b"other"] {
        let sha256: [u8; 32] = Sha256::digest(bytes).into();
        let part = SealedPart { session: one.session, sha256, bytes: bytes.as_slice().into() };
        held.keep(held.reserve(bytes.len()).unwrap(), part);
        let opening = Opening::make([bytes[0]; 32], b"{}").unwrap().part(PartName::Body, Some(sha256));
        commits.push(opening.commit);
        let chat = one.author.write(Kind::Chat, &[opening], Wall::from_ms(START), &one.key);
        events.push(chat.bytes().to_vec());
    }
    let close = one.close();
    events.push(close.bytes().to_vec());
    assert!(one.submit(ledger, events, &held).await);
    let addendum = one.write(Kind::Addendum { about: close.leaf(), what: Addition::Rating }, Some(arrival));
    assert!(one.submit(ledger, vec![addendum.bytes().to_vec()], &held).await);
    let events = two.begin_with_chat();
    assert!(two.submit(ledger, events, &held).await);
    let again = two.fork().write(Kind::Note, None);
    assert!(!two.submit(ledger, vec![again.bytes().to_vec()], &held).await, "kept as evidence");
    let events = three.begin_with_chat();
    assert!(three.submit(ledger, events, &held).await);
    ledger.note(Notice::Abandoned { session: three.session }).await.unwrap();
    let parts = Some(vec![commits[0]]);
    ledger.note(Notice::Erase { session: one.session, parts }).await.unwrap();
    let (by, session) = (*one.member.public(), one.session);
    assert!(ledger.perform(move |store| store.obeyed(&by, session, Wall::from_ms(START))).await.unwrap().unwrap());
}

impl Agent {
    fn begin_with_chat(&mut self) -> Vec<Vec<u8>> {
        let mut events = self.begin(None);
        events.push(self.write(Kind::Chat, None).bytes().to_vec());
        events
    }

    /// The agent as it was before its third event.
    fn fork(&self) -> Self {
        let mut fork = Self::new(self.session.0[0]);
        fork.begin(None);
        fork
    }
}

fn checked(path: &Path, jobs: usize) -> Result<Checked, Unchecked> {
    let store = Sqlite::reader(path)?;
    let stop = AtomicBool::new(false);
    check(&store, &Wish { log: log().verifier(), head: None, jobs, stop: &stop }, |_, _| {})
}

/// Where the damaged database is found to break; none if it isn't found.
fn found(path: &Path, damage: impl FnOnce(&Connection)) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("relay.db");
    std::fs::copy(path, &copy).unwrap();
    let connection = Connection::open(&copy).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").unwrap();
    damage(&connection);
    drop(connection);
    match checked(&copy, 1) {
        Ok(_) => None,
        Err(Unchecked::Broken { at: At::Entry(entry), why }) => Some(format!("entry {entry}: {why}")),
        Err(Unchecked::Broken { at: At::Row(row), why }) => Some(format!("{row}: {why}")),
        Err(other) => panic!("{other:?}"),
    }
}

fn tables(connection: &Connection) -> Vec<(String, Vec<(String, String)>)> {
    let texts = |sql: &str| -> Vec<(String, String)> {
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    let names = texts(
        "SELECT name, type FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
                       AND name <> 'shards'",
    );
    let columns = |name: &str| texts(&format!("SELECT name, type FROM pragma_table_info('{name}')"));
    names.into_iter().map(|(name, _)| (name.clone(), columns(&name))).collect()
}

#[test]
fn a_ledger_with_everything_in_it_is_intact_on_one_thread_and_on_several() {
    let (_folder, path) = database();
    let size = |jobs| checked(&path, jobs).unwrap();
    assert_eq!(size(1).sessions, 3);
    assert_eq!(size(1), size(3));
    for (name, columns) in tables(&Connection::open(&path).unwrap()) {
        let filled = format!("SELECT count(*) FROM {name}");
        let rows: i64 = Connection::open(&path).unwrap().query_row(&filled, [], |row| row.get(0)).unwrap();
        assert!(rows > 0 && !columns.is_empty(), "{name}: a table that no test damages");
    }
}

/// Every column of every table gets another value, in its first row.
#[test]
fn every_column_that_can_be_derived_is_compared() {
    let (_folder, path) = database();
    for (table, columns) in tables(&Connection::open(&path).unwrap()) {
        for (column, kind) in columns {
            let name = format!("{table}.{column}");
            let damage = |connection: &Connection| {
                let sql = format!("SELECT {column} FROM {table} LIMIT 1");
                let value: Value = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
                let other = match (value.clone(), kind.as_str()) {
                    (Value::Integer(number), _) => Value::Integer(number + 1_000_003),
                    (Value::Text(text), _) => Value::Text(text + "x"),
                    (Value::Blob(mut bytes), _) => {
                        bytes[0] ^= 1;
                        Value::Blob(bytes)
                    }
                    (Value::Null, "BLOB") => Value::Blob(vec![1; 32]),
                    (Value::Null, _) => Value::Integer(1),
                    (Value::Real(_), _) => panic!("no such column"),
                };
                let sql = format!("UPDATE {table} SET {column} = $1 WHERE {column} IS $2");
                assert!(connection.execute(&sql, [other, value]).unwrap() > 0, "{name}");
            };
            let found = found(&path, damage);
            assert_eq!(found.is_none(), UNDERIVABLE.contains(&name.as_str()), "{name}: {found:?}");
            let at = found.unwrap_or_else(|| table.clone());
            let named = at.starts_with(&table)
                || at.starts_with("relay.db") && at.contains(&table)
                || table == "entries" && at.starts_with("entry")
                // A row under another name is missing under its own; a key that is no member's is found where it is used.
                || matches!(name.as_str(), "erasures.erasure" | "members.key");
            assert!(named, "{name} is named: {at}");
        }
    }
}

#[test]
fn every_row_that_the_log_asks_for_is_missed() {
    let (_folder, path) = database();
    for (table, _) in tables(&Connection::open(&path).unwrap()) {
        let found = found(&path, |connection| {
            let first = format!("DELETE FROM {table} WHERE rowid = (SELECT min(rowid) FROM {table})");
            // Tables without row numbers: all of it.
            if connection.execute(&first, []).is_err() {
                connection.execute(&format!("DELETE FROM {table}"), []).unwrap();
            }
        });
        assert_eq!(found.is_none(), UNMISSED.contains(&table.as_str()), "{table}: {found:?}");
    }
}

#[test]
fn rows_that_nothing_asks_for_are_found() {
    let (_folder, path) = database();
    for (sql, named) in [
        ("INSERT INTO entries (entry, note) VALUES (1000, x'00')", "entries"),
        ("INSERT INTO nodes (level, place, hash) VALUES (40, 0, zeroblob(32))", "nodes"),
        ("INSERT INTO events SELECT 0, session, 'observer-9', 0, batch, NULL FROM events LIMIT 1", "events"),
        (
            "INSERT INTO sessions SELECT zeroblob(16), agent, device, source, opened, last, ended, NULL FROM sessions LIMIT 1",
            "sessions",
        ),
        ("INSERT INTO sealed SELECT session, x'aa', bytes FROM sealed LIMIT 1", "relay.db"),
        ("INSERT INTO sealed SELECT zeroblob(16), sha256, bytes FROM sealed", "sealed"),
        ("INSERT INTO erasures (session, note, observed) SELECT session, note, observed FROM erasures", "erasures"),
        ("CREATE TABLE more (one INTEGER) STRICT", "schema_version"),
        ("CREATE TRIGGER more AFTER INSERT ON entries BEGIN DELETE FROM evidence; END", "schema_version"),
        ("DROP INDEX sessions_open", "schema_version"),
    ] {
        let mut refused = false;
        let at = found(&path, |connection| refused = connection.execute_batch(sql).is_err());
        // What the schema itself refuses can't be there.
        assert!(refused || at.as_ref().is_some_and(|at| at.starts_with(named)), "{sql}: {at:?}");
    }
}

/// Whoever writes entry, leaf and every node above it anew still can't sign the head.
#[test]
fn a_whole_history_written_anew_is_found_by_its_signatures() {
    let (_folder, path) = database();
    let other = found(&path, |connection| {
        let (entry, mut note): (i64, Vec<u8>) = connection
            .query_row("SELECT entry, note FROM entries JOIN events USING (entry) WHERE seq = 2 LIMIT 1", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        let place = note.len() - 20;
        note[place] = if note[place] == b'A' { b'B' } else { b'A' };
        connection.execute("UPDATE entries SET note = $1 WHERE entry = $2", rusqlite::params![note, entry]).unwrap();
        let mut notes = connection.prepare("SELECT note FROM entries ORDER BY entry").unwrap();
        let notes: Vec<Vec<u8>> = notes.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let mut tree = venia_proto::ledger::merkle::Tree::new();
        for note in notes {
            tree.append(venia_proto::ledger::note::leaf(&note), |level, place, hash| {
                let sql = "UPDATE nodes SET hash = $1 WHERE level = $2 AND place = $3";
                connection.execute(sql, rusqlite::params![hash, level, place.cast_signed()]).unwrap();
            });
        }
    });
    let other = other.unwrap();
    assert!(other.starts_with("entry") && other.contains("isn't signed by the key"), "{other}");
}

#[test]
fn f5_the_copy_of_the_head_must_be_met() {
    let (_folder, path) = database();
    let size = checked(&path, 1).unwrap().entries;
    let store = Sqlite::reader(&path).unwrap();
    let root = Checkpoint::open(&store.head().unwrap().unwrap().checkpoint, log().verifier()).unwrap().root;
    let stop = AtomicBool::new(false);
    let met = |head| check(&store, &Wish { log: log().verifier(), head, jobs: 1, stop: &stop }, |_, _| {}).is_ok();
    assert!(met(Some((size, root))));
    assert!(!met(Some((size, [0; 32]))));
    assert!(!met(Some((size + 1, root))));
}
