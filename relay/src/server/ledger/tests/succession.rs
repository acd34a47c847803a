//! A log that is followed by another, on a real folder: what is closed, what begins, and what is still proven.

use std::path::Path;
use std::thread::JoinHandle;

use venia_proto::ledger::note;
use venia_proto::ledger::notice::{Notice, Succession};
use venia_proto::ledger::succession::{SERIAL_JUMP, begins};
use venia_proto::rendezvous::Successor;
use venia_proto::statement::Statement;

use super::super::super::identity::{Keys, Published};
use super::super::super::serve::DATABASE;
use super::super::super::settings::Settings;
use super::super::erasing::named;
use super::super::head::HeadFile;
use super::super::shards::{self, between, noted, proven, successors};
use super::super::succession::{Succeeded, SuccessionError, against, current, due, succeed};
use super::*;
use crate::client::home::Home;

/// A relay's folder, without a relay.
struct Folder {
    home: Home,
    wall: Arc<AtomicI64>,
    _folder: tempfile::TempDir,
}

/// What a session is recorded with.
type Running = (Ledger<Sqlite>, JoinHandle<()>);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("relay"), true).unwrap();
        let new = Self { home, wall: Arc::new(AtomicI64::new(START)), _folder: folder };
        let at = "help.example:4433".parse().unwrap();
        Published::current(&new.home, &new.keys(), &at, &Settings::default(), Wall::from_ms(START)).unwrap();
        new
    }

    fn keys(&self) -> Keys {
        Keys::open(&self.home).unwrap()
    }

    fn log(&self) -> VerifierKey {
        self.keys().log.verifier().clone()
    }

    fn store(&self) -> Sqlite {
        Sqlite::open(&self.home.path(DATABASE).unwrap()).unwrap()
    }

    fn start(&self) -> Running {
        let wall = self.wall.clone();
        let now = move || Now { boot_ms: 1_000_000, wall: Wall::from_ms(wall.load(Ordering::SeqCst)) };
        let surroundings = Surroundings {
            now: Arc::new(now),
            free: Arc::new(|| u64::MAX),
            limits: Limits::default(),
            head: Some(Arc::new(HeadFile::open(&self.home, &self.log().name).unwrap())),
        };
        start(self.store(), self.keys().log, surroundings).unwrap()
    }

    async fn record(&self, submissions: Vec<Submission>) -> Vec<Result<Answer, Refusal>> {
        let (ledger, thread) = self.start();
        let mut answers = Vec::new();
        for submission in submissions {
            answers.push(ledger.submit(submission).await.unwrap().await.unwrap());
        }
        drop(ledger);
        thread.join().unwrap();
        answers
    }

    fn succeed(&self, cause: Succession) -> Result<Succeeded, SuccessionError> {
        succeed(&self.home, &mut self.store(), cause, Wall::from_ms(self.wall.load(Ordering::SeqCst)))
    }

    fn successors(&self, log: &VerifierKey) -> Vec<Successor> {
        let served = Published::read(&self.home).unwrap().unwrap().note;
        let told = successors(&self.store(), &log.to_string(), &self.log(), &served).unwrap().unwrap();
        let Answer::Successors { logs } = told else { panic!("{told:?}") };
        logs
    }

    fn statement(&self) -> Statement {
        Published::read(&self.home).unwrap().unwrap().statement
    }
}

/// A whole session, and how much of it.
fn session(seed: u8, ended: bool) -> (Agent, Submission) {
    let mut agent = Agent::new(seed);
    let mut events = vec![agent.open(), agent.join_technician()];
    if ended {
        events.push(agent.close());
    }
    let submission = agent.submission(events);
    (agent, submission)
}

fn question(agent: &Agent) -> Question {
    Question { by: *agent.key.public(), session: agent.session, skip: 0, size: 0, first: 0 }
}

/// Every event of a session is proven by the closed log's last checkpoint.
fn holds(store: &Sqlite, agent: &Agent, events: &[Vec<u8>], log: &VerifierKey) -> Checkpoint {
    let Some(Ok(Answer::Proofs { checkpoint, entries, .. })) = proven(store, &question(agent)).unwrap() else {
        panic!("no proofs")
    };
    let checkpoint = Checkpoint::open(&checkpoint, log).unwrap();
    assert_eq!(entries.len(), events.len());
    for (event, proven) in events.iter().zip(entries) {
        let (leaf, entry) = (note::leaf(event), proven.entry);
        verify_inclusion(leaf, entry.index, checkpoint.size, &checkpoint.root, &entry.path).unwrap();
    }
    checkpoint
}

