//! A program whose disk fails at a chosen moment.
//!
//! By strace(1), which lets a system call of the real program return an error: no seam in the program, no mock of the
//! kernel. `tests/run` installs it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::agent::Agent;
use super::console::Technician;
use super::process::Process;
use super::until;
use super::world::World;

/// One failing system call.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Which, as strace names it.
    pub call: &'static str,
    /// What it returns.
    pub error: &'static str,
    /// The how manieth of the thread that makes it, from 1.
    pub nth: usize,
    /// Every later one too: a disk that is gone, not one that stumbled.
    pub ever_after: bool,
}

impl Fault {
    /// strace with this fault, writing the calls it saw to a file.
    fn strace(self, seen: &Path) -> Command {
        let Self { call, error, nth, ever_after } = self;
        let more = if ever_after { "+" } else { "" };
        let mut command = Command::new("strace");
        command.args(["-f", "-e", &format!("trace={call}"), "-o"]).arg(seen);
        command.args(["-e", &format!("inject={call}:error={error}:when={nth}{more}")]);
        command
    }

    /// The same program, with the fault.
    fn in_program(self, program: &Command, seen: &Path) -> Command {
        let mut command = self.strace(seen);
        command.args(["-qq", "--seccomp-bpf"]).arg(program.get_program()).args(program.get_args());
        for (name, value) in program.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        command
    }
}

impl World {
    /// A person on this PC asks for help, and one of the agent's system calls fails.
    pub fn ask_with(&self, name: &str, fault: Fault) -> Agent {
        let data = self.pc(name);
        let address = self.address.to_string();
        let mut agent = self.role("agent-scripted", &data);
        agent.args(["ask", "--relay", &address, "--about", "It is slow."]);
        let command = fault.in_program(&agent, &calls(&data));
        self.agent_of(Process::start("agent-faulty", command, self.folder()), data)
    }

    /// From now on a system call of the running relay fails, until what is given is dropped. Only root may reach into a
    /// running program: says so and gives `None` otherwise.
    #[expect(clippy::print_stderr, reason = "a test that does nothing has to say why")]
    pub fn fail_relay(&self, fault: Fault) -> Option<Process> {
        self.relay.may_err();
        let mut command = fault.strace(&calls(&self.relay_data));
        command.args(["-p", &self.relay.pid().as_raw_nonzero().to_string()]);
        let mut strace = Process::start("strace", command, self.folder());
        let attached = until("strace to attach", || {
            let errors = strace.errors();
            if errors.contains("attached") { Some(true) } else { errors.contains("attach:").then_some(false) }
        });
        if !attached {
            eprintln!("skipped: this user can't reach into a running program: {}", strace.errors());
            strace.kill();
            return None;
        }
        Some(strace)
    }
}

impl Technician<'_> {
    /// `venia join - --json`, and one of its system calls fails.
    pub fn joining_with(&self, code: &str, arguments: &[&str], fault: Fault) -> Process {
        let mut console = self.world().role("console", &self.data);
        console.args(["join", "-", "--json", "--reason", "To look."]).args(arguments);
        let command = fault.in_program(&console, &calls(&self.data));
        let mut process = Process::start("console-faulty", command, self.world().folder());
        process.say(code);
        process
    }
}

/// Where strace writes which calls it saw.
fn calls(data: &Path) -> PathBuf {
    let mut name: OsString = data.as_os_str().to_owned();
    name.push(".strace");
    name.into()
}

/// Whether a call was made to fail for the program with this data folder.
pub fn has_failed(data: &Path) -> bool {
    std::fs::read_to_string(calls(data)).unwrap_or_default().contains("(INJECTED)")
}
