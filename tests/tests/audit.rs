//! An auditor and a real session: the whole log verified from raw bytes, listed, shown, exported, and nothing of it told
//! to anybody else.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::fs;
use std::path::Path;

use serde_json::Value;
use venia_proto::ledger::merkle::Tree;
use venia_proto::ledger::note;
use venia_tests::harness::console::Technician;
use venia_tests::harness::until;
use venia_tests::harness::world::World;
use venia_tests::programs;

const RUN: [&str; 8] =
    ["--ask", "system", "--run", "system.memory", "--outcome", "Looked at memory.", "--next", "None."];

fn auditor(world: &World) -> Technician<'_> {
    let arguments = ["invite", "--role", "auditor", "--name", "Bo", "--json"];
    let (exit, lines, errors) = world.run("relay", &world.relay_data, arguments, "");
    assert_eq!(exit, 0, "{errors}");
    let invite: Value = serde_json::from_str(&lines.concat()).unwrap();
    let bo = world.somebody("console-Bo");
    assert_eq!(bo.enroll(invite["invite"].as_str().unwrap()).0, 0);
    bo
}

/// `venia audit … --json`: exit code and objects.
fn audit(world: &World, data: &Path, arguments: &[&str]) -> (i32, Vec<Value>, String) {
    let given = ["audit"].iter().chain(arguments).chain(&["--json"]).copied();
    let (exit, lines, errors) = world.run("console", data, given, "");
    (exit, lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect(), errors)
}

fn session(world: &World, ana: &Technician<'_>, pc: &str) {
    let mut agent = world.ask(pc);
    let mut console = ana.joining(&agent.code(), &RUN);
    agent.allow();
    assert_eq!(venia_tests::harness::console::Joined::of(&mut console).exit, 0);
    assert_eq!(agent.end(), 0);
}

#[test]
fn e9_an_auditor_verifies_lists_shows_and_exports_a_real_session() {
    let world = World::start(programs!());
    let (ana, bo) = (world.technician("Ana", 2), auditor(&world));
    session(&world, &ana, "pc");
    let told = |arguments: &[&str]| {
        let (exit, said, errors) = audit(&world, &bo.data, arguments);
        assert_eq!(exit, 0, "{arguments:?} {said:?} {errors}");
        said
    };
    let verified = told(&["verify"]);
    assert_eq!((&verified[0]["verdict"], &verified[0]["sessions"]), (&"intact".into(), &1.into()), "{verified:?}");
    let listed = told(&["list"]);
    assert_eq!((listed.len(), &listed[0]["ended"]), (1, &"done".into()));
    assert!(listed[0]["kinds"]["result"] == 1 && listed[0]["answers"][0]["answer"] == "yes", "{listed:?}");
    assert_eq!(told(&["list", "--kind", "stop"]).len(), 0);
    assert_eq!(told(&["list", "--by", "month"])[0]["sessions"], 1);
    let id = listed[0]["session"].as_str().unwrap();
    let shown = told(&["show", id, "--offline"]);
    let result = shown[0]["events"].as_array().unwrap().iter().find(|event| event["kind"] == "result").unwrap();
    assert_eq!(result["consent"]["answer"], "yes", "consent stands beside action: {result}");

    // A second session: only what is new is read and verified, and it is the same history.
    session(&world, &ana, "pc2");
    let again = told(&["verify", "--since-last"]);
    assert_eq!((&again[0]["verdict"], &again[0]["sessions"]), (&"intact".into(), &1.into()), "{again:?}");
    assert_eq!(told(&["list", "--offline"]).len(), 2);

    let out = world.folder().join("tiles");
    let exported = told(&["export", "--format", "tiles", "--out", out.to_str().unwrap()]);
    let width = exported[0]["entries"].as_u64().unwrap();
    let bundle = fs::read(out.join(format!("tile/entries/000.p/{width}"))).unwrap();
    let (mut tree, mut rest) = (Tree::new(), bundle.as_slice());
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (entry, after) = after.split_at(u16::from_be_bytes(*length).into());
        tree.append(note::leaf(entry), |_, _, _| {});
        rest = after;
    }
    let root = venia_proto::encoding::to_base64(&tree.root());
    assert!(fs::read_to_string(out.join("checkpoint")).unwrap().contains(&format!("\n{width}\n{root}\n")));
    assert_eq!(fs::read(out.join(format!("tile/0/000.p/{width}"))).unwrap().len() as u64, width * 32);
    for (format, file) in [("jsonl", "events.jsonl"), ("csv", "events.csv"), ("ocsf", "ocsf.jsonl")] {
        let out = world.folder().join(format);
        told(&["export", "--format", format, "--offline", "--out", out.to_str().unwrap()]);
        assert!(fs::read_to_string(out.join(file)).unwrap().lines().count() > 10, "{format}");
    }

    // A byte of the copy changed: said where, and not trusted.
    let copy = fs::read_dir(bo.data.join("audit")).unwrap().next().unwrap().unwrap().path().join("entries");
    let mut bytes = fs::read(&copy).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&copy, &bytes).unwrap();
    let (exit, said, _) = audit(&world, &bo.data, &["verify", "--offline"]);
    assert_ne!(exit, 0, "{said:?}");
}

