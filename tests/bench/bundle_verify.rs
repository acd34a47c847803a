//! How long `venia verify` takes on the bundle of a session of 50 events, from the start of the process to its end: at
//! most 100 ms.
#![expect(clippy::expect_used, reason = "a bench that can't go on says so")]

use std::process::{Command, Stdio};
use std::time::Instant;

use venia_tests::measure::ledger::bundle;
use venia_tests::measure::{Bench, Relation, Settings};
use venia_tests::programs;

fn main() {
    let bench = Bench {
        name: "bundle_verify",
        limit: 100.0,
        at_least: false,
        unit: "ms from start to end of the process",
        relation: Relation::Alone,
    };
    let (world, zip) = bundle(programs!());
    let file = world.folder().join("session.zip");
    std::fs::write(&file, zip).expect("room on the disk");
    let root = world.address.to_string();
    let timed = |arguments: &[&str]| {
        let mut console = Command::new(programs!());
        console.args(["console", "--data"]).arg(world.folder().join("console")).args(arguments).stdout(Stdio::null());
        let started = Instant::now();
        let status = console.status().expect("the console");
        assert!(status.success(), "{status}");
        started.elapsed().as_secs_f64() * 1e3
    };
    let file = file.to_str().expect("a path");
    // The floor: the same program that has nothing to verify.
    Settings::read().compare(&bench, |_| (timed(&["verify", file, "--root", &root]), timed(&["--version"])));
}
