//! However a session ends, the technician's own copy is whole: the program waits for the agent's close. (COMMANDS, `join`)
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use serde_json::Value;
use venia_proto::key::SigningKey;
use venia_proto::ledger::bundle::Bundle;
use venia_proto::ledger::verify::{Finding, Roots, verify};
use venia_proto::statement::{Statement, WitnessKey};
use venia_tests::harness::console::Joined;
use venia_tests::harness::world::World;
use venia_tests::programs;

const LOOK: [&str; 6] = ["--run", "system.memory", "--outcome", "Looked.", "--next", "Nothing."];

/// What `closed` said, and the bundle it named.
#[track_caller]
fn kept(joined: &Joined) -> (&Value, Vec<u8>) {
    let closed = joined.events("closed")[0];
    let bundle = std::fs::read(closed["bundle"].as_str().unwrap()).unwrap();
    (closed, bundle)
}

#[test]
fn the_technicians_copy_is_whole_after_a_no_a_refusal_and_silence() {
    let world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    for (pc, arrival, card) in [("no", "no", None), ("denied", "yes", Some("deny")), ("gone", "yes", None)] {
        let mut agent = world.ask(pc);
        let mut console = ana.joining(&agent.code(), &LOOK);
        agent.answer("arrival", arrival);
        match card {
            Some(answer) => drop(agent.answer("consent", answer)),
            None if arrival == "yes" => {
                agent.asked("consent");
                // Nobody can be asked any more: silence, which is no.
                agent.process.say("gone");
            }
            None => {}
        }
        let joined = Joined::of(&mut console);
        assert_eq!(joined.exit, 1, "{pc}: {joined:#?}");
        let (closed, bundle) = kept(&joined);
        assert_eq!(closed["verdict"], "intact", "{pc}: {joined:#?}");
        let verdict = verify(&bundle, Roots { named: Some(world.address.root), known: &[] });
        assert_eq!(verdict.verdict, Finding::Intact, "{pc}: {verdict:?}");
    }
}

/// Connections keep the statement they were welcomed with, so the two sides of a session may know different ones.
#[test]
fn both_copies_carry_the_statement_that_the_session_began_with() {
    let world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    let mut agent = world.ask("pc");
    let code = agent.code();
    let key = SigningKey::new("witness", [8; 32]);
    let witness = WitnessKey { name: key.verifier().name.clone(), key: *key.public() }.to_string();
    let add = ["witness-key", "add", &witness, "http://127.0.0.1:9"];
    let (exit, _, errors) = world.run("relay", &world.relay_data, add, "");
    assert_eq!(exit, 0, "{errors}");
    let mut console = ana.joining(&code, &LOOK);
    agent.answer("arrival", "yes");
    agent.answer("consent", "allow");
    let joined = Joined::of(&mut console);
    assert_eq!(joined.exit, 0, "{joined:#?}");
    assert_eq!(agent.end(), 0);
    agent.assert_intact();
    let (closed, bundle) = kept(&joined);
    assert_eq!(closed["verdict"], "intact", "{joined:#?}");
    let bundle = Bundle::from_zip(&bundle).unwrap();
    let statement = Statement::open(&bundle.statement, &world.address.root).unwrap();
    assert!(statement.witnesses.is_empty(), "{statement:?}");
}
