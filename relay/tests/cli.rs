//! The shipped program, as an operator's scripts see it (COMMANDS.md): lines, JSON, exit codes, signals.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;
use venia_proto::key::SigningKey;
use venia_proto::statement::WitnessKey;

struct Operator {
    folder: PathBuf,
    _temporary: tempfile::TempDir,
}

/// A running `venia-relay serve`; killed if a test fails.
struct Served {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Operator {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        Self { folder: temporary.path().join("relay"), _temporary: temporary }
    }

    fn program(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_venia-relay"));
        command
            .args(line.split_whitespace())
            .arg("--data")
            .arg(&self.folder)
            .env("LC_ALL", "C")
            .env_remove("VENIA_LOG");
        command
    }

    fn run(&self, line: &str) -> Output {
        self.program(line).output().unwrap()
    }

    /// Stdout of a command that must succeed.
    fn told(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Exit code, stdout and stderr of a command that must not.
    fn refused(&self, line: &str) -> (i32, String, String) {
        let output = self.run(line);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// A folder that was served once.
    fn told_address(&self) {
        let mut served = self.serve("serve --listen 127.0.0.1:0");
        while served.line() != "ready\n" {}
        served.stop(rustix::process::Signal::TERM);
    }

    fn serve(&self, line: &str) -> Served {
        let mut child = self.program(line).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Served { child, lines }
    }
}

impl Served {
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line
    }

    fn stop(mut self, signal: rustix::process::Signal) -> Option<i32> {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Ended already, where the test went well.
        let _ = self.child.kill();
    }
}

fn json(text: &str) -> Value {
    assert_eq!(text.lines().count(), 1, "one object: {text}");
    serde_json::from_str(text).unwrap()
}

#[test]
fn before_the_first_start_there_is_nothing_to_say() {
    let operator = Operator::new();
    for line in ["address", "invite --role technician --name Ana", "members list", "members revoke Ana"] {
        let (code, out, err) = operator.refused(line);
        assert_eq!((code, out.as_str()), (1, ""), "{line}");
        assert!(err.contains("venia-relay serve") && err.contains("Nothing was shared"), "{err}");
    }
    assert!(!operator.folder.exists(), "asking makes nothing");
    let (code, out, _) = operator.refused("address --json");
    assert_eq!((code, json(&out)["error"]["kind"].clone()), (1, Value::from("not-served")));
}

#[test]
fn the_same_answers_with_and_without_a_running_relay() {
    let operator = Operator::new();
    let mut served = operator.serve("serve --listen 127.0.0.1:0 --public help.example:4433");
    let address = served.line();
    assert!(address.starts_with("address: venia://help.example:4433#"), "{address}");
    assert_eq!(served.line(), "ready\n");
    let ask = |name: &str| {
        assert_eq!(operator.told("address"), address);
        let address = json(&operator.told("--json address"));
        assert!(address["address"].as_str().unwrap().starts_with("venia://help.example:4433#"));
        let invite = operator.told(&format!("invite --role technician --name {name} --level 3"));
        assert!(invite.starts_with("invite: venia-invite-") && invite.lines().count() == 1, "{invite}");
        let invite = json(&operator.told(&format!("invite --role auditor --name {name} --json")));
        assert_eq!((&invite["name"], &invite["role"], &invite["level"]), (&name.into(), &"auditor".into(), &1.into()));
        assert!(invite["expires"].as_str().unwrap().ends_with('Z'));
        assert_eq!(json(&operator.told("members list --json")), serde_json::json!({ "members": [] }));
        assert_eq!(operator.told("members list"), "");
        let (code, out, err) = operator.refused("members revoke Nadie --lang es");
        assert_eq!((code, out.as_str()), (1, ""));
        assert!(err.contains("Nadie") && err.contains("Siguiente paso"), "{err}");
    };
    ask("Ana");
    let (code, out, err) = operator.refused("serve --listen 127.0.0.1:0");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("already working"), "{err}");
    assert_eq!(served.stop(rustix::process::Signal::TERM), Some(0));
    ask("Bo");
    // What was chosen once is remembered; what is chosen anew replaces it under the same root.
    let mut served = operator.serve("serve --listen 127.0.0.1:0 --json");
    assert_eq!(json(&served.line())["address"], address.trim_end().trim_start_matches("address: "));
    assert_eq!(json(&served.line())["ready"], true);
    assert_eq!(served.stop(rustix::process::Signal::INT), Some(0));
    let mut served = operator.serve("serve --listen 127.0.0.1:0 --public other.example:1");
    let root = address.trim_end().rsplit_once('#').unwrap().1;
    assert_eq!(served.line(), format!("address: venia://other.example:1#{root}\n"));
    drop(served);
}

#[test]
fn a_killed_relay_leaves_a_folder_that_works() {
    let operator = Operator::new();
    for _ in 0..3 {
        let mut served = operator.serve("serve --listen 127.0.0.1:0");
        assert!(served.line().starts_with("address: "));
        assert_eq!(served.line(), "ready\n");
        operator.told("invite --role technician --name Ana");
        assert_eq!(served.stop(rustix::process::Signal::KILL), None);
        operator.told("members list");
    }
}

#[test]
fn wrong_use_is_two() {
    let operator = Operator::new();
    for line in [
        "",
        "serve --listen nonsense",
        "serve --public nonsense",
        "serve --listen 0.0.0.0:0",
        "invite --name Ana",
        "invite --role boss --name Ana",
        "invite --role technician --name Ana --level 0",
        "invite --role technician --name Ana --level 6",
        "members",
        "members revoke",
    ] {
        assert_eq!(operator.refused(line).0, 2, "{line}");
    }
}

