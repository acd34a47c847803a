//! Who may help: members, their one-time invites, and the day-long notes that say so. (SECURITY A3, A5)
//!
//! An invite's secret is never stored, only its hash; it works once and for a day. A member is a key: renewing needs no
//! more than the same key on the connection, and a revoked key never comes back, under any name. Names are unique among
//! members, compared trimmed and case-folded, because a person reads them on a card.
//!
//! Not here: ending a revoked member's connections and flows ([`super::registry`]).

use rusqlite::{OptionalExtension as _, Row, TransactionBehavior, params};
use venia_proto::foreign::{Foreign, ForeignError};
use venia_proto::invite::{InviteHash, InviteSecret, LIFETIME_MS};
use venia_proto::key::{PublicKey, SigningKey, VerifierKey};
use venia_proto::now::Wall;
use venia_proto::rendezvous::Refusal;
use venia_proto::statement::{MEMBER_LIFE_MS, Member, Role};

use super::ledger::StoreError;
use super::ledger::sqlite::Sqlite;

/// Whom an invite is for, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitee {
    name: Foreign,
    role: Role,
    level: u8,
}

/// A member as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMember {
    /// Their key.
    pub key: VerifierKey,
    /// Their name.
    pub name: Foreign,
    /// What they may do.
    pub role: Role,
    /// Certified level, 1 to 5.
    pub level: u8,
    /// When they enrolled.
    pub since: Wall,
    /// When they were revoked.
    pub revoked: Option<Wall>,
}

/// A wish about members that can't be granted.
#[derive(Debug, thiserror::Error)]
pub enum MembersError {
    /// Not a name.
    #[error("that can't be a member's name")]
    Name(#[from] ForeignError),
    /// Not 1 to 5.
    #[error("a level is a number from 1 to 5")]
    Level,
    /// A member has that name.
    #[error("a member already has that name")]
    NameTaken,
    /// No member has that name.
    #[error("no member has that name")]
    Unknown,
    /// What a peer gets to know.
    #[error(transparent)]
    Refused(Refusal),
    /// Our own database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for MembersError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Invitee {
    /// Checks the name (one line, 1 to 64 characters) and the level (1 to 5).
    pub fn new(name: &str, role: Role, level: u8) -> Result<Self, MembersError> {
        let name = Foreign::name(name.trim())?;
        if (1..=5).contains(&level) { Ok(Self { name, role, level }) } else { Err(MembersError::Level) }
    }
}

impl StoredMember {
    /// The note that proves the membership for a day.
    pub fn note(&self, authority: &SigningKey, now: Wall) -> Vec<u8> {
        let (key, name) = (self.key.clone(), self.name.clone());
        let not_after = now.plus_ms(MEMBER_LIFE_MS);
        Member { key, name, role: self.role, level: self.level, not_after }.sign(authority)
    }

