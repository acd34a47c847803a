//! Evidence that a log or an author lied: one text file that anybody can check offline. (SECURITY F4, E6, E10)
//!
//! ```text
//! venia/evidence@v1
//! fork
//! note statement 1034        the root's statement, which ties the log's key to the root
//! <that many bytes, verbatim>
//! note known 212
//! …
//! note shown 212
//! …
//! ```
//!
//! Between the second line and the notes stand the lines a fault needs: `proof <base64>` per hash of a failed
//! consistency proof, `key <vkey>` of an author, `origin`, `from` and `to` of a relay that didn't answer.
//!
//! It accuses nobody by itself: [`File::judge`] checks every signature again. A failed consistency proof isn't signed by
//! the log, so it shows only that the *supplied* proof fails; withheld receipts can't be shown to third parties at all,
//! such a file is a note to oneself, and is told as one.
//!
//! Not here: who found it and where it is kept.

mod text;

use std::fmt;

use serde::Serialize;

use super::checkpoint::Checkpoint;
use super::event::{Event, EventError};
use super::merkle::Hash;
use super::note::{NOTE_MAX, Note};
use super::pin::{self, Fault};
use super::verify::Roots;
use crate::encoding;
use crate::id::{SessionId, Strand};
use crate::key::{KeyName, VerifierKey};
use crate::now::Wall;
use crate::statement::{Member, Statement, StatementError};

/// First line.
pub const EVIDENCE: &str = "venia/evidence@v1";
/// Most event notes in one file.
pub const EVENTS_MAX: usize = 12;
/// Largest file, in bytes: every note as long as notes may be, and room for the lines between.
pub const FILE_MAX: usize = (EVENTS_MAX + 2) * NOTE_MAX + 16 * 1024;

/// One evidence file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The root-signed statement, byte for byte.
    pub statement: Vec<u8>,
    /// What is claimed.
    pub claim: Claim,
}

/// What a file claims, with the notes that show it, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The log signed two trees of one size.
    Fork {
        /// The checkpoint known before.
        known: Vec<u8>,
        /// The one that came.
        shown: Vec<u8>,
    },
    /// The relay's own proof doesn't connect two of its trees.
    Inconsistent {
        /// The checkpoint known before.
        known: Vec<u8>,
        /// The one that came.
        shown: Vec<u8>,
        /// The proof the relay supplied.
        proof: Vec<Hash>,
    },
    /// An author signed two events for one place.
    Equivocation {
        /// The author's key.
        key: VerifierKey,
        /// The member note that says whose key it is; agents have none.
        member: Option<Vec<u8>>,
        /// The event that came first.
        known: Vec<u8>,
        /// The other one.
        shown: Vec<u8>,
    },
    /// A relay was given events and no receipt came back.
    Withheld {
        /// Which log.
        origin: KeyName,
        /// The author's key.
        key: VerifierKey,
        /// When they were submitted first, by the author's clock.
        from: Wall,
        /// Until when no receipt had come, by the author's clock.
        to: Wall,
        /// The events, at most [`EVENTS_MAX`].
        events: Vec<Vec<u8>>,
    },
}

/// What is wrong, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Accusation {
    /// Two trees of one size.
    Fork,
    /// A consistency proof that fails.
    Inconsistent,
    /// Two events in one place.
    Equivocation,
    /// No receipts.
    Withheld,
}

/// A file whose notes show what it claims. Serialises to the object `venia verify --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// Always `evidence`.
    pub verdict: Evident,
    /// What is wrong.
    pub fault: Accusation,
    /// Who is accused: the log's origin, a member's name, or `key 0a1b2c3d`.
    pub who: String,
    /// Whether the root that ties the keys together is one the verifier already had.
    pub rooted: bool,
    /// Whether a third party must believe it: not for withheld receipts.
    pub proves: bool,
    /// Where the two contradict each other.
    pub why: String,
    /// The same, to be said in the reader's language.
    #[serde(skip)]
    pub shows: Shows,
}

/// What the notes of a file show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// How the log contradicted itself.
    Log(Fault),
    /// Two events of one author for one place.
    Author {
        /// In which session.
        session: SessionId,
        /// Whose strand.
        author: Strand,
        /// Which place.
        seq: u64,
    },
    /// Events without a receipt.
    Withheld {
        /// How many.
        events: usize,
        /// Since when, by the author's clock.
        from: Wall,
        /// Until when.
        to: Wall,
    },
}

impl fmt::Display for Shows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(fault) => write!(f, "{fault}"),
            Self::Author { session, author, seq } => {
                write!(f, "two different events number {seq} of {author} in session {session}")
            }
            Self::Withheld { events, from, to } => write!(f, "{events} events without a receipt from {from} to {to}"),
        }
    }
}

/// The verdict's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evident {
    /// The notes show what the file claims.
    Evidence,
}

/// A file that isn't evidence, or doesn't show what it claims.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// Not this format, in the one spelling [`File::to_bytes`] writes; the line where it ends to be so.
    #[error("line {0} isn't what an evidence file says there")]
    Line(usize),
    /// Longer than [`FILE_MAX`].
    #[error("the evidence file is too long")]
    TooLong,
    /// The statement isn't signed by the root it names.
    #[error("the statement in it doesn't hold")]
    Statement(
        #[from]
        #[source]
        StatementError,
    ),
    /// Signed by another root than the one the verifier named.
    #[error("it is by the root {0}, not by the one named")]
    OtherRoot(String),
    /// The statement names no such log.
    #[error("the statement names no log {0}")]
    UnknownLog(String),
    /// The notes aren't the log's, or don't contradict each other.
    #[error("the two checkpoints don't contradict each other")]
    NoContradiction,
    /// A note that is no event.
    #[error("one of its notes is no event")]
    Event(
        #[from]
        #[source]
        EventError,
    ),
    /// An event by another key.
    #[error("an event in it isn't signed by the author it names")]
    Author,
    /// Two events that may both be true.
    #[error("the two events don't contradict each other")]
    SameOrElsewhere,
    /// The member note isn't by the authority, or not of this key.
    #[error("the member note in it isn't of this author")]
    Member,
}

