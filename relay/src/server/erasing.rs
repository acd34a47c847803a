//! Erasing on an operator's word, or because sealed parts outlived what the policy allows. (SECURITY E11)
//!
//! The log's note and the deletion are one commit; participants who are here are told at once, others ask when they come
//! back ([`venia_proto::rendezvous::Call::Erasures`]). What nobody can take back is a copy that a participant chose to make.

use std::sync::Arc;
use std::time::Duration;

use venia_proto::id::SessionId;
use venia_proto::ledger::notice::{ERASED_PARTS_MAX, Notice};
use venia_proto::rendezvous::{Push, Refusal};

use super::identity::Keys;
use super::ledger::committer::{self, Surroundings};
use super::ledger::erasing::named;
use super::ledger::head::HeadFile;
use super::ledger::limits::Limits;
use super::ledger::queue::Ledger;
use super::ledger::sqlite::Sqlite;
use super::ledger::{Store, StoreError};
use super::peer::Relay;
use super::recovery;
use super::serve::{DATABASE, ServeError};
use crate::client::home::Home;
use crate::clock;

/// How often sealed parts are held against the policy.
const SWEEP: Duration = Duration::from_secs(24 * 60 * 60);

/// Nothing was erased.
#[derive(Debug, thiserror::Error)]
pub enum ErasingError {
    /// This ledger has no such session.
    #[error("no such session")]
    NoSuchSession,
    /// No event of the session names such a part.
    #[error("no such part")]
    NoSuchPart,
    /// None, or more than [`ERASED_PARTS_MAX`].
    #[error("too many parts at once")]
    TooMany,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger took nothing.
    #[error("the ledger took no note of it")]
    Refused(#[source] Refusal),
}

/// Erases sealed parts of a session, all of them without `parts`; the signed note, durable. Again: the same note.
pub async fn erase(
    ledger: &Ledger<Sqlite>,
    session: SessionId,
    parts: Option<Vec<[u8; 32]>>,
) -> Result<Vec<u8>, ErasingError> {
    if parts.as_ref().is_some_and(|parts| parts.is_empty() || parts.len() > ERASED_PARTS_MAX) {
        return Err(ErasingError::TooMany);
    }
    let asked = parts.clone();
    let before = ledger.perform(move |store| check(store, session, asked.as_deref())).await;
    if let Some(note) = before.map_err(ErasingError::Refused)?? {
        return Ok(note);
    }
    let asked = parts.clone();
    ledger.note(Notice::Erase { session, parts }).await.map_err(ErasingError::Refused)?;
    let note = ledger.perform(move |store| store.erased_before(session, asked.as_deref())).await;
    note.map_err(ErasingError::Refused)??.ok_or(ErasingError::Store(StoreError::Damaged("an erasure")))
}

/// Erases, and tells the participants who are here.
pub async fn erase_and_tell(
    relay: &Arc<Relay>,
    session: SessionId,
    parts: Option<Vec<[u8; 32]>>,
) -> Result<(), ErasingError> {
    let note = erase(&relay.ledger, session, parts).await?;
    let participants = relay.ledger.perform(move |store| store.participants(session)).await;
    let participants = participants.map_err(ErasingError::Refused)??;
    relay.hall.tell(&participants, &Push::Erase { note });
    Ok(())
}

/// Erases while no relay runs in the folder, whose lock the caller holds.
pub async fn erase_alone(
    home: &Home,
    session: SessionId,
    parts: Option<Vec<[u8; 32]>>,
) -> Result<Result<(), ErasingError>, ServeError> {
    recovery::may_sign(home)?;
    let store = Sqlite::open(&home.path(DATABASE)?)?;
    let keys = Keys::open(home)?;
    // Asked before the log is opened: a typing error leaves no note in it.
    match check(&store, session, parts.as_deref()) {
        Ok(None) => {}
        Ok(Some(_)) => return Ok(Ok(())),
        Err(error) => return Ok(Err(error)),
    }
    let head = HeadFile::open(home, &keys.log.verifier().name)?;
    let surroundings = Surroundings {
        now: Arc::new(clock::now),
        free: Arc::new(|| 0),
        limits: Limits::default(),
        head: Some(Arc::new(head)),
    };
    let (ledger, thread) = committer::start(store, keys.log, surroundings)?;
    let erased = erase(&ledger, session, parts).await;
    drop(ledger);
    if thread.join().is_err() {
        tracing::warn!("the ledger's thread didn't end well");
    }
    Ok(erased.map(drop))
}

/// Erases what outlived the policy: at the start, then daily.
pub async fn sweep(relay: Arc<Relay>) {
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        ticks.tick().await;
        if let Err(error) = sweep_once(&relay).await {
            tracing::error!(error = &error as &dyn std::error::Error, "sealed parts can't be erased; trying tomorrow");
        }
    }
}

async fn sweep_once(relay: &Arc<Relay>) -> Result<(), ErasingError> {
    loop {
        let outlived = relay.ledger.perform(|store| store.outlived(clock::now().wall)).await;
        let outlived = outlived.map_err(ErasingError::Refused)??;
        if outlived.is_empty() {
            return Ok(());
        }
        for session in outlived {
            erase_and_tell(relay, session, None).await?;
        }
    }
}

/// Whether this can be erased; the note, if it was already and nothing came after it.
fn check(store: &Sqlite, session: SessionId, parts: Option<&[[u8; 32]]>) -> Result<Option<Vec<u8>>, ErasingError> {
    if store.session_keys(session)?.is_none() {
        return Err(ErasingError::NoSuchSession);
    }
    if let Some(parts) = parts {
        let named = named(store, session)?;
        if !parts.iter().all(|part| named.iter().any(|(commit, _)| commit == part)) {
            return Err(ErasingError::NoSuchPart);
        }
    } else if store.holds_sealed(session)? {
        return Ok(None);
    }
    Ok(store.erased_before(session, parts)?)
}

/// Reads what an operator named: a session, and commitments.
pub fn read(session: &str, parts: &[String]) -> Option<(SessionId, Option<Vec<[u8; 32]>>)> {
    let session = session.parse().ok()?;
    let commits = parts.iter().map(|part| venia_proto::encoding::hex(part)).collect::<Option<Vec<_>>>()?;
    Some((session, (!commits.is_empty()).then_some(commits)))
}
