//! Memory at the peak of a process that verifies a ledger of a million events: at most 100 MiB. The floor is the same with
//! one session.

use venia_tests::measure::history::{History, SESSION, as_child};
use venia_tests::measure::{Bench, Relation, Settings};

fn main() {
    if as_child() {
        return;
    }
    let settings = Settings::read();
    let (events, unit) = if settings.is_short() {
        (20_000, "MiB of memory at the peak, 20,000 events")
    } else {
        (1_000_000, "MiB of memory at the peak, 1,000,000 events")
    };
    let bench = Bench { name: "ledger_verify_memory", limit: 100.0, at_least: false, unit, relation: Relation::Alone };
    let (history, one) = (History::write(events, |_, _| {}), History::write(SESSION, |_, _| {}));
    // The same bytes every time: what varies is the allocator's alone.
    settings.once().compare(&bench, |_| (history.verify(2).peak, one.verify(2).peak));
}
