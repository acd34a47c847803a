//! A relay and two peers on loopback, over real QUIC: what goes through, and what doesn't.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use std::net::{Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::Connection;
use tokio::sync::mpsc;
use tokio::time::timeout;
use venia_proto::id::FlowId;
use venia_proto::key::{PublicKey, SigningKey};
use venia_relay::client::link::{Link, LinkError, Role};
use venia_relay::client::packet::{PREFIX, nudge, prefix};
use venia_relay::client::tls::{Expected, exporter, peer_key};
use venia_relay::server::accept::{Door, admit};
use venia_relay::server::flow::{FlowError, Limits, NUDGE_EVERY, NUDGE_FROM};
use venia_relay::server::forward::Proved;
use venia_relay::server::sources;

/// Longer than any honest step takes here.
const LIMIT: Duration = Duration::from_secs(20);
/// How long a refused packet is given to do harm. Loopback delivers in microseconds; only a *failing* check waits less.
const QUIET: Duration = Duration::from_millis(300);
const FLOW: FlowId = FlowId(0x1122_3344_5566_7788);

fn key(seed: u8) -> SigningKey {
    SigningKey::new("device", [seed; 32])
}

fn expect(seed: u8) -> Expected {
    Expected::Key(public(seed))
}

fn public(seed: u8) -> PublicKey {
    *key(seed).public()
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(LIMIT, future).await.expect("took too long")
}

/// Nobody moves here.
fn there(control: &Connection) -> Proved<'_> {
    Proved { control, at: control.remote_address() }
}

/// A relay (key 1), an agent (key 2) and a console (key 3), each with its control connection up.
struct House {
    door: Arc<Door>,
    at: SocketAddr,
    agent: Link,
    console: Link,
    agent_control: Connection,
    console_control: Connection,
    /// The relay's ends of the control connections, and the peers' own.
    arrived: mpsc::UnboundedReceiver<Connection>,
    own: [Connection; 2],
}

impl House {
    async fn build(listen: &str, reach: &str) -> Self {
        let door = Arc::new(Door::open(listen.parse().unwrap(), &key(1), sources::Limits::default()).unwrap());
        let mut at: SocketAddr = reach.parse().unwrap();
        at.set_port(door.local_addr().unwrap().port());
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
        let agent = Link::bind(None, &key(2), at, Role::Agent).unwrap();
        let console = Link::bind(None, &key(3), at, Role::Console).unwrap();
        let agent_own = soon(agent.connect_relay(expect(1))).await.unwrap();
        let agent_control = soon(arrived.recv()).await.unwrap();
        let console_own = soon(console.connect_relay(expect(1))).await.unwrap();
        let console_control = soon(arrived.recv()).await.unwrap();
        Self { door, at, agent, console, agent_control, console_control, arrived, own: [agent_own, console_own] }
    }

    async fn on_ipv4() -> Self {
        Self::build("127.0.0.1:0", "127.0.0.1:0").await
    }

    fn open(&self, flow: FlowId, limits: Limits) {
        self.door.flows().open(flow, there(&self.agent_control), there(&self.console_control), limits).unwrap();
    }

    /// Relay opens, agent is told, console dials: the inner connection's two ends, agent first.
    async fn session(&self, flow: FlowId) -> (Connection, Connection) {
        self.open(flow, Limits::default());
        self.agent.announce(flow, Expected::Anyone).unwrap();
        let accept = async {
            let arriving = self.agent.accept().await.unwrap();
            assert_eq!(arriving.flow(), flow);
            arriving.connected().await.unwrap()
        };
        let (agent, console) = soon(async { tokio::join!(accept, self.console.dial(flow, expect(2))) }).await;
        (agent, console.unwrap())
    }
}

/// Bytes with no period a lost, doubled or swapped packet could hide in.
fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&(state >> 11).to_le_bytes()[..6]);
    }
    bytes.truncate(len);
    bytes
}

