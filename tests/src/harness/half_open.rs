//! A stranger who begins handshakes with a relay and ends none: proves its address, hears the rest, and says nothing more.
//!
//! Each handshake is a real one, of the shipped library; behind it sits a line on which nothing but the relay's demand for a
//! proof of the address comes back. Until the relay gives one up it takes a place at the door. (SECURITY C3)

use std::net::SocketAddr;

use quinn::{ClientConfig, Connecting, Endpoint};
use tokio::net::UdpSocket;
use tokio::task::AbortHandle;
use venia_proto::key::SigningKey;
use venia_relay::client::tls::{Expected, Identity};

/// First four bits of a Retry packet of QUIC version 1 (RFC 9000 section 17.2.5).
const RETRY: u8 = 0xf0;

/// The stranger; gives up when dropped.
pub struct HalfOpen {
    endpoint: Endpoint,
    identity: Identity,
    at: SocketAddr,
    begun: Vec<Connecting>,
    line: AbortHandle,
}

impl HalfOpen {
    /// A stranger at this address of the loopback, any port. Needs a tokio runtime.
    pub async fn at(relay: SocketAddr, from: &str) -> Self {
        let inner = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let outer = UdpSocket::bind(format!("{from}:0")).await.unwrap();
        let at = inner.local_addr().unwrap();
        let line = tokio::spawn(carry(inner, outer, relay)).abort_handle();
        let identity = Identity::new(&SigningKey::new("device", [8; 32])).unwrap();
        let endpoint = Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
        Self { endpoint, identity, at, begun: Vec::new(), line }
    }

    /// Begins one more.
    pub fn begins(&mut self) {
        let config = ClientConfig::new(self.identity.client(b"venia-relay/1", Expected::Anyone).unwrap());
        self.begun.push(self.endpoint.connect_with(config, self.at, "venia.invalid").unwrap());
    }
}

impl Drop for HalfOpen {
    fn drop(&mut self) {
        self.line.abort();
    }
}

async fn carry(inner: UdpSocket, outer: UdpSocket, relay: SocketAddr) {
    let mut inside = None;
    let (mut up, mut down) = (vec![0; 2000], vec![0; 2000]);
    loop {
        tokio::select! {
            Ok((length, from)) = inner.recv_from(&mut up) => {
                inside = Some(from);
                let _ = outer.send_to(&up[..length], relay).await;
            }
            Ok((length, _)) = outer.recv_from(&mut down) => {
                if let (Some(inside), true) = (inside, down[0] & RETRY == RETRY) {
                    let _ = inner.send_to(&down[..length], inside).await;
                }
            }
        }
    }
}
