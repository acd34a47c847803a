//! `tasks.temporary-files`: the person's own temporary files and how many of them nobody cleaned up.
//!
//! Counted by whose they are and how old; no name is kept and nothing is opened.

use std::time::{Duration, Instant};

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::age::{days, now};
use super::walk::Budget;
use crate::checks::figure::{megabytes, size};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Folders, and after how many days the system usually cleans them: systemd's own `tmp.conf` (tmpfiles.d(5)).
const FOLDERS: [(&str, u64); 2] = [("/tmp", 10), ("/var/tmp", 30)];
/// Bytes of old own files worth a sentence. Our choice.
const BIG: u64 = 1_000_000_000;
/// Old own files from which nothing seems to clean them. Our choice: programs leave some dozens.
const MANY: u64 = 5_000;
/// Most files and folders that are counted, and for how long.
const ENTRIES: u64 = 60_000;
const TIME: Duration = Duration::from_secs(2);

pub(crate) struct TemporaryFiles;

pub(crate) struct Inputs {
    folders: Vec<Folder>,
}

/// What one folder holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Folder {
    name: &'static str,
    /// Own files.
    files: u64,
    /// Their bytes.
    bytes: u64,
    /// Of them, those the system would have cleaned.
    old_files: u64,
    /// Their bytes.
    old_bytes: u64,
    /// Bytes of everybody else's that can be seen.
    others: u64,
    cut: bool,
}

impl Check for TemporaryFiles {
    const ID: &'static str = "tasks.temporary-files";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this(), rustix::process::getuid().as_raw(), now()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if inputs.folders.is_empty() {
            draft.finding(Severity::Unknown, "temporary-unknown", &[], "/tmp and /var/tmp can't be opened");
            return draft;
        }
        let sum = |figure: fn(&Folder) -> u64| inputs.folders.iter().map(figure).fold(0_u64, u64::saturating_add);
        let (files, bytes) = (sum(|folder| folder.old_files), sum(|folder| folder.old_bytes));
        draft.fact("files", sum(|folder| folder.files), "");
        draft.fact("size", sum(|folder| folder.bytes), "bytes");
        draft.fact("old-files", files, "");
        draft.fact("old-size", bytes, "bytes");
        let evidence = format!("{files} own files, {bytes} bytes, older than the system usually keeps");
        if bytes >= BIG {
            draft.finding(Severity::Warning, "old-big", &[("size", size(bytes).into())], evidence);
        } else if files >= MANY {
            draft.finding(Severity::Warning, "old-many", &[("count", files.into())], evidence);
        } else {
            draft.finding(Severity::Ok, "temporary-ok", &[], evidence);
        }
        if inputs.folders.iter().any(|folder| folder.cut) {
            let evidence = format!("stopped after {ENTRIES} entries or {} s", TIME.as_secs());
            draft.finding(Severity::Unknown, "counted-partly", &[], evidence);
        }
        let row = |f: &Folder| -> Vec<Value> {
            let (own, old) = (megabytes(f.bytes).into(), megabytes(f.old_bytes).into());
            vec![f.name.into(), f.files.into(), own, f.old_files.into(), old, megabytes(f.others).into()]
        };
        let columns = ["folder", "files", "size", "old-files", "old-size", "others"];
        draft.table("folders", &columns, inputs.folders.iter().map(row).collect());
        draft
    }
}

fn gather_from(machine: &Machine, user: u32, now: u64) -> Inputs {
    let mut budget = Budget::new(ENTRIES, Instant::now() + TIME);
    let folder = |(name, keeps): (&'static str, u64)| {
        let mut folder = Folder { name, ..Folder::default() };
        let size = budget.each(&machine.path(name), &mut |entry| {
            if entry.owner() != user {
                folder.others = folder.others.saturating_add(entry.bytes());
            } else if !entry.is_folder() {
                let old = days(now, entry.modified()) >= keeps;
                folder.files += 1;
                folder.bytes = folder.bytes.saturating_add(entry.bytes());
                folder.old_files += u64::from(old);
                folder.old_bytes = folder.old_bytes.saturating_add(if old { entry.bytes() } else { 0 });
            }
        })?;
        Some(Folder { cut: size.cut, ..folder })
    };
    Inputs { folders: FOLDERS.into_iter().filter_map(folder).collect() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};
    use crate::checks::tasks::age::DAY;

    fn old(old_files: u64, old_bytes: u64) -> Inputs {
        Inputs { folders: vec![Folder { name: "/tmp", old_files, old_bytes, ..Folder::default() }] }
    }

    #[test]
    fn files_are_old_at_the_systems_own_limit() {
        let root = tempfile::tempdir().unwrap();
        for (folder, name) in [("tmp", "a"), ("tmp/secret plan", "b"), ("var/tmp", "c")] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
            std::fs::write(root.path().join(folder).join(name), vec![1; 1 << 20]).unwrap();
        }
        let (machine, user) = (Machine::at(root.path()), rustix::process::getuid().as_raw());
        for (age, files) in [(9, 0), (10, 2), (11, 2), (29, 2), (30, 3), (31, 3)] {
            // A minute of slack: files are made now.
            let inputs = gather_from(&machine, user, now() + age * DAY + 60);
            assert_eq!(inputs.folders.iter().map(|folder| folder.old_files).sum::<u64>(), files, "{age}");
            assert_eq!(inputs.folders[0].files, 2);
            assert!(!format!("{:?}", TemporaryFiles::judge(inputs)).contains("secret"));
        }
        let others = gather_from(&machine, user + 1, now());
        assert_eq!((others.folders[0].files, others.folders[0].others >> 20), (0, 2));
    }

    #[test]
    fn bytes_and_files_below_at_and_above() {
        for (files, bytes, found) in [
            (MANY - 1, BIG - 1, "temporary-ok"),
            (MANY, BIG - 1, "old-many"),
            (MANY + 1, 0, "old-many"),
            (1, BIG, "old-big"),
            (MANY, BIG + 1, "old-big"),
        ] {
            assert_eq!(findings::<TemporaryFiles>(old(files, bytes)), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let mut cut = old(0, 0);
        cut.folders[0].cut = true;
        all_is_said::<TemporaryFiles>(vec![cut, old(MANY, 0), old(0, BIG), Inputs { folders: vec![] }]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(files in any::<u64>(), bytes in any::<u64>()) {
            told(TemporaryFiles::ID, &TemporaryFiles::judge(old(files, bytes)));
        }
    }
}
