//! An auditor's `age` recipient, its shape and checksum: bech32 (BIP-173) of an X25519 key under the prefix `age`.
//!
//! A mistyped key would seal a year of records to nobody, so the checksum is held before a statement names it. Not here:
//! encryption. The relay never seals, opens or holds a key that could. (SECURITY E4)

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `age1` and 58 letters: 32 bytes in groups of five bits, and six groups of checksum.
const LENGTH: usize = 62;
const PREFIX: &str = "age1";
const CHARSET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// Groups of five bits that hold a key.
const KEY_GROUPS: usize = 52;

/// A recipient whose checksum is right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Recipient(String);

/// Not a recipient, or a mistyped one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an age recipient: it starts with age1 and has {LENGTH} characters")]
pub struct NotRecipient;

impl Recipient {
    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The recipient of this X25519 public key.
    #[cfg(test)]
    pub fn of_key(key: &[u8; 32]) -> Self {
        let bits = key.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
        let mut bits: Vec<u8> = bits.collect();
        bits.resize(KEY_GROUPS * 5, 0);
        let groups: Vec<u8> = bits.chunks(5).map(|five| five.iter().fold(0, |group, bit| group << 1 | bit)).collect();
        let check = polymod(groups.iter().copied().chain([0; 6])) ^ 1;
        let check = (0..6).map(|n| (check >> (5 * (5 - n)) & 31) as u8);
        let letters = groups.iter().copied().chain(check).map(|group| char::from(CHARSET[usize::from(group)]));
        Self(format!("{PREFIX}{}", letters.collect::<String>()))
    }
}

impl FromStr for Recipient {
    type Err = NotRecipient;

    fn from_str(text: &str) -> Result<Self, NotRecipient> {
        let letters = text.strip_prefix(PREFIX).filter(|_| text.len() == LENGTH).ok_or(NotRecipient)?;
        let group = |letter: u8| CHARSET.iter().position(|known| *known == letter).and_then(|n| u8::try_from(n).ok());
        let groups: Vec<u8> = letters.bytes().map(group).collect::<Option<_>>().ok_or(NotRecipient)?;
        // 260 bits carry 256: the last four must be zero, or a key had sixteen spellings.
        let padding = groups.get(KEY_GROUPS - 1).is_some_and(|last| last & 0b1111 == 0);
        if padding && polymod(groups.into_iter()) == 1 { Ok(Self(text.to_owned())) } else { Err(NotRecipient) }
    }
}

impl TryFrom<String> for Recipient {
    type Error = NotRecipient;

    fn try_from(text: String) -> Result<Self, NotRecipient> {
        text.parse()
    }
}

impl From<Recipient> for String {
    fn from(recipient: Recipient) -> Self {
        recipient.0
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The checksum of BIP-173 over the prefix and these groups.
fn polymod(groups: impl Iterator<Item = u8>) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let prefix = || PREFIX.bytes().take(PREFIX.len() - 1);
    let expanded = prefix().map(|byte| byte >> 5).chain([0]).chain(prefix().map(|byte| byte & 31));
    expanded.chain(groups).fold(1, |sum: u32, group| {
        let top = sum >> 25;
        let sum = (sum & 0x01ff_ffff) << 5 ^ u32::from(group);
        GENERATOR.iter().enumerate().filter(|(bit, _)| top >> bit & 1 == 1).fold(sum, |sum, (_, with)| sum ^ with)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e4_a_mistyped_recipient_is_refused() {
        // From the age specification.
        let good = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
        assert_eq!(good.parse::<Recipient>().unwrap().as_str(), good);
        for at in PREFIX.len()..good.len() {
            for letter in CHARSET {
                let mut bytes = good.as_bytes().to_vec();
                if bytes[at] != *letter {
                    bytes[at] = *letter;
                    let text = String::from_utf8(bytes).unwrap();
                    assert_eq!(text.parse::<Recipient>(), Err(NotRecipient), "{text}");
                }
            }
        }
        for bad in
            ["", "age1", &good.to_uppercase(), &good[..61], &format!("{good}q"), &good.replacen("age1", "agf1", 1)]
        {
            assert_eq!(bad.parse::<Recipient>(), Err(NotRecipient), "{bad}");
        }
    }

    #[test]
    fn every_key_has_a_recipient() {
        for byte in [0, 1, 127, 255] {
            let recipient = Recipient::of_key(&[byte; 32]);
            assert_eq!(recipient.as_str().parse(), Ok(recipient.clone()));
        }
    }
}
