//! A relay on a free port and the folders of everybody around it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use venia_proto::address::RelayAddress;
use venia_proto::invite::Invite;

use super::process::Process;
use super::weather::Storm;
use crate::first_session::WORKER;

/// What the processes of a world are.
struct Programs {
    /// `venia-try`, which plays every role.
    trial: PathBuf,
    /// The folder of the shipped programs, which then play their own; a person who is scripted stays `venia-try`'s.
    shipped: Option<PathBuf>,
}

impl Programs {
    /// The program of a role, told its role where it has several.
    fn role(&self, name: &str, data: &Path, log: &str) -> Command {
        let shipped = |program: &str| self.shipped.as_ref().map(|folder| folder.join(program));
        let own = match name {
            "relay" => shipped("venia-relay"),
            "console" => shipped("venia"),
            _ => None,
        };
        let mut command = Command::new(own.as_ref().unwrap_or(&self.trial));
        if own.is_none() {
            command.arg(name).envs(shipped("venia-agent").map(|worker| (WORKER, worker)));
        }
        command.arg("--data").arg(data).arg("--lang").arg("en").env("VENIA_LOG", log);
        command
    }
}

impl From<&Path> for Programs {
    fn from(trial: &Path) -> Self {
        Self { trial: trial.to_owned(), shipped: None }
    }
}

/// Everything one test uses.
pub struct World {
    programs: Programs,
    folder: TempDir,
    /// Where the relay keeps its data.
    pub relay_data: PathBuf,
    /// The relay, while it runs.
    pub relay: Process,
    /// Its address, the same after a restart.
    pub address: RelayAddress,
    /// Where it really listens, if its address names something in front of it.
    behind: Option<SocketAddr>,
    /// `VENIA_LOG` of every process started from now on.
    pub log: String,
}

impl World {
    /// Starts a relay. `program`: [`crate::programs!`].
    pub fn start(program: &Path) -> Self {
        Self::logging(program, "warn")
    }

    /// The same with another level of logs.
    pub fn logging(program: &Path, log: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let relay_data = folder.path().join("relay");
        Self::with_relay_in(program, folder, relay_data, log)
    }

    /// The same in a folder of the caller's: where it matters which disk it is.
    pub fn start_in(program: &Path, folder: TempDir) -> Self {
        let relay_data = folder.path().join("relay");
        Self::with_relay_in(program, folder, relay_data, "warn")
    }

    /// The same with the programs that are shipped, which lie in a folder: relay, console and workers.
    pub fn shipped(program: &Path, shipped: &Path, folder: TempDir) -> Self {
        let programs = Programs { shipped: Some(shipped.to_owned()), ..program.into() };
        let relay_data = folder.path().join("relay");
        Self::of(programs, folder, relay_data, "warn")
    }

    /// The same with the relay's data somewhere else.
    pub fn with_relay_in(program: &Path, folder: TempDir, relay_data: PathBuf, log: &str) -> Self {
        Self::of(program.into(), folder, relay_data, log)
    }

    fn of(programs: Programs, folder: TempDir, relay_data: PathBuf, log: &str) -> Self {
        let (relay, address) = serve(&programs, &relay_data, folder.path(), &["--listen", "127.0.0.1:0"], log);
        Self { programs, folder, relay_data, relay, address, behind: None, log: log.to_owned() }
    }

    /// The same on any port of this address, with an address that names the box in front of it. The box leads to it.
    pub fn behind(program: &Path, storm: &Storm, listen: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let relay_data = folder.path().join("relay");
        let (any, public) = (SocketAddr::new(listen.parse().unwrap(), 0).to_string(), storm.at.to_string());
        let arguments = ["--listen", &any, "--public", &public];
        let programs = Programs::from(program);
        let (relay, address) = serve(&programs, &relay_data, folder.path(), &arguments, "warn");
        let port = relay.udp_port();
        let behind = SocketAddr::new(storm.at.ip(), port);
        storm.lead_to(behind);
        let log = "warn".to_owned();
        Self { programs, folder, relay_data, relay, address, behind: Some(behind), log }
    }

    /// Where everything lies.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A program in a role, with a data folder.
    pub fn role(&self, name: &str, data: &Path) -> Command {
        self.programs.role(name, data, &self.log)
    }

    /// Starts a role.
    pub fn spawn<'a>(&self, name: &str, data: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Process {
        let mut command = self.role(name, data);
        command.args(arguments);
        Process::start(name, command, self.folder())
    }

    /// Runs a role to its end: exit code, lines, standard error.
    pub fn run<'a>(
        &self,
        name: &str,
        data: &Path,
        arguments: impl IntoIterator<Item = &'a str>,
        input: &str,
    ) -> (i32, Vec<String>, String) {
        let mut process = self.spawn(name, data, arguments);
        process.say(input);
        process.hang_up();
        let exit = process.exit();
        (exit, process.printed().to_vec(), process.errors())
    }

    /// A fresh invite, as the operator sends it.
    pub fn invite_word(&self, name: &str, level: u8) -> String {
        self.invite_as("technician", name, level)
    }

    /// The same for another role.
    pub fn invite_as(&self, role: &str, name: &str, level: u8) -> String {
        let level = level.to_string();
        let arguments = ["invite", "--role", role, "--name", name, "--level", &level, "--json"];
        let (exit, lines, errors) = self.run("relay", &self.relay_data, arguments, "");
        assert_eq!(exit, 0, "{errors}");
        let said: Value = serde_json::from_str(&lines.concat()).unwrap();
        said["invite"].as_str().unwrap().to_owned()
    }

    /// A fresh invite, read.
    pub fn invite(&self, name: &str, level: u8) -> Invite {
        self.invite_word(name, level).parse().unwrap()
    }

    /// Revokes a member, beside the running relay.
    pub fn revoke(&self, name: &str) {
        let (exit, _, errors) = self.run("relay", &self.relay_data, ["members", "revoke", name], "");
        assert_eq!(exit, 0, "{errors}");
    }

    /// Where the relay's address says it listens.
    pub fn listening(&self) -> SocketAddr {
        self.address.at.to_string().parse().unwrap()
    }

    /// Where it really listens.
    pub fn really_listening(&self) -> SocketAddr {
        self.behind.unwrap_or_else(|| self.listening())
    }

    /// Kills the relay: no farewell to anybody.
    pub fn kill_relay(&mut self) {
        self.relay.kill();
    }

    /// Records are sealed to this auditor from now on.
    pub fn add_auditor(&self, recipient: &str) {
        let (exit, _, errors) = self.run("relay", &self.relay_data, ["auditor-key", "add", recipient], "");
        assert_eq!(exit, 0, "{errors}");
    }

    /// Starts the relay again, on the same address and folder.
    pub fn restart_relay(&mut self) {
        self.restart_relay_with(&[]);
    }

    /// The same with more to say to it.
    pub fn restart_relay_with(&mut self, more: &[&str]) {
        let listen = self.really_listening().to_string();
        let arguments = [&["--listen", &listen], more].concat();
        let (relay, address) = serve(&self.programs, &self.relay_data, self.folder.path(), &arguments, &self.log);
        assert_eq!(address, self.address);
        self.relay = relay;
    }
}

fn serve(programs: &Programs, data: &Path, logs: &Path, arguments: &[&str], log: &str) -> (Process, RelayAddress) {
    let mut command = programs.role("relay", data, log);
    command.arg("serve").args(arguments);
    let mut relay = Process::start("relay", command, logs);
    let address = relay.line("the address", |line| line.strip_prefix("address: ")?.parse().ok());
    relay.line("ready", |line| (line == "ready").then_some(()));
    (relay, address)
}
