//! How far a copy was verified, kept between runs.
//!
//! ```text
//! DATA/audit/<log>/verified   up to where `venia audit verify` found everything right, the last time it came to an end
//! DATA/audit/<log>/verifying  up to where a run that was interrupted had come, and what it still owes
//! ```
//!
//! Both are believed no further than the folder they lie in: whoever can write there can also write the copy itself.
//! `venia audit verify` without anything to go on with reads from the first byte.

use serde::{Deserialize, Serialize};
use venia_proto::id::SessionId;
use venia_proto::ledger::reading::Saved;

use super::mirror::{Mirror, MirrorError};

const VERIFIED: &str = "verified";
const VERIFYING: &str = "verifying";
/// Largest file, in bytes: a hundred thousand sessions that are still open.
const FILE_MAX: usize = 16 << 20;

/// A place between two commits of the copy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// The reading there.
    pub(crate) reading: Saved,
    /// Bytes of the copy's entries before it.
    pub(crate) bytes: u64,
}

/// A run that didn't come to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verifying {
    /// Where it had begun: at the first entry, or where everything was found right before.
    pub(crate) since_last: bool,
    /// How far it came. Every entry before was read, and every session but the owed ones judged.
    pub(crate) mark: Mark,
    /// Sessions that have events before the mark and were not judged yet.
    pub(crate) owed: Vec<SessionId>,
    /// Sessions that began before the mark and after where it had begun.
    pub(crate) opened: u64,
    /// Unexplained silences so far: from, to.
    pub(crate) holes: Vec<(i64, i64)>,
}

impl Mirror {
    /// Up to where everything was found right last.
    pub(crate) fn verified(&self) -> Result<Option<Mark>, MirrorError> {
        self.kept::<Mark>(VERIFIED).map(|mark| mark.filter(|mark| self.covers(mark)))
    }

    /// The run that was interrupted, if there was one like this.
    pub(crate) fn verifying(&self, since_last: bool) -> Result<Option<Verifying>, MirrorError> {
        let kept = self.kept::<Verifying>(VERIFYING)?;
        Ok(kept.filter(|kept| kept.since_last == since_last && self.covers(&kept.mark)))
    }

    /// Remembers a run that isn't at its end.
    pub(crate) fn keep_verifying(&self, verifying: &Verifying) -> Result<(), MirrorError> {
        let bytes = serde_json::to_vec(verifying).map_err(|_| MirrorError::Damaged("its progress"))?;
        Ok(self.home.write(VERIFYING, &bytes)?)
    }

    /// A run came to its end: everything there is was found right.
    pub(crate) fn keep_verified(&self) -> Result<(), MirrorError> {
        let mark = Mark { reading: self.state.reading.clone(), bytes: self.state.bytes };
        let bytes = serde_json::to_vec(&mark).map_err(|_| MirrorError::Damaged("its progress"))?;
        self.home.write(VERIFIED, &bytes)?;
        self.forget_verifying()
    }

    /// The next run begins anew: there is nothing to go on with in a log that doesn't hold.
    pub(crate) fn forget_verifying(&self) -> Result<(), MirrorError> {
        Ok(self.home.remove(VERIFYING)?)
    }

    fn covers(&self, mark: &Mark) -> bool {
        mark.reading.size <= self.state.reading.size && mark.bytes <= self.state.bytes
    }

    /// What can't be read is as if it weren't there: verifying anew loses time and nothing else.
    fn kept<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<Option<T>, MirrorError> {
        let bytes = self.home.read(name, FILE_MAX)?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }
}
