use proptest::prelude::*;

use super::*;
use crate::key::SigningKey;
use crate::ledger::merkle::Tree;
use crate::ledger::note;

fn log() -> SigningKey {
    SigningKey::new("log", [1; 32]).named(KeyName::new("relay.example/log").unwrap())
}

/// A history of `size` leaves, of one of several worlds that agree on the first `shared`.
struct History {
    tree: Tree,
    nodes: BTreeMap<(u8, u64), Hash>,
}

impl History {
    fn new(world: u8, shared: u64, size: u64) -> Self {
        let mut history = Self { tree: Tree::new(), nodes: BTreeMap::new() };
        for n in 0..size {
            let leaf = note::leaf(&[if n < shared { 0 } else { world }, n as u8]);
            let Self { tree, nodes } = &mut history;
            tree.append(leaf, |level, index, hash| {
                nodes.insert((level, index), hash);
            });
        }
        history
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint::of(log().verifier(), self.tree.size(), self.tree.root())
    }

    fn request(&self, old: u64) -> AddCheckpoint {
        let proof = if old == 0 || old > self.tree.size() {
            Vec::new()
        } else {
            merkle::consistency(old, self.tree.size(), |l, i| self.nodes.get(&(l, i)).copied()).unwrap()
        };
        AddCheckpoint { old, proof, checkpoint: Note::parse(&self.checkpoint().sign(&log())).unwrap() }
    }
}

fn witness() -> Witness {
    Witness::new([log().verifier().clone()])
}

/// Judges, and remembers what passed.
fn ask(witness: &mut Witness, request: &AddCheckpoint) -> Result<u64, Refused> {
    let checkpoint = witness.judge(request)?;
    let size = checkpoint.size;
    witness.remember(checkpoint);
    Ok(size)
}

#[test]
fn a_log_that_grows_is_cosigned() {
    let mut witness = witness();
    assert_eq!(ask(&mut witness, &History::new(0, 0, 3).request(0)), Ok(3));
    assert_eq!(ask(&mut witness, &History::new(0, 0, 3).request(3)), Ok(3), "the same again: its answer was lost");
    assert_eq!(ask(&mut witness, &History::new(0, 0, 8).request(3)), Ok(8));
    assert_eq!(witness.newest(&log().verifier().name), Some(&History::new(0, 0, 8).checkpoint()));
}

#[test]
fn a_log_that_forks_is_not() {
    let mut witness = witness();
    ask(&mut witness, &History::new(1, 4, 8).request(0)).unwrap();
    // The same size, another tree.
    assert_eq!(ask(&mut witness, &History::new(2, 4, 8).request(8)), Err(Refused::Fork { size: 8 }));
    // A larger tree of the other history, with the best proof it has.
    assert_eq!(ask(&mut witness, &History::new(2, 4, 11).request(8)), Err(Refused::Inconsistent));
    // As if nothing had been cosigned before, or less.
    for old in [0, 4, 7, 9] {
        assert_eq!(ask(&mut witness, &History::new(2, 4, 11).request(old)), Err(Refused::OtherSize { size: 8 }));
    }
    assert_eq!(witness.newest(&log().verifier().name), Some(&History::new(1, 4, 8).checkpoint()));
}

#[test]
fn a_log_that_goes_back_is_not() {
    let mut witness = witness();
    ask(&mut witness, &History::new(0, 0, 8).request(0)).unwrap();
    assert_eq!(ask(&mut witness, &History::new(0, 0, 5).request(5)), Err(Refused::OtherSize { size: 8 }));
    assert_eq!(ask(&mut witness, &History::new(0, 0, 5).request(8)), Err(Refused::Malformed), "old is larger than new");
    assert_eq!(ask(&mut witness, &History::new(0, 0, 5).request(0)), Err(Refused::OtherSize { size: 8 }));
}

#[test]
fn only_logs_it_knows_and_only_by_their_key() {
    let mut witness = witness();
    let good = History::new(0, 0, 3);
    let other = SigningKey::new("log", [2; 32]);
    let foreign = Checkpoint::of(other.verifier(), 3, good.checkpoint().root).sign(&other);
    let request = AddCheckpoint { checkpoint: Note::parse(&foreign).unwrap(), ..good.request(0) };
    assert_eq!(ask(&mut witness, &request), Err(Refused::UnknownLog));
    // A foreign key under the same name.
    let imposter = other.named(log().verifier().name.clone());
    let forged = Note::parse(&good.checkpoint().sign(&imposter)).unwrap();
    assert_eq!(ask(&mut witness, &AddCheckpoint { checkpoint: forged, ..good.request(0) }), Err(Refused::NotSigned));
    // Signatures of others are nobody's.
    let mut crowded = good.request(0);
    crowded.checkpoint.add_signature(&SigningKey::new("stranger", [9; 32]));
    assert_eq!(ask(&mut witness, &crowded), Ok(3));
    assert_eq!(witness.logs().collect::<Vec<_>>(), [log().verifier()]);
}

