//! A technician's program that guesses codes, many at once and over many connections: five tries a member an hour, one try a
//! code, and who burnt it is shown. (SECURITY B1, B3)
//!
//! Not here: what a technician's program lies about once it is paired (`hostile_console`).
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;
use venia_agent::journal::Journals;
use venia_proto::code::Code;
use venia_proto::id::{FlowId, SessionId};
use venia_proto::key::SigningKey;
use venia_proto::ledger::kind::Cause;
use venia_proto::message::PairRefusal;
use venia_proto::rendezvous::{Answer, Call, PairingOutcome, Push, Refusal};
use venia_proto::scope::Scope;
use venia_relay::client::control::{Control, ControlError, Hearing};
use venia_relay::client::link::{Link, Role};
use venia_relay::client::tls::Expected;
use venia_relay::server::registry::FAILURES_MAX;
use venia_tests::harness::agent::Agent;
use venia_tests::harness::visitor::{Visit, Visitor};
use venia_tests::harness::world::World;
use venia_tests::harness::{until, within};
use venia_tests::programs;

/// How long something that mustn't happen is given to happen.
const QUIET: Duration = Duration::from_millis(500);
/// Codes tried at once.
const AT_ONCE: u32 = 10;

fn number(code: &str) -> u32 {
    code.split('-').next().unwrap().parse().unwrap()
}

/// The same number with other words.
fn wrong(code: &str) -> String {
    let words = if code.contains("zebra") { "apple-apple" } else { "zebra-zebra" };
    format!("{}-{words}", number(code))
}

/// A person's program on the wire, as far as a relay sees one that waits.
struct Waiting {
    control: Control,
    pushes: Hearing,
    number: u32,
    _link: Link,
}

impl Waiting {
    async fn at(world: &World, seed: u32) -> Self {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&seed.to_le_bytes());
        let link = Link::bind(None, &SigningKey::new("device", bytes), world.listening(), Role::Agent).unwrap();
        let (control, pushes) = within("the relay", Control::connect(&link, &world.address.root, None)).await.unwrap();
        let session = SessionId(bytes[..16].try_into().unwrap());
        let Answer::Registered { number } = control.call(Call::Register { session }).await.unwrap() else {
            panic!("no number")
        };
        Self { control, pushes, number, _link: link }
    }
}

/// All of these numbers in one moment, over one connection: what each came to.
async fn all_at_once(visitor: Visitor, numbers: &[u32]) -> (Visitor, Vec<Result<FlowId, Refusal>>) {
    let visitor = std::sync::Arc::new(visitor);
    let mut joining = JoinSet::new();
    for &number in numbers {
        let visitor = visitor.clone();
        joining.spawn(async move {
            match visitor.control.call(Call::Join { number }).await {
                Ok(Answer::Joined { flow, .. }) => Ok(flow),
                Err(ControlError::Refused(refusal)) => Err(refusal),
                other => panic!("{other:?}"),
            }
        });
    }
    let outcomes = within("ten answers", joining.join_all()).await;
    (std::sync::Arc::into_inner(visitor).unwrap(), outcomes)
}

#[tokio::test(flavor = "multi_thread")]
async fn b3_ten_codes_tried_at_once_are_five_tries() {
    let world = World::start(programs!());
    let beside = world.beside("Bea");
    // Ten people wait. Nobody may be in the middle of more tries than may fail: each burns somebody's code.
    let mut people = Vec::new();
    for seed in 0..AT_ONCE {
        people.push(Waiting::at(&world, 1_000 + seed).await);
    }
    let numbers: Vec<u32> = people.iter().map(|waiting| waiting.number).collect();
    let (mallory, outcomes) = all_at_once(Visitor::enrolled(&world, "Mallory", 2).await, &numbers).await;
    let joined: Vec<FlowId> = outcomes.iter().filter_map(|outcome| outcome.ok()).collect();
    assert_eq!(joined.len(), FAILURES_MAX, "{outcomes:?}");
    assert!(outcomes.iter().all(|outcome| outcome.is_ok() || *outcome == Err(Refusal::Busy)), "{outcomes:?}");
    let mut burnt = 0;
    for waiting in &mut people {
        let Ok(Some(push)) = timeout(QUIET, waiting.pushes.push()).await else { continue };
        let Push::Knock { flow, .. } = push else { panic!("{push:?}") };
        assert!(joined.contains(&flow));
        let call = Call::Paired { flow, outcome: PairingOutcome::WrongCode };
        assert!(matches!(waiting.control.call(call).await, Ok(Answer::Noted)));
        burnt += 1;
    }
    assert_eq!(burnt, FAILURES_MAX);
    let (_mallory, outcomes) = all_at_once(mallory, &numbers).await;
    assert_eq!(outcomes, [Err(Refusal::TooManyFailures); AT_ONCE as usize]);
    until("the alarm", || world.relay.errors().contains("a member failed too many codes").then_some(()));

    // Ten numbers that nobody has: told slowly, and only five times.
    let unknown: Vec<u32> = (0..AT_ONCE).map(|n| 900_000 + n).collect();
    let (_trudy, outcomes) = all_at_once(Visitor::enrolled(&world, "Trudy", 2).await, &unknown).await;
    for (refusal, count) in
        [(Refusal::NoSuchCode, FAILURES_MAX), (Refusal::TooManyFailures, AT_ONCE as usize - FAILURES_MAX)]
    {
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(refusal)).count(), count, "{outcomes:?}");
    }
    beside.ends_untouched();
}

