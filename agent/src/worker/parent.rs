//! The agent's end of a worker: start, watch, end, and leave nothing behind.
//!
//! Every way out of here, a report included, goes through the same sweep: a worker that answered well and left a child
//! behind is not finished. The task that watches a worker owns it; the handle only asks it to end, so a handle that is
//! dropped in a hurry kills too. (SECURITY G1, G2)

use std::os::fd::OwnedFd;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop, ProcessSession};
use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, Signal, getrlimit, getuid, pidfd_open, prlimit};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, Interest};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{sleep, timeout};
use venia_proto::fences::Fences;
use venia_proto::foreign::Foreign;
use venia_proto::report::Draft;

use super::cgroup::Pen;
use super::child::{EXIT_CHECK, EXIT_UNFENCED, EXIT_UNKNOWN};
use super::fence::Held;
use super::order::Order;
use super::sweep::{Leader, Survivors};
use super::{
    ENVIRONMENT, EXIT_GRACE, Failure, Fault, HELD_MAX, KilledBy, OUTPUT_MAX, Outcome, Program, REQUEST_MAX, Request,
    SAID_MAX, TERM_GRACE, processes,
};

/// Most memory a worker may map, in bytes.
pub const MEMORY_MAX: u64 = 1024 * 1024 * 1024;
/// Most files a worker may have open.
pub const FILES_MAX: u64 = 64;
/// How many threads and processes more than there are now a worker may start. (SECURITY G2)
pub const PROCESSES_MORE: u64 = 32;

/// A running worker. Dropping it kills it.
#[derive(Debug)]
pub struct Worker {
    leader: Arc<Leader>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Outcome>,
    ended: Option<Outcome>,
}