/// One request with `up` and one answer with `down`, whole and correct.
async fn exchange(agent: &Connection, console: &Connection, up: usize, down: usize) {
    let (asked, answered) = (bytes(1, up), bytes(2, down));
    let serve = async {
        let (mut send, mut receive) = agent.accept_bi().await.unwrap();
        assert!(receive.read_to_end(up).await.unwrap() == asked, "the request arrived damaged");
        send.write_all(&answered).await.unwrap();
        send.finish().unwrap();
        let _ = send.stopped().await;
    };
    let ask = async {
        let (mut send, mut receive) = console.open_bi().await.unwrap();
        let write = async {
            send.write_all(&asked).await.unwrap();
            send.finish().unwrap();
        };
        let ((), read) = tokio::join!(write, receive.read_to_end(down));
        assert!(read.unwrap() == answered, "the answer arrived damaged");
    };
    soon(async { tokio::join!(serve, ask) }).await;
}

async fn a_session_in_a(house: House) {
    let (agent, console) = house.session(FLOW).await;
    assert_eq!((peer_key(&agent).unwrap(), peer_key(&console).unwrap()), (public(3), public(2)));
    exchange(&agent, &console, 3 << 20, 3 << 20).await;
    let traffic = house.door.flows().traffic(FLOW).unwrap();
    assert!(traffic.bytes > 6 << 20, "{traffic:?}");
    assert_eq!(traffic.dropped, 0);
    assert!(agent.stats().path.current_mtu > 1200, "path MTU discovery works end to end");
    assert_eq!(house.door.flows().dropped().foreign, 0);
    house.door.flows().remove(FLOW).unwrap();
    assert!(house.door.flows().is_empty());
}

#[tokio::test]
async fn a_session_goes_through_whole_over_ipv4() {
    a_session_in_a(House::on_ipv4().await).await;
}

#[tokio::test]
async fn a_session_goes_through_whole_over_ipv6() {
    a_session_in_a(House::build("[::1]:0", "[::1]:0").await).await;
}

#[tokio::test]
async fn a_session_goes_through_whole_over_ipv4_to_a_dual_stack_relay() {
    a_session_in_a(House::build("[::]:0", "127.0.0.1:0").await).await;
}

/// TRANSPORT, pitfall 4: QUIC keeps what it knows about a path across a new port only if it sees IPv4 as IPv4.
#[tokio::test]
async fn a_dual_stack_relay_sees_ipv4_as_ipv4() {
    let house = House::build("[::]:0", "127.0.0.1:0").await;
    for control in [&house.agent_control, &house.console_control] {
        assert!(control.remote_address().is_ipv4(), "{}", control.remote_address());
    }
}

#[tokio::test]
async fn the_relay_has_no_key_of_a_session() {
    let house = House::on_ipv4().await;
    let (agent, console) = house.session(FLOW).await;
    // The ends know each other's key, not the relay's, and share secrets its own connections don't have.
    for end in [&agent, &console] {
        assert_ne!(peer_key(end).unwrap(), public(1));
    }
    let secret = exporter(&agent, b"EXPORTER-venia-test", b"").unwrap();
    assert_eq!(secret, exporter(&console, b"EXPORTER-venia-test", b"").unwrap());
    for control in [&house.agent_control, &house.console_control] {
        assert_ne!(secret, exporter(control, b"EXPORTER-venia-test", b"").unwrap());
    }
}

#[tokio::test]
async fn control_frames_larger_than_the_windows_flow() {
    let mut house = House::on_ipv4().await;
    let peer = Link::bind(None, &key(5), house.at, Role::Console).unwrap();
    let own = soon(peer.connect_relay(expect(1))).await.unwrap();
    let relay = soon(house.arrived.recv()).await.unwrap();
    exchange(&relay, &own, 256 << 10, 256 << 10).await;
    admit(&relay);
    exchange(&relay, &own, 1 << 20, 64).await;
    assert_eq!(peer_key(&relay).unwrap(), public(5));
}

#[tokio::test]
async fn a1_another_relay_than_the_expected_one_is_refused() {
    let house = House::on_ipv4().await;
    let peer = Link::bind(None, &key(5), house.at, Role::Console).unwrap();
    assert!(matches!(soon(peer.connect_relay(expect(9))).await, Err(LinkError::Refused(_))));
}

