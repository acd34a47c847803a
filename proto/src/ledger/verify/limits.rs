//! What a bundle that holds leaves open: why it isn't whole, and what an intact one could not be checked for.
//!
//! Told apart, so that programs can say it in their reader's language; the sentences here are the verdict's own, for scripts.

use std::fmt::{self, Display, Formatter};

use crate::now::Wall;

/// Why a bundle that holds is `unclosed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unfinished {
    /// The session's close isn't in it.
    Close,
    /// Its last events have no receipt.
    Receipts,
    /// The receipts are against several checkpoints.
    Checkpoints,
    /// The quorum hasn't cosigned one checkpoint over all of it.
    Witnesses,
}

/// What an intact bundle could not be checked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unchecked {
    /// What so many withheld parts say.
    Withheld(u64),
    /// The technician's level, for so many runs of items whose definition isn't known here.
    Levels(u64),
    /// The times: the PC's clock was far from the relay's.
    Clock {
        /// By the PC.
        said: Wall,
        /// By the relay.
        at: Wall,
    },
    /// `receipt.html`: nobody has compared it.
    Receipt,
}

impl Display for Unfinished {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Close => "the session's close is not in the bundle",
            Self::Receipts => "the last events have no receipt yet",
            Self::Checkpoints => "the receipts are not all against one checkpoint",
            Self::Witnesses => "the statement's witnesses haven't cosigned a checkpoint over all of it yet",
        })
    }
}

impl Display for Unchecked {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Withheld(parts) => write!(f, "{parts} parts withheld: what they say was not checked"),
            Self::Levels(runs) => write!(
                f,
                "{runs} runs by definitions unknown here: whether the technician's level was enough was not checked"
            ),
            Self::Clock { said, at } => {
                write!(f, "the PC's clock said {said} when the relay's said {at}: times are the PC's word")
            }
            Self::Receipt => f.write_str("receipt.html not checked"),
        }
    }
}

/// All of them in one line.
pub(super) fn sentence(unchecked: &[Unchecked]) -> String {
    unchecked.iter().map(Unchecked::to_string).collect::<Vec<_>>().join("; ")
}
