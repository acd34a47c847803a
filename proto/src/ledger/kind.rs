//! What an event says in clear: its kind and the few fields the relay may read. (docs/ledger.md, SECURITY E5)
//!
//! A closed schema of leaves, counts and enums: no name, no item, no sentence. A header that said more would tell the
//! relay's operator what happens inside a person's PC, and could never be erased. Words live in [`super::body`].
//!
//! `R` is how one event names another: a [`Leaf`] once written; a local number while a session machine, which knows no
//! cryptography, still talks about events to come.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{InvalidId, Leaf, Strand};
use crate::key::VerifierKey;

/// Kind and clear fields of an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind<R = Leaf> {
    /// The session begins; always `agent` 0.
    Open {
        /// Protocol versions the agent speaks.
        versions: Vec<u16>,
    },
    /// A participant arrives; binds a strand to a key.
    Join {
        /// The new strand.
        strand: Strand,
        /// The only key whose events count for it.
        key: VerifierKey,
        /// How the agent knows whose key it is.
        verified: Verified,
    },
    /// What the person answered.
    Consent {
        /// The `request` or `join` that was asked about.
        asked: R,
        /// The answer.
        answer: Answer,
        /// Milliseconds between card and answer.
        took: u64,
    },
    /// The technician asks for one item.
    Request,
    /// The agent will run it.
    Admit {
        /// The request.
        request: R,
        /// The consent it rests on.
        grant: R,
    },
    /// The agent won't.
    Refuse {
        /// The request.
        request: R,
        /// Why not.
        why: Why,
    },
    /// How it ended.
    Result {
        /// The admit.
        admit: R,
        /// How.
        status: Status,
    },
    /// A block of a live series.
    Series {
        /// The admit.
        admit: R,
        /// Samples in the block.
        samples: u64,
        /// SHA-256 of the block.
        block: [u8; 32],
    },
    /// A chat line.
    Chat,
    /// A note for the record.
    Note,
    /// Something was taken out of a result before it left.
    Redaction {
        /// The admit.
        admit: R,
    },
    /// Nothing runs and nothing is sent until `resume`.
    Pause {
        /// Who or what paused.
        by: Cause,
        /// Why.
        cause: Cause,
    },
    /// The pause ends.
    Resume {
        /// Who resumed: only ever the person.
        by: Cause,
        /// Why it had been paused.
        cause: Cause,
    },
    /// STOP.
    Stop {
        /// Who stopped.
        by: Cause,
        /// Why.
        cause: Cause,
    },
    /// The technician's last word, signed over what they saw.
    Signoff {
        /// Per strand: how many events this technician knows, and the newest one's leaf.
        tips: BTreeMap<Strand, (u64, Leaf)>,
    },
    /// The session ends; always the agent's last event but for addenda.
    Close {
        /// Who closed.
        by: Cause,
        /// Why.
        cause: Cause,
        /// Per strand: how many events the agent holds, this one included.
        held: BTreeMap<Strand, u64>,
    },
    /// Something said after the close.
    Addendum {
        /// The `close`.
        about: R,
        /// What is added.
        what: Addition,
    },
}

/// A kind without its fields: what the gate table and a verifier's rules speak about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KindName {
    /// See [`Kind::Open`].
    Open,
    /// See [`Kind::Join`].
    Join,
    /// See [`Kind::Consent`].
    Consent,
    /// See [`Kind::Request`].
    Request,
    /// See [`Kind::Admit`].
    Admit,
    /// See [`Kind::Refuse`].
    Refuse,
    /// See [`Kind::Result`].
    Result,
    /// See [`Kind::Series`].
    Series,
    /// See [`Kind::Chat`].
    Chat,
    /// See [`Kind::Note`].
    Note,
    /// See [`Kind::Redaction`].
    Redaction,
    /// See [`Kind::Pause`].
    Pause,
    /// See [`Kind::Resume`].
    Resume,
    /// See [`Kind::Stop`].
    Stop,
    /// See [`Kind::Signoff`].
    Signoff,
    /// See [`Kind::Close`].
    Close,
    /// See [`Kind::Addendum`].
    Addendum,
}

impl<R> Kind<R> {
    /// The kind alone.
    pub fn name(&self) -> KindName {
        match self {
            Self::Open { .. } => KindName::Open,
            Self::Join { .. } => KindName::Join,
            Self::Consent { .. } => KindName::Consent,
            Self::Request => KindName::Request,
            Self::Admit { .. } => KindName::Admit,
            Self::Refuse { .. } => KindName::Refuse,
            Self::Result { .. } => KindName::Result,
            Self::Series { .. } => KindName::Series,
            Self::Chat => KindName::Chat,
            Self::Note => KindName::Note,
            Self::Redaction { .. } => KindName::Redaction,
            Self::Pause { .. } => KindName::Pause,
            Self::Resume { .. } => KindName::Resume,
            Self::Stop { .. } => KindName::Stop,
            Self::Signoff { .. } => KindName::Signoff,
            Self::Close { .. } => KindName::Close,
            Self::Addendum { .. } => KindName::Addendum,
        }
    }