#[tokio::test]
async fn a3_another_peer_than_the_expected_one_is_refused_through_the_relay() {
    let house = House::on_ipv4().await;
    house.open(FLOW, Limits::default());
    house.agent.announce(FLOW, expect(9)).unwrap();
    let accept = async { house.agent.accept().await.unwrap().connected().await };
    let (agent, _) = soon(async { tokio::join!(accept, house.console.dial(FLOW, expect(2))) }).await;
    assert!(matches!(agent, Err(LinkError::Refused(_))));
}

/// A client outside: any key, any protocol, any destination.
async fn knock(at: SocketAddr, alpn: &str) -> Result<Connection, quinn::ConnectionError> {
    let identity = venia_relay::client::tls::Identity::new(&key(8)).unwrap();
    let config = quinn::ClientConfig::new(identity.client(alpn.as_bytes(), Expected::Anyone).unwrap());
    let client = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    client.connect_with(config, at, "venia.invalid").unwrap().await
}

#[tokio::test]
async fn c3_the_relay_speaks_its_own_protocol_only() {
    let house = House::on_ipv4().await;
    for alpn in ["venia-session/1", "h3"] {
        assert!(soon(knock(house.at, alpn)).await.is_err(), "{alpn}");
    }
    assert!(soon(knock(house.at, "venia-relay/1")).await.is_ok());
}

/// Where an agent's socket can be reached on this computer.
fn port_of(link: &Link) -> SocketAddr {
    ([127, 0, 0, 1], link.local_addr().unwrap().port()).into()
}

#[tokio::test]
async fn c2_dialling_the_agents_port_directly_gets_nothing() {
    let house = House::on_ipv4().await;
    house.agent.announce(FLOW, Expected::Anyone).unwrap();
    let at = port_of(&house.agent);
    let direct = UdpSocket::bind("127.0.0.1:0").unwrap();
    direct.set_nonblocking(true).unwrap();
    let direct = tokio::net::UdpSocket::from_std(direct).unwrap();
    // A long header of an unknown version, as large as an Initial: QUIC would have to answer with its versions.
    let mut probe = vec![0xc0, 0x0a, 0x1a, 0x2a, 0x3a, 8, 1, 2, 3, 4, 5, 6, 7, 8, 8, 1, 2, 3, 4, 5, 6, 7, 8];
    probe.resize(1200, 0);
    direct.send_to(&probe, at).await.unwrap();
    // The same as a packet of a live flow, and a short header, which would be answered with a stateless reset.
    direct.send_to(&[prefix(FLOW).as_slice(), &probe].concat(), at).await.unwrap();
    direct.send_to(&[0x40; 100], at).await.unwrap();
    let mut answer = [0; 2000];
    assert!(timeout(QUIET, direct.recv_from(&mut answer)).await.is_err(), "the agent answered a stranger");
    // The relay answers the first: the probe itself is good.
    direct.send_to(&probe, house.at).await.unwrap();
    assert!(soon(direct.recv_from(&mut answer)).await.unwrap().0 > 0);
    // A real handshake gets nowhere, and the announced flow is still there for who comes through the relay.
    assert!(timeout(QUIET, knock(at, "venia-session/1")).await.is_err());
    house.open(FLOW, Limits::default());
    let accept = async { house.agent.accept().await.unwrap().connected().await };
    let (agent, console) = soon(async { tokio::join!(accept, house.console.dial(FLOW, expect(2))) }).await;
    assert!(agent.is_ok() && console.is_ok());
}

#[tokio::test]
async fn c3_an_unannounced_flow_gets_nothing() {
    let house = House::on_ipv4().await;
    house.open(FLOW, Limits::default());
    let outcome =
        timeout(QUIET, async { tokio::join!(house.agent.accept(), house.console.dial(FLOW, expect(2))) }).await;
    assert!(outcome.is_err(), "an agent accepted what nobody announced");
    assert!(house.door.flows().traffic(FLOW).unwrap().packets > 0, "the relay did forward it");
}

