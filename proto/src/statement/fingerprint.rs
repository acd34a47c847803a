//! What an address pins: the root key, as 52 letters.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::encoding;
use crate::id::InvalidId;
use crate::key::VerifierKey;

/// SHA-256 of the root's verifier key text (without line end), written as 52 letters of lower-case base32: what stands
/// after the `#` of an address. (SECURITY A1)
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// The fingerprint of a root key.
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
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let bytes = encoding::base32(text).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(InvalidId("root fingerprint"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a1_fingerprints_have_one_spelling() {
        // Computed with: printf %s "$VKEY" | openssl dgst -sha256 -binary | base32
        let root: VerifierKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse().unwrap();
        let text = Fingerprint::of(&root).to_string();
        assert_eq!(text, "vaxsjremt3qqnxirsuviajxbj43wblsgqz2i3waonsxi3vhjrica");
        assert_eq!(text.parse(), Ok(Fingerprint::of(&root)));
        for bad in ["", &text[..51], &format!("{text}a"), &text.to_uppercase(), &format!("{}b", &text[..51])] {
            assert_eq!(bad.parse::<Fingerprint>(), Err(InvalidId("root fingerprint")), "{bad}");
        }
    }
}
