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
