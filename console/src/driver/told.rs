//! What a live session tells the technician, and what it remembers of it for the end.

use tokio::time::Instant;
use venia_proto::ledger::body::ItemId;
use venia_proto::ledger::kind::{Answer, Cause, Status, Why};
use venia_proto::report::Report;
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
                let bundled = self.is_bundled(&item);
                match status {
                    Status::Done | Status::Unknown if report.is_some() => self.had += usize::from(!bundled),
                    // Of a goal the person may keep what they like.
                    Status::Withheld if bundled => {}
                    Status::Done
                    | Status::Unknown
                    | Status::Failed
                    | Status::Killed
                    | Status::Withheld
                    | Status::Lost
                    | Status::Late => self.refused = true,
                }
                self.voice.result(&item, status, report.as_ref(), self.record.index(entry));
                self.run_ended(&item, report.as_ref());
            }
            Tell::Refused { item, why } => {
                self.refused |= why != Why::Person || !self.is_bundled(&item);
                self.voice.refused(&item, why);
                self.run_ended(&item, None);
            }
            Tell::Said(text) => self.voice.said(&text),
            Tell::Paused(_) => self.voice.paused(),
            Tell::Resumed => self.voice.resumed(),
            Tell::Closed { by, cause } => {
                self.bundle.iter_mut().for_each(|bundle| bundle.tell(true, self.voice));
                // The agent's signed word counts, also when we were leaving.
                self.ended = Some((by, cause));
                self.since.get_or_insert_with(Instant::now);
                self.typing = None;
            }
            Tell::Lost => {
                self.bundle.iter_mut().for_each(|bundle| bundle.tell(true, self.voice));
                if !self.silent {
                    let failure = trouble::lost(self.voice.words());
                    self.voice.error(&failure);
                }
                self.ended.get_or_insert((Cause::RelayLost, Cause::RelayLost));
                self.typing = None;
            }
        }
    }

    fn is_bundled(&self, item: &ItemId) -> bool {
        self.bundle.as_ref().is_some_and(|bundle| bundle.awaits(item))
    }

    fn run_ended(&mut self, item: &ItemId, report: Option<&Report>) {
        if let Some(bundle) = &mut self.bundle {
            bundle.ended(item, report);
            bundle.tell(false, self.voice);
        }
    }
}
