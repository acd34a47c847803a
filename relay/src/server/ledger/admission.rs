//! What may enter the log: the last door before a signature. (SECURITY E5, E6)
//!
//! Size, form and closed schema; then the strand's own key, strictly verified; then the chain. A session begins only with
//! its agent's `open`, over that agent's own connection, after a member came for it; a further strand only with the
//! agent's `join`, for the key of a member who came. A stranger's note is dropped and held against nobody; a second event
//! by a strand's own key is kept as evidence.
//!
//! Not here: who may be on a connection ([`super::super::registry`]), and making anything durable.

mod live;
mod opening;
mod refusing;

use std::collections::{BTreeSet, HashMap};

use venia_proto::id::SessionId;
use venia_proto::key::{KeyName, PublicKey};
use venia_proto::ledger::event::Event;
use venia_proto::ledger::kind::{Kind, KindName};
use venia_proto::ledger::merkle::Hash;
use venia_proto::ledger::strand::{Admission, Offered};
use venia_proto::now::Wall;
use venia_proto::rendezvous::{EventFault, Refusal};

use self::live::Live;
use super::limits::{BYTES_RESERVED, EVENTS_RESERVED, Limits};
use super::roots::Roots;
use super::sealed::{Held, SealedPart};
use super::{Opened, Store, StoreError};

/// Sessions kept in memory between commits; others are read again from disk.
const CACHED: usize = 1_024;
/// What is said of a session that can't be read back.
const DAMAGED: &str = "a session's events";

/// Events an agent wants recorded, and what the relay knows about that agent.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The key of the connection they came over.
    pub from: PublicKey,
    /// Where that connection comes from: an address prefix, for the daily quota.
    pub source: String,
    /// Members who came for this agent's registered session, and which session that is.
    pub met: Option<(SessionId, Vec<PublicKey>)>,
    /// The notes.
    pub events: Vec<Vec<u8>>,
    /// Size of the newest checkpoint the agent holds.
    pub known: u64,
    /// Sealed parts that came before it over the same connection.
    pub held: Held,
    /// Whether the statement that connection was welcomed with names auditors; `None` if others are in force by now.
    pub auditors: Option<bool>,
}

/// A submission that was read, its signatures checked as far as its connection's keys reach.
#[derive(Debug)]
pub(super) struct Offer {
    /// See [`Submission::from`].
    pub(super) from: PublicKey,
    /// See [`Submission::source`].
    pub(super) source: String,
    /// See [`Submission::met`].
    pub(super) met: Option<(SessionId, Vec<PublicKey>)>,
    /// The events: 1 to [`SUBMIT_MAX`](venia_proto::rendezvous::SUBMIT_MAX).
    pub(super) events: Vec<Offered>,
    /// See [`Submission::known`].
    pub(super) known: u64,
    /// See [`Submission::held`].
    pub(super) held: Held,
    /// See [`Submission::auditors`].
    pub(super) auditors: Option<bool>,
}

/// Sessions and members who came for them.
type Parties = Vec<(SessionId, PublicKey)>;

/// A submission that may be committed.
#[derive(Debug)]
pub(super) struct Admitted {
    /// Every event, in the order given.
    pub(super) events: Vec<(Event, Admission)>,
    /// The session begins with it.
    pub(super) opened: Option<Opened>,
    /// Members who came for the session.
    pub(super) parties: Parties,
    /// Sealed parts that are stored with it.
    pub(super) sealed: Vec<SealedPart>,
}

/// A submission that may not.
#[derive(Debug)]
pub(super) enum NotAdmitted {
    /// The peer gets to know why.
    Refused(Refusal),
    /// Our own database failed.
    Store(StoreError),
}

impl From<StoreError> for NotAdmitted {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The sessions as of the next commit: what is stored, and what was admitted since.
#[derive(Debug)]
pub(super) struct Sessions {
    limits: Limits,
    origin: KeyName,
    roots: Roots,
    live: HashMap<SessionId, Live>,
    /// Sessions found damaged, so that their agents don't make us read all of them with every call.
    damaged: BTreeSet<SessionId>,
    /// Sessions that begin with the commit under way.
    opening: Vec<(PublicKey, String)>,
    clock: u64,
}

/// What admission must know of the moment.
#[derive(Clone, Copy)]
pub(super) struct Moment<'a> {
    /// The relay's wall clock.
    pub(super) now: Wall,
    /// Size of the log.
    pub(super) size: u64,
    /// Free bytes on the disk.
    pub(super) free: &'a dyn Fn() -> u64,
}

