//! Oversized, truncated, trailing and random bytes on every stream: closed, never a panic, memory within limits.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use venia_proto::ledger::kind::Cause;
use venia_proto::message::{PairRefusal, ToAgent, ToConsole};
use venia_proto::rendezvous::VERSION;
use venia_proto::scope::Scope;
use venia_proto::wire::{self, Limit};
use venia_relay::client::link::{Link, Role};
use venia_relay::client::tls::Expected;
use venia_tests::harness::agent::Agent;
use venia_tests::harness::visitor::{Visitor, frame};
use venia_tests::harness::within;
use venia_tests::harness::world::World;
use venia_tests::programs;

/// What a process may take on top of what it took before, in bytes: a few frames, and what the allocator keeps.
const MARGIN: u64 = 24 << 20;
/// Bytes offered behind a length that is refused.
const FLOOD: usize = 64 << 20;

fn noise(length: u32) -> Vec<u8> {
    // Knuth's multiplier: reproducible, and of every value.
    (0..length).map(|n| u8::try_from(n.wrapping_mul(2_654_435_761) >> 24).unwrap()).collect()
}

/// Bytes that are no message, and whether the stream ends behind them.
fn bad(good: &ToAgent) -> Vec<(&'static str, Vec<u8>, bool)> {
    let whole = frame(good);
    let mut trailing = whole.clone();
    let longer = u32::try_from(whole.len() - wire::PREFIX + 1).unwrap();
    trailing[..wire::PREFIX].copy_from_slice(&longer.to_le_bytes());
    trailing.push(0);
    let beyond = u32::try_from(Limit::Control.max() + 1).unwrap().to_le_bytes().to_vec();
    vec![
        ("an empty frame", vec![0; 4], false),
        ("a length beyond the limit", beyond, false),
        ("a length of four gigabytes", vec![0xff; 4], false),
        ("random bytes", noise(4_000), false),
        ("an unknown message", [4_u32.to_le_bytes(), [0xee; 4]].concat(), false),
        ("a byte too many", trailing, false),
        ("half a message", whole[..whole.len() - 1].to_vec(), true),
    ]
}

fn well(agent: &Agent) {
    let errors = agent.process.errors();
    assert!(!errors.contains("panicked") && !errors.contains("ERROR"), "{errors}");
}

