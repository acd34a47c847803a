//! What the page's threads share: the copies of the logs, and the one long piece of work that goes on.
//!
//! The copies stay open while the page lives: other audit commands on the same folder say that it is busy. Work that changes
//! them has them to itself; a page that is asked for meanwhile shows how far it is and nothing else.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use venia_proto::now::Wall;
use venia_ui::failure::Failure;
use venia_ui::words::Words;

use super::work::Verdict;
use crate::audit::desk::{Desk, Log, Step};
use crate::clock;

/// A page is told of progress this often, at most: it fetches itself each time.
const TOLD: Duration = Duration::from_millis(400);
/// Words that are due go this often while the page stays open.
const SWEEP_MS: i64 = 60 * 60 * 1_000;

/// Everything.
pub(super) struct State {
    pub(super) desk: Desk,
    pub(super) logs: RwLock<Vec<Log>>,
    /// Set by whoever wants work to stop.
    pub(super) stop: AtomicBool,
    words: Mutex<Words>,
    board: Mutex<Board>,
    pub(super) changes: watch::Sender<u64>,
    pub(super) closing: watch::Sender<bool>,
}

/// What goes on, and how what went on before ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Board {
    pub(super) job: Option<Job>,
    /// The last try to bring the copies up to date, and when.
    pub(super) fetched: Option<(Wall, Result<(), Failure>)>,
    /// The last verification, and when it ended.
    pub(super) verified: Option<(Wall, Result<Vec<Verdict>, Failure>)>,
    /// The last export into a folder.
    pub(super) exported: Option<Result<Vec<Written>, Failure>>,
    pub(super) told: Option<Instant>,
    pub(super) swept: Option<Wall>,
}

/// Work that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) what: What,
    pub(super) step: Option<Progress>,
}

/// What kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Bringing the copies up to date, and opening words.
    Fetch,
    /// Verifying.
    Verify,
    /// Writing the record for other tools.
    Export,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// The copies are brought up to date.
    Fetching(Step),
    /// Entries verified, and of how many.
    Verifying(u64, u64),
}

/// One log that was written for other tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) out: PathBuf,
    pub(super) entries: u64,
    /// Events added; `None` if it was written whole.
    pub(super) added: Option<u64>,
}

impl State {
    pub(super) fn new(desk: Desk, logs: Vec<Log>, words: Words) -> Self {
        let board = Board { swept: Some(clock::now().wall), ..Board::default() };
        Self {
            desk,
            logs: RwLock::new(logs),
            stop: AtomicBool::new(false),
            words: Mutex::new(words),
            board: Mutex::new(board),
            changes: watch::channel(0).0,
            closing: watch::channel(false).0,
        }
    }

    /// The language of the page.
    pub(super) fn words(&self) -> Words {
        self.words.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn speak(&self, words: Words) {
        *self.words.lock().unwrap_or_else(PoisonError::into_inner) = words;
        self.changed();
    }

    /// The copies; `None` while they are brought up to date.
    pub(super) fn copies(&self) -> Option<RwLockReadGuard<'_, Vec<Log>>> {
        self.sweep(clock::now().wall);
        match self.logs.try_read() {
            Ok(logs) => Some(logs),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// A page that stays open for days mustn't keep words longer than the statement says. (SECURITY E11)
    fn sweep(&self, now: Wall) {
        let due = |swept: Wall| now.ms().saturating_sub(swept.ms()) >= SWEEP_MS;
        if !self.board().swept.is_none_or(due) {
            return;
        }
        let Ok(mut logs) = self.logs.try_write() else { return };
        for log in logs.iter_mut() {
            if let Err(error) = log.words.sweep(now) {
                tracing::warn!(error = &error as &dyn std::error::Error, "words that are due are still here");
            }
        }
        self.board().swept = Some(now);
    }

    pub(super) fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins work on a thread of its own, unless some goes on.
    pub(super) fn begin(self: &Arc<Self>, what: What, work: impl FnOnce(&Self, &Words) + Send + 'static) {
        {
            let mut board = self.board();
            if board.job.is_some() {
                return;
            }
            board.job = Some(Job { what, step: None });
        }
        self.stop.store(false, Ordering::Release);
        let (state, words) = (Arc::clone(self), self.words());
        thread::spawn(move || {
            // However it ends, also by a fault of ours: a page that waits for ever says nothing.
            let over = Over(&state);
            work(&state, &words);
            drop(over);
        });
        self.changed();
    }

    /// Says how far the work is.
    pub(super) fn told(&self, step: Progress) {
        let mut board = self.board();
        if let Some(job) = &mut board.job {
            job.step = Some(step);
        }
        let now = Instant::now();
        if board.told.is_none_or(|told| now.duration_since(told) >= TOLD) {
            board.told = Some(now);
            drop(board);
            self.changed();
        }
    }

    pub(super) fn changed(&self) {
        self.changes.send_modify(|version| *version += 1);
    }
}

struct Over<'a>(&'a State);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.board().job = None;
        self.0.changed();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::mpsc;

