//! What goes wrong in one call is that call's: nobody's neighbour is refused for a damaged row, and nothing that was admitted
//! before a failure is committed after it.

use venia_proto::key::KeyName;

use super::*;
use crate::server::ledger::continuity::Continuity;

/// Holds the committer until told, so that what is queued meanwhile is one round.
async fn hold(world: &World) -> std::sync::mpsc::Sender<()> {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let (held, holding) = tokio::sync::oneshot::channel();
    let ledger = world.ledger.clone();
    tokio::spawn(async move {
        let _ = ledger
            .perform(move |_| {
                let _ = held.send(());
                let _ = wait.recv();
            })
            .await;
    });
    holding.await.unwrap();
    go
}

/// Everything in memory is forgotten: the next call reads its session from disk.
async fn forget(world: &World, agent: &mut Agent) {
    world.fail(Failing::NotPersisted);
    let chat = write(&mut agent.strand.clone(), Kind::Chat, &agent.key).bytes().to_vec();
    assert_eq!(world.submit(agent.submission(vec![chat])).await, Err(Refusal::Disk));
}

#[tokio::test]
async fn a_failure_between_two_events_for_one_place_lets_only_one_of_them_in() {
    for beat in [false, true] {
        let (world, mut agent) = (world(Limits::default()), Agent::new(1));
        let open = agent.open();
        world.submit(agent.submission(vec![open])).await.unwrap();
        let mut twin = agent.strand.clone();
        let one = agent.write(Kind::Chat);
        let two = write(&mut twin, Kind::Note, &agent.key).bytes().to_vec();
        let go = hold(&world).await;
        let first = world.ledger.submit(agent.submission(vec![one.clone()])).await.unwrap();
        if beat {
            world.ledger.beat(false).await;
        } else {
            let origin = world.log.verifier().name.as_str().to_owned();
            // Its answer is Disk; what matters is what it does to the others.
            drop(world.ledger.continuity(Continuity::Between { origin, first: 1, second: 0 }).await.unwrap());
        }
        let second = world.ledger.submit(agent.submission(vec![two.clone()])).await.unwrap();
        world.deaf.store(1, Ordering::SeqCst);
        go.send(()).unwrap();
        assert_eq!(first.await.unwrap(), Err(Refusal::Disk), "{beat}");
        assert!(second.await.unwrap().is_ok(), "{beat}");
        assert_eq!((world.deaf.load(Ordering::SeqCst), world.reopened.load(Ordering::SeqCst)), (0, 1), "{beat}");
        let store = Sqlite::open(&world.path).unwrap();
        let stored = store.session(agent.session).unwrap().unwrap().events;
        assert_eq!((stored.len(), &stored[1]), (2, &two), "{beat}");
        let refused = world.submit(agent.submission(vec![one])).await;
        assert_eq!(event_fault(refused), Some((0, EventFault::Equivocation)), "{beat}");
        world.audit();
    }
}

#[tokio::test]
async fn a_damaged_session_refuses_itself_and_nobody_else() {
    let (world, mut damaged, mut sound) = (world(Limits::default()), Agent::new(1), Agent::new(2));
    let (open, other) = (damaged.open(), sound.open());
    let entry = world.submit(damaged.submission(vec![open])).await.unwrap()[0];
    world.submit(sound.submission(vec![other])).await.unwrap();
    let sql = "UPDATE entries SET note = x'00' WHERE entry = $1";
    Sqlite::open(&world.path).unwrap().connection.execute(sql, [entry.cast_signed()]).unwrap();
    forget(&world, &mut sound).await;
    let (refused, chat) = (damaged.write(Kind::Chat), sound.write(Kind::Chat));
    let go = hold(&world).await;
    let before = world.reopened.load(Ordering::SeqCst);
    let taken = world.ledger.submit(sound.submission(vec![chat])).await.unwrap();
    let mut pending = Vec::new();
    for _ in 0..3 {
        pending.push(world.ledger.submit(damaged.submission(vec![refused.clone()])).await.unwrap());
    }
    let by = *damaged.key.public();
    let question = Question { by, session: damaged.session, skip: 0, size: 0, first: 0 };
    pending.push(world.ledger.prove(question).await.unwrap());
    go.send(()).unwrap();
    assert!(taken.await.unwrap().is_ok(), "its neighbour is recorded");
    for pending in pending {
        assert_eq!(pending.await.unwrap(), Err(Refusal::Disk));
    }
    assert_eq!(world.reopened.load(Ordering::SeqCst), before, "nothing is read again for a damaged row");
}

/// An event may say today less than it could when it was recorded: what stands in the log goes on.
#[tokio::test]
async fn a_session_recorded_under_older_rules_goes_on() {
    let (world, mut agent, mut old) = (world(Limits::default()), Agent::new(1), Agent::new(1));
    let open = agent.open();
    let entry = world.submit(agent.submission(vec![open])).await.unwrap()[0];
    let quoted = |size| After { origin: KeyName::new("elsewhere").unwrap(), size, root: [0; 32] };
    old.strand.receipted(quoted(0));
    let open = old.open();
    assert!(Event::parse(&open).is_err(), "nobody may say it today");
    let sql = "UPDATE entries SET note = $1 WHERE entry = $2";
    let row = rusqlite::params![open, entry.cast_signed()];
    Sqlite::open(&world.path).unwrap().connection.execute(sql, row).unwrap();
    let mut other = Agent::new(2);
    let opened = other.open();
    world.submit(other.submission(vec![opened])).await.unwrap();
    forget(&world, &mut other).await;
    old.strand.receipted(quoted(1));
    let chat = old.write(Kind::Chat);
    world.submit(old.submission(vec![chat])).await.unwrap();
    let question = Question { by: *old.key.public(), session: old.session, skip: 0, size: 0, first: 0 };
    let answer = world.ledger.prove(question).await.unwrap().await.unwrap().unwrap();
    let Answer::Proofs { entries, .. } = answer else { panic!("{answer:?}") };
    assert_eq!(entries.len(), 2);
}
