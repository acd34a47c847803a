//! The committer over a real database: a world of agents, clocks and a disk that fails when told to.

mod admission;
mod alone;
mod continuity;
mod contradictions;
mod durability;
mod erasing;
mod faults;
mod pulse;
mod sealed;
mod succession;

use std::num::NonZeroU16;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use venia_proto::id::{Leaf, SessionId, Strand};
use venia_proto::key::{PublicKey, SigningKey};
use venia_proto::ledger::batch::Batch;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::event::{After, Event, Header};
use venia_proto::ledger::kind::{Addition, Cause, Kind, KindName, Verified};
use venia_proto::ledger::merkle::{Hash, verify_consistency, verify_inclusion};
use venia_proto::ledger::part::{Opening, PartName};
use venia_proto::ledger::strand::Author;
use venia_proto::now::{Now, Wall};
use venia_proto::rendezvous::{Answer, EventFault, Refusal, SUBMIT_MAX};

use super::admission::Submission;
use super::committer::{Surroundings, start};
use super::limits::{EVENTS_RESERVED, EVIDENCE_MAX, Limits, STALE_MS};
use super::prove::{Nodes, Question};
use super::queue::Ledger;
use super::sealed::Held;
use super::sqlite::Sqlite;
use super::*;

/// 2026-11-24, in milliseconds.
const START: i64 = 1_795_514_402_000;

/// Puts the head back to where it was before the torn commit.
const TEAR_HEAD: &str = "UPDATE head SET (size, checkpoint, batch) = (SELECT size, checkpoint, batch FROM before)";