#[test]
fn nothing_in_the_folder_is_for_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let operator = Operator::new();
    let mut served = operator.serve("serve --listen 127.0.0.1:0");
    served.line();
    served.line();
    let mode = |path: &Path| std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&operator.folder), 0o700);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&operator.folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        found.push(path.file_name().expect("a name").to_string_lossy().into_owned());
    }
    for name in ["root.key", "authority.key", "tls.key", "log.key", "statement", "relay.db", "admin.sock", "lock"] {
        assert!(found.iter().any(|found| found == name), "{name}");
    }
    assert_eq!(served.stop(rustix::process::Signal::TERM), Some(0));
}

#[test]
fn evidence_is_listed_and_never_written_over_a_file() {
    let operator = Operator::new();
    let mut served = operator.serve("serve --listen 127.0.0.1:0");
    served.line();
    assert_eq!(served.line(), "ready\n");
    let file = operator.folder.with_file_name("there");
    std::fs::write(&file, "mine").unwrap();
    let ask = || {
        assert_eq!(json(&operator.told("evidence list --json")), serde_json::json!({ "evidence": [] }));
        assert_eq!(operator.told("evidence list"), "");
        let session = "5f".repeat(16);
        let (code, out, err) = operator.refused(&format!("evidence export {session} {} --lang es", file.display()));
        assert_eq!((code, out.as_str()), (1, ""));
        assert!(err.contains(&session) && err.contains("Siguiente paso"), "{err}");
        let (code, out, _) = operator.refused(&format!("evidence export nonsense {} --json", file.display()));
        assert_eq!((code, json(&out)["error"]["kind"].clone()), (2, Value::from("session")));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    };
    ask();
    assert_eq!(served.stop(rustix::process::Signal::TERM), Some(0));
    ask();
}

#[test]
fn witnesses_are_the_operators_choice() {
    let witness = |seed| {
        let key = SigningKey::new("witness", [seed; 32]);
        WitnessKey { name: key.verifier().name.clone(), key: *key.public() }.to_string()
    };
    let (one, two) = (witness(1), witness(2));
    let operator = Operator::new();
    let mut served = operator.serve("serve --listen 127.0.0.1:0");
    served.line();
    served.line();
    let list = || json(&operator.told("witness-key list --json"));
    let kind = |line: &str| {
        let (code, out, _) = operator.refused(&format!("{line} --json"));
        (code, json(&out)["error"]["kind"].as_str().unwrap().to_owned())
    };
    assert_eq!((&list()["witnesses"], &list()["quorum"]), (&serde_json::json!([]), &0.into()));
    assert!(list()["log"].as_str().unwrap().starts_with("log-"), "{}", list());
    assert_eq!(kind("witness-key quorum 1"), (1, "quorum".to_owned()));
    // Port 9 is nobody's: a witness that is away stops nothing.
    let added = json(&operator.told(&format!("witness-key add {one} http://127.0.0.1:9 --json")));
    assert_eq!(added["witnesses"], serde_json::json!([{ "key": one, "at": "http://127.0.0.1:9" }]));
    assert_eq!(added["serial"], 2, "a new statement");
    assert_eq!(json(&operator.told("witness-key quorum 1 --json"))["serial"], 3);
    assert_eq!(kind(&format!("witness-key remove {one}")), (1, "quorum".to_owned()));
    assert_eq!(kind(&format!("witness-key remove {two}")), (1, "no-such-witness".to_owned()));
    assert_eq!(kind("witness-key add nonsense http://127.0.0.1:9"), (2, "witness-key".to_owned()));
    assert_eq!(kind(&format!("witness-key add {two} https://w.example:1")), (2, "witness-place".to_owned()));
    let log = list()["log"].as_str().unwrap().to_owned();
    assert_eq!(kind(&format!("witness-key add {log} http://127.0.0.1:9")), (2, "witness-key".to_owned()));
    let shown = operator.told("witness-key list");
    assert_eq!(shown, format!("log: {log}\nwitness: {one} http://127.0.0.1:9\nquorum: 1\n"));
    // A relay's folder is no witness's.
    assert_eq!(kind(&format!("witness --log {log}")), (2, "folder".to_owned()));
    assert_eq!(operator.refused("witness").0, 2, "nothing to watch");
    assert_eq!(operator.refused("witness --log nonsense").0, 2);
    assert_eq!(served.stop(rustix::process::Signal::TERM), Some(0));
    // The same without a running relay.
    assert_eq!(operator.told("witness-key list"), shown);
    operator.told("witness-key quorum 0");
    let left = json(&operator.told(&format!("witness-key remove {one} --json")));
    assert_eq!((&left["witnesses"], &left["serial"]), (&serde_json::json!([]), &5.into()));
}

#[test]
fn a_setting_that_is_none_is_named_and_nothing_starts() {
    let operator = Operator::new();
    operator.told_address();
    for (text, named) in
        [("[door]\nconections = 7\n", "conections"), ("[flow]\nburst_megabytes = 0\n", "burst_megabytes")]
    {
        std::fs::write(operator.folder.join("relay.toml"), text).unwrap();
        let (exit, printed, said) = operator.refused("serve --listen 127.0.0.1:0");
        assert_eq!((exit, printed.as_str()), (2, ""), "{said}");
        assert!(said.contains("relay.toml") && said.contains(named), "{said}");
    }
}
