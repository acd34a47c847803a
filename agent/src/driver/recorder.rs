//! Puts batches of events on this PC's disk and into the relay's log, in order.
//!
//! ```text
//! driver ── Batch ──▶ journal thread ── fsync ──▶ Done::Journalled ──▶ driver
//!                            └──▶ submitter ── Submit ──▶ relay
//! driver ◀── Done::Receipted ── journal thread ◀── verified proofs ── submitter
//! ```
//!
//! The disk never waits for the network: a `stop` is journalled while a relay hangs. A receipt counts only once its proof
//! is on the disk. What the relay hasn't taken stays in the journal and is offered again: soon, and at the next contact.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, mpsc as thread_channel};
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use venia_proto::consent::EntryRef;
use venia_proto::id::Leaf;
use venia_proto::key::VerifierKey;
use venia_proto::ledger::event::After;
use venia_proto::ledger::kind::KindName;
use venia_proto::ledger::pin::{Evidence, Pin, PinError};
use venia_proto::rendezvous::{Answer, Call, EventFault, Refusal, SUBMIT_MAX};
use venia_proto::session::gate::BatchId;
use venia_proto::session::timer::ADMISSION_MS;
use venia_relay::client::control::Control;

use crate::journal::{Journal, JournalError, Kept, Record};
use crate::submit::{Offer, SubmitError, submit};

use super::scribe::Recorded;

/// A relay that hasn't answered a submission after this long is asked again.
const ANSWER: Duration = Duration::from_secs(20);
/// What the relay couldn't take is offered again after this long, if no other batch comes first.
const AGAIN: Duration = Duration::from_secs(1);
/// First pause before the relay is asked again whether witnesses cosigned; doubles.
const PAUSE: Duration = Duration::from_millis(50);

/// Events that are recorded together.
pub struct Batch {
    /// Its number.
    pub id: BatchId,
    /// Its events.
    pub events: Vec<Recorded>,
    /// Other things worth keeping: the statement, member notes.
    pub beside: Vec<Record>,
    /// Whether it may use the space kept for last words.
    pub last_words: bool,
}

/// What the recorder reports.
#[derive(Debug)]
pub enum Done {
    /// On this PC's disk.
    Journalled(BatchId),
    /// In the log, proven, and the proofs on this PC's disk.
    Receipted {
        /// The batch; every earlier one is receipted too.
        batch: BatchId,
        /// The checkpoint to quote from now on.
        after: After,
        /// Its note.
        checkpoint: Vec<u8>,
        /// Proofs by event.
        proofs: BTreeMap<EntryRef, Vec<u8>>,
    },
    /// Witnesses cosigned a tree that holds this batch.
    Witnessed(BatchId),
    /// The relay refuses this batch: no receipt will come, or none soon. Said once.
    NotRecorded(BatchId),
    /// The disk is full or failing.
    JournalFailed,
    /// The log contradicts itself: nothing it says counts any more.
    Evidence(Box<Evidence>),
}

/// The driver's end.
pub struct Recorder {
    jobs: thread_channel::Sender<Job>,
    proven: watch::Receiver<Option<Vec<u8>>>,
}

enum Job {
    Batch(Batch),
    Receipts { batch: BatchId, after: After, checkpoint: Vec<u8>, proofs: Vec<(EntryRef, Leaf, Vec<u8>)> },
    Finish(oneshot::Sender<()>),
}

impl Recorder {
    /// Starts recording into a journal. `pin`: the newest checkpoint this PC accepted from this log. `strict`: witnesses are
    /// asked for after each admission.
    pub fn start(
        journal: Journal,
        log: VerifierKey,
        pin: Option<Pin>,
        control: Arc<Control>,
        done: mpsc::UnboundedSender<Done>,
        strict: bool,
    ) -> Self {
        let (jobs, queue) = thread_channel::channel();
        let (submit, submissions) = mpsc::unbounded_channel();
        let reports = done.clone();
        thread::spawn(move || keep(journal, &queue, &submit, &reports));
        let (prove, proven) = watch::channel(None);
        let (jobs_of, backlog) = (jobs.clone(), Backlog::default());
        let submitter =
            Submitter { control, prove, log, pin, jobs: jobs_of, done, backlog, refused: None, doubted: false, strict };
        tokio::spawn(submitter.run(submissions));
        Self { jobs, proven }
    }

    /// Records a batch.
    pub fn record(&self, batch: Batch) {
        // The thread ends only with the recorder; a dead one has reported why.
        let _ = self.jobs.send(Job::Batch(batch));
    }

