//! Packets that nobody honest sends, at a relay, at an agent and at a console, over the real network stack: dropped, and
//! neither batching, nor memory, nor anybody's session suffers. (SECURITY C1, C2, C3)
//!
//! Not here: what each drop is decided by, which the sockets' own tests show packet by packet.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::{AsyncUdpSocket, Connection, Endpoint, Runtime as _, ServerConfig, TokioRuntime};
use tokio::sync::mpsc;
use tokio::time::timeout;
use venia_proto::id::FlowId;
use venia_proto::key::SigningKey;
use venia_proto::ledger::kind::{Cause, Kind, Status};
use venia_proto::ledger::verify::Finding;
use venia_proto::scope::Scope;
use venia_relay::client::link::{Link, Role};
use venia_relay::client::packet::{PREFIX, Packet, prefix};
use venia_relay::client::tls::{Expected, Identity, RELAY_ALPN};
use venia_relay::client::transport::HANDSHAKE;
use venia_relay::server::accept::Door;
use venia_relay::server::flow::Limits;
use venia_relay::server::forward::Proved;
use venia_relay::server::sources;
use venia_tests::harness::agent::Agent;
use venia_tests::harness::beside::Beside;
use venia_tests::harness::half_open::HalfOpen;
use venia_tests::harness::middlebox::{Line, Middlebox};
use venia_tests::harness::packets::{Forger, Noise, demands_an_answer, drained, flood, v4};
use venia_tests::harness::visitor::{Visit, Visitor};
use venia_tests::harness::world::World;
use venia_tests::harness::{until, within};
use venia_tests::programs;

/// Datagrams of noise the relay gets, and each of the two programs of a session: a million in all.
const NOISE: (u64, u64) = (800_000, 100_000);
/// Of a thousand datagrams so many may be lost before the program under test saw them: else it wasn't tested.
const LOST_MAX: u64 = 50;
/// What a process may take on top of what it took before, in bytes.
const MARGIN: u64 = 16 << 20;
/// How long a refused packet is given to do harm. Loopback delivers in microseconds; only a *failing* check waits less.
const QUIET: Duration = Duration::from_millis(300);
/// Checks a bad line gets at most to hurt enough packets.
const RUNS: usize = 40;
const FLOW: FlowId = FlowId(0x5566_7788_1122_3344);

fn key(seed: u8) -> SigningKey {
    SigningKey::new("device", [seed; 32])
}

/// A relay's door in this process, so that its socket can be looked at, and an end-to-end session through it.
struct House {
    door: Arc<Door>,
    at: SocketAddr,
    agent: Link,
    console: Link,
    /// The ends of the session: the agent's, the console's.
    ends: (Connection, Connection),
    controls: [Connection; 4],
}

impl House {
    async fn build() -> Self {
        let door = Arc::new(Door::open((Ipv4Addr::LOCALHOST, 0).into(), &key(1), sources::Limits::default()).unwrap());
        let at = door.local_addr().unwrap();
        let (arrive, mut arrived) = mpsc::unbounded_channel();
        let opened = door.clone();
        tokio::spawn(async move {
            while let Some(mut arrival) = opened.accept().await {
                if let Ok(connection) = arrival.connected().await {
                    let _ = arrive.send(connection);
                }
            }
        });
        let relay = Expected::Key(*key(1).public());
        let agent = Link::bind(None, &key(2), at, Role::Agent).unwrap();
        let console = Link::bind(None, &key(3), at, Role::Console).unwrap();
        let agent_own = within("the relay", agent.connect_relay(relay)).await.unwrap();
        let agent_control = arrived.recv().await.unwrap();
        let console_own = within("the relay", console.connect_relay(relay)).await.unwrap();
        let console_control = arrived.recv().await.unwrap();
        let proved = |control| Proved { control, at: quinn::Connection::remote_address(control) };
        door.flows().open(FLOW, proved(&agent_control), proved(&console_control), Limits::default()).unwrap();
        agent.announce(FLOW, Expected::Key(*key(3).public())).unwrap();
        let accept = async { agent.accept().await.unwrap().connected().await.unwrap() };
        let dial = async { console.dial(FLOW, Expected::Key(*key(2).public())).await.unwrap() };
        let ends = within("a session", async { tokio::join!(accept, dial) }).await;
        let controls = [agent_own, agent_control, console_own, console_control];
        Self { door, at, agent, console, ends, controls }
    }

