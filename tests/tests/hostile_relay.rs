//! A relay in the wrong hands, with all its keys: it sits in the middle of pairings, lies about what it recorded, or isn't the
//! one it says. Both sides end with the truth, nothing runs on a lie, and what was kept verifies. (SECURITY A1, B2, E, E10)
//!
//! Two histories are `gossip`'s subject; a relay that is killed or gone, `killed_relay`'s and `relay_lost`'s.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;

use venia_agent::journal::Journals;
use venia_proto::invite::Invite;
use venia_proto::ledger::kind::{Cause, Kind, Status};
use venia_proto::ledger::verify::Finding;
use venia_proto::rendezvous::{Refusal, ToRelay};
use venia_relay::client::home::Home;
use venia_tests::harness::console::Joined;
use venia_tests::harness::lying_relay::{Lie, LyingRelay};
use venia_tests::harness::middle_relay::{Manner, Met, MiddleRelay};
use venia_tests::harness::pretender::{self, Pretender};
use venia_tests::harness::visitor::Visitor;
use venia_tests::harness::world::World;
use venia_tests::harness::{until, within};
use venia_tests::programs;

const RUN: [&str; 6] = ["--run", "system.memory", "--outcome", "Looked.", "--next", "Nothing."];

/// The same number with other words.
fn guess(code: &str) -> String {
    let words = if code.contains("zebra") { "apple-apple" } else { "zebra-zebra" };
    format!("{}-{words}", code.split('-').next().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn b2_a_relay_in_the_middle_of_a_pairing_pairs_with_nobody_unless_it_hears_the_words() {
    let mut world = World::start(programs!());
    let ana = world.technician("Ana", 2).data.clone();
    drop(world.technician("Bea", 2));
    let key = *Home::open(&ana, false).unwrap().existing_key("key", "member").unwrap().unwrap().public();
    let mut relay = MiddleRelay::take_over(&mut world, key, "Ana");
    let beside = world.beside_by("Bea");
    let ana = world.somebody("console-Ana");
    let mut agent = world.ask("pc");
    for guesses in [false, true] {
        let code = agent.code();
        relay.becomes(if guesses { Manner::Guesses(guess(&code)) } else { Manner::PassesOn });
        // The technician types the right code, once.
        let joined = ana.join(&code, &RUN);
        assert_eq!((joined.exit, joined.error()), (1, "wrong-code"), "{joined:#?}");
        assert!(joined.events("paired").is_empty() && joined.events("result").is_empty(), "{joined:#?}");
        assert_eq!(within("what came of it", relay.met.recv()).await, Some(Met { agent: false, console: false }));
        agent.fed("who burnt it", |line| line.contains("Ana").then_some(()));
    }
    let burnt = std::fs::read_to_string(agent.data.join("burnt")).unwrap();
    assert_eq!(burnt.lines().filter(|line| line.contains("Ana")).count(), 2, "{burnt}");
    assert!(Journals::open(&agent.data).unwrap().sessions().unwrap().is_empty(), "nothing began");

    // Nothing but the words stands in its way: that this harness is really in the middle.
    let mut told = world.ask("pc-told");
    let code = told.code();
    relay.becomes(Manner::Knows(code.clone()));
    assert_eq!(ana.join(&code, &RUN).exit, 1);
    assert_eq!(within("what came of it", relay.met.recv()).await, Some(Met { agent: true, console: true }));
    told.process.say("stop");
    told.process.exit();

    // The person's next code, with the relay out of the way.
    relay.becomes(Manner::Honest);
    let mut console = ana.joining(&agent.code(), &RUN);
    agent.allow();
    let joined = Joined::of(&mut console);
    assert_eq!(joined.exit, 0, "{joined:#?}");
    assert_eq!(joined.events("closed")[0]["verdict"], "intact", "{joined:#?}");
    assert_eq!(agent.end(), 0);
    agent.assert_intact();
    beside.ends_untouched();
}

/// Lies that a session gets over: a slow relay, and one that says everything twice.
const HARMLESS: [Lie; 2] = [Lie::Late(Duration::from_millis(900)), Lie::Repeated];
/// Lies that are as good as no receipt.
const LIES: [Lie; 8] =
    [Lie::Silent, Lie::Refused(Refusal::Disk), Lie::Path, Lie::Index, Lie::Key, Lie::Before, Lie::Kind, Lie::Fewer];

/// Files of evidence whose names begin like this.
fn files_in(data: &Path, beginning: &str) -> usize {
    let files = std::fs::read_dir(data.join("evidence")).into_iter().flatten().flatten();
    files.filter(|file| file.file_name().to_string_lossy().starts_with(beginning)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn e1_nothing_runs_on_a_receipt_that_is_late_missing_or_doesn_t_hold() {
    let mut world = World::start(programs!());
    drop(world.technician("Bea", 2));
    let lies: Vec<(String, Lie)> =
        HARMLESS.into_iter().chain(LIES).enumerate().map(|(at, lie)| (format!("T{at}"), lie)).collect();
    for (name, _) in &lies {
        drop(world.technician(name, 2));
    }
    let relay = LyingRelay::take_over(&mut world);
    let beside = world.beside_by("Bea");
    // All at once: most of them last until somebody has waited long enough.
    let mut sessions = Vec::new();
    for (name, lie) in lies {
        let data = world.pc(&format!("pc-{name}"));
        relay.lies_to(&data, Lie::None);
        let mut agent = world.ask_in(data.clone());
        let console = world.somebody(&format!("console-{name}")).joining(&agent.code(), &RUN);
        agent.answer("arrival", "yes");
        agent.asked("consent");
        relay.lies_to(&data, lie);
        agent.process.say("allow");
        sessions.push((lie, data, agent, console));
    }
    let mut cheated = Vec::new();
    for (lie, data, mut agent, mut console) in sessions {
        let joined = Joined::of(&mut console);
        assert!(relay.lied_to(&data) > 0, "{lie:?}");
        let results: Vec<Status> = agent
            .kinds()
            .iter()
            .filter_map(|kind| if let Kind::Result { status, .. } = kind { Some(*status) } else { None })
            .collect();
        if HARMLESS.contains(&lie) {
            assert_eq!(joined.exit, 0, "{lie:?}: {joined:#?}");
            assert_eq!(agent.end(), 0, "{lie:?}");
            assert_eq!((agent.closed(), results), ((Cause::Technician, Cause::Done), vec![Status::Done]), "{lie:?}");
            agent.assert_intact();
            continue;
        }
        assert_eq!(joined.exit, 1, "{lie:?}: {joined:#?}");
        assert!(joined.events("result").iter().all(|result| result["report"].is_null()), "{lie:?}: {joined:#?}");
        // The log may hold all of it, and prove it to the technician: what it did to the agent is on record then.
        let verdict = &joined.events("closed")[0]["verdict"];
        assert!(verdict == "unclosed" || verdict == "intact", "{lie:?}: {joined:#?}");
        assert!(!results.contains(&Status::Done), "{lie:?}: {results:?}");
        assert_eq!(agent.end(), 1, "{lie:?}");
        assert_eq!(joined.events("closed")[0]["by"], "relay-withholds", "{lie:?}: {joined:#?}");
        assert_eq!(agent.closed(), (Cause::RelayWithholds, Cause::RelayWithholds), "{lie:?}");
        let tells = |words: &str| agent.told().iter().any(|line| line.contains(words));
        if lie == Lie::Before {
            // A proof that doesn't connect what it was shown is evidence, and kept: nothing this log says counts any more.
            assert!(tells("two histories"), "{:?}", agent.told());
            assert_eq!(files_in(&data, "evidence-"), 1);
        } else {
            assert!(tells("gave no receipts") && tells("The record is kept here."), "{lie:?}: {:?}", agent.told());
            assert_eq!((files_in(&data, "withheld-"), files_in(&data, "evidence-")), (1, 0), "{lie:?}");
        }
        cheated.push((lie, agent));
    }
    beside.ends_untouched();

    // An honest relay gives what was withheld, and each record is whole.
    relay.stop().await;
    given_back(&world);
    world.restart_relay();
    for (lie, agent) in cheated {
        let mut again = world.ask_in(agent.data.clone());
        if lie == Lie::Before {
            assert_eq!(again.process.exit(), 1);
            continue;
        }
        again.code();
        assert_eq!(agent.verdict().verdict, Finding::Intact, "{lie:?}: {:?}", agent.verdict());
        again.process.say("stop");
        again.process.exit();
    }
}

/// Waits until nobody listens where the relay did: the one before gives its port back a moment after its last packet.
fn given_back(world: &World) {
    until("the port", || UdpSocket::bind(world.listening()).ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a1_a_relay_that_isn_t_the_one_hears_a_greeting_and_nothing_else() {
    let mut world = World::start(programs!());
    let ana = world.technician("Ana", 2).data.clone();
    let bea = Visitor::enrolled(&world, "Bea", 2).await;
    let welcome = bea.control.welcome().clone();
    drop(bea);
    let invite = world.invite_word("Cai", 2);
    let mut agent = world.ask("pc-before");
    agent.code();
    agent.process.say("stop");
    agent.process.exit();
    world.kill_relay();
    for manner in [
        // Another organisation's relay, as a redirect to a foreign one would be; and ours, but for its key.
        pretender::Manner::Dated(welcome.ledger_time),
        pretender::Manner::Borrows(welcome.statement_note.clone(), welcome.batch.clone()),
    ] {
        given_back(&world);
        let relay = Pretender::start(Some(world.listening()), manner.clone());
        let mut agent = world.ask("pc-before");
        assert_eq!(agent.process.exit(), 1, "{manner:?}");
        assert!(!agent.told().iter().any(|line| line.starts_with("code: ")), "{manner:?}: {:?}", agent.told());
        assert!(agent.process.errors().contains("Next step"), "{}", agent.process.errors());
        let joined = world.somebody("console-Ana").join("417-zebra-zebra", &RUN);
        assert_eq!((joined.exit, joined.error()), (1, "fingerprint"), "{manner:?}: {joined:#?}");
        let invite: Invite = invite.parse().unwrap();
        let (exit, _, errors) = world.somebody("console-Cai").enroll(&invite.word());
        assert_eq!(exit, 1, "{manner:?}: {errors}");
        let heard = relay.heard();
        assert!(heard.len() >= 3, "{manner:?}: {heard:?}");
        let greeting = |said: &ToRelay| matches!(said, ToRelay::Hello { .. });
        assert!(heard.iter().all(greeting), "{manner:?}: {heard:?}");
    }
    assert!(Home::open(&ana, false).unwrap().existing_key("key", "member").unwrap().is_some());
    // The invite wasn't given away: it still works where it belongs.
    given_back(&world);
    world.restart_relay();
    let (exit, _, errors) = world.somebody("console-Cai").enroll(&invite);
    assert_eq!(exit, 0, "{errors}");
}
