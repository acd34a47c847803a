//! What the registry tells the server to do, in the order it must be done.

use venia_proto::id::FlowId;
use venia_proto::key::PublicKey;
use venia_proto::rendezvous::{Answer, Push, Refusal};

/// A control connection, numbered by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// A call that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// Who asked.
    pub connection: ConnectionId,
    /// The number the peer gave the call.
    pub call: u32,
}

/// What the server must do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Answer a call.
    Answer {
        /// The call.
        ticket: Ticket,
        /// What came of it.
        answer: Result<Answer, Refusal>,
    },
    /// Say something unasked.
    Push {
        /// To whom.
        connection: ConnectionId,
        /// What.
        push: Push,
    },
    /// Forward packets of this flow between the addresses of these two connections.
    OpenFlow {
        /// The flow.
        flow: FlowId,
        /// The agent's control connection.
        agent: ConnectionId,
        /// The member's control connection.
        member: ConnectionId,
    },
    /// A side of the flow has another control connection now.
    MoveFlow {
        /// The flow.
        flow: FlowId,
        /// Which side.
        side: Side,
        /// Its new control connection.
        to: ConnectionId,
    },
    /// Forward nothing of this flow any more.
    CloseFlow {
        /// The flow.
        flow: FlowId,
    },
    /// Close a control connection.
    Disconnect {
        /// Which.
        connection: ConnectionId,
        /// Why.
        why: Goodbye,
    },
    /// A member reached [`super::FAILURES_MAX`]: somebody should look.
    Alarm {
        /// The member's key.
        member: PublicKey,
    },
}

/// Why a control connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goodbye {
    /// The member was revoked. (SECURITY A5)
    Revoked,
    /// Another connection of the same key took its place. (SECURITY D6)
    Replaced,
}

/// One end of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The person's PC.
    Agent,
    /// The technician's program.
    Member,
}
