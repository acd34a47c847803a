//! What was erased, who was told, and how long sealed parts are kept. (SECURITY E11)
//!
//! Ciphertext is deleted in the one transaction that puts the `venia/erase@v1` note on record, and the write-ahead log is
//! truncated before anybody is answered. The tree is untouched: every receipt stays valid.
//!
//! Not here: the transaction itself ([`super::sqlite`]), and copies in backups, which end with their cycle.

use rusqlite::{OptionalExtension as _, params};
use venia_proto::id::SessionId;
use venia_proto::key::PublicKey;
use venia_proto::ledger::event::Event;
use venia_proto::now::Wall;
use venia_proto::rendezvous::ERASURES_MAX;

use super::limits::DAY_MS;
use super::sqlite::Sqlite;
use super::{Store, StoreError};

/// Sessions one sweep erases; the next goes on.
pub const SWEEP_MAX: usize = 64;

/// Something that was erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Of which session.
    pub session: SessionId,
    /// When, by the ledger.
    pub at: Wall,
    /// Commitments of the parts; `None` for all.
    pub parts: Option<Vec<[u8; 32]>>,
    /// Names of the members who came for it, and whether they said that they deleted theirs.
    pub holders: Vec<(String, bool)>,
}

/// SHA-256 of the sealed forms of these parts.
pub(super) fn sealed_of(
    store: &impl Store,
    session: SessionId,
    parts: &[[u8; 32]],
) -> Result<Vec<[u8; 32]>, StoreError> {
    let named = named(store, session)?;
    Ok(named.into_iter().filter(|(commit, _)| parts.contains(commit)).filter_map(|(_, sealed)| sealed).collect())
}

/// Commitment of a part, and the SHA-256 of its sealed form.
pub type NamedPart = ([u8; 32], Option<[u8; 32]>);

/// Every part the session's events name: its commitment, and the SHA-256 of its sealed form.
pub fn named(store: &impl Store, session: SessionId) -> Result<Vec<NamedPart>, StoreError> {
    let mut parts = Vec::new();
    for note in store.session(session)?.map_or_else(Vec::new, |stored| stored.events) {
        let event = Event::stored(&note).map_err(|_| StoreError::Damaged("an event"))?;
        parts.extend(event.header().parts.iter().map(|part| (part.commit, part.sealed)));
    }
    Ok(parts)
}

impl Sqlite {
    /// Signed notes of what was erased of a session, oldest first.
    pub fn erasure_notes(&self, session: SessionId) -> Result<Vec<Vec<u8>>, StoreError> {
        let sql = "SELECT note FROM erasures WHERE session = $1 ORDER BY erasure";
        let mut statement = self.connection.prepare_cached(sql)?;
        let notes = statement.query_map([session.0], |row| row.get(0))?;
        Ok(notes.collect::<Result<_, _>>()?)
    }

