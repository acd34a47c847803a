//! Repairs through whole sessions: looked at, shown, asked, done as shown, recorded with before and after. (MISSION R1)
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::fs::{create_dir_all, write};
use std::path::{Path, PathBuf};

use venia_proto::ledger::body::Body;
use venia_proto::ledger::kind::{Kind, Status, Why};
use venia_proto::scope::Scope;
use venia_tests::first_session::HELPER;
use venia_tests::harness::administrator::{ARCHIVES, BEGAN, SLOW, STOPPED};
use venia_tests::harness::agent::Agent;
use venia_tests::harness::console::Joined;
use venia_tests::harness::until;
use venia_tests::harness::visitor::Visitor;
use venia_tests::harness::world::World;
use venia_tests::programs;

const LAST: [&str; 4] = ["--outcome", "Cleared.", "--next", "Nothing."];

/// A computer with three things in its trash, a package that was downloaded, and the root program.
fn machine(world: &World) -> PathBuf {
    let root = world.folder().join("machine");
    let user = rustix::process::getuid().as_raw();
    create_dir_all(root.join("etc")).unwrap();
    let home = home();
    write(root.join("etc/passwd"), format!("ana:x:{user}:{user}::/{home}:/bin/sh\n")).unwrap();
    for folder in ["files/secret-plans", "info"] {
        create_dir_all(trash(&root).join(folder)).unwrap();
    }
    write(trash(&root).join("files/secret-letter.txt"), vec![1; 300_000]).unwrap();
    write(trash(&root).join("files/secret-plans/one.txt"), "x").unwrap();
    write(trash(&root).join("info/secret-letter.txt.trashinfo"), "[Trash Info]\n").unwrap();
    write(root.join(&home).join("precious.txt"), "x").unwrap();
    create_dir_all(root.join(ARCHIVES)).unwrap();
    write(root.join(ARCHIVES).join("vim_9.1_amd64.deb"), vec![1; 300_000]).unwrap();
    create_dir_all(root.join(HELPER).parent().unwrap()).unwrap();
    write(root.join(HELPER), "").unwrap();
    root
}

/// The home of whoever runs this, without its slash: what a fence opens is below the home that the system has.
fn home() -> String {
    let home = venia_agent::known::person_home().unwrap();
    home.to_str().unwrap().trim_start_matches('/').to_owned()
}

fn trash(root: &Path) -> PathBuf {
    root.join(home()).join(".local/share/Trash")
}

fn left(root: &Path) -> usize {
    std::fs::read_dir(trash(root).join("files")).unwrap().count()
}

fn statuses(agent: &Agent) -> Vec<Status> {
    agent
        .kinds()
        .iter()
        .filter_map(|k| if let Kind::Result { status, .. } = k { Some(*status) } else { None })
        .collect()
}

#[test]
fn r1_a_repair_is_shown_asked_done_and_recorded_with_one_command() {
    let world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    let root = machine(&world);
    let mut agent = world.ask_on("pc", &root);
    let mut console =
        ana.joining(&agent.code(), &[["--run", "tasks.empty-trash"].as_slice(), LAST.as_slice()].concat());
    agent.answer("arrival", "yes");
    let first = agent.answer("consent", "allow");
    assert!(!first.text.contains("changes something"), "the offer only looks: {}", first.text);
    let card = agent.asked("consent");
    assert_eq!(left(&root), 2, "nothing is done before the answer");
    for line in [
        "  ▲ changes something: Empty your trash",
        "  Exactly this will change",
        "    Things in the trash: 2",
        "  Can it be undone?",
        "    This can't be undone.",
        "  It takes about 5 s. You can stop it.",
        "Time: this once",
    ] {
        assert!(card.text.lines().any(|shown| shown == line), "{line}\n{}", card.text);
    }
    agent.process.say("allow");
    let joined = Joined::of(&mut console);
    assert_eq!(joined.exit, 0, "{joined:#?}");
    assert_eq!(left(&root), 0);
    assert!(root.join(home()).join("precious.txt").exists());
    let results = joined.events("result");
    let ids: Vec<&str> = results.iter().filter_map(|result| result["item"].as_str()).collect();
    assert_eq!(ids, ["tasks.trash-to-empty", "tasks.empty-trash"]);
    let report = &results[1]["report"];
    let fact = |key: &str| report["facts"].as_array().unwrap().iter().find(|fact| fact["key"] == key).unwrap().clone();
    assert!(fact("before")["value"].as_u64().unwrap() > 300_000);
    assert_eq!(fact("after")["value"], 0);
    let found: Vec<&str> = report["findings"].as_array().unwrap().iter().filter_map(|f| f["id"].as_str()).collect();
    assert_eq!(found, ["done", "undone-by"]);
    assert_eq!(agent.end(), 0);
    agent.assert_intact();
    assert_eq!(statuses(&agent), [Status::Done, Status::Done]);
    let consented: Vec<String> = agent
        .record()
        .into_iter()
        .filter_map(|(_, body)| if let Body::Consent(consent) = body { Some(consent.text) } else { None })
        .collect();
    assert_eq!(consented.last(), Some(&card.text), "recorded is what was shown");
    assert!(consented.iter().all(|text| !text.contains("secret")));
}

