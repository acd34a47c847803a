//! The receipt a person keeps: everything needed to verify one session alone, offline, in twenty years. (docs/ledger.md)
//!
//! A zip file whose names are a closed list; any other name makes it broken, so that nothing unsigned can ride along
//! and be taken for part of the record. Two files are for people and not evidence: `receipt.html` and `README.txt`.
//!
//! Here is what a bundle is made of and how it is packed. Whether any of it is true: [`super::verify`].

mod archive;

use std::collections::BTreeMap;

pub use archive::{FILE_MAX, FILES_MAX, RATIO_MAX, TOTAL_MAX, ZIP_MAX};

use super::merkle::{Hash, PROOF_MAX};
use super::proof::TLOG_PROOF;
use crate::encoding;
use crate::id::Strand;
use crate::key::VerifierKey;
use crate::statement::Statement;

/// What a bundle holds, unverified. Bytes are kept exactly as they were signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle {
    /// The statement, signed by the organisation's root.
    pub statement: Vec<u8>,
    /// The member note of each technician and observer; an invited helper has none.
    pub members: BTreeMap<Strand, Vec<u8>>,
    /// Strand and verifier key of everybody ([`participants`]).
    pub participants: Vec<u8>,
    /// For outside tools ([`policy`]).
    pub policy: Vec<u8>,
    /// The events in causal order, addenda last, each with its receipt.
    pub entries: Vec<Entry>,
    /// Checkpoint of the first event's first receipt.
    pub first_checkpoint: Vec<u8>,
    /// Proof that it is a prefix of the common one ([`consistency`]).
    pub consistency: Vec<u8>,
    /// Per strand that joined, the relay's batch note and its proof: when the member note was valid.
    pub batches: BTreeMap<Strand, JoinBatch>,
    /// Openings by commitment, where disclosed.
    pub openings: BTreeMap<[u8; 32], Vec<u8>>,
    /// Sealed parts by SHA-256, where exported.
    pub sealed: BTreeMap<[u8; 32], Vec<u8>>,
    /// The story in plain words; not evidence.
    pub receipt: Option<Vec<u8>>,
    /// How to read the bundle; not evidence.
    pub readme: Option<Vec<u8>>,
}

/// One event and its receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The event's note.
    pub event: Vec<u8>,
    /// Its C2SP tlog-proof against the common checkpoint; `None` only at the end of an unclosed session.
    pub proof: Option<Vec<u8>>,
}

/// The batch in which a join was committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JoinBatch {
    /// The relay's batch note.
    pub note: Vec<u8>,
    /// Its C2SP tlog-proof.
    pub proof: Vec<u8>,
}

/// Bytes that aren't a bundle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// No zip file at all, or one two readers would read differently.
    #[error("this is not a zip file")]
    NotAZip,
    /// Bytes that belong to no file, a comment, several disks, zip64.
    #[error("the zip file has bytes that belong to none of its files")]
    Layout,
    /// A limit is exceeded.
    #[error("the zip file exceeds the limit on {0}")]
    TooLarge(&'static str),
    /// Both headers of a file disagree, its checksum fails, or it is packed in a way we don't read.
    #[error("{0} is damaged inside the zip file")]
    Damaged(String),
    /// Two files of one name.
    #[error("{0:?} stands twice in the zip file")]
    Duplicate(String),
    /// A directory, a link, a device.
    #[error("{0:?} is not a plain file")]
    NotAFile(String),
    /// A password would decide who can verify.
    #[error("{0:?} is encrypted")]
    Encrypted(String),
    /// A name no bundle has: absolute, with `..` or backslash, or simply unknown.
    #[error("{0:?} is not a file of a bundle")]
    Name(String),
    /// A file every bundle has.
    #[error("{0} is missing")]
    Missing(String),
    /// A batch file that isn't a note followed by a proof.
    #[error("{0} is not a batch note followed by its proof")]
    Batch(String),
    /// More events than a bundle can number.
    #[error("the bundle can't be written: too many or too large files")]
    CannotWrite,
}

