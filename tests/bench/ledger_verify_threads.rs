//! CPU of verifying a whole ledger on two threads, over the same on one: what it costs to share the work, at most 1.1.

use venia_tests::measure::history::{History, as_child};
use venia_tests::measure::{Bench, Relation, Settings};

/// Events, and in one short round.
const EVENTS: [u64; 2] = [20_000, 2_000];

fn main() {
    if as_child() {
        return;
    }
    let bench = Bench {
        name: "ledger_verify_threads",
        limit: 1.1,
        at_least: false,
        unit: "s of CPU, all threads",
        relation: Relation::Over,
    };
    let settings = Settings::read();
    let history = History::write(EVENTS[usize::from(settings.is_short())], |_, _| {});
    settings.compare(&bench, |_| (history.verify(2).cpu, history.verify(1).cpu));
}
