//! A relay and two peers on loopback, over real QUIC: what goes through, and what doesn't.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use std::net::{Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use quinn::Connection;
use tokio::sync::mpsc;
use tokio::time::timeout;
use venia_proto::id::FlowId;
use venia_proto::key::{PublicKey, SigningKey};
use venia_relay::client::link::{Link, LinkError, Role};
use venia_relay::client::packet::{PREFIX, prefix};
use venia_relay::client::tls::{Expected, exporter, peer_key};
use venia_relay::server::accept::{Door, admit};
use venia_relay::server::flow::{End, FlowError, Limits};

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
    console_own: Connection,
    _agent_own: Connection,
}

impl House {
    async fn build(listen: &str, reach: &str) -> Self {
        let door = Arc::new(Door::open(listen.parse().unwrap(), &key(1)).unwrap());
        let mut at: SocketAddr = reach.parse().unwrap();
        at.set_port(door.local_addr().unwrap().port());
        let (arrive, mut arrived) = mpsc::unbounded_channel();
        let opened = door.clone();
        tokio::spawn(async move {
            while let Some(arrival) = opened.accept().await {
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
        Self { door, at, agent, console, agent_control, console_control, arrived, console_own, _agent_own: agent_own }
    }

    async fn on_ipv4() -> Self {
        Self::build("127.0.0.1:0", "127.0.0.1:0").await
    }

    fn open(&self, flow: FlowId, limits: Limits) {
        self.door.flows().open(flow, &self.agent_control, &self.console_control, limits).unwrap();
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

/// A box between a console and the relay, as many people have: it knows only addresses, keeps a copy of every packet, and
/// can change its outer port at any time.
struct Nat {
    at: SocketAddr,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
    renew: mpsc::UnboundedSender<()>,
}

impl Nat {
    async fn build(relay: SocketAddr) -> Self {
        let inner = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut outer = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let at = inner.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (renew, mut renewals) = mpsc::unbounded_channel();
        let copies = seen.clone();
        tokio::spawn(async move {
            let mut inside = None;
            let (mut up, mut down) = (vec![0; 2000], vec![0; 2000]);
            loop {
                tokio::select! {
                    renewal = renewals.recv() => match renewal {
                        Some(()) => outer = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap(),
                        None => return,
                    },
                    Ok((len, from)) = inner.recv_from(&mut up) => {
                        inside = Some(from);
                        copies.lock().unwrap().push(up[..len].to_vec());
                        let _ = outer.send_to(&up[..len], relay).await;
                    }
                    Ok((len, from)) = outer.recv_from(&mut down) => {
                        copies.lock().unwrap().push(down[..len].to_vec());
                        if let (Some(inside), true) = (inside, from == relay) {
                            let _ = inner.send_to(&down[..len], inside).await;
                        }
                    }
                }
            }
        });
        Self { at, seen, renew }
    }
}

/// Puts a box between console and relay; the console's control connection is made anew through it.
async fn behind_a_nat() -> (House, Nat) {
    let mut house = House::on_ipv4().await;
    let nat = Nat::build(house.at).await;
    house.console = Link::bind(None, &key(3), nat.at, Role::Console).unwrap();
    house.console_own = soon(house.console.connect_relay(expect(1))).await.unwrap();
    house.console_control = soon(house.arrived.recv()).await.unwrap();
    (house, nat)
}

#[tokio::test]
async fn what_passes_the_relay_is_unreadable() {
    let (house, nat) = behind_a_nat().await;
    let (agent, console) = house.session(FLOW).await;
    let text = b"the person's own words, said to the technician alone";
    let mut stream = console.open_uni().await.unwrap();
    stream.write_all(text).await.unwrap();
    let mut received = soon(agent.accept_uni()).await.unwrap();
    let mut read = vec![0; text.len()];
    soon(received.read_exact(&mut read)).await.unwrap();
    assert_eq!(&read, text);
    let seen = nat.seen.lock().unwrap();
    let forwarded = seen.iter().filter(|packet| packet.starts_with(&prefix(FLOW))).count();
    assert!(forwarded > 4, "the session did pass here");
    for packet in seen.iter() {
        assert!(!packet.windows(8).any(|bytes| bytes == &text[4..12]));
    }
}

#[tokio::test]
async fn c4_a_session_survives_a_new_port_once_the_relay_was_told_to_follow() {
    let (house, nat) = behind_a_nat().await;
    let (agent, console) = house.session(FLOW).await;
    exchange(&agent, &console, 100, 100).await;
    let before = house.console_control.remote_address();
    nat.renew.send(()).unwrap();
    // The first control packet from the new port lets QUIC validate it; the flow stays where it was.
    exchange(&house.console_control, &house.console_own, 100, 100).await;
    assert_ne!(house.console_control.remote_address(), before);
    let foreign = house.door.flows().dropped().foreign;
    let mut stream = console.open_uni().await.unwrap();
    stream.write_all(b"lost at first").await.unwrap();
    assert!(timeout(QUIET, agent.accept_uni()).await.is_err());
    assert!(house.door.flows().dropped().foreign > foreign);
    house.door.flows().follow(FLOW, End::Console, &house.console_control).unwrap();
    soon(agent.accept_uni()).await.unwrap();
    exchange(&agent, &console, 1 << 20, 1 << 20).await;
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
    let again = house.door.flows().open(FLOW, &house.agent_control, &house.console_control, Limits::default());
    assert_eq!(again, Err(FlowError::Taken));
    let same = house.door.flows().open(FlowId(1), &house.agent_control, &house.agent_control, Limits::default());
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
