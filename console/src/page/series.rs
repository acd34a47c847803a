//! Figures that are watched: a few items run again every few seconds while somebody watches and what was allowed lasts.
//!
//! A series isn't a privilege of its own: each sample is an ordinary run, asked for, admitted, recorded and counted like any
//! other. Only what needs no new question is run again: once the agent refuses an item it isn't asked for any more, so that
//! nobody is asked every few seconds. Pure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use venia_proto::ledger::body::ItemId;
use venia_proto::report::{Report, Value};

use super::session::At;

/// Milliseconds between the end of one sample and the next.
pub(super) const EVERY_MS: u64 = 5_000;
/// Samples that are kept: ten minutes of them.
pub(super) const SAMPLES_MAX: usize = 120;
/// What can be watched: the item, the figure of its report, and what the chart is called.
pub(super) const WATCHED: [(&str, &str, &str); 4] = [
    ("hardware.cpu", "busy", "open-chart-cpu"),
    ("system.memory", "available-share", "open-chart-memory"),
    ("system.load", "disk-waiting", "open-chart-disk"),
    ("network.limits", "in-use", "open-chart-network"),
];

/// What is watched.
#[derive(Clone, Debug, Default)]
pub(super) struct Series {
    on: bool,
    /// Items that were refused since it was switched on.
    refused: BTreeSet<ItemId>,
    /// Samples by item, oldest first.
    samples: BTreeMap<ItemId, VecDeque<Sample>>,
    /// When the next ones are due, by item.
    due: BTreeMap<ItemId, u64>,
}

/// One sample.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) at: At,
    pub(super) value: f64,
    pub(super) unit: String,
}

impl Series {
    pub(super) fn is_on(&self) -> bool {
        self.on
    }

    pub(super) fn switch(&mut self, on: bool) {
        self.on = on;
        self.refused.clear();
        self.due.clear();
    }

    pub(super) fn stop(&mut self) {
        self.on = false;
    }

    /// Somebody said no, or it brought nothing.
    pub(super) fn refused(&mut self, item: &ItemId) {
        if self.on {
            self.refused.insert(item.clone());
        }
    }

    /// The samples of an item.
    pub(super) fn of(&self, item: &str) -> Option<&VecDeque<Sample>> {
        self.samples.get(&ItemId(item.to_owned()))
    }

    /// Whether nothing of it may run without a question.
    pub(super) fn is_nothing_allowed(&self) -> bool {
        WATCHED.iter().all(|(item, ..)| self.refused.contains(&ItemId((*item).to_owned())))
    }

    /// A report came; whether it was a sample.
    pub(super) fn came(&mut self, item: &ItemId, report: &Report, at: &At) -> bool {
        let Some((_, key, _)) = WATCHED.iter().find(|(watched, ..)| *watched == item.0).filter(|_| self.on) else {
            return false;
        };
        self.due.insert(item.clone(), at.ms.saturating_add(EVERY_MS));
        let Some(fact) = report.facts.iter().find(|fact| fact.key == *key) else { return true };
        let value = match &fact.value {
            #[expect(clippy::cast_precision_loss, reason = "a share or a count, drawn a few pixels high")]
            Value::Integer(number) => *number as f64,
            Value::Decimal(number) => number.get(),
            Value::Flag(_) | Value::Text(_) => return true,
        };
        let samples = self.samples.entry(item.clone()).or_default();
        if samples.len() == SAMPLES_MAX {
            samples.pop_front();
        }
        samples.push_back(Sample { at: at.clone(), value, unit: fact.unit.clone() });
        true
    }

    /// The items to run now.
    pub(super) fn due(&mut self, now_ms: u64, busy: &dyn Fn(&ItemId) -> bool) -> Vec<ItemId> {
        if !self.on {
            return Vec::new();
        }
        let mut due = Vec::new();
        for (item, ..) in WATCHED {
            let item = ItemId(item.to_owned());
            let waits = self.due.get(&item).is_some_and(|at| now_ms < *at);
            if !waits && !self.refused.contains(&item) && !busy(&item) {
                self.due.insert(item.clone(), now_ms.saturating_add(EVERY_MS));
                due.push(item);
            }
        }
        due
    }
}
