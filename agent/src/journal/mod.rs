//! This PC's own copy of the ledger: what was asked, allowed, run and sent here, kept by the person whose PC it is.
//!
//! One folder a session, `<data>/journal/<session id>/`, mode 0700, with one file `log`, mode 0600, that only grows
//! (see [`log`]): text a person can read in twenty years without this program. An empty file `finished` says that the
//! session is closed and fully receipted, so that a start needn't read every old log; it is derived, and deleting it
//! costs a reading.
//!
//! *No log, no run*: [`Journal::append`] returns once a batch is on the disk, or fails and from then on refuses, so
//! nothing can run on a record that may not exist. Space for a session's last words is reserved when it opens and kept
//! free while it lasts: a full disk ends a session, and can't stop the record of its end. (LEDGER section 5, SECURITY
//! E)
//!
//! It is *not* proof of anything by itself (the receipts in it are), doesn't verify signatures, and doesn't lock: the
//! data folder's own lock keeps a second agent away (SECURITY D6). Who steals it reads what this PC's person and
//! technician told each other, and can sign nothing.

use std::fs::{read_dir, remove_file};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use venia_proto::id::SessionId;

pub mod log;
mod record;
mod storage;

pub use log::{Kept, Log, RESERVED, Replay};
pub use record::{Bytes, Mark, Record};
pub use storage::{FileStorage, Storage};

const LOG: &str = "log";
const FINISHED: &str = "finished";

/// What can go wrong with a journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk is full: nothing was written, and only last words are taken.
    #[error("the disk is full")]
    Full,
    /// The disk failed. Whether the batch is kept is unknown until the journal is read again.
    #[error("the disk failed {doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The kernel's word.
        #[source]
        source: io::Error,
    },
    /// An earlier failure stopped this journal.
    #[error("the journal stopped at an earlier failure of the disk")]
    Stopped,
    /// A line was changed after it was written.
    #[error("line {line} of the journal can't be trusted: {why}")]
    Damaged {
        /// Its number, from 0.
        line: u64,
        /// What is wrong.
        why: &'static str,
    },
    /// A batch, line or file beyond the limits.
    #[error("too long for a journal")]
    TooLong,
    /// Others may read or write it.
    #[error("{} is open to others (mode {mode:o})", path.display())]
    Exposed {
        /// The file or folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A record can't be written as JSON.
    #[error("a record can't be written")]
    Encode(#[source] serde_json::Error),
}

impl JournalError {
    /// How an error of the kernel reads while `doing` something.
    fn io(doing: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| {
            if matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
                Self::Full
            } else {
                Self::Io { doing, source }
            }
        }
    }
}

/// All journals of this PC.
#[derive(Clone, Debug)]
pub struct Journals {
    folder: PathBuf,
}

/// What a session that isn't finished needs.
#[derive(Debug)]
pub enum Need {
    /// It was open when the agent ended: record the crash, then submit.
    CrashClose,
    /// Events lack receipts.
    Resubmit,
    /// It can't be read: a person has to know.
    Damaged(JournalError),
}

impl Journals {
    /// The journals in a data folder.
    pub fn open(data: &Path) -> Result<Self, JournalError> {
        let folder = data.join("journal");
        storage::folder(&folder)?;
        storage::sync_folder(data)?;
        Ok(Self { folder })
    }

    /// Begins a session's journal. A session that has one already is an error.
    pub fn create(&self, session: SessionId) -> Result<Journal, JournalError> {
        let folder = self.of(session);
        storage::folder(&folder)?;
        let log = Log::begin(FileStorage::create(&folder.join(LOG))?)?;
        storage::sync_folder(&folder)?;
        storage::sync_folder(&self.folder)?;
        Ok(Journal { log, folder, finished: false })
    }

    /// Opens a session's journal to go on, and says what it holds.
    pub fn reopen(&self, session: SessionId) -> Result<(Journal, Replay), JournalError> {
        let folder = self.of(session);
        storage::check_folder(&folder)?;
        let (log, replay) = Log::reopen(FileStorage::open(&folder.join(LOG), true)?)?;
        let finished = folder.join(FINISHED).exists();
        Ok((Journal { log, folder, finished }, replay))
    }

    /// What a session's journal holds; changes nothing, so it may be called beside a running agent.
    pub fn read(&self, session: SessionId) -> Result<Replay, JournalError> {
        log::read(&mut FileStorage::open(&self.of(session).join(LOG), false)?)
    }

    /// All sessions, in the order of their ids.
    pub fn sessions(&self) -> Result<Vec<SessionId>, JournalError> {
        let entries = read_dir(&self.folder).map_err(JournalError::io("listing"))?;
        let mut sessions: Vec<SessionId> =
            entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        sessions.sort();
        Ok(sessions)
    }

