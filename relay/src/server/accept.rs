//! The relay's door: control connections, `venia-relay/1` only, with limits a stranger can't use up.
//!
//! Not here: who the peer is (signed notes, SECURITY A3) and what it may ask.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quinn::{
    AsyncUdpSocket as _, Connection, ConnectionError, Endpoint, ServerConfig, TokioRuntime, TransportConfig, VarInt,
};
use venia_proto::key::SigningKey;

use super::forward::{Flows, ForwardingSocket};
use super::hall::source;
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
/// Those among them from one address prefix: whoever begins many and ends none mustn't shut the door for everybody else. Above
/// [`RETRY_FROM`], so that made-up sources use up nobody's share.
const HANDSHAKES_PER_SOURCE: usize = 256;

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
    handshakes: Arc<Handshakes>,
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
            let from = source(incoming.remote_address());
            if !usable(incoming.remote_address()) || !self.handshakes.have_room(&from) {
                incoming.ignore();
            } else if self.handshakes.ask_for_proof() && !incoming.remote_address_validated() {
                if let Err(spent) = incoming.retry() {
                    spent.into_incoming().ignore();
                }
            } else if let Ok(connecting) = incoming.accept() {
                return Some(Arrival { connecting, _under_way: UnderWay::begin(&self.handshakes, from) });
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

/// Handshakes under way, by where they come from. Holds nothing for who has none.
#[derive(Default)]
struct Handshakes(Mutex<HashMap<String, usize>>);

impl Handshakes {
    /// Whether one more from there may begin.
    fn have_room(&self, from: &str) -> bool {
        let by = self.lock();
        by.values().sum::<usize>() < HANDSHAKES && by.get(from).is_none_or(|own| *own < HANDSHAKES_PER_SOURCE)
    }

    /// Whether the next one must first prove its address.
    fn ask_for_proof(&self) -> bool {
        self.lock().values().sum::<usize>() >= RETRY_FROM
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a handshake while it lives.
struct UnderWay {
    of: Arc<Handshakes>,
    from: String,
}

impl UnderWay {
    fn begin(of: &Arc<Handshakes>, from: String) -> Self {
        *of.lock().entry(from.clone()).or_default() += 1;
        Self { of: of.clone(), from }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut by = self.of.lock();
        if let Some(own) = by.get_mut(&self.from) {
            *own -= 1;
            if *own == 0 {
                by.remove(&self.from);
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(of: &Arc<Handshakes>, from: &str, count: usize) -> Vec<UnderWay> {
        (0..count).map(|_| UnderWay::begin(of, from.to_owned())).collect()
    }

    #[test]
    fn c3_one_source_uses_up_its_own_share_and_all_together_use_up_the_door() {
        let of = Arc::new(Handshakes::default());
        let mut held = begin(&of, "a", HANDSHAKES_PER_SOURCE - 1);
        assert!(of.have_room("a"));
        held.extend(begin(&of, "a", 1));
        assert!(!of.have_room("a") && of.have_room("b"));
        drop(held.pop());
        assert!(of.have_room("a"));
        let others: Vec<_> = ["b", "c", "d"].iter().map(|from| begin(&of, from, HANDSHAKES_PER_SOURCE)).collect();
        assert!(of.have_room("e"), "one is left");
        held.extend(begin(&of, "e", 1));
        assert!(!of.have_room("e") && !of.have_room("f"));
        drop((held, others));
        assert!(of.lock().is_empty());
    }

    #[test]
    fn c3_from_some_on_addresses_are_proved() {
        let of = Arc::new(Handshakes::default());
        let mut held = begin(&of, "a", RETRY_FROM - 1);
        assert!(!of.ask_for_proof());
        held.extend(begin(&of, "b", 1));
        assert!(of.ask_for_proof());
        const { assert!(RETRY_FROM < HANDSHAKES_PER_SOURCE) };
    }
}
