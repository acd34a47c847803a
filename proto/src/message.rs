//! What agent and console say to each other, end to end; the relay never sees it.
//!
//! The ledger *is* the protocol: almost everything said is a signed event, sent with the openings of its parts, so what
//! was said and what is recorded can't differ. Only pairing, delivery and farewell have messages of their own.
//!
//! ```text
//! console ── PairStart ──▶ agent      the code is spent on receipt, before anything is answered (B1)
//! console ◀─ PairAnswer ── agent
//! console ── PairConfirm ▶ agent      the console proves the code first
//! console ◀─ PairConfirmed agent
//! console ── Arrive ─────▶ agent      reason and offer: they become the `join` event
//! console ◀─ Event ─────── agent      open, join, consent, admit, refuse, pause, … each once its gate has passed
//! console ── Ask / Run ──▶ agent      a signed `request`
//! console ◀─ Event ─────── agent      its `result`, on a stream of its own, so that STOP can cut it off mid-way
//! console ── SealAsk ────▶ agent      on a stream of its own, before each of these, in a session with auditors
//! console ◀─ SealAnswer ── agent
//! console ◀─ padding ───▶ agent      on a stream the agent opens, while it does an item that judges this very connection
//! console ── Signoff ────▶ agent      then the agent's `close` at once
//! console ◀─ Checkpoint ─▶ agent      at the start, after new receipts, at the end: see [`crate::ledger::gossip`]
//! console ── Reconnect ──▶ agent      first on a connection that takes a lost one's place (A6)
//! console ◀─ Reconnected ─ agent
//! ```
//!
//! Control frames (at most 256 KiB) travel on the one bidirectional stream the console opens; each `result` travels as
//! one data frame (at most 1 MiB) on a unidirectional stream of the agent. Enum tags are declaration order: append only.

use serde::{Deserialize, Serialize};

use crate::foreign::Foreign;
use crate::id::Strand;
use crate::ledger::body::Offer;

/// Everything a console sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToAgent {
    /// First frame: the PAKE's first message and who is asking.
    PairStart {
        /// Protocol version.
        version: u16,
        /// SPAKE2 message of side A.
        message: Vec<u8>,
        /// The signed member note; its key must be this connection's.
        member: Vec<u8>,
    },
    /// Proof that the console knows the code.
    PairConfirm {
        /// HMAC over the transcript.
        mac: [u8; 32],
    },
    /// The technician is here.
    Arrive {
        /// Why, in the technician's words.
        reason: Foreign,
        /// What they say they'll need: one card for all of it.
        offer: Offer,
    },
    /// Please ask the person for this one run.
    Ask(Signed),
    /// Run this: a live grant covers it. If none does, that is misbehaviour.
    Run(Signed),
    /// A `chat` event.
    Chat(Signed),
    /// A `note` event.
    Note(Signed),
    /// A `signoff` event: the technician is done.
    Signoff(Signed),
    /// The largest checkpoint the console holds of a log. (SECURITY F4)
    Checkpoint(Vec<u8>),
    /// First frame of a connection that takes a lost one's place, in the same session. (SECURITY A6)
    Reconnect {
        /// HMAC with the session's secret over this connection's exporter ([`crate::pairing::SessionSecret`]).
        mac: [u8; 32],
        /// Which of the agent's events are here.
        arrived: Arrived,
    },
}

/// Which events of the agent's strand reached the console before its connection was lost. Results travel on streams of their
/// own, so there may be gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrived {
    /// All before this number.
    pub next: u64,
    /// Those behind a gap, rising; at most [`BEYOND_MAX`].
    pub beyond: Vec<u64>,
}

/// Most events behind a gap that a console names; the others are sent again.
pub const BEYOND_MAX: usize = 64;

impl Arrived {
    /// Whether this event is here.
    pub fn has(&self, seq: u64) -> bool {
        seq < self.next || self.beyond.contains(&seq)
    }
}

/// First and only frame of a bidirectional stream that a console opens in a session whose `open` event is sealed: seal this,
/// I am about to sign it. (SECURITY E1)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealAsk {
    /// The openings of one event, in the order of its parts, without their padding.
    pub openings: Vec<BareOpening>,
}

/// The agent's answer on that stream. Nobody but the agent seals: it alone knows who the recipients are, and refuses an
/// event that names another file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealAnswer {
    /// SHA-256 of each opening's `age` file, in the same order.
    pub sealed: Vec<[u8; 32]>,
}

/// An event note with the openings of its parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// Exact note bytes.
    pub note: Vec<u8>,
    /// Openings in the order of the event's parts, without their padding.
    pub openings: Vec<BareOpening>,
}

/// An opening without its zero padding, which the receiver puts back: 960 KiB of report fit in a data frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BareOpening {
    /// The 32 random bytes in front.
    pub random: [u8; 32],
    /// The plaintext.
    pub plaintext: Vec<u8>,
}

/// Everything an agent sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToConsole {
    /// SPAKE2 message of side B. The code is already spent.
    PairAnswer {
        /// The message.
        message: Vec<u8>,
    },
    /// Proof that the agent knows the code; the session begins.
    PairConfirmed {
        /// HMAC over the transcript.
        mac: [u8; 32],
        /// The strand the console will write.
        strand: Strand,
    },
    /// Pairing failed; the connection ends.
    PairRefused(PairRefusal),
    /// An event of the agent's strand, with what this technician may read of it.
    Event {
        /// The event.
        signed: Signed,
        /// Its `tlog-proof` against a checkpoint of the relay's log, when its gate waited for one.
        proof: Option<Vec<u8>>,
    },
    /// The `close` is durable: proofs can be fetched for the whole session.
    CloseRecorded,
    /// The largest checkpoint the agent holds of a log. (SECURITY F4)
    Checkpoint(Vec<u8>),
    /// The statement the session begins with, exact bytes: the first thing after the pairing. It says who the parts are
    /// sealed to, and the technician's own connection may have been welcomed with a newer one. (SECURITY E4)
    Statement {
        /// The statement's note.
        note: Vec<u8>,
    },
    /// The answer to [`ToAgent::Reconnect`]: it is the same agent, in the same session. What didn't arrive follows.
    Reconnected {
        /// HMAC with the session's secret over this connection's exporter.
        mac: [u8; 32],
        /// All of the console's events before this number are here.
        next: u64,
    },
}

/// Why an agent refuses to pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
pub enum PairRefusal {
    /// The words were wrong; that code is gone for good.
    #[error("wrong code")]
    WrongCode,
    /// The code was spent or expired before this message came.
    #[error("the code was already used")]
    Spent,
    /// The member note is missing, invalid, expired, or names another key.
    #[error("the member note is not valid")]
    Member,
    /// No version in common.
    #[error("another protocol version")]
    Version,
    /// Not a valid message.
    #[error("not a valid pairing message")]
    Malformed,
}
