//! `tasks.old-temporary-files` and `tasks.clear-temporary-files`: what the person's own programs left in `/tmp` and
//! `/var/tmp` and nobody has touched for days.
//!
//! As systemd-tmpfiles does, an entry counts as used when anything in it was read or changed. Left alone: what belongs to
//! somebody else or holds something that does, and what holds a connection of a program (a socket, a pipe).

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::fs::FileType;
use sha2::{Digest, Sha256};
use venia_proto::catalog::PLAN;
use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::removal::{Closed, Listed, place, spelled};
use super::{Check, Failure, Repair, State};
use crate::checks::figure::size;
use crate::checks::machine::Machine;
use crate::checks::whole;

const PLACES: [&str; 2] = ["/tmp", "/var/tmp"];
const TIME: Duration = Duration::from_secs(100);
const DAY: u64 = 86_400;

pub(super) struct OldTemporaryFiles;
pub(super) struct ClearTemporaryFiles;

type Seen = Vec<(&'static str, Listed)>;

impl Check for OldTemporaryFiles {
    const ID: &'static str = "tasks.old-temporary-files";
    type Inputs = Result<Seen, String>;

    fn gather(arguments: &Arguments) -> Result<Self::Inputs, Failure> {
        ClearTemporaryFiles::look(arguments)
    }

    fn judge(seen: Self::Inputs) -> Draft {
        let mut draft = Draft::default();
        let seen = match seen {
            Ok(seen) => seen,
            Err(why) => {
                draft.finding(Severity::Unknown, "files-unknown", &[], why);
                return draft;
            }
        };
        let count = seen.iter().map(|(_, listed)| listed.entries.len() as u64).sum::<u64>();
        let bytes = total(&seen);
        draft.fact("items", count, "");
        draft.fact("bytes", bytes, "bytes");
        let row = |(place, listed): &(&str, Listed)| -> Vec<Value> { vec![(*place).into(), listed.bytes().into()] };
        draft.table("places", &["place", "held-bytes"], seen.iter().map(row).collect());
        let evidence = format!("/tmp, /var/tmp: {count} own entries, unused");
        match ClearTemporaryFiles::plan(&seen) {
            Some(plan) => {
                draft.fact(PLAN, plan, "");
                let values = [("count", count.into()), ("size", size(bytes).into())];
                draft.finding(Severity::Ok, "old-files", &values, evidence);
            }
            None => draft.finding(Severity::Ok, "no-old-files", &[], evidence),
        }
        draft
    }
}

impl Repair for ClearTemporaryFiles {
    const ID: &'static str = "tasks.clear-temporary-files";
    const COLUMNS: [&'static str; 3] = ["what", "before-bytes", "after-bytes"];
    type Seen = Seen;

    fn look(arguments: &Arguments) -> Result<Result<Seen, String>, Failure> {
        let days = whole(arguments, "days")?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let unused_since = i64::try_from(now.saturating_sub(days * DAY)).unwrap_or(0);
        Ok(look(&Machine::this(), rustix::process::getuid().as_raw(), unused_since))
    }

    fn plan(seen: &Seen) -> Option<String> {
        let mut digest = Sha256::new();
        seen.iter().for_each(|(_, listed)| listed.digest(&mut digest));
        seen.iter().any(|(_, listed)| !listed.entries.is_empty()).then(|| spelled(digest))
    }

    fn state(seen: &Seen) -> State {
        let rows = seen.iter().map(|(place, listed)| ((*place).to_owned(), listed.bytes().into())).collect();
        State { total: Some((total(seen).into(), "bytes")), rows }
    }

    fn perform(seen: &Seen, _: &Arguments) -> Result<(), String> {
        let until = Instant::now() + TIME;
        let mut left = Ok(());
        for (place, listed) in seen {
            if let Err((count, why)) = listed.delete(until) {
                left = Err(format!("{place}: {count} stay, {why}"));
            }
        }
        left
    }
}

fn total(seen: &Seen) -> u64 {
    seen.iter().fold(0, |sum, (_, listed)| sum.saturating_add(listed.bytes()))
}

fn look(machine: &Machine, user: u32, unused_since: i64) -> Result<Seen, String> {
    let mut seen = Vec::new();
    for at in PLACES {
        let listed = match place(&machine.path(at)).and_then(Listed::of) {
            Ok(listed) => listed,
            // Where one is a link to the other, it is cleared once.
            Err(Closed::Absent | Closed::Link) => continue,
            Err(closed) => return Err(format!("{at}: {closed}")),
        };
        let old = listed.only(|entry| {
            let plain = matches!(entry.kind, FileType::RegularFile | FileType::Directory) && !entry.whole.strange;
            plain && entry.user == user && entry.whole.used < unused_since
        });
        seen.push((at, old));
    }
    if seen.is_empty() { Err("no /tmp and no /var/tmp".to_owned()) } else { Ok(seen) }
}

#[cfg(test)]
mod tests {
    use std::fs::{FileTimes, OpenOptions, create_dir_all, write};
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::path::Path;

    use super::*;
    use crate::checks::proof::{all_is_said, told};

    fn machine(root: &Path) -> Machine {
        create_dir_all(root.join("tmp")).unwrap();
        create_dir_all(root.join("var/tmp")).unwrap();
        Machine::at(root)
    }

    fn own() -> u32 {
        rustix::process::getuid().as_raw()
    }

    /// Everything is older than this, for a test can't make a file whose last change is long ago.
    const TOMORROW: i64 = i64::MAX;

    fn held(seen: &Seen) -> Vec<usize> {
        seen.iter().map(|(_, listed)| listed.entries.len()).collect()
    }

    #[test]
    fn own_old_files_go_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let machine = machine(root.path());
        write(root.path().join("precious"), "x").unwrap();
        write(root.path().join("tmp/old"), vec![1; 9_000]).unwrap();
        create_dir_all(root.path().join("var/tmp/build/in")).unwrap();
        create_dir_all(root.path().join("tmp/agent.1")).unwrap();
        let _listening = UnixListener::bind(root.path().join("tmp/agent.1/socket")).unwrap();
        symlink(root.path().join("precious"), root.path().join("tmp/link")).unwrap();
        let seen = look(&machine, own(), TOMORROW).unwrap();
        assert_eq!(held(&seen), [1, 1], "no link, no socket");
        assert_eq!(held(&look(&machine, own() + 1, TOMORROW).unwrap()), [0, 0], "nobody else's");
        assert_eq!(held(&look(&machine, own(), 0).unwrap()), [0, 0], "nothing that was used since");
        ClearTemporaryFiles::perform(&seen, &Arguments::new()).unwrap();
        assert_eq!(ClearTemporaryFiles::plan(&look(&machine, own(), TOMORROW).unwrap()), None);
        for stays in ["precious", "tmp/agent.1/socket", "var/tmp"] {
            assert!(root.path().join(stays).exists(), "{stays}");
        }
    }

    #[test]
    fn one_file_in_use_keeps_its_folder() {
        let root = tempfile::tempdir().unwrap();
        let machine = machine(root.path());
        create_dir_all(root.path().join("tmp/report")).unwrap();
        write(root.path().join("tmp/report/read-again"), "x").unwrap();
        let file = OpenOptions::new().write(true).open(root.path().join("tmp/report/read-again")).unwrap();
        let later = SystemTime::now() + Duration::from_secs(10 * DAY);
        file.set_times(FileTimes::new().set_accessed(later)).unwrap();
        let soon = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + DAY;
        assert_eq!(held(&look(&machine, own(), i64::try_from(soon).unwrap()).unwrap()), [0, 0]);
    }

    #[test]
    fn a_place_that_is_a_link_is_not_cleared_through_it() {
        let (outside, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(outside.path().join("precious"), "x").unwrap();
        create_dir_all(root.path().join("tmp")).unwrap();
        create_dir_all(root.path().join("var")).unwrap();
        symlink(outside.path(), root.path().join("var/tmp")).unwrap();
        assert_eq!(held(&look(&Machine::at(root.path()), own(), TOMORROW).unwrap()), [0]);
    }

    #[test]
    fn everything_declared_is_said() {
        let (some, none) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let machine = machine(some.path());
        write(some.path().join("tmp/old"), "x").unwrap();
        all_is_said::<OldTemporaryFiles>(vec![
            look(&machine, own(), TOMORROW),
            look(&machine, own(), 0),
            look(&Machine::at(none.path()), own(), TOMORROW),
        ]);
        let draft = OldTemporaryFiles::judge(look(&machine, own(), TOMORROW));
        assert!(told(OldTemporaryFiles::ID, &draft).plan().is_some());
    }
}
