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
//! peer ── Here ───▶ relay         to a nudge: this is where I am now
//! ```
//!
//! Nothing here can open a session, widen a grant or read a word: the relay introduces, forwards and records. Enum tags
//! are declaration order (bincode): append only, and [`VERSION`] rises when the meaning of a tag changes.

use serde::{Deserialize, Serialize};

use crate::id::{FlowId, SessionId};
use crate::ledger::notice::Looking;

mod answer;
mod refusal;

pub use answer::{Answer, Entry, LogHead, Proven, ProvenBatch, Successor};
pub use refusal::{EventFault, Refusal};

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

/// Most logs in one [`Answer::Successors`]: each comes with a whole statement.
pub const SUCCESSORS_MAX: usize = 8;
/// Most sessions in one [`Call::Erasures`].
pub const ERASURES_MAX: usize = 64;
/// Largest sealed part in bytes: the largest opening, with room for the header of an `age` file to 64 recipients and its
/// tag per 64 KiB.
pub const SEALED_MAX: usize = (1 << 20) + 16 * 1024;
/// Bytes of a sealed part written at once, so that a record waiting behind it waits for no more. (SECURITY E1)
pub const BULK_CHUNK: usize = 64 * 1024;

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
    /// Nothing but a packet from where the peer is now: the relay nudged it, so its address may have changed. (SECURITY C1)
    Here,
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
    /// Anybody: the newest checkpoint of this relay's log that I hold. A relay that never got that far was set back, and
    /// says so by [`Refusal::SetBack`]. (SECURITY F5)
    Seen {
        /// The checkpoint, a signed note.
        checkpoint: Vec<u8>,
    },
    /// Anybody: prove that one tree continues another. (SECURITY F4)
    Consistency {
        /// The log's origin.
        origin: String,
        /// The smaller size.
        first: u64,
        /// The larger size; zero lets the relay choose its newest.
        second: u64,
    },
    /// A participant: the notes of my session's events as recorded, addenda included.
    Notes {
        /// The session.
        session: SessionId,
        /// Events to skip, in log order.
        skip: u64,
    },
    /// A participant: which of these sessions were erased, whole or in part. (SECURITY E11)
    Erasures {
        /// At most [`ERASURES_MAX`].
        sessions: Vec<SessionId>,
    },
    /// A participant: I deleted what I held of the erased parts.
    Erased {
        /// The session.
        session: SessionId,
    },
    /// Auditor: I am about to look. On record before anything is told; what was said last counts for the calls below.
    Look {
        /// What for.
        what: Looking,
        /// At which session; none for the whole log.
        session: Option<SessionId>,
    },
    /// Auditor: which logs there are.
    Logs,
    /// Auditor: the raw entries of a log from an index on, as many as fit.
    Entries {
        /// The log's origin.
        origin: String,
        /// The first wanted.
        from: u64,
    },
    /// Anybody: which logs followed this one. (SECURITY F5)
    Successors {
        /// Verifier key of the log the caller knows: after an older backup an origin may come twice, a key doesn't.
        log: String,
    },
    /// Agent, in a session that lost its relay: I am here again. The relay of before may have been restarted and have forgotten
    /// the flow; then it is opened again once its member, and nobody else, asks by [`Call::Resume`]. (SECURITY C3)
    Hold {
        /// The session.
        session: SessionId,
        /// Its flow.
        flow: FlowId,
        /// The member's key (Ed25519) at its other end.
        member: [u8; 32],
    },
}

/// First frame of a stream that a peer opens for bytes too large for a control frame. (SECURITY E1)
///
/// ```text
/// peer ── Bulk::Seal, then `len` bytes ──▶ relay ── BulkAnswer ──▶ peer     held until the event that names it is recorded
/// peer ── Bulk::Fetch ──▶ relay ── BulkAnswer, then `len` bytes ──▶ peer
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bulk {
    /// Agent: keep this sealed part for an event I am about to submit.
    Seal {
        /// The event's session.
        session: SessionId,
        /// SHA-256 of the bytes.
        sha256: [u8; 32],
        /// How many bytes follow, at most [`SEALED_MAX`].
        len: u32,
    },
    /// Auditor, after [`Call::Look`]; a participant, of its own session: give me a sealed part.
    Fetch {
        /// The session.
        session: SessionId,
        /// SHA-256 of the bytes.
        sha256: [u8; 32],
    },
}

/// What a relay says on such a stream before anything else.
pub type BulkAnswer = Result<BulkHeld, Refusal>;

/// The part is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkHeld {
    /// Its length in bytes; after [`Bulk::Fetch`] so many follow.
    pub len: u32,
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
    /// To the participants who are here: something of a session was erased; delete it too. (SECURITY E11)
    Erase {
        /// The signed `venia/erase@v1` note.
        note: Vec<u8>,
    },
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A full submission and a full page of proofs must fit in a control frame.
    #[test]
    fn full_messages_fit_a_control_frame() {
        const SUCCESSOR_MAX: usize = (16 * 1024 + 512) + 2 * 1024 + 2 * 1024 + 64 * 32;
        const { assert!(SUCCESSORS_MAX * SUCCESSOR_MAX < 256 * 1024) };
        const EVENT_MAX: usize = 16 * 1024 + 512;
        const { assert!(SUBMIT_MAX * EVENT_MAX < 256 * 1024) };
        let entry = Entry { index: u64::MAX, path: vec![[0; 32]; 63] };
        let proven = 64 + size_of_val(entry.path.as_slice());
        assert!(PROOFS_MAX * proven + 16 * (proven + 1024) < 256 * 1024);
    }
}
