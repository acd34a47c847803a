//! The control connection, a peer's end: proves that the relay is one of the pinned root's, then calls it.
//!
//! Before anything but a greeting is said, the statement is verified by the pinned root, the relay's TLS key must be one
//! the statement names, and the newest batch note must be signed by that relay's log (SECURITY A1, A4). A relay of
//! another root therefore learns that somebody came, and nothing else.
//!
//! A connection that is lost can be opened again in place ([`Control::reopen`]): what was called on the old one failed, what
//! is called from then on goes over the new one.
//!
//! Not here: keeping the statement and its serial (the caller stores both), when to reconnect ([`super::keeper`]), receipts'
//! proofs (the caller verifies them), and time limits: drop the future, the answer is ignored when it comes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quinn::{Connection, ConnectionError, SendStream, VarInt};
use tokio::sync::{mpsc, oneshot, watch};
use venia_proto::fingerprint::Fingerprint;
use venia_proto::ledger::batch::{Batch, BatchError};
use venia_proto::now::Wall;
use venia_proto::rendezvous::{Answer, Call, FromRelay, Push, Refusal, ToRelay, VERSION};
use venia_proto::statement::{self, Relay, Statement, StatementError};
use venia_proto::wire::{self, Limit, WireError};

use super::code;
use super::frames::{FrameError, Receiver};
use super::here;
use super::link::{Link, LinkError};
use super::tls::{Expected, TlsError, peer_key};
use super::transport::HANDSHAKE;

/// Pushes that may wait for the caller; the connection of a relay that sends more is closed.
pub const PUSHES: usize = 64;
/// Frames that may wait to be written.
const FRAMES: usize = 16;

