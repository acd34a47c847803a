//! CPU the relay spends to record an event, over strict verification of its signature alone: at most 1.6.

use venia_tests::measure::ledger::{Appender, Log};
use venia_tests::measure::{Bench, Relation, Settings, cpu};

const APPENDERS: u16 = 64;
const EVENTS: usize = 32;

fn main() {
    let bench =
        Bench { name: "append", limit: 1.6, at_least: false, unit: "µs of CPU per event", relation: Relation::Over };
    let log = Log::start();
    let mut appenders = log.append((0..APPENDERS).map(Appender::new).collect());
    Settings::read().compare(&bench, |_| {
        appenders.iter_mut().for_each(|appender| appender.prepare(EVENTS));
        let events: Vec<_> = appenders.iter().flat_map(Appender::events).collect();
        let per_event = |spent: std::time::Duration| spent.as_secs_f64() * 1e6 / events.len() as f64;
        let before = cpu();
        venia_tests::floor::verify_strictly(&events);
        let floor = per_event(cpu() - before);
        let before = cpu();
        appenders = log.append(std::mem::take(&mut appenders));
        (per_event(cpu() - before), floor)
    });
}
