//! A relay that is killed again and again at any moment, and an outsider who keeps every receipt it ever gave: each of
//! them holds in the log that is there afterwards, and no two checkpoints disagree. (LEDGER section 8)
//!
//! `VENIA_KILLS=1000 cargo test -p venia-tests --test killed_relay` is the long mode; 30 kills otherwise. The moments
//! come from `VENIA_SEED`, which a failing run names; what the operating system does between them isn't ours to repeat.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::time::Duration;

use rustix::process::{Signal, kill_process};
use tokio::sync::watch;
use venia_tests::harness::collector::{Collector, Member, Small, carry_on, question};
use venia_tests::harness::world::World;
use venia_tests::programs;
use venia_tests::sim::random::Random;

/// Kills without [`long mode`](self).
const KILLS: u64 = 30;
/// Sessions that are open at a time.
const OPEN: usize = 6;
/// Longest life of a relay after its first receipts, in microseconds.
const LIFE_US: u64 = 60_000;

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_receipt_ever_given_holds_after_every_kill() {
    let (kills, seed) = (setting("VENIA_KILLS", KILLS), setting("VENIA_SEED", 1));
    let mut random = Random::new(seed);
    let mut world = World::start(programs!());
    let mut member = Member::enrolled(&world).await;
    let collector = Collector::default();
    let mut open: Vec<Small> = Vec::new();
    for kill in 1..=kills {
        while open.len() < OPEN {
            open.push(Small::new(&mut random));
        }
        let (tell, killed) = watch::channel(false);
        let (finished, all_over) = watch::channel(false);
        let pid = world.relay.pid();
        let (enough, then) = (collector.receipts() + random.between(0, 30) as usize, random.between(0, LIFE_US));
        let work = async {
            carry_on(&world, &member, &mut open, &collector, killed).await;
            finished.send_replace(true);
        };
        let death = async {
            let mut all_over = all_over;
            // So many receipts at least, so that there is something to lose; then any moment of the next commits.
            tokio::select! {
                () = collector.collected(enough) => tokio::time::sleep(Duration::from_micros(then)).await,
                _ = all_over.wait_for(|over| *over) => (),
            }
            kill_process(pid, Signal::KILL).unwrap();
            tell.send_replace(true);
        };
        tokio::join!(work, death);
        world.kill_relay();
        collector.audit(&world.relay_data);
        world.restart_relay();
        member.return_to(&world).await;
        if kill % 5 == 0 || kill == kills {
            question(&world, &open, &collector).await;
        }
        open.retain(|session| !session.is_over());
    }
    // Nothing is lost by it all: what never got its receipt gets it now.
    let (_tell, alive) = watch::channel(false);
    carry_on(&world, &member, &mut open, &collector, alive).await;
    assert!(open.iter().all(Small::is_over), "seed {seed}");
    question(&world, &open, &collector).await;
    world.kill_relay();
    let size = collector.audit(&world.relay_data);
    assert!(collector.receipts() as u64 > 3 * kills, "{} receipts, {size} entries, seed {seed}", collector.receipts());
}