fn is_erased(answer: Option<Result<Answer, Refusal>>) -> bool {
    matches!(answer, Some(Err(Refusal::Erased)))
}

#[tokio::test]
async fn f5_a_recovered_log_follows_the_old_one_and_old_receipts_are_still_proven() {
    let folder = Folder::new();
    let ((ended, whole), (left, open)) = (session(1, true), session(2, false));
    let events = whole.events.clone();
    let answers = folder.record(vec![whole.clone(), open]).await;
    assert!(answers.iter().all(Result::is_ok));
    let (old, before) = (folder.log(), folder.statement());
    let Some(Ok(Answer::Receipts { checkpoint: first, .. })) = answers.into_iter().next() else { panic!() };
    let first = Checkpoint::open(&first, &old).unwrap();
    folder
        .store()
        .connection
        .execute("INSERT INTO invites VALUES (zeroblob(32), 'a', 'A', 'auditor', 1, 9, NULL)", [])
        .unwrap();

    let done = folder.succeed(Succession::Recovered).unwrap();
    let (new, store) = (folder.log(), folder.store());
    assert_eq!(new.name.as_str(), format!("{}/2", old.name.as_str()));
    assert_eq!((done.left_open, done.withdrawn, &done.origin), (1, 1, &new.name));
    assert_eq!(current(&folder.home).unwrap(), (2, Some(old.name.clone())));
    let statement = folder.statement();
    assert_eq!((statement.serial, done.serial), (before.serial + SERIAL_JUMP, before.serial + SERIAL_JUMP));
    assert_eq!((&statement.relays[0].log, &statement.relays[0].tls), (&new, &before.relays[0].tls));
    assert!(!folder.home.dir().join("log.key").exists(), "nobody can sign another end to the old log");
    assert!(!store.is_open().unwrap(), "nothing of the old log is waited for");

    let last = holds(&store, &ended, &events, &old);
    assert_eq!((last.size, last.root), (done.closed.size, done.closed.root));
    let path = match between(&store, (old.name.as_str(), first.size, 0)).unwrap() {
        Some(Ok(Answer::Consistency { path, .. })) => path,
        other => panic!("{other:?}"),
    };
    verify_consistency(first.size, last.size, &first.root, &last.root, &path).unwrap();
    let refused = Some(Err(Refusal::NotAllowed));
    assert_eq!(between(&store, (old.name.as_str(), 0, first.size)).unwrap(), refused, "nothing is signed again");
    assert_eq!(between(&store, (new.name.as_str(), 0, 0)).unwrap(), None);
    let mut at_a_size = question(&ended);
    at_a_size.size = first.size;
    assert_eq!(proven(&store, &at_a_size).unwrap(), refused);
    assert_eq!(proven(&store, &Question { by: *left.key.public(), ..question(&ended) }).unwrap(), refused);
    let Some(Ok(Answer::Notes { notes, more: false })) = noted(&store, *ended.key.public(), ended.session, 0).unwrap()
    else {
        panic!("no notes")
    };
    assert_eq!(notes, events);

    let [successor] = folder.successors(&old).try_into().unwrap();
    let head = Checkpoint::open(&successor.checkpoint, &new).unwrap();
    let told = begins(&successor.note, &successor.path, &head, &new).unwrap();
    assert_eq!(told, (done.closed, Succession::Recovered));
    assert_eq!(Statement::open(&successor.statement, &statement.fingerprint()).unwrap(), statement);
    assert!(folder.successors(&new).is_empty());
    let stranger = SigningKey::new("log", [9; 32]);
    let nobody = successors(&store, &stranger.verifier().to_string(), &new, b"").unwrap();
    assert_eq!(nobody, Err(Refusal::NotAllowed));
    drop(store);

    let (another, third) = session(3, true);
    let mut late = left;
    let late = {
        let close = late.close();
        late.submission(vec![close])
    };
    let answers = folder.record(vec![whole, late, third.clone()]).await;
    let session_refused = Err(Refusal::Event { place: 0, fault: EventFault::Session });
    assert_eq!(answers[..2], [session_refused.clone(), session_refused], "a session stands in one log");
    let Ok(Answer::Receipts { checkpoint, entries, .. }) = &answers[2] else { panic!("{answers:?}") };
    let checkpoint = Checkpoint::open(checkpoint, &new).unwrap();
    for (event, entry) in third.events.iter().zip(entries) {
        verify_inclusion(note::leaf(event), entry.index, checkpoint.size, &checkpoint.root, &entry.path).unwrap();
    }
    assert_eq!(proven(&folder.store(), &question(&another)).unwrap(), None, "that is the log's to prove");
}

