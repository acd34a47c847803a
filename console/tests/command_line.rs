//! The shipped program's command line: what is wrong use, what the exit codes mean, what scripts read.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use venia_proto::catalog::Catalog;
use venia_proto::fingerprint::Fingerprint;
use venia_relay::client::receipt::assemble;
use venia_ui::receipt;

/// Runs `venia` with its data in `data`.
fn venia(data: &Path, args: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_venia"));
    command.args(args).arg("--data").arg(data).env("LANG", "C").env_remove("LC_ALL").env_remove("VENIA_LOG");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that doesn't read its input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn wrong_use_is_2_and_makes_no_data() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("none");
    let long = "x".repeat(201);
    for args in [
        &["join"][..],
        &["join", "417-lobo-cobre"],
        &["join", "417-lobo-cobre", "--reason", ""],
        &["join", "417-lobo-cobre", "--reason", &long],
        &["join", "417-lobo-cobre", "--reason", "see https://evil.example"],
        &["join", "417-lobo-cobre", "--reason", "x", "--ask", "everything"],
        &["join", "417-lobo-cobre", "--reason", "x", "--run", "system.overview"],
        &["join", "417-lobo-cobre", "--reason", "x", "--run", "system.overview", "--outcome", "done"],
        &["join", "417-lobo-cobre", "--reason", "x", "--run", "system.overview", "--next", "none"],
        &["join", "417-lobo-cobre", "--reason", "x", "--outcome", "done"],
        &["join", "417-lobo-cobre", "--reason", "x", "--run", "no.such", "--outcome", "a", "--next", "b"],
        &["join", "417-lobo-cobre", "--reason", "x", "--run", "system.overview:a=1", "--outcome", "a", "--next", "b"],
        &["join", "417-lobo-cobre", "--reason", "x", "--run", "system.overview:a", "--outcome", "a", "--next", "b"],
        &["join", "417-lobo-cobre", "--reason", "x", "--run", "system.overview:a=%zz", "--outcome", "a", "--next", "b"],
        &["join", "417-lobo", "--reason", "x"],
        &["join", "0417-lobo-cobre", "--reason", "x"],
        &["join", "-", "--reason", "x"],
        &["enroll"],
        &["enroll", "venia-invite-abc"],
        &["enroll", "-"],
        &["checks", "--area", "everything"],
        &["verify"],
        &["verify", "x.zip", "--root", "abc"],
        &["report"],
        &["report", "x.zip"],
        &["report", "x.zip", "--out", "x.html", "--root", "abc"],
        &["report", "no-such.zip", "--out", "x.html"],
        &["watch"],
    ] {
        let output = venia(&data, args, "");
        assert_eq!(code(&output), 2, "{args:?} {}", text(&output.stderr));
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{args:?}");
        assert!(!data.exists(), "{args:?}");
    }
}

#[test]
fn not_enrolled_is_1_with_an_error_event() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("none");
    let args = ["join", "417-lobo-cobre", "--reason", "x", "--json"];
    for (args, input) in [(&args[..], ""), (&["join", "-", "--reason", "x", "--json"][..], "417-lobo-cobre\n")] {
        let output = venia(&data, args, input);
        assert_eq!(code(&output), 1, "{}", text(&output.stderr));
        let line: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&line["event"], &line["kind"]), (&"error".into(), &"revoked".into()));
        assert!(line["message"].is_string() && line["hint"].is_string());
        assert!(!text(&output.stdout).contains("lobo") && !text(&output.stderr).contains("lobo"));
    }
}

