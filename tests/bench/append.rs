//! CPU the relay spends to record an event, over strict verification of its signature alone: at most 1.6.
//!
//! Everything between a submission's bytes and its receipts is counted, in every thread and in the kernel: reading, the
//! signature, the chain, the tree, the database with its checkpoints, the relay's own signatures, and waking who waits.
//! Writing and signing the events isn't: that is the agents' work, done before.
#![expect(clippy::expect_used, reason = "a bench that can't go on says so")]

use venia_tests::measure::ledger::{Appender, Log};
use venia_tests::measure::{Bench, Relation, Settings, cpu};

const APPENDERS: u16 = 64;
const EVENTS: usize = 32;

fn main() {
    let bench =
        Bench { name: "append", limit: 1.6, at_least: false, unit: "µs of CPU per event", relation: Relation::Over };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let log = Log::start();
    let mut appenders = log.append(&runtime, (0..APPENDERS).map(Appender::new).collect());
    Settings::read().compare(&bench, |_| {
        appenders.iter_mut().for_each(|appender| appender.prepare(EVENTS));
        let events: Vec<_> = appenders.iter().flat_map(Appender::events).collect();
        let per_event = |spent: std::time::Duration| spent.as_secs_f64() * 1e6 / events.len() as f64;
        let before = cpu();
        venia_tests::floor::verify_strictly(&events);
        let floor = per_event(cpu() - before);
        let before = cpu();
        appenders = log.append(&runtime, std::mem::take(&mut appenders));
        (per_event(cpu() - before), floor)
    });
}
