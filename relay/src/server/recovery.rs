//! The way on after a restored backup. (SECURITY F5)
//!
//! A log that goes on from an older copy would contradict the receipts people hold, so it doesn't: the old log is closed
//! where the copy ends, and another begins, under a new origin with a new key, named by the root's statement. Its first note
//! says what happened. Agents and consoles hold that against what they saw, warn once, and go on; what was recorded after
//! the copy stands in their own records alone.
//!
//! Only with the folder's lock, and only where something was set back: a log is not ended because somebody wants to be rid
//! of it.

use venia_proto::ledger::notice::Succession;
use venia_proto::now::Wall;

use super::backup::{MARK, Mark};
use super::identity::Keys;
use super::ledger::StoreError;
use super::ledger::head::{HEAD_FILE, HeadFile};
use super::ledger::sqlite::Sqlite;
use super::ledger::succession::{Succeeded, against, succeed};
use super::serve::{DATABASE, ServeError};
use crate::client::home::Home;

/// What was recovered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The log that ended, and the one that begins.
    pub logs: Succeeded,
    /// Entries the old log is known to have had; `None` if nobody here knows, as after a copied folder.
    pub had: Option<u64>,
}

/// Refuses to sign in a folder that is a copy.
pub fn may_sign(home: &Home) -> Result<(), ServeError> {
    Mark::read(home)?.map_or(Ok(()), |mark| Err(ServeError::IsBackup(mark.made)))
}

/// Goes on from an older copy. `None`: nothing was set back here, and nothing was done.
pub fn recover(home: &Home, now: Wall) -> Result<Option<Recovered>, ServeError> {
    let mut store = Sqlite::open(&home.path(DATABASE)?)?;
    let keys = Keys::open(home)?;
    let reached = HeadFile::open(home, &keys.log.verifier().name)?.before();
    drop(keys);
    let had = match against(&store, reached) {
        Err(StoreError::SetBack { had, .. }) => Some(had),
        // It went on from the older copy before anybody noticed.
        Err(StoreError::Damaged(_)) => reached.map(|(had, _)| had),
        Err(error) => return Err(error.into()),
        Ok(()) if Mark::read(home)?.is_some() => None,
        Ok(()) => return Ok(None),
    };
    let logs = succeed(home, &mut store, Succession::Recovered, now)?;
    // Last: until here the next start refuses, and this command does it again.
    home.remove(HEAD_FILE)?;
    home.remove(MARK)?;
    Ok(Some(Recovered { logs, had }))
}
