//! Proofs out of the stored tree: receipts, and a session's proofs against one checkpoint. (SECURITY F3)

use venia_proto::id::SessionId;
use venia_proto::key::{PublicKey, SigningKey};
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::event::Event;
use venia_proto::ledger::kind::Kind;
use venia_proto::ledger::merkle::{self, Hash, Tree, TreeError};
use venia_proto::rendezvous::{Answer, Entry, PROOFS_MAX, Proven, ProvenBatch, Refusal};

use super::recent::Recent;
use super::{Head, Store, StoreError};

/// Batches told with one page of proofs; a page with more joins ends early.
const BATCHES_MAX: usize = 16;

/// Who asks for which proofs.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// The key of the connection.
    pub by: PublicKey,
    /// The session.
    pub session: SessionId,
    /// Proofs to skip, in log order.
    pub skip: u64,
    /// The checkpoint size to prove against; zero for the newest.
    pub size: u64,
    /// The caller's oldest checkpoint size; zero for none.
    pub first: u64,
}

/// Why there is no proof.
#[derive(Debug)]
pub(super) enum NotProven {
    /// The peer gets to know why.
    Refused(Refusal),
    /// Our own database failed.
    Store(StoreError),
}

impl From<StoreError> for NotProven {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The tree's nodes: on disk, and the newest perhaps in memory.
pub(super) struct Nodes<'a, S> {
    store: &'a S,
    recent: Option<&'a Recent>,
}

impl<'a, S: Store> Nodes<'a, S> {
    /// Only what is on disk.
    pub(super) fn stored(store: &'a S) -> Self {
        Self { store, recent: None }
    }

    /// The newest from memory.
    pub(super) fn recent(store: &'a S, recent: &'a Recent) -> Self {
        Self { store, recent: Some(recent) }
    }

    /// Index and inclusion proof of an entry.
    pub(super) fn entry(&self, index: u64, size: u64) -> Result<Entry, StoreError> {
        let path = self.walk(|node| merkle::inclusion(index, size, node))?;
        Ok(Entry { index, path })
    }

    /// Proof that the tree of `from` leaves is a prefix of that of `to`.
    pub(super) fn consistency(&self, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        self.walk(|node| merkle::consistency(from, to, node))
    }

    /// The tree as it was at a size.
    pub(super) fn tree(&self, size: u64) -> Result<Tree, StoreError> {
        self.walk(|node| Tree::load(size, node))
    }

    /// The tree asks for nodes and can't hear of a failed database: remember it, and say it afterwards.
    fn walk<T>(
        &self,
        ask: impl FnOnce(&mut dyn FnMut(u8, u64) -> Option<Hash>) -> Result<T, TreeError>,
    ) -> Result<T, StoreError> {
        let mut failed = None;
        let mut node = |level: u8, place: u64| {
            if let Some(hash) = self.recent.and_then(|recent| recent.get(level, place)) {
                return Some(hash);
            }
            self.store.node(level, place).unwrap_or_else(|error| {
                failed.get_or_insert(error);
                None
            })
        };
        let found = ask(&mut node);
        match (found, failed) {
            (_, Some(error)) => Err(error),
            (Ok(found), None) => Ok(found),
            (Err(_), None) => Err(StoreError::Damaged("a node of the tree is missing")),
        }
    }
}

/// Proofs of a session's events against one checkpoint, a page of them. `log`: none of a closed one, which proves against its
/// last checkpoint only.
pub(super) fn prove(
    store: &impl Store,
    head: &Head,
    log: Option<&SigningKey>,
    question: &Question,
) -> Result<Answer, NotProven> {
    let refused = NotProven::Refused(Refusal::NotAllowed);
    let Some(session) = store.session_keys(question.session)? else { return Err(refused) };
    let size = if question.size == 0 { head.size } else { question.size };
    let allowed = session.0.key == question.by || session.1.contains(&question.by);
    if !allowed || size > head.size || question.first > size {
        return Err(refused);
    }
    let nodes = Nodes::stored(store);
    let checkpoint = if size == head.size {
        head.checkpoint.clone()
    } else {
        // A closed log signs nothing any more.
        let Some(log) = log else { return Err(refused) };
        // The same root we once had at that size: signing it again says nothing new.
        Checkpoint::of(log.verifier(), size, nodes.tree(size)?.root()).sign(log)
    };
    let page = store.placed(question.session, size, question.skip, PROOFS_MAX + 1)?;
    let mut more = page.len() > PROOFS_MAX;
    let (mut entries, mut batches) = (Vec::new(), Vec::new());
    for placed in page.into_iter().take(PROOFS_MAX) {
        if batches.len() == BATCHES_MAX {
            more = true;
            break;
        }
        // Of a pruned log there is the place, and no longer what it says.
        if placed.entry >= store.kept_from() {
            let note = store.entry(placed.entry)?.ok_or(StoreError::Damaged("an entry is missing"))?;
            let event = Event::stored(&note).map_err(|_| StoreError::Damaged("an event"))?;
            if let Kind::Join { strand, .. } = event.header().kind {
                let note = store.entry(placed.batch)?.ok_or(StoreError::Damaged("a batch note is missing"))?;
                batches.push(ProvenBatch { strand, note, entry: nodes.entry(placed.batch, size)? });
            }
        }
        let entry = nodes.entry(placed.entry, size)?;
        entries.push(Proven { author: placed.author, seq: placed.seq, entry });
    }
    let consistency = nodes.consistency(question.first, size)?;
    Ok(Answer::Proofs { checkpoint, consistency, entries, batches, more })
}
