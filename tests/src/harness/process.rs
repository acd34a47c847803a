//! One process: what it prints line by line, what it logs, how it ends.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::io::ioctl_fionread;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::{PATIENCE, until};

/// What came of listening to a process.
#[derive(Debug)]
pub enum Heard {
    /// A line.
    Line(String),
    /// Nothing in that time.
    Nothing,
    /// It has closed its output.
    End,
}

/// A process that runs beside the test. Killed when dropped.
pub struct Process {
    name: String,
    child: Child,
    input: Option<File>,
    lines: Receiver<String>,
    /// Every line it has printed and somebody has read.
    printed: Vec<String>,
    errors: PathBuf,
    may_err: AtomicBool,
}

impl Process {
    /// Starts it; standard error goes to a new file in `logs`.
    pub fn start(name: &str, mut command: Command, logs: &Path) -> Self {
        let errors = log_file(name, logs);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&errors).unwrap());
        let mut child = command.spawn().unwrap();
        let (out, input) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
        Self::listened_to(name, child, out, OwnedFd::from(input).into(), errors)
    }

    /// The same for a program that talks to a person: its standard input and output are a terminal of its own. (pty(7))
    pub fn start_at_a_terminal(name: &str, mut command: Command, logs: &Path) -> Self {
        let errors = log_file(name, logs);
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let theirs = ptsname(&ours, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let theirs = rustix::fs::open(&theirs, flags, Mode::empty()).unwrap();
        command.stdin(theirs.try_clone().unwrap()).stdout(theirs).stderr(File::create(&errors).unwrap());
        let child = command.spawn().unwrap();
        let (out, input) = (File::from(ours.try_clone().unwrap()), File::from(ours));
        Self::listened_to(name, child, out, input, errors)
    }

    fn listened_to(name: &str, child: Child, out: impl Read + Send + 'static, input: File, errors: PathBuf) -> Self {
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            // A terminal whose program is gone reads as an error.
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            name: name.to_owned(),
            child,
            input: Some(input),
            lines,
            printed: Vec::new(),
            errors,
            may_err: AtomicBool::new(false),
        }
    }

    /// The next line that means something to `wanted`; others are passed over.
    pub fn line<T>(&mut self, what: &str, mut wanted: impl FnMut(&str) -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            match self.lines.recv_timeout(PATIENCE.saturating_sub(started.elapsed())) {
                Ok(line) => {
                    let found = wanted(&line);
                    self.printed.push(line);
                    if let Some(found) = found {
                        return found;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("{}: waited in vain for {what}\n{}", self.name, self.account())
                }
                Err(RecvTimeoutError::Disconnected) => panic!("{}: ended before {what}\n{}", self.name, self.account()),
            }
        }
    }

    /// The next line, if there is one within this time.
    pub fn listen(&mut self, patience: Duration) -> Heard {
        match self.lines.recv_timeout(patience) {
            Ok(line) => {
                self.printed.push(line.clone());
                Heard::Line(line)
            }
            Err(RecvTimeoutError::Disconnected) => Heard::End,
            Err(RecvTimeoutError::Timeout) => Heard::Nothing,
        }
    }

    /// The next line; `None` once it has ended and everything was read.
    pub fn next_line(&mut self) -> Option<String> {
        match self.listen(PATIENCE) {
            Heard::Line(line) => Some(line),
            Heard::End => None,
            Heard::Nothing => panic!("{}: silent for too long\n{}", self.name, self.account()),
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Gives it a line of input.
    pub fn say(&mut self, line: &str) {
        // It may have ended meanwhile, which the test finds out by what it expects next.
        let _ = self.input.as_mut().map(|input| writeln!(input, "{line}"));
    }

    /// Types this without Enter into a pipe, not a terminal, and waits until the program took it: from then on it waits for the
    /// rest of the line.
    pub fn type_in(&mut self, text: &str) {
        let Some(input) = &mut self.input else { return };
        input.write_all(text.as_bytes()).unwrap();
        until("what was typed to be taken", || (ioctl_fionread(&*input).unwrap() == 0).then_some(()));
    }

    /// Ends its input.
    pub fn hang_up(&mut self) {
        self.input = None;
    }

    /// What this test does to it is worth an ERROR line.
    pub fn may_err(&self) {
        self.may_err.store(true, Ordering::Relaxed);
    }

    /// Waits for its end: the exit code, or minus the signal.
    pub fn exit(&mut self) -> i32 {
        let account = format!("the end of {}", self.name);
        let status = until(&account, || self.child.try_wait().unwrap());
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.printed.push(line);
        }
        status.code().unwrap_or_else(|| -status.signal().unwrap_or(0))
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Kills it at once and waits for its end.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Its process id.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap()
    }

    /// Every line read so far.
    pub fn printed(&self) -> &[String] {
        &self.printed
    }

    /// Standard error so far.
    pub fn errors(&self) -> String {
        std::fs::read_to_string(&self.errors).unwrap_or_default()
    }

    /// The port of its one UDP socket, as proc(5) tells it.
    pub fn udp_port(&self) -> u16 {
        let fds = std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap();
        let links = fds.flatten().filter_map(|fd| std::fs::read_link(fd.path()).ok()?.to_str().map(str::to_owned));
        let sockets: Vec<String> =
            links.filter_map(|link| Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())).collect();
        let tables = ["udp", "udp6"].map(|table| std::fs::read_to_string(format!("/proc/net/{table}")).unwrap());
        let lines = tables.iter().flat_map(|table| table.lines());
        let ours = lines.filter_map(bound).filter(|(_, of)| sockets.contains(of));
        // A table that changes while it is read may show a line twice.
        let ports: BTreeSet<u16> = ours.map(|(port, _)| port).collect();
        assert_eq!(ports.len(), 1, "{}: {ports:?}", self.name);
        ports.into_iter().next().unwrap()
    }

    /// Children that live now.
    pub fn children(&self) -> Vec<u32> {
        children(self.child.id())
    }

    /// Most memory it ever held, in bytes (`VmHWM` of proc(5)); zero once it has ended.
    pub fn most_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse::<u64>().ok());
        kib.unwrap_or(0) * 1024
    }

    fn account(&self) -> String {
        format!("printed:\n{}\nlogged:\n{}", self.printed.join("\n"), self.errors())
    }
}

