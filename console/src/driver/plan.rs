//! What a session is for: what to ask, what to run, and what a goal's reports mean together.
//!
//! A goal is a shorter way to ask for its items. What the person leaves out of it is their choice and fails nothing; what
//! was named on the command line one by one is wanted without exception.

use std::collections::BTreeSet;

use venia_proto::catalog::{Catalog, Goal, Item};
use venia_proto::foreign::Foreign;
use venia_proto::ledger::body::{Arguments, Asked, ItemId, Offer, Signoff};
use venia_proto::report::Report;
use venia_proto::scope::Scope;
use venia_proto::session::console::Input;

use crate::voice::{Told, Voice};

/// What a session is for.
pub(crate) struct Plan {
    pub(crate) reason: Foreign,
    /// Whole scopes to ask for.
    pub(crate) scopes: BTreeSet<Scope>,
    /// Runs of a script, in order.
    pub(crate) runs: Vec<Asked>,
    /// What the person complains about.
    pub(crate) goal: Option<Goal>,
    /// The last word of a script; `None`: somebody types.
    pub(crate) signoff: Option<Signoff>,
}

/// A goal under way.
pub(super) struct Bundle {
    goal: Goal,
    /// Items of the goal without an end.
    awaited: BTreeSet<ItemId>,
    /// Those of them that were named one by one: wanted without exception.
    named: BTreeSet<ItemId>,
    /// Items of the goal that gave no report.
    missing: Vec<ItemId>,
    reports: Vec<(ItemId, Report)>,
    told: bool,
}

/// What a run wanted by the technician is for the machine: a change is looked at before it is asked for.
pub(super) fn run_of(catalog: &Catalog, asked: Asked) -> Input {
    match catalog.preview_of(&asked) {
        Some(preview) => Input::Change { preview, change: asked },
        None => Input::Run(asked),
    }
}

/// These runs in the order in which they begin: those that wait go first, the others are done meanwhile.
pub(super) fn waiting_first(catalog: &Catalog, mut runs: Vec<Asked>) -> Vec<Asked> {
    runs.sort_by_key(|asked| !catalog.get(&asked.item).is_some_and(Item::waits));
    runs
}

/// How many reports come of it if all goes well.
pub(super) fn reports_of(run: &Input) -> usize {
    if matches!(run, Input::Change { .. }) { 2 } else { 1 }
}

impl Plan {
    /// Everything the one card names. A change never stands on a card for several things; what looks at it first does.
    pub(super) fn offer(&self, bundled: &[Asked], catalog: &Catalog) -> Offer {
        let looks = |asked: &Asked| catalog.preview_of(asked).unwrap_or_else(|| asked.clone());
        Offer { scopes: self.scopes.clone(), items: self.runs.iter().chain(bundled).map(looks).collect() }
    }

    /// The runs of its goal that a technician of this level may ask for; what takes a higher one is told and left out.
    pub(super) fn bundled(&self, level: u8, voice: &mut Voice<'_>) -> Vec<Asked> {
        let catalog = voice.catalog();
        let mut asked = Vec::new();
        for id in self.goal.iter().flat_map(|goal| &goal.items) {
            let Some(item) = catalog.get(id).filter(|_| !self.runs.iter().any(|run| run.item == *id)) else { continue };
            if item.level > level {
                voice.tell(Told::NeedsLevel(Box::new(item.clone())));
            } else if let Ok(run) = item.asked(&Arguments::new()) {
                asked.push(run);
            }
        }
        asked
    }
}

impl Bundle {
    pub(super) fn new(goal: Goal, bundled: &[Asked], runs: &[Asked]) -> Self {
        let named: BTreeSet<ItemId> =
            runs.iter().map(|asked| asked.item.clone()).filter(|item| goal.items.contains(item)).collect();
        let awaited: BTreeSet<ItemId> =
            bundled.iter().map(|asked| asked.item.clone()).chain(named.iter().cloned()).collect();
        let missing = goal.items.iter().filter(|item| !awaited.contains(*item)).cloned().collect();
        Self { goal, awaited, named, missing, reports: Vec::new(), told: false }
    }

    /// Whether this item was asked for only as a part of the goal, and has no end yet.
    pub(super) fn awaits(&self, item: &ItemId) -> bool {
        self.awaited.contains(item) && !self.named.contains(item)
    }

    /// A run ended, with a report or without one. Those of `--run` count in the judgement too.
    pub(super) fn ended(&mut self, item: &ItemId, report: Option<&Report>) {
        let awaited = self.awaited.remove(item);
        match report {
            Some(report) => self.reports.push((item.clone(), report.clone())),
            None if awaited => self.missing.push(item.clone()),
            None => {}
        }
    }

    /// Says what was found, once, when nothing is awaited any more or `anyway`.
    pub(super) fn tell(&mut self, anyway: bool, voice: &mut Voice<'_>) {
        if !self.told && (anyway || self.awaited.is_empty()) {
            self.told = true;
            self.missing.extend(std::mem::take(&mut self.awaited));
            let (goal, reports, missing) = (self.goal.clone(), self.reports.clone(), self.missing.clone());
            voice.tell(Told::Diagnosis { goal, reports, missing });
        }
    }
}
