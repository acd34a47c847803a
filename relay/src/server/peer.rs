//! One control connection: reads a peer's frames, asks registry, members and ledger, writes the answers.
//!
//! The peer may be anybody. So: one stream, frames of at most 256 KiB that must come to their end, a bounded number of
//! open calls, a bounded rate, and a closed connection for anything that isn't the protocol. A peer waits for its own
//! calls only.
//!
//! Not here: what is allowed ([`super::registry`], [`super::members`], [`super::ledger`]).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::{Connection, SendStream, VarInt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::Instrument as _;
use venia_proto::key::{PublicKey, VerifierKey};
use venia_proto::rendezvous::{Answer, Call, ERASURES_MAX, FromRelay, Refusal, ToRelay, VERSION};
use venia_proto::wire::{self, Limit, WireError};

use super::audit::{Desk, Looked};
use super::cosigning::Cosigned;
use super::hall::Hall;
use super::identity::Published;
use super::ledger::StoreError;
use super::ledger::admission::Submission;
use super::ledger::continuity::Continuity;
use super::ledger::notes::notes;
use super::ledger::prove::Question;
use super::ledger::queue::{Ledger, Pending};
use super::ledger::sealed::{Held, Room};
use super::ledger::shards;
use super::ledger::sqlite::Sqlite;
use super::members::{self, MembersError};
use super::organisation::Organisation;
use super::outbox::{Inbox, Outbox, outbox};
use super::registry::{ConnectionId, Effect, Ticket};
use super::roster::Roster;
use super::sources::Source;
use super::{accept, bulk};
use crate::client::code;
use crate::client::frames::{FrameError, MESSAGE, Receiver};
use crate::client::tls::{TlsError, peer_key};
use crate::clock;

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

    async fn call(&self, ticket: Ticket, call: Call, open: OwnedSemaphorePermit) -> Result<(), PeerError> {
        let hall = &self.relay.hall;
        match call {
            Call::Register { session } => {
                if self.auditors().is_none() {
                    return Err(PeerError::Outdated);
                }
                let random = random()?;
                hall.act(|registry, now| registry.register(ticket, session, random, now));
            }
            Call::Paired { flow, outcome } => hall.act(|registry, now| registry.paired(ticket, flow, outcome, now)),
            Call::EndFlow { flow } => hall.act(|registry, now| registry.end(ticket, flow, now)),
            Call::Resume { flow } => {
                // Agents and whoever was revoked carry on only what this relay still knows to be theirs.
                let member = self.helper().is_ok();
                hall.act(|registry, _| registry.resume(ticket, flow, member));
            }
            Call::Hold { session, flow, member } => {
                let Ok(member) = PublicKey::from_bytes(member) else { return Err(PeerError::OutOfPlace) };
                let random = random()?;
                hall.act(|registry, now| registry.hold(ticket, session, (flow, member), random, now));
            }
            Call::Join { number } => {
                let random = random()?;
                // A member revoked in between is gone from the registry. (SECURITY A5)
                match self.helper() {
                    Ok(note) => hall.act(|registry, now| registry.join(ticket, Some(note), number, random, now)),
                    Err(refusal) => hall.act(|_, _| vec![Effect::Answer { ticket, answer: Err(refusal) }]),
                }
            }
            Call::Enroll { secret, key } => {
                let key = key.parse::<VerifierKey>().ok().filter(|vkey| vkey.key == self.key);
                self.asked(ticket, open, move |relay, _, _| async move {
                    let (key, now, roster) = (key.ok_or(Refusal::NotAllowed)?, clock::now().wall, relay.roster.clone());
                    let enrolled = relay.ledger.perform(move |store| {
                        let member = members::enroll(store, &secret, &key, now)?;
                        roster.enrolled(member.clone());
                        Ok(member)
                    });
                    let note = enrolled.await?.map_err(refusal)?.note(&relay.organisation.keys.authority, now);
                    Ok(Answer::Member { note })
                });
            }
            Call::Renew => {
                let member = self.relay.roster.member(&self.key);
                let authority = &self.relay.organisation.keys.authority;
                let answer = member.map(|member| Answer::Member { note: member.note(authority, clock::now().wall) });
                hall.act(|_, _| vec![Effect::Answer { ticket, answer }]);
            }
            Call::Submit { events, known } => {
                let met = hall.meeting(&self.key);
                if met.is_some() {
                    accept::admit(self.connection);
                }
                let (from, source, held) = (self.key, Source::of(self.from).to_string(), self.held.clone());
                let submission = Submission { from, source, met, events, known, held, auditors: self.auditors() };
                // Queued here, not in a task: events are recorded in the order they came.
                let pending = self.relay.ledger.submit(submission).await;
                self.answer_later(ticket, open, pending);
            }
            Call::Prove { session, skip, size, first } => {
                let question = Question { by: self.key, session, skip, size, first };
                self.asked(ticket, open, move |relay, _, _| async move {
                    match relay.desk.archived(move |store| shards::proven(store, &question)).await {
                        Some(answer) => answer,
                        None => relay.prove(question).await,
                    }
                });
            }
            Call::Erasures { sessions } => self.erased(ticket, open, move |store, by| {
                if sessions.len() > ERASURES_MAX {
                    return Ok(Err(Refusal::NotAllowed));
                }
                store.erasures_for(by, &sessions).map(|notes| Ok(Answer::Erasures { notes }))
            }),
            Call::Erased { session } => self.erased(ticket, open, move |store, by| {
                let obeyed = store.obeyed(by, session, clock::now().wall)?;
                Ok(if obeyed { Ok(Answer::Noted) } else { Err(Refusal::NotAllowed) })
            }),
            Call::Notes { session, skip } => {
                self.asked(ticket, open, move |relay, by, _| async move {
                    match relay.desk.archived(move |store| shards::noted(store, by, session, skip)).await {
                        Some(answer) => answer,
                        None => relay.ledger.perform(move |store| notes(store, by, session, skip)).await?,
                    }
                });
            }
            Call::Look { what, session } => self.asked(ticket, open, move |relay, by, looked| async move {
                relay.desk.look(&relay.ledger, by, &looked, what, session).await
            }),
            Call::Logs => {
                self.asked(ticket, open, |relay, by, looked| async move { relay.heads(by, &looked).await });
            }
            Call::Entries { origin, from } => self.asked(ticket, open, move |relay, by, looked| async move {
                relay.desk.entries(by, &looked, &origin, from).await
            }),
            Call::Seen { checkpoint } => {
                let pending = self.relay.ledger.continuity(Continuity::Seen(checkpoint)).await;
                self.answer_later(ticket, open, pending);
            }
            Call::Consistency { origin, first, second } => {
                self.asked(ticket, open, move |relay, _, _| async move {
                    let asked = origin.clone();
                    match relay.desk.archived(move |store| shards::between(store, (&asked, first, second))).await {
                        Some(answer) => answer,
                        None => relay.consistency(origin, first, second).await,
                    }
                });
            }
            Call::Successors { log } => self.asked(ticket, open, move |relay, _, _| async move {
                let told = relay.desk.successors(log, relay.organisation.served().note.clone()).await;
                told.map(|answer| relay.dressed(answer))
            }),
        }
        Ok(())
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

    fn answer_later(&self, ticket: Ticket, open: OwnedSemaphorePermit, pending: Result<Pending, Refusal>) {
        let (relay, outbox) = (self.relay.clone(), self.outbox.clone());
        tokio::spawn(async move {
            let answer = answered(pending).await.map(|answer| relay.dressed(answer));
            // A peer that is gone asks again when it is back.
            outbox.send(FromRelay::Answer { id: ticket.call, answer }).await;
            drop(open);
        });
    }

    /// Asks about what was erased. (SECURITY E11)
    fn erased(
        &self,
        ticket: Ticket,
        open: OwnedSemaphorePermit,
        ask: impl FnOnce(&mut Sqlite, &PublicKey) -> Result<Result<Answer, Refusal>, StoreError> + Send + 'static,
    ) {
        let (relay, outbox, by) = (self.relay.clone(), self.outbox.clone(), self.key);
        tokio::spawn(async move {
            let answer = match relay.ledger.perform(move |store| ask(store, &by)).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "erasures can't be read");
                    Err(Refusal::Disk)
                }
                Err(refusal) => Err(refusal),
            };
            outbox.send(FromRelay::Answer { id: ticket.call, answer }).await;
            drop(open);
        });
    }

    /// Answers once that is known.
    fn asked<F: Future<Output = Result<Answer, Refusal>> + Send + 'static>(
        &self,
        ticket: Ticket,
        open: OwnedSemaphorePermit,
        ask: impl FnOnce(Arc<Relay>, PublicKey, Looked) -> F,
    ) {
        let (asking, outbox) = (ask(self.relay.clone(), self.key, self.looked.clone()), self.outbox.clone());
        tokio::spawn(async move {
            let answer = asking.await;
            outbox.send(FromRelay::Answer { id: ticket.call, answer }).await;
            drop(open);
        });
    }
}

/// What the ledger answers.
async fn answered(pending: Result<Pending, Refusal>) -> Result<Answer, Refusal> {
    pending?.await.unwrap_or(Err(Refusal::Disk))
}

fn refusal(error: MembersError) -> Refusal {
    match error {
        MembersError::Refused(refusal) => refusal,
        MembersError::Store(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "members can't be read");
            Refusal::Disk
        }
        MembersError::Name(_) | MembersError::Level | MembersError::NameTaken | MembersError::Unknown => {
            Refusal::NotAllowed
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
