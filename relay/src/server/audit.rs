//! What auditors are told, and that it stands on record first.
//!
//! An auditor is told nothing before a `venia/look@v1` note is durable in the log, so that looking leaves a trace nobody
//! can take back: neither the auditor nor the operator. What was said last on a connection decides which calls are open.
//! The role is asked of the members' table at every call, so a revoked auditor is refused at once. (SECURITY A5)
//!
//! Entries are read on a connection of their own that can't write: whoever reads a whole log never stands in the way of
//! the committer. Not here: what is in the entries, which is nobody's words (SECURITY E5).

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use venia_proto::id::SessionId;
use venia_proto::key::{PublicKey, VerifierKey};
use venia_proto::ledger::event::Event;
use venia_proto::ledger::kind::KindName;
use venia_proto::ledger::looking::{self, Look};
use venia_proto::ledger::notice::{Looking, Notice};
use venia_proto::rendezvous::{Answer, LogHead, Refusal};
use venia_proto::statement::Role;

use super::ledger::queue::Ledger;
use super::ledger::shards;
use super::ledger::sqlite::Sqlite;
use super::ledger::{Store, StoreError};
use super::members::{self, MembersError};

/// Most bytes of entries in one answer: a control frame (256 KiB) with room for the lengths and the envelope.
pub const ENTRIES_BYTES: usize = 240 * 1024;
/// Most entries in one answer.
pub const ENTRIES_MAX: usize = 1_024;
/// What an entry costs in a frame beside its own bytes: its length, and perhaps an agent's key of at most 200 bytes.
const LENGTH: usize = 8 + 8 + 200;

/// The readers' side of the database.
#[derive(Clone)]
pub struct Desk {
    store: Arc<Mutex<Sqlite>>,
    /// The log that grows.
    log: VerifierKey,
    /// Whether there are closed ones. A log is closed at a start only.
    archives: bool,
}

/// What was said last on one connection.
#[derive(Clone, Default)]
pub struct Looked(Arc<Mutex<Option<Look>>>);

impl Looked {
    /// Whether an auditor who said this may have the sealed parts of that session.
    pub fn opens(&self, session: SessionId) -> bool {
        looking::opens(*self.0.lock().unwrap_or_else(PoisonError::into_inner), session)
    }

    fn said(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn say(&self, what: Looking, session: Option<SessionId>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((what, session));
    }
}

impl Desk {
    /// Opens the reading connection; the database must be there and migrated.
    pub fn open(path: &Path, log: &VerifierKey) -> Result<Self, StoreError> {
        // On a connection that is closed again: one that has read and is closed last leaves the write-ahead log behind.
        let archives = !Sqlite::reader(path)?.shards()?.is_empty();
        Ok(Self { store: Arc::new(Mutex::new(Sqlite::reader(path)?)), log: log.clone(), archives })
    }

    /// Asks about closed logs; `None` if it is the log that grows that must be asked.
    pub(super) async fn archived(
        &self,
        ask: impl FnOnce(&Sqlite) -> Result<Option<Result<Answer, Refusal>>, StoreError> + Send + 'static,
    ) -> Option<Result<Answer, Refusal>> {
        if !self.archives {
            return None;
        }
        self.read(move |store| Ok(ask(store)?)).await.unwrap_or_else(|refusal| Some(Err(refusal)))
    }

    /// Deletes, beside everything else, the entries of closed logs that are no longer kept. What doesn't come to its end is
    /// done at the next start.
    pub(super) fn strip(&self) {
        if !self.archives {
            return;
        }
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || {
            let pruned = {
                let store = store.lock().unwrap_or_else(PoisonError::into_inner);
                store.shards().map(|pruned| (store.path.clone(), pruned))
            };
            if let Err(error) = pruned.and_then(|(path, pruned)| shards::strip(&path, &pruned)) {
                tracing::error!(error = &error as &dyn std::error::Error, "a pruned log's entries are still here");
            }
        });
    }

    /// Which logs followed the one with this key. `statement`: the one in force.
    pub async fn successors(&self, log: String, statement: Vec<u8>) -> Result<Answer, Refusal> {
        let grows = self.log.clone();
        self.read(move |store| Ok(shards::successors(store, &log, &grows, &statement)?)).await?
    }

    /// Puts on record that this key's owner looks; opens the calls that follow once that is durable.
    pub async fn look(
        &self,
        ledger: &Ledger<Sqlite>,
        by: PublicKey,
        looked: &Looked,
        what: Looking,
        session: Option<SessionId>,
    ) -> Result<Answer, Refusal> {
        let by = self.read(move |store| auditor(store, &by)).await?;
        ledger.note(Notice::Look { by, what, session }).await?;
        looked.say(what, session);
        Ok(Answer::Noted)
    }

