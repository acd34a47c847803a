//! The witnesses of this relay's log: their cosignatures, as they come, and merged into what is handed out.
//!
//! ```text
//! commit ──▶ [rounds] newest checkpoint ── POST add-checkpoint ──▶ each witness     one request in flight each
//!                      [Cosigned] ◀── cosignature ──┘
//! receipts, proofs, heads ── dress ──▶ the same checkpoint with its cosignatures
//! ```
//!
//! A commit never waits for a witness: cosignatures trail by a moment, and a witness that is away is asked again later.
//! Nothing is believed: a line counts only if it verifies by the witness's key of the settings, and peers check it again
//! by the statement.

mod answers;
pub mod place;
pub mod rounds;
pub mod submit;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use venia_proto::key::VerifierKey;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::cosignature::{Witnessed, cosigned};
use venia_proto::ledger::note::{NOTE_MAX, Note, SIGNATURES_MAX, Signature};
use venia_proto::statement::{Statement, WitnessKey};

use crate::client::home::{Home, HomeError};

/// Cosigned checkpoints kept in memory: a session's pages of proofs are against one of them while newer ones come.
pub const KEPT: usize = 16;
/// How long an answer may wait for the witnesses of the newest checkpoint.
pub const SETTLE: Duration = Duration::from_secs(3);
/// The newest checkpoint with all that is required, kept over a restart.
pub const FILE: &str = "cosigned";

/// Cosigned checkpoints of this relay's log.
pub struct Cosigned {
    home: Arc<Home>,
    log: VerifierKey,
    notes: Mutex<BTreeMap<u64, Note>>,
    /// Up to which size every witness who can be asked was asked.
    settled: watch::Sender<u64>,
    changed: Notify,
}

impl Cosigned {
    /// What was kept when this relay stopped last.
    pub fn open(home: Arc<Home>, log: VerifierKey) -> Result<Self, HomeError> {
        let mut notes = BTreeMap::new();
        let kept = home.read(FILE, NOTE_MAX)?.and_then(|bytes| Note::parse(&bytes).ok());
        // Of another origin, or damaged: the next round makes a new one.
        if let Some((note, checkpoint)) =
            kept.and_then(|note| Some((note.clone(), Checkpoint::of_note(&note, &log).ok()?)))
        {
            notes.insert(checkpoint.size, note);
        }
        let (settled, _) = watch::channel(0);
        Ok(Self { home, log, notes: Mutex::new(notes), settled, changed: Notify::new() })
    }

    /// The same checkpoint with the cosignatures there are; what isn't a checkpoint of ours comes back as it is.
    pub fn dress(&self, checkpoint: Vec<u8>) -> Vec<u8> {
        let notes = self.notes();
        if notes.is_empty() {
            return checkpoint;
        }
        let Ok(note) = Note::parse(&checkpoint) else { return checkpoint };
        let same = Checkpoint::unverified(&note).ok().and_then(|claimed| notes.get(&claimed.size));
        same.filter(|same| same.text() == note.text()).map_or(checkpoint, Note::to_bytes)
    }

    /// Size of the newest checkpoint with all that a statement requires, and at least one cosignature.
    pub fn best(&self, statement: &Statement) -> Option<u64> {
        let witnessed = |note: &Note| Witnessed::of(note, statement).is_ok_and(|found| found.is_witnessed());
        self.notes().iter().rev().find(|(_, note)| witnessed(note)).map(|(size, _)| *size)
    }

    /// Waits until every witness who can be asked was asked about a tree of at least this size; at most [`SETTLE`].
    pub async fn settle(&self, size: u64) {
        let mut settled = self.settled.subscribe();
        // Late is as good as never: whoever asked goes on with what there is.
        let _ = timeout(SETTLE, settled.wait_for(|settled| *settled >= size)).await;
    }

    /// There are other witnesses, or other places of them: they are asked without waiting for a commit.
    pub fn witnesses_changed(&self) {
        self.changed.notify_one();
    }

    /// Takes in a cosignature that verifies; false for any other.
    fn add(&self, checkpoint: &Note, witness: &WitnessKey, line: Signature) -> bool {
        let mut alone = checkpoint.clone();
        alone.add_line(line.clone());
        let good = matches!(cosigned(&alone, witness), Ok(Some(_)));
        let Some(size) = Checkpoint::of_note(checkpoint, &self.log).ok().map(|of| of.size).filter(|_| good) else {
            return false;
        };
        let mut notes = self.notes();
        let note = notes.entry(size).or_insert_with(|| checkpoint.clone());
        if note.text() != checkpoint.text() {
            // From before a restored backup: nothing of that history is handed out any more.
            *note = checkpoint.clone();
        }
        // One line per witness and checkpoint is enough.
        if note.signatures().len() < SIGNATURES_MAX && cosigned(note, witness) == Ok(None) {
            note.add_line(line);
        }
        while notes.len() > KEPT {
            notes.pop_first();
        }
        true
    }

    /// Everybody who can be asked was asked about this size.
    fn settled(&self, size: u64) {
        self.settled.send_if_modified(|settled| {
            let newer = size > *settled;
            *settled = size.max(*settled);
            newer
        });
    }

    /// Keeps the best one over a restart. Blocks on the disk.
    fn keep(&self, statement: &Statement) -> Result<(), HomeError> {
        let best = self.best(statement).and_then(|size| self.notes().get(&size).map(Note::to_bytes));
        best.map_or(Ok(()), |note| self.home.write(FILE, &note))
    }

    fn notes(&self) -> MutexGuard<'_, BTreeMap<u64, Note>> {
        // A change is one whole note: whoever panicked left the old or the new one.
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