    /// Waits until everything ordered is on the disk, and ends. What has no receipt stays in the journal. Gives the
    /// newest checkpoint this session proved: the log may not go back behind it.
    pub async fn finish(self) -> Option<Vec<u8>> {
        let (say, heard) = oneshot::channel();
        if self.jobs.send(Job::Finish(say)).is_ok() {
            let _ = heard.await;
        }
        self.proven.borrow().clone()
    }
}

/// The journal thread.
fn keep(
    mut journal: Journal,
    queue: &thread_channel::Receiver<Job>,
    submit: &mpsc::UnboundedSender<(BatchId, Vec<Recorded>)>,
    done: &mpsc::UnboundedSender<Done>,
) {
    let mut told = false;
    while let Ok(job) = queue.recv() {
        let (kept, report) = match job {
            Job::Batch(batch) => {
                let kept = keep_records(&mut journal, &records(&batch), batch.last_words);
                if kept.is_ok() {
                    // Both ends may be gone at the end of a session.
                    let _ = submit.send((batch.id, batch.events));
                }
                (kept, Done::Journalled(batch.id))
            }
            Job::Receipts { batch, after, checkpoint, proofs } => {
                let records: Vec<Record> = proofs
                    .iter()
                    .map(|(_, leaf, proof)| Record::Receipt { leaf: *leaf, proof: proof.clone().into() })
                    .collect();
                let proofs = proofs.into_iter().map(|(entry, _, proof)| (entry, proof)).collect();
                (keep_records(&mut journal, &records, false), Done::Receipted { batch, after, checkpoint, proofs })
            }
            Job::Finish(say) => {
                // The journal is closed before anybody else opens it.
                drop(journal);
                let _ = say.send(());
                return;
            }
        };
        let report = match kept {
            Ok(Kept::Whole) => report,
            // The session was told to end; what still comes is kept, so that its end can be.
            Ok(Kept::Reserved) if told => report,
            Ok(Kept::Reserved) => {
                tracing::warn!("the disk is full");
                told = true;
                Done::JournalFailed
            }
            Err(error) => {
                tracing::warn!(%error, "the journal failed");
                told = true;
                Done::JournalFailed
            }
        };
        let _ = done.send(report);
    }
}

fn keep_records(journal: &mut Journal, records: &[Record], last_words: bool) -> Result<Kept, JournalError> {
    if last_words { journal.append_last_words(records).map(|()| Kept::Whole) } else { journal.append_signed(records) }
}

fn records(batch: &Batch) -> Vec<Record> {
    let mut records = batch.beside.clone();
    records.extend(batch.events.iter().flat_map(Recorded::records));
    records
}

/// The task that speaks to the relay.
struct Submitter {
    control: Arc<Control>,
    prove: watch::Sender<Option<Vec<u8>>>,
    log: VerifierKey,
    pin: Option<Pin>,
    jobs: thread_channel::Sender<Job>,
    done: mpsc::UnboundedSender<Done>,
    backlog: Backlog,
    /// The batch the relay refused last.
    refused: Option<BatchId>,
    /// What it proved doesn't hold: it isn't asked again by itself.
    doubted: bool,
    strict: bool,
}

/// Batches the relay hasn't taken.
#[derive(Default)]
struct Backlog {
    waiting: VecDeque<(BatchId, Vec<Recorded>)>,
    /// The relay will never take a batch: nothing after it can be recorded either, each event names the one before. A relay
    /// that takes the next one all the same must not make the refused one pass for recorded.
    ended: bool,
}

impl Backlog {
    /// Takes a batch in; gives it back if it can't be recorded any more.
    fn add(&mut self, batch: (BatchId, Vec<Recorded>)) -> Option<BatchId> {
        if self.ended {
            return Some(batch.0);
        }
        self.waiting.push_back(batch);
        None
    }

    /// The relay will never take the first batch. Gives every batch that isn't recorded.
    fn end(&mut self) -> Vec<BatchId> {
        self.ended = true;
        self.waiting.drain(..).map(|(id, _)| id).collect()
    }
}

impl Submitter {
    /// What the relay didn't take is offered again with the next batch, soon without one, and after the session by the next
    /// contact.
    async fn run(mut self, mut submissions: mpsc::UnboundedReceiver<(BatchId, Vec<Recorded>)>) {
        loop {
            let again = !self.backlog.waiting.is_empty() && !self.doubted;
            tokio::select! {
                batch = submissions.recv() => {
                    let Some(batch) = batch else { return };
                    if let Some(id) = self.backlog.add(batch) {
                        let _ = self.done.send(Done::NotRecorded(id));
                    }
                }
                () = tokio::time::sleep(AGAIN), if again => {}
            }
            while !self.backlog.waiting.is_empty() && self.submit().await {}
        }
    }

