//! Who is a member, for those who ask while somebody waits: the members' table in memory.
//!
//! A technician who comes with a code, or carries a session on, must not wait behind the log's commits for the answer that
//! they are still a member. So the table is read once, and the log's thread tells each change here, in the order they became
//! durable and before anybody hears of them: what the roster says is never older than what an operator was told (SECURITY
//! A5).
//!
//! Not here: changing memberships ([`super::members`]), and ending a revoked member's connections ([`super::registry`]).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use venia_proto::key::{PublicKey, SigningKey};
use venia_proto::now::Wall;
use venia_proto::rendezvous::Refusal;

use super::ledger::StoreError;
use super::ledger::sqlite::Sqlite;
use super::members::{self, StoredMember};

/// How long one note of a member serves whoever they come to, in milliseconds: an hour of the day it is good for.
const SERVES_MS: i64 = 60 * 60 * 1_000;

/// Every key that is or was a member's.
pub struct Roster {
    members: Mutex<HashMap<PublicKey, Listed>>,
}

/// One of them.
struct Listed {
    member: StoredMember,
    /// The note shown last, and when it was signed.
    shown: Option<(Vec<u8>, Wall)>,
}

impl Roster {
    /// Reads the table. Whoever's row is damaged is no member until it is mended; everybody else goes on.
    ///
    /// # Errors
    /// If the database can't be read.
    pub fn open(store: &Sqlite) -> Result<Self, StoreError> {
        let mut listed = HashMap::new();
        for row in members::rows(store)? {
            match row {
                Ok(member) => drop(listed.insert(member.key.key, Listed { member, shown: None })),
                Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "a member can't be read"),
            }
        }
        Ok(Self { members: Mutex::new(listed) })
    }

    /// Somebody enrolled.
    pub fn enrolled(&self, member: StoredMember) {
        self.lock().insert(member.key.key, Listed { member, shown: None });
    }

    /// A membership was withdrawn.
    pub fn revoked(&self, key: &PublicKey, at: Wall) {
        if let Some(listed) = self.lock().get_mut(key) {
            listed.member.revoked = Some(at);
        }
    }

    /// The member with this key.
    ///
    /// # Errors
    /// [`Refusal::NotMember`] for a stranger, [`Refusal::Revoked`].
    pub fn member(&self, key: &PublicKey) -> Result<StoredMember, Refusal> {
        self.lock().get(key).ok_or(Refusal::NotMember)?.standing().cloned()
    }

    /// The note of the member with this key, if they may be connected with people who ask for help. While a person waits
    /// nothing is signed that was signed before: the note of the last hour serves again.
    ///
    /// # Errors
    /// As [`Self::member`], and [`Refusal::NotAllowed`] for who only reads.
    pub fn helper(&self, key: &PublicKey, authority: &SigningKey, now: Wall) -> Result<Vec<u8>, Refusal> {
        let mut members = self.lock();
        let listed = members.get_mut(key).ok_or(Refusal::NotMember)?;
        let member = listed.standing()?;
        if !member.helps() {
            return Err(Refusal::NotAllowed);
        }
        // Also when the clock was set back: a note from the future holds for too long.
        let serves = |signed: Wall| (0..SERVES_MS).contains(&(now.ms() - signed.ms()));
        if let Some((note, _)) = listed.shown.as_ref().filter(|(_, signed)| serves(*signed)) {
            return Ok(note.clone());
        }
        let note = member.note(authority, now);
        listed.shown = Some((note.clone(), now));
        Ok(note)
    }

    /// Somebody may have panicked while holding it; every change is a single step.
    fn lock(&self) -> MutexGuard<'_, HashMap<PublicKey, Listed>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listed {
    fn standing(&self) -> Result<&StoredMember, Refusal> {
        if self.member.revoked.is_some() { Err(Refusal::Revoked) } else { Ok(&self.member) }
    }
}

#[cfg(test)]
mod tests {
    use venia_proto::foreign::Foreign;
    use venia_proto::invite::InviteSecret;
    use venia_proto::key::SigningKey;
    use venia_proto::statement::Role;

    use super::*;
    use crate::server::members::{Invitee, enroll, invite, revoke};

    fn key(seed: u8) -> PublicKey {
        *SigningKey::new("member", [seed; 32]).public()
    }

