//! Names of the programs that run in this account.
//!
//! Names only, as the system cuts them at 15 letters: no command line, which may hold passwords, and no environment.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;

use crate::checks::machine::Machine;

/// Most processes that are looked at; a PC of a person has hundreds.
const PROCESSES_MAX: usize = 4_096;

/// The programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Running(BTreeSet<String>);

impl Running {
    /// Whether one of that name runs.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// Whether any could be seen: without that, nothing can be said of any.
    pub(super) fn is_known(&self) -> bool {
        !self.0.is_empty()
    }

    /// Those programs, for tests.
    #[cfg(test)]
    pub(super) fn of(names: &[&str]) -> Self {
        Self(names.iter().map(|&name| name.to_owned()).collect())
    }
}

/// Looks for those of that account.
pub(super) fn running(machine: &Machine, user: u32) -> Running {
    let own = std::process::id().to_string();
    let processes = machine.names("/proc").into_iter().filter(|name| name.bytes().all(|b| b.is_ascii_digit()));
    let name = |id: String| {
        let owner = std::fs::metadata(machine.path(&format!("/proc/{id}"))).ok()?.uid();
        // This process itself proves nothing about the others.
        (owner == user && id != own).then(|| machine.word(&format!("/proc/{id}/comm"))).flatten()
    };
    Running(processes.take(PROCESSES_MAX).filter_map(name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::proof::recorded;

    #[test]
    fn only_programs_of_the_account_are_seen() {
        let user = rustix::process::getuid().as_raw();
        let seen = running(&recorded("ubuntu-laptop"), user);
        assert!(seen.has("nextcloud") && !seen.has("dropbox") && seen.is_known());
        assert!(!running(&recorded("ubuntu-laptop"), user + 1).is_known());
        assert!(!running(&recorded("arch-desktop"), user).is_known());
    }
}
