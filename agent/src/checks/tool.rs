//! Programs of the system that a check may ask: a fixed list, each by absolute path.
//!
//! There is no shell and no search path, so nobody's folder can put another program in the place of one of these; the
//! environment is empty but for `LANG=C.UTF-8` (no `LD_PRELOAD`, no settings of the person's account, answers always in
//! English). Arguments are constants of the checks. What comes back is cut at a size and a time. It is *not* a fence: the
//! worker around it is, and kills what a program leaves behind.

mod table;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

pub(crate) use table::*;

/// Most that is kept of one output stream, in bytes.
const OUTPUT_MAX: u64 = 256 * 1024;
/// Where distributions put programs: folders only the administrator may write.
const FOLDERS: [&str; 4] = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"];
/// How often a program that closed its output is asked whether it has ended.
const POLL: Duration = Duration::from_millis(5);

/// What a program answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Exit status; none if a signal ended it.
    pub(crate) status: Option<i32>,
    /// Standard output.
    pub(crate) output: String,
    /// Standard error.
    pub(crate) error: String,
}

/// Why a program gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Silence {
    /// It is at none of its places.
    #[error("{0} is not installed")]
    NotInstalled(&'static str),
    /// It is there and could not be started.
    #[error("{0} could not be started")]
    NotStarted(&'static str),
    /// It took too long and was ended.
    #[error("{0} gave no answer in time")]
    TooSlow(&'static str),
}

impl Tool {
    /// Asks it. `limit` is the longest it may take.
    pub(crate) fn ask(&self, arguments: &[&str], limit: Duration) -> Result<Answer, Silence> {
        let path = self.place().ok_or(Silence::NotInstalled(self.name))?;
        ask(&path, self.name, arguments, limit)
    }

    /// Where it is; none if it isn't installed.
    pub(crate) fn place(&self) -> Option<PathBuf> {
        FOLDERS.iter().map(|folder| Path::new(folder).join(self.name)).find(|place| place.is_file())
    }
}

fn ask(path: &Path, name: &'static str, arguments: &[&str], limit: Duration) -> Result<Answer, Silence> {
    let until = Instant::now() + limit;
    let mut child = Command::new(path)
        .args(arguments)
        .env_clear()
        .env("LANG", "C.UTF-8")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|_| Silence::NotStarted(name))?;
    let answer = listen(&mut child, until).ok_or(Silence::TooSlow(name));
    if answer.is_err() {
        // It may have ended by itself just now; either way it is gone and reaped after this.
        let _ended = child.kill();
        let _reaped = child.wait();
    }
    answer
}

fn listen(child: &mut Child, until: Instant) -> Option<Answer> {
    let output = reader(child.stdout.take()?);
    let error = reader(child.stderr.take()?);
    let output = before(&output, until)?;
    let error = before(&error, until)?;
    loop {
        if let Some(status) = child.try_wait().ok()? {
            return Some(Answer { status: status.code(), output, error });
        }
        if Instant::now() >= until {
            return None;
        }
        std::thread::sleep(POLL);
    }
}

/// Reads in a thread of its own: a program that fills one pipe while we wait for the other would hang us. What is beyond
/// the limit closes the pipe, and the program with it.
fn reader(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = sync_channel(1);
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _partial = pipe.take(OUTPUT_MAX).read_to_end(&mut bytes);
        let _nobody_waits = send.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receive
}

fn before(text: &Receiver<String>, until: Instant) -> Option<String> {
    text.recv_timeout(until.saturating_duration_since(Instant::now())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_program_sees_an_empty_environment_and_its_exact_arguments() {
        assert_eq!(ask(Path::new("/usr/bin/env"), "env", &[], LONG).unwrap().output, "LANG=C.UTF-8\n");
        let answer = ask(Path::new("/usr/bin/printf"), "printf", &["%s|", "$(id)", "a b", "*"], LONG).unwrap();
        assert_eq!((answer.output.as_str(), answer.status), ("$(id)|a b|*|", Some(0)));
    }

    #[test]
    fn output_is_cut_and_an_endless_program_ends() {
        let answer = ask(Path::new("/usr/bin/yes"), "yes", &[], LONG).unwrap();
        assert_eq!(answer.output.len() as u64, OUTPUT_MAX);
        assert_eq!(answer.status, None);
    }

    #[test]
    fn a_program_that_hangs_is_ended_in_time() {
        let began = Instant::now();
        let answer = ask(Path::new("/usr/bin/sleep"), "sleep", &["60"], Duration::from_millis(50));
        assert_eq!(answer, Err(Silence::TooSlow("sleep")));
        assert!(began.elapsed() < LONG);
    }

    #[test]
    fn a_program_that_is_not_there_is_a_value() {
        assert_eq!(ask(Path::new("/nowhere/x"), "x", &[], LONG), Err(Silence::NotStarted("x")));
    }

    #[test]
    fn every_program_is_named_by_an_absolute_path() {
        assert_eq!(named("env"), None, "a program that runs programs");
        assert!(FOLDERS.iter().all(|folder| folder.starts_with('/')));
        for tool in ALL {
            assert!(!tool.name.contains('/') && named(tool.name) == Some(*tool), "{}", tool.name);
        }
        assert!(ALL.windows(2).all(|pair| pair[0].name < pair[1].name));
    }
}
