//! Who a technician is: a note by the organisation's authority, valid for a day.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::foreign::Foreign;
use crate::json::{self, JsonError};
use crate::key::{PublicKey, SigningKey, VerifierKey};
use crate::ledger::note::{self, Note, NoteError};
use crate::now::Wall;
use crate::scope::UnknownName;

/// First line of a member note.
pub const MEMBER: &str = "venia/member@v1";
/// How long the authority makes a note valid: 24 hours, in milliseconds. Short, so that revoking works even where a
/// revocation never arrives; renewed with the same key. (SECURITY A4, A5)
pub const MEMBER_LIFE_MS: i64 = 24 * 60 * 60 * 1_000;
/// How far the relay's clock may have been set back between making a note and the batch it is judged by, in milliseconds.
pub const MEMBER_SLACK_MS: i64 = 60 * 60 * 1_000;

/// What the authority says about one key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The member's key: it must be the key of their TLS connection and of their strand. (SECURITY A3)
    pub key: VerifierKey,
    /// Their name.
    pub name: Foreign,
    /// What they may do.
    pub role: Role,
    /// Certified support level, 1 to 5: no item of a higher one runs for them.
    pub level: u8,
    /// Last moment, in the ledger's time, at which this note holds.
    pub not_after: Wall,
}

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Helps people.
    Technician,
    /// Reads records; in a session only looks.
    Auditor,
    /// Helps people, and manages members.
    Administrator,
}

/// A member note that can't be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemberError {
    /// Not a signed note of one signature, or not signed by this authority.
    #[error("the member note is not properly signed")]
    Note(
        #[from]
        #[source]
        NoteError,
    ),
    /// Not the JSON of a member note.
    #[error("the member note is malformed")]
    Json(
        #[from]
        #[source]
        JsonError,
    ),
    /// No name, or one of several lines or more than 64 characters.
    #[error("the member note has no proper name")]
    Name,
    /// Not 1 to 5.
    #[error("the member note's level isn't 1 to 5")]
    Level,
}

impl Member {
    /// Signs as the authority.
    pub fn sign(&self, authority: &SigningKey) -> Vec<u8> {
        note::sign(&format!("{MEMBER}\n{}\n", json::signed_line(self)), authority)
    }

    /// Verifies a note by the authority the statement names, then reads those same bytes. Whether it still holds is
    /// [`Member::valid_at`].
    pub fn open(bytes: &[u8], authority: &VerifierKey) -> Result<Self, MemberError> {
        let note = Note::parse(bytes)?;
        note.exactly_one_signature()?;
        note.verify(authority)?;
        let fields = json::signed_object(note.content(MEMBER)?)?;
        let member: Self = json::exact(Value::Object(fields), "member")?;
        Foreign::name(member.name.raw()).map_err(|_| MemberError::Name)?;
        if (1..=5).contains(&member.level) { Ok(member) } else { Err(MemberError::Level) }
    }

    /// Whether it holds at this moment of the ledger's time, never of a PC's clock. (SECURITY A4)
    pub fn valid_at(&self, ledger_time: Wall) -> bool {
        ledger_time <= self.not_after
    }

    /// Whether it would hold for longer than a note may, from this moment of the ledger's time: revoking must work by itself
    /// within a day, so a note for a year isn't one. (SECURITY A5)
    pub fn lives_too_long(&self, ledger_time: Wall) -> bool {
        self.not_after > ledger_time.plus_ms(MEMBER_LIFE_MS + MEMBER_SLACK_MS)
    }

    /// Whether whoever proved this key may be let in to a person who asks for help, at this moment of the ledger's time.
    /// (SECURITY A3, A4, A5)
    pub fn may_help(&self, proved: &PublicKey, ledger_time: Wall) -> bool {
        let holds = self.valid_at(ledger_time) && !self.lives_too_long(ledger_time);
        self.key.key == *proved && holds && self.role.helps()
    }
}

impl Role {
    /// Whether members of this role may be connected with people who ask for help.
    pub fn helps(self) -> bool {
        match self {
            Self::Technician | Self::Administrator => true,
            Self::Auditor => false,
        }
    }