    /// The same kind with every reference translated; `None` if one can't be.
    pub fn try_map<S>(self, mut to: impl FnMut(R) -> Option<S>) -> Option<Kind<S>> {
        Some(match self {
            Self::Open { versions } => Kind::Open { versions },
            Self::Join { strand, key, verified } => Kind::Join { strand, key, verified },
            Self::Consent { asked, answer, took } => Kind::Consent { asked: to(asked)?, answer, took },
            Self::Request => Kind::Request,
            Self::Admit { request, grant } => Kind::Admit { request: to(request)?, grant: to(grant)? },
            Self::Refuse { request, why } => Kind::Refuse { request: to(request)?, why },
            Self::Result { admit, status } => Kind::Result { admit: to(admit)?, status },
            Self::Series { admit, samples, block } => Kind::Series { admit: to(admit)?, samples, block },
            Self::Chat => Kind::Chat,
            Self::Note => Kind::Note,
            Self::Redaction { admit } => Kind::Redaction { admit: to(admit)? },
            Self::Pause { by, cause } => Kind::Pause { by, cause },
            Self::Resume { by, cause } => Kind::Resume { by, cause },
            Self::Stop { by, cause } => Kind::Stop { by, cause },
            Self::Signoff { tips } => Kind::Signoff { tips },
            Self::Close { by, cause, held } => Kind::Close { by, cause, held },
            Self::Addendum { about, what } => Kind::Addendum { about: to(about)?, what },
        })
    }
}

impl KindName {
    /// Every kind.
    pub const ALL: [Self; 17] = [
        Self::Open,
        Self::Join,
        Self::Consent,
        Self::Request,
        Self::Admit,
        Self::Refuse,
        Self::Result,
        Self::Series,
        Self::Chat,
        Self::Note,
        Self::Redaction,
        Self::Pause,
        Self::Resume,
        Self::Stop,
        Self::Signoff,
        Self::Close,
        Self::Addendum,
    ];

    /// The word in an event's JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Join => "join",
            Self::Consent => "consent",
            Self::Request => "request",
            Self::Admit => "admit",
            Self::Refuse => "refuse",
            Self::Result => "result",
            Self::Series => "series",
            Self::Chat => "chat",
            Self::Note => "note",
            Self::Redaction => "redaction",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Stop => "stop",
            Self::Signoff => "signoff",
            Self::Close => "close",
            Self::Addendum => "addendum",
        }
    }
}

impl std::fmt::Display for KindName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for KindName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(InvalidId("kind of event"))
    }
}

/// How the agent knows a participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verified {
    /// The spoken code.
    Code,
    /// Six digits compared and typed.
    Compared,
    /// Only the organisation vouches.
    Organisation,
}

/// What the person answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Allowed.
    Yes,
    /// Not allowed.
    No,
    /// Nothing was answered, which means no.
    Silence,
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// No live grant covers it.
    OutsideGrant,
    /// The item needs a higher level than the technician is certified for.
    Level,
    /// The definition declares these arguments invalid.
    Arguments,
    /// This agent doesn't have that item or that definition of it.
    UnknownItem,
    /// The scope was refused less than 60 s ago, or three times.
    Repeated,
    /// The ledger gave no receipt in time: no log, no run.
    NoReceipt,
    /// The session is paused.
    Paused,
    /// The PC owner's policy forbids it.
    Policy,
    /// Too many waiting.
    Limit,
    /// The session was stopped.
    Stopped,
    /// The person said no.
    Person,
    /// This PC can't fence in what reads personal things or foreign files.
    Unfenced,
    /// A change whose preview showed nothing to change within the last minutes.
    NotShown,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// With a report.
    Done,
    /// With a report that says why this PC can't tell.
    Unknown,
    /// The check itself failed.
    Failed,
    /// Killed by stop, pause, close or deadline.
    Killed,
    /// The person kept it.
    Withheld,
    /// Lost in a crash.
    Lost,
    /// Came after the session could take it.
    Late,
}

/// Who did something, and why it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The person at this PC.
    Person,
    /// The technician.
    Technician,
    /// A grant or the session ran out of time.
    Expiry,
    /// Nobody answered.
    Silence,
    /// No visible page and no prompt.
    NoEyes,
    /// The PC slept.
    Sleep,
    /// The screen was locked.
    Lock,
    /// The relay can't be reached.
    RelayLost,
    /// The relay answers but gives no receipts.
    RelayWithholds,
    /// The technician's membership was revoked.
    Revoked,
    /// The technician's program broke the rules.
    Misbehaviour,
    /// The agent crashed.
    Crash,
    /// The disk is full or failing.
    Disk,
    /// The work is finished.
    Done,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 14] = [
        Self::Person,
        Self::Technician,
        Self::Expiry,
        Self::Silence,
        Self::NoEyes,
        Self::Sleep,
        Self::Lock,
        Self::RelayLost,
        Self::RelayWithholds,
        Self::Revoked,
        Self::Misbehaviour,
        Self::Crash,
        Self::Disk,
        Self::Done,
    ];
}

/// What an addendum adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Addition {
    /// The person's signature.
    Signoff,
    /// Stars and a comment.
    Rating,
    /// Something recorded was wrong.
    Correction,
    /// The fault came back.
    Reopening,
}