    /// Signed erase notes of those among these sessions in which this key took part.
    pub fn erasures_for(&self, by: &PublicKey, sessions: &[SessionId]) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut notes = Vec::new();
        for session in sessions.iter().take(ERASURES_MAX) {
            if self.takes_part(by, *session)? {
                notes.extend(self.erasure_notes(*session)?);
            }
        }
        Ok(notes)
    }

    /// A participant deleted what it held; `false` if this is none, or nothing was erased.
    pub fn obeyed(&mut self, by: &PublicKey, session: SessionId, now: Wall) -> Result<bool, StoreError> {
        let sql = "SELECT max(erasure) FROM erasures WHERE session = $1";
        let newest: Option<i64> = self.connection.prepare_cached(sql)?.query_row([session.0], |row| row.get(0))?;
        let Some(newest) = newest else { return Ok(false) };
        if !self.takes_part(by, session)? {
            return Ok(false);
        }
        let sql = "INSERT INTO obeyed (session, key, erasure, at) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (session, key) DO UPDATE SET erasure = excluded.erasure, at = excluded.at \
                   WHERE excluded.erasure > erasure";
        self.connection.prepare_cached(sql)?.execute(params![session.0, by.as_bytes(), newest, now.ms()])?;
        Ok(true)
    }

    /// Everything that was erased, oldest first.
    pub fn erasures(&self) -> Result<Vec<Erasure>, StoreError> {
        let sql = "SELECT erasure, session, parts, observed FROM erasures ORDER BY erasure";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, i64>(0)?, SessionId(row.get(1)?), row.get::<_, Option<Vec<u8>>>(2)?, row.get(3)?))
        })?;
        let mut erasures = Vec::new();
        for row in rows {
            let (erasure, session, parts, at) = row?;
            let parts = parts.map(|parts| split(&parts));
            let holders = self.holders(session, erasure)?;
            erasures.push(Erasure { session, at: Wall::from_ms(at), parts, holders });
        }
        Ok(erasures)
    }

    /// The note that already erased all of this, if there is one.
    pub fn erased_before(&self, session: SessionId, parts: Option<&[[u8; 32]]>) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT parts, note FROM erasures WHERE session = $1 ORDER BY erasure";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([session.0], |row| Ok((row.get::<_, Option<Vec<u8>>>(0)?, row.get(1)?)))?;
        for row in rows {
            let (erased, note) = row?;
            let erased = erased.map(|parts| split(&parts));
            let covered = match (&erased, parts) {
                (None, _) => true,
                (Some(erased), Some(parts)) => parts.iter().all(|part| erased.contains(part)),
                (Some(_), None) => false,
            };
            if covered {
                return Ok(Some(note));
            }
        }
        Ok(None)
    }

    /// Whether sealed parts of a session are held.
    pub fn holds_sealed(&self, session: SessionId) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM sealed WHERE session = $1)";
        Ok(self.connection.prepare_cached(sql)?.query_row([session.0], |row| row.get(0))?)
    }

    /// Members who came for a session, by name, and whether they deleted what this erasure names.
    fn holders(&self, session: SessionId, erasure: i64) -> Result<Vec<(String, bool)>, StoreError> {
        let sql = "SELECT coalesce(name, ''), coalesce(erasure, 0) >= $1 FROM parties \
                   LEFT JOIN members USING (key) LEFT JOIN obeyed USING (session, key) \
                   WHERE session = $2 ORDER BY name, key";
        let mut statement = self.connection.prepare_cached(sql)?;
        let holders = statement.query_map(params![erasure, session.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(holders.collect::<Result<_, _>>()?)
    }

    /// The agent's key of a session, then the members who came for it; none if it isn't known.
    pub fn participants(&self, session: SessionId) -> Result<Vec<PublicKey>, StoreError> {
        let keys = self.session_keys(session)?;
        Ok(keys.map_or_else(Vec::new, |(agent, parties)| [vec![agent.key], parties].concat()))
    }

    /// For how many days sealed parts are kept; `None`: for ever.
    pub fn retention(&self) -> Result<Option<u32>, StoreError> {
        let sql = "SELECT days FROM retention WHERE one = 1";
        Ok(self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?)
    }

    /// Changes it.
    pub fn retain(&mut self, days: Option<u32>) -> Result<(), StoreError> {
        match days {
            None => self.connection.execute("DELETE FROM retention", [])?,
            Some(days) => {
                self.connection.execute("INSERT OR REPLACE INTO retention (one, days) VALUES (1, $1)", [days])?
            }
        };
        Ok(())
    }

    /// Ended sessions whose sealed parts are older than they may be, at most [`SWEEP_MAX`].
    pub fn outlived(&self, now: Wall) -> Result<Vec<SessionId>, StoreError> {
        let Some(days) = self.retention()? else { return Ok(Vec::new()) };
        let before = now.plus_ms(-DAY_MS.saturating_mul(days.into())).ms();
        let sql = "SELECT session FROM sessions WHERE ended IS NOT NULL AND last <= $1 \
                   AND EXISTS (SELECT 1 FROM sealed WHERE sealed.session = sessions.session) ORDER BY last LIMIT $2";
        let most = i64::try_from(SWEEP_MAX).unwrap_or(i64::MAX);
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_map(params![before, most], |row| row.get(0).map(SessionId))?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    fn takes_part(&self, by: &PublicKey, session: SessionId) -> Result<bool, StoreError> {
        Ok(self.participants(session)?.contains(by))
    }
}

fn split(parts: &[u8]) -> Vec<[u8; 32]> {
    parts.chunks_exact(32).filter_map(|part| part.try_into().ok()).collect()
}
