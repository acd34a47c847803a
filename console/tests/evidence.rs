//! Evidence that a log tells two histories, kept as it was written once, and what `venia verify` says of it: offline, in
//! plain words, in both languages. `VENIA_GOLDEN=write` writes the file anew.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use venia_proto::foreign::Foreign;
use venia_proto::key::{KeyName, SigningKey};
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::evidence::File;
use venia_proto::ledger::pin::{Pin, PinError};
use venia_proto::now::Wall;
use venia_proto::statement::{Relay, Statement};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/fork.evidence")
}

fn statement() -> (Statement, SigningKey, SigningKey) {
    let root = SigningKey::new("root", [1; 32]);
    let log = SigningKey::new("log", [2; 32]).named(KeyName::new("relay.example/log").unwrap());
    let relay = Relay {
        name: Foreign::new("relay"),
        address: "relay.example:4433".parse().unwrap(),
        tls: *SigningKey::new("tls", [3; 32]).public(),
        log: log.verifier().clone(),
    };
    let statement = Statement {
        root: root.verifier().clone(),
        organisation: Foreign::new("Taller Norte"),
        serial: 1,
        not_after: Wall::from_ms(1_795_514_402_000),
        relays: vec![relay],
        authority: SigningKey::new("authority", [4; 32]).verifier().clone(),
        auditors: Vec::new(),
        witnesses: Vec::new(),
        quorum: 0,
        packs: Vec::new(),
        keep_days: 30,
    };
    (statement, root, log)
}

/// What a side writes that was shown another tree of the size it holds.
fn written() -> Vec<u8> {
    let (statement, root, log) = statement();
    let checkpoint = |root| Checkpoint::of(log.verifier(), 1_003, [root; 32]).sign(&log);
    let mut held = Pin::new(&checkpoint(1), log.verifier()).unwrap();
    let Err(PinError::Evidence(found)) = held.advance(&checkpoint(2), log.verifier(), None) else { panic!("no fork") };
    File::of_log(statement.sign(&root), &found).to_bytes()
}

fn verify(file: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    let empty = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_venia"));
    command.arg("verify").arg(file).args(more).env_clear().env("LC_ALL", "C").env("HOME", empty.path());
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn f4_a_fork_is_told_offline_in_plain_words() {
    if std::env::var_os("VENIA_GOLDEN").is_some_and(|what| what == "write") {
        std::fs::create_dir_all(golden().parent().unwrap()).unwrap();
        std::fs::write(golden(), written()).unwrap();
    }
    assert_eq!(std::fs::read(golden()).unwrap(), written(), "the format is frozen");
    let root = statement().0.fingerprint().to_string();
    let en = "EVIDENCE: the log relay.example/log contradicts itself: it signed two different trees of 1003 entries.\n";
    let es = "PRUEBA: el registro relay.example/log se contradice: firmó dos árboles distintos de 1003 entradas.\n";
    let (code, out, err) = verify(&golden(), &["--root", &root]);
    assert_eq!((code, out.as_str(), err.as_str()), (Some(0), en, ""));
    let (code, out, _) = verify(&golden(), &["--root", &root, "--lang", "es"]);
    assert_eq!((code, out.as_str()), (Some(0), es));
    // Without a root of the reader's own the keys come from the file: nobody must believe it.
    let (code, out, err) = verify(&golden(), &[]);
    assert_eq!((code, out.as_str()), (Some(2), en));
    assert!(err.contains("--root"), "{err}");
    let (code, out, _) = verify(&golden(), &["--root", &root, "--json"]);
    let told: Value = serde_json::from_str(&out).unwrap();
    let expected = serde_json::json!({
        "verdict": "evidence", "fault": "fork", "who": "relay.example/log", "rooted": true, "proves": true,
        "why": "two different trees of 1003 entries",
    });
    assert_eq!((code, told), (Some(0), expected));
}

#[test]
fn f4_a_flipped_byte_is_no_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("evidence");
    let root = statement().0.fingerprint().to_string();
    let good = written();
    for at in (30..good.len()).step_by(97) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&file, &bad).unwrap();
        let (code, out, err) = verify(&file, &["--root", &root]);
        assert_eq!(code, Some(1), "{at}: {out}{err}");
    }
}
