//! Other people's implementations of the same papers agree with ours: `ct-merkle` on RFC 6962 trees, `signed_note` on
//! C2SP notes, `tlog_tiles` on C2SP checkpoints. A mistake would have to be made twice, by strangers, in the same way.
//!
//! Not here: that ours refuses what is damaged (`ledger::merkle::tests`).

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof};
use sha2::Sha256;
use signed_note::{Note as TheirNote, Signer as _, StandardSigner, StandardVerifier, VerifierList};
use venia_proto::key::SigningKey;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::merkle::{Hash, Tree, consistency, inclusion, verify_consistency, verify_inclusion};
use venia_proto::ledger::note::{self, Note};

/// Ours beside theirs.
struct Both {
    ours: Tree,
    nodes: Vec<Vec<Hash>>,
    roots: Vec<Hash>,
    theirs: MemoryBackedTree<Sha256, Vec<u8>>,
}

fn entry(n: u64) -> Vec<u8> {
    n.to_be_bytes().to_vec()
}

impl Both {
    fn new() -> Self {
        let ours = Tree::new();
        let roots = vec![ours.root()];
        Self { ours, nodes: vec![Vec::new(); 64], roots, theirs: MemoryBackedTree::new() }
    }

    fn grow(&mut self) {
        let n = self.ours.size();
        let nodes = &mut self.nodes;
        self.ours.append(note::leaf(&entry(n)), |level, _, hash| nodes[usize::from(level)].push(hash));
        self.roots.push(self.ours.root());
        self.theirs.push(entry(n));
    }

    fn node(&self) -> impl Fn(u8, u64) -> Option<Hash> {
        |level, index| self.nodes[usize::from(level)].get(usize::try_from(index).unwrap()).copied()
    }

    fn agree_on_root(&self) {
        assert_eq!(self.theirs.root().as_bytes().as_slice(), self.ours.root(), "root of {}", self.ours.size());
    }

    fn agree_on_inclusion(&self, index: u64) {
        let size = self.ours.size();
        let proof = inclusion(index, size, self.node()).unwrap();
        let theirs = self.theirs.prove_inclusion(usize::try_from(index).unwrap());
        assert_eq!(theirs.as_bytes(), proof.concat(), "{index} of {size}");
        let ours = InclusionProof::<Sha256>::from_bytes(proof.concat());
        self.theirs.root().verify_inclusion(&entry(index), index, &ours).unwrap();
        verify_inclusion(note::leaf(&entry(index)), index, size, &self.ours.root(), &proof).unwrap();
        // A changed hash anywhere in the proof is refused by ours; by theirs too, looked at more rarely.
        for at in 0..proof.len() {
            let mut flipped = proof.clone();
            flipped[at][index as usize % 32] ^= 1 << (size % 8);
            let ours = verify_inclusion(note::leaf(&entry(index)), index, size, &self.ours.root(), &flipped);
            assert!(ours.is_err(), "hash {at}, {index} of {size}");
            if size.is_multiple_of(32) {
                let flipped = InclusionProof::from_bytes(flipped.concat());
                assert!(self.theirs.root().verify_inclusion(&entry(index), index, &flipped).is_err());
            }
        }
    }

    fn agree_on_consistency(&self, from: u64, old: &ct_merkle::RootHash<Sha256>) {
        let size = self.ours.size();
        let proof = consistency(from, size, self.node()).unwrap();
        let theirs = self.theirs.prove_consistency(usize::try_from(size - from).unwrap());
        assert_eq!(theirs.as_bytes(), proof.concat(), "{from} to {size}");
        let ours = ConsistencyProof::<Sha256>::try_from_bytes(proof.concat()).unwrap();
        self.theirs.root().verify_consistency(old, &ours).unwrap();
        let old = &self.roots[usize::try_from(from).unwrap()];
        verify_consistency(from, size, old, &self.ours.root(), &proof).unwrap();
    }
}

#[test]
fn every_root_inclusion_and_consistency_up_to_300() {
    let mut both = Both::new();
    let mut roots = Vec::new();
    for size in 1..=300_u64 {
        both.grow();
        both.agree_on_root();
        (0..size).for_each(|index| both.agree_on_inclusion(index));
        // Theirs builds no proof from an empty tree.
        roots.push(both.theirs.root());
        for (from, old) in (1..=size).zip(&roots) {
            both.agree_on_consistency(from, old);
        }
    }
}