/// The announcement and the console's first packets share no order. Dropped, those would come again a second later.
#[tokio::test]
async fn packets_that_overtake_their_announcement_are_not_lost() {
    let house = House::on_ipv4().await;
    house.open(FLOW, Limits::default());
    let begin = async {
        // A console's first words are two packets; while they come, it can't be said that it never got that far.
        while house.door.flows().traffic(FLOW).unwrap().packets < 2 {
            tokio::task::yield_now().await;
        }
        // From here on nothing more reaches the agent, and what it is sent now arrives behind them.
        house.door.flows().remove(FLOW).unwrap();
        exchange(&house.agent_control, &house.own[0], 10, 10).await;
        house.agent.announce(FLOW, Expected::Anyone).unwrap();
        house.agent.accept().await.unwrap().flow()
    };
    let flow = soon(async {
        tokio::select! {
            flow = begin => flow,
            _ = house.console.dial(FLOW, expect(2)) => panic!("nobody answered"),
        }
    });
    assert_eq!(flow.await, FLOW);
}

#[tokio::test]
async fn c3_an_announced_flow_lets_one_connection_in() {
    let house = House::on_ipv4().await;
    let (agent, console) = house.session(FLOW).await;
    assert!(matches!(house.agent.announce(FLOW, Expected::Anyone), Err(LinkError::FlowInUse(FLOW))));
    assert!(matches!(soon(house.console.dial(FLOW, expect(2))).await, Err(LinkError::FlowInUse(FLOW))));
    // The console's program forgets and tries again: the agent's flow is spent.
    house.console.forget(FLOW);
    let again = timeout(QUIET, async { tokio::join!(house.agent.accept(), house.console.dial(FLOW, expect(2))) }).await;
    assert!(again.is_err());
    drop((agent, console));
}

#[tokio::test]
async fn c3_a_console_accepts_nothing() {
    let house = House::on_ipv4().await;
    house.open(FLOW, Limits::default());
    house.console.announce(FLOW, Expected::Anyone).unwrap();
    let outcome =
        timeout(QUIET, async { tokio::join!(house.console.accept(), house.agent.dial(FLOW, expect(3))) }).await;
    assert!(outcome.is_err());
}

#[tokio::test]
async fn a5_removing_a_flow_ends_what_goes_through_it() {
    let house = House::on_ipv4().await;
    let (agent, console) = house.session(FLOW).await;
    exchange(&agent, &console, 10, 10).await;
    assert!(house.door.flows().remove(FLOW).unwrap().packets > 0);
    let mut stream = console.open_uni().await.unwrap();
    stream.write_all(b"after the revocation").await.unwrap();
    assert!(timeout(QUIET, agent.accept_uni()).await.is_err());
    assert!(house.door.flows().dropped().unknown > 0);
}

#[tokio::test]
async fn c2_a_foreign_source_cant_inject_into_a_flow() {
    let house = House::on_ipv4().await;
    let (agent, console) = house.session(FLOW).await;
    exchange(&agent, &console, 10, 10).await;
    let before = house.door.flows().dropped();
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let forged = [prefix(FLOW).as_slice(), &[0x40; 100]].concat();
    stranger.send_to(&forged, house.at).unwrap();
    let mut unknown = forged.clone();
    unknown[PREFIX - 1] ^= 1;
    stranger.send_to(&unknown, house.at).unwrap();
    // The session's own packets queue behind the forged ones: once they have come through, those were judged.
    exchange(&agent, &console, 10, 10).await;
    let after = house.door.flows().dropped();
    assert_eq!((after.foreign, after.unknown), (before.foreign + 1, before.unknown + 1));
}

/// What came to a stranger so far.
fn answers(stranger: &UdpSocket) -> Vec<Vec<u8>> {
    let mut answers = Vec::new();
    let mut packet = [0; 2000];
    while let Ok(len) = stranger.recv(&mut packet) {
        answers.push(packet[..len].to_vec());
    }
    answers
}

