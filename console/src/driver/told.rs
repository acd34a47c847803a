//! What a live session tells the technician, and what it remembers of it for the end.

use tokio::time::Instant;
use venia_proto::ledger::body::ItemId;
use venia_proto::ledger::kind::{Answer, Cause, Status, Why};
use venia_proto::report::Report;
use venia_proto::session::console::Tell;

use super::Live;
use crate::trouble;
use crate::voice::Told;

impl Live<'_, '_, '_> {
    pub(super) fn tell(&mut self, tell: Tell) {
        self.spoke = true;
        match tell {
            Tell::Consent { answer, card, took } => {
                self.refused |= answer != Answer::Yes;
                let arrival = card.is_none() && answer == Answer::Yes;
                self.voice.tell(Told::Consent { answer, card, took });
                if arrival && (self.offered || self.machine.is_busy()) {
                    self.wait(None);
                }
            }
            Tell::Running(item) => self.wait(Some(&item)),
            Tell::Result { item, status, report, entry } => {
                let report = report.and_then(|report| self.vouched(&item, report));
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
                self.run_reported(&item, report.as_ref());
                let entry = self.record.index(entry);
                self.voice.tell(Told::Result { item, status, report, entry });
                self.diagnose(false);
            }
            Tell::Redacted { item, count } => self.voice.tell(Told::Redacted { item, count }),
            Tell::Refused { item, why } => {
                self.refused |= why != Why::Person || !self.is_bundled(&item);
                self.run_reported(&item, None);
                self.voice.tell(Told::Refused { item, why });
                self.diagnose(false);
            }
            Tell::Said(text) => self.voice.tell(Told::Said(text)),
            Tell::Unsaid => self.voice.tell(Told::Unsaid),
            Tell::Paused(why) => self.voice.tell(Told::Paused(why)),
            Tell::Resumed => self.voice.tell(Told::Resumed),
            Tell::Closed { by, cause } => {
                self.diagnose(true);
                // The agent's signed word counts, also when we were leaving.
                self.ended = Some((by, cause));
                self.since.get_or_insert_with(Instant::now);
                self.typing = None;
            }
            Tell::Lost => {
                self.diagnose(true);
                if !self.silent {
                    let failure = trouble::lost(self.voice.words());
                    self.voice.error(&failure);
                }
                self.ended.get_or_insert((Cause::RelayLost, Cause::RelayLost));
                self.typing = None;
            }
        }
    }

    /// What the check's own definition vouches for: whatever else the other program puts into a report isn't told. (SECURITY G4)
    fn vouched(&mut self, item: &ItemId, report: Report) -> Option<Report> {
        let vouched = self.voice.catalog().get(item).map(|definition| definition.vouched(report));
        let whole = vouched.as_ref().is_some_and(|(_, whole)| *whole);
        if !whole {
            self.refused = true;
            let words = self.voice.words();
            self.voice.tell(Told::Warned(words.say("console-undeclared", &[("item", &item.0)])));
        }
        vouched.map(|(report, _)| report)
    }

    fn is_bundled(&self, item: &ItemId) -> bool {
        self.bundle.as_ref().is_some_and(|bundle| bundle.awaits(item))
    }

    fn run_reported(&mut self, item: &ItemId, report: Option<&Report>) {
        self.bundle.iter_mut().for_each(|bundle| bundle.ended(item, report));
    }

    fn diagnose(&mut self, anyway: bool) {
        self.bundle.iter_mut().for_each(|bundle| bundle.tell(anyway, self.voice));
    }
}
