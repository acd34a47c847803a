//! Bringing the copy up to date: what was looked for first, then raw entries, verified before any of it counts.
//!
//! A relay that shows another history than last time is found here: the tree over the entries kept from last time and the
//! new ones must have the root it signed. Then nothing is taken in, both checkpoints are kept, and it is said. (SECURITY
//! F4)

use std::path::{Path, PathBuf};

use venia_proto::id::SessionId;
use venia_proto::key::VerifierKey;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::note::Note;
use venia_proto::ledger::notice::Looking;
use venia_proto::rendezvous::{Answer, Call, LogHead};
use venia_proto::statement::Statement;
use venia_relay::client::control::{Control, ControlError};

use super::mirror::{Mirror, MirrorError};
use crate::membership::Membership;
use crate::reach::Reached;
use crate::{obeying, reach};

/// A copy that couldn't be brought up to date.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SyncError {
    /// The relay.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// Our own disk, or entries that don't hold.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    /// The relay signed another history than before.
    #[error("the relay shows another history than last time")]
    Contradiction(PathBuf),
}

/// Brings every log's copy up to date; `told` hears how many entries there are, of how many.
pub(crate) async fn sync(
    member: &Membership,
    data: &Path,
    what: Looking,
    session: Option<SessionId>,
    told: impl FnMut(u64, u64),
) -> Result<Vec<Mirror>, SyncError> {
    let looking = Looker::arrive(member, what, session).await?;
    let ended = looking.round(member, data, told).await;
    looking.leave().await;
    ended
}

/// An auditor who said what they look for, and stays connected: one note in the log, however often they look again.
pub(crate) struct Looker(Reached);

impl Looker {
    /// Connects, and puts on record what is looked for.
    pub(crate) async fn arrive(
        member: &Membership,
        what: Looking,
        session: Option<SessionId>,
    ) -> Result<Self, SyncError> {
        let looker = Self(reach::reach(&member.at, &member.root, member.statement.as_ref(), &member.key).await?);
        let control = &looker.0.control;
        if let Err(error) = obeying::obey(&member.home, control, &control.welcome().relay.log).await {
            // The next connection asks again.
            tracing::warn!(error = &error as &dyn std::error::Error, "what was erased is still here");
        }
        match reach::call(control, Call::Look { what, session }).await {
            Ok(_) => Ok(looker),
            Err(error) => {
                looker.leave().await;
                Err(error.into())
            }
        }
    }

    /// Brings every log's copy up to date.
    pub(crate) async fn round(
        &self,
        member: &Membership,
        data: &Path,
        mut told: impl FnMut(u64, u64),
    ) -> Result<Vec<Mirror>, SyncError> {
        let control = &self.0.control;
        let Answer::Logs { logs } = reach::call(control, Call::Logs).await? else {
            return Err(ControlError::Malformed(None).into());
        };
        let mut mirrors = Vec::new();
        for head in logs {
            let key = log_key(&head, member).ok_or(ControlError::WrongRoot)?;
            let mut mirror = Mirror::open(data, &key)?;
            grow(&mut mirror, control, &head, &mut told).await?;
            mirrors.push(mirror);
        }
        Ok(mirrors)
    }

    /// Says goodbye.
    pub(crate) async fn leave(self) {
        self.0.control.close();
        self.0.link.close(0, b"").await;
    }
}

/// The log's key, as the organisation's root names it.
fn log_key(head: &LogHead, member: &Membership) -> Option<VerifierKey> {
    let statement = Statement::open(&head.statement, &member.root).ok()?;
    let note = Note::parse(&head.checkpoint).ok()?;
    let origin = Checkpoint::unverified(&note).ok()?.origin;
    let key = statement.relay_of(origin.as_str())?.log.clone();
    Checkpoint::of_note(&note, &key).ok().map(|_| key)
}

async fn grow(
    mirror: &mut Mirror,
    control: &Control,
    head: &LogHead,
    told: &mut impl FnMut(u64, u64),
) -> Result<(), SyncError> {
    let malformed = || ControlError::Malformed(None);
    let signed = Checkpoint::open(&head.checkpoint, &mirror.key).map_err(|_| malformed())?;
    let mut growth = mirror.grow()?;
    if signed.size < growth.reading.size() {
        return Err(SyncError::Contradiction(mirror.contradicted(&head.checkpoint)?));
    }
    let origin = mirror.key.name.to_string();
    let ask = |from| reach::call(control, Call::Entries { origin: origin.clone(), from });
    let mut page = if growth.reading.size() < signed.size { Some(ask(growth.reading.size()).await?) } else { None };
    while let Some(answer) = page.take() {
        let Answer::Entries { entries, agents } = answer else { return Err(malformed().into()) };
        let next = growth.reading.size() + entries.len() as u64;
        if entries.is_empty() {
            return Err(malformed().into());
        }
        let mut agents = agents.into_iter();
        let mut taking = || -> Result<(), MirrorError> {
            for entry in &entries {
                if growth.reading.size() < signed.size {
                    growth.push(mirror, entry, &mut agents)?;
                }
            }
            Ok(())
        };
        if next < signed.size {
            // The next page is on its way while this one is hashed.
            let mut coming = Box::pin(ask(next));
            let early = tokio::select! {
                biased;
                answer = &mut coming => Some(answer),
                () = tokio::task::yield_now() => None,
            };
            taking()?;
            page = Some(match early {
                Some(answer) => answer?,
                None => coming.await?,
            });
        } else {
            taking()?;
        }
        told(growth.reading.size(), signed.size);
    }
    if growth.reading.root() != signed.root {
        return Err(SyncError::Contradiction(mirror.contradicted(&head.checkpoint)?));
    }
    let same =
        mirror.state.checkpoint.as_bytes() == head.checkpoint && mirror.state.statement.as_bytes() == head.statement;
    if !same {
        mirror.keep(growth, &head.checkpoint, &head.statement)?;
    }
    Ok(())
}
