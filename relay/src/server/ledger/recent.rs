//! The newest nodes of the tree in memory, so that a receipt is proven without asking the disk.
//!
//! Every sibling on the way from a new entry to the root is either as new, or stood on the right edge before it; and the
//! checkpoint an agent knows is seldom old. Only nodes of durable commits come here. Not here: older nodes
//! ([`super::Store::node`]).

use std::collections::VecDeque;

use venia_proto::ledger::merkle::{Hash, Tree};

/// Nodes remembered of each level.
pub(super) const KEPT: usize = 4_096;

/// The newest complete nodes, level by level.
#[derive(Debug, Default)]
pub(super) struct Recent {
    levels: Vec<Level>,
}

/// Neighbours without a gap.
#[derive(Debug, Default)]
struct Level {
    first: u64,
    hashes: VecDeque<Hash>,
}

impl Recent {
    /// The right edge of a tree that was read back.
    pub(super) fn edge(tree: &Tree) -> Self {
        let mut recent = Self::default();
        tree.edge().for_each(|(level, place, hash)| recent.push(level, place, hash));
        recent
    }

    /// The nodes that one commit completed, in the order they were.
    pub(super) fn add(&mut self, nodes: &[(u8, u64, Hash)]) {
        nodes.iter().for_each(|&(level, place, hash)| self.push(level, place, hash));
    }

    /// A node, if it is remembered.
    pub(super) fn get(&self, level: u8, place: u64) -> Option<Hash> {
        let level = self.levels.get(usize::from(level))?;
        level.hashes.get(usize::try_from(place.checked_sub(level.first)?).ok()?).copied()
    }

    fn push(&mut self, level: u8, place: u64, hash: Hash) {
        let at = usize::from(level);
        if self.levels.len() <= at {
            self.levels.resize_with(at + 1, Level::default);
        }
        let level = &mut self.levels[at];
        if level.first + level.hashes.len() as u64 != place {
            *level = Level { first: place, hashes: VecDeque::new() };
        }
        level.hashes.push_back(hash);
        if level.hashes.len() > KEPT {
            level.hashes.pop_front();
            level.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use venia_proto::id::Leaf;
    use venia_proto::ledger::merkle::{consistency, inclusion};

    use super::*;

    fn leaf(n: u64) -> Leaf {
        let mut leaf = [0; 32];
        leaf[..8].copy_from_slice(&n.to_be_bytes());
        Leaf(leaf)
    }

    /// From every size that was read back, and in commits of every length: nothing has to be asked of the disk.
    #[test]
    fn receipts_of_new_entries_need_nothing_else() {
        for before in (0..130_u64).chain([1_000, 4_095, 4_096, 4_097]) {
            let (mut tree, mut stored) = (Tree::new(), HashMap::new());
            for n in 0..before {
                tree.append(leaf(n), |level, place, hash| {
                    stored.insert((level, place), hash);
                });
            }
            let mut recent = Recent::edge(&tree);
            for length in [1, 2, 3, 64] {
                let (from, mut nodes) = (tree.size(), Vec::new());
                for n in from..from + length {
                    tree.append(leaf(n), |level, place, hash| nodes.push((level, place, hash)));
                }
                recent.add(&nodes);
                stored.extend(nodes.iter().map(|&(level, place, hash)| ((level, place), hash)));
                let of_disk = |level, place| stored.get(&(level, place)).copied();
                for n in from..tree.size() {
                    let path = inclusion(n, tree.size(), |level, place| recent.get(level, place));
                    assert_eq!(path, inclusion(n, tree.size(), of_disk), "{before} {n}");
                }
                let path = consistency(from, tree.size(), |level, place| recent.get(level, place));
                assert_eq!(path, consistency(from, tree.size(), of_disk), "{before} {from}");
            }
        }
    }

    #[test]
    fn only_so_many_are_kept_and_none_is_taken_for_another() {
        let (mut tree, mut recent, mut stored) = (Tree::new(), Recent::default(), HashMap::new());
        for n in 0..2 * KEPT as u64 + 3 {
            let mut nodes = Vec::new();
            tree.append(leaf(n), |level, place, hash| nodes.push((level, place, hash)));
            recent.add(&nodes);
            stored.extend(nodes.iter().map(|&(level, place, hash)| ((level, place), hash)));
        }
        let size = tree.size();
        for (place, kept) in [(size, false), (size - 1, true), (size - KEPT as u64, true), (0, false)] {
            assert_eq!(recent.get(0, place).is_some(), kept, "{place}");
        }
        assert!(recent.get(0, size - KEPT as u64 - 1).is_none());
        assert!(recent.get(60, 0).is_none());
        for (&(level, place), hash) in &stored {
            assert!(recent.get(level, place).is_none_or(|found| found == *hash), "{level} {place}");
        }
    }
}