impl Bundle {
    /// Packs it: the same bytes for the same bundle, always.
    pub fn to_zip(&self) -> Result<Vec<u8>, BundleError> {
        let batches: Vec<_> = self
            .batches
            .iter()
            .map(|(strand, batch)| (*strand, [batch.note.as_slice(), &batch.proof].concat()))
            .collect();
        let mut files: Vec<(Name, &[u8])> = vec![(Name::Statement, &self.statement)];
        files.extend(self.members.iter().map(|(strand, note)| (Name::Member(*strand), note.as_slice())));
        files.push((Name::Participants, &self.participants));
        files.push((Name::Policy, &self.policy));
        for (n, entry) in (0..).zip(&self.entries) {
            files.push((Name::Event(n), &entry.event));
            files.extend(entry.proof.iter().map(|proof| (Name::Proof(n), proof.as_slice())));
        }
        files.push((Name::FirstCheckpoint, &self.first_checkpoint));
        files.push((Name::Consistency, &self.consistency));
        files.extend(batches.iter().map(|(strand, bytes)| (Name::Batch(*strand), bytes.as_slice())));
        files.extend(self.openings.iter().map(|(commit, bytes)| (Name::Part(*commit), bytes.as_slice())));
        files.extend(self.sealed.iter().map(|(hash, bytes)| (Name::Sealed(*hash), bytes.as_slice())));
        files.extend(self.receipt.iter().map(|bytes| (Name::Receipt, bytes.as_slice())));
        files.extend(self.readme.iter().map(|bytes| (Name::Readme, bytes.as_slice())));
        let total: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
        let fits = files.len() <= FILES_MAX
            && self.entries.len() <= EVENTS_MAX
            && total <= TOTAL_MAX.min(ZIP_MAX - 256 * files.len())
            && files.iter().all(|(_, bytes)| bytes.len() <= FILE_MAX);
        if !fits {
            return Err(BundleError::CannotWrite);
        }
        archive::write(files.into_iter().map(|(name, bytes)| (name.to_string(), bytes)))
    }

    /// Unpacks it. Everything is still unverified.
    pub fn from_zip(zip: &[u8]) -> Result<Self, BundleError> {
        let mut files = BTreeMap::new();
        for file in archive::read(zip)? {
            let name = Name::parse(&file.name).ok_or(BundleError::Name(file.name))?;
            files.insert(name, file.bytes);
        }
        let mut bundle = Self::default();
        let mut required = |name: Name| files.remove(&name).ok_or_else(|| BundleError::Missing(name.to_string()));
        bundle.statement = required(Name::Statement)?;
        bundle.participants = required(Name::Participants)?;
        bundle.policy = required(Name::Policy)?;
        bundle.first_checkpoint = required(Name::FirstCheckpoint)?;
        bundle.consistency = required(Name::Consistency)?;
        for (name, bytes) in files {
            match name {
                Name::Event(n) if n == bundle.entries.len() => bundle.entries.push(Entry { event: bytes, proof: None }),
                // Events come in order of number, so this one follows a hole.
                Name::Event(_) => return Err(BundleError::Missing(Name::Event(bundle.entries.len()).to_string())),
                Name::Proof(n) => match bundle.entries.get_mut(n) {
                    Some(entry) => entry.proof = Some(bytes),
                    None => return Err(BundleError::Missing(Name::Event(n).to_string())),
                },
                Name::Member(strand) => drop(bundle.members.insert(strand, bytes)),
                Name::Batch(strand) => {
                    let batch = JoinBatch::split(bytes).ok_or_else(|| BundleError::Batch(name.to_string()))?;
                    bundle.batches.insert(strand, batch);
                }
                Name::Part(commit) => drop(bundle.openings.insert(commit, bytes)),
                Name::Sealed(hash) => drop(bundle.sealed.insert(hash, bytes)),
                Name::Receipt => bundle.receipt = Some(bytes),
                Name::Readme => bundle.readme = Some(bytes),
                // Taken out above; names are unique.
                Name::Statement | Name::Participants | Name::Policy | Name::FirstCheckpoint | Name::Consistency => {}
            }
        }
        if bundle.entries.is_empty() {
            return Err(BundleError::Missing(Name::Event(0).to_string()));
        }
        Ok(bundle)
    }
}

impl BundleError {
    /// The file it is about, if it is about one.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Damaged(name)
            | Self::Duplicate(name)
            | Self::NotAFile(name)
            | Self::Encrypted(name)
            | Self::Name(name)
            | Self::Missing(name)
            | Self::Batch(name) => Some(name),
            Self::NotAZip | Self::Layout | Self::TooLarge(_) | Self::CannotWrite => None,
        }
    }
}

/// The file `participants`: a strand and its key per line, the agent first, then in order of arrival.
pub fn participants<'a>(strands: impl IntoIterator<Item = (Strand, &'a VerifierKey)>) -> String {
    strands.into_iter().map(|(strand, key)| format!("{strand} {key}\n")).collect()
}

/// The file `policy`: what the statement asks of a checkpoint, as C2SP tlog-policy for outside tools.
pub fn policy(statement: &Statement) -> String {
    let mut policy: String = statement.relays.iter().map(|relay| format!("log {}\n", relay.log)).collect();
    let names: Vec<String> = (1..=statement.witnesses.len()).map(|n| format!("w{n}")).collect();
    for (name, witness) in names.iter().zip(&statement.witnesses) {
        policy.push_str(&format!("witness {name} {witness}\n"));
    }
    let quorum = usize::try_from(statement.quorum).unwrap_or(usize::MAX);
    if quorum == 0 {
        policy.push_str("quorum none\n");
    } else {
        let threshold = if quorum >= names.len() { "all".to_owned() } else { quorum.to_string() };
        policy.push_str(&format!("group all {threshold} {}\nquorum all\n", names.join(" ")));
    }
    policy
}