#[test]
fn proofs_that_lie_are_refused() {
    let mut witness = witness();
    let early = AddCheckpoint { proof: vec![[0; 32]], ..History::new(0, 0, 3).request(0) };
    assert_eq!(ask(&mut witness, &early), Err(Refused::Inconsistent), "from nothing there is nothing to prove");
    ask(&mut witness, &History::new(0, 0, 3).request(0)).unwrap();
    let good = History::new(0, 0, 8).request(3);
    let mut proofs = vec![Vec::new(), [good.proof.clone(), vec![[0; 32]]].concat(), good.proof[1..].to_vec()];
    for hash in 0..good.proof.len() {
        let mut flipped = good.proof.clone();
        flipped[hash][7] ^= 1;
        proofs.push(flipped);
    }
    for proof in proofs {
        let request = AddCheckpoint { proof, ..good.clone() };
        assert_eq!(ask(&mut witness, &request), Err(Refused::Inconsistent));
    }
    let same = AddCheckpoint { proof: vec![[0; 32]], ..History::new(0, 0, 3).request(3) };
    assert_eq!(ask(&mut witness, &same), Err(Refused::Inconsistent));
    assert_eq!(ask(&mut witness, &good), Ok(8));
}

#[test]
fn the_format_is_c2sp() {
    let request = History::new(0, 0, 8).request(3);
    let text = String::from_utf8(request.to_bytes()).unwrap();
    assert!(text.starts_with("old 3\n"), "{text}");
    assert!(text.contains("=\n\nrelay.example/log\n8\n"), "{text}");
    assert_eq!(AddCheckpoint::parse(text.as_bytes()), Ok(request.clone()));
    for (from, to) in [
        ("old 3", "old 03"),
        ("old 3", "old +3"),
        ("old 3", "Old 3"),
        ("old 3", "old  3"),
        ("old 3", "old 3 "),
        ("old 3", "old 9007199254740993"),
        ("old 3\n", ""),
        ("=\n\nrelay", "=\nrelay"),
        ("=\n\nrelay", "=\n\n\nrelay"),
        ("=\n", "\n"),
        ("\n", "\r\n"),
    ] {
        assert!(text.contains(from));
        let bad = text.replacen(from, to, 1);
        let refused = AddCheckpoint::parse(bad.as_bytes()).and_then(|request| witness().judge(&request));
        assert!(refused.is_err(), "{from:?} {to:?}");
    }
    assert_eq!(AddCheckpoint::parse(b"old 0\n\n\xff"), Err(Refused::Malformed));
}

#[test]
fn limits_at_below_and_above() {
    let good = History::new(0, 0, 3).request(0);
    for (lines, fits) in [(CONSISTENCY_MAX - 1, true), (CONSISTENCY_MAX, true), (CONSISTENCY_MAX + 1, false)] {
        let request = AddCheckpoint { proof: vec![[7; 32]; lines], ..good.clone() };
        assert_eq!(AddCheckpoint::parse(&request.to_bytes()).is_ok(), fits, "{lines}");
    }
    let longest = AddCheckpoint { old: merkle::SIZE_MAX, proof: vec![[7; 32]; CONSISTENCY_MAX], ..good };
    let note = longest.checkpoint.to_bytes().len();
    assert_eq!(longest.to_bytes().len() - note + NOTE_MAX, REQUEST_MAX);
    assert_eq!(AddCheckpoint::parse(&vec![b'x'; REQUEST_MAX + 1]), Err(Refused::Malformed));
}

#[test]
fn answers_are_those_of_the_specification() {
    for (refused, status, size) in [
        (Refused::Malformed, 400, None),
        (Refused::NotSigned, 403, None),
        (Refused::UnknownLog, 404, None),
        (Refused::OtherSize { size: 7 }, 409, Some(7)),
        (Refused::Fork { size: 7 }, 409, Some(7)),
        (Refused::Inconsistent, 422, None),
    ] {
        assert_eq!((refused.status(), refused.size()), (status, size));
    }
}

#[test]
fn cosignature_lines_come_back() {
    let (note, key) = (History::new(0, 0, 3).request(0).checkpoint, SigningKey::new("witness", [3; 32]));
    let line = crate::ledger::cosignature::cosign(&note, &key, 7);
    let body = lines(&[line.clone(), line.clone()]);
    assert_eq!(read_lines(body.as_bytes(), &note), Ok(vec![line.clone(), line]));
    assert_eq!(read_lines(b"", &note), Ok(vec![]));
    for bad in ["x\n", "\n", &body[..body.len() - 1], &format!("\n{body}")] {
        assert!(read_lines(bad.as_bytes(), &note).is_err(), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_never_panic_and_have_one_spelling(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
        for start in ["", "old 0\n", "old 0\n\nlog\n1\n"] {
            let bytes = [start.as_bytes(), &tail].concat();
            if let Ok(request) = AddCheckpoint::parse(&bytes) {
                prop_assert_eq!(request.to_bytes(), bytes);
            }
        }
    }

    /// Whatever is asked, in whatever order: what was cosigned is one history.
    #[test]
    fn two_histories_are_never_both_cosigned(
        asked in proptest::collection::vec((1_u8..3, 1_u64..12, 0_u64..12), 1..40),
    ) {
        let (mut witness, mut cosigned) = (witness(), Vec::new());
        for (world, size, old) in asked {
            let history = History::new(world, 3, size);
            if ask(&mut witness, &history.request(old)).is_ok() {
                cosigned.push((size, world));
            }
        }
        prop_assert!(cosigned.is_sorted_by_key(|(size, _)| *size));
        let worlds: std::collections::BTreeSet<_> =
            cosigned.iter().filter(|(size, _)| *size > 3).map(|(_, world)| *world).collect();
        prop_assert!(worlds.len() <= 1, "{cosigned:?}");
    }
}
