//! Invites, members, roots and versions that aren't good: a sentence, a hint, exit 1, and the right word for scripts.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use serde_json::Value;
use tokio::sync::oneshot;
use venia_proto::address::RelayAddress;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::invite::Invite;
use venia_proto::ledger::kind::Cause;
use venia_proto::rendezvous::{Refusal, VERSION};
use venia_relay::client::control::Heard;
use venia_relay::clock;
use venia_relay::server::admin::{self, AdminError, Reply, Request, Why};
use venia_tests::harness::console::Joined;
use venia_tests::harness::lying_relay::LyingRelay;
use venia_tests::harness::pretender::{Manner, Pretender};
use venia_tests::harness::process::lives;
use venia_tests::harness::visitor::Visitor;
use venia_tests::harness::world::World;
use venia_tests::harness::{until, within};
use venia_tests::programs;

/// The word for scripts of an `enroll` that failed; its sentence and hint must be there.
fn kind(said: &Value) -> &str {
    let error = &said["error"];
    assert!(["message", "hint", "state"].iter().all(|key| error[key].as_str().is_some_and(|s| s.len() > 10)), "{said}");
    error["kind"].as_str().unwrap()
}

#[test]
fn a_used_or_unknown_invite_enrols_nobody() {
    let world = World::start(programs!());
    let invite = world.invite_word("Ana", 2);
    assert_eq!(world.somebody("ana").enroll(&invite).0, 0);
    let (exit, said, errors) = world.somebody("bea").enroll(&invite);
    assert_eq!((exit, kind(&said)), (1, "expired"), "{errors}");
    let unknown = Invite::new(world.address.clone(), [7; 20]).word();
    let (exit, said, errors) = world.somebody("bea").enroll(&unknown);
    assert_eq!((exit, kind(&said)), (1, "expired"), "{errors}");
    let (exit, said, _) = world.somebody("bea").enroll("venia-invite-nonsense");
    assert_eq!((exit, kind(&said)), (2, "usage"));
    let joined = world.somebody("bea").join("417-zebra-zebra", &[]);
    assert_eq!((joined.exit, joined.error()), (1, "revoked"), "not enrolled: {joined:#?}");
}

#[test]
fn a5_a_revoked_member_meets_nobody() {
    let world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    world.revoke("Ana");
    let mut agent = world.ask("pc");
    let joined = ana.join(&agent.code(), &[]);
    assert_eq!((joined.exit, joined.error()), (1, "revoked"), "{joined:#?}");
    agent.process.say("stop");
    assert_eq!(agent.process.exit(), 1);
}

#[test]
fn a5_revocation_ends_a_live_session() {
    let world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    let mut agent = world.ask("pc");
    let watch = ["--ask", "system", "--run", "system.processes:seconds=10", "--outcome", "Looked.", "--next", "None."];
    let mut console = ana.joining(&agent.code(), &watch);
    agent.allow_all();
    let worker = until("a worker", || agent.process.children().first().copied());
    world.revoke("Ana");
    let joined = Joined::of(&mut console);
    assert_eq!((joined.exit, joined.error()), (1, "revoked"), "{joined:#?}");
    assert!(joined.events("result").is_empty());
    until("the worker's end", || (!lives(worker)).then_some(()));
    assert_eq!(agent.end(), 1);
    assert_eq!(agent.closed(), (Cause::Revoked, Cause::Revoked));
    agent.assert_intact();
}

#[tokio::test(flavor = "multi_thread")]
async fn a5_revocation_reaches_a_technician_who_hides_it() {
    let world = World::start(programs!());
    let ana = Visitor::enrolled(&world, "Ana", 2).await;
    let mut agent = world.ask("pc");
    let mut visit = ana.arrive(&agent.code(), &[venia_proto::scope::Scope::System]).await;
    agent.allow();
    visit.allowed().await;
    world.revoke("Ana");
    // A program that ignores its own revocation still finds the session closed.
    assert_eq!(agent.end(), 1);
    assert_eq!(agent.closed(), (Cause::Revoked, Cause::Revoked));
    within("the end", visit.connection.closed()).await;
}

