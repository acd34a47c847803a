//! The way to the log's one writer: calls wait here in the order they came, and are answered once they are durable.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use venia_proto::ledger::notice::Notice;
use venia_proto::now::{Now, Wall};
use venia_proto::rendezvous::{Answer, Refusal};

use super::Store;
use super::admission::{Offer, Submission};
use super::continuity::Continuity;
use super::limits::STALE_MS;
use super::prove::Question;
use super::signatures::Signatures;

/// What a relay is told when the ledger's thread is gone: nothing can be recorded, so nothing may run.
const GONE: Refusal = Refusal::Disk;

/// The newest batch note: what time it is, by the ledger. (SECURITY A4)
#[derive(Clone, Debug)]
pub struct Newest {
    /// The signed note.
    pub batch: Arc<[u8]>,
    /// What it says.
    pub observed: Wall,
    /// When it was made, in milliseconds since boot.
    pub boot_ms: u64,
}

/// A way to the committer's thread. Cheap to clone.
pub struct Ledger<S> {
    pub(super) queue: mpsc::Sender<Work<S>>,
    pub(super) newest: watch::Receiver<Newest>,
    pub(super) now: Arc<dyn Fn() -> Now + Send + Sync>,
    pub(super) signatures: Arc<Signatures>,
}

impl<S> Clone for Ledger<S> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
            newest: self.newest.clone(),
            now: self.now.clone(),
            signatures: self.signatures.clone(),
        }
    }
}

/// An answer that comes once the commit is durable.
pub type Pending = oneshot::Receiver<Result<Answer, Refusal>>;

/// What waits for the committer.
pub(super) enum Work<S> {
    /// Events of a peer.
    Submit(Offer, oneshot::Sender<Result<Answer, Refusal>>),
    /// A note of the relay's own; answered with its index.
    Note(Notice, oneshot::Sender<Result<u64, Refusal>>),
    /// Proofs for a peer.
    Prove(Question, oneshot::Sender<Result<Answer, Refusal>>),
    /// About the log itself, for anybody.
    Continuity(Continuity, oneshot::Sender<Result<Answer, Refusal>>),
    /// A batch note that tells the time.
    Fresh(oneshot::Sender<()>),
    /// Time for whatever is due; true while somebody waits in the queue.
    Beat(bool),
    /// Something else with the database.
    Do(Box<dyn FnOnce(&mut S) + Send>),
}

impl<S: Store> Ledger<S> {
    /// Reads events and checks their signatures here, then queues them; waits while the queue is full. Calls of one caller
    /// are committed in the order of these waits.
    pub async fn submit(&self, submission: Submission) -> Result<Pending, Refusal> {
        let offer = self.signatures.read(submission)?;
        let (answer, pending) = oneshot::channel();
        self.queue.send(Work::Submit(offer, answer)).await.map_err(|_| GONE)?;
        Ok(pending)
    }

    /// Puts a note of the relay's own on record; its index, once it is durable.
    pub async fn note(&self, notice: Notice) -> Result<u64, Refusal> {
        let (answer, recorded) = oneshot::channel();
        self.queue.send(Work::Note(notice, answer)).await.map_err(|_| GONE)?;
        recorded.await.map_err(|_| GONE)?
    }

    /// Lets the committer do what is due by now: heartbeats, and sessions that nobody closed. `waiting`: somebody waits
    /// in the queue for a technician. (SECURITY F6, E7)
    pub async fn beat(&self, waiting: bool) {
        // A ledger that is gone has no pulse.
        let _ = self.queue.send(Work::Beat(waiting)).await;
    }

    /// Asks for proofs.
    pub async fn prove(&self, question: Question) -> Result<Pending, Refusal> {
        let (answer, pending) = oneshot::channel();
        self.queue.send(Work::Prove(question, answer)).await.map_err(|_| GONE)?;
        Ok(pending)
    }

    /// Asks about the log itself.
    pub async fn continuity(&self, question: Continuity) -> Result<Pending, Refusal> {
        let (answer, pending) = oneshot::channel();
        self.queue.send(Work::Continuity(question, answer)).await.map_err(|_| GONE)?;
        Ok(pending)
    }

    /// The newest batch note; a new one is made first if it is older than [`STALE_MS`]. If the disk refuses, the old one
    /// is all there is.
    pub async fn time(&self) -> Newest {
        if self.is_stale() {
            let (answer, made) = oneshot::channel();
            if self.queue.send(Work::Fresh(answer)).await.is_ok() {
                // Made or not: what is newest is told below.
                let _ = made.await;
            }
        }
        self.newest.borrow().clone()
    }

    /// Does something else with the database, between two commits: members and invites.
    pub async fn perform<T: Send + 'static>(
        &self,
        what: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let (answer, done) = oneshot::channel();
        let work = Work::Do(Box::new(move |store: &mut S| {
            // The caller may have gone; what was done is done.
            let _ = answer.send(what(store));
        }));
        self.queue.send(work).await.map_err(|_| GONE)?;
        done.await.map_err(|_| GONE)
    }

    /// Changes with every commit.
    pub fn commits(&self) -> watch::Receiver<Newest> {
        self.newest.clone()
    }

    fn is_stale(&self) -> bool {
        (self.now)().boot_ms.saturating_sub(self.newest.borrow().boot_ms) >= STALE_MS
    }
}
