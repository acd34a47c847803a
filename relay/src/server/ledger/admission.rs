//! What may enter the log: the last door before a signature. (SECURITY E5, E6)
//!
//! Size, form and closed schema; then the strand's own key, strictly verified; then the chain. A session begins only with
//! its agent's `open`, over that agent's own connection, after a member came for it; a further strand only with the
//! agent's `join`, for the key of a member who came. A stranger's note is dropped and held against nobody; a second event
//! by a strand's own key is kept as evidence.
//!
//! Not here: who may be on a connection ([`super::super::registry`]), and making anything durable.

use std::collections::{BTreeSet, HashMap};

use venia_proto::id::{Leaf, SessionId, Strand};
use venia_proto::key::{KeyName, PublicKey, VerifierKey};
use venia_proto::ledger::event::Event;
use venia_proto::ledger::kind::{Kind, KindName};
use venia_proto::ledger::merkle::Hash;
use venia_proto::ledger::strand::{Admission, StrandError, Strands};
use venia_proto::now::Wall;
use venia_proto::rendezvous::{EventFault, Refusal, SUBMIT_MAX};

use super::limits::{BYTES_RESERVED, DAY_MS, EVENTS_RESERVED, EVIDENCE_MAX, Limits};
use super::roots::Roots;
use super::sealed::{Held, SealedPart};
use super::{Equivocation, Opened, Store, StoreError, StoredSession};

/// Sessions kept in memory between commits; others are read again from disk.
const CACHED: usize = 1_024;

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
    /// Whether the statement that connection was welcomed with names auditors.
    pub auditors: bool,
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
    /// Sessions that begin with the commit under way.
    opening: Vec<(PublicKey, String)>,
    clock: u64,
}

#[derive(Clone, Debug)]
struct Live {
    strands: Strands,
    agent: PublicKey,
    parties: BTreeSet<PublicKey>,
    events: usize,
    bytes: u64,
    evidence: usize,
    used: u64,
    /// Whether the parts are sealed, once there is one. (SECURITY E4)
    sealed: Option<bool>,
}

/// What admission must know of the moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// The relay's wall clock.
    pub(super) now: Wall,
    /// Size of the log.
    pub(super) size: u64,
    /// Free bytes on the disk.
    pub(super) free: u64,
}

impl Sessions {
    pub(super) fn new(origin: KeyName, limits: Limits) -> Self {
        Self { limits, origin, roots: Roots::default(), live: HashMap::new(), opening: Vec::new(), clock: 0 }
    }

