//! Goals: what a person complains about, the items that tell why, and what is likely behind what they find.
//!
//! One JSON file a goal, in `proto/catalog/goals/`. A goal is a shorter way to ask for its items, nothing more: the
//! person sees and ticks every item, and no consent names a goal. The judgement is a list, read from the top: the
//! first causes are the likeliest, and a cause counts only if something bad that points to it was found. It is *not*
//! a score: a technician can read why one cause stands above another. (UX.md, technician 2 and 3)

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{Catalog, DefinitionError, files};
use crate::ledger::body::ItemId;
use crate::report::{Finding, Report, Severity, Text};

/// Most items of a goal: a person reads all of them on one card.
const GOAL_MAX: usize = 64;

/// What a person complains about.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// Its name on the command line.
    pub id: String,
    /// In the person's words: "Slow computer".
    pub title: Text,
    /// What to run, in the order in which a technician would look.
    pub items: Vec<ItemId>,
    /// What may be behind it, the likeliest first.
    pub causes: Vec<Cause>,
}

/// One thing that may be behind a complaint.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// Its name.
    pub id: String,
    /// What it is, in one sentence.
    pub text: Text,
    /// What to do about it.
    pub next: Text,
    /// Findings that point to it: `item/finding`. One bad one is enough.
    pub evidence: BTreeSet<String>,
}

/// What the reports of a goal mean together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis<'a> {
    /// Causes that something points to; the likeliest first.
    pub causes: Vec<Likely<'a>>,
    /// Every finding, what matters most first.
    pub findings: Vec<Ranked<'a>>,
}

/// A cause, and what points to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Likely<'a> {
    /// The cause.
    pub cause: &'a Cause,
    /// What points to it, the worst first.
    pub evidence: Vec<Ranked<'a>>,
}

/// A finding among those of all items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ranked<'a> {
    /// The item that found it.
    pub item: &'a ItemId,
    /// What it found.
    pub finding: &'a Finding,
}

impl Goal {
    /// The goals of this build, by name. An error here is a broken build; a test opens them.
    pub fn built_in(catalog: &Catalog) -> Result<Vec<Self>, DefinitionError> {
        files::GOALS.iter().map(|file| Self::parse(file, catalog)).collect()
    }

    /// Reads a goal's file and checks it against the catalogue.
    pub fn parse(file: &str, catalog: &Catalog) -> Result<Self, DefinitionError> {
        let goal: Self = serde_json::from_str(file)?;
        match goal.broken_rule(catalog) {
            Some(rule) => Err(DefinitionError::Rule { item: goal.id, rule }),
            None => Ok(goal),
        }
    }

    fn broken_rule(&self, catalog: &Catalog) -> Option<&'static str> {
        let known = |item: &ItemId| catalog.get(item).is_some_and(|item| item.effect == super::Effect::Reads);
        let declared = |evidence: &String| {
            let (item, finding) = evidence.split_once('/')?;
            let item = self.items.iter().find(|known| known.0 == item)?;
            catalog.get(item)?.findings.get(finding)
        };
        if self.items.is_empty() || self.items.len() > GOAL_MAX {
            Some("a goal has 1 to 64 items")
        } else if self.items.iter().collect::<BTreeSet<_>>().len() != self.items.len() {
            Some("an item stands in a goal once")
        } else if !self.items.iter().all(known) {
            // What changes the PC is asked on its own, never in a bundle.
            Some("a goal's items are known and only read")
        } else if self.causes.iter().any(|cause| cause.evidence.is_empty()) {
            Some("something points to every cause")
        } else if !self.causes.iter().flat_map(|cause| &cause.evidence).all(|evidence| declared(evidence).is_some()) {
            Some("evidence is a declared finding of one of the goal's items")
        } else {
            None
        }
    }

    /// Says what the reports of this goal's items mean together.
    pub fn diagnose<'a>(&'a self, reports: &'a [(ItemId, Report)]) -> Diagnosis<'a> {
        let ranked =
            |(item, report): &'a (ItemId, Report)| report.findings.iter().map(move |finding| Ranked { item, finding });
        let mut findings: Vec<Ranked<'a>> = reports.iter().flat_map(ranked).collect();
        findings.sort_by_key(|found| self.place(found));
        let mut causes: Vec<Likely<'a>> =
            self.causes.iter().map(|cause| Likely { cause, evidence: points_to(cause, &findings) }).collect();
        causes.retain(|likely| !likely.evidence.is_empty());
        // Sorting is stable: of two causes with equally bad evidence the one that stands first in the file comes first.
        causes.sort_by_key(|likely| likely.evidence.first().map(|found| found.finding.severity));
        Diagnosis { causes, findings }
    }

    /// Severity first, then how likely a cause it points to, then the order of the items.
    fn place(&self, found: &Ranked<'_>) -> (Severity, usize, usize) {
        let name = found.name();
        let cause = self.causes.iter().position(|cause| cause.evidence.contains(&name));
        let item = self.items.iter().position(|item| item == found.item);
        (found.finding.severity, cause.unwrap_or(usize::MAX), item.unwrap_or(usize::MAX))
    }
}

impl Ranked<'_> {
    /// `item/finding`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.item.0, self.finding.id)
    }

    /// Whether it says that something is wrong.
    pub fn is_bad(&self) -> bool {
        match self.finding.severity {
            Severity::Critical | Severity::Warning => true,
            Severity::Unknown | Severity::Ok => false,
        }
    }
}

fn points_to<'a>(cause: &Cause, findings: &[Ranked<'a>]) -> Vec<Ranked<'a>> {
    findings.iter().filter(|found| found.is_bad() && cause.evidence.contains(&found.name())).copied().collect()
}

#[cfg(test)]
mod tests;