#[tokio::test]
async fn a_new_years_log_waits_for_open_sessions_and_a_set_back_one_is_never_ended_by_the_calendar() {
    let folder = Folder::new();
    let (mut agent, open) = session(1, false);
    folder.record(vec![open]).await;
    let new_year: Wall = "2027-01-01T00:00:00.000Z".parse().unwrap();
    let is_due = |at| due(&folder.store(), &folder.log(), at).unwrap();
    assert!(!is_due(new_year), "a session is open");
    let close = agent.close();
    assert!(folder.record(vec![agent.submission(vec![close])]).await[0].is_ok());
    assert!(!is_due(new_year.plus_ms(-1)));
    assert!(is_due(new_year));
    let reached = HeadFile::open(&folder.home, &folder.log().name).unwrap().before();
    let (size, root) = reached.unwrap();
    against(&folder.store(), Some((size, root))).unwrap();
    assert!(matches!(against(&folder.store(), Some((size + 1, root))), Err(StoreError::SetBack { .. })));
    assert!(matches!(against(&folder.store(), Some((size, [9; 32]))), Err(StoreError::Damaged(_))));

    let (serial, old) = (folder.statement().serial, folder.log());
    folder.wall.store(new_year.ms(), Ordering::SeqCst);
    let done = folder.succeed(Succession::Year).unwrap();
    assert_eq!((done.left_open, done.withdrawn, done.serial), (0, 0, serial + 1));
    assert!(!is_due(new_year), "the new log is this year's");
    // And the year after, with what the first one proves still proven.
    folder.wall.store(new_year.ms() + 366 * 24 * 60 * 60 * 1_000, Ordering::SeqCst);
    folder.succeed(Succession::Year).unwrap();
    assert_eq!(folder.log().name.as_str(), format!("{}/3", old.name.as_str()));
    let chain = folder.successors(&old);
    assert_eq!(chain.len(), 2);
    let root = folder.statement().fingerprint();
    let mut before = done.closed;
    for successor in chain {
        let note = note::Note::parse(&successor.checkpoint).unwrap();
        let claimed = Checkpoint::unverified(&note).unwrap();
        let statement = Statement::open(&successor.statement, &root).unwrap();
        let log = &statement.relay_of(claimed.origin.as_str()).unwrap().log;
        let head = Checkpoint::open(&successor.checkpoint, log).unwrap();
        let (previous, cause) = begins(&successor.note, &successor.path, &head, log).unwrap();
        assert_eq!((&previous, cause), (&before, Succession::Year));
        before = shards::closed(&head);
    }
}

