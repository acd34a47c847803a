//! Every item of the catalogue behind its own fence and without: what it can tell must be the same.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::ExitCode;

use venia_agent::{checks, known};
use venia_proto::catalog::{Catalog, Item};
use venia_proto::fences::Fences;
use venia_proto::ledger::body::{Arguments, ItemId};
use venia_proto::report::{Draft, Severity};

use crate::runtime;
use crate::worker::{self, House, Outcome, Program, Reach, Worker};

/// The first argument of a worker that runs the agent's own checks.
pub const WORKER: &str = "worker-of-the-catalogue";

/// As the agent does.
pub fn work() -> ExitCode {
    let find = |item: &ItemId, tools: &[String]| {
        let check = checks::find(item)?;
        checks::declare(tools);
        Some(move |arguments: &Arguments| check.gather(arguments).map_err(|failure| failure.to_string()))
    };
    worker::run_child(find, |name| checks::reach(name).map(|(programs, reads)| Reach { programs, reads }))
}

pub fn g1_every_item_works_behind_its_fence() {
    let fences = worker::probe();
    assert!(fences.are_enough(), "{fences:?}");
    let program = Program { path: std::env::current_exe().unwrap(), first_argument: WORKER.into() };
    let house = |fences| House::new(program.clone(), fences, known::person_home(), &[]);
    let mut wrong = Vec::new();
    for item in Catalog::built_in().unwrap().items() {
        let (free, fenced) = (run(&house(Fences::NONE), item), run(&house(fences), item));
        let lost = match (&free, &fenced) {
            (Outcome::Done(free), Outcome::Done(fenced)) => lost(free, fenced),
            (Outcome::Done(_), broken) => BTreeSet::from([format!("{broken:?}")]),
            // What fails without a fence fails for another reason.
            (Outcome::Failed(_) | Outcome::Killed(_), _) => BTreeSet::new(),
        };
        if !lost.is_empty() {
            wrong.push(format!("{}: {lost:?}\n{}", item.id.0, refused(&house(fences), item)));
        }
    }
    assert!(wrong.is_empty(), "the fence takes something away:\n{}", wrong.join("\n"));
}

fn run(house: &House, item: &Item) -> Outcome {
    let arguments = item.arguments(&Arguments::new()).unwrap();
    runtime().block_on(async { Worker::start_item(house, item, &arguments).unwrap().outcome().await })
}

/// What only the one without a fence could tell, and what only the one behind it doesn't know.
fn lost(free: &Draft, fenced: &Draft) -> BTreeSet<String> {
    let unknown = |draft: &Draft| -> BTreeSet<String> {
        let unknown = draft.findings.iter().filter(|finding| finding.severity == Severity::Unknown);
        unknown.map(|finding| format!("unknown {}", finding.id)).collect()
    };
    let told = |draft: &Draft| -> BTreeSet<String> {
        let facts = draft.facts.iter().map(|fact| format!("fact {}", fact.key));
        let tables = draft.tables.iter().filter(|table| !table.rows.is_empty());
        facts.chain(tables.map(|table| format!("table {}", table.title))).collect()
    };
    let new: BTreeSet<String> = unknown(fenced).difference(&unknown(free)).cloned().collect();
    new.union(&told(free).difference(&told(fenced)).cloned().collect()).cloned().collect()
}

/// The system calls that were refused behind the fence, as strace(1) saw them; to be read by whoever mends `needs`.
fn refused(house: &House, item: &Item) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (trace, script) = (folder.path().join("trace"), folder.path().join("worker"));
    let this = std::env::current_exe().unwrap();
    // The tracer is the grandchild: the worker stays the agent's own child.
    let text = format!("#!/bin/sh\nexec strace -D -f -qq -o {} {} \"$@\"\n", trace.display(), this.display());
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let program = Program { path: script, first_argument: OsString::from(WORKER) };
    let outcome = run(&House { program, ..house.clone() }, item);
    let trace = fs::read_to_string(trace).unwrap_or_else(|error| format!("no trace, {error}: {outcome:?}"));
    let after = trace.lines().skip_while(|line| !line.contains("landlock_restrict_self") && !line.contains("seccomp("));
    after
        .filter(|line| line.contains("EACCES") || line.contains("EPERM") || line.contains("SIGSYS"))
        .collect::<Vec<_>>()
        .join("\n")
}
