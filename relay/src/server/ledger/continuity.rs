//! Whether this log is still the one that peers saw: consistency proofs for whoever asks, and what peers remember of our
//! own word. (SECURITY F4, F5)
//!
//! A peer that holds a checkpoint we signed and no longer have is how a relay learns that its database was set back to an
//! older copy: signing on from there would be a fork, so nothing is signed any more until the operator recovers it.
//!
//! Not here: how it is recovered, and what peers conclude from a proof.

use venia_proto::key::SigningKey;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::merkle::Hash;
use venia_proto::rendezvous::{Answer, Refusal};

use super::prove::{Nodes, NotProven};
use super::{Head, Store};

/// What anybody may ask about the log itself.
#[derive(Clone, Debug)]
pub enum Continuity {
    /// Prove that the tree of `second` leaves continues that of `first`; zero for the newest.
    Between {
        /// The log's origin.
        origin: String,
        /// The smaller size.
        first: u64,
        /// The larger size.
        second: u64,
    },
    /// A checkpoint the peer holds of this log, a signed note.
    Seen(Vec<u8>),
}

/// A proof that one tree continues another, with the larger one's checkpoint.
pub(super) fn between(
    store: &impl Store,
    head: &Head,
    log: &SigningKey,
    (origin, first, second): (&str, u64, u64),
) -> Result<Answer, NotProven> {
    let second = if second == 0 { head.size } else { second };
    if origin != log.verifier().name.as_str() || first > second || second > head.size {
        return Err(NotProven::Refused(Refusal::NotAllowed));
    }
    let nodes = Nodes::stored(store);
    let checkpoint = if second == head.size {
        head.checkpoint.clone()
    } else {
        // The same root we once had at that size: signing it again says nothing new.
        Checkpoint::of(log.verifier(), second, nodes.tree(second)?.root()).sign(log)
    };
    Ok(Answer::Consistency { checkpoint, path: nodes.consistency(first, second)? })
}

/// What a peer saw, if it is ours and isn't in this log: it was set back. What we never signed says nothing.
pub(super) fn lost(
    store: &impl Store,
    head: &Head,
    log: &SigningKey,
    checkpoint: &[u8],
) -> Result<Option<(u64, Hash)>, NotProven> {
    let seen = Checkpoint::open(checkpoint, log.verifier()).map_err(|_| NotProven::Refused(Refusal::NotAllowed))?;
    let held = seen.size <= head.size && Nodes::stored(store).tree(seen.size)?.root() == seen.root;
    Ok((!held).then_some((seen.size, seen.root)))
}