    fn enrolls(store: &mut Sqlite, name: &str, role: Role, seed: u8) -> StoredMember {
        let now = Wall::from_ms(0);
        let secret = InviteSecret::from_bytes(&[seed; 20]).unwrap();
        invite(store, &Invitee::new(name, role, 2).unwrap(), secret.hash(), now).unwrap();
        enroll(store, &[seed; 20], SigningKey::new("member", [seed; 32]).verifier(), now).unwrap()
    }

    fn authority() -> SigningKey {
        SigningKey::new("authority", [9; 32])
    }

    #[test]
    fn a5_a_note_serves_for_an_hour_and_nobody_who_was_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Sqlite::open(&folder.path().join("relay.db")).unwrap();
        let ana = enrolls(&mut store, "Ana", Role::Technician, 1);
        let roster = Roster::open(&store).unwrap();
        let at = |ms| roster.helper(&key(1), &authority(), Wall::from_ms(ms));
        let (first, began) = (at(5).unwrap(), 5);
        for (later, serves) in [(0, true), (SERVES_MS - 1, true), (SERVES_MS, false)] {
            assert_eq!(at(began + later).unwrap() == first, serves, "{later}");
        }
        let second = at(began + SERVES_MS).unwrap();
        assert_eq!(second, ana.note(&authority(), Wall::from_ms(began + SERVES_MS)));
        // The clock was set back.
        assert_eq!(at(began).unwrap(), first);
        roster.revoked(&key(1), Wall::from_ms(6));
        assert_eq!(at(began), Err(Refusal::Revoked));
    }

    #[test]
    fn one_damaged_row_is_nobody_elses_fault() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Sqlite::open(&folder.path().join("relay.db")).unwrap();
        let _ = enrolls(&mut store, "Ana", Role::Technician, 1);
        let _ = enrolls(&mut store, "Bea", Role::Technician, 2);
        let before = Roster::open(&store).unwrap();
        for damage in ["role = 'queen'", "vkey = 'none'", "name = CAST(x'ff' AS TEXT)"] {
            store.connection.execute(&format!("UPDATE members SET {damage} WHERE folded = 'ana'"), []).unwrap();
            let roster = Roster::open(&store).unwrap();
            assert_eq!(roster.member(&key(1)).err(), Some(Refusal::NotMember), "{damage}");
            assert_eq!(roster.member(&key(2)).unwrap().name, Foreign::new("Bea"), "{damage}");
        }
        // Read before it was damaged, she is let in; withdrawn, no more.
        assert!(before.member(&key(1)).is_ok());
        let gone = revoke(&mut store, "Ana", Wall::from_ms(2)).unwrap();
        before.revoked(&gone.key, Wall::from_ms(2));
        assert_eq!(before.member(&key(1)).err(), Some(Refusal::Revoked));
    }

    #[test]
    fn a5_the_roster_says_what_the_table_says() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Sqlite::open(&folder.path().join("relay.db")).unwrap();
        let _ = enrolls(&mut store, "Ana", Role::Technician, 1);
        let _ = enrolls(&mut store, "Bea", Role::Auditor, 2);
        let _ = enrolls(&mut store, "Cai", Role::Administrator, 3);
        revoke(&mut store, "Cai", Wall::from_ms(1)).unwrap();
        let roster = Roster::open(&store).unwrap();
        let dan = enrolls(&mut store, "Dan", Role::Administrator, 4);
        assert_eq!(roster.member(&key(4)).err(), Some(Refusal::NotMember), "not told yet");
        roster.enrolled(dan);
        let helper = |seed| roster.helper(&key(seed), &authority(), Wall::from_ms(0));
        let says = |seed| (roster.member(&key(seed)).err(), helper(seed).err());
        assert_eq!(says(1), (None, None));
        assert_eq!(says(2), (None, Some(Refusal::NotAllowed)));
        assert_eq!(says(3), (Some(Refusal::Revoked), Some(Refusal::Revoked)));
        assert_eq!(says(4), (None, None));
        assert_eq!(says(5), (Some(Refusal::NotMember), Some(Refusal::NotMember)));
        let gone = revoke(&mut store, "Ana", Wall::from_ms(2)).unwrap();
        roster.revoked(&gone.key, Wall::from_ms(2));
        assert_eq!(says(1), (Some(Refusal::Revoked), Some(Refusal::Revoked)));
        // What was told one by one is what a restart reads.
        let again = Roster::open(&store).unwrap();
        for seed in 1..6 {
            assert_eq!(again.member(&key(seed)), roster.member(&key(seed)), "{seed}");
        }
    }
}
