//! Every item that only looks, beside `sos report`, processor time of every process they take; intervals that are only sampled aren't counted.

use venia_tests::measure::catalogue::begin;
use venia_tests::measure::{Bench, Relation, Settings};

fn main() {
    let Some(looking) = begin() else { return };
    let bench =
        Bench { name: "catalogue_cpu", limit: 0.10, at_least: false, unit: "s of CPU", relation: Relation::Over };
    let items = looking.reading();
    Settings::read().compare(&bench, |_| {
        let ours = looking.look(&items).cpu.as_secs_f64();
        (ours, venia_tests::measure::catalogue::sos_report().cpu.as_secs_f64())
    });
}
