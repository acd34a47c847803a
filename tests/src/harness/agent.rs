//! An agent whose person is answered for by the test.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use venia_agent::archive::Archive;
use venia_agent::journal::Journals;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::id::SessionId;
use venia_proto::ledger::body::Body;
use venia_proto::ledger::event::Event;
use venia_proto::ledger::kind::{Cause, Kind};
use venia_proto::ledger::verify::{Finding, Roots, Verdict, verify};
use venia_relay::client::home::Home;

use super::process::Process;
use super::world::World;
use crate::first_session::{MACHINE, UNFENCED};

/// `venia-agent ask`, running.
pub struct Agent {
    /// The process.
    pub process: Process,
    /// Its data folder.
    pub data: PathBuf,
    root: Fingerprint,
}

/// One question.
#[derive(Debug)]
pub struct Asked {
    /// `arrival`, `consent`, `sign` or `free`.
    pub kind: String,
    /// What the person reads.
    pub text: String,
}

impl World {
    /// The folder of this PC; the first time it is given the root, as an installer would.
    pub fn pc(&self, name: &str) -> PathBuf {
        let data = self.folder().join(name);
        let home = Home::open(&data, false).unwrap();
        venia_agent::known::remember_root(&home, &self.address.root).unwrap();
        data
    }

    /// A person on this PC asks for help.
    pub fn ask(&self, name: &str) -> Agent {
        self.ask_in(self.pc(name))
    }

    /// The same on a PC whose owner lets nothing run before witnesses cosigned its admission.
    pub fn ask_strictly(&self, name: &str) -> Agent {
        let (data, address) = (self.pc(name), self.address.to_string());
        let arguments = ["ask", "--relay", &address, "--about", "It is slow.", "--strict"];
        let process = self.spawn("agent-scripted", &data, arguments);
        Agent { process, data, root: self.address.root }
    }

    /// The same in a folder of the test's choice.
    pub fn ask_in(&self, data: PathBuf) -> Agent {
        let address = self.address.to_string();
        let arguments = ["ask", "--relay", &address, "--about", "It is slow."];
        let process = self.spawn("agent-scripted", &data, arguments);
        self.agent_of(process, data)
    }

    /// `venia-agent ask` of this program, as it is shipped: a person sits at a terminal. It is waiting once this returns.
    pub fn ask_at_a_terminal(&self, program: &Path, name: &str) -> Process {
        let mut command = Command::new(program);
        command.args(["ask", "--lang", "en", "--relay", &self.address.to_string(), "--about", "It is slow.", "--data"]);
        command.arg(self.pc(name));
        let mut agent = Process::start_at_a_terminal("agent", command, self.folder());
        agent.line("a code", |line| line.starts_with("code: ").then_some(()));
        // The last it prints until somebody comes.
        agent.line("whom not to trust", |line| line.contains("Nobody from a bank").then_some(()));
        agent
    }

    /// The same on a recorded computer: what lies below that folder is all its workers see of one.
    pub fn ask_on(&self, name: &str, machine: &Path) -> Agent {
        let (data, address) = (self.pc(name), self.address.to_string());
        let mut command = self.role("agent-scripted", &data);
        command.args(["ask", "--relay", &address, "--about", "It is slow."]).env(MACHINE, machine);
        self.agent_of(Process::start("agent-scripted", command, self.folder()), data)
    }

    /// The same on a PC that can't fence workers in.
    pub fn ask_unfenced(&self, name: &str) -> Agent {
        let (data, address) = (self.pc(name), self.address.to_string());
        let mut command = self.role("agent-scripted", &data);
        command.args(["ask", "--relay", &address, "--about", "It is slow."]).env(UNFENCED, "1");
        self.agent_of(Process::start("agent-scripted", command, self.folder()), data)
    }

    /// A running agent of this folder, however it was started.
    pub(super) fn agent_of(&self, process: Process, data: PathBuf) -> Agent {
        Agent { process, data, root: self.address.root }
    }
}

