//! One endpoint of an agent or console: a control connection to its relay, and end-to-end connections through it.
//!
//! A console dials, and accepts nothing. An agent accepts one connection for each flow its relay announced, once;
//! everything else is ignored before any cryptography (SECURITY C3). Who the other side is, the caller finds out from
//! [`super::tls::peer_key`] and signed notes.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quinn::{Connection, Endpoint, ServerConfig, TokioRuntime, VarInt};
use tokio::sync::watch;
use venia_proto::id::FlowId;
use venia_proto::key::{PublicKey, SigningKey};

use super::packet::{SyntheticAddress, usable};
use super::socket::RelayedSocket;
use super::tls::{Expected, Identity, NO_NAME, RELAY_ALPN, SESSION_ALPN, TlsError};
use super::transport::{self, HANDSHAKE};
use super::udp::{Udp, any_local};

/// Which end of sessions a program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Is dialled through announced flows.
    Agent,
    /// Dials.
    Console,
}

/// A connection that didn't come about.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Nobody can be reached at this address: port 0, unspecified, multicast, broadcast or in the discard prefix.
    #[error("{0} can't be a relay's address")]
    RelayAddress(SocketAddr),
    /// This computer gave us no socket.
    #[error("this computer gave us no network socket")]
    Socket(#[source] io::Error),
    /// Our own key or settings.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The flow is in use already.
    #[error("flow {0} is already in use")]
    FlowInUse(FlowId),
    /// More flows than a relay may have open here at once.
    #[error("the relay opens more flows than sessions need")]
    TooManyFlows,
    /// The link is closed.
    #[error("the link to the relay is closed")]
    Closed(#[source] quinn::ConnectError),
    /// The other side refused, vanished, or isn't who it should be.
    #[error("the other side refused or lost the connection")]
    Refused(#[source] quinn::ConnectionError),
    /// No answer, or none that ends the handshake, within [`HANDSHAKE`].
    #[error("the other side doesn't answer")]
    NoAnswer,
}

/// One UDP socket, one endpoint, one key, one relay.
pub struct Link {
    endpoint: Endpoint,
    socket: Arc<RelayedSocket>,
    identity: Identity,
    announced: Mutex<HashMap<FlowId, Arc<ServerConfig>>>,
    batches: bool,
}

impl Link {
    /// Binds a socket for a relay. `local`: `None` for any port on any address of the relay's family. Needs a tokio
    /// runtime.
    pub fn bind(local: Option<SocketAddr>, key: &SigningKey, relay: SocketAddr, role: Role) -> Result<Self, LinkError> {
        let relay = relay_address(relay)?;
        let identity = Identity::new(key)?;
        let udp = Udp::bind(local.unwrap_or_else(|| any_local(relay))).map_err(LinkError::Socket)?;
        let socket = Arc::new(RelayedSocket::new(udp, relay, role == Role::Agent));
        let server = match role {
            Role::Agent => Some(transport::session_server(identity.server(SESSION_ALPN, Expected::Anyone)?, true)),
            Role::Console => None,
        };
        let runtime = Arc::new(TokioRuntime);
        let endpoint = Endpoint::new_with_abstract_socket(transport::endpoint(), server, socket.clone(), runtime)
            .map_err(LinkError::Socket)?;
        Ok(Self { endpoint, socket, identity, announced: Mutex::default(), batches: true })
    }

    /// Hands the kernel one packet of a session at a time, as a computer must whose kernel takes no batches.
    #[must_use]
    pub fn one_by_one(self) -> Self {
        Self { batches: false, ..self }
    }

    /// The key the relay and other peers see.
    pub fn public(&self) -> &PublicKey {
        self.identity.public()
    }

    /// Where the socket is bound; IPv4 may be written as v4-mapped IPv6.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// The relay's current address.
    pub fn relay(&self) -> SocketAddr {
        self.socket.relay()
    }

    /// The relay's name means another address now: packets from and to the old one are dropped from here on.
    pub fn follow_relay(&self, relay: SocketAddr) -> Result<(), LinkError> {
        self.socket.follow(relay_address(relay)?);
        Ok(())
    }

    /// Changes when the relay says that packets of ours reach it from a new address. (SECURITY C1)
    pub(super) fn nudges(&self) -> watch::Receiver<()> {
        self.socket.nudges()
    }

    /// Opens the control connection.
    pub async fn connect_relay(&self, expected: Expected) -> Result<Connection, LinkError> {
        let config = transport::control_client(self.identity.client(RELAY_ALPN, expected)?);
        let connecting = self.endpoint.connect_with(config, self.relay(), NO_NAME).map_err(LinkError::Closed)?;
        complete(connecting).await
    }

    /// Opens the end-to-end connection of a flow. The flow stays live until [`Self::forget`], unless this fails.
    pub async fn dial(&self, flow: FlowId, expected: Expected) -> Result<Connection, LinkError> {
        let config = transport::session_client(self.identity.client(SESSION_ALPN, expected)?, self.batches);
        self.socket.open(flow)?;
        // Also when the caller loses patience and drops this future.
        let failing = Forget { link: self, flow };
        let connecting =
            self.endpoint.connect_with(config, SyntheticAddress(flow).into(), NO_NAME).map_err(LinkError::Closed)?;
        let connection = complete(connecting).await?;
        std::mem::forget(failing);
        Ok(connection)
    }

    /// The relay announced a flow: lets one connection in through it, once. (SECURITY C3)
    pub fn announce(&self, flow: FlowId, expected: Expected) -> Result<(), LinkError> {
        // Made now, not when a console is there already and waits for an answer.
        let crypto = self.identity.server(SESSION_ALPN, expected)?;
        let settings = Arc::new(transport::session_server(crypto, self.batches));
        // Held across both: packets that came early are read as soon as the flow is open, and must find it here.
        let mut announced = self.lock();
        self.socket.open(flow)?;
        announced.insert(flow, settings);
        Ok(())
    }

    /// Ends a flow: its packets are dropped both ways from now on. Close its connection first, if it should hear of it.
    pub fn forget(&self, flow: FlowId) {
        self.lock().remove(&flow);
        self.socket.shut(flow);
    }

    /// The next connection through an announced flow; `None` once the link is closed. A console waits for ever.
    pub async fn accept(&self) -> Option<Arriving> {
        loop {
            let incoming = self.endpoint.accept().await?;
            let flow = SyntheticAddress::read(incoming.remote_address()).map(|SyntheticAddress(flow)| flow);
            let announced = flow.and_then(|flow| self.lock().remove(&flow).map(|settings| (flow, settings)));
            let Some((flow, settings)) = announced else {
                incoming.ignore();
                continue;
            };
            if let Ok(connecting) = incoming.accept_with(settings) {
                return Some(Arriving { flow, connecting });
            }
        }
    }

    /// Closes every connection, and tells the other sides why.
    pub async fn close(&self, code: u32, reason: &[u8]) {
        self.endpoint.close(VarInt::from_u32(code), reason);
        self.endpoint.wait_idle().await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<FlowId, Arc<ServerConfig>>> {
        self.announced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection through an announced flow whose handshake has just begun. Nothing can be sent before its end: there is no
/// 0.5-RTT data (SECURITY A6).
pub struct Arriving {
    flow: FlowId,
    connecting: quinn::Connecting,
}

impl Arriving {
    /// The flow it came through.
    pub fn flow(&self) -> FlowId {
        self.flow
    }

    /// Waits for the complete handshake.
    pub async fn connected(self) -> Result<Connection, LinkError> {
        complete(self.connecting).await
    }
}

/// Forgets a flow when dropped.
struct Forget<'a> {
    link: &'a Link,
    flow: FlowId,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.link.forget(self.flow);
    }
}

async fn complete(connecting: quinn::Connecting) -> Result<Connection, LinkError> {
    match tokio::time::timeout(HANDSHAKE, connecting).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(LinkError::Refused(error)),
        Err(_) => Err(LinkError::NoAnswer),
    }
}

fn relay_address(relay: SocketAddr) -> Result<SocketAddr, LinkError> {
    let possible = usable(relay) && SyntheticAddress::read(relay).is_none();
    possible.then_some(relay).ok_or(LinkError::RelayAddress(relay))
}
