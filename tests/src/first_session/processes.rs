//! The roles as processes of this same program.

use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use venia_proto::ledger::body::Language;

/// How long any single step may take; a debug build on a busy machine needs a fraction of it.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A role that runs beside the guide. Ended when dropped.
pub(super) struct Running {
    child: Child,
    output: Option<BufReader<ChildStdout>>,
}

/// This program in a role.
pub(super) fn role<A: AsRef<OsStr>>(
    name: &str,
    data: &Path,
    language: Language,
    args: impl IntoIterator<Item = A>,
) -> io::Result<Command> {
    let language = match language {
        Language::En => "en",
        Language::Es => "es",
    };
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(name).args(args).arg("--data").arg(data).args(["--lang", language]).stdin(Stdio::null());
    Ok(command)
}

/// Runs a role to its end, with this on its standard input.
pub(super) fn finish(mut command: Command, input: &str) -> io::Result<Output> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    child.wait_with_output()
}

impl Running {
    /// Starts a role whose output is read line by line.
    pub(super) fn start(mut command: Command) -> io::Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().map(BufReader::new);
        Ok(Self { child, output })
    }

    /// Starts a role that has the terminal to itself.
    pub(super) fn start_in_terminal(mut command: Command) -> io::Result<Self> {
        let child = command.stdin(Stdio::inherit()).spawn()?;
        Ok(Self { child, output: None })
    }

    /// The next line of its output; `None` at its end.
    pub(super) fn line(&mut self) -> io::Result<Option<String>> {
        let Some(output) = &mut self.output else { return Ok(None) };
        let mut line = String::new();
        Ok((output.read_line(&mut line)? > 0).then(|| line.trim_end().to_owned()))
    }

    /// Gives it a line of input and ends its input.
    pub(super) fn say(&mut self, line: &str) -> io::Result<()> {
        match self.child.stdin.take() {
            Some(mut stdin) => writeln!(stdin, "{line}"),
            None => Ok(()),
        }
    }

    /// Whether it has ended.
    pub(super) fn ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)) | Err(_))
    }

    /// Waits for its end; true if it did what it was asked.
    pub(super) fn wait(&mut self) -> io::Result<bool> {
        Ok(self.child.wait()?.success())
    }

    /// Ends it in good order.
    pub(super) fn stop(&mut self) {
        if !self.ended()
            && let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
        {
            let _ = kill_process(pid, Signal::TERM);
            let _ = self.child.wait();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Waits for a file to appear, unless somebody gives up before.
pub(super) fn wait_for(file: &Path, given_up: &mut dyn FnMut() -> bool) -> Option<String> {
    let started = Instant::now();
    while started.elapsed() < 10 * PATIENCE {
        if let Ok(text) = std::fs::read_to_string(file) {
            let _ = std::fs::remove_file(file);
            return Some(text);
        }
        if given_up() {
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    None
}
