//! Events a second at 64 appenders, over a bare file that takes the same batches with one `fdatasync` each: at least 0.75.
//!
//! What stands between the two is the arithmetic and the database between two fsyncs: the faster the disk, the more of it
//! shows.
#![expect(clippy::expect_used, reason = "a bench that can't go on says so")]

use std::time::Instant;

use venia_tests::measure::ledger::{Appender, Log};
use venia_tests::measure::{Bench, Relation, Settings};

const APPENDERS: u16 = 64;
const EVENTS: usize = 32;

fn main() {
    let bench =
        Bench { name: "throughput", limit: 0.75, at_least: true, unit: "events per second", relation: Relation::Over };
    // As many threads as the relay itself runs on.
    let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
    let log = Log::start();
    let mut appenders = log.append(&runtime, (0..APPENDERS).map(Appender::new).collect());
    let (_, mut size) = log.batches(0);
    Settings::read().compare(&bench, |_| {
        appenders.iter_mut().for_each(|appender| appender.prepare(EVENTS));
        let events = (usize::from(APPENDERS) * EVENTS) as f64;
        let started = Instant::now();
        appenders = log.append(&runtime, std::mem::take(&mut appenders));
        let ours = events / started.elapsed().as_secs_f64();
        let (batches, end) = log.batches(size);
        size = end;
        let mut bare = venia_tests::floor::Bare::create(&log.folder().join("bare"));
        let started = Instant::now();
        batches.iter().for_each(|bytes| bare.append(*bytes));
        (ours, events / started.elapsed().as_secs_f64())
    });
}
