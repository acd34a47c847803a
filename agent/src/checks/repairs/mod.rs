//! The repairs that a worker performs with the rights of the person's account, and the previews of all repairs.
//!
//! A repair is four steps, three of which change nothing: [`Repair::look`] at what is there (its preview is the same look),
//! [`Repair::plan`] names it, [`Repair::state`] says it in figures, and [`Repair::perform`] changes exactly that. Between
//! consent and change somebody may have changed the computer: performed is only the plan the card showed, and if another is
//! found, nothing is. What is found afterwards is reported beside what was found before. (MISSION R1)
//!
//! Not here: that a repair may be performed (that takes a permit), and what needs the administrator ([`by_administrator`]
//! only says so; `crate::helper` speaks with the small program that does it).

use std::marker::PhantomData;

use venia_proto::catalog::PLAN;
use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::{Check, Failure, Judge, Of, Runner};

pub(crate) mod by_administrator;
mod caches;
mod home;
mod name_cache;
mod print_job;
mod program;
mod removal;
mod temporary;
mod trash;

use by_administrator::{Deferred, Look};

/// Every preview and every repair.
pub(super) const ALL: &[&dyn Runner] = &[
    &Of::<caches::ClearableCaches>(PhantomData),
    &Of::<name_cache::NameCache>(PhantomData),
    &Of::<print_job::WaitingDocument>(PhantomData),
    &Of::<program::OwnPrograms>(PhantomData),
    &Of::<temporary::OldTemporaryFiles>(PhantomData),
    &Of::<trash::Trash>(PhantomData),
    &Repairing::<caches::ClearCaches>(PhantomData),
    &Repairing::<name_cache::FlushDns>(PhantomData),
    &Repairing::<print_job::CancelPrintJob>(PhantomData),
    &Repairing::<program::EndProcess>(PhantomData),
    &Repairing::<temporary::ClearTemporaryFiles>(PhantomData),
    &Repairing::<trash::EmptyTrash>(PhantomData),
    &Look(0),
    &Look(1),
    &Look(2),
    &Look(3),
    &Look(4),
    &Look(5),
    &Deferred(0),
    &Deferred(1),
    &Deferred(2),
    &Deferred(3),
    &Deferred(4),
    &Deferred(5),
];

/// One repair.
pub(crate) trait Repair: 'static {
    /// Its id in the catalogue.
    const ID: &'static str;
    /// Columns of its table `changed`: what, before, after.
    const COLUMNS: [&'static str; 3];
    /// What it looks at.
    type Seen: Send + 'static;

    /// Looks. The inner error is why it can't be done here, in a few technical words.
    fn look(arguments: &Arguments) -> Result<Result<Self::Seen, String>, Failure>;

    /// Names exactly what would change; nothing if nothing would. The same things always have the same name.
    fn plan(seen: &Self::Seen) -> Option<String>;

    /// What is there, in figures.
    fn state(seen: &Self::Seen) -> State;

    /// Changes what was seen and nothing else. What couldn't be changed, in a few technical words.
    fn perform(seen: &Self::Seen, arguments: &Arguments) -> Result<(), String>;
}

/// What is there, before or after.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    /// The one figure that matters.
    pub(crate) total: Option<(Value, &'static str)>,
    /// What there is, one by one.
    pub(crate) rows: Vec<(String, Value)>,
}

/// How a repair ended.
#[derive(Clone, Debug, PartialEq)]
enum Ended {
    /// Everything changed.
    Done(State, State),
    /// Something couldn't be changed.
    Partly(State, State, String),
    /// Nobody confirmed it: all is as it was.
    RolledBack(State, String),
    /// It isn't what was shown any more: nothing was changed.
    ChangedSince(State),
    /// It can't be done here, or it can't be seen what it did.
    NotPossible(String),
}

/// Makes a repair an object.
struct Repairing<R>(PhantomData<fn() -> R>);

impl<R: Repair> Runner for Repairing<R> {
    fn id(&self) -> &'static str {
        R::ID
    }

    fn gather(&self, arguments: &Arguments) -> Result<Judge, Failure> {
        let shown = arguments.get(PLAN).ok_or(Failure::Argument(PLAN))?;
        let ended = run::<R>(arguments, shown)?;
        Ok(Box::new(move || told(R::COLUMNS, ended)))
    }
}

fn run<R: Repair>(arguments: &Arguments, shown: &str) -> Result<Ended, Failure> {
    let before = match R::look(arguments)? {
        Ok(before) => before,
        Err(why) => return Ok(Ended::NotPossible(why)),
    };
    let state = R::state(&before);
    if R::plan(&before).as_deref() != Some(shown) {
        return Ok(Ended::ChangedSince(state));
    }
    let performed = R::perform(&before, arguments);
    Ok(match (R::look(arguments)?, performed) {
        (Ok(after), Ok(())) => Ended::Done(state, R::state(&after)),
        (Ok(after), Err(why)) => Ended::Partly(state, R::state(&after), why),
        (Err(_), Ok(())) => Ended::Done(state, State::default()),
        (Err(_), Err(why)) => Ended::NotPossible(why),
    })
}

/// Before and after, and what to do if it was a mistake. Every repair declares the same facts, table and findings.
fn told([what, before, after]: [&str; 3], ended: Ended) -> Draft {
    let mut draft = Draft::default();
    let nothing = "found something else than what was shown";
    let (found, severity, id, evidence) = match ended {
        Ended::Done(from, to) => (Some((from, Some(to))), Severity::Ok, "done", "looked again afterwards".to_owned()),
        Ended::Partly(from, to, why) => (Some((from, Some(to))), Severity::Warning, "partly", why),
        Ended::RolledBack(from, why) => (Some((from, None)), Severity::Warning, "rolled-back", why),
        Ended::ChangedSince(from) => (Some((from, None)), Severity::Warning, "changed-since", nothing.to_owned()),
        Ended::NotPossible(why) => (None, Severity::Unknown, "not-possible", why),
    };
    draft.finding(severity, id, &[], evidence);
    let Some((from, to)) = found else { return draft };
    let total = |draft: &mut Draft, key: &str, state: &State| {
        if let Some((value, unit)) = &state.total {
            draft.fact(key, value.clone(), unit);
        }
    };
    total(&mut draft, "before", &from);
    let Some(to) = to else { return draft };
    total(&mut draft, "after", &to);
    draft.table("changed", &[what, before, after], compared(from.rows, to.rows));
    draft.finding(severity, "undone-by", &[], "the definition of this repair");
    draft
}

/// What was there and what became of it; what is new afterwards stands last.
fn compared(from: Vec<(String, Value)>, mut to: Vec<(String, Value)>) -> Vec<Vec<Value>> {
    let mut rows: Vec<Vec<Value>> = Vec::new();
    for (what, before) in from {
        let after = to.iter().position(|(name, _)| *name == what).map(|at| to.remove(at).1);
        let gone = || if matches!(before, Value::Integer(_)) { Value::Integer(0) } else { "".into() };
        let after = after.unwrap_or_else(gone);
        rows.push(vec![what.into(), before, after]);
    }
    rows.extend(to.into_iter().map(|(what, after)| vec![what.into(), "".into(), after]));
    rows
}

#[cfg(test)]
mod tests;
