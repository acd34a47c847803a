//! The agent's processor time while its code is shown and nobody comes: at most 0.1 % of a core.

use std::thread::sleep;
use std::time::{Duration, Instant};

use venia_tests::harness::world::World;
use venia_tests::measure::ledger::folder;
use venia_tests::measure::outside::cpu;
use venia_tests::measure::{Bench, Relation, Settings};
use venia_tests::programs;

/// Longer than the agent's keep-alive.
const WATCHED: Duration = Duration::from_secs(20);
/// When it is only to be seen that it runs.
const WATCHED_SHORT: Duration = Duration::from_secs(3);

fn main() {
    let bench =
        Bench { name: "waiting_cpu", limit: 0.1, at_least: false, unit: "% of a core", relation: Relation::Alone };
    let settings = Settings::read();
    let watched = if settings.is_short() { WATCHED_SHORT } else { WATCHED };
    let world = World::start_in(programs!(), folder());
    let mut agent = world.ask("pc");
    agent.code();
    // What it still does after that is its start.
    sleep(Duration::from_secs(1));
    settings.compare(&bench, |_| {
        let (began, before) = (Instant::now(), cpu(&agent.process));
        sleep(watched);
        let cpu = cpu(&agent.process).saturating_sub(before).as_secs_f64();
        (100.0 * cpu / began.elapsed().as_secs_f64(), 0.0)
    });
}
