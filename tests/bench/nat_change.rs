//! A box gives a technician another address and tells nobody: how long until the session's traffic flows again, 95 of 100.

use std::time::Duration;

use venia_relay::server::roaming::ASK_MS;
use venia_tests::harness::world::World;
use venia_tests::measure::ends::{Waiting, first_byte, moving};
use venia_tests::measure::ledger::folder;
use venia_tests::measure::{Bench, Relation, Settings};
use venia_tests::programs;

/// Changes of one round.
const CHANGES: usize = 20;
/// The same where it only has to run.
const SHORT: usize = 2;
/// A peer is asked for proof once in a second: sooner, that is what would be measured.
const REST: Duration = Duration::from_millis(ASK_MS + 50);

#[expect(clippy::expect_used, reason = "a bench that can't go on says so")]
fn main() {
    let bench =
        Bench { name: "nat_change", limit: 150.0, at_least: false, unit: "ms at p95", relation: Relation::Alone };
    let settings = Settings::read();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let _entered = runtime.enter();
    let world = World::start_in(programs!(), folder());
    let (nat, mut talk) = runtime.block_on(async {
        let (nat, member) = moving(&world).await;
        let (talk, _) = first_byte(&member, Waiting::begin(&world).await).await;
        (nat, (talk, member))
    });
    let changes = if settings.is_short() { SHORT } else { CHANGES };
    settings.compare(&bench, |_| {
        runtime.block_on(async {
            let mut took = Vec::new();
            for _ in 0..changes {
                tokio::time::sleep(REST).await;
                talk.0.ping().await;
                nat.renew().await;
                took.push(talk.0.ping().await.as_secs_f64() * 1e3);
            }
            took.sort_by(f64::total_cmp);
            (took[(took.len() * 95).div_ceil(100) - 1], 0.0)
        })
    });
}