    /// Which logs there are. `statement`: the one in force, which names the log's key.
    pub async fn logs(&self, by: PublicKey, looked: &Looked, statement: Vec<u8>) -> Result<Answer, Refusal> {
        if !looked.said() {
            return Err(Refusal::NotAllowed);
        }
        self.read(move |store| {
            auditor(store, &by)?;
            let head = store.head()?.ok_or(StoreError::Damaged("no head"))?;
            let mut logs = shards::heads(store)?;
            logs.push(LogHead { checkpoint: head.checkpoint, statement, kept_from: 0 });
            Ok(Answer::Logs { logs })
        })
        .await
    }

    /// Raw entries from an index on, as many as fit; none at the end.
    pub async fn entries(&self, by: PublicKey, looked: &Looked, origin: &str, from: u64) -> Result<Answer, Refusal> {
        if !looked.said() {
            return Err(Refusal::NotAllowed);
        }
        let (grows, origin) = (origin == self.log.name.as_str(), origin.to_owned());
        self.read(move |store| {
            auditor(store, &by)?;
            let archive;
            let log = if grows {
                store
            } else {
                let closed = store.shards()?.into_iter().find(|shard| shard.log.name.as_str() == origin);
                let closed = closed.ok_or(MembersError::Refused(Refusal::NotAllowed))?;
                if from < closed.kept_from {
                    return Err(MembersError::Refused(Refusal::Erased));
                }
                archive = store.archive(closed.number)?;
                &archive
            };
            let entries = page(&log.entries_from(from, ENTRIES_MAX)?);
            let agents = agents(log, &entries)?;
            Ok(Answer::Entries { entries, agents })
        })
        .await
    }

    /// Whether this key is an auditor's, at this moment.
    pub async fn is_auditor(&self, by: PublicKey) -> bool {
        self.read(move |store| auditor(store, &by)).await.is_ok()
    }

    async fn read<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Sqlite) -> Result<T, MembersError> + Send + 'static,
    ) -> Result<T, Refusal> {
        let store = self.store.clone();
        let reading = tokio::task::spawn_blocking(move || ask(&store.lock().unwrap_or_else(PoisonError::into_inner)));
        match reading.await {
            Ok(Ok(told)) => Ok(told),
            Ok(Err(MembersError::Refused(refusal))) => Err(refusal),
            Ok(Err(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "an auditor can't be answered");
                Err(Refusal::Disk)
            }
            Err(_) => Err(Refusal::Disk),
        }
    }
}

/// The auditor's key, if this is one's.
pub(super) fn auditor(store: &Sqlite, by: &PublicKey) -> Result<VerifierKey, MembersError> {
    let member = members::member(store, by)?;
    match member.role {
        Role::Auditor | Role::Administrator => Ok(member.key),
        Role::Technician => Err(MembersError::Refused(Refusal::NotAllowed)),
    }
}

/// The agents' keys of the sessions that begin among these entries.
fn agents(store: &Sqlite, entries: &[Vec<u8>]) -> Result<Vec<String>, StoreError> {
    let mut agents = Vec::new();
    for event in entries.iter().filter_map(|entry| Event::parse(entry).ok()) {
        if event.header().kind.name() == KindName::Open {
            let (agent, _) = store.session_keys(event.header().session)?.ok_or(StoreError::Damaged("no session"))?;
            agents.push(agent.to_string());
        }
    }
    Ok(agents)
}

/// The first of these that fit one answer.
fn page(entries: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut left = ENTRIES_BYTES;
    let mut fits = |entry: &&Vec<u8>| {
        let cost = entry.len() + LENGTH;
        let fits = cost <= left;
        left = left.saturating_sub(cost);
        fits
    };
    entries.iter().take_while(|entry| fits(entry)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use venia_proto::rendezvous::FromRelay;
    use venia_proto::wire::{self, Limit};

    use super::*;

    #[test]
    fn e5_a_page_at_its_limit_fits_a_control_frame() {
        let each = 240;
        let at = ENTRIES_BYTES / (each + LENGTH);
        for n in [at - 1, at, at + 1] {
            let entries = page(&vec![vec![7; each]; n]);
            assert_eq!(entries.len(), n.min(at));
            let answer = FromRelay::Answer {
                id: 1,
                answer: Ok(Answer::Entries { entries, agents: vec!["k".repeat(200); n.min(at)] }),
            };
            assert!(wire::encode_frame(&answer, Limit::Control).is_ok());
        }
    }

    #[test]
    fn what_was_said_last_opens_parts() {
        let (one, two) = (SessionId([1; 16]), SessionId([2; 16]));
        let looked = Looked::default();
        assert!(!looked.opens(one));
        looked.say(Looking::Show, Some(one));
        assert!(looked.opens(one) && !looked.opens(two));
        looked.say(Looking::Search, None);
        assert!(looked.opens(one) && looked.opens(two));
        looked.say(Looking::Verify, None);
        assert!(!looked.opens(one), "the last word counts");
        looked.say(Looking::Export, None);
        assert!(!looked.opens(one), "an export holds headers only");
    }
}
