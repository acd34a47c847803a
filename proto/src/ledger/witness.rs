//! A witness's whole judgement: which checkpoint may be cosigned, given the newest one already cosigned of that log.
//! (C2SP tlog-witness, `add-checkpoint`)
//!
//! ```text
//! old 1003                      the size the log believes this witness saw last
//! <base64 of each hash>         proof that the tree of that size is a prefix of the new one; at most 63
//!
//! <the log's checkpoint>        a signed note; other signatures are nobody's
//! ```
//!
//! A log that shows two people two trees must get both past its witnesses. So a witness keeps one checkpoint per log and
//! cosigns only what continues it. What makes that hold after a crash is the order: [`Witness::judge`] decides, the shell
//! stores the checkpoint durably, [`Witness::remember`] takes it in, and only then a cosignature leaves.
//!
//! Not here: HTTP, the disk, the clock; whether what a log records is true.

use std::collections::BTreeMap;

use super::checkpoint::{self, Checkpoint};
use super::merkle::{self, Hash};
use super::note::{NOTE_MAX, Note, NoteError, Signature};
use crate::encoding;
use crate::key::{KeyName, VerifierKey};

/// Most consistency proof lines of a request. (C2SP tlog-witness)
pub const CONSISTENCY_MAX: usize = 63;
/// Longest request, in bytes: `old`, the longest size, [`CONSISTENCY_MAX`] lines, the empty line, the longest note.
pub const REQUEST_MAX: usize = 4 + 16 + 1 + 45 * CONSISTENCY_MAX + 1 + NOTE_MAX;
/// Media type of the size that answers a conflict. (C2SP tlog-witness)
pub const SIZE_TYPE: &str = "text/x.tlog.size";

const OLD: &str = "old ";

/// A request, as it was said: nothing in it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Size of the checkpoint this witness is believed to have cosigned last; zero for none.
    pub old: u64,
    /// RFC 6962 consistency proof from there to the new one.
    pub proof: Vec<Hash>,
    /// The new checkpoint.
    pub checkpoint: Note,
}

/// Why a checkpoint isn't cosigned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not a request, or an old size larger than the new one.
    #[error("not an add-checkpoint request")]
    Malformed,
    /// This witness doesn't know the log.
    #[error("this witness doesn't know the log")]
    UnknownLog,
    /// The log's own key didn't sign.
    #[error("the checkpoint isn't signed by the log's key")]
    NotSigned,
    /// The newest checkpoint cosigned is of another size than the request builds on.
    #[error("the newest checkpoint cosigned has {size} entries")]
    OtherSize {
        /// Its size.
        size: u64,
    },
    /// The log signed another tree of the size that was cosigned: it forked.
    #[error("the log forked at {size} entries")]
    Fork {
        /// The size.
        size: u64,
    },
    /// The proof doesn't connect the trees.
    #[error("the proof doesn't connect the trees")]
    Inconsistent,
}

impl AddCheckpoint {
    /// Reads a request, in the one spelling [`Self::to_bytes`] writes.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refused> {
        if bytes.len() > REQUEST_MAX {
            return Err(Refused::Malformed);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Refused::Malformed)?;
        let (first, mut rest) = text.split_once('\n').ok_or(Refused::Malformed)?;
        let old = first.strip_prefix(OLD).and_then(checkpoint::decimal).ok_or(Refused::Malformed)?;
        let mut proof = Vec::new();
        loop {
            let (line, after) = rest.split_once('\n').ok_or(Refused::Malformed)?;
            rest = after;
            if line.is_empty() {
                break;
            }
            if proof.len() == CONSISTENCY_MAX {
                return Err(Refused::Malformed);
            }
            proof.push(checkpoint::hash(line).ok_or(Refused::Malformed)?);
        }
        let checkpoint = Note::parse(rest.as_bytes()).map_err(|_| Refused::Malformed)?;
        Ok(Self { old, proof, checkpoint })
    }

    /// The request's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{OLD}{}\n", self.old);
        for hash in &self.proof {
            text.push_str(&encoding::to_base64(hash));
            text.push('\n');
        }
        text.push('\n');
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.checkpoint.to_bytes());
        bytes
    }
}

