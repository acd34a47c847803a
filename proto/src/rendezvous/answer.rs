//! What a relay answers, and the proofs in it.
//!
//! Nothing here is believed: whoever asked verifies each proof and note ([`crate::ledger`]).

use serde::{Deserialize, Serialize};

use crate::id::{FlowId, SessionId, Strand};

/// Successful answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// To [`Call::Register`](super::Call::Register).
    Registered {
        /// One to six digits.
        number: u32,
    },
    /// To calls that only need a yes.
    Noted,
    /// To [`Call::Enroll`](super::Call::Enroll) and [`Call::Renew`](super::Call::Renew).
    Member {
        /// The signed member note.
        note: Vec<u8>,
    },
    /// To [`Call::Join`](super::Call::Join).
    Joined {
        /// The flow to dial.
        flow: FlowId,
        /// The agent's session.
        session: SessionId,
    },
    /// To [`Call::Submit`](super::Call::Submit): durable, and proven so.
    Receipts {
        /// The checkpoint, a signed note.
        checkpoint: Vec<u8>,
        /// Proof that `known` is a prefix of it.
        consistency: Vec<[u8; 32]>,
        /// One per event, in order.
        entries: Vec<Entry>,
    },
    /// To [`Call::Prove`](super::Call::Prove).
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
    /// To [`Call::Consistency`](super::Call::Consistency).
    Consistency {
        /// The checkpoint of the larger size, a signed note.
        checkpoint: Vec<u8>,
        /// RFC 6962 consistency proof.
        path: Vec<[u8; 32]>,
    },
    /// To [`Call::Notes`](super::Call::Notes).
    Notes {
        /// Exact note bytes, in log order.
        notes: Vec<Vec<u8>>,
        /// Whether more follow after these.
        more: bool,
    },
    /// To [`Call::Erasures`](super::Call::Erasures).
    Erasures {
        /// Signed `venia/erase@v1` notes of those sessions.
        notes: Vec<Vec<u8>>,
    },
    /// To [`Call::Logs`](super::Call::Logs): oldest first, the one that grows last.
    Logs {
        /// The organisation's logs at this relay.
        logs: Vec<LogHead>,
    },
    /// To [`Call::Entries`](super::Call::Entries).
    Entries {
        /// Exact bytes, from the index asked for on; empty at the end of the log.
        entries: Vec<Vec<u8>>,
        /// For each `open` among them, in order, the agent's verifier key: the log itself holds only its name, which is a
        /// hash of it.
        agents: Vec<String>,
    },
    /// To [`Call::Successors`](super::Call::Successors): those after the one asked about, in order, at most [`SUCCESSORS_MAX`](super::SUCCESSORS_MAX); ask again with the
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
