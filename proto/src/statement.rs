//! What the organisation's root says: the one note everything else follows from. (SECURITY A1)
//!
//! An address pins the root by its fingerprint; the root signs a [`Statement`] that names the relays with their TLS and
//! log keys, the authority that vouches for members, the auditors who may open records, and the witnesses. Agents and
//! consoles accept nothing that isn't in it. A statement with a smaller serial than one already known is an attack
//! (it would bring back a removed relay or auditor), so serials never go back: [`accept`].
//!
//! Not here: fetching and storing statements, and the time. Validity is judged at the ledger's time, which is handed
//! in, never by a PC's clock. (SECURITY A4)

mod member;
#[cfg(test)]
mod tests;
mod witness;

pub use member::{MEMBER, MEMBER_LIFE_MS, MEMBER_SLACK_MS, Member, MemberError, Role};
pub use witness::WitnessKey;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::HostPort;
use crate::encoding;
use crate::fingerprint::Fingerprint;
use crate::foreign::Foreign;
use crate::json::{self, JsonError};
use crate::key::{PublicKey, SigningKey, VerifierKey};
use crate::ledger::note::{self, Note, NoteError};
use crate::now::Wall;

/// First line of a statement.
pub const STATEMENT: &str = "venia/statement@v1";

/// What the root says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The root key that signs this statement.
    pub root: VerifierKey,
    /// Name of the organisation, as it calls itself.
    pub organisation: Foreign,
    /// Grows with every statement of this root.
    pub serial: u64,
    /// Last moment, in the ledger's time, at which this statement holds.
    pub not_after: Wall,
    /// Where sessions meet; at least one.
    pub relays: Vec<Relay>,
    /// Signs member notes.
    pub authority: VerifierKey,
    /// `age` recipients that records are sealed to; none means that no auditor can open a record. (SECURITY E4)
    pub auditors: Vec<String>,
    /// Cosign checkpoints.
    pub witnesses: Vec<WitnessKey>,
    /// SHA-256 of each allowed pack of items.
    pub packs: Vec<PackHash>,
    /// Days a technician keeps the openings of parts after the close. (SECURITY E11)
    pub keep_days: u32,
    /// How many witnesses must have cosigned a checkpoint; at most all of them.
    pub quorum: u32,
}

/// One relay.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relay {
    /// Its name, unique in the statement.
    pub name: Foreign,
    /// `host:port`: where it listens.
    #[serde(with = "host_port")]
    pub address: HostPort,
    /// Key of its TLS connections.
    #[serde(with = "spki")]
    pub tls: PublicKey,
    /// Key of its log, whose name is the log's origin; unique in the statement.
    pub log: VerifierKey,
}

/// SHA-256 of a pack of items, in JSON lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackHash(pub [u8; 32]);

/// A statement that can't be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Not a signed note of one signature, or not signed by the root it names.
    #[error("the statement is not properly signed")]
    Note(
        #[from]
        #[source]
        NoteError,
    ),
    /// Not the JSON of a statement.
    #[error("the statement is malformed")]
    Json(
        #[from]
        #[source]
        JsonError,
    ),
    /// Its root isn't the one that was pinned.
    #[error("the statement is by another organisation root than the one this address names")]
    WrongRoot,
    /// No relay, a repeated name or log, more quorum than witnesses, or a text that isn't what its field says.
    #[error("the statement contradicts itself in {0}")]
    Contradiction(&'static str),
    /// An older statement than one already known.
    #[error("the statement's serial {got} is older than the known {known}")]
    WentBack {
        /// Serial already known.
        known: u64,
        /// Serial offered.
        got: u64,
    },
    /// Two statements of one serial.
    #[error("the root signed two different statements with serial {0}")]
    TwoOfOneSerial(u64),
}

impl Statement {
    /// Signs with the root key, which must be the one in [`Statement::root`].
    pub fn sign(&self, root: &SigningKey) -> Vec<u8> {
        note::sign(&format!("{STATEMENT}\n{}\n", json::signed_line(self)), root)
    }

    /// Reads and verifies a statement of the pinned root.
    pub fn open(bytes: &[u8], root: &Fingerprint) -> Result<Self, StatementError> {
        let statement = Self::open_unpinned(bytes)?;
        if statement.fingerprint() == *root { Ok(statement) } else { Err(StatementError::WrongRoot) }
    }

    /// Reads a statement and verifies it by the root it names itself: consistent, but whose it is nobody has checked.
    /// Good for `self-consistent` and for showing a first-seen service, never for trust. (SECURITY A2, F1)
    pub fn open_unpinned(bytes: &[u8]) -> Result<Self, StatementError> {
        let note = Note::parse(bytes)?;
        note.exactly_one_signature()?;
        let mut fields = json::signed_object(note.content(STATEMENT)?)?;
        fields.entry("quorum").or_insert(Value::from(0));
        let statement: Self = json::exact(Value::Object(fields), "statement")?;
        note.verify(&statement.root)?;
        statement.check()?;
        Ok(statement)
    }