#[tokio::test]
async fn a_crash_before_the_transaction_leaves_the_old_log_and_the_next_try_succeeds() {
    let folder = Folder::new();
    let (agent, whole) = session(1, true);
    let events = whole.events.clone();
    folder.record(vec![whole]).await;
    let (old, database) = (folder.log(), folder.home.path(DATABASE).unwrap());
    let saved = folder.home.dir().join("saved");
    std::fs::copy(&database, &saved).unwrap();
    let key = std::fs::read(folder.home.dir().join("log.key")).unwrap();
    folder.succeed(Succession::Year).unwrap();
    let second = folder.log();
    // As if the power had failed before: everything for the next log is there, and the database is the old one.
    std::fs::rename(&saved, &database).unwrap();
    folder.home.write("log.key", &key).unwrap();
    std::fs::write(folder.home.dir().join("archive/1.part"), b"half").unwrap();
    assert_eq!(folder.log(), old);
    let (_, later) = session(2, true);
    assert!(folder.record(vec![later]).await[0].is_ok(), "the old log goes on");
    let done = folder.succeed(Succession::Year).unwrap();
    assert_eq!(folder.log(), second, "with the key that was made");
    assert_eq!(holds(&folder.store(), &agent, &events, &old).size, done.closed.size);
    assert_eq!(mode(&folder.home.dir().join("archive")), 0o700);
    assert_eq!(mode(&folder.home.dir().join("archive/1.db")), 0o600);
    assert!(!folder.home.dir().join("archive/1.part").exists());
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn e11_erasing_reaches_a_closed_logs_session_with_its_note_in_the_log_that_grows() {
    let folder = Folder::new();
    let (agent, whole) = session(1, true);
    folder.record(vec![whole]).await;
    let sealed = "INSERT INTO sealed (session, sha256, bytes) VALUES ($1, $2, x'00')";
    folder.store().connection.execute(sealed, rusqlite::params![agent.session.0, [7_u8; 32]]).unwrap();
    folder.succeed(Succession::Year).unwrap();
    let archive = folder.store().archive(1).unwrap();
    let tables = "SELECT count(*) FROM sqlite_master WHERE name IN ('sealed', 'members', 'invites')";
    let others: i64 = archive.connection.query_row(tables, [], |row| row.get(0)).unwrap();
    assert_eq!(others, 0, "what can be erased isn't in the closed file");
    assert_eq!(named(&folder.store(), agent.session).unwrap().len(), 2, "its parts are still known by name");
    let (ledger, thread) = folder.start();
    let index = ledger.note(Notice::Erase { session: agent.session, parts: None }).await.unwrap();
    drop(ledger);
    thread.join().unwrap();
    let store = folder.store();
    assert!(!store.holds_sealed(agent.session).unwrap());
    let note = store.entry(index).unwrap().unwrap();
    assert!(matches!(Notice::open(&note, &folder.log()), Ok(Notice::Erase { .. })));
    assert_eq!(store.erasure_notes(agent.session).unwrap(), [note]);
}

#[tokio::test]
async fn a_pruned_log_is_known_by_its_root_and_still_proves_old_receipts() {
    let folder = Folder::new();
    let (agent, whole) = session(1, true);
    let events = whole.events.clone();
    folder.record(vec![whole]).await;
    let old = folder.log();
    folder.succeed(Succession::Year).unwrap();
    let second = folder.log();
    folder.succeed(Succession::Year).unwrap();
    let before = folder.successors(&old);
    let mut store = folder.store();
    assert!(store.prune(2_026).unwrap().is_empty(), "they were closed within that year");
    assert_eq!(store.shards().unwrap()[0].kept_from, 0);
    let pruned = store.prune(2_027).unwrap();
    assert_eq!(pruned.iter().map(|shard| shard.number).collect::<Vec<_>>(), [1, 2]);
    for _ in 0..2 {
        shards::strip(&store.path, &pruned).unwrap();
    }
    let archive = store.archive(1).unwrap();
    let size = pruned[0].size;
    assert_eq!((archive.kept_from, archive.entry(2).unwrap(), archive.entry(size - 1).unwrap()), (size, None, None));
    let bytes = std::fs::read(shards::file(&store.path, 1)).unwrap();
    let open = &events[0][..60];
    assert!(!bytes.windows(open.len()).any(|window| window == open), "the file holds nothing of it");
    assert_eq!(holds(&store, &agent, &events, &old).size, size);
    assert!(matches!(between(&store, (old.name.as_str(), 1, 0)).unwrap(), Some(Ok(_))));
    assert_eq!(folder.successors(&old), before, "the chain of logs is still shown");
    assert_eq!(folder.successors(&second).len(), 1);
    assert!(is_erased(noted(&store, *agent.key.public(), agent.session, 0).unwrap()));
    let stranger = *SigningKey::new("device", [9; 32]).public();
    assert_eq!(noted(&store, stranger, agent.session, 0).unwrap(), Some(Err(Refusal::NotAllowed)));
}

#[test]
fn there_is_nothing_to_follow_before_the_first_start() {
    let folder = Folder::new();
    drop(folder.store());
    assert!(matches!(folder.succeed(Succession::Recovered), Err(SuccessionError::NoLog)));
    assert_eq!(current(&folder.home).unwrap(), (1, None));
}

#[tokio::test]
async fn a_relay_that_starts_in_another_year_begins_another_log_and_starts_again_on_its_port() {
    use super::super::super::serve::{Options, Running};
    let folder = Folder::new();
    let (agent, whole) = session(1, true);
    let (events, old) = (whole.events.clone(), folder.log());
    folder.wall.store(START - 400 * 24 * 60 * 60 * 1_000, Ordering::SeqCst);
    folder.record(vec![whole]).await;
    let path = folder.home.dir().to_owned();
    let Folder { home, _folder: kept, .. } = folder;
    drop(home);
    let options = |listen| Options {
        listen,
        public: Some("help.example:4433".parse().unwrap()),
        name: None,
        keep_days: None,
        limits: Limits::default(),
    };
    let mut relay = Running::start(&path, options("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let listening = relay.listening();
    for _ in 0..3 {
        relay = relay.again(&path, options(listening)).await.unwrap();
        assert_eq!(relay.listening(), listening);
        let home = Home::open(&path, false).unwrap();
        let (number, first) = current(&home).unwrap();
        assert_eq!((number, first), (2, Some(old.name.clone())), "once a year");
        let log = Keys::open(&home).unwrap().log.verifier().clone();
        assert_eq!(Published::read(&home).unwrap().unwrap().statement.relays[0].log, log);
    }
    relay.stop().await;
    let store = Sqlite::open(&path.join(DATABASE)).unwrap();
    holds(&store, &agent, &events, &old);
    drop(kept);
}

#[tokio::test]
async fn closed_logs_are_checked_with_the_one_that_grows() {
    use super::super::super::check::{At, Unchecked, Wish, check};
    let folder = Folder::new();
    let (_, whole) = session(1, true);
    folder.record(vec![whole]).await;
    folder.succeed(Succession::Year).unwrap();
    let checked = || {
        let stop = std::sync::atomic::AtomicBool::new(false);
        let store = Sqlite::reader(&folder.home.path(DATABASE).unwrap()).unwrap();
        check(&store, &Wish { log: &folder.log(), head: None, jobs: 1, stop: &stop }, |_, _| {})
    };
    assert_eq!(checked().unwrap().entries, 2);
    let path = folder.home.dir().join("archive/1.db");
    let sound = std::fs::read(&path).unwrap();
    let told = |found: Result<_, Unchecked>| match found {
        Err(Unchecked::Broken { at: At::Row(row), why }) => format!("{row}: {why}"),
        other => panic!("{other:?}"),
    };
    // One byte of any entry, one bit of any node, one row more or less.
    let flip = "CAST(substr(note, 1, 40) || x'21' || substr(note, 42) AS BLOB)";
    let mut damages = vec![
        ("INSERT INTO entries (entry, note) SELECT 1000, note FROM entries LIMIT 1".to_owned(), "entries".to_owned()),
        ("INSERT INTO nodes SELECT 1000, 9, 9, hash FROM nodes LIMIT 1".to_owned(), "nodes".to_owned()),
    ];
    let size = Sqlite::reader(&path).unwrap().head().unwrap().unwrap().size;
    for entry in 0..size {
        let named = format!("entry {entry}: ");
        damages.push((format!("UPDATE entries SET note = {flip} WHERE entry = {entry}"), named.clone()));
        damages.push((format!("DELETE FROM entries WHERE entry = {entry}"), named));
        let sql = format!("UPDATE nodes SET hash = zeroblob(32) WHERE level = 0 AND place = {entry}");
        damages.push((sql, String::new()));
    }
    for (sql, named) in damages {
        let archive = rusqlite::Connection::open(&path).unwrap();
        archive.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        assert_eq!(archive.execute(&sql, []).unwrap(), 1, "{sql}");
        drop(archive);
        let found = told(checked());
        assert!(found.starts_with(&format!("shards 1: {named}")), "{sql}: {found}");
        std::fs::write(&path, &sound).unwrap();
        checked().unwrap();
    }
    let archive = rusqlite::Connection::open(&path).unwrap();
    archive.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM entries WHERE entry = 1").unwrap();
    let row = |found: Result<_, Unchecked>| match found {
        Err(Unchecked::Broken { at: At::Row(row), .. }) => row,
        _ => panic!("not found"),
    };
    assert_eq!(row(checked()), "shards 1");
    archive.execute("UPDATE head SET size = size - 1", []).unwrap();
    assert_eq!(row(checked()), "shards 1");
    drop(archive);
    std::fs::remove_file(folder.home.dir().join("archive/1.db")).unwrap();
    assert_eq!(row(checked()), "shards 1");
}
