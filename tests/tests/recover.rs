//! A relay that comes back from a backup, and one whose year is over: what is refused, what everybody is told, and that no
//! record anybody holds is worth less afterwards. (SECURITY F4, F5)
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use venia_agent::archive::Archive;
use venia_agent::journal::Journals;
use venia_agent::known;
use venia_proto::id::SessionId;
use venia_proto::key::VerifierKey;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::event::After;
use venia_proto::ledger::evidence::{self, Claim};
use venia_proto::ledger::note::Note;
use venia_proto::ledger::notice::Succession;
use venia_proto::ledger::proof::Proof;
use venia_proto::ledger::verify::{Finding, Roots, verify};
use venia_proto::now::Wall;
use venia_proto::statement::Statement;
use venia_relay::client::home::Home;
use venia_relay::server::ledger::limits::Limits;
use venia_relay::server::ledger::sqlite::Sqlite;
use venia_relay::server::ledger::succession::succeed;
use venia_relay::server::serve::{DATABASE, Options, Running};
use venia_tests::harness::agent::Agent;
use venia_tests::harness::console::Joined;
use venia_tests::harness::until;
use venia_tests::harness::world::World;
use venia_tests::programs;

const RUN: [&str; 6] = ["--run", "system.memory", "--outcome", "Looked.", "--next", "Nothing."];
/// The folder of the one technician.
const ANA: &str = "console-Ana";
const LOST: &str = "lost part of its record";

/// One whole session on this PC; the agent after its end, and what the console said.
fn session(world: &World, pc: &str) -> (Agent, Joined) {
    let ana = world.somebody(ANA);
    let mut agent = world.ask(pc);
    let mut console = ana.joining(&agent.code(), &RUN);
    agent.allow();
    let joined = Joined::of(&mut console);
    assert_eq!(joined.exit, 0, "{joined:#?}");
    assert_eq!(agent.end(), 0);
    (agent, joined)
}

fn is_told(agent: &Agent, what: &str) -> bool {
    agent.told().iter().any(|line| line.contains(what))
}

/// The log that the relay's statement names.
fn grows(world: &World) -> VerifierKey {
    let note = std::fs::read(world.relay_data.join("statement")).unwrap();
    Statement::open(&note, &world.address.root).unwrap().relays[0].log.clone()
}

/// The bundles in a folder.
fn bundles(folder: &Path) -> BTreeSet<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|end| end == "zip")).collect()
}

/// Every bundle of these folders is intact; how many there are.
fn all_intact(world: &World, folders: &[&Path]) -> usize {
    let all: Vec<_> = folders.iter().flat_map(|folder| bundles(folder)).collect();
    for bundle in &all {
        let zip = std::fs::read(bundle).unwrap();
        let verdict = verify(&zip, Roots { named: Some(world.address.root), known: &[] });
        assert_eq!(verdict.verdict, Finding::Intact, "{}: {verdict:?}", bundle.display());
    }
    all.len()
}

fn archives(pc: &Path) -> Vec<(SessionId, Archive)> {
    let journals = Journals::open(pc).unwrap();
    let read = |session| (session, Archive::read(&journals.read(session).unwrap()).unwrap());
    journals.sessions().unwrap().into_iter().map(read).collect()
}

/// What the first event of a session quotes, and the log it stands in.
fn opens(archive: &Archive) -> (Option<After>, String) {
    let open = &archive.events[0].0;
    let proof = Proof::parse(&archive.receipts[&open.leaf()]).unwrap();
    (open.header().after.clone(), Checkpoint::unverified(&proof.checkpoint).unwrap().origin.to_string())
}

fn relay(world: &World, arguments: &[&str]) -> (i32, Value, String) {
    let (exit, lines, errors) = world.run("relay", &world.relay_data, arguments.iter().copied(), "");
    (exit, serde_json::from_str(&lines.concat()).unwrap_or_default(), errors)
}

