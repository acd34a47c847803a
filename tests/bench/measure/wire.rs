//! A session on loopback through something in the middle: the relay's door, or the bare forwarder. Both middles run alone on a
//! thread whose processor time is read; the ends are the same QUIC with the same settings, and run elsewhere in this process.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::{Connection, Endpoint, ServerConfig, TokioRuntime};
use rustix::net::sockopt;
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};
use venia_proto::id::FlowId;
use venia_proto::key::SigningKey;
use venia_proto::rendezvous::ALPN_SESSION;
use venia_relay::client::link::{Link, Role};
use venia_relay::client::tls::{Expected, Identity};
use venia_relay::client::transport;
use venia_relay::server::accept::Door;
use venia_relay::server::flow::Limits;
use venia_relay::server::forward::Proved;
use venia_relay::server::sources;

use crate::floor::forwarder;
use crate::harness::within;

/// Bytes that are written or read at a time.
const CHUNK: usize = 64 * 1024;
/// Kernel buffers, as the product asks for them.
const KERNEL_BUFFER: usize = 4 << 20;
const FLOW: FlowId = FlowId(0x5645_4e49_4121);

fn key(seed: u8) -> SigningKey {
    SigningKey::new("device", [seed; 32])
}

fn here() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// A thread of its own for what is measured.
struct Alone {
    ask: mpsc::UnboundedSender<oneshot::Sender<Duration>>,
}

impl Alone {
    /// Runs this there, for as long as it is asked for its time.
    fn run<F, T>(work: impl FnOnce() -> F + Send + 'static) -> (Self, T)
    where
        F: Future<Output = T>,
        T: Send + 'static,
    {
        let (ask, mut asked) = mpsc::unbounded_channel::<oneshot::Sender<Duration>>();
        let (give, given) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                give.send(work().await).expect("somebody waits");
                while let Some(answer) = asked.recv().await {
                    let time = clock_gettime(ClockId::ThreadCPUTime);
                    let nanoseconds = u32::try_from(time.tv_nsec).expect("below a second");
                    let _ = answer.send(Duration::new(time.tv_sec.cast_unsigned(), nanoseconds));
                }
            });
        });
        (Self { ask }, given.recv().expect("it began"))
    }

    async fn cpu(&self) -> Duration {
        let (answer, answered) = oneshot::channel();
        self.ask.send(answer).expect("it lives");
        answered.await.expect("it lives")
    }
}

/// Both ends of a session, and what stands between them.
pub struct Through {
    middle: Alone,
    agent: Connection,
    console: Connection,
    _held: Vec<Box<dyn Send>>,
}

impl Through {
    /// Through the relay's own door and forwarding. `batches`: whether the ends hand the kernel many packets at a time.
    pub async fn relay(batches: bool) -> Self {
        let (tell, mut arrived) = mpsc::unbounded_channel();
        let (middle, door) = Alone::run(move || async move {
            let door = Arc::new(Door::open(here(), &key(1), sources::Limits::default()).expect("a socket"));
            let accepting = door.clone();
            tokio::spawn(async move {
                while let Some(mut arrival) = accepting.accept().await {
                    let connection = arrival.connected().await.expect("a handshake");
                    tell.send((arrival, connection)).expect("somebody waits");
                }
            });
            door
        });
        let at = door.local_addr().expect("bound");
        let link = |seed, role| {
            let link = Link::bind(Some(here()), &key(seed), at, role).expect("a socket");
            if batches { link } else { link.one_by_one() }
        };
        let (agents, consoles) = (link(2, Role::Agent), link(3, Role::Console));
        let own = agents.connect_relay(Expected::Anyone).await.expect("the relay");
        let (first, agent_at) = within("the agent", arrived.recv()).await.expect("the agent");
        let own_too = consoles.connect_relay(Expected::Anyone).await.expect("the relay");
        let (second, console_at) = within("the console", arrived.recv()).await.expect("the console");
        let proved = |control| Proved { control, at: Connection::remote_address(control) };
        let limits = Limits { rate: u64::MAX / 2, burst: u64::MAX / 2, total: u64::MAX };
        door.flows().open(FLOW, proved(&agent_at), proved(&console_at), limits).expect("a new flow");
        agents.announce(FLOW, Expected::Anyone).expect("a new flow");
        let accepting = async { agents.accept().await.expect("somebody").connected().await.expect("a handshake") };
        let (agent, console) = tokio::join!(accepting, consoles.dial(FLOW, Expected::Anyone));
        let held: Vec<Box<dyn Send>> =
            vec![Box::new((door, agents, consoles)), Box::new((own, own_too, agent_at, console_at, first, second))];
        Self { middle, agent, console: console.expect("the agent"), _held: held }
    }