#[tokio::test(flavor = "multi_thread")]
async fn b3_leaving_before_a_wrong_code_is_reported_is_no_way_around_five() {
    let world = World::start(programs!());
    let beside = world.beside("Bea");
    let mallory = Visitor::enrolled(&world, "Mallory", 2).await;
    let mut agents = [world.ask("pc-1"), world.ask("pc-2")];
    let mut tries = 0;
    let last = 'tries: loop {
        for agent in &mut agents {
            let code = agent.code();
            if tries == FAILURES_MAX {
                break 'tries code;
            }
            // The code is spent, and nobody has said so yet.
            let dialled = mallory.dial(number(&code)).await.unwrap();
            within("half a pairing", dialled.first_message(&mallory)).await;
            let ended = mallory.control.call(Call::EndFlow { flow: dialled.flow }).await;
            assert!(matches!(ended, Ok(Answer::Noted)), "{ended:?}");
            mallory.link.forget(dialled.flow);
            agent.fed("who burnt it", |line| line.contains("Mallory").then_some(()));
            tries += 1;
        }
    };
    let refused = mallory.control.call(Call::Join { number: number(&last) }).await;
    assert!(matches!(refused, Err(ControlError::Refused(Refusal::TooManyFailures))), "{refused:?}");
    until("the alarm", || world.relay.errors().contains("a member failed too many codes").then_some(()));
    for agent in &agents {
        let burnt = std::fs::read_to_string(agent.data.join("burnt")).unwrap();
        assert!(burnt.lines().all(|line| line.contains("Mallory")), "{burnt}");
    }
    // The person's code is as good as before for whoever was told it.
    let ana = Visitor::enrolled(&world, "Ana", 2).await;
    let mut visit = ana.arrive(&last, &[Scope::System]).await;
    let agent = &mut agents[FAILURES_MAX % 2];
    agent.allow();
    visit.allowed().await;
    visit.sign_off().await;
    assert_eq!(visit.closed().await, (Cause::Technician, Cause::Done));
    assert_eq!(agent.end(), 0);
    agent.assert_intact();
    beside.ends_untouched();
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_ten_wrong_codes_for_one_person_at_once_burn_one() {
    let world = World::start(programs!());
    let beside = world.beside("Bea");
    let mut agent = world.ask("pc");
    let code = agent.code();
    let mallory = Visitor::enrolled(&world, "Mallory", 2).await;
    let (mallory, outcomes) = all_at_once(mallory, &[number(&code); AT_ONCE as usize]).await;
    let flows: Vec<FlowId> = outcomes.iter().filter_map(|outcome| outcome.ok()).collect();
    let [flow] = flows[..] else { panic!("{outcomes:?}") };
    let connection = within("the agent", mallory.link.dial(flow, Expected::Anyone)).await.unwrap();
    let session = session_of(&mallory, &mut agent, flow, connection, &wrong(&code)).await;
    assert_eq!(session.err(), Some(PairRefusal::WrongCode));
    agent.fed("who burnt it", |line| line.contains("Mallory").then_some(()));
    let fresh = agent.code();
    assert_ne!(fresh, code);
    let burnt = std::fs::read_to_string(agent.data.join("burnt")).unwrap();
    assert_eq!(burnt.lines().count(), 1, "{burnt}");
    // The person's next technician is an honest one.
    let ana = Visitor::enrolled(&world, "Ana", 2).await;
    let mut visit = ana.arrive(&fresh, &[Scope::System]).await;
    agent.allow();
    visit.allowed().await;
    visit.sign_off().await;
    assert_eq!(visit.closed().await, (Cause::Technician, Cause::Done));
    assert_eq!(agent.end(), 0);
    agent.assert_intact();
    beside.ends_untouched();
}

/// Pairs over a connection of one's own.
async fn session_of(
    visitor: &Visitor,
    agent: &mut Agent,
    flow: FlowId,
    connection: quinn::Connection,
    code: &str,
) -> Result<Visit, PairRefusal> {
    // Which session it is, an attacker hears from the relay; whatever stands here, wrong words fail first.
    assert!(Journals::open(&agent.data).unwrap().sessions().unwrap().is_empty());
    let call = venia_tests::harness::visitor::Dialled { flow, session: SessionId([0; 16]), connection };
    visitor.pair_over(call, Code::parse(code).unwrap()).await
}
