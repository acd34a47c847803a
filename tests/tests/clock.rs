//! A PC with a wrong clock is served, warned, and its record keeps the difference. (SECURITY A4)
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::net::{SocketAddr, UdpSocket};
use std::time::{SystemTime, UNIX_EPOCH};

use venia_proto::greeting::GreetingError;
use venia_proto::key::SigningKey;
use venia_proto::ledger::body::Body;
use venia_proto::now::Wall;
use venia_proto::scope::Scope;
use venia_relay::client::control::{Control, ControlError};
use venia_relay::client::link::{Link, Role};
use venia_tests::harness::pretender::{Manner, NUMBER, Pretender, not_after};
use venia_tests::harness::until;
use venia_tests::harness::visitor::Visitor;
use venia_tests::harness::world::World;
use venia_tests::programs;

fn wall_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a4_a_pc_whose_clock_is_years_off_is_served_and_warned() {
    let world = World::start(programs!());
    let year = 365 * 24 * 3_600_000;
    for (off, warned) in [(-5 * year, true), (5 * year, true), (0, false)] {
        // To the PC a relay five years ahead looks like a PC five years behind.
        let relay = Pretender::start(None, Manner::Dated(Wall::from_ms(wall_ms() + off)));
        let data = world.folder().join(format!("pc{off}"));
        let address = relay.address.to_string();
        let mut agent = world.spawn("agent-scripted", &data, ["ask", "--relay", &address, "--about", "Slow."]);
        agent.line("a code", |line| line.contains(&format!("code: {NUMBER}-")).then_some(()));
        let said = agent.printed().iter().any(|line| line.contains("clock of this computer is wrong"));
        assert_eq!(said, warned, "{:?}", agent.printed());
        agent.say("stop");
        assert_eq!(agent.exit(), 1);
    }
}

/// Whoever holds an older greeting of a log, or an older copy of it, turns nobody's time back: notes that expired stay expired.
#[tokio::test(flavor = "multi_thread")]
async fn a4_a_log_that_comes_back_with_an_earlier_time_is_refused() {
    let (key, begun) = (SigningKey::new("device", [7; 32]), wall_ms());
    let first = Pretender::start(None, Manner::Dated(Wall::from_ms(begun)));
    let (at, root): (SocketAddr, _) = (first.address.at.to_string().parse().unwrap(), first.address.root);
    let link = Link::bind(None, &key, at, Role::Agent).unwrap();
    let (control, _hearing) = Control::connect(&link, &root, None).await.unwrap();
    drop(first);
    for (ms, taken) in [(0, true), (-1, false), (5_000, true), (4_999, false), (5_000, true)] {
        // Its address is part of its statement.
        until("the port", || UdpSocket::bind(at).ok());
        let _relay = Pretender::start(Some(at), Manner::Dated(Wall::from_ms(begun + ms)));
        let opened = control.reopen(&link).await;
        assert_eq!(opened.is_ok(), taken, "{ms}: {opened:?}");
        assert!(taken || matches!(opened, Err(ControlError::Greeting(GreetingError::SetBack))), "{ms}: {opened:?}");
    }
    assert!(control.ledger_time() >= Wall::from_ms(begun + 5_000));
}

/// A code may wait longer than a statement holds. Nobody begins a record under one that ran out meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a4_a_statement_runs_out_while_its_connection_stands() {
    let relay = Pretender::start(None, Manner::Dated(not_after().plus_ms(-500)));
    let at = relay.address.at.to_string().parse().unwrap();
    let link = Link::bind(None, &SigningKey::new("device", [7; 32]), at, Role::Agent).unwrap();
    let (control, _hearing) = Control::connect(&link, &relay.address.root, None).await.unwrap();
    let before = control.ledger_time();
    assert!(control.holds() || before > not_after(), "{before:?}");
    until("its end", || (!control.holds()).then_some(()));
    assert!(control.ledger_time() > not_after());
}

#[tokio::test(flavor = "multi_thread")]
async fn a4_the_record_keeps_the_difference() {
    let world = World::start(programs!());
    let ana = Visitor::enrolled(&world, "Ana", 2).await;
    let mut agent = world.ask("pc");
    let mut visit = ana.arrive(&agent.code(), &[Scope::System]).await;
    agent.answer("arrival", "no");
    visit.closed().await;
    assert_eq!(agent.process.exit(), 1);
    let record = agent.record();
    let Body::Open(open) = &record[0].1 else { panic!("{record:?}") };
    // One clock here: what remains is the age of the ledger's newest time.
    assert!((0..120_000).contains(&open.skew_ms.unwrap()), "{open:?}");
}
