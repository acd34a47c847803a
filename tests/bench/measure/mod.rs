//! How a bench measures and what it prints: interleaved rounds of ours and the floor, medians, one line of JSON.
//!
//! CPU time is the kernel's own accounting of this process, every thread included (clock_gettime(2),
//! `CLOCK_PROCESS_CPUTIME_ID`). A missed limit is printed like any other number: it is shown, never hidden, and fails nothing.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench that can't go on says so; its result is a line")]

pub mod catalogue;
pub mod ends;
pub mod history;
pub mod ledger;
pub mod mirror;
pub mod outside;
pub mod peers;
pub mod shipped;
pub mod sitting;
pub mod throughput;
pub mod wire;

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

/// Rounds without `--rounds`.
const ROUNDS: usize = 8;

/// What the command line says: `--json`, `--rounds N`; what cargo itself passes is ignored.
pub struct Settings {
    rounds: usize,
    json: bool,
}

impl Settings {
    /// Reads the arguments.
    pub fn read() -> Self {
        let arguments: Vec<String> = std::env::args().collect();
        let value = arguments.iter().position(|argument| argument == "--rounds").map(|at| &arguments[at + 1]);
        let rounds = value.map_or(ROUNDS, |rounds| rounds.parse().expect("a number of rounds"));
        Self { rounds, json: arguments.iter().any(|argument| argument == "--json") }
    }

    /// How many rounds there are.
    pub fn rounds(&self) -> usize {
        self.rounds
    }

    /// One round: whether it runs, not how well.
    pub fn is_short(&self) -> bool {
        self.rounds == 1
    }

    /// Once is enough for what doesn't vary.
    #[must_use]
    pub fn once(self) -> Self {
        Self { rounds: 1, ..self }
    }

    /// Runs the rounds, ours and the floor in turn, and prints `ours / floor` of the medians.
    pub fn compare(&self, bench: &Bench, mut round: impl FnMut(usize) -> (f64, f64)) {
        let (ours, floors): (Vec<f64>, Vec<f64>) = (0..self.rounds).map(&mut round).unzip();
        let ratios: Vec<f64> = ours.iter().zip(&floors).map(|(ours, floor)| bench.relation.of(*ours, *floor)).collect();
        let (ours, floor) = (median(&ours), median(&floors));
        self.print(bench, bench.relation.of(ours, floor), ours, floor, &ratios);
    }

    fn print(&self, bench: &Bench, ratio: f64, ours: f64, floor: f64, ratios: &[f64]) {
        let spread = [ratios.iter().copied().fold(f64::INFINITY, f64::min), ratios.iter().copied().fold(0.0, f64::max)];
        let met = if bench.at_least { ratio >= bench.limit } else { ratio <= bench.limit };
        let (name, limit, unit, rounds) = (bench.name, bench.limit, bench.unit, self.rounds);
        if self.json {
            let spread = spread.map(rounded);
            let (ratio, ours, floor) = (rounded(ratio), rounded(ours), rounded(floor));
            println!(
                "{}",
                json!({
                    "bench": name, "ratio": ratio, "limit": limit, "ours": ours, "floor": floor, "unit": unit,
                    "rounds": rounds, "spread": spread
                })
            );
        } else {
            let (side, word) = (if bench.at_least { "≥" } else { "≤" }, if met { "reached" } else { "MISSED" });
            println!("{name}: {ratio:.3} ({side} {limit}: {word}); ours {ours:.3}, floor {floor:.3} {unit}");
        }
    }
}

/// What a bench is called and must reach.
pub struct Bench {
    /// Its name on the command line.
    pub name: &'static str,
    /// What the ratio must reach.
    pub limit: f64,
    /// Whether larger is better.
    pub at_least: bool,
    /// Of `ours` and `floor`.
    pub unit: &'static str,
    /// What is called the ratio.
    pub relation: Relation,
}

/// How ours is held against the floor.
pub enum Relation {
    /// Ours divided by the floor.
    Over,
    /// Ours less the floor: what is added.
    Beyond,
    /// Ours as it is.
    Alone,
}

impl Relation {
    fn of(&self, ours: f64, floor: f64) -> f64 {
        match self {
            Self::Over => ours / floor,
            Self::Beyond => ours - floor,
            Self::Alone => ours,
        }
    }
}

/// CPU time this process has used so far.
pub fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).expect("below a second"))
}

/// The middle of these numbers.
pub fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

fn rounded(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}
