//! What two people show each other: a log that tells two histories is found by themselves, and an honest one that races is
//! accused by nobody. (LEDGER 1.8, SECURITY F4)

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use venia_proto::ledger::evidence;
use venia_proto::ledger::kind::{Cause, Kind};
use venia_tests::harness::console::Joined;
use venia_tests::harness::two_faced::{Face, TwoFaced};
use venia_tests::harness::world::World;
use venia_tests::programs;

const RUN: [&str; 6] = ["--run", "system.memory", "--outcome", "Looked.", "--next", "Nothing."];

/// Everything in a folder of evidence.
fn evidence_in(data: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(data.join("evidence")) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// `venia verify` of a file: exit code and what it printed.
fn verified(world: &World, file: &Path, language: &str, more: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(programs!());
    command.args(["console", "--data"]).arg(world.folder().join("nobody")).args(["--lang", language, "verify"]);
    let root = world.address.root.to_string();
    let output = command.arg(file).args(["--root", &root]).args(more).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// A whole session on an honest relay.
fn session(world: &World, pc: &str, technician: &str) {
    let technician = world.somebody(&format!("console-{technician}"));
    let mut agent = world.ask(pc);
    let mut console = technician.joining(&agent.code(), &RUN);
    agent.allow();
    let joined = Joined::of(&mut console);
    assert_eq!(joined.exit, 0, "{joined:#?}");
    assert_eq!(agent.end(), 0);
    assert_eq!(agent.closed().1, Cause::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn f4_a_relay_that_tells_two_histories_is_found_within_one_request() {
    let mut world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    session(&world, "pc-before", "Ana");
    let (console_data, pc) = (ana.data.clone(), world.pc("pc"));
    let relay = TwoFaced::take_over(&mut world);
    relay.grow(Face::Members, 4).await;
    // Ana's program takes the members' history for the log's, as it must: nothing contradicts it yet.
    let refresh = |world: &World| world.run("console", &console_data, ["refresh", "--json"], "");
    let (exit, _, errors) = refresh(&world);
    assert_eq!(exit, 0, "{errors}");
    relay.grow(Face::Agents, 12).await;
    relay.grow(Face::Members, 40).await;

    let mut agent = world.ask("pc");
    let ana = world.somebody("console-Ana");
    let mut console = ana.joining(&agent.code(), &RUN);
    agent.fed("two histories", |line| line.contains("two histories").then_some(()));
    let joined = Joined::of(&mut console);
    assert_eq!((joined.exit, joined.error()), (1, "fingerprint"), "{joined:#?}");
    assert!(joined.events("result").is_empty(), "nothing that ran on such a record was sent: {joined:#?}");
    assert_eq!(agent.process.exit(), 1);
    let withheld = (Cause::RelayWithholds, Cause::RelayWithholds);
    assert_eq!(agent.closed(), withheld);
    let requests = agent.kinds().iter().filter(|kind| matches!(kind, Kind::Request)).count();
    assert!(requests <= 1, "found within one request");

    // Each side has its own evidence, and anybody can check it, without a relay, in plain words.
    relay.stop().await;
    for data in [&console_data, &pc] {
        let files = evidence_in(data);
        let of_log = |file: &&PathBuf| file.file_name().unwrap().to_string_lossy().starts_with("evidence-");
        let file = files.iter().find(of_log).unwrap_or_else(|| panic!("no evidence in {}", data.display()));
        assert!(evidence::File::is_one(&std::fs::read(file).unwrap()));
        let (exit, told) = verified(&world, file, "en", &[]);
        assert_eq!(exit, Some(0), "{told}");
        assert!(told.starts_with("EVIDENCE: the log ") && told.contains("contradicts itself"), "{told}");
        let (exit, told) = verified(&world, file, "es", &[]);
        assert!(exit == Some(0) && told.starts_with("PRUEBA: el registro "), "{told}");
        let (_, told) = verified(&world, file, "en", &["--json"]);
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!((&told["verdict"], &told["rooted"]), (&"evidence".into(), &true.into()));
    }

    // That log is frozen for both, whoever runs it.
    world.restart_relay();
    let (exit, lines, _) = refresh(&world);
    assert_eq!(exit, 1);
    let told: Value = serde_json::from_str(&lines.concat()).unwrap();
    assert_eq!(told["error"]["kind"], "fingerprint");
    assert!(told["error"]["message"].as_str().unwrap().contains("evidence"), "{told}");
    let joined = ana_again(&world).join("417-zebra-zebra", &RUN);
    assert_eq!((joined.exit, joined.error()), (1, "fingerprint"), "{joined:#?}");
    assert_eq!(world.ask("pc").process.exit(), 1);
}

fn ana_again(world: &World) -> venia_tests::harness::console::Technician<'_> {
    world.somebody("console-Ana")
}

#[tokio::test(flavor = "multi_thread")]
async fn e10_what_has_no_receipt_is_noted_and_offered_again_at_the_next_contact() {
    let mut world = World::start(programs!());
    drop(world.technician("Ana", 2));
    let relay = TwoFaced::take_over(&mut world);
    let mut agent = world.ask("pc");
    let code = agent.code();
    let withheld = relay.withhold(Face::Agents).await;
    let mut console = ana_again(&world).joining(&code, &RUN);
    agent.fed("that it is noted", |line| line.contains("gave no receipts").then_some(()));
    assert_eq!(agent.process.exit(), 1);
    assert_eq!(agent.closed(), (Cause::RelayWithholds, Cause::RelayWithholds));
    assert_eq!(Joined::of(&mut console).exit, 1);
    let files = evidence_in(&agent.data);
    let [file] = &files[..] else { panic!("{files:?}") };
    let (exit, told) = verified(&world, file, "en", &[]);
    assert!(exit == Some(2) && told.starts_with("RECORD ONLY: "), "a note to oneself: {exit:?} {told}");
    let (_, told) = verified(&world, file, "es", &[]);
    assert!(told.starts_with("SOLO CONSTANCIA: ") && told.contains("sin recibo"), "{told}");

    // It freezes nothing: the next contact gets every receipt, and the record is whole.
    drop(withheld);
    let mut again = world.ask_in(agent.data.clone());
    again.code();
    let finished = agent.data.join("journal").join(agent.session().to_string()).join("finished");
    assert!(finished.exists(), "acknowledged");
    agent.assert_intact();
    again.process.say("stop");
    again.process.exit();
}

#[tokio::test(flavor = "multi_thread")]
async fn f5_a_technicians_program_refuses_a_log_that_lacks_what_it_saw() {
    let mut world = World::start(programs!());
    let data = world.technician("Ana", 2).data.clone();
    let relay = TwoFaced::take_over(&mut world);
    relay.grow(Face::Members, 5).await;
    let told = |lines: Vec<String>| -> Value { serde_json::from_str(&lines.concat()).unwrap() };
    let (exit, _, errors) = world.run("console", &data, ["refresh", "--json"], "");
    assert_eq!(exit, 0, "{errors}");
    relay.stop().await;
    // What comes back never had those five, and is honest about it.
    world.restart_relay();
    let (exit, lines, _) = world.run("console", &data, ["refresh", "--json"], "");
    assert_eq!((exit, told(lines)["error"]["kind"].clone()), (1, "disk".into()));
    let joined = ana_again(&world).join("417-zebra-zebra", &RUN);
    assert_eq!((joined.exit, joined.error()), (1, "disk"), "before a code is spent: {joined:#?}");
    assert!(evidence_in(&data).is_empty(), "its word that it was set back is no evidence of a lie");
}

#[test]
fn f4_an_honest_race_freezes_nobody() {
    let world = World::start(programs!());
    drop((world.technician("Ana", 2), world.technician("Bea", 2)));
    // Whoever meets holds another checkpoint than the other: none, an older one, a newer one.
    for (pc, technician) in [("pc-1", "Ana"), ("pc-2", "Ana"), ("pc-1", "Bea"), ("pc-2", "Bea")] {
        let earlier: Vec<_> = std::fs::read_dir(world.pc(pc).join("journal")).into_iter().flatten().collect();
        if earlier.is_empty() {
            session(&world, pc, technician);
        } else {
            let mut agent = world.ask(pc);
            let mut console = world.somebody(&format!("console-{technician}")).joining(&agent.code(), &RUN);
            agent.allow();
            let joined = Joined::of(&mut console);
            assert_eq!(joined.exit, 0, "{joined:#?}");
            assert_eq!(agent.end(), 0);
        }
    }
    for folder in ["pc-1", "pc-2", "console-Ana", "console-Bea"] {
        let data = world.folder().join(folder);
        assert_eq!(evidence_in(&data), Vec::<PathBuf>::new(), "{folder}");
        let kept = std::fs::read_dir(&data).unwrap().flatten();
        let kept = kept.filter(|entry| entry.file_name().to_string_lossy().starts_with("checkpoint-")).count();
        assert_eq!(kept, 1, "{folder} keeps the last one");
    }
}

#[test]
fn f4_a_side_killed_in_the_middle_accuses_nobody() {
    let world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    session(&world, "pc", "Ana");
    for kills_agent in [true, false] {
        let mut agent = world.ask("pc");
        let mut console = ana.joining(&agent.code(), &RUN);
        agent.asked("arrival");
        if kills_agent {
            agent.process.kill();
            assert_eq!(Joined::of(&mut console).exit, 1);
        } else {
            console.kill();
            agent.process.say("stop");
            assert_eq!(agent.process.exit(), 1);
        }
    }
    let mut agent = world.ask("pc");
    let mut console = ana.joining(&agent.code(), &RUN);
    agent.allow();
    let joined = Joined::of(&mut console);
    assert_eq!(joined.exit, 0, "{joined:#?}");
    assert_eq!(agent.end(), 0);
    assert!(evidence_in(&ana.data).is_empty() && evidence_in(&agent.data).is_empty());
}
