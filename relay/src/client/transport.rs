//! QUIC settings of both layers, each with its reason (TRANSPORT, recommended config).
//!
//! Not here: TLS ([`super::tls`]) and the relay's limits for connections it accepts (`server::accept`).

use std::sync::Arc;
use std::time::Duration;

use quinn::ValidationTokenConfig;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ClientConfig, EndpointConfig, IdleTimeout, MtuDiscoveryConfig, ServerConfig, TransportConfig, VarInt};

use super::packet::{PAYLOAD_MAX, PREFIX};

/// Longest handshake on either layer, from the first packet to the proof of both keys.
pub const HANDSHAKE: Duration = Duration::from_secs(10);
/// A session whose other side is silent for so long is lost.
pub const SESSION_IDLE: Duration = Duration::from_secs(10);
/// A control connection silent for so long is gone.
pub const CONTROL_IDLE: Duration = Duration::from_secs(60);
/// The largest end-to-end packet: [`PAYLOAD_MAX`] without the prefix. A receive buffer of QUIC's takes 1,472 bytes where the
/// kernel glues nothing together, and the prefix must fit too (TRANSPORT, pitfall 12).
pub const INNER_MTU: u16 = (PAYLOAD_MAX - PREFIX) as u16;

/// Keeps NAT bindings of a session open; sent by both ends.
const SESSION_KEEP_ALIVE: Duration = Duration::from_secs(3);
/// Keeps NAT bindings of a waiting peer open; sent by the peer alone.
const CONTROL_KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Streams of either kind the other end of a session may have open at once: requests, series, parts.
const SESSION_STREAMS: u32 = 32;
/// Bytes one stream of a session may have on the way: 12 MB/s at 100 ms.
const SESSION_STREAM_WINDOW: u32 = 1 << 20;
/// Bytes a session may have on the way in all: what a hostile other end can make us hold.
const SESSION_WINDOW: u32 = 4 << 20;
/// Streams the relay may have open towards a peer.
const CONTROL_STREAMS: u32 = 4;
/// Bytes the relay may have on the way to a peer.
const CONTROL_WINDOW: u32 = 1 << 20;
/// Handshakes towards an agent that may wait at once: one console, one helper, and their retries.
const SESSIONS_WAITING: usize = 4;

/// Settings of every endpoint. Greasing would make plain packets look prefixed (TRANSPORT, pitfall 1).
pub fn endpoint() -> EndpointConfig {
    let mut config = EndpointConfig::default();
    config.grease_quic_bit(false);
    config
}

/// First guess of the round trip; QUIC's own (RFC 9002 section 6.2.2). A smaller guess would repair the loss of a first packet
/// sooner, and breaks long ways: whatever is sent again before the first answer doubles what is waited for the next lost
/// packet. With 50 ms, one lost on a way of 800 ms costs 10 s, and the code.
const SESSION_INITIAL_RTT: Duration = Duration::from_millis(333);

/// The end-to-end connection, both ends. `batches`: whether packets may be handed to the kernel many at a time.
pub fn session(batches: bool) -> TransportConfig {
    let mut probing = MtuDiscoveryConfig::default();
    probing.upper_bound(INNER_MTU);
    let mut config = TransportConfig::default();
    config
        .initial_mtu(1200)
        .min_mtu(1200)
        .initial_rtt(SESSION_INITIAL_RTT)
        .enable_segmentation_offload(batches)
        .mtu_discovery_config(Some(probing))
        .keep_alive_interval(Some(SESSION_KEEP_ALIVE))
        .max_idle_timeout(Some(idle(SESSION_IDLE)))
        .max_concurrent_bidi_streams(VarInt::from_u32(SESSION_STREAMS))
        .max_concurrent_uni_streams(VarInt::from_u32(SESSION_STREAMS))
        .stream_receive_window(VarInt::from_u32(SESSION_STREAM_WINDOW))
        .receive_window(VarInt::from_u32(SESSION_WINDOW))
        .datagram_receive_buffer_size(None);
    config
}

/// The control connection, the peer's end.
fn control() -> TransportConfig {
    let mut config = TransportConfig::default();
    config
        .mtu_discovery_config(None)
        .keep_alive_interval(Some(CONTROL_KEEP_ALIVE))
        .max_idle_timeout(Some(idle(CONTROL_IDLE)))
        .max_concurrent_bidi_streams(VarInt::from_u32(CONTROL_STREAMS))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .receive_window(VarInt::from_u32(CONTROL_WINDOW))
        .datagram_receive_buffer_size(None);
    config
}

/// A peer dials its relay.
pub(crate) fn control_client(crypto: Arc<QuicClientConfig>) -> ClientConfig {
    let mut config = ClientConfig::new(crypto);
    config.transport_config(Arc::new(control()));
    config
}

/// A console dials an agent.
pub(crate) fn session_client(crypto: Arc<QuicClientConfig>, batches: bool) -> ClientConfig {
    let mut config = ClientConfig::new(crypto);
    config.transport_config(Arc::new(session(batches)));
    config
}

/// An agent is dialled. Its peer's address is synthetic and never changes: no migration (SECURITY C2).
pub(crate) fn session_server(crypto: Arc<QuicServerConfig>, batches: bool) -> ServerConfig {
    let mut config = ServerConfig::with_crypto(crypto);
    config.transport_config(Arc::new(session(batches))).migration(false).max_incoming(SESSIONS_WAITING);
    no_tokens(&mut config);
    config
}

/// Nothing is remembered from one connection to the next, not even an address (SECURITY A6).
pub(crate) fn no_tokens(config: &mut ServerConfig) {
    let mut tokens = ValidationTokenConfig::default();
    tokens.sent(0);
    config.validation_token_config(tokens);
}

/// Whole milliseconds as QUIC writes them; our constants are far below its limit of 2^62.
pub(crate) fn idle(time: Duration) -> IdleTimeout {
    IdleTimeout::from(VarInt::from_u32(u32::try_from(time.as_millis()).unwrap_or(u32::MAX)))
}
