//! The relay's log: what is asked of a database ([`Store`]), and the one thread that writes it ([`committer`]).
//!
//! ```text
//! admission ─▶ batch note + events ─▶ tree ─▶ sign checkpoint ─▶ one transaction ─▶ durable ─▶ receipts
//! ```
//!
//! Signed before it is stored, told after it is stored: in any other order a crash could leave a receipt for an entry that
//! is no more, or two trees of one size with our signature. (docs/ledger.md section 4)

pub mod admission;
pub mod committer;
pub mod continuity;
pub mod contradictions;
pub mod erasing;
pub mod head;
pub mod limits;
pub mod notes;
pub mod prove;
pub mod queue;
mod recent;
mod roots;
pub mod sealed;
pub mod shards;
mod signatures;
pub mod sqlite;
pub mod succession;
#[cfg(test)]
mod tests;

use venia_proto::id::{Leaf, SessionId, Strand};
use venia_proto::key::{PublicKey, VerifierKey};
use venia_proto::ledger::merkle::Hash;

use self::sealed::SealedPart;

/// A database that failed, or holds something we didn't write.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk or the database.
    #[error("the relay's database failed")]
    Database(#[source] rusqlite::Error),
    /// The file can't be made or opened.
    #[error("the relay's database can't be opened")]
    File(#[source] std::io::Error),
    /// Somebody else moved the head: two writers on one database.
    #[error("the log's head is not where we left it: is another relay writing here?")]
    HeadMoved,
    /// Made by a newer program.
    #[error("the database was made by a newer version ({found} > {known})")]
    Newer {
        /// Version found.
        found: i64,
        /// Newest version this program knows.
        known: i64,
    },
    /// A migration that isn't the one this program would have run.
    #[error("migration {0} of the database isn't this program's")]
    Foreign(i64),
    /// The database is older than what this log once reached: an old copy was brought back. (SECURITY F5)
    #[error("the log was set back from {had} entries to {found}")]
    SetBack {
        /// Entries it had.
        had: u64,
        /// Entries found.
        found: u64,
    },
    /// What is stored can't be what we wrote.
    #[error("the ledger is damaged: {0}")]
    Damaged(&'static str),
}

/// The end of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of leaves.
    pub size: u64,
    /// The signed checkpoint of that size.
    pub checkpoint: Vec<u8>,
    /// The newest signed batch note.
    pub batch: Vec<u8>,
}

/// What one group commit adds, all of it or nothing.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// Size of the log before.
    pub from: u64,
    /// New entries in order; the first is the batch note.
    pub entries: Vec<Vec<u8>>,
    /// New complete nodes: level, place, hash.
    pub nodes: Vec<(u8, u64, Hash)>,
    /// Sessions that begin.
    pub opened: Vec<Opened>,
    /// Members who came for a session.
    pub parties: Vec<(SessionId, PublicKey)>,
    /// Where the sessions' events stand.
    pub events: Vec<Placed>,
    /// Sessions that end, and the entry that ends them.
    pub ended: Vec<(SessionId, u64)>,
    /// What is deleted with it. (SECURITY E11)
    pub erased: Vec<ErasedParts>,
    /// The batch's time, in milliseconds since 1970.
    pub at: i64,
    /// Sealed parts the events name.
    pub sealed: Vec<SealedPart>,
    /// The signed checkpoint of the new size.
    pub checkpoint: Vec<u8>,
}

/// Ciphertext that is deleted together with the commit that says so.
#[derive(Clone, Debug)]
pub struct ErasedParts {
    /// Of which session.
    pub session: SessionId,
    /// Commitments of the parts; `None` for all of the session.
    pub parts: Option<Vec<[u8; 32]>>,
    /// SHA-256 of their sealed forms; `None` for all of the session.
    pub sealed: Option<Vec<[u8; 32]>>,
    /// The signed `venia/erase@v1` note.
    pub note: Vec<u8>,
}

/// A session that begins.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Its id.
    pub session: SessionId,
    /// The agent's key; no other may submit for it.
    pub agent: VerifierKey,
    /// Where it came from: an address prefix, for the daily quota.
    pub source: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

