//! What iroh's relay spends to carry a GB between two ends that reach each other by it alone, against ours, in turn. Its relay runs
//! on one thread, as ours here; both sessions are encrypted end to end.
//!
//! `cargo bench -p venia-tests --features iroh --bench iroh_relay`: builds the peer first, which lives in a workspace of its own
//! (`tests/bench/iroh`), so nothing else waits for its 250 crates.

use std::path::Path;
use std::process::Command;

use venia_tests::harness::process::Process;
use venia_tests::measure::outside;
use venia_tests::measure::wire::{Through, per_gigabyte, runtime};
use venia_tests::measure::{Bench, Relation, Settings};

/// Bytes of one round.
const BYTES: usize = 100_000_000;
/// The same where it only has to run.
const SHORT: usize = 5_000_000;

#[expect(clippy::expect_used, reason = "a bench that can't go on says so")]
fn main() {
    let bench = Bench {
        name: "iroh_relay",
        limit: 6.0,
        at_least: true,
        unit: "seconds of CPU per GB; `ours` is iroh's relay, `floor` is ours",
        relation: Relation::Over,
    };
    let settings = Settings::read();
    let bytes = if settings.is_short() { SHORT } else { BYTES };
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/iroh");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("iroh");
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--release", "--locked", "--manifest-path"]).arg(package.join("Cargo.toml"));
    assert!(build.env("CARGO_TARGET_DIR", &target).status().expect("cargo").success(), "the peer doesn't build");
    let program = target.join("release/venia-bench-iroh");
    let logs = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(&program);
    command.arg("relay");
    let mut relay = Process::start("iroh-relay", command, logs.path());
    let url = relay.line("its address", |line| line.strip_prefix("url: ").map(str::to_owned));
    let mut command = Command::new(&program);
    command.args(["ends", &url]);
    let mut ends = Process::start("iroh-ends", command, logs.path());
    ends.line("that they met", |line| (line == "ready").then_some(()));
    let runtime = runtime();
    let ours = runtime.block_on(Through::relay(true));
    settings.compare(&bench, |_| {
        let before = outside::cpu(&relay);
        ends.say(&bytes.to_string());
        ends.line("the bytes", |line| (line == "done").then_some(()));
        let theirs = outside::cpu(&relay).saturating_sub(before);
        let (_, ours) = runtime.block_on(ours.carry(bytes));
        (per_gigabyte(theirs, bytes), per_gigabyte(ours, bytes))
    });
}
