//! Witnesses, end to end: a session recorded and witnessed, one whose witness is away, a PC that lets nothing run without
//! one, and a relay that shows two histories.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::path::PathBuf;

use serde_json::Value;
use venia_proto::ledger::kind::{Cause, Kind, Why};
use venia_proto::ledger::verify::Finding;
use venia_proto::message::ToAgent;
use venia_proto::now::Wall;
use venia_tests::harness::agent::Agent;
use venia_tests::harness::console::{Joined, Technician};
use venia_tests::harness::process::Process;
use venia_tests::harness::until;
use venia_tests::harness::visitor::Visitor;
use venia_tests::harness::world::World;
use venia_tests::programs;

const RUN: [&str; 8] =
    ["--ask", "system", "--run", "system.memory", "--outcome", "Looked at memory.", "--next", "None."];

/// A witness of the world's relay, in a process of its own.
struct Witness {
    process: Process,
    data: PathBuf,
    vkey: String,
    url: String,
}

/// What an operator's command says, as JSON.
fn operator(world: &World, arguments: &[&str]) -> Value {
    let given = arguments.iter().copied().chain(["--json"]);
    let (exit, lines, errors) = world.run("relay", &world.relay_data, given, "");
    assert_eq!(exit, 0, "{arguments:?}: {errors}");
    serde_json::from_str(&lines.concat()).unwrap()
}

fn witness(world: &World) -> Witness {
    let data = world.folder().join("witness");
    let told = operator(world, &["witness-key", "list"]);
    let log = told["log"].as_str().unwrap();
    let mut process = world.spawn("relay", &data, ["witness", "--listen", "127.0.0.1:0", "--log", log]);
    let vkey = process.line("its key", |line| line.strip_prefix("witness: ").map(str::to_owned));
    let url = process.line("its place", |line| line.strip_prefix("listening: ").map(str::to_owned));
    Witness { process, data, vkey, url }
}

/// The relay asks this witness from now on, and requires it.
fn require(world: &World, witness: &Witness) {
    operator(world, &["witness-key", "add", &witness.vkey, &witness.url]);
    let told = operator(world, &["witness-key", "quorum", "1"]);
    assert_eq!((&told["quorum"], &told["witnesses"][0]["key"]), (&1.into(), &witness.vkey.as_str().into()));
}

fn session(world: &World, ana: &Technician<'_>, pc: &str) -> (Agent, Joined) {
    let mut agent = world.ask(pc);
    let mut console = ana.joining(&agent.code(), &RUN);
    agent.allow();
    let joined = Joined::of(&mut console);
    assert_eq!(joined.exit, 0, "{joined:#?}");
    assert_eq!(joined.events("result").len(), 1);
    assert_eq!(agent.end(), 0);
    (agent, joined)
}

#[test]
fn a_session_is_recorded_and_witnessed() {
    let world = World::start(programs!());
    let witness = witness(&world);
    require(&world, &witness);
    let ana = world.technician("Ana", 2);
    let (agent, joined) = session(&world, &ana, "pc");
    agent.assert_intact();
    let witnessed = agent.verdict().witnessed.unwrap();
    assert_eq!((witnessed.cosigned, witnessed.required), (1, 1));
    assert!(witnessed.at.is_some());
    assert!(agent.told().iter().any(|line| line.contains("1 of 1 witnesses")), "{:?}", agent.told());
    let bo = world.somebody("console-Bo");
    assert_eq!(bo.enroll(&world.invite_as("auditor", "Bo", 1)).0, 0);
    let (exit, lines, errors) = world.run("console", &bo.data, ["audit", "verify", "--json"], "");
    let audited: Value = serde_json::from_str(&lines.concat()).unwrap();
    assert_eq!((exit, &audited["witnessed"]["cosigned"]), (0, &1.into()), "{audited} {errors}");
    let ms = |time: &Value| time.as_str().unwrap().parse::<Wall>().unwrap().ms();
    let age = ms(&audited["witnessed"]["at"]) - ms(&audited["observed"]);
    assert!(age.abs() < 60_000, "fresh: {audited}");

    let closed = joined.events("closed")[0];
    assert_eq!(closed["verdict"], "intact", "{closed}");
    assert_eq!(closed["witnessed"]["cosigned"], 1, "{closed}");

    // Anybody, with the file and the root alone.
    let bundle = closed["bundle"].as_str().unwrap();
    let root = world.address.root.to_string();
    let arguments = ["verify", bundle, "--root", &root, "--json"];
    let (exit, lines, errors) = world.run("console", &world.folder().join("nobody"), arguments, "");
    let verdict: Value = serde_json::from_str(&lines.concat()).unwrap();
    assert_eq!(
        (exit, &verdict["verdict"], &verdict["witnessed"]["required"]),
        (0, &"intact".into(), &1.into()),
        "{errors}"
    );
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/verify.py");
    let checked = std::process::Command::new("python3").arg(script).arg(bundle).arg(&root).output().unwrap();
    assert!(checked.status.success(), "{checked:?}");
    assert!(!witness.process.errors().contains("ERROR"), "{}", witness.process.errors());
}

