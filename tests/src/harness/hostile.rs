//! An agent with an item whose checks were taken over, as `venia-hostile` plays it, and what is left of their misdeeds.

use std::fs;

use serde_json::json;

use super::agent::Agent;
use super::process::{Process, lives};
use super::world::World;

/// Gives `venia-hostile`'s agent its orders: the misdeed, and what it needs to know.
pub const ORDERS: &str = "VENIA_HOSTILE_ORDERS";
/// The item that was taken over: harmless, so that it runs unlooked at; it declares a program, so that its worker may start
/// some; its deadline is as short as they are.
pub const ITEM: &str = "security.secure-boot";
/// The program it declares.
pub const PROGRAM: &str = "mokutil";
/// One of its findings.
pub const FINDING: &str = "secure-boot-on";
/// Ends the number that every process of a misdeed shows.
pub const MARK: &str = "77";

/// `venia-hostile`, as cargo built it for the calling test.
#[macro_export]
macro_rules! hostile_programs {
    () => {
        ::std::path::Path::new(env!("CARGO_BIN_EXE_venia-hostile"))
    };
}

impl World {
    /// A person on this PC asks for help, and one of its checks was taken over.
    pub fn ask_taken_over(&self, name: &str, misdeed: &str, knows: &[(&str, &str)]) -> Agent {
        let (data, address) = (self.pc(name), self.address.to_string());
        let mut orders = json!({ "misdeed": misdeed });
        for (key, value) in knows {
            orders[*key] = json!(value);
        }
        let mut command = self.role("agent-scripted", &data);
        command.args(["ask", "--relay", &address, "--about", "It is slow."]).env(ORDERS, orders.to_string());
        self.agent_of(Process::start("agent-hostile", command, self.folder()), data)
    }
}

impl Agent {
    /// Processes of this agent's misdeeds that live: what one of them started shows its mark among its arguments, wherever
    /// it fled to.
    pub fn misdeeds(&self) -> Vec<u32> {
        let mark = format!("86400.{}{MARK}", self.process.pid().as_raw_pid());
        let shows = |pid: &u32| {
            let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            arguments.split(|byte| *byte == 0).any(|argument| argument == mark.as_bytes())
        };
        let pids =
            fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(|pid| shows(pid) && lives(*pid)).chain(self.process.children()).collect()
    }

    /// Whether a worker of it is in the middle of a misdeed: it wrote so as its own name.
    pub fn is_at_it(&self) -> bool {
        let name = |pid: u32| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        self.process.children().into_iter().any(|child| name(child).trim_end() == format!("w-{MARK}"))
    }
}
