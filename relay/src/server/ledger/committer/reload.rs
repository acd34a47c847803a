//! What is believed of a database: only what was read back from it and fits the tree, the last entry and our own key.

use venia_proto::key::SigningKey;
use venia_proto::ledger::batch::Batch;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::merkle::Tree;
use venia_proto::ledger::note::leaf;
use venia_proto::now::Wall;
use venia_proto::rendezvous::Refusal;

use super::Committer;
use crate::server::ledger::prove::Nodes;
use crate::server::ledger::queue::Newest;
use crate::server::ledger::recent::Recent;
use crate::server::ledger::{Head, Store, StoreError};

/// What the database holds, held against itself.
pub(super) struct Loaded {
    pub(super) tree: Tree,
    pub(super) head: Option<Head>,
    pub(super) observed: Wall,
}

impl<S: Store> Committer<S> {
    /// Nobody knows what is stored: believe only what is read back.
    pub(super) fn failed(&mut self, error: &StoreError) {
        tracing::error!(error = error as &dyn std::error::Error, "the ledger's database failed; reading it again");
        self.broken = true;
        self.failures += 1;
        self.recover();
    }

    /// Somebody's call met a database that can't answer it. What is damaged stays so however often it is read, and is the
    /// business of that one call: no stranger's question about a damaged row makes us refuse everybody. Anything else is
    /// [`Self::failed`].
    pub(super) fn unreadable(&mut self, error: &StoreError) -> Refusal {
        if let StoreError::Damaged(what) = error {
            if self.told.insert(what) {
                tracing::error!(
                    error = error as &dyn std::error::Error,
                    "the ledger's database is damaged: run a check"
                );
            }
        } else {
            self.failed(error);
        }
        Refusal::Disk
    }

    pub(super) fn recover(&mut self) {
        self.sessions.forget();
        let again = self.store.reopen().and_then(|()| load(&self.store, &self.log));
        match again {
            Ok(Loaded { tree, head, observed }) => {
                self.recent = Recent::edge(&tree);
                self.tree = tree;
                // If the failed commit is there after all, its batch note is the newest; how old it is, nobody knows.
                if let Some(head) = &head {
                    self.newest.send_replace(Newest { batch: head.batch.clone().into(), observed, boot_ms: 0 });
                }
                self.head = head;
                self.broken = false;
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the ledger can't be read back; refusing all"
                );
            }
        }
    }
}

/// Reads the head and holds it against the tree, the last entry and our own key.
pub(super) fn load<S: Store>(store: &S, log: &SigningKey) -> Result<Loaded, StoreError> {
    let Some(head) = store.head()? else {
        return Ok(Loaded { tree: Tree::new(), head: None, observed: Wall::MIN });
    };
    let checkpoint = Checkpoint::open(&head.checkpoint, log.verifier())
        .map_err(|_| StoreError::Damaged("the head isn't signed by this relay's log key"))?;
    let tree = Nodes::stored(store).tree(head.size)?;
    if checkpoint.size != head.size || checkpoint.root != tree.root() {
        return Err(StoreError::Damaged("the tree isn't the one that was signed"));
    }
    let last = head.size.checked_sub(1).ok_or(StoreError::Damaged("an empty head"))?;
    let note = store.entry(last)?.ok_or(StoreError::Damaged("the last entry is missing"))?;
    if store.entry(head.size)?.is_some() || store.node(0, last)? != Some(leaf(&note).0) {
        return Err(StoreError::Damaged("the last entry isn't the one in the tree"));
    }
    let batch = Batch::open(&head.batch, log.verifier()).map_err(|_| StoreError::Damaged("the newest batch note"))?;
    Ok(Loaded { tree, head: Some(head), observed: batch.observed })
}