/// An event's place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its session.
    pub session: SessionId,
    /// Its strand.
    pub author: Strand,
    /// Its number in the strand.
    pub seq: u64,
    /// Its index in the log.
    pub entry: u64,
    /// Index of the batch note committed with it.
    pub batch: u64,
}

/// A session as stored.
#[derive(Clone, Debug)]
pub struct StoredSession {
    /// The agent's key.
    pub agent: VerifierKey,
    /// Members who came for it.
    pub parties: Vec<PublicKey>,
    /// Its events' notes, in log order.
    pub events: Vec<Vec<u8>>,
    /// Whether it stands in a closed log: nothing follows there.
    pub archived: bool,
}

/// Two different events for one place by the strand's own key.
#[derive(Clone, Debug)]
pub struct Equivocation {
    /// The session.
    pub session: SessionId,
    /// Whose strand.
    pub author: Strand,
    /// Which place.
    pub seq: u64,
    /// The event in the log.
    pub held: Leaf,
    /// The other one's note.
    pub offered: Vec<u8>,
    /// When it was offered, in milliseconds since 1970.
    pub at: i64,
}

/// What the log asks of a database. One writer, the committer thread; every method may block on the disk.
pub trait Store: Send {
    /// The end of the log, `None` if nothing was ever committed.
    fn head(&self) -> Result<Option<Head>, StoreError>;
    /// Adds a commit if the head's size is still [`Commit::from`]; durable when it returns `Ok`. After an error nobody
    /// knows whether it is stored: [`Store::reopen`] and look.
    fn append(&mut self, commit: &Commit) -> Result<(), StoreError>;
    /// Leaves nothing of deleted rows in the write-ahead log either (SECURITY E11). False while somebody who reads the database
    /// holds the old pages; `wait`: readers get a moment to end.
    fn scrub(&mut self, wait: bool) -> Result<bool, StoreError>;
    /// Forgets everything cached and reads from disk again.
    fn reopen(&mut self) -> Result<(), StoreError>;
    /// A node of the tree.
    fn node(&self, level: u8, place: u64) -> Result<Option<Hash>, StoreError>;
    /// The first entry whose bytes are still here; above zero in a closed log that was pruned.
    fn kept_from(&self) -> u64 {
        0
    }
    /// An entry's note.
    fn entry(&self, index: u64) -> Result<Option<Vec<u8>>, StoreError>;
    /// A session with all its events.
    fn session(&self, session: SessionId) -> Result<Option<StoredSession>, StoreError>;
    /// A session's agent, and the members who came for it.
    fn session_keys(&self, session: SessionId) -> Result<Option<(VerifierKey, Vec<PublicKey>)>, StoreError>;
    /// Where an event stands.
    fn place(&self, session: SessionId, author: Strand, seq: u64) -> Result<Option<u64>, StoreError>;
    /// A session's events below an index, in log order.
    fn placed(&self, session: SessionId, below: u64, skip: u64, most: usize) -> Result<Vec<Placed>, StoreError>;
    /// Sessions opened since a moment (milliseconds since 1970): by this device key, and from this source.
    fn opened_since(&self, device: &PublicKey, source: &str, since: i64) -> Result<(u64, u64), StoreError>;
    /// Sessions that haven't ended and in which nothing was recorded since a moment (milliseconds since 1970).
    fn quiet_since(&self, since: i64, most: usize) -> Result<Vec<SessionId>, StoreError>;
    /// Whether any session hasn't ended.
    fn is_open(&self) -> Result<bool, StoreError>;
    /// A sealed part; none if it never came or was erased.
    fn sealed(&self, session: SessionId, sha256: [u8; 32]) -> Result<Option<Vec<u8>>, StoreError>;
    /// Bytes of a session's sealed parts.
    fn sealed_bytes(&self, session: SessionId) -> Result<u64, StoreError>;
    /// Keeps evidence, the first per place; durable when it returns.
    fn keep(&mut self, evidence: &Equivocation) -> Result<(), StoreError>;
    /// Evidence kept for a session.
    fn evidence(&self, session: SessionId) -> Result<Vec<(Strand, u64, Vec<u8>)>, StoreError>;
}
