//! What is lost comes back by itself: the relay after a restart, the technician's program after a cut; the session goes on only
//! where the person says so, and nobody else comes in through the gap. (SECURITY A6)

use std::path::Path;
use std::time::Duration;

use quinn::{Connection, ConnectionError, VarInt};
use rustix::process::Signal;
use venia_agent::known;
use venia_proto::ledger::kind::{Cause, Kind};
use venia_proto::message::ToConsole;
use venia_proto::pairing::{RECONNECT_LABEL, Side};
use venia_proto::scope::Scope;
use venia_relay::client::home::Home;
use venia_relay::client::tls::exporter;
use venia_tests::harness::agent::Agent;
use venia_tests::harness::console::Joined;
use venia_tests::harness::process::Process;
use venia_tests::harness::visitor::Visitor;
use venia_tests::harness::within;
use venia_tests::harness::world::World;
use venia_tests::programs;

const ASK: [&str; 2] = ["--ask", "system"];

/// What the technician types once this much was said.
fn says(console: &mut Process, after: &str, lines: &[&str]) {
    console.line(after, |line| line.contains(after).then_some(()));
    lines.iter().for_each(|line| console.say(line));
}

/// The person sees that it was lost, and lets it go on.
fn goes_on(agent: &mut Agent) {
    agent.fed("the loss", |line| line.contains("lost").then_some(()));
    agent.answer("arrival", "yes");
    agent.fed("that it goes on", |line| line.contains("on").then_some(()));
}

