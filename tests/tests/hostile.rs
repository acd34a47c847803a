//! A check that was taken over, in whole sessions: what it does is contained, recorded as it ended, and the session goes on;
//! and STOP ends it. (SECURITY G1, G2, G4)
//!
//! Each misdeed is one of those that the agent's own tests of its workers know; here it is done in a session of the shipped
//! programs, to a check of an item of the catalogue.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

use std::net::TcpListener;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use venia_proto::catalog::Catalog;
use venia_proto::ledger::body::{Body, ItemId};
use venia_proto::ledger::kind::{Cause, Kind, Status};
use venia_tests::harness::agent::Agent;
use venia_tests::harness::console::{Joined, files_with};
use venia_tests::harness::hostile::ITEM;
use venia_tests::harness::process::Process;
use venia_tests::harness::until;
use venia_tests::harness::world::World;
use venia_tests::hostile_programs;

/// What MISSION promises.
const PROMISE: Duration = Duration::from_millis(100);
const HONEST: &str = "system.memory";
const ASK: [&str; 2] = ["--ask", "security,system"];

/// Checks that fork give root up first, and all of one user's processes are counted together: one test forks at a time.
static FORKS: Mutex<()> = Mutex::new(());

/// Misdeeds that end badly, and what the record says of it.
const BAD_ENDS: [(&str, &str); 9] = [
    ("fork-for-ever", "the check took too long"),
    ("ignore-signals", "the check took too long"),
    ("flood-stderr", "the check took too long"),
    ("stop-itself", "the check took too long"),
    ("flood", "the worker wrote more than"),
    ("allocate", "the worker was ended by signal 6"),
    ("close-pipe", "the worker closed its output and did not end"),
    ("crash", "the worker was ended by signal 6"),
    ("garbage", "the worker's output is not a report"),
];

/// Runs, in the order of their ends: the item, what was enforced, how it ended, and what is said of it.
fn runs(agent: &Agent) -> Vec<(String, Vec<String>, Status, String)> {
    let record = agent.record();
    let admit = |leaf| record.iter().find(|(event, _)| event.leaf() == leaf).map(|(_, body)| body);
    let ended = |(event, body): &(venia_proto::ledger::event::Event, Body)| {
        let Kind::Result { admit: of, status } = &event.header().kind else { return None };
        let Some(Body::Admit(admitted)) = admit(*of) else { panic!("{of:?} is no admission") };
        let detail = if let Body::Result(outcome) = body { outcome.detail.visible() } else { String::new() };
        Some((admitted.item.0.clone(), admitted.fences.clone(), *status, detail))
    };
    record.iter().filter_map(ended).collect()
}

/// What this PC enforces for the item that was taken over.
fn enforced() -> Vec<String> {
    let catalog = Catalog::built_in();
    venia_agent::worker::probe().names(&catalog.get(&ItemId(ITEM.to_owned())).unwrap().needs)
}

/// What the technician types once this much was said.
fn says(console: &mut Process, after: &str, lines: &[&str]) {
    console.line(after, |line| line.contains(after).then_some(()));
    lines.iter().for_each(|line| console.say(line));
}

