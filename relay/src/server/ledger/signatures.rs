//! Signatures are checked where events arrive, on every core, before they wait for the one thread that writes the log.
//! There only their place is left to check ([`super::admission`]), and between two fsyncs nobody waits for arithmetic.
//!
//! A key is tried only if the event names it and its connection vouches for it: the agent's own for the agent's strand, a
//! member's who came for the others. What isn't signed by any of them is checked by admission, which knows the session.
//!
//! Not here: whether the key is the strand's. That is admission's alone, whoever signed. (SECURITY E6)

use std::collections::HashMap;
use std::slice;
use std::sync::{Arc, Mutex, PoisonError};

use venia_proto::id::Strand;
use venia_proto::key::{PublicKey, ReadyKey, VerifierKey};
use venia_proto::ledger::event::Event;
use venia_proto::ledger::strand::Offered;
use venia_proto::rendezvous::{EventFault, Refusal, SUBMIT_MAX};

use super::admission::{Offer, Submission};

/// Keys kept ready; when there are more, all are made ready again as they come.
const READY_MAX: usize = 4_096;

/// Keys that signed lately, made ready.
#[derive(Debug, Default)]
pub(super) struct Signatures(Mutex<HashMap<VerifierKey, Arc<ReadyKey>>>);

impl Signatures {
    /// Reads every event, and checks the signatures that can be checked without the session.
    pub(super) fn read(&self, submission: Submission) -> Result<Offer, Refusal> {
        let Submission { from, source, met, events: notes, known, held, auditors } = submission;
        if notes.is_empty() || notes.len() > SUBMIT_MAX {
            return Err(Refusal::NotAllowed);
        }
        let came = met.as_ref().map_or(&[][..], |(_, came)| came);
        let mut events = Vec::with_capacity(notes.len());
        for (place, note) in (0..).zip(&notes) {
            let event = Event::parse(note).map_err(|_| Refusal::Event { place, fault: EventFault::Format })?;
            let keys = match event.header().author {
                Strand::Agent => slice::from_ref(&from),
                Strand::Technician(_) | Strand::Observer(_) => came,
            };
            events.push(self.offered(event, keys));
        }
        Ok(Offer { from, source, met, events, known, held, auditors })
    }

    fn offered(&self, event: Event, keys: &[PublicKey]) -> Offered {
        let name = event.key_name().cloned();
        let named = name.iter().flat_map(|name| keys.iter().map(|&key| VerifierKey { name: name.clone(), key }));
        Offered::new(event, named.map(|key| self.ready(key)))
    }

    fn ready(&self, key: VerifierKey) -> Arc<ReadyKey> {
        let mut ready = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = ready.get(&key) {
            return found.clone();
        }
        if ready.len() == READY_MAX {
            ready.clear();
        }
        let made = Arc::new(key.ready());
        ready.insert(key, made.clone());
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use venia_proto::key::{KeyName, SigningKey};

    #[test]
    fn keys_kept_ready_are_bounded() {
        let (signatures, key) = (Signatures::default(), *SigningKey::new("key", [1; 32]).public());
        for (n, kept) in [(READY_MAX - 1, READY_MAX - 1), (READY_MAX, READY_MAX), (READY_MAX + 1, 1)] {
            let signatures = if n > READY_MAX { &signatures } else { &Signatures::default() };
            for n in 0..n {
                signatures.ready(VerifierKey { name: KeyName::new(&format!("key-{n}")).unwrap(), key });
            }
            assert_eq!(signatures.0.lock().unwrap().len(), kept);
        }
    }
}
