//! The relay's door: control connections, `venia-relay/1` only, with limits a stranger can't use up.
//!
//! Not here: who the peer is (signed notes, SECURITY A3) and what it may ask.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use quinn::{Connection, ConnectionError, Endpoint, ServerConfig, TokioRuntime, TransportConfig, VarInt};
use venia_proto::key::SigningKey;

use super::forward::{Flows, ForwardingSocket};
use super::reset::{self, ResetKey};
use super::sources::{Limits, Source, Sources, Verdict};
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
/// Least time between two packets that tell a peer its connection is unknown here. Each is smaller than what it answers; after a
/// restart thousands of peers wait for theirs.
const RESET_EVERY: Duration = Duration::from_millis(1);
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
    sources: Arc<Mutex<Sources>>,
    opened: Instant,
}

impl Door {
    /// Listens; `[::]` serves IPv4 too. Needs a tokio runtime.
    pub fn open(listen: SocketAddr, key: &SigningKey, limits: Limits) -> Result<Self, DoorError> {
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
        let mut settings = transport::endpoint();
        settings
            .cid_generator(reset::connection_ids(key))
            .reset_key(Arc::new(ResetKey::of(key)))
            .min_reset_interval(RESET_EVERY);
        let endpoint =
            Endpoint::new_with_abstract_socket(settings, Some(config), socket.clone(), runtime).map_err(failed)?;
        let sources = Arc::new(Mutex::new(Sources::new(limits)));
        Ok(Self { endpoint, socket, flows, sources, opened: Instant::now() })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// Datagrams that may leave in one batch; 1 where the kernel takes none, or has refused one since. One refusal makes the
    /// relay several times as dear for everybody, so nobody may cause it from outside. (SECURITY C1)
    pub fn batch_max(&self) -> usize {
        self.socket.batch_max()
    }

    /// The flows that run through it.
    pub fn flows(&self) -> &Flows {
        &self.flows
    }

    /// The next peer at the door; `None` once closed. Finish its handshake in a task of its own, and keep the [`Arrival`] as long
    /// as the connection: it counts for its source until then.
    pub async fn accept(&self) -> Option<Arrival> {
        loop {
            let incoming = self.endpoint.accept().await?;
            let address = incoming.remote_address();
            if !usable(address) {
                incoming.ignore();
                continue;
            }
            let (source, proved) = (Source::of(address), incoming.remote_address_validated());
            let now_us = u64::try_from(self.opened.elapsed().as_micros()).unwrap_or(u64::MAX);
            // Not in the `match` itself: what gives its place back below takes the same lock.
            let verdict = lock(&self.sources).knocks(source, proved, now_us);
            match verdict {
                Verdict::Ignore => incoming.ignore(),
                Verdict::Prove => {
                    if let Err(spent) = incoming.retry() {
                        spent.into_incoming().ignore();
                    }
                }
                Verdict::Accept => {
                    let place = Place { sources: self.sources.clone(), source, shaking: true };
                    if let Ok(connecting) = incoming.accept() {
                        return Some(Arrival { connecting: Some(connecting), place });
                    }
                }
            }
        }
    }

    /// Closes every connection, tells the peers why, and waits until they can have heard it.
    pub async fn close(&self, code: u32, reason: &[u8]) {
        self.endpoint.close(VarInt::from_u32(code), reason);
        self.endpoint.wait_idle().await;
    }
}

/// A peer whose handshake has begun. Its place at the door is free again once this is dropped.
pub struct Arrival {
    connecting: Option<quinn::Connecting>,
    place: Place,
}

impl Arrival {
    /// Waits for the complete handshake: from then on the peer's key is proved, and no more. Once only.
    pub async fn connected(&mut self) -> Result<Connection, ArrivalError> {
        let Some(connecting) = self.connecting.take() else { return Err(ArrivalError::Slow) };
        let shaken = tokio::time::timeout(HANDSHAKE, connecting).await;
        self.place.settle();
        match shaken {
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

/// Counts for its source, first as a handshake.
struct Place {
    sources: Arc<Mutex<Sources>>,
    source: Source,
    shaking: bool,
}

impl Place {
    fn settle(&mut self) {
        if std::mem::take(&mut self.shaking) {
            lock(&self.sources).settled(self.source);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.settle();
        lock(&self.sources).left(self.source);
    }
}

fn lock(sources: &Mutex<Sources>) -> MutexGuard<'_, Sources> {
    sources.lock().unwrap_or_else(PoisonError::into_inner)
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
