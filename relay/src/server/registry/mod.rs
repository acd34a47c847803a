//! Who is here, and who may meet whom. Pure: time and random bytes are handed in, what must happen is handed out.
//!
//! ```text
//! agent  ── register ──▶ a number to read aloud          (one living registration per device key, D6)
//! member ── join ──────▶ a flow between these two only   (C3; failed codes are counted, B3)
//! agent  ── paired ────▶ the number rests                (one code, one attempt, B1)
//! agent  ── hold ──────▶ a flow of before a restart      (opened again when its member resumes it)
//! member revoked ──────▶ control closed, flows removed, agents told (A5)
//! ```
//!
//! Not here: who *is* a member ([`super::members`]), packets ([`super::forward`]), words of a code (only the two peers
//! know those), and what is recorded ([`super::ledger`]). Nothing here can open a session or read one.
//!
//! Everything held has a deadline or a living connection: at rest nothing is left ([`Registry::is_empty`]).

mod agents;
mod effect;
mod flows;
mod numbers;
#[cfg(test)]
mod tests;
mod window;

use std::collections::HashMap;

use venia_proto::id::FlowId;
use venia_proto::key::PublicKey;
use venia_proto::rendezvous::{Answer, FlowEnd, PairingOutcome, Push, Refusal};

use agents::Agent;
pub use effect::{ConnectionId, Effect, Goodbye, Side, Ticket};
use flows::Flow;
use numbers::Numbers;
pub use numbers::{DIGITS_MAX, REST_MS};
use window::Window;

/// Failed codes a member may have within [`FAILURES_MS`]; then refused. (SECURITY B3)
pub const FAILURES_MAX: usize = 5;
/// The hour in which failed codes count, in milliseconds.
pub const FAILURES_MS: u64 = 60 * 60 * 1_000;
/// Flows of one session at a time: its technician, and one helper. (SECURITY C3)
pub const FLOWS_MAX: usize = 2;
/// How long a flow outlives the control connection of either side, in milliseconds. (SECURITY C3)
pub const GONE_MS: u64 = 60 * 1_000;
/// How long a registered connection may take to prove that it lives, in milliseconds. (SECURITY D6)
pub const CHALLENGE_MS: u64 = 2_000;
/// How long a pairing may take until its agent reports what became of it, in milliseconds.
pub const PAIRING_MS: u64 = 60 * 1_000;
/// How long "no such code" takes: about as long as dialling a person's PC and failing there. (SECURITY B3)
pub const UNKNOWN_MS: u64 = 400;
/// Numbers one device key may be given within an hour; each rests an hour, and there is only a million.
pub const NUMBERS_PER_KEY_MAX: usize = 60;
/// Numbers that may be given out to one address prefix within an hour: keys cost nothing, addresses do.
pub const NUMBERS_PER_SOURCE_MAX: usize = 2_000;
/// The hour in which given numbers count, in milliseconds.
pub const NUMBERS_MS: u64 = 60 * 60 * 1_000;

/// Who is here.
#[derive(Debug)]
pub struct Registry {
    connections: HashMap<ConnectionId, Connected>,
    agents: HashMap<PublicKey, Agent>,
    flows: HashMap<FlowId, Flow>,
    numbers: Numbers,
    failures: Window<PublicKey>,
    given: Window<PublicKey>,
    given_to: Window<String>,
    slow: Vec<(u64, Ticket)>,
    /// No deadline is earlier than this; so that an idle look costs nothing.
    wake: u64,
}

