//! Ed25519 keys (RFC 8032) and their two public spellings: the *verifier key* text of C2SP signed-note, and the
//! SubjectPublicKeyInfo that TLS carries (RFC 7250, RFC 8410).
//!
//! Not here: who a key belongs to. That comes only from signed notes ([`crate::statement`]). (SECURITY A3)

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::Signer as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::encoding;

/// Algorithm byte of an Ed25519 verifier key (C2SP signed-note).
const ED25519: u8 = 0x01;
/// DER of `SubjectPublicKeyInfo { id-Ed25519, BIT STRING }` up to the 32 key bytes (RFC 8410 section 4).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// DER of `OneAsymmetricKey { version 0, id-Ed25519, OCTET STRING { OCTET STRING } }` up to the 32 seed bytes (RFC 8410 section 7).
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// Longest key name, in bytes.
pub const NAME_MAX: usize = 128;

/// A public Ed25519 key that is not weak: a point of small order would accept signatures nobody made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// A key that can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a verifier key of the form `name+hash+key`.
    #[error("not a verifier key")]
    Malformed,
    /// The hash in the text is not the hash of name and key.
    #[error("the verifier key's hash doesn't fit its name and key")]
    WrongHash,
    /// An algorithm other than Ed25519.
    #[error("not an Ed25519 key")]
    Algorithm,
    /// Not a point of the curve, or one of small order.
    #[error("weak or invalid Ed25519 key")]
    Weak,
}

impl PublicKey {
    /// Refuses what is no point of the curve, and points of small order.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, KeyError> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::Weak)?;
        if key.is_weak() { Err(KeyError::Weak) } else { Ok(Self(bytes)) }
    }

    /// Reads the SubjectPublicKeyInfo a TLS peer showed.
    pub fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        let key = der.strip_prefix(SPKI_PREFIX.as_slice()).ok_or(KeyError::Algorithm)?;
        Self::from_bytes(key.try_into().map_err(|_| KeyError::Malformed)?)
    }

    /// DER of the SubjectPublicKeyInfo.
    pub fn spki(&self) -> [u8; 44] {
        let mut der = [0; 44];
        der[..12].copy_from_slice(&SPKI_PREFIX);
        der[12..].copy_from_slice(&self.0);
        der
    }

    /// The 32 bytes of the key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Strict verification (RFC 8032 with canonical `S` and no small-order components), so that all verifiers agree.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        ed25519_dalek::VerifyingKey::from_bytes(&self.0)
            .is_ok_and(|key| key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature)).is_ok())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encoding::to_base32(&self.0[..10]))
    }
}

/// Name of a key in signed notes: an opaque id without white space or `+`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// Checks the C2SP rules: not empty, no Unicode spaces, no plus; ours: printable ASCII, at most [`NAME_MAX`] bytes.
    pub fn new(name: &str) -> Result<Self, KeyError> {
        let fits =
            !name.is_empty() && name.len() <= NAME_MAX && name.bytes().all(|b| b.is_ascii_graphic() && b != b'+');
        if fits { Ok(Self(name.to_owned())) } else { Err(KeyError::Malformed) }
    }

    /// `kind-` and 16 letters of the key's SHA-256: a name that says nothing about a person.
    pub fn of(kind: &str, key: &PublicKey) -> Self {
        Self(format!("{kind}-{}", encoding::to_base32(&Sha256::digest(key.0)[..10])))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name and the only key that may sign under it (C2SP signed-note *vkey*).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerifierKey {
    /// The name.
    pub name: KeyName,
    /// The key.
    pub key: PublicKey,
}

impl VerifierKey {
    /// First four bytes of SHA-256 over name, line feed, algorithm and key: which key signed, told before trying.
    pub fn id(&self) -> [u8; 4] {
        let mut hash = Sha256::new();
        hash.update(self.name.0.as_bytes());
        hash.update([b'\n', ED25519]);
        hash.update(self.key.0);
        let hash = hash.finalize();
        [hash[0], hash[1], hash[2], hash[3]]
    }
}

impl VerifierKey {
    /// Made ready for many signatures.
    pub fn ready(&self) -> ReadyKey {
        ReadyKey { id: self.id(), point: ed25519_dalek::VerifyingKey::from_bytes(&self.key.0).ok(), key: self.clone() }
    }
}

/// A verifier key for who checks many signatures by it: id and point of the curve are worked out once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReadyKey {
    key: VerifierKey,
    id: [u8; 4],
    /// Always there: a [`PublicKey`] is a point.
    point: Option<ed25519_dalek::VerifyingKey>,
}

impl ReadyKey {
    /// Name and public key.
    pub fn verifier(&self) -> &VerifierKey {
        &self.key
    }

