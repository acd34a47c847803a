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
use venia_proto::ledger::heartbeat::{self, ABANDONED_MS, Hole, Pulse};
use venia_proto::ledger::kind::KindName;
use venia_proto::ledger::merkle::{Hash, Tree};
use venia_proto::ledger::note::leaf;
use venia_proto::ledger::notice::Notice;
use venia_proto::ledger::strand::Admission;
use venia_proto::now::{Now, Wall};
use venia_proto::rendezvous::{Answer, Refusal};

use super::admission::{Admitted, Moment, NotAdmitted, Sessions, Submission};
use super::continuity::{Continuity, between, lost};
use super::erasing::sealed_of;
use super::head::HeadFile;
use super::limits::{ABANDONED_AT_ONCE, Limits, STALE_MS};
use super::prove::{Nodes, NotProven, Question, prove};
use super::queue::{Ledger, Newest, Work};
use super::sealed::Held;
use super::{Commit, ErasedParts, Head, Placed, Store, StoreError};

/// Calls that may wait for the committer; more wait at their own connection.
const QUEUE: usize = 1_024;
/// Most calls in one commit.
const GROUP_MAX: usize = 512;

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
    let newest = committer.newest.subscribe();
    let thread = std::thread::Builder::new().name("ledger".to_owned()).spawn(move || committer.run());
    Ok((Ledger { queue, newest, now }, thread.map_err(StartError::Thread)?))
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
    /// A peer holds a checkpoint of ours that isn't in this log: signing on would be a fork. (SECURITY F5)
    set_back: bool,
}

/// An admitted submission and who waits for its receipts.
struct Waiting {
    admitted: Admitted,
    known: u64,
    held: Held,
    answer: oneshot::Sender<Result<Answer, Refusal>>,
}