impl File {
    /// The file for what a pin found. (SECURITY F4)
    pub fn of_log(statement: Vec<u8>, found: &pin::Evidence) -> Self {
        let (known, shown) = (found.known.clone(), found.shown.clone());
        let claim = match found.fault {
            Fault::Fork(_) => Claim::Fork { known, shown },
            Fault::Inconsistent { .. } => Claim::Inconsistent { known, shown, proof: found.proof.clone() },
        };
        Self { statement, claim }
    }

    /// Whether these bytes say that they are evidence.
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.strip_prefix(EVIDENCE.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'\n'))
    }

    /// Reads a file, in the one spelling [`Self::to_bytes`] writes. Nothing is verified yet.
    pub fn parse(bytes: &[u8]) -> Result<Self, EvidenceError> {
        text::parse(bytes)
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        text::write(self)
    }

    /// Whether the notes show what the file claims, by the verifier's own root if there is one.
    pub fn judge(&self, roots: Roots<'_>) -> Result<Judgement, EvidenceError> {
        let statement = Statement::open_unpinned(&self.statement)?;
        let root = statement.fingerprint();
        if roots.named.is_some_and(|named| named != root) {
            return Err(EvidenceError::OtherRoot(root.to_string()));
        }
        let rooted = roots.named.is_some() || roots.known.contains(&root);
        let (who, shows) = match &self.claim {
            Claim::Fork { known, shown } => log_lied(&statement, known, shown, &[])?,
            Claim::Inconsistent { known, shown, proof } => log_lied(&statement, known, shown, proof)?,
            Claim::Equivocation { key, member, known, shown } => {
                author_lied(&statement, key, member.as_deref(), known, shown)?
            }
            Claim::Withheld { origin, key, from, to, events } => {
                if statement.relay_of(origin.as_str()).is_none() {
                    return Err(EvidenceError::UnknownLog(origin.to_string()));
                }
                for event in events {
                    signed_by(event, key)?;
                }
                (origin.to_string(), Shows::Withheld { events: events.len(), from: *from, to: *to })
            }
        };
        let fault = self.accusation();
        let (proves, why) = (fault != Accusation::Withheld, shows.to_string());
        Ok(Judgement { verdict: Evident::Evidence, fault, who, rooted, proves, why, shows })
    }

    /// What it claims, in one word.
    pub fn accusation(&self) -> Accusation {
        match &self.claim {
            Claim::Fork { .. } => Accusation::Fork,
            Claim::Inconsistent { .. } => Accusation::Inconsistent,
            Claim::Equivocation { .. } => Accusation::Equivocation,
            Claim::Withheld { .. } => Accusation::Withheld,
        }
    }
}

/// Both checkpoints are of one log the statement names, and an honest one can't have signed both.
fn log_lied(
    statement: &Statement,
    known: &[u8],
    shown: &[u8],
    proof: &[Hash],
) -> Result<(String, Shows), EvidenceError> {
    let claimed = |bytes: &[u8]| {
        let note = Note::parse(bytes).ok()?;
        Checkpoint::unverified(&note).ok()
    };
    let (Some(one), Some(other)) = (claimed(known), claimed(shown)) else { return Err(EvidenceError::NoContradiction) };
    let relay = statement.relay_of(one.origin.as_str());
    let relay = relay.ok_or_else(|| EvidenceError::UnknownLog(one.origin.to_string()))?;
    let fault = if one.size == other.size {
        Fault::Fork(one.size)
    } else {
        Fault::Inconsistent { from: one.size.min(other.size), to: one.size.max(other.size) }
    };
    let found = pin::Evidence { fault, known: known.to_vec(), shown: shown.to_vec(), proof: proof.to_vec() };
    if found.holds(&relay.log) {
        Ok((one.origin.to_string(), Shows::Log(fault)))
    } else {
        Err(EvidenceError::NoContradiction)
    }
}

/// Both events are the author's, for one place, and differ.
fn author_lied(
    statement: &Statement,
    key: &VerifierKey,
    member: Option<&[u8]>,
    known: &[u8],
    shown: &[u8],
) -> Result<(String, Shows), EvidenceError> {
    let (one, other) = (signed_by(known, key)?, signed_by(shown, key)?);
    let place = |event: &Event| (event.header().session, event.header().author, event.header().seq);
    if place(&one) != place(&other) || one.leaf() == other.leaf() {
        return Err(EvidenceError::SameOrElsewhere);
    }
    let who = match member {
        None => format!("key {}", encoding::to_hex(&key.id())),
        Some(note) => {
            let member = Member::open(note, &statement.authority).map_err(|_| EvidenceError::Member)?;
            if member.key != *key {
                return Err(EvidenceError::Member);
            }
            member.name.visible()
        }
    };
    let (session, author, seq) = place(&one);
    Ok((who, Shows::Author { session, author, seq }))
}

fn signed_by(note: &[u8], key: &VerifierKey) -> Result<Event, EvidenceError> {
    let event = Event::parse(note)?;
    event.verify(key).map_err(|_| EvidenceError::Author)?;
    Ok(event)
}

#[cfg(test)]
mod tests;
