//! Programs that run, by the name the system keeps of each (`/proc/PID/comm`, proc(5)).
//!
//! Names only: never arguments, which may hold passwords, and never what a program has open.

use std::collections::BTreeSet;

use crate::checks::machine::Machine;

/// Longest name the system keeps (`TASK_COMM_LEN` without its end).
const NAME_MAX: usize = 15;

/// What runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Programs {
    names: BTreeSet<String>,
    /// Whether the programs of other accounts can be seen; `hidepid` of proc(5) hides them.
    pub(super) all: bool,
}

impl Programs {
    /// What runs there.
    pub(super) fn of(machine: &Machine) -> Self {
        let numbers = machine.names("/proc");
        let name = |number: &String| machine.word(&format!("/proc/{number}/comm"));
        Self {
            names: numbers.iter().filter(|name| name.bytes().all(|b| b.is_ascii_digit())).filter_map(name).collect(),
            all: machine.has("/proc/1/comm"),
        }
    }

    /// Whether a program of that name runs; longer names are compared as far as the system keeps them.
    pub(super) fn runs(&self, name: &str) -> bool {
        self.names.contains(name.get(..NAME_MAX).unwrap_or(name))
    }

    /// The first of these that runs.
    pub(super) fn first<'a>(&self, names: &[&'a str]) -> Option<&'a str> {
        names.iter().find(|name| self.runs(name)).copied()
    }
}

/// Programs as tests name them.
#[cfg(test)]
impl Programs {
    pub(super) fn named(names: &[&str]) -> Self {
        Self { names: names.iter().map(|name| (*name).to_owned()).collect(), all: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_far_as_the_system_keeps_them() {
        let programs = Programs::named(&["TeamViewer_Desk", "sshd"]);
        assert!(programs.runs("TeamViewer_Desktop") && programs.runs("sshd") && !programs.runs("ssh"));
        assert_eq!(programs.first(&["x", "sshd"]), Some("sshd"));
    }

    #[test]
    fn only_numbered_folders_are_programs() {
        let folder = tempfile::tempdir().unwrap();
        for (number, name) in [("1", "systemd"), ("42", "cupsd"), ("self", "no")] {
            std::fs::create_dir_all(folder.path().join("proc").join(number)).unwrap();
            std::fs::write(folder.path().join("proc").join(number).join("comm"), format!("{name}\n")).unwrap();
        }
        assert_eq!(Programs::of(&Machine::at(folder.path())), Programs::named(&["systemd", "cupsd"]));
        std::fs::remove_dir_all(folder.path().join("proc/1")).unwrap();
        assert!(!Programs::of(&Machine::at(folder.path())).all);
    }
}
