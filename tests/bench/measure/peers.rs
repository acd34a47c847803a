//! Many peers of a relay in one process: plain QUIC and the frames of an agent that registers, the same for the relay and for the
//! bare server it is held against.
//!
//! Not here: proving that a relay is one of the pinned root's. That is the peers' own work, and costs the server nothing.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use quinn::{ClientConfig, Connection, Endpoint, EndpointConfig, RecvStream, SendStream, TokioRuntime};
use quinn::{TransportConfig, VarInt};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use venia_proto::id::SessionId;
use venia_proto::key::SigningKey;
use venia_proto::rendezvous::{Answer, Call, FromRelay, ToRelay, VERSION};
use venia_proto::wire::{self, FrameReader, Limit};
use venia_relay::client::tls::{Expected, Identity, RELAY_ALPN};

use super::{Settings, ledger, outside};
use crate::floor::lean::Lean;
use crate::harness::process::Process;
use crate::harness::world::World;

/// Peers of one source: fewer than a relay lets in at once from one. Each endpoint is a source of its own.
pub const PER_SOURCE: usize = 500;
/// Agents that wait, where memory is measured.
pub const AGENTS: usize = 4_000;
/// The same when it is only to be seen that it runs.
pub const AGENTS_SHORT: usize = 100;
/// Peers that arrive at the same time: fewer than make a relay ask for a proof of their address.
const ARRIVING: usize = 32;
/// Until a server has done what is still to be done after a peer has come or gone, its timers included.
const SETTLE: Duration = Duration::from_secs(2);

/// A relay and the bare server, side by side, and who visits both.
pub struct Both {
    runtime: Runtime,
    world: World,
    lean: Lean,
    /// Peers so far: none comes twice.
    peers: usize,
}

/// Peers that are connected, and what keeps them so.
struct Waiting {
    _endpoints: Vec<Endpoint>,
    _peers: Vec<Peer>,
}

/// One peer that is registered.
struct Peer {
    connection: Connection,
    // Their end would end the stream, and with it the registration.
    _stream: (SendStream, RecvStream),
    /// Bytes of the statement and the batch note it was welcomed with.
    welcome: (usize, usize),
}

impl Both {
    /// Starts both.
    pub fn start(program: &std::path::Path) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let world = World::start_in(program, ledger::folder());
        let welcome = runtime.block_on(async {
            let endpoint = endpoint(0);
            let peer = register(&endpoint, world.listening(), 0).await;
            peer.connection.close(VarInt::from_u32(0), b"");
            endpoint.wait_idle().await;
            peer.welcome
        });
        let lean = Lean::start(welcome, world.folder());
        Self { runtime, world, lean, peers: 1 }
    }

    /// Processor time of each server in microseconds for a peer that connects, registers and leaves: ours, the bare one's.
    pub fn visits(&mut self, peers: usize) -> (f64, f64) {
        assert!(peers <= PER_SOURCE, "one endpoint, one source");
        let who = self.next(peers);
        let visit = |at: SocketAddr, server: &Process| {
            let before = outside::cpu(server);
            self.runtime.block_on(come_and_go(at, who.clone()));
            // The last ones' goodbyes are part of it.
            sleep(SETTLE / 4);
            outside::cpu(server).saturating_sub(before).as_secs_f64() * 1e6 / peers as f64
        };
        let ours = visit(self.world.listening(), &self.world.relay);
        (ours, visit(self.lean.address, &self.lean.process))
    }

    /// Memory each server grows by for a peer that waits, in KB: ours, the bare one's. What came before leaves room that is used
    /// again, so once only.
    pub fn waits(mut self, peers: usize) -> (f64, f64) {
        let who = self.next(peers);
        let wait = |at: SocketAddr, server: &Process| {
            let before = outside::memory(server);
            let _waiting = self.runtime.block_on(stay(at, who.clone()));
            sleep(SETTLE);
            outside::memory(server).saturating_sub(before) as f64 / 1e3 / peers as f64
        };
        let ours = wait(self.world.listening(), &self.world.relay);
        (ours, wait(self.lean.address, &self.lean.process))
    }

    /// Peers who never came before.
    fn next(&mut self, peers: usize) -> Range<usize> {
        // From a source nobody has used yet.
        let first = self.peers.next_multiple_of(PER_SOURCE);
        self.peers = first + peers;
        first..self.peers
    }
}

/// How many peers, by whether it is only to be seen that it runs.
pub fn number(settings: &Settings, full: usize, short: usize) -> usize {
    if settings.is_short() { short } else { full }
}