/// A note of the relay's own, and who waits for it.
struct Owed {
    notice: Notice,
    answer: Option<oneshot::Sender<Result<u64, Refusal>>>,
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
        if let Some((had, root)) = surroundings.head.as_ref().and_then(|head| head.before()) {
            let found = tree.size();
            if found < had {
                return Err(StoreError::SetBack { had, found });
            }
            if Nodes::new(&store, &[]).tree(had)?.root() != root {
                return Err(StoreError::Damaged("the log isn't the one that was here before"));
            }
        }
        let sessions = Sessions::new(log.verifier().name.clone(), surroundings.limits);
        let batch = head.as_ref().map_or_else(Vec::new, |head| head.batch.clone()).into();
        let (newest, _) = watch::channel(Newest { batch, observed, boot_ms: 0 });
        Ok(Self { store, log, surroundings, waiting, sessions, tree, head, newest, broken: false, set_back: false })
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
        let (mut waiting, mut owed, mut questions, mut fresh) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut due = false;
        for work in group {
            match work {
                Work::Submit(submission, answer) => self.admit(submission, answer, &mut waiting),
                Work::Note(notice, answer) => owed.push(Owed { notice, answer: Some(answer) }),
                Work::Prove(question, answer) => questions.push((question, answer)),
                // At once: whoever comes after it in this round must not be recorded in a log that was set back.
                Work::Continuity(question, answer) => {
                    let told = self.continuity(&question);
                    let _ = answer.send(told);
                }
                Work::Fresh(answer) => fresh.push(answer),
                Work::Beat(queued) => due |= self.beat(queued, &mut owed),
                Work::Do(what) => what(&mut self.store),
            }
        }
        due |= !fresh.is_empty() && self.age() >= STALE_MS;
        let may_sign = !self.broken && !self.set_back;
        if may_sign && (!waiting.is_empty() || !owed.is_empty() || due) {
            if let Err(error) = self.commit(waiting, owed) {
                self.failed(&error);
            }
        } else {
            refuse(waiting, owed, self.why_not());
        }
        for answer in fresh {
            let _ = answer.send(());
        }
        for (question, answer) in questions {
            let found = self.prove(&question);
            let _ = answer.send(found);
        }
    }

    /// How old the newest batch note is, in milliseconds.
    fn age(&self) -> u64 {
        (self.surroundings.now)().boot_ms.saturating_sub(self.newest.borrow().boot_ms)
    }

    /// Whether a heartbeat is due; sessions that nobody closed get their note with it.
    fn beat(&mut self, queued: bool, owed: &mut Vec<Owed>) -> bool {
        if self.broken {
            return false;
        }
        let long_ago = (self.surroundings.now)().wall.plus_ms(-ABANDONED_MS).ms();
        let found = self.store.quiet_since(long_ago, ABANDONED_AT_ONCE).and_then(|quiet| {
            // Only a log that is old enough to be idle has to know whether it may be.
            let busy = queued || (heartbeat::is_due(self.age(), true) && self.store.is_open()?);
            Ok((quiet, busy))
        });
        match found {
            Ok((quiet, busy)) => {
                let already = |session| owed.iter().any(|owed| owed.notice == Notice::Abandoned { session });
                let new: Vec<_> = quiet.into_iter().filter(|session| !already(*session)).collect();
                owed.extend(new.into_iter().map(|session| Notice::Abandoned { session }.into()));
                heartbeat::is_due(self.age(), busy)
            }
            Err(error) => {
                self.failed(&error);
                false
            }
        }
    }

    /// The time since the last batch before this program began.
    fn gap_before_now(&self) -> Option<Owed> {
        self.head.as_ref()?;
        let from = self.newest.borrow().observed;
        Some(Notice::Gap { from, to: (self.surroundings.now)().wall.max(from) }.into())
    }

    fn admit(
        &mut self,
        submission: Submission,
        answer: oneshot::Sender<Result<Answer, Refusal>>,
        waiting: &mut Vec<Waiting>,
    ) {
        let size = self.tree.size();
        let moment = Moment { now: (self.surroundings.now)().wall, size, free: (self.surroundings.free)() };
        let refusal = if self.broken || self.set_back {
            self.why_not()
        } else if submission.known > size {
            Refusal::NotAllowed
        } else {
            match self.sessions.admit(&mut self.store, &submission, moment) {
                Ok(admitted) => {
                    let Submission { known, held, .. } = submission;
                    return waiting.push(Waiting { admitted, known, held, answer });
                }
                Err(NotAdmitted::Refused(refusal)) => refusal,
                Err(NotAdmitted::Store(error)) => {
                    // What was admitted before it in this round rests on the same memory: refuse all of it.
                    refuse(std::mem::take(waiting), Vec::new(), Refusal::Disk);
                    self.failed(&error);
                    Refusal::Disk
                }
            }
        };
        let _ = answer.send(Err(refusal));
    }

    /// Signs, stores, and only then answers.
    fn commit(&mut self, waiting: Vec<Waiting>, mut owed: Vec<Owed>) -> Result<(), StoreError> {
        let (prepared, places) = match self.prepare(&waiting, &mut owed) {
            Ok(prepared) => prepared,
            Err(error) => {
                refuse(waiting, owed, Refusal::Disk);
                return Err(error);
            }
        };
        let Some((commit, tree, newest)) = prepared else { return self.release(waiting, &[], &places) };
        if let Err(error) = self.store.append(&commit) {
            refuse(waiting, owed, Refusal::Disk);
            return Err(error);
        }
        let batch = commit.entries.first().cloned().unwrap_or_default();
        self.head = Some(Head { size: tree.size(), checkpoint: commit.checkpoint.clone(), batch });
        self.tree = tree;
        let (size, root) = (self.tree.size(), self.tree.root());
        self.sessions.committed(size, root);
        if let Some(head) = &self.surroundings.head {
            head.advance(size, &root);
        }
        self.newest.send_replace(newest);
        if !commit.erased.is_empty() {
            self.store.scrub()?;
        }
        for (index, owed) in (commit.from + 1..).zip(owed) {
            // Who no longer waits needs no answer.
            let _ = owed.answer.map(|answer| answer.send(Ok(index)));
        }
        self.release(waiting, &commit.nodes, &places)
    }

    /// Lays out the commit; none if every event of every submission is there already.
    #[expect(clippy::type_complexity, reason = "the three parts of one commit, taken apart at once")]
    fn prepare(
        &self,
        waiting: &[Waiting],
        owed: &mut Vec<Owed>,
    ) -> Result<(Option<(Commit, Tree, Newest)>, Places), StoreError> {
        let from = self.tree.size();
        let mut places = Places::new();
        let events = waiting.iter().flat_map(|waiting| &waiting.admitted.events);
        let new: Vec<_> =
            events.filter(|(_, admission)| *admission == Admission::New).map(|(event, _)| event).collect();
        if new.is_empty() && owed.is_empty() && !waiting.is_empty() {
            return Ok((None, places));
        }
        let now = (self.surroundings.now)();
        // A clock set back must not make the ledger's time go back.
        let observed = now.wall.max(self.newest.borrow().observed);
        owed.extend(self.unexplained(observed, owed)?);
        let batch = Batch {
            origin: self.log.verifier().name.clone(),
            n: (owed.len() + new.len()) as u64,
            observed,
            previous: self.head.as_ref().map(|head| leaf(&head.batch)),
        };
        let batch = batch.sign(&self.log);
        let mut commit = Commit { from, at: observed.ms(), ..Commit::default() };
        let mut tree = self.tree.clone();
        let mut completed = |level, place, hash: Hash| commit.nodes.push((level, place, hash));
        tree.append(leaf(&batch), &mut completed);
        commit.entries.push(batch.clone());
        for Owed { notice, .. } in &*owed {
            let note = notice.sign(&self.log);
            let entry = tree.append(leaf(&note), &mut completed);
            if let Notice::Abandoned { session } = notice {
                commit.ended.push((*session, entry));
            }
            if let Notice::Erase { session, parts } = notice {
                let sealed = parts.as_deref().map(|parts| sealed_of(&self.store, *session, parts)).transpose()?;
                let (session, parts, note) = (*session, parts.clone(), note.clone());
                commit.erased.push(ErasedParts { session, parts, sealed, note });
            }
            commit.entries.push(note);
        }
        for event in &new {
            let entry = tree.append(event.leaf(), &mut completed);
            places.insert(event.leaf().0, entry);
            let header = event.header();
            if header.kind.name() == KindName::Close {
                commit.ended.push((header.session, entry));
            }
            let placed = Placed { session: header.session, author: header.author, seq: header.seq, entry, batch: from };
            commit.events.push(placed);
        }
        commit.entries.extend(new.iter().map(|event| event.bytes().to_vec()));
        commit.opened = waiting.iter().filter_map(|waiting| waiting.admitted.opened.clone()).collect();
        commit.sealed = waiting.iter().flat_map(|waiting| waiting.admitted.sealed.iter().cloned()).collect();
        commit.parties = waiting.iter().flat_map(|waiting| waiting.admitted.parties.iter().copied()).collect();
        commit.checkpoint = Checkpoint::of(self.log.verifier(), tree.size(), tree.root()).sign(&self.log);
        let newest = Newest { batch: batch.into(), observed, boot_ms: now.boot_ms };
        Ok((Some((commit, tree, newest)), places))
    }

    /// A `gap` for a silence nobody explained yet: this computer slept, its disk hung, or its clock was set right. Said by
    /// us at once, it is a fact; found by an auditor later, it would be a suspicion.
    fn unexplained(&self, observed: Wall, owed: &[Owed]) -> Result<Option<Owed>, StoreError> {
        if self.head.is_none() || owed.iter().any(|owed| matches!(owed.notice, Notice::Gap { .. })) {
            return Ok(None);
        }
        let silent = |busy| {
            let mut pulse = Pulse::default();
            pulse.batch(self.newest.borrow().observed, busy, None);
            pulse.batch(observed, busy, None)
        };
        // Nearly always the answer is no, and no question to the database.
        if silent(true).is_none() {
            return Ok(None);
        }
        let hole = silent(self.store.is_open()?);
        Ok(hole.map(|Hole { from, to }| Notice::Gap { from, to }.into()))
    }

    /// Everything is durable: hands out receipts.
    fn release(&self, waiting: Vec<Waiting>, fresh: &[(u8, u64, Hash)], places: &Places) -> Result<(), StoreError> {
        let nodes = Nodes::new(&self.store, fresh);
        let mut failed = None;
        for Waiting { admitted, known, held, answer } in waiting {
            held.stored(&admitted.sealed);
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
        match prove(&self.store, head, Some(&self.log), question) {
            Ok(answer) => Ok(answer),
            Err(NotProven::Refused(refusal)) => Err(refusal),
            Err(NotProven::Store(error)) => {
                self.failed(&error);
                Err(Refusal::Disk)
            }
        }
    }

    fn continuity(&mut self, question: &Continuity) -> Result<Answer, Refusal> {
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
            Err(NotProven::Store(error)) => {
                self.failed(&error);
                Err(Refusal::Disk)
            }
        }
    }

    /// Why nothing is recorded now.
    fn why_not(&self) -> Refusal {
        if self.set_back { Refusal::SetBack } else { Refusal::Disk }
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
