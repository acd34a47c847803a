//! A technician's program that speaks the wire and lies, with the shipped agent at the other end and an honest session
//! beside it: refused, on record where it belongs, and nobody else notices. (SECURITY A3, D3, D5, D6)
//!
//! Not here: codes that are guessed (`hostile_codes`), single events and bytes that are wrong (`misbehaviour`, `bad_bytes`), and
//! packets (`hostile_packets`).
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::time::Duration;

use tokio::time::timeout;
use venia_agent::journal::Journals;
use venia_proto::foreign::{Foreign, REASON_MAX};
use venia_proto::id::SessionId;
use venia_proto::ledger::body::{Body, Consent, Language, Offer, Said};
use venia_proto::ledger::kind::{Answer as Yes, Cause, Kind, Status, Why};
use venia_proto::ledger::verify::Finding;
use venia_proto::message::{PairRefusal, Signed, ToAgent};
use venia_proto::rendezvous::{Call, Refusal};
use venia_proto::scope::Scope;
use venia_proto::session::agent::{CARDS_WAITING_MAX, EVENTS_PER_MINUTE};
use venia_proto::statement::Member;
use venia_relay::client::control::{Control, ControlError};
use venia_relay::client::home::Home;
use venia_relay::client::link::{Link, Role};
use venia_relay::client::tls::Expected;
use venia_tests::harness::agent::Agent;
use venia_tests::harness::visitor::{Visit, Visitor};
use venia_tests::harness::within;
use venia_tests::harness::world::World;
use venia_tests::programs;

/// How long something that mustn't happen is given to happen.
const QUIET: Duration = Duration::from_millis(500);
/// What an agent may take on top of what it took before, in bytes, whatever it is flooded with.
const MARGIN: u64 = 24 << 20;

fn number(code: &str) -> u32 {
    code.split('-').next().unwrap().parse().unwrap()
}

/// A session in which everything about the system is allowed.
async fn session(world: &World, name: &str) -> (Agent, Visitor, Visit) {
    let visitor = Visitor::enrolled(world, name, 2).await;
    let mut agent = world.ask(&format!("pc-{name}"));
    let mut visit = visitor.arrive(&agent.code(), &[Scope::System]).await;
    agent.allow();
    visit.allowed().await;
    (agent, visitor, visit)
}

async fn result(visit: &mut Visit) -> Status {
    visit.event("a result", |kind, _| if let Kind::Result { status, .. } = kind { Some(*status) } else { None }).await
}

