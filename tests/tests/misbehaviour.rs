//! A technician whose program doesn't keep the rules: refused, recorded, closed; never obeyed. (ARCHITECTURE 3, rule 6)

use venia_proto::foreign::Foreign;
use venia_proto::id::Strand;
use venia_proto::key::SigningKey;
use venia_proto::ledger::body::{Body, Request, Said};
use venia_proto::ledger::kind::{Cause, Kind, Status, Why};
use venia_proto::ledger::strand::Author;
use venia_proto::ledger::verify::Finding;
use venia_proto::message::{Signed, ToAgent};
use venia_proto::scope::Scope;
use venia_tests::harness::agent::Agent;
use venia_tests::harness::visitor::{Visit, Visitor};
use venia_tests::harness::world::World;
use venia_tests::programs;

async fn session(world: &World, name: &str, level: u8) -> (Agent, Visitor, Visit) {
    let visitor = Visitor::enrolled(world, name, level).await;
    let mut agent = world.ask(&format!("pc-{name}"));
    let mut visit = visitor.arrive(&agent.code(), &[Scope::System]).await;
    agent.allow();
    visit.allowed().await;
    (agent, visitor, visit)
}

async fn refused(visit: &mut Visit) -> Why {
    visit.event("a refusal", |kind, _| if let Kind::Refuse { why, .. } = kind { Some(*why) } else { None }).await
}

