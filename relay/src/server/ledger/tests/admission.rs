//! What may enter, and what is said of what may not.

use super::*;

#[tokio::test]
async fn e6_a_session_begins_with_its_agents_open_after_a_member_came() {
    let (world, mut agent) = (world(Limits::default()), Agent::new(1));
    let open = agent.open();
    let session = Some((0, EventFault::Session));
    let mut nobody = agent.submission(vec![open.clone()]);
    nobody.met = Some((agent.session, vec![]));
    assert_eq!(event_fault(world.submit(nobody.clone()).await), session, "no member came");
    nobody.met = None;
    assert_eq!(event_fault(world.submit(nobody).await), session, "not registered");
    let mut other = agent.submission(vec![open.clone()]);
    other.met = Some((SessionId([9; 16]), vec![*agent.technician.public()]));
    assert_eq!(event_fault(world.submit(other).await), session, "registered for another session");
    // Somebody else's connection: the note isn't signed by that key.
    let mut stranger = agent.submission(vec![open.clone()]);
    stranger.from = *SigningKey::new("device", [77; 32]).public();
    assert_eq!(event_fault(world.submit(stranger.clone()).await), Some((0, EventFault::ForeignKey)));
    world.submit(agent.submission(vec![open.clone()])).await.unwrap();
    stranger.events = vec![open];
    assert_eq!(event_fault(world.submit(stranger).await), session, "the session is its agent's");
    let mut late = Agent::new(2);
    late.open();
    let chat = late.write(Kind::Chat);
    assert_eq!(event_fault(world.submit(late.submission(vec![chat])).await), session, "nothing before the open");
}

#[tokio::test]
async fn e6_a_strand_is_joined_by_a_member_who_came_and_a_foreign_key_is_dropped() {
    let (world, mut agent) = (world(Limits::default()), Agent::new(1));
    let open = agent.open();
    world.submit(agent.submission(vec![open])).await.unwrap();
    let stranger = SigningKey::new("member", [55; 32]);
    let before = agent.strand.clone();
    let bad = agent.join(&stranger, 1);
    assert_eq!(event_fault(world.submit(agent.submission(vec![bad])).await), Some((0, EventFault::ForeignKey)));
    agent.strand = before;
    let join = agent.join_technician();
    world.submit(agent.submission(vec![join])).await.unwrap();
    let mut technician = Author::new(agent.session, Strand::Technician(NonZeroU16::MIN));
    let good = write(&mut technician.clone(), Kind::Request, &agent.technician);
    let forged = write(&mut technician, Kind::Request, &stranger.named(agent.technician.verifier().name.clone()));
    let submission = agent.submission(vec![forged.bytes().to_vec()]);
    assert_eq!(event_fault(world.submit(submission).await), Some((0, EventFault::ForeignKey)));
    let store = Sqlite::open(&world.path).unwrap();
    assert!(store.evidence(agent.session).unwrap().is_empty(), "a stranger's note says nothing about the technician");
    world.submit(agent.submission(vec![good.bytes().to_vec()])).await.unwrap();
}

#[tokio::test]
async fn equivocation_by_the_strands_own_key_is_kept_and_refused() {
    let (world, mut agent) = (world(Limits::default()), Agent::new(1));
    let open = agent.open();
    world.submit(agent.submission(vec![open])).await.unwrap();
    for n in 0..EVIDENCE_MAX + 2 {
        let mut twin = agent.strand.clone();
        let chat = agent.write(Kind::Chat);
        world.submit(agent.submission(vec![chat])).await.unwrap();
        let other = write(&mut twin, Kind::Note, &agent.key).bytes().to_vec();
        let refused = world.submit(agent.submission(vec![other.clone()])).await;
        assert_eq!(event_fault(refused), Some((0, EventFault::Equivocation)));
        let kept = Sqlite::open(&world.path).unwrap().evidence(agent.session).unwrap();
        assert_eq!(kept.len(), (n + 1).min(EVIDENCE_MAX));
        assert_eq!(kept.iter().any(|(_, _, note)| *note == other), n < EVIDENCE_MAX);
    }
    world.audit();
}