/// All come from one endpoint, a few at a time, and leave as soon as they are registered.
async fn come_and_go(at: SocketAddr, who: Range<usize>) {
    let endpoint = endpoint(who.start);
    let (mut visits, door) = (JoinSet::new(), Arc::new(Semaphore::new(ARRIVING)));
    for n in who {
        let (endpoint, door) = (endpoint.clone(), door.clone());
        visits.spawn(async move {
            let _arriving = door.acquire().await.expect("open");
            register(&endpoint, at, n).await.connection.close(VarInt::from_u32(0), b"");
        });
    }
    visits.join_all().await;
    endpoint.wait_idle().await;
}

/// All come, a few at a time, and stay.
async fn stay(at: SocketAddr, who: Range<usize>) -> Waiting {
    let (mut arrivals, door) = (JoinSet::new(), Arc::new(Semaphore::new(ARRIVING)));
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for n in who {
        if n % PER_SOURCE == 0 {
            endpoints.push(endpoint(n));
        }
        let (endpoint, door) = (endpoints.last().expect("begins with a source").clone(), door.clone());
        arrivals.spawn(async move {
            let _arriving = door.acquire().await.expect("open");
            register(&endpoint, at, n).await
        });
    }
    Waiting { _peers: arrivals.join_all().await, _endpoints: endpoints }
}

/// A socket on the address of this peer's source.
fn endpoint(n: usize) -> Endpoint {
    let [.., high, low] = (n / PER_SOURCE + 1).to_be_bytes();
    let socket = std::net::UdpSocket::bind((Ipv4Addr::new(127, high + 1, low, 1), 0)).expect("loopback");
    let mut settings = EndpointConfig::default();
    settings.grease_quic_bit(false);
    Endpoint::new(settings, None, socket, Arc::new(TokioRuntime)).expect("an endpoint")
}

/// Connects with a key of its own, says hello, registers.
async fn register(endpoint: &Endpoint, at: SocketAddr, n: usize) -> Peer {
    let mut seed = [0x50; 32];
    seed[..8].copy_from_slice(&n.to_be_bytes());
    let identity = Identity::new(&SigningKey::new("device", seed)).expect("a key");
    let mut config = ClientConfig::new(identity.client(RELAY_ALPN, Expected::Anyone).expect("settings"));
    config.transport_config(Arc::new(transport()));
    let connecting = endpoint.connect_with(config, at, "venia.invalid").expect("an open endpoint");
    let connection = connecting.await.expect("a server");
    let (mut send, mut receive) = connection.open_bi().await.expect("a stream");
    let mut reader = FrameReader::new(Limit::Control);
    let hello = ToRelay::Hello { versions: vec![VERSION] };
    let FromRelay::Welcome { statement, batch, .. } = ask(&mut send, &mut receive, &mut reader, &hello).await else {
        unreachable!("welcomed");
    };
    let mut session = [0; 16];
    session[..8].copy_from_slice(&n.to_be_bytes());
    let register = ToRelay::Call { id: 0, call: Call::Register { session: SessionId(session) } };
    let answer = ask(&mut send, &mut receive, &mut reader, &register).await;
    let registered = matches!(answer, FromRelay::Answer { id: 0, answer: Ok(Answer::Registered { .. }) });
    assert!(registered, "{n}: {answer:?}");
    Peer { connection, _stream: (send, receive), welcome: (statement.len(), batch.len()) }
}

/// Says one thing, and hears one.
async fn ask(send: &mut SendStream, receive: &mut RecvStream, reader: &mut FrameReader, said: &ToRelay) -> FromRelay {
    let frame = wire::encode_frame(said, Limit::Control).expect("short");
    send.write_all(&frame).await.expect("it listens");
    loop {
        let chunk = receive.read_chunk(usize::MAX, true).await.expect("it answers").expect("it answers");
        let mut rest: &[u8] = &chunk.bytes;
        if let Some(body) = reader.feed(&mut rest).expect("a frame") {
            assert!(rest.is_empty(), "one answer at a time");
            return wire::decode(&body, Limit::Control).expect("an answer");
        }
    }
}

/// A waiting peer's end, as an agent has it.
fn transport() -> TransportConfig {
    let mut config = TransportConfig::default();
    config
        .mtu_discovery_config(None)
        .keep_alive_interval(Some(Duration::from_secs(15)))
        .max_idle_timeout(Some(Duration::from_secs(60).try_into().expect("a minute")))
        .max_concurrent_bidi_streams(VarInt::from_u32(4))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .receive_window(VarInt::from_u32(1 << 20))
        .datagram_receive_buffer_size(None);
    config
}
