//! Bringing the copy up to date: what was looked for first, then raw entries, verified before any of it counts.
//!
//! A relay that shows another history than last time is found here: the tree over the entries kept from last time and the
//! new ones must have the root it signed. Then nothing is taken in, both checkpoints are kept, and it is said. (SECURITY
//! F4)

use std::path::{Path, PathBuf};
use std::sync::Arc;

use venia_proto::greeting::GreetingError;
use venia_proto::key::VerifierKey;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::looking::Look;
use venia_proto::ledger::note::Note;
use venia_proto::rendezvous::{Answer, Call, LogHead};
use venia_proto::statement::Statement;
use venia_relay::client::control::{Control, ControlError};
use venia_relay::client::home::HomeError;
use venia_relay::client::link::Link;

use super::mirror::{Mirror, MirrorError};
use super::opening::Opener;
use super::{chain, erasures};
use crate::membership::Membership;
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
    /// The words kept here.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The relay signed another history than before.
    #[error("the relay shows another history than last time")]
    Contradiction(PathBuf),
}

/// Brings every log's copy up to date; `told` hears how many entries there are, of how many.
pub(crate) async fn sync(
    member: &Membership,
    data: &Path,
    looks: &[Look],
    opener: Option<&Opener<'_>>,
    told: impl FnMut(u64, u64),
) -> Result<Vec<Mirror>, SyncError> {
    let looking = Looker::arrive(member, looks).await?;
    let ended = looking.round(member, data, opener, told).await;
    looking.leave().await;
    ended
}

/// An auditor who said what they look for, and stays connected: one note in the log, however often they look again.
pub(crate) struct Looker {
    link: Arc<Link>,
    control: Arc<Control>,
}

impl Looker {
    /// Connects, and puts on record what is looked for, the last look deciding what may be opened.
    pub(crate) async fn arrive(member: &Membership, looks: &[Look]) -> Result<Self, SyncError> {
        let reached = reach::reach(&member.at, &member.root, member.statement.as_ref(), &member.key).await?;
        let looker = Self { link: reached.link, control: reached.control };
        let control = &looker.control;
        if let Err(error) = obeying::ask_and_obey(&member.home, control, &control.welcome().relay.log).await {
            // The next connection asks again.
            tracing::warn!(error = &error as &dyn std::error::Error, "what was erased is still here");
        }
        for (what, session) in looks {
            if let Err(error) = reach::call(control, Call::Look { what: *what, session: *session }).await {
                looker.leave().await;
                return Err(error.into());
            }
        }
        Ok(looker)
    }

    /// Brings every log's copy up to date, and opens what is wanted of it.
    pub(crate) async fn round(
        &self,
        member: &Membership,
        data: &Path,
        opener: Option<&Opener<'_>>,
        mut told: impl FnMut(u64, u64),
    ) -> Result<Vec<Mirror>, SyncError> {
        let control = &self.control;
        let Answer::Logs { logs } = reach::call(control, Call::Logs).await? else {
            return Err(ControlError::Malformed(None).into());
        };
        let (mut mirrors, mut heads) = (Vec::new(), Vec::new());
        let last = logs.len().saturating_sub(1);
        for (n, head) in logs.into_iter().enumerate() {
            let key = log_key(&head, member).ok_or(ControlError::Greeting(GreetingError::WrongRoot))?;
            let mut mirror = Mirror::open(data, &key)?;
            grow(&mut mirror, control, &head, n < last, &mut told).await?;
            heads.push(Checkpoint::open(&head.checkpoint, &key).map_err(|_| ControlError::Malformed(None))?);
            mirrors.push(mirror);
        }
        chain::linked(&mirrors, &heads, &control.welcome().relay.log)?;
        mirrors.extend(chain::lost(data, &member.root, &mirrors)?);
        // Before anything is opened: the newest log says what was erased of every other.
        erasures::hand_on(&mut mirrors)?;
        if let Some(opener) = opener {
            for mirror in &mirrors {
                opener.open(control, mirror).await?;
            }
        }
        Ok(mirrors)
    }

    /// Says goodbye.
    pub(crate) async fn leave(self) {
        self.control.close();
        self.link.close(0, b"").await;
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

/// Whether a relay may say that entries before this one aren't kept: nobody signs that, so it is believed of no log that
/// grows, and of a closed one only altogether.
fn may_be_pruned(kept_from: u64, size: u64, closed: bool) -> bool {
    kept_from == 0 || closed && kept_from == size
}

/// Whether the relay proves that the closed log's last tree continues this copy's.
async fn continues(mirror: &Mirror, control: &Control, last: &Checkpoint) -> Result<bool, SyncError> {
    let (origin, first) = (mirror.key.name.to_string(), mirror.state.reading.size);
    match reach::call(control, Call::Consistency { origin, first, second: last.size }).await {
        Ok(Answer::Consistency { path, .. }) => Ok(mirror.is_continued(last, &path)?),
        Ok(_) => Err(ControlError::Malformed(None).into()),
        // No proof is as good as a wrong one.
        Err(ControlError::Refused(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// `closed`: another log follows this one.
async fn grow(
    mirror: &mut Mirror,
    control: &Control,
    head: &LogHead,
    closed: bool,
    told: &mut impl FnMut(u64, u64),
) -> Result<(), SyncError> {
    let malformed = || ControlError::Malformed(None);
    let signed = Checkpoint::open(&head.checkpoint, &mirror.key).map_err(|_| malformed())?;
    // A log that was pruned is closed: it never has another end than it had.
    let moved = mirror.ended()?.is_some_and(|ended| ended != (signed.size, signed.root));
    if moved || !may_be_pruned(head.kept_from, signed.size, closed) {
        return Err(SyncError::Contradiction(mirror.contradicted(&head.checkpoint)?));
    }
    let mut growth = mirror.grow()?;
    if head.kept_from > growth.reading.size() {
        // What is here must be how the pruned log began, or pruning would hide another history.
        if growth.reading.size() > 0 && !continues(mirror, control, &signed).await? {
            return Err(SyncError::Contradiction(mirror.contradicted(&head.checkpoint)?));
        }
        return Ok(mirror.known_by_root(signed.size, &head.checkpoint, &head.statement)?);
    }
    if signed.size < growth.reading.size() {
        // This copy holds what the relay lost, and the relay's shorter log is how it began.
        if closed && mirror.root_at(signed.size)? == Some(signed.root) {
            return Ok(mirror.outlives(signed.size)?);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f4_only_a_closed_log_is_pruned_and_only_whole() {
        for (kept_from, closed, may) in
            [(0, false, true), (0, true, true), (10, true, true), (9, true, false), (11, true, false), (1, true, false)]
        {
            assert_eq!(may_be_pruned(kept_from, 10, closed), may, "{kept_from} {closed}");
        }
        for kept_from in [1, 9, 10, 11, u64::MAX] {
            assert!(!may_be_pruned(kept_from, 10, false), "a log that grows keeps everything: {kept_from}");
        }
    }
}