    /// So many bytes each way, whole.
    async fn exchange(&self, bytes: usize) {
        let (agent, console) = &self.ends;
        let sent: Vec<u8> = (0..bytes).map(|n| ((n * 31) >> 3).to_le_bytes()[0]).collect();
        for (from, to) in [(agent, console), (console, agent)] {
            let send = async {
                let mut stream = from.open_uni().await.unwrap();
                stream.write_all(&sent).await.unwrap();
                stream.finish().unwrap();
            };
            let receive = async { to.accept_uni().await.unwrap().read_to_end(bytes).await.unwrap() };
            let ((), received) = within("an exchange", async { tokio::join!(send, receive) }).await;
            assert!(received == sent, "it arrived damaged");
        }
    }

    /// Nothing happened: the session is whole, nobody moved, and batches leave as large as before.
    async fn is_untouched(&self, batch_max: usize) {
        assert_eq!(self.door.batch_max(), batch_max, "batching is off for everybody");
        self.exchange(1 << 20).await;
        for connection in self.controls.iter().chain([&self.ends.0, &self.ends.1]) {
            assert_eq!(connection.close_reason(), None);
        }
        for (control, link) in [(&self.controls[1], &self.agent), (&self.controls[3], &self.console)] {
            assert_eq!(v4(control.remote_address()).port(), link.local_addr().unwrap().port());
        }
    }
}

/// Where a link can be reached on this computer.
fn port_of(link: &Link) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, link.local_addr().unwrap().port())
}

/// Sources nobody can be at.
fn impossible() -> [SocketAddrV4; 2] {
    // The kernel itself drops broadcast and multicast sources; whatever it lets through must be dropped behind it.
    [SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0), SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 9), 0)]
}

#[tokio::test(flavor = "multi_thread")]
async fn c1_packets_from_port_0_leave_batching_on_for_everybody() {
    let house = House::build().await;
    let batch_max = house.door.batch_max();
    if batch_max == 1 {
        eprintln!("this kernel takes no batches: nothing to lose");
    }
    let Some(forger) = Forger::open() else { return };
    // A careless endpoint of the same library on the same computer: what the attack is worth here.
    let identity = Identity::new(&key(4)).unwrap();
    let config = ServerConfig::with_crypto(identity.server(RELAY_ALPN, Expected::Anyone).unwrap());
    let careless = TokioRuntime.wrap_udp_socket(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).unwrap();
    let victim = careless.local_addr().unwrap();
    let socket: Arc<dyn AsyncUdpSocket> = careless.clone();
    let _endpoint = Endpoint::new_with_abstract_socket(
        quinn::EndpointConfig::default(),
        Some(config),
        socket,
        Arc::new(TokioRuntime),
    )
    .unwrap();
    assert_eq!(careless.max_transmit_segments(), batch_max);
    let probe = demands_an_answer();
    let answers = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    answers.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    for at in [victim, house.at] {
        answers.send_to(&probe, at).unwrap();
        assert!(answers.recv(&mut [0; 2000]).unwrap() > 0, "the probe itself is good");
    }
    forger.send(impossible()[0], v4(victim), &probe);
    until("the careless one to pay for it", || (careless.max_transmit_segments() == 1).then_some(()));

    let tagged = [prefix(FLOW).as_slice(), &probe].concat();
    for from in impossible() {
        for to in [v4(house.at), port_of(&house.agent), port_of(&house.console)] {
            for payload in [&probe, &tagged, &vec![0x40; 100]] {
                (0..50).for_each(|_| forger.send(from, to, payload));
            }
            drained(to.port());
        }
    }
    house.is_untouched(batch_max).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c2_packets_with_another_s_address_reach_nobody_s_session() {
    let house = House::build().await;
    let batch_max = house.door.batch_max();
    let Some(forger) = Forger::open() else { return };
    let (relay, agent, console) = (v4(house.at), port_of(&house.agent), port_of(&house.console));
    let mut noise = Noise::new(7, FLOW);
    let stranger = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 7), 4433);
    let before = house.door.flows().dropped();
    for round in 0..2_000 {
        let payload = noise.datagram().to_vec();
        // As the agent to the relay, as the relay to both, as each to the other, as nobody to all.
        let ways =
            [(agent, relay), (relay, agent), (relay, console), (console, agent), (stranger, relay), (stranger, agent)];
        let (from, to) = ways[round % ways.len()];
        forger.send(from, to, &payload);
        if round % 50 == 49 {
            drained(to.port());
        }
    }
    // A flow's own packets, but from a third place.
    let tagged = [prefix(FLOW).as_slice(), &[0x40; 100]].concat();
    forger.send(stranger, relay, &tagged);
    drained(relay.port());
    house.is_untouched(batch_max).await;
    assert!(house.door.flows().dropped().foreign > before.foreign, "{:?}", house.door.flows().dropped());
}