#[test]
fn checks_are_one_array_without_any_state() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("none");
    for args in [&["checks"][..], &["checks", "--json"], &["--json", "--lang", "es", "checks"]] {
        let output = venia(&data, args, "");
        assert_eq!(code(&output), 0);
        assert_eq!(text(&output.stdout).lines().count(), 1);
        let checks: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        assert!(!checks.is_empty());
        for check in &checks {
            let mut keys: Vec<_> = check.as_object().unwrap().keys().map(String::as_str).collect();
            keys.sort_unstable();
            assert_eq!(keys, ["area", "discloses", "effect", "id", "level", "parameters", "title"]);
            assert!(["hardware", "system", "network", "security", "tasks"].contains(&check["area"].as_str().unwrap()));
            assert!(["reads", "changes"].contains(&check["effect"].as_str().unwrap()));
            assert!((1..=5).contains(&check["level"].as_u64().unwrap()));
            for text in [&check["title"], &check["discloses"]] {
                assert!(text["en"].is_string() && text["es"].is_string());
            }
            assert!(check["parameters"].is_array());
        }
        assert!(!data.exists());
    }
    let system = venia(&data, &["checks", "--area", "system"], "");
    let system: Vec<Value> = serde_json::from_slice(&system.stdout).unwrap();
    assert!(!system.is_empty() && system.iter().all(|check| check["area"] == "system"));
}

#[test]
fn f1_verify_has_four_verdicts_and_three_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("none");
    let session = support::session(2);
    let root = Fingerprint::of(session.root.verifier()).to_string();
    let zip = assemble(&session.held, Some(&session.proofs)).unwrap().to_zip().unwrap();
    let open = assemble(&session.held, None).unwrap().to_zip().unwrap();
    let mut changed = zip.clone();
    let at = changed.windows(7).position(|bytes| bytes == b"request");
    if let Some(at) = at {
        changed[at] ^= 1;
    } else {
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
    }
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (good, unclosed, broken) = (file("good.zip", &zip), file("open.zip", &open), file("broken.zip", &changed));
    let nothing = file("nothing.zip", b"not a bundle");
    let address = format!("venia://relay.example:4433#{root}");
    let other = Fingerprint([7; 32]).to_string();
    for (args, verdict, exit) in [
        (vec![good.as_str(), "--root", &root], "intact", 0),
        (vec![good.as_str(), "--root", &address], "intact", 0),
        (vec![good.as_str()], "self-consistent", 2),
        (vec![good.as_str(), "--root", &other], "broken", 1),
        (vec![unclosed.as_str(), "--root", &root], "unclosed", 2),
        (vec![broken.as_str(), "--root", &root], "broken", 1),
        (vec![nothing.as_str()], "broken", 1),
    ] {
        let line: Vec<&str> = std::iter::once("verify").chain(args.iter().copied()).chain(["--json"]).collect();
        let output = venia(&data, &line, "");
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((found["verdict"].as_str(), code(&output)), (Some(verdict), exit), "{args:?} {found}");
        let mut keys: Vec<_> = found.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        let told = "at code entries from levels_unchecked receipt recorded session signed_by to verdict why withheld witnessed";
        assert_eq!(keys.join(" "), told);
    }
    let missing = venia(&data, &["verify", "no-such.zip", "--root", &root], "");
    assert_eq!((code(&missing), missing.stdout.is_empty()), (2, true));
    assert!(!data.exists());

    let said = |args: &[&str]| text(&venia(&data, args, "").stdout);
    let intact = said(&["verify", &good, "--root", &root]);
    assert!(intact.starts_with("INTACT: 9 entries, signed by ") && intact.contains("Ana"), "{intact}");
    assert_eq!(intact.lines().count(), 1);
    assert!(said(&["verify", &good, "--root", &root, "--lang", "es"]).starts_with("INTACTO: 9 entradas"));
    assert!(said(&["verify", &good]).starts_with("SELF-CONSISTENT: "));
    assert!(said(&["verify", &unclosed, "--root", &root]).starts_with("UNCLOSED: "));
    assert!(said(&["verify", &broken, "--root", &root]).starts_with("BROKEN"));
}