/// How the next writes fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failing {
    /// The write to this table fails; nothing is stored.
    At(&'static str),
    /// The disk says no at the end; nothing is stored.
    NotPersisted,
    /// The disk says no, and stored it all the same.
    Persisted,
    /// The same, and this table's rows alone are there: a transaction that wasn't one.
    Torn(&'static str),
}

/// A database that fails when told to.
struct Faulty {
    inner: Sqlite,
    plan: Arc<Mutex<Vec<Failing>>>,
    /// How many times it can't be read again either.
    unreadable: Arc<AtomicU64>,
    /// How many more questions fail.
    deaf: Arc<AtomicU64>,
    /// How many times it was opened again.
    reopened: Arc<AtomicU64>,
}

impl Faulty {
    fn hear(&self) -> Result<(), StoreError> {
        let left = self.deaf.load(Ordering::SeqCst);
        if left == 0 {
            return Ok(());
        }
        self.deaf.store(left - 1, Ordering::SeqCst);
        Err(full())
    }
}

fn full() -> StoreError {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
    StoreError::Database(rusqlite::Error::SqliteFailure(code, None))
}

impl Store for Faulty {
    fn head(&self) -> Result<Option<Head>, StoreError> {
        self.inner.head()
    }
    fn append(&mut self, commit: &Commit) -> Result<(), StoreError> {
        let failing = self.plan.lock().unwrap().pop();
        if matches!(failing, Some(Failing::Torn(_))) {
            let copy = "DROP TABLE IF EXISTS before; CREATE TEMP TABLE before AS SELECT * FROM head";
            self.inner.connection.execute_batch(copy).unwrap();
        }
        match failing {
            None => self.inner.append(commit),
            Some(Failing::NotPersisted) => Err(full()),
            Some(Failing::Persisted) => {
                self.inner.append(commit).unwrap();
                Err(full())
            }
            Some(Failing::Torn(table)) => {
                self.inner.append(commit).unwrap();
                let undo = [
                    ("entries", format!("DELETE FROM entries WHERE entry >= {}", commit.from)),
                    (
                        "nodes",
                        commit
                            .nodes
                            .iter()
                            .map(|(level, place, _)| {
                                format!("DELETE FROM nodes WHERE level = {level} AND place = {place};")
                            })
                            .collect(),
                    ),
                    ("head", TEAR_HEAD.to_owned()),
                ];
                let connection = &self.inner.connection;
                connection.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
                connection.execute_batch(&format!("DELETE FROM events WHERE entry >= {}", commit.from)).unwrap();
                for (_, sql) in undo.iter().filter(|(name, _)| *name != table) {
                    connection.execute_batch(sql).unwrap();
                }
                connection.execute_batch("PRAGMA foreign_keys = ON").unwrap();
                Err(full())
            }
            Some(Failing::At(table)) => {
                let (verb, name) = if table == "head" { ("UPDATE", "head") } else { ("INSERT", table) };
                let sql = format!(
                    "CREATE TEMP TRIGGER fault BEFORE {verb} ON main.{name} BEGIN SELECT RAISE(ABORT, 'fault'); END"
                );
                self.inner.connection.execute_batch(&sql).unwrap();
                let result = self.inner.append(commit);
                assert!(result.is_err(), "{table}");
                result
            }
        }
    }
    fn scrub(&mut self, wait: bool) -> Result<bool, StoreError> {
        self.inner.scrub(wait)
    }
    fn reopen(&mut self) -> Result<(), StoreError> {
        self.reopened.fetch_add(1, Ordering::SeqCst);
        let left = self.unreadable.load(Ordering::SeqCst);
        if left > 0 {
            self.unreadable.store(left - 1, Ordering::SeqCst);
            return Err(full());
        }
        self.inner.reopen()
    }
    fn node(&self, level: u8, place: u64) -> Result<Option<Hash>, StoreError> {
        self.hear()?;
        self.inner.node(level, place)
    }
    fn entry(&self, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.entry(index)
    }
    fn session(&self, session: SessionId) -> Result<Option<StoredSession>, StoreError> {
        self.inner.session(session)
    }
    fn session_keys(&self, session: SessionId) -> Result<Option<(VerifierKey, Vec<PublicKey>)>, StoreError> {
        self.inner.session_keys(session)
    }
    fn place(&self, session: SessionId, author: Strand, seq: u64) -> Result<Option<u64>, StoreError> {
        self.inner.place(session, author, seq)
    }
    fn placed(&self, session: SessionId, below: u64, skip: u64, most: usize) -> Result<Vec<Placed>, StoreError> {
        self.inner.placed(session, below, skip, most)
    }
    fn opened_since(&self, device: &PublicKey, source: &str, since: i64) -> Result<(u64, u64), StoreError> {
        self.inner.opened_since(device, source, since)
    }
    fn quiet_since(&self, since: i64, most: usize) -> Result<Vec<SessionId>, StoreError> {
        self.hear()?;
        self.inner.quiet_since(since, most)
    }
    fn is_open(&self) -> Result<bool, StoreError> {
        self.inner.is_open()
    }
    fn sealed(&self, session: SessionId, sha256: [u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.sealed(session, sha256)
    }
    fn sealed_bytes(&self, session: SessionId) -> Result<u64, StoreError> {
        self.inner.sealed_bytes(session)
    }
    fn keep(&mut self, evidence: &Equivocation) -> Result<(), StoreError> {
        self.inner.keep(evidence)
    }
    fn evidence(&self, session: SessionId) -> Result<Vec<(Strand, u64, Vec<u8>)>, StoreError> {
        self.inner.evidence(session)
    }
}

/// Leaf, checkpoint, index and path, as they were given.
type Receipt = (Leaf, Checkpoint, u64, Vec<Hash>);

/// A running ledger, its clocks, and every receipt it ever gave.
struct World {
    path: PathBuf,
    ledger: Ledger<Faulty>,
    plan: Arc<Mutex<Vec<Failing>>>,
    unreadable: Arc<AtomicU64>,
    deaf: Arc<AtomicU64>,
    reopened: Arc<AtomicU64>,
    boot: Arc<AtomicU64>,
    wall: Arc<AtomicI64>,
    free: Arc<AtomicU64>,
    log: SigningKey,
    receipts: Mutex<Vec<Receipt>>,
    _folder: tempfile::TempDir,
}

fn log() -> SigningKey {
    SigningKey::new("log", [200; 32])
}

fn world(limits: Limits) -> World {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let plan = Arc::new(Mutex::new(Vec::new()));
    let unreadable = Arc::new(AtomicU64::new(0));
    let (boot, wall) = (Arc::new(AtomicU64::new(1_000_000)), Arc::new(AtomicI64::new(START)));
    let free = Arc::new(AtomicU64::new(u64::MAX));
    let (deaf, reopened) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let store = Faulty {
        inner: Sqlite::open(&path).unwrap(),
        plan: plan.clone(),
        unreadable: unreadable.clone(),
        deaf: deaf.clone(),
        reopened: reopened.clone(),
    };
    let surroundings = Surroundings {
        now: {
            let (boot, wall) = (boot.clone(), wall.clone());
            Arc::new(move || Now {
                boot_ms: boot.load(Ordering::SeqCst),
                wall: Wall::from_ms(wall.load(Ordering::SeqCst)),
            })
        },
        free: {
            let free = free.clone();
            Arc::new(move || free.load(Ordering::SeqCst))
        },
        limits,
        head: None,
    };
    let (ledger, _thread) = start(store, log(), surroundings).unwrap();
    World {
        path,
        ledger,
        plan,
        unreadable,
        deaf,
        reopened,
        boot,
        wall,
        free,
        log: log(),
        receipts: Mutex::default(),
        _folder: folder,
    }
}

/// An agent with its session, and the technician who came for it.
struct Agent {
    session: SessionId,
    key: SigningKey,
    technician: SigningKey,
    strand: Author,
    source: String,
}

impl Agent {
    fn new(seed: u8) -> Self {
        let session = SessionId([seed; 16]);
        Self {
            session,
            key: SigningKey::new("device", [seed; 32]),
            technician: SigningKey::new("member", [seed ^ 0x80; 32]),
            strand: Author::new(session, Strand::Agent),
            source: "192.0.2.1".to_owned(),
        }
    }

    fn write(&mut self, kind: Kind) -> Vec<u8> {
        write(&mut self.strand, kind, &self.key).bytes().to_vec()
    }

    fn open(&mut self) -> Vec<u8> {
        self.write(Kind::Open { versions: vec![1] })
    }

    fn join(&mut self, key: &SigningKey, n: u16) -> Vec<u8> {
        let strand = Strand::Technician(NonZeroU16::new(n).unwrap());
        self.write(Kind::Join { strand, key: key.verifier().clone(), verified: Verified::Code })
    }

    fn join_technician(&mut self) -> Vec<u8> {
        let technician = SigningKey::from_pkcs8("member", &self.technician.to_pkcs8()).unwrap();
        self.join(&technician, 1)
    }

    fn close(&mut self) -> Vec<u8> {
        let held = self.strand.held();
        self.write(Kind::Close { by: Cause::Person, cause: Cause::Done, held })
    }

    fn submission(&self, events: Vec<Vec<u8>>) -> Submission {
        let met = Some((self.session, vec![*self.technician.public()]));
        Submission {
            from: *self.key.public(),
            source: self.source.clone(),
            met,
            events,
            known: 0,
            held: Held::default(),
            auditors: Some(false),
        }
    }
}

fn write(strand: &mut Author, kind: Kind, key: &SigningKey) -> Event {
    let names = venia_proto::ledger::event::part_names(&kind);
    let parts: Vec<_> =
        names.iter().map(|name: &PartName| Opening::make([1; 32], b"{}").unwrap().part(*name, None)).collect();
    strand.write(kind, &parts, Wall::from_ms(START), key)
}

impl World {
    async fn submit(&self, submission: Submission) -> Result<Vec<u64>, Refusal> {
        let notes = submission.events.clone();
        let answer = self.ledger.submit(submission).await?.await.unwrap()?;
        let Answer::Receipts { checkpoint, entries, .. } = answer else { panic!("{answer:?}") };
        let checkpoint = Checkpoint::open(&checkpoint, self.log.verifier()).unwrap();
        assert_eq!(entries.len(), notes.len());
        let mut indexes = Vec::new();
        for (note, entry) in notes.iter().zip(entries) {
            let leaf = venia_proto::ledger::note::leaf(note);
            verify_inclusion(leaf, entry.index, checkpoint.size, &checkpoint.root, &entry.path).unwrap();
            indexes.push(entry.index);
            self.receipts.lock().unwrap().push((leaf, checkpoint.clone(), entry.index, entry.path));
        }
        Ok(indexes)
    }

    fn fail(&self, failing: Failing) {
        self.plan.lock().unwrap().push(failing);
    }

    /// Reads the database beside the committer: every receipt ever given must hold in it.
    fn audit(&self) {
        let store = Sqlite::open(&self.path).unwrap();
        let head = store.head().unwrap().unwrap();
        let nodes = Nodes::stored(&store);
        for index in 0..head.size {
            let note = store.entry(index).unwrap().unwrap();
            assert_eq!(store.node(0, index).unwrap().unwrap(), venia_proto::ledger::note::leaf(&note).0, "{index}");
        }
        for (leaf, checkpoint, index, path) in self.receipts.lock().unwrap().iter() {
            assert!(checkpoint.size <= head.size);
            assert_eq!(
                checkpoint.root,
                nodes.tree(checkpoint.size).unwrap().root(),
                "a released checkpoint is a prefix"
            );
            assert_eq!(nodes.entry(*index, checkpoint.size).unwrap().path, *path);
            assert_eq!(store.node(0, *index).unwrap(), Some(leaf.0));
        }
    }
}

fn event_fault(refusal: Result<Vec<u64>, Refusal>) -> Option<(u32, EventFault)> {
    match refusal {
        Err(Refusal::Event { place, fault }) => Some((place, fault)),
        other => panic!("{other:?}"),
    }
}
