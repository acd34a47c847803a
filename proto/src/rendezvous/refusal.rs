//! Why a relay says no.

use serde::{Deserialize, Serialize};

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
