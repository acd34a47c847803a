use venia_proto::foreign::Foreign;
use venia_proto::key::SigningKey;
use venia_proto::ledger::cosignature::cosign;
use venia_proto::now::Wall;

use super::*;

fn log() -> SigningKey {
    SigningKey::new("log", [1; 32])
}

fn witness(seed: u8) -> (SigningKey, WitnessKey) {
    let key = SigningKey::new("witness", [seed; 32]);
    let vkey = WitnessKey { name: key.verifier().name.clone(), key: *key.public() };
    (key, vkey)
}

fn checkpoint(size: u64, root: u8) -> Note {
    Note::parse(&Checkpoint::of(log().verifier(), size, [root; 32]).sign(&log())).unwrap()
}

fn statement(quorum: u32) -> Statement {
    let root = SigningKey::new("root", [7; 32]);
    Statement {
        root: root.verifier().clone(),
        organisation: Foreign::new("Help"),
        serial: 1,
        not_after: Wall::MAX,
        relays: Vec::new(),
        authority: root.verifier().clone(),
        auditors: Vec::new(),
        witnesses: vec![witness(2).1, witness(3).1],
        packs: Vec::new(),
        keep_days: 30,
        quorum,
    }
}

fn open(folder: &std::path::Path) -> Cosigned {
    Cosigned::open(Arc::new(Home::open(folder, true).unwrap()), log().verifier().clone()).unwrap()
}

#[test]
fn cosignatures_are_merged_into_the_same_checkpoint_only() {
    let folder = tempfile::tempdir().unwrap();
    let cosigned = open(&folder.path().join("relay"));
    let ((one, one_key), (two, two_key)) = (witness(2), witness(3));
    let note = checkpoint(5, 5);
    assert_eq!(cosigned.dress(note.to_bytes()), note.to_bytes());
    assert!(cosigned.add(&note, &one_key, cosign(&note, &one, 7)));
    assert!(cosigned.add(&note, &one_key, cosign(&note, &one, 8)), "again, and not twice");
    assert!(cosigned.add(&note, &two_key, cosign(&note, &two, 8)));
    let dressed = Note::parse(&cosigned.dress(note.to_bytes())).unwrap();
    assert_eq!(dressed.signatures().len(), 3);
    assert_eq!(Witnessed::of(&dressed, &statement(2)).map(|found| found.cosigned), Ok(2));
    for other in [checkpoint(6, 5), checkpoint(5, 6)] {
        assert_eq!(cosigned.dress(other.to_bytes()), other.to_bytes());
    }
    assert_eq!(cosigned.dress(b"nonsense".to_vec()), b"nonsense");
    // By another key, and of another checkpoint.
    assert!(!cosigned.add(&note, &one_key, cosign(&note, &two, 7)));
    assert!(!cosigned.add(&note, &one_key, cosign(&checkpoint(6, 6), &one, 7)));
}

#[test]
fn the_best_has_the_quorum_and_outlives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("relay");
    let cosigned = open(&folder);
    let ((one, one_key), (two, two_key)) = (witness(2), witness(3));
    assert_eq!(cosigned.best(&statement(0)), None);
    let notes = [checkpoint(5, 5), checkpoint(6, 6)];
    for note in &notes {
        cosigned.add(note, &one_key, cosign(note, &one, 7));
    }
    assert_eq!([0, 1, 2].map(|quorum| cosigned.best(&statement(quorum))), [Some(6), Some(6), None]);
    cosigned.add(&notes[0], &two_key, cosign(&notes[0], &two, 7));
    assert_eq!([0, 1, 2].map(|quorum| cosigned.best(&statement(quorum))), [Some(6), Some(6), Some(5)]);
    cosigned.keep(&statement(2)).unwrap();
    drop(cosigned);
    assert_eq!(open(&folder).best(&statement(2)), Some(5));
    let other = SigningKey::new("log", [9; 32]);
    let home = Arc::new(Home::open(&folder, true).unwrap());
    assert_eq!(Cosigned::open(home, other.verifier().clone()).unwrap().best(&statement(0)), None);
}

#[test]
fn what_is_kept_is_bounded_and_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let cosigned = open(&folder.path().join("relay"));
    let (key, vkey) = witness(2);
    for size in 1..=KEPT as u64 + 1 {
        let note = checkpoint(size, size as u8);
        assert!(cosigned.add(&note, &vkey, cosign(&note, &key, 7)));
        assert_eq!(cosigned.notes().len(), KEPT.min(size as usize));
    }
    assert_eq!(cosigned.notes().keys().next(), Some(&2));
}

#[tokio::test]
async fn who_waits_for_witnesses_is_told_when_they_were_asked() {
    let folder = tempfile::tempdir().unwrap();
    let cosigned = Arc::new(open(&folder.path().join("relay")));
    cosigned.settled(3);
    cosigned.settle(3).await;
    let waiting = tokio::spawn({
        let cosigned = cosigned.clone();
        async move { cosigned.settle(5).await }
    });
    cosigned.settled(4);
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    cosigned.settled(6);
    waiting.await.unwrap();
}
