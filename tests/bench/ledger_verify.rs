//! CPU of verifying a whole ledger, from the start of the process to its end, over strict verification of its signatures
//! alone: at most 1.1.

use venia_tests::measure::history::{History, as_child};
use venia_tests::measure::{Bench, Relation, Settings, cpu};

/// Events, and in one short round.
const EVENTS: [u64; 2] = [20_000, 2_000];

fn main() {
    if as_child() {
        return;
    }
    let bench = Bench {
        name: "ledger_verify",
        limit: 1.1,
        at_least: false,
        unit: "µs of CPU per signature",
        relation: Relation::Over,
    };
    let settings = Settings::read();
    let mut signatures = Vec::new();
    let events = EVENTS[usize::from(settings.is_short())];
    let history = History::write(events, |note, key| signatures.push((note, key.clone())));
    settings.compare(&bench, |_| {
        let each = |seconds: f64| seconds * 1e6 / signatures.len() as f64;
        let before = cpu();
        venia_tests::floor::verify_notes_strictly(&signatures);
        let floor = (cpu() - before).as_secs_f64();
        (each(history.verify(1).cpu), each(floor))
    });
}