    use venia_proto::fingerprint::Fingerprint;
    use venia_proto::key::SigningKey;
    use venia_proto::ledger::body::Language;
    use venia_relay::client::home::Home;

    use super::*;
    use crate::audit::testing::{copy, log};
    use crate::audit::words::Covered;
    use crate::membership::{self, Membership};

    /// The state of somebody with one copy.
    fn state(folder: &Path) -> Arc<State> {
        let home = Home::open(&folder.join("bo"), false).unwrap();
        let root = Fingerprint::of(SigningKey::new("root", [1; 32]).verifier());
        membership::key(&home).unwrap();
        // Nobody is there, and that is known at once.
        membership::store(&home, &"0.0.0.0:1".parse().unwrap(), &root, b"none", b"note").unwrap();
        std::fs::remove_file(home.dir().join("statement")).unwrap();
        let logs = vec![Log::open(copy(home.dir(), &log(1), Vec::new()), None).unwrap()];
        let desk = Desk { member: Membership::load(home).unwrap().unwrap() };
        Arc::new(State::new(desk, logs, Words::new(Language::En)))
    }

    /// Waits for the end of what goes on.
    fn settled(state: &State) {
        while state.board().job.is_some() {
            thread::yield_now();
        }
    }

    #[test]
    fn one_piece_of_work_at_a_time_and_its_end_is_always_said() {
        let folder = tempfile::tempdir().unwrap();
        let state = state(folder.path());
        let (go, wait) = mpsc::channel::<()>();
        let (done, ends) = mpsc::channel();
        let say = done.clone();
        state.begin(What::Fetch, move |state, _| {
            wait.recv().unwrap();
            state.told(Progress::Verifying(1, 2));
            say.send(1).unwrap();
        });
        state.begin(What::Verify, move |_, _| done.send(2).unwrap());
        assert_eq!(state.board().job, Some(Job { what: What::Fetch, step: None }));
        go.send(()).unwrap();
        settled(&state);
        assert_eq!(ends.iter().collect::<Vec<_>>(), [1], "the second never began");
        // Work that ends by a fault of ours ends all the same.
        let before = *state.changes.borrow();
        let (empty, nothing) = mpsc::channel::<()>();
        drop(empty);
        state.begin(What::Export, move |_, _| nothing.recv().unwrap());
        settled(&state);
        assert!(*state.changes.borrow() >= before + 2, "its beginning and its end");
    }

    #[test]
    fn copies_that_are_brought_up_to_date_are_waited_for_by_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let state = state(folder.path());
        assert_eq!(state.copies().map(|logs| logs.len()), Some(1));
        let held = state.logs.write().unwrap();
        assert!(state.copies().is_none());
        drop(held);
        assert!(state.copies().is_some());
    }

    #[test]
    fn e11_words_that_are_due_go_while_the_page_stays_open() {
        for (waited, gone) in [(SWEEP_MS - 1, false), (SWEEP_MS, true), (SWEEP_MS + 1, true)] {
            let folder = tempfile::tempdir().unwrap();
            let state = state(folder.path());
            let covered = Covered { recipient: "age1x".to_owned(), events: 0 };
            state.logs.write().unwrap()[0].words.keep(&"0a".repeat(16), &covered, &[], Wall::from_ms(0)).unwrap();
            let now = clock::now().wall;
            state.board().swept = Some(now);
            state.sweep(Wall::from_ms(now.ms() + waited));
            assert_eq!(state.logs.read().unwrap()[0].words.is_empty(), gone, "{waited}");
        }
    }

    #[test]
    fn a_service_that_cant_be_reached_leaves_the_copies_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let state = state(folder.path());
        let words = state.words();
        assert!(state.fetch(&[], None, &words).is_err());
        assert_eq!(state.copies().map(|logs| logs.len()), Some(1));
        assert!(matches!(&state.board().fetched, Some((_, Err(failure))) if failure.kind == "unreachable"));
    }
}
