//! How large the bundle of a session of 50 events is, its parts withheld: at most 250 KB. It must be intact to count.
#![expect(clippy::expect_used, reason = "a bench that can't go on says so")]

use venia_proto::ledger::bundle::Bundle;
use venia_tests::measure::ledger::bundle;
use venia_tests::measure::{Bench, Relation, Settings};
use venia_tests::programs;

fn main() {
    let bench = Bench { name: "bundle", limit: 250.0, at_least: false, unit: "kB", relation: Relation::Alone };
    Settings::read().compare(&bench, |_| {
        let (_world, zip) = bundle(programs!());
        // The floor: the signed events alone, without a proof or a key.
        let events = Bundle::from_zip(&zip).expect("a bundle").entries;
        let alone: usize = events.iter().map(|entry| entry.event.len()).sum();
        (zip.len() as f64 / 1e3, alone as f64 / 1e3)
    });
}
