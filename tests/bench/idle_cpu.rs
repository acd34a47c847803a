//! The agent's processor time in a session in which nothing happens: at most 0.3 % of a core.

use std::thread::sleep;
use std::time::{Duration, Instant};

use venia_tests::harness::world::World;
use venia_tests::measure::ledger::folder;
use venia_tests::measure::sitting::idle;
use venia_tests::measure::{Bench, Relation, Settings};
use venia_tests::programs;

/// Long enough that one clock tick is a twentieth of the limit.
const WATCHED: Duration = Duration::from_secs(60);

fn main() {
    let bench = Bench { name: "idle_cpu", limit: 0.3, at_least: false, unit: "% of a core", relation: Relation::Alone };
    let settings = Settings::read();
    let watched = if settings.is_short() { WATCHED / 30 } else { WATCHED };
    let world = World::start_in(programs!(), folder());
    let technician = world.technician("Ana", 2);
    let session = idle(&world, &technician);
    settings.compare(&bench, |_| {
        let (began, before) = (Instant::now(), session.cpu());
        sleep(watched);
        let cpu = session.cpu().saturating_sub(before).as_secs_f64();
        (100.0 * cpu / began.elapsed().as_secs_f64(), 0.0)
    });
}
