//! One request from its line to its outcome: read, allowed by the table, looked at, as planned, performed, looked at again.

use std::io::Write;
use std::path::Path;

use crate::caller::Caller;
use crate::program::Programs;
use crate::request::{Outcome, Request, Said};
use crate::rollback::{Decision, Rollback};
use crate::table::Verbs;
use crate::verbs::{self, Performed};

/// What a run needs of the computer; tests bring another.
#[derive(Clone, Copy)]
pub struct Helper<'a> {
    /// Below which its files are.
    pub root: &'a Path,
    /// Its programs.
    pub programs: &'a dyn Programs,
    /// What its administrator allows.
    pub verbs: &'a Verbs,
}

/// Serves one caller. Lines but the last are written to `output`.
pub fn run(helper: &Helper<'_>, caller: &mut dyn Caller, output: &mut dyn Write) -> Outcome {
    let Request { verb, plan } = match Request::parse(&caller.request()) {
        Ok(request) => request,
        Err(error) => return Outcome::NotPossible { why: error.to_string() },
    };
    if let Err(why) = helper.verbs.allow(verb.name()) {
        return Outcome::NotPossible { why };
    }
    let looked = verbs::look(verb, helper.root, helper.programs);
    let seen = match looked {
        Ok(seen) => seen,
        Err(why) => return Outcome::NotPossible { why },
    };
    let before = seen.state;
    if seen.plan.as_ref() != Some(&plan) {
        return Outcome::ChangedSince { before };
    }
    // While the password was asked for, or while it looked, somebody may have said stop.
    if caller.is_gone() {
        return Outcome::NotPossible { why: "whoever asked for it is gone".to_owned() };
    }
    let performed = verbs::perform(verb, &plan, helper.root, helper.programs, caller);
    let state = || verbs::look(verb, helper.root, helper.programs).map(|seen| seen.state).unwrap_or_default();
    match performed {
        Performed::Done => Outcome::Done { before, after: state() },
        Performed::Partly(why) => Outcome::Partly { before, after: state(), why },
        Performed::Waiting(waiting) => {
            let change = Rollback::begun(caller.now_ms());
            // Who can't read this can't confirm either, and is gone.
            let told = Said::Waiting { ms: Rollback::WAIT_MS }.line().and_then(|line| output.write_all(&line));
            let told = told.and_then(|()| output.flush());
            let mut heard = if told.is_ok() { crate::rollback::Heard::Nothing } else { crate::rollback::Heard::Gone };
            loop {
                match change.decide(caller.now_ms(), heard) {
                    Decision::Wait { ms } => heard = caller.wait(ms.min(1_000)).into(),
                    Decision::Keep => match waiting.keep(helper.programs) {
                        Ok(()) => return Outcome::Done { before, after: state() },
                        Err(why) => return Outcome::Partly { before, after: state(), why },
                    },
                    Decision::RollBack(why) => match waiting.roll_back(helper.programs) {
                        Ok(()) => return Outcome::RolledBack { before, why: why.to_owned() },
                        Err(why) => return Outcome::Partly { before, after: state(), why },
                    },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