    /// See [`VerifierKey::id`].
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// See [`PublicKey::verify`].
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        self.point.is_some_and(|point| point.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ED25519];
        key.extend_from_slice(&self.key.0);
        write!(f, "{}+{}+{}", self.name, encoding::to_hex(&self.id()), encoding::to_base64(&key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        // Base64 may contain `+`, names and hex can't: split at the first two.
        let mut fields = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(KeyError::Malformed);
        };
        let id: [u8; 4] = encoding::hex(id).ok_or(KeyError::Malformed)?;
        let bytes = encoding::base64(key).ok_or(KeyError::Malformed)?;
        let (&algorithm, bytes) = bytes.split_first().ok_or(KeyError::Malformed)?;
        if algorithm != ED25519 {
            return Err(KeyError::Algorithm);
        }
        let key = PublicKey::from_bytes(bytes.try_into().map_err(|_| KeyError::Malformed)?)?;
        let vkey = Self { name: KeyName::new(name)?, key };
        if vkey.id() == id { Ok(vkey) } else { Err(KeyError::WrongHash) }
    }
}

impl Serialize for VerifierKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for VerifierKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A private Ed25519 key under its name. Wiped when dropped; no `Debug`, no `Clone`, no `Serialize`.
pub struct SigningKey {
    /// Wipes itself; its public half is worked out once, not at every signature.
    pair: ed25519_dalek::SigningKey,
    verifier: VerifierKey,
}

/// The promise of wiping is the library's, kept by this line: it wouldn't compile without.
const _: fn() = || {
    fn wipes<T: ZeroizeOnDrop>() {}
    wipes::<ed25519_dalek::SigningKey>();
};

impl SigningKey {
    /// Makes the key of 32 random bytes, named `kind-…` after its public half.
    pub fn new(kind: &str, mut seed: [u8; 32]) -> Self {
        let pair = ed25519_dalek::SigningKey::from_bytes(&seed);
        seed.zeroize();
        let key = PublicKey(pair.verifying_key().to_bytes());
        Self { pair, verifier: VerifierKey { name: KeyName::of(kind, &key), key } }
    }

    /// The same key under another name; a log's name is its origin.
    #[must_use]
    pub fn named(&self, name: KeyName) -> Self {
        Self { pair: self.pair.clone(), verifier: VerifierKey { name, key: self.verifier.key } }
    }

    /// Name and public key.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The public key.
    pub fn public(&self) -> &PublicKey {
        &self.verifier.key
    }

    /// Signs.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.pair.sign(message).to_bytes()
    }

    /// PKCS#8 DER (RFC 8410), for TLS and for the key file. The caller wipes it.
    pub fn to_pkcs8(&self) -> zeroize::Zeroizing<Vec<u8>> {
        let mut der = zeroize::Zeroizing::new(Vec::with_capacity(48));
        der.extend_from_slice(&PKCS8_PREFIX);
        der.extend_from_slice(self.pair.as_bytes());
        der
    }

    /// Reads what [`Self::to_pkcs8`] wrote.
    pub fn from_pkcs8(kind: &str, der: &[u8]) -> Result<Self, KeyError> {
        let seed = der.strip_prefix(PKCS8_PREFIX.as_slice()).ok_or(KeyError::Algorithm)?;
        let mut seed: [u8; 32] = seed.try_into().map_err(|_| KeyError::Malformed)?;
        let key = Self::new(kind, seed);
        seed.zeroize();
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::new("device", [7; 32])
    }

    #[test]
    fn verifier_keys_have_one_spelling() {
        let vkey = key().verifier().clone();
        let text = vkey.to_string();
        assert_eq!(text.parse(), Ok(vkey));
        assert_eq!(format!("x{text}").parse::<VerifierKey>(), Err(KeyError::WrongHash));
        assert_eq!(text.trim_end_matches('=').parse::<VerifierKey>().is_ok(), !text.ends_with('='));
        for bad in ["", "a", "a+b", "a+00000000+AQ==", "a b+00000000+AQ=="] {
            assert!(bad.parse::<VerifierKey>().is_err(), "{bad}");
        }
    }

    /// The vector of the C2SP signed-note reference (golang.org/x/mod/sumdb/note).
    #[test]
    fn reference_vector() {
        let peter = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        assert_eq!(peter.parse::<VerifierKey>().map(|k| k.to_string()), Ok(peter.to_owned()));
    }

    #[test]
    fn a3_weak_keys_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(PublicKey::from_bytes(identity), Err(KeyError::Weak));
        assert_eq!(PublicKey::from_bytes([0; 32]), Err(KeyError::Weak));
    }

    #[test]
    fn der_round_trips() {
        let key = key();
        assert_eq!(PublicKey::from_spki(&key.public().spki()), Ok(*key.public()));
        let again = SigningKey::from_pkcs8("device", &key.to_pkcs8());
        assert!(again.is_ok_and(|again| again.verifier() == key.verifier()));
        assert!(PublicKey::from_spki(&key.public().spki()[..43]).is_err());
        assert!(SigningKey::from_pkcs8("device", &key.to_pkcs8()[1..]).is_err());
    }

    #[test]
    fn signatures_verify() {
        let (key, other) = (key(), SigningKey::new("device", [8; 32]));
        let signature = key.sign(b"x");
        assert!(key.public().verify(b"x", &signature));
        assert!(!key.public().verify(b"y", &signature));
        assert!(!other.public().verify(b"x", &signature));
        let ready = key.verifier().ready();
        assert!(ready.verify(b"x", &signature) && !ready.verify(b"y", &signature));
        assert!(!other.verifier().ready().verify(b"x", &signature));
    }
}
