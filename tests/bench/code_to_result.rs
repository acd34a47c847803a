//! From the code to the first result: a technician's program is given the code, the person answers at once, *system.overview*
//! runs. Every program and connection is real, and so is the record: its disk is memory, so no `fsync` is waited for.
//!
//! What each part takes, and the same on the disk, goes to standard error.

use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;
use venia_tests::harness::world::World;
use venia_tests::measure::ledger::folder;
use venia_tests::measure::{Bench, Relation, Settings, median};
use venia_tests::programs;

/// Sessions of one round.
const EACH: usize = 5;
/// The parts, in order.
const PARTS: [&str; 4] = ["to the pairing", "to the person's page", "to the card", "from the yes to the result"];

/// One session: milliseconds of each part. The person's answers take no time.
#[expect(clippy::expect_used, reason = "a bench that can't go on says so")]
fn session(world: &World, ana: &venia_tests::harness::console::Technician<'_>) -> [f64; PARTS.len()] {
    let mut agent = world.ask("pc");
    let code = agent.code();
    let run = ["--run", "system.overview", "--outcome", "Looked.", "--next", "Nothing."];
    // The program is there and waits for the code.
    let mut console = ana.waiting(&run);
    let began = Instant::now();
    console.say(&code);
    let event = |line: &str, name: &str| {
        let said: Value = serde_json::from_str(line).expect("an object");
        (said["event"] == name).then_some(())
    };
    console.line("the pairing", |line| event(line, "paired"));
    let paired = began.elapsed();
    agent.answer("arrival", "yes");
    let arrived = began.elapsed();
    agent.answer("consent", "allow");
    let asked = began.elapsed();
    console.line("a result", |line| event(line, "result"));
    let done = began.elapsed();
    assert_eq!(console.exit(), 0, "{}", console.errors());
    agent.end();
    [paired, arrived - paired, asked - arrived, done - asked].map(|part| part.as_secs_f64() * 1e3)
}

/// Sessions in this folder: the median of their totals and of each part.
fn sessions(at: TempDir, count: usize) -> (f64, Vec<f64>) {
    let world = World::start_in(programs!(), at);
    let ana = world.technician("Ana", 2);
    let all: Vec<_> = (0..count).map(|_| session(&world, &ana)).collect();
    let total: Vec<f64> = all.iter().map(|parts| parts.iter().sum()).collect();
    let parts = (0..PARTS.len()).map(|n| median(&all.iter().map(|parts| parts[n]).collect::<Vec<_>>())).collect();
    (median(&total), parts)
}

#[expect(clippy::print_stderr, reason = "beside the result")]
fn told(place: &str, total: f64, parts: &[f64]) {
    eprintln!("{place}: {total:.1} ms");
    for (part, took) in PARTS.iter().zip(parts) {
        eprintln!("  {part}: {took:.1} ms");
    }
}

#[expect(clippy::expect_used, reason = "a bench that can't go on says so")]
fn main() {
    let bench = Bench {
        name: "code_to_result",
        limit: 40.0,
        at_least: false,
        unit: "ms from the code to the first result",
        relation: Relation::Alone,
    };
    let settings = Settings::read();
    let count = if settings.is_short() { 1 } else { EACH };
    settings.compare(&bench, |_| {
        let (total, parts) = sessions(tempfile::tempdir_in("/dev/shm").expect("memory"), count);
        told("without a disk", total, &parts);
        let (with, parts) = sessions(folder(), count);
        told("with the disk", with, &parts);
        (total, with)
    });
}