impl Sessions {
    pub(super) fn new(origin: KeyName, limits: Limits) -> Self {
        let (roots, live, damaged) = (Roots::default(), HashMap::new(), BTreeSet::new());
        Self { limits, origin, roots, live, damaged, opening: Vec::new(), clock: 0 }
    }

    /// A commit failed: nothing admitted since the last one counts.
    pub(super) fn forget(&mut self) {
        self.roots.forget();
        self.live.clear();
        self.damaged.clear();
        self.opening.clear();
    }

    /// A commit succeeded: the log has this root at this size. Keeps memory bounded.
    pub(super) fn committed(&mut self, size: u64, root: Hash) {
        self.roots.signed(size, root);
        self.opening.clear();
        if self.live.len() > CACHED {
            let mut uses: Vec<u64> = self.live.values().map(|live| live.used).collect();
            uses.sort_unstable();
            let oldest_kept = uses[uses.len() - CACHED / 2];
            self.live.retain(|_, live| live.used >= oldest_kept);
        }
    }

    /// All of a submission or nothing of it.
    pub(super) fn admit(
        &mut self,
        store: &mut impl Store,
        mut offer: Offer,
        moment: Moment<'_>,
    ) -> Result<Admitted, NotAdmitted> {
        let mut events = std::mem::take(&mut offer.events);
        let Some(first) = events.first().map(Offered::event) else {
            return Err(NotAdmitted::Refused(Refusal::NotAllowed));
        };
        let session = first.header().session;
        let (mut live, opened) = match self.take(store, session, &offer.from)? {
            Some(live) => (live, None),
            None => {
                let (live, opened) = self.open(store, &offer, first, moment)?;
                (live, Some(opened))
            }
        };
        self.clock += 1;
        live.used = self.clock;
        if live.agent != offer.from {
            self.live.insert(session, live);
            return Err(fault(0, EventFault::Session));
        }
        // One event is taken in whole or not at all; of several, an earlier one must be taken back.
        let before = (events.len() > 1 || opened.is_some()).then(|| live.clone());
        match self.admit_all(store, &offer, &mut live, &mut events, moment) {
            Ok((admissions, parties, sealed)) => {
                if let Some(opened) = &opened {
                    self.opening.push((offer.from, opened.source.clone()));
                }
                self.live.insert(session, live);
                let events = events.into_iter().map(Offered::into_event).zip(admissions).collect();
                Ok(Admitted { events, opened, parties, sealed })
            }
            Err(error) => {
                // A session that didn't begin leaves nothing.
                if opened.is_none() {
                    let evidence = live.evidence;
                    let mut live = before.unwrap_or(live);
                    live.evidence = evidence;
                    self.live.insert(session, live);
                }
                Err(error)
            }
        }
    }

