//! The relay's own note in each group commit: how many entries, when the relay says it was, and the batch before.
//!
//! It is the ledger's clock: validity of member notes is judged by the newest batch, never by a PC's clock. (SECURITY
//! A4) Believed no further than the relay: a *claim* about time, but one it can't change afterwards.

use serde_json::Value;

use crate::id::Leaf;
use crate::json::{self, Fields, JsonError, Text};
use crate::key::{KeyName, SigningKey, VerifierKey};
use crate::ledger::note::{self, Note, NoteError};
use crate::now::Wall;

/// First line of a batch note.
pub const BATCH: &str = "venia/batch@v1";

/// What a batch note says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Batch {
    /// The log's origin, which is the name of the key that signs.
    pub origin: KeyName,
    /// Entries committed together with this one, itself not counted.
    pub n: u64,
    /// When, by the relay's clock.
    pub observed: Wall,
    /// Leaf of the batch note before; `None` for the log's first.
    pub previous: Option<Leaf>,
}

/// Bytes that aren't a batch note of this log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Not a signed note of one signature, or not signed by this log.
    #[error("the batch note is not properly signed")]
    Note(
        #[from]
        #[source]
        NoteError,
    ),
    /// Not the JSON of a batch.
    #[error("the batch note is malformed")]
    Json(
        #[from]
        #[source]
        JsonError,
    ),
    /// Says another origin than the log that signed.
    #[error("the batch note names another log")]
    WrongOrigin,
}

impl Batch {
    /// Signs with the log's key, whose name must be [`Batch::origin`].
    pub fn sign(&self, log: &SigningKey) -> Vec<u8> {
        note::sign(&format!("{BATCH}\n{}\n", json::signed_line(self)), log)
    }

    /// Verifies a note by the log's key, then reads those same bytes.
    pub fn open(bytes: &[u8], log: &VerifierKey) -> Result<Self, BatchError> {
        let (batch, note) = Self::claimed(bytes, log)?;
        note.verify(log)?;
        Ok(batch)
    }

    /// Everything but the signature: the caller owes its check by the log's key, and believes nothing before.
    pub fn claimed(bytes: &[u8], log: &VerifierKey) -> Result<(Self, Note), BatchError> {
        let note = Note::parse(bytes)?;
        note.exactly_one_signature()?;
        let batch = Self::read(Fields::new(json::signed_object(note.content(BATCH)?)?))?;
        if batch.origin == log.name { Ok((batch, note)) } else { Err(BatchError::WrongOrigin) }
    }

    fn read(mut fields: Fields) -> Result<Self, JsonError> {
        let previous = fields.nullable("previous")?;
        let batch = Self {
            origin: KeyName::new(&fields.text("origin")?).map_err(|_| JsonError::Malformed("origin"))?,
            n: fields.count("n")?,
            observed: fields.parsed("observed")?,
            previous: previous.map(|leaf: Value| json::parsed(leaf, "previous")).transpose()?,
        };
        fields.finish()?;
        Ok(batch)
    }
}

impl serde::Serialize for Batch {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("origin", self.origin.as_str())?;
        map.serialize_entry("n", &self.n)?;
        map.serialize_entry("observed", &self.observed)?;
        map.serialize_entry("previous", &self.previous.map(Text))?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> SigningKey {
        SigningKey::new("log", [1; 32]).named(KeyName::new("relay.example/log").unwrap())
    }

    fn batch() -> Batch {
        Batch {
            origin: log().verifier().name.clone(),
            n: 3,
            observed: Wall::from_ms(1_795_514_402_000),
            previous: Some(Leaf([7; 32])),
        }
    }

    #[test]
    fn a4_only_the_log_tells_its_time() {
        let open = |bytes: &[u8]| Batch::open(bytes, log().verifier());
        assert_eq!(open(&batch().sign(&log())), Ok(batch()));
        let first = Batch { previous: None, ..batch() };
        assert_eq!(open(&first.sign(&log())), Ok(first));
        let imposter = SigningKey::new("log", [2; 32]).named(log().verifier().name.clone());
        assert_eq!(open(&batch().sign(&imposter)), Err(BatchError::Note(NoteError::ForeignKey)));
        let (claimed, owed) = Batch::claimed(&batch().sign(&imposter), log().verifier()).unwrap();
        assert_eq!((claimed, owed.verify(log().verifier())), (batch(), Err(NoteError::ForeignKey)));
        let other = Batch { origin: KeyName::new("other.example").unwrap(), ..batch() };
        assert_eq!(open(&other.sign(&log())), Err(BatchError::WrongOrigin));
    }

    #[test]
    fn the_schema_is_closed() {
        let good = json::signed_line(&batch());
        let signed = |line: &str| Batch::open(&note::sign(&format!("{BATCH}\n{line}\n"), &log()), log().verifier());
        assert_eq!(signed(&good), Ok(batch()));
        for (from, to) in [
            ("{", "{\"extra\":1,"),
            ("\"n\":3", "\"n\":3,\"n\":3"),
            ("\"n\":3", "\"n\":3.0"),
            ("\"n\":3", "\"n\":-3"),
            ("\"n\":3,", ""),
            (".000Z", "Z"),
            ("BwcHBwc=", "BwcHBwd="),
            ("relay.example/log", "relay example/log"),
        ] {
            assert!(good.contains(from), "{from}");
            assert!(signed(&good.replacen(from, to, 1)).is_err(), "{to}");
        }
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let good = batch().sign(&log());
        for at in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[at / 8] ^= 1 << (at % 8);
            assert!(Batch::open(&bad, log().verifier()).is_err(), "bit {at}");
        }
    }
}
