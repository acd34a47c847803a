//! A witness's memory and key: one checkpoint per log, durable before its cosignature leaves.
//!
//! A witness that forgets cosigns two histories. So a file that can't be read stops it, never lets it begin anew; and
//! after a write that failed nobody knows what is stored, so it is read again before anything else is judged.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use venia_proto::encoding;
use venia_proto::key::{KeyName, SigningKey, VerifierKey};
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::cosignature::cosign;
use venia_proto::ledger::note::{NOTE_MAX, Note};
use venia_proto::ledger::witness::{AddCheckpoint, Refused, SIZE_TYPE, Witness, lines};
use venia_proto::statement::WitnessKey;

use crate::client::home::{Home, HomeError};

/// The witness's key in its folder.
pub const KEY_FILE: &str = "witness.key";
/// Kind of the key's name.
const KEY_KIND: &str = "witness";
/// Bytes of an origin's hash in a file name.
const NAME_BYTES: usize = 16;

/// Where checkpoints are kept.
pub trait Memory: Send {
    /// A file's bytes; none if it was never written.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, HomeError>;
    /// Replaces it whole; durable when this returns `Ok`. After an error nobody knows.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), HomeError>;
    /// Writes it unless it is there already.
    fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), HomeError>;
}

impl Memory for Home {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, HomeError> {
        self.read(name, NOTE_MAX)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), HomeError> {
        self.write(name, bytes)
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), HomeError> {
        self.write_new(name, bytes).map(drop)
    }
}

/// A witness that can't start.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// Its folder.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// What it keeps of a log isn't a checkpoint signed by the key it was told.
    #[error("what is kept of the log {0} isn't a checkpoint by that log's key")]
    Kept(KeyName),
    /// It would watch nothing.
    #[error("a witness needs a log to watch")]
    NoLog,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Media type of the body.
    pub media: &'static str,
    /// The body.
    pub body: String,
}

/// One witness.
pub struct Desk<M> {
    key: SigningKey,
    state: Mutex<State<M>>,
}

struct State<M> {
    memory: M,
    witness: Witness,
    /// Logs whose newest checkpoint this process wrote, so that it is known to be durable. What was only read may stand in the
    /// system's memory alone.
    durable: BTreeSet<KeyName>,
    /// A write failed, and what is stored wasn't read back yet.
    unsure: bool,
}

impl Desk<Home> {
    /// Opens the folder, with its lock: two witnesses of one key could cosign two histories.
    pub fn open(folder: &std::path::Path, logs: Vec<VerifierKey>) -> Result<Self, DeskError> {
        let home = Home::open(folder, true)?;
        let key = home.key(KEY_FILE, KEY_KIND)?;
        Self::new(home, key, logs)
    }
}

impl<M: Memory> Desk<M> {
    /// A witness of these logs, by what it remembers.
    pub fn new(memory: M, key: SigningKey, logs: Vec<VerifierKey>) -> Result<Self, DeskError> {
        if logs.is_empty() {
            return Err(DeskError::NoLog);
        }
        let witness = recall(&memory, Witness::new(logs))?;
        Ok(Self { key, state: Mutex::new(State { memory, witness, durable: BTreeSet::new(), unsure: false }) })
    }

    /// The key a statement names.
    pub fn vkey(&self) -> WitnessKey {
        WitnessKey { name: self.key.verifier().name.clone(), key: *self.key.public() }
    }

