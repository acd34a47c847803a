//! A full disk: no log, no run, said plainly. As root alone, since it takes a small file system of its own.

use venia_proto::ledger::kind::{Cause, Kind};
use venia_proto::scope::Scope;
use venia_tests::harness::console::Joined;
use venia_tests::harness::disk::SmallDisk;
use venia_tests::harness::visitor::Visitor;
use venia_tests::harness::world::World;
use venia_tests::programs;

#[tokio::test(flavor = "multi_thread")]
async fn a_pc_whose_disk_fills_up_runs_nothing_more() {
    let Some(disk) = SmallDisk::mount("8m") else { return };
    let world = World::start(programs!());
    let ana = Visitor::enrolled(&world, "Ana", 2).await;
    let data = disk.path().join("pc");
    let home = venia_relay::client::home::Home::open(&data, false).unwrap();
    venia_agent::known::remember_root(&home, &world.address.root).unwrap();
    let mut agent = world.ask_in(data);
    let mut visit = ana.arrive(&agent.code(), &[Scope::System]).await;
    agent.allow();
    visit.allowed().await;
    disk.fill();
    visit.run("system.memory", &[]).await;
    assert_eq!(visit.closed().await, (Cause::Disk, Cause::Disk));
    agent.fed("what happened", |line| line.contains("could not keep a record").then_some(()));
    assert_eq!(agent.process.exit(), 1);
    assert_eq!(agent.closed(), (Cause::Disk, Cause::Disk));
    assert!(!agent.kinds().iter().any(|kind| matches!(kind, Kind::Result { .. })));
    // There is room again: what could still be written is a whole record.
    disk.empty();
    let mut again = world.ask_in(agent.data.clone());
    again.code();
    agent.assert_intact();
}

#[test]
fn a_pc_whose_disk_is_full_begins_nothing() {
    let Some(disk) = SmallDisk::mount("8m") else { return };
    let world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    let data = disk.path().join("pc");
    let home = venia_relay::client::home::Home::open(&data, false).unwrap();
    venia_agent::known::remember_root(&home, &world.address.root).unwrap();
    let mut agent = world.ask_in(data);
    let code = agent.code();
    disk.fill();
    let joined = ana.join(&code, &["--ask", "system"]);
    assert_eq!(joined.exit, 1, "{joined:#?}");
    assert!(joined.events("consent").is_empty(), "{joined:#?}");
    assert_eq!(agent.process.exit(), 1);
    assert!(agent.process.errors().contains("disk"), "{}", agent.process.errors());
    assert!(!agent.process.printed().iter().any(|line| line.contains("asked")), "{:?}", agent.process.printed());
}

#[test]
fn a_relay_whose_disk_is_full_records_nothing_so_nothing_begins() {
    let Some(disk) = SmallDisk::mount("96m") else { return };
    let temporary = tempfile::tempdir().unwrap();
    let world = World::with_relay_in(programs!(), temporary, disk.path().join("relay"), "warn");
    let ana = world.technician("Ana", 2);
    let invite = world.invite_word("Bea", 2);
    let mut agent = world.ask("pc");
    let code = agent.code();
    disk.fill();
    let (exit, said, errors) = world.somebody("bea").enroll(&invite);
    assert_eq!((exit, &said["error"]["kind"]), (1, &"disk".into()), "{errors}");
    let mut console = ana.joining(&code, &["--run", "system.memory", "--outcome", "Looked.", "--next", "Nothing."]);
    let joined = Joined::of(&mut console);
    assert_eq!(joined.exit, 1, "{joined:#?}");
    assert!(joined.events("result").is_empty() && joined.events("consent").is_empty(), "{joined:#?}");
    assert_eq!(agent.process.exit(), 1);
    assert!(!agent.process.printed().iter().any(|line| line.contains(r#""asked""#)), "no card without a log");
    disk.empty();
    assert_eq!(world.somebody("bea").enroll(&invite).0, 0, "it goes on when there is room");
}
