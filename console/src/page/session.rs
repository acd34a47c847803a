//! What the page knows of one session: where it stands, what came, what happened. Pure: no clock, no server.
//!
//! It follows what it is told ([`Told`]) and decides nothing: whether something may run is the agent's to say, and what
//! findings mean together is the goal's (`proto::catalog`).

use std::collections::VecDeque;

use venia_proto::catalog::Goal;
use venia_proto::foreign::Foreign;
use venia_proto::id::SessionId;
use venia_proto::ledger::body::ItemId;
use venia_proto::ledger::kind::{Answer, Cause, Status, Why};
use venia_proto::report::Report;
use venia_proto::scope::Scope;
use venia_ui::failure::Failure;

use super::series::Series;
use crate::voice::{Ended, Told};

/// Lines of what happened that are kept; older ones are dropped, the record has them.
pub(super) const FEED_MAX: usize = 2_000;
/// Reports that are kept; older ones are dropped, the record has them.
pub(super) const REPORTS_MAX: usize = 300;

/// A moment: by this computer's clock, and as people read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct At {
    /// Milliseconds since 1970.
    pub(super) ms: u64,
    /// `12:03:20`, in this computer's time zone.
    pub(super) clock: String,
}

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: Option<SessionId>,
    /// Whether the person said that they know the technician: before that, nothing can be said to them.
    pub(super) known: bool,
    pub(super) reason: Foreign,
    pub(super) goal: Option<Goal>,
    pub(super) scopes: Vec<Scope>,
    pub(super) began: At,
    /// Since when the person is being asked.
    pub(super) asked: Option<At>,
    pub(super) paused: Option<(At, Cause)>,
    pub(super) offline: Option<At>,
    /// Since when the end of the record is awaited.
    pub(super) closing: Option<At>,
    /// The technician gave outcome and next step, or left.
    pub(super) signed_off: bool,
    /// Until when something is allowed, in milliseconds since 1970; `Some(None)`: until the person stops it.
    pub(super) allowed: Option<Option<u64>>,
    pub(super) runs: Vec<Run>,
    /// Private things that were taken out before they left.
    pub(super) redacted: u64,
    /// What the person or their computer said no to.
    pub(super) refused: u64,
    /// Oldest first.
    pub(super) reports: VecDeque<Came>,
    /// Items of the goal that gave no report, once it is known.
    pub(super) missing: Vec<ItemId>,
    /// What happened, oldest first, with a number each.
    pub(super) feed: VecDeque<(u64, At, Happened)>,
    told: u64,
    pub(super) series: Series,
    pub(super) ended: Option<Box<Ended>>,
    /// Why there was no more of it.
    pub(super) failure: Option<Failure>,
}

/// Something that was asked for and has no end yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) item: ItemId,
    pub(super) since: At,
    /// Whether it runs; else it is only asked for.
    pub(super) running: bool,
}

/// A report that was sent.
#[derive(Clone, Debug)]
pub(super) struct Came {
    pub(super) number: u64,
    pub(super) item: ItemId,
    pub(super) report: Report,
    /// Where it stands in the log.
    pub(super) entry: Option<u64>,
    pub(super) at: At,
}

/// A line of what happened.
#[derive(Clone, Debug)]
pub(super) enum Happened {
    Paired(SessionId),
    /// `minutes`: what stood on the card, if there was one.
    Answered {
        answer: Answer,
        card: bool,
        minutes: Option<u32>,
    },
    Asked(ItemId),
    Sent(ItemId),
    Redacted(ItemId, u64),
    Unsent(ItemId, Status),
    Refused(ItemId, Why),
    NeedsLevel(ItemId),
    Theirs(Foreign),
    Mine(Foreign),
    Noted(Foreign),
    Unsaid,
    Paused(Cause),
    Resumed,
    Offline,
    Online,
    SignedOff,
    Auditor(String),
    /// A sentence that is safe to show.
    Sentence(String),
}

impl Session {
    pub(super) fn new(reason: Foreign, goal: Option<Goal>, scopes: Vec<Scope>, began: At) -> Self {
        Self {
            id: None,
            known: false,
            reason,
            goal,
            scopes,
            began,
            asked: None,
            paused: None,
            offline: None,
            closing: None,
            signed_off: false,
            allowed: None,
            runs: Vec::new(),
            redacted: 0,
            refused: 0,
            reports: VecDeque::new(),
            missing: Vec::new(),
            feed: VecDeque::new(),
            told: 0,
            series: Series::default(),
            ended: None,
            failure: None,
        }
    }

