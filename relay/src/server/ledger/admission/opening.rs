//! How a session begins: with its agent's `open`, after a member came, within what one device and one place may open in a
//! day. (SECURITY E6)

use venia_proto::key::{PublicKey, VerifierKey};
use venia_proto::ledger::event::Event;
use venia_proto::ledger::kind::KindName;
use venia_proto::rendezvous::{EventFault, Refusal};

use super::live::Live;
use super::{Moment, NotAdmitted, Offer, Sessions, fault};
use crate::server::ledger::limits::DAY_MS;
use crate::server::ledger::{Opened, Store};

impl Sessions {
    /// A session that isn't known yet: only its agent's `open` may begin it, after a member came. (SECURITY E6)
    pub(super) fn open(
        &self,
        store: &impl Store,
        offer: &Offer,
        first: &Event,
        moment: Moment<'_>,
    ) -> Result<(Live, Opened), NotAdmitted> {
        let (header, name) = (first.header(), first.key_name());
        let expected = offer.met.as_ref().is_some_and(|(session, met)| *session == header.session && !met.is_empty());
        let (true, KindName::Open, Some(name)) = (expected, header.kind.name(), name) else {
            return Err(fault(0, EventFault::Session));
        };
        // Recipients are those of the statement in force when the session begins. An agent that was welcomed with others would
        // seal its whole session to them, or to nobody: it must come again, and show its person who reads along.
        if offer.auditors.is_none_or(|auditors| header.parts.iter().any(|part| part.sealed.is_some() != auditors)) {
            return Err(fault(0, EventFault::Format));
        }
        if (moment.free)() < self.limits.disk_floor {
            return Err(NotAdmitted::Refused(Refusal::Disk));
        }
        let since = moment.now.plus_ms(-DAY_MS).ms();
        let (device, source) = store.opened_since(&offer.from, &offer.source, since)?;
        let opening = |same: fn(&(PublicKey, String), &Offer) -> bool| {
            self.opening.iter().filter(|opening| same(opening, offer)).count() as u64
        };
        if device + opening(|(key, _), offer| *key == offer.from) >= self.limits.sessions_per_device
            || source + opening(|(_, from), offer| *from == offer.source) >= self.limits.sessions_per_source
        {
            return Err(NotAdmitted::Refused(Refusal::Quota));
        }
        let agent = VerifierKey { name: name.clone(), key: offer.from };
        let opened =
            Opened { session: header.session, agent: agent.clone(), source: offer.source.clone(), at: moment.now.ms() };
        Ok((Live::new(header.session, agent), opened))
    }
}
