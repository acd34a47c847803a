//! What one commit consists of: the batch note, the relay's own notes, the events, the tree they grow, and the checkpoint
//! that is signed over all of it before anything is stored.
//!
//! Not here: storing it, and what time must be explained ([`super::pulse`]).

use std::collections::HashMap;

use venia_proto::ledger::batch::Batch;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::kind::KindName;
use venia_proto::ledger::merkle::{Hash, Tree};
use venia_proto::ledger::note::leaf;
use venia_proto::ledger::notice::Notice;
use venia_proto::ledger::strand::Admission;

use super::{Committer, Owed, Waiting};
use crate::server::ledger::erasing::sealed_of;
use crate::server::ledger::queue::Newest;
use crate::server::ledger::{Commit, ErasedParts, Placed, Store, StoreError};

/// Indexes of new events by leaf.
pub(super) type Places = HashMap<[u8; 32], u64>;

impl<S: Store> Committer<S> {
    /// Lays out the commit; none if every event of every submission is there already.
    #[expect(clippy::type_complexity, reason = "the three parts of one commit, taken apart at once")]
    pub(super) fn prepare(
        &self,
        waiting: &[Waiting],
        owed: &mut Vec<Owed>,
    ) -> Result<(Option<(Commit, Tree, Newest)>, Places), StoreError> {
        let from = self.tree.size();
        let mut places = Places::new();
        let events = waiting.iter().flat_map(|waiting| &waiting.admitted.events);
        let new: Vec<_> =
            events.filter(|(_, admission)| *admission == Admission::New).map(|(event, _)| event).collect();
        if new.is_empty() && owed.is_empty() && !waiting.is_empty() {
            return Ok((None, places));
        }
        let now = (self.surroundings.now)();
        // A clock set back must not make the ledger's time go back.
        let observed = now.wall.max(self.newest.borrow().observed);
        owed.extend(self.unexplained(observed, owed)?);
        let batch = Batch {
            origin: self.log.verifier().name.clone(),
            n: (owed.len() + new.len()) as u64,
            observed,
            previous: self.head.as_ref().map(|head| leaf(&head.batch)),
        };
        let batch = batch.sign(&self.log);
        let mut commit = Commit { from, at: observed.ms(), ..Commit::default() };
        let mut tree = self.tree.clone();
        let mut completed = |level, place, hash: Hash| commit.nodes.push((level, place, hash));
        tree.append(leaf(&batch), &mut completed);
        commit.entries.push(batch.clone());
        for Owed { notice, .. } in &*owed {
            let note = notice.sign(&self.log);
            let entry = tree.append(leaf(&note), &mut completed);
            if let Notice::Abandoned { session } = notice {
                commit.ended.push((*session, entry));
            }
            if let Notice::Erase { session, parts } = notice {
                let sealed = parts.as_deref().map(|parts| sealed_of(&self.store, *session, parts)).transpose()?;
                let (session, parts, note) = (*session, parts.clone(), note.clone());
                commit.erased.push(ErasedParts { session, parts, sealed, note });
            }
            commit.entries.push(note);
        }
        for event in &new {
            let entry = tree.append(event.leaf(), &mut completed);
            places.insert(event.leaf().0, entry);
            let header = event.header();
            if header.kind.name() == KindName::Close {
                commit.ended.push((header.session, entry));
            }
            let placed = Placed { session: header.session, author: header.author, seq: header.seq, entry, batch: from };
            commit.events.push(placed);
        }
        commit.entries.extend(new.iter().map(|event| event.bytes().to_vec()));
        commit.opened = waiting.iter().filter_map(|waiting| waiting.admitted.opened.clone()).collect();
        commit.sealed = waiting.iter().flat_map(|waiting| waiting.admitted.sealed.iter().cloned()).collect();
        commit.parties = waiting.iter().flat_map(|waiting| waiting.admitted.parties.iter().copied()).collect();
        commit.checkpoint = Checkpoint::of(self.log.verifier(), tree.size(), tree.root()).sign(&self.log);
        let newest = Newest { batch: batch.into(), observed, boot_ms: now.boot_ms };
        Ok((Some((commit, tree, newest)), places))
    }
}
