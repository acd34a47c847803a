//! A log's signed word about its whole tree: C2SP tlog-checkpoint.
//!
//! ```text
//! relay.example/log
//! 1003
//! <base64 of the root>
//!
//! — relay.example/log <signature>
//! ```
//!
//! The log's key name is its origin, so a checkpoint can't be taken for one of another log. Whoever holds two
//! checkpoints of one size and different roots holds proof that the log lies ([`super::pin`], SECURITY F4).
//!
//! Extension lines and signatures of others are tolerated, as C2SP asks: a witness we don't know may have cosigned.
//! Not here: whether the tree is what it should be ([`super::merkle`]).

use sha2::{Digest, Sha256};

use super::merkle::{Hash, SIZE_MAX};
use super::note::{self, Note, NoteError};
use crate::encoding;
use crate::key::{KeyName, SigningKey, VerifierKey};

/// Most extension lines we read; we write none.
pub const EXTENSIONS_MAX: usize = 16;

/// What a log said about its tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Checkpoint {
    /// Which log: the name of its key.
    pub origin: KeyName,
    /// Number of leaves.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
}

/// Bytes that aren't a checkpoint of the expected log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not a signed note, or not signed by the log.
    #[error("the checkpoint is not properly signed")]
    Note(
        #[from]
        #[source]
        NoteError,
    ),
    /// Not origin, size and root, each in its one spelling.
    #[error("the checkpoint isn't origin, size and root")]
    Malformed,
    /// Signed by the log, but in another log's name.
    #[error("the checkpoint names another origin than the log that signed it")]
    ForeignOrigin,
}

impl Checkpoint {
    /// The checkpoint of this log: its origin is the key's name.
    pub fn of(log: &VerifierKey, size: u64, root: Hash) -> Self {
        Self { origin: log.name.clone(), size, root }
    }

    /// Signs with the log's key, whose name must be the origin, and gives the note's bytes.
    ///
    /// Sign only what is about to be stored: a log that signs two roots of one size is caught for ever.
    pub fn sign(&self, log: &SigningKey) -> Vec<u8> {
        note::sign(&self.text(), log)
    }

    /// Verifies a note by the log's key, then reads those same bytes.
    pub fn open(bytes: &[u8], log: &VerifierKey) -> Result<Self, CheckpointError> {
        Self::of_note(&Note::parse(bytes)?, log)
    }

    /// Like [`Self::open`], of a note already parsed.
    pub fn of_note(note: &Note, log: &VerifierKey) -> Result<Self, CheckpointError> {
        note.verify(log)?;
        let checkpoint = Self::unverified(note)?;
        if checkpoint.origin == log.name { Ok(checkpoint) } else { Err(CheckpointError::ForeignOrigin) }
    }

    /// What a note claims, before any signature is checked: only to find out whose key to ask for.
    pub fn unverified(note: &Note) -> Result<Self, CheckpointError> {
        Self::of_text(note.text()).ok_or(CheckpointError::Malformed)
    }

    /// The three lines that are signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, encoding::to_base64(&self.root))
    }

    fn of_text(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let origin = KeyName::new(lines.next()?).ok()?;
        let size = decimal(lines.next()?)?;
        let root = hash(lines.next()?)?;
        let (mut extensions, mut fits) = (0, true);
        for line in lines {
            extensions += 1;
            fits &= !line.is_empty();
        }
        // The root of no leaves is known; another one would be a second empty tree.
        let possible = size != 0 || root == Hash::from(Sha256::digest([]));
        (fits && possible && extensions <= EXTENSIONS_MAX).then_some(Self { origin, size, root })
    }
}

/// A whole number up to [`SIZE_MAX`], without leading zeroes or sign.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number <= SIZE_MAX && number.to_string() == text).then_some(number)
}

/// Base64 of 32 bytes.
pub(super) fn hash(text: &str) -> Option<Hash> {
    encoding::base64(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ledger::note::Signature;

    fn log() -> SigningKey {
        SigningKey::new("log", [1; 32]).named(KeyName::new("relay.example/log").unwrap())
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint::of(log().verifier(), 1_003, [7; 32])
    }

    fn signed(text: &str) -> Result<Checkpoint, CheckpointError> {
        Checkpoint::open(&note::sign(text, &log()), log().verifier())
    }

    /// The example of C2SP tlog-checkpoint, whose key is not published: form only.
    #[test]
    fn reference_form() {
        let example = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
            \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
            \u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
        let note = Note::parse(example.as_bytes()).unwrap();
        let checkpoint = Checkpoint::unverified(&note).unwrap();
        assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("example.com/behind-the-sofa", 20_852_163));
        assert_eq!(checkpoint.text(), note.text());
    }

    #[test]
    fn round_trip_with_strangers_and_extensions() {
        let bytes = checkpoint().sign(&log());
        assert_eq!(Checkpoint::open(&bytes, log().verifier()), Ok(checkpoint()));
        let mut note = Note::parse(&bytes).unwrap();
        note.add_line(Signature { name: KeyName::new("w").unwrap(), id: [4; 4], bytes: vec![9; 72] });
        assert_eq!(Checkpoint::open(&note.to_bytes(), log().verifier()), Ok(checkpoint()));
        let text = checkpoint().text();
        assert_eq!(signed(&format!("{text}{}", "x y\n".repeat(EXTENSIONS_MAX))), Ok(checkpoint()));
        assert!(signed(&format!("{text}{}", "x y\n".repeat(EXTENSIONS_MAX + 1))).is_err());
    }

    #[test]
    fn one_spelling() {
        let text = checkpoint().text();
        for (from, to) in [
            ("1003", "01003"),
            ("1003", "+1003"),
            ("1003", "-1"),
            ("1003", "9007199254740993"),
            ("1003", "1003 "),
            ("1003", ""),
            ("1003", "0"),
            ("relay", "re lay"),
            ("=\n", "\n"),
            ("=\n", "=\n\nx\n"),
            ("=\n", "=\n\n"),
        ] {
            assert!(text.contains(from));
            assert_eq!(signed(&text.replacen(from, to, 1)), Err(CheckpointError::Malformed), "{from} {to}");
        }
        assert_eq!(signed("relay.example/log\n1\n"), Err(CheckpointError::Malformed));
    }

    #[test]
    fn a_foreign_origin_is_refused() {
        let other = log().named(KeyName::new("relay.example/log/2").unwrap());
        let foreign = Checkpoint::of(other.verifier(), 1, [0; 32]);
        let note = note::sign(&foreign.text(), &log());
        assert_eq!(Checkpoint::open(&note, log().verifier()), Err(CheckpointError::ForeignOrigin));
        let unsigned = foreign.sign(&other);
        assert_eq!(Checkpoint::open(&unsigned, log().verifier()), Err(CheckpointError::Note(NoteError::NotSigned)));
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let good = checkpoint().sign(&log());
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Checkpoint::open(&bad, log().verifier()).is_err(), "bit {bit}");
        }
    }

    proptest! {
        #[test]
        fn any_text_never_panics(text in "[a-z+ ]{0,9}\n[0-9]{0,20}\n[A-Za-z0-9+/]{40,44}=?\n(x\n)?") {
            if let Some(checkpoint) = Checkpoint::of_text(&text) {
                prop_assert!(text.starts_with(&checkpoint.text()));
            }
        }
    }
}
