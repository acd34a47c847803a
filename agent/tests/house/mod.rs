//! A relay, an enrolled technician and a person at a terminal: the shipped programs as processes, nothing replaced.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;

/// Longest wait for anything that must come; only a failing test waits that long.
const PATIENCE: Duration = Duration::from_secs(45);

/// One folder with the data of all three.
pub(crate) struct House {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) address: String,
    relay: Child,
}

/// A terminal with a program in it. Killed if a test fails.
pub(crate) struct Terminal {
    master: File,
    program: Child,
    /// What came and wasn't looked at yet; a character may be incomplete.
    ahead: Vec<u8>,
    /// Everything looked at so far, for messages and for what must not be there.
    pub(crate) seen: String,
}

/// A scripted `venia join --json` that runs.
pub(crate) struct Joining(Child);

/// What a scripted `venia join --json` came to.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) code: i32,
    pub(crate) events: Vec<Value>,
}

/// A program of this workspace: its own, or one beside it.
fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_venia-agent")).with_file_name(name);
    assert!(path.is_file(), "{} is missing: run `cargo build --workspace` first", path.display());
    path
}

fn command(name: &str) -> Command {
    let mut command = Command::new(program(name));
    for name in ["LANG", "LANGUAGE", "LC_MESSAGES", "VENIA_LOG", "NO_COLOR", "COLUMNS"] {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C");
    command
}

impl House {
    /// A house whose agent doesn't know the service yet, with the technician Ana.
    pub(crate) fn strange() -> Self {
        Self::with("Ana")
    }

    /// A house whose agent knows the service, as if an installer had told it.
    pub(crate) fn known() -> Self {
        let house = Self::strange();
        let home = venia_relay::client::home::Home::open(&house.folder.path().join("agent"), false).unwrap();
        venia_agent::known::remember_root(&home, &house.root().parse().unwrap()).unwrap();
        house
    }

    fn with(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("relay");
        let mut serve = command("venia-relay");
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
        let mut relay = serve.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(relay.stdout.take().unwrap()).lines();
        let address = lines.next().unwrap().unwrap().strip_prefix("address: ").unwrap().to_owned();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        let house = Self { folder, address, relay };
        let invite =
            house.run("venia-relay", "relay", &["invite", "--role", "technician", "--name", name, "--level", "3"]);
        let invite = text(&invite.stdout);
        let word = invite.strip_prefix("invite: ").unwrap();
        assert_eq!(word.matches('\n').count(), 1, "exactly one line");
        assert!(house.run("venia", "console", &["enroll", word.trim_end()]).status.success());
        house
    }

    pub(crate) fn root(&self) -> &str {
        self.address.rsplit_once('#').unwrap().1
    }

    /// Runs a command to its end, without a terminal.
    pub(crate) fn run(&self, name: &str, data: &str, args: &[&str]) -> Output {
        command(name).args(args).arg("--data").arg(self.folder.path().join(data)).output().unwrap()
    }

    /// One JSON object of a command that must succeed.
    pub(crate) fn json(&self, name: &str, data: &str, args: &[&str]) -> Value {
        let output = self.run(name, data, &[args, &["--json"]].concat());
        assert!(output.status.success(), "{args:?} {output:?}");
        assert_eq!(text(&output.stdout).lines().count(), 1, "{args:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// `venia-agent` in a terminal of its own.
    pub(crate) fn at_a_terminal(&self, args: &[&str]) -> Terminal {
        let mut command = command("venia-agent");
        command.args(args).arg("--data").arg(self.folder.path().join("agent"));
        Terminal::new(command)
    }

    /// `venia join` in a terminal, for somebody who types.
    pub(crate) fn technician(&self, code: &str, args: &[&str]) -> Terminal {
        let mut command = command("venia");
        command.args(["join", code, "--reason", "Let me see"]).args(args);
        command.arg("--data").arg(self.folder.path().join("console"));
        Terminal::new(command)
    }

    /// The person asks for help; the terminal, and the code of its first line.
    pub(crate) fn ask(&self, args: &[&str]) -> (Terminal, String) {
        let mut person =
            self.at_a_terminal(&[&["ask", "--about", "It is slow", "--relay", &self.address], args].concat());
        let code = person.code();
        (person, code)
    }

    /// A script that asks for `system.overview` and closes.
    pub(crate) fn join(&self, code: &str, reason: &str) -> Joining {
        let mut join = command("venia");
        join.args(["join", "-", "--json", "--reason", reason, "--run", "system.overview"]);
        join.args(["--outcome", "All well", "--next", "Nothing", "--data"]).arg(self.folder.path().join("console"));
        let mut child = join.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command line that is wrong use is over before it reads.
        let _ = writeln!(child.stdin.take().unwrap(), "{code}");
        Joining(child)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.relay.kill();
        let _ = self.relay.wait();
    }
}

impl Joining {
    /// Waits for its end.
    pub(crate) fn ends(mut self) -> Joined {
        let since = Instant::now();
        while self.0.try_wait().unwrap().is_none() {
            if since.elapsed() > PATIENCE {
                self.0.kill().unwrap();
                panic!("venia join never ended: {:?}", self.0.wait_with_output());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let output = self.0.wait_with_output().unwrap();
        let events = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Joined { code: output.status.code().unwrap(), events }
    }
}

impl Joined {
    /// The only event of this kind.
    pub(crate) fn event(&self, kind: &str) -> &Value {
        let found: Vec<_> = self.events.iter().filter(|event| event["event"] == kind).collect();
        assert_eq!(found.len(), 1, "{kind} in {:?}", self.events);
        found[0]
    }

    pub(crate) fn has(&self, kind: &str) -> bool {
        self.events.iter().any(|event| event["event"] == kind)
    }
}

impl Terminal {
    /// Starts a program whose standard streams are all this terminal.
    pub(crate) fn new(mut command: Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let own: OwnedFd =
            rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        command.stdin(own.try_clone().unwrap()).stdout(own.try_clone().unwrap()).stderr(own);
        let program = command.spawn().unwrap();
        // `command` holds the program's side too: the end would never be seen.
        drop(command);
        Self { master: File::from(master), program, ahead: Vec::new(), seen: String::new() }
    }

    /// What comes before this text, which must come. What is typed is echoed, as everywhere.
    pub(crate) fn sees(&mut self, needle: &str) -> String {
        let since = Instant::now();
        loop {
            if let Some(at) = find(&self.ahead, needle.as_bytes()) {
                let looked_at = text(&self.ahead.drain(..at + needle.len()).collect::<Vec<_>>());
                self.seen += &looked_at;
                return looked_at.strip_suffix(needle).unwrap().to_owned();
            }
            assert!(since.elapsed() < PATIENCE && self.reads(), "never saw {needle:?} after\n{}", self.all());
        }
    }

    /// The next line is a code and nothing else.
    pub(crate) fn code(&mut self) -> String {
        let line = self.sees("\r\n");
        let code = line.strip_prefix("code: ").unwrap_or_else(|| panic!("no code but {line:?}"));
        assert!(code.split('-').count() == 3 && !code.contains(' '), "{code}");
        code.to_owned()
    }

    pub(crate) fn types(&mut self, line: &str) {
        self.begins(&format!("{line}\n"));
    }

    /// Types without pressing Enter.
    pub(crate) fn begins(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).unwrap();
    }

    /// The end of input (Ctrl-D on an empty line).
    pub(crate) fn ends_input(&mut self) {
        self.begins("\u{4}");
    }

    /// Waits for the program's end; its exit code.
    pub(crate) fn ends(&mut self) -> i32 {
        let since = Instant::now();
        while self.reads() {
            assert!(since.elapsed() < PATIENCE, "never ended after\n{}", self.all());
        }
        self.seen = self.all();
        self.ahead.clear();
        self.program.wait().unwrap().code().unwrap()
    }

    /// Waits for more; false once the program's side is closed.
    fn reads(&mut self) -> bool {
        let longest = Timespec::try_from(PATIENCE).unwrap();
        let ready = poll(&mut [PollFd::new(&self.master, PollFlags::IN)], Some(&longest)).unwrap();
        assert!(ready > 0, "nothing came after\n{}", self.all());
        let mut bytes = [0; 4096];
        // EIO: nobody holds the other side any more.
        let n = self.master.read(&mut bytes).unwrap_or(0);
        self.ahead.extend(&bytes[..n]);
        n > 0
    }

    fn all(&self) -> String {
        format!("{}{}", self.seen, String::from_utf8_lossy(&self.ahead))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|part| part == needle)
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
