//! Receipts and proofs, and every way a write can fail.

use super::*;
use crate::server::ledger::notes::{NOTES_MAX, notes};

#[tokio::test]
async fn receipts_prove_and_resubmission_is_idempotent() {
    let (world, mut agent) = (world(Limits::default()), Agent::new(1));
    let (open, join) = (agent.open(), agent.join_technician());
    let first = world.submit(agent.submission(vec![open.clone(), join.clone()])).await.unwrap();
    let chat = agent.write(Kind::Chat);
    let second = world.submit(agent.submission(vec![chat.clone()])).await.unwrap();
    // Start batch, batch, open, join, batch, chat.
    assert_eq!((first.clone(), second.clone()), (vec![2, 3], vec![5]));
    let again = world.submit(agent.submission(vec![join, open, chat.clone()])).await.unwrap();
    assert_eq!(again, [3, 2, 5]);
    // Old and new in one call; consistency from what the agent knows.
    let next = agent.write(Kind::Note);
    let mut submission = agent.submission(vec![chat, next]);
    submission.known = 4;
    let answer = world.ledger.submit(submission.clone()).await.unwrap().await.unwrap().unwrap();
    let Answer::Receipts { checkpoint, consistency, entries } = answer else { panic!() };
    let checkpoint = Checkpoint::open(&checkpoint, world.log.verifier()).unwrap();
    assert_eq!((entries[0].index, entries[1].index, checkpoint.size), (5, 7, 8));
    let old = world.receipts.lock().unwrap()[0].1.clone();
    assert_eq!(old.size, 4);
    verify_consistency(4, 8, &old.root, &checkpoint.root, &consistency).unwrap();
    submission.known = 9;
    assert_eq!(world.ledger.submit(submission).await.unwrap().await.unwrap(), Err(Refusal::NotAllowed));
    world.audit();
}

/// LEDGER section 8: {entries, tree, head} × {not persisted, persisted all the same}, then reload and resubmit.
#[tokio::test]
async fn every_failed_write_leaves_every_released_receipt_true() {
    let faults = ["entries", "nodes", "sessions", "events", "head"].map(Failing::At);
    for failing in faults.into_iter().chain([Failing::NotPersisted, Failing::Persisted]) {
        let world = world(Limits::default());
        let (mut steady, mut unlucky) = (Agent::new(1), Agent::new(2));
        let open = steady.open();
        world.submit(steady.submission(vec![open])).await.unwrap();
        let opened = unlucky.open();
        world.fail(failing);
        assert_eq!(world.submit(unlucky.submission(vec![opened.clone()])).await, Err(Refusal::Disk), "{failing:?}");
        // Others go on; nothing of the failed commit is told by halves.
        let chat = steady.write(Kind::Chat);
        world.submit(steady.submission(vec![chat])).await.unwrap();
        let index = world.submit(unlucky.submission(vec![opened.clone()])).await.unwrap();
        assert_eq!(index[0] < 6, failing == Failing::Persisted, "{failing:?} {index:?}");
        assert_eq!(world.submit(unlucky.submission(vec![opened])).await.unwrap(), index, "{failing:?}");
        world.audit();
    }
}

/// The same again and again, both faults mixed: the tree never forks.
#[tokio::test]
async fn many_faults_in_a_row() {
    let (world, mut agent) = (world(Limits::default()), Agent::new(1));
    let open = agent.open();
    world.submit(agent.submission(vec![open])).await.unwrap();
    for n in 0..24_u32 {
        let chat = agent.write(Kind::Chat);
        let mut tries = 0;
        for fault in 0..n % 4 {
            world.fail(if (n >> fault) & 1 == 0 { Failing::Persisted } else { Failing::NotPersisted });
        }
        while world.submit(agent.submission(vec![chat.clone()])).await.is_err() {
            tries += 1;
            assert!(tries < 8);
        }
        world.plan.lock().unwrap().clear();
    }
    world.audit();
}

