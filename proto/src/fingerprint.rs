//! The fingerprint of an organisation's root: the one thing an address pins, from which every other key follows.
//! (SECURITY A1)

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::encoding;
use crate::key::VerifierKey;

/// Letters of a written fingerprint.
pub const LETTERS: usize = 52;

/// SHA-256 of the root's verifier key text (C2SP *vkey*, no line feed), written as 52 letters of lower-case base32.
/// Anybody can redo it: `printf %s "$VKEY" | sha256sum`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint(pub [u8; 32]);

/// A text that is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is 52 letters a-z and digits 2-7")]
pub struct InvalidFingerprint;

impl Fingerprint {
    /// The fingerprint of a root key. Name and key both count: the same key under another name is another root.
    pub fn of(root: &VerifierKey) -> Self {
        Self(Sha256::digest(root.to_string()).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encoding::to_base32(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        if text.len() != LETTERS {
            return Err(InvalidFingerprint);
        }
        encoding::base32(text).and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(InvalidFingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf %s 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW' | sha256sum`
    #[test]
    fn a1_sha256_of_the_verifier_key_text() {
        let root: VerifierKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse().unwrap();
        assert_eq!(
            encoding::to_hex(&Fingerprint::of(&root).0),
            "a82f24c48c9ee106dd11952a8026e14f3760ae4686748dd80e6cae8dd4e98a04"
        );
    }

    #[test]
    fn one_spelling() {
        let fingerprint = Fingerprint([0x5a; 32]);
        let text = fingerprint.to_string();
        assert_eq!(text.len(), LETTERS);
        assert_eq!(text.parse(), Ok(fingerprint));
        // The last letter carries one bit: four of its five must be zero.
        let twin = format!("{}b", &text[..51]);
        for bad in ["", &text[1..], &format!("{text}a"), &text.to_uppercase(), &twin, &"1".repeat(52)] {
            assert_eq!(bad.parse::<Fingerprint>(), Err(InvalidFingerprint), "{bad}");
        }
    }
}