/// What a control connection couldn't do, by whose fault.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The network, or the relay is down.
    #[error("the relay can't be reached")]
    Unreachable(#[source] Option<LinkError>),
    /// The relay isn't one of the pinned root.
    #[error("the relay doesn't belong to the organisation that was expected")]
    WrongRoot,
    /// The statement is by the right root, and still can't be accepted: gone back, expired, contradictory.
    #[error("the organisation's statement can't be accepted")]
    Statement(#[source] StatementError),
    /// The statement no longer holds at the ledger's time.
    #[error("the organisation's statement has expired")]
    StatementExpired,
    /// The relay's log didn't sign the time it tells.
    #[error("the relay's time isn't signed by its log")]
    Batch(#[source] BatchError),
    /// No version in common.
    #[error("the relay speaks other versions: {0:?}")]
    WrongVersion(Vec<u16>),
    /// This member was revoked. (SECURITY A5)
    #[error("membership was revoked")]
    Revoked,
    /// Another program with the same key took this one's place. (SECURITY D6)
    #[error("another program with the same key took this one's place")]
    Replaced,
    /// The relay said no.
    #[error("the relay refused: {0}")]
    Refused(#[source] Refusal),
    /// The relay broke the protocol.
    #[error("the relay broke the protocol")]
    Malformed(#[source] Option<WireError>),
    /// Another relay of the organisation answers, or the same one with another log: what this program was in the middle of
    /// can't go on there.
    #[error("the relay isn't the one of before")]
    Moved,
    /// Our own call is too large.
    #[error("the call is too large")]
    TooLarge(#[source] WireError),
    /// Our own keys or settings.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl ControlError {
    /// Whether trying again later may help: the network or the relay is away, and neither has said no.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::WrongRoot
            | Self::Statement(_)
            | Self::StatementExpired
            | Self::Batch(_)
            | Self::WrongVersion(_)
            | Self::Revoked
            | Self::Replaced
            | Self::Refused(_)
            | Self::Malformed(_)
            | Self::Moved
            | Self::TooLarge(_)
            | Self::Tls(_) => false,
        }
    }
}

/// What comes without having been asked for, in order.
#[derive(Debug)]
pub enum Heard {
    /// The relay says something.
    Push(Push),
    /// The connection is gone; open calls have failed.
    Lost,
    /// It stands again. What hung on the old one (a registration, a flow) must be taken up anew.
    Back,
    /// It is gone, and trying again is no use.
    Over(ControlError),
}

/// Where it comes out.
#[derive(Debug)]
pub struct Hearing(mpsc::Receiver<Heard>);

impl Hearing {
    /// The next; `None` once the [`Control`] is dropped.
    pub async fn next(&mut self) -> Option<Heard> {
        self.0.recv().await
    }

    /// The next push, for callers who are done when the connection is: `None` then.
    pub async fn push(&mut self) -> Option<Push> {
        match self.next().await? {
            Heard::Push(push) => Some(push),
            Heard::Lost | Heard::Back | Heard::Over(_) => None,
        }
    }
}

/// A verified control connection. Cheap to share behind an `Arc`; closes when dropped.
pub struct Control {
    live: Mutex<Live>,
    heard: mpsc::Sender<Heard>,
    root: Fingerprint,
    welcome: Welcome,
    /// Since the first greeting other auditors came into force.
    outdated: AtomicBool,
}

/// One connection, from its greeting to its end.
#[derive(Clone)]
struct Live {
    connection: Connection,
    frames: mpsc::Sender<Vec<u8>>,
    calls: Arc<Mutex<Calls>>,
    /// Closes once its end is told.
    told: watch::Receiver<()>,
}

/// What the relay proved when it greeted.
#[derive(Clone, Debug)]
pub struct Welcome {
    /// The organisation's statement, by the pinned root.
    pub statement: Statement,
    /// Its signed bytes: store them, and hand the statement to the next [`Control::open`].
    pub statement_note: Vec<u8>,
    /// Which of the statement's relays this is.
    pub relay: Relay,
    /// The newest batch note of its log, signed bytes.
    pub batch: Vec<u8>,
    /// What time it is, by the ledger. (SECURITY A4)
    pub ledger_time: Wall,
}

/// Open calls by number; `None` once the connection is gone.
#[derive(Default)]
struct Calls {
    next: u32,
    ended: bool,
    open: HashMap<u32, oneshot::Sender<Result<Answer, Refusal>>>,
}

impl Control {
    /// Connects to the link's relay and verifies it; see [`Control::open`].
    pub async fn connect(
        link: &Link,
        root: &Fingerprint,
        known: Option<&Statement>,
    ) -> Result<(Self, Hearing), ControlError> {
        let (control, hearing) = Self::open(dial(link).await?, root, known).await?;
        control.lock().heed(link);
        Ok((control, hearing))
    }

    /// Greets and verifies: the statement by `root`, never older than the `known` one; the relay as one the statement
    /// names; the time as signed by its log. Pings are answered here; everything else comes out of the receiver.
    pub async fn open(
        connection: Connection,
        root: &Fingerprint,
        known: Option<&Statement>,
    ) -> Result<(Self, Hearing), ControlError> {
        let (welcome, send, receive) = welcomed(&connection, root, known).await?;
        let (heard, hearing) = mpsc::channel(PUSHES);
        let live = Mutex::new(Live::begin(connection, send, receive, heard.clone()));
        let outdated = AtomicBool::new(false);
        Ok((Self { live, heard, root: *root, welcome, outdated }, Hearing(hearing)))
    }

    /// Opens a lost connection again, in place. The relay must be the one of before, with the log of before: a statement
    /// that is newer is fine, one that is older is refused (SECURITY A1). Whoever listens hears [`Heard::Back`].
    pub async fn reopen(&self, link: &Link) -> Result<(), ControlError> {
        let connection = dial(link).await?;
        let (welcome, send, receive) = welcomed(&connection, &self.root, Some(&self.welcome.statement)).await?;
        if (welcome.relay.tls, &welcome.relay.log) != (self.welcome.relay.tls, &self.welcome.relay.log) {
            end(&connection, code::PROTOCOL);
            return Err(ControlError::Moved);
        }
        let before = self.lock().clone();
        before.end(code::GOING_DOWN);
        before.told().await;
        if welcome.statement.auditors != self.welcome.statement.auditors {
            self.outdated.store(true, Ordering::Relaxed);
        }
        let live = Live::begin(connection, send, receive, self.heard.clone());
        live.heed(link);
        *self.lock() = live;
        // Whoever hears it finds the new one in place.
        self.tell(Heard::Back).await;
        Ok(())
    }

    /// What the relay proved when it greeted first.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Whether other auditors are in force now than when the relay greeted first: a session under way goes on as it began, and
    /// nobody begins one before the person saw who reads along. (SECURITY A1, E4)
    pub fn is_outdated(&self) -> bool {
        self.outdated.load(Ordering::Relaxed)
    }

    /// The connection of now: its address, its round-trip time, its end.
    pub fn connection(&self) -> Connection {
        self.lock().connection.clone()
    }

    /// Asks, and waits for the answer. Many calls may be open at once; `Submit`s are recorded in the order of their calls.
    pub async fn call(&self, call: Call) -> Result<Answer, ControlError> {
        let live = self.lock().clone();
        live.call(call).await
    }

    /// Waits until the connection of now is gone, and says why.
    pub async fn closed(&self) -> ControlError {
        why(&self.connection().closed().await)
    }

    /// Why the connection of now is gone; [`ControlError::Unreachable`] too while it stands.
    pub fn why(&self) -> ControlError {
        lost(&self.connection())
    }

    /// Whether the connection is gone because the member behind it was revoked. (SECURITY A5)
    pub fn was_revoked(&self) -> bool {
        self.connection().close_reason().is_some_and(|reason| matches!(why(&reason), ControlError::Revoked))
    }

    /// Closes the connection. What the relay has answered is done; what it hasn't may or may not be.
    pub fn close(&self) {
        self.lock().end(code::GOING_DOWN);
    }

    /// Tells whoever listens, also one who is slow: nobody may miss that a connection is gone or back.
    pub(super) async fn tell(&self, heard: Heard) {
        // A caller without interest misses nothing.
        let _ = self.heard.send(heard).await;
    }

    fn lock(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.close();
    }
}

impl Live {
    /// Speaks and listens from now on.
    fn begin(
        connection: Connection,
        send: SendStream,
        receive: Receiver<FromRelay>,
        heard: mpsc::Sender<Heard>,
    ) -> Self {
        let calls = Arc::new(Mutex::new(Calls::default()));
        let (frames, waiting) = mpsc::channel(FRAMES);
        let (telling, told) = watch::channel(());
        tokio::spawn(speak(send, waiting));
        let listener =
            Listener { connection: connection.clone(), calls: calls.clone(), frames: frames.downgrade(), heard };
        tokio::spawn(async move {
            listener.listen(receive).await;
            drop(telling);
        });
        Self { connection, frames, calls, told }
    }

    /// Tells the relay at once when it sees this computer's packets come from somewhere else.
    fn heed(&self, link: &Link) {
        here::say(&self.connection, self.frames.downgrade(), link.nudges());
    }

    /// Waits until whoever listens was told that it is gone.
    async fn told(mut self) {
        while self.told.changed().await.is_ok() {}
    }

    async fn call(&self, call: Call) -> Result<Answer, ControlError> {
        let (answer, answered) = oneshot::channel();
        let id = {
            let mut calls = self.calls();
            if calls.ended {
                return Err(lost(&self.connection));
            }
            let mut id = calls.next;
            while calls.open.contains_key(&id) {
                id = id.wrapping_add(1);
            }
            calls.next = id.wrapping_add(1);
            calls.open.insert(id, answer);
            id
        };
        // Whoever stops waiting leaves no entry behind.
        let _open = Open { live: self, id };
        let frame = wire::encode_frame(&ToRelay::Call { id, call }, Limit::Control).map_err(ControlError::TooLarge)?;
        self.frames.send(frame).await.map_err(|_| lost(&self.connection))?;
        match answered.await {
            Ok(answer) => answer.map_err(ControlError::Refused),
            Err(_) => Err(lost(&self.connection)),
        }
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, code: u32) {
        end(&self.connection, code);
    }
}

/// A call somebody waits for.
struct Open<'a> {
    live: &'a Live,
    id: u32,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.live.calls().open.remove(&self.id);
    }
}

/// Which TLS key is right is known only from the statement, so any is let through here, and judged by the greeting.
async fn dial(link: &Link) -> Result<Connection, ControlError> {
    link.connect_relay(Expected::Anyone).await.map_err(|error| ControlError::Unreachable(Some(error)))
}

/// Greets within [`HANDSHAKE`]; a relay that fails is left.
async fn welcomed(
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

/// Closes a connection that isn't closed yet: a second close would overwrite why the relay closed it.
fn end(connection: &Connection, code: u32) {
    if connection.close_reason().is_none() {
        connection.close(VarInt::from_u32(code), b"");
    }
}

fn lost(connection: &Connection) -> ControlError {
    connection.close_reason().map_or(ControlError::Unreachable(None), |reason| why(&reason))
}

fn why(reason: &ConnectionError) -> ControlError {
    match reason {
        ConnectionError::ApplicationClosed(closed) if closed.error_code == VarInt::from_u32(code::REVOKED) => {
            ControlError::Revoked
        }
        ConnectionError::ApplicationClosed(closed) if closed.error_code == VarInt::from_u32(code::REPLACED) => {
            ControlError::Replaced
        }
        ConnectionError::ApplicationClosed(_)
        | ConnectionError::VersionMismatch
        | ConnectionError::TransportError(_)
        | ConnectionError::ConnectionClosed(_)
        | ConnectionError::Reset
        | ConnectionError::TimedOut
        | ConnectionError::LocallyClosed
        | ConnectionError::CidsExhausted => ControlError::Unreachable(Some(LinkError::Refused(reason.clone()))),
    }
}

/// The relay's next message.
async fn next(incoming: &mut Receiver<FromRelay>, connection: &Connection) -> Result<FromRelay, ControlError> {
    match incoming.next().await {
        Ok(Some(message)) => Ok(message),
        Err(FrameError::Malformed(error)) => Err(ControlError::Malformed(Some(error))),
        Ok(None) | Err(_) => Err(lost(connection)),
    }
}

/// Hands out answers and pushes until the connection ends.
struct Listener {
    connection: Connection,
    calls: Arc<Mutex<Calls>>,
    frames: mpsc::WeakSender<Vec<u8>>,
    heard: mpsc::Sender<Heard>,
}

impl Listener {
    async fn listen(self, mut incoming: Receiver<FromRelay>) {
        while let Ok(message) = next(&mut incoming, &self.connection).await {
            if !self.take(message) {
                break;
            }
        }
        end(&self.connection, code::PROTOCOL);
        {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            calls.ended = true;
            calls.open.clear();
        }
        // Waits for room: nobody may miss it. A caller without interest misses nothing.
        let _ = self.heard.send(Heard::Lost).await;
    }

    /// False: the relay breaks the protocol, or floods.
    fn take(&self, message: FromRelay) -> bool {
        match message {
            FromRelay::Answer { id, answer } => {
                let call = self.calls.lock().unwrap_or_else(PoisonError::into_inner).open.remove(&id);
                if let Some(call) = call {
                    // Who stopped waiting ignores the answer.
                    let _ = call.send(answer);
                }
                true
            }
            FromRelay::Push(Push::Ping(nonce)) => {
                let pong = wire::encode_frame(&ToRelay::Pong(nonce), Limit::Control);
                match (pong, self.frames.upgrade()) {
                    (Ok(pong), Some(frames)) => frames.try_send(pong).is_ok(),
                    (_, _) => false,
                }
            }
            FromRelay::Push(push) => match self.heard.try_send(Heard::Push(push)) {
                // A caller without interest in pushes is no fault of the relay's.
                Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => true,
                Err(mpsc::error::TrySendError::Full(_)) => false,
            },
            FromRelay::Welcome { .. } | FromRelay::WrongVersion { .. } => false,
        }
    }
}

/// Writes whole frames, so that a caller who loses patience can't leave half a one.
async fn speak(mut send: SendStream, mut frames: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = frames.recv().await {
        if send.write_all(&frame).await.is_err() {
            break;
        }
    }
}
