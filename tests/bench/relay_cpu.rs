//! What the relay's thread spends to forward a GB of one session, against a bare forwarder between the same two ends.

use venia_tests::measure::wire::{Through, per_gigabyte, runtime};
use venia_tests::measure::{Bench, Relation, Settings};

/// Bytes of one round.
const BYTES: usize = 200_000_000;
/// The same where it only has to run.
const SHORT: usize = 5_000_000;

fn main() {
    let bench = Bench {
        name: "relay_cpu",
        limit: 1.12,
        at_least: false,
        unit: "seconds of CPU per GB",
        relation: Relation::Over,
    };
    let settings = Settings::read();
    let bytes = if settings.is_short() { SHORT } else { BYTES };
    let ends = runtime();
    let (ours, floor) = ends.block_on(async { (Through::relay(true).await, Through::forwarder(true).await) });
    settings.compare(&bench, |_| {
        ends.block_on(async {
            let (_, ours) = ours.carry(bytes).await;
            let (_, floor) = floor.carry(bytes).await;
            (per_gigabyte(ours, bytes), per_gigabyte(floor, bytes))
        })
    });
}
