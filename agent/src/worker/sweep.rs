//! Kills a worker with everything that ever descended from it. (SECURITY G2)
//!
//! A child that forks twice and calls `setsid` leaves its group, its session and its parent; what it can't leave is
//! being a descendant. While a worker lives the agent is a *subreaper*, so such an orphan becomes the agent's own
//! child, and nothing the agent starts itself has a session of its own but workers: a child in a foreign session,
//! started no earlier than this worker, escaped from one. No check has a reason to detach, so every orphan dies,
//! whichever worker it came from.
//!
//! Two subtleties. Zombies are reaped only once nothing lives: they count against the limit on processes, so a chain
//! that outruns the killing by forking and ending at once strangles itself. And a signal goes through a pidfd whose
//! start time was compared, never to a number that may be somebody else's by now.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, kill_process_group, pidfd_open, pidfd_send_signal,
    set_child_subreaper, waitpid,
};

use super::cgroup::Pen;
use super::processes::{self, Process};

/// How long one sweep goes on before it says that something can't be killed (a process stuck in a driver).
pub(super) const SWEEP_MAX: Duration = Duration::from_secs(5);
/// How long one pass waits for the killed to end before it looks again for new ones.
const PASS: Duration = Duration::from_millis(5);

/// Process ids of the workers that live; held while one is started and while victims are chosen, so that a worker just
/// being born is never taken for an orphan.
static LEADERS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// A worker's first process, from its start until it is reaped. Its group number can't be anybody else's meanwhile.
#[derive(Debug)]
pub(super) struct Leader {
    process: Process,
    reaped: Mutex<bool>,
    /// Its control group, where it has one.
    pen: Mutex<Option<Pen>>,
}

/// A worker process that can't be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} processes of a worker are still alive")]
pub(super) struct Survivors(pub(super) usize);

impl Leader {
    /// Starts a worker's first process with `spawn`, which returns what it made and the process id, and puts it into its
    /// control group: it waits for its request and has started nothing yet.
    pub(super) fn born<T>(
        pen: Option<Pen>,
        spawn: impl FnOnce() -> std::io::Result<(T, i32)>,
    ) -> std::io::Result<(T, Self)> {
        let mut leaders = leaders();
        if leaders.is_empty() {
            set_child_subreaper(Some(getpid()))?;
        }
        let born = spawn().and_then(|(made, pid)| {
            let process = Process::read(pid).ok_or(std::io::ErrorKind::NotFound)?;
            if let Some(pen) = &pen {
                pen.take(pid)?;
            }
            leaders.insert(pid);
            Ok((made, Self { process, reaped: Mutex::new(false), pen: Mutex::new(pen) }))
        });
        adopt_no_more(&leaders);
        born
    }

    /// The process id.
    pub(super) fn id(&self) -> Option<Pid> {
        self.process.id()
    }

    /// Kills the whole group, now.
    pub(super) fn kill_group(&self) {
        if let Some(pen) = &*lock(&self.pen) {
            pen.kill();
        }
        self.signal_group(Signal::KILL);
    }

    /// Tells the whole group to end.
    pub(super) fn end_group(&self) {
        self.signal_group(Signal::TERM);
    }

    fn signal_group(&self, signal: Signal) {
        let reaped = lock(&self.reaped);
        if let (false, Some(group)) = (*reaped, self.id())
            && let Err(error) = kill_process_group(group, signal)
        {
            tracing::debug!(%error, "no group to signal");
        }
    }

    /// Kills group and descendants until none is left. Blocks for as long as dying takes. The leader itself stays a
    /// zombie for whoever waits for it.
    pub(super) fn sweep(&self) -> Result<(), Survivors> {
        let until = Instant::now() + SWEEP_MAX;
        self.kill_group();
        loop {
            let victims = self.victims();
            let living: Vec<Process> = victims.iter().copied().filter(|process| process.lives).collect();
            if living.is_empty() {
                // Reaping hands us the zombies' own children: look again until nothing was reaped.
                if victims.iter().filter(|victim| reap(victim)).count() == 0 {
                    return Ok(());
                }
            } else if Instant::now() > until {
                return Err(Survivors(living.len()));
            } else {
                await_death(&living.iter().filter_map(kill).collect::<Vec<_>>());
            }
        }
    }

    /// Forgets the worker; to be called once its first process was waited for.
    pub(super) fn gone(&self) {
        *lock(&self.reaped) = true;
        lock(&self.pen).take();
        let mut leaders = leaders();
        leaders.remove(&self.process.pid);
        adopt_no_more(&leaders);
    }

    /// The worker, its session, orphans, and all their descendants.
    fn victims(&self) -> Vec<Process> {
        let leaders = leaders();
        let us = getpid().as_raw_pid();
        let own_session = Process::read(us).map(|agent| agent.session);
        let all = processes::below_us().unwrap_or_default();
        let escaped = |process: &Process| {
            process.parent == us
                && own_session.is_some_and(|session| session != process.session)
                && process.started >= self.process.started
                && !leaders.contains(&process.pid)
        };
        let root = |process: &Process| {
            process.pid == self.process.pid || process.session == self.process.pid || escaped(process)
        };
        let (mut victims, mut rest): (Vec<Process>, Vec<Process>) = all.into_iter().partition(root);
        let mut from = 0;
        while from < victims.len() {
            let parent = victims[from].pid;
            let (children, others) = rest.into_iter().partition(|process| process.parent == parent);
            rest = others;
            victims.extend::<Vec<Process>>(children);
            from += 1;
        }
        victims.retain(|process| process.pid == self.process.pid || !leaders.contains(&process.pid));
        victims.retain(|process| process.pid != self.process.pid || process.lives);
        victims
    }
}

/// Without a worker nobody's orphans are ours: a browser the person opened from us belongs to the desktop.
fn adopt_no_more(leaders: &BTreeSet<i32>) {
    if leaders.is_empty()
        && let Err(error) = set_child_subreaper(None)
    {
        tracing::warn!(%error, "still a subreaper");
    }
}

fn kill(victim: &Process) -> Option<OwnedFd> {
    let handle = pidfd_open(victim.id()?, PidfdFlags::empty()).ok()?;
    if Process::read(victim.pid)?.started != victim.started {
        return None;
    }
    pidfd_send_signal(&handle, Signal::KILL).ok()?;
    Some(handle)
}

/// Waits until all have ended or [`PASS`] is over.
fn await_death(killed: &[OwnedFd]) {
    let until = Instant::now() + PASS;
    for handle in killed {
        let left = until.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: 0, tv_nsec: i64::from(left.subsec_nanos()) };
        // An interrupted wait only makes this pass shorter.
        let _ = poll(&mut [PollFd::new(handle, PollFlags::IN)], Some(&left));
    }
}

/// Whether this zombie was ours to reap.
fn reap(victim: &Process) -> bool {
    victim.parent == getpid().as_raw_pid() && matches!(waitpid(victim.id(), WaitOptions::NOHANG), Ok(Some(_)))
}

fn leaders() -> MutexGuard<'static, BTreeSet<i32>> {
    lock(&LEADERS)
}

/// What these locks guard is whole at every moment, so a panic elsewhere doesn't spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
