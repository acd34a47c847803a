//! The first words on a control connection: what the relay must prove before anything is said to it.
//!
//! Not here: what is kept of it when the connection is opened again ([`super::Control::reopen`]).

use quinn::{Connection, ConnectionError, SendStream};
use venia_proto::fingerprint::Fingerprint;
use venia_proto::ledger::batch::Batch;
use venia_proto::now::Wall;
use venia_proto::rendezvous::{FromRelay, ToRelay, VERSION};
use venia_proto::statement::{self, Relay, Statement, StatementError};
use venia_proto::wire::{self, Limit};

use super::live::next;
use super::{ControlError, end, lost, why};
use crate::client::code;
use crate::client::frames::Receiver;
use crate::client::link::{Link, LinkError};
use crate::client::tls::{Expected, peer_key};
use crate::client::transport::HANDSHAKE;

/// What the relay proved when it greeted.
#[derive(Clone, Debug)]
pub struct Welcome {
    /// The organisation's statement, by the pinned root.
    pub statement: Statement,
    /// Its signed bytes: store them, and hand the statement to the next [`super::Control::open`].
    pub statement_note: Vec<u8>,
    /// Which of the statement's relays this is.
    pub relay: Relay,
    /// The newest batch note of its log, signed bytes.
    pub batch: Vec<u8>,
    /// What time it was then, by the ledger; what it is now says [`super::Control::ledger_time`]. (SECURITY A4)
    pub ledger_time: Wall,
}

/// Which TLS key is right is known only from the statement, so any is let through here, and judged by the greeting.
pub(super) async fn dial(link: &Link) -> Result<Connection, ControlError> {
    link.connect_relay(Expected::Anyone).await.map_err(|error| ControlError::Unreachable(Some(error)))
}

/// Greets within [`HANDSHAKE`]; a relay that fails is left.
pub(super) async fn welcomed(
    connection: &Connection,
    root: &Fingerprint,
    known: Option<&Statement>,
) -> Result<(Welcome, SendStream, Receiver<FromRelay>), ControlError> {
    let greeted = match tokio::time::timeout(HANDSHAKE, greet(connection, root, known)).await {
        Ok(greeted) => greeted,
        Err(_) => Err(ControlError::Unreachable(Some(LinkError::NoAnswer))),
    };
    greeted.inspect_err(|_| end(connection, code::PROTOCOL))
}

async fn greet(
    connection: &Connection,
    root: &Fingerprint,
    known: Option<&Statement>,
) -> Result<(Welcome, SendStream, Receiver<FromRelay>), ControlError> {
    let gone = |error: ConnectionError| why(&error);
    let (mut send, receive) = connection.open_bi().await.map_err(gone)?;
    let hello = wire::encode_frame(&ToRelay::Hello { versions: vec![VERSION] }, Limit::Control);
    let hello = hello.map_err(ControlError::TooLarge)?;
    send.write_all(&hello).await.map_err(|_| lost(connection))?;
    let mut incoming = Receiver::new(receive, Limit::Control);
    let (statement_note, batch) = match next(&mut incoming, connection).await? {
        FromRelay::Welcome { version: VERSION, statement, batch } => (statement, batch),
        FromRelay::Welcome { version, .. } => return Err(ControlError::WrongVersion(vec![version])),
        FromRelay::WrongVersion { versions } => return Err(ControlError::WrongVersion(versions)),
        FromRelay::Answer { .. } | FromRelay::Push(_) => return Err(ControlError::Malformed(None)),
    };
    let statement = Statement::open(&statement_note, root).map_err(judge)?;
    statement::accept(known, &statement).map_err(judge)?;
    let tls = peer_key(connection)?;
    let relay = statement.relays.iter().find(|relay| relay.tls == tls).cloned().ok_or(ControlError::WrongRoot)?;
    let ledger_time = Batch::open(&batch, &relay.log).map_err(ControlError::Batch)?.observed;
    if !statement.valid_at(ledger_time) {
        return Err(ControlError::StatementExpired);
    }
    Ok((Welcome { statement, statement_note, relay, batch, ledger_time }, send, incoming))
}

/// Another root is the one fault a person must hear of by name.
fn judge(error: StatementError) -> ControlError {
    if error == StatementError::WrongRoot { ControlError::WrongRoot } else { ControlError::Statement(error) }
}
