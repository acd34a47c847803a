//! Sessions through a relay over bad networks, without the programs: what arrives, how fast, and how large packets may be.
//!
//! The box stands between both ends and the relay, so a session's packets pass it twice. `VENIA_WEATHER_SEED=n` lives every
//! storm again with that seed.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::Connection;
use tokio::sync::mpsc;
use venia_proto::id::FlowId;
use venia_proto::key::SigningKey;
use venia_relay::client::link::{Link, LinkError, Role};
use venia_relay::client::packet::PREFIX;
use venia_relay::client::tls::Expected;
use venia_relay::client::transport::{HANDSHAKE, INNER_MTU};
use venia_relay::server::accept::Door;
use venia_relay::server::flow::Limits;
use venia_relay::server::forward::Proved;
use venia_relay::server::sources;
use venia_tests::harness::weather::Storm;
use venia_tests::harness::weather::fate::{LOSS_MAX, Rate, Weather};
use venia_tests::harness::within;

const FLOW: FlowId = FlowId(0x1122_3344_5566_7788);
/// QUIC's smallest packet: with less on the way nobody can speak it.
const LEAST: usize = 1_200;
/// What IPv4 carries on a path of 1280 bytes: that minus its and UDP's headers.
const IPV4_1280: usize = 1_280 - 20 - 8;
/// The same of IPv6.
const IPV6_1280: usize = 1_280 - 40 - 8;

fn key(seed: u8) -> SigningKey {
    SigningKey::new("device", [seed; 32])
}

fn expect(seed: u8) -> Expected {
    Expected::Key(*key(seed).public())
}

/// A relay (key 1), an agent (key 2) and a console (key 3), each with its control connection up, and the box between.
struct House {
    storm: Storm,
    door: Arc<Door>,
    agent: Link,
    console: Link,
    agent_own: Connection,
    agent_control: Connection,
    console_control: Connection,
    _console_own: Connection,
}

impl House {
    async fn build(on: &str, seed: u64, weather: Weather) -> Self {
        let storm = Storm::on(on, seed, weather);
        let door =
            Arc::new(Door::open(SocketAddr::new(storm.at.ip(), 0), &key(1), sources::Limits::default()).unwrap());
        storm.lead_to(door.local_addr().unwrap());
        let (arrive, mut arrived) = mpsc::unbounded_channel();
        let opened = door.clone();
        tokio::spawn(async move {
            while let Some(mut arrival) = opened.accept().await {
                let arrive = arrive.clone();
                tokio::spawn(async move {
                    if let Ok(connection) = arrival.connected().await {
                        let _ = arrive.send(connection);
                    }
                });
            }
        });
        let agent = Link::bind(None, &key(2), storm.at, Role::Agent).unwrap();
        let console = Link::bind(None, &key(3), storm.at, Role::Console).unwrap();
        let agent_own = within("the relay", agent.connect_relay(expect(1))).await.unwrap();
        let agent_control = within("the agent", arrived.recv()).await.unwrap();
        let console_own = within("the relay", console.connect_relay(expect(1))).await.unwrap();
        let console_control = within("the console", arrived.recv()).await.unwrap();
        Self { storm, door, agent, console, agent_own, agent_control, console_control, _console_own: console_own }
    }

    /// Relay opens, agent is told, console dials: the inner connection's two ends, agent first.
    async fn session(&self) -> (Connection, Connection) {
        self.open();
        let accept = async { self.agent.accept().await.unwrap().connected().await.unwrap() };
        let both = async { tokio::join!(accept, self.console.dial(FLOW, expect(2))) };
        let (agent, console) = within("a session", both).await;
        (agent, console.unwrap())
    }

    fn open(&self) {
        let proved = |control| Proved { control, at: Connection::remote_address(control) };
        let (agent, console) = (proved(&self.agent_control), proved(&self.console_control));
        self.door.flows().open(FLOW, agent, console, Limits::default()).unwrap();
        self.agent.announce(FLOW, Expected::Anyone).unwrap();
    }
}

/// Bytes with no period a lost, doubled or swapped packet could hide in.
fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut random = venia_tests::sim::random::Random::new(seed);
    let mut bytes: Vec<u8> =
        std::iter::from_fn(|| Some(random.draw())).take(len / 8 + 1).flat_map(u64::to_le_bytes).collect();
    bytes.truncate(len);
    bytes
}

