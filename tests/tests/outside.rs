//! Records of real sessions, as both sides keep them, in other people's hands: the short verifier of docs/, which shares no
//! code with ours, says the same of them, and of each with a byte wrong.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use venia_console::unseal::Auditor;
use venia_proto::ledger::verify::{Finding, Roots, verify};
use venia_relay::client::home::Home;
use venia_tests::harness::agent::Agent;
use venia_tests::harness::console::Joined;
use venia_tests::harness::until;
use venia_tests::harness::world::World;
use venia_tests::programs;
use venia_tests::sim::random::Random;

/// Bytes of each bundle that are changed, one at a time.
const CHANGES: usize = 40;
/// Those among them the short verifier is asked about: each is a process of its own.
const OUTSIDE: usize = 4;

/// `python3 docs/verify.py FILE ROOT`: exit code, and what it said.
fn outside(world: &World, bundle: &Path) -> (Option<i32>, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/verify.py");
    let root = world.address.root.to_string();
    let run = Command::new("python3").arg(script).arg(bundle).arg(root).output().unwrap();
    (run.status.code(), String::from_utf8([run.stdout, run.stderr].concat()).unwrap())
}

/// The person's bundle and, if there is one, the technician's.
fn bundles(agent: &Agent, technician: &Path) -> Vec<PathBuf> {
    let name = format!("session-{}.zip", agent.session());
    let both = [agent.data.join(&name), technician.join("sessions").join(&name)];
    both.into_iter().filter(|bundle| bundle.exists()).collect()
}

/// Both verifiers say that it is whole, and find every byte that is changed.
fn holds(what: &str, world: &World, bundle: &Path, random: &mut Random) {
    let good = std::fs::read(bundle).unwrap();
    let ours = |zip: &[u8]| verify(zip, Roots { named: Some(world.address.root), known: &[] });
    let verdict = ours(&good);
    assert_eq!(verdict.verdict, Finding::Intact, "{what}: {verdict:?}");
    let (code, said) = outside(world, bundle);
    assert_eq!((code, said.trim()), (Some(0), "intact"), "{what}");
    for change in 0..CHANGES {
        let at = usize::try_from(random.between(0, good.len() as u64 - 1)).unwrap();
        let mut bad = good.clone();
        bad[at] ^= 1 << random.between(0, 7);
        let verdict = ours(&bad);
        assert_eq!(verdict.verdict, Finding::Broken, "{what}, byte {at}: {verdict:?}");
        if change < OUTSIDE {
            let changed = world.folder().join("changed.zip");
            std::fs::write(&changed, &bad).unwrap();
            let (code, said) = outside(world, &changed);
            assert_eq!(code, Some(1), "{what}, byte {at}: {said}");
        }
    }
}

#[test]
fn real_records_hold_for_whoever_checks_them() {
    let world = World::start(programs!());
    let mut random = Random::new(std::env::var("VENIA_SEED").map_or(1, |seed| seed.parse().unwrap()));
    let ana = world.technician("Ana", 3);
    let work = ["--ask", "system", "--run", "system.memory", "--outcome", "Looked at memory.", "--next", "Nothing."];
    let mut checked = 0;
    let mut check = |what: &str, world: &World, agent: &Agent| {
        for bundle in bundles(agent, &ana_folder(world)) {
            holds(what, world, &bundle, &mut random);
            checked += 1;
        }
    };

    // Twice on one PC: the second record begins with a checkpoint of the first, and an auditor was named in between.
    for (pc, what) in [("pc", "the first"), ("pc-sealed", "sealed")] {
        if what == "sealed" {
            let home = Home::open(&world.folder().join("auditor"), false).unwrap();
            world.add_auditor(&Auditor::of(&home).unwrap().recipient());
        }
        let mut agent = world.ask(pc);
        let mut console = ana.joining(&agent.code(), &work);
        agent.allow();
        assert_eq!(Joined::of(&mut console).exit, 0);
        agent.answer("sign", "sign");
        while let Some(line) = agent.process.next_line() {
            let said: Value = serde_json::from_str(&line).unwrap_or_default();
            if said["asked"] == "free" {
                agent.process.say("skip");
            }
        }
        check(what, &world, &agent);
    }

    let mut agent = world.ask("pc-denied");
    let mut console = ana.joining(&agent.code(), &work);
    agent.answer("arrival", "yes");
    agent.answer("consent", "deny");
    Joined::of(&mut console);
    agent.process.say("stop");
    while agent.process.next_line().is_some() {
        agent.process.say("not now");
    }
    // Told no, the technician's program left before the end; the relay tells it the rest.
    assert_eq!(world.run("console", &ana.data, ["refresh", "--json"], "").0, 0);
    check("denied and stopped", &world, &agent);

    let mut agent = world.ask("pc-killed");
    let watch = ["--run", "system.processes:seconds=10", "--outcome", "Looked.", "--next", "Nothing."];
    let console = ana.joining(&agent.code(), &watch);
    agent.allow();
    until("a worker", || agent.process.children().first().copied());
    agent.process.kill();
    drop(console);
    let mut again = world.ask("pc-killed");
    again.code();
    check("killed in the middle of a run", &world, &agent);
    assert!(checked >= 6, "{checked} bundles");
}

fn ana_folder(world: &World) -> PathBuf {
    world.folder().join("console-Ana")
}
