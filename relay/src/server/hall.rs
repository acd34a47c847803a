//! Everybody who is connected, and the registry's decisions carried out: answers and pushes into each peer's outbox, flows
//! opened and closed, connections ended.
//!
//! Decisions are carried out under the same lock they were made under, and nothing of it waits: a flow can't be closed by
//! one task before another has opened it.
//!
//! Not here: the decisions ([`super::registry`]), and reading or writing streams ([`super::peer`]).

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use quinn::{Connection, VarInt};
use venia_proto::id::{FlowId, SessionId};
use venia_proto::key::PublicKey;
use venia_proto::rendezvous::{FromRelay, Push};

use crate::client::code;
use crate::clock;

use super::flow::{End, FlowError, Limits};
use super::forward::{Flows, Proved};
use super::outbox::Outbox;
use super::registry::{ConnectionId, Effect, Goodbye, Registry, Side, Ticket};
use super::roaming::Roaming;
use super::sources::Source;

/// Everybody who is here.
pub struct Hall {
    inner: Mutex<Inner>,
    flows: Flows,
    /// Bytes of a flow after which it ends.
    total: u64,
}

struct Inner {
    limits: Limits,
    registry: Registry,
    roaming: Roaming,
    peers: HashMap<ConnectionId, Peer>,
    ends: HashMap<FlowId, (ConnectionId, ConnectionId)>,
    next: u64,
}

struct Peer {
    connection: Connection,
    key: PublicKey,
    outbox: Outbox,
}

impl Hall {
    /// Nobody is here yet. `limits`: of each flow.
    pub fn new(flows: Flows, limits: Limits) -> Self {
        let inner = Inner {
            limits,
            registry: Registry::new(),
            roaming: Roaming::default(),
            peers: HashMap::new(),
            ends: HashMap::new(),
            next: 0,
        };
        Self { inner: Mutex::new(inner), flows, total: limits.total }
    }

    /// A peer came in. `from`: where it was when its handshake was complete. Where QUIC sees it by now nobody has proved: its
    /// first words may have been captured, and sent from elsewhere (SECURITY C4).
    pub fn enter(&self, connection: Connection, from: SocketAddr, key: PublicKey, outbox: Outbox) -> ConnectionId {
        let mut inner = self.lock();
        let id = ConnectionId(inner.next);
        inner.next += 1;
        inner.registry.arrived(id, key, &Source::of(from).to_string());
        inner.roaming.arrived(id, from);
        inner.peers.insert(id, Peer { connection, key, outbox });
        id
    }

    /// A peer left, whatever the reason.
    pub fn leave(&self, id: ConnectionId) {
        self.act(|registry, now| registry.gone(id, now));
        let mut inner = self.lock();
        inner.peers.remove(&id);
        inner.roaming.gone(id);
    }

    /// Lets the registry decide, and does what it says. The closure also gets milliseconds since boot.
    pub fn act(&self, decide: impl FnOnce(&mut Registry, u64) -> Vec<Effect>) {
        let now = clock::now().boot_ms;
        let mut inner = self.lock();
        let mut effects = decide(&mut inner.registry, now);
        while !effects.is_empty() {
            let mut failed = Vec::new();
            for effect in effects {
                failed.extend(inner.carry_out(effect, &self.flows));
            }
            // A flow that can't be opened ends as one that used itself up: both sides hear of it.
            effects = failed.into_iter().flat_map(|flow| inner.registry.exhausted(flow)).collect();
        }
    }

    /// The session this agent is registered for, and the members who came for it.
    pub fn meeting(&self, agent: &PublicKey) -> Option<(SessionId, Vec<PublicKey>)> {
        self.lock().registry.meeting(agent).map(|(session, met)| (session, met.to_vec()))
    }

    /// Whether somebody waits for a technician, or talks with one.
    pub fn is_busy(&self) -> bool {
        self.lock().registry.is_busy()
    }

    /// Says something to those of these who are here.
    pub fn tell(&self, keys: &[PublicKey], push: &Push) {
        let inner = self.lock();
        for (&id, _) in inner.peers.iter().filter(|(_, peer)| keys.contains(&peer.key)) {
            inner.send(id, FromRelay::Push(push.clone()));
        }
    }

    /// A peer answered a ping: to a challenge (D6), or from its new address (C4).
    pub fn pong(&self, id: ConnectionId, nonce: u64) {
        self.act(|registry, _| registry.pong(id, nonce));
        let now = clock::now().boot_ms;
        let mut inner = self.lock();
        let Some(connection) = inner.peers.get(&id).map(|peer| peer.connection.clone()) else { return };
        let at = connection.remote_address();
        if !inner.roaming.answered(id, at, nonce, now) {
            return;
        }
        let mut failed = Vec::new();
        for (&flow, &(agent, member)) in &inner.ends {
            for (end, side) in [(End::Agent, agent), (End::Console, member)] {
                if side != id {
                    continue;
                }
                match self.flows.follow(flow, end, Proved { control: &connection, at }) {
                    Ok(()) => {}
                    // It waited for this proof.
                    Err(FlowError::Unknown) => failed.extend(inner.open(flow, &self.flows)),
                    Err(FlowError::Address | FlowError::Taken) => {
                        tracing::debug!(%flow, "a flow can't follow its peer");
                    }
                }
            }
        }
        drop(inner);
        for flow in failed {
            self.act(|registry, _| registry.exhausted(flow));
        }
    }

