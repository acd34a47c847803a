//! The Merkle tree of RFC 6962 section 2.1 over SHA-256: roots, inclusion proofs, consistency proofs.
//!
//! A relay that wants to change, drop or reorder an entry it gave a receipt for must find a SHA-256 collision or show a
//! root that no consistency proof connects to the one it signed before. (SECURITY F4)
//!
//! [`Tree`] is only the right edge: at most 64 hashes, whatever the size. Who stores the tree keeps the nodes that
//! [`Tree::append`] reports complete; [`inclusion`] and [`consistency`] build proofs from those alone. A node is named
//! by level and index: level 0 are the leaf hashes, and node `i` of level `l` is the root over the leaves
//! `i << l .. (i + 1) << l`. Only complete nodes have a name, so a stored node never changes.
//!
//! Not here: leaf hashing ([`super::note::leaf`]), signatures ([`super::checkpoint`]), files.

use sha2::{Digest, Sha256};

use crate::id::Leaf;

/// Root of a tree, or hash of a node in it.
pub type Hash = [u8; 32];

/// Most hashes of a proof we read: 64 levels of siblings, and one more for consistency.
pub const PROOF_MAX: usize = 65;
/// Most leaves of a tree: sizes are integers every JSON reader holds exactly. (docs/ledger.md)
pub const SIZE_MAX: u64 = 1 << 53;

/// The right edge of a tree: enough to append leaves and to tell the root at any time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// Roots of the complete subtrees the size is made of, the largest first: one per bit set in `size`.
    edge: Vec<Hash>,
}

/// Why a proof can't be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// The store doesn't have a node that every tree of this size has.
    #[error("the stored tree lacks node {index} of level {level}")]
    Missing {
        /// Height above the leaves.
        level: u8,
        /// Number among the nodes of that level.
        index: u64,
    },
    /// An index outside the tree, a size that goes back, or an edge that doesn't fit its size.
    #[error("no such proof in a tree of {0} leaves")]
    OutOfRange(u64),
}

/// Why a proof isn't believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The index is not in the tree, or the older size is larger than the newer.
    #[error("index or size outside the tree")]
    OutOfRange,
    /// Fewer or more hashes than the tree's shape needs.
    #[error("the proof has the wrong number of hashes")]
    Length,
    /// The hashes lead to another root.
    #[error("the proof leads to another root")]
    Root,
}