#[tokio::test]
async fn many_submissions_share_a_commit_and_each_gets_its_own_receipt() {
    let world = Arc::new(world(Limits::default()));
    let mut tasks = tokio::task::JoinSet::new();
    for seed in 1..=40 {
        let world = world.clone();
        tasks.spawn(async move {
            let mut agent = Agent::new(seed);
            let open = agent.open();
            let index = world.submit(agent.submission(vec![open.clone()])).await.unwrap();
            // The same at once again, in whatever commit it lands.
            let twice = tokio::join!(
                world.submit(agent.submission(vec![open.clone()])),
                world.submit(agent.submission(vec![open])),
            );
            assert_eq!((twice.0.unwrap(), twice.1.unwrap()), (index.clone(), index));
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    world.audit();
}

#[tokio::test]
async fn a4_time_is_fresh_and_never_goes_back() {
    let world = world(Limits::default());
    let read = |newest: &super::queue::Newest| Batch::open(&newest.batch, world.log.verifier()).unwrap();
    let first = read(&world.ledger.time().await);
    assert_eq!((first.observed, first.previous, first.n), (Wall::from_ms(START), None, 0));
    world.boot.fetch_add(STALE_MS - 1, Ordering::SeqCst);
    world.wall.fetch_add(60_000, Ordering::SeqCst);
    assert_eq!(read(&world.ledger.time().await), first, "still fresh");
    world.boot.fetch_add(1, Ordering::SeqCst);
    let second = read(&world.ledger.time().await);
    assert_eq!(second.observed, Wall::from_ms(START + 60_000));
    assert_eq!(second.previous, Some(venia_proto::ledger::note::leaf(&first.sign(&world.log))));
    // Somebody sets the relay's clock back a day.
    world.boot.fetch_add(STALE_MS, Ordering::SeqCst);
    world.wall.fetch_sub(86_400_000, Ordering::SeqCst);
    assert_eq!(read(&world.ledger.time().await).observed, second.observed);
    // A disk that fails leaves the old note, and no error.
    world.boot.fetch_add(STALE_MS, Ordering::SeqCst);
    world.fail(Failing::NotPersisted);
    assert_eq!(read(&world.ledger.time().await).observed, second.observed);
    world.audit();
}

#[tokio::test]
async fn f3_proofs_of_a_whole_session_against_one_checkpoint() {
    let (world, mut agent) = (world(Limits::default()), Agent::new(1));
    let (open, join) = (agent.open(), agent.join_technician());
    let mut notes = vec![open, join];
    world.submit(agent.submission(notes.clone())).await.unwrap();
    for _ in 0..70 {
        let chat = agent.write(Kind::Chat);
        world.submit(agent.submission(vec![chat.clone()])).await.unwrap();
        notes.push(chat);
    }
    let ask = |by, skip, size| {
        let question = Question { by, session: agent.session, skip, size, first: 4 };
        let ledger = world.ledger.clone();
        async move { ledger.prove(question).await.unwrap().await.unwrap() }
    };
    let stranger = *SigningKey::new("device", [99; 32]).public();
    assert_eq!(ask(stranger, 0, 0).await, Err(Refusal::NotAllowed));
    assert_eq!(ask(*agent.key.public(), 0, 100_000).await, Err(Refusal::NotAllowed));
    for by in [*agent.key.public(), *agent.technician.public()] {
        let (mut proven, mut size) = (Vec::new(), 0);
        loop {
            let answer = ask(by, proven.len() as u64, size).await.unwrap();
            let Answer::Proofs { checkpoint, consistency, entries, batches, more } = answer else { panic!() };
            let checkpoint = Checkpoint::open(&checkpoint, world.log.verifier()).unwrap();
            assert!(size == 0 || size == checkpoint.size);
            size = checkpoint.size;
            let old = world.receipts.lock().unwrap()[0].1.clone();
            verify_consistency(4, size, &old.root, &checkpoint.root, &consistency).unwrap();
            for batch in &batches {
                let leaf = venia_proto::ledger::note::leaf(&batch.note);
                verify_inclusion(leaf, batch.entry.index, size, &checkpoint.root, &batch.entry.path).unwrap();
                Batch::open(&batch.note, world.log.verifier()).unwrap();
                assert_eq!(batch.entry.index, 1);
            }
            assert_eq!(batches.len(), usize::from(proven.is_empty()));
            for entry in &entries {
                let leaf = venia_proto::ledger::note::leaf(&notes[usize::try_from(entry.seq).unwrap()]);
                verify_inclusion(leaf, entry.entry.index, size, &checkpoint.root, &entry.entry.path).unwrap();
            }
            proven.extend(entries);
            // Something is recorded between two pages: the checkpoint stays the one asked for.
            let mut other = Agent::new(50 + proven.len() as u8 % 50);
            let open = other.open();
            world.submit(other.submission(vec![open])).await.unwrap();
            if !more {
                break;
            }
        }
        assert_eq!(proven.len(), notes.len());
    }
}

#[tokio::test]
async fn e7_a_participant_gets_the_notes_with_the_addenda_and_nobody_else_does() {
    let (world, mut agent) = (world(Limits::default()), Agent::new(1));
    let (open, join) = (agent.open(), agent.join_technician());
    let mut recorded = vec![open, join];
    world.submit(agent.submission(recorded.clone())).await.unwrap();
    for _ in 0..NOTES_MAX {
        let chat = agent.write(Kind::Chat);
        world.submit(agent.submission(vec![chat.clone()])).await.unwrap();
        recorded.push(chat);
    }
    let close = agent.close();
    let about = venia_proto::ledger::note::leaf(&close);
    let addendum = agent.write(Kind::Addendum { about, what: Addition::Reopening });
    world.submit(agent.submission(vec![close.clone(), addendum.clone()])).await.unwrap();
    recorded.extend([close, addendum]);
    let (session, ledger) = (agent.session, &world.ledger);
    let ask = |by, session, skip| async move {
        ledger.perform(move |store: &mut Faulty| notes(store, by, session, skip)).await.unwrap()
    };
    let stranger = *SigningKey::new("device", [99; 32]).public();
    assert_eq!(ask(stranger, session, 0).await, Err(Refusal::NotAllowed));
    assert_eq!(ask(*agent.key.public(), SessionId([9; 16]), 0).await, Err(Refusal::NotAllowed));
    for by in [*agent.key.public(), *agent.technician.public()] {
        let first = recorded[..NOTES_MAX].to_vec();
        assert_eq!(ask(by, session, 0).await, Ok(Answer::Notes { notes: first, more: true }));
        let rest = recorded[NOTES_MAX..].to_vec();
        assert_eq!(ask(by, session, NOTES_MAX as u64).await, Ok(Answer::Notes { notes: rest, more: false }));
        let last = recorded[recorded.len() - 1..].to_vec();
        let skip = recorded.len() as u64 - 1;
        assert_eq!(ask(by, session, skip).await, Ok(Answer::Notes { notes: last, more: false }));
        assert_eq!(ask(by, session, u64::MAX).await, Ok(Answer::Notes { notes: Vec::new(), more: false }));
    }
}

#[test]
fn a_damaged_or_foreign_log_is_not_carried_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let surroundings = || Surroundings {
        now: Arc::new(|| Now { boot_ms: 0, wall: Wall::from_ms(START) }),
        free: Arc::new(|| u64::MAX),
        limits: Limits::default(),
        head: None,
    };
    let begin = |log: SigningKey| start(Sqlite::open(&path).unwrap(), log, surroundings());
    let stop = |(ledger, thread): (Ledger<Sqlite>, std::thread::JoinHandle<()>)| {
        drop(ledger);
        thread.join().unwrap();
    };
    // A batch; then a batch and a gap.
    for _ in 0..2 {
        stop(begin(log()).unwrap());
    }
    assert!(begin(SigningKey::new("log", [201; 32])).is_err(), "another log's database");
    // Each damage on its own, at the right edge where the next commit would build on it; and each undone again.
    for (damage, table, key) in [
        ("UPDATE nodes SET hash = zeroblob(32) WHERE level = 1", "nodes", "node"),
        ("UPDATE entries SET note = x'00' WHERE entry = 2", "entries", "entry"),
        ("UPDATE head SET size = 2", "head", "one"),
        ("UPDATE head SET checkpoint = batch", "head", "one"),
        ("UPDATE head SET batch = checkpoint", "head", "one"),
        ("DELETE FROM nodes WHERE level = 0 AND place = 2", "nodes", "node"),
    ] {
        let store = Sqlite::open(&path).unwrap();
        let run = |sql: &str| store.connection.execute_batch(sql).unwrap();
        run(&format!("PRAGMA foreign_keys = OFF; CREATE TABLE kept AS SELECT * FROM {table}; {damage}"));
        assert!(begin(log()).is_err(), "{damage}");
        run(&format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept ORDER BY {key}; DROP TABLE kept"));
    }
    stop(begin(log()).unwrap());
}