impl Drop for Process {
    /// A line at level ERROR fails the test, unless it was announced by [`Process::may_err`].
    fn drop(&mut self) {
        self.kill();
        if self.may_err.load(Ordering::Relaxed) || std::thread::panicking() {
            return;
        }
        let errors = self.errors();
        let told: Vec<&str> = errors.lines().filter(|line| line.contains(" ERROR ")).collect();
        assert!(told.is_empty(), "{} reports errors: {told:#?}", self.name);
    }
}

/// A new file for what a process logs.
fn log_file(name: &str, logs: &Path) -> PathBuf {
    until("a name for a log", || {
        let at = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?.as_nanos();
        let path = logs.join(format!("{name}-{at}.log"));
        (!path.exists()).then_some(path)
    })
}

/// Whether a process lives; one that has ended and waits for its parent doesn't.
pub fn lives(pid: u32) -> bool {
    stat(pid).is_some_and(|(_, state)| state != 'Z' && state != 'X')
}

fn children(parent: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap();
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| stat(*pid).is_some_and(|(of, state)| of == parent && state != 'Z' && state != 'X')).collect()
}

/// Port and inode of a UDP socket, as proc(5) writes them: second and tenth word.
fn bound(line: &str) -> Option<(u16, String)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (_, port) = words.get(1)?.rsplit_once(':')?;
    Some((u16::from_str_radix(port, 16).ok()?, (*words.get(9)?).to_owned()))
}

/// Parent and state, as proc(5) tells them after the name in parentheses.
fn stat(pid: u32) -> Option<(u32, char)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((fields.next()?.parse().ok()?, state))
}