/// Whose a connection is, and where it comes from.
#[derive(Debug)]
struct Connected {
    key: PublicKey,
    source: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Here(ConnectionId),
    Gone { since: u64 },
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl Registry {
    /// Nobody is here.
    pub fn new() -> Self {
        Self {
            connections: HashMap::new(),
            agents: HashMap::new(),
            flows: HashMap::new(),
            numbers: Numbers::default(),
            failures: Window::new(FAILURES_MAX, FAILURES_MS),
            given: Window::new(NUMBERS_PER_KEY_MAX, NUMBERS_MS),
            given_to: Window::new(NUMBERS_PER_SOURCE_MAX, NUMBERS_MS),
            slow: Vec::new(),
            wake: u64::MAX,
        }
    }

    /// A control connection stands, and this key proved itself on it. `source`: the address prefix it comes from.
    pub fn arrived(&mut self, connection: ConnectionId, key: PublicKey, source: &str) {
        self.connections.insert(connection, Connected { key, source: source.to_owned() });
    }

    /// A control connection is gone. What hung on it has [`GONE_MS`] to be taken up by another of the same key.
    pub fn gone(&mut self, connection: ConnectionId, now: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        let Some(Connected { key, .. }) = self.connections.remove(&connection) else { return effects };
        self.slow.retain(|(_, ticket)| ticket.connection != connection);
        for flow in self.flows.values_mut() {
            for side in [&mut flow.agent_side, &mut flow.member_side] {
                if *side == Presence::Here(connection) {
                    *side = Presence::Gone { since: now };
                    self.wake = self.wake.min(now.saturating_add(GONE_MS));
                }
            }
        }
        if let Some(agent) = self.agents.get_mut(&key) {
            if agent.challenge.as_ref().is_some_and(|challenge| challenge.wish.ticket.connection == connection) {
                agent.challenge = None;
            }
            if agent.presence == Presence::Here(connection) {
                agent.presence = Presence::Gone { since: now };
                self.wake = self.wake.min(now.saturating_add(GONE_MS));
                if let Some(challenge) = agent.challenge.take() {
                    self.take_place(&key, challenge.wish, now, &mut effects);
                }
            }
        }
        effects
    }

    /// Somebody typed a number. `member`: the valid member note of this connection's key, if there is one. `random`:
    /// the flow's id, which nobody may guess.
    pub fn join(&mut self, ticket: Ticket, member: Option<Vec<u8>>, number: u32, random: u64, now: u64) -> Vec<Effect> {
        let Some(key) = self.key_of(ticket.connection) else { return Vec::new() };
        let Some(note) = member else { return vec![refuse(ticket, Refusal::NotMember)] };
        let room = self.failures.room(&key, now);
        if room == 0 {
            return vec![refuse(ticket, Refusal::TooManyFailures)];
        }
        // Tries under way may all fail yet: ten at once are no way around five an hour. (SECURITY B3)
        if self.flows.values().filter(|flow| flow.member == key && flow.pairing.is_some()).count() >= room {
            return vec![refuse(ticket, Refusal::Busy)];
        }
        let Some(holder) = self.numbers.holder(number).copied() else {
            return self.no_such_code(ticket, Some(key), now);
        };
        let Some(agent) = self.agents.get_mut(&holder) else { return self.no_such_code(ticket, Some(key), now) };
        let Presence::Here(agent_connection) = agent.presence else {
            // The PC lost its network for a moment: not this member's fault, so it doesn't count.
            return self.no_such_code(ticket, None, now);
        };
        let flows = self.flows.values().filter(|flow| flow.agent == holder);
        let (open, pairing) = flows.fold((0, false), |(n, pairing), flow| (n + 1, pairing || flow.pairing.is_some()));
        let flow = FlowId(random);
        if holder == key || open >= FLOWS_MAX || pairing || self.flows.contains_key(&flow) {
            return vec![refuse(ticket, Refusal::Busy)];
        }
        if !agent.met.contains(&key) {
            agent.met.push(key);
        }
        let session = agent.session;
        let pairing = now.saturating_add(PAIRING_MS);
        self.wake = self.wake.min(pairing);
        self.flows.insert(
            flow,
            Flow {
                agent: holder,
                member: key,
                agent_side: Presence::Here(agent_connection),
                member_side: Presence::Here(ticket.connection),
                pairing: Some(pairing),
            },
        );
        vec![
            Effect::OpenFlow { flow, agent: agent_connection, member: ticket.connection },
            Effect::Push { connection: agent_connection, push: Push::Knock { flow, session, member: note } },
            Effect::Answer { ticket, answer: Ok(Answer::Joined { flow, session }) },
        ]
    }

    /// The agent says what became of a pairing. Its number is spent, whatever came of it. (SECURITY B1)
    pub fn paired(&mut self, ticket: Ticket, flow: FlowId, outcome: PairingOutcome, now: u64) -> Vec<Effect> {
        let Some(key) = self.key_of(ticket.connection) else { return Vec::new() };
        let Some(open) = self.flows.get_mut(&flow).filter(|open| open.agent == key && open.pairing.is_some()) else {
            return vec![refuse(ticket, Refusal::NotAllowed)];
        };
        let member = open.member;
        open.pairing = None;
        if let Some(number) = self.agents.get_mut(&key).and_then(|agent| agent.number.take()) {
            self.numbers.rest(number, now);
            self.wake = self.wake.min(now.saturating_add(REST_MS));
        }
        let mut effects = vec![Effect::Answer { ticket, answer: Ok(Answer::Noted) }];
        match outcome {
            PairingOutcome::Agreed => {}
            // Breaking off burns the person's code as surely as a wrong word, so it counts alike: else a member could
            // end somebody's wait over and over without ever guessing. (SECURITY B3)
            PairingOutcome::WrongCode | PairingOutcome::Abandoned => {
                self.failed(member, now, &mut effects);
                self.end_flow(flow, &[(Side::Member, FlowEnd::Left)], &mut effects);
            }
        }
        effects
    }

    /// A flow used up what it may carry, or the forwarder gave it up.
    pub fn exhausted(&mut self, flow: FlowId) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.end_flow(flow, &[(Side::Agent, FlowEnd::Limit), (Side::Member, FlowEnd::Limit)], &mut effects);
        effects
    }

