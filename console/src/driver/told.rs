//! What a live session tells the technician, and what it remembers of it for the end.

use tokio::time::Instant;
use venia_proto::ledger::kind::{Answer, Cause, Status};
use venia_proto::session::console::Tell;

use super::Live;
use crate::trouble;

impl Live<'_, '_, '_> {
    pub(super) fn tell(&mut self, tell: Tell) {
        self.spoke = true;
        match tell {
            Tell::Consent { answer, card, took } => {
                self.refused |= answer != Answer::Yes;
                let arrival = card.is_none() && answer == Answer::Yes;
                self.voice.consent(answer, card.as_ref(), took);
                if arrival && self.machine.is_busy() {
                    self.wait(None);
                }
            }
            Tell::Running(item) => self.wait(Some(&item)),
            Tell::Result { item, status, report, entry } => {
                match status {
                    Status::Done | Status::Unknown if report.is_some() => self.had += 1,
                    Status::Done
                    | Status::Unknown
                    | Status::Failed
                    | Status::Killed
                    | Status::Withheld
                    | Status::Lost
                    | Status::Late => self.refused = true,
                }
                self.voice.result(&item, status, report.as_ref(), self.record.index(entry));
            }
            Tell::Refused { item, why } => {
                self.refused = true;
                self.voice.refused(&item, why);
            }
            Tell::Said(text) => self.voice.said(&text),
            Tell::Paused(_) => self.voice.paused(),
            Tell::Resumed => self.voice.resumed(),
            Tell::Closed { by, cause } => {
                // The agent's signed word counts, also when we were leaving.
                self.ended = Some((by, cause));
                self.since.get_or_insert_with(Instant::now);
                self.typing = None;
            }
            Tell::Lost => {
                if !self.silent {
                    let failure = trouble::lost(self.voice.words());
                    self.voice.error(&failure);
                }
                self.ended.get_or_insert((Cause::RelayLost, Cause::RelayLost));
                self.typing = None;
            }
        }
    }
}
