//! Events a second at 64 appenders, over a bare file that takes the same batches with one `fdatasync` each: at least 0.75.

use std::time::Instant;

use venia_tests::measure::ledger::{Appender, Log};
use venia_tests::measure::{Bench, Relation, Settings};

const APPENDERS: u16 = 64;
const EVENTS: usize = 32;

fn main() {
    let bench =
        Bench { name: "throughput", limit: 0.75, at_least: true, unit: "events per second", relation: Relation::Over };
    let log = Log::start();
    let mut appenders = log.append((0..APPENDERS).map(Appender::new).collect());
    let (_, mut size) = log.batches(0);
    Settings::read().compare(&bench, |_| {
        appenders.iter_mut().for_each(|appender| appender.prepare(EVENTS));
        let events = (usize::from(APPENDERS) * EVENTS) as f64;
        let started = Instant::now();
        appenders = log.append(std::mem::take(&mut appenders));
        let ours = events / started.elapsed().as_secs_f64();
        let (batches, end) = log.batches(size);
        size = end;
        let mut bare = venia_tests::floor::Bare::create(&log.folder().join("bare"));
        let started = Instant::now();
        batches.iter().for_each(|bytes| bare.append(*bytes));
        (ours, events / started.elapsed().as_secs_f64())
    });
}
