//! What a relay holds of a session's words: sealed parts that the organisation's auditors open, and nobody else. (E1, E4, E5)
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::time::UNIX_EPOCH;

use venia_agent::archive::Archive;
use venia_agent::journal::{Journals, Record};
use venia_console::unseal::Auditor;
use venia_proto::foreign::Foreign;
use venia_proto::ledger::body::{Body, Said};
use venia_proto::ledger::kind::{Cause, Kind};
use venia_proto::ledger::notice::Looking;
use venia_proto::ledger::part::{Opening, PartName, RUNGS};
use venia_proto::ledger::verify::Finding;
use venia_proto::message::{BareOpening, SealAnswer, SealAsk, Signed, ToAgent};
use venia_proto::now::Wall;
use venia_proto::rendezvous::{Answer, Call, Refusal};
use venia_proto::scope::Scope;
use venia_relay::client::bulk;
use venia_relay::client::control::ControlError;
use venia_relay::client::frames;
use venia_relay::client::home::Home;
use venia_tests::harness::agent::Agent;
use venia_tests::harness::console::{Joined, files_with};
use venia_tests::harness::pretender::{Manner, Pretender};
use venia_tests::harness::until;
use venia_tests::harness::visitor::{Visit, Visitor};
use venia_tests::harness::within;
use venia_tests::harness::world::World;
use venia_tests::programs;

/// Words that must not be readable anywhere at the relay.
const PLANTED: &str = "plantedvaluexyzzy";

/// A relay whose root names one auditor.
fn world() -> (World, Auditor) {
    let world = World::start(programs!());
    let home = Home::open(&world.folder().join("auditor"), false).unwrap();
    let auditor = Auditor::of(&home).unwrap();
    world.add_auditor(&auditor.recipient());
    (world, auditor)
}

fn archive(agent: &Agent) -> Archive {
    Archive::read(&Journals::open(&agent.data).unwrap().read(agent.session()).unwrap()).unwrap()
}

/// A member who may look at records.
async fn looking(world: &World) -> Visitor {
    let invite = world.invite_as("auditor", "Berta", 1).parse().unwrap();
    let berta = Visitor::with_invite(world, &invite).await;
    let look = Call::Look { what: Looking::Search, session: None };
    assert!(matches!(within("a note of it", berta.control.call(look)).await, Ok(Answer::Noted)));
    berta
}