fn number(code: &str) -> u32 {
    code.split('-').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_first_message_are_closed_and_harm_nobody() {
    let world = World::start(programs!());
    let start = ToAgent::PairStart { version: VERSION, message: vec![1; 33], member: vec![2; 300] };
    let out_of_place = ("another message", frame(&ToAgent::PairConfirm { mac: [0; 32] }), false);
    for (at, (what, bytes, finish)) in bad(&start).into_iter().chain([out_of_place]).enumerate() {
        let ana = Visitor::enrolled(&world, &format!("Ana {at}"), 2).await;
        let mut agent = world.ask(&format!("pc-{at}"));
        let code = agent.code();
        let dialled = ana.dial(number(&code)).await.unwrap();
        let (mut stream, _receiving) = dialled.connection.open_bi().await.unwrap();
        // It may be closed before everything is written.
        let _ = stream.write_all(&bytes).await;
        if finish {
            stream.finish().unwrap();
        }
        within(what, dialled.connection.closed()).await;
        well(&agent);
        // The code is as good as before: nobody has tried it.
        let bea = Visitor::enrolled(&world, &format!("Bea {at}"), 2).await;
        let mut visit = bea.arrive(&code, &[Scope::System]).await;
        agent.answer("arrival", "no");
        assert_eq!(visit.closed().await, (Cause::Person, Cause::Person), "{what}");
        assert_eq!(agent.process.exit(), 1, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_message_that_cant_be_good_burns_the_code_and_says_why() {
    let world = World::start(programs!());
    let ana = Visitor::enrolled(&world, "Ana", 2).await;
    let mut agent = world.ask("pc");
    let point = [[b'A'].as_slice(), ana.key.public().as_bytes()].concat();
    for (why, version, message, member) in [
        (PairRefusal::Version, VERSION + 1, point.clone(), ana.note.clone()),
        (PairRefusal::Member, VERSION, point.clone(), vec![0; 40]),
        (PairRefusal::Malformed, VERSION, vec![b'A'; 33], ana.note.clone()),
        (PairRefusal::Malformed, VERSION, Vec::new(), ana.note.clone()),
    ] {
        let code = agent.code();
        let dialled = ana.dial(number(&code)).await.unwrap();
        let start = ToAgent::PairStart { version, message, member };
        let (mut stream, receiving) = dialled.connection.open_bi().await.unwrap();
        stream.write_all(&frame(&start)).await.unwrap();
        let mut receiver = venia_relay::client::frames::Receiver::<ToConsole>::new(receiving, Limit::Control);
        let answer = within("a refusal", receiver.expect()).await.unwrap();
        assert_eq!(answer, ToConsole::PairRefused(why));
        dialled.connection.close(quinn::VarInt::from_u32(0), b"");
        ana.link.forget(dialled.flow);
    }
    assert_eq!(agent.process.exit(), 1, "four in a row");
    well(&agent);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_message_end_a_session_on_record() {
    let world = World::start(programs!());
    let chat = venia_proto::message::Signed { note: vec![7; 200], openings: Vec::new() };
    let good = ToAgent::Chat(chat);
    let no_event = ("an event that is none", frame(&good), false);
    for (at, (what, bytes, finish)) in bad(&good).into_iter().chain([no_event]).enumerate() {
        let ana = Visitor::enrolled(&world, &format!("Ana {at}"), 2).await;
        let mut agent = world.ask(&format!("pc-{at}"));
        let mut visit = ana.arrive(&agent.code(), &[Scope::System]).await;
        agent.allow();
        visit.allowed().await;
        let _ = visit.stream.write_all(&bytes).await;
        if finish {
            visit.stream.finish().unwrap();
        }
        assert_eq!(visit.closed().await, (Cause::Misbehaviour, Cause::Misbehaviour), "{what}");
        assert_eq!(agent.end(), 1, "{what}");
        agent.assert_intact();
        well(&agent);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_behind_a_refused_length_takes_no_memory() {
    let world = World::start(programs!());
    let ana = Visitor::enrolled(&world, "Ana", 2).await;
    let mut agent = world.ask("pc");
    let mut visit = ana.arrive(&agent.code(), &[Scope::System]).await;
    agent.allow();
    visit.allowed().await;
    let before = agent.process.most_memory();
    assert!(before > 0);
    let flood = vec![0xff; FLOOD];
    let written = within("the end of the flood", visit.stream.write_all(&flood)).await;
    assert!(written.is_err(), "nobody reads it");
    let after = agent.asked("sign");
    assert_eq!(after.kind, "sign");
    let took = agent.process.most_memory() - before;
    assert!(took < MARGIN, "the agent took {took} bytes more");
    agent.process.say("not now");
    assert_eq!(agent.process.exit(), 1);
    assert_eq!(agent.closed(), (Cause::Misbehaviour, Cause::Misbehaviour));
    well(&agent);

    // The relay's own control stream.
    let before = world.relay.most_memory();
    for _ in 0..8 {
        let link = Link::bind(None, &ana.key, world.listening(), Role::Console).unwrap();
        let connection = within("the relay", link.connect_relay(Expected::Anyone)).await.unwrap();
        let (mut stream, _receiving) = connection.open_bi().await.unwrap();
        let written = within("the end of the flood", stream.write_all(&flood)).await;
        assert!(written.is_err(), "nobody reads it");
    }
    let took = world.relay.most_memory() - before;
    assert!(took < MARGIN, "the relay took {took} bytes more");
    assert!(!world.relay.errors().contains("panicked"));
}