    /// Something happened.
    pub(super) fn tell(&mut self, told: Told, at: At) {
        match told {
            Told::Failed(failure) => {
                self.happened(Happened::Sentence(failure.message.clone()), at);
                self.failure = Some(failure);
            }
            Told::Paired(id) => {
                self.id = Some(id);
                self.happened(Happened::Paired(id), at);
            }
            Told::Waiting => self.asked = Some(at),
            Told::Running(item) => self.runs(&item, at, true),
            Told::Consent { answer, card, .. } => {
                self.asked = None;
                self.known |= answer == Answer::Yes;
                let minutes = card.as_ref().and_then(|card| card.minutes);
                if answer == Answer::Yes && card.is_some() {
                    self.allowed = Some(minutes.map(|minutes| at.ms.saturating_add(u64::from(minutes) * 60_000)));
                }
                self.happened(Happened::Answered { answer, card: card.is_some(), minutes }, at);
            }
            Told::Result { item, status, report, entry } => self.result(item, status, report, entry, at),
            Told::Redacted { item, count } => {
                self.redacted = self.redacted.saturating_add(count);
                if !self.series.is_on() {
                    self.happened(Happened::Redacted(item, count), at);
                }
            }
            Told::Refused { item, why } => {
                self.asked = None;
                self.refused += 1;
                self.ended(&item);
                self.series.refused(&item);
                self.happened(Happened::Refused(item, why), at);
            }
            Told::Uncovered(item) => self.series.refused(&item),
            Told::NeedsLevel(item) => self.happened(Happened::NeedsLevel(item.id), at),
            Told::Diagnosis { missing, .. } => self.missing = missing,
            Told::Said(text) => self.happened(Happened::Theirs(text), at),
            Told::Unsaid => self.happened(Happened::Unsaid, at),
            Told::Paused(why) => {
                self.happened(Happened::Paused(why), at.clone());
                self.paused = Some((at, why));
            }
            Told::Resumed => {
                self.paused = None;
                self.happened(Happened::Resumed, at);
            }
            Told::Offline => {
                self.happened(Happened::Offline, at.clone());
                self.offline = Some(at);
            }
            Told::Online => {
                self.happened(Happened::Online, at);
                self.offline = None;
            }
            Told::AuditorAdded(auditor) => self.happened(Happened::Auditor(auditor), at),
            Told::Warned(line) | Told::NotUnderstood(line) => self.happened(Happened::Sentence(line), at),
            Told::Closing => {
                self.over();
                self.closing = Some(at);
            }
            Told::Closed(ended) => {
                self.over();
                self.closing = None;
                self.ended = Some(ended);
            }
        }
    }

    fn result(&mut self, item: ItemId, status: Status, report: Option<Report>, entry: Option<u64>, at: At) {
        self.ended(&item);
        let Some(report) = report else {
            self.series.refused(&item);
            return self.happened(Happened::Unsent(item, status), at);
        };
        // What is watched comes every few seconds: it takes the place of the one before, and the list stays still.
        if self.series.came(&item, &report, &at) {
            if let Some(before) = self.reports.iter_mut().rev().find(|came| came.item == item) {
                (before.report, before.entry, before.at) = (report, entry, at);
                return;
            }
        } else {
            self.happened(Happened::Sent(item.clone()), at.clone());
        }
        if self.reports.len() == REPORTS_MAX {
            self.reports.pop_front();
        }
        self.reports.push_back(Came { number: self.told, item, report, entry, at });
        self.told += 1;
    }

    /// Another line of what happened.
    pub(super) fn happened(&mut self, what: Happened, at: At) {
        if self.feed.len() == FEED_MAX {
            self.feed.pop_front();
        }
        self.feed.push_back((self.told, at, what));
        self.told += 1;
    }

    /// It was asked for, or it runs.
    pub(super) fn runs(&mut self, item: &ItemId, since: At, running: bool) {
        self.ended(item);
        self.runs.push(Run { item: item.clone(), since, running });
    }

    fn ended(&mut self, item: &ItemId) {
        self.runs.retain(|run| run.item != *item);
    }

    fn over(&mut self) {
        (self.asked, self.paused, self.offline) = (None, None, None);
        self.allowed = None;
        self.runs.clear();
        self.series.stop();
    }

    /// Whether anything can still be asked or said.
    pub(super) fn is_open(&self) -> bool {
        self.id.is_some() && !self.signed_off && self.closing.is_none() && self.ended.is_none()
    }

    /// The newest report of each item, in the order in which they came.
    pub(super) fn newest(&self) -> Vec<&Came> {
        let newer =
            |came: &&Came| !self.reports.iter().any(|other| other.item == came.item && other.number > came.number);
        self.reports.iter().filter(newer).collect()
    }

    /// The newest reports as a goal reads them.
    pub(super) fn read(&self) -> Vec<(ItemId, Report)> {
        self.newest().into_iter().map(|came| (came.item.clone(), came.report.clone())).collect()
    }
}
