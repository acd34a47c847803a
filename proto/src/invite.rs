//! An invite: one word that is enough to become a member. It says where the relay is, which root to believe, and the
//! secret that may be used once.
//!
//! ```text
//! venia-invite-BASE32( 0x01 · root fingerprint (32) · secret (20) · HOST:PORT in ASCII · check (4) )
//! ```
//!
//! `check` is the beginning of SHA-256 over all before it: a word that lost its end in a chat window is told from one
//! that expired. Lower-case base32 without padding survives mail, chat and a double click, and needs no quoting.
//!
//! The relay stores [`InviteSecret::hash`] alone: who steals its database can't enrol. A thief of the word can, once,
//! for 24 hours; the real member then sees the invite used and the administrator revokes. (H3: it never reaches a log.)

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::address::{HostPort, RelayAddress};
use crate::encoding;
use crate::fingerprint::Fingerprint;

/// Bytes of the secret: 160 bits.
pub const SECRET: usize = 20;
/// How long an invite is good, in milliseconds: 24 hours.
pub const LIFETIME_MS: u64 = 24 * 60 * 60 * 1000;

const PREFIX: &str = "venia-invite-";
const VERSION: u8 = 1;
const CHECK: usize = 4;
const HEAD: usize = 1 + 32 + SECRET;
/// Longest word, in letters: a name of 253 letters, a colon and five digits.
const LETTERS_MAX: usize = PREFIX.len() + ((HEAD + crate::address::NAME_MAX + 6 + CHECK) * 8).div_ceil(5);

/// An invite. Secret: no `Clone`, no `Display`, redacted in `Debug`.
pub struct Invite {
    /// The relay and its root.
    pub relay: RelayAddress,
    /// What the relay wants to see once.
    pub secret: InviteSecret,
}

/// The secret of an invite, sent to the relay inside TLS. Wiped when dropped, redacted in `Debug`.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct InviteSecret([u8; SECRET]);

/// What the relay stores of an invite; also how it finds one. Not secret, but no business of anybody else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InviteHash(pub [u8; 32]);

/// A word that is no invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InviteError {
    /// Doesn't begin with `venia-invite-`.
    #[error("an invite begins with venia-invite-")]
    Prefix,
    /// Letters are missing, added or changed.
    #[error("the invite is incomplete or mistyped; copy the whole word")]
    Damaged,
    /// Made by a newer relay.
    #[error("the invite was made by a newer version")]
    Version,
}

impl Invite {
    /// Makes an invite of 20 random bytes.
    pub fn new(relay: RelayAddress, random: [u8; SECRET]) -> Self {
        Self { relay, secret: InviteSecret(random) }
    }

    /// What the relay stores.
    pub fn hash(&self) -> InviteHash {
        self.secret.hash()
    }

    /// The word. Print it once, for the person it is for; wiped when dropped.
    pub fn word(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(HEAD + crate::address::NAME_MAX + 6 + CHECK));
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.relay.root.0);
        bytes.extend_from_slice(&self.secret.0);
        bytes.extend_from_slice(self.relay.at.to_string().as_bytes());
        let check = check(&bytes);
        bytes.extend_from_slice(&check);
        let letters = Zeroizing::new(encoding::to_base32(&bytes));
        let mut word = Zeroizing::new(String::with_capacity(PREFIX.len() + letters.len()));
        word.push_str(PREFIX);
        word.push_str(&letters);
        word
    }
}

impl InviteSecret {
    /// Reads the secret a future member sent; `None` for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes to send, inside TLS only.
    pub fn as_bytes(&self) -> &[u8; SECRET] {
        &self.0
    }

    /// SHA-256 of a label and the secret. 160 random bits need no slow hash and no salt.
    pub fn hash(&self) -> InviteHash {
        let mut hash = Sha256::new();
        hash.update(b"venia/invite/v1\0");
        hash.update(self.0);
        InviteHash(hash.finalize().into())
    }
}

/// Strict but for white space around: one spelling per invite.
impl FromStr for Invite {
    type Err = InviteError;

