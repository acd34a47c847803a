//! The agent's memory while its code is shown and nobody comes: at most 12 MB, shared pages counted by their share.
//!
//! The program measured is the agent as it is shipped, at a terminal.

use std::path::Path;

use venia_tests::harness::world::World;
use venia_tests::measure::ledger::folder;
use venia_tests::measure::outside::memory;
use venia_tests::measure::{Bench, Relation, Settings};
use venia_tests::programs;

fn main() {
    let bench =
        Bench { name: "waiting_memory", limit: 12.0, at_least: false, unit: "MB (PSS)", relation: Relation::Alone };
    let world = World::start_in(programs!(), folder());
    Settings::read().compare(&bench, |_| {
        let agent = world.ask_at_a_terminal(Path::new(env!("CARGO_BIN_EXE_venia-alone")), "pc");
        #[expect(clippy::cast_precision_loss, reason = "megabytes")]
        let memory = memory(&agent) as f64 / 1e6;
        (memory, 0.0)
    });
}
