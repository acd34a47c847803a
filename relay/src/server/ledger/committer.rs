//! The one thread that writes the log.
//!
//! It takes what queued while the last commit ran (of a crowd, some), admits it, and commits it: one batch note, one checkpoint,
//! one transaction, one fsync for all. Receipts leave only after that. When the database fails, nobody knows what is
//! stored: everything unanswered is refused, the head is read again from disk and held against the tree, and only then
//! does it go on. A resubmission then finds its events either there, with the same index, or not at all.

mod crowd;
mod layout;
mod pulse;
mod questions;
mod receipts;
mod reload;

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot, watch};
use venia_proto::key::SigningKey;
use venia_proto::ledger::merkle::Tree;
use venia_proto::ledger::notice::Notice;
use venia_proto::now::Now;
use venia_proto::rendezvous::{Answer, Refusal};

use self::crowd::Crowd;
use self::reload::{Loaded, load};
use super::admission::{Admitted, Moment, NotAdmitted, Offer, Sessions};
use super::head::HeadFile;
use super::limits::{Limits, STALE_MS};
use super::prove::Nodes;
use super::queue::{Ledger, Newest, Work};
use super::recent::Recent;
use super::sealed::Held;
use super::signatures::Signatures;
use super::{Head, Store, StoreError};

/// Calls that may wait for the committer; more wait at their own connection.
const QUEUE: usize = 1_024;

/// What the committer needs of its surroundings.
#[derive(Clone)]
pub struct Surroundings {
    /// Both clocks.
    pub now: Arc<dyn Fn() -> Now + Send + Sync>,
    /// Free bytes on the database's disk.
    pub free: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// How much is taken from whom.
    pub limits: Limits,
    /// The copy of the head beside the database, if one is kept.
    pub head: Option<Arc<HeadFile>>,
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

/// Starts the thread: loads the head, holds it against the tree, and commits a first batch so that the time is fresh,
/// with a `gap` for the time nobody was here.
/// The thread ends when every [`Ledger`] is dropped.
pub fn start<S: Store + 'static>(
    store: S,
    log: SigningKey,
    surroundings: Surroundings,
) -> Result<(Ledger<S>, JoinHandle<()>), StartError> {
    let (queue, waiting) = mpsc::channel(QUEUE);
    let now = surroundings.now.clone();
    let mut committer = Committer::load(store, log, surroundings, waiting)?;
    let gap = committer.gap_before_now();
    committer.commit(Vec::new(), gap.into_iter().collect())?;
    // A program that was killed leaves its write-ahead log behind.
    committer.scrub(false)?;
    let newest = committer.newest.subscribe();
    let thread = std::thread::Builder::new().name("ledger".to_owned()).spawn(move || committer.run());
    let signatures = Arc::new(Signatures::default());
    Ok((Ledger { queue, newest, now, signatures }, thread.map_err(StartError::Thread)?))
}

struct Committer<S> {
    store: S,
    log: SigningKey,
    surroundings: Surroundings,
    waiting: mpsc::Receiver<Work<S>>,
    sessions: Sessions,
    tree: Tree,
    recent: Recent,
    head: Option<Head>,
    newest: watch::Sender<Newest>,
    /// The last commit failed and what is on disk couldn't be read back yet.
    broken: bool,
    /// Times the database failed.
    failures: u64,
    /// Damage that was told; each kind once.
    told: BTreeSet<&'static str>,
    /// A peer holds a checkpoint of ours that isn't in this log: signing on would be a fork. (SECURITY F5)
    set_back: bool,
    /// The write-ahead log may still hold what was erased.
    unscrubbed: bool,
    crowd: Crowd,
    /// Receipts of the last commit. While others wait they leave only when the next one is laid out: whoever hears them
    /// comes back at once, and would take the CPU that the others wait for.
    outbox: Vec<(Answering, Result<Answer, Refusal>)>,
}

/// Who waits for receipts.
type Answering = oneshot::Sender<Result<Answer, Refusal>>;

