//! The relay's door: control connections, `venia-relay/1` only, with limits a stranger can't use up.
//!
//! Not here: who the peer is (signed notes, SECURITY A3) and what it may ask.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use quinn::{
    AsyncUdpSocket as _, Connection, ConnectionError, Endpoint, ServerConfig, TokioRuntime, TransportConfig, VarInt,
};
use venia_proto::key::SigningKey;

use super::forward::{Flows, ForwardingSocket};
use crate::client::packet::usable;
use crate::client::tls::{Expected, Identity, RELAY_ALPN, TlsError};
use crate::client::transport::{self, CONTROL_IDLE, HANDSHAKE};
use crate::client::udp::Udp;

/// Bidirectional streams a peer may have open at once. Each one allowed costs memory, used or not: this number is what an
/// idle connection weighs (29 KB with 4, 39 KB with 100).
const STREAMS: u32 = 4;
/// Bytes a peer may have on the way in all, and on one stream, until [`admit`]: the most a stranger can make us hold.
/// Larger frames flow through it as they are read.
const STRANGER_WINDOW: u32 = 64 << 10;
/// Bytes an admitted peer may have on the way in all. (SECURITY E1)
const ADMITTED_WINDOW: u32 = 256 << 10;
/// Handshakes not yet taken up; more are refused by QUIC itself.
const WAITING: usize = 512;
/// Bytes kept of one handshake not yet taken up, and of all of them.
const WAITING_BYTES: (u64, u64) = (16 << 10, 4 << 20);
/// Handshakes under way from which on peers must first prove their address (a Retry costs one round trip).
const RETRY_FROM: usize = 64;
/// Handshakes under way at once; more are ignored, and peers try again by themselves.
const HANDSHAKES: usize = 1024;

/// A relay that can't open its door.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// Our own key or settings.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address is taken or isn't ours.
    #[error("can't listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A handshake that didn't end well. Never worth more than a debug line: strangers cause them at will.
#[derive(Debug, thiserror::Error)]
pub enum ArrivalError {
    /// The peer has no key, another protocol, or went away.
    #[error("the peer's handshake failed")]
    Failed(#[source] ConnectionError),
    /// It took longer than [`HANDSHAKE`].
    #[error("the peer's handshake took too long")]
    Slow,
}

/// The relay's socket and endpoint.
pub struct Door {
    endpoint: Endpoint,
    socket: Arc<ForwardingSocket>,
    flows: Flows,
    handshakes: Arc<AtomicUsize>,
}

impl Door {
    /// Listens; `[::]` serves IPv4 too. Needs a tokio runtime.
    pub fn open(listen: SocketAddr, key: &SigningKey) -> Result<Self, DoorError> {
        let failed = |source| DoorError::Listen { address: listen, source };
        let identity = Identity::new(key)?;
        let mut config = ServerConfig::with_crypto(identity.server(RELAY_ALPN, Expected::Anyone)?);
        config
            .transport_config(Arc::new(control()))
            // A peer behind a NAT changes its port without knowing; its control connection follows.
            .migration(true)
            .max_incoming(WAITING)
            .incoming_buffer_size(WAITING_BYTES.0)
            .incoming_buffer_size_total(WAITING_BYTES.1);
        transport::no_tokens(&mut config);
        let flows = Flows::default();
        let socket = Arc::new(ForwardingSocket::new(Udp::bind(listen).map_err(failed)?, flows.clone()));
        let runtime = Arc::new(TokioRuntime);
        let endpoint = Endpoint::new_with_abstract_socket(transport::endpoint(), Some(config), socket.clone(), runtime)
            .map_err(failed)?;
        Ok(Self { endpoint, socket, flows, handshakes: Arc::default() })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// Datagrams that may leave in one batch; 1 where the kernel takes none, or has refused one since. One refusal makes the
    /// relay several times as dear for everybody, so nobody may cause it from outside. (SECURITY C1)
    pub fn batch_max(&self) -> usize {
        self.socket.max_transmit_segments()
    }

    /// The flows that run through it.
    pub fn flows(&self) -> &Flows {
        &self.flows
    }

    /// The next peer at the door; `None` once closed. Finish its handshake in a task of its own.
    pub async fn accept(&self) -> Option<Arrival> {
        loop {
            let incoming = self.endpoint.accept().await?;
            let under_way = self.handshakes.load(Ordering::Relaxed);
            if under_way >= HANDSHAKES || !usable(incoming.remote_address()) {
                incoming.ignore();
            } else if under_way >= RETRY_FROM && !incoming.remote_address_validated() {
                if let Err(spent) = incoming.retry() {
                    spent.into_incoming().ignore();
                }
            } else if let Ok(connecting) = incoming.accept() {
                return Some(Arrival { connecting, _under_way: UnderWay::begin(&self.handshakes) });
            }
        }
    }

    /// Closes every connection, tells the peers why, and waits until they can have heard it.
    pub async fn close(&self, code: u32, reason: &[u8]) {
        self.endpoint.close(VarInt::from_u32(code), reason);
        self.endpoint.wait_idle().await;
    }
}

/// A peer whose handshake has begun.
pub struct Arrival {
    connecting: quinn::Connecting,
    _under_way: UnderWay,
}

impl Arrival {
    /// Waits for the complete handshake: from then on the peer's key is proved, and no more.
    pub async fn connected(self) -> Result<Connection, ArrivalError> {
        match tokio::time::timeout(HANDSHAKE, self.connecting).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(ArrivalError::Failed(error)),
            Err(_) => Err(ArrivalError::Slow),
        }
    }
}

/// Gives a peer the room its sealed parts need, once it is known who it is and it has a session. (SECURITY E1)
pub fn admit(connection: &Connection) {
    connection.set_receive_window(VarInt::from_u32(ADMITTED_WINDOW));
}

/// Counts a handshake while it lives.
struct UnderWay(Arc<AtomicUsize>);

impl UnderWay {
    fn begin(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The control connection, the relay's end: no keep-alive of ours, ten thousand peers would each cost a timer.
fn control() -> TransportConfig {
    let mut config = TransportConfig::default();
    config
        .mtu_discovery_config(None)
        .max_idle_timeout(Some(transport::idle(CONTROL_IDLE)))
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(STRANGER_WINDOW))
        .receive_window(VarInt::from_u32(STRANGER_WINDOW))
        .datagram_receive_buffer_size(None);
    config
}