#[test]
fn an_export_follows_a_growing_log_and_writes_each_line_once() {
    let world = World::start(programs!());
    let (ana, bo) = (world.technician("Ana", 2), auditor(&world));
    let out = world.folder().join("followed");
    let follow = || {
        let arguments = ["audit", "export", "--format", "jsonl", "--follow", "--every", "1", "--json", "--out"];
        world.spawn("console", &bo.data, arguments.into_iter().chain([out.to_str().unwrap()]))
    };
    let lines = || fs::read_to_string(out.join("events.jsonl")).unwrap_or_default();
    let closes = || lines().matches("\"kind\":\"close\"").count();
    let mut following = follow();
    session(&world, &ana, "pc");
    until("the first session's close", || (closes() >= 2).then_some(()));
    // Killed anywhere, it goes on where its position says.
    following.kill();
    session(&world, &ana, "pc2");
    let mut following = follow();
    until("the second session's close", || (closes() >= 4).then_some(()));
    following.signal(rustix::process::Signal::TERM);
    assert_eq!(following.exit(), 0, "{}", following.errors());
    let followed = lines();
    let mut leaves: Vec<_> = followed
        .lines()
        .map(|line| {
            let event: Value = serde_json::from_str(line).unwrap();
            event["leaf"].as_str().unwrap().to_owned()
        })
        .collect();
    let count = leaves.len();
    leaves.sort();
    leaves.dedup();
    assert_eq!(leaves.len(), count, "each once");
    let whole = world.folder().join("whole");
    let arguments = ["export", "--format", "jsonl", "--offline", "--out", whole.to_str().unwrap()];
    assert_eq!(audit(&world, &bo.data, &arguments).0, 0);
    assert_eq!(followed, fs::read_to_string(whole.join("events.jsonl")).unwrap());
    // One note for each time it connected, not for each time it looked.
    let entries =
        fs::read(fs::read_dir(bo.data.join("audit")).unwrap().next().unwrap().unwrap().path().join("entries"));
    let looks = entries.unwrap().windows(14).filter(|window| *window == b"venia/look@v1\n").count();
    assert_eq!(looks, 2);
}

#[test]
fn an_operator_checks_beside_the_running_relay_and_without_it() {
    let mut world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    session(&world, &ana, "pc");
    let check = |world: &World| {
        let (exit, lines, errors) = world.run("relay", &world.relay_data, ["check", "--json"], "");
        let said: Value = serde_json::from_str(&lines.concat()).unwrap_or_default();
        (exit, said, errors)
    };
    let (exit, said, errors) = check(&world);
    assert_eq!((exit, &said["verdict"], &said["sessions"]), (0, &"intact".into(), &1.into()), "{said} {errors}");
    world.kill_relay();
    let (exit, said, errors) = check(&world);
    assert_eq!((exit, &said["verdict"]), (0, &"intact".into()), "{said} {errors}");
    // The oldest copy of the database beside the newest copy of the head. (SECURITY F5)
    let head = world.relay_data.join("head");
    let line = fs::read_to_string(&head).unwrap();
    let (size, rest) = line.split_once(' ').unwrap();
    fs::write(&head, format!("{:020} {rest}", size.parse::<u64>().unwrap() + 1)).unwrap();
    let (exit, said, errors) = check(&world);
    assert_eq!((exit, &said["verdict"]), (1, &"broken".into()), "{said} {errors}");
    let nowhere = world.folder().join("nowhere");
    let (exit, _, errors) = world.run("relay", &nowhere, ["check"], "");
    assert_eq!(exit, 2, "{errors}");
    assert!(!nowhere.exists(), "nothing is made");
}

#[test]
fn a5_a_technician_and_a_revoked_auditor_are_refused() {
    let world = World::start(programs!());
    let (ana, bo) = (world.technician("Ana", 2), auditor(&world));
    let refused = |data: &Path| {
        let (exit, said, errors) = audit(&world, data, &["list"]);
        assert_eq!((exit, said[0]["error"]["kind"].as_str()), (1, Some("revoked")), "{errors}");
    };
    refused(&ana.data);
    assert_eq!(audit(&world, &bo.data, &["list"]).0, 0);
    world.revoke("Bo");
    refused(&bo.data);
}
