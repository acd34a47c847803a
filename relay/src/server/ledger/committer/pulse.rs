//! Time in the log: heartbeats, sessions that nobody closed, and silences that must be explained. (SECURITY F6, E7)

use venia_proto::ledger::heartbeat::{self, ABANDONED_MS, Hole, Pulse};
use venia_proto::ledger::notice::Notice;
use venia_proto::now::Wall;

use super::{Committer, Owed};
use crate::server::ledger::limits::ABANDONED_AT_ONCE;
use crate::server::ledger::{Store, StoreError};

impl<S: Store> Committer<S> {
    /// How old the newest batch note is, in milliseconds.
    pub(super) fn age(&self) -> u64 {
        (self.surroundings.now)().boot_ms.saturating_sub(self.newest.borrow().boot_ms)
    }

    /// Whether a heartbeat is due; sessions that nobody closed get their note with it.
    pub(super) fn beat(&mut self, queued: bool, owed: &mut Vec<Owed>) -> bool {
        if self.broken {
            return false;
        }
        let long_ago = (self.surroundings.now)().wall.plus_ms(-ABANDONED_MS).ms();
        let found = self.store.quiet_since(long_ago, ABANDONED_AT_ONCE).and_then(|quiet| {
            // Only a log that is old enough to be idle has to know whether it may be.
            let busy = queued || (heartbeat::is_due(self.age(), true) && self.store.is_open()?);
            Ok((quiet, busy))
        });
        match found {
            Ok((quiet, busy)) => {
                let already = |session| owed.iter().any(|owed| owed.notice == Notice::Abandoned { session });
                let new: Vec<_> = quiet.into_iter().filter(|session| !already(*session)).collect();
                owed.extend(new.into_iter().map(|session| Notice::Abandoned { session }.into()));
                heartbeat::is_due(self.age(), busy)
            }
            Err(error) => {
                self.failed(&error);
                false
            }
        }
    }

    /// The time since the last batch before this program began.
    pub(super) fn gap_before_now(&self) -> Option<Owed> {
        self.head.as_ref()?;
        let from = self.newest.borrow().observed;
        Some(Notice::Gap { from, to: (self.surroundings.now)().wall.max(from) }.into())
    }

    /// A `gap` for a silence nobody explained yet: this computer slept, its disk hung, or its clock was set right. Said by
    /// us at once, it is a fact; found by an auditor later, it would be a suspicion.
    pub(super) fn unexplained(&self, observed: Wall, owed: &[Owed]) -> Result<Option<Owed>, StoreError> {
        if self.head.is_none() || owed.iter().any(|owed| matches!(owed.notice, Notice::Gap { .. })) {
            return Ok(None);
        }
        let silent = |busy| {
            let mut pulse = Pulse::default();
            pulse.batch(self.newest.borrow().observed, busy, None);
            pulse.batch(observed, busy, None)
        };
        // Nearly always the answer is no, and no question to the database.
        if silent(true).is_none() {
            return Ok(None);
        }
        let hole = silent(self.store.is_open()?);
        Ok(hole.map(|Hole { from, to }| Notice::Gap { from, to }.into()))
    }
}
