//! A technician's records after the close: what the person added since (signature, rating, correction, "it is back") is
//! fetched, verified and put into the bundle. (SECURITY E7)
//!
//! The words of an addendum stay with the person; the bundle gets the events and their proofs. A bundle is replaced only
//! by one that is intact from the same pinned root and holds everything the old one held: a relay can add nothing that
//! its author didn't sign, and can take nothing away.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::time::timeout;
use venia_proto::catalog::Catalog;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::id::{Leaf, SessionId};
use venia_proto::ledger::bundle::{Bundle, ZIP_MAX};
use venia_proto::ledger::event::Event;
use venia_proto::ledger::kind::{Addition, Kind};
use venia_proto::ledger::note::Note;
use venia_proto::ledger::proof::Proof;
use venia_proto::ledger::verify::{Finding, Roots, verify};
use venia_proto::rendezvous::{Answer, Call, Refusal};
use venia_relay::client::control::{Control, ControlError};
use venia_relay::client::home::{Home, HomeError};
use venia_relay::client::receipt::{self, Held, Proofs};

use crate::keeping::{SESSIONS, bundle_name};

/// Most records one `venia refresh` asks about, the newest first.
pub(crate) const REFRESH_MAX: usize = 1_000;
/// Most records asked about beside a session.
pub(crate) const BESIDE_MAX: usize = 16;
/// How long that may take altogether.
pub(crate) const BESIDE: Duration = Duration::from_secs(8);

/// Most events of a session with its addenda (SECURITY E6): a relay that never stops listing is stopped.
const NOTES_MAX: usize = 10_240;
/// How long the relay may take for one answer.
const ANSWER: Duration = Duration::from_secs(10);

/// A record that is newer now.
#[derive(Debug)]
pub(crate) struct Refreshed {
    pub(crate) session: SessionId,
    pub(crate) bundle: PathBuf,
    /// What the person or the technician added, in log order.
    pub(crate) added: Vec<Addition>,
    /// The checkpoint that proves it, a signed note.
    pub(crate) checkpoint: Vec<u8>,
}

/// Why one record stays as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefreshError {
    /// The relay.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The data folder.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The file there is no record of this session.
    #[error("the record on this computer can't be read")]
    Record,
    /// What the relay gave doesn't make a better record.
    #[error("what the relay holds doesn't continue the record: {0}")]
    NotBetter(String),
}

/// The records of this folder, the newest first.
pub(crate) fn records(home: &Home, most: usize) -> Result<Vec<SessionId>, HomeError> {
    let folder = Home::open(&home.dir().join(SESSIONS), false)?;
    let Ok(entries) = std::fs::read_dir(folder.dir()) else { return Ok(Vec::new()) };
    let mut found: Vec<(SystemTime, SessionId)> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            let session = name.strip_prefix("session-")?.strip_suffix(".zip")?.parse().ok()?;
            Some((entry.metadata().ok()?.modified().ok()?, session))
        })
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    Ok(found.into_iter().take(most).map(|(_, session)| session).collect())
}

/// Beside a session: the newest records, for a bounded time, without a word to anybody.
pub(crate) async fn beside(home: &Home, root: Fingerprint, control: &Control, not: SessionId) {
    let all = async {
        let recent = records(home, BESIDE_MAX).unwrap_or_default();
        for session in recent.into_iter().filter(|session| *session != not) {
            match refresh(home, root, control, session).await {
                Ok(Some(refreshed)) => tracing::info!(%session, added = refreshed.added.len(), "a record is newer now"),
                Ok(None) => {}
                Err(error) => tracing::info!(%session, %error, "a record stays as it is"),
            }
        }
    };
    if timeout(BESIDE, all).await.is_err() {
        tracing::info!("no time to look for more addenda");
    }
}

