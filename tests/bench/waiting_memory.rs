//! The agent's memory while its code is shown and nobody comes: at most 12 MB, shared pages counted by their share.
//!
//! The program measured is the one that is shipped, at a terminal, built here: one of this package that is nothing but the agent
//! has half a megabyte more code.

use std::path::{Path, PathBuf};
use std::process::Command;

use venia_tests::harness::world::World;
use venia_tests::measure::ledger::folder;
use venia_tests::measure::outside::memory;
use venia_tests::measure::{Bench, Relation, Settings};
use venia_tests::programs;

/// The agent, built as this bench is: `target/release/venia-agent` or `target/debug/venia-agent`.
#[expect(clippy::expect_used, reason = "a bench that can't go on says so")]
fn shipped() -> PathBuf {
    let beside = Path::new(env!("CARGO_BIN_EXE_venia-try")).parent().expect("a folder");
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--workspace", "--bin", "venia-agent", "--locked", "--quiet"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    build.current_dir(env!("CARGO_MANIFEST_DIR")).env("CARGO_TARGET_DIR", beside.parent().expect("a folder"));
    assert!(build.status().expect("cargo").success(), "the agent doesn't build");
    beside.join("venia-agent")
}

fn main() {
    let bench =
        Bench { name: "waiting_memory", limit: 12.0, at_least: false, unit: "MB (PSS)", relation: Relation::Alone };
    let agent = shipped();
    let world = World::start_in(programs!(), folder());
    Settings::read().compare(&bench, |_| {
        let waiting = world.ask_at_a_terminal(&agent, "pc");
        #[expect(clippy::cast_precision_loss, reason = "megabytes")]
        let memory = memory(&waiting) as f64 / 1e6;
        (memory, 0.0)
    });
}
