//! Flows between two peers: who may carry one on, and when it ends. (SECURITY C3)

use venia_proto::id::FlowId;
use venia_proto::key::PublicKey;
use venia_proto::rendezvous::{Answer, FlowEnd, Push, Refusal};

use super::{ConnectionId, Effect, FLOWS_MAX, GONE_MS, Presence, Registry, Side, Ticket, refuse};

#[derive(Debug)]
pub(super) struct Flow {
    pub(super) agent: PublicKey,
    pub(super) member: PublicKey,
    pub(super) agent_side: Presence,
    pub(super) member_side: Presence,
    /// Until when its pairing must be reported; `None` once agreed.
    pub(super) pairing: Option<u64>,
}

impl Registry {
    /// Either side is done with a flow.
    pub fn end(&mut self, ticket: Ticket, flow: FlowId, now: u64) -> Vec<Effect> {
        let Some(side) = self.side_of(ticket.connection, flow) else {
            return vec![refuse(ticket, Refusal::NotAllowed)];
        };
        let mut effects = vec![Effect::Answer { ticket, answer: Ok(Answer::Noted) }];
        // Who guesses and leaves before the agent can report it has tried all the same, and who only keeps somebody's number
        // busy shall not do it for ever. (SECURITY B3)
        let tried = self.flows.get(&flow).filter(|open| open.pairing.is_some());
        if let Some(member) = tried.map(|open| open.member) {
            self.failed(member, now, &mut effects);
        }
        self.end_flow(flow, &[(side.other(), FlowEnd::Left)], &mut effects);
        effects
    }

    /// Either side carries on a flow on this connection, after its earlier one was lost. `member`: whether this connection's
    /// key is a member's at this moment. A flow that only its agent remembers ([`Registry::hold`]) is opened again.
    pub fn resume(&mut self, ticket: Ticket, flow: FlowId, member: bool) -> Vec<Effect> {
        let Some(side) = self.side_of(ticket.connection, flow) else {
            let reopened = if member { self.reopen(ticket, flow) } else { None };
            return reopened.unwrap_or_else(|| vec![refuse(ticket, Refusal::NotAllowed)]);
        };
        if let Some(open) = self.flows.get_mut(&flow) {
            *open.presence(side) = Presence::Here(ticket.connection);
        }
        vec![
            Effect::MoveFlow { flow, side, to: ticket.connection },
            Effect::Answer { ticket, answer: Ok(Answer::Noted) },
        ]
    }

    /// The member's half of a flow whose agent holds it for them.
    fn reopen(&mut self, ticket: Ticket, flow: FlowId) -> Option<Vec<Effect>> {
        let key = self.key_of(ticket.connection)?;
        let open = |agent: &PublicKey| self.flows.values().filter(|flow| flow.agent == *agent).count();
        let (&agent, holder) = self.agents.iter_mut().find(|(_, agent)| agent.held == Some((flow, key)))?;
        let Presence::Here(connection) = holder.presence else { return None };
        if self.flows.contains_key(&flow) || open(&agent) >= FLOWS_MAX {
            return None;
        }
        // Only now: the agent's word alone brings nobody's strand into the ledger. (SECURITY E6)
        if !holder.met.contains(&key) {
            holder.met.push(key);
        }
        let (agent_side, member_side) = (Presence::Here(connection), Presence::Here(ticket.connection));
        self.flows.insert(flow, Flow { agent, member: key, agent_side, member_side, pairing: None });
        Some(vec![
            Effect::OpenFlow { flow, agent: connection, member: ticket.connection },
            Effect::Answer { ticket, answer: Ok(Answer::Noted) },
        ])
    }

    pub(super) fn end_flow(&mut self, flow: FlowId, told: &[(Side, FlowEnd)], effects: &mut Vec<Effect>) {
        let Some(mut open) = self.flows.remove(&flow) else { return };
        if let Some(agent) = self.agents.get_mut(&open.agent) {
            agent.held.take_if(|(held, _)| *held == flow);
        }
        effects.push(Effect::CloseFlow { flow });
        for &(side, why) in told {
            if let Presence::Here(connection) = *open.presence(side) {
                effects.push(Effect::Push { connection, push: Push::FlowEnded { flow, why } });
            }
        }
    }

    /// Which end of the flow this connection's key is.
    fn side_of(&self, connection: ConnectionId, flow: FlowId) -> Option<Side> {
        let key = self.key_of(connection)?;
        let open = self.flows.get(&flow)?;
        if open.agent == key {
            Some(Side::Agent)
        } else if open.member == key {
            Some(Side::Member)
        } else {
            None
        }
    }

    pub(super) fn flows_where(&self, which: impl Fn(&Flow) -> bool) -> Vec<FlowId> {
        let mut flows: Vec<FlowId> = self.flows.iter().filter(|(_, open)| which(open)).map(|(&flow, _)| flow).collect();
        flows.sort_unstable();
        flows
    }
}

impl Flow {
    pub(super) fn presence(&mut self, side: Side) -> &mut Presence {
        match side {
            Side::Agent => &mut self.agent_side,
            Side::Member => &mut self.member_side,
        }
    }
}

impl Side {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Agent => Self::Member,
            Self::Member => Self::Agent,
        }
    }
}

impl Presence {
    pub(super) fn deadline(self) -> Option<u64> {
        match self {
            Self::Here(_) => None,
            Self::Gone { since } => Some(since.saturating_add(GONE_MS)),
        }
    }

    pub(super) fn is_over(self, now: u64) -> bool {
        self.deadline().is_some_and(|until| until <= now)
    }
}
