//! How much one session carries a second through the relay, against a bare forwarder between the same two ends. All of them
//! share this computer's cores, so it says little about a network; `relay_cpu` is what counts.

use venia_tests::measure::wire::{Through, runtime};
use venia_tests::measure::{Bench, Relation, Settings};

/// Bytes of one round.
const BYTES: usize = 200_000_000;
/// The same where it only has to run.
const SHORT: usize = 5_000_000;

fn main() {
    let bench = Bench {
        name: "relay_throughput",
        limit: 0.95,
        at_least: true,
        unit: "MB per second",
        relation: Relation::Over,
    };
    let settings = Settings::read();
    let bytes = if settings.is_short() { SHORT } else { BYTES };
    let ends = runtime();
    let (ours, floor) = ends.block_on(async { (Through::relay(true).await, Through::forwarder(true).await) });
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = |took: std::time::Duration| bytes as f64 / 1e6 / took.as_secs_f64();
    settings.compare(&bench, |_| {
        ends.block_on(async {
            let (ours, _) = ours.carry(bytes).await;
            let (floor, _) = floor.carry(bytes).await;
            (rate(ours), rate(floor))
        })
    });
}