#[tokio::test]
async fn e5_all_or_none_and_each_fault_has_its_name() {
    let (world, mut agent) = (world(Limits::default()), Agent::new(1));
    let open = agent.open();
    world.submit(agent.submission(vec![open])).await.unwrap();
    let before = agent.strand.clone();
    let (one, two, three) = (agent.write(Kind::Chat), agent.write(Kind::Chat), agent.write(Kind::Chat));
    let refused = world.submit(agent.submission(vec![one.clone(), three.clone()])).await;
    assert_eq!(event_fault(refused), Some((1, EventFault::Chain)), "a hole");
    let mut damaged = one.clone();
    damaged[40] ^= 1;
    let refused = world.submit(agent.submission(vec![damaged])).await;
    assert!(matches!(
        event_fault(refused),
        Some((0, EventFault::Format | EventFault::ForeignKey | EventFault::Session))
    ));
    let refused = world.submit(agent.submission(vec![one.clone(), b"venia/event@v1\n{}\n".to_vec()])).await;
    assert_eq!(event_fault(refused), Some((1, EventFault::Format)));
    assert_eq!(world.submit(agent.submission(vec![])).await, Err(Refusal::NotAllowed));
    let many = vec![one.clone(); SUBMIT_MAX + 1];
    assert_eq!(world.submit(agent.submission(many)).await, Err(Refusal::NotAllowed));
    // A checkpoint from the future.
    let mut future = before;
    future.receipted(venia_proto::ledger::event::After {
        origin: world.log.verifier().name.clone(),
        size: 1_000,
        root: [0; 32],
    });
    let event = write(&mut future, Kind::Chat, &agent.key).bytes().to_vec();
    assert_eq!(event_fault(world.submit(agent.submission(vec![event])).await), Some((0, EventFault::Chain)));
    // None of it was recorded; now it is.
    let indexes = world.submit(agent.submission(vec![one, two, three])).await.unwrap();
    assert_eq!(indexes.len(), 3);
    world.audit();
}

#[tokio::test]
async fn e7_after_the_close_only_addenda() {
    let (world, mut agent) = (world(Limits::default()), Agent::new(1));
    let (open, close) = (agent.open(), agent.close());
    let about = venia_proto::ledger::note::leaf(&close);
    world.submit(agent.submission(vec![open, close])).await.unwrap();
    let before = agent.strand.clone();
    let chat = agent.write(Kind::Chat);
    assert_eq!(event_fault(world.submit(agent.submission(vec![chat])).await), Some((0, EventFault::Session)));
    agent.strand = before;
    let addendum = agent.write(Kind::Addendum { about, what: Addition::Signoff });
    // In a later registration: another session, nobody came.
    let mut later = agent.submission(vec![addendum]);
    later.met = Some((SessionId([9; 16]), vec![]));
    world.submit(later).await.unwrap();
}

#[tokio::test]
async fn e6_events_of_a_session_are_bounded_but_it_can_always_be_closed() {
    let limits = Limits { events: 3, ..Limits::default() };
    let (world, mut agent) = (world(limits), Agent::new(1));
    let open = agent.open();
    world.submit(agent.submission(vec![open])).await.unwrap();
    for n in 1..=3 {
        let before = agent.strand.clone();
        let chat = agent.write(Kind::Chat);
        let answer = world.submit(agent.submission(vec![chat])).await;
        assert_eq!(answer.err(), (n == 3).then_some(Refusal::Quota), "{n}");
        if n == 3 {
            agent.strand = before;
        }
    }
    for n in 0..=EVENTS_RESERVED {
        let pause = agent.write(Kind::Pause { by: Cause::Person, cause: Cause::Person });
        let answer = world.submit(agent.submission(vec![pause])).await;
        assert_eq!(answer.err(), (n == EVENTS_RESERVED).then_some(Refusal::Quota), "{n}");
    }
}

#[tokio::test]
async fn e6_bytes_of_a_session_are_bounded() {
    let (open, chat) = {
        let mut agent = Agent::new(1);
        (agent.open(), agent.write(Kind::Chat))
    };
    let total = (open.len() + chat.len()) as u64;
    for (bytes, fits) in [(total - 1, false), (total, true), (total + 1, true)] {
        let (world, agent) = (world(Limits { bytes, ..Limits::default() }), Agent::new(1));
        let answer = world.submit(agent.submission(vec![open.clone(), chat.clone()])).await;
        assert_eq!(answer.err(), (!fits).then_some(Refusal::Quota));
    }
}

