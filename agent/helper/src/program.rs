//! The programs this helper starts: at fixed places that only the administrator can write, with arguments the code fixes.
//!
//! No shell, no search path, nothing of our own environment: `pkexec` cleans it, and this ignores it all the same.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::caller::{Caller, Word};

/// Where distributions put programs.
const FOLDERS: [&str; 4] = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"];
/// The whole environment of what is started. Packages' own steps need a search path, and must not ask anybody.
const ENVIRONMENT: [(&str, &str); 3] =
    [("LANG", "C.UTF-8"), ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("DEBIAN_FRONTEND", "noninteractive")];
/// Most that is kept of an answer, in bytes.
const OUTPUT_MAX: u64 = 256 * 1024;
/// How often the caller is listened to while a program runs, in milliseconds: STOP's promise is 100.
const LISTEN_MS: u64 = 20;
/// How long a program may take to end itself when it is stopped: within STOP's promise, together with the listening.
const GRACE: Duration = Duration::from_millis(50);
/// How often a program that was asked to end is looked at.
const ENDS: Duration = Duration::from_millis(5);

/// What a program answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Whether it says that all went well.
    pub success: bool,
    /// Standard output, cut.
    pub output: String,
}

/// How long a program may take, and what ends it.
pub enum Patience<'a> {
    /// A question: ended when its time is over.
    Ask(Duration),
    /// Work that may be left half done: ended when its time is over, or when nobody is there any more.
    Until(Duration, &'a mut dyn Caller),
    /// Work that must not be: nobody ends it.
    Whole,
}

/// Programs of a computer.
pub trait Programs {
    /// Starts one and waits for its end.
    fn run(&self, name: &str, arguments: &[&str], patience: Patience<'_>) -> Result<Answer, String>;
}

/// Those of this computer.
#[derive(Clone, Copy, Debug)]
pub struct Real;

impl Programs for Real {
    fn run(&self, name: &str, arguments: &[&str], mut patience: Patience<'_>) -> Result<Answer, String> {
        let place = FOLDERS.iter().map(|folder| Path::new(folder).join(name)).find(|place| place.is_file());
        let place = place.ok_or_else(|| format!("{name} is not installed"))?;
        let mut child = Command::new(place)
            .args(arguments)
            .env_clear()
            .envs(ENVIRONMENT)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|_| format!("{name} could not be started"))?;
        let reader = child.stdout.take().map(|pipe| std::thread::spawn(move || read(pipe)));
        let began = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().map_err(|_| format!("{name} can't be watched"))? {
                break status;
            }
            let (late, gone) = match &mut patience {
                Patience::Ask(limit) => (began.elapsed() >= *limit, pause()),
                Patience::Until(limit, caller) => (began.elapsed() >= *limit, caller.wait(LISTEN_MS) == Word::Gone),
                Patience::Whole => (false, pause()),
            };
            if late || gone {
                end(&mut child);
                return Err(format!("{name} {}", if gone { "was stopped" } else { "took too long" }));
            }
        };
        let output = reader.and_then(|reader| reader.join().ok()).unwrap_or_default();
        Ok(Answer { success: status.success(), output })
    }
}

/// What is beyond the limit is read and dropped: a full pipe would hold up what must not be stopped.
fn read(mut pipe: ChildStdout) -> String {
    let mut bytes = Vec::new();
    let _partial = (&mut pipe).take(OUTPUT_MAX).read_to_end(&mut bytes);
    let _rest = std::io::copy(&mut pipe, &mut std::io::sink());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Until the next look; nobody is gone.
fn pause() -> bool {
    std::thread::sleep(Duration::from_millis(LISTEN_MS));
    false
}

/// Politely, then not.
fn end(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let signal = |signal| group.map(|group| kill_process_group(group, signal));
    let until = Instant::now() + GRACE;
    let _gone_already = signal(Signal::TERM);
    while Instant::now() < until {
        if !matches!(child.try_wait(), Ok(None)) {
            break;
        }
        std::thread::sleep(ENDS);
    }
    // What the program started may outlive it.
    let _gone_already = signal(Signal::KILL);
    let _reaped = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Silent(Word);

    impl Caller for Silent {
        fn request(&mut self) -> Vec<u8> {
            Vec::new()
        }

        fn wait(&mut self, ms: u64) -> Word {
            std::thread::sleep(Duration::from_millis(ms.min(1)));
            self.0
        }

        fn now_ms(&self) -> u64 {
            0
        }
    }

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn g6_a_program_gets_a_fixed_environment_and_its_exact_arguments() {
        let answer = Real.run("env", &[], Patience::Ask(LONG)).unwrap();
        let mut lines: Vec<&str> = answer.output.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["DEBIAN_FRONTEND=noninteractive", "LANG=C.UTF-8", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]);
        assert_eq!(Real.run("printf", &["%s|", "$(id)", "*"], Patience::Ask(LONG)).unwrap().output, "$(id)|*|");
        assert!(!Real.run("false", &[], Patience::Ask(LONG)).unwrap().success);
        assert!(Real.run("../bin/none", &[], Patience::Ask(LONG)).is_err());
    }

    #[test]
    fn g6_what_can_be_stopped_ends_when_the_caller_is_gone() {
        let began = Instant::now();
        let stopped = Real.run("sleep", &["60"], Patience::Until(LONG, &mut Silent(Word::Gone)));
        assert_eq!(stopped, Err("sleep was stopped".to_owned()));
        assert!(began.elapsed() < Duration::from_millis(100), "STOP's promise");
        let slow = Real.run("sleep", &["60"], Patience::Until(Duration::from_millis(50), &mut Silent(Word::Nothing)));
        assert_eq!(slow, Err("sleep took too long".to_owned()));
    }
}
