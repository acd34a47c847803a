//! A program whose disk fails, or that dies, at a chosen moment.
//!
//! The disk fails by strace(1), which lets a system call of the real program return an error: no seam in the program, no
//! mock of the kernel. The program dies by SIGKILL, when its journal has grown to so many lines.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::agent::Agent;
use super::process::Process;
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

impl World {
    /// A person on this PC asks for help, and one of the agent's system calls fails. Says nothing of what it was about
    /// when the call never comes.
    pub fn ask_with(&self, name: &str, fault: Fault) -> Agent {
        let data = self.pc(name);
        let address = self.address.to_string();
        let mut agent = self.role("agent-scripted", &data);
        agent.args(["ask", "--relay", &address, "--about", "It is slow."]);
        let Fault { call, error, nth, ever_after } = fault;
        let more = if ever_after { "+" } else { "" };
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "--seccomp-bpf", "-e", &format!("trace={call}"), "-o"]);
        command.arg(injected(&data)).args(["-e", &format!("inject={call}:error={error}:when={nth}{more}")]);
        command.arg(agent.get_program()).args(agent.get_args());
        for (name, value) in agent.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        self.agent_of(Process::start("agent-faulty", command, self.folder()), data)
    }
}

/// Where strace writes which calls it saw.
fn injected(data: &Path) -> PathBuf {
    data.with_extension("strace")
}

/// Whether a call was made to fail.
pub fn has_failed(data: &Path) -> bool {
    std::fs::read_to_string(injected(data)).unwrap_or_default().contains("(INJECTED)")
}
