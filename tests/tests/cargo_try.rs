//! `cargo try`, run as people and scripts run it: one line, a bundle that verifies, and no secret in any log.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use venia_proto::encoding::to_base32;
use venia_tests::harness::console::files_with;
use venia_tests::harness::process::Process;
use venia_tests::harness::world::World;
use venia_tests::programs;

fn guided(folder: &Path, logs: &Path) -> (i32, Vec<String>, String) {
    let mut command = Command::new(programs!());
    command.args(["--yes", "--json", "--lang", "en", "--keep"]).arg(folder).env_remove("VENIA_LOG");
    let mut process = Process::start("try", command, logs);
    process.hang_up();
    (process.exit(), process.printed().to_vec(), process.errors())
}

/// Verified by the root that the person's folder has pinned.
fn verify(bundle: &str, kept: &Path, logs: &Path) -> Value {
    let mut command = Command::new(programs!());
    command.args(["console", "verify", bundle, "--json", "--data"]).arg(kept.join("agent"));
    let mut process = Process::start("verify", command, logs);
    assert_eq!(process.exit(), 0, "{}", process.errors());
    serde_json::from_str(&process.printed().concat()).unwrap()
}

#[test]
fn a_first_session_ends_intact_in_one_line() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("kept");
    let (exit, lines, errors) = guided(&folder, temporary.path());
    assert_eq!(exit, 0, "{errors}");
    assert_eq!(lines.len(), 1, "{lines:?}");
    let said: Value = serde_json::from_str(&lines[0]).unwrap();
    let mut keys: Vec<_> = said.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["bundle", "checks", "milliseconds", "refused", "root", "session", "verdict"]);
    assert_eq!((&said["verdict"], &said["refused"]), (&"intact".into(), &0.into()), "{said}");
    assert!(said["checks"].as_u64().unwrap() >= 12, "{said}");
    for part in ["pair", "consent_to_first_result", "total"] {
        assert!(said["milliseconds"][part].is_u64(), "{said}");
    }
    assert!(!errors.contains("ERROR") && !errors.contains("WARN"), "{errors}");

    let bundle = said["bundle"].as_str().unwrap();
    assert!(Path::new(bundle).is_absolute());
    let pinned = std::fs::read_to_string(folder.join("agent/roots")).unwrap();
    assert_eq!(said["root"].as_str(), Some(pinned.trim_end()), "the root a verifier is told to trust");
    let technicians = files_with(&folder.join("console"), b"PK\x05\x06");
    assert_eq!(technicians.len(), 1, "{technicians:?}");
    for bundle in [bundle, technicians[0].to_str().unwrap()] {
        let verdict = verify(bundle, &folder, temporary.path());
        assert_eq!((&verdict["verdict"], &verdict["session"]), (&"intact".into(), &said["session"]), "{verdict}");
    }

    let (exit, lines, errors) = guided(&folder, temporary.path());
    let said: Value = serde_json::from_str(&lines.concat()).unwrap();
    assert_eq!((exit, &said["error"]["kind"]), (2, &"usage".into()), "a folder that isn't empty is refused: {errors}");
}

#[test]
fn without_a_terminal_nobody_can_answer() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = Command::new(programs!());
    command.args(["--json", "--lang", "en"]).env_remove("VENIA_LOG");
    let mut process = Process::start("try", command, temporary.path());
    process.hang_up();
    assert_eq!(process.exit(), 2, "{}", process.errors());
    let said: Value = serde_json::from_str(&process.printed().concat()).unwrap();
    assert_eq!(said["error"]["kind"], "no-terminal", "{said}");
    assert!(said["error"]["hint"].as_str().unwrap().contains("--yes"), "{said}");
}

#[test]
fn h3_no_log_holds_the_code_the_invite_or_a_result() {
    let mut world = World::logging(programs!(), "trace");
    let planted = "plantedvaluexyzzy";
    let invite = world.invite_word("Ana", 3);
    let ana = world.somebody("ana");
    assert_eq!(ana.enroll(&invite).0, 0);
    let mut agent = world.ask("pc");
    let code = agent.code();
    let about = ["--ask", "system", "--run", "system.overview", "--outcome", planted, "--next", "Nothing."];
    let mut console = ana.joining(&code, &about);
    agent.allow();
    let result = console.line("a result", |line| {
        let said: Value = serde_json::from_str(line).ok()?;
        (said["event"] == "result").then_some(said)
    });
    let host = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert!(result["report"].to_string().contains(host.trim()), "the result names this kernel: {result}");
    assert_eq!(console.exit(), 0, "{}", console.errors());
    assert_eq!(agent.end(), 0);
    world.kill_relay();
    let secret = invite.parse::<venia_proto::invite::Invite>().unwrap().secret;
    let secret = to_base32(secret.as_bytes());
    let words: Vec<&str> = code.split('-').skip(1).collect();
    let pair = words.join("-");
    let logs: Vec<_> = std::fs::read_dir(world.folder()).unwrap().flatten().map(|entry| entry.path()).collect();
    let logs: Vec<_> = logs.iter().filter(|path| path.extension().is_some_and(|of| of == "log")).collect();
    assert!(logs.len() >= 5, "{logs:?}");
    let said = |log: &Path| std::fs::read_to_string(log).unwrap();
    assert!(logs.iter().filter(|log| said(log).contains("TRACE")).count() >= 3, "everybody tells everything");
    let session = format!("session{{id={}}}", agent.session());
    for (who, log) in [("agent", agent.process.errors()), ("console", console.errors())] {
        assert!(log.contains(&session), "{who} names its session in what it says of it");
        assert_eq!(log.matches("session{id=").count(), log.matches(&session).count(), "{who}: no other");
    }
    for (what, needle) in [
        ("the code", code.as_str()),
        ("the code's words", &pair),
        ("the invite", &invite),
        ("the invite's secret", &secret),
        ("the technician's words", planted),
        ("a result", host.trim()),
    ] {
        for log in &logs {
            assert!(!said(log).contains(needle), "{what} is in {}", log.display());
        }
    }
}
