//! Messages of the system that are old: journald keeps them in files it has closed, each named after its time.

use std::path::Path;
use std::time::Duration;

use super::{Performed, Seen, all, must};
use crate::caller::Caller;
use crate::machine::{files, text};
use crate::program::{Patience, Programs};
use crate::request::{Keep, Row, State};

/// Where they are, below a folder named after the computer (systemd-journald.service(8)).
const FOLDERS: [&str; 2] = ["run/log/journal", "var/log/journal"];
const LIMIT: Duration = Duration::from_secs(60);
const DAY_S: u64 = 86_400;

pub(super) fn look(keep: Keep, root: &Path, now_s: u64) -> Result<Seen, String> {
    let machine = text(root, "etc/machine-id").map(|id| id.trim().to_owned()).filter(|id| is_id(id));
    let machine = machine.ok_or("no /etc/machine-id")?;
    let (mut total, mut old, mut count, mut open) = (0_u64, 0_u64, 0_u64, 0_u64);
    for folder in FOLDERS {
        for (name, bytes) in files(&root.join(folder).join(&machine)) {
            total = total.saturating_add(bytes);
            match closed(&name) {
                Some(time_s) if time_s < now_s.saturating_sub(keep.days() * DAY_S) => {
                    (old, count) = (old.saturating_add(bytes), count + 1);
                }
                Some(_) => {}
                None => open += 1,
            }
        }
    }
    if total == 0 && open == 0 {
        return Err("no journal that this account can see in /var/log/journal".to_owned());
    }
    let plan = (count > 0).then(|| format!("{} days, {count} files, {old} bytes", keep.days()));
    let rows =
        vec![("old messages".to_owned(), Row::Bytes(old)), ("other messages".to_owned(), Row::Bytes(total - old))];
    Ok(Seen { state: State { total: Row::Bytes(total), rows }, plan })
}

pub(super) fn perform(keep: Keep, programs: &dyn Programs, caller: &mut dyn Caller) -> Performed {
    let time = match keep {
        Keep::Week => "--vacuum-time=7d",
        Keep::Month => "--vacuum-time=28d",
        Keep::Quarter => "--vacuum-time=84d",
    };
    all([must("journalctl", programs.run("journalctl", &[time], Patience::Until(LIMIT, caller)))])
}

/// Seconds since 1970 of a closed file's first message: `system@ID-SEQNUM-TIME.journal`, or `…@TIME-RANDOM.journal~` of one
/// that was closed in disorder; times are microseconds in hexadecimal. Nothing if it is the open one.
fn closed(name: &str) -> Option<u64> {
    let (_, tail) = name.rsplit_once('@')?;
    let parts: Vec<&str> = match tail.strip_suffix(".journal~") {
        Some(dirty) => dirty.split('-').take(1).collect(),
        None => tail.strip_suffix(".journal")?.split('-').skip(2).collect(),
    };
    let [time] = parts.as_slice() else { return None };
    u64::from_str_radix(time, 16).ok().map(|time| time / 1_000_000)
}

fn is_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use std::fs::{create_dir_all, write};

    use proptest::prelude::*;

    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef";
    const NOW: u64 = 1_800_000_000;

    fn file(time_s: u64) -> String {
        format!("system@{ID}-0000000000000001-{:016x}.journal", time_s * 1_000_000)
    }

    #[test]
    fn files_below_at_and_above_their_age() {
        for keep in Keep::ALL {
            let age = keep.days() * DAY_S;
            for (written, old) in [(NOW - age + 1, false), (NOW - age, false), (NOW - age - 1, true)] {
                let root = tempfile::tempdir().unwrap();
                let folder = root.path().join("var/log/journal").join(ID);
                create_dir_all(&folder).unwrap();
                create_dir_all(root.path().join("etc")).unwrap();
                write(root.path().join("etc/machine-id"), format!("{ID}\n")).unwrap();
                write(folder.join(file(written)), vec![1; 9_000]).unwrap();
                write(folder.join("system.journal"), vec![1; 9_000]).unwrap();
                let seen = look(keep, root.path(), NOW).unwrap();
                assert_eq!(seen.plan.is_some(), old, "{keep:?} {written}");
                assert_eq!(seen, look(keep, root.path(), NOW).unwrap());
            }
        }
    }

    #[test]
    fn a_computer_without_a_journal_says_so() {
        let root = tempfile::tempdir().unwrap();
        assert!(look(Keep::Week, root.path(), NOW).is_err());
        create_dir_all(root.path().join("etc")).unwrap();
        write(root.path().join("etc/machine-id"), "../../../../etc\n").unwrap();
        assert_eq!(look(Keep::Week, root.path(), NOW), Err("no /etc/machine-id".to_owned()));
    }

    #[test]
    fn times_are_read_of_closed_files_only() {
        assert_eq!(closed(&file(7)), Some(7));
        assert_eq!(closed("user-1000@00000000006acfc0-00000000deadbeef.journal~"), Some(7));
        for other in ["system.journal", "user-1000.journal", "system@x.journal", "x@y-z-.journal", "fss", "a@1.txt"] {
            assert_eq!(closed(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(name in ".*@?.*(\\.journal~?)?") {
            closed(&name);
        }
    }
}
