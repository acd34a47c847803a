//! `venia-try` whose agent's workers may have been taken over: the checks of one item do a misdeed instead.
//!
//! The session is the shipped programs' own, from the technician's command line to the fences of the worker; only what runs
//! behind them is hostile. No hostile check is in any other program: this one is built for the tests, and the misdeeds are
//! those of the agent's own tests of its workers. Orders reach a worker as its first argument, for nothing else does.
#![expect(unreachable_pub, reason = "the misdeeds are written for another program as well")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a hostile check may well break")]

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use rustix::process::getppid;
use venia_agent::checks;
use venia_agent::worker::{self, Program, Reach};
use venia_proto::ledger::body::{Arguments, ItemId};
use venia_proto::report::{Draft, Severity};
use venia_tests::first_session;
use venia_tests::harness::hostile::{FINDING, ITEM, MARK, ORDERS, PROGRAM};
use venia_tests::harness::scripted::Scripted;

#[path = "../../../agent/tests/hostile/misdeeds/mod.rs"]
mod misdeeds;

/// How the first argument of such a worker begins; the orders follow.
const WORKER: &str = "worker-taken-over:";

type Judge = Box<dyn FnOnce() -> Draft>;
type Gather = Box<dyn FnOnce(&Arguments) -> Result<Judge, String>>;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let role = args.get(1).and_then(|role| role.to_str()).unwrap_or_default();
    if let Some(orders) = role.strip_prefix(WORKER) {
        return work(&serde_json::from_str(orders).unwrap());
    }
    match std::env::var(ORDERS) {
        Ok(orders) if role == "agent-scripted" => {
            let program =
                Program { path: PathBuf::from("/proc/self/exe"), first_argument: format!("{WORKER}{orders}").into() };
            let person: venia_agent::FindPerson = Box::new(|_, _| Ok(Box::new(Scripted)));
            let own = args.iter().take(1).chain(args.iter().skip(2)).cloned();
            venia_agent::main(own, venia_agent::Parts { person, program, ..venia_agent::Parts::shipped() })
        }
        Ok(_) | Err(_) => first_session::main(args),
    }
}

/// As the agent does, but for one item and the program it declares.
fn work(orders: &Arguments) -> ExitCode {
    let find = |item: &ItemId, tools: &[String], _: Option<&str>| -> Option<Gather> {
        if item.0 == ITEM {
            return taken_over(orders);
        }
        let check = checks::find(item)?;
        checks::declare(tools);
        Some(Box::new(move |arguments| {
            check.gather(arguments).map(|judge| judge as Judge).map_err(|failure| failure.to_string())
        }))
    };
    let reach = |name: &str| {
        if name == PROGRAM {
            // What is declared is what is on this PC under that name: nothing says that it is harmless.
            let programs = ["setsid", "sh", "sleep"].into_iter().filter_map(misdeeds::reach).flat_map(|it| it.programs);
            return Some(Reach { programs: programs.collect(), reads: Vec::new() });
        }
        checks::reach(name).map(|(programs, reads)| Reach { programs, reads })
    };
    worker::run_child(find, reach, checks::place)
}

/// The misdeed that was ordered. What it learns it hides in a finding that its item does declare.
fn taken_over(orders: &Arguments) -> Option<Gather> {
    let agent = getppid().unwrap().as_raw_pid();
    let mut orders = orders.clone();
    orders.extend(
        [("mark", format!("86400.{agent}{MARK}")), ("agent", agent.to_string())]
            .map(|(name, value)| (name.to_owned(), value)),
    );
    let gather = misdeeds::find(&ItemId(format!("system.{}", orders["misdeed"])), &[], None)?;
    Some(Box::new(move |_| {
        let judge = gather(&orders)?;
        Ok(Box::new(move || {
            let learnt: Vec<String> =
                judge().facts.iter().map(|fact| format!("{}: {}", fact.key, fact.value)).collect();
            let mut draft = Draft::default();
            draft.finding(Severity::Ok, FINDING, &[], learnt.join("; "));
            draft
        }))
    }))
}
