//! An auditor and the words: found by the one whose key was named, by nobody else, and gone once they are erased.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::path::Path;

use serde_json::Value;
use venia_proto::ledger::notice::Succession;
use venia_proto::now::Wall;
use venia_relay::client::home::Home;
use venia_relay::server::ledger::sqlite::Sqlite;
use venia_relay::server::ledger::succession::succeed;
use venia_relay::server::serve::DATABASE;
use venia_tests::harness::console::{Joined, Technician, files_with};
use venia_tests::harness::until;
use venia_tests::harness::world::World;
use venia_tests::programs;

/// A word of the technician's that must be found, and must be gone later.
const PLANTED: &str = "Plantéd-xyzzy";
/// The same, as its bytes stand in a file.
const BYTES: &[u8] = "Plantéd-xyzzy".as_bytes();

/// An auditor's folder.
fn auditor<'a>(world: &'a World, name: &str) -> Technician<'a> {
    let somebody = world.somebody(&format!("console-{name}"));
    assert_eq!(somebody.enroll(&world.invite_as("auditor", name, 1)).0, 0);
    somebody
}

/// The same with a key that records are sealed to.
fn named<'a>(world: &'a World, name: &str) -> Technician<'a> {
    let auditor = auditor(world, name);
    let (_, said, _) = audit(world, &auditor.data, &["key"]);
    world.add_auditor(said[0]["recipient"].as_str().unwrap());
    auditor
}

/// `venia audit … --json`: exit code, objects, standard error.
fn audit(world: &World, data: &Path, arguments: &[&str]) -> (i32, Vec<Value>, String) {
    let given = ["audit"].iter().chain(arguments).chain(&["--json"]).copied();
    let (exit, lines, errors) = world.run("console", data, given, "");
    (exit, lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect(), errors)
}

fn told(world: &World, data: &Path, arguments: &[&str]) -> Vec<Value> {
    let (exit, said, errors) = audit(world, data, arguments);
    assert_eq!(exit, 0, "{arguments:?} {said:?} {errors}");
    said
}

/// A session in which the technician signs off with these words; its id.
fn session(world: &World, ana: &Technician<'_>, pc: &str, outcome: &str) -> String {
    let mut agent = world.ask(pc);
    let given = ["--ask", "system", "--run", "system.memory", "--outcome", outcome, "--next", "None."];
    let mut console = ana.joining(&agent.code(), &given);
    agent.allow();
    assert_eq!(Joined::of(&mut console).exit, 0);
    assert_eq!(agent.end(), 0);
    agent.session().to_string()
}

#[test]
fn e4_words_are_found_by_the_auditor_they_were_sealed_to_and_by_nobody_else() {
    let world = World::start(programs!());
    let (ana, bo) = (world.technician("Ana", 2), named(&world, "Bo"));
    let (carla, dan) = (auditor(&world, "Carla"), auditor(&world, "Dan"));
    let id = session(&world, &ana, "pc", PLANTED);
    let other = session(&world, &ana, "pc2", "Nothing special.");

    // Case and accents don't matter, every word must stand in the same entry, and names are words too.
    for words in [&["search", "PLANTED"][..], &["search", "planted", "XYZZY"]] {
        let found = told(&world, &bo.data, words);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((&found[0]["session"], &found[0]["kind"]), (&id.as_str().into(), &"signoff".into()));
        assert!(found[0]["snippet"].as_str().unwrap().contains(PLANTED) && found[0]["entry"].is_u64(), "{found:?}");
    }
    assert_eq!(told(&world, &bo.data, &["search", "planted", "special"]).len(), 0);
    let met = told(&world, &bo.data, &["search", "ana", "--kind", "join"]);
    assert_eq!(met.iter().filter(|found| found["kind"] == "join").count(), 2, "a member's name is a word: {met:?}");
    // What was opened is here: the next search needs nobody.
    assert_eq!(told(&world, &bo.data, &["search", "planted", "--offline"]).len(), 1);
    let listed = told(&world, &bo.data, &["list", "--word", "planted", "--offline"]);
    assert_eq!((listed.len(), &listed[0]["session"]), (1, &id.as_str().into()));
    assert_eq!(told(&world, &bo.data, &["list", "--item", "system.memory"]).len(), 2);
    assert_eq!(told(&world, &bo.data, &["list", "--item", "system.memor"]).len(), 0);

    // Consent beside action, in the words that were shown.
    let shown = told(&world, &bo.data, &["show", &id]);
    let events = shown[0]["events"].as_array().unwrap();
    let of = |kind: &str| events.iter().filter(|event| event["kind"] == kind).collect::<Vec<_>>();
    assert_eq!(of("signoff")[0]["words"]["outcome"], PLANTED);
    assert_eq!(of("request")[0]["words"]["item"], "system.memory");
    let consent = &of("result")[0]["consent"];
    assert!(consent["text"].as_str().unwrap().contains("Ana") && consent["minutes"] == 30, "{consent}");
    assert!(events.iter().all(|event| event["closed"].is_null()), "{events:?}");
    let (exit, lines, errors) = world.run("console", &bo.data, ["audit", "show", &id, "--offline"], "");
    let page = lines.join("\n");
    assert_eq!(exit, 0, "{errors}");
    for line in [PLANTED, "allowed at this PC in entry", "system.memory", "│ "] {
        assert!(page.contains(line), "{line}: {page}");
    }
    assert!(errors.contains("cannot prove"), "{errors}");

    // The rules are judged by the words where they are.
    let judged = &told(&world, &bo.data, &["verify"])[0]["rules"];
    assert_eq!((&judged["with_words"], &judged["clear_fields_only"]), (&2.into(), &0.into()), "{judged}");

    // Another auditor has no key, or one that was named too late.
    let (exit, said, errors) = audit(&world, &carla.data, &["search", "planted"]);
    assert_eq!((exit, said[0]["error"]["kind"].as_str()), (2, Some("no-key")), "{errors}");
    let shown = told(&world, &carla.data, &["show", &id]);
    assert!(shown[0]["events"].as_array().unwrap().iter().any(|event| event["closed"] == "no-key"), "{shown:?}");
    let judged = &told(&world, &carla.data, &["verify"])[0]["rules"];
    assert_eq!((&judged["with_words"], &judged["clear_fields_only"]), (&0.into(), &2.into()), "{judged}");
    let (_, said, _) = audit(&world, &dan.data, &["key"]);
    world.add_auditor(said[0]["recipient"].as_str().unwrap());
    let (exit, said, errors) = audit(&world, &dan.data, &["search", "planted"]);
    assert!(exit == 0 && said.is_empty() && errors.contains("this key does not open"), "{said:?} {errors}");
    for folder in [&world.relay_data, &carla.data, &dan.data] {
        assert!(files_with(folder, BYTES).is_empty(), "{}", folder.display());
    }
    assert!(!files_with(&bo.data, BYTES).is_empty());

    // Erased: gone from the copies in the clear as soon as the log is read, in whatever file; the rest stays.
    let (exit, _, errors) = world.run("relay", &world.relay_data, ["erase", &id], "");
    assert_eq!(exit, 0, "{errors}");
    assert_eq!(told(&world, &bo.data, &["list"]).len(), 2);
    assert!(files_with(&bo.data, BYTES).is_empty());
    assert_eq!(told(&world, &bo.data, &["search", "planted"]).len(), 0);
    let shown = told(&world, &bo.data, &["show", &id]);
    assert!(shown[0]["events"].as_array().unwrap().iter().any(|event| event["closed"] == "erased"), "{shown:?}");
    let found = told(&world, &bo.data, &["search", "special", "--offline"]);
    assert_eq!(found[0]["session"], other.as_str());
    assert_eq!(told(&world, &bo.data, &["verify"])[0]["verdict"], "intact");
    assert!(files_with(&bo.data, BYTES).is_empty());
}

