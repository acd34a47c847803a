//! `network.relay` over real sessions: figures come, the cap holds, STOP ends it, and nobody has to take part.

use std::time::Instant;

use serde_json::Value;
use venia_proto::ledger::body::Body;
use venia_proto::ledger::kind::{Cause, Kind, Status};
use venia_proto::report::Report;
use venia_proto::scope::Scope;
use venia_relay::client::gauge::{self, LOAD_MAX, TRIPS, TRIPS_TIME};
use venia_tests::harness::agent::Agent;
use venia_tests::harness::console::Joined;
use venia_tests::harness::visitor::{Visit, Visitor};
use venia_tests::harness::within;
use venia_tests::harness::world::World;
use venia_tests::programs;

const ITEM: &str = "network.relay";

/// A session in which everything about the network is allowed.
async fn allowed(world: &World) -> (Visitor, Agent, Visit) {
    let ana = Visitor::enrolled(world, "Ana", 2).await;
    let mut agent = world.ask("pc");
    let mut visit = ana.arrive(&agent.code(), &[Scope::Network]).await;
    agent.allow();
    visit.allowed().await;
    (ana, agent, visit)
}

/// Runs the item: its status and report.
async fn report(visit: &mut Visit) -> (Status, Option<Report>) {
    visit.run(ITEM, &[]).await;
    result(visit).await
}

async fn result(visit: &mut Visit) -> (Status, Option<Report>) {
    visit
        .event("the result", |kind, body| match (kind, body) {
            (Kind::Result { status, .. }, Body::Result(outcome)) => Some((*status, outcome.report.clone())),
            (Kind::Result { status, .. }, _) => Some((*status, None)),
            _ => None,
        })
        .await
}

fn found(report: &Report) -> Vec<&str> {
    report.findings.iter().map(|finding| finding.id.as_str()).collect()
}

#[test]
fn a_sessions_own_connection_is_measured_and_told() {
    let world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    let mut agent = world.ask("pc");
    let run = ["--run", ITEM, "--outcome", "Measured.", "--next", "Nothing."];
    let mut joining = ana.joining(&agent.code(), &run);
    agent.allow();
    let joined = Joined::of(&mut joining);
    assert_eq!(joined.exit, 0, "{joined:#?}");
    let [result] = joined.events("result")[..] else { panic!("{joined:#?}") };
    assert_eq!(result["status"], "done", "{result:#?}");
    let facts = result["report"]["facts"].as_array().unwrap();
    let figure = |key: &str| -> f64 {
        let fact: &Value = facts.iter().find(|fact| fact["key"] == key).unwrap_or_else(|| panic!("{key}: {facts:#?}"));
        fact["value"].as_f64().unwrap()
    };
    println!("{facts:#?}");
    for (key, least, most) in [
        ("relay", 0.0, 1_000.0),
        ("time", 0.0, 1_000.0),
        ("slowest", figure("time"), 4_000.0),
        ("jitter", 0.0, 1_000.0),
        ("sent", 2.0, 1_000.0),
        ("lost", 0.0, figure("sent")),
        // Loopback takes the largest packet a session ever sends.
        ("packet", 1_480.0, 1_480.0),
        ("up", 1_000.0, f64::MAX),
        ("down", 1_000.0, f64::MAX),
    ] {
        assert!((least..=most).contains(&figure(key)), "{key}: {facts:#?}");
    }
    agent.end();
    agent.assert_intact();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cap_holds_on_the_wire() {
    let world = World::start(programs!());
    let (_ana, _agent, mut visit) = allowed(&world).await;
    tokio::spawn(gauge::serve(visit.connection.clone()));
    let before = visit.connection.stats();
    let (status, report) = report(&mut visit).await;
    let after = visit.connection.stats();
    assert_eq!(status, Status::Done, "{report:?}");
    // Headers, acknowledgements and what else is said meanwhile.
    let most = (LOAD_MAX + LOAD_MAX / 8) as u64;
    let (came, went) = (after.udp_rx.bytes - before.udp_rx.bytes, after.udp_tx.bytes - before.udp_tx.bytes);
    println!("{came} bytes came, {went} went");
    assert!(came < most && went < most, "{came} {went}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_no_part_is_told_so_and_the_session_goes_on() {
    let world = World::start(programs!());
    let (_ana, mut agent, mut visit) = allowed(&world).await;
    let began = Instant::now();
    let (status, told) = report(&mut visit).await;
    assert!(began.elapsed() >= TRIPS_TIME);
    let told = told.unwrap();
    assert_eq!((status, &found(&told)[..]), (Status::Done, &["no-answer"][..]), "{told:?}");
    assert_eq!(told.facts.iter().map(|fact| fact.key.as_str()).collect::<Vec<_>>(), ["relay", "packet"]);
    visit.run("network.limits", &[]).await;
    assert_eq!(result(&mut visit).await.0, Status::Done);
    agent.process.say("stop");
    assert_eq!(visit.closed().await, (Cause::Person, Cause::Person));
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_takes_back_the_padding_that_is_under_way() {
    let world = World::start(programs!());
    let (_ana, mut agent, mut visit) = allowed(&world).await;
    visit.run(ITEM, &[]).await;
    let (mut send, mut receive) = within("a stream", visit.connection.accept_bi()).await.unwrap();
    let mut trip = [0; 5];
    for _ in 0..TRIPS {
        receive.read_exact(&mut trip).await.unwrap();
        send.write_all(&trip).await.unwrap();
    }
    // The load began, and is not answered.
    let mut length = [0; 4];
    receive.read_exact(&mut length).await.unwrap();
    assert!(u32::from_le_bytes(length) > 1);
    agent.process.say("stop");
    let end = within("the stream's end", async {
        loop {
            match receive.read_chunk(1 << 16, true).await {
                Ok(Some(_)) => {}
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        }
    })
    .await;
    assert!(end.is_some(), "it was taken back, not finished");
    assert!(agent.process.children().is_empty(), "no worker was ever started");
    assert_eq!(result(&mut visit).await, (Status::Killed, None));
    assert_eq!(visit.closed().await, (Cause::Person, Cause::Person));
}
