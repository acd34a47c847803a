//! The record's side of a session: batches go to disk and log, events go to the technician with their proofs, and what comes
//! back, receipts and doubts about the log, becomes an input.
//!
//! Not here: what must be recorded before what, which the machine decides, and the disk and the log themselves
//! ([`crate::driver::recorder`]).

use venia_proto::consent::EntryRef;
use venia_proto::id::Strand;
use venia_proto::key::VerifierKey;
use venia_proto::ledger::gossip;
use venia_proto::ledger::kind::Kind;
use venia_proto::ledger::pin::Evidence;
use venia_proto::message::ToConsole;
use venia_proto::session::agent::{Entry, Input};
use venia_proto::session::gate::BatchId;
use venia_proto::session::last_words::{are_last_words, closes};
use venia_relay::client::gossip::Said;

use super::Session;
use super::tasks::send_outcome;
use crate::driver::clock;
use crate::driver::recorder::{Batch, Done};
use crate::journal::{Mark, Record};
use crate::person::feed::News;

/// Newest receipts kept beside what was sent: what is sent again after a loss comes with its own. The technician fetches the
/// others at the end.
const PROOFS_KEPT: usize = 64;

impl Session<'_, '_> {
    /// Writes a batch and hands it over.
    pub(super) fn record(&mut self, batch: BatchId, entries: Vec<Entry>) -> Option<Input> {
        let (closing, last_words) = (closes(&entries), are_last_words(&entries));
        match self.parts.scribe.write(entries, self.time()) {
            Ok(events) => {
                let mut beside = std::mem::take(&mut self.beside);
                if closing {
                    beside.push(Record::Mark(Mark::Closed));
                }
                self.parts.recorder.record(Batch { id: batch, events, beside, last_words });
                None
            }
            Err(error) => {
                tracing::error!(%error, "an event could not be written");
                Some(Input::JournalFailed)
            }
        }
    }

    /// Sends an event: results with their words on a stream of their own, which STOP can cut.
    pub(super) fn send(&mut self, entry: EntryRef, words: bool) {
        let Some(signed) = self.parts.scribe.signed(entry, words) else { return };
        self.sent.insert(entry.seq, words);
        let proof = self.proofs.get(&entry).cloned();
        let result = matches!(self.parts.scribe.kind(entry), Some(Kind::Result { .. }));
        let message = ToConsole::Event { signed, proof };
        if result && words {
            self.sending.retain(|task| !task.is_finished());
            self.sending.push(tokio::spawn(send_outcome(self.connection.clone(), message)).abort_handle());
        } else {
            let _ = self.out.send(message);
        }
    }

    /// What became of a batch, or what its recording showed of the log.
    pub(super) fn recorded(&mut self, done: Done) -> Option<Input> {
        match done {
            Done::Journalled(batch) => Some(Input::Journalled(batch)),
            Done::Receipted { batch, after, checkpoint, proofs } => {
                self.parts.scribe.receipted(after);
                if let Some(doubt) = self.gossip(gossip::Input::Own(checkpoint)) {
                    self.handle(doubt);
                }
                proofs.values().for_each(|proof| self.parts.scribe.proven(proof));
                self.proofs.extend(proofs.into_iter().filter(|(entry, _)| entry.author == Strand::Agent));
                while self.proofs.len() > PROOFS_KEPT {
                    self.proofs.pop_first();
                }
                Some(Input::Receipted(batch))
            }
            Done::Witnessed(batch) => Some(Input::Witnessed(batch)),
            Done::NotRecorded(batch) => Some(Input::NotRecorded(batch)),
            Done::JournalFailed => Some(Input::JournalFailed),
            Done::Evidence(evidence) => {
                let log = self.parts.control.welcome().relay.log.clone();
                Some(self.caught(&log, &evidence))
            }
        }
    }

    /// Something about checkpoints happened. Gives the session's end, if the log can't be trusted any more.
    pub(super) fn gossip(&mut self, input: gossip::Input) -> Option<Input> {
        self.parts.talk.hear(clock::now().boot_ms, input);
        let mut doubt = None;
        while let Some(said) = self.parts.talk.poll() {
            match said {
                Said::Show(note) => drop(self.out.send(ToConsole::Checkpoint(note))),
                Said::Evidence { log, found } => doubt = Some(self.caught(&log, &found)),
                Said::Unproven => {
                    self.feed(News::LogUnproven);
                    doubt = Some(Input::LogDoubted);
                }
            }
        }
        doubt
    }

    /// A log caught lying records nothing that counts: the session ends.
    fn caught(&mut self, log: &VerifierKey, evidence: &Evidence) -> Input {
        tracing::warn!(fault = %evidence.fault, "the ledger contradicts itself");
        if let Some(file) = (self.parts.keep)(log, evidence) {
            self.feed(News::LogLied(file));
        }
        Input::LogDoubted
    }
}