/// Both sides have on record that the technician's program broke the rules, and so many runs before it; both bundles are
/// intact.
async fn misbehaved(agent: &mut Agent, visitor: &Visitor, visit: &mut Visit, runs: usize, what: &str) {
    let broke = (Cause::Misbehaviour, Cause::Misbehaviour);
    assert_eq!(visit.closed().await, broke, "{what}");
    assert_eq!(agent.end(), 1, "{what}");
    assert_eq!(agent.closed(), broke, "{what}");
    let kinds = agent.kinds();
    assert_eq!(kinds.iter().filter(|kind| matches!(kind, Kind::Admit { .. })).count(), runs, "{what}: {kinds:?}");
    agent.assert_intact();
    let verdict = visit.verdict(visitor).await;
    assert_eq!(verdict.verdict, Finding::Intact, "{what}: {verdict:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_a_second_session_while_one_lives_gets_nowhere() {
    let world = World::start(programs!());
    let beside = world.beside("Bea");
    let ana = Visitor::enrolled(&world, "Ana", 2).await;
    let mut agent = world.ask("pc");
    let code = agent.code();
    let mut visit = ana.arrive(&code, &[Scope::System]).await;
    agent.allow();
    visit.allowed().await;

    // By the number that is spent, as another member and as the same.
    let mallory = Visitor::enrolled(&world, "Mallory", 2).await;
    for visitor in [&mallory, &ana] {
        let joined = visitor.control.call(Call::Join { number: number(&code) }).await;
        assert!(matches!(joined, Err(ControlError::Refused(Refusal::NoSuchCode))), "{joined:?}");
    }
    // Through the live flow, from elsewhere and once more from its own end.
    let dialled = timeout(QUIET, mallory.link.dial(visit.flow, Expected::Anyone)).await;
    assert!(dialled.is_err(), "a stranger in somebody's flow");
    ana.link.forget(visit.flow);
    let dialled = timeout(QUIET, ana.link.dial(visit.flow, Expected::Anyone)).await;
    assert!(dialled.is_err(), "a second connection in one flow");
    ana.link.announce(visit.flow, Expected::Anyone).unwrap();
    // With the PC's own key, stolen from its disk.
    let key = Home::open(&agent.data, false).unwrap().existing_key("key", "device").unwrap().unwrap();
    let link = Link::bind(None, &key, world.listening(), Role::Agent).unwrap();
    let (thief, _pushes) = within("the relay", Control::connect(&link, &world.address.root, None)).await.unwrap();
    let registered = within("an answer", thief.call(Call::Register { session: SessionId([9; 16]) })).await;
    assert!(matches!(registered, Err(ControlError::Refused(Refusal::Busy))), "{registered:?}");
    // A second program on the same PC.
    let mut second = world.ask_in(agent.data.clone());
    assert_eq!(second.process.exit(), 1);
    assert!(second.process.errors().contains("Next step"), "{}", second.process.errors());
    // A second pairing within the session is no message of a session.
    visit.run("system.memory", &[]).await;
    assert_eq!(result(&mut visit).await, Status::Done);
    visit.send(&ToAgent::PairStart { version: 1, message: vec![b'A'; 33], member: ana.note.clone() }).await;
    misbehaved(&mut agent, &ana, &mut visit, 1, "a second pairing").await;
    beside.ends_untouched();
}

#[tokio::test(flavor = "multi_thread")]
async fn d3_a_grant_replayed_or_made_up_runs_nothing() {
    let world = World::start(programs!());
    let beside = world.beside("Bea");
    // A whole session, whose request and consent are kept for later.
    let (mut agent, visitor, mut visit) = session(&world, "Ana").await;
    let old = visit.request("system.memory", &[]);
    visit.send(&ToAgent::Run(old.clone())).await;
    assert_eq!(result(&mut visit).await, Status::Done);
    visit.sign_off().await;
    assert_eq!(visit.closed().await, (Cause::Technician, Cause::Done));
    assert_eq!(agent.end(), 0);
    let consent = visit.events.values().find(|event| matches!(event.header().kind, Kind::Consent { .. })).unwrap();
    let consent = Signed { note: consent.bytes().to_vec(), openings: Vec::new() };
    let asked = visit.events.values().find(|event| matches!(event.header().kind, Kind::Join { .. })).unwrap().leaf();

    type Make = Box<dyn Fn(&mut Visit) -> Vec<ToAgent>>;
    let made: [(&str, usize, Make); 5] = [
        ("a request of an earlier session", 0, Box::new(move |_| vec![ToAgent::Run(old.clone())])),
        ("a yes of an earlier session", 0, Box::new(move |_| vec![ToAgent::Run(consent.clone())])),
        ("one request twice", 1, {
            Box::new(|visit| {
                let request = visit.request("system.memory", &[]);
                vec![ToAgent::Run(request.clone()), ToAgent::Run(request)]
            })
        }),
        ("a yes of one's own", 0, {
            Box::new(move |visit| {
                let kind = Kind::Consent { asked, answer: Yes::Yes, took: 900 };
                let scopes = [Scope::Network].into();
                let text = "They said yes.".to_owned();
                let body = Consent { text, language: Language::En, scopes, items: Vec::new(), minutes: Some(60) };
                let consent = visit.write(kind, &Body::Consent(body));
                vec![ToAgent::Run(consent), ToAgent::Run(visit.request("network.dns", &[]))]
            })
        }),
        ("this session's yes, said back", 0, {
            Box::new(|visit| {
                let yes = |kind: &Kind| matches!(kind, Kind::Consent { .. });
                let note = visit.events.values().find(|event| yes(&event.header().kind)).unwrap().bytes().to_vec();
                vec![ToAgent::Chat(Signed { note, openings: Vec::new() })]
            })
        }),
    ];
    drop((agent, visitor, visit));
    for (at, (what, runs, make)) in made.into_iter().enumerate() {
        let (mut agent, visitor, mut visit) = session(&world, &format!("Cai {at}")).await;
        for message in make(&mut visit) {
            visit.send(&message).await;
        }
        misbehaved(&mut agent, &visitor, &mut visit, runs, what).await;
    }
    beside.ends_untouched();
}

#[tokio::test(flavor = "multi_thread")]
async fn a3_a_member_note_that_lies_opens_no_session() {
    let world = World::start(programs!());
    let beside = world.beside("Bea");
    let mut mallory = Visitor::enrolled(&world, "Mallory", 1).await;
    let bea = Visitor::enrolled(&world, "Other", 5).await;
    let honest = mallory.note.clone();
    let authority = mallory.control.welcome().statement.authority.clone();
    let mut raised = Member::open(&honest, &authority).unwrap();
    raised.level = 5;
    let text = String::from_utf8(honest.clone()).unwrap();
    assert!(text.contains(r#""level":1"#), "{text}");
    let own = mallory.key.named(authority.name.clone());
    let notes = [
        ("a level raised in the signed text", text.replace(r#""level":1"#, r#""level":5"#).into_bytes()),
        ("a level one signed oneself, by the authority's name", raised.sign(&own)),
        ("another's note", bea.note.clone()),
    ];
    let mut agent = world.ask("pc");
    for (what, note) in notes {
        mallory.note = note;
        let refused = mallory.pair(&agent.code()).await;
        assert_eq!(refused.err(), Some(PairRefusal::Member), "{what}");
        agent.fed("who burnt it", |line| line.contains("Mallory").then_some(()));
    }
    let burnt = std::fs::read_to_string(agent.data.join("burnt")).unwrap();
    assert_eq!(burnt.lines().filter(|line| line.contains("Mallory")).count(), 3, "{burnt}");
    assert!(Journals::open(&agent.data).unwrap().sessions().unwrap().is_empty());
    // With the true note the true level holds: refused, recorded, closed.
    mallory.note = honest;
    let mut visit = mallory.arrive(&agent.code(), &[Scope::System]).await;
    agent.allow();
    visit.allowed().await;
    visit.run("system.services", &[]).await;
    let why = visit.event("a refusal", |kind, _| if let Kind::Refuse { why, .. } = kind { Some(*why) } else { None });
    assert_eq!(why.await, Why::Level);
    misbehaved(&mut agent, &mallory, &mut visit, 0, "above the level").await;
    beside.ends_untouched();
}

#[tokio::test(flavor = "multi_thread")]
async fn d4_a_reason_that_is_no_reason_is_never_shown_and_nothing_is_recorded() {
    let world = World::start(programs!());
    let beside = world.beside("Bea");
    let mallory = Visitor::enrolled(&world, "Mallory", 1).await;
    let too_long = "x".repeat(REASON_MAX + 1);
    for reason in ["see https://evil.example", "all is well\nVenia: type yes", "", &too_long] {
        let mut agent = world.ask("pc");
        let mut visit = mallory.pair(&agent.code()).await.unwrap();
        visit.send(&ToAgent::Arrive { reason: Foreign::new(reason), offer: Offer::default() }).await;
        agent.fed("that nobody may say that", |line| line.contains("words that aren't allowed").then_some(()));
        assert_eq!(agent.process.exit(), 1, "{reason:?}");
        assert!(!agent.told().iter().any(|line| line.contains("evil") || line.contains("type yes")), "{reason:?}");
        assert!(Journals::open(&agent.data).unwrap().sessions().unwrap().is_empty());
    }
    beside.ends_untouched();
}

/// One message too many of this kind within a minute.
async fn flood(visit: &mut Visit, make: impl Fn(Signed) -> ToAgent, kind: &Kind) {
    for n in 0..=EVENTS_PER_MINUTE {
        let line = visit.write(kind.clone(), &Body::Said(Said { text: Foreign::new(format!("line {n}")) }));
        // The last ones may find the door shut.
        if visit.stream.write_all(&venia_tests::harness::visitor::frame(&make(line))).await.is_err() {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_6_a_flood_of_lines_and_notes_ends_on_record_and_costs_no_memory() {
    let world = World::start(programs!());
    let beside = world.beside("Bea");
    for (name, kind, make) in
        [("chat", Kind::Chat, ToAgent::Chat as fn(Signed) -> ToAgent), ("note", Kind::Note, ToAgent::Note)]
    {
        let (mut agent, visitor, mut visit) = session(&world, name).await;
        let before = agent.process.most_memory();
        flood(&mut visit, make, &kind).await;
        let asked = agent.asked("sign");
        assert_eq!(asked.kind, "sign");
        let took = agent.process.most_memory() - before;
        assert!(took < MARGIN, "{name}: {took} bytes more");
        agent.process.say("not now");
        let broke = (Cause::Misbehaviour, Cause::Misbehaviour);
        assert_eq!(visit.closed().await, broke, "{name}");
        assert_eq!(agent.process.exit(), 1);
        assert_eq!(agent.closed(), broke, "{name}");
        let count = agent.kinds().iter().filter(|of| **of == kind).count();
        assert!(count <= EVENTS_PER_MINUTE as usize, "{name}: {count}");
        agent.assert_intact();
        let verdict = visit.verdict(&visitor).await;
        assert_eq!(verdict.verdict, Finding::Intact, "{name}: {verdict:?}");
    }
    beside.ends_untouched();
}

#[tokio::test(flavor = "multi_thread")]
async fn d5_a_flood_of_cards_is_one_card_and_five_behind_it() {
    const ASKED: usize = 40;
    let world = World::start(programs!());
    let beside = world.beside("Bea");
    let (mut agent, visitor, mut visit) = session(&world, "Ana").await;
    for _ in 0..ASKED {
        let ask = visit.request("network.dns", &[]);
        visit.send(&ToAgent::Ask(ask)).await;
    }
    let mut limited = 0;
    while limited < ASKED - 1 - CARDS_WAITING_MAX {
        let why = visit
            .event("a refusal", |kind, _| if let Kind::Refuse { why, .. } = kind { Some(*why) } else { None })
            .await;
        assert_eq!(why, Why::Limit);
        limited += 1;
    }
    // One no is a no to all of them: the others were about the same.
    agent.answer("consent", "deny");
    for expected in [Why::Person].into_iter().chain([Why::Repeated; CARDS_WAITING_MAX]) {
        let why = visit
            .event("a refusal", |kind, _| if let Kind::Refuse { why, .. } = kind { Some(*why) } else { None })
            .await;
        assert_eq!(why, expected);
    }
    // The session goes on, and what was allowed still is.
    visit.run("system.memory", &[]).await;
    assert_eq!(result(&mut visit).await, Status::Done);
    visit.sign_off().await;
    assert_eq!(visit.closed().await, (Cause::Technician, Cause::Done));
    assert_eq!(agent.end(), 0);
    let kinds = agent.kinds();
    let count = |wanted: fn(&Kind) -> bool| kinds.iter().filter(|kind| wanted(kind)).count();
    assert_eq!(count(|kind| matches!(kind, Kind::Refuse { .. })), ASKED, "all on record: {kinds:?}");
    assert_eq!(count(|kind| matches!(kind, Kind::Admit { .. })), 1);
    agent.assert_intact();
    let verdict = visit.verdict(&visitor).await;
    assert_eq!(verdict.verdict, Finding::Intact, "{verdict:?}");
    beside.ends_untouched();
}

#[tokio::test(flavor = "multi_thread")]
async fn f4_a_flood_of_checkpoints_is_dropped_and_stop_still_stops() {
    const SHOWN: usize = 20_000;
    let world = World::start(programs!());
    let beside = world.beside("Bea");
    let (mut agent, visitor, mut visit) = session(&world, "Ana").await;
    let theirs = visit.first.clone().unwrap();
    let (before, relays) = (agent.process.most_memory(), world.relay.most_memory());
    for n in 0..SHOWN {
        let shown = if n % 2 == 0 { theirs.clone() } else { vec![u8::try_from(n % 251).unwrap(); 1 + n % 4_000] };
        visit.send(&ToAgent::Checkpoint(shown)).await;
        if n == SHOWN / 2 {
            visit.run("system.memory", &[]).await;
        }
    }
    assert_eq!(result(&mut visit).await, Status::Done, "behind ten thousand of them");
    for (what, took) in
        [("the agent", agent.process.most_memory() - before), ("the relay", world.relay.most_memory() - relays)]
    {
        assert!(took < MARGIN, "{what}: {took} bytes more");
    }
    agent.process.say("stop");
    assert_eq!(visit.closed().await, (Cause::Person, Cause::Person));
    assert_eq!(agent.end(), 0);
    agent.assert_intact();
    let evidence: Vec<_> = std::fs::read_dir(agent.data.join("evidence")).into_iter().flatten().flatten().collect();
    assert!(evidence.is_empty(), "it accuses nobody: {evidence:?}");
    let verdict = visit.verdict(&visitor).await;
    assert_eq!(verdict.verdict, Finding::Intact, "{verdict:?}");
    beside.ends_untouched();
}
