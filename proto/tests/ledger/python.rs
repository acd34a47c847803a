//! The short verifier of docs/, which shares no code with ours, says the same of good and of damaged bundles.

#![expect(clippy::disallowed_methods, reason = "the other verifier reads a file")]

use std::path::Path;
use std::process::Command;

use venia_proto::key::SigningKey;
use venia_proto::ledger::bundle::Bundle;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::cosignature::cosign;
use venia_proto::ledger::note::{Note, Signature};
use venia_proto::ledger::verify::{Finding, Roots, verify};

use super::forgeries::with_common;
use super::outside::Folder;
use super::support::*;

/// Runs it; gives its exit code and what it said. Fails if python3 or openssl is missing.
fn python(folder: &Path, zip: &[u8], root: Option<&str>) -> (Option<i32>, String) {
    let file = folder.join("bundle.zip");
    std::fs::write(&file, zip).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/verify.py");
    let run = Command::new("python3").arg(script).arg(&file).args(root).output().expect("python3 must be installed");
    let said = [run.stdout, run.stderr].concat();
    (run.status.code(), String::from_utf8_lossy(&said).into_owned())
}

/// One way to spoil a bundle.
type Damage = fn(&World, &mut Bundle);

#[test]
fn openssl_verifies_ed25519() {
    let version = Command::new("openssl").arg("version").output().expect("openssl must be installed");
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    assert!(version.starts_with("OpenSSL 3"), "docs/verify.py needs pkeyutl -rawin: {version}");
}

#[test]
fn good_bundles() {
    let folder = Folder::new("python-good");
    let world = World::session();
    let root = world.fingerprint().to_string();
    let (code, said) = python(&folder.0, &world.zip(), Some(&root));
    assert_eq!((code, said.trim()), (Some(0), "intact"));
    let (code, said) = python(&folder.0, &world.zip(), None);
    assert_eq!((code, said.trim()), (Some(2), "self-consistent"));
    // Withheld words, no addenda, another size of tree.
    let mut world = World::begun();
    world.work();
    world.end();
    world.log.commit(&[b"somebody else's", b"events"], world.now);
    let withheld = Bundle { openings: Default::default(), ..world.bundle() };
    let (code, said) = python(&folder.0, &withheld.to_zip().unwrap(), Some(&root));
    assert_eq!((code, said.trim()), (Some(0), "intact"));
    let mut unclosed = world.bundle();
    unclosed.entries.truncate(4);
    unclosed.openings.clear();
    let (code, said) = python(&folder.0, &unclosed.to_zip().unwrap(), Some(&root));
    assert_eq!((code, said.trim()), (Some(2), "unclosed"));
}

#[test]
fn witnessed_bundles() {
    let folder = Folder::new("python-witnessed");
    let mut world = World::session();
    world.quorum = 1;
    let root = world.fingerprint().to_string();
    let same = |bundle: &Bundle, expected: Option<i32>, says: &str| {
        let zip = bundle.to_zip().unwrap();
        let (code, said) = python(&folder.0, &zip, Some(&root));
        assert_eq!(code, expected, "{said}");
        assert!(said.contains(says), "{said}");
        let ours = verify(&zip, Roots { named: Some(world.fingerprint()), known: &[] });
        assert_eq!(Some(i32::from(ours.verdict.exit_code())), expected, "{ours:?}");
    };
    same(&world.bundle(), Some(0), "intact");
    let bare = Note::parse(&world.log.checkpoint().sign(&world.log.key)).unwrap();
    let mut bundle = world.bundle();
    with_common(&mut bundle, &bare);
    same(&bundle, Some(1), "a required witness is missing");
    // Honest: it doesn't claim to be whole.
    bundle.entries.iter_mut().skip(1).for_each(|entry| entry.proof = None);
    bundle.batches.clear();
    same(&bundle, Some(2), "unclosed");
    // At another time, by a foreign key, of another checkpoint.
    let good = cosign(&bare, &world.witness, 1_795_514_402);
    let mut later = good.clone();
    later.bytes[7] ^= 1;
    let imposter = SigningKey::new("witness", [99; 32]).named(world.witness.verifier().name.clone());
    let forged = Signature { id: good.id, ..cosign(&bare, &imposter, 7) };
    let stranger = cosign(&bare, &imposter, 7);
    for (line, says) in [(later, "witness"), (forged, "witness"), (stranger, "witness is missing")] {
        let (mut bundle, mut note) = (world.bundle(), bare.clone());
        note.add_line(line);
        with_common(&mut bundle, &note);
        same(&bundle, Some(1), says);
    }
}

