//! What everybody is told once a commit is durable: proofs that their events stand in the tree just signed.

use venia_proto::rendezvous::{Answer, Refusal};

use super::layout::Places;
use super::{Committer, Waiting};
use crate::server::ledger::admission::Admitted;
use crate::server::ledger::prove::Nodes;
use crate::server::ledger::{Store, StoreError};

impl<S: Store> Committer<S> {
    /// Everything is durable: makes the receipts.
    pub(super) fn release(&mut self, waiting: Vec<Waiting>, places: &Places) -> Result<(), StoreError> {
        let nodes = Nodes::recent(&self.store, &self.recent);
        let (mut failed, mut outbox) = (None, Vec::with_capacity(waiting.len()));
        for Waiting { admitted, known, held, answer } in waiting {
            held.stored(&admitted.sealed);
            let receipts = self.receipts(&nodes, &admitted, known, places);
            let receipts = receipts.map_err(|error| {
                failed = Some(error);
                Refusal::Disk
            });
            outbox.push((answer, receipts));
        }
        self.outbox.extend(outbox);
        failed.map_or(Ok(()), Err)
    }

    fn receipts(
        &self,
        nodes: &Nodes<'_, S>,
        admitted: &Admitted,
        known: u64,
        places: &Places,
    ) -> Result<Answer, StoreError> {
        let head = self.head.as_ref().ok_or(StoreError::Damaged("no head"))?;
        let mut entries = Vec::with_capacity(admitted.events.len());
        for (event, _) in &admitted.events {
            let header = event.header();
            let index = match places.get(&event.leaf().0) {
                Some(index) => Some(*index),
                None => self.store.place(header.session, header.author, header.seq)?,
            };
            entries.push(nodes.entry(index.ok_or(StoreError::Damaged("an event has no place"))?, head.size)?);
        }
        let consistency = nodes.consistency(known, head.size)?;
        Ok(Answer::Receipts { checkpoint: head.checkpoint.clone(), consistency, entries })
    }
}
