//! How often the disk is waited for per commit: exactly once, WAL checkpoints apart.
//!
//! Counted from outside, by the system calls a child really makes (strace(1), which `tests/run` installs): a child of 32
//! commits and one of 64 differ by their commits alone. No database of that size is checkpointed.
#![expect(clippy::expect_used, reason = "a bench that can't go on says so")]

use std::process::Command;

use venia_tests::measure::ledger::{Appender, folder, open};
use venia_tests::measure::{Bench, Relation, Settings};

const COMMITS: usize = 32;
/// Tells a child how many commits to make.
const CHILD: &str = "--commits";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == CHILD) {
        return commit(arguments[at + 1].parse().expect("a number"));
    }
    let bench = Bench {
        name: "fsyncs",
        limit: 1.0,
        at_least: false,
        unit: "fsync and fdatasync per commit",
        relation: Relation::Over,
    };
    Settings::read().compare(&bench, |_| {
        let more = counted(2 * COMMITS) - counted(COMMITS);
        (more as f64 / COMMITS as f64, 1.0)
    });
}

/// One appender: each event is a commit of its own.
fn commit(commits: usize) {
    let folder = folder();
    let ledger = open(&folder.path().join("relay.db"));
    let mut appender = Appender::new(1);
    appender.prepare(commits - 1);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(appender.append(ledger.clone()));
    // Ends while the ledger still stands: closing the database checkpoints it, and may or may not get that far.
    drop(folder);
    std::process::exit(0);
}

/// Calls of a child until its end.
fn counted(commits: usize) -> usize {
    let folder = folder();
    let trace = folder.path().join("trace");
    let this = std::env::current_exe().expect("this program");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-e", "trace=fsync,fdatasync", "-o"]).arg(&trace).arg(this);
    let status = strace.args([CHILD, &commits.to_string()]).status().expect("strace must be installed");
    assert!(status.success(), "strace: {status}");
    let said = std::fs::read_to_string(&trace).expect("a trace");
    // A call interrupted by another thread's stands on two lines; only the first has the parenthesis of the call.
    said.lines().filter(|line| line.contains("sync(")).count()
}
