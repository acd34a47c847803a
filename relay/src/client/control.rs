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

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use quinn::{Connection, ConnectionError, VarInt};
use tokio::sync::mpsc;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::ledger::batch::BatchError;
use venia_proto::now::Wall;
use venia_proto::rendezvous::{Answer, Call, Push, Refusal};
use venia_proto::statement::{Statement, StatementError};
use venia_proto::wire::WireError;

use super::code;
use super::link::{Link, LinkError};
use super::tls::TlsError;
use crate::clock;

mod greeting;
mod live;

pub use greeting::Welcome;
use greeting::{dial, welcomed};
use live::Live;

/// Pushes that may wait for the caller; the connection of a relay that sends more is closed.
pub const PUSHES: usize = 64;

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
    /// The same log, at a time before the one it told already: it was set back, or somebody plays an old greeting.
    #[error("the relay's log is of an earlier time than before")]
    SetBack,
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
            | Self::SetBack
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
    newest: Mutex<Newest>,
    /// Since the first greeting other auditors or another authority came into force.
    outdated: AtomicBool,
}

/// What the newest greeting proved, where it isn't the same for good.
struct Newest {
    statement: Statement,
    statement_note: Vec<u8>,
    ledger_time: Told,
}

impl Newest {
    fn of(welcome: &Welcome) -> Self {
        let ledger_time = Told { time: welcome.ledger_time, at_ms: clock::now().boot_ms };
        Self { statement: welcome.statement.clone(), statement_note: welcome.statement_note.clone(), ledger_time }
    }
}

/// A time that was told, and when: by the clock that goes on while the computer sleeps. One computer with all of it on it (a first
/// session, a virtual machine) wakes with its connections. (SECURITY D1)
struct Told {
    time: Wall,
    at_ms: u64,
}

impl Told {
    fn by(&self, now_ms: u64) -> Wall {
        self.time.plus_ms(i64::try_from(now_ms.saturating_sub(self.at_ms)).unwrap_or(i64::MAX))
    }
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
        let (welcome, send, receive) = welcomed(&connection, root, known).await?;
        let (heard, hearing) = mpsc::channel(PUSHES);
        let live = Mutex::new(Live::begin(connection, send, receive, heard.clone()));
        let (newest, outdated) = (Mutex::new(Newest::of(&welcome)), AtomicBool::new(false));
        Ok((Self { live, heard, root: *root, welcome, newest, outdated }, Hearing(hearing)))
    }

    /// Opens a lost connection again, in place. The relay must be the one of before, with the log of before: a statement
    /// that is newer is fine, one that is older is refused (SECURITY A1), and so is an older time by the log: the log was set
    /// back, or the greeting is a recorded one (SECURITY A4, F5). Whoever listens hears [`Heard::Back`].
    pub async fn reopen(&self, link: &Link) -> Result<(), ControlError> {
        let connection = dial(link).await?;
        let (known, told) = {
            let newest = lock(&self.newest);
            (newest.statement.clone(), newest.ledger_time.time)
        };
        let (welcome, send, receive) = welcomed(&connection, &self.root, Some(&known)).await?;
        if (welcome.relay.tls, &welcome.relay.log) != (self.welcome.relay.tls, &self.welcome.relay.log) {
            end(&connection, code::PROTOCOL);
            return Err(ControlError::Moved);
        }
        // As it was told, not as it is by now: the log's clock may be slower than ours.
        if welcome.ledger_time < told {
            end(&connection, code::PROTOCOL);
            return Err(ControlError::SetBack);
        }
        let newest = Newest::of(&welcome);
        let before = self.live();
        before.end(code::GOING_DOWN);
        before.told().await;
        let in_force = |statement: &Statement| (statement.auditors.clone(), statement.authority.clone());
        if in_force(&welcome.statement) != in_force(&self.welcome.statement) {
            self.outdated.store(true, Ordering::Relaxed);
        }
        let live = Live::begin(connection, send, receive, self.heard.clone());
        live.heed(link);
        *lock(&self.newest) = newest;
        *lock(&self.live) = live;
        // Whoever hears it finds the new one in place.
        self.tell(Heard::Back).await;
        Ok(())
    }

    /// What the relay proved when it greeted first.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// What time it is, by the ledger: what the relay's log signed when it greeted last, and the time since. Whoever waits for hours
    /// would judge today's notes by this morning otherwise. (SECURITY A4)
    pub fn ledger_time(&self) -> Wall {
        lock(&self.newest).ledger_time.by(clock::now().boot_ms)
    }

    /// The newest statement the relay greeted with, its signed bytes: store them as those of [`Welcome::statement_note`], for the
    /// serial never goes back. (SECURITY A1)
    pub fn newest_statement(&self) -> Vec<u8> {
        lock(&self.newest).statement_note.clone()
    }

    /// Whether the statement this was welcomed with still holds, by the ledger's time.
    pub fn holds(&self) -> bool {
        self.welcome.statement.valid_at(self.ledger_time())
    }

    /// Whether other auditors, or another authority over memberships, are in force now than when the relay greeted first: a session
    /// under way goes on as it began, and nobody begins one before the person saw who reads along. (SECURITY A1, E4)
    pub fn is_outdated(&self) -> bool {
        self.outdated.load(Ordering::Relaxed)
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

#[cfg(test)]
mod tests {
    use super::*;
    /// An agent that had waited for an hour judged a note of that minute as one that holds for more than a day, and spent the code
    /// on it.
    #[test]
    fn a4_the_ledgers_time_goes_on_while_nothing_is_heard_from_it() {
        let told = Told { time: Wall::from_ms(1_000), at_ms: 5_000 };
        for hours in [0_u32, 1, 30] {
            let later = u64::from(hours) * 3_600_000;
            assert_eq!(told.by(told.at_ms + later), told.time.plus_ms(later.cast_signed()), "{hours}");
        }
        assert_eq!(told.by(told.at_ms - 1), told.time, "never back");
    }
}
