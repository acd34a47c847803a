//! One control connection: reads a peer's frames, asks registry, members and ledger, writes the answers.
//!
//! The peer may be anybody. So: one stream, frames of at most 256 KiB that must come to their end, a bounded number of
//! open calls, a bounded rate, and a closed connection for anything that isn't the protocol. A peer waits for its own
//! calls only.
//!
//! Not here: what a call does (`calls`), and what is allowed ([`super::registry`], [`super::members`], [`super::ledger`]).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::{Connection, SendStream, VarInt};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::Instrument as _;
use venia_proto::key::PublicKey;
use venia_proto::rendezvous::{FromRelay, Refusal, ToRelay, VERSION};
use venia_proto::wire::{self, Limit, WireError};

use super::audit::{Desk, Looked};
use super::bulk;
use super::cosigning::Cosigned;
use super::hall::Hall;
use super::identity::Published;
use super::ledger::queue::Ledger;
use super::ledger::sealed::{Held, Room};
use super::ledger::sqlite::Sqlite;
use super::organisation::Organisation;
use super::outbox::{Inbox, Outbox, outbox};
use super::registry::{ConnectionId, Ticket};
use super::roster::Roster;
use crate::client::code;
use crate::client::frames::{FrameError, MESSAGE, Receiver};
use crate::client::tls::{TlsError, peer_key};
use crate::clock;

mod calls;

/// How long a stranger may take to open its stream and say hello.
pub const HELLO: Duration = Duration::from_secs(10);
/// Calls one connection may have open.
pub const CALLS_OPEN: usize = 16;
/// Frames one connection may send at once, before [`FRAMES_PER_SECOND`] counts.
pub const FRAMES_BURST: u32 = 400;
/// Frames a second one connection may go on sending; more wait unread, and QUIC's own windows hold the rest back.
pub const FRAMES_PER_SECOND: u32 = 100;

/// How long a peer may take to hear the last words.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What every connection of a relay shares.
pub struct Relay {
    /// Who is here.
    pub hall: Arc<Hall>,
    /// What auditors read from. Before the ledger, which closes the database last and so leaves nothing of it in the
    /// write-ahead log: a reader can't.
    pub desk: Desk,
    /// Who is a member.
    pub roster: Arc<Roster>,
    /// The log and the database.
    pub ledger: Ledger<Sqlite>,
    /// Its settings and the statement it serves.
    pub organisation: Arc<Organisation>,
    /// Sealed parts held for all connections.
    pub room: Room,
    /// What witnesses cosigned.
    pub cosigned: Arc<Cosigned>,
}

/// Why a control connection ended. Worth a debug line: strangers cause it at will.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// No proven key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// It never opened its stream or said hello.
    #[error("the peer said nothing")]
    Silent,
    /// Bytes that aren't the protocol.
    #[error("the peer broke the protocol")]
    Wire(#[from] WireError),
    /// A frame that isn't allowed there.
    #[error("the peer said something out of place")]
    OutOfPlace,
    /// A frame that didn't come to its end.
    #[error("the peer stopped within a frame")]
    Stalled,
    /// It was welcomed with other auditors than those in force.
    #[error("the auditors changed since the peer came")]
    Outdated,
    /// The connection is gone.
    #[error("the connection ended")]
    Gone,
}

impl From<FrameError> for PeerError {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Malformed(error) | FrameError::TooLarge(error) => Self::Wire(error),
            FrameError::Ended => Self::Wire(WireError::Cut),
            FrameError::Stalled => Self::Stalled,
            FrameError::Read(_) | FrameError::Write(_) | FrameError::Connection(_) => Self::Gone,
        }
    }
}

/// Serves one peer until its connection ends.
pub async fn serve(relay: Arc<Relay>, connection: Connection) {
    if let Err(error) = Conversation::hold(&relay, &connection).await {
        tracing::debug!(error = &error as &dyn std::error::Error, "a control connection ended");
        let code = match error {
            PeerError::Gone => return,
            PeerError::Outdated => code::GOING_DOWN,
            PeerError::Tls(_) | PeerError::Silent | PeerError::Wire(_) | PeerError::OutOfPlace | PeerError::Stalled => {
                code::PROTOCOL
            }
        };
        connection.close(VarInt::from_u32(code), b"");
    }
}

struct Conversation<'a> {
    relay: &'a Arc<Relay>,
    id: ConnectionId,
    key: PublicKey,
    /// Where its handshake came from.
    from: SocketAddr,
    connection: &'a Connection,
    outbox: Outbox,
    calls: Arc<Semaphore>,
    held: Held,
    looked: Looked,
    /// The statement this peer was welcomed with.
    welcomed: Arc<Published>,
}

