//! Packages that were downloaded to be installed and are kept for nothing: APT, DNF and zypper can fetch them again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Performed, Seen, all, must};
use crate::caller::Caller;
use crate::machine::{files, folders};
use crate::program::{Patience, Programs};
use crate::request::{Row, State};

const LIMIT: Duration = Duration::from_secs(60);

/// A system of packages.
struct Manager {
    /// Its program, which names it in a plan.
    name: &'static str,
    /// What it is told.
    clean: &'static [&'static str],
    /// Where its packages lie.
    cache: &'static str,
    /// Folders inside one another, below that.
    depth: usize,
    /// How the name of a package ends.
    ending: &'static str,
}

const MANAGERS: [Manager; 4] = [
    Manager { name: "apt-get", clean: &["clean"], cache: "var/cache/apt/archives", depth: 0, ending: ".deb" },
    Manager { name: "dnf", clean: &["clean", "packages"], cache: "var/cache/libdnf5", depth: 2, ending: ".rpm" },
    Manager { name: "dnf", clean: &["clean", "packages"], cache: "var/cache/dnf", depth: 2, ending: ".rpm" },
    Manager {
        name: "zypper",
        clean: &["--non-interactive", "clean"],
        cache: "var/cache/zypp/packages",
        depth: 3,
        ending: ".rpm",
    },
];

pub(super) fn look(root: &Path) -> Result<Seen, String> {
    let present = MANAGERS.iter().find(|manager| root.join(manager.cache).is_dir());
    let manager = present.ok_or("no cache of APT, DNF or zypper in /var/cache")?;
    let (count, bytes) = held(manager, &root.join(manager.cache));
    let plan = (count > 0).then(|| format!("{}, {count} packages, {bytes} bytes", manager.name));
    let rows = vec![("packages".to_owned(), Row::Bytes(bytes))];
    Ok(Seen { state: State { total: Row::Bytes(bytes), rows }, plan })
}

pub(super) fn perform(plan: &str, programs: &dyn Programs, caller: &mut dyn Caller) -> Performed {
    // The plan is the look's own, word for word.
    let named = plan.split(',').next().unwrap_or("");
    match MANAGERS.iter().find(|manager| manager.name == named) {
        Some(manager) => {
            all([must(manager.name, programs.run(manager.name, manager.clean, Patience::Until(LIMIT, caller)))])
        }
        None => Performed::Partly("no such system of packages".to_owned()),
    }
}

fn held(manager: &Manager, cache: &Path) -> (u64, u64) {
    let mut level: Vec<PathBuf> = vec![cache.to_owned()];
    let (mut count, mut sum) = (0_u64, 0_u64);
    for _ in 0..=manager.depth {
        for (name, bytes) in level.iter().flat_map(|folder| files(folder)) {
            if name.ends_with(manager.ending) {
                (count, sum) = (count + 1, sum.saturating_add(bytes));
            }
        }
        level = level.iter().flat_map(|folder| folders(folder)).collect();
    }
    (count, sum)
}

#[cfg(test)]
mod tests {
    use std::fs::{create_dir_all, write};

    use super::*;

    #[test]
    fn each_system_of_packages_counts_its_own() {
        for (folder, name, plan) in [
            ("var/cache/apt/archives", "vim_9.1_amd64.deb", "apt-get, 1 packages"),
            ("var/cache/libdnf5/fedora-1a2b/packages", "vim-9.1.rpm", "dnf, 1 packages"),
            ("var/cache/dnf/fedora-1a2b/packages", "vim-9.1.rpm", "dnf, 1 packages"),
            ("var/cache/zypp/packages/repo-oss/x86_64", "vim-9.1.rpm", "zypper, 1 packages"),
        ] {
            let root = tempfile::tempdir().unwrap();
            create_dir_all(root.path().join(folder)).unwrap();
            assert_eq!(look(root.path()).unwrap().plan, None, "empty");
            write(root.path().join(folder).join(name), vec![1; 9_000]).unwrap();
            write(root.path().join(folder).join("lock"), "x").unwrap();
            let seen = look(root.path()).unwrap();
            assert!(seen.plan.as_ref().is_some_and(|found| found.starts_with(plan)), "{seen:?}");
        }
        assert!(look(tempfile::tempdir().unwrap().path()).is_err());
    }
}