/// Both sides agree that the technician's program broke the rules, and nothing ran.
async fn misbehaved(agent: &mut Agent, visitor: &Visitor, visit: &mut Visit, what: &str) {
    assert_eq!(visit.closed().await, (Cause::Misbehaviour, Cause::Misbehaviour), "{what}");
    assert_eq!(agent.end(), 1, "{what}");
    assert_eq!(agent.closed(), (Cause::Misbehaviour, Cause::Misbehaviour), "{what}");
    let kinds = agent.kinds();
    assert!(!kinds.iter().any(|kind| matches!(kind, Kind::Admit { .. } | Kind::Result { .. })), "{what}: {kinds:?}");
    agent.assert_intact();
    let verdict = visit.verdict(visitor).await;
    assert_eq!(verdict.verdict, Finding::Intact, "{what}: {verdict:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn running_what_isnt_allowed_is_refused_recorded_and_closed() {
    let world = World::start(programs!());
    for (name, level, item, arguments, why) in [
        ("outside", 5, "network.dns", [].as_slice(), Why::OutsideGrant),
        ("above", 1, "system.services", &[], Why::Level),
        ("arguments", 5, "system.processes", &[("seconds", "11")], Why::Arguments),
        ("parameter", 5, "system.processes", &[("command", "id")], Why::Arguments),
    ] {
        let (mut agent, visitor, mut visit) = session(&world, name, level).await;
        visit.run(item, arguments).await;
        assert_eq!(refused(&mut visit).await, why, "{name}");
        misbehaved(&mut agent, &visitor, &mut visit, name).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn running_before_the_person_knows_who_is_there_is_misbehaviour() {
    let world = World::start(programs!());
    let visitor = Visitor::enrolled(&world, "Ana", 5).await;
    let mut agent = world.ask("pc");
    let mut visit = visitor.arrive(&agent.code(), &[Scope::System]).await;
    agent.asked("arrival");
    visit.run("system.memory", &[]).await;
    assert_eq!(visit.closed().await, (Cause::Misbehaviour, Cause::Misbehaviour));
    assert_eq!(agent.process.exit(), 1);
    assert!(!agent.kinds().iter().any(|kind| matches!(kind, Kind::Admit { .. })));
    agent.assert_intact();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_item_is_refused_and_the_session_goes_on() {
    let world = World::start(programs!());
    let (mut agent, visitor, mut visit) = session(&world, "Ana", 2).await;
    visit.run("system.crystal-ball", &[]).await;
    assert_eq!(refused(&mut visit).await, Why::UnknownItem);
    // An item whose definition is another one than the agent's is unknown too.
    let signed = visit.write(
        Kind::Request,
        &Body::Request(Request {
            item: venia_proto::ledger::body::ItemId("system.memory".to_owned()),
            definition: venia_proto::ledger::body::DefinitionHash("0".repeat(64)),
            arguments: [].into(),
            why: Foreign::new(""),
        }),
    );
    visit.send(&ToAgent::Run(signed)).await;
    assert_eq!(refused(&mut visit).await, Why::UnknownItem);
    visit.run("system.memory", &[]).await;
    let status = visit
        .event("a result", |kind, _| if let Kind::Result { status, .. } = kind { Some(*status) } else { None })
        .await;
    assert_eq!(status, Status::Done);
    visit.sign_off().await;
    assert_eq!(visit.closed().await, (Cause::Technician, Cause::Done));
    assert_eq!(agent.end(), 0);
    agent.assert_intact();
    assert_eq!(visit.verdict(&visitor).await.verdict, Finding::Intact);
}

fn line(text: &str) -> Body {
    Body::Said(Said { text: Foreign::new(text) })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_isnt_the_technicians_next_one_ends_the_session() {
    type Make = fn(&mut Visit) -> Vec<ToAgent>;
    let forged: [(&str, Make); 9] = [
        ("key", |visit| {
            let name = visit.key.verifier().name.clone();
            let other = SigningKey::new("member", [42; 32]).named(name);
            vec![ToAgent::Chat(visit.write_as(Kind::Chat, &line("hello"), &other))]
        }),
        ("prev", |visit| {
            let mut fork = visit.author.clone();
            let real = visit.write(Kind::Chat, &line("real"));
            std::mem::swap(&mut fork, &mut visit.author);
            visit.write(Kind::Chat, &line("never sent"));
            let next = visit.write(Kind::Chat, &line("on nothing"));
            vec![ToAgent::Chat(real), ToAgent::Chat(next)]
        }),
        ("gap", |visit| {
            visit.write(Kind::Chat, &line("never sent"));
            vec![ToAgent::Chat(visit.write(Kind::Chat, &line("second")))]
        }),
        ("replay", |visit| {
            let signed = visit.write(Kind::Chat, &line("twice"));
            vec![ToAgent::Chat(signed.clone()), ToAgent::Chat(signed)]
        }),
        ("words", |visit| {
            let Signed { note, mut openings } = visit.write(Kind::Chat, &line("said"));
            openings[0].plaintext = line("something else").encode().unwrap();
            vec![ToAgent::Chat(Signed { note, openings })]
        }),
        ("wordless", |visit| {
            let Signed { note, .. } = visit.write(Kind::Chat, &line("said"));
            vec![ToAgent::Chat(Signed { note, openings: Vec::new() })]
        }),
        ("name", |visit| {
            let mut agents = Author::new(visit.session, Strand::Agent);
            std::mem::swap(&mut agents, &mut visit.author);
            let signed = visit.write(Kind::Chat, &line("as the agent"));
            std::mem::swap(&mut agents, &mut visit.author);
            vec![ToAgent::Chat(signed)]
        }),
        ("frame", |visit| vec![ToAgent::Run(visit.write(Kind::Chat, &line("a chat is no request")))]),
        ("pairing", |_| vec![ToAgent::PairConfirm { mac: [0; 32] }]),
    ];
    let world = World::start(programs!());
    for (name, make) in forged {
        let (mut agent, _visitor, mut visit) = session(&world, name, 5).await;
        for message in make(&mut visit) {
            visit.send(&message).await;
        }
        assert_eq!(visit.closed().await, (Cause::Misbehaviour, Cause::Misbehaviour), "{name}");
        assert_eq!(agent.end(), 1, "{name}");
        assert_eq!(agent.closed(), (Cause::Misbehaviour, Cause::Misbehaviour), "{name}");
        agent.assert_intact();
    }
}
