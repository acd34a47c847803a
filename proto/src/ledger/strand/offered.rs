//! Events whose signature is checked before their place: the signature needs only a key, and any thread can check it; the
//! place needs the whole session, and one thread at a time.
//!
//! What is remembered is which key signed, never that "the signature is right": by any other key than the strand's it
//! counts for nothing. Not here: where the keys to try come from.

use std::borrow::Borrow;

use super::{Admission, StrandError, Strands};
use crate::key::{ReadyKey, VerifierKey};
use crate::ledger::event::Event;

/// An event, and the key that is known to have signed it.
#[derive(Clone, Debug)]
pub struct Offered {
    event: Event,
    signed_by: Option<VerifierKey>,
}

impl Offered {
    /// Checks the signature by the first of these keys that has the name and id it names. If there is none, or it didn't
    /// sign, nobody is known to have signed yet.
    pub fn new<K: Borrow<ReadyKey>>(event: Event, keys: impl IntoIterator<Item = K>) -> Self {
        let named = |key: &ReadyKey| event.key_id() == Some(key.id()) && event.key_name() == Some(&key.verifier().name);
        let key = keys.into_iter().find(|key| named(key.borrow()));
        let signed = key.filter(|key| event.verify_by(key.borrow()).is_ok());
        let signed_by = signed.map(|key| key.borrow().verifier().clone());
        Self { event, signed_by }
    }

    /// The event.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// The event alone.
    pub fn into_event(self) -> Event {
        self.event
    }
}

impl Strands {
    /// Like [`Self::check`]; the signature is checked only if the strand's key isn't known to have signed.
    pub fn check_offered(&self, offered: &mut Offered) -> Result<Admission, StrandError> {
        let key = self.key_for(&offered.event)?;
        if offered.signed_by.as_ref() != Some(key.verifier()) {
            let foreign = StrandError::ForeignKey(offered.event.header().author);
            offered.event.verify_by(key).map_err(|_| foreign)?;
            offered.signed_by = Some(key.verifier().clone());
        }
        self.check_place(&offered.event)
    }

    /// Like [`Self::admit`]; the signature is checked only if the strand's key isn't known to have signed.
    pub fn admit_offered(&mut self, offered: &mut Offered) -> Result<Admission, StrandError> {
        let admission = self.check_offered(offered)?;
        match admission {
            Admission::New => self.take(&offered.event),
            Admission::Again => {}
        }
        Ok(admission)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{SessionId, Strand};
    use crate::key::SigningKey;
    use crate::ledger::kind::Kind;
    use crate::ledger::strand::Author;
    use crate::now::Wall;

    const SESSION: SessionId = SessionId([0x5f; 16]);

    fn opened_by(key: &SigningKey) -> Event {
        let body = crate::ledger::part::Opening::make([1; 32], b"{}").unwrap();
        let parts = [body.part(crate::ledger::part::PartName::Body, None)];
        Author::new(SESSION, Strand::Agent).write(Kind::Open { versions: vec![1] }, &parts, Wall::from_ms(1), key)
    }

    #[test]
    fn e6_a_signature_by_another_key_than_the_strands_counts_for_nothing() {
        let (agent, stranger) = (SigningKey::new("key", [1; 32]), SigningKey::new("key", [2; 32]));
        let imposter = stranger.named(agent.verifier().name.clone());
        let keys = [&agent, &stranger, &imposter].map(|key| key.verifier().ready());
        for (known, signed) in [(&keys[..], true), (&keys[..0], false), (&keys[1..], false)] {
            let mut offered = Offered::new(opened_by(&agent), known);
            assert_eq!(offered.signed_by.is_some(), signed);
            let mut strands = Strands::new(SESSION, agent.verifier().clone());
            assert_eq!(strands.check_offered(&mut offered), Ok(Admission::New));
            assert!(offered.signed_by.is_some(), "checked once and for all");
            assert_eq!(strands.admit_offered(&mut offered), Ok(Admission::New));
            assert_eq!(strands.admit_offered(&mut offered), Ok(Admission::Again));
        }
        for other in [&stranger, &imposter] {
            // It did sign, and that is known; but it isn't the strand's.
            let mut offered = Offered::new(opened_by(other), &keys);
            assert_eq!(offered.signed_by.as_ref(), Some(other.verifier()));
            let strands = Strands::new(SESSION, agent.verifier().clone());
            let refused = strands.check_offered(&mut offered);
            assert_eq!(refused, Err(StrandError::ForeignKey(Strand::Agent)));
        }
    }

    #[test]
    fn a_damaged_signature_is_by_nobody() {
        let agent = SigningKey::new("key", [1; 32]);
        let mut bytes = opened_by(&agent).bytes().to_vec();
        let at = bytes.len() - 20;
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let mut offered = Offered::new(Event::parse(&bytes).unwrap(), &[agent.verifier().ready()]);
        assert_eq!(offered.signed_by, None);
        let strands = Strands::new(SESSION, agent.verifier().clone());
        assert_eq!(strands.check_offered(&mut offered), Err(StrandError::ForeignKey(Strand::Agent)));
    }
}
