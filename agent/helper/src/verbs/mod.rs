//! The verbs: for each a look that changes nothing and names the plan, and what it performs.
//!
//! A look needs no rights beyond an ordinary account's, so the preview that the person was shown used the same code. Every
//! program and every argument is a constant of this folder, or a word of a finite type.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::caller::Caller;
use crate::program::{Answer, Programs};
use crate::request::{State, Verb};

mod clock;
mod journal;
mod lease;
mod package_cache;
mod packages;
mod service;

pub use lease::Waiting;

/// Longest time for a question to the system.
const ASK: Duration = Duration::from_secs(10);

/// What a look found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// In figures.
    pub state: State,
    /// What would change, named exactly; nothing if nothing would.
    pub plan: Option<String>,
}

/// How performing ended.
#[derive(Debug)]
pub enum Performed {
    /// All was done.
    Done,
    /// Not all.
    Partly(String),
    /// It is done and waits to be confirmed.
    Waiting(Waiting),
}

/// Looks; an error says in a few technical words why it can't be done here.
pub fn look(verb: Verb, root: &Path, programs: &dyn Programs) -> Result<Seen, String> {
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    match verb {
        Verb::VacuumJournal { keep } => journal::look(keep, root, now_s),
        Verb::ClearPackageCache => package_cache::look(root),
        Verb::RestartService { service } => service::look(service, programs),
        Verb::SynchroniseClock => clock::look(programs),
        Verb::RepairPackages => packages::look(root, programs),
        Verb::RenewLease => lease::look(root, programs, now_s),
    }
}

/// Performs; the plan is the look's own.
pub(crate) fn perform(
    verb: Verb,
    plan: &str,
    root: &Path,
    programs: &dyn Programs,
    caller: &mut dyn Caller,
) -> Performed {
    match verb {
        Verb::VacuumJournal { keep } => journal::perform(keep, programs, caller),
        Verb::ClearPackageCache => package_cache::perform(plan, programs, caller),
        Verb::RestartService { service } => service::perform(service, programs),
        Verb::SynchroniseClock => clock::perform(programs, caller),
        Verb::RepairPackages => packages::perform(plan, programs),
        Verb::RenewLease => lease::perform(root, programs, caller),
    }
}

/// Runs a program that must succeed.
fn must(name: &str, answer: Result<Answer, String>) -> Result<Answer, String> {
    answer.and_then(|answer| if answer.success { Ok(answer) } else { Err(format!("{name} failed")) })
}

/// Done if all of these were.
fn all(results: impl IntoIterator<Item = Result<Answer, String>>) -> Performed {
    match results.into_iter().find_map(Result::err) {
        None => Performed::Done,
        Some(why) => Performed::Partly(why),
    }
}