/// An admitted submission and who waits for its receipts.
struct Waiting {
    admitted: Admitted,
    known: u64,
    held: Held,
    answer: Answering,
}

/// A note of the relay's own, and who waits for it.
struct Owed {
    notice: Notice,
    answer: Option<oneshot::Sender<Result<u64, Refusal>>>,
}

impl<S: Store> Committer<S> {
    fn load(
        store: S,
        log: SigningKey,
        surroundings: Surroundings,
        waiting: mpsc::Receiver<Work<S>>,
    ) -> Result<Self, StoreError> {
        let Loaded { tree, head, observed } = load(&store, &log)?;
        if let Some((had, root)) = surroundings.head.as_ref().and_then(|head| head.before()) {
            let found = tree.size();
            if found < had {
                return Err(StoreError::SetBack { had, found });
            }
            if Nodes::stored(&store).tree(had)?.root() != root {
                return Err(StoreError::Damaged("the log isn't the one that was here before"));
            }
        }
        let sessions = Sessions::new(log.verifier().name.clone(), surroundings.limits);
        let batch = head.as_ref().map_or_else(Vec::new, |head| head.batch.clone()).into();
        let (newest, _) = watch::channel(Newest { batch, observed, boot_ms: 0 });
        let recent = Recent::edge(&tree);
        Ok(Self {
            store,
            log,
            surroundings,
            waiting,
            sessions,
            tree,
            recent,
            head,
            newest,
            broken: false,
            failures: 0,
            told: BTreeSet::new(),
            set_back: false,
            unscrubbed: true,
            crowd: Crowd::default(),
            outbox: Vec::new(),
        })
    }

    fn run(mut self) {
        while let Some(first) = self.waiting.blocking_recv() {
            self.crowd.counted(1 + self.waiting.len());
            if !self.crowd.is_here(1 + self.waiting.len()) {
                self.post();
                self.crowd.gather(|| 1 + self.waiting.len());
            }
            let mut group = vec![first];
            while group.len() < self.crowd.share()
                && let Ok(next) = self.waiting.try_recv()
            {
                group.push(next);
            }
            let (calls, begun) = (group.len(), Instant::now());
            self.round(group);
            self.crowd.came(calls, begun.elapsed());
            if self.waiting.is_empty() {
                self.post();
            }
        }
    }

