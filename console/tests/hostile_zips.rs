//! `venia verify` and `venia report` given zip files made to harm whoever opens them: exit 1 with a word for it, within
//! little memory, and nothing of the file reaches the terminal as anything but text.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

#[path = "../../proto/tests/ledger/crafted.rs"]
mod crafted;

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Address space the program gets, in KiB: a bomb that unpacks, or a claim that is believed, needs more.
const SPACE_KIB: u64 = 256 << 10;
/// For a file of the longest size that is read at all.
const LARGE_KIB: u64 = 1_280 << 10;
/// Longest any of them may keep the program, without optimisation and beside other tests.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs `venia` with so much address space and no more.
fn venia(folder: &Path, space: u64, args: &[&str]) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -v {space}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_venia")]).args(args);
    command.arg("--data").arg(folder.join("none")).env("LANG", "C").env_remove("LC_ALL").env_remove("VENIA_LOG");
    command.current_dir(folder).output().unwrap()
}

fn plain(what: &str, bytes: &[u8]) -> String {
    let text = String::from_utf8(bytes.to_vec()).unwrap_or_else(|_| panic!("{what}: not UTF-8"));
    let bad = text.chars().find(|c| c.is_control() && *c != '\n' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}'));
    assert_eq!(bad, None, "{what}: {text:?}");
    text
}

#[test]
fn hostile_zips_are_refused_within_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("x.zip");
    for (what, bytes) in crafted::hostile() {
        std::fs::write(&zip, bytes).unwrap();
        let began = Instant::now();
        let json = venia(folder.path(), SPACE_KIB, &["verify", "x.zip", "--json"]);
        assert_eq!(json.status.code(), Some(1), "{what}: {json:?}");
        assert!(json.stderr.is_empty(), "{what}: {json:?}");
        let verdict: Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!(verdict["verdict"], "broken", "{what}: {verdict}");
        assert!(!verdict["why"].as_str().unwrap().is_empty(), "{what}: {verdict}");
        assert!(began.elapsed() < PATIENCE, "{what} took {:?}", began.elapsed());
    }
}

#[test]
fn what_a_hostile_zip_says_is_shown_as_text() {
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("x.zip");
    for (what, bytes) in
        crafted::hostile().into_iter().filter(|(what, bytes)| what.contains("called") || bytes.len() < 900)
    {
        std::fs::write(&zip, bytes).unwrap();
        for lang in ["es", "en"] {
            let shown = venia(folder.path(), SPACE_KIB, &["verify", "x.zip", "--lang", lang]);
            let (said, errors) = (plain(&what, &shown.stdout), plain(&what, &shown.stderr));
            assert_eq!(shown.status.code(), Some(1), "{what}: {said} {errors}");
            assert!(said.starts_with(if lang == "es" { "ROTO" } else { "BROKEN" }), "{what}: {said}");
        }
        let report = venia(folder.path(), SPACE_KIB, &["report", "x.zip", "--out", "page.html"]);
        assert_eq!(report.status.code(), Some(1), "{what}: {report:?}");
        assert!(plain(&what, &report.stderr).contains("BROKEN"), "{what}: {report:?}");
        assert!(!folder.path().join("page.html").exists(), "{what}");
    }
}

/// A terabyte without data: as much of it is read as a bundle may have, and one byte more.
#[test]
fn a_file_without_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(folder.path().join("x.zip")).unwrap();
    if file.set_len(1 << 40).is_err() {
        eprintln!("skipped: this file system has no such long files");
        return;
    }
    for args in [&["verify", "x.zip", "--json"][..], &["report", "x.zip", "--out", "page.html", "--json"]] {
        let output = venia(folder.path(), LARGE_KIB, args);
        assert_eq!(output.status.code(), Some(1), "{args:?} {output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("exceeds the limit"), "{args:?} {output:?}");
    }
}
