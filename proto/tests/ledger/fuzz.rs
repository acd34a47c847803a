//! Decoders of proofs take anything and never panic. Bolero targets: property tests here, fuzzers with an engine.
//!
//! The committed corpora hold one good sample each and what once went wrong. `old_samples_are_still_good` fails when a
//! format changes: records must be readable in twenty years.

use std::sync::LazyLock;

use bolero::check;
use venia_proto::ledger::bundle::Bundle;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::note::Note;
use venia_proto::ledger::pin::Pin;
use venia_proto::ledger::proof::Proof;
use venia_proto::ledger::verify::{Finding, Roots, verify};

use super::support::*;

static WORLD: LazyLock<World> = LazyLock::new(World::session);
static BUNDLE: LazyLock<Bundle> = LazyLock::new(|| WORLD.bundle());
static ZIP: LazyLock<Vec<u8>> = LazyLock::new(|| WORLD.zip());

#[test]
fn checkpoint() {
    check!().for_each(|bytes: &[u8]| {
        let log = WORLD.log.key.verifier();
        let Ok(checkpoint) = Checkpoint::open(bytes, log) else { return };
        assert!(Note::parse(bytes).unwrap().text().starts_with(&checkpoint.text()));
        if let Ok(mut pin) = Pin::new(&BUNDLE.first_checkpoint, log) {
            let _ = pin.advance(bytes, log, None);
        }
    });
}

#[test]
fn proof() {
    check!().for_each(|bytes: &[u8]| {
        if let Ok(proof) = Proof::parse(bytes) {
            assert_eq!(proof.to_bytes(), bytes);
            let _ = proof.verify(WORLD.leaf(0), WORLD.log.key.verifier());
        }
    });
}

#[test]
fn zip_file() {
    check!().for_each(|bytes: &[u8]| {
        if let Ok(bundle) = Bundle::from_zip(bytes) {
            assert_eq!(Bundle::from_zip(&bundle.to_zip().unwrap()), Ok(bundle));
        }
    });
}

#[test]
fn verdict() {
    check!().for_each(|bytes: &[u8]| {
        let verdict = verify(bytes, Roots::default());
        assert_ne!(verdict.verdict, Finding::Intact, "nobody handed in a root");
    });
}

/// Damage deeper than random bytes get: a whole bundle with a few bytes of its files changed, packed properly again.
#[test]
fn damaged_files() {
    check!().with_type::<(u8, Vec<(u16, u8)>)>().cloned().for_each(|(which, changes)| {
        let mut bundle = BUNDLE.clone();
        let entry = usize::from(which >> 3) % bundle.entries.len();
        let file = match which & 7 {
            0 => &mut bundle.statement,
            1 => &mut bundle.participants,
            2 => &mut bundle.first_checkpoint,
            3 => &mut bundle.consistency,
            4 => &mut bundle.batches.get_mut(&ANA).unwrap().proof,
            5 => &mut bundle.entries[entry].event,
            6 => bundle.entries[entry].proof.as_mut().unwrap(),
            _ => bundle.openings.values_mut().next().unwrap(),
        };
        for (at, byte) in changes {
            let length = file.len();
            file[usize::from(at) % length] = byte;
        }
        let verdict = WORLD.judge(&bundle);
        assert_eq!(verdict.verdict == Finding::Intact, bundle == *BUNDLE, "{verdict:?}");
    });
}

/// The same, below the zip's own surface.
#[test]
fn damaged_zip_files() {
    check!().with_type::<(Vec<(u16, u8)>, u16)>().cloned().for_each(|(changes, cut)| {
        let mut zip = ZIP.clone();
        for (at, byte) in changes {
            let at = usize::from(at) * zip.len() / 65_536;
            zip[at] = byte;
        }
        let _ = Bundle::from_zip(&zip);
        zip.truncate(usize::from(cut) * zip.len() / 65_536);
        assert!(Bundle::from_zip(&zip).is_err());
    });
}

#[test]
fn old_samples_are_still_good() {
    let log = WORLD.log.key.verifier();
    assert!(Checkpoint::open(include_bytes!("__fuzz__/fuzz__checkpoint/corpus/good"), log).is_ok());
    assert!(Proof::parse(include_bytes!("__fuzz__/fuzz__proof/corpus/good")).is_ok());
    let zip = include_bytes!("__fuzz__/fuzz__verdict/corpus/good");
    assert_eq!(zip, include_bytes!("__fuzz__/fuzz__zip_file/corpus/good"));
    let verdict = verify(zip, Roots { named: Some(WORLD.fingerprint()), known: &[] });
    intact(&verdict);
    assert!(verdict.withheld > 0);
}
