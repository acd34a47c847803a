//! What one line of a journal says.
//!
//! Notes, proofs and statements are text already and stand here as JSON strings, so that a person can read a journal
//! with nothing but a pager; what isn't UTF-8 (openings) stands as `{"base64": …}`. The journal doesn't look inside:
//! whether a signature holds is the ledger's question.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use venia_proto::encoding::{base64, to_base64};
use venia_proto::id::{Leaf, Strand};

/// One thing worth keeping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Record {
    /// An event of any strand, as signed, with the openings of its parts this PC holds.
    Event {
        /// The note's exact bytes.
        note: Bytes,
        /// In the order of the event's parts.
        openings: Vec<Bytes>,
    },
    /// A part of an event beside it, sealed to the auditors: after a crash the relay gets the same bytes.
    Sealed {
        /// The `age` file.
        file: Bytes,
    },
    /// The log's receipt for an event.
    Receipt {
        /// The event.
        #[serde(with = "as_text")]
        leaf: Leaf,
        /// The C2SP tlog-proof's exact bytes.
        proof: Bytes,
    },
    /// The organisation's statement the session rests on: the note's exact bytes.
    Statement(Bytes),
    /// The member note of a participant.
    Member {
        /// Whose.
        #[serde(with = "as_text")]
        strand: Strand,
        /// The note's exact bytes.
        note: Bytes,
    },
    /// A checkpoint worth keeping: the first receipt's, the common one, the largest seen.
    Checkpoint {
        /// The note's exact bytes.
        note: Bytes,
    },
    /// The log's `batch` note that shows when a member note was valid, with its proof.
    Batch {
        /// The strand whose `join` it dates.
        #[serde(with = "as_text")]
        strand: Strand,
        /// The note's exact bytes.
        note: Bytes,
        /// The C2SP tlog-proof's exact bytes.
        proof: Bytes,
    },
    /// How far the session is.
    Mark(Mark),
}

/// Milestones of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// Its `close` is recorded.
    Closed,
    /// Every event so far has its receipt. An event after this, an addendum, opens the question again.
    Receipted,
    /// The log never took its `open` and never will: nobody was here, so nothing was shared and nothing ran.
    NeverBegan,
}

/// Bytes that are mostly text.
#[derive(Clone, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

#[derive(Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Spelling {
    Text(String),
    Binary { base64: String },
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => Spelling::Binary { base64: to_base64(&self.0) }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Spelling::deserialize(deserializer)? {
            Spelling::Text(text) => Ok(Self(text.into_bytes())),
            Spelling::Binary { base64: text } => base64(&text).map(Self).ok_or_else(|| D::Error::custom("base64")),
        }
    }
}

impl<T: Into<Vec<u8>>> From<T> for Bytes {
    fn from(bytes: T) -> Self {
        Self(bytes.into())
    }
}

/// The length only: openings are what a person told a technician, and a debug line is a log line. (SECURITY H3)
impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// Identifiers in their own spelling.
mod as_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