/// A worker that never came to be: nothing ran.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The permit names an item or definition that isn't in the catalogue.
    #[error("there is no such item, or not with this definition")]
    UnknownItem,
    /// The request is longer than [`REQUEST_MAX`].
    #[error("the request has more than {REQUEST_MAX} bytes")]
    TooLong,
    /// The request can't be written as JSON.
    #[error("the request can't be written")]
    Encode(#[source] serde_json::Error),
    /// The kernel didn't start the process.
    #[error("the worker could not be started")]
    Spawn(#[source] std::io::Error),
}

impl Worker {
    /// Starts what was ordered; see [`Order::start`].
    pub(super) fn begin(order: Order) -> Result<Self, StartError> {
        let request = order.line()?;
        let Order { program, request: Request { fences, needs, .. }, deadline } = order;
        let pen = fences.group(&needs).then(Pen::make).transpose().map_err(StartError::Spawn)?;
        let (child, leader) = Leader::born(pen, || spawn(&program)).map_err(StartError::Spawn)?;
        let leader = Arc::new(leader);
        let (stop, stopped) = watch::channel(false);
        let promised = [fences.while_gathering(&needs), fences];
        let watched = Watched { child, leader: Arc::clone(&leader), stopped, promised };
        let task = tokio::spawn(watched.watch(request, deadline));
        Ok(Self { leader, stop, task, ended: None })
    }

    /// Kills the worker's group before it returns, and every descendant within the next milliseconds. Wait for
    /// [`Self::outcome`] to know that nothing lives.
    pub fn kill(&self) {
        self.stop.send_replace(true);
        self.leader.kill_group();
    }

    /// How it ended, once nothing of it lives. May be polled, dropped and called again.
    pub async fn outcome(&mut self) -> Outcome {
        if let Some(outcome) = &self.ended {
            return outcome.clone();
        }
        let outcome = (&mut self.task).await.unwrap_or_else(|_panicked| failed(Fault::Unwatched, &[]));
        self.ended.insert(outcome).clone()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What the watching task owns.
struct Watched {
    child: Box<dyn ChildWrapper>,
    leader: Arc<Leader>,
    stopped: watch::Receiver<bool>,
    /// What must hold the worker while it gathers, and while it judges.
    promised: [Fences; 2],
}

/// Why watching ended.
enum Seen {
    Exited,
    Killed(KilledBy),
    Broken(Fault),
}

impl Watched {
    async fn watch(mut self, request: Vec<u8>, deadline: Duration) -> Outcome {
        let mut output = Ear::new(self.child.stdout().take(), 2 * HELD_MAX + OUTPUT_MAX, false);
        let mut said = Ear::new(self.child.stderr().take(), SAID_MAX, true);
        let stdin = self.child.stdin().take();
        let seen = tokio::select! {
            biased;
            // An error means that the handle is gone, which kills as well.
            _ = self.stopped.wait_for(|stop| *stop) => Seen::Killed(KilledBy::Stop),
            () = sleep(deadline) => Seen::Killed(KilledBy::Deadline),
            seen = watch_one(self.leader.id(), stdin, &request, deadline, &mut output, &mut said) => seen,
        };
        if matches!(seen, Seen::Killed(KilledBy::Deadline)) {
            self.tell_to_end().await;
        }
        let status = self.end().await;
        // Whoever could still write is dead: what is left in the pipes ends.
        let heard = timeout(EXIT_GRACE, async { (output.listen().await, said.listen().await) }).await;
        if *self.stopped.borrow() {
            return Outcome::Killed(KilledBy::Stop);
        }
        match (seen, status, heard) {
            (Seen::Killed(by), ..) => Outcome::Killed(by),
            (Seen::Broken(fault), ..) => failed(fault, &said.heard),
            (Seen::Exited, Some(status), Ok((Listened::End, _))) => {
                judge(status, self.promised, &output.heard, &said.heard)
            }
            (Seen::Exited, Some(_), Ok((Listened::Full, _))) => failed(Fault::Flood, &said.heard),
            (Seen::Exited, _, _) => failed(Fault::Unwatched, &said.heard),
        }
    }

    /// TERM, and a moment: a program of the system may be in the middle of something. STOP cuts the moment short.
    async fn tell_to_end(&mut self) {
        self.leader.end_group();
        let Some(exit) = self.leader.id().and_then(|id| exit_of(id).ok()) else { return };
        tokio::select! {
            _ = self.stopped.wait_for(|stop| *stop) => {}
            _ = exit.readable() => {}
            () = sleep(TERM_GRACE) => {}
        }
    }

    /// Kills everything, reaps the first process, and forgets it.
    async fn end(&mut self) -> Option<ExitStatus> {
        let leader = Arc::clone(&self.leader);
        match spawn_blocking(move || leader.sweep()).await {
            Ok(Ok(())) => {}
            Ok(Err(Survivors(survivors))) => tracing::error!(survivors, "a worker's processes can't be killed"),
            Err(error) => tracing::error!(%error, "the sweep after a worker broke"),
        }
        let status = timeout(EXIT_GRACE, self.child.wait()).await.ok()?.ok()?;
        self.leader.gone();
        Some(status)
    }
}

/// Limits, feeds and hears one worker until it ends by itself or breaks a rule.
async fn watch_one(
    leader: Option<Pid>,
    stdin: Option<ChildStdin>,
    request: &[u8],
    deadline: Duration,
    output: &mut Ear<ChildStdout>,
    said: &mut Ear<ChildStderr>,
) -> Seen {
    let (Some(leader), Some(stdin)) = (leader, stdin) else {
        return Seen::Broken(Fault::Unwatched);
    };
    // Before the worker knows what to do: it never acts unlimited.
    if let Err(error) = limit(leader, deadline) {
        tracing::warn!(%error, "a worker can't be limited");
        return Seen::Broken(Fault::Unfenced);
    }
    let Ok(exit) = exit_of(leader) else {
        return Seen::Broken(Fault::Unwatched);
    };
    // A worker that ended before it read fails on its exit code, not here.
    if let Err(error) = feed(stdin, request).await {
        tracing::debug!(%error, "a worker didn't take its request");
    }
    let (mut output_open, mut said_open) = (true, true);
    let grace = sleep(EXIT_GRACE);
    tokio::pin!(grace);
    loop {
        tokio::select! {
            ready = exit.readable() => return if ready.is_ok() { Seen::Exited } else { Seen::Broken(Fault::Unwatched) },
            listened = output.listen(), if output_open => match listened {
                Listened::Full => return Seen::Broken(Fault::Flood),
                Listened::End => {
                    output_open = false;
                    grace.as_mut().reset(tokio::time::Instant::now() + EXIT_GRACE);
                }
            },
            _ = said.listen(), if said_open => said_open = false,
            () = &mut grace, if !output_open => return Seen::Broken(Fault::ClosedPipe),
        }
    }
}

fn spawn(program: &Program) -> std::io::Result<(Box<dyn ChildWrapper>, i32)> {
    let mut command = CommandWrap::with_new(&program.path, |command| {
        // Arguments and environment are public on a PC: the request goes through the pipe.
        command
            .arg(&program.first_argument)
            .env_clear()
            .envs(ENVIRONMENT)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    });
    // A session of its own, group included: no terminal to type into, and a mark that no descendant can take off.
    let child = command.wrap(ProcessSession).wrap(KillOnDrop).spawn()?;
    let id = child.id().and_then(|id| i32::try_from(id).ok()).ok_or(std::io::ErrorKind::NotFound)?;
    Ok((child, id))
}

/// Sets every limit from outside, so that it stands whatever the worker does. A limit that is lower already stays.
fn limit(worker: Pid, deadline: Duration) -> std::io::Result<()> {
    // The kernel doesn't hold root to this limit: counting would be for nothing.
    let now = if getuid().is_root() { 0 } else { processes::threads_of(getuid().as_raw())? };
    let processes = now + PROCESSES_MORE;
    for (resource, wanted) in [
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, FILES_MAX),
        (Resource::Cpu, deadline.as_secs() + 2),
        (Resource::As, MEMORY_MAX),
        (Resource::Nproc, processes),
    ] {
        let limit = Some(getrlimit(resource).maximum.map_or(wanted, |own| own.min(wanted)));
        prlimit(Some(worker), resource, Rlimit { current: limit, maximum: limit })?;
    }
    Ok(())
}

/// Readable once the process ended; it stays unreaped, so its number stays taken while the rest is killed.
#[expect(deprecated, reason = "its replacement is `unsafe`; sound here, for an OwnedFd keeps its descriptor open")]
fn exit_of(worker: Pid) -> std::io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(pidfd_open(worker, PidfdFlags::NONBLOCK)?, Interest::READABLE)
}

async fn feed(mut stdin: ChildStdin, request: &[u8]) -> std::io::Result<()> {
    stdin.write_all(request).await?;
    stdin.shutdown().await
}

/// What a finished worker's exit and bytes mean. The bytes are hostile; their number is bounded.
fn judge(status: ExitStatus, promised: [Fences; 2], output: &[u8], said: &[u8]) -> Outcome {
    use std::os::unix::process::ExitStatusExt;
    if let Some(signal) = status.signal() {
        // What a filter of system calls ends with.
        let forbidden = signal == Signal::SYS.as_raw();
        return failed(if forbidden { Fault::Forbidden } else { Fault::Signal(signal) }, said);
    }
    match status.code() {
        Some(0) => match read(output, promised) {
            Ok(draft) => Outcome::Done(draft),
            Err(fault) => failed(fault, said),
        },
        Some(code) if code == i32::from(EXIT_CHECK) => failed(Fault::Check, said),
        Some(code) if code == i32::from(EXIT_UNKNOWN) => failed(Fault::UnknownItem, said),
        Some(code) if code == i32::from(EXIT_UNFENCED) => failed(Fault::Unfenced, said),
        Some(code) => failed(Fault::Exit(code), said),
        None => failed(Fault::Unwatched, said),
    }
}

/// Two lines that say what held it, then the draft. An error may quote the output: it isn't kept.
fn read(output: &[u8], promised: [Fences; 2]) -> Result<Draft, Fault> {
    let mut rest = output;
    for promised in promised {
        let end = rest.iter().take(HELD_MAX).position(|byte| *byte == b'\n').ok_or(Fault::NotAReport)?;
        let held: Held = serde_json::from_slice(&rest[..end]).map_err(|_| Fault::NotAReport)?;
        if held.is_less_than(promised) {
            return Err(Fault::Unfenced);
        }
        rest = &rest[end + 1..];
    }
    if rest.len() > OUTPUT_MAX {
        return Err(Fault::Flood);
    }
    serde_json::from_slice(rest).map_err(|_| Fault::NotAReport)
}

fn failed(fault: Fault, said: &[u8]) -> Outcome {
    Outcome::Failed(Failure { fault, said: Foreign::new(String::from_utf8_lossy(said)) })
}

/// One pipe from a worker, heard up to a limit.
struct Ear<P> {
    pipe: Option<P>,
    heard: Vec<u8>,
    limit: usize,
    /// Whether what goes beyond the limit is dropped rather than an offence.
    drops: bool,
}

enum Listened {
    End,
    Full,
}

impl<P: AsyncRead + Unpin> Ear<P> {
    fn new(pipe: Option<P>, limit: usize, drops: bool) -> Self {
        Self { pipe, heard: Vec::new(), limit, drops }
    }

    /// Hears until the end or the limit. May be dropped and called again; a broken pipe is an end.
    async fn listen(&mut self) -> Listened {
        let mut piece = vec![0; 16 * 1024];
        while let Some(pipe) = &mut self.pipe {
            let length = pipe.read(&mut piece).await.unwrap_or(0);
            let kept = length.min(self.limit - self.heard.len());
            self.heard.extend_from_slice(&piece[..kept]);
            if length == 0 {
                self.pipe = None;
            } else if kept < length && !self.drops {
                return Listened::Full;
            }
        }
        Listened::End
    }
}
