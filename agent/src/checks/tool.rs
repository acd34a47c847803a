//! Programs of the system that a check may ask: a fixed list, each by absolute path.
//!
//! There is no shell and no search path, so nobody's folder can put another program in the place of one of these; the
//! environment is empty but for `LANG=C.UTF-8` (no `LD_PRELOAD`, no settings of the person's account, answers always in
//! English). Arguments are constants of the checks. What comes back is cut at a size and a time. It is *not* a fence: the
//! worker around it is, and kills what a program leaves behind.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

/// Most that is kept of one output stream, in bytes.
const OUTPUT_MAX: u64 = 256 * 1024;
/// How often a program that closed its output is asked whether it has ended.
const POLL: Duration = Duration::from_millis(5);

/// A program a check may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// Of APT: pending updates. Only ever with `-s`, which changes nothing.
    AptGet,
    /// Of iptables: the rules in force.
    IptablesSave,
    /// Of CUPS: printers and jobs.
    Lpstat,
    /// Of nftables: the rules in force.
    Nft,
    /// Of systemd: states of services.
    Systemctl,
}

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
    pub(crate) fn ask(self, arguments: &[&str], limit: Duration) -> Result<Answer, Silence> {
        let path = self
            .places()
            .iter()
            .find(|place| std::path::Path::new(place).is_file())
            .ok_or(Silence::NotInstalled(self.name()))?;
        ask(path, self.name(), arguments, limit)
    }

    /// Its name, for evidence.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AptGet => "apt-get",
            Self::IptablesSave => "iptables-save",
            Self::Lpstat => "lpstat",
            Self::Nft => "nft",
            Self::Systemctl => "systemctl",
        }
    }

    /// Where distributions put it. Folders only the administrator may write.
    fn places(self) -> &'static [&'static str] {
        match self {
            Self::AptGet => &["/usr/bin/apt-get"],
            Self::IptablesSave => &["/usr/sbin/iptables-save", "/sbin/iptables-save", "/usr/bin/iptables-save"],
            Self::Lpstat => &["/usr/bin/lpstat"],
            Self::Nft => &["/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft"],
            Self::Systemctl => &["/usr/bin/systemctl", "/bin/systemctl"],
        }
    }
}

fn ask(path: &str, name: &'static str, arguments: &[&str], limit: Duration) -> Result<Answer, Silence> {
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
        assert_eq!(ask("/usr/bin/env", "env", &[], LONG).unwrap().output, "LANG=C.UTF-8\n");
        let answer = ask("/usr/bin/printf", "printf", &["%s|", "$(id)", "a b", "*"], LONG).unwrap();
        assert_eq!((answer.output.as_str(), answer.status), ("$(id)|a b|*|", Some(0)));
    }

    #[test]
    fn output_is_cut_and_an_endless_program_ends() {
        let answer = ask("/usr/bin/yes", "yes", &[], LONG).unwrap();
        assert_eq!(answer.output.len() as u64, OUTPUT_MAX);
        assert_eq!(answer.status, None);
    }

    #[test]
    fn a_program_that_hangs_is_ended_in_time() {
        let began = Instant::now();
        let answer = ask("/usr/bin/sleep", "sleep", &["60"], Duration::from_millis(50));
        assert_eq!(answer, Err(Silence::TooSlow("sleep")));
        assert!(began.elapsed() < LONG);
    }

    #[test]
    fn a_program_that_is_not_there_is_a_value() {
        assert_eq!(ask("/nowhere/x", "x", &[], LONG), Err(Silence::NotStarted("x")));
    }

    #[test]
    fn every_program_is_named_by_an_absolute_path() {
        for tool in [Tool::AptGet, Tool::IptablesSave, Tool::Lpstat, Tool::Nft, Tool::Systemctl] {
            assert!(tool.places().iter().all(|p| p.starts_with('/') && p.ends_with(&format!("/{}", tool.name()))));
        }
    }
}