    /// Whether they may be connected with people who ask for help.
    pub fn helps(&self) -> bool {
        self.role.helps()
    }
}

/// Stores an invite; returns when it expires. An unused invite for the same name is replaced: who lost the word gets
/// another, and the lost one is worth nothing.
pub fn invite(store: &mut Sqlite, invitee: &Invitee, hash: InviteHash, now: Wall) -> Result<Wall, MembersError> {
    let folded = fold(&invitee.name);
    let expires = now.plus_ms(LIFETIME_MS.cast_signed());
    let transaction = store.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let taken = "SELECT count(*) FROM members WHERE folded = $1 AND revoked IS NULL";
    if transaction.query_row(taken, [&folded], |row| row.get::<_, i64>(0))? > 0 {
        return Err(MembersError::NameTaken);
    }
    // Those that nobody will ever be told about go too: a used or expired invite is told apart for a month.
    let old = now.plus_ms(-30 * LIFETIME_MS.cast_signed()).ms();
    let sweep = "DELETE FROM invites WHERE (folded = $1 AND used IS NULL) OR expires < $2";
    transaction.execute(sweep, params![folded, old])?;
    let sql = "INSERT INTO invites (hash, folded, name, role, level, expires) VALUES ($1, $2, $3, $4, $5, $6)";
    let (name, role) = (invitee.name.raw(), invitee.role.name());
    transaction.execute(sql, params![hash.0, folded, name, role, invitee.level, expires.ms()])?;
    transaction.commit()?;
    Ok(expires)
}

/// Makes the holder of an invite's secret a member under this key, once.
pub fn enroll(store: &mut Sqlite, secret: &[u8], key: &VerifierKey, now: Wall) -> Result<StoredMember, MembersError> {
    let refused = |refusal| Err(MembersError::Refused(refusal));
    let Some(secret) = InviteSecret::from_bytes(secret) else {
        return refused(Refusal::InviteUnknown);
    };
    let transaction = store.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let sql = "SELECT folded, name, role, level, expires, used FROM invites WHERE hash = $1";
    let found = transaction.query_row(sql, [secret.hash().0], |row| {
        let text = |column: usize| row.get::<_, String>(column);
        Ok((text(0)?, text(1)?, text(2)?, row.get::<_, u8>(3)?, row.get::<_, i64>(4)?, row.get::<_, Option<i64>>(5)?))
    });
    let Some((folded, name, role, level, expires, used)) = found.optional()? else {
        return refused(Refusal::InviteUnknown);
    };
    if used.is_some() {
        return refused(Refusal::InviteUsed);
    }
    if now.ms() > expires {
        return refused(Refusal::InviteExpired);
    }
    let sql = "SELECT revoked FROM members WHERE key = $1";
    let known = transaction.query_row(sql, [key.key.as_bytes()], |row| row.get::<_, Option<i64>>(0)).optional()?;
    match known {
        None => {}
        // A key that lost its trust stays lost; a new one costs nothing.
        Some(Some(_)) => return refused(Refusal::Revoked),
        Some(None) => return refused(Refusal::NotAllowed),
    }
    transaction.execute("UPDATE invites SET used = $1 WHERE hash = $2", params![now.ms(), secret.hash().0])?;
    let sql = "INSERT INTO members (key, vkey, folded, name, role, level, since) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let vkey = key.to_string();
    transaction.execute(sql, params![key.key.as_bytes(), vkey, folded, name, role, level, now.ms()])?;
    transaction.commit()?;
    let role = role.parse().map_err(|_| StoreError::Damaged("a role"))?;
    Ok(StoredMember { key: key.clone(), name: Foreign::new(name), role, level, since: now, revoked: None })
}

/// The member with this key, unless revoked.
pub fn member(store: &Sqlite, key: &PublicKey) -> Result<StoredMember, MembersError> {
    let sql = "SELECT vkey, name, role, level, since, revoked FROM members WHERE key = $1";
    let found = store.connection.prepare_cached(sql)?.query_row([key.as_bytes()], read).optional()?;
    match found.transpose()? {
        None => Err(MembersError::Refused(Refusal::NotMember)),
        Some(member) if member.revoked.is_some() => Err(MembersError::Refused(Refusal::Revoked)),
        Some(member) => Ok(member),
    }
}

/// Everybody who is or was a member, by name.
pub fn list(store: &Sqlite) -> Result<Vec<StoredMember>, MembersError> {
    rows(store)?.into_iter().map(|row| Ok(row?)).collect()
}

/// The same, row by row: what is damaged in one is no fault of the others.
pub(super) fn rows(store: &Sqlite) -> rusqlite::Result<Vec<Result<StoredMember, StoreError>>> {
    let sql = "SELECT vkey, name, role, level, since, revoked FROM members ORDER BY folded, since";
    let mut statement = store.connection.prepare_cached(sql)?;
    statement.query_map([], read)?.collect()
}

/// Whose membership was withdrawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// The key that must be shown the door. (SECURITY A5)
    pub key: PublicKey,
    /// The name.
    pub name: Foreign,
}

