//! The grants as this side understands them: enough to ask before it runs something.
//!
//! Nothing here has power: the agent keeps the grants ([`crate::consent`]), and takes a use for each run it admits.

use std::collections::BTreeMap;

use crate::consent::{ASK_AGAIN_MINUTES, EntryRef};
use crate::ledger::body::{Allowed, Asked, Consent, ItemId};

/// A grant isn't used in its last moments: a request that arrives after its end would count as misbehaviour. Covers the
/// way of one message from the agent and of one to it.
pub(super) const EXPIRY_MARGIN_MS: u64 = 5_000;

/// Every grant of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Grants {
    known: Vec<Grant>,
    /// Requests sent without a grant known here: the agent takes their use from one all the same.
    uncovered: BTreeMap<u64, ItemId>,
    /// Uses taken from grants whose word is still under way.
    owed: Vec<(EntryRef, ItemId)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Grant {
    consent: EntryRef,
    items: Vec<Allowed>,
    expires_ms: u64,
}

impl Grants {
    /// The person said yes at this time, to a card that a request of ours asked for or to the offer.
    pub(super) fn given(&mut self, consent: EntryRef, card: &Consent, answered_ms: u64, request: Option<u64>) {
        let minutes = u64::from(card.minutes.unwrap_or(ASK_AGAIN_MINUTES));
        let expires_ms = (answered_ms + minutes * 60_000).saturating_sub(EXPIRY_MARGIN_MS);
        self.known.push(Grant { consent, items: card.items.clone(), expires_ms });
        if let Some(request) = request {
            // What was asked for is admitted with the yes, or refused for good: its use is gone, even if the
            // refusal overtook the yes.
            self.uncovered.remove(&request);
            card.items.iter().for_each(|allowed| self.used(consent, allowed.item.clone()));
        }
        for (grant, item) in std::mem::take(&mut self.owed) {
            self.used(grant, item);
        }
    }

    /// A request was sent that no grant known here covers.
    pub(super) fn awaits(&mut self, request: u64, item: ItemId) {
        self.uncovered.insert(request, item);
    }

    /// The agent admitted a request under this grant. Even if its refusal overtook it: the use is gone.
    pub(super) fn admitted(&mut self, request: u64, grant: EntryRef) {
        if let Some(item) = self.uncovered.remove(&request) {
            self.used(grant, item);
        }
    }

    /// A sleep took them all. (SECURITY A6)
    pub(super) fn end(&mut self) {
        self.known.clear();
    }

    /// Whether one covers this.
    pub(super) fn covers(&self, now_ms: u64, asked: &Asked) -> bool {
        let live = self.known.iter().filter(|grant| now_ms < grant.expires_ms);
        live.flat_map(|grant| &grant.items).any(|allowed| covers(allowed, asked))
    }

    /// Takes one use of a grant that covers this, if there is one.
    pub(super) fn spend(&mut self, now_ms: u64, asked: &Asked) -> bool {
        let live = self.known.iter_mut().filter(|grant| now_ms < grant.expires_ms);
        match live.flat_map(|grant| grant.items.iter_mut()).find(|allowed| covers(allowed, asked)) {
            Some(allowed) => {
                allowed.uses -= 1;
                true
            }
            None => false,
        }
    }

    /// The agent took one use of a grant for something that wasn't spent here.
    fn used(&mut self, consent: EntryRef, item: ItemId) {
        match self.known.iter_mut().find(|grant| grant.consent == consent) {
            Some(grant) => grant
                .items
                .iter_mut()
                .filter(|allowed| allowed.item == item)
                .for_each(|allowed| allowed.uses = allowed.uses.saturating_sub(1)),
            None => self.owed.push((consent, item)),
        }
    }
}

/// Whether an item of a grant allows this run, and has a use left.
fn covers(allowed: &Allowed, asked: &Asked) -> bool {
    allowed.item == asked.item
        && allowed.definition == asked.definition
        && allowed.uses > 0
        && allowed.values.iter().all(|(name, set)| asked.arguments.get(name).is_some_and(|value| set.contains(value)))
}
