//! Processor time of the relay for a peer that connects, registers and leaves, over that of a bare server with the same settings:
//! at most 1.15.
//!
//! What a relay has to bear when everybody comes back after a restart: a handshake in which both prove their keys, a welcome, a
//! number, a goodbye.

use venia_tests::floor::lean;
use venia_tests::measure::peers::{Both, PER_SOURCE, number};
use venia_tests::measure::{Bench, Relation, Settings};
use venia_tests::programs;

fn main() {
    if lean::serve_if_asked() {
        return;
    }
    let bench = Bench {
        name: "reconnect_cpu",
        limit: 1.15,
        at_least: false,
        unit: "µs of CPU per peer",
        relation: Relation::Over,
    };
    let settings = Settings::read();
    let peers = number(&settings, PER_SOURCE, 50);
    let mut both = Both::start(programs!());
    // What is done only once, for both.
    both.visits(50);
    settings.compare(&bench, |_| both.visits(peers));
}
