//! The receipt at the end of a session: every proof against one checkpoint, and the bundle put together of them.
//!
//! Used alike by agent and console. What differs is what they hold: the person's bundle has every opening, the
//! technician's only those of parts that were sent to them (SECURITY E11).
//!
//! Nothing a relay answers is believed here, and nothing is verified a second time: [`assemble`] puts in place what there
//! is, and `proto::ledger::verify` says what it is worth. A caller must ask it before it calls a bundle intact.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};
use venia_proto::id::{SessionId, Strand};
use venia_proto::key::VerifierKey;
use venia_proto::ledger::bundle::{self, Bundle, JoinBatch};
use venia_proto::ledger::cosignature::Witnessed;
use venia_proto::ledger::event::Event;
use venia_proto::ledger::kind::Kind;
use venia_proto::ledger::merkle::Hash;
use venia_proto::ledger::note::{Note, NoteError};
use venia_proto::ledger::proof::Proof;
use venia_proto::ledger::strand::{Admission, Fault, StrandError, Strands};
use venia_proto::rendezvous::{Answer, Call, Entry, ProvenBatch};
use venia_proto::statement::{Statement, StatementError};

use super::control::{Control, ControlError};

/// Most events a session may have (SECURITY E6), with room for addenda: a relay that never stops listing is stopped.
const ENTRIES_MAX: usize = 10_240;
/// First pause before asking again whether the close is in the log; doubles.
const PAUSE: Duration = Duration::from_millis(50);
/// Longest such pause.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// What a program holds of a session.
#[derive(Clone, Debug)]
pub struct Held {
    /// The organisation's statement, exact bytes.
    pub statement: Vec<u8>,
    /// The key of the strand `agent`.
    pub agent: VerifierKey,
    /// Events of every strand, in any order, each checked when it came.
    pub events: Vec<Event>,
    /// Bytes of the openings its owner may keep, by commitment; those no event names are left out.
    pub openings: BTreeMap<[u8; 32], Vec<u8>>,
    /// Member notes by strand.
    pub members: BTreeMap<Strand, Vec<u8>>,
    /// The first receipt of event 0.
    pub first: Proof,
    /// The story in plain words, if there is one.
    pub receipt: Option<Vec<u8>>,
    /// How to read the bundle.
    pub readme: Option<Vec<u8>>,
}

/// A session's proofs, all against one checkpoint. (SECURITY F3)
#[derive(Clone, Debug)]
pub struct Proofs {
    /// The checkpoint's note.
    pub checkpoint: Vec<u8>,
    /// Proof that the first receipt's checkpoint is a prefix of it.
    pub consistency: Vec<Hash>,
    /// By strand and number.
    pub entries: BTreeMap<(Strand, u64), Entry>,
    /// When each participant joined.
    pub batches: Vec<ProvenBatch>,
}