    /// A member was revoked: control closed, flows removed, agents told. (SECURITY A5)
    pub fn revoked(&mut self, member: &PublicKey) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.failures.forget(member);
        for flow in self.flows_where(|flow| flow.member == *member) {
            self.end_flow(flow, &[(Side::Agent, FlowEnd::Revoked), (Side::Member, FlowEnd::Revoked)], &mut effects);
        }
        for agent in self.agents.values_mut() {
            agent.met.retain(|met| met != member);
            agent.held.take_if(|(_, held)| held == member);
        }
        // Gone at once, not when the connection ends: a call already on its way finds nobody.
        let connections = self.connections.extract_if(|_, connected| connected.key == *member);
        let mut closed: Vec<_> = connections.map(|(connection, _)| connection).collect();
        closed.sort_unstable();
        self.slow.retain(|(_, ticket)| !closed.contains(&ticket.connection));
        effects.extend(closed.into_iter().map(|connection| Effect::Disconnect { connection, why: Goodbye::Revoked }));
        effects
    }

    /// Does what is due.
    pub fn expire(&mut self, now: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        if now < self.wake {
            return effects;
        }
        for (_, ticket) in self.slow.extract_if(.., |(due, _)| *due <= now) {
            effects.push(refuse(ticket, Refusal::NoSuchCode));
        }
        let unanswered = self.agents.iter().filter_map(|(key, agent)| {
            agent.challenge.as_deref().filter(|challenge| challenge.until <= now).map(|challenge| (*key, *challenge))
        });
        for (key, challenge) in unanswered.collect::<Vec<_>>() {
            if let Some(agent) = self.agents.get_mut(&key) {
                agent.challenge = None;
                if let Presence::Here(connection) = agent.presence {
                    effects.push(Effect::Disconnect { connection, why: Goodbye::Replaced });
                }
            }
            self.take_place(&key, challenge.wish, now, &mut effects);
        }
        for flow in self.flows_where(|flow| flow.pairing.is_some_and(|until| until <= now)) {
            // The agent reports every attempt; it saw none. Its code is unspent, so the number stays, and whoever joined
            // and never dialled has used up a try.
            if let Some(member) = self.flows.get(&flow).map(|open| open.member) {
                self.failed(member, now, &mut effects);
            }
            self.end_flow(flow, &[(Side::Agent, FlowEnd::Left), (Side::Member, FlowEnd::Left)], &mut effects);
        }
        for flow in self.flows_where(|flow| flow.agent_side.is_over(now) || flow.member_side.is_over(now)) {
            self.end_flow(flow, &[(Side::Agent, FlowEnd::Left), (Side::Member, FlowEnd::Left)], &mut effects);
        }
        for (_, agent) in self.agents.extract_if(|_, agent| agent.presence.is_over(now)) {
            if let Some(number) = agent.number {
                self.numbers.rest(number, now);
            }
        }
        self.numbers.expire(now);
        self.failures.expire(now);
        self.given.expire(now);
        self.given_to.expire(now);
        self.wake = self.deadline().unwrap_or(u64::MAX);
        effects
    }

    /// When [`Registry::expire`] is due next, in milliseconds since boot.
    pub fn deadline(&self) -> Option<u64> {
        let slow = self.slow.iter().map(|(due, _)| *due);
        let agents = self.agents.values().flat_map(|agent| {
            [agent.challenge.as_ref().map(|challenge| challenge.until), agent.presence.deadline()].into_iter().flatten()
        });
        let flows = self.flows.values().flat_map(|flow| {
            [flow.pairing, flow.agent_side.deadline(), flow.member_side.deadline()].into_iter().flatten()
        });
        let rest = [self.numbers.deadline(), self.failures.deadline(), self.given.deadline(), self.given_to.deadline()]
            .into_iter()
            .flatten();
        slow.chain(agents).chain(flows).chain(rest).min()
    }

    /// Whether nothing is left (ARCHITECTURE section 3, invariant 9).
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
            && self.agents.is_empty()
            && self.flows.is_empty()
            && self.slow.is_empty()
            && self.numbers.is_empty()
            && self.failures.is_empty()
            && self.given.is_empty()
            && self.given_to.is_empty()
    }

    /// Says so later, as slowly as wrong words would; counts against the member if it was one's fault.
    fn no_such_code(&mut self, ticket: Ticket, at_fault: Option<PublicKey>, now: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(member) = at_fault {
            self.failed(member, now, &mut effects);
        }
        let due = now.saturating_add(UNKNOWN_MS);
        self.slow.push((due, ticket));
        self.wake = self.wake.min(due);
        effects
    }

    fn failed(&mut self, member: PublicKey, now: u64, effects: &mut Vec<Effect>) {
        self.wake = self.wake.min(now.saturating_add(FAILURES_MS));
        if self.failures.add(member, now) {
            effects.push(Effect::Alarm { member });
        }
    }

    fn key_of(&self, connection: ConnectionId) -> Option<PublicKey> {
        self.connections.get(&connection).map(|connected| connected.key)
    }
}

fn refuse(ticket: Ticket, refusal: Refusal) -> Effect {
    Effect::Answer { ticket, answer: Err(refusal) }
}
