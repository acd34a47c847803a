//! The control connection: how an agent or console asks its relay for things.
//!
//! The relay speaks first in substance: its statement must be signed by the pinned root and must name the key this
//! connection's TLS peer proved, and its newest batch note must be signed by a log of that statement. Until all that
//! holds, the peer has said nothing but which versions it speaks (SECURITY A1).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use quinn::{Connection, ConnectionError, VarInt};
use tokio::sync::{mpsc, oneshot};
use venia_proto::fingerprint::Fingerprint;
use venia_proto::key::{PublicKey, VerifierKey};
use venia_proto::ledger::batch::Batch;
use venia_proto::now::Wall;
use venia_proto::rendezvous::{Answer, Call, FromRelay, Push, Refusal, ToRelay, VERSION};
use venia_proto::statement::{self, Relay, Statement, StatementError};

use super::frames::{self, FrameError, Receiver, Sender};
use super::link::{Link, LinkError};
use super::tls::{Expected, TlsError, peer_key};

/// How long the relay may take to introduce itself.
const WELCOME: Duration = Duration::from_secs(10);
/// Calls and pushes that may wait to be taken.
const QUEUE: usize = 64;
/// Application close code of a peer that is done.
pub const CLOSE_DONE: u32 = 0;
/// Application close code of a relay that revoked the member behind a connection (SECURITY A5).
pub const CLOSE_REVOKED: u32 = 3;