    /// The word in notes and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Technician => "technician",
            Self::Auditor => "auditor",
            Self::Administrator => "administrator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        [Self::Technician, Self::Auditor, Self::Administrator]
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or(UnknownName("role"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority() -> SigningKey {
        SigningKey::new("authority", [1; 32])
    }

    fn ana() -> Member {
        Member {
            key: SigningKey::new("member", [2; 32]).verifier().clone(),
            name: Foreign::new("Ana Ñandú \u{1f40e}"),
            role: Role::Technician,
            level: 2,
            not_after: Wall::from_ms(1_795_514_402_000),
        }
    }

    fn open(bytes: &[u8]) -> Result<Member, MemberError> {
        Member::open(bytes, authority().verifier())
    }

    #[test]
    fn a3_only_the_authority_makes_members() {
        assert_eq!(open(&ana().sign(&authority())), Ok(ana()));
        let other = SigningKey::new("authority", [9; 32]);
        assert_eq!(open(&ana().sign(&other)), Err(MemberError::Note(NoteError::NotSigned)));
        let same_name = other.named(authority().verifier().name.clone());
        assert_eq!(open(&ana().sign(&same_name)), Err(MemberError::Note(NoteError::ForeignKey)));
        let mut twice = Note::parse(&ana().sign(&authority())).unwrap();
        twice.add_signature(&other);
        assert_eq!(open(&twice.to_bytes()), Err(MemberError::Note(NoteError::NotOneSignature)));
    }

    #[test]
    fn a3_every_flipped_bit_is_refused() {
        let good = ana().sign(&authority());
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                assert!(open(&bad).is_err(), "byte {at} bit {bit}");
            }
        }
    }

    #[test]
    fn a4_valid_at_the_ledgers_time() {
        let member = ana();
        assert!(member.valid_at(member.not_after.plus_ms(-1)));
        assert!(member.valid_at(member.not_after));
        assert!(!member.valid_at(member.not_after.plus_ms(1)));
    }

    #[test]
    fn a5_no_longer_than_a_day() {
        let member = ana();
        let longest = MEMBER_LIFE_MS + MEMBER_SLACK_MS;
        for (before, too_long) in [(longest - 1, false), (longest, false), (longest + 1, true)] {
            assert_eq!(member.lives_too_long(member.not_after.plus_ms(-before)), too_long, "{before}");
        }
    }

    #[test]
    fn a3_only_a_helper_with_this_key_and_a_note_that_holds_is_let_in() {
        let (member, other) = (ana(), *SigningKey::new("other", [7; 32]).public());
        let newest = member.not_after.plus_ms(-MEMBER_LIFE_MS - MEMBER_SLACK_MS);
        for (role, helps) in [(Role::Technician, true), (Role::Administrator, true), (Role::Auditor, false)] {
            let member = Member { role, ..member.clone() };
            assert_eq!(member.may_help(&member.key.key, newest), helps, "{role:?}");
            assert_eq!(member.may_help(&member.key.key, member.not_after), helps, "{role:?}");
            assert!(!member.may_help(&other, newest));
            assert!(!member.may_help(&member.key.key, newest.plus_ms(-1)), "for longer than a day");
            assert!(!member.may_help(&member.key.key, member.not_after.plus_ms(1)), "over");
        }
    }

    #[test]
    fn levels_are_one_to_five_and_names_are_names() {
        for level in 0..=6 {
            let member = Member { level, ..ana() };
            assert_eq!(open(&member.sign(&authority())).is_ok(), (1..=5).contains(&level), "{level}");
        }
        for name in ["", "a\nb", "a\u{2028}b", &"x".repeat(65)] {
            let member = Member { name: Foreign::new(name), ..ana() };
            assert_eq!(open(&member.sign(&authority())), Err(MemberError::Name), "{name:?}");
        }
    }

    #[test]
    fn the_schema_is_closed() {
        let good = json::signed_line(&ana());
        let signed = |line: &str| open(&note::sign(&format!("{MEMBER}\n{line}\n"), &authority()));
        assert_eq!(signed(&good), Ok(ana()));
        for (from, to) in [
            ("{", "{\"extra\":1,"),
            ("\"level\":2", "\"level\":2,\"level\":5"),
            ("\"level\":2", "\"level\":2.0"),
            ("\"level\":2", "\"level\":\"2\""),
            ("\"level\":2,", ""),
            ("\"technician\"", "\"root\""),
            ("\"technician\"", "{\"technician\":null}"),
            (".000Z", "Z"),
        ] {
            assert!(good.contains(from), "{from}");
            assert!(signed(&good.replacen(from, to, 1)).is_err(), "{to}");
        }
    }
}
