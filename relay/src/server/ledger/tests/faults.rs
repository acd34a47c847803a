//! The double fault matrix of LEDGER section 8, and two committers on one database: whatever fails, and however often,
//! every released receipt holds and no two released checkpoints disagree.

use super::*;

/// {entries, nodes, head} × {not persisted, persisted}, and while that is being told, the database can't be read back
/// either, so many times.
#[tokio::test]
async fn a_write_that_fails_and_a_reload_that_fails() {
    let firsts = [Failing::At("entries"), Failing::At("nodes"), Failing::At("head")];
    for first in firsts.into_iter().chain([Failing::NotPersisted, Failing::Persisted]) {
        for second in firsts.into_iter().chain([Failing::NotPersisted, Failing::Persisted]) {
            for unreadable in 0..3_u64 {
                let (world, mut steady, mut unlucky) = (world(Limits::default()), Agent::new(1), Agent::new(2));
                let (open, opened) = (steady.open(), unlucky.open());
                world.submit(steady.submission(vec![open.clone()])).await.unwrap();
                // The last is the first to come.
                world.fail(second);
                world.fail(first);
                world.unreadable.store(unreadable, Ordering::SeqCst);
                let mut refused = 0;
                let index = loop {
                    match world.submit(unlucky.submission(vec![opened.clone()])).await {
                        Ok(index) => break index,
                        Err(refusal) => assert_eq!(refusal, Refusal::Disk, "{first:?} {second:?}"),
                    }
                    refused += 1;
                    assert!(refused < 8, "{first:?} {second:?} {unreadable}");
                };
                assert!(refused >= 1);
                world.plan.lock().unwrap().clear();
                assert_eq!(world.submit(unlucky.submission(vec![opened])).await.unwrap(), index);
                assert_eq!(world.submit(steady.submission(vec![open])).await.unwrap(), [2]);
                world.audit();
            }
        }
    }
}

/// A database that keeps one table of a transaction and loses the others isn't carried on: nothing is signed over it.
#[tokio::test]
async fn a_torn_transaction_is_refused_and_never_signed_over() {
    for table in ["entries", "nodes", "head"] {
        let (world, mut steady, mut unlucky) = (world(Limits::default()), Agent::new(1), Agent::new(2));
        let open = steady.open();
        world.submit(steady.submission(vec![open])).await.unwrap();
        let given = world.receipts.lock().unwrap().len();
        world.fail(Failing::Torn(table));
        let (opened, chat) = (unlucky.open(), steady.write(Kind::Chat));
        for _ in 0..4 {
            let refused = world.submit(unlucky.submission(vec![opened.clone()])).await;
            assert_eq!(refused, Err(Refusal::Disk), "{table}");
            assert_eq!(world.submit(steady.submission(vec![chat.clone()])).await, Err(Refusal::Disk), "{table}");
        }
        assert_eq!(world.receipts.lock().unwrap().len(), given, "{table}: nothing was receipted");
    }
}

/// Two relays on one folder can't be (its lock forbids it); two committers on one database neither: whoever finds the
/// head moved is told no, and what either of them gave is true.
#[tokio::test]
async fn two_committers_on_one_database_never_fork() {
    let (world, mut one, mut two) = (world(Limits::default()), Agent::new(1), Agent::new(2));
    let opened = one.open();
    world.submit(one.submission(vec![opened])).await.unwrap();
    let surroundings = Surroundings {
        now: Arc::new(|| Now { boot_ms: 1_000_000, wall: Wall::from_ms(START) }),
        free: Arc::new(|| u64::MAX),
        limits: Limits::default(),
        head: None,
    };
    // The second starts, and by that alone moves the head.
    let (other, _thread) = start(Sqlite::open(&world.path).unwrap(), log(), surroundings).unwrap();
    let chat = one.write(Kind::Chat);
    assert_eq!(world.submit(one.submission(vec![chat])).await, Err(Refusal::Disk), "the head isn't where it left it");
    let opened = two.open();
    let answer = other.submit(two.submission(vec![opened])).await.unwrap().await.unwrap().unwrap();
    let Answer::Receipts { checkpoint, .. } = answer else { panic!("{answer:?}") };
    let checkpoint = Checkpoint::open(&checkpoint, world.log.verifier()).unwrap();
    let store = Sqlite::open(&world.path).unwrap();
    assert_eq!(Nodes::stored(&store).tree(checkpoint.size).unwrap().root(), checkpoint.root);
    world.audit();
}