/// One request with `up` and one answer with `down`, whole and correct.
async fn exchange(serving: &Connection, asking: &Connection, up: usize, down: usize) {
    let (asked, answered) = (bytes(1, up), bytes(2, down));
    let serve = async {
        let (mut send, mut receive) = serving.accept_bi().await.unwrap();
        assert!(receive.read_to_end(up).await.unwrap() == asked, "the request arrived damaged");
        send.write_all(&answered).await.unwrap();
        send.finish().unwrap();
        let _ = send.stopped().await;
    };
    let ask = async {
        let (mut send, mut receive) = asking.open_bi().await.unwrap();
        let write = async {
            send.write_all(&asked).await.unwrap();
            send.finish().unwrap();
        };
        let ((), read) = tokio::join!(write, receive.read_to_end(down));
        assert!(read.unwrap() == answered, "the answer arrived damaged");
    };
    within("an exchange", async { tokio::join!(serve, ask) }).await;
}

/// Sends this on a stream of its own, and says when it was all taken.
async fn send(from: &Connection, bytes: &[u8]) {
    let mut stream = from.open_uni().await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.finish().unwrap();
    let _ = stream.stopped().await;
}

/// What came of it, in figures.
async fn in_a_storm(seed: u64) -> String {
    const MESSAGES: u64 = 100;
    let (delay, jitter) = (Duration::from_millis(2), Duration::from_millis(10));
    let weather = Weather { delay, jitter, loss: LOSS_MAX, late: 10, double: 10, ..Weather::FAIR };
    let house = House::build("127.0.0.1", seed, Weather::FAIR).await;
    let (agent, console) = house.session().await;
    // Each end's line loses that much, so every third packet of the session is lost: no time to meet anybody.
    house.storm.change(|now, _| *now = weather.clone());
    let began = Instant::now();
    exchange(&agent, &console, 20_000, 60_000).await;
    let exchanged = began.elapsed();
    let say = async {
        for number in 0..MESSAGES {
            let mut stream = console.open_uni().await.unwrap();
            stream.write_all(&number.to_le_bytes()).await.unwrap();
            stream.finish().unwrap();
        }
    };
    let hear = async {
        let mut heard = BTreeSet::new();
        while heard.len() < MESSAGES as usize {
            let message = agent.accept_uni().await.unwrap().read_to_end(8).await.unwrap();
            let number = u64::from_le_bytes(message.try_into().unwrap());
            assert!(number < MESSAGES && heard.insert(number), "{number} came twice");
        }
    };
    within("every message", async { tokio::join!(say, hear) }).await;
    let one_more = tokio::time::timeout(weather.slowest() * 4, agent.accept_uni()).await;
    assert!(one_more.is_err(), "a stream came twice");
    let tally = house.storm.tally();
    assert!(tally.lost > 50 && tally.doubled > 20, "{tally:?}");
    format!("seed {seed}: 80 KB in {exchanged:?}, all in {:?}; {tally:?}", began.elapsed())
}

#[tokio::test]
async fn what_goes_through_a_storm_arrives_whole_and_once() {
    let (one, two, three) = tokio::join!(in_a_storm(1), in_a_storm(2), in_a_storm(3));
    println!("{one}\n{two}\n{three}");
}

#[tokio::test]
async fn a_large_result_over_one_megabit_leaves_room_for_calls() {
    const RESULT: usize = 900_000;
    let delay = Duration::from_millis(10);
    let rate = Some(Rate { bytes: 125_000, queue: 64_000 });
    let house = House::build("127.0.0.1", 1, Weather { delay, rate, ..Weather::FAIR }).await;
    let (agent, console) = house.session().await;
    let (result, began) = (bytes(3, RESULT), Instant::now());
    let sending = send(&agent, &result);
    let receiving = async {
        let received = console.accept_uni().await.unwrap().read_to_end(RESULT).await.unwrap();
        assert!(received == result, "it arrived damaged");
    };
    let calling = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..5 {
            let asked = Instant::now();
            exchange(&house.agent_control, &house.agent_own, 200, 1_000).await;
            slowest = slowest.max(asked.elapsed());
        }
        (slowest, began.elapsed())
    };
    let both = async { tokio::join!(sending, receiving, calling) };
    let ((), (), (slowest, called)) = within("a large result", both).await;
    let all = began.elapsed();
    println!("{RESULT} bytes in {all:?}, five calls in {called:?}, the slowest {slowest:?}; {:?}", house.storm.tally());
    assert!(all >= Duration::from_secs(7), "nothing was slow");
    assert!(called < all, "the calls waited for the result's end");
    // The queue's half second, lost packets, and twice the way.
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
}

