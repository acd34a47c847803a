//! Every item that only looks, beside `sos report`, wall time; intervals that are only sampled aren't counted.

use venia_tests::measure::catalogue::begin;
use venia_tests::measure::{Bench, Relation, Settings};

fn main() {
    let Some(looking) = begin() else { return };
    let bench =
        Bench { name: "catalogue", limit: 0.15, at_least: false, unit: "s of wall time", relation: Relation::Over };
    let items = looking.reading();
    Settings::read().compare(&bench, |_| {
        let ours = looking.look(&items).wall.as_secs_f64();
        (ours, venia_tests::measure::catalogue::sos_report().wall.as_secs_f64())
    });
}
