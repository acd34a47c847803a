//! An honest session that runs beside an attack, through the same relay, and has to come through it untouched.
//!
//! The shipped programs on both sides. It is begun before the attack and ended after it; what happened to everybody else in
//! between must have changed nothing in it: not its runs, not how it ends, not the record either side keeps.

use super::agent::Agent;
use super::console::Joined;
use super::process::Process;
use super::world::World;
use venia_proto::ledger::kind::{Cause, Kind};

/// What is looked at, each time.
const ITEM: &str = "system.memory";

/// The session.
pub struct Beside {
    agent: Agent,
    console: Process,
    runs: usize,
}

impl World {
    /// Begins one: the person has allowed what was asked for, and one result has come. `name`: of the technician.
    pub fn beside(&self, name: &str) -> Beside {
        drop(self.technician(name, 2));
        self.beside_by(name)
    }

    /// The same by a technician who is enrolled already: a relay in other hands enrols nobody.
    pub fn beside_by(&self, name: &str) -> Beside {
        let technician = self.somebody(&format!("console-{name}"));
        let mut agent = self.ask(&format!("pc-beside-{name}"));
        let mut console = technician.joining(&agent.code(), &["--ask", "system"]);
        agent.allow();
        console.line("the consent", |line| line.contains(r#""scopes":["s"#).then_some(()));
        let mut beside = Beside { agent, console, runs: 0 };
        beside.run();
        beside
    }
}

impl Beside {
    /// Another run, and its result.
    pub fn run(&mut self) {
        self.console.say(&format!("run {ITEM}"));
        self.console.line("a result", |line| line.contains(r#""event":"result""#).then_some(()));
        self.runs += 1;
    }

    /// Most memory its agent ever held, in bytes.
    pub fn most_memory(&self) -> u64 {
        self.agent.process.most_memory()
    }

    /// Its agent's and its console's processes.
    pub fn processes(&self) -> [&Process; 2] {
        [&self.agent.process, &self.console]
    }

    /// One more run, then the technician closes. Everything ran, nothing else is on record, and both bundles are intact.
    pub fn ends_untouched(mut self) {
        self.run();
        ["close", "Looked.", "Nothing."].iter().for_each(|line| self.console.say(line));
        let joined = Joined::of(&mut self.console);
        assert_eq!(joined.exit, 0, "{joined:#?}");
        let results = joined.events("result");
        assert_eq!(results.len(), self.runs, "{joined:#?}");
        assert!(results.iter().all(|result| result["item"] == ITEM && result["status"] == "done"), "{joined:#?}");
        assert_eq!(joined.events("closed")[0]["verdict"], "intact", "{joined:#?}");
        assert_eq!(self.agent.end(), 0);
        assert_eq!(self.agent.closed(), (Cause::Technician, Cause::Done));
        let kinds = self.agent.kinds();
        let count = |wanted: fn(&Kind) -> bool| kinds.iter().filter(|kind| wanted(kind)).count();
        assert_eq!(count(|kind| matches!(kind, Kind::Result { .. })), self.runs, "{kinds:?}");
        assert_eq!(count(|kind| matches!(kind, Kind::Refuse { .. } | Kind::Pause { .. })), 0, "{kinds:?}");
        self.agent.assert_intact();
        for process in self.processes() {
            assert!(!process.errors().contains("panicked"), "{}", process.errors());
        }
    }
}
