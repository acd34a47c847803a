//! STOP at every stage: what runs dies, nothing more is sent, the session is closed and recorded. (MISSION, R1)

use std::time::{Duration, Instant};

use venia_proto::ledger::body::Body;
use venia_proto::ledger::kind::{Answer, Cause, Kind, Status};
use venia_proto::ledger::verify::Finding;
use venia_proto::scope::Scope;
use venia_tests::harness::console::Joined;
use venia_tests::harness::process::lives;
use venia_tests::harness::until;
use venia_tests::harness::visitor::{Heard, Visitor};
use venia_tests::harness::world::World;
use venia_tests::programs;

/// What MISSION promises.
const PROMISE: Duration = Duration::from_millis(100);

const STOPPED: (Cause, Cause) = (Cause::Person, Cause::Person);

#[test]
fn stop_while_a_code_is_shown_ends_before_anything_began() {
    let world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    let mut agent = world.ask("pc");
    let code = agent.code();
    agent.process.say("stop");
    assert_eq!(agent.process.exit(), 1);
    let joined = ana.join(&code, &[]);
    assert_eq!((joined.exit, joined.error()), (1, "wrong-code"), "nobody is there any more");
}

#[test]
fn stop_at_a_question_is_a_no_to_it() {
    let world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    for (pc, yes) in [("pc-arrival", false), ("pc-card", true)] {
        let mut agent = world.ask(pc);
        let run = ["--run", "system.memory", "--outcome", "Looked.", "--next", "Nothing."];
        let mut console = ana.joining(&agent.code(), &run);
        if yes {
            agent.answer("arrival", "yes");
            agent.asked("consent");
        } else {
            agent.asked("arrival");
        }
        agent.process.say("stop");
        let joined = Joined::of(&mut console);
        assert_eq!(joined.exit, 1, "{joined:#?}");
        assert!(joined.events("result").is_empty(), "{joined:#?}");
        assert_eq!(joined.events("consent").last().unwrap()["answer"], "no", "{joined:#?}");
        assert_eq!(if yes { agent.end() } else { agent.process.exit() }, i32::from(!yes), "{pc}");
        assert_eq!(agent.closed(), STOPPED);
        let kinds = agent.kinds();
        let answers =
            kinds.iter().filter_map(|kind| if let Kind::Consent { answer, .. } = kind { Some(*answer) } else { None });
        assert_eq!(answers.collect::<Vec<_>>().last(), Some(&Answer::No), "{kinds:?}");
        assert!(kinds.iter().any(|kind| matches!(kind, Kind::Stop { .. })), "{kinds:?}");
        assert!(!kinds.iter().any(|kind| matches!(kind, Kind::Admit { .. })), "{kinds:?}");
        agent.assert_intact();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_kills_what_runs_and_sends_nothing_more_within_a_tenth_of_a_second() {
    let world = World::start(programs!());
    let ana = Visitor::enrolled(&world, "Ana", 2).await;
    let mut agent = world.ask("pc");
    let mut visit = ana.arrive(&agent.code(), &[Scope::System]).await;
    agent.allow_all();
    visit.allowed().await;
    visit.run("system.processes", &[("seconds", "10")]).await;
    let worker = until("a worker", || agent.process.children().first().copied());
    let stopped = Instant::now();
    agent.process.say("stop");
    until("the worker's end", || (!lives(worker)).then_some(()));
    let took = stopped.elapsed();
    assert!(took < PROMISE, "the worker lived {took:?} after STOP");
    assert!(agent.process.children().is_empty(), "{:?}", agent.process.children());

    // What still comes is that it stopped, without a word of any result.
    let mut statuses = Vec::new();
    let closed = visit
        .hear("the close", |heard| match heard {
            Heard::Event { event, body, .. } => {
                let kind = &event.header().kind;
                if let Kind::Result { status, .. } = kind {
                    statuses.push((*status, *body != Body::None));
                }
                if let Kind::Close { by, cause, .. } = kind { Some((*by, *cause)) } else { None }
            }
            Heard::CloseRecorded | Heard::Checkpoint(_) | Heard::Ended(_) => None,
        })
        .await;
    assert_eq!(closed, STOPPED);
    assert_eq!(statuses, [(Status::Killed, false)]);
    assert_eq!(agent.end(), 0, "the person's own end is a session served");
    assert_eq!(agent.closed(), STOPPED);
    agent.assert_intact();
    assert_eq!(visit.verdict(&ana).await.verdict, Finding::Intact);
}

#[test]
fn a_no_is_told_and_ends_without_a_run() {
    let world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    let run = ["--run", "system.memory", "--outcome", "Looked.", "--next", "Nothing."];
    let mut agent = world.ask("pc");
    let mut console = ana.joining(&agent.code(), &run);
    agent.answer("arrival", "no");
    let joined = Joined::of(&mut console);
    assert_eq!((joined.exit, joined.events("consent")[0]["answer"].as_str()), (1, Some("no")), "{joined:#?}");
    assert_eq!(agent.process.exit(), 1);
    agent.assert_intact();

    let mut agent = world.ask("pc-2");
    let mut console = ana.joining(&agent.code(), &run);
    agent.answer("arrival", "yes");
    agent.answer("consent", "deny");
    let joined = Joined::of(&mut console);
    assert_eq!((joined.exit, joined.events("consent")[0]["answer"].as_str()), (1, Some("no")), "{joined:#?}");
    assert!(joined.events("result").is_empty());
    agent.end();
    assert!(!agent.kinds().iter().any(|kind| matches!(kind, Kind::Admit { .. })));
    agent.assert_intact();
}

#[test]
fn d4_a_person_who_is_gone_has_said_no() {
    let world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    let mut agent = world.ask("pc");
    let mut console = ana.joining(&agent.code(), &[]);
    agent.asked("arrival");
    agent.process.say("gone");
    let joined = Joined::of(&mut console);
    assert_eq!((joined.exit, joined.events("consent")[0]["answer"].as_str()), (1, Some("silence")), "{joined:#?}");
    assert_eq!(agent.process.exit(), 1);
    assert_eq!(agent.closed(), (Cause::Silence, Cause::Silence));
    agent.assert_intact();
}
