//! Who is a member, for those who ask while somebody waits: the members' table in memory.
//!
//! A technician who comes with a code, or carries a session on, must not wait behind the log's commits for the answer that
//! they are still a member. So the table is read once, and the log's thread tells each change here, in the order they became
//! durable and before anybody hears of them: what the roster says is never older than what an operator was told (SECURITY
//! A5).
//!
//! Not here: changing memberships ([`super::members`]), and ending a revoked member's connections ([`super::registry`]).

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use venia_proto::key::PublicKey;
use venia_proto::now::Wall;
use venia_proto::rendezvous::Refusal;

use super::ledger::StoreError;
use super::ledger::sqlite::Sqlite;
use super::members::{self, MembersError, StoredMember};

/// Every key that is or was a member's.
pub struct Roster {
    members: RwLock<HashMap<PublicKey, StoredMember>>,
}

impl Roster {
    /// Reads the table.
    ///
    /// # Errors
    /// If the database can't be read, or holds what is no member.
    pub fn open(store: &Sqlite) -> Result<Self, StoreError> {
        let members = members::list(store).map_err(|error| match error {
            MembersError::Store(error) => error,
            // Whoever was let in had a name, a level and a role.
            MembersError::Name(_)
            | MembersError::Level
            | MembersError::NameTaken
            | MembersError::Unknown
            | MembersError::Refused(_) => StoreError::Damaged("a member"),
        })?;
        let members = members.into_iter().map(|member| (member.key.key, member)).collect();
        Ok(Self { members: RwLock::new(members) })
    }

    /// Somebody enrolled.
    pub fn enrolled(&self, member: StoredMember) {
        self.write().insert(member.key.key, member);
    }

    /// A membership was withdrawn.
    pub fn revoked(&self, key: &PublicKey, at: Wall) {
        if let Some(member) = self.write().get_mut(key) {
            member.revoked = Some(at);
        }
    }

    /// The member with this key.
    ///
    /// # Errors
    /// [`Refusal::NotMember`] for a stranger, [`Refusal::Revoked`].
    pub fn member(&self, key: &PublicKey) -> Result<StoredMember, Refusal> {
        let member = self.read().get(key).cloned().ok_or(Refusal::NotMember)?;
        if member.revoked.is_some() { Err(Refusal::Revoked) } else { Ok(member) }
    }

    /// The member with this key, if they may be connected with people who ask for help.
    ///
    /// # Errors
    /// As [`Self::member`], and [`Refusal::NotAllowed`] for who only reads.
    pub fn helper(&self, key: &PublicKey) -> Result<StoredMember, Refusal> {
        let member = self.member(key)?;
        if member.helps() { Ok(member) } else { Err(Refusal::NotAllowed) }
    }

    /// Somebody may have panicked while holding it; every change is a single step.
    fn read(&self) -> RwLockReadGuard<'_, HashMap<PublicKey, StoredMember>> {
        self.members.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<PublicKey, StoredMember>> {
        self.members.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
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
        let says = |seed| (roster.member(&key(seed)).err(), roster.helper(&key(seed)).err());
        assert_eq!(says(1), (None, None));
        assert_eq!(says(2), (None, Some(Refusal::NotAllowed)));
        assert_eq!(says(3), (Some(Refusal::Revoked), Some(Refusal::Revoked)));
        assert_eq!(says(4), (None, None));
        assert_eq!(says(5), (Some(Refusal::NotMember), Some(Refusal::NotMember)));
        let gone = revoke(&mut store, "Ana", Wall::from_ms(2)).unwrap();
        roster.revoked(&gone.key.key, Wall::from_ms(2));
        assert_eq!(says(1), (Some(Refusal::Revoked), Some(Refusal::Revoked)));
        // What was told one by one is what a restart reads.
        let again = Roster::open(&store).unwrap();
        for seed in 1..6 {
            assert_eq!(again.member(&key(seed)), roster.member(&key(seed)), "{seed}");
        }
    }
}
