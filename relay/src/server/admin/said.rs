//! What an operator may ask, and what the answers say: each a line of JSON.
//!
//! Not here: what is done ([`super::carry_out`]), and how the lines travel ([`super::socket`]).

use std::fmt;

use serde::{Deserialize, Serialize};
use venia_proto::foreign::Foreign;
use venia_proto::now::Wall;
use venia_proto::statement::{PackHash, Role};
use zeroize::ZeroizeOnDrop;

use crate::server::recipient::Recipient;
use crate::server::settings::WitnessAt;

/// What an operator may ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Where this relay is found.
    Address,
    /// A one-time invite.
    Invite {
        /// Whom it is for.
        name: String,
        /// What they may do.
        role: Role,
        /// Certified level, 1 to 5.
        level: u8,
    },
    /// Who is a member.
    Members,
    /// Withdraw a membership.
    Revoke {
        /// Whose.
        name: String,
    },
    /// Who can open records sealed from now on.
    Auditors,
    /// Seal to one more key from now on.
    AuditorAdd {
        /// Its `age` recipient.
        recipient: String,
    },
    /// Seal nothing more to a key.
    AuditorRemove {
        /// Its `age` recipient.
        recipient: String,
    },
    /// Which packs of items the organisation stands for.
    Packs,
    /// Stand for one more.
    PackAdd {
        /// Its hash.
        pack: PackHash,
    },
    /// Stand for a pack no more.
    PackRemove {
        /// Its hash.
        pack: PackHash,
    },
    /// Who cosigns checkpoints.
    Witnesses,
    /// Ask one more witness from now on.
    WitnessAdd {
        /// Its verifier key.
        key: String,
        /// Where it listens.
        at: String,
    },
    /// Ask a witness no more.
    WitnessRemove {
        /// Its verifier key.
        key: String,
    },
    /// Require so many of them.
    Quorum {
        /// How many.
        quorum: u32,
    },
    /// Erase sealed parts of a session.
    Erase {
        /// Which, in hex.
        session: String,
        /// Commitments of the parts, in hex; none for all.
        parts: Vec<String>,
    },
    /// What was erased, and who obeyed.
    Erasures,
    /// For how long sealed parts are kept.
    Retention {
        /// Change it, or only tell.
        change: bool,
        /// Days; none for ever.
        days: Option<u32>,
    },
    /// Delete the entries of logs that were closed before a year.
    Prune {
        /// The year.
        before: i16,
    },
    /// Which authors contradicted themselves.
    Evidence,
    /// The file that shows one of them.
    EvidenceFile {
        /// The session, in hex.
        session: String,
        /// Which of the session's, from 1; the first, if none is named.
        number: Option<usize>,
    },
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Reply {
    /// To [`Request::Address`].
    Address {
        /// `venia://HOST:PORT#FINGERPRINT`.
        address: String,
    },
    /// To [`Request::Invite`].
    Invite {
        /// The word. Secret; printed once.
        invite: InviteWord,
        /// Whom it is for, trimmed.
        name: Foreign,
        /// What they may do.
        role: Role,
        /// Certified level.
        level: u8,
        /// Last moment it works.
        expires: Wall,
    },
    /// To [`Request::Members`].
    Members {
        /// By name.
        members: Vec<ListedMember>,
    },
    /// To [`Request::Revoke`].
    Revoked {
        /// Their name, as enrolled.
        name: Foreign,
    },
    /// To [`Request::Auditors`], [`Request::AuditorAdd`] and [`Request::AuditorRemove`].
    Auditors {
        /// Serial of the statement that names them.
        serial: u64,
        /// In the order they were added.
        auditors: Vec<Recipient>,
    },
    /// To [`Request::Packs`], [`Request::PackAdd`] and [`Request::PackRemove`].
    Packs {
        /// Serial of the statement that names them.
        serial: u64,
        /// In the order they were added.
        packs: Vec<PackHash>,
    },
    /// To [`Request::Witnesses`], [`Request::WitnessAdd`], [`Request::WitnessRemove`] and [`Request::Quorum`].
    Witnesses {
        /// Serial of the statement that names them.
        serial: u64,
        /// The key of this relay's log, which a witness must be told.
        log: String,
        /// How many are required.
        quorum: u32,
        /// In the order they were added.
        witnesses: Vec<WitnessAt>,
    },
    /// To [`Request::Erase`].
    Erased {
        /// The session.
        session: String,
    },
    /// To [`Request::Erasures`].
    Erasures {
        /// Oldest first.
        erasures: Vec<ListedErasure>,
    },
    /// To [`Request::Retention`].
    Retention {
        /// Days; none for ever.
        days: Option<u32>,
    },
    /// To [`Request::Prune`].
    Pruned {
        /// Origin and size of each log whose entries aren't kept.
        logs: Vec<(String, u64)>,
    },
    /// To [`Request::Evidence`].
    Evidence {
        /// By session, author and place.
        evidence: Vec<ListedContradiction>,
    },
    /// To [`Request::EvidenceFile`].
    EvidenceFile {
        /// The session, in hex.
        session: String,
        /// The file's text.
        text: String,
        /// How many the session has.
        of: usize,
    },
    /// The wish can't be granted.
    Refused {
        /// Why.
        why: Why,
    },
}

