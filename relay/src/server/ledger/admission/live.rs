//! One session as admission remembers it between commits: its strands, who may take part, and what it has used up.

use std::collections::BTreeSet;

use venia_proto::id::SessionId;
use venia_proto::key::{PublicKey, VerifierKey};
use venia_proto::ledger::event::Event;
use venia_proto::ledger::strand::Strands;

use crate::server::ledger::{Store, StoreError, StoredSession};

#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) strands: Strands,
    pub(super) agent: PublicKey,
    pub(super) parties: BTreeSet<PublicKey>,
    pub(super) events: usize,
    pub(super) bytes: u64,
    pub(super) evidence: usize,
    pub(super) used: u64,
    /// Whether the parts are sealed, once there is one. (SECURITY E4)
    sealed: Option<bool>,
}

impl Live {
    pub(super) fn new(session: SessionId, agent: VerifierKey) -> Self {
        let key = agent.key;
        let strands = Strands::new(session, agent);
        Self { strands, agent: key, parties: BTreeSet::new(), events: 0, bytes: 0, evidence: 0, used: 0, sealed: None }
    }

    /// Whether this event's parts are sealed as those before it; the first one decides.
    pub(super) fn seals_alike(&mut self, event: &Event) -> bool {
        let parts = &event.header().parts;
        let Some(first) = parts.first() else { return true };
        let sealed = *self.sealed.get_or_insert(first.sealed.is_some());
        parts.iter().all(|part| part.sealed.is_some() == sealed)
    }

    /// Reads a session back: every note's signature and chain are checked again, so that a damaged database is found before it
    /// is signed. What was admitted under older rules is taken as it is.
    pub(super) fn load(store: &impl Store, session: SessionId, stored: StoredSession) -> Result<Self, StoreError> {
        let mut live = Self::new(session, stored.agent);
        live.parties = stored.parties.into_iter().collect();
        for note in stored.events {
            let event = Event::stored(&note).map_err(|_| StoreError::Damaged("an event"))?;
            live.strands.restore(&event).map_err(|_| StoreError::Damaged(super::DAMAGED))?;
            live.seals_alike(&event);
            live.events += 1;
            live.bytes += note.len() as u64;
        }
        live.bytes += store.sealed_bytes(session)?;
        live.evidence = store.evidence(session)?.len();
        Ok(live)
    }
}
