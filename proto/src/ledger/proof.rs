//! A receipt: C2SP tlog-proof, which shows that an entry is in a log without asking the log.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! index 1001
//! <base64 of each sibling, from the leaf upwards>
//!
//! <the log's checkpoint, verbatim>
//! ```
//!
//! A promise to include can be broken; a receipt can't, because it *is* the inclusion: "no log, no run" rests on it.
//!
//! Not here: whether the checkpoint continues an earlier one ([`super::pin`]).

use super::checkpoint::{self, Checkpoint, CheckpointError};
use super::merkle::{self, Hash, PROOF_MAX};
use super::note::{NOTE_MAX, Note, NoteError};
use crate::encoding;
use crate::id::Leaf;
use crate::key::VerifierKey;

/// First line.
pub const TLOG_PROOF: &str = "c2sp.org/tlog-proof@v1";
/// Longest proof, in bytes: the siblings, the checkpoint, and room for opaque extra data.
pub const PROOF_BYTES_MAX: usize = 2 * NOTE_MAX;

/// An inclusion proof with the checkpoint it leads to. Believe nothing before [`Proof::verify`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Proof {
    /// The entry's number in the log.
    pub index: u64,
    /// Siblings from the leaf upwards.
    pub siblings: Vec<Hash>,
    /// The checkpoint's note.
    pub checkpoint: Note,
    /// Opaque data that nothing vouches for; we never write it. (C2SP tlog-proof)
    pub extra: Option<Vec<u8>>,
}

/// Bytes that aren't a receipt, or one that doesn't hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Longer than [`PROOF_BYTES_MAX`], or with more than [`PROOF_MAX`] hashes.
    #[error("the proof is too long")]
    TooLong,
    /// Not the lines of a tlog-proof, each in its one spelling.
    #[error("line {0} of the proof is malformed")]
    Line(usize),
    /// What follows the empty line is no signed note.
    #[error("the proof's checkpoint is not a signed note")]
    Note(
        #[from]
        #[source]
        NoteError,
    ),
    /// The checkpoint isn't the log's.
    #[error("the proof's checkpoint isn't the log's")]
    Checkpoint(
        #[from]
        #[source]
        CheckpointError,
    ),
    /// The entry isn't where the proof says.
    #[error("the entry isn't in the tree of the checkpoint")]
    Inclusion(
        #[from]
        #[source]
        merkle::ProofError,
    ),
}

