//! A ledger in this process on a real disk, and events signed beforehand, so that only the relay's part is measured.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use crate::harness::collector::{Collector, Member, Single};
use crate::harness::world::World;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use venia_proto::id::{SessionId, Strand};
use venia_proto::key::{SigningKey, VerifierKey};
use venia_proto::ledger::event::{Event, part_names};
use venia_proto::ledger::kind::Kind;
use venia_proto::ledger::part::Opening;
use venia_proto::ledger::strand::Author;
use venia_proto::ledger::verify::{Finding, Roots, verify};
use venia_proto::now::Wall;
use venia_proto::rendezvous::Answer;
use venia_relay::clock;
use venia_relay::server::ledger::Store as _;
use venia_relay::server::ledger::admission::Submission;
use venia_relay::server::ledger::committer::{Surroundings, start};
use venia_relay::server::ledger::limits::Limits;
use venia_relay::server::ledger::queue::Ledger;
use venia_relay::server::ledger::sqlite::Sqlite;

/// One who appends: a session of its own.
pub struct Appender {
    key: SigningKey,
    member: SigningKey,
    session: SessionId,
    author: Author,
    /// Signed, not yet submitted.
    waiting: VecDeque<Event>,
}

impl Appender {
    /// A session whose `open` waits.
    pub fn new(number: u16) -> Self {
        let mut seed = [7; 32];
        seed[..2].copy_from_slice(&number.to_be_bytes());
        let mut id = [9; 16];
        id[..2].copy_from_slice(&number.to_be_bytes());
        let session = SessionId(id);
        let key = SigningKey::new("device", seed);
        seed[31] = 8;
        let member = SigningKey::new("member", seed);
        let author = Author::new(session, Strand::Agent);
        let mut appender = Self { key, member, session, author, waiting: VecDeque::new() };
        appender.write(Kind::Open { versions: vec![1] });
        appender
    }

    /// Signs so many more events.
    pub fn prepare(&mut self, events: usize) {
        for _ in 0..events {
            self.write(Kind::Chat);
        }
    }

    /// What waits, with the key to verify it by.
    pub fn events(&self) -> impl Iterator<Item = (Event, VerifierKey)> {
        self.waiting.iter().map(|event| (event.clone(), self.key.verifier().clone()))
    }

    fn write(&mut self, kind: Kind) {
        let names = part_names(&kind);
        let parts: Vec<_> =
            names.iter().map(|name| Opening::make([1; 32], b"{}").expect("small").part(*name, None)).collect();
        let event = self.author.write(kind, &parts, Wall::from_ms(0), &self.key);
        self.waiting.push_back(event);
    }

    /// Submits what waits, one event at a time, each after the receipt of the one before.
    pub async fn append(&mut self, ledger: Ledger<Sqlite>) {
        while let Some(event) = self.waiting.pop_front() {
            let met = Some((self.session, vec![*self.member.public()]));
            let events = vec![event.bytes().to_vec()];
            let submission = Submission {
                from: *self.key.public(),
                source: "bench".to_owned(),
                met,
                events,
                known: 0,
                held: venia_relay::server::ledger::sealed::Held::default(),
                auditors: Some(false),
            };
            let pending = ledger.submit(submission).await.expect("a ledger that runs");
            let answer = pending.await.expect("an answer").expect("a receipt");
            assert!(matches!(answer, Answer::Receipts { .. }));
        }
    }
}

/// A running ledger.
pub struct Log {
    /// Its way in.
    pub ledger: Ledger<Sqlite>,
    folder: TempDir,
}

impl Log {
    /// Starts one in a new folder below `target/`: a real disk, where `/tmp` may be memory.
    pub fn start() -> Self {
        let folder = folder();
        let ledger = open(&folder.path().join("relay.db"));
        Self { ledger, folder }
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Lets all append at once.
    pub fn append(&self, runtime: &Runtime, appenders: Vec<Appender>) -> Vec<Appender> {
        runtime.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for mut appender in appenders {
                let ledger = self.ledger.clone();
                tasks.spawn(async move {
                    appender.append(ledger).await;
                    appender
                });
            }
            tasks.join_all().await
        })
    }

    /// Bytes of the entries of every batch from an index on, and the size of the log.
    pub fn batches(&self, from: u64) -> (Vec<usize>, u64) {
        let store = Sqlite::open(&self.folder.path().join("relay.db")).expect("the database");
        let size = store.head().expect("a head").expect("a head").size;
        let mut batches = Vec::new();
        for index in from..size {
            let note = store.entry(index).expect("a database").expect("an entry");
            if note.starts_with(b"venia/batch@v1") {
                batches.push(note.len());
            } else if let Some(last) = batches.last_mut() {
                *last += note.len();
            }
        }
        (batches, size)
    }
}

/// A folder on a real disk.
pub fn folder() -> TempDir {
    let this = std::env::current_exe().expect("this program");
    tempfile::tempdir_in(this.parent().expect("a folder below target/")).expect("a folder")
}

/// Starts the committer's thread as a relay does.
pub fn open(database: &Path) -> Ledger<Sqlite> {
    let limits = Limits { sessions_per_source: u64::MAX, ..Limits::default() };
    let surroundings = Surroundings { now: Arc::new(clock::now), free: Arc::new(|| u64::MAX), limits, head: None };
    let store = Sqlite::open(database).expect("a database");
    start(store, SigningKey::new("log", [3; 32]), surroundings).expect("a ledger").0
}

/// The intact bundle of a session of 50 events without parts, made through a real relay, and what it was made in.
pub fn bundle(program: &Path) -> (World, Vec<u8>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (world, collector) = (World::start(program), Collector::default());
    let zip = runtime.block_on(async {
        let member = Member::enrolled(&world).await;
        Single::begun(&world, member, 50, &collector).await.bundle(&collector).await
    });
    let verdict = verify(&zip, Roots { named: Some(world.address.root), known: &[] });
    assert_eq!(verdict.verdict, Finding::Intact, "{verdict:?}");
    (world, zip)
}
