//! Agents and their registrations: one living one a device key (SECURITY D6).
//!
//! Who wants to be found gets a number; who is in a session already ([`Registry::hold`]) needs none. Another connection of the
//! same key takes the place of the present one only once that one fails to prove that it lives.

use venia_proto::id::{FlowId, SessionId};
use venia_proto::key::PublicKey;
use venia_proto::rendezvous::{Answer, FlowEnd, Push, Refusal};

use super::{CHALLENGE_MS, ConnectionId, Effect, NUMBERS_MS, Presence, REST_MS, Registry, Side, Ticket, refuse};

/// A registered agent.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) session: SessionId,
    pub(super) number: Option<u32>,
    pub(super) presence: Presence,
    /// Boxed, for hardly any agent is ever challenged.
    pub(super) challenge: Option<Box<Challenge>>,
    /// Members who came for this session: the ones whose strands the ledger may admit. (SECURITY E6)
    pub(super) met: Vec<PublicKey>,
    /// A flow that a relay before this one knew, and the member at its other end. The agent wants it back.
    pub(super) held: Option<(FlowId, PublicKey)>,
}

/// Another connection wants this key's place; the present one has to prove that it lives. (SECURITY D6)
#[derive(Clone, Copy, Debug)]
pub(super) struct Challenge {
    pub(super) nonce: u64,
    pub(super) until: u64,
    pub(super) wish: Wish,
}

/// What an agent wants to be registered for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) ticket: Ticket,
    session: SessionId,
    random: u64,
    /// The session is under way, through this flow, with this member: nobody needs to find it.
    held: Option<(FlowId, PublicKey)>,
}

impl Registry {
    /// An agent wants to be found for this session. `random`: for the number and the challenge, unpredictable to the
    /// peer that is challenged.
    pub fn register(&mut self, ticket: Ticket, session: SessionId, random: u64, now: u64) -> Vec<Effect> {
        self.wished(Wish { ticket, session, random, held: None }, now)
    }

    /// An agent is back in the middle of a session, with this member through this flow. If this relay never heard of the flow
    /// (it was restarted), it is opened again once that member asks for it; nobody else can. (SECURITY C3)
    pub fn hold(
        &mut self,
        ticket: Ticket,
        session: SessionId,
        held: (FlowId, PublicKey),
        random: u64,
        now: u64,
    ) -> Vec<Effect> {
        let (flow, member) = held;
        let Some(key) = self.key_of(ticket.connection) else { return Vec::new() };
        let others = self.flows.get(&flow).is_some_and(|open| open.agent != key || open.member != member);
        if others || member == key {
            return vec![refuse(ticket, Refusal::NotAllowed)];
        }
        self.wished(Wish { ticket, session, random, held: Some(held) }, now)
    }

    fn wished(&mut self, wish: Wish, now: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        let Some(key) = self.key_of(wish.ticket.connection) else { return effects };
        if let Some(agent) = self.agents.get_mut(&key)
            && let Presence::Here(holder) = agent.presence
            && holder != wish.ticket.connection
        {
            if agent.challenge.is_some() {
                effects.push(refuse(wish.ticket, Refusal::Busy));
            } else {
                let until = now.saturating_add(CHALLENGE_MS);
                agent.challenge = Some(Box::new(Challenge { nonce: wish.random, until, wish }));
                self.wake = self.wake.min(until);
                effects.push(Effect::Push { connection: holder, push: Push::Ping(wish.random) });
            }
            return effects;
        }
        self.take_place(&key, wish, now, &mut effects);
        effects
    }

    /// A connection answers a challenge: it lives, the other may not take its place.
    pub fn pong(&mut self, connection: ConnectionId, nonce: u64) -> Vec<Effect> {
        let Some(key) = self.key_of(connection) else { return Vec::new() };
        let Some(agent) = self.agents.get_mut(&key) else { return Vec::new() };
        match agent.challenge.as_deref() {
            Some(&Challenge { nonce: asked, wish, .. })
                if asked == nonce && agent.presence == Presence::Here(connection) =>
            {
                agent.challenge = None;
                vec![refuse(wish.ticket, Refusal::Busy)]
            }
            Some(_) | None => Vec::new(),
        }
    }

    /// This agent's registered session, and the members who came for it: whose strands the ledger may admit. (SECURITY E6)
    pub fn meeting(&self, agent: &PublicKey) -> Option<(SessionId, &[PublicKey])> {
        self.agents.get(agent).map(|agent| (agent.session, agent.met.as_slice()))
    }

    /// Whether somebody waits for a technician, or talks with one: then the log's heart beats faster. (SECURITY F6)
    pub fn is_busy(&self) -> bool {
        self.agents.values().any(|agent| matches!(agent.presence, Presence::Here(_)))
    }

    /// This connection holds its key's registration from now on.
    pub(super) fn take_place(&mut self, key: &PublicKey, wish: Wish, now: u64, effects: &mut Vec<Effect>) {
        let Wish { ticket, session, held, .. } = wish;
        let same = self.agents.get(key).is_some_and(|agent| agent.session == session);
        if !same {
            // One live session per device key: what belonged to the earlier one ends. (SECURITY D6)
            for flow in self.flows_where(|flow| flow.agent == *key) {
                self.end_flow(flow, &[(Side::Member, FlowEnd::Left)], effects);
            }
            if let Some(number) = self.agents.remove(key).and_then(|agent| agent.number) {
                self.numbers.rest(number, now);
                self.wake = self.wake.min(now.saturating_add(REST_MS));
            }
        }
        let shown = self.agents.get(key).and_then(|agent| agent.number);
        let number = match (shown, held) {
            (Some(number), _) => Some(number),
            (None, Some(_)) => None,
            (None, None) => match self.new_number(key, &wish, now) {
                Ok(number) => Some(number),
                Err(refusal) => return effects.push(refuse(ticket, refusal)),
            },
        };
        let presence = Presence::Here(ticket.connection);
        let agent = self.agents.entry(*key).or_insert(Agent {
            session,
            number: None,
            presence,
            challenge: None,
            met: Vec::new(),
            held,
        });
        (agent.number, agent.presence, agent.held) = (number, presence, held);
        for (&flow, open) in self.flows.iter_mut().filter(|(_, open)| open.agent == *key) {
            if open.agent_side != presence {
                open.agent_side = presence;
                effects.push(Effect::MoveFlow { flow, side: Side::Agent, to: ticket.connection });
            }
        }
        let answer = match (held, number) {
            (None, Some(number)) => Answer::Registered { number },
            (_, _) => Answer::Noted,
        };
        effects.push(Effect::Answer { ticket, answer: Ok(answer) });
    }

    fn new_number(&mut self, key: &PublicKey, wish: &Wish, now: u64) -> Result<u32, Refusal> {
        let connected = self.connections.get(&wish.ticket.connection);
        let source = connected.map(|connected| connected.source.clone()).unwrap_or_default();
        if self.given.is_full(key, now) || self.given_to.is_full(&source, now) {
            return Err(Refusal::Quota);
        }
        let number = self.numbers.take(*key, wish.random).ok_or(Refusal::Busy)?;
        self.given.add(*key, now);
        self.given_to.add(source, now);
        self.wake = self.wake.min(now.saturating_add(NUMBERS_MS));
        Ok(number)
    }
}