#[test]
fn without_its_witness_a_session_is_recorded_and_waits_for_it() {
    let world = World::start(programs!());
    let mut first = witness(&world);
    require(&world, &first);
    let ana = world.technician("Ana", 2);
    first.process.kill();
    let (agent, joined) = session(&world, &ana, "pc");
    // Recorded, and honest about what is missing.
    let verdict = agent.verdict();
    assert_eq!(verdict.verdict, Finding::Unclosed, "{verdict:?}");
    assert!(verdict.why.contains("witnesses"), "{verdict:?}");
    assert!(agent.told().iter().any(|line| line.contains("witnesses have not confirmed")), "{:?}", agent.told());
    assert_eq!(joined.events("closed")[0]["verdict"], "unclosed");
    // The witness is back, at another place; the record is completed at the next contact.
    let back = witness(&world);
    assert_eq!((&back.vkey, &back.data), (&first.vkey, &first.data), "the same witness");
    require(&world, &back);
    let mut again = world.ask("pc");
    again.code();
    agent.assert_intact();
    assert!(agent.verdict().witnessed.unwrap().is_witnessed());
    again.process.say("stop");
    assert_eq!(again.process.exit(), 1);
    let (exit, lines, errors) = world.run("console", &ana.data, ["refresh", "--json"], "");
    assert_eq!(exit, 0, "{lines:?} {errors}");
    let bundle = joined.events("closed")[0]["bundle"].as_str().unwrap();
    let (exit, ..) = world.run("console", &ana.data, ["verify", bundle], "");
    assert_eq!(exit, 0);
}

/// A technician asks for one run, and the person allows it.
async fn allowed(world: &World, agent: &mut Agent) -> (Visitor, venia_tests::harness::visitor::Visit) {
    let visitor = Visitor::enrolled(world, "Ana", 2).await;
    let mut visit = visitor.arrive(&agent.code(), &[]).await;
    agent.answer("arrival", "yes");
    visit.event("the welcome", |kind, _| matches!(kind, Kind::Consent { .. }).then_some(())).await;
    let request = visit.request("system.memory", &[]);
    visit.send(&ToAgent::Ask(request)).await;
    agent.answer("consent", "allow");
    (visitor, visit)
}

#[tokio::test(flavor = "multi_thread")]
async fn e_strict_runs_what_witnesses_saw_admitted() {
    let world = World::start(programs!());
    let witness = witness(&world);
    require(&world, &witness);
    let mut agent = world.ask_strictly("pc");
    let (_visitor, mut visit) = allowed(&world, &mut agent).await;
    visit.event("the result", |kind, _| matches!(kind, Kind::Result { .. }).then_some(())).await;
    visit.sign_off().await;
    assert_eq!(visit.closed().await, (Cause::Technician, Cause::Done));
    assert_eq!(agent.end(), 0);
    agent.assert_intact();
}

#[tokio::test(flavor = "multi_thread")]
async fn e_strict_refuses_what_no_witness_saw_admitted() {
    let world = World::start(programs!());
    let mut witness = witness(&world);
    require(&world, &witness);
    let mut agent = world.ask_strictly("pc");
    witness.process.kill();
    let (_visitor, mut visit) = allowed(&world, &mut agent).await;
    until("the refusal", || {
        assert!(agent.process.children().is_empty(), "a worker without a witness");
        agent.kinds().iter().any(|kind| matches!(kind, Kind::Refuse { why: Why::NoReceipt, .. })).then_some(())
    });
    visit.sign_off().await;
    assert_eq!(visit.closed().await, (Cause::Technician, Cause::Done));
    assert_eq!(agent.end(), 0);
    assert!(!agent.kinds().iter().any(|kind| matches!(kind, Kind::Result { .. })));
}

#[test]
fn strict_without_any_witness_calls_nobody() {
    let world = World::start(programs!());
    let mut agent = world.ask_strictly("pc");
    assert_ne!(agent.process.exit(), 0);
    assert!(agent.process.errors().contains("before witnesses confirmed it"), "{}", agent.process.errors());
    // It was a decision, and stays one until it is taken back.
    let mut again = world.ask("pc");
    assert_ne!(again.process.exit(), 0);
}

#[test]
fn a_relay_that_shows_another_history_gets_no_cosignature() {
    let mut world = World::start(programs!());
    let witness = witness(&world);
    require(&world, &witness);
    let of_log = || {
        let entries = std::fs::read_dir(&witness.data).unwrap().flatten();
        entries.map(|entry| entry.path()).find(|path| path.file_name().unwrap().to_string_lossy().starts_with("log-"))
    };
    let newest = || {
        let note = std::fs::read_to_string(of_log()?).ok()?;
        note.lines().nth(1)?.parse::<u64>().ok()
    };
    let copy = world.folder().join("copy");
    let cp = |from: &PathBuf, to: &PathBuf| {
        let done = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
        assert!(done.success());
    };
    world.kill_relay();
    cp(&world.relay_data, &copy);
    world.restart_relay();
    // One history, which the witness sees.
    let before = until("a first cosignature", newest);
    world.invite("Ana", 2);
    operator(&world, &["witness-key", "quorum", "0"]);
    operator(&world, &["witness-key", "quorum", "1"]);
    let seen = until("what came after", || newest().filter(|size| *size >= before + 4));
    // Another one, from the copy, until it is longer than the first.
    world.kill_relay();
    std::fs::remove_dir_all(&world.relay_data).unwrap();
    cp(&copy, &world.relay_data);
    // Nobody asks now: this is the last of the first history, of which more may have come since it was looked at.
    let kept = std::fs::read(of_log().unwrap()).unwrap();
    world.restart_relay();
    for round in 0..seen {
        operator(&world, &["witness-key", "quorum", &(round % 2).to_string()]);
    }
    until("the relay's complaint", || world.relay.errors().contains("a witness").then_some(()));
    assert_eq!(std::fs::read(of_log().unwrap()).unwrap(), kept, "nothing of the other history was taken in");
    assert!(!world.relay.errors().contains("ERROR"), "{}", world.relay.errors());
}