/// A relay that can't be used, or said no.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// No connection came about.
    #[error("the relay can't be reached")]
    Unreachable(#[source] LinkError),
    /// The connection ended.
    #[error("the connection to the relay was lost")]
    Lost,
    /// What came is no message, or not one that fits here.
    #[error("the relay sent an invalid message")]
    Malformed(#[source] FrameError),
    /// The relay answered something that doesn't belong to the question.
    #[error("the relay's answer doesn't fit the question")]
    Unexpected,
    /// No version in common.
    #[error("the relay speaks protocol versions {0:?}, this program {VERSION}")]
    WrongVersion(Vec<u16>),
    /// The statement isn't signed by the pinned root, is older than one known, or doesn't name this relay.
    #[error("the relay can't prove that it belongs to the expected help service")]
    WrongRoot(#[source] Option<StatementError>),
    /// The relay's ledger time isn't signed by its log.
    #[error("the relay can't prove the ledger's time")]
    WrongTime,
    /// The TLS peer has no usable key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The member behind this connection was revoked.
    #[error("membership was revoked")]
    Revoked,
    /// The relay said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// What the relay proved about itself.
#[derive(Clone, Debug)]
pub struct Introduction {
    /// The organisation's statement.
    pub statement: Statement,
    /// Its exact bytes.
    pub statement_note: Vec<u8>,
    /// This relay, as the statement names it.
    pub relay: Relay,
    /// The time of the newest batch: by which notes are valid or not (SECURITY A4).
    pub ledger_time: Wall,
}

impl Introduction {
    /// The key of this relay's log.
    pub fn log(&self) -> &VerifierKey {
        &self.relay.log
    }

    /// The key this relay proved in TLS.
    pub fn tls(&self) -> &PublicKey {
        &self.relay.tls
    }
}

/// A control connection. Cheap to clone; ends when every clone is dropped, or with [`Self::close`].
#[derive(Clone, Debug)]
pub struct Control {
    connection: Connection,
    calls: mpsc::Sender<Asked>,
    introduction: Arc<Introduction>,
}

#[derive(Debug)]
struct Asked {
    call: Call,
    answer: oneshot::Sender<Result<Answer, Refusal>>,
}

impl Control {
    /// Connects, and checks the relay against the pinned root and the newest statement known of it. The receiver gives
    /// what the relay says unasked, and ends with the connection.
    pub async fn connect(
        link: &Link,
        root: &Fingerprint,
        known: Option<&Statement>,
    ) -> Result<(Self, mpsc::Receiver<Push>), ControlError> {
        let connection = link.connect_relay(Expected::Anyone).await.map_err(ControlError::Unreachable)?;
        match Self::introduced(&connection, root, known).await {
            Ok(introduced) => Ok(introduced),
            Err(error) => {
                connection.close(VarInt::from_u32(CLOSE_DONE), b"");
                Err(error)
            }
        }
    }

    async fn introduced(
        connection: &Connection,
        root: &Fingerprint,
        known: Option<&Statement>,
    ) -> Result<(Self, mpsc::Receiver<Push>), ControlError> {
        let key = peer_key(connection)?;
        let lost = |error| ended(connection, error);
        let (mut sender, mut receiver) = frames::open::<ToRelay, FromRelay>(connection).await.map_err(lost)?;
        sender.send(&ToRelay::Hello { versions: vec![VERSION] }).await.map_err(lost)?;
        let welcome = tokio::time::timeout(WELCOME, receiver.expect()).await.map_err(|_| ControlError::Lost)?;
        let introduction = match welcome.map_err(lost)? {
            FromRelay::Welcome { version: VERSION, statement, batch } => {
                introduce(root, known, &key, statement, &batch)?
            }
            FromRelay::Welcome { version, .. } => return Err(ControlError::WrongVersion(vec![version])),
            FromRelay::WrongVersion { versions } => return Err(ControlError::WrongVersion(versions)),
            FromRelay::Answer { .. } | FromRelay::Push(_) => return Err(ControlError::Unexpected),
        };
        let (calls, asked) = mpsc::channel(QUEUE);
        let (push, pushes) = mpsc::channel(QUEUE);
        tokio::spawn(converse(connection.clone(), sender, receiver, asked, push));
        Ok((Self { connection: connection.clone(), calls, introduction: Arc::new(introduction) }, pushes))
    }

    /// What the relay proved about itself.
    pub fn introduction(&self) -> &Introduction {
        &self.introduction
    }

    /// Asks for something and waits for the answer. Waiting has no end of its own: callers bring their deadline.
    pub async fn call(&self, call: Call) -> Result<Answer, ControlError> {
        let (answer, answered) = oneshot::channel();
        let lost = || if was_revoked(&self.connection) { ControlError::Revoked } else { ControlError::Lost };
        self.calls.send(Asked { call, answer }).await.map_err(|_| lost())?;
        Ok(answered.await.map_err(|_| lost())??)
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.connection.close_reason().is_some()
    }

    /// Whether the relay ended it because the member was revoked.
    pub fn was_revoked(&self) -> bool {
        was_revoked(&self.connection)
    }

    /// Ends the connection in good order.
    pub fn close(&self) {
        self.connection.close(VarInt::from_u32(CLOSE_DONE), b"");
    }
}

/// Checks everything a relay says of itself.
fn introduce(
    root: &Fingerprint,
    known: Option<&Statement>,
    key: &PublicKey,
    statement_note: Vec<u8>,
    batch: &[u8],
) -> Result<Introduction, ControlError> {
    let wrong = |error| ControlError::WrongRoot(Some(error));
    let statement = Statement::open(&statement_note, root).map_err(wrong)?;
    statement::accept(known, &statement).map_err(wrong)?;
    let relay = statement.relays.iter().find(|relay| relay.tls == *key).cloned();
    let relay = relay.ok_or(ControlError::WrongRoot(None))?;
    let ledger_time = Batch::open(batch, &relay.log).map_err(|_| ControlError::WrongTime)?.observed;
    Ok(Introduction { statement, statement_note, relay, ledger_time })
}

/// Carries calls out and answers back until the connection or every caller is gone.
async fn converse(
    connection: Connection,
    mut sender: Sender<ToRelay>,
    mut receiver: Receiver<FromRelay>,
    mut asked: mpsc::Receiver<Asked>,
    pushes: mpsc::Sender<Push>,
) {
    let mut open: BTreeMap<u32, oneshot::Sender<Result<Answer, Refusal>>> = BTreeMap::new();
    let mut next = 0_u32;
    loop {
        let sent = tokio::select! {
            asked = asked.recv() => {
                let Some(Asked { call, answer }) = asked else { break };
                let id = next;
                next = next.wrapping_add(1);
                open.insert(id, answer);
                sender.send(&ToRelay::Call { id, call }).await
            }
            frame = receiver.expect() => match frame {
                Ok(FromRelay::Answer { id, answer }) => {
                    if let Some(waiting) = open.remove(&id) {
                        // Nobody waits any more: their deadline passed.
                        let _ = waiting.send(answer);
                    }
                    Ok(())
                }
                Ok(FromRelay::Push(Push::Ping(nonce))) => sender.send(&ToRelay::Pong(nonce)).await,
                Ok(FromRelay::Push(push)) => {
                    // A full queue is a flood: the relay is not allowed to hold us up.
                    if pushes.try_send(push).is_err() { break } else { Ok(()) }
                }
                Ok(FromRelay::Welcome { .. } | FromRelay::WrongVersion { .. }) => break,
                Err(error) => {
                    tracing::debug!(%error, "the control connection ended");
                    break;
                }
            }
        };
        if sent.is_err() {
            break;
        }
    }
    connection.close(VarInt::from_u32(CLOSE_DONE), b"");
}

fn was_revoked(connection: &Connection) -> bool {
    let revoked = VarInt::from_u32(CLOSE_REVOKED);
    matches!(connection.close_reason(), Some(ConnectionError::ApplicationClosed(close)) if close.error_code == revoked)
}

fn ended(connection: &Connection, error: FrameError) -> ControlError {
    match error {
        FrameError::Malformed(_) | FrameError::TooLarge(_) => ControlError::Malformed(error),
        FrameError::Read(_) | FrameError::Write(_) | FrameError::Connection(_) | FrameError::Ended => {
            if was_revoked(connection) { ControlError::Revoked } else { ControlError::Lost }
        }
    }
}