/// Looks for what was added to one record; `None` if there is nothing new.
pub(crate) async fn refresh(
    home: &Home,
    root: Fingerprint,
    control: &Control,
    session: SessionId,
) -> Result<Option<Refreshed>, RefreshError> {
    let folder = Home::open(&home.dir().join(SESSIONS), false)?;
    let name = bundle_name(session);
    let zip = folder.read(&name, ZIP_MAX)?.ok_or(RefreshError::Record)?;
    let bundle = Bundle::from_zip(&zip).map_err(|_| RefreshError::Record)?;
    let mut held = held(&bundle).ok_or(RefreshError::Record)?;
    let known: BTreeSet<Leaf> = held.events.iter().map(Event::leaf).collect();
    let closed = held.events.iter().find(|event| matches!(event.header().kind, Kind::Close { .. }));
    let close = closed.map(|event| event.header().seq);
    // After the close the log holds addenda only, and they come last.
    let skip = if close.is_some() { held.events.len() as u64 } else { 0 };
    let mut added = Vec::new();
    for note in notes(control, session, skip).await? {
        let event = Event::parse(&note).map_err(|error| RefreshError::NotBetter(error.to_string()))?;
        if !known.contains(&event.leaf()) {
            if let Kind::Addendum { what, .. } = event.header().kind {
                added.push(what);
            }
            held.events.push(event);
        }
    }
    // A record that still waits for its proofs, or for witnesses, is better with them.
    let waits = bundle.entries.iter().any(|entry| entry.proof.is_none());
    if held.events.len() == known.len() && !waits {
        return Ok(None);
    }
    let first = size_of(&held.first.checkpoint).ok_or(RefreshError::Record)?;
    let proofs = receipt::fetch(control, session, first, close, ANSWER).await?;
    let zip = replaced(&held, &proofs, &known, root)?;
    folder.write(&name, &zip)?;
    Ok(Some(Refreshed { session, bundle: folder.path(&name)?, added, checkpoint: proofs.checkpoint }))
}

/// The new bundle, if it is intact and lacks nothing the old one had.
fn replaced(held: &Held, proofs: &Proofs, known: &BTreeSet<Leaf>, root: Fingerprint) -> Result<Vec<u8>, RefreshError> {
    let not_better = |why: &dyn std::fmt::Display| RefreshError::NotBetter(why.to_string());
    if !proofs.covers(0) {
        return Err(not_better(&"the first event has no proof"));
    }
    let mut bundle = receipt::assemble(held, Some(proofs)).map_err(|error| not_better(&error))?;
    bundle.receipt = venia_ui::receipt::of_bundle(&bundle, &Catalog::built_in());
    let leaves: BTreeSet<Leaf> =
        bundle.entries.iter().map(|entry| venia_proto::ledger::note::leaf(&entry.event)).collect();
    if !known.is_subset(&leaves) {
        return Err(not_better(&"an event of the old record is missing"));
    }
    let zip = bundle.to_zip().map_err(|error| not_better(&error))?;
    let verdict = verify(&zip, Roots { named: Some(root), known: &[] });
    if verdict.verdict == Finding::Intact { Ok(zip) } else { Err(not_better(&verdict.why)) }
}

/// Every note from the one after `skip` on.
async fn notes(control: &Control, session: SessionId, skip: u64) -> Result<Vec<Vec<u8>>, ControlError> {
    let mut all = Vec::new();
    loop {
        let call = control.call(Call::Notes { session, skip: skip + all.len() as u64 });
        let answer = timeout(ANSWER, call).await.map_err(|_| ControlError::Unreachable(None))?;
        let (notes, more) = match answer {
            Ok(Answer::Notes { notes, more }) => (notes, more),
            // The relay never had it, or has it no more: a session that never got through, was lost, or was pruned.
            Err(ControlError::Refused(Refusal::NotAllowed | Refusal::Erased)) => return Ok(Vec::new()),
            Ok(_) => return Err(ControlError::Malformed(None)),
            Err(error) => return Err(error),
        };
        let none = notes.is_empty();
        all.extend(notes);
        if all.len() > NOTES_MAX {
            return Err(ControlError::Malformed(None));
        }
        if !more || none {
            return Ok(all);
        }
    }
}

/// What a bundle holds, to put a newer one together.
fn held(bundle: &Bundle) -> Option<Held> {
    let participants = std::str::from_utf8(&bundle.participants).ok()?;
    let agent = participants.lines().next()?.strip_prefix("agent ")?.parse().ok()?;
    let events: Option<Vec<Event>> = bundle.entries.iter().map(|entry| Event::parse(&entry.event).ok()).collect();
    let place = Proof::parse(bundle.entries.first()?.proof.as_ref()?).ok()?;
    Some(Held {
        statement: bundle.statement.clone(),
        agent,
        events: events?,
        openings: bundle.openings.clone(),
        members: bundle.members.clone(),
        // Only its checkpoint is used again: the proofs of the newer bundle are all fetched anew.
        first: Proof { checkpoint: Note::parse(&bundle.first_checkpoint).ok()?, ..place },
        receipt: None,
        readme: bundle.readme.clone(),
    })
}

/// Second line of a checkpoint (C2SP tlog-checkpoint).
fn size_of(checkpoint: &Note) -> Option<u64> {
    String::from_utf8(checkpoint.to_bytes()).ok()?.lines().nth(1)?.parse().ok()
}