    /// What an address pins.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.root)
    }

    /// Whether it still holds at this moment of the ledger's time.
    pub fn valid_at(&self, ledger_time: Wall) -> bool {
        ledger_time <= self.not_after
    }

    /// The relay whose log has this origin.
    pub fn relay_of(&self, origin: &str) -> Option<&Relay> {
        self.relays.iter().find(|relay| relay.log.name.as_str() == origin)
    }

    /// Recipients who couldn't read records before: the person is told of each. (SECURITY A1)
    pub fn auditors_added_since<'a>(&'a self, known: &Self) -> Vec<&'a str> {
        self.auditors.iter().filter(|auditor| !known.auditors.contains(auditor)).map(String::as_str).collect()
    }

    fn check(&self) -> Result<(), StatementError> {
        let holds = |fits: bool, field| if fits { Ok(()) } else { Err(StatementError::Contradiction(field)) };
        holds(Foreign::name(self.organisation.raw()).is_ok(), "organisation")?;
        holds(!self.relays.is_empty(), "relays")?;
        let relays = self.relays.iter();
        holds(relays.clone().all(|relay| Foreign::name(relay.name.raw()).is_ok()), "relay name")?;
        holds(distinct(relays.clone().map(|relay| relay.name.raw())), "relay name")?;
        holds(distinct(relays.map(|relay| &relay.log.name)), "relay log")?;
        holds(self.auditors.iter().all(|auditor| is_recipient(auditor)) && distinct(self.auditors.iter()), "auditors")?;
        // By key: one witness under two names would be counted twice, and a log can't be its own witness.
        holds(distinct(self.witnesses.iter().map(|witness| &witness.key)), "witnesses")?;
        holds(distinct(self.witnesses.iter().map(|witness| &witness.name)), "witnesses")?;
        let own = |witness: &WitnessKey| self.relays.iter().any(|relay| relay.log.key == witness.key);
        holds(!self.witnesses.iter().any(own), "witnesses")?;
        holds(distinct(self.packs.iter()), "packs")?;
        holds(u32::try_from(self.witnesses.len()).is_ok_and(|witnesses| self.quorum <= witnesses), "quorum")
    }
}

/// Whether a verified statement may replace the one already known: same root, serial never going back.
pub fn accept(known: Option<&Statement>, new: &Statement) -> Result<(), StatementError> {
    let Some(known) = known else { return Ok(()) };
    if new.root != known.root {
        return Err(StatementError::WrongRoot);
    }
    match new.serial.cmp(&known.serial) {
        std::cmp::Ordering::Less => Err(StatementError::WentBack { known: known.serial, got: new.serial }),
        std::cmp::Ordering::Equal if new != known => Err(StatementError::TwoOfOneSerial(new.serial)),
        std::cmp::Ordering::Equal | std::cmp::Ordering::Greater => Ok(()),
    }
}

fn distinct<T: Ord>(mut values: impl Iterator<Item = T>) -> bool {
    let mut seen = BTreeSet::new();
    values.all(|value| seen.insert(value))
}

/// The shape of an `age` recipient; whether it is one is found when sealing.
fn is_recipient(text: &str) -> bool {
    text.strip_prefix("age1").is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

/// A text that is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 is 64 hex digits in lower case")]
pub struct NoPackHash;

impl std::str::FromStr for PackHash {
    type Err = NoPackHash;

    fn from_str(text: &str) -> Result<Self, NoPackHash> {
        encoding::hex(text).map(Self).ok_or(NoPackHash)
    }
}

impl std::fmt::Display for PackHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&encoding::to_hex(&self.0))
    }
}

impl std::fmt::Debug for PackHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&encoding::to_hex(&self.0))
    }
}

impl Serialize for PackHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encoding::to_hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for PackHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        encoding::hex(&text).map(Self).ok_or_else(|| serde::de::Error::custom("not a SHA-256"))
    }
}

/// An address in its one spelling.
mod host_port {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::address::HostPort;

    pub(super) fn serialize<S: Serializer>(address: &HostPort, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(address)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HostPort, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A public key as base64 of its SubjectPublicKeyInfo.
mod spki {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::encoding;
    use crate::key::PublicKey;

    pub(super) fn serialize<S: Serializer>(key: &PublicKey, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encoding::to_base64(&key.spki()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PublicKey, D::Error> {
        let der = encoding::base64(&String::deserialize(deserializer)?);
        let der = der.ok_or_else(|| serde::de::Error::custom("not base64"))?;
        PublicKey::from_spki(&der).map_err(serde::de::Error::custom)
    }
}
