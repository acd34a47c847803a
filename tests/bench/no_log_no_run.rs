//! What *no log, no run* adds on loopback before a run may start, beyond the disk's own `fdatasync`: at most 1 ms at p50.
//!
//! From the moment an agent hands an event to its connection until it holds a verified receipt of a real relay process.
#![expect(clippy::expect_used, reason = "a bench that can't go on says so")]

use std::time::Instant;

use venia_relay::server::peer::FRAMES_BURST;
use venia_tests::harness::collector::{Collector, Member, Single};
use venia_tests::harness::world::World;
use venia_tests::measure::ledger::folder;
use venia_tests::measure::{Bench, Relation, Settings, median};
use venia_tests::programs;

/// Events of all rounds together: a connection that sends more than its burst at once is slowed down on purpose, and what
/// was measured then is the brake.
const EVENTS: usize = FRAMES_BURST as usize - 40;
/// Events of the session: more than are measured.
const SESSION: usize = 2 * EVENTS;
/// Bytes of a commit of one event: a batch note and the event, and their index rows.
const COMMIT: usize = 4096;

fn main() {
    let bench = Bench {
        name: "no_log_no_run",
        limit: 1.0,
        at_least: false,
        unit: "ms at p50 until the receipt is verified",
        relation: Relation::Beyond,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (world, collector, disk) = (World::start_in(programs!(), folder()), Collector::default(), folder());
    let mut single = runtime.block_on(async {
        let member = Member::enrolled(&world).await;
        Single::begun(&world, member, SESSION, &collector).await
    });
    let mut bare_file = venia_tests::floor::Bare::create(&disk.path().join("bare"));
    let settings = Settings::read();
    let events = EVENTS / settings.rounds();
    settings.compare(&bench, |_| {
        let (mut ours, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..events {
            let started = Instant::now();
            runtime.block_on(single.record(&collector));
            ours.push(started.elapsed().as_secs_f64() * 1e3);
            let started = Instant::now();
            bare_file.append(COMMIT);
            bare.push(started.elapsed().as_secs_f64() * 1e3);
        }
        (median(&ours), median(&bare))
    });
}
