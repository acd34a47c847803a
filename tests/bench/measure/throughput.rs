//! Events a second at 64 appenders, over a bare file that takes the same batches with one `fdatasync` each.
//!
//! What stands between the two is the arithmetic and the database between two fsyncs: the faster the disk, the more of it
//! shows.

use std::process::Command;
use std::time::Instant;

use super::ledger::{Appender, Log};
use super::{Bench, Relation, Settings};

const APPENDERS: u16 = 64;
const EVENTS: usize = 32;
/// Tells a child that its disk is slowed down.
const CHILD: &str = "--on-a-slow-disk";

/// On the disk as it is.
pub fn compare(name: &'static str) {
    let bench = Bench { name, limit: 0.75, at_least: true, unit: "events per second", relation: Relation::Over };
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
        let mut bare = crate::floor::Bare::create(&log.folder().join("bare"));
        let started = Instant::now();
        batches.iter().for_each(|bytes| bare.append(*bytes));
        (ours, events / started.elapsed().as_secs_f64())
    });
}

/// On a disk on which each sync takes so many milliseconds longer: the whole bench runs under strace(1), which holds back
/// the return of `fsync` and `fdatasync`, of ours and of the floor alike, and lets every other system call alone.
pub fn compare_on_slower_disk(name: &'static str, ms: u32) {
    if std::env::args().any(|argument| argument == CHILD) {
        return compare(name);
    }
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e"]);
    strace.arg(format!("inject=fsync,fdatasync:delay_exit={}", ms * 1_000));
    strace.arg(std::env::current_exe().expect("this program")).args(std::env::args_os().skip(1)).arg(CHILD);
    let status = strace.status().expect("strace must be installed");
    assert!(status.success(), "strace: {status}");
}
