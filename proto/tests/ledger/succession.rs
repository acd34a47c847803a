//! What a session quotes of a log that came before its own.

use venia_proto::id::SessionId;
use venia_proto::key::KeyName;
use venia_proto::ledger::body::{Body, Open};
use venia_proto::ledger::event::After;
use venia_proto::ledger::kind::Kind;
use venia_proto::ledger::strand::Author;
use venia_proto::ledger::verify::Verdict;

use crate::support::{AGENT, ANA, World, broken, intact};

/// A checkpoint of the log before.
fn before(size: u64, root: u8) -> After {
    After { origin: KeyName::new("relay.example/log").unwrap(), size, root: [root; 32] }
}

/// A world whose log follows that one.
fn follower() -> World {
    let mut world = World::new();
    world.log.key = world.log.key.named(KeyName::new("relay.example/log/2").unwrap());
    world
}

/// A session whose agent comes with a checkpoint of the old log.
fn first_of_the_new_log() -> World {
    let mut world = follower();
    let mut agent = Author::new(SessionId([7; 16]), AGENT);
    // Larger than any place in the new log: sizes of two logs don't compare.
    agent.receipted(before(1_000_000, 1));
    world.authors.insert(AGENT, agent);
    world.say(AGENT, Kind::Open { versions: vec![1] }, Body::Open(Open::default()));
    let join = world.join(ANA, 6, "Ana", 2);
    world.consent(join, venia_proto::ledger::kind::Answer::Yes, Vec::new(), None);
    world.work();
    world.end();
    world
}

fn quoted(world: &World, n: usize) -> &str {
    world.events[n].0.header().after.as_ref().unwrap().origin.as_str()
}

#[test]
fn f5_the_first_event_of_a_new_log_quotes_the_old_one() {
    let world = first_of_the_new_log();
    assert_eq!((quoted(&world, 0), quoted(&world, 1)), ("relay.example/log", "relay.example/log/2"));
    intact(&world.verdict());
    // While no receipt of the new log reached the author, it goes on quoting the old one.
    let mut world = follower();
    world.receipts = false;
    let mut agent = Author::new(SessionId([7; 16]), AGENT);
    agent.receipted(before(9, 1));
    world.authors.insert(AGENT, agent);
    world.say(AGENT, Kind::Open { versions: vec![1] }, Body::Open(Open::default()));
    world.close();
    assert_eq!(quoted(&world, 1), "relay.example/log");
    intact(&world.verdict());
}

/// A session whose last event quotes this.
fn closed_with(after: &After, mut world: World) -> Verdict {
    world.authors.get_mut(&AGENT).unwrap().receipted(after.clone());
    world.close();
    world.verdict()
}

#[test]
fn f5_whoever_quoted_the_new_log_never_goes_back_to_the_old_one() {
    let mut world = follower();
    world.arrive();
    world.work();
    let at = world.events.len().to_string();
    broken(&closed_with(&before(3, 1), world), &at, "quotes another log's checkpoint");
}

#[test]
fn f5_two_roots_of_the_old_log_are_a_fork_there_too() {
    let mut world = follower();
    world.receipts = false;
    let mut agent = Author::new(SessionId([7; 16]), AGENT);
    agent.receipted(before(9, 1));
    world.authors.insert(AGENT, agent);
    world.say(AGENT, Kind::Open { versions: vec![1] }, Body::Open(Open::default()));
    broken(&closed_with(&before(9, 2), world), "1", "the log forked at 9 entries");
}