/// One more check, then a close in good order; both records are whole.
fn works_and_closes(agent: &mut Agent, console: &mut Process) {
    console.say("run system.memory");
    says(console, r#""event":"result""#, &["close", "Looked.", "Nothing."]);
    let joined = Joined::of(console);
    assert_eq!(joined.exit, 0, "{joined:#?}");
    assert_eq!(joined.events("closed")[0]["verdict"], "intact", "{joined:#?}");
    assert_eq!(agent.end(), 0);
    assert_eq!(agent.closed(), (Cause::Technician, Cause::Done));
    agent.assert_intact();
}

/// It was paused and resumed, exactly so often.
fn assert_paused(agent: &Agent, times: usize) {
    let kinds = agent.kinds();
    let lost = |kind: &&Kind| matches!(kind, Kind::Pause { cause: Cause::RelayLost, .. });
    let resumed = |kind: &&Kind| matches!(kind, Kind::Resume { cause: Cause::RelayLost, .. });
    assert_eq!(kinds.iter().filter(lost).count(), times, "{kinds:?}");
    assert_eq!(kinds.iter().filter(resumed).count(), times, "{kinds:?}");
}

#[test]
fn a_session_goes_on_after_its_relay_was_killed_and_started_again() {
    let mut world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    let mut agent = world.ask("pc");
    let mut console = ana.joining(&agent.code(), &ASK);
    agent.allow();
    says(&mut console, r#""event":"consent""#, &["run system.load"]);
    console.line("a result", |line| line.contains(r#""event":"result""#).then_some(()));
    world.kill_relay();
    world.restart_relay();
    goes_on(&mut agent);
    works_and_closes(&mut agent, &mut console);
    assert_paused(&agent, 1);
}

/// Long enough for both ends of the session to give the connection up.
const SILENT: Duration = Duration::from_secs(12);

#[test]
fn a6_a_session_goes_on_after_the_technicians_program_was_away() {
    let world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    let mut agent = world.ask("pc");
    let mut console = ana.joining(&agent.code(), &ASK);
    agent.allow();
    says(&mut console, r#""event":"consent""#, &["run system.load"]);
    console.line("a result", |line| line.contains(r#""event":"result""#).then_some(()));
    console.signal(Signal::STOP);
    let away = std::time::Instant::now();
    agent.fed("the loss", |line| line.contains("lost").then_some(()));
    assert!(away.elapsed() < SILENT, "{:?}", away.elapsed());
    // What was typed meanwhile must not run by itself once the connection is back.
    console.say("run system.memory");
    console.signal(Signal::CONT);
    console.line("a refusal", |line| (line.contains(r#""event":"refused""#) && line.contains("paused")).then_some(()));
    agent.answer("arrival", "yes");
    agent.fed("that it goes on", |line| line.contains("on").then_some(()));
    console.say("run system.memory");
    let result = |line: &str| (line.contains(r#""event":"result""#) && line.contains("system.memory")).then_some(());
    console.line("the result, once allowed", result);
    ["close", "Looked.", "Nothing."].iter().for_each(|line| console.say(line));
    let joined = Joined::of(&mut console);
    assert_eq!(joined.events("closed")[0]["verdict"], "intact", "{joined:#?}");
    assert_eq!(agent.end(), 0);
    agent.assert_intact();
    assert_paused(&agent, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a6_who_comes_back_without_the_sessions_secret_stays_outside() {
    let world = World::start(programs!());
    let visitor = Visitor::enrolled(&world, "Ana", 2).await;
    let mut agent = world.ask("pc");
    let mut visit = visitor.arrive(&agent.code(), &[Scope::System]).await;
    agent.allow();
    visit.allowed().await;
    let over = |connection: &Connection| exporter(connection, RECONNECT_LABEL, b"").unwrap();
    let before = over(&visit.connection);
    // Anything but a farewell is a loss.
    visit.connection.close(VarInt::from_u32(7), b"");
    agent.fed("the loss", |line| line.contains("lost").then_some(()));
    type Mac<'a> = Box<dyn FnOnce(&Connection) -> [u8; 32] + 'a>;
    let secret = &visit.secret;
    let wrong: [(&str, Mac<'_>); 4] = [
        ("nothing", Box::new(|_| [0; 32])),
        ("the other side's proof", Box::new(move |connection| secret.prove(Side::Agent, &over(connection)))),
        ("a proof over the lost connection", Box::new(move |_| secret.prove(Side::Console, &before))),
        (
            "almost",
            Box::new(move |connection| {
                let mut mac = secret.prove(Side::Console, &over(connection));
                mac[31] ^= 1;
                mac
            }),
        ),
    ];
    for (what, mac) in wrong {
        let (said, connection) = visitor.come_back(&visit, mac).await;
        assert_eq!(said, None, "{what}");
        let reason = within("the agent to hang up", connection.closed()).await;
        assert!(matches!(reason, ConnectionError::ApplicationClosed(_)), "{what}: {reason:?}");
    }
    // The real one is let in by the same door; what it missed follows, and only the person lets anything run.
    let (said, connection) = visitor.come_back(&visit, |c| visit.secret.prove(Side::Console, &over(c))).await;
    let Some(ToConsole::Reconnected { mac, next }) = said else { panic!("{said:?}") };
    assert!(visit.secret.verify(Side::Agent, &over(&connection), &mac));
    assert_eq!(next, 0, "the technician has written nothing yet");
    agent.answer("arrival", "yes");
    agent.process.say("stop");
    assert_eq!(agent.end(), 0);
    agent.assert_intact();
    assert_paused(&agent, 1);
}

/// It counts at the next start too, although this program knew an older one when it began.
#[test]
fn a1_a_statement_that_comes_while_a_code_waits_is_kept() {
    let mut world = World::start(programs!());
    let mut agent = world.ask("pc");
    agent.code();
    let root = world.address.root;
    let known = |data: &Path| known::statement(&Home::open(data, false).unwrap(), &root).unwrap().unwrap();
    let first = known(&agent.data);
    world.kill_relay();
    world.restart_relay_with(&["--name", "Taller Vega"]);
    agent.code();
    let newest = known(&agent.data);
    assert_eq!((newest.serial, newest.organisation.raw()), (first.serial + 1, "Taller Vega"));
    agent.process.say("stop");
    assert_eq!(agent.process.exit(), 1);
}

#[test]
fn a_code_is_read_aloud_again_only_if_the_relay_forgot_it() {
    let mut world = World::start(programs!());
    let mut agent = world.ask("pc");
    let first = agent.code();
    world.kill_relay();
    world.restart_relay();
    // A restarted relay has forgotten every number; the old words are gone with it.
    let second = agent.code();
    assert_ne!(first, second);
    let ana = world.technician("Ana", 2);
    let mut console = ana.joining(&second, &["--run", "system.memory", "--outcome", "Looked.", "--next", "Nothing."]);
    agent.allow();
    let joined = Joined::of(&mut console);
    assert_eq!(joined.exit, 0, "{joined:#?}");
    assert_eq!(agent.end(), 0);
    agent.assert_intact();
}
