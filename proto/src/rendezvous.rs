//! What a peer and a relay may say to each other on the control connection.
//!
//! One bidirectional stream, opened by the peer, carries frames of [`crate::wire`] (at most 256 KiB) both ways:
//!
//! ```text
//! peer ── Hello ──▶ relay         which versions
//! peer ◀─ Welcome ─ relay         the organisation's statement and the log's newest time: the peer checks both
//!                                 against its pinned root *before* it says anything else (A1)
//! peer ── Call ───▶ relay         numbered by the peer; many may be open at once
//! peer ◀─ Answer ── relay         to the call of that number
//! peer ◀─ Push ──── relay         nobody asked: a technician knocks, a flow ended, prove you live
//! ```
//!
//! Nothing here can open a session, widen a grant or read a word: the relay introduces, forwards and records. Enum tags
//! are declaration order (bincode): append only, and [`VERSION`] rises when the meaning of a tag changes.

use serde::{Deserialize, Serialize};

use crate::id::{FlowId, SessionId, Strand};

/// Version of this protocol and of the end-to-end messages.
pub const VERSION: u16 = 1;
/// ALPN of a control connection.
pub const ALPN_RELAY: &[u8] = b"venia-relay/1";
/// ALPN of an end-to-end connection.
pub const ALPN_SESSION: &[u8] = b"venia-session/1";
/// Most events in one [`Call::Submit`].
pub const SUBMIT_MAX: usize = 12;
/// Most proofs in one [`Answer::Proofs`].
pub const PROOFS_MAX: usize = 64;

/// Everything a peer sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToRelay {
    /// First frame.
    Hello {
        /// Versions the peer speaks.
        versions: Vec<u16>,
    },
    /// Asks for something.
    Call {
        /// Chosen by the peer, unique among its open calls.
        id: u32,
        /// What.
        call: Call,
    },
    /// Answers [`Push::Ping`].
    Pong(u64),
}

/// Everything a relay sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromRelay {
    /// First frame.
    Welcome {
        /// The version both will speak.
        version: u16,
        /// The organisation's statement, a signed note.
        statement: Vec<u8>,
        /// The newest signed `venia/batch@v1` note of this relay's log: what time it is, by the ledger (A4).
        batch: Vec<u8>,
    },
    /// No version in common; the connection ends.
    WrongVersion {
        /// Versions the relay speaks.
        versions: Vec<u16>,
    },
    /// The answer to a call.
    Answer {
        /// Its number.
        id: u32,
        /// What came of it.
        answer: Result<Answer, Refusal>,
    },
    /// Something happened.
    Push(Push),
}

/// What a peer may ask of a relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// Agent: let a technician find me for this session. Replaces this connection's earlier registration.
    Register {
        /// Made by the agent.
        session: SessionId,
    },
    /// Agent: what became of a flow's pairing. Frees the number; a wrong code counts against the member (B3).
    Paired {
        /// The flow.
        flow: FlowId,
        /// What became of it.
        outcome: PairingOutcome,
    },
    /// Future member: this key, on the strength of a one-time invite.
    Enroll {
        /// The invite's secret.
        secret: Vec<u8>,
        /// Verifier key text; its key must be this connection's.
        key: String,
    },
    /// Member: a fresh member note for this connection's key.
    Renew,
    /// Member: connect me with whoever shows this number.
    Join {
        /// The number of the spoken code.
        number: u32,
    },
    /// Agent: record these event notes of my session, in this order, all or none.
    Submit {
        /// Note bytes, at most [`SUBMIT_MAX`].
        events: Vec<Vec<u8>>,
        /// Size of the newest checkpoint the agent holds; the answer proves it a prefix. Zero for none.
        known: u64,
    },
    /// Agent or technician of the session: proofs of its events against one checkpoint, for the bundle (F3).
    Prove {
        /// The session.
        session: SessionId,
        /// Proofs to skip, in log order.
        skip: u64,
        /// The checkpoint size to prove against; zero lets the relay choose its newest.
        size: u64,
        /// The caller's oldest checkpoint size; the answer proves it a prefix. Zero for none.
        first: u64,
    },
    /// Either side of a flow: we are done with it.
    EndFlow {
        /// The flow.
        flow: FlowId,
    },
    /// Either side of a flow, on a new control connection of the same key: its packets come from here now.
    Resume {
        /// The flow.
        flow: FlowId,
    },
}

/// What became of a pairing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PairingOutcome {
    /// Both proved the code.
    Agreed,
    /// The confirmation was wrong.
    WrongCode,
    /// It broke off or took too long.
    Abandoned,
}

