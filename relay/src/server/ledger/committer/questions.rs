//! What peers may ask between two commits: proofs of a session, and about the log itself.

use venia_proto::rendezvous::{Answer, Refusal};

use super::Committer;
use crate::server::ledger::Store;
use crate::server::ledger::continuity::{Continuity, between, lost};
use crate::server::ledger::prove::{NotProven, Question, prove};

impl<S: Store> Committer<S> {
    pub(super) fn prove(&mut self, question: &Question) -> Result<Answer, Refusal> {
        let Some(head) = self.head.as_ref().filter(|_| !self.broken) else { return Err(Refusal::Disk) };
        match prove(&self.store, head, Some(&self.log), question) {
            Ok(answer) => Ok(answer),
            Err(NotProven::Refused(refusal)) => Err(refusal),
            Err(NotProven::Store(error)) => Err(self.unreadable(&error)),
        }
    }

    pub(super) fn continuity(&mut self, question: &Continuity) -> Result<Answer, Refusal> {
        let Some(head) = self.head.as_ref().filter(|_| !self.broken) else { return Err(Refusal::Disk) };
        let told = match question {
            Continuity::Between { origin, first, second } => {
                between(&self.store, head, &self.log, (origin, *first, *second))
            }
            Continuity::Seen(checkpoint) => match lost(&self.store, head, &self.log, checkpoint) {
                Ok(Some((size, root))) => {
                    if !self.set_back {
                        tracing::error!("a peer holds a newer checkpoint of this log: the database was set back");
                        // The next start must know it before it signs anything, whether or not that peer comes again.
                        if let Some(head) = &self.surroundings.head {
                            head.advance(size, &root);
                        }
                    }
                    self.set_back = true;
                    Err(NotProven::Refused(Refusal::SetBack))
                }
                Ok(None) => Ok(Answer::Noted),
                Err(error) => Err(error),
            },
        };
        match told {
            Ok(answer) => Ok(answer),
            Err(NotProven::Refused(refusal)) => Err(refusal),
            Err(NotProven::Store(error)) => Err(self.unreadable(&error)),
        }
    }
}
