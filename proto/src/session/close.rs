//! Why a session ends, by fault.

use crate::ledger::kind::Cause;

/// Why a session ended. Each has a sentence and a hint in `ui`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Close {
    /// The technician signed off: the work is finished.
    Done,
    /// The person pressed STOP.
    Stopped,
    /// The person doesn't want this technician.
    Refused,
    /// Nobody answered who the technician is.
    Silence,
    /// Nobody is there to see the session.
    NoEyes,
    /// The technician left without a word.
    TechnicianLeft,
    /// The technician's program broke the rules.
    PeerMisbehaved {
        /// What the rules allow here.
        expected: &'static str,
        /// What came.
        got: String,
    },
    /// The technician's membership was revoked.
    Revoked,
    /// Relay or technician couldn't be reached for too long.
    Lost,
    /// The relay answers but doesn't record.
    RelayWithholds,
    /// This PC's disk is full or failing: nothing can be recorded.
    Disk,
    /// Time is up.
    Expiry,
    /// The agent crashed; written at its next start.
    Crash,
}

impl Close {
    /// Who ended it: the `by` of the `close` event.
    pub fn by(&self) -> Cause {
        match self {
            Self::Done | Self::TechnicianLeft => Cause::Technician,
            Self::Stopped | Self::Refused => Cause::Person,
            Self::Silence
            | Self::NoEyes
            | Self::PeerMisbehaved { .. }
            | Self::Revoked
            | Self::Lost
            | Self::RelayWithholds
            | Self::Disk
            | Self::Expiry
            | Self::Crash => self.cause(),
        }
    }

    /// Why: the `cause` of the `close` event.
    pub fn cause(&self) -> Cause {
        match self {
            Self::Done => Cause::Done,
            Self::Stopped | Self::Refused => Cause::Person,
            Self::Silence => Cause::Silence,
            Self::NoEyes => Cause::NoEyes,
            Self::TechnicianLeft => Cause::Technician,
            Self::PeerMisbehaved { .. } => Cause::Misbehaviour,
            Self::Revoked => Cause::Revoked,
            Self::Lost => Cause::RelayLost,
            Self::RelayWithholds => Cause::RelayWithholds,
            Self::Disk => Cause::Disk,
            Self::Expiry => Cause::Expiry,
            Self::Crash => Cause::Crash,
        }
    }
}