/// Successful answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// To [`Call::Register`].
    Registered {
        /// One to six digits.
        number: u32,
    },
    /// To calls that only need a yes.
    Noted,
    /// To [`Call::Enroll`] and [`Call::Renew`].
    Member {
        /// The signed member note.
        note: Vec<u8>,
    },
    /// To [`Call::Join`].
    Joined {
        /// The flow to dial.
        flow: FlowId,
        /// The agent's session.
        session: SessionId,
    },
    /// To [`Call::Submit`]: durable, and proven so.
    Receipts {
        /// The checkpoint, a signed note.
        checkpoint: Vec<u8>,
        /// Proof that `known` is a prefix of it.
        consistency: Vec<[u8; 32]>,
        /// One per event, in order.
        entries: Vec<Entry>,
    },
    /// To [`Call::Prove`].
    Proofs {
        /// The checkpoint, a signed note.
        checkpoint: Vec<u8>,
        /// Proof that `first` is a prefix of it.
        consistency: Vec<[u8; 32]>,
        /// The session's events, in log order.
        entries: Vec<Proven>,
        /// Per technician or observer whose `join` is among `entries`: the batch that recorded it.
        batches: Vec<ProvenBatch>,
        /// Whether more follow after these.
        more: bool,
    },
}

/// Where an event stands in the log, and the proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Index of the leaf.
    pub index: u64,
    /// RFC 6962 inclusion proof.
    pub path: Vec<[u8; 32]>,
}

/// A recorded event named, with its proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proven {
    /// Its strand.
    pub author: Strand,
    /// Its number in the strand.
    pub seq: u64,
    /// Where it stands.
    pub entry: Entry,
}

/// The batch note that says when a `join` was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenBatch {
    /// The strand that joined.
    pub strand: Strand,
    /// The signed `venia/batch@v1` note.
    pub note: Vec<u8>,
    /// Where it stands.
    pub entry: Entry,
}

/// What a relay says unasked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Push {
    /// To an agent: a member used its number and will dial this flow.
    Knock {
        /// The flow.
        flow: FlowId,
        /// The registered session.
        session: SessionId,
        /// The member note, so that the agent can say who it was even if nothing more comes.
        member: Vec<u8>,
    },
    /// A flow is gone.
    FlowEnded {
        /// The flow.
        flow: FlowId,
        /// Why.
        why: FlowEnd,
    },
    /// Prove that you live: answer with [`ToRelay::Pong`]. Sent before another connection may take this key's place (D6).
    Ping(u64),
}

/// Why a flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FlowEnd {
    /// The other side said so, or its control connection is gone.
    Left,
    /// The member was revoked (A5).
    Revoked,
    /// It used up what a flow may carry.
    Limit,
}

/// Why a relay refused. Each has a sentence and a hint in `ui`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// No invite with this secret, or used, or expired: told apart only to somebody who holds the secret.
    #[error("the invite is not known")]
    InviteUnknown,
    /// It was used before.
    #[error("the invite was already used")]
    InviteUsed,
    /// It is older than 24 hours.
    #[error("the invite has expired")]
    InviteExpired,
    /// This key belongs to no member.
    #[error("not a member")]
    NotMember,
    /// This member was revoked.
    #[error("membership was revoked")]
    Revoked,
    /// Nobody shows this number (told as slowly as wrong words, B3).
    #[error("no such code")]
    NoSuchCode,
    /// Too many failed codes within the hour.
    #[error("too many failed codes")]
    TooManyFailures,
    /// The key is in use by a living connection (D6), or the session already has its technician.
    #[error("busy")]
    Busy,
    /// A quota is used up (E6).
    #[error("quota used up")]
    Quota,
    /// The relay's disk is full or failing: nothing is recorded, so nothing may run.
    #[error("the ledger cannot write")]
    Disk,
    /// This call isn't for this kind of peer, or not at this moment.
    #[error("not allowed here")]
    NotAllowed,
    /// An event breaks the format, its strand or its key.
    #[error("the ledger refused an event")]
    Event {
        /// Its place in the call.
        place: u32,
        /// What is wrong with it.
        fault: EventFault,
    },
}

/// What is wrong with a submitted event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventFault {
    /// Not a valid event note.
    Format,
    /// Signed by a key that isn't the strand's.
    ForeignKey,
    /// Doesn't continue its strand.
    Chain,
    /// The strand's own key signed something else with this number: kept as evidence.
    Equivocation,
    /// The session is closed, unknown, or not this agent's.
    Session,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A full submission and a full page of proofs must fit in a control frame.
    #[test]
    fn full_messages_fit_a_control_frame() {
        const EVENT_MAX: usize = 16 * 1024 + 512;
        const { assert!(SUBMIT_MAX * EVENT_MAX < 256 * 1024) };
        let entry = Entry { index: u64::MAX, path: vec![[0; 32]; 63] };
        let proven = 64 + size_of_val(entry.path.as_slice());
        assert!(PROOFS_MAX * proven + 16 * (proven + 1024) < 256 * 1024);
    }
}