#[test]
fn sampled_sizes_up_to_a_million() {
    let mut both = Both::new();
    // Around every power of two, where the shape changes, and a fixed stride between.
    let chosen = |size: u64| (size + 1).is_power_of_two() || size.is_power_of_two() || size.is_multiple_of(25_013);
    let mut kept = Vec::new();
    for size in 1..=1_u64 << 20 {
        both.grow();
        if !chosen(size) || size < 200 {
            continue;
        }
        both.agree_on_root();
        for index in [0, size / 3, size / 2, size - 2, size - 1] {
            both.agree_on_inclusion(index);
        }
        kept.push((size, both.theirs.root()));
        for (from, old) in &kept {
            both.agree_on_consistency(*from, old);
        }
    }
    assert!(kept.len() > 50, "{}", kept.len());
}

/// A key as `signed_note` writes it for a signer.
fn their_signer(seed: [u8; 32]) -> StandardSigner {
    let key = SigningKey::new("log", seed).verifier().to_string();
    // Base64 has a plus sign too.
    let name_and_id = key.splitn(3, '+').take(2).collect::<Vec<_>>().join("+");
    let secret = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [&[1], seed.as_slice()].concat());
    StandardSigner::new(&format!("PRIVATE+KEY+{name_and_id}+{secret}")).unwrap()
}

fn known(key: &SigningKey) -> VerifierList {
    VerifierList::new(vec![Box::new(StandardVerifier::new(&key.verifier().to_string()).unwrap())])
}

#[test]
fn signed_note_reads_our_notes_and_we_read_its() {
    for seed in 0..32 {
        let key = SigningKey::new("log", [seed; 32]);
        let text = format!("venia/event@v1\n{{\"n\":{seed}}}\n");
        let ours = note::sign(&text, &key);
        let theirs = TheirNote::from_bytes(&ours).unwrap();
        assert_eq!(theirs.text(), text.as_bytes());
        assert_eq!(theirs.verify(&known(&key)).unwrap().0.len(), 1);
        let mut note = TheirNote::new(text.as_bytes(), &[]).unwrap();
        let signer = their_signer([seed; 32]);
        assert_eq!(signer.name(), key.verifier().name.to_string());
        note.add_sigs(&[&signer]).unwrap();
        // Ed25519 is deterministic: not only valid, the same bytes.
        assert_eq!(note.to_bytes(), ours);
        Note::parse(&note.to_bytes()).unwrap().verify(key.verifier()).unwrap();
        // Each byte changed: what we refuse, and what it refuses.
        for at in 0..ours.len() {
            let mut damaged = ours.clone();
            damaged[at] ^= 1;
            assert!(Note::parse(&damaged).and_then(|note| note.verify(key.verifier())).is_err(), "byte {at}");
            assert!(
                TheirNote::from_bytes(&damaged).and_then(|note| note.verify(&known(&key)).map(drop)).is_err(),
                "byte {at}"
            );
        }
    }
}

#[test]
fn tlog_tiles_reads_our_checkpoints_and_we_read_its() {
    let log = SigningKey::new("log", [9; 32]);
    for size in [1, 2, 255, 256, 257, 1 << 20, (1 << 53) - 1] {
        let root = [size as u8; 32];
        let ours = Checkpoint::of(log.verifier(), size, root).sign(&log);
        let theirs = TheirNote::from_bytes(&ours).unwrap();
        assert_eq!(theirs.verify(&known(&log)).unwrap().0.len(), 1);
        let read = tlog_tiles::Checkpoint::from_bytes(theirs.text()).unwrap();
        assert_eq!((read.size(), read.hash().0, read.extension()), (size, root, ""));
        assert_eq!(read.origin(), log.verifier().name.to_string());
        assert_eq!(read.to_bytes(), theirs.text());
        let mut note = TheirNote::new(&read.to_bytes(), &[]).unwrap();
        note.add_sigs(&[&their_signer([9; 32])]).unwrap();
        let back = Checkpoint::open(&note.to_bytes(), log.verifier()).unwrap();
        assert_eq!((back.size, back.root), (size, root));
    }
}