/// What a witness knows: the logs it watches, and the newest checkpoint it cosigned of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Witness {
    logs: BTreeMap<KeyName, VerifierKey>,
    newest: BTreeMap<KeyName, Checkpoint>,
}

impl Witness {
    /// Watches these logs; one log key per origin, of which the last one counts.
    pub fn new(logs: impl IntoIterator<Item = VerifierKey>) -> Self {
        let logs = logs.into_iter().map(|log| (log.name.clone(), log)).collect();
        Self { logs, newest: BTreeMap::new() }
    }

    /// The logs it watches.
    pub fn logs(&self) -> impl Iterator<Item = &VerifierKey> {
        self.logs.values()
    }

    /// The newest checkpoint cosigned of a log.
    pub fn newest(&self, origin: &KeyName) -> Option<&Checkpoint> {
        self.newest.get(origin)
    }

    /// The checkpoint that may be cosigned. It must be stored durably and remembered before anybody gets the cosignature,
    /// and nothing else may be judged meanwhile: two requests that build on the same checkpoint could both pass.
    pub fn judge(&self, request: &AddCheckpoint) -> Result<Checkpoint, Refused> {
        let claimed = Checkpoint::unverified(&request.checkpoint).map_err(|_| Refused::Malformed)?;
        let log = self.logs.get(&claimed.origin).ok_or(Refused::UnknownLog)?;
        let shown = Checkpoint::of_note(&request.checkpoint, log).map_err(|_| Refused::NotSigned)?;
        if request.old > shown.size {
            return Err(Refused::Malformed);
        }
        let newest = self.newest.get(&shown.origin);
        let size = newest.map_or(0, |newest| newest.size);
        if request.old != size {
            return Err(Refused::OtherSize { size });
        }
        let Some(newest) = newest.filter(|newest| newest.size > 0) else {
            return if request.proof.is_empty() { Ok(shown) } else { Err(Refused::Inconsistent) };
        };
        if shown.size == newest.size && shown.root != newest.root {
            return Err(Refused::Fork { size });
        }
        merkle::verify_consistency(newest.size, shown.size, &newest.root, &shown.root, &request.proof)
            .map_err(|_| Refused::Inconsistent)?;
        Ok(shown)
    }

    /// What is stored durably is the newest of its log from now on.
    pub fn remember(&mut self, checkpoint: Checkpoint) {
        self.newest.insert(checkpoint.origin.clone(), checkpoint);
    }
}

impl Refused {
    /// The HTTP status of the answer. (C2SP tlog-witness)
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::NotSigned => 403,
            Self::UnknownLog => 404,
            Self::OtherSize { .. } | Self::Fork { .. } => 409,
            Self::Inconsistent => 422,
        }
    }

    /// The size a conflict is answered with.
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::OtherSize { size } | Self::Fork { size } => Some(*size),
            Self::Malformed | Self::UnknownLog | Self::NotSigned | Self::Inconsistent => None,
        }
    }
}

/// The body of an answer that cosigns: note signature lines.
pub fn lines(signatures: &[Signature]) -> String {
    signatures.iter().map(Signature::line).collect()
}

/// Reads such a body: signature lines, unchecked.
pub fn read_lines(body: &[u8], checkpoint: &Note) -> Result<Vec<Signature>, NoteError> {
    let own = checkpoint.signatures().len();
    let together = Note::parse(&[checkpoint.to_bytes().as_slice(), body].concat())?;
    // An empty line in the body would make it, and not the checkpoint, the text.
    if together.text() != checkpoint.text() {
        return Err(NoteError::Shape);
    }
    Ok(together.signatures().get(own..).unwrap_or_default().to_vec())
}

#[cfg(test)]
mod tests;
