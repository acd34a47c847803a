//! Which root this log had at which size: what an event may quote as its `after`.
//!
//! An event that quotes a tree we never had shows that somebody keeps another history under our name, or invents one; in
//! the log it would pass for proof of what was recorded before it. (docs/ledger.md, SECURITY E9)

use std::collections::VecDeque;

use venia_proto::ledger::merkle::Hash;

use super::prove::Nodes;
use super::{Store, StoreError};

/// Checkpoints remembered; a quote of an older one is looked up in the stored tree.
pub(super) const RECENT: usize = 4_096;

/// The newest checkpoints, in order of size.
#[derive(Debug, Default)]
pub(super) struct Roots {
    recent: VecDeque<(u64, Hash)>,
}

impl Roots {
    /// A checkpoint became durable.
    pub(super) fn signed(&mut self, size: u64, root: Hash) {
        self.recent.push_back((size, root));
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    /// Nobody knows what is stored: look everything up again.
    pub(super) fn forget(&mut self) {
        self.recent.clear();
    }

    /// The root at a size this log has.
    pub(super) fn at(&self, store: &impl Store, size: u64) -> Result<Hash, StoreError> {
        match self.recent.binary_search_by_key(&size, |(size, _)| *size) {
            Ok(place) => Ok(self.recent[place].1),
            Err(_) => Ok(Nodes::stored(store).tree(size)?.root()),
        }
    }
}