/// An invite's word: wiped when dropped, redacted in `Debug`. (SECURITY H3)
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct InviteWord(pub String);

impl fmt::Debug for InviteWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteWord(…)")
    }
}

/// A member in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedMember {
    /// Their name.
    pub name: Foreign,
    /// What they may do.
    pub role: Role,
    /// Certified level.
    pub level: u8,
    /// When they enrolled.
    pub since: Wall,
    /// When they were revoked, if they were.
    pub revoked: Option<Wall>,
}

/// An erasure in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedErasure {
    /// The session, in hex.
    pub session: String,
    /// When, by the ledger.
    pub at: Wall,
    /// Commitments of the parts, in hex; none for all.
    pub parts: Option<Vec<String>>,
    /// Members who came for the session.
    pub members: Vec<ListedHolder>,
}

/// Somebody who held openings of what was erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedHolder {
    /// Their name.
    pub name: Foreign,
    /// Whether their program said that it deleted them.
    pub deleted: bool,
}

/// Evidence against an author, in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedContradiction {
    /// The session, in hex.
    pub session: String,
    /// Which of the session's, from 1.
    pub number: usize,
    /// Whose strand.
    pub author: String,
    /// Which of their events there are two of.
    pub seq: u64,
    /// When the second was offered, by the relay's clock.
    pub at: Wall,
}

/// Why a wish wasn't granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Not a name of one line and 1 to 64 characters.
    Name,
    /// Not 1 to 5.
    Level,
    /// A member has that name.
    NameTaken,
    /// Nobody has that name.
    NoSuchMember,
    /// Not an `age` recipient.
    Recipient,
    /// There are too many auditors already.
    TooManyAuditors,
    /// No auditor has that key.
    NoSuchAuditor,
    /// There are too many packs already.
    TooManyPacks,
    /// The organisation doesn't stand for that pack.
    NoSuchPack,
    /// Not a witness's key.
    WitnessKey,
    /// Not where a witness can be reached.
    WitnessPlace,
    /// Another witness has that key, or it is the log's own.
    WitnessTwice,
    /// There are too many witnesses already.
    TooManyWitnesses,
    /// No witness has that key.
    NoSuchWitness,
    /// More would be required than there are.
    Quorum,
    /// This ledger has no such session.
    NoSuchSession,
    /// The session has no such part.
    NoSuchPart,
    /// Nothing of the kind is kept of this session.
    NoEvidence,
    /// The relay's disk or database, or no random numbers.
    Disk,
    /// Not a request.
    Malformed,
}