    /// Answers a request at a moment, in seconds since 1970. Blocks on the disk; one request at a time, because judging
    /// and storing must be one step.
    pub fn answer(&self, body: &[u8], seconds: u64) -> Reply {
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(refused) => return Reply::refused(&refused),
        };
        // Whoever panicked left the memory as it was, and a write of theirs shows as another size on the disk.
        let mut state = self.state.lock().unwrap_or_else(|poisoned| {
            let mut state = PoisonError::into_inner(poisoned);
            state.unsure = true;
            state
        });
        match state.admit(&request) {
            Ok(()) => Reply {
                status: 200,
                media: "text/plain",
                body: lines(&[cosign(&request.checkpoint, &self.key, seconds)]),
            },
            Err(NotCosigned::Refused(refused)) => Reply::refused(&refused),
            Err(NotCosigned::Memory(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "nothing is cosigned: the memory failed");
                Reply { status: 500, media: "text/plain", body: "the witness's memory failed\n".to_owned() }
            }
        }
    }
}

enum NotCosigned {
    Refused(Refused),
    Memory(DeskError),
}

impl<M: Memory> State<M> {
    /// Judges, stores, remembers. Only then anything may be cosigned.
    fn admit(&mut self, request: &AddCheckpoint) -> Result<(), NotCosigned> {
        if self.unsure {
            let logs: Vec<_> = self.witness.logs().cloned().collect();
            self.witness = recall(&self.memory, Witness::new(logs)).map_err(NotCosigned::Memory)?;
            self.durable.clear();
            self.unsure = false;
        }
        let checkpoint = match self.witness.judge(request) {
            Ok(checkpoint) => checkpoint,
            Err(refused) => {
                if let (Refused::Fork { .. }, Ok(shown)) = (&refused, Checkpoint::unverified(&request.checkpoint)) {
                    self.keep_fork(&shown.origin, &request.checkpoint);
                }
                return Err(NotCosigned::Refused(refused));
            }
        };
        // Said again by whoever likes, as often as they like: it must not cost a write to the disk each time.
        if self.durable.contains(&checkpoint.origin) && self.witness.newest(&checkpoint.origin) == Some(&checkpoint) {
            return Ok(());
        }
        let name = file("log", &checkpoint.origin);
        if let Err(error) = self.memory.write(&name, &request.checkpoint.to_bytes()) {
            self.unsure = true;
            return Err(NotCosigned::Memory(error.into()));
        }
        self.durable.insert(checkpoint.origin.clone());
        self.witness.remember(checkpoint);
        Ok(())
    }

    /// Two trees of one size, both signed by the log: proof for anybody that it lies. The first pair per log is kept.
    fn keep_fork(&self, origin: &KeyName, shown: &Note) {
        tracing::warn!(%origin, "a log signed two trees of one size; both are kept");
        let known = self.memory.read(&file("log", origin));
        let kept = known.and_then(|known| {
            self.memory.keep(&file("fork-known", origin), &known.unwrap_or_default())?;
            self.memory.keep(&file("fork-shown", origin), &shown.to_bytes())
        });
        if let Err(error) = kept {
            tracing::warn!(error = &error as &dyn std::error::Error, "the proof of a fork can't be kept");
        }
    }
}

/// Reads back what was cosigned last of each log.
fn recall(memory: &impl Memory, mut witness: Witness) -> Result<Witness, DeskError> {
    let logs: BTreeSet<_> = witness.logs().cloned().collect();
    for log in logs {
        let Some(note) = memory.read(&file("log", &log.name))? else { continue };
        let kept = Checkpoint::open(&note, &log).map_err(|_| DeskError::Kept(log.name.clone()))?;
        witness.remember(kept);
    }
    Ok(witness)
}

/// Origins are longer and more colourful than file names may be.
fn file(kind: &str, origin: &KeyName) -> String {
    let hash = Sha256::digest(origin.as_str());
    format!("{kind}-{}", encoding::to_hex(hash.get(..NAME_BYTES).unwrap_or_default()))
}

impl Reply {
    fn refused(refused: &Refused) -> Self {
        match refused.size() {
            Some(size) => Self { status: refused.status(), media: SIZE_TYPE, body: format!("{size}\n") },
            None => Self { status: refused.status(), media: "text/plain", body: format!("{refused}\n") },
        }
    }
}

#[cfg(test)]
mod tests;