    /// The sessions that need something, after a start. One whose first batch never got through isn't among them, here or in
    /// the log: nothing had happened.
    pub fn unfinished(&self) -> Result<Vec<(SessionId, Need)>, JournalError> {
        let mut needs = Vec::new();
        for session in self.sessions()? {
            let folder = self.of(session);
            if folder.join(FINISHED).exists() || !folder.join(LOG).exists() {
                continue;
            }
            match self.read(session) {
                Ok(replay) => match replay.need() {
                    Some(need) => needs.push((session, need)),
                    None if replay.records.is_empty() => {}
                    // The agent ended between the last line and the marker, or the disk was full.
                    None => {
                        if let Err(error) = finish(&folder) {
                            tracing::warn!(%error, "a finished session can't be marked");
                        }
                    }
                },
                Err(error) => needs.push((session, Need::Damaged(error))),
            }
        }
        Ok(needs)
    }

    fn of(&self, session: SessionId) -> PathBuf {
        self.folder.join(session.to_string())
    }
}

impl Replay {
    /// What the session needs, if anything.
    fn need(&self) -> Option<Need> {
        let last = |wanted: fn(&Record) -> bool| self.records.iter().rposition(wanted);
        let receipted = last(|record| matches!(record, Record::Mark(Mark::Receipted)));
        let event = last(|record| matches!(record, Record::Event { .. }));
        if self.records.is_empty() {
            None
        } else if last(|record| matches!(record, Record::Mark(Mark::Closed))).is_none() {
            Some(Need::CrashClose)
        } else if last(|record| matches!(record, Record::Mark(Mark::NeverBegan))).is_some() {
            None
        } else if receipted.is_none() || receipted < event {
            Some(Need::Resubmit)
        } else {
            None
        }
    }
}

/// One session's journal.
#[derive(Debug)]
pub struct Journal {
    log: Log<FileStorage>,
    folder: PathBuf,
    finished: bool,
}

impl Journal {
    /// Adds a batch and returns once it is on the disk; see [`Log::append`]. It blocks for a few milliseconds.
    pub fn append(&mut self, batch: &[Record]) -> Result<(), JournalError> {
        self.reopen_question(batch)?;
        self.log.append(batch)?;
        self.note_finish(batch);
        Ok(())
    }

    /// The same for a batch that is signed already; see [`Log::append_signed`].
    pub fn append_signed(&mut self, batch: &[Record]) -> Result<Kept, JournalError> {
        self.reopen_question(batch)?;
        let kept = self.log.append_signed(batch)?;
        self.note_finish(batch);
        Ok(kept)
    }

    /// The same from the space reserved for result, refusal, stop and close.
    pub fn append_last_words(&mut self, batch: &[Record]) -> Result<(), JournalError> {
        self.reopen_question(batch)?;
        self.log.append_last_words(batch)?;
        self.note_finish(batch);
        Ok(())
    }

    /// Whether the file system promised the space for last words.
    pub fn is_reserved(&self) -> bool {
        self.log.is_reserved()
    }

    /// An event after the finish has no receipt yet: the marker goes before the event comes.
    fn reopen_question(&mut self, batch: &[Record]) -> Result<(), JournalError> {
        if self.finished && batch.iter().any(|record| matches!(record, Record::Event { .. })) {
            remove_file(self.folder.join(FINISHED)).map_err(JournalError::io("removing the marker"))?;
            storage::sync_folder(&self.folder)?;
            self.finished = false;
        }
        Ok(())
    }

    /// The batch is kept already: a marker that can't be made costs the next start a reading, no more.
    fn note_finish(&mut self, batch: &[Record]) {
        let ends = |record: &Record| matches!(record, Record::Mark(Mark::Receipted | Mark::NeverBegan));
        if self.finished || !batch.last().is_some_and(ends) {
            return;
        }
        match self.finish_if_closed() {
            Ok(finished) => self.finished = finished,
            Err(error) => tracing::warn!(%error, "a finished session can't be marked"),
        }
    }

    fn finish_if_closed(&self) -> Result<bool, JournalError> {
        let replay = log::read(&mut FileStorage::open(&self.folder.join(LOG), false)?)?;
        let finished = replay.need().is_none();
        if finished {
            finish(&self.folder)?;
        }
        Ok(finished)
    }
}

/// Leaves the marker.
fn finish(folder: &Path) -> Result<(), JournalError> {
    match FileStorage::create(&folder.join(FINISHED)) {
        Ok(_) => storage::sync_folder(folder),
        Err(JournalError::Io { source, .. }) if source.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
