//! Loopholes in which log, tree or witness is quoted.

use super::*;

fn after(origin: &str, size: u64) -> After {
    After { origin: KeyName::new(origin).unwrap(), size, root: [9; 32] }
}

#[test]
fn checkpoints_of_other_logs() {
    let mut both = Both::default();
    let spoil = |kind: &str, origin: &'static str| {
        let mut world = World::new();
        world.second = Some(SigningKey::new("log", [30; 32]).named(KeyName::new("two.example/log").unwrap()));
        world.arrive();
        world.work();
        let strand = if kind == "chat" { ANA } else { AGENT };
        world.utter(
            strand,
            Kind::Chat,
            Body::Said(venia_proto::ledger::body::Said { text: Foreign::new("x") }).encode().as_deref(),
            |header| {
                header.after = Some(after(origin, 5));
            },
        );
        let at = number(world.events.len() - 1);
        world.end();
        (at, world.bundle())
    };
    for kind in ["chat", "agent's"] {
        for origin in ["evil.example/log", "two.example/log"] {
            let (at, bundle) = spoil(kind, origin);
            both.broken(format!("{kind} {origin}"), at, "another log's checkpoint", &bundle);
        }
    }
    // Before the first receipt here one may come from another log of the organisation's, and from no other.
    for (origin, fits) in [("two.example/log", true), ("evil.example/log", false)] {
        let mut world = World::new();
        world.second = Some(SigningKey::new("log", [30; 32]).named(KeyName::new("two.example/log").unwrap()));
        let mut author = Author::new(SessionId([7; 16]), AGENT);
        author.receipted(after(origin, 999));
        world.authors.insert(AGENT, author);
        world.arrive();
        world.close();
        if fits {
            both.intact("from another relay", &world.bundle());
        } else {
            both.broken("from nowhere", "0", "a foreign origin", &world.bundle());
        }
    }
    both.judge("loopholes-origins");
}

#[test]
fn a_late_checkpoint_passed_off_as_the_first() {
    let mut both = Both::default();
    let world = World::session();
    let common = world.common().to_bytes();
    let late = Bundle { first_checkpoint: common, consistency: Vec::new(), ..world.bundle() };
    both.broken("the common one", "1", "before the one that is said to be the first", &late);
    both.intact("the first one", &world.bundle());
    // Whoever was here before quotes what it kept, from before its open.
    let mut again = World::new();
    let real = again.log.checkpoint();
    let mut author = Author::new(SessionId([7; 16]), AGENT);
    author.receipted(After { origin: real.origin, size: real.size, root: real.root });
    again.authors.insert(AGENT, author);
    again.arrive();
    again.close();
    both.intact("one kept from before", &again.bundle());
    let mut forked = World::begun();
    let first = forked.events[1].0.header().after.clone().unwrap();
    forked.utter(AGENT, Kind::Stop { by: Cause::Person, cause: Cause::Person }, None, |header| {
        header.after = Some(After { root: [8; 32], ..first });
    });
    forked.close();
    both.broken("another root at the first one's size", "3", "two roots at one size", &forked.bundle());
    both.judge("loopholes-first");
}

#[test]
fn a_checkpoint_of_nothing() {
    let mut world = World::begun();
    world.utter(AGENT, Kind::Stop { by: Cause::Person, cause: Cause::Person }, None, |header| {
        header.after = Some(after("relay.example/log", 0));
    });
    world.close();
    let mut both = Both::default();
    both.broken("size 0", "3", "contradicts itself in after", &world.bundle());
    both.judge("loopholes-nothing");
    assert!(Event::parse(world.events[3].0.bytes()).is_err());
}

#[test]
fn one_witness_under_two_names() {
    let mut world = World::session();
    world.quorum = 1;
    let good = world.statement();
    let named = |name: &str, key| WitnessKey { name: KeyName::new(name).unwrap(), key };
    let other = *SigningKey::new("witness", [44; 32]).public();
    let with = |second| Statement { witnesses: vec![good.witnesses[0].clone(), second], quorum: 1, ..good.clone() };
    let read = |statement: &Statement| Statement::open_unpinned(&statement.sign(&world.root));
    assert!(read(&with(named("w2.example", other))).is_ok());
    let contradiction = Err(StatementError::Contradiction("witnesses"));
    let same_key = with(named("w2.example", good.witnesses[0].key));
    assert_eq!(read(&same_key), contradiction);
    let same_name = with(WitnessKey { key: other, ..good.witnesses[0].clone() });
    assert_eq!(read(&same_name), contradiction);
    let mut both = Both::default();
    let mut bundle = world.bundle();
    bundle.statement = same_key.sign(&world.root);
    bundle.policy = venia_proto::ledger::bundle::policy(&same_key).into();
    both.broken("one key, two names", "statement", "witnesses", &bundle);
    both.judge("loopholes-witnesses");
}
