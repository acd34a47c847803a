//! An agent that is killed: nothing of it lives on, and its next start ends what it left open. (ARCHITECTURE 3, rule 5)

use venia_proto::ledger::kind::{Cause, Kind, Status};
use venia_proto::scope::Scope;
use venia_tests::harness::agent::Agent;
use venia_tests::harness::process::lives;
use venia_tests::harness::until;
use venia_tests::harness::visitor::Visitor;
use venia_tests::harness::world::World;
use venia_tests::programs;

fn started_again(world: &World, agent: &Agent) {
    let mut again = world.ask("pc");
    again.code();
    assert_eq!(agent.closed(), (Cause::Crash, Cause::Crash));
    agent.assert_intact();
    let before = agent.record().len();
    again.process.say("stop");
    assert_eq!(again.process.exit(), 1);
    // A third start finds nothing to do.
    let mut third = world.ask("pc");
    third.code();
    assert_eq!(agent.record().len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_a_run_is_recorded_as_lost() {
    let world = World::start(programs!());
    let ana = Visitor::enrolled(&world, "Ana", 2).await;
    let mut agent = world.ask("pc");
    let mut visit = ana.arrive(&agent.code(), &[Scope::System]).await;
    agent.allow_all();
    visit.allowed().await;
    visit.run("system.processes", &[("seconds", "10")]).await;
    let worker = until("a worker", || agent.process.children().first().copied());
    agent.process.kill();
    until("the worker's end", || (!lives(worker)).then_some(()));
    started_again(&world, &agent);
    let results: Vec<_> = agent
        .kinds()
        .iter()
        .filter_map(|kind| if let Kind::Result { status, .. } = kind { Some(*status) } else { None })
        .collect();
    assert_eq!(results, [Status::Lost]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_a_question_grants_nothing_later() {
    let world = World::start(programs!());
    let ana = Visitor::enrolled(&world, "Ana", 2).await;
    let mut agent = world.ask("pc");
    let _visit = ana.arrive(&agent.code(), &[Scope::System]).await;
    agent.answer("arrival", "yes");
    agent.asked("consent");
    agent.process.kill();
    started_again(&world, &agent);
    assert!(!agent.kinds().iter().any(|kind| matches!(kind, Kind::Admit { .. })));
}