    /// Through the bare forwarder. `batches`: whether the ends, and it, hand the kernel many packets at a time.
    pub async fn forwarder(batches: bool) -> Self {
        let identity = |seed| Identity::new(&key(seed)).expect("an identity");
        let mut config =
            ServerConfig::with_crypto(identity(2).server(ALPN_SESSION, Expected::Anyone).expect("settings"));
        config.transport_config(Arc::new(transport::session(batches)));
        let agents = endpoint(Some(config));
        let agent_at = agents.local_addr().expect("bound");
        let (middle, at) = Alone::run(move || async move {
            let socket = tokio::net::UdpSocket::from_std(socket()).expect("a socket");
            let at = socket.local_addr().expect("bound");
            tokio::spawn(forwarder::forward(socket, agent_at, batches));
            at
        });
        let consoles = endpoint(None);
        let crypto = identity(3).client(ALPN_SESSION, Expected::Anyone).expect("settings");
        let mut config = quinn::ClientConfig::new(crypto);
        config.transport_config(Arc::new(transport::session(batches)));
        let dialling = async {
            let connecting = consoles.connect_with(config, at, "venia.invalid").expect("settings");
            within("the agent", connecting).await.expect("the agent")
        };
        let accepting = async { agents.accept().await.expect("somebody").await.expect("a handshake") };
        let (agent, console) = tokio::join!(accepting, dialling);
        Self { middle, agent, console, _held: vec![Box::new((agents, consoles))] }
    }

    /// So many bytes from the agent to the console: how long it takes, and the middle's processor time.
    pub async fn carry(&self, bytes: usize) -> (Duration, Duration) {
        let before = self.middle.cpu().await;
        let began = Instant::now();
        let (agent, console) = (self.agent.clone(), self.console.clone());
        let writing = tokio::spawn(async move {
            let mut stream = agent.open_uni().await.expect("a stream");
            let chunk = vec![0x56; CHUNK];
            let mut left = bytes;
            while left > 0 {
                let now = left.min(CHUNK);
                stream.write_all(&chunk[..now]).await.expect("a connection");
                left -= now;
            }
            stream.finish().expect("a stream");
            let _ = stream.stopped().await;
        });
        let mut stream = console.accept_uni().await.expect("a stream");
        let mut read = 0;
        while let Some(chunk) = stream.read_chunk(CHUNK, true).await.expect("a connection") {
            read += chunk.bytes.len();
        }
        let took = began.elapsed();
        assert_eq!(read, bytes, "all of it");
        writing.await.expect("it ended");
        (took, self.middle.cpu().await - before)
    }

    /// Round trips of 100 bytes on one stream: how long each takes.
    pub async fn trips(&self, count: usize) -> Vec<f64> {
        let agent = self.agent.clone();
        let echoing = tokio::spawn(async move {
            let (mut send, mut receive) = agent.accept_bi().await.expect("a stream");
            let mut bytes = [0; 100];
            while receive.read_exact(&mut bytes).await.is_ok() {
                send.write_all(&bytes).await.expect("a connection");
            }
        });
        let (mut send, mut receive) = self.console.open_bi().await.expect("a stream");
        let mut took = Vec::with_capacity(count);
        for _ in 0..count {
            let began = Instant::now();
            send.write_all(&[7; 100]).await.expect("a connection");
            receive.read_exact(&mut [0; 100]).await.expect("an echo");
            took.push(began.elapsed().as_secs_f64() * 1e6);
        }
        send.finish().expect("a stream");
        echoing.await.expect("it ended");
        took
    }
}

/// A socket with the product's buffers.
fn socket() -> std::net::UdpSocket {
    let socket = std::net::UdpSocket::bind(here()).expect("a socket");
    socket.set_nonblocking(true).expect("a socket");
    // The kernel grants what its own limit allows.
    let _ = sockopt::set_socket_recv_buffer_size(&socket, KERNEL_BUFFER);
    let _ = sockopt::set_socket_send_buffer_size(&socket, KERNEL_BUFFER);
    socket
}

fn endpoint(server: Option<ServerConfig>) -> Endpoint {
    Endpoint::new(transport::endpoint(), server, socket(), Arc::new(TokioRuntime)).expect("a socket")
}

/// Where the ends run: one thread each.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// Processor seconds of the middle per GB.
pub fn per_gigabyte(cpu: Duration, bytes: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let gigabytes = bytes as f64 / 1e9;
    cpu.as_secs_f64() / gigabytes
}
