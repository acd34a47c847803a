//! A bare server on QUIC: the relay's settings, and nothing behind them.
//!
//! It proves its key, asks for the client's, lets it open one stream, and answers each request there with bytes made before. Run as
//! a process of its own, so that the kernel accounts for it alone.
//!
//! The settings are the relay's of the day this was written, on purpose not shared with it: a floor that follows would hide
//! what a setting costs (`relay::server::accept` says why each is as it is).
//!
//! Not here: limits for strangers, members, numbers, a ledger.

#![expect(clippy::print_stdout, reason = "a bench that can't go on says so; its address is a line")]

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use quinn::{
    Connection, Endpoint, EndpointConfig, Incoming, ServerConfig, TokioRuntime, TransportConfig, ValidationTokenConfig,
    VarInt,
};
use venia_proto::id::SessionId;
use venia_proto::key::SigningKey;
use venia_proto::rendezvous::{Answer, Call, FromRelay, ToRelay, VERSION};
use venia_proto::wire::{self, Limit};
use venia_relay::client::tls::{Expected, Identity, RELAY_ALPN};

use crate::harness::process::Process;

/// Tells a child of a bench that it is the server; the lengths of the statement and of the batch note it shall show follow.
const LEAN: &str = "--lean";
/// Bytes read of a stream at once.
const CHUNK: usize = 16 * 1024;

/// The server, while it runs.
pub struct Lean {
    /// Its process.
    pub process: Process,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Lean {
    /// Starts this program once more, as the server. `welcome`: bytes of the statement and of the batch note, as many as the
    /// relay's have.
    pub fn start(welcome: (usize, usize), logs: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args([LEAN, &welcome.0.to_string(), &welcome.1.to_string()]);
        let mut process = Process::start("lean", command, logs);
        let address = process.line("its address", |line| line.strip_prefix("lean: ")?.parse().ok());
        Self { process, address }
    }
}

/// Serves until standard input ends, if this process was started for it.
pub fn serve_if_asked() -> bool {
    let mut arguments = std::env::args().skip_while(|argument| argument != LEAN).skip(1);
    let mut length = || arguments.next()?.parse::<usize>().ok();
    let Some((statement, batch)) = length().zip(length()) else { return false };
    // As many threads as the relay runs on.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let _within = runtime.enter();
    let endpoint = endpoint();
    println!("lean: {}", endpoint.local_addr().expect("an address"));
    runtime.spawn(accept(endpoint, Arc::new(Answers::new(statement, batch))));
    // Also when the bench is killed.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    true
}

/// What is said, made once.
struct Answers {
    /// Bytes of a hello and of a registration.
    requests: [usize; 2],
    answers: [Vec<u8>; 2],
}

impl Answers {
    fn new(statement: usize, batch: usize) -> Self {
        let hello = ToRelay::Hello { versions: vec![VERSION] };
        let register = ToRelay::Call { id: 0, call: Call::Register { session: SessionId([0; 16]) } };
        let welcome = FromRelay::Welcome { version: VERSION, statement: vec![0; statement], batch: vec![0; batch] };
        let registered = FromRelay::Answer { id: 0, answer: Ok(Answer::Registered { number: 0 }) };
        Self {
            requests: [&hello, &register].map(|said| wire::encode_frame(said, Limit::Control).expect("short").len()),
            answers: [&welcome, &registered].map(|said| wire::encode_frame(said, Limit::Control).expect("short")),
        }
    }
}

fn endpoint() -> Endpoint {
    let identity = Identity::new(&SigningKey::new("lean", [7; 32])).expect("a key");
    let crypto = identity.server(RELAY_ALPN, Expected::Anyone).expect("settings");
    let mut tokens = ValidationTokenConfig::default();
    tokens.sent(0);
    let mut server = ServerConfig::with_crypto(crypto);
    server.transport_config(Arc::new(transport())).migration(true).max_incoming(512).validation_token_config(tokens);
    let mut settings = EndpointConfig::default();
    settings.grease_quic_bit(false);
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    Endpoint::new(settings, Some(server), socket, Arc::new(TokioRuntime)).expect("an endpoint")
}

fn transport() -> TransportConfig {
    let mut config = TransportConfig::default();
    config
        .mtu_discovery_config(None)
        .max_idle_timeout(Some(Duration::from_secs(60).try_into().expect("a minute")))
        .max_concurrent_bidi_streams(VarInt::from_u32(4))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(64 << 10))
        .receive_window(VarInt::from_u32(64 << 10))
        .datagram_receive_buffer_size(None);
    config
}

async fn accept(endpoint: Endpoint, answers: Arc<Answers>) {
    while let Some(incoming) = endpoint.accept().await {
        tokio::spawn(serve(incoming, answers.clone()));
    }
}

async fn serve(incoming: Incoming, answers: Arc<Answers>) {
    if let Ok(connection) = incoming.await {
        // Whoever leaves is what is measured.
        let _ = answer(&connection, &answers).await;
        connection.closed().await;
    }
}

async fn answer(connection: &Connection, answers: &Answers) -> Option<()> {
    let (mut send, mut receive) = connection.accept_bi().await.ok()?;
    for (request, answer) in answers.requests.iter().zip(&answers.answers) {
        let mut heard = 0;
        while heard < *request {
            heard += receive.read_chunk(CHUNK, true).await.ok()??.bytes.len();
        }
        send.write_all(answer).await.ok()?;
    }
    // The stream stays open, as a waiting peer's does.
    connection.closed().await;
    Some(())
}
