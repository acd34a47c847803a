//! A card as the person reads it.

use venia_proto::catalog::Catalog;
use venia_proto::consent::{Card, MINUTES_DEFAULT, Question};
use venia_proto::foreign::Foreign;
use venia_proto::ledger::kind::Verified;
use venia_ui::words::Words;

use crate::person::Asking;
use crate::person::card::{self, Auditors, Covered, Shown, Time, Who};

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
}

impl Questions {
    /// The exact text of a card, and what answers it takes.
    pub fn show(&self, asked: &Card, catalog: &Catalog, words: &Words) -> (String, Asking) {
        let who = Who { name: &self.name, organisation: &self.organisation, level: self.level };
        let (time, minutes) = match asked.question {
            Question::Arrival => {
                let Self { service, known, verified, auditors, .. } = self;
                let arrival = card::Arrival { who, service, known: *known, verified: *verified, auditors };
                return (card::arrival(&arrival, words), Asking::Arrival);
            }
            Question::Resume => return (card::resume(&self.name, words), Asking::Arrival),
            Question::Grant => (Time::Minutes(MINUTES_DEFAULT), Some(MINUTES_DEFAULT)),
            Question::Renewal { .. } => (Time::UntilStop, None),
            Question::Change => (Time::Once, Some(MINUTES_DEFAULT)),
        };
        let covered = asked.items.iter().filter_map(|allowed| {
            Some(Covered { item: catalog.find(&allowed.item, &allowed.definition)?, values: &allowed.values })
        });
        let request = card::Request {
            who,
            reason: &self.reason,
            scopes: &asked.scopes,
            items: covered.collect(),
            shown: asked
                .preview
                .as_deref()
                .and_then(|preview| Some(Shown { preview: catalog.get(&preview.item)?, report: &preview.report })),
            time,
            // Limits and an empty environment are no fence: that takes Landlock and seccomp (SECURITY G3).
            fenced: false,
            auditors: &self.auditors,
            keep_days: self.keep_days,
        };
        (card::consent(&request, words), Asking::Consent { minutes })
    }
}