impl Proof {
    /// Reads a proof, in the one spelling [`Self::to_bytes`] writes.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        if bytes.len() > PROOF_BYTES_MAX {
            return Err(ReceiptError::TooLong);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| ReceiptError::Note(NoteError::NotText))?;
        let (mut rest, mut number) = (text, 0);
        let mut line = || {
            number += 1;
            let (line, after) = rest.split_once('\n').ok_or(ReceiptError::Line(number))?;
            rest = after;
            Ok::<_, ReceiptError>((number, line, after))
        };
        let (n, first, _) = line()?;
        if first != TLOG_PROOF {
            return Err(ReceiptError::Line(n));
        }
        let (mut n, mut second, _) = line()?;
        let mut extra = None;
        if let Some(data) = second.strip_prefix("extra ") {
            extra = Some(encoding::base64(data).ok_or(ReceiptError::Line(n))?);
            (n, second, _) = line()?;
        }
        let index = second.strip_prefix("index ").and_then(checkpoint::decimal).ok_or(ReceiptError::Line(n))?;
        let mut siblings = Vec::new();
        let checkpoint = loop {
            let (n, sibling, after) = line()?;
            if sibling.is_empty() {
                break after;
            }
            if siblings.len() == PROOF_MAX {
                return Err(ReceiptError::TooLong);
            }
            siblings.push(checkpoint::hash(sibling).ok_or(ReceiptError::Line(n))?);
        };
        Ok(Self { index, siblings, checkpoint: Note::parse(checkpoint.as_bytes())?, extra })
    }

    /// The proof's bytes: exactly those that were parsed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{TLOG_PROOF}\n");
        if let Some(extra) = &self.extra {
            text.push_str(&format!("extra {}\n", encoding::to_base64(extra)));
        }
        text.push_str(&format!("index {}\n", self.index));
        for sibling in &self.siblings {
            text.push_str(&encoding::to_base64(sibling));
            text.push('\n');
        }
        text.push('\n');
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.checkpoint.to_bytes());
        bytes
    }

    /// Checks that the log signed the checkpoint and that the entry is in its tree; gives that checkpoint.
    pub fn verify(&self, leaf: Leaf, log: &VerifierKey) -> Result<Checkpoint, ReceiptError> {
        let checkpoint = Checkpoint::of_note(&self.checkpoint, log)?;
        merkle::verify_inclusion(leaf, self.index, checkpoint.size, &checkpoint.root, &self.siblings)?;
        Ok(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::key::{KeyName, SigningKey};
    use crate::ledger::merkle::Tree;
    use crate::ledger::note;

    fn log() -> SigningKey {
        SigningKey::new("log", [1; 32]).named(KeyName::new("relay.example/log").unwrap())
    }

    fn leaf(n: u64) -> Leaf {
        note::leaf(&[n as u8])
    }

    fn proof(index: u64, size: u64) -> Proof {
        let (mut tree, mut nodes) = (Tree::new(), Vec::new());
        for n in 0..size {
            tree.append(leaf(n), |level, index, hash| nodes.push(((level, index), hash)));
        }
        let node = |level, index| nodes.iter().find(|(name, _)| *name == (level, index)).map(|(_, hash)| *hash);
        let siblings = merkle::inclusion(index, size, node).unwrap();
        let checkpoint = Checkpoint::of(log().verifier(), size, tree.root()).sign(&log());
        Proof { index, siblings, checkpoint: Note::parse(&checkpoint).unwrap(), extra: None }
    }

    #[test]
    fn round_trip() {
        for (index, size) in [(0, 1), (0, 2), (4, 5), (3, 11)] {
            let proof = proof(index, size);
            let bytes = proof.to_bytes();
            assert_eq!(Proof::parse(&bytes), Ok(proof.clone()));
            assert_eq!(proof.verify(leaf(index), log().verifier()).map(|c| c.size), Ok(size));
            assert!(proof.verify(leaf(index + 1), log().verifier()).is_err());
        }
        let extra = Proof { extra: Some(vec![1, 2, 3]), ..proof(1, 2) };
        assert_eq!(Proof::parse(&extra.to_bytes()), Ok(extra));
    }

    #[test]
    fn the_format_is_c2sp() {
        let text = String::from_utf8(proof(2, 3).to_bytes()).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("c2sp.org/tlog-proof@v1"));
        assert_eq!(lines.next(), Some("index 2"));
        assert_eq!(lines.next().map(str::len), Some(44));
        assert_eq!(lines.next(), Some(""));
        assert_eq!(lines.next(), Some("relay.example/log"));
    }

    #[test]
    fn one_spelling() {
        let text = String::from_utf8(proof(2, 11).to_bytes()).unwrap();
        for (from, to) in [
            ("@v1", "@v2"),
            ("index 2", "index 02"),
            ("index 2", "index +2"),
            ("index 2", " index 2"),
            ("index 2", "index 2 "),
            ("index 2", "index 2\r"),
            ("index 2", "extra AQ\nindex 2"),
            ("index 2", "extra AR==\nindex 2"),
            ("index 2", "index 2\nextra AQ=="),
            ("index 2", "index 9007199254740993"),
            ("=\n", "\n"),
            ("=\n", "=\u{b}"),
            ("\n\nrelay", "\nrelay"),
            ("\n\nrelay", "\n\n\nrelay"),
        ] {
            assert!(text.contains(from), "{from:?}");
            let parsed = Proof::parse(text.replacen(from, to, 1).as_bytes());
            assert!(parsed.and_then(|proof| proof.verify(leaf(2), log().verifier())).is_err(), "{from:?} {to:?}");
        }
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let good = proof(2, 7).to_bytes();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let accepted = Proof::parse(&bad).is_ok_and(|proof| proof.verify(leaf(2), log().verifier()).is_ok());
            assert!(!accepted, "bit {bit}");
        }
    }

    #[test]
    fn limits_at_below_and_above() {
        for (hashes, fits) in [(PROOF_MAX - 1, true), (PROOF_MAX, true), (PROOF_MAX + 1, false)] {
            let long = Proof { siblings: vec![[0; 32]; hashes], ..proof(0, 1) };
            assert_eq!(Proof::parse(&long.to_bytes()).is_ok(), fits, "{hashes}");
        }
        let spare = PROOF_BYTES_MAX - proof(0, 1).to_bytes().len() - "extra \n".len();
        for (bytes, fits) in [(spare / 4 * 3, true), (spare / 4 * 3 + 3, false)] {
            let long = Proof { extra: Some(vec![0; bytes]), ..proof(0, 1) };
            assert_eq!(Proof::parse(&long.to_bytes()).is_ok(), fits, "{bytes}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic_and_have_one_spelling(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            for start in ["", "c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v1\nindex 1\n\n"] {
                let bytes = [start.as_bytes(), &tail].concat();
                if let Ok(proof) = Proof::parse(&bytes) {
                    prop_assert_eq!(proof.to_bytes(), bytes);
                }
            }
        }
    }
}
