//! The first words on a control connection.
//!
//! Not here: whether they are believed ([`venia_proto::greeting`]).

use quinn::{Connection, ConnectionError, SendStream};
use venia_proto::greeting::Greeting;
use venia_proto::key::PublicKey;
use venia_proto::rendezvous::{FromRelay, ToRelay, VERSION};
use venia_proto::wire::{self, Limit};

use super::live::next;
use super::{ControlError, end, lost, why};
use crate::client::code;
use crate::client::frames::Receiver;
use crate::client::link::{Link, LinkError};
use crate::client::tls::{Expected, peer_key};
use crate::client::transport::HANDSHAKE;

/// What a relay said, and what its connection proved.
pub(super) struct Greeted {
    pub(super) said: Greeting,
    /// The key it proved to hold.
    pub(super) tls: PublicKey,
    pub(super) send: SendStream,
    pub(super) receive: Receiver<FromRelay>,
}

/// Which TLS key is right is known only from the statement, so any is let through here, and judged by the greeting.
pub(super) async fn dial(link: &Link) -> Result<Connection, ControlError> {
    link.connect_relay(Expected::Anyone).await.map_err(|error| ControlError::Unreachable(Some(error)))
}

/// Greets within [`HANDSHAKE`]; a relay that doesn't greet is left.
pub(super) async fn greeted(connection: &Connection) -> Result<Greeted, ControlError> {
    let greeted = match tokio::time::timeout(HANDSHAKE, greet(connection)).await {
        Ok(greeted) => greeted,
        Err(_) => Err(ControlError::Unreachable(Some(LinkError::NoAnswer))),
    };
    greeted.inspect_err(|_| end(connection, code::PROTOCOL))
}

async fn greet(connection: &Connection) -> Result<Greeted, ControlError> {
    let gone = |error: ConnectionError| why(&error);
    let (mut send, receive) = connection.open_bi().await.map_err(gone)?;
    let hello = wire::encode_frame(&ToRelay::Hello { versions: vec![VERSION] }, Limit::Control);
    let hello = hello.map_err(ControlError::TooLarge)?;
    send.write_all(&hello).await.map_err(|_| lost(connection))?;
    let mut receive = Receiver::new(receive, Limit::Control);
    let said = match next(&mut receive, connection).await? {
        FromRelay::Welcome { version: VERSION, statement, batch } => Greeting { statement, batch },
        FromRelay::Welcome { version, .. } => return Err(ControlError::WrongVersion(vec![version])),
        FromRelay::WrongVersion { versions } => return Err(ControlError::WrongVersion(versions)),
        FromRelay::Answer { .. } | FromRelay::Push(_) => return Err(ControlError::Malformed(None)),
    };
    Ok(Greeted { said, tls: peer_key(connection)?, send, receive })
}