    fn round(&mut self, group: Vec<Work<S>>) {
        if self.broken {
            self.recover();
        }
        let (mut waiting, mut owed, mut questions, mut fresh) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut due, mut beats) = (false, false);
        for work in group {
            let failures = self.failures;
            match work {
                Work::Submit(offer, answer) => self.admit(offer, answer, &mut waiting),
                Work::Note(notice, answer) => owed.push(Owed { notice, answer: Some(answer) }),
                Work::Prove(question, answer) => questions.push((question, answer)),
                // At once: whoever comes after it in this round must not be recorded in a log that was set back.
                Work::Continuity(question, answer) => {
                    let told = self.continuity(&question);
                    let _ = answer.send(told);
                }
                Work::Fresh(answer) => fresh.push(answer),
                Work::Beat(queued) => {
                    beats = true;
                    due |= self.beat(queued, &mut owed);
                }
                Work::Do(what) => what(&mut self.store),
            }
            // What was admitted earlier in this round rests on a memory that was forgotten with the failure: committed beside
            // what is admitted from now on, two events could get one place.
            if self.failures != failures {
                refuse(std::mem::take(&mut waiting), Vec::new(), Refusal::Disk);
            }
        }
        due |= !fresh.is_empty() && self.age() >= STALE_MS;
        let may_sign = !self.broken && !self.set_back;
        if may_sign && (!waiting.is_empty() || !owed.is_empty() || due) {
            beats = true;
            if let Err(error) = self.commit(waiting, owed) {
                self.failed(&error);
            }
        } else {
            self.post();
            refuse(waiting, owed, self.why_not());
        }
        // Who read the database may have ended meanwhile. Nobody who wants to record something waits for it.
        if beats
            && !self.broken
            && let Err(error) = self.scrub(false)
        {
            self.failed(&error);
        }
        for answer in fresh {
            let _ = answer.send(());
        }
        for (question, answer) in questions {
            let found = self.prove(&question);
            let _ = answer.send(found);
        }
    }

    fn admit(&mut self, offer: Offer, answer: Answering, waiting: &mut Vec<Waiting>) {
        let size = self.tree.size();
        let moment = Moment { now: (self.surroundings.now)().wall, size, free: &*self.surroundings.free };
        let refusal = if self.broken || self.set_back {
            self.why_not()
        } else if offer.known > size {
            Refusal::NotAllowed
        } else {
            let (known, held) = (offer.known, offer.held.clone());
            match self.sessions.admit(&mut self.store, offer, moment) {
                Ok(admitted) => return waiting.push(Waiting { admitted, known, held, answer }),
                Err(NotAdmitted::Refused(refusal)) => refusal,
                Err(NotAdmitted::Store(error)) => self.unreadable(&error),
            }
        };
        let _ = answer.send(Err(refusal));
    }

    /// Signs, stores, and only then answers.
    fn commit(&mut self, waiting: Vec<Waiting>, mut owed: Vec<Owed>) -> Result<(), StoreError> {
        let prepared = self.prepare(&waiting, &mut owed);
        self.post();
        let (prepared, places) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                refuse(waiting, owed, Refusal::Disk);
                return Err(error);
            }
        };
        let Some((commit, tree, newest)) = prepared else { return self.release(waiting, &places) };
        if let Err(error) = self.store.append(&commit) {
            refuse(waiting, owed, Refusal::Disk);
            return Err(error);
        }
        let batch = commit.entries.first().cloned().unwrap_or_default();
        self.head = Some(Head { size: tree.size(), checkpoint: commit.checkpoint.clone(), batch });
        self.tree = tree;
        self.recent.add(&commit.nodes);
        let (size, root) = (self.tree.size(), self.tree.root());
        self.sessions.committed(size, root);
        if let Some(head) = &self.surroundings.head {
            head.advance(size, &root);
        }
        self.newest.send_replace(newest);
        if !commit.erased.is_empty() {
            self.unscrubbed = true;
            self.scrub(true)?;
            if self.unscrubbed {
                tracing::warn!("what was erased is still in the write-ahead log: somebody reads the database");
            }
        }
        for (index, owed) in (commit.from + 1..).zip(owed) {
            // Who no longer waits needs no answer.
            let _ = owed.answer.map(|answer| answer.send(Ok(index)));
        }
        self.release(waiting, &places)
    }

    /// Hands out the receipts of the last commit.
    fn post(&mut self) {
        for (answer, receipts) in self.outbox.drain(..) {
            // Who no longer waits needs no answer.
            let _ = answer.send(receipts);
        }
    }

    /// Leaves nothing of what was erased in the write-ahead log; a reader that hinders it now doesn't at a later beat. (SECURITY E11)
    fn scrub(&mut self, wait: bool) -> Result<(), StoreError> {
        if self.unscrubbed {
            self.unscrubbed = !self.store.scrub(wait)?;
        }
        Ok(())
    }

    /// Why nothing is recorded now.
    fn why_not(&self) -> Refusal {
        if self.set_back { Refusal::SetBack } else { Refusal::Disk }
    }
}

fn refuse(waiting: Vec<Waiting>, owed: Vec<Owed>, why: Refusal) {
    // Who no longer waits needs no answer.
    for Waiting { answer, .. } in waiting {
        let _ = answer.send(Err(why));
    }
    for answer in owed.into_iter().filter_map(|owed| owed.answer) {
        let _ = answer.send(Err(why));
    }
}

impl From<Notice> for Owed {
    fn from(notice: Notice) -> Self {
        Self { notice, answer: None }
    }
}
