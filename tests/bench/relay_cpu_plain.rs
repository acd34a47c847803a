//! The same where nothing comes in batches: ends that hand the kernel one packet at a time, against a bare forwarder that sends
//! each packet on by itself. What a relay on the Internet sees lies between this and `relay_cpu`.

use venia_tests::measure::wire::{Through, per_gigabyte, runtime};
use venia_tests::measure::{Bench, Relation, Settings};

/// Bytes of one round.
const BYTES: usize = 50_000_000;
/// The same where it only has to run.
const SHORT: usize = 2_000_000;

fn main() {
    let bench = Bench {
        name: "relay_cpu_plain",
        limit: 1.15,
        at_least: false,
        unit: "seconds of CPU per GB",
        relation: Relation::Over,
    };
    let settings = Settings::read();
    let bytes = if settings.is_short() { SHORT } else { BYTES };
    let ends = runtime();
    let (ours, floor) = ends.block_on(async { (Through::relay(false).await, Through::forwarder(false).await) });
    settings.compare(&bench, |_| {
        ends.block_on(async {
            let (_, ours) = ours.carry(bytes).await;
            let (_, floor) = floor.carry(bytes).await;
            (per_gigabyte(ours, bytes), per_gigabyte(floor, bytes))
        })
    });
}
