//! Identifiers: small newtypes, so that one can't be taken for another.
//!
//! Not here: keys (see [`crate::key`]) and codes people speak (see [`crate::address`]).

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A support session: 128 random bits made by the agent, written as 32 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionId(pub [u8; 16]);

/// A flow through the relay: 64 random bits made by the relay, carried in front of every forwarded packet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FlowId(pub u64);

/// SHA-256 of `0x00 ‖ note bytes`: the only identifier an event has (RFC 6962 section 2.1, leaf hash).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Leaf(pub [u8; 32]);

/// Who writes a strand of the ledger. One strand per participant and session, numbered from 1 in order of arrival.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Strand {
    /// The agent on the person's PC.
    Agent,
    /// A technician or administrator.
    Technician(NonZeroU16),
    /// An auditor or an invited helper, who only looks.
    Observer(NonZeroU16),
}

/// A text that isn't the identifier it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0}")]
pub struct InvalidId(pub &'static str);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for SessionId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        crate::encoding::hex(text).map(Self).ok_or(InvalidId("session id"))
    }
}

impl fmt::Display for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Standard padded base64, as the ledger writes it.
impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::encoding::to_base64(&self.0))
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Leaf {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        crate::encoding::base64_exact(text).map(Self).ok_or(InvalidId("leaf hash"))
    }
}

impl fmt::Display for Strand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent => f.write_str("agent"),
            Self::Technician(n) => write!(f, "technician-{n}"),
            Self::Observer(n) => write!(f, "observer-{n}"),
        }
    }
}

impl fmt::Debug for Strand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Strand {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        // Canonical numbers only: `technician-01` would be a second name for the same strand.
        let number = |digits: &str| {
            let n: NonZeroU16 = digits.parse().ok()?;
            (n.to_string() == digits).then_some(n)
        };
        let strand = if text == "agent" {
            Some(Self::Agent)
        } else if let Some(digits) = text.strip_prefix("technician-") {
            number(digits).map(Self::Technician)
        } else if let Some(digits) = text.strip_prefix("observer-") {
            number(digits).map(Self::Observer)
        } else {
            None
        };
        strand.ok_or(InvalidId("strand"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strands_have_one_spelling() {
        for text in ["agent", "technician-1", "observer-65535"] {
            assert_eq!(text.parse::<Strand>().map(|s| s.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "agent-1", "technician-0", "technician-01", "technician-+1", "observer-65536", "Agent"] {
            assert_eq!(text.parse::<Strand>(), Err(InvalidId("strand")), "{text}");
        }
    }

    #[test]
    fn session_ids_are_lower_case_hex() {
        let id = SessionId(*b"0123456789abcdef");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(
            id.to_string().to_uppercase().parse::<SessionId>().is_err()
                || !id.to_string().contains(|c: char| c.is_alphabetic())
        );
        assert!("5f1d".parse::<SessionId>().is_err());
    }
}