/// A session between the shipped agent and a technician whose packets all pass a box.
async fn behind_a_box(world: &World) -> (Agent, Visitor, Visit, Middlebox) {
    let middlebox = Middlebox::before(world.listening(), 11).await;
    let ana = Visitor::through(world, "Ana", 2, middlebox.at).await;
    let mut agent = world.ask("pc");
    let mut visit = ana.arrive(&agent.code(), &[Scope::System]).await;
    agent.allow();
    visit.allowed().await;
    (agent, ana, visit, middlebox)
}

async fn runs(visit: &mut Visit) {
    visit.run("system.memory", &[]).await;
    let status = visit
        .event("a result", |kind, _| if let Kind::Result { status, .. } = kind { Some(*status) } else { None })
        .await;
    assert_eq!(status, Status::Done);
}

async fn ends_well(mut agent: Agent, ana: &Visitor, mut visit: Visit, results: usize) {
    visit.sign_off().await;
    assert_eq!(visit.closed().await, (Cause::Technician, Cause::Done));
    assert_eq!(agent.end(), 0);
    agent.assert_intact();
    let kinds = agent.kinds();
    assert_eq!(kinds.iter().filter(|kind| matches!(kind, Kind::Result { .. })).count(), results, "{kinds:?}");
    assert_eq!(visit.verdict(ana).await.verdict, Finding::Intact);
}

#[tokio::test(flavor = "multi_thread")]
async fn c2_a_whole_session_replayed_from_elsewhere_changes_nothing() {
    let world = World::start(programs!());
    let beside = world.beside("Bea");
    let (agent, ana, mut visit, middlebox) = behind_a_box(&world).await;
    runs(&mut visit).await;
    let (relay, pc) = (world.listening(), agent.process.udp());
    let (up, down) = (middlebox.went_up(), middlebox.came_down());
    let inner = up.iter().filter(|packet| matches!(Packet::of(packet), Packet::Forwarded(_))).count();
    assert!(inner > 10 && down.len() > 10, "{inner} of {} up, {} down", up.len(), down.len());
    // By a stranger: everything that was said, to everybody, once with its prefix and once without.
    let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    for (count, packet) in up.iter().chain(&down).enumerate() {
        let bare = if let Packet::Forwarded(_) = Packet::of(packet) { &packet[PREFIX..] } else { packet };
        for to in [relay, pc] {
            stranger.send_to(packet, to).unwrap();
            stranger.send_to(bare, to).unwrap();
            if count % 50 == 0 {
                drained(to.port());
            }
        }
    }
    // By whoever can write the agent's address, the relay's, and the box's own, as the relay knows it.
    if let Some(forger) = Forger::open() {
        for (count, packet) in up.iter().chain(&down).enumerate() {
            for (from, to) in [(pc, relay), (relay, pc)] {
                forger.send(v4(from), v4(to), packet);
                if count % 50 == 0 {
                    drained(to.port());
                }
            }
        }
    }
    runs(&mut visit).await;
    ends_well(agent, &ana, visit, 2).await;
    beside.ends_untouched();
}

#[tokio::test(flavor = "multi_thread")]
async fn c2_a_technician_who_leaves_the_relay_out_reaches_nothing() {
    let world = World::start(programs!());
    let beside = world.beside("Bea");
    let (mut agent, ana, mut visit, middlebox) = behind_a_box(&world).await;
    runs(&mut visit).await;
    let to = agent.process.udp();
    for (at, bare) in [(0, false), (1, true)] {
        middlebox.becomes(Line::Past { to, bare });
        let text = format!("straight to you {at}");
        visit.chat(&text).await;
        let hears = |agent: &Agent| agent.told().iter().any(|line| line.contains(&text));
        until("packets that go past the relay", || (middlebox.past() > 2 * (at + 1)).then_some(()));
        drained(to.port());
        // Nothing came: not the line, and no answer to where it came from.
        let silence = timeout(QUIET, visit.heard.recv()).await;
        assert!(silence.is_err(), "{silence:?}");
        assert!(!hears(&agent));
        // Nothing is lost for good: sent again through the relay, it arrives.
        middlebox.becomes(Line::Honest);
        agent.fed("the line", |line| line.contains(&text).then_some(()));
    }
    runs(&mut visit).await;
    ends_well(agent, &ana, visit, 2).await;
    beside.ends_untouched();
}