/// A bundle that can't be put together.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// The statement isn't one.
    #[error("the organisation's statement can't be read")]
    Statement(#[source] StatementError),
    /// The relay's checkpoint isn't a note.
    #[error("the relay's checkpoint can't be read")]
    Checkpoint(#[source] NoteError),
    /// An event breaks its strand.
    #[error("an event doesn't fit its strand")]
    Strand(#[source] StrandError),
    /// There is no first event.
    #[error("the session's first event is missing")]
    NoOpen,
}

impl Proofs {
    /// Whether the agent's event of this number is in the log.
    pub fn covers(&self, agent_seq: u64) -> bool {
        self.entries.contains_key(&(Strand::Agent, agent_seq))
    }

    /// How the checkpoint's cosignatures stand to a statement; `None` if they can't be read.
    pub fn witnessed(&self, statement: &Statement) -> Option<Witnessed> {
        Note::parse(&self.checkpoint).ok().and_then(|note| Witnessed::of(&note, statement).ok())
    }

    /// The one proof there is without a relay: that of the first event. The bundle is then `unclosed`.
    fn only(first: &Proof) -> Self {
        let entry = Entry { index: first.index, path: first.siblings.clone() };
        Self {
            checkpoint: first.checkpoint.to_bytes(),
            consistency: Vec::new(),
            entries: BTreeMap::from([((Strand::Agent, 0), entry)]),
            batches: Vec::new(),
        }
    }
}

/// Fetches the proofs of a whole session against one checkpoint.
///
/// `first`: size of the first receipt's checkpoint. `close`: number of the agent's `close`, if there is one; while it
/// isn't in the log under a checkpoint with the quorum of witnesses the organisation requires, asks again until `patience`
/// ends, then gives what there is. Without a close asks once.
pub async fn fetch(
    control: &Control,
    session: SessionId,
    first: u64,
    close: Option<u64>,
    patience: Duration,
) -> Result<Proofs, ControlError> {
    let end = Instant::now() + patience;
    let mut pause = PAUSE;
    loop {
        let proofs =
            timeout_at(end, pages(control, session, first)).await.map_err(|_| ControlError::Unreachable(None))??;
        let late = Instant::now() + pause >= end;
        let has_quorum = || proofs.witnessed(&control.welcome().statement).is_some_and(|found| found.has_quorum());
        if late || close.is_none_or(|close| proofs.covers(close) && has_quorum()) {
            return Ok(proofs);
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

async fn pages(control: &Control, session: SessionId, first: u64) -> Result<Proofs, ControlError> {
    let mut proofs: Option<Proofs> = None;
    let mut skip = 0;
    loop {
        // Later pages are asked for against the first page's checkpoint.
        let size = match &proofs {
            Some(proofs) => size_of(&proofs.checkpoint).ok_or(ControlError::Malformed(None))?,
            None => 0,
        };
        let Answer::Proofs { checkpoint, consistency, entries, batches, more } =
            control.call(Call::Prove { session, skip, size, first }).await?
        else {
            return Err(ControlError::Malformed(None));
        };
        let count = entries.len();
        skip += count as u64;
        let held = proofs.get_or_insert_with(|| Proofs {
            checkpoint: checkpoint.clone(),
            consistency,
            entries: BTreeMap::new(),
            batches: Vec::new(),
        });
        if !same(&held.checkpoint, &checkpoint) || held.entries.len() + count > ENTRIES_MAX {
            return Err(ControlError::Malformed(None));
        }
        held.entries.extend(entries.into_iter().map(|proven| ((proven.author, proven.seq), proven.entry)));
        held.batches.extend(batches);
        if !more || count == 0 {
            return proofs.ok_or(ControlError::Malformed(None));
        }
    }
}

/// One checkpoint, whoever cosigned it meanwhile.
fn same(one: &[u8], other: &[u8]) -> bool {
    let text = |note: &[u8]| Note::parse(note).ok().map(|note| note.text().to_owned());
    one == other || text(one).is_some_and(|one| text(other) == Some(one))
}

/// Puts the bundle together: events in the order of the log, unreceipted ones after them, each with its proof as far as
/// there are any without a hole. While required witnesses are missing there is only the first event's: a bundle that looked
/// whole without them would be a broken one, and this one is `unclosed`. Events of others that the close doesn't count are left out: the agent never had them.
pub fn assemble(held: &Held, proofs: Option<&Proofs>) -> Result<Bundle, AssembleError> {
    let statement = Statement::open_unpinned(&held.statement).map_err(AssembleError::Statement)?;
    let has_quorum = |proofs: &&Proofs| proofs.witnessed(&statement).is_some_and(|found| found.has_quorum());
    let only;
    let proofs = match proofs.filter(|proofs| proofs.covers(0)).filter(has_quorum) {
        Some(proofs) => proofs,
        None => {
            only = Proofs::only(&held.first);
            &only
        }
    };
    let checkpoint = Note::parse(&proofs.checkpoint).map_err(AssembleError::Checkpoint)?;
    let proof = |entry: &Entry| {
        let (index, siblings) = (entry.index, entry.path.clone());
        Proof { index, siblings, checkpoint: checkpoint.clone(), extra: None }.to_bytes()
    };
    let (strands, events) = in_order(held, proofs)?;

    let mut entries = Vec::with_capacity(events.len());
    let mut openings = BTreeMap::new();
    let mut joined = Vec::new();
    let mut whole = true;
    for event in events {
        let header = event.header();
        let entry = proofs.entries.get(&(header.author, header.seq)).filter(|_| whole);
        whole = entry.is_some();
        if let (Kind::Join { strand, .. }, true) = (&header.kind, whole) {
            joined.push(*strand);
        }
        for part in &header.parts {
            openings.extend(held.openings.get(&part.commit).map(|bytes| (part.commit, bytes.clone())));
        }
        entries.push(bundle::Entry { event: event.bytes().to_vec(), proof: entry.map(proof) });
    }
    let batches = proofs.batches.iter().filter(|batch| joined.contains(&batch.strand));
    Ok(Bundle {
        statement: held.statement.clone(),
        members: held
            .members
            .iter()
            .filter(|(strand, _)| strands.key_of(**strand).is_some())
            .map(|(strand, note)| (*strand, note.clone()))
            .collect(),
        participants: bundle::participants(strands.participants()).into_bytes(),
        policy: bundle::policy(&statement).into_bytes(),
        entries,
        first_checkpoint: held.first.checkpoint.to_bytes(),
        consistency: bundle::consistency(&proofs.consistency).into_bytes(),
        batches: batches
            .map(|batch| (batch.strand, JoinBatch { note: batch.note.clone(), proof: proof(&batch.entry) }))
            .collect(),
        openings,
        sealed: BTreeMap::new(),
        receipt: held.receipt.clone(),
        readme: held.readme.clone(),
    })
}

/// The order of the log is causal: the relay admits an event only after those it names. What isn't in the log yet is
/// tried until nothing more fits.
fn in_order<'a>(held: &'a Held, proofs: &Proofs) -> Result<(Strands, Vec<&'a Event>), AssembleError> {
    let counted = held.events.iter().find_map(|event| {
        let Kind::Close { held, .. } = &event.header().kind else { return None };
        Some(held)
    });
    let mut waiting: Vec<&Event> = held
        .events
        .iter()
        .filter(|event| {
            let header = event.header();
            let counts = |held: &BTreeMap<Strand, u64>| held.get(&header.author).is_some_and(|n| header.seq < *n);
            matches!(header.kind, Kind::Addendum { .. }) || counted.is_none_or(counts)
        })
        .collect();
    waiting.sort_by_key(|event| {
        let header = event.header();
        let place = proofs.entries.get(&(header.author, header.seq)).map_or(u64::MAX, |entry| entry.index);
        (place, header.seq, header.author)
    });
    let open = waiting.iter().find(|event| event.header().author == Strand::Agent && event.header().seq == 0);
    let session = open.ok_or(AssembleError::NoOpen)?.header().session;
    let mut strands = Strands::new(session, held.agent.clone());
    let mut ordered = Vec::with_capacity(waiting.len());
    loop {
        let before = waiting.len();
        let mut left = Vec::new();
        for event in waiting {
            match strands.admit(event) {
                Ok(Admission::New) => ordered.push(event),
                Ok(Admission::Again) => {}
                Err(error) if error.fault() == Fault::Missing => left.push(event),
                Err(error) => return Err(AssembleError::Strand(error)),
            }
        }
        if left.is_empty() || left.len() == before {
            return Ok((strands, ordered));
        }
        waiting = left;
    }
}

/// Second line of a checkpoint (C2SP tlog-checkpoint), read to ask for the same one again.
fn size_of(checkpoint: &[u8]) -> Option<u64> {
    std::str::from_utf8(checkpoint).ok()?.lines().nth(1)?.parse().ok()
}