#[tokio::test]
async fn c1_forged_packets_get_few_nudges_and_nothing_else() {
    let house = House::build("[::]:0", "127.0.0.1:0").await;
    let (agent, console) = house.session(FLOW).await;
    exchange(&agent, &console, 10, 10).await;
    let before = house.door.flows().dropped();
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    stranger.set_nonblocking(true).unwrap();
    let forged = |flow, len: usize| {
        let mut packet = prefix(flow).to_vec();
        packet.resize(len, 0x40);
        packet
    };
    stranger.send_to(&forged(FLOW, NUDGE_FROM - 1), house.at).unwrap();
    stranger.send_to(&forged(FlowId(FLOW.0 ^ 1), 1000), house.at).unwrap();
    stranger.send_to(&nudge(FLOW), house.at).unwrap();
    // The session's own packets queue behind the forged ones: once they have come through, those were judged.
    exchange(&agent, &console, 10, 10).await;
    assert_eq!(answers(&stranger), Vec::<Vec<u8>>::new());
    let begun = Instant::now();
    for _ in 0..100 {
        stranger.send_to(&forged(FLOW, NUDGE_FROM), house.at).unwrap();
    }
    exchange(&agent, &console, 10, 10).await;
    let most = 1 + begun.elapsed().as_millis() / NUDGE_EVERY.as_millis();
    let answers = answers(&stranger);
    assert!(!answers.is_empty() && answers.len() as u128 <= most, "{} of {most}", answers.len());
    assert!(answers.iter().all(|answer| **answer == nudge(FLOW)));
    let after = house.door.flows().dropped();
    assert_eq!((after.foreign, after.unknown), (before.foreign + 101, before.unknown + 1));
}

#[tokio::test]
async fn c1_oversize_payloads_are_dropped_and_the_session_goes_on() {
    let house = House::on_ipv4().await;
    let (agent, console) = house.session(FLOW).await;
    exchange(&agent, &console, 10, 10).await;
    let before = house.door.flows().dropped().foreign;
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    stranger.send_to(&[prefix(FLOW).as_slice(), &[0x40; 1463]].concat(), house.at).unwrap();
    exchange(&agent, &console, 1 << 20, 10).await;
    assert_eq!(house.door.flows().dropped().foreign, before + 1);
    assert_eq!(house.door.flows().traffic(FLOW).unwrap().dropped, 0, "inner packets never exceed the cap");
    assert!(agent.stats().path.current_mtu <= 1443);
}

#[tokio::test]
async fn c3_a_spent_flow_carries_nothing_more() {
    let house = House::on_ipv4().await;
    let limits = Limits { total: 100_000, ..Limits::default() };
    house.open(FLOW, limits);
    house.agent.announce(FLOW, Expected::Anyone).unwrap();
    let accept = async { house.agent.accept().await.unwrap().connected().await.unwrap() };
    let (agent, console) = soon(async { tokio::join!(accept, house.console.dial(FLOW, expect(2))) }).await;
    let console = console.unwrap();
    let mut stream = console.open_uni().await.unwrap();
    let write = async { stream.write_all(&bytes(3, 1 << 20)).await };
    let read = async { agent.accept_uni().await.unwrap().read_to_end(1 << 20).await };
    assert!(timeout(QUIET, async { tokio::join!(write, read) }).await.is_err());
    let traffic = house.door.flows().traffic(FLOW).unwrap();
    assert!(traffic.dropped > 0 && traffic.bytes <= 100_000, "{traffic:?}");
}

#[tokio::test]
async fn flow_ids_are_used_once() {
    let house = House::on_ipv4().await;
    house.open(FLOW, Limits::default());
    let again =
        house.door.flows().open(FLOW, there(&house.agent_control), there(&house.console_control), Limits::default());
    assert_eq!(again, Err(FlowError::Taken));
    let same =
        house.door.flows().open(FlowId(1), there(&house.agent_control), there(&house.agent_control), Limits::default());
    assert_eq!(same, Err(FlowError::Address));
}

#[tokio::test]
async fn impossible_relay_addresses_are_refused() {
    for address in ["127.0.0.1:0", "0.0.0.0:1", "224.0.0.1:1", "255.255.255.255:1", "[::]:1", "[100::1]:9"] {
        let bound = Link::bind(None, &key(2), address.parse().unwrap(), Role::Console);
        assert!(matches!(bound, Err(LinkError::RelayAddress(_))), "{address}");
    }
    assert!(Link::bind(None, &key(2), (Ipv6Addr::LOCALHOST, 1).into(), Role::Console).is_ok());
}
