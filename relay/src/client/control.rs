//! The control connection, a peer's end: proves that the relay is one of the pinned root's, then calls it.
//!
//! Nothing but a greeting is said before the relay's was judged ([`Greetings`]). A relay of another root therefore learns that
//! somebody came, and nothing else.
//!
//! A connection that is lost can be opened again in place ([`Control::reopen`]): what was called on the old one failed, what
//! is called from then on goes over the new one.
//!
//! Not here: keeping the statement (the caller stores it), when to reconnect ([`super::keeper`]), receipts'
//! proofs (the caller verifies them), and time limits: drop the future, the answer is ignored when it comes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quinn::{Connection, ConnectionError, VarInt};
use tokio::sync::mpsc;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::greeting::{GreetingError, Greetings, Welcome};
use venia_proto::now::Wall;
use venia_proto::rendezvous::{Answer, Call, Push, Refusal};
use venia_proto::statement::Statement;
use venia_proto::wire::WireError;

use super::code;
use super::link::{Link, LinkError};
use super::tls::TlsError;
use crate::clock;

mod greeting;
mod live;

use greeting::{Greeted, dial, greeted};
use live::Live;

/// Pushes that may wait for the caller; the connection of a relay that sends more is closed.
pub const PUSHES: usize = 64;

/// What a control connection couldn't do, by whose fault.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The network, or the relay is down.
    #[error("the relay can't be reached")]
    Unreachable(#[source] Option<LinkError>),
    /// What it greeted with isn't believed.
    #[error(transparent)]
    Greeting(#[from] GreetingError),
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
            Self::Greeting(_)
            | Self::WrongVersion(_)
            | Self::Revoked
            | Self::Replaced
            | Self::Refused(_)
            | Self::Malformed(_)
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
    /// Of the first greeting: what a session under way goes by.
    welcome: Arc<Welcome>,
    greetings: Mutex<Greetings>,
}

impl Control {
    /// Connects to the link's relay and verifies it; see [`Control::open`].
    pub async fn connect(
        link: &Link,
        root: &Fingerprint,
        known: Option<&Statement>,
    ) -> Result<(Self, Hearing), ControlError> {
        let (control, hearing) = Self::open(dial(link).await?, root, known).await?;
        control.live().heed(link);
        Ok((control, hearing))
    }

    /// Greets and verifies: the statement by `root`, never older than the `known` one; the relay as one the statement
    /// names; the time as signed by its log. Pings are answered here; everything else comes out of the receiver.
    pub async fn open(
        connection: Connection,
        root: &Fingerprint,
        known: Option<&Statement>,
    ) -> Result<(Self, Hearing), ControlError> {
        let Greeted { said, tls, send, receive } = greeted(&connection).await?;
        let welcome = Welcome::judge(said, &tls, root, known).inspect_err(|_| end(&connection, code::PROTOCOL))?;
        let welcome = Arc::new(welcome);
        let (heard, hearing) = mpsc::channel(PUSHES);
        let live = Mutex::new(Live::begin(connection, send, receive, heard.clone()));
        let greetings = Mutex::new(Greetings::begin(Arc::clone(&welcome), clock::now()));
        Ok((Self { live, heard, welcome, greetings }, Hearing(hearing)))
    }

    /// Opens a lost connection again, in place, if the relay may go on with this greeting ([`Greetings::again`]). Whoever listens
    /// hears [`Heard::Back`].
    pub async fn reopen(&self, link: &Link) -> Result<(), ControlError> {
        let connection = dial(link).await?;
        let Greeted { said, tls, send, receive } = greeted(&connection).await?;
        let judged = lock(&self.greetings).again(said, &tls, clock::now());
        judged.inspect_err(|_| end(&connection, code::PROTOCOL))?;
        let before = self.live();
        before.end(code::GOING_DOWN);
        before.told().await;
        let live = Live::begin(connection, send, receive, self.heard.clone());
        live.heed(link);
        *lock(&self.live) = live;
        // Whoever hears it finds the new one in place.
        self.tell(Heard::Back).await;
        Ok(())
    }

    /// What the relay proved when it greeted first.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// What time it is, by the ledger ([`Greetings::ledger_time`]).
    pub fn ledger_time(&self) -> Wall {
        lock(&self.greetings).ledger_time(clock::now())
    }

    /// The newest greeting, if its statement is to be kept ([`Greetings::to_keep`]): hand that to the next [`Control::open`].
    pub fn to_keep(&self) -> Option<Arc<Welcome>> {
        lock(&self.greetings).to_keep().cloned()
    }

    /// Whether the statement this was welcomed with still holds ([`Greetings::holds`]).
    pub fn holds(&self) -> bool {
        lock(&self.greetings).holds(clock::now())
    }

    /// Whether others read along now than when the relay greeted first ([`Greetings::is_outdated`]).
    pub fn is_outdated(&self) -> bool {
        lock(&self.greetings).is_outdated()
    }

    /// The connection of now: its address, its round-trip time, its end.
    pub fn connection(&self) -> Connection {
        self.live().connection
    }

    /// Asks, and waits for the answer. Many calls may be open at once; `Submit`s are recorded in the order of their calls.
    pub async fn call(&self, call: Call) -> Result<Answer, ControlError> {
        self.live().call(call).await
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
        self.live().end(code::GOING_DOWN);
    }

    /// Tells whoever listens, also one who is slow: nobody may miss that a connection is gone or back.
    pub(super) async fn tell(&self, heard: Heard) {
        // A caller without interest misses nothing.
        let _ = self.heard.send(heard).await;
    }

    fn live(&self) -> Live {
        lock(&self.live).clone()
    }
}

/// Somebody may have panicked while holding it; every change is a single step.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Control {
    fn drop(&mut self) {
        self.close();
    }
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