/// A slow disk: whoever withdraws a membership has given up before the log's thread gets to it.
#[tokio::test(flavor = "multi_thread")]
async fn a5_a_revocation_that_nobody_waits_for_any_more_reaches_everybody() {
    let mut world = World::start(programs!());
    let relay = LyingRelay::take_over(&mut world);
    let relay = relay.parts();
    tokio::spawn(admin::serve(relay.clone(), admin::listen(&world.relay_data).unwrap()));
    let mut bea = Visitor::enrolled(&world, "Bea", 2).await;
    let ((busy, is_busy), (let_go, wait)) = (oneshot::channel(), std::sync::mpsc::channel::<()>());
    let log = relay.clone();
    tokio::spawn(async move {
        let held = log.ledger.perform(move |_| {
            busy.send(()).unwrap();
            wait.recv()
        });
        held.await
    });
    within("the log's thread", is_busy).await.unwrap();
    let ask = async |request: Request| admin::ask(&world.relay_data, &request).await;
    let asked = ask(Request::Revoke { name: "Bea".to_owned() }).await;
    assert!(matches!(asked, Err(AdminError::NoAnswer)), "{asked:?}");
    // The relay serves the next one: it gave up too.
    let next = ask(Request::Erase { session: "none".to_owned(), parts: Vec::new() }).await;
    assert!(matches!(next, Ok(Some(Reply::Refused { why: Why::Malformed }))), "{next:?}");
    let authority = &relay.organisation.keys.authority;
    let note = || relay.roster.helper(&bea.key.verifier().key, authority, clock::now().wall);
    assert!(note().is_ok(), "not yet");
    drop(let_go);
    within("her end", async { while !matches!(bea.pushes.next().await, Some(Heard::Lost) | None) {} }).await;
    assert_eq!(note(), Err(Refusal::Revoked));
}

#[test]
fn a1_another_root_is_refused_by_everybody() {
    let mut world = World::start(programs!());
    let other = World::start(programs!());
    let ana = world.technician("Ana", 2);
    let (exit, said, errors) = ana.enroll(&other.invite_word("Ana", 2));
    assert_eq!((exit, kind(&said)), (1, "fingerprint"), "one folder, one root: {errors}");

    let wrong = RelayAddress { at: world.address.at.clone(), root: Fingerprint([7; 32]) }.to_string();
    let (exit, lines, errors) = world.run("agent-scripted", &world.pc("pc"), ["ask", "--relay", &wrong], "");
    assert_eq!((exit, lines.len()), (1, 0), "no code is shown: {errors}");
    assert!(errors.contains("Next step"), "{errors}");
    let (exit, said, _) = world.somebody("bea").enroll(&Invite::new(wrong.parse().unwrap(), [7; 20]).word());
    assert_eq!((exit, kind(&said)), (1, "fingerprint"));

    // Another relay takes the place of ours: same address, other keys.
    let listen = world.address.at.to_string();
    world.kill_relay();
    let data = other.folder().join("impostor");
    let mut impostor = other.spawn("relay", &data, ["serve", "--listen", &listen]);
    impostor.line("ready", |line| (line == "ready").then_some(()));
    let joined = world.somebody("console-Ana").join("417-zebra-zebra", &[]);
    assert_eq!((joined.exit, joined.error()), (1, "fingerprint"), "{joined:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_is_said_to_be_one() {
    let world = World::start(programs!());
    let newer = Pretender::start(None, Manner::Speaks(VERSION + 1));
    let (exit, said, errors) = world.somebody("ana").enroll(&Invite::new(newer.address.clone(), [7; 20]).word());
    assert_eq!((exit, kind(&said)), (1, "version"), "{errors}");
    let address = newer.address.to_string();
    let (exit, lines, errors) = world.run("agent-scripted", &world.pc("pc"), ["ask", "--relay", &address], "");
    assert_eq!((exit, lines.len()), (1, 0), "{errors}");
    assert!(errors.contains("too different in age") && errors.contains("Next step"), "{errors}");
}