impl Agent {
    /// The next code on the screen.
    pub fn code(&mut self) -> String {
        self.fed("a code", |line| line.strip_prefix("code: ").map(str::to_owned))
    }

    /// The next line of news that means something to `wanted`.
    pub fn fed<T>(&mut self, what: &str, mut wanted: impl FnMut(&str) -> Option<T>) -> T {
        self.process.line(what, |line| wanted(said(line)["feed"].as_str()?))
    }

    /// The next question of this kind.
    pub fn asked(&mut self, kind: &str) -> Asked {
        self.process.line(kind, |line| {
            let said = said(line);
            (said["asked"] == kind)
                .then(|| Asked { kind: kind.to_owned(), text: said["text"].as_str().unwrap_or_default().to_owned() })
        })
    }

    /// Waits for a question and answers it.
    pub fn answer(&mut self, kind: &str, answer: &str) -> Asked {
        let asked = self.asked(kind);
        self.process.say(answer);
        asked
    }

    /// It is them, and they may.
    pub fn allow(&mut self) {
        self.answer("arrival", "yes");
        self.answer("consent", "allow");
    }

    /// The same, and what reads personal data too.
    pub fn allow_all(&mut self) {
        self.answer("arrival", "yes");
        self.answer("consent", "all");
        self.answer("consent", "allow");
    }

    /// Everything the person was told so far, as far as a test has read it.
    pub fn told(&self) -> Vec<String> {
        self.process.printed().iter().filter_map(|line| said(line)["feed"].as_str().map(str::to_owned)).collect()
    }

    /// Declines to sign and waits for the end.
    pub fn end(&mut self) -> i32 {
        self.answer("sign", "not now");
        self.process.exit()
    }

    /// The only session this PC keeps.
    pub fn session(&self) -> SessionId {
        let sessions = Journals::open(&self.data).unwrap().sessions().unwrap();
        assert_eq!(sessions.len(), 1, "{sessions:?}");
        sessions[0]
    }

    /// The record of that session as this PC's journal holds it now; empty before the first batch.
    pub fn record(&self) -> Vec<(Event, Body)> {
        let replay = Journals::open(&self.data).unwrap().read(self.session()).unwrap();
        let Ok(archive) = Archive::read(&replay) else { return Vec::new() };
        let body = |event: &Event, plaintext: Option<&[u8]>| match plaintext {
            Some(words) => Body::decode(event.header().kind.name(), words).unwrap(),
            None => Body::None,
        };
        let pairs = archive.events.into_iter();
        pairs.map(|(event, words)| (event.clone(), body(&event, words.first().map(|o| o.plaintext())))).collect()
    }

    /// The kinds of that record, in order.
    pub fn kinds(&self) -> Vec<Kind> {
        self.record().iter().map(|(event, _)| event.header().kind.clone()).collect()
    }

    /// Who closed the session, and why; panics unless it was closed exactly once.
    pub fn closed(&self) -> (Cause, Cause) {
        let kinds = self.kinds();
        let closes: Vec<_> = kinds
            .iter()
            .filter_map(|kind| if let Kind::Close { by, cause, .. } = kind { Some((*by, *cause)) } else { None })
            .collect();
        assert_eq!(closes.len(), 1, "{kinds:?}");
        closes[0]
    }

    /// The person's bundle, verified by the relay's root.
    pub fn verdict(&self) -> Verdict {
        let bundle = self.data.join(format!("session-{}.zip", self.session()));
        let zip = std::fs::read(&bundle).unwrap_or_else(|error| panic!("{}: {error}", bundle.display()));
        verify(&zip, Roots { named: Some(self.root), known: &[] })
    }

    /// The person's bundle is intact.
    pub fn assert_intact(&self) {
        let verdict = self.verdict();
        assert_eq!(verdict.verdict, Finding::Intact, "{verdict:?}");
    }
}

fn said(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_default()
}