/// Withdraws a membership, also one of which nothing else can be read any more.
pub fn revoke(store: &mut Sqlite, name: &str, now: Wall) -> Result<Revoked, MembersError> {
    let folded = fold(&Foreign::new(name));
    let sql = "UPDATE members SET revoked = $1 WHERE folded = $2 AND revoked IS NULL RETURNING key, name";
    // Told as done only once it is: outside a transaction, a commit that fails here goes unnoticed.
    let transaction = store.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = transaction.query_row(sql, params![now.ms(), folded], |row| {
        Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, String>(1).unwrap_or_else(|_| name.to_owned())))
    });
    let found = found.optional()?;
    transaction.commit()?;
    let (key, name) = found.ok_or(MembersError::Unknown)?;
    let key = PublicKey::from_bytes(key).map_err(|_| StoreError::Damaged("a member"))?;
    Ok(Revoked { key, name: Foreign::new(name) })
}

pub(super) fn fold(name: &Foreign) -> String {
    name.raw().trim().to_lowercase()
}

/// A row that is there and can't be understood fails by itself, not the question for all of them.
fn read(row: &Row<'_>) -> rusqlite::Result<Result<StoredMember, StoreError>> {
    Ok(understood(row).ok().flatten().ok_or(StoreError::Damaged("a member")))
}

