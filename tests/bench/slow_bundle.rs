//! The whole *slow computer* goal through a real session, from the person's *allow* to the likely cause: at most 1.5 s, the
//! sampled interval aside.

use venia_tests::harness::world::World;
use venia_tests::measure::ledger::folder;
use venia_tests::measure::sitting::goal;
use venia_tests::measure::{Bench, Relation, Settings};
use venia_tests::programs;

fn main() {
    let bench = Bench {
        name: "slow_bundle",
        limit: 1.5,
        at_least: false,
        unit: "s from the consent to the likely cause",
        relation: Relation::Alone,
    };
    let world = World::start_in(programs!(), folder());
    let technician = world.technician("Ana", 5);
    Settings::read().compare(&bench, |_| (goal(&world, &technician, "slow-computer").as_secs_f64(), 0.0));
}