/// The technician runs what was taken over, as soon as it is allowed. The arrival's answer names no scope.
fn run_taken_over(console: &mut Process) {
    says(console, r#""scopes":["s"#, &[&format!("run {ITEM}")]);
}

/// After its end an honest item; then the technician closes.
fn an_honest_one_then(console: &mut Process) -> Joined {
    says(console, r#""event":"result""#, &[&format!("run {HONEST}")]);
    says(console, r#""event":"result""#, &["close", "Looked.", "Nothing."]);
    Joined::of(console)
}

/// The technician's program said how both ended, and both sides hold an intact record of it.
fn told(agent: &mut Agent, joined: &Joined, how: &str) -> Value {
    let results: Vec<(&str, &str)> = joined
        .events("result")
        .into_iter()
        .map(|event| (event["item"].as_str().unwrap(), event["status"].as_str().unwrap()))
        .collect();
    assert_eq!(results, [(ITEM, how), (HONEST, "done")], "{joined:#?}");
    assert_eq!(joined.exit, 0, "{joined:#?}");
    assert_eq!(joined.events("closed")[0]["verdict"], "intact", "{joined:#?}");
    assert_eq!(agent.end(), 0);
    assert_eq!(agent.closed(), (Cause::Technician, Cause::Done));
    agent.assert_intact();
    joined.events("result")[0]["report"].clone()
}

#[test]
fn g2_whatever_a_check_does_is_contained_and_recorded_and_the_session_goes_on() {
    let _alone = FORKS.lock().unwrap_or_else(PoisonError::into_inner);
    let world = World::start(hostile_programs!());
    // All at once: some of them last until their deadline.
    let sessions: Vec<_> = BAD_ENDS
        .iter()
        .map(|(misdeed, says)| {
            let ana = world.technician(misdeed, 2);
            let mut agent = world.ask_taken_over(&format!("pc-{misdeed}"), misdeed, &[]);
            let mut joining = ana.joining(&agent.code(), &ASK);
            agent.allow();
            run_taken_over(&mut joining);
            (misdeed, says, agent, joining)
        })
        .collect();
    for (misdeed, says, mut agent, mut joining) in sessions {
        let joined = an_honest_one_then(&mut joining);
        assert!(agent.misdeeds().is_empty(), "{misdeed} left {:?}", agent.misdeeds());
        let report = told(&mut agent, &joined, "failed");
        assert!(report.is_null(), "{misdeed}: {report}");
        let runs = runs(&agent);
        let [(first, fences, Status::Failed, detail), (second, _, Status::Done, _)] = runs.as_slice() else {
            panic!("{misdeed}: {runs:?}")
        };
        assert_eq!((first.as_str(), second.as_str()), (ITEM, HONEST), "{misdeed}");
        assert_eq!(*fences, enforced(), "{misdeed}");
        assert!(detail.starts_with(says), "{misdeed}: {detail}");
    }
}

/// A home with a secret in it, which no item declares.
fn secret(world: &World) -> String {
    let path = world.folder().join("home/.ssh/id_ed25519");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, SECRET).unwrap();
    path.display().to_string()
}

const SECRET: &str = "the wombat digs at midnight";

#[test]
fn g1_what_a_check_may_not_reach_it_doesn_t_reach_and_nothing_of_it_leaves() {
    let world = World::start(hostile_programs!());
    let secret = secret(&world);
    let service = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = service.local_addr().unwrap().to_string();
    let ana = world.technician("Ana", 2);
    let tries = "read list inet unix connect netlink new-session run-undeclared agent-memory write";
    let knows = [("what", tries), ("path", secret.as_str()), ("to", to.as_str())];
    let mut agent = world.ask_taken_over("pc", "try", &knows);
    let mut joining = ana.joining(&agent.code(), &ASK);
    agent.allow();
    run_taken_over(&mut joining);
    let joined = an_honest_one_then(&mut joining);
    let report = told(&mut agent, &joined, "done");
    // It says what came of each try in words that its item does declare.
    let evidence = report["findings"][0]["evidence"].as_str().unwrap();
    let learnt: Vec<(&str, &str)> = evidence.split("; ").map(|line| line.split_once(": ").unwrap()).collect();
    assert_eq!(learnt.iter().map(|(what, _)| *what).collect::<Vec<_>>().join(" "), tries);
    for (what, said) in learnt {
        let refused = ["Operation not permitted (os error 1)", "Permission denied (os error 13)"];
        assert!(refused.contains(&said), "{what}: {said}");
    }
    service.set_nonblocking(true).unwrap();
    assert!(service.accept().is_err(), "somebody called");
    assert_eq!(files_with(world.folder(), SECRET.as_bytes()), [Path::new(&secret)], "it is where it was");
    assert!(!format!("{joined:?}").contains(SECRET));
}

#[test]
fn g1_a_check_that_reaches_for_another_process_is_ended_for_it() {
    let world = World::start(hostile_programs!());
    let ana = world.technician("Ana", 2);
    let mut agent = world.ask_taken_over("pc", "try-deadly", &[("what", "trace")]);
    let mut joining = ana.joining(&agent.code(), &ASK);
    agent.allow();
    run_taken_over(&mut joining);
    let joined = an_honest_one_then(&mut joining);
    told(&mut agent, &joined, "failed");
    assert_eq!(runs(&agent)[0].3, "the worker tried what it may not do");
}

/// Misdeeds that last until somebody ends them, and how many processes there are at least once they are under way.
const LASTING: [(&str, usize); 8] = [
    ("fork-for-ever", 9),
    ("outrun", 1),
    ("leave-quietly", 2),
    ("ignore-signals", 2),
    ("stop-itself", 1),
    ("allocate-slowly", 1),
    ("flood-stderr", 1),
    ("try-for-ever", 1),
];

#[test]
fn g2_stop_during_each_leaves_nothing_alive_within_a_tenth_of_a_second() {
    let _alone = FORKS.lock().unwrap_or_else(PoisonError::into_inner);
    let world = World::start(hostile_programs!());
    let secret = secret(&world);
    for (misdeed, processes) in LASTING {
        let ana = world.technician(misdeed, 2);
        let knows = [("what", "read inet unix"), ("path", secret.as_str())];
        let mut agent = world.ask_taken_over(&format!("pc-{misdeed}"), misdeed, &knows);
        let mut joining = ana.joining(&agent.code(), &ASK);
        agent.allow();
        run_taken_over(&mut joining);
        until(misdeed, || (agent.is_at_it() && agent.misdeeds().len() >= processes).then_some(()));
        let stopped = Instant::now();
        agent.process.say("stop");
        until(misdeed, || agent.misdeeds().is_empty().then_some(()));
        let took = stopped.elapsed();
        assert!(took < PROMISE, "{misdeed} lived {took:?} after STOP");
        let joined = Joined::of(&mut joining);
        assert_eq!(joined.exit, 1, "{misdeed}: {joined:#?}");
        assert!(joined.events("result").iter().all(|event| event["report"].is_null()), "{misdeed}: {joined:#?}");
        assert_eq!(joined.events("closed")[0]["verdict"], "intact", "{misdeed}: {joined:#?}");
        assert_eq!(agent.end(), 0, "{misdeed}");
        assert_eq!(agent.closed(), (Cause::Person, Cause::Person), "{misdeed}");
        let runs = runs(&agent);
        assert!(matches!(runs.as_slice(), [(item, _, Status::Killed, _)] if item == ITEM), "{misdeed}: {runs:?}");
        agent.assert_intact();
    }
}
