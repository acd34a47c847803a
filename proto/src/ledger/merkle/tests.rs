//! Against an oracle that is RFC 6962 section 2.1 word by word, in the recursive form the verifier doesn't use.

use proptest::prelude::*;

use super::*;
use crate::encoding::hex;
use crate::ledger::note;

/// MTH(D[n]).
fn oracle_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(oracle_split(leaves.len()));
            parent(&oracle_root(left), &oracle_root(right))
        }
    }
}

/// PATH(m, D[n]).
fn oracle_path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = oracle_split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut path, last) =
        if m < k { (oracle_path(m, left), oracle_root(right)) } else { (oracle_path(m - k, right), oracle_root(left)) };
    path.push(last);
    path
}

/// SUBPROOF(m, D[n], b).
fn oracle_subproof(m: usize, leaves: &[Hash], known: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if known { Vec::new() } else { vec![oracle_root(leaves)] };
    }
    let k = oracle_split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut proof, last) = if m <= k {
        (oracle_subproof(m, left, known), oracle_root(right))
    } else {
        (oracle_subproof(m - k, right, false), oracle_root(left))
    };
    proof.push(last);
    proof
}

fn oracle_split(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

fn leaf(n: u64) -> Leaf {
    note::leaf(&n.to_be_bytes())
}

struct Stored {
    leaves: Vec<Hash>,
    /// By size; of small trees only.
    roots: Vec<Hash>,
    /// By level, then index.
    nodes: Vec<Vec<Hash>>,
}

impl Stored {
    fn of(size: u64) -> Self {
        let mut stored = Self { leaves: Vec::new(), roots: vec![Tree::new().root()], nodes: vec![Vec::new(); 64] };
        let mut tree = Tree::new();
        for n in 0..size {
            let index = tree.append(leaf(n), |level, index, hash| {
                let row = &mut stored.nodes[usize::from(level)];
                assert_eq!(row.len() as u64, index, "each complete node is told once, in order");
                row.push(hash);
            });
            assert_eq!((index, tree.size()), (n, n + 1));
            assert!(tree.edge.len() <= 64);
            stored.leaves.push(leaf(n).0);
            if size <= 300 {
                stored.roots.push(tree.root());
            }
        }
        stored
    }

    fn node(&self) -> impl Fn(u8, u64) -> Option<Hash> {
        |level, index| self.nodes.get(usize::from(level))?.get(index as usize).copied()
    }
}

/// The well-known roots of the eight test leaves of certificate-transparency (`merkletree` test vectors).
#[test]
fn reference_roots() {
    let leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut tree = Tree::new();
    for (data, root) in leaves.iter().zip(roots) {
        let bytes: Vec<u8> =
            data.as_bytes().chunks(2).map(|d| hex::<1>(std::str::from_utf8(d).unwrap()).unwrap()[0]).collect();
        tree.append(note::leaf(&bytes), |_, _, _| ());
        assert_eq!(Some(tree.root()), hex(root), "{data}");
    }
}

#[test]
fn every_root_and_inclusion_proof_up_to_300() {
    let stored = Stored::of(300);
    for size in 0..=300 {
        let leaves = &stored.leaves[..size];
        let root = oracle_root(leaves);
        assert_eq!(stored.roots[size], root, "root of {size}");
        assert_eq!(Tree::load(size as u64, stored.node()).map(|tree| tree.root()), Ok(root));
        for index in 0..size {
            let proof = inclusion(index as u64, size as u64, stored.node()).unwrap();
            assert_eq!(proof, oracle_path(index, leaves), "{index} of {size}");
            let verify = |index, size, proof: &[Hash]| verify_inclusion(leaf(index), index, size, &root, proof);
            assert_eq!(verify(index as u64, size as u64, &proof), Ok(()), "{index} of {size}");
            let mut longer = proof.clone();
            longer.push(root);
            assert!(verify(index as u64, size as u64, &longer).is_err());
            if let Some((_, shorter)) = proof.split_last() {
                assert!(verify(index as u64, size as u64, shorter).is_err());
            }
        }
    }
    assert_eq!(inclusion(3, 3, stored.node()), Err(TreeError::OutOfRange(3)));
    assert_eq!(verify_inclusion(leaf(3), 3, 3, &stored.roots[3], &[]), Err(ProofError::OutOfRange));
    assert_eq!(verify_inclusion(leaf(0), 0, SIZE_MAX + 1, &stored.roots[1], &[]), Err(ProofError::OutOfRange));
}

#[test]
fn every_consistency_proof_up_to_300() {
    let stored = Stored::of(300);
    for to in 0..=300 {
        for from in 0..=to {
            let proof = consistency(from as u64, to as u64, stored.node()).unwrap();
            let expected = if from == 0 { Vec::new() } else { oracle_subproof(from, &stored.leaves[..to], true) };
            assert_eq!(proof, expected, "{from} to {to}");
            let (old, new) = (&stored.roots[from], &stored.roots[to]);
            let verify = |proof: &[Hash]| verify_consistency(from as u64, to as u64, old, new, proof);
            assert_eq!(verify(&proof), Ok(()), "{from} to {to}");
            let mut longer = proof.clone();
            longer.push(*new);
            assert!(verify(&longer).is_err(), "{from} to {to}");
            if let Some((_, shorter)) = proof.split_last() {
                assert!(verify(shorter).is_err(), "{from} to {to}");
            }
            if from != to && from != 0 {
                let forged = leaf(1_000).0;
                assert!(verify_consistency(from as u64, to as u64, &forged, new, &proof).is_err());
                assert!(verify_consistency(from as u64, to as u64, old, &forged, &proof).is_err());
            }
        }
    }
    assert_eq!(consistency(4, 3, stored.node()), Err(TreeError::OutOfRange(3)));
    assert_eq!(verify_consistency(4, 3, &stored.roots[4], &stored.roots[3], &[]), Err(ProofError::OutOfRange));
}

/// Every bit of every proof in trees of every shape up to 24 leaves.
#[test]
fn every_flipped_bit_is_refused() {
    let stored = Stored::of(24);
    let flips = |proof: &[Hash]| {
        let proof = proof.to_vec();
        (0..proof.len() * 256).map(move |bit| {
            let mut bad = proof.clone();
            bad[bit / 256][bit % 256 / 8] ^= 1 << (bit % 8);
            bad
        })
    };
    for size in 1..=24_usize {
        let root = &stored.roots[size];
        for index in 0..size as u64 {
            let proof = inclusion(index, size as u64, stored.node()).unwrap();
            for bad in flips(&proof) {
                assert_eq!(verify_inclusion(leaf(index), index, size as u64, root, &bad), Err(ProofError::Root));
            }
            for other in (0..size as u64).filter(|other| *other != index) {
                assert!(verify_inclusion(leaf(index), other, size as u64, root, &proof).is_err());
            }
        }
        for from in 1..size {
            let proof = consistency(from as u64, size as u64, stored.node()).unwrap();
            for bad in flips(&proof) {
                let old = &stored.roots[from];
                assert_eq!(verify_consistency(from as u64, size as u64, old, root, &bad), Err(ProofError::Root));
            }
        }
    }
}

#[test]
fn a_store_with_a_hole_builds_no_proof() {
    let stored = Stored::of(8);
    let without = |hole: (u8, u64)| {
        let stored = &stored;
        move |level, index| (hole != (level, index)).then(|| stored.node()(level, index)).flatten()
    };
    let missing = TreeError::Missing { level: 1, index: 1 };
    assert_eq!(inclusion(0, 8, without((1, 1))), Err(missing));
    assert_eq!(consistency(2, 8, without((1, 1))), Err(missing));
    assert!(Tree::load(8, without((1, 1))).is_ok(), "the root needs only the top");
    assert_eq!(Tree::load(8, without((3, 0))), Err(TreeError::Missing { level: 3, index: 0 }));
}

/// A tree of 2^20 leaves, appended once; each case takes a random size of it.
#[test]
fn random_proofs_up_to_a_million() {
    let stored = Stored::of(1 << 20);
    let mut runner = proptest::test_runner::TestRunner::default();
    let cases = (1..=1_u64 << 20).prop_flat_map(|to| (Just(to), 0..to, 1..=to, any::<u16>()));
    let checked = runner.run(&cases, |(to, index, from, flip)| {
        let root_of = |size| Tree::load(size, stored.node()).map(|tree| tree.root()).unwrap();
        let (old, root) = (&root_of(from), &root_of(to));
        let flip = |mut proof: Vec<Hash>| {
            let bit = usize::from(flip) % (proof.len().max(1) * 256);
            if let Some(hash) = proof.get_mut(bit / 256) {
                hash[bit % 256 / 8] ^= 1 << (bit % 8);
            }
            proof
        };
        let proof = inclusion(index, to, stored.node()).unwrap();
        prop_assert!(proof.len() <= PROOF_MAX);
        prop_assert_eq!(verify_inclusion(leaf(index), index, to, root, &proof), Ok(()));
        if !proof.is_empty() {
            prop_assert!(verify_inclusion(leaf(index), index, to, root, &flip(proof)).is_err());
        }
        let proof = consistency(from, to, stored.node()).unwrap();
        prop_assert!(proof.len() <= PROOF_MAX);
        prop_assert_eq!(verify_consistency(from, to, old, root, &proof), Ok(()));
        if !proof.is_empty() {
            prop_assert!(verify_consistency(from, to, old, root, &flip(proof)).is_err());
        }
        Ok(())
    });
    assert_eq!(checked, Ok(()));
}

proptest! {
    #[test]
    fn verifiers_never_panic(
        index: u64, size: u64, root: [u8; 32], leaf: [u8; 32], proof in proptest::collection::vec(any::<[u8; 32]>(), 0..70),
    ) {
        prop_assert!(verify_inclusion(Leaf(leaf), index, size, &root, &proof).is_err());
        let _ = verify_consistency(index, size, &root, &leaf, &proof);
    }
}

#[test]
fn nodes_are_numbered_as_they_become_complete() {
    let (mut tree, mut next) = (Tree::new(), 0);
    for n in 0..3_000_u64 {
        let mut leaf = [0; 32];
        leaf[..8].copy_from_slice(&n.to_be_bytes());
        tree.append(Leaf(leaf), |level, index, _| {
            assert_eq!(completed(level, index), Some(next), "{level} {index}");
            next += 1;
        });
    }
    for (level, index, exists) in [
        (0, SIZE_MAX - 1, true),
        (0, SIZE_MAX, false),
        (0, u64::MAX, false),
        (53, 0, true),
        (53, 1, false),
        (54, 0, false),
        (64, 0, false),
        (255, u64::MAX, false),
    ] {
        assert_eq!(completed(level, index).is_some(), exists, "{level} {index}");
    }
}
