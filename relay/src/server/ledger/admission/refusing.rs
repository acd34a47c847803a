//! What is said of an event that doesn't fit its strand, and what is kept of it: of two events for one place by the
//! strand's own key both are evidence; anybody else's is dropped. (SECURITY E6)

use venia_proto::id::{Leaf, Strand};
use venia_proto::ledger::event::Event;
use venia_proto::ledger::strand::StrandError;
use venia_proto::now::Wall;
use venia_proto::rendezvous::EventFault;

use super::live::Live;
use super::{Moment, NotAdmitted, Sessions, fault};
use crate::server::ledger::limits::EVIDENCE_MAX;
use crate::server::ledger::{Equivocation, Store, StoreError};

impl Sessions {
    pub(super) fn refuse(
        &self,
        store: &mut impl Store,
        live: &mut Live,
        event: &Event,
        place: u32,
        error: StrandError,
        moment: Moment<'_>,
    ) -> NotAdmitted {
        match error {
            StrandError::Equivocation { author, seq, held, .. } => {
                match keep(store, live, event, author, seq, held, moment.now) {
                    Ok(()) => fault(place, EventFault::Equivocation),
                    Err(error) => NotAdmitted::Store(error),
                }
            }
            StrandError::OtherSession | StrandError::Closed => fault(place, EventFault::Session),
            StrandError::ForeignKey(_) => fault(place, EventFault::ForeignKey),
            StrandError::UnknownStrand(_)
            | StrandError::Gap { .. }
            | StrandError::WrongPrev { .. }
            | StrandError::SeenUnknown(_)
            | StrandError::SeenWentBack(_)
            | StrandError::AfterLost
            | StrandError::StrandNumber { .. }
            | StrandError::KeyInUse(_)
            | StrandError::WrongTip(_)
            | StrandError::TipLeftOut(_)
            | StrandError::CountsStranger(_)
            | StrandError::NotAboutClose => fault(place, EventFault::Chain),
        }
    }
}

fn keep(
    store: &mut impl Store,
    live: &mut Live,
    event: &Event,
    author: Strand,
    seq: u64,
    held: Leaf,
    now: Wall,
) -> Result<(), StoreError> {
    if live.evidence >= EVIDENCE_MAX {
        return Ok(());
    }
    live.evidence += 1;
    let (session, offered) = (event.header().session, event.bytes().to_vec());
    tracing::warn!(%session, %author, seq, "equivocation: evidence kept");
    store.keep(&Equivocation { session, author, seq, held, offered, at: now.ms() })
}