impl Tree {
    /// A tree of no leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tree whose stored nodes these are: what a store reads at start.
    pub fn load(size: u64, mut node: impl FnMut(u8, u64) -> Option<Hash>) -> Result<Self, TreeError> {
        if size > SIZE_MAX {
            return Err(TreeError::OutOfRange(size));
        }
        let edge = subtrees(0, size)
            .map(|(level, index)| node(level, index).ok_or(TreeError::Missing { level, index }))
            .collect::<Result<_, _>>()?;
        Ok(Self { size, edge })
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf and returns its index. `completed` is told every node that is now complete, the leaf first:
    /// level, index, hash.
    pub fn append(&mut self, leaf: Leaf, mut completed: impl FnMut(u8, u64, Hash)) -> u64 {
        let index = self.size;
        let mut hash = leaf.0;
        completed(0, index, hash);
        let mut level = 0_u8;
        // Each trailing one bit of the old size is a complete subtree as large as the one just made.
        while index >> level & 1 == 1 {
            let Some(left) = self.edge.pop() else { break };
            hash = parent(&left, &hash);
            level += 1;
            completed(level, index >> level, hash);
        }
        self.edge.push(hash);
        self.size += 1;
        index
    }

    /// The complete nodes the size is made of, the largest first: level, index, hash.
    pub fn edge(&self) -> impl Iterator<Item = (u8, u64, Hash)> {
        subtrees(0, self.size).zip(&self.edge).map(|((level, index), hash)| (level, index, *hash))
    }

    /// Root over all leaves; of no leaves, the SHA-256 of nothing.
    pub fn root(&self) -> Hash {
        fold(&self.edge)
    }
}

/// Number of a node in the order in which nodes become complete, from 0: where a store that only grows keeps it. `None` if no
/// tree has it.
pub fn completed(level: u8, index: u64) -> Option<u64> {
    let leaves =
        index.checked_add(1).filter(|nodes| *nodes <= SIZE_MAX.checked_shr(level.into()).unwrap_or(0))? << level;
    // The last leaf below it completes it. Every leaf before that one is a node, and so is every complete pair, pair of
    // pairs …: of n leaves, n and n less one per bit set.
    let last = leaves - 1;
    Some(2 * last - u64::from(last.count_ones()) + u64::from(level))
}

/// Hash of an inner node: `SHA-256(0x01 ‖ left ‖ right)`. The 0x01 keeps a node from being taken for a leaf.
pub fn parent(left: &Hash, right: &Hash) -> Hash {
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(left);
    hash.update(right);
    hash.finalize().into()
}

/// Proof that leaf `index` is in the tree of `size` leaves: siblings from the leaf upwards (RFC 6962 section 2.1.1).
pub fn inclusion(index: u64, size: u64, mut node: impl FnMut(u8, u64) -> Option<Hash>) -> Result<Vec<Hash>, TreeError> {
    if index >= size || size > SIZE_MAX {
        return Err(TreeError::OutOfRange(size));
    }
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, size);
    // Downwards from the root, so the siblings come in reverse.
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            proof.push(range(middle, end, &mut node)?);
            end = middle;
        } else {
            proof.push(range(start, middle, &mut node)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// Proof that the tree of `from` leaves is a prefix of that of `to` leaves (RFC 6962 section 2.1.2). Empty if one of
/// them has no leaves or both are the same.
pub fn consistency(from: u64, to: u64, mut node: impl FnMut(u8, u64) -> Option<Hash>) -> Result<Vec<Hash>, TreeError> {
    if from > to || to > SIZE_MAX {
        return Err(TreeError::OutOfRange(to));
    }
    if from == 0 || from == to {
        return Ok(Vec::new());
    }
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, to);
    while from != end {
        let middle = start + split(end - start);
        if from <= middle {
            proof.push(range(middle, end, &mut node)?);
            end = middle;
        } else {
            proof.push(range(start, middle, &mut node)?);
            start = middle;
        }
    }
    // The old root itself needs no hash: the verifier has it.
    if start != 0 {
        proof.push(range(start, end, &mut node)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Checks that `leaf` is entry `index` of the tree of `size` leaves and this root (RFC 9162 section 2.1.3.2).
pub fn verify_inclusion(leaf: Leaf, index: u64, size: u64, root: &Hash, proof: &[Hash]) -> Result<(), ProofError> {
    if index >= size || size > SIZE_MAX {
        return Err(ProofError::OutOfRange);
    }
    let (mut position, mut last) = (index, size - 1);
    let mut hash = leaf.0;
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if position & 1 == 1 || position == last {
            hash = parent(sibling, &hash);
            // A last node without a sibling rises unchanged to where it has one.
            while position & 1 == 0 && position != 0 {
                position >>= 1;
                last >>= 1;
            }
        } else {
            hash = parent(&hash, sibling);
        }
        position >>= 1;
        last >>= 1;
    }
    if last != 0 {
        Err(ProofError::Length)
    } else if hash == *root {
        Ok(())
    } else {
        Err(ProofError::Root)
    }
}

/// Checks that the tree of `from` leaves and root `old` is a prefix of that of `to` leaves and root `new`
/// (RFC 9162 section 2.1.4.2).
pub fn verify_consistency(from: u64, to: u64, old: &Hash, new: &Hash, proof: &[Hash]) -> Result<(), ProofError> {
    if from > to || to > SIZE_MAX {
        return Err(ProofError::OutOfRange);
    }
    if from == to || from == 0 {
        // Nothing to prove but the roots themselves: the same one, or that of no leaves.
        let known = if from == to { new } else { &Tree::new().root() };
        return match (proof.is_empty(), old == known) {
            (false, _) => Err(ProofError::Length),
            (true, false) => Err(ProofError::Root),
            (true, true) => Ok(()),
        };
    }
    let (mut position, mut last) = (from - 1, to - 1);
    while position & 1 == 1 {
        position >>= 1;
        last >>= 1;
    }
    let mut hashes = proof.iter();
    // A `from` that is a power of two is a complete node of the new tree: its root is the one we hold.
    let first = if position == 0 { old } else { hashes.next().ok_or(ProofError::Length)? };
    let (mut of_old, mut of_new) = (*first, *first);
    for sibling in hashes {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if position & 1 == 1 || position == last {
            of_old = parent(sibling, &of_old);
            of_new = parent(sibling, &of_new);
            while position & 1 == 0 && position != 0 {
                position >>= 1;
                last >>= 1;
            }
        } else {
            of_new = parent(&of_new, sibling);
        }
        position >>= 1;
        last >>= 1;
    }
    if last != 0 {
        Err(ProofError::Length)
    } else if of_old == *old && of_new == *new {
        Ok(())
    } else {
        Err(ProofError::Root)
    }
}

/// Largest power of two smaller than `n`, for `n` of at least 2: where RFC 6962 splits a tree.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// The complete subtrees that leaves `start..end` of a tree are made of, the leftmost first.
///
/// `start` is where RFC 6962 splits, so every subtree begins at a multiple of its own size.
fn subtrees(start: u64, end: u64) -> impl Iterator<Item = (u8, u64)> {
    let mut start = start;
    std::iter::from_fn(move || {
        let level = (end - start).checked_ilog2()? as u8;
        let index = start >> level;
        start += 1 << level;
        Some((level, index))
    })
}

/// Root over leaves `start..end`.
fn range(start: u64, end: u64, node: &mut impl FnMut(u8, u64) -> Option<Hash>) -> Result<Hash, TreeError> {
    let hashes = subtrees(start, end)
        .map(|(level, index)| node(level, index).ok_or(TreeError::Missing { level, index }))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(fold(&hashes))
}

fn fold(edge: &[Hash]) -> Hash {
    match edge.split_last() {
        Some((last, rest)) => rest.iter().rfold(*last, |right, left| parent(left, &right)),
        None => Sha256::digest([]).into(),
    }
}

#[cfg(test)]
mod tests;