    /// A commit failed: nothing admitted since the last one counts.
    pub(super) fn forget(&mut self) {
        self.roots.forget();
        self.live.clear();
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
        submission: &Submission,
        moment: Moment,
    ) -> Result<Admitted, NotAdmitted> {
        if submission.events.is_empty() || submission.events.len() > SUBMIT_MAX {
            return Err(NotAdmitted::Refused(Refusal::NotAllowed));
        }
        let mut events = Vec::with_capacity(submission.events.len());
        for (place, note) in (0..).zip(&submission.events) {
            events.push(Event::parse(note).map_err(|_| fault(place, EventFault::Format))?);
        }
        let Some(first) = events.first() else { return Err(NotAdmitted::Refused(Refusal::NotAllowed)) };
        let session = first.header().session;
        let (mut live, opened) = match self.take(store, session, &submission.from)? {
            Some(live) => (live, None),
            None => {
                let (live, opened) = self.open(store, submission, first, moment)?;
                (live, Some(opened))
            }
        };
        self.clock += 1;
        live.used = self.clock;
        if live.agent != submission.from {
            self.live.insert(session, live);
            return Err(fault(0, EventFault::Session));
        }
        // One event is taken in whole or not at all; of several, an earlier one must be taken back.
        let before = (events.len() > 1 || opened.is_some()).then(|| live.clone());
        match self.admit_all(store, submission, &mut live, &events, moment) {
            Ok((admissions, parties, sealed)) => {
                if let Some(opened) = &opened {
                    self.opening.push((submission.from, opened.source.clone()));
                }
                self.live.insert(session, live);
                Ok(Admitted { events: events.into_iter().zip(admissions).collect(), opened, parties, sealed })
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
        submission: &Submission,
        live: &mut Live,
        events: &[Event],
        moment: Moment,
    ) -> Result<(Vec<Admission>, Parties, Vec<SealedPart>), NotAdmitted> {
        let mut admissions = Vec::with_capacity(events.len());
        let mut parties = Vec::new();
        let mut sealed: Vec<SealedPart> = Vec::new();
        for (place, event) in (0..).zip(events) {
            let header = event.header();
            if let Some(after) = header.after.as_ref().filter(|after| after.origin == self.origin)
                && (after.size > moment.size || self.roots.at(store, after.size)? != after.root)
            {
                return Err(fault(place, EventFault::Chain));
            }
            let admission = match live.strands.check(event) {
                Ok(admission) => admission,
                Err(error) => return Err(self.refuse(store, live, event, place, error, moment)),
            };
            if admission == Admission::New {
                if let Kind::Join { key, .. } = &header.kind {
                    let met = submission.met.as_ref().filter(|(session, _)| *session == header.session);
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
                sealed.extend(missing(store, &submission.held, event, place, &sealed)?);
                let parts: u64 = sealed.iter().skip(before).map(|part| part.bytes.len() as u64).sum();
                let bytes = live.bytes + event.bytes().len() as u64 + parts;
                let room = if never_waits(header.kind.name()) { BYTES_RESERVED } else { 0 };
                if live.events >= self.limits.events + reserved || bytes > self.limits.bytes + room {
                    return Err(NotAdmitted::Refused(Refusal::Quota));
                }
                // Checked a moment ago on the same strands: it can't fail.
                if live.strands.admit(event).is_err() {
                    return Err(fault(place, EventFault::Chain));
                }
                live.events += 1;
                live.bytes = bytes;
            }
            admissions.push(admission);
        }
        Ok((admissions, parties, sealed))
    }

    /// A session that isn't known yet: only its agent's `open` may begin it, after a member came. (SECURITY E6)
    fn open(
        &self,
        store: &impl Store,
        submission: &Submission,
        first: &Event,
        moment: Moment,
    ) -> Result<(Live, Opened), NotAdmitted> {
        let (header, name) = (first.header(), first.key_name());
        let expected =
            submission.met.as_ref().is_some_and(|(session, met)| *session == header.session && !met.is_empty());
        let (true, KindName::Open, Some(name)) = (expected, header.kind.name(), name) else {
            return Err(fault(0, EventFault::Session));
        };
        // Recipients are those of the statement the session begins with, the one this agent was welcomed with.
        if header.parts.iter().any(|part| part.sealed.is_some() != submission.auditors) {
            return Err(fault(0, EventFault::Format));
        }
        if moment.free < self.limits.disk_floor {
            return Err(NotAdmitted::Refused(Refusal::Disk));
        }
        let since = moment.now.plus_ms(-DAY_MS).ms();
        let (device, source) = store.opened_since(&submission.from, &submission.source, since)?;
        let opening = |same: fn(&(PublicKey, String), &Submission) -> bool| {
            self.opening.iter().filter(|opening| same(opening, submission)).count() as u64
        };
        if device + opening(|(key, _), submission| *key == submission.from) >= self.limits.sessions_per_device
            || source + opening(|(_, from), submission| *from == submission.source) >= self.limits.sessions_per_source
        {
            return Err(NotAdmitted::Refused(Refusal::Quota));
        }
        let agent = VerifierKey { name: name.clone(), key: submission.from };
        let opened = Opened {
            session: header.session,
            agent: agent.clone(),
            source: submission.source.clone(),
            at: moment.now.ms(),
        };
        Ok((Live::new(header.session, agent), opened))
    }

    fn refuse(
        &self,
        store: &mut impl Store,
        live: &mut Live,
        event: &Event,
        place: u32,
        error: StrandError,
        moment: Moment,
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
                let stored = store.session(session)?.ok_or(StoreError::Damaged("a session"))?;
                Ok(Some(Live::load(store, session, stored)?))
            }
        }
    }
}

impl Live {
    fn new(session: SessionId, agent: VerifierKey) -> Self {
        let key = agent.key;
        let strands = Strands::new(session, agent);
        Self { strands, agent: key, parties: BTreeSet::new(), events: 0, bytes: 0, evidence: 0, used: 0, sealed: None }
    }

    /// Whether this event's parts are sealed as those before it; the first one decides.
    fn seals_alike(&mut self, event: &Event) -> bool {
        let parts = &event.header().parts;
        let Some(first) = parts.first() else { return true };
        let sealed = *self.sealed.get_or_insert(first.sealed.is_some());
        parts.iter().all(|part| part.sealed.is_some() == sealed)
    }

    /// Reads a session back: every note is checked again, so that a damaged database is found before it is signed.
    fn load(store: &impl Store, session: SessionId, stored: StoredSession) -> Result<Self, StoreError> {
        let mut live = Self::new(session, stored.agent);
        live.parties = stored.parties.into_iter().collect();
        for note in stored.events {
            let event = Event::parse(&note).map_err(|_| StoreError::Damaged("an event"))?;
            live.strands.admit(&event).map_err(|_| StoreError::Damaged("a session's events"))?;
            live.seals_alike(&event);
            live.events += 1;
            live.bytes += note.len() as u64;
        }
        live.bytes += store.sealed_bytes(session)?;
        live.evidence = store.evidence(session)?.len();
        Ok(live)
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