    fn from_str(text: &str) -> Result<Self, InviteError> {
        let text = text.trim_ascii();
        let letters = text.strip_prefix(PREFIX).ok_or(InviteError::Prefix)?;
        if text.len() > LETTERS_MAX {
            return Err(InviteError::Damaged);
        }
        let bytes = Zeroizing::new(encoding::base32(letters).ok_or(InviteError::Damaged)?);
        let (body, given) = bytes.split_last_chunk::<CHECK>().ok_or(InviteError::Damaged)?;
        if check(body) != *given {
            return Err(InviteError::Damaged);
        }
        let (&version, body) = body.split_first().ok_or(InviteError::Damaged)?;
        if version != VERSION {
            return Err(InviteError::Version);
        }
        let (&root, body) = body.split_first_chunk::<32>().ok_or(InviteError::Damaged)?;
        let (secret, at) = body.split_first_chunk::<SECRET>().ok_or(InviteError::Damaged)?;
        let at: HostPort = str::from_utf8(at).ok().and_then(|at| at.parse().ok()).ok_or(InviteError::Damaged)?;
        Ok(Self { relay: RelayAddress { at, root: Fingerprint(root) }, secret: InviteSecret(*secret) })
    }
}

fn check(bytes: &[u8]) -> [u8; CHECK] {
    let hash = Sha256::digest(bytes);
    [hash[0], hash[1], hash[2], hash[3]]
}

impl fmt::Debug for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invite({}, …)", self.relay)
    }
}

impl fmt::Debug for InviteSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteSecret(…)")
    }
}

impl fmt::Debug for InviteHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encoding::to_hex(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite() -> Invite {
        let relay = RelayAddress { at: "relay.example:4433".parse().unwrap(), root: Fingerprint([3; 32]) };
        Invite::new(relay, *b"twenty bytes secret!")
    }

    #[test]
    fn one_word_carries_all() {
        let word = invite().word();
        assert!(word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{}", *word);
        let again: Invite = format!("  {}\n", *word).parse().unwrap();
        assert_eq!(again.relay, invite().relay);
        assert_eq!(again.hash(), invite().hash());
        assert_eq!(*again.word(), *word);
        let sent = InviteSecret::from_bytes(again.secret.as_bytes());
        assert!(sent.is_some_and(|sent| sent.hash() == again.hash()));
        assert!(InviteSecret::from_bytes(&[0; SECRET - 1]).is_none());
    }

    #[test]
    fn the_longest_address_fits() {
        let label = "a".repeat(63);
        let at = format!("{label}.{label}.{label}.{}:65535", "b".repeat(61)).parse().unwrap();
        let relay = RelayAddress { at, root: Fingerprint([3; 32]) };
        let word = Invite::new(relay.clone(), [1; SECRET]).word();
        assert_eq!(word.len(), LETTERS_MAX);
        assert_eq!(word.parse::<Invite>().map(|invite| invite.relay), Ok(relay));
    }

    #[test]
    fn every_cut_and_every_changed_letter_is_told() {
        let word = invite().word();
        for cut in PREFIX.len()..word.len() {
            assert_eq!(word[..cut].parse::<Invite>().err(), Some(InviteError::Damaged), "{cut}");
            let changed = if word.as_bytes()[cut] == b'a' { "b" } else { "a" };
            let mut other = word.to_string();
            other.replace_range(cut..=cut, changed);
            assert!(other.parse::<Invite>().is_err(), "{cut}");
        }
        assert!(word.to_uppercase().parse::<Invite>().is_err());
        assert!(format!("{}a", *word).parse::<Invite>().is_err());
        assert_eq!("417-lobo-cobre".parse::<Invite>().err(), Some(InviteError::Prefix));
    }

    #[test]
    fn a_newer_version_is_named() {
        let mut bytes = encoding::base32(&invite().word()[PREFIX.len()..]).unwrap();
        bytes[0] = 2;
        let body = bytes.len() - CHECK;
        let fresh = check(&bytes[..body]);
        bytes[body..].copy_from_slice(&fresh);
        let word = format!("{PREFIX}{}", encoding::to_base32(&bytes));
        assert_eq!(word.parse::<Invite>().err(), Some(InviteError::Version));
    }

    /// `(printf 'venia/invite/v1\0'; printf 'twenty bytes secret!') | sha256sum`
    #[test]
    fn the_relay_stores_a_labelled_hash() {
        assert_eq!(
            format!("{:?}", invite().hash()),
            "d5577ac5ed7f06637b1eaac27dd20bf6291dd382047aeb413ddd8d690ffabfff"
        );
    }

    #[test]
    fn h3_a_debug_log_never_shows_the_secret() {
        let shown = format!("{:?} {:?}", invite(), invite().secret);
        assert!(!shown.contains("twenty") && !shown.contains(&encoding::to_hex(b"twenty")) && !shown.contains("116"));
    }
}