    fn admit_all(
        &self,
        store: &mut impl Store,
        offer: &Offer,
        live: &mut Live,
        events: &mut [Offered],
        moment: Moment<'_>,
    ) -> Result<(Vec<Admission>, Parties, Vec<SealedPart>), NotAdmitted> {
        let mut admissions = Vec::with_capacity(events.len());
        let mut parties = Vec::new();
        let mut sealed: Vec<SealedPart> = Vec::new();
        for (place, offered) in (0..).zip(events) {
            let header = offered.event().header();
            if let Some(after) = header.after.as_ref().filter(|after| after.origin == self.origin)
                && (after.size > moment.size || self.roots.at(store, after.size)? != after.root)
            {
                return Err(fault(place, EventFault::Chain));
            }
            let admission = match live.strands.check_offered(offered) {
                Ok(admission) => admission,
                Err(error) => return Err(self.refuse(store, live, offered.event(), place, error, moment)),
            };
            let event = offered.event();
            let header = event.header();
            if admission == Admission::New {
                if let Kind::Join { key, .. } = &header.kind {
                    let met = offer.met.as_ref().filter(|(session, _)| *session == header.session);
                    if met.is_some_and(|(_, met)| met.contains(&key.key)) {
                        if live.parties.insert(key.key) {
                            parties.push((header.session, key.key));
                        }
                    } else if !live.parties.contains(&key.key) {
                        return Err(fault(place, EventFault::ForeignKey));
                    }
                }
                // An agent that left a part unsealed would hide it from the auditors for ever. It never will be right.
                if !live.seals_alike(event) {
                    return Err(fault(place, EventFault::Format));
                }
                let reserved = if never_waits(header.kind.name()) { EVENTS_RESERVED } else { 0 };
                let before = sealed.len();
                sealed.extend(missing(store, &offer.held, event, place, &sealed)?);
                let parts: u64 = sealed.iter().skip(before).map(|part| part.bytes.len() as u64).sum();
                let bytes = live.bytes + event.bytes().len() as u64 + parts;
                let room = if never_waits(header.kind.name()) { BYTES_RESERVED } else { 0 };
                if live.events >= self.limits.events + reserved || bytes > self.limits.bytes + room {
                    return Err(NotAdmitted::Refused(Refusal::Quota));
                }
                // Checked a moment ago on the same strands: it can't fail.
                if live.strands.admit_offered(offered).is_err() {
                    return Err(fault(place, EventFault::Chain));
                }
                live.events += 1;
                live.bytes = bytes;
            }
            admissions.push(admission);
        }
        Ok((admissions, parties, sealed))
    }

    /// The session in memory, else from disk. Only its own agent makes us read and check it all: a stranger who knows
    /// its id learns that it isn't theirs, and costs one look.
    fn take(&mut self, store: &impl Store, session: SessionId, from: &PublicKey) -> Result<Option<Live>, NotAdmitted> {
        if let Some(live) = self.live.remove(&session) {
            return Ok(Some(live));
        }
        match store.session_keys(session)? {
            None => Ok(None),
            Some((agent, _)) if agent.key != *from => Err(fault(0, EventFault::Session)),
            Some(_) => {
                if self.damaged.contains(&session) {
                    return Err(StoreError::Damaged(DAMAGED).into());
                }
                let stored = store.session(session)?.ok_or(StoreError::Damaged("a session"))?;
                // Its receipts are against another tree: here it would begin a second time.
                if stored.archived {
                    return Err(fault(0, EventFault::Session));
                }
                let loaded = Live::load(store, session, stored);
                if matches!(loaded, Err(StoreError::Damaged(_))) {
                    if self.damaged.len() == CACHED {
                        self.damaged.clear();
                    }
                    self.damaged.insert(session);
                }
                Ok(Some(loaded?))
            }
        }
    }
}

/// Sealed parts a new event names that aren't stored yet, nor with an earlier event of this submission. One that never came
/// refuses the event: an auditor must find every part the log names. (SECURITY E1)
fn missing(
    store: &impl Store,
    held: &Held,
    event: &Event,
    place: u32,
    taken: &[SealedPart],
) -> Result<Vec<SealedPart>, NotAdmitted> {
    let session = event.header().session;
    let mut found = Vec::new();
    for sha256 in event.header().parts.iter().filter_map(|part| part.sealed) {
        if taken.iter().any(|part| part.sha256 == sha256) {
            continue;
        }
        match held.get(session, sha256) {
            Some(part) => found.push(part),
            None if store.sealed(session, sha256)?.is_some() => {}
            None => return Err(fault(place, EventFault::Sealed)),
        }
    }
    Ok(found)
}

/// Refusing, stopping and closing must work in a session that used up everything. (SECURITY E, last row of the table)
fn never_waits(kind: KindName) -> bool {
    match kind {
        KindName::Refuse
        | KindName::Pause
        | KindName::Stop
        | KindName::Signoff
        | KindName::Close
        | KindName::Addendum => true,
        KindName::Open
        | KindName::Join
        | KindName::Consent
        | KindName::Request
        | KindName::Admit
        | KindName::Result
        | KindName::Series
        | KindName::Chat
        | KindName::Note
        | KindName::Redaction
        | KindName::Resume => false,
    }
}

fn fault(place: u32, fault: EventFault) -> NotAdmitted {
    NotAdmitted::Refused(Refusal::Event { place, fault })
}
