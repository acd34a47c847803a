//! How long `venia audit list` takes over 10,000 sessions, from the start of the process to its end: at most 200 ms, which
//! is what the ratio is to.

use venia_tests::measure::mirror::{SESSIONS, copy, timed};
use venia_tests::measure::{Bench, Relation, Settings};
use venia_tests::programs;

const LIMIT_MS: f64 = 200.0;

fn main() {
    let bench = Bench {
        name: "audit_list",
        limit: 1.0,
        at_least: false,
        unit: "ms from start to end of the process, over the limit",
        relation: Relation::Over,
    };
    let (_world, data) = copy(programs!());
    Settings::read().compare(&bench, |_| (timed(programs!(), &data, &["list"], SESSIONS), LIMIT_MS));
}