async fn fetched(by: &Visitor, agent: &Agent, sha256: [u8; 32]) -> Result<Vec<u8>, ControlError> {
    within("a sealed part", bulk::fetch(&by.control, agent.session(), sha256)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn e1_the_auditor_opens_every_part_and_the_relay_none() {
    let (world, auditor) = world();
    let ana = world.technician("Ana", 3);
    let mut agent = world.ask("pc");
    let about = ["--ask", "system", "--run", "system.memory", "--outcome", PLANTED, "--next", "Nothing."];
    let mut console = ana.joining(&agent.code(), &about);
    let arrival = agent.answer("arrival", "yes");
    let consent = agent.answer("consent", "allow");
    for card in [arrival, consent] {
        assert!(card.text.contains("can read this record"), "{}", card.text);
    }
    let joined = Joined::of(&mut console);
    assert_eq!(joined.exit, 0, "{joined:#?}");
    assert_eq!(agent.end(), 0);
    agent.assert_intact();

    let berta = looking(&world).await;
    let stranger = Visitor::enrolled(&world, "Carla", 1).await;
    let archive = archive(&agent);
    let (mut opened, mut theirs) = (0, 0);
    for (event, openings) in &archive.events {
        let header = event.header();
        assert_eq!(header.parts.len(), openings.len());
        for (part, opening) in header.parts.iter().zip(openings) {
            let sha256 = part.sealed.expect("sealed");
            let file = fetched(&berta, &agent, sha256).await.unwrap();
            assert!(auditor.unseal(&file, part).unwrap() == *opening, "{header:?}");
            assert!(RUNGS.contains(&opening.bytes().len()));
            assert!(
                file.len() > opening.bytes().len() && file.len() < opening.bytes().len() + 1_024,
                "padded, then sealed"
            );
            let refused = fetched(&stranger, &agent, sha256).await;
            assert!(matches!(refused, Err(ControlError::Refused(Refusal::NotAllowed))), "{refused:?}");
            opened += 1;
            theirs += usize::from(matches!(header.kind, Kind::Request | Kind::Signoff { .. }));
        }
    }
    assert!(opened >= 8 && theirs >= 2, "{opened} {theirs}");
    assert_eq!(files_with(&world.relay_data, PLANTED.as_bytes()), Vec::<std::path::PathBuf>::new());
    assert!(!files_with(&world.relay_data, b"age-encryption.org/v1").is_empty(), "and yet the parts are there");
    let list = Call::Look { what: Looking::List, session: None };
    assert!(berta.control.call(list).await.is_ok());
    let first = archive.events[0].0.header().parts[0].sealed.unwrap();
    let unsaid = fetched(&berta, &agent, first).await;
    assert!(matches!(unsaid, Err(ControlError::Refused(Refusal::NotAllowed))), "only after saying so: {unsaid:?}");
    let show = Call::Look { what: Looking::Show, session: Some(agent.session()) };
    assert!(berta.control.call(show).await.is_ok());
    assert!(fetched(&berta, &agent, first).await.is_ok());
    let unknown = fetched(&berta, &agent, [9; 32]).await;
    assert!(matches!(unknown, Err(ControlError::Refused(Refusal::NotAllowed))), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn e4_without_auditors_nothing_is_sealed_and_the_person_reads_it() {
    let world = World::start(programs!());
    let ana = world.technician("Ana", 3);
    let mut agent = world.ask("pc");
    let about = ["--ask", "system", "--run", "system.memory", "--outcome", "Looked.", "--next", "Nothing."];
    let mut console = ana.joining(&agent.code(), &about);
    let arrival = agent.answer("arrival", "yes");
    assert!(!arrival.text.contains("auditors"), "{}", arrival.text);
    assert!(agent.answer("consent", "allow").text.contains("No auditor can open this record."));
    assert_eq!(Joined::of(&mut console).exit, 0);
    assert_eq!(agent.end(), 0);
    agent.assert_intact();
    let archive = archive(&agent);
    assert!(archive.events.iter().flat_map(|(event, _)| &event.header().parts).all(|part| part.sealed.is_none()));
    assert!(archive.sealed.is_empty());
    assert!(files_with(&world.relay_data, b"age-encryption.org/v1").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a1_an_auditor_added_since_the_last_time_is_shown() {
    let world = World::start(programs!());
    let mut agent = world.ask("pc");
    agent.code();
    agent.process.say("stop");
    assert_eq!(agent.process.exit(), 1);
    let home = Home::open(&world.folder().join("auditor"), false).unwrap();
    world.add_auditor(&Auditor::of(&home).unwrap().recipient());
    let ana = Visitor::enrolled(&world, "Ana", 2).await;
    for new in [true, false] {
        let mut agent = world.ask("pc");
        let _visit = ana.arrive(&agent.code(), &[Scope::System]).await;
        let card = agent.asked("arrival").text;
        assert!(card.contains("can read this record"), "{card}");
        assert_eq!(card.contains("New since last time"), new, "{card}");
        agent.process.say("stop");
        agent.process.exit();
    }
}

/// A code may wait long. Whoever came before the auditors changed doesn't begin a session that is sealed to nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a1_an_agent_from_before_an_auditor_was_added_begins_again() {
    let world = World::start(programs!());
    let ana = Visitor::enrolled(&world, "Ana", 2).await;
    let (mut early, mut running) = (world.ask("early"), world.ask("running"));
    early.code();
    let mut visit = ana.arrive(&running.code(), &[Scope::System]).await;
    running.allow();
    let home = Home::open(&world.folder().join("auditor"), false).unwrap();
    world.add_auditor(&Auditor::of(&home).unwrap().recipient());
    // Nobody came yet: it is let go, and nothing began.
    assert_ne!(early.process.exit(), 0, "{:?}", early.told());
    assert!(Journals::open(&early.data).unwrap().sessions().unwrap().is_empty());
    // A session that runs goes on as it began.
    visit.allowed().await;
    visit.chat("Hello.").await;
    running.process.say("stop");
    assert_eq!(running.end(), 0);
    running.assert_intact();
    let mut again = world.ask("early");
    let _visit = ana.arrive(&again.code(), &[Scope::System]).await;
    assert!(again.asked("arrival").text.contains("can read this record"));
    again.process.say("stop");
    again.process.exit();
}

#[tokio::test(flavor = "multi_thread")]
async fn e4_no_code_is_shown_when_an_auditor_cant_be_sealed_to() {
    let world = World::start(programs!());
    let now = Wall::from_ms(i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap());
    let relay = Pretender::start(None, Manner::Audited(now, "age1notarecipient"));
    let arguments = ["ask", "--relay", &relay.address.to_string(), "--about", "It is slow."];
    let (exit, lines, errors) = world.run("agent-scripted", &world.folder().join("pc"), arguments, "");
    assert_eq!(exit, 1);
    assert!(errors.contains("names an auditor"), "{errors}");
    assert!(!lines.iter().any(|line| line.contains("code: ")), "{lines:?}");
}

/// A session with an auditor in which the person has allowed the offer.
async fn session(world: &World, pc: &str) -> (Agent, Visitor, Visit) {
    let visitor = Visitor::enrolled(world, pc, 2).await;
    let mut agent = world.ask(pc);
    let mut visit = visitor.arrive(&agent.code(), &[Scope::System]).await;
    agent.allow();
    visit.allowed().await;
    (agent, visitor, visit)
}

/// A chat line that names this sealed file.
fn line(visit: &mut Visit, sealed: impl FnOnce([u8; 32]) -> Option<[u8; 32]>, random: [u8; 32]) -> Signed {
    let plaintext = Body::Said(Said { text: Foreign::new("hello") }).encode().unwrap();
    let opening = Opening::make(random, &plaintext).unwrap();
    let part = opening.part(PartName::Body, sealed(opening.commit()));
    let event = visit.author.write(Kind::Chat, &[part], Wall::from_ms(0), &visit.key);
    visit.openings.insert(opening.commit(), opening.bytes().to_vec());
    visit.events.insert(event.leaf(), event.clone());
    Signed { note: event.bytes().to_vec(), openings: vec![BareOpening { random, plaintext }] }
}

/// Has the words of [`line`] sealed.
async fn sealed(visit: &Visit, random: [u8; 32]) -> [u8; 32] {
    let plaintext = Body::Said(Said { text: Foreign::new("hello") }).encode().unwrap();
    let (mut send, mut receive) = frames::open::<SealAsk, SealAnswer>(&visit.connection).await.unwrap();
    send.send(&SealAsk { openings: vec![BareOpening { random, plaintext }] }).await.unwrap();
    let answer = within("the hash of a sealed file", receive.expect()).await.unwrap();
    assert_eq!(answer.sealed.len(), 1);
    answer.sealed[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn e1_a_technician_who_names_another_file_is_refused() {
    let (world, _auditor) = world();
    for (pc, lie) in [("never-sealed", 0_u8), ("none", 1), ("another", 2), ("words-of-another", 3)] {
        let (mut agent, _visitor, mut visit) = session(&world, pc).await;
        let hash = if lie == 0 { [5; 32] } else { sealed(&visit, [1; 32]).await };
        let signed = match lie {
            0 | 3 => line(&mut visit, |_| Some(hash), [2; 32]),
            1 => line(&mut visit, |_| None, [1; 32]),
            _ => line(&mut visit, |_| Some([6; 32]), [1; 32]),
        };
        visit.send(&ToAgent::Chat(signed)).await;
        assert_eq!(visit.closed().await, (Cause::Misbehaviour, Cause::Misbehaviour), "{pc}");
        assert_eq!(agent.end(), 1, "{pc}");
        assert!(!agent.kinds().iter().any(|kind| matches!(kind, Kind::Chat)), "{pc}");
        agent.assert_intact();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e6_a_technician_has_only_so_much_sealed_that_it_never_signs() {
    let (world, _auditor) = world();
    let (mut agent, _visitor, mut visit) = session(&world, "pc").await;
    for n in 0..8 {
        sealed(&visit, [n; 32]).await;
    }
    // The same words again take no more room, and the next ones end the session.
    let signed = {
        let hash = sealed(&visit, [0; 32]).await;
        line(&mut visit, |_| Some(hash), [0; 32])
    };
    visit.send(&ToAgent::Chat(signed)).await;
    agent.fed("the line", |told| told.contains("hello").then_some(()));
    sealed(&visit, [100; 32]).await;
    let (mut send, _receive) = frames::open::<SealAsk, SealAnswer>(&visit.connection).await.unwrap();
    let openings = vec![BareOpening { random: [101; 32], plaintext: b"{}".to_vec() }];
    send.send(&SealAsk { openings }).await.unwrap();
    assert_eq!(visit.closed().await, (Cause::Misbehaviour, Cause::Misbehaviour));
}

#[tokio::test(flavor = "multi_thread")]
async fn e1_after_a_crash_the_relay_gets_the_same_sealed_files() {
    let (mut world, auditor) = world();
    let visitor = Visitor::enrolled(&world, "Ana", 2).await;
    let mut agent = world.ask("pc");
    let _visit = visitor.arrive(&agent.code(), &[Scope::System]).await;
    agent.asked("arrival");
    let journals = Journals::open(&agent.data).unwrap();
    let session = agent.session();
    let kept = || {
        let records = journals.read(session).map(|replay| replay.records).unwrap_or_default();
        records.into_iter().filter(|record| matches!(record, Record::Sealed { .. })).collect::<Vec<_>>()
    };
    let recorded = kept().len();
    assert!(recorded >= 2, "open and join");
    world.kill_relay();
    agent.process.say("yes");
    until("the answer in the journal", || (kept().len() > recorded).then_some(()));
    agent.process.kill();
    let before = kept();

    world.restart_relay();
    let mut again = world.ask("pc");
    again.code();
    assert_eq!(agent.closed(), (Cause::Crash, Cause::Crash));
    assert_eq!(agent.verdict().verdict, Finding::Intact);
    assert_eq!(kept()[..before.len()], before);
    let berta = looking(&world).await;
    for (event, openings) in &archive(&agent).events {
        for (part, opening) in event.header().parts.iter().zip(openings) {
            let file = fetched(&berta, &agent, part.sealed.unwrap()).await.unwrap();
            assert!(auditor.unseal(&file, part).unwrap() == *opening);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e6_only_a_sessions_agent_brings_its_parts() {
    let (world, _auditor) = world();
    let (agent, visitor, visit) = session(&world, "pc").await;
    let part = b"no part".to_vec();
    for session in [visit.session, venia_proto::id::SessionId([7; 16])] {
        let refused = within("a refusal", bulk::upload(&visitor.control, session, std::slice::from_ref(&part))).await;
        assert!(matches!(refused, Err(ControlError::Refused(Refusal::NotAllowed))), "{refused:?}");
    }
    // A participant gets the parts of its own session; the control stream goes on beside the others.
    let first = archive(&agent).events[0].0.header().parts[0].sealed.unwrap();
    assert!(fetched(&visitor, &agent, first).await.is_ok());
    assert!(visitor.control.call(Call::Renew).await.is_ok());
}
