//! Where the person's own folders are, as the system's list of accounts says.
//!
//! The environment isn't asked: whoever sets it could name any folder.

use std::path::PathBuf;

use crate::checks::machine::Machine;

/// A person's home on a computer.
pub(super) struct Home {
    /// Where it is on the computer we run on.
    pub(super) path: PathBuf,
}

impl Home {
    /// That of the account we run as.
    pub(super) fn own() -> Option<Self> {
        Self::of(&Machine::this(), rustix::process::getuid().as_raw())
    }

    /// That of this account in passwd(5).
    pub(super) fn of(machine: &Machine, user: u32) -> Option<Self> {
        let text = machine.text("/etc/passwd").ok()?;
        let line = text.lines().find(|line| line.split(':').nth(2).and_then(|id| id.parse().ok()) == Some(user))?;
        let home = line.split(':').nth(5).filter(|home| home.starts_with('/') && home.len() > 1)?;
        Some(Self { path: machine.path(home) })
    }
}
