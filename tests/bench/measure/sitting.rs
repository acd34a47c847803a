//! A whole session on loopback, timed from outside: real processes, a person who answers at once.

use std::time::{Duration, Instant};

use serde_json::Value;
use venia_proto::catalog::{Catalog, Goal, SAMPLED};

use super::outside;
use crate::harness::agent::Agent;
use crate::harness::console::Technician;
use crate::harness::process::Process;
use crate::harness::world::World;

/// A goal from the person's *allow* to its judgement, less the longest interval that is only waited for. Each call is a
/// session of its own.
pub fn goal(world: &World, technician: &Technician<'_>, name: &str) -> Duration {
    let catalog = Catalog::built_in();
    let goals = Goal::built_in(&catalog).expect("goals");
    let goal = goals.into_iter().find(|goal| goal.id == name).expect("that goal");
    let items = || goal.items.iter().filter_map(|id| catalog.get(id));
    let sampled = items().flat_map(|item| &item.parameters).filter(|parameter| parameter.name == SAMPLED);
    let waited = sampled.filter_map(|parameter| parameter.default.parse().ok()).max().unwrap_or(0);

    let mut agent = world.ask("pc");
    let code = agent.code();
    let mut joining = technician.joining(&code, &["--goal", name, "--outcome", "Looked.", "--next", "Nothing."]);
    agent.process.say("send every");
    agent.answer("arrival", "yes");
    if agent.answer("consent", "all").text.contains("[ ]") {
        agent.answer("consent", "allow");
    }
    let began = Instant::now();
    joining.line("the judgement", |line| event(line, "diagnosis").then_some(()));
    let took = began.elapsed();
    assert_eq!(joining.exit(), 0, "{}", joining.errors());
    agent.end();
    took.saturating_sub(Duration::from_secs(waited))
}

/// A session in which nothing happens.
pub struct Idle {
    /// The person's side.
    pub agent: Agent,
    // Held open: its end would be the session's.
    _technician: Process,
}

/// Opens a session and lets it rest.
pub fn idle(world: &World, technician: &Technician<'_>) -> Idle {
    let mut agent = world.ask("pc");
    let code = agent.code();
    let mut joining = technician.joining(&code, &["--ask", "system"]);
    agent.answer("arrival", "yes");
    let card = agent.answer("consent", "all");
    assert!(card.text.contains("[x]"), "{}", card.text);
    agent.answer("consent", "allow");
    joining.line("the consent", |line| event(line, "consent").then_some(()));
    Idle { agent, _technician: joining }
}

impl Idle {
    /// Memory of the agent, shared pages counted by their share, in bytes.
    pub fn memory(&self) -> u64 {
        outside::memory(&self.agent.process)
    }

    /// Processor time of the agent so far.
    pub fn cpu(&self) -> Duration {
        outside::cpu(&self.agent.process)
    }
}

fn event(line: &str, name: &str) -> bool {
    serde_json::from_str::<Value>(line).is_ok_and(|value| value["event"] == name)
}
