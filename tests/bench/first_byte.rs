//! The first byte from the other end, control connections standing: joining by number, the flow, the handshake end to end, and
//! one byte there and back, against the same handshake and byte without a relay.

use venia_tests::harness::world::World;
use venia_tests::measure::ends::{Direct, Member, Waiting, first_byte};
use venia_tests::measure::ledger::folder;
use venia_tests::measure::{Bench, Relation, Settings, median};
use venia_tests::programs;

/// Connections of one round, ours and the floor in turn.
const EACH: usize = 40;
/// The same where it only has to run.
const SHORT: usize = 3;

#[expect(clippy::expect_used, reason = "a bench that can't go on says so")]
fn main() {
    let bench = Bench { name: "first_byte", limit: 1.5, at_least: false, unit: "ms at p50", relation: Relation::Over };
    let settings = Settings::read();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let _entered = runtime.enter();
    let world = World::start_in(programs!(), folder());
    let member = runtime.block_on(Member::at(&world, "Ana", world.listening()));
    let direct = Direct::build();
    let each = if settings.is_short() { SHORT } else { EACH };
    settings.compare(&bench, |_| {
        runtime.block_on(async {
            let (mut ours, mut floor) = (Vec::new(), Vec::new());
            for _ in 0..each {
                let waiting = Waiting::begin(&world).await;
                let (talk, took) = first_byte(&member, waiting).await;
                member.leaves(&talk);
                ours.push(took.as_secs_f64() * 1e3);
                floor.push(direct.first_byte().await.as_secs_f64() * 1e3);
            }
            (median(&ours), median(&floor))
        })
    });
}
