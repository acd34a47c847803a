//! The agent's memory in a session in which nothing happens: at most 15 MB, shared pages counted by their share.
//!
//! The program measured is the one of `cargo try`, which is larger than the agent alone.

use venia_tests::harness::world::World;
use venia_tests::measure::ledger::folder;
use venia_tests::measure::sitting::idle;
use venia_tests::measure::{Bench, Relation, Settings};
use venia_tests::programs;

fn main() {
    let bench =
        Bench { name: "idle_memory", limit: 15.0, at_least: false, unit: "MB (PSS)", relation: Relation::Alone };
    let world = World::start_in(programs!(), folder());
    let technician = world.technician("Ana", 2);
    Settings::read().compare(&bench, |_| {
        let mut session = idle(&world, &technician);
        #[expect(clippy::cast_precision_loss, reason = "megabytes")]
        let memory = session.memory() as f64 / 1e6;
        session.agent.process.say("stop");
        session.agent.end();
        (memory, 0.0)
    });
}