#[test]
fn r1_what_changed_since_it_was_shown_is_left_alone() {
    let world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    let root = machine(&world);
    let mut agent = world.ask_on("pc", &root);
    let mut console =
        ana.joining(&agent.code(), &[["--run", "tasks.empty-trash"].as_slice(), LAST.as_slice()].concat());
    agent.allow();
    agent.asked("consent");
    write(trash(&root).join("files/thrown away by mistake"), "x").unwrap();
    agent.process.say("allow");
    let joined = Joined::of(&mut console);
    assert_eq!(left(&root), 3, "{joined:#?}");
    let report = &joined.events("result")[1]["report"];
    assert_eq!(report["findings"][0]["id"], "changed-since", "{joined:#?}");
    agent.end();
    agent.assert_intact();
}

#[test]
fn r1_a_no_to_the_change_changes_nothing() {
    let world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    let root = machine(&world);
    let mut agent = world.ask_on("pc", &root);
    let mut console =
        ana.joining(&agent.code(), &[["--run", "tasks.empty-trash"].as_slice(), LAST.as_slice()].concat());
    agent.allow();
    agent.answer("consent", "deny");
    let joined = Joined::of(&mut console);
    assert_eq!((joined.exit, left(&root)), (1, 2), "{joined:#?}");
    assert_eq!(joined.events("refused")[0]["why"], "person");
    agent.end();
    agent.assert_intact();
}

#[tokio::test(flavor = "multi_thread")]
async fn r1_a_technician_who_shows_nothing_is_refused_unasked() {
    let world = World::start(programs!());
    let ana = Visitor::enrolled(&world, "Ana", 5).await;
    let root = machine(&world);
    let mut agent = world.ask_on("pc", &root);
    let mut visit = ana.arrive(&agent.code(), &[Scope::Tasks]).await;
    agent.allow();
    visit.allowed().await;
    visit.run("tasks.empty-trash", &[]).await;
    let refused = agent.fed("a refusal", |line| line.contains("Empty your trash").then(|| line.to_owned()));
    assert!(refused.contains("Refused without asking you"), "{refused}");
    agent.process.say("stop");
    agent.end();
    let whys: Vec<Why> =
        agent.kinds().iter().filter_map(|k| if let Kind::Refuse { why, .. } = k { Some(*why) } else { None }).collect();
    assert_eq!((whys.as_slice(), left(&root)), ([Why::NotShown].as_slice(), 2));
    agent.assert_intact();
}

fn packages(root: &Path) -> usize {
    std::fs::read_dir(root.join(ARCHIVES)).unwrap().count()
}

const CLEAR: [&str; 2] = ["--run", "system.clear-package-cache"];

#[test]
fn g6_a_repair_that_needs_the_administrator_is_done_by_the_root_program() {
    let world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    let root = machine(&world);
    let mut agent = world.ask_on("pc", &root);
    let mut console = ana.joining(&agent.code(), &[CLEAR.as_slice(), LAST.as_slice()].concat());
    agent.allow();
    let card = agent.answer("consent", "allow");
    assert!(card.text.contains("This computer will ask for the administrator's password."), "{}", card.text);
    let joined = Joined::of(&mut console);
    assert_eq!((joined.exit, packages(&root)), (0, 0), "{joined:#?}");
    let report = &joined.events("result")[1]["report"];
    assert_eq!(report["findings"][0]["id"], "done");
    assert_eq!(report["facts"][1]["value"], 0, "{report:#}");
    assert_eq!(agent.end(), 0);
    agent.assert_intact();
}

#[test]
fn g6_without_the_root_program_it_is_not_possible_here_and_how_to_do_it_is_said() {
    let world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    let root = machine(&world);
    std::fs::remove_file(root.join(HELPER)).unwrap();
    let mut agent = world.ask_on("pc", &root);
    let mut console = ana.joining(&agent.code(), &[CLEAR.as_slice(), LAST.as_slice()].concat());
    agent.allow();
    agent.answer("consent", "allow");
    let joined = Joined::of(&mut console);
    assert_eq!(packages(&root), 1, "{joined:#?}");
    let finding = &joined.events("result")[1]["report"]["findings"][0];
    assert_eq!((finding["id"].as_str(), finding["severity"].as_str()), (Some("not-possible"), Some("unknown")));
    assert_eq!(finding["evidence"], "venia-helper is not installed");
    assert!(finding["next"]["en"].as_str().unwrap().contains("apt-get clean"));
    agent.end();
    agent.assert_intact();
}

#[test]
fn g6_stop_ends_what_the_root_program_does() {
    let world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    let root = machine(&world);
    write(root.join(SLOW), "").unwrap();
    let mut agent = world.ask_on("pc", &root);
    let mut console = ana.joining(&agent.code(), &[CLEAR.as_slice(), LAST.as_slice()].concat());
    agent.allow();
    agent.answer("consent", "allow");
    until("the root program's work", || root.join(BEGAN).exists().then_some(()));
    agent.process.say("stop");
    until("its end", || root.join(STOPPED).exists().then_some(()));
    let joined = Joined::of(&mut console);
    assert_eq!((joined.exit, packages(&root)), (1, 1), "{joined:#?}");
    agent.end();
    assert_eq!(statuses(&agent), [Status::Done, Status::Killed]);
    agent.assert_intact();
}
