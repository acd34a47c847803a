//! A card as the person reads it.

use venia_proto::catalog::{Catalog, Item};
use venia_proto::consent::{Card, MINUTES_DEFAULT, Question};
use venia_proto::foreign::Foreign;
use venia_proto::ledger::body::ItemId;
use venia_proto::ledger::kind::Verified;
use venia_proto::report::Report;
use venia_ui::words::Words;

use crate::person::Asking;
use crate::person::card::{self, Auditors, Covered, Time, Who};
use crate::person::sheet::Sheet;

/// Who the cards of a session are about.
#[derive(Clone, Debug)]
pub struct Questions {
    /// The technician's name.
    pub name: Foreign,
    /// Their organisation.
    pub organisation: Foreign,
    /// Their certified level.
    pub level: u8,
    /// The help service's host.
    pub service: Foreign,
    /// Whether this PC knew the service before.
    pub known: bool,
    /// How the connection was checked.
    pub verified: Verified,
    /// Why they are here, in their words.
    pub reason: Foreign,
    /// Who else will be able to read the record.
    pub auditors: Auditors,
    /// Days the technician keeps what is sent.
    pub keep_days: u32,
    /// Whether workers are fenced in on this PC. Limits and an empty environment are no fence: that takes Landlock and
    /// seccomp (SECURITY G3).
    pub fenced: bool,
}

/// A card as it stands before the person.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What it says.
    pub sheet: Sheet,
    /// What answers it takes.
    pub kind: Asking,
    /// Its boxes by number, and whether they are ticked.
    pub boxes: Vec<(ItemId, bool)>,
}

impl Questions {
    /// The exact text of a card that asks for something, and what answers it takes.
    pub fn show(&self, asked: &Card, counts: bool, catalog: &Catalog, words: &Words) -> Shown {
        let plain = |sheet: Sheet| Shown { sheet, kind: Asking::Arrival, boxes: Vec::new() };
        let who = Who { name: &self.name, organisation: &self.organisation, level: self.level };
        let (time, minutes) = match asked.question {
            Question::Arrival => {
                let Self { service, known, verified, auditors, .. } = self;
                let arrival = card::Arrival { who, service, known: *known, verified: *verified, auditors };
                return plain(card::arrival(&arrival, words));
            }
            // What a run brought is shown by [`Self::preview`]; without it there is nothing to look at.
            Question::Resume | Question::Preview { .. } => {
                let sheet = card::resume(&self.name, counts, words);
                return Shown { sheet, kind: Asking::Resume, boxes: Vec::new() };
            }
            Question::Grant => (Time::Minutes(MINUTES_DEFAULT), Some(MINUTES_DEFAULT)),
            Question::Renewal { .. } => (Time::UntilStop, None),
            Question::Change => (Time::Once, Some(MINUTES_DEFAULT)),
        };
        let covered = asked.items.iter().filter_map(|allowed| {
            let tick = asked.has_boxes().then(|| !asked.unticked.contains(&allowed.item));
            Some(Covered { item: catalog.find(&allowed.item, &allowed.definition)?, values: &allowed.values, tick })
        });
        let request = card::Request {
            who,
            reason: &self.reason,
            scopes: &asked.scopes,
            items: covered.collect(),
            found: asked.planned.as_deref().and_then(|planned| {
                Some(card::Found { preview: catalog.get(&planned.item)?, report: &planned.report })
            }),
            time,
            fenced: self.fenced,
            auditors: &self.auditors,
            keep_days: self.keep_days,
        };
        let boxes =
            card::order(&request).into_iter().filter_map(|covered| Some((covered.item.id.clone(), covered.tick?)));
        let boxes: Vec<(ItemId, bool)> = boxes.collect();
        let ticked = boxes.iter().filter(|(_, ticked)| *ticked).count();
        let kind = Asking::Consent { minutes, boxes: boxes.len(), ticked };
        Shown { sheet: card::consent(&request, words), kind, boxes }
    }

    /// What a run brought, exactly as it would be sent, and whether it may leave.
    pub fn preview(&self, item: &Item, report: &Report, hidden: u64, words: &Words) -> Shown {
        let sheet = card::preview(&self.name, item, report, hidden, words);
        Shown { sheet, kind: Asking::Preview, boxes: Vec::new() }
    }
}
