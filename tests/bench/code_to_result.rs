//! From the code to the first result: a technician's program waits for a code, it is entered, the person answers at once,
//! *system.overview* runs. Relay, console and workers are the shipped programs, the agent is the shipped code with
//! a scripted person; every connection is real, and so is the record: its disk is memory, so no `fsync` is waited for.
//!
//! What each part takes, the start of the program that waited, and the same on the disk, goes to standard error.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use venia_tests::harness::console::Technician;
use venia_tests::harness::world::World;
use venia_tests::measure::ledger::folder;
use venia_tests::measure::shipped::shipped;
use venia_tests::measure::{Bench, Relation, Settings, median};
use venia_tests::programs;

/// Sessions of one round.
const EACH: usize = 5;
/// The parts, in order.
const PARTS: [&str; 4] = ["to the pairing", "to the person's page", "to the card", "from the yes to the result"];

/// What a session took, in milliseconds, or the middle of several.
struct Took {
    /// From the call of the technician's program until it waited for Enter.
    start: f64,
    /// [`PARTS`], from Enter on.
    parts: [f64; PARTS.len()],
    /// All of them.
    total: f64,
}

/// One session. The person's answers take no time.
#[expect(clippy::expect_used, reason = "a bench that can't go on says so")]
fn session(world: &World, ana: &Technician<'_>) -> Took {
    let mut agent = world.ask("pc");
    let code = agent.code();
    let run = ["--run", "system.overview", "--outcome", "Looked.", "--next", "Nothing."];
    let called = Instant::now();
    let mut console = ana.waiting(&run);
    console.type_in(&code);
    let start = called.elapsed();
    let began = Instant::now();
    console.say("");
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
    let ms = |took: Duration| took.as_secs_f64() * 1e3;
    let parts = [paired, arrived - paired, asked - arrived, done - asked].map(ms);
    Took { start: ms(start), parts, total: ms(done) }
}

/// The middle of some sessions in this folder, of each figure for itself.
fn sessions(programs: &Path, at: TempDir, count: usize) -> Took {
    let world = World::shipped(programs!(), programs, at);
    let ana = world.technician("Ana", 2);
    let all: Vec<_> = (0..count).map(|_| session(&world, &ana)).collect();
    let middle = |figure: &dyn Fn(&Took) -> f64| median(&all.iter().map(figure).collect::<Vec<_>>());
    Took {
        start: middle(&|took| took.start),
        parts: std::array::from_fn(|n| middle(&|took| took.parts[n])),
        total: middle(&|took| took.total),
    }
}

#[expect(clippy::print_stderr, reason = "beside the result")]
fn told(place: &str, took: &Took) {
    eprintln!("{place}: {:.1} ms; until the program waited for the code, {:.0}", took.total, took.start);
    for (part, ms) in PARTS.iter().zip(took.parts) {
        eprintln!("  {part}: {ms:.1} ms");
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
    let programs = shipped(programs!(), &["venia-agent", "venia-relay", "venia"]);
    let settings = Settings::read();
    let count = if settings.is_short() { 1 } else { EACH };
    settings.compare(&bench, |_| {
        let without = sessions(&programs, tempfile::tempdir_in("/dev/shm").expect("memory"), count);
        told("without a disk", &without);
        let with = sessions(&programs, folder(), count);
        told("with the disk", &with);
        (without.total, with.total)
    });
}