#[test]
fn e11_words_of_a_closed_log_go_when_the_log_that_follows_says_so() {
    let mut world = World::start(programs!());
    let (ana, bo) = (world.technician("Ana", 2), named(&world, "Bo").data.clone());
    let id = session(&world, &ana, "pc", PLANTED);
    let other = session(&world, &ana, "pc2", "Nothing special.");
    assert_eq!(told(&world, &bo, &["search", "planted"]).len(), 1);
    drop(ana);
    world.kill_relay();
    let home = Home::open(&world.relay_data, true).unwrap();
    let mut store = Sqlite::open(&home.path(DATABASE).unwrap()).unwrap();
    let now = Wall::from_ms(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64);
    succeed(&home, &mut store, Succession::Year, now).unwrap();
    drop((home, store));
    world.restart_relay();
    assert_eq!(told(&world, &bo, &["search", "planted"]).len(), 1, "a closed log's words are found");
    let (exit, _, errors) = world.run("relay", &world.relay_data, ["erase", &id], "");
    assert_eq!(exit, 0, "{errors}");
    assert!(!files_with(&bo, BYTES).is_empty());
    assert_eq!(told(&world, &bo, &["list"]).len(), 2);
    assert!(files_with(&bo, BYTES).is_empty());
    assert_eq!(told(&world, &bo, &["search", "planted"]).len(), 0);
    assert_eq!(told(&world, &bo, &["search", "special"])[0]["session"], other.as_str());
}

#[test]
fn e11_an_export_that_follows_lets_go_of_words_while_it_runs() {
    let world = World::start(programs!());
    let (ana, bo) = (world.technician("Ana", 2), named(&world, "Bo"));
    let id = session(&world, &ana, "pc", PLANTED);
    session(&world, &ana, "pc2", "Nothing special.");
    assert_eq!(told(&world, &bo.data, &["search", "planted"]).len(), 1);
    let out = world.folder().join("followed");
    let arguments = ["audit", "export", "--format", "jsonl", "--follow", "--every", "1", "--json", "--out"];
    let mut following = world.spawn("console", &bo.data, arguments.into_iter().chain([out.to_str().unwrap()]));
    until("the first round", || out.join("position").exists().then_some(()));
    assert!(!files_with(&bo.data, BYTES).is_empty(), "nothing was erased yet");
    let (exit, _, errors) = world.run("relay", &world.relay_data, ["erase", &id], "");
    assert_eq!(exit, 0, "{errors}");
    until("the words to go", || files_with(&bo.data, BYTES).is_empty().then_some(()));
    // What is due goes too: as if the other session's words had been opened long ago.
    let audit = std::fs::read_dir(bo.data.join("audit")).unwrap().next().unwrap().unwrap().path().join("words");
    let day = std::fs::read_dir(&audit).unwrap().next().unwrap().unwrap().path();
    std::fs::rename(&day, audit.join("2001-01-01")).unwrap();
    until("the words to be due", || (!audit.join("2001-01-01").exists()).then_some(()));
    following.signal(rustix::process::Signal::TERM);
    assert_eq!(following.exit(), 0, "{}", following.errors());
}
