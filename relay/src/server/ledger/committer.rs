//! The one thread that writes the log.
//!
//! It takes whatever queued while the last commit ran, admits it, and commits it at once: one batch note, one checkpoint,
//! one transaction, one fsync for all. Receipts leave only after that. When the database fails, nobody knows what is
//! stored: everything unanswered is refused, the head is read again from disk and held against the tree, and only then
//! does it go on. A resubmission then finds its events either there, with the same index, or not at all.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot, watch};
use venia_proto::key::SigningKey;
use venia_proto::ledger::batch::Batch;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::merkle::{Hash, Tree};
use venia_proto::ledger::note::leaf;
use venia_proto::ledger::strand::Admission;
use venia_proto::now::{Now, Wall};
use venia_proto::rendezvous::{Answer, Refusal};

use super::admission::{Admitted, Moment, NotAdmitted, Sessions, Submission};
use super::limits::{Limits, STALE_MS};
use super::prove::{Nodes, NotProven, Question, prove};
use super::{Commit, Head, Placed, Store, StoreError};

/// Calls that may wait for the committer; more wait at their own connection.
const QUEUE: usize = 1_024;
/// Most calls in one commit.
const GROUP_MAX: usize = 512;

/// What a relay is told when the ledger's thread is gone: nothing can be recorded, so nothing may run.
const GONE: Refusal = Refusal::Disk;

/// What the committer needs of its surroundings.
#[derive(Clone)]
pub struct Surroundings {
    /// Both clocks.
    pub now: Arc<dyn Fn() -> Now + Send + Sync>,
    /// Free bytes on the database's disk.
    pub free: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// How much is taken from whom.
    pub limits: Limits,
}

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
    queue: mpsc::Sender<Work<S>>,
    newest: watch::Receiver<Newest>,
    now: Arc<dyn Fn() -> Now + Send + Sync>,
}

impl<S> Clone for Ledger<S> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), newest: self.newest.clone(), now: self.now.clone() }
    }
}

/// An answer that comes once the commit is durable.
pub type Pending = oneshot::Receiver<Result<Answer, Refusal>>;

enum Work<S> {
    Submit(Submission, oneshot::Sender<Result<Answer, Refusal>>),
    Prove(Question, oneshot::Sender<Result<Answer, Refusal>>),
    Fresh(oneshot::Sender<()>),
    Do(Box<dyn FnOnce(&mut S) + Send>),
}

/// A ledger that can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database failed, or doesn't hold what we signed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No thread.
    #[error("the operating system gave no thread for the ledger")]
    Thread(#[source] io::Error),
}

/// Starts the thread: loads the head, holds it against the tree, and commits a first batch so that the time is fresh.
/// The thread ends when every [`Ledger`] is dropped.
pub fn start<S: Store + 'static>(
    store: S,
    log: SigningKey,
    surroundings: Surroundings,
) -> Result<(Ledger<S>, JoinHandle<()>), StartError> {
    let (queue, waiting) = mpsc::channel(QUEUE);
    let now = surroundings.now.clone();
    let mut committer = Committer::load(store, log, surroundings, waiting)?;
    committer.commit(Vec::new())?;
    let newest = committer.newest.subscribe();
    let thread = std::thread::Builder::new().name("ledger".to_owned()).spawn(move || committer.run());
    Ok((Ledger { queue, newest, now }, thread.map_err(StartError::Thread)?))
}

impl<S: Store> Ledger<S> {
    /// Queues events; waits while the queue is full. Calls of one caller are committed in the order of these waits.
    pub async fn submit(&self, submission: Submission) -> Result<Pending, Refusal> {
        let (answer, pending) = oneshot::channel();
        self.queue.send(Work::Submit(submission, answer)).await.map_err(|_| GONE)?;
        Ok(pending)
    }

    /// Asks for proofs.
    pub async fn prove(&self, question: Question) -> Result<Pending, Refusal> {
        let (answer, pending) = oneshot::channel();
        self.queue.send(Work::Prove(question, answer)).await.map_err(|_| GONE)?;
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

    fn is_stale(&self) -> bool {
        (self.now)().boot_ms.saturating_sub(self.newest.borrow().boot_ms) >= STALE_MS
    }
}

struct Committer<S> {
    store: S,
    log: SigningKey,
    surroundings: Surroundings,
    waiting: mpsc::Receiver<Work<S>>,
    sessions: Sessions,
    tree: Tree,
    head: Option<Head>,
    newest: watch::Sender<Newest>,
    /// The last commit failed and what is on disk couldn't be read back yet.
    broken: bool,
}

/// An admitted submission and who waits for its receipts.
struct Waiting {
    admitted: Admitted,
    known: u64,
    answer: oneshot::Sender<Result<Answer, Refusal>>,
}

/// Indexes of new events by leaf.
type Places = HashMap<[u8; 32], u64>;

/// What the database holds, held against itself.
struct Loaded {
    tree: Tree,
    head: Option<Head>,
    observed: Wall,
}

impl<S: Store> Committer<S> {
    fn load(
        store: S,
        log: SigningKey,
        surroundings: Surroundings,
        waiting: mpsc::Receiver<Work<S>>,
    ) -> Result<Self, StoreError> {
        let Loaded { tree, head, observed } = load(&store, &log)?;
        let sessions = Sessions::new(log.verifier().name.clone(), surroundings.limits);
        let batch = head.as_ref().map_or_else(Vec::new, |head| head.batch.clone()).into();
        let (newest, _) = watch::channel(Newest { batch, observed, boot_ms: 0 });
        Ok(Self { store, log, surroundings, waiting, sessions, tree, head, newest, broken: false })
    }