/// The file `consistency`: base64 of each hash on a line of its own.
pub fn consistency(proof: &[Hash]) -> String {
    proof.iter().map(|hash| encoding::to_base64(hash) + "\n").collect()
}

/// Reads what [`consistency`] wrote.
pub fn read_consistency(bytes: &[u8]) -> Option<Vec<Hash>> {
    let text = std::str::from_utf8(bytes).ok()?;
    if text.is_empty() {
        return Some(Vec::new());
    }
    let lines: Vec<&str> = text.strip_suffix('\n')?.split('\n').take(PROOF_MAX + 1).collect();
    if lines.len() > PROOF_MAX { None } else { lines.into_iter().map(super::checkpoint::hash).collect() }
}

/// Most events a bundle numbers.
const EVENTS_MAX: usize = 1_000_000;

impl JoinBatch {
    /// A note ends in a signature line, so the first line of a proof after one can't belong to it.
    fn split(bytes: Vec<u8>) -> Option<Self> {
        let start = format!("\n{TLOG_PROOF}\n");
        let at = bytes.windows(start.len()).position(|window| window == start.as_bytes())? + 1;
        Some(Self { note: bytes[..at].to_vec(), proof: bytes[at..].to_vec() })
    }
}

/// Every name a file of a bundle can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Statement,
    Member(Strand),
    Participants,
    Policy,
    Event(usize),
    Proof(usize),
    FirstCheckpoint,
    Consistency,
    Batch(Strand),
    Part([u8; 32]),
    Sealed([u8; 32]),
    Receipt,
    Readme,
}

impl Name {
    /// Only the spelling that `Display` writes.
    fn parse(text: &str) -> Option<Self> {
        let strand = |text: &str| text.parse().ok().filter(|strand| *strand != Strand::Agent);
        let number = |text: &str| text.parse::<usize>().ok();
        let name = match text {
            "statement" => Self::Statement,
            "participants" => Self::Participants,
            "policy" => Self::Policy,
            "first.checkpoint" => Self::FirstCheckpoint,
            "consistency" => Self::Consistency,
            "receipt.html" => Self::Receipt,
            "README.txt" => Self::Readme,
            _ => {
                if let Some(rest) = text.strip_prefix("members/") {
                    Self::Member(strand(rest)?)
                } else if let Some(rest) = text.strip_prefix("join.batch.") {
                    Self::Batch(strand(rest)?)
                } else if let Some(rest) = text.strip_prefix("parts/") {
                    Self::Part(encoding::hex(rest)?)
                } else if let Some(rest) = text.strip_prefix("sealed/") {
                    Self::Sealed(encoding::hex(rest.strip_suffix(".age")?)?)
                } else if let Some(rest) = text.strip_suffix(".event") {
                    Self::Event(number(rest)?)
                } else {
                    Self::Proof(number(text.strip_suffix(".tlog-proof")?)?)
                }
            }
        };
        let numbered = |n: usize| n < EVENTS_MAX;
        let in_range = match name {
            Self::Event(n) | Self::Proof(n) => numbered(n),
            Self::Statement
            | Self::Member(_)
            | Self::Participants
            | Self::Policy
            | Self::FirstCheckpoint
            | Self::Consistency
            | Self::Batch(_)
            | Self::Part(_)
            | Self::Sealed(_)
            | Self::Receipt
            | Self::Readme => true,
        };
        (in_range && name.to_string() == text).then_some(name)
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Statement => f.write_str("statement"),
            Self::Member(strand) => write!(f, "members/{strand}"),
            Self::Participants => f.write_str("participants"),
            Self::Policy => f.write_str("policy"),
            Self::Event(n) => write!(f, "{n:06}.event"),
            Self::Proof(n) => write!(f, "{n:06}.tlog-proof"),
            Self::FirstCheckpoint => f.write_str("first.checkpoint"),
            Self::Consistency => f.write_str("consistency"),
            Self::Batch(strand) => write!(f, "join.batch.{strand}"),
            Self::Part(commit) => write!(f, "parts/{}", encoding::to_hex(commit)),
            Self::Sealed(hash) => write!(f, "sealed/{}.age", encoding::to_hex(hash)),
            Self::Receipt => f.write_str("receipt.html"),
            Self::Readme => f.write_str("README.txt"),
        }
    }
}

#[cfg(test)]
mod tests;
