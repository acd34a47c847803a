//! Memory of the relay for each agent that waits, registered: at most 35 KB, so that 10,000 fit into 350 MB.

use venia_tests::floor::lean;
use venia_tests::measure::peers::{AGENTS, AGENTS_SHORT, Both, number};
use venia_tests::measure::{Bench, Relation, Settings};
use venia_tests::programs;

fn main() {
    if lean::serve_if_asked() {
        return;
    }
    let bench = Bench {
        name: "relay_memory_each",
        limit: 35.0,
        at_least: false,
        unit: "KB (PSS) per agent",
        relation: Relation::Alone,
    };
    let settings = Settings::read();
    let agents = number(&settings, AGENTS, AGENTS_SHORT);
    settings.compare(&bench, |_| Both::start(programs!()).waits(agents));
}
