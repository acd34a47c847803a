//! A relay that is killed or stopped: no log, no run; both are told; the record is whole and completed later. (E1, E10)

use rustix::process::Signal;
use venia_proto::ledger::kind::{Cause, Kind, Why};
use venia_proto::message::ToAgent;
use venia_tests::harness::agent::Agent;
use venia_tests::harness::console::Joined;
use venia_tests::harness::process::lives;
use venia_tests::harness::until;
use venia_tests::harness::visitor::{Visit, Visitor};
use venia_tests::harness::world::World;
use venia_tests::programs;

/// A session in which the technician asks for one run and the person has the card before them.
async fn card(world: &World) -> (Agent, Visitor, Visit) {
    let visitor = Visitor::enrolled(world, "Ana", 2).await;
    let mut agent = world.ask("pc");
    let mut visit = visitor.arrive(&agent.code(), &[]).await;
    agent.answer("arrival", "yes");
    visit.event("the welcome", |kind, _| matches!(kind, Kind::Consent { .. }).then_some(())).await;
    let request = visit.request("system.memory", &[]);
    visit.send(&ToAgent::Ask(request)).await;
    agent.asked("consent");
    (agent, visitor, visit)
}

/// Allows what the card asks, and sees the run refused for want of a receipt while no worker ever appears.
fn allowed_and_not_run(agent: &mut Agent) {
    agent.process.say("allow");
    let mut admitted = false;
    until("the refusal", || {
        assert!(agent.process.children().is_empty(), "a worker without a receipt");
        let kinds = agent.kinds();
        admitted |= kinds.iter().any(|kind| matches!(kind, Kind::Admit { .. }));
        kinds.iter().any(|kind| matches!(kind, Kind::Refuse { why: Why::NoReceipt, .. })).then_some(())
    });
    assert!(admitted, "it was admitted, and waited");
    assert!(agent.process.children().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn e1_a_relay_stopped_between_consent_and_run_starts_no_worker() {
    let world = World::start(programs!());
    let (mut agent, visitor, mut visit) = card(&world).await;
    world.relay.signal(Signal::STOP);
    allowed_and_not_run(&mut agent);
    // It comes back before anybody is given up: the late receipt starts nothing either.
    world.relay.signal(Signal::CONT);
    let why = visit.event("the refusal", |kind, _| if let Kind::Refuse { why, .. } = kind { Some(*why) } else { None });
    assert_eq!(why.await, Why::NoReceipt);
    visit.sign_off().await;
    assert_eq!(visit.closed().await, (Cause::Technician, Cause::Done));
    assert_eq!(agent.end(), 0);
    assert!(!agent.kinds().iter().any(|kind| matches!(kind, Kind::Result { .. })));
    agent.assert_intact();
    assert_eq!(visit.verdict(&visitor).await.verdict, venia_proto::ledger::verify::Finding::Intact);
}

#[tokio::test(flavor = "multi_thread")]
async fn e1_a_relay_killed_between_consent_and_run_starts_no_worker() {
    let mut world = World::start(programs!());
    let (mut agent, _visitor, _visit) = card(&world).await;
    world.kill_relay();
    allowed_and_not_run(&mut agent);
    agent.process.say("stop");
    assert_eq!(agent.end(), 0);
    assert_eq!(agent.closed(), (Cause::Person, Cause::Person));
    completed_at_the_next_contact(&mut world, &agent);
    assert!(!agent.kinds().iter().any(|kind| matches!(kind, Kind::Result { .. })));
}

/// The relay is back; the next time somebody asks for help on this PC, the record is completed.
fn completed_at_the_next_contact(world: &mut World, agent: &Agent) {
    world.restart_relay();
    let mut again = world.ask("pc");
    again.code();
    agent.assert_intact();
    again.process.say("stop");
    assert_eq!(again.process.exit(), 1);
}

#[test]
fn a_relay_killed_in_the_middle_ends_the_session_for_both() {
    let mut world = World::start(programs!());
    let watch = ["--run", "system.processes:seconds=10", "--outcome", "Looked.", "--next", "Nothing."];
    let ana = world.technician("Ana", 2);
    let mut agent = world.ask("pc");
    let mut console = ana.joining(&agent.code(), &watch);
    agent.allow();
    let worker = until("a worker", || agent.process.children().first().copied());
    world.kill_relay();
    let joined = Joined::of(&mut console);
    assert_eq!((joined.exit, joined.error()), (1, "unreachable"), "{joined:#?}");
    assert!(joined.events("result").is_empty(), "{joined:#?}");
    agent.fed("that the connection is lost", |line| line.contains("lost").then_some(()));
    assert!(!lives(worker), "nothing runs unseen");
    assert_eq!(agent.end(), 1);
    assert_eq!(agent.closed(), (Cause::RelayLost, Cause::RelayLost));
    completed_at_the_next_contact(&mut world, &agent);
}
