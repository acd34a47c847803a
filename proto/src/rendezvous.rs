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

use crate::id::{FlowId, SessionId, Strand};
use crate::ledger::notice::Looking;

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
    /// To [`Call::Consistency`].
    Consistency {
        /// The checkpoint of the larger size, a signed note.
        checkpoint: Vec<u8>,
        /// RFC 6962 consistency proof.
        path: Vec<[u8; 32]>,
    },
    /// To [`Call::Notes`].
    Notes {
        /// Exact note bytes, in log order.
        notes: Vec<Vec<u8>>,
        /// Whether more follow after these.
        more: bool,
    },
    /// To [`Call::Erasures`].
    Erasures {
        /// Signed `venia/erase@v1` notes of those sessions.
        notes: Vec<Vec<u8>>,
    },
    /// To [`Call::Logs`]: oldest first, the one that grows last.
    Logs {
        /// The organisation's logs at this relay.
        logs: Vec<LogHead>,
    },
    /// To [`Call::Entries`].
    Entries {
        /// Exact bytes, from the index asked for on; empty at the end of the log.
        entries: Vec<Vec<u8>>,
        /// For each `open` among them, in order, the agent's verifier key: the log itself holds only its name, which is a
        /// hash of it.
        agents: Vec<String>,
    },
    /// To [`Call::Successors`]: those after the one asked about, in order, at most [`SUCCESSORS_MAX`]; ask again with the
    /// last one's key for more. None after the log that grows.
    Successors {
        /// Each with what it follows.
        logs: Vec<Successor>,
    },
}

/// A log that followed another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Successor {
    /// A signed statement that names the log's key.
    pub statement: Vec<u8>,
    /// Its newest checkpoint, a signed note; of a log that was followed by another, its last.
    pub checkpoint: Vec<u8>,
    /// The signed `venia/key@v1` note it begins with.
    pub note: Vec<u8>,
    /// RFC 6962 inclusion proof of that note.
    pub path: Vec<[u8; 32]>,
}

/// The end of one log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogHead {
    /// Its newest checkpoint, a signed note; of a log that was followed by another, its last.
    pub checkpoint: Vec<u8>,
    /// The signed statement that names the log's key.
    pub statement: Vec<u8>,
    /// The first entry that is still kept; those before were pruned by policy.
    pub kept_from: u64,
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
    /// This relay's log is older than a checkpoint it signed: its database was set back, and it records nothing until its
    /// operator recovers it. (SECURITY F5)
    #[error("the log was set back to an older copy")]
    SetBack,
    /// It was there, and was erased or pruned.
    #[error("erased")]
    Erased,
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
    /// It names a sealed part that isn't held here: send that first.
    Sealed,
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
