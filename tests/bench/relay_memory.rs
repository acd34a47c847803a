//! Memory of the relay for each agent that waits, registered, over that of a bare server with the same settings: at most 1.2.

use venia_tests::floor::lean;
use venia_tests::measure::peers::{AGENTS, AGENTS_SHORT, Both, number};
use venia_tests::measure::{Bench, Relation, Settings};
use venia_tests::programs;

fn main() {
    if lean::serve_if_asked() {
        return;
    }
    let bench = Bench {
        name: "relay_memory",
        limit: 1.2,
        at_least: false,
        unit: "KB (PSS) per agent",
        relation: Relation::Over,
    };
    let settings = Settings::read();
    let agents = number(&settings, AGENTS, AGENTS_SHORT);
    settings.compare(&bench, |_| Both::start(programs!()).waits(agents));
}
