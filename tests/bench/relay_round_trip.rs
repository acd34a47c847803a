//! A question of 100 bytes and its answer on an open stream through the relay, against a bare forwarder between the same two
//! ends.

use venia_tests::measure::wire::{Through, runtime};
use venia_tests::measure::{Bench, Relation, Settings, median};

/// Round trips of one round.
const TRIPS: usize = 1_500;
/// The same where it only has to run.
const SHORT: usize = 50;

fn main() {
    let bench =
        Bench { name: "relay_round_trip", limit: 1.5, at_least: false, unit: "µs at p50", relation: Relation::Over };
    let settings = Settings::read();
    let trips = if settings.is_short() { SHORT } else { TRIPS };
    let ends = runtime();
    let (ours, floor) = ends.block_on(async { (Through::relay(true).await, Through::forwarder(true).await) });
    settings.compare(&bench, |_| {
        ends.block_on(async {
            let (ours, floor) = (ours.trips(trips).await, floor.trips(trips).await);
            (median(&ours), median(&floor))
        })
    });
}