#[tokio::test]
async fn e6_sessions_per_device_and_source_and_day_are_bounded() {
    let limits = Limits { sessions_per_device: 2, sessions_per_source: 3, ..Limits::default() };
    let world = world(limits);
    let open = |device: u8, session: u8, source: &str| {
        let mut agent = Agent::new(device);
        agent.session = SessionId([session; 16]);
        agent.strand = Author::new(agent.session, Strand::Agent);
        agent.source = source.to_owned();
        let open = agent.open();
        agent.submission(vec![open])
    };
    for session in 1..=2 {
        world.submit(open(1, session, "a")).await.unwrap();
    }
    assert_eq!(world.submit(open(1, 3, "b")).await, Err(Refusal::Quota), "the third of this device");
    world.submit(open(2, 4, "a")).await.unwrap();
    assert_eq!(world.submit(open(3, 5, "a")).await, Err(Refusal::Quota), "the fourth of this source");
    world.submit(open(3, 5, "b")).await.unwrap();
    world.wall.fetch_add(super::limits::DAY_MS, Ordering::SeqCst);
    world.submit(open(1, 6, "a")).await.unwrap();
}

#[tokio::test]
async fn e6_below_the_disk_floor_no_session_opens_but_open_ones_go_on() {
    let floor = Limits::default().disk_floor;
    let (world, mut one, mut two) = (world(Limits::default()), Agent::new(1), Agent::new(2));
    world.free.store(floor, Ordering::SeqCst);
    let (open, chat) = (one.open(), one.write(Kind::Chat));
    world.submit(one.submission(vec![open])).await.unwrap();
    world.free.store(floor - 1, Ordering::SeqCst);
    let open = two.open();
    assert_eq!(world.submit(two.submission(vec![open.clone()])).await, Err(Refusal::Disk));
    world.submit(one.submission(vec![chat])).await.unwrap();
    world.free.store(floor + 1, Ordering::SeqCst);
    world.submit(two.submission(vec![open])).await.unwrap();
}

/// The agent's `open` alone is no session yet in memory: a refused one leaves nothing behind.
#[tokio::test]
async fn a_refused_opening_leaves_nothing() {
    let (world, mut agent) = (world(Limits::default()), Agent::new(1));
    let (open, chat) = (agent.open(), agent.write(Kind::Chat));
    let skipped = agent.write(Kind::Chat);
    let refused = world.submit(agent.submission(vec![open.clone(), skipped])).await;
    assert_eq!(event_fault(refused), Some((1, EventFault::Chain)));
    assert_eq!(event_fault(world.submit(agent.submission(vec![chat.clone()])).await), Some((0, EventFault::Session)));
    world.submit(agent.submission(vec![open, chat])).await.unwrap();
}

/// What a test writes is what an agent would: the header's own rules hold.
#[test]
fn the_events_of_these_tests_are_well_formed() {
    let mut agent = Agent::new(1);
    for note in [agent.open(), agent.join_technician(), agent.close()] {
        let header: Header = Event::parse(&note).unwrap().header().clone();
        assert!(matches!(header.kind.name(), KindName::Open | KindName::Join | KindName::Close));
    }
}

#[tokio::test]
async fn e9_an_event_may_quote_only_a_tree_this_log_had() {
    let (world, mut agent) = (world(Limits::default()), Agent::new(1));
    let open = agent.open();
    world.submit(agent.submission(vec![open])).await.unwrap();
    let (_, had, _, _) = world.receipts.lock().unwrap().last().unwrap().clone();
    let quote = |size, root| After { origin: had.origin.clone(), size, root };
    for (after, good) in [
        (quote(had.size, [9; 32]), false),
        (quote(had.size + 1, had.root), false),
        (quote(had.size - 1, had.root), false),
        (quote(had.size, had.root), true),
    ] {
        let mut strand = agent.strand.clone();
        strand.receipted(after.clone());
        let chat = write(&mut strand, Kind::Chat, &agent.key).bytes().to_vec();
        let answer = world.submit(agent.submission(vec![chat])).await;
        if good {
            answer.unwrap();
            agent.strand = strand;
        } else {
            assert_eq!(event_fault(answer), Some((0, EventFault::Chain)), "{after:?}");
        }
    }
    // Looked up on the disk once nothing is remembered.
    world.fail(Failing::NotPersisted);
    let chat = agent.write(Kind::Chat);
    assert_eq!(world.submit(agent.submission(vec![chat.clone()])).await, Err(Refusal::Disk));
    world.submit(agent.submission(vec![chat])).await.unwrap();
}