/// `receipt.html` is rendered again: the same, changed by somebody, by another version, absent. (LEDGER.md section 6)
#[test]
fn a_changed_receipt_is_broken_and_one_of_another_version_is_not_checked() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("none");
    let session = support::session(2);
    let root = Fingerprint::of(session.root.verifier()).to_string();
    let mut bundle = assemble(&session.held, Some(&session.proofs)).unwrap();
    let page = text(&receipt::of_bundle(&bundle, &Catalog::built_in()).unwrap());
    assert!(page.contains(receipt::GENERATOR) && page.contains("Ana"), "{page}");
    let file = folder.path().join("one.zip");
    for (receipt, verdict, exit, found, why) in [
        (Some(page.clone()), "intact", 0, "matches", ""),
        (Some(page.replace("allowed", "refused")), "broken", 1, "differs", "changed"),
        (Some(format!("{page} ")), "broken", 1, "differs", "changed"),
        (Some(page.replace("receipt 1", "receipt 2")), "intact", 0, "not checked", "receipt.html not checked"),
        (Some("<p>".to_owned()), "intact", 0, "not checked", "receipt.html not checked"),
        (None, "intact", 0, "not checked", "receipt.html not checked"),
    ] {
        bundle.receipt = receipt.map(String::into_bytes);
        std::fs::write(&file, bundle.to_zip().unwrap()).unwrap();
        let output = venia(&data, &["verify", file.to_str().unwrap(), "--root", &root, "--json"], "");
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((told["verdict"].as_str(), code(&output)), (Some(verdict), exit), "{told}");
        assert_eq!(told["receipt"], found, "{told}");
        let said = told["why"].as_str().unwrap();
        assert!(said.contains(why) && said.is_empty() == why.is_empty(), "{told}");
        assert_eq!(told["at"] == "receipt.html", exit == 1, "{told}");
    }
}

#[test]
fn a_report_is_written_once_says_its_standing_and_is_refused_for_a_broken_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("none");
    let session = support::session(2);
    let root = Fingerprint::of(session.root.verifier()).to_string();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let zip = assemble(&session.held, Some(&session.proofs)).unwrap().to_zip().unwrap();
    let (good, open, broken) = (path("good.zip"), path("open.zip"), path("broken.zip"));
    std::fs::write(&good, &zip).unwrap();
    std::fs::write(&open, assemble(&session.held, None).unwrap().to_zip().unwrap()).unwrap();
    std::fs::write(&broken, &zip[..zip.len() / 2]).unwrap();
    let page = path("page.html");
    let written = venia(&data, &["report", &good, "--out", &page, "--root", &root, "--json", "--lang", "es"], "");
    assert_eq!(code(&written), 0, "{}", text(&written.stderr));
    let told: Value = serde_json::from_slice(&written.stdout).unwrap();
    assert_eq!((&told["report"], &told["verdict"]), (&page.as_str().into(), &"intact".into()), "{told}");
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.contains("<html lang=\"es\">") && html.contains(told["code"].as_str().unwrap()), "{html}");
    assert!(!html.contains("class=\"banner\""));
    let again = venia(&data, &["report", &good, "--out", &page, "--root", &root], "");
    assert_eq!((code(&again), std::fs::read_to_string(&page).unwrap()), (1, html), "never over another file");

    for (bundle, root, banner) in [(&good, None, "Not verified:"), (&open, Some(&root), "Not complete:")] {
        let page = path(&format!("{banner}.html"));
        let mut args = vec!["report", bundle.as_str(), "--out", &page];
        args.extend(root.iter().flat_map(|root| ["--root", root.as_str()]));
        assert_eq!(code(&venia(&data, &args, "")), 0);
        let html = std::fs::read_to_string(&page).unwrap();
        assert!(html.contains("class=\"banner\"") && html.contains(banner), "{banner}");
    }
    let none = path("none.html");
    let refused = venia(&data, &["report", &broken, "--out", &none], "");
    assert_eq!((code(&refused), std::path::Path::new(&none).exists()), (1, false));
    assert!(text(&refused.stderr).contains("broken record"), "{}", text(&refused.stderr));
    assert!(!data.exists());
}

#[test]
fn f1_a_root_pinned_in_data_counts() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let session = support::session(2);
    let zip = assemble(&session.held, Some(&session.proofs)).unwrap().to_zip().unwrap();
    let file = folder.path().join("good.zip");
    std::fs::write(&file, zip).unwrap();
    let home = venia_relay::client::home::Home::open(&data, false).unwrap();
    home.write("roots", format!("{}\n", Fingerprint::of(session.root.verifier())).as_bytes()).unwrap();
    let args = ["verify", file.to_str().unwrap(), "--json"];
    assert_eq!(code(&venia(&data, &args, "")), 0);
    // A pin others could have changed is none: it can't be told.
    std::fs::set_permissions(data.join("roots"), std::fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(code(&venia(&data, &args, "")), 2);
}
