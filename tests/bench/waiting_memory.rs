//! The agent's memory while its code is shown and nobody comes: at most 12 MB, shared pages counted by their share.
//!
//! The program measured is the one that is shipped, at a terminal, built here: one of this package that is nothing but the agent
//! has half a megabyte more code.

use venia_tests::harness::world::World;
use venia_tests::measure::ledger::folder;
use venia_tests::measure::outside::memory;
use venia_tests::measure::shipped::shipped;
use venia_tests::measure::{Bench, Relation, Settings};
use venia_tests::programs;

fn main() {
    let bench =
        Bench { name: "waiting_memory", limit: 12.0, at_least: false, unit: "MB (PSS)", relation: Relation::Alone };
    let agent = shipped(programs!(), &["venia-agent"]).join("venia-agent");
    let world = World::start_in(programs!(), folder());
    Settings::read().compare(&bench, |_| {
        let waiting = world.ask_at_a_terminal(&agent, "pc");
        #[expect(clippy::cast_precision_loss, reason = "megabytes")]
        let memory = memory(&waiting) as f64 / 1e6;
        (memory, 0.0)
    });
}