    /// What is due, and who moved. Call ten times a second. `random`: 64 unpredictable bits each time, if there are some:
    /// a nonce that another peer's nonce gives away would prove nothing (SECURITY C4).
    pub fn tick(&self, mut random: impl FnMut() -> Option<u64>) {
        self.act(Registry::expire);
        let spent = |flow: &FlowId| self.flows.traffic(*flow).is_some_and(|traffic| traffic.bytes >= self.total);
        let spent: Vec<FlowId> = self.lock().ends.keys().copied().filter(spent).collect();
        for flow in spent {
            self.act(|registry, _| registry.exhausted(flow));
        }
        let mut inner = self.lock();
        let busy: HashSet<ConnectionId> = inner.ends.values().flat_map(|&(agent, member)| [agent, member]).collect();
        for id in busy {
            inner.look(id, &mut random);
        }
    }

    /// Whether this peer moved, without waiting for the next tick. `random`: as there.
    pub fn look(&self, id: ConnectionId, random: impl FnOnce() -> Option<u64>) {
        self.lock().look(id, random);
    }

    /// Somebody may have panicked while holding it; the tables are still whole, every change is a single step.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Gives the flow that couldn't be opened or moved.
    fn carry_out(&mut self, effect: Effect, flows: &Flows) -> Option<FlowId> {
        match effect {
            Effect::Answer { ticket: Ticket { connection, call }, answer } => {
                self.send(connection, FromRelay::Answer { id: call, answer });
                None
            }
            Effect::Push { connection, push } => {
                self.send(connection, FromRelay::Push(push));
                None
            }
            Effect::OpenFlow { flow, agent, member } => {
                self.ends.insert(flow, (agent, member));
                self.open(flow, flows)
            }
            Effect::MoveFlow { flow, side, to } => {
                let ends = self.ends.get_mut(&flow)?;
                let end = match side {
                    Side::Agent => {
                        ends.0 = to;
                        End::Agent
                    }
                    Side::Member => {
                        ends.1 = to;
                        End::Console
                    }
                };
                if !self.peers.contains_key(&to) {
                    return Some(flow);
                }
                // It follows once the peer has proved where it is now.
                match flows.follow(flow, end, self.proved(to)?) {
                    Ok(()) => None,
                    Err(FlowError::Unknown) => self.open(flow, flows),
                    Err(FlowError::Address | FlowError::Taken) => Some(flow),
                }
            }
            Effect::CloseFlow { flow } => {
                self.ends.remove(&flow);
                flows.remove(flow);
                None
            }
            Effect::Disconnect { connection, why } => {
                let code = match why {
                    Goodbye::Revoked => code::REVOKED,
                    Goodbye::Replaced => code::REPLACED,
                };
                if let Some(peer) = self.peers.get(&connection) {
                    peer.connection.close(VarInt::from_u32(code), b"");
                }
                None
            }
            Effect::Alarm { member } => {
                tracing::warn!(?member, "a member failed too many codes within the hour");
                None
            }
        }
    }

    /// Opens a flow between its ends. One whose end moved, unnoticed while it waited, opens once that has proved where it is
    /// now: the next tick asks. Gives the flow if it can't be opened.
    fn open(&self, flow: FlowId, flows: &Flows) -> Option<FlowId> {
        let &(agent, member) = self.ends.get(&flow)?;
        if [agent, member].iter().any(|end| !self.peers.contains_key(end)) {
            return Some(flow);
        }
        let (agent, member) = (self.proved(agent)?, self.proved(member)?);
        flows.open(flow, agent, member, self.limits).is_err().then_some(flow)
    }

    /// Asks a peer whose address changed to prove it. (SECURITY C4)
    fn look(&mut self, id: ConnectionId, random: impl FnOnce() -> Option<u64>) {
        let Some(at) = self.peers.get(&id).map(|peer| peer.connection.remote_address()) else { return };
        if let Some(nonce) = self.roaming.seen(id, at, random, clock::now().boot_ms) {
            self.send(id, FromRelay::Push(Push::Ping(nonce)));
        }
    }

    /// A peer, if it is where it proved to be. (SECURITY C4)
    fn proved(&self, id: ConnectionId) -> Option<Proved<'_>> {
        let control = &self.peers.get(&id)?.connection;
        let at = control.remote_address();
        self.roaming.is_at(id, at).then_some(Proved { control, at })
    }

    fn send(&self, to: ConnectionId, message: FromRelay) {
        let Some(peer) = self.peers.get(&to) else { return };
        if peer.outbox.put(message).is_err() {
            peer.connection.close(VarInt::from_u32(code::SLOW), b"");
        }
    }
}
