//! A relay in somebody else's hands: it takes the place of a world's relay, with its keys, its address and its log, and does
//! by the shipped code whatever its new master doesn't do himself.
//!
//! Not here: what he does ([`super::lying_relay`], [`super::middle_relay`]).

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use quinn::Connection;
use rustix::process::Signal;
use tokio::task::AbortHandle;
use venia_proto::key::PublicKey;
use venia_proto::rendezvous::{Answer, Call, FromRelay, Refusal, ToRelay, VERSION};
use venia_relay::client::frames::{self, Receiver};
use venia_relay::client::home::Home;
use venia_relay::client::tls::peer_key;
use venia_relay::clock;
use venia_relay::server::accept::Door;
use venia_relay::server::audit::Desk;
use venia_relay::server::cosigning::Cosigned;
use venia_relay::server::hall::Hall;
use venia_relay::server::identity::Keys;
use venia_relay::server::ledger::admission::Submission;
use venia_relay::server::ledger::committer::{Surroundings, start};
use venia_relay::server::ledger::continuity::Continuity;
use venia_relay::server::ledger::limits::Limits;
use venia_relay::server::ledger::prove::Question;
use venia_relay::server::ledger::sealed::{Held, Room};
use venia_relay::server::ledger::sqlite::Sqlite;
use venia_relay::server::members;
use venia_relay::server::organisation::Organisation;
use venia_relay::server::outbox::{Outbox, outbox};
use venia_relay::server::peer::Relay;
use venia_relay::server::registry::{ConnectionId, Ticket};
use venia_relay::server::roster::Roster;
use venia_relay::server::serve::DATABASE;
use venia_relay::server::sources::Source;
use venia_relay::server::{flow, sources};

use super::world::World;

/// How often a relay looks at what is due.
const TICK: Duration = Duration::from_millis(100);

/// The relay's parts, and its log's thread behind them.
pub struct Taken {
    /// Who is here, what is recorded, who is a member.
    pub relay: Arc<Relay>,
    /// The socket.
    pub door: Arc<Door>,
    ticking: AbortHandle,
}

impl Taken {
    /// Ends this world's relay and takes its place. Needs a tokio runtime.
    pub fn over(world: &mut World) -> Self {
        world.relay.signal(Signal::TERM);
        world.relay.exit();
        let data: &Path = &world.relay_data;
        // Without its lock: the honest relay comes back while connections of this one still end.
        let home = Arc::new(Home::open(data, false).unwrap());
        let keys = Keys::open(&home).unwrap();
        let listen: SocketAddr = world.listening();
        let door = Arc::new(Door::open(listen, &keys.tls, sources::Limits::default()).unwrap());
        let log = keys.log.named(keys.log.verifier().name.clone());
        let public = world.address.at.clone();
        let organisation = Organisation::open(home.clone(), keys, public, |_| Ok(()), clock::now().wall).unwrap();
        let vkey = log.verifier().clone();
        let free = Arc::new(|| u64::MAX);
        let surroundings = Surroundings { now: Arc::new(clock::now), free, limits: Limits::default(), head: None };
        let store = Sqlite::open(&data.join(DATABASE)).unwrap();
        let roster = Arc::new(Roster::open(&store).unwrap());
        let (ledger, _) = start(store, log, surroundings).unwrap();
        let relay = Arc::new(Relay {
            hall: Arc::new(Hall::new(door.flows().clone(), flow::Limits::default())),
            roster,
            ledger,
            organisation: Arc::new(organisation),
            desk: Desk::open(&data.join(DATABASE), &vkey).unwrap(),
            room: Room::default(),
            cosigned: Arc::new(Cosigned::open(home, vkey).unwrap()),
        });
        let hall = relay.hall.clone();
        let ticking = tokio::spawn(async move {
            loop {
                tokio::time::sleep(TICK).await;
                hall.tick(|| getrandom::u64().ok());
            }
        });
        Self { relay, door, ticking: ticking.abort_handle() }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.ticking.abort();
    }
}

/// A control connection, greeted, whose calls the master of the relay sees one by one.
pub struct Caller {
    /// Its number in the hall.
    pub id: ConnectionId,
    /// The key it proved.
    pub key: PublicKey,
    /// The relay's end.
    pub connection: Connection,
    /// What is put here is sent.
    pub outbox: Outbox,
    relay: Arc<Relay>,
    frames: Receiver<ToRelay>,
}

