//! Erasing, by the real programs from end to end: the ciphertext is in no file of the relay any more, the technician's
//! program deletes its words and says so, the person keeps theirs, and every record still verifies. (SECURITY E11)
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::path::Path;

use serde_json::Value;
use venia_agent::archive::Archive;
use venia_agent::journal::Journals;
use venia_console::unseal::Auditor;
use venia_proto::ledger::notice::Looking;
use venia_proto::ledger::verify::{Finding, Roots, Verdict, verify};
use venia_proto::rendezvous::{Answer, Call};
use venia_relay::client::bulk;
use venia_relay::client::home::Home;
use venia_tests::harness::console::{Joined, files_with};
use venia_tests::harness::visitor::Visitor;
use venia_tests::harness::within;
use venia_tests::harness::world::World;
use venia_tests::programs;

/// Said by the technician, and found wherever words are in the clear.
const PLANTED: &str = "plantedvaluexyzzy";
/// Bytes of a sealed file that are looked for together: no two files share them, and a database page holds them whole
/// more often than not.
const CHUNK: usize = 96;

/// `venia-relay … --json`, beside the running relay.
fn relay(world: &World, arguments: &[&str]) -> Value {
    let (exit, lines, errors) = world.run("relay", &world.relay_data, arguments.iter().copied(), "");
    assert_eq!(exit, 0, "{arguments:?}: {errors}");
    serde_json::from_str(&lines.concat()).unwrap()
}

/// How many pieces of these sealed files stand anywhere in the relay's folder: database, side files, free pages.
fn pieces(world: &World, sealed: &[Vec<u8>]) -> usize {
    sealed
        .iter()
        .flat_map(|file| file.chunks_exact(CHUNK))
        .filter(|c| !files_with(&world.relay_data, c).is_empty())
        .count()
}

fn verdict(world: &World, bundle: &Path) -> Verdict {
    verify(&std::fs::read(bundle).unwrap(), Roots { named: Some(world.address.root), known: &[] })
}

#[tokio::test(flavor = "multi_thread")]
async fn e11_what_is_erased_is_gone_and_every_record_still_verifies() {
    let world = World::start(programs!());
    let auditor = Auditor::of(&Home::open(&world.folder().join("auditor"), false).unwrap()).unwrap();
    world.add_auditor(&auditor.recipient());
    let ana = world.technician("Ana", 3);
    let mut agent = world.ask("pc");
    let about = ["--ask", "system", "--run", "system.memory", "--outcome", PLANTED, "--next", "Nothing."];
    let mut console = ana.joining(&agent.code(), &about);
    agent.allow();
    assert_eq!(Joined::of(&mut console).exit, 0);
    assert_eq!(agent.end(), 0);

    // What the auditor could open.
    let berta = Visitor::with_invite(&world, &world.invite_as("auditor", "Berta", 1).parse().unwrap()).await;
    let look = || async {
        let search = Call::Look { what: Looking::Search, session: None };
        assert!(matches!(within("a note of it", berta.control.call(search)).await, Ok(Answer::Noted)));
    };
    look().await;
    let session = agent.session();
    let archive = Archive::read(&Journals::open(&agent.data).unwrap().read(session).unwrap()).unwrap();
    let parts: Vec<_> = archive.events.iter().flat_map(|(event, _)| event.header().parts.clone()).collect();
    let mut sealed = Vec::new();
    for part in &parts {
        let hash = part.sealed.unwrap();
        let file = within("a sealed part", bulk::fetch(&berta.control, session, hash)).await.unwrap();
        auditor.unseal(&file, part).unwrap();
        sealed.push(file);
    }
    let before = pieces(&world, &sealed);
    assert!(before > sealed.len() * 5, "{before} pieces of {} files were found", sealed.len());
    let record = ana.data.join("sessions").join(format!("session-{session}.zip"));
    assert!(!files_with(&ana.data, PLANTED.as_bytes()).is_empty(), "the technician's own words");
    assert_eq!((verdict(&world, &record).verdict, agent.verdict().verdict), (Finding::Intact, Finding::Intact));
    let held = verdict(&world, &record).withheld;

    relay(&world, &["erase", &session.to_string(), "--json"]);

    assert_eq!(pieces(&world, &sealed), 0, "database, write-ahead log, shared memory and free pages");
    assert_eq!(files_with(&world.relay_data, PLANTED.as_bytes()), Vec::<std::path::PathBuf>::new());
    look().await;
    for part in &parts {
        let gone = within("a refusal", bulk::fetch(&berta.control, session, part.sealed.unwrap())).await;
        assert!(gone.is_err(), "{gone:?}");
    }

    // Nobody has obeyed yet; at its next connection the technician's program does, and says so.
    let obeyed = |list: &Value| {
        let members = list["erasures"][0]["members"].as_array().unwrap().clone();
        assert!(!members.is_empty(), "{list}");
        members.iter().filter(|member| member.to_string().contains("true")).count()
    };
    let list = relay(&world, &["erase", "--list", "--json"]);
    assert_eq!(obeyed(&list), 0, "{list}");
    let (exit, _, errors) = world.run("console", &ana.data, ["refresh", "--json"], "");
    assert_eq!(exit, 0, "{errors}");
    let list = relay(&world, &["erase", "--list", "--json"]);
    assert!(obeyed(&list) > 0, "{list}");
    assert_eq!(files_with(&ana.data, PLANTED.as_bytes()), Vec::<std::path::PathBuf>::new(), "deleted");
    let after = verdict(&world, &record);
    assert_eq!(after.verdict, Finding::Intact, "{after:?}");
    assert_eq!(after.withheld, parts.len() as u64, "before it were {held}");

    // The person's own copy is theirs.
    assert!(!files_with(&agent.data, PLANTED.as_bytes()).is_empty());
    let own = agent.verdict();
    assert_eq!((own.verdict, own.withheld), (Finding::Intact, 0), "{own:?}");

    // Again, and after a restart: nothing comes back.
    let mut world = world;
    relay(&world, &["erase", &session.to_string(), "--json"]);
    world.kill_relay();
    world.restart_relay();
    assert_eq!(pieces(&world, &sealed), 0);
}