fn understood(row: &Row<'_>) -> rusqlite::Result<Option<StoredMember>> {
    let (vkey, name, role): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (level, since, revoked) = (row.get(3)?, row.get(4)?, row.get::<_, Option<i64>>(5)?);
    let (Ok(key), Ok(role)) = (vkey.parse(), role.parse()) else { return Ok(None) };
    let (since, revoked) = (Wall::from_ms(since), revoked.map(Wall::from_ms));
    Ok(Some(StoredMember { key, name: Foreign::new(name), role, level, since, revoked }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Sqlite) {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("relay.db")).unwrap();
        (folder, store)
    }

    /// A secret as a peer sends it, and its hash.
    fn secret(seed: u8) -> ([u8; 20], InviteHash) {
        let bytes = [seed; 20];
        (bytes, InviteSecret::from_bytes(&bytes).unwrap().hash())
    }

    fn ana() -> Invitee {
        Invitee::new("Ana", Role::Technician, 2).unwrap()
    }

    fn key(seed: u8) -> VerifierKey {
        SigningKey::new("member", [seed; 32]).verifier().clone()
    }

    fn refusal<T: std::fmt::Debug>(result: Result<T, MembersError>) -> Refusal {
        match result {
            Err(MembersError::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_invite_works_once_and_for_a_day() {
        let (_folder, mut store) = store();
        let (word, hash) = secret(1);
        let now = Wall::from_ms(1_000);
        let expires = invite(&mut store, &ana(), hash, now).unwrap();
        assert_eq!(expires, now.plus_ms(24 * 60 * 60 * 1_000));
        assert_eq!(refusal(enroll(&mut store, &secret(2).0, &key(1), now)), Refusal::InviteUnknown);
        assert_eq!(refusal(enroll(&mut store, &word[..19], &key(1), now)), Refusal::InviteUnknown);
        assert_eq!(refusal(enroll(&mut store, &word, &key(1), expires.plus_ms(1))), Refusal::InviteExpired);
        let member = enroll(&mut store, &word, &key(1), expires).unwrap();
        assert_eq!((member.name.raw(), member.role, member.level), ("Ana", Role::Technician, 2));
        assert_eq!(refusal(enroll(&mut store, &word, &key(2), now)), Refusal::InviteUsed);
        assert_eq!(refusal(enroll(&mut store, &word, &key(2), expires.plus_ms(1))), Refusal::InviteUsed);
        let dump: Vec<u8> = std::fs::read(_folder.path().join("relay.db-wal")).unwrap();
        assert!(!dump.windows(20).any(|bytes| bytes == word), "hashed at rest");
    }

    #[test]
    fn names_are_unique_and_compared_case_folded() {
        let (_folder, mut store) = store();
        let now = Wall::from_ms(0);
        invite(&mut store, &ana(), secret(1).1, now).unwrap();
        // Another invite for the same name replaces the first.
        let again = Invitee::new(" ANA ", Role::Auditor, 1).unwrap();
        invite(&mut store, &again, secret(2).1, now).unwrap();
        assert_eq!(refusal(enroll(&mut store, &secret(1).0, &key(1), now)), Refusal::InviteUnknown);
        enroll(&mut store, &secret(2).0, &key(1), now).unwrap();
        assert!(matches!(invite(&mut store, &ana(), secret(3).1, now), Err(MembersError::NameTaken)));
        assert_eq!(list(&store).unwrap().len(), 1);
        for name in ["", " ", "a\nb", &"x".repeat(65)] {
            assert!(matches!(Invitee::new(name, Role::Technician, 1), Err(MembersError::Name(_))), "{name:?}");
        }
        for (level, fits) in [(0, false), (1, true), (5, true), (6, false)] {
            assert_eq!(Invitee::new("Bo", Role::Technician, level).is_ok(), fits);
        }
    }

    #[test]
    fn a5_a_revoked_key_never_comes_back_but_the_name_may() {
        let (_folder, mut store) = store();
        let now = Wall::from_ms(0);
        assert_eq!(refusal(member(&store, &key(1).key)), Refusal::NotMember);
        invite(&mut store, &ana(), secret(1).1, now).unwrap();
        enroll(&mut store, &secret(1).0, &key(1), now).unwrap();
        assert_eq!(member(&store, &key(1).key).unwrap().key, key(1));
        assert!(matches!(revoke(&mut store, "Bo", now), Err(MembersError::Unknown)));
        assert_eq!(revoke(&mut store, "aNA", now).unwrap(), Revoked { key: key(1).key, name: Foreign::new("Ana") });
        assert!(matches!(revoke(&mut store, "Ana", now), Err(MembersError::Unknown)));
        assert_eq!(refusal(member(&store, &key(1).key)), Refusal::Revoked);
        invite(&mut store, &ana(), secret(2).1, now).unwrap();
        assert_eq!(refusal(enroll(&mut store, &secret(2).0, &key(1), now)), Refusal::Revoked);
        enroll(&mut store, &secret(2).0, &key(2), now).unwrap();
        let standing: Vec<_> = list(&store).unwrap().iter().map(|member| member.revoked.is_some()).collect();
        assert_eq!(standing.iter().filter(|revoked| **revoked).count(), 1);
    }

    #[test]
    fn a_key_is_one_member_only() {
        let (_folder, mut store) = store();
        let now = Wall::from_ms(0);
        invite(&mut store, &ana(), secret(1).1, now).unwrap();
        invite(&mut store, &Invitee::new("Bo", Role::Technician, 5).unwrap(), secret(2).1, now).unwrap();
        enroll(&mut store, &secret(1).0, &key(1), now).unwrap();
        assert_eq!(refusal(enroll(&mut store, &secret(2).0, &key(1), now)), Refusal::NotAllowed);
        enroll(&mut store, &secret(2).0, &key(2), now).unwrap();
    }

    #[test]
    fn a3_notes_live_a_day_and_renew_with_the_same_key() {
        let (_folder, mut store) = store();
        let now = Wall::from_ms(0);
        invite(&mut store, &ana(), secret(1).1, now).unwrap();
        let stored = enroll(&mut store, &secret(1).0, &key(1), now).unwrap();
        let authority = SigningKey::new("authority", [9; 32]);
        let note = Member::open(&stored.note(&authority, now), authority.verifier()).unwrap();
        assert_eq!((note.key, note.not_after), (key(1), now.plus_ms(24 * 60 * 60 * 1_000)));
        assert!(stored.helps());
        assert!(!StoredMember { role: Role::Auditor, ..stored }.helps());
    }
}
