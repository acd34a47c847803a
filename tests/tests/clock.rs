//! A PC with a wrong clock is served, warned, and its record keeps the difference. (SECURITY A4)
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::time::{SystemTime, UNIX_EPOCH};

use venia_proto::ledger::body::Body;
use venia_proto::now::Wall;
use venia_proto::scope::Scope;
use venia_tests::harness::pretender::{Manner, NUMBER, Pretender};
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