    /// Offers the first waiting batch; false if the relay can't take it now.
    async fn submit(&mut self) -> bool {
        let Some((id, events)) = self.backlog.waiting.front().cloned() else { return true };
        let mut proofs = Vec::new();
        for chunk in events.chunks(SUBMIT_MAX) {
            match self.submit_chunk(chunk).await {
                Ok(proven) => proofs.extend(proven),
                Err(SubmitError::Connection(_) | SubmitError::NoReceipt) => return false,
                Err(SubmitError::Refused(refusal)) => {
                    // What it will never take isn't offered again.
                    // A sealed part that went missing twice may be there the next time.
                    let never = matches!(refusal, Refusal::Event { fault, .. } if fault != EventFault::Sealed);
                    let again = self.refused.replace(id) == Some(id);
                    if !again {
                        tracing::warn!(%refusal, "the relay doesn't record a batch");
                    }
                    let lost = if never { self.backlog.end() } else { vec![id] };
                    for id in lost.into_iter().filter(|_| never || !again) {
                        let _ = self.done.send(Done::NotRecorded(id));
                    }
                    return never;
                }
                Err(SubmitError::Proof(error)) => {
                    tracing::warn!(%error, "the relay's receipt doesn't hold");
                    self.doubted = true;
                    let _ = match error {
                        PinError::Evidence(evidence) => self.done.send(Done::Evidence(evidence)),
                        PinError::Checkpoint(_) | PinError::NoProof => self.done.send(Done::NotRecorded(id)),
                    };
                    return false;
                }
            }
        }
        self.backlog.waiting.pop_front();
        if let Some(pin) = &self.pin {
            self.prove.send_replace(Some(pin.note()));
            let checkpoint = pin.checkpoint();
            let after = After { origin: checkpoint.origin.clone(), size: checkpoint.size, root: checkpoint.root };
            let _ = self.jobs.send(Job::Receipts { batch: id, after, checkpoint: pin.note(), proofs });
            let admits = events.iter().any(|recorded| recorded.event.header().kind.name() == KindName::Admit);
            if self.strict && admits {
                let (control, log, pin) = (Arc::clone(&self.control), self.log.clone(), pin.clone());
                tokio::spawn(await_witnesses(id, control, log, pin, self.done.clone()));
            }
        }
        true
    }

    async fn submit_chunk(&mut self, events: &[Recorded]) -> Result<Vec<(EntryRef, Leaf, Vec<u8>)>, SubmitError> {
        let offers: Vec<_> =
            events.iter().map(|recorded| Offer { event: &recorded.event, sealed: &recorded.sealed }).collect();
        let proofs = submit(&self.control, &self.log, &mut self.pin, &offers, ANSWER).await?;
        Ok(events.iter().zip(proofs).map(|(recorded, (leaf, proof))| (recorded.entry, leaf, proof)).collect())
    }
}

/// Asks until witnesses cosigned a tree that holds this one, as long as an admission may wait. Beside the submissions: the
/// end of a session doesn't wait for its witnesses.
async fn await_witnesses(
    batch: BatchId,
    control: Arc<Control>,
    log: VerifierKey,
    pin: Pin,
    done: mpsc::UnboundedSender<Done>,
) {
    let asking = async {
        let mut pause = PAUSE;
        loop {
            match witnessed(&control, &log, &pin).await {
                Some(Ok(true)) => return Some(Done::Witnessed(batch)),
                Some(Err(PinError::Evidence(evidence))) => return Some(Done::Evidence(evidence)),
                Some(Ok(false) | Err(PinError::Checkpoint(_) | PinError::NoProof)) | None => {}
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    };
    if let Ok(Some(report)) = tokio::time::timeout(Duration::from_millis(ADMISSION_MS), asking).await {
        // The session may have ended meanwhile.
        let _ = done.send(report);
    }
}

/// What the relay's newest cosigned checkpoint says; `None` without a usable answer.
async fn witnessed(control: &Control, log: &VerifierKey, pin: &Pin) -> Option<Result<bool, PinError>> {
    let (origin, first) = (log.name.as_str().to_owned(), pin.checkpoint().size);
    let answer = control.call(Call::Consistency { origin, first, second: 0 }).await.ok()?;
    let Answer::Consistency { checkpoint, path } = answer else { return None };
    Some(pin.witnessed(&checkpoint, log, &path, &control.welcome().statement))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e_nothing_is_recorded_after_a_batch_that_never_will_be() {
        let mut backlog = Backlog::default();
        assert_eq!(backlog.add((BatchId(1), Vec::new())), None);
        assert_eq!(backlog.add((BatchId(2), Vec::new())), None);
        assert_eq!(backlog.end(), [BatchId(1), BatchId(2)]);
        assert_eq!(backlog.add((BatchId(3), Vec::new())), Some(BatchId(3)));
        assert!(backlog.waiting.is_empty());
    }
}
