//! The key of a witness: one who cosigns checkpoints.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::encoding;
use crate::key::{KeyError, KeyName, PublicKey};

/// Algorithm byte of a timestamped Ed25519 cosignature (C2SP tlog-cosignature).
const COSIGNATURE: u8 = 0x04;

/// Name and key of a witness (C2SP tlog-cosignature). A type of its own, so that a cosignature is never taken for a
/// log's or a member's signature.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WitnessKey {
    /// The name.
    pub name: KeyName,
    /// The key.
    pub key: PublicKey,
}

impl WitnessKey {
    /// The key id in its signature lines.
    pub fn id(&self) -> [u8; 4] {
        let mut hash = Sha256::new();
        hash.update(self.name.as_str());
        hash.update([b'\n', COSIGNATURE]);
        hash.update(self.key.as_bytes());
        let hash = hash.finalize();
        [hash[0], hash[1], hash[2], hash[3]]
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[COSIGNATURE], self.key.as_bytes().as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, encoding::to_hex(&self.id()), encoding::to_base64(&key))
    }
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for WitnessKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut fields = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(KeyError::Malformed);
        };
        let id: [u8; 4] = encoding::hex(id).ok_or(KeyError::Malformed)?;
        let bytes = encoding::base64(key).ok_or(KeyError::Malformed)?;
        let key = bytes.strip_prefix(&[COSIGNATURE]).ok_or(KeyError::Algorithm)?;
        let key = PublicKey::from_bytes(key.try_into().map_err(|_| KeyError::Malformed)?)?;
        let witness = Self { name: KeyName::new(name)?, key };
        if witness.id() == id { Ok(witness) } else { Err(KeyError::WrongHash) }
    }
}

impl Serialize for WitnessKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WitnessKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{SigningKey, VerifierKey};

    #[test]
    fn f7_a_witness_key_is_no_other_key() {
        let signing = SigningKey::new("witness", [3; 32]);
        let witness = WitnessKey { name: signing.verifier().name.clone(), key: *signing.public() };
        assert_eq!(witness.to_string().parse(), Ok(witness.clone()));
        assert_eq!(witness.to_string().parse::<VerifierKey>(), Err(KeyError::Algorithm));
        assert_eq!(signing.verifier().to_string().parse::<WitnessKey>(), Err(KeyError::Algorithm));
        assert_ne!(witness.id(), signing.verifier().id());
    }
}