    fn run(mut self) {
        while let Some(first) = self.waiting.blocking_recv() {
            let mut group = vec![first];
            while group.len() < GROUP_MAX
                && let Ok(next) = self.waiting.try_recv()
            {
                group.push(next);
            }
            self.round(group);
        }
    }

    fn round(&mut self, group: Vec<Work<S>>) {
        if self.broken {
            self.recover();
        }
        let (mut waiting, mut questions, mut fresh) = (Vec::new(), Vec::new(), Vec::new());
        for work in group {
            match work {
                Work::Submit(submission, answer) => self.admit(submission, answer, &mut waiting),
                Work::Prove(question, answer) => questions.push((question, answer)),
                Work::Fresh(answer) => fresh.push(answer),
                Work::Do(what) => what(&mut self.store),
            }
        }
        let boot_ms = (self.surroundings.now)().boot_ms;
        let stale = boot_ms.saturating_sub(self.newest.borrow().boot_ms) >= STALE_MS;
        if !self.broken && (!waiting.is_empty() || (stale && !fresh.is_empty())) {
            if let Err(error) = self.commit(waiting) {
                self.failed(&error);
            }
        } else {
            refuse(waiting);
        }
        for answer in fresh {
            let _ = answer.send(());
        }
        for (question, answer) in questions {
            let found = self.prove(&question);
            let _ = answer.send(found);
        }
    }

    fn admit(
        &mut self,
        submission: Submission,
        answer: oneshot::Sender<Result<Answer, Refusal>>,
        waiting: &mut Vec<Waiting>,
    ) {
        let size = self.tree.size();
        let moment = Moment { now: (self.surroundings.now)().wall, size, free: (self.surroundings.free)() };
        let refusal = if self.broken {
            Refusal::Disk
        } else if submission.known > size {
            Refusal::NotAllowed
        } else {
            match self.sessions.admit(&mut self.store, &submission, moment) {
                Ok(admitted) => return waiting.push(Waiting { admitted, known: submission.known, answer }),
                Err(NotAdmitted::Refused(refusal)) => refusal,
                Err(NotAdmitted::Store(error)) => {
                    // What was admitted before it in this round rests on the same memory: refuse all of it.
                    refuse(std::mem::take(waiting));
                    self.failed(&error);
                    Refusal::Disk
                }
            }
        };
        let _ = answer.send(Err(refusal));
    }

    /// Signs, stores, and only then answers.
    fn commit(&mut self, waiting: Vec<Waiting>) -> Result<(), StoreError> {
        let (commit, places) = self.prepare(&waiting);
        if let Some((commit, tree, newest)) = commit {
            if let Err(error) = self.store.append(&commit) {
                refuse(waiting);
                return Err(error);
            }
            let batch = commit.entries.first().cloned().unwrap_or_default();
            self.head = Some(Head { size: tree.size(), checkpoint: commit.checkpoint.clone(), batch });
            self.tree = tree;
            self.sessions.committed(self.tree.size(), self.tree.root());
            self.newest.send_replace(newest);
            self.release(waiting, &commit.nodes, &places)
        } else {
            self.release(waiting, &[], &places)
        }
    }

    /// Lays out the commit; none if every event of every submission is there already.
    fn prepare(&self, waiting: &[Waiting]) -> (Option<(Commit, Tree, Newest)>, Places) {
        let from = self.tree.size();
        let mut places = Places::new();
        let events = waiting.iter().flat_map(|waiting| &waiting.admitted.events);
        let new: Vec<_> =
            events.filter(|(_, admission)| *admission == Admission::New).map(|(event, _)| event).collect();
        if new.is_empty() && !waiting.is_empty() {
            return (None, places);
        }
        let now = (self.surroundings.now)();
        // A clock set back must not make the ledger's time go back.
        let observed = now.wall.max(self.newest.borrow().observed);
        let batch = Batch {
            origin: self.log.verifier().name.clone(),
            n: new.len() as u64,
            observed,
            previous: self.head.as_ref().map(|head| leaf(&head.batch)),
        };
        let batch = batch.sign(&self.log);
        let mut commit = Commit { from, ..Commit::default() };
        let mut tree = self.tree.clone();
        let mut completed = |level, place, hash: Hash| commit.nodes.push((level, place, hash));
        tree.append(leaf(&batch), &mut completed);
        for event in &new {
            let entry = tree.append(event.leaf(), &mut completed);
            places.insert(event.leaf().0, entry);
            let header = event.header();
            let placed = Placed { session: header.session, author: header.author, seq: header.seq, entry, batch: from };
            commit.events.push(placed);
        }
        commit.entries.push(batch.clone());
        commit.entries.extend(new.iter().map(|event| event.bytes().to_vec()));
        commit.opened = waiting.iter().filter_map(|waiting| waiting.admitted.opened.clone()).collect();
        commit.parties = waiting.iter().flat_map(|waiting| waiting.admitted.parties.iter().copied()).collect();
        commit.checkpoint = Checkpoint::of(self.log.verifier(), tree.size(), tree.root()).sign(&self.log);
        let newest = Newest { batch: batch.into(), observed, boot_ms: now.boot_ms };
        (Some((commit, tree, newest)), places)
    }