#[tokio::test]
async fn a_session_fits_a_path_of_1280_bytes() {
    // The search for more gives up in steps too large for what IPv6 leaves.
    for (on, payload, least) in [("127.0.0.1", IPV4_1280, LEAST + 1), ("::1", IPV6_1280, LEAST)] {
        let house = House::build(on, 1, Weather { mtu: payload, ..Weather::FAIR }).await;
        let (agent, console) = house.session().await;
        exchange(&agent, &console, 300_000, 300_000).await;
        let found = || [&agent, &console].iter().all(|end| usize::from(end.stats().path.current_mtu) >= least);
        let searching = async {
            while !found() {
                exchange(&agent, &console, 50_000, 50_000).await;
            }
        };
        within("the search for the largest packet", searching).await;
        for end in [&agent, &console] {
            let mtu = usize::from(end.stats().path.current_mtu);
            assert!((least..=payload - PREFIX).contains(&mtu), "{on}: {mtu}");
        }
        let tally = house.storm.tally();
        println!("{on}: packets of {} bytes; {tally:?}", agent.stats().path.current_mtu);
        assert!(tally.large > 0, "larger ones were tried");
        assert_eq!(tally.lost + tally.full + tally.cut, 0);
    }
}

#[tokio::test]
async fn a_path_that_becomes_narrow_in_the_middle_holds_a_session_up_for_a_moment() {
    const BEFORE: usize = 500_000;
    const ALL: usize = 4_000_000;
    let narrow = IPV4_1280;
    let house =
        House::build("127.0.0.1", 1, Weather { mtu: 1_472, delay: Duration::from_millis(5), ..Weather::FAIR }).await;
    let (agent, console) = house.session().await;
    let all = bytes(4, ALL);
    let sending = send(&agent, &all);
    let receiving = async {
        let mut stream = console.accept_uni().await.unwrap();
        let (mut received, mut last, mut gap, mut wide) = (Vec::new(), Instant::now(), Duration::ZERO, true);
        while let Some(chunk) = stream.read_chunk(16_384, true).await.unwrap() {
            gap = gap.max(last.elapsed());
            last = Instant::now();
            received.extend_from_slice(&chunk.bytes);
            if wide && received.len() > BEFORE && agent.stats().path.current_mtu == INNER_MTU {
                wide = false;
                house.storm.change(|weather, _| weather.mtu = narrow);
            }
        }
        assert!(!wide, "the whole path was found, and then lost");
        assert!(received == all, "it arrived damaged");
        gap
    };
    let ((), gap) = within("all of it", async { tokio::join!(sending, receiving) }).await;
    println!("longest gap {gap:?}; {:?}", house.storm.tally());
    assert!(gap < Duration::from_secs(3), "{gap:?}");
    let mtu = usize::from(agent.stats().path.current_mtu);
    assert!((LEAST..=narrow - PREFIX).contains(&mtu), "{mtu}");
    exchange(&agent, &console, 100_000, 1_000).await;
}

#[tokio::test]
async fn a_path_that_just_fits_carries_a_session() {
    let house = House::build("127.0.0.1", 1, Weather { mtu: LEAST + PREFIX, ..Weather::FAIR }).await;
    let (agent, console) = house.session().await;
    exchange(&agent, &console, 100_000, 100_000).await;
    assert_eq!(usize::from(agent.stats().path.current_mtu), LEAST);
}

#[tokio::test]
async fn a_path_too_narrow_for_a_session_is_said_to_be_one_in_time() {
    let house = House::build("127.0.0.1", 1, Weather { mtu: LEAST + PREFIX - 1, ..Weather::FAIR }).await;
    house.open();
    let began = Instant::now();
    let dialled = within("the end of patience", house.console.dial(FLOW, expect(2))).await;
    let (took, error) = (began.elapsed(), dialled.expect_err("nothing fits"));
    println!("{error} after {took:?}; {:?}", house.storm.tally());
    assert!(matches!(error, LinkError::NoAnswer | LinkError::Refused(quinn::ConnectionError::TimedOut)), "{error:?}");
    assert!(took < HANDSHAKE + Duration::from_secs(1), "{took:?}");
    // The relay is still there for everything else.
    exchange(&house.agent_control, &house.agent_own, 3_000, 3_000).await;
}

/// The console's last packets of a handshake, lost once: what QUIC waits before it sends them again grew with every packet
/// it thought lost before it knew how long the way is.
#[tokio::test]
async fn a_handshake_over_800_ms_survives_a_lost_packet() {
    const ONE_WAY: Duration = Duration::from_millis(400);
    let house = House::build("127.0.0.1", 1, Weather { delay: ONE_WAY / 2, ..Weather::FAIR }).await;
    let began = Instant::now();
    // The agent's answer comes back after two ways; what the console then sends is lost.
    let last_packets = ONE_WAY * 2 - Duration::from_millis(100)..ONE_WAY * 2 + Duration::from_millis(100);
    house.storm.change(|weather, now| weather.cuts.push(now + last_packets.start..now + last_packets.end));
    let (agent, console) = house.session().await;
    let took = began.elapsed();
    println!("a session after {took:?}; {:?}", house.storm.tally());
    assert!(house.storm.tally().cut > 0, "nothing was lost");
    assert!(took < HANDSHAKE / 2, "{took:?}");
    exchange(&agent, &console, 1_000, 1_000).await;
}