#[tokio::test(flavor = "multi_thread")]
async fn c2_a_line_that_loses_doubles_changes_and_swaps_packets_changes_no_record() {
    let world = World::start(programs!());
    let beside = world.beside("Bea");
    let (agent, ana, mut visit, middlebox) = behind_a_box(&world).await;
    middlebox.becomes(Line::Disturbed { lost: 5, twice: 10, changed: 5, late: 20 });
    // How many packets a check takes depends on how they fall together, so the line says when it was bad enough.
    let mut results = 0;
    while results < 3 || middlebox.hurt() < 10 {
        assert!(results < RUNS, "{} packets hurt", middlebox.hurt());
        runs(&mut visit).await;
        results += 1;
    }
    ends_well(agent, &ana, visit, results).await;
    beside.ends_untouched();
}

#[tokio::test(flavor = "multi_thread")]
async fn c1_a_million_random_datagrams_cost_nobody_memory_or_a_session() {
    let world = World::start(programs!());
    let mut beside = world.beside("Bea");
    let ana = Visitor::enrolled(&world, "Ana", 2).await;
    let mut agent = world.ask("pc");
    let mut visit = ana.arrive(&agent.code(), &[Scope::System]).await;
    agent.allow();
    visit.allowed().await;
    let mut noise = Noise::new(5, visit.flow);
    let [pc, console] = beside.processes().map(|process| process.udp());
    let warm = flood(&[world.listening(), pc, console], 30_000, &mut noise);
    let memory = |beside: &Beside| {
        [world.relay.most_memory(), beside.processes()[0].most_memory(), beside.processes()[1].most_memory()]
    };
    let before = memory(&beside);
    let began = Instant::now();
    let at_relay = flood(&[world.listening()], NOISE.0, &mut noise);
    beside.run();
    let at_both = flood(&[pc, console], 2 * NOISE.1, &mut noise);
    let sent = at_relay.sent + at_both.sent;
    assert_eq!(sent, 1_000_000);
    let lost = at_relay.lost + at_both.lost;
    assert!(lost * 1_000 < sent * LOST_MAX, "{lost} of {sent} datagrams never got there");
    let after = memory(&beside);
    eprintln!("{warm:?} {at_relay:?} {at_both:?} in {:?}, memory {before:?} {after:?}", began.elapsed());
    for (before, after) in before.iter().zip(after) {
        assert!(*before > 0 && after - before < MARGIN, "{} bytes more", after - before);
    }
    runs(&mut visit).await;
    ends_well(agent, &ana, visit, 1).await;
    beside.ends_untouched();
    assert!(!world.relay.errors().contains("panicked"));
}

/// Handshakes that a stranger begins: more than a relay has under way at once.
const HALF_OPEN: usize = 1_200;

#[tokio::test(flavor = "multi_thread")]
async fn c3_a_stranger_who_ends_no_handshake_shuts_the_door_for_nobody_else() {
    let world = World::start(programs!());
    let beside = world.beside("Bea");
    let before = world.relay.most_memory();
    let mut stranger = HalfOpen::at(world.listening(), "127.0.0.5").await;
    for begun in 0..HALF_OPEN {
        stranger.begins();
        if begun % 32 == 0 {
            tokio::task::yield_now().await;
            drained(world.listening().port());
        }
    }
    // While they last, everybody else comes in as ever: well before the first of them is given up.
    let began = Instant::now();
    let ana = Visitor::enrolled(&world, "Ana", 2).await;
    let mut agent = world.ask("pc");
    let mut visit = ana.arrive(&agent.code(), &[Scope::System]).await;
    let took = began.elapsed();
    assert!(took < HANDSHAKE / 2, "{took:?}");
    agent.allow();
    visit.allowed().await;
    runs(&mut visit).await;
    ends_well(agent, &ana, visit, 1).await;
    let took = world.relay.most_memory() - before;
    assert!(before > 0 && took < 2 * MARGIN, "{took} bytes more");
    drop(stranger);
    beside.ends_untouched();
}
