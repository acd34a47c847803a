//! How long `venia audit search` takes over the words of 10,000 sessions, from the start of the process to its end: at most
//! 3 s, which is what the ratio is to.

use venia_tests::measure::mirror::{NEEDLE, PLANTED, copy, timed};
use venia_tests::measure::{Bench, Relation, Settings};
use venia_tests::programs;

const LIMIT_MS: f64 = 3_000.0;

fn main() {
    let bench = Bench {
        name: "audit_search",
        limit: 1.0,
        at_least: false,
        unit: "ms from start to end of the process, over the limit",
        relation: Relation::Over,
    };
    let (_world, data) = copy(programs!());
    Settings::read().compare(&bench, |_| (timed(programs!(), &data, &["search", NEEDLE], PLANTED), LIMIT_MS));
}
