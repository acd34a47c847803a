//! One short-lived process per item: the single door to the machine.
//!
//! [`parent`] starts this same program again with a hidden first argument, an empty environment, a session and process
//! group of its own and hard limits, writes it one line of JSON (what to do, and what it may touch), reads one report
//! back and then kills whatever is left. [`child`] is the other end: it puts up its fences, gathers, closes them, judges,
//! writes the report, ends. `fence` is what the kernel lets it do; `processes` reads `/proc`; `sweep` kills a worker with
//! everything that ever descended from it, and `cgroup` helps it where it can.
//!
//! It decides nothing: what may run is the session's business, and only a permit opens the door. It believes nothing
//! either: a worker parses hostile files and may have been taken over, so its output is bounded bytes until it decodes
//! as a [`Draft`], and a draft is untrusted until `Item::tell` has kept what the definition declares. (SECURITY G1, G2,
//! G4)
//!
//! Linux only. Run as root the limit on processes doesn't hold (the kernel exempts root), so an agent should not be.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use venia_proto::catalog::Needs;
use venia_proto::fences::Fences;
use venia_proto::foreign::Foreign;
use venia_proto::ledger::body::{Arguments, ItemId};
use venia_proto::report::{Draft, REPORT_MAX};

mod cgroup;
pub mod child;
mod fence;
mod order;
pub mod parent;
mod processes;
mod sweep;

pub use child::run_child;
pub use fence::Reach;
pub use order::Order;
pub use parent::{StartError, Worker};

/// The hidden first argument with which a shipped program becomes a worker.
pub const FIRST_ARGUMENT: &str = "worker";
/// The whole environment of a worker: the same everywhere, and nobody's. The C library (glibc, mallopt(3)) would set aside
/// 64 MiB of addresses for each thread that allocates, up to eight threads a core: on a large PC more than a worker may map.
pub const ENVIRONMENT: [(&str, &str); 2] = [("LANG", "C.UTF-8"), ("MALLOC_ARENA_MAX", "1")];
/// Longest output read from a worker, in bytes. A draft is told in at most [`REPORT_MAX`] bytes; the rest is room for
/// rows a definition will drop. One byte more is a flood.
pub const OUTPUT_MAX: usize = REPORT_MAX + OUTPUT_SLACK;
/// See [`OUTPUT_MAX`].
pub const OUTPUT_SLACK: usize = 64 * 1024;
/// Longest line in which a worker says what holds it, in bytes. It says so twice, before its draft.
pub const HELD_MAX: usize = 64;
/// How much of what a worker says on standard error is kept, in bytes; the rest is read and dropped.
pub const SAID_MAX: usize = 4 * 1024;
/// Longest request line, in bytes: below the 64 KiB of a Linux pipe, so that writing it never waits for the worker.
pub const REQUEST_MAX: usize = 16 * 1024;
/// How long a worker that is overdue may take to end what it does, once it was told to.
pub const TERM_GRACE: Duration = Duration::from_millis(250);
/// How long a worker may linger after it closed its output.
pub const EXIT_GRACE: Duration = Duration::from_millis(500);

/// The program a worker is. Tests and `venia-try` put themselves here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Absolute path.
    pub path: PathBuf,
    /// Tells the program to be a worker.
    pub first_argument: OsString,
}

impl Program {
    /// The running program itself, through the kernel's own link: an update that replaced the file on disk can't put
    /// another build's checks under this build's definitions.
    pub fn this() -> Self {
        Self { path: "/proc/self/exe".into(), first_argument: FIRST_ARGUMENT.into() }
    }
}

/// What all workers of an agent have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct House {
    /// The program they are.
    pub program: Program,
    /// What holds them in on this PC. A worker that can't put up all of it does nothing.
    pub fences: Fences,
    /// The person's home, if they have one.
    pub home: Option<PathBuf>,
    /// Venia's own folders, whoever's: no worker reads a file in them. (SECURITY E11)
    pub private: Vec<PathBuf>,
}

impl House {
    /// Workers of that program, held by what this PC was found to enforce.
    pub fn new(program: Program, fences: Fences, home: Option<PathBuf>, private: &[PathBuf]) -> Self {
        // What a worker may open is known by where all links lead.
        let mut private: Vec<PathBuf> =
            private.iter().filter_map(|folder| std::fs::canonicalize(folder).ok()).collect();
        private.sort();
        private.dedup();
        Self { program, fences, home, private }
    }
}

/// What this PC can enforce, found out by enforcing it. To be asked once: it costs some milliseconds.
pub fn probe() -> Fences {
    let (landlock, seccomp) = fence::probe();
    Fences { landlock, seccomp, cgroup: cgroup::probe() }
}

/// How a worker ended. Whatever it was, nothing of it lives any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned a draft, still to be told by its definition.
    Done(Draft),
    /// It broke.
    Failed(Failure),
    /// We ended it.
    Killed(KilledBy),
}

/// Why we ended a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KilledBy {
    /// [`Worker::kill`], or the worker's handle was dropped.
    Stop,
    /// It ran longer than its definition allows.
    Deadline,
}

/// A worker that broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What happened.
    pub fault: Fault,
    /// The first [`SAID_MAX`] bytes of its standard error: hostile, to be redacted before it is kept anywhere.
    pub said: Foreign,
}

/// What a broken worker did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The check itself says that it failed.
    #[error("the check failed")]
    Check,
    /// The worker has no such check: two builds were mixed.
    #[error("the worker doesn't know this check")]
    UnknownItem,
    /// It never began.
    #[error("the worker could not be started")]
    NotStarted,
    /// A fence could not be put up.
    #[error("the worker could not be fenced in")]
    Unfenced,
    /// It ended with another exit code.
    #[error("the worker ended with code {0}")]
    Exit(i32),
    /// A signal ended it: a crash, or a limit of memory or time.
    #[error("the worker was ended by signal {0}")]
    Signal(i32),
    /// It asked the system for what no worker has any reason for, and was ended for it.
    #[error("the worker tried what it may not do")]
    Forbidden,
    /// More than [`OUTPUT_MAX`] bytes.
    #[error("the worker wrote more than {OUTPUT_MAX} bytes")]
    Flood,
    /// It closed its output and stayed.
    #[error("the worker closed its output and did not end")]
    ClosedPipe,
    /// Its output is no draft.
    #[error("the worker's output is not a report")]
    NotAReport,
    /// The kernel failed us while we watched it.
    #[error("the worker could not be watched")]
    Unwatched,
}

/// The one line a worker reads.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    /// Which check.
    item: ItemId,
    /// The item as its pack writes it; none for one of ours.
    described: Option<String>,
    /// Every declared parameter.
    arguments: Arguments,
    /// What the item touches.
    needs: Needs,
    /// What must hold the worker in.
    fences: Fences,
    /// The person's home.
    home: Option<PathBuf>,
    /// Venia's own folders.
    private: Vec<PathBuf>,
    /// Process id of the agent, so that a worker whose agent died before the fences stood ends too.
    agent: i32,
}