#[test]
fn damaged_bundles() {
    let folder = Folder::new("python-damaged");
    let world = World::session();
    let root = world.fingerprint().to_string();
    let damage: [(&str, Damage); 13] = [
        ("event text", |_, b| flip(&mut b.entries[3].event, 40)),
        ("event signature", |_, b| flip_back(&mut b.entries[3].event, 20)),
        ("statement", |_, b| flip(&mut b.statement, 60)),
        ("member", |_, b| flip(b.members.get_mut(&ANA).unwrap(), 200)),
        ("proof", |_, b| flip(b.entries[2].proof.as_mut().unwrap(), 50)),
        ("batch", |_, b| flip(&mut b.batches.get_mut(&ANA).unwrap().note, 60)),
        ("consistency", |_, b| flip(&mut b.consistency, 5)),
        ("part", |_, b| flip(b.openings.values_mut().next().unwrap(), 7)),
        ("participants", |_, b| b.participants.extend_from_slice(b"observer-1 x\n")),
        ("dropped", |_, b| drop(b.entries.remove(5))),
        ("swapped", |_, b| b.entries.swap(4, 5)),
        ("first checkpoint", |world, b| {
            let first = Checkpoint::open(&b.first_checkpoint, world.log.key.verifier()).unwrap();
            b.first_checkpoint = Checkpoint { root: [9; 32], ..first }.sign(&world.log.key);
        }),
        ("root", |world, b| {
            let forger = SigningKey::new("root", [66; 32]);
            let statement = venia_proto::statement::Statement { root: forger.verifier().clone(), ..world.statement() };
            b.statement = statement.sign(&forger);
        }),
    ];
    for (what, damage) in damage {
        let mut bundle = world.bundle();
        damage(&world, &mut bundle);
        let zip = bundle.to_zip().unwrap();
        let ours = verify(&zip, Roots { named: Some(world.fingerprint()), known: &[] });
        assert_eq!(ours.verdict, Finding::Broken, "{what}: {ours:?}");
        let (code, said) = python(&folder.0, &zip, Some(&root));
        assert_eq!(code, Some(1), "{what}: {said}");
        assert!(said.starts_with("broken: "), "{what}: {said}");
    }
}

/// What people do with zip files: the three ways Python's own library copies one.
const REPACK: &str = "
import sys, zipfile
way, old, new = sys.argv[1:]
with zipfile.ZipFile(old) as source, zipfile.ZipFile(new, 'w', zipfile.ZIP_DEFLATED) as target:
    for info in source.infolist():
        data = source.read(info)
        if way == 'info': target.writestr(info, data)
        elif way == 'squeezed': target.writestr(info, data, zipfile.ZIP_DEFLATED)
        elif way == 'name': target.writestr(info.filename, data)
        elif way == 'fresh': target.writestr(zipfile.ZipInfo(info.filename), data)
        elif way == 'stream':
            with target.open(info.filename, 'w') as out: out.write(data)
        elif way == 'comment': target.writestr(info, data); target.comment = b'hello'
        elif way == 'twice': target.writestr(info, data); target.writestr(info.filename, data)
        elif way == 'folder': target.writestr('session/' + info.filename, data)
";

#[test]
fn bundles_copied_by_pythons_zipfile() {
    let folder = Folder::new("python-repack");
    let world = World::session();
    let (old, new) = (folder.0.join("old.zip"), folder.0.join("new.zip"));
    std::fs::write(&old, world.zip()).unwrap();
    let ways = ["info", "squeezed", "name", "fresh", "stream", "comment", "twice", "folder"];
    for (n, way) in ways.into_iter().enumerate() {
        let arguments = ["-W", "ignore", "-c", REPACK, way];
        let run =
            Command::new("python3").args(arguments).args([&old, &new]).status().expect("python3 must be installed");
        assert!(run.success(), "{way}");
        let verdict = world.judge_zip(&std::fs::read(&new).unwrap());
        let expected = if n < 5 { Finding::Intact } else { Finding::Broken };
        assert_eq!(verdict.verdict, expected, "{way}: {verdict:?}");
    }
}

fn flip(bytes: &mut [u8], at: usize) {
    bytes[at] ^= 1;
}

fn flip_back(bytes: &mut [u8], from_end: usize) {
    bytes[bytes.len() - from_end] ^= 1;
}

/// A whole bundle as a file, for whoever builds another verifier; docs/ledger.md says what to expect of it.
#[test]
fn the_bundle_of_the_documents() {
    let world = World::sealed();
    let bundle = Bundle { receipt: None, readme: None, ..world.bundle() }.to_zip().unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = here.join("tests/golden/session.zip");
    if std::env::var_os("VENIA_BLESS").is_some() {
        std::fs::write(&file, &bundle).unwrap();
    }
    assert!(std::fs::read(&file).unwrap() == bundle, "the format is frozen");
    let root = world.fingerprint().to_string();
    let verdict = world.judge_zip(&bundle);
    intact(&verdict);
    let said = super::outside::say("python-golden", &root, [bundle.as_slice()]);
    assert_eq!(said, ["intact"]);
    let document = std::fs::read_to_string(here.join("../docs/ledger.md")).unwrap();
    for told in [root, verdict.code.unwrap(), verdict.session.unwrap(), format!("{} entries", verdict.entries)] {
        assert!(document.contains(&told), "docs/ledger.md doesn't say {told}");
    }
}