impl Caller {
    /// Greets; `None` if the peer left first.
    pub async fn greeted(relay: &Arc<Relay>, connection: Connection) -> Option<Self> {
        let key = peer_key(&connection).ok()?;
        let (mut sender, mut frames) = frames::accept::<FromRelay, ToRelay>(&connection).await.ok()?;
        let Ok(Some(ToRelay::Hello { .. })) = frames.next().await else { return None };
        let batch = relay.ledger.time().await.batch.to_vec();
        let statement = relay.organisation.served().note.clone();
        sender.send(&FromRelay::Welcome { version: VERSION, statement, batch }).await.ok()?;
        let (outbox, mut inbox) = outbox();
        let here = connection.clone();
        tokio::spawn(async move {
            let talking = async { while sender.send(&*inbox.next().await).await.is_ok() {} };
            tokio::select! { () = talking => {}, _ = here.closed() => {} }
        });
        let id = relay.hall.enter(connection.clone(), connection.remote_address(), key, outbox.clone());
        Some(Self { id, key, connection, outbox, relay: relay.clone(), frames })
    }

    /// The next call, with its number; `None` once the peer has left.
    pub async fn next(&mut self) -> Option<(u32, Call)> {
        loop {
            match self.frames.next().await {
                Ok(Some(ToRelay::Call { id, call })) => return Some((id, call)),
                Ok(Some(ToRelay::Pong(nonce))) => self.relay.hall.pong(self.id, nonce),
                Ok(Some(ToRelay::Here)) => {}
                Ok(Some(ToRelay::Hello { .. }) | None) | Err(_) => {
                    self.relay.hall.leave(self.id);
                    return None;
                }
            }
        }
    }

    /// Answers a call as the shipped relay would; what no test needs is refused.
    pub async fn honestly(&self, id: u32, call: Call) {
        let (hall, ticket) = (&self.relay.hall, Ticket { connection: self.id, call: id });
        let random = getrandom::u64().unwrap();
        let pending = match call {
            Call::Register { session } => {
                return hall.act(|registry, now| registry.register(ticket, session, random, now));
            }
            Call::Paired { flow, outcome } => {
                return hall.act(|registry, now| registry.paired(ticket, flow, outcome, now));
            }
            Call::EndFlow { flow } => return hall.act(|registry, now| registry.end(ticket, flow, now)),
            Call::Hold { session, flow, member } => {
                let (member, random) = (PublicKey::from_bytes(member).unwrap(), getrandom::u64().unwrap());
                return hall.act(|registry, now| registry.hold(ticket, session, (flow, member), random, now));
            }
            Call::Resume { flow } => return hall.act(|registry, _| registry.resume(ticket, flow, true)),
            Call::Renew => {
                let note = self.member().await.ok_or(Refusal::NotMember);
                return self.answer(id, note.map(|note| Answer::Member { note })).await;
            }
            Call::Submit { events, known } => {
                let answer = self.recorded(events, known).await;
                return self.answer(id, answer).await;
            }
            Call::Prove { session, skip, size, first } => {
                self.relay.ledger.prove(Question { by: self.key, session, skip, size, first }).await
            }
            Call::Consistency { origin, first, second } => {
                self.relay.ledger.continuity(Continuity::Between { origin, first, second }).await
            }
            Call::Seen { checkpoint } => self.relay.ledger.continuity(Continuity::Seen(checkpoint)).await,
            Call::Join { .. }
            | Call::Enroll { .. }
            | Call::Erasures { .. }
            | Call::Erased { .. }
            | Call::Notes { .. }
            | Call::Look { .. }
            | Call::Logs
            | Call::Entries { .. }
            | Call::Successors { .. } => Err(Refusal::NotAllowed),
        };
        let answer = match pending {
            Ok(pending) => pending.await.unwrap_or(Err(Refusal::Disk)),
            Err(refusal) => Err(refusal),
        };
        self.answer(id, answer).await;
    }

    /// Its true member note, if it is a member's.
    pub async fn member(&self) -> Option<Vec<u8>> {
        let (key, relay) = (self.key, self.relay.clone());
        let note = self.relay.ledger.perform(move |store| {
            let member = members::member(store, &key).ok()?;
            Some(member.note(&relay.organisation.keys.authority, clock::now().wall))
        });
        note.await.ok().flatten()
    }

    /// Records events, and gives the receipts that are due.
    pub async fn recorded(&self, events: Vec<Vec<u8>>, known: u64) -> Result<Answer, Refusal> {
        let submission = Submission {
            from: self.key,
            source: Source::of(self.connection.remote_address()).to_string(),
            met: self.relay.hall.meeting(&self.key),
            events,
            known,
            held: Held::new(Room::default()),
            auditors: Some(false),
        };
        self.relay.ledger.submit(submission).await?.await.unwrap_or(Err(Refusal::Disk))
    }

    /// Answers this.
    pub async fn answer(&self, id: u32, answer: Result<Answer, Refusal>) {
        // A peer that is gone asks again when it is back.
        self.outbox.send(FromRelay::Answer { id, answer }).await;
    }
}