    /// Everything is durable: hands out receipts.
    fn release(&self, waiting: Vec<Waiting>, fresh: &[(u8, u64, Hash)], places: &Places) -> Result<(), StoreError> {
        let nodes = Nodes::new(&self.store, fresh);
        let mut failed = None;
        for Waiting { admitted, known, answer } in waiting {
            let receipts = self.receipts(&nodes, &admitted, known, places);
            let _ = answer.send(receipts.map_err(|error| {
                failed = Some(error);
                Refusal::Disk
            }));
        }
        failed.map_or(Ok(()), Err)
    }

    fn receipts(
        &self,
        nodes: &Nodes<'_, S>,
        admitted: &Admitted,
        known: u64,
        places: &Places,
    ) -> Result<Answer, StoreError> {
        let head = self.head.as_ref().ok_or(StoreError::Damaged("no head"))?;
        let mut entries = Vec::with_capacity(admitted.events.len());
        for (event, _) in &admitted.events {
            let header = event.header();
            let index = match places.get(&event.leaf().0) {
                Some(index) => Some(*index),
                None => self.store.place(header.session, header.author, header.seq)?,
            };
            entries.push(nodes.entry(index.ok_or(StoreError::Damaged("an event has no place"))?, head.size)?);
        }
        let consistency = nodes.consistency(known, head.size)?;
        Ok(Answer::Receipts { checkpoint: head.checkpoint.clone(), consistency, entries })
    }

    fn prove(&mut self, question: &Question) -> Result<Answer, Refusal> {
        let Some(head) = self.head.as_ref().filter(|_| !self.broken) else { return Err(Refusal::Disk) };
        match prove(&self.store, head, &self.log, question) {
            Ok(answer) => Ok(answer),
            Err(NotProven::Refused(refusal)) => Err(refusal),
            Err(NotProven::Store(error)) => {
                self.failed(&error);
                Err(Refusal::Disk)
            }
        }
    }

    /// Nobody knows what is stored: believe only what is read back.
    fn failed(&mut self, error: &StoreError) {
        tracing::error!(error = error as &dyn std::error::Error, "the ledger's database failed; reading it again");
        self.broken = true;
        self.recover();
    }

    fn recover(&mut self) {
        self.sessions.forget();
        let again = self.store.reopen().and_then(|()| load(&self.store, &self.log));
        match again {
            Ok(Loaded { tree, head, observed }) => {
                self.tree = tree;
                // If the failed commit is there after all, its batch note is the newest; how old it is, nobody knows.
                if let Some(head) = &head {
                    self.newest.send_replace(Newest { batch: head.batch.clone().into(), observed, boot_ms: 0 });
                }
                self.head = head;
                self.broken = false;
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the ledger can't be read back; refusing all"
                );
            }
        }
    }
}

/// Reads the head and holds it against the tree, the last entry and our own key.
fn load<S: Store>(store: &S, log: &SigningKey) -> Result<Loaded, StoreError> {
    let Some(head) = store.head()? else {
        return Ok(Loaded { tree: Tree::new(), head: None, observed: Wall::MIN });
    };
    let checkpoint = Checkpoint::open(&head.checkpoint, log.verifier())
        .map_err(|_| StoreError::Damaged("the head isn't signed by this relay's log key"))?;
    let tree = Nodes::new(store, &[]).tree(head.size)?;
    if checkpoint.size != head.size || checkpoint.root != tree.root() {
        return Err(StoreError::Damaged("the tree isn't the one that was signed"));
    }
    let last = head.size.checked_sub(1).ok_or(StoreError::Damaged("an empty head"))?;
    let note = store.entry(last)?.ok_or(StoreError::Damaged("the last entry is missing"))?;
    if store.entry(head.size)?.is_some() || store.node(0, last)? != Some(leaf(&note).0) {
        return Err(StoreError::Damaged("the last entry isn't the one in the tree"));
    }
    let batch = Batch::open(&head.batch, log.verifier()).map_err(|_| StoreError::Damaged("the newest batch note"))?;
    Ok(Loaded { tree, head: Some(head), observed: batch.observed })
}

fn refuse(waiting: Vec<Waiting>) {
    for Waiting { answer, .. } in waiting {
        // Who no longer waits needs no answer.
        let _ = answer.send(Err(Refusal::Disk));
    }
}