impl<'a> Conversation<'a> {
    async fn hold(relay: &'a Arc<Relay>, connection: &'a Connection) -> Result<(), PeerError> {
        let (key, from) = (peer_key(connection)?, connection.remote_address());
        let (mut send, receive) = match timeout(HELLO, connection.accept_bi()).await {
            Ok(Ok(streams)) => streams,
            Ok(Err(_)) => return Err(PeerError::Gone),
            Err(_) => return Err(PeerError::Silent),
        };
        let mut frames = Receiver::new(receive, Limit::Control).with_patience(MESSAGE);
        let hello = match timeout(HELLO, frames.next()).await {
            Ok(hello) => hello?.ok_or(PeerError::Gone)?,
            Err(_) => return Err(PeerError::Silent),
        };
        let ToRelay::Hello { versions } = hello else { return Err(PeerError::OutOfPlace) };
        if !versions.contains(&VERSION) {
            write(&mut send, &FromRelay::WrongVersion { versions: vec![VERSION] }).await?;
            // Dropping the connection at once could overtake the answer.
            let _ = send.finish();
            let _ = timeout(LAST_WORDS, send.stopped()).await;
            return Err(PeerError::OutOfPlace);
        }
        let batch = relay.ledger.time().await.batch.to_vec();
        let welcomed = relay.organisation.served();
        let statement = welcomed.note.clone();
        write(&mut send, &FromRelay::Welcome { version: VERSION, statement, batch }).await?;
        let (outbox, inbox) = outbox();
        let id = relay.hall.enter(connection.clone(), from, key, outbox.clone());
        // Whatever ends this task, the hall hears of it.
        let _leaving = Leaving { relay, id };
        let calls = Arc::new(Semaphore::new(CALLS_OPEN));
        let (held, looked) = (Held::new(relay.room.clone()), Looked::default());
        let mine = connection.clone();
        let peer = bulk::Peer { connection: mine, key, held: held.clone(), looked: looked.clone() };
        let conversation = Self { relay, id, key, from, connection, outbox, calls, held, looked, welcomed };
        let talking = async {
            tokio::select! {
                ended = conversation.listen(&mut frames) => ended,
                ended = speak(send, inbox) => ended,
                () = bulk::serve(relay.clone(), peer) => Err(PeerError::Gone),
                () = conversation.outdated() => Err(PeerError::Outdated),
            }
        };
        // A number, and nothing of whose it is: who helped whom isn't for logs.
        talking.instrument(tracing::info_span!("peer", id = id.0)).await
    }

    async fn listen(&self, frames: &mut Receiver<ToRelay>) -> Result<(), PeerError> {
        let mut pace = Pace::new(Instant::now());
        let mut at = self.from;
        while let Some(message) = frames.next().await? {
            if let Some(wait) = pace.next(Instant::now()) {
                sleep_until(wait).await;
            }
            let before = std::mem::replace(&mut at, self.connection.remote_address());
            if at != before || message == ToRelay::Here {
                self.relay.hall.look(self.id, || random().ok());
            }
            match message {
                ToRelay::Hello { .. } => return Err(PeerError::OutOfPlace),
                ToRelay::Pong(nonce) => self.relay.hall.pong(self.id, nonce),
                ToRelay::Here => {}
                ToRelay::Call { id, call } => {
                    let Ok(open) = self.calls.clone().try_acquire_owned() else { return Err(PeerError::OutOfPlace) };
                    // Boxed, for it is the largest thing a peer does, and an idle one would keep room for it.
                    Box::pin(self.call(Ticket { connection: self.id, call: id }, call, open)).await?;
                }
            }
        }
        Err(PeerError::Gone)
    }

    /// This peer's note, if they may be connected with people who ask for help.
    fn helper(&self) -> Result<Vec<u8>, Refusal> {
        self.relay.roster.helper(&self.key, &self.relay.organisation.keys.authority, clock::now().wall)
    }

    /// Whether the statement this peer was welcomed with names auditors; none if they aren't those in force any more.
    fn auditors(&self) -> Option<bool> {
        let (then, now) = (&self.welcomed.statement.auditors, &self.relay.organisation.served().statement.auditors);
        (then == now).then_some(!then.is_empty())
    }

    /// Waits until the auditors aren't those this peer was welcomed with, and it shows a code that nobody came for yet. It comes
    /// again and shows its person who reads along; a session under way goes on as it began.
    async fn outdated(&self) {
        let mut changes = self.relay.organisation.changes();
        loop {
            let waits = || self.relay.hall.meeting(&self.key).is_some_and(|(_, met)| met.is_empty());
            if self.auditors().is_none() && waits() {
                return;
            }
            if changes.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }
}

/// 64 unpredictable bits.
pub(super) fn random() -> Result<u64, PeerError> {
    // Without random numbers nothing here is safe; the peer comes back when there are some.
    getrandom::u64().map_err(|_| PeerError::Gone)
}

/// Writes what others put into the outbox.
async fn speak(mut send: SendStream, mut inbox: Inbox) -> Result<(), PeerError> {
    loop {
        let message = inbox.next().await;
        write(&mut send, &message).await?;
    }
}

async fn write(send: &mut SendStream, message: &FromRelay) -> Result<(), PeerError> {
    let frame = wire::encode_frame(message, Limit::Control)?;
    send.write_all(&frame).await.map_err(|_| PeerError::Gone)
}

/// A bucket of frames that refills with time.
struct Pace {
    full: Instant,
}

impl Pace {
    const EACH: Duration = Duration::from_micros(1_000_000 / FRAMES_PER_SECOND as u64);

    fn new(now: Instant) -> Self {
        Self { full: now }
    }

    /// Takes one; until when to wait, if the bucket is empty.
    fn next(&mut self, now: Instant) -> Option<Instant> {
        self.full = self.full.max(now) + Self::EACH;
        let over = self.full.checked_sub(Self::EACH * FRAMES_BURST)?;
        (over > now).then_some(over)
    }
}

/// Tells the hall, however the task ends.
struct Leaving<'a> {
    relay: &'a Arc<Relay>,
    id: ConnectionId,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.relay.hall.leave(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_then_the_rate_counts() {
        let now = Instant::now() + Duration::from_secs(1_000);
        let mut pace = Pace::new(now);
        for n in 0..FRAMES_BURST {
            assert_eq!(pace.next(now), None, "{n}");
        }
        assert_eq!(pace.next(now), Some(now + Pace::EACH));
        assert_eq!(pace.next(now + Pace::EACH * 2), None, "the second waited long enough");
    }
}