fn copied(from: &Path, to: &Path) {
    let done = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

/// The relay isn't running, and its folder is one from before a session that this PC saw recorded.
fn an_older_folder_is_back(world: &mut World) {
    world.kill_relay();
    let older = world.folder().join("older");
    copied(&world.relay_data, &older);
    world.restart_relay();
    session(world, "pc");
    world.kill_relay();
    std::fs::remove_dir_all(&world.relay_data).unwrap();
    std::fs::rename(&older, &world.relay_data).unwrap();
}

fn pins(pc: &Path) -> Vec<Note> {
    let files = std::fs::read_dir(pc).unwrap().map(|file| file.unwrap());
    let pins = files.filter(|file| file.file_name().to_str().unwrap().starts_with("checkpoint-"));
    pins.map(|file| Note::parse(&std::fs::read(file.path()).unwrap()).unwrap()).collect()
}

#[test]
fn f5_an_older_backup_is_refused_recovered_and_told_once_and_every_record_stays_intact() {
    let mut world = World::start(programs!());
    world.technician("Ana", 2);
    let ana = world.folder().join(ANA);
    let pc = world.pc("pc");
    session(&world, "pc");

    let copy = world.folder().join("copy");
    let (exit, said, errors) = relay(&world, &["backup", copy.to_str().unwrap(), "--json"]);
    assert_eq!(exit, 0, "{errors}");
    assert!(said["entries"].as_u64().unwrap() > 10, "{said}");
    let (exit, said, _) = relay(&world, &["backup", copy.to_str().unwrap(), "--json"]);
    assert_eq!((exit, &said["error"]["kind"]), (2, &"exists".into()), "what is there stays: {said}");
    let (_, later) = session(&world, "pc");
    assert!(!later.errors.contains(LOST));

    // The disk is gone; the copy comes back. It isn't started as if nothing had happened.
    world.kill_relay();
    std::fs::remove_dir_all(&world.relay_data).unwrap();
    std::fs::rename(&copy, &world.relay_data).unwrap();
    let listen = world.address.at.to_string();
    let (exit, said, errors) = relay(&world, &["serve", "--listen", &listen, "--json"]);
    assert_eq!((exit, &said["error"]["kind"]), (1, &"backup".into()), "{errors}");
    let (exit, _, errors) = relay(&world, &["auditor-key", "list", "--json"]);
    assert_eq!(exit, 1, "{errors}");
    let (exit, said, errors) = relay(&world, &["recover", "--json"]);
    assert_eq!(exit, 0, "{errors}");
    let (closed, origin) = (said["closed"].as_str().unwrap().to_owned(), said["recovered"].as_str().unwrap());
    assert_eq!(origin, format!("{closed}/2"));
    let (exit, said, _) = relay(&world, &["recover", "--json"]);
    assert_eq!((exit, &said["error"]["kind"]), (1, &"nothing-set-back".into()), "{said}");

    world.restart_relay();
    assert_eq!(all_intact(&world, &[&pc, &ana.join("sessions")]), 4, "nobody's record is worth less");
    // The first start takes the new log and ends before it could say so; that swallows nothing.
    let claim = Claim::Fork { known: Vec::new(), shown: Vec::new() };
    let against = evidence::File { statement: Vec::new(), claim };
    let against = known::keep_evidence(&Home::open(&pc, false).unwrap(), &grows(&world), &against).unwrap();
    let mut stopped = world.ask("pc");
    assert_eq!(stopped.process.exit(), 1);
    assert_eq!((is_told(&stopped, LOST), pins(&pc).len()), (false, 2), "{:?}", stopped.told());
    std::fs::remove_file(against).unwrap();
    let (agent, joined) = session(&world, "pc");
    assert!(is_told(&agent, LOST), "{:?}", agent.told());
    assert!(joined.errors.split_whitespace().collect::<Vec<_>>().join(" ").contains(LOST), "{}", joined.errors);
    let (agent, joined) = session(&world, "pc");
    assert!(!is_told(&agent, LOST), "once: {:?}", agent.told());
    assert!(!joined.errors.contains(LOST), "once: {}", joined.errors);
    assert_eq!(all_intact(&world, &[&pc, &ana.join("sessions")]), 8);

    let (exit, said, errors) = relay(&world, &["check", "--json"]);
    assert_eq!((exit, &said["verdict"]), (0, &"intact".into()), "{said} {errors}");
    let logs: Vec<_> = archives(&pc).iter().map(|(_, archive)| opens(archive)).collect();
    let quoting = logs.iter().filter_map(|(after, log)| Some((after.as_ref()?, log)));
    let quoting: Vec<_> = quoting.filter(|(after, log)| after.origin.as_str() != log.as_str()).collect();
    assert_eq!(quoting.len(), 1, "the first event of the new log quotes the old one: {logs:?}");
    assert_eq!((quoting[0].0.origin.as_str(), quoting[0].1.as_str()), (closed.as_str(), &*format!("{closed}/2")));
    assert_eq!(pins(&pc).len(), 2, "the old pin is kept");
}

#[test]
fn a_new_year_begins_a_new_log_without_a_word_and_old_receipts_are_still_proven() {
    let mut world = World::start(programs!());
    world.technician("Ana", 2);
    let ana = world.folder().join(ANA);
    let bo = world.folder().join("console-Bo");
    assert_eq!(world.somebody("console-Bo").enroll(&world.invite_as("auditor", "Bo", 1)).0, 0);
    let pc = world.pc("pc");
    session(&world, "pc");
    let (old, _) = archives(&pc).into_iter().next().unwrap();
    // She reads the beginning, and nothing more before it is pruned.
    let di = world.folder().join("console-Di");
    assert_eq!(world.somebody("console-Di").enroll(&world.invite_as("auditor", "Di", 1)).0, 0);
    assert_eq!(world.run("console", &di, ["audit", "list", "--json"], "").0, 0);
    session(&world, "pc2");
    world.kill_relay();
    let home = Home::open(&world.relay_data, true).unwrap();
    let mut store = Sqlite::open(&home.path(DATABASE).unwrap()).unwrap();
    let now = Wall::from_ms(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64);
    succeed(&home, &mut store, Succession::Year, now).unwrap();
    drop((home, store));
    world.restart_relay();
    let (agent, joined) = session(&world, "pc");
    assert!(!agent.told().iter().any(|line| line.contains("record") && line.contains("backup")), "{:?}", agent.told());
    assert!(!joined.errors.contains("backup"), "{}", joined.errors);
    assert_eq!(all_intact(&world, &[&pc, &ana.join("sessions")]), 5);

    // A record of the old log is proven anew, by its last checkpoint; what comes too late for it stays here, and says so.
    let bundle = pc.join(format!("session-{old}.zip"));
    std::fs::remove_file(&bundle).unwrap();
    let mut sign = world.spawn("agent-scripted", &pc, ["sign", &old.to_string(), "--reopen"]);
    sign.line("the question", |line| line.contains("\"asked\":\"sign\"").then_some(()));
    sign.say("sign");
    let told = sign.line("that its log is closed", |line| line.contains("is closed").then(|| line.to_owned()));
    assert!(told.contains("isn't in the record"), "{told}");
    assert_eq!(sign.exit(), 0);
    assert_eq!(all_intact(&world, &[&pc]), 2);

    let audit = || {
        let (exit, lines, errors) = world.run("console", &bo, ["audit", "verify", "--json"], "");
        assert_eq!(exit, 0, "{lines:?} {errors}");
        lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>()
    };
    let verified = audit();
    let verdicts: Vec<_> = verified.iter().map(|log| log["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["intact", "intact"], "{verified:?}");
    assert_eq!((&verified[0]["sessions"], &verified[1]["sessions"]), (&2.into(), &1.into()));

    // Who has read it keeps it; who comes after it was pruned knows its root.
    let year = (venia_proto::ledger::succession::year(now) + 1).to_string();
    let (exit, said, errors) = relay(&world, &["prune", "--before", &year, "--json"]);
    assert_eq!((exit, said["pruned"].as_array().unwrap().len()), (0, 1), "{errors}");
    assert_eq!(audit()[0]["verdict"], "intact");
    let cy = world.somebody("console-Cy");
    assert_eq!(cy.enroll(&world.invite_as("auditor", "Cy", 1)).0, 0);
    let (exit, lines, errors) = world.run("console", &cy.data, ["audit", "verify", "--json"], "");
    assert_eq!(exit, 0, "{lines:?} {errors}");
    let first: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!((&first["verdict"], &first["entries"]), (&"pruned".into(), &verified[0]["entries"]));
    let (exit, lines, errors) = world.run("console", &di, ["audit", "verify", "--json"], "");
    assert_eq!(exit, 0, "{lines:?} {errors}");
    let first: Value = serde_json::from_str(&lines[0]).unwrap();
    let told = (&first["verdict"], &first["sessions"], &first["pruned"]);
    assert_eq!(told, (&"intact".into(), &1.into(), &verified[0]["entries"]), "what was read stays, and is verified");
    let (exit, said, errors) = relay(&world, &["check", "--json"]);
    assert_eq!((exit, &said["verdict"]), (0, &"intact".into()), "{said} {errors}");
}

#[test]
fn f4_a_new_log_that_pretends_nothing_was_lost_is_refused() {
    let mut world = World::start(programs!());
    world.technician("Ana", 2);
    let pc = world.pc("pc");
    session(&world, "pc");
    an_older_folder_is_back(&mut world);
    // Somebody calls the rest a new year.
    let home = Home::open(&world.relay_data, true).unwrap();
    let mut store = Sqlite::open(&home.path(DATABASE).unwrap()).unwrap();
    succeed(&home, &mut store, Succession::Year, Wall::from_ms(0)).unwrap();
    drop((home, store));
    world.restart_relay();
    for _ in 0..2 {
        let mut agent = world.ask("pc");
        assert_eq!(agent.process.exit(), 1);
        assert!(agent.process.errors().contains("begun a new record"), "{}", agent.process.errors());
        assert_eq!(pins(&pc).len(), 1, "nothing of the new log is believed");
    }
    assert_eq!(all_intact(&world, &[&pc]), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn f4_a_relay_under_another_name_and_key_still_has_to_show_what_its_log_follows() {
    let mut world = World::start(programs!());
    world.technician("Ana", 2);
    let pc = world.pc("pc");
    session(&world, "pc");
    world.kill_relay();
    // Who holds the root begins anew: another log, another TLS key, another name, and nothing of what was.
    let fresh = Home::open(&world.folder().join("fresh"), false).unwrap();
    for kept in ["root.key", "statement"] {
        let bytes = Home::open(&world.relay_data, false).unwrap().read(kept, 64 * 1024).unwrap().unwrap();
        fresh.write(kept, &bytes).unwrap();
    }
    let options = Options {
        listen: world.address.at.to_string().parse().unwrap(),
        public: Some(format!("localhost:{}", world.address.at.port).parse().unwrap()),
        name: None,
        keep_days: None,
        limits: Limits::default(),
    };
    let running = Running::start(fresh.dir(), options).await.unwrap();
    for _ in 0..2 {
        let mut agent = world.ask("pc");
        assert_eq!(agent.process.exit(), 1);
        assert!(agent.process.errors().contains("begun a new record"), "{}", agent.process.errors());
        assert_eq!(pins(&pc).len(), 1, "nothing of the new log is believed");
    }
    running.stop().await;
    assert_eq!(all_intact(&world, &[&pc]), 1);
}

#[test]
fn f5_a_session_that_the_backup_lost_half_way_stays_unclosed_and_is_asked_about_no_more() {
    let mut world = World::start(programs!());
    world.technician("Ana", 2);
    let pc = world.pc("pc");
    session(&world, "pc");
    let copy = world.folder().join("copy");
    assert_eq!(relay(&world, &["backup", copy.to_str().unwrap(), "--json"]).0, 0);
    let mut agent = world.ask("pc");
    let mut console = world
        .somebody(ANA)
        .joining(&agent.code(), &["--run", "system.processes:seconds=10", "--outcome", "x", "--next", "y"]);
    agent.allow();
    until("a worker", || agent.process.children().first().copied());
    world.kill_relay();
    assert_eq!(Joined::of(&mut console).exit, 1);
    assert_eq!(agent.end(), 1);
    std::fs::remove_dir_all(&world.relay_data).unwrap();
    std::fs::rename(&copy, &world.relay_data).unwrap();
    assert_eq!(relay(&world, &["recover", "--json"]).0, 0);
    world.restart_relay();

    let mut again = world.ask("pc");
    again.code();
    assert!(is_told(&again, LOST), "{:?}", again.told());
    again.process.say("stop");
    assert_eq!(again.process.exit(), 1);
    let verdicts: Vec<_> = bundles(&pc)
        .iter()
        .map(|bundle| verify(&std::fs::read(bundle).unwrap(), Roots { named: Some(world.address.root), known: &[] }))
        .map(|verdict| verdict.verdict)
        .collect();
    assert_eq!(verdicts.len(), 2);
    assert!(verdicts.contains(&Finding::Intact) && verdicts.contains(&Finding::Unclosed), "{verdicts:?}");
    assert!(Journals::open(&pc).unwrap().unfinished().unwrap().is_empty(), "no start asks again");
    session(&world, "pc");
}

#[tokio::test(flavor = "multi_thread")]
async fn f4_a_recovered_log_that_forked_leaves_evidence_with_everybody_and_a_way_on() {
    let mut world = World::start(programs!());
    world.technician("Ana", 2);
    let pc = world.pc("pc");
    session(&world, "pc");
    an_older_folder_is_back(&mut world);
    // The log goes on from there: longer than what this PC saw of it.
    for _ in 0..20 {
        let options = Options {
            listen: "127.0.0.1:0".parse().unwrap(),
            public: Some(world.address.at.clone()),
            name: None,
            keep_days: None,
            limits: Limits::default(),
        };
        Running::start(&world.relay_data, options).await.unwrap().stop().await;
    }
    assert_eq!(relay(&world, &["recover", "--json"]).0, 1, "nothing tells yet that it was set back");
    world.restart_relay();
    world.relay.may_err();
    let mut agent = world.ask("pc");
    assert_eq!(agent.process.exit(), 1, "this PC does");
    world.kill_relay();
    assert_eq!(relay(&world, &["recover", "--json"]).0, 0);
    world.restart_relay();

    let contradicted = "earlier record contradicted itself";
    let (agent, joined) = session(&world, "pc");
    assert!(is_told(&agent, contradicted), "{:?}", agent.told());
    assert!(joined.errors.split_whitespace().collect::<Vec<_>>().join(" ").contains(contradicted), "{}", joined.errors);
    let (agent, _) = session(&world, "pc");
    assert!(!is_told(&agent, contradicted), "once: {:?}", agent.told());
    assert_eq!(all_intact(&world, &[&pc]), 4);
    for folder in [&pc, &world.folder().join(ANA)] {
        let found: Vec<_> =
            std::fs::read_dir(folder.join("evidence")).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        let root = world.address.root.to_string();
        let arguments = ["verify", found[0].to_str().unwrap(), "--root", &root, "--json"];
        let (exit, lines, errors) = world.run("console", folder, arguments, "");
        assert_eq!(exit, 0, "{lines:?} {errors}");
    }
}
