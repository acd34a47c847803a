//! What the kernel lets a worker do: one fence while it gathers, a tighter one before it judges. (SECURITY G1)
//!
//! *While it gathers* it opens what its item declares and the little that any program needs, starts only the programs its
//! item declares, and talks only to whom its item talks. *Before it judges*, so before anything foreign is parsed, all
//! of that closes: what is left is memory, the pipe to the agent and the end. Both are built from the definition, so
//! from what the person consented to. A fence that can't be put up as promised is an error, never a smaller fence.
//!
//! `files` is Landlock, and `base` what any program needs of it. `calls` is seccomp, `lists` its calls by class, `program` what
//! the kernel runs. What they can't do: below version 9 Landlock doesn't see who connects to a socket in the file system, so
//! while it *gathers* an item that talks to services of this PC could reach another one than it declares; the names of
//! files (never their contents) can be looked up by `stat` anywhere; and an item that looks at other programs gathers
//! without Landlock.

mod base;
mod calls;
mod files;
mod lists;
mod program;

use std::path::{Path, PathBuf};

use landlock::PathFd;
use serde::{Deserialize, Serialize};
use venia_proto::catalog::{Needs, Talk};
use venia_proto::fences::{Fences, LANDLOCK_MIN};

/// A program that an item declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The files that may be executed: its own, and those of programs it starts itself.
    pub programs: Vec<PathBuf>,
    /// What it reads beyond what any program needs.
    pub reads: Vec<PathBuf>,
}

/// What a worker is held by from now on, as it tells its agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Held {
    /// Version of Landlock; 0 if it doesn't stand.
    pub(super) landlock: u8,
    /// Whether system calls are filtered.
    pub(super) seccomp: bool,
}

/// Whose fence it is.
pub(super) struct Worker<'a> {
    /// What its item declares.
    pub(super) needs: &'a Needs,
    /// The programs among it that are installed.
    pub(super) programs: Vec<Reach>,
    /// The person's home, for `~`.
    pub(super) home: Option<&'a Path>,
    /// Venia's own folders. (SECURITY E11)
    pub(super) private: &'a [PathBuf],
    /// Where a declared file is.
    pub(super) place: &'a dyn Fn(&Path) -> PathBuf,
}

/// A fence that doesn't stand.
#[derive(Debug, thiserror::Error)]
pub(super) enum FenceError {
    /// Landlock refused.
    #[error("files can't be fenced: {0}")]
    Files(#[from] landlock::RulesetError),
    /// Landlock holds less than was asked.
    #[error("files are fenced only in part")]
    Part,
    /// seccomp refused.
    #[error("system calls can't be fenced: {0}")]
    Calls(#[from] seccompiler::Error),
    /// More instructions than the kernel takes.
    #[error("the filter of system calls is too long")]
    Long,
    /// A filter that can't be built.
    #[error("system calls can't be listed: {0}")]
    List(#[from] seccompiler::BackendError),
}

impl Held {
    /// Whether this is less than what stands when `promised` is kept.
    pub(super) fn is_less_than(self, promised: Fences) -> bool {
        self.landlock < promised.landlock || (promised.seccomp && !self.seccomp)
    }
}

/// Puts up the fence for gathering. What is returned must live while it stands: some files of `/proc` are recognised
/// only as long as somebody holds them.
pub(super) fn before_gathering(fences: Fences, worker: &Worker<'_>) -> Result<(Held, Vec<PathFd>), FenceError> {
    let fences = fences.while_gathering(worker.needs);
    let held = if fences.landlock > 0 { files::fence(fences.landlock, &open(worker))? } else { Vec::new() };
    if fences.seccomp {
        calls::fence(&calls::while_gathering(worker.needs, fences.landlock >= LANDLOCK_MIN)?)?;
    }
    Ok((Held { landlock: fences.landlock, seccomp: fences.seccomp }, held))
}

/// Closes everything. Nothing can be opened, started or asked after this.
pub(super) fn before_judging(fences: Fences) -> Result<Held, FenceError> {
    if fences.landlock > 0 {
        files::fence(fences.landlock, &files::Open::default())?;
    }
    if fences.seccomp {
        calls::fence_all_threads(&calls::while_judging()?)?;
    }
    Ok(Held { landlock: fences.landlock, seccomp: fences.seccomp })
}

/// What this PC can enforce, found out by enforcing it: in a thread of its own, which ends with its fences.
pub(super) fn probe() -> (u8, bool) {
    let probed = std::thread::spawn(|| {
        let landlock = files::version();
        let seccomp = calls::while_judging().and_then(|filter| calls::fence(&filter)).is_ok();
        (landlock, seccomp)
    });
    probed.join().unwrap_or((0, false))
}

/// Everything a worker may open while it gathers.
fn open(worker: &Worker<'_>) -> files::Open {
    let Worker { needs, programs, home, private, place } = worker;
    let talks = |talk| needs.talks.contains(&talk);
    let mut open =
        files::Open { network: talks(Talk::Network), services: talks(Talk::Services), ..files::Open::default() };
    open.signals = needs.ends;
    let pieces = |path: &str| {
        let path = match (path.strip_prefix('~'), home) {
            (Some(rest), Some(home)) => home.join(rest.trim_start_matches('/')),
            (Some(_), None) => return Vec::new(),
            (None, _) => PathBuf::from(path),
        };
        files::outside(&place(&path), private)
    };
    open.deletes = needs.writes.iter().flat_map(|path| pieces(path)).collect();
    open.reads = needs.reads.iter().flat_map(|path| pieces(path)).collect();
    let mut read = |path: &str| open.reads.extend(files::outside(Path::new(path), private));
    base::EVERY.iter().for_each(|(path, _)| read(path));
    if loads_libraries(needs) {
        base::PROGRAM.iter().for_each(|(path, _)| read(path));
    }
    for program in programs {
        open.runs.extend(program.programs.iter().cloned());
        open.reads.extend(program.reads.iter().flat_map(|path| files::outside(path, private)));
    }
    if !programs.is_empty() {
        open.runs.extend(base::LOADERS.iter().map(PathBuf::from));
    }
    open
}

/// Whether code comes into the worker after it began: programs it starts, and the libraries that look up names.
fn loads_libraries(needs: &Needs) -> bool {
    !needs.tools.is_empty() || needs.talks.contains(&Talk::Network)
}
