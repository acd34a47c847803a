//! What can hold a worker in on a PC, and what may run where little can.
//!
//! A value: the agent probes it once, hands it to the session machine, which says in each `admit` what holds that run,
//! and to each worker, which refuses to go on with less. It is *not* the fence: that is the agent's `worker`.
//! (SECURITY G1, G3)

use serde::{Deserialize, Serialize};

use crate::catalog::{Item, Needs};

/// The version of Landlock from which it keeps a worker from changing any file, cutting one short included.
pub const LANDLOCK_MIN: u8 = 3;

/// What holds every worker of every build, on every PC.
const ALWAYS: [&str; 5] = ["session", "process-group", "rlimits", "no-new-privs", "empty-environment"];

/// What this PC can enforce beyond limits and an empty environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fences {
    /// Version of Landlock (landlock(7)); 0 where there is none.
    pub landlock: u8,
    /// Whether system calls can be filtered (seccomp(2)).
    pub seccomp: bool,
    /// Whether a worker gets a group of its own that is killed at once (cgroups(7), version 2).
    pub cgroup: bool,
}

impl Fences {
    /// A PC that has none of it.
    pub const NONE: Self = Self { landlock: 0, seccomp: false, cgroup: false };

    /// Whether a worker is fenced in at all: what a card calls fenced.
    pub fn are_enough(&self) -> bool {
        self.landlock >= LANDLOCK_MIN && self.seccomp
    }

    /// Whether the item may run here. What reads personal things or files that anybody may have written runs behind a
    /// fence or not at all, and so does what deletes files or ends programs. (SECURITY G3)
    pub fn allow(&self, item: &Item) -> bool {
        let changes = !item.needs.writes.is_empty() || item.needs.ends;
        self.are_enough() || !(item.personal || changes || item.needs.are_foreign())
    }

    /// What must stand while an item of these needs gathers. Landlock hides other programs, so it can't stand yet where
    /// they are what is looked at.
    #[must_use]
    pub fn while_gathering(&self, needs: &Needs) -> Self {
        Self { landlock: if needs.processes { 0 } else { self.landlock }, ..*self }
    }

    /// Whether a worker of such an item is put into a group of its own. One that starts no programs can start nothing at
    /// all, where system calls are filtered; moving it would only cost it time.
    pub fn group(&self, needs: &Needs) -> bool {
        self.cgroup && !(self.seccomp && needs.tools.is_empty())
    }

    /// What an `admit` says of a run of such an item.
    pub fn names(&self, needs: &Needs) -> Vec<String> {
        let mut names = ALWAYS.map(str::to_owned).to_vec();
        match self.landlock {
            0 => {}
            version if needs.processes => names.push(format!("landlock-{version}-for-judging")),
            version => names.push(format!("landlock-{version}")),
        }
        names.extend(self.seccomp.then(|| "seccomp".to_owned()));
        names.extend(self.group(needs).then(|| "cgroup".to_owned()));
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::ledger::body::ItemId;

    #[test]
    fn g3_below_the_minimum_personal_and_foreign_things_do_not_run() {
        let catalog = Catalog::built_in();
        let item = |id: &str| catalog.get(&ItemId(id.to_owned())).unwrap();
        let enough = Fences { landlock: LANDLOCK_MIN, seccomp: true, cgroup: false };
        let little = [
            Fences::NONE,
            Fences { landlock: LANDLOCK_MIN - 1, ..enough },
            Fences { seccomp: false, ..enough },
            Fences { cgroup: true, ..Fences::NONE },
        ];
        for (id, delicate) in [("system.processes", true), ("tasks.space", true), ("system.memory", false)] {
            assert!(enough.allow(item(id)), "{id}");
            assert!(little.iter().all(|fences| fences.allow(item(id)) != delicate), "{id}");
        }
        assert!(enough.are_enough() && !little.iter().any(Fences::are_enough));
    }

    #[test]
    fn names_say_what_stands_and_when() {
        let all = Fences { landlock: 7, seccomp: true, cgroup: true };
        let processes = Needs { processes: true, ..Needs::default() };
        let programs = Needs { tools: vec!["nft".to_owned()], ..Needs::default() };
        assert_eq!(all.names(&Needs::default())[5..], ["landlock-7", "seccomp"]);
        assert_eq!(all.names(&programs)[5..], ["landlock-7", "seccomp", "cgroup"]);
        assert_eq!(all.names(&processes)[5..], ["landlock-7-for-judging", "seccomp"]);
        assert_eq!(Fences { seccomp: false, ..all }.names(&Needs::default())[5..], ["landlock-7", "cgroup"]);
        assert_eq!(Fences::NONE.names(&processes), ALWAYS);
        assert_eq!(all.while_gathering(&processes), Fences { landlock: 0, ..all });
        assert_eq!(all.while_gathering(&Needs::default()), all);
    }
}
