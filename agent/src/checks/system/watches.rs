//! `system.watches`: whether programs can still notice changed files: sync programs, desktops and editors stop without a
//! word when the account's limit is reached (inotify(7)).
//!
//! Counts by program only. The kernel tells which files they are as numbers of disks and entries: only the lines are
//! counted. It is apart from `system.limits` because no fence for files can stand while it looks.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::getuid;
use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::figure::{percent, tenths};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Percent of a limit from which it is near, as in `system.limits`.
const NEAR_PERCENT: f64 = 80.0;
/// Most processes that are looked at; a PC of a person has hundreds.
const PROCESSES_MAX: usize = 4_096;
/// Most open files of one process that are looked at.
const OPEN_MAX: usize = 1_024;
/// Rows of the table.
const ROWS: usize = 15;
/// What the link of a watcher in `/proc/PID/fd` says: proc(5).
const WATCHER: &str = "anon_inode:inotify";

pub(crate) struct Watches;

pub(crate) struct Inputs {
    watched_most: Option<u64>,
    watchers_most: Option<u64>,
    /// Program, and what each of its watchers tells of itself.
    watchers: Vec<(String, String)>,
    /// Processes of this account that could be looked at.
    seen: u64,
}

impl Check for Watches {
    const ID: &'static str = "system.watches";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this(), getuid().as_raw()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let (Some(watched_most), Some(watchers_most), 1..) = (inputs.watched_most, inputs.watchers_most, inputs.seen)
        else {
            let evidence = format!("/proc/sys/fs/inotify; {} processes could be looked at", inputs.seen);
            draft.finding(Severity::Unknown, "watches-unknown", &[], evidence);
            return draft;
        };
        let mut programs: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for (program, text) in &inputs.watchers {
            let (watchers, watched) = programs.entry(program).or_default();
            *watchers += 1;
            *watched = watched.saturating_add(files(text));
        }
        let watchers = inputs.watchers.len() as u64;
        let watched = programs.values().fold(0_u64, |sum, (_, watched)| sum.saturating_add(*watched));
        for (key, value) in [
            ("watched", watched),
            ("watched-most", watched_most),
            ("watchers", watchers),
            ("watchers-most", watchers_most),
        ] {
            draft.fact(key, value, "");
        }
        for (finding, used, most) in
            [("watches-near", watched, watched_most), ("watchers-near", watchers, watchers_most)]
        {
            let share = percent(used, most);
            if share >= NEAR_PERCENT {
                let evidence = format!("/proc/*/fdinfo: {used} of {most}");
                draft.finding(Severity::Warning, finding, &[("percent", tenths(share).into())], evidence);
            }
        }
        if draft.findings.is_empty() {
            let evidence = format!("/proc/*/fdinfo: {watched} of {watched_most}, {watchers} of {watchers_most}");
            draft.finding(Severity::Ok, "watches-ok", &[], evidence);
        }
        let mut rows: Vec<(&str, (u64, u64))> = programs.into_iter().collect();
        rows.sort_by(|(a, (_, m)), (b, (_, n))| (n, a).cmp(&(m, b)));
        let row = |(program, (watchers, watched)): (&str, (u64, u64))| -> Vec<Value> {
            vec![program.into(), watchers.into(), watched.into()]
        };
        let rows = rows.into_iter().take(ROWS).map(row).collect();
        draft.table("watchers", &["program", "watchers", "watched"], rows);
        draft
    }
}

fn gather_from(machine: &Machine, user: u32) -> Inputs {
    let mut inputs = Inputs {
        watched_most: machine.number("/proc/sys/fs/inotify/max_user_watches"),
        watchers_most: machine.number("/proc/sys/fs/inotify/max_user_instances"),
        watchers: Vec::new(),
        seen: 0,
    };
    let processes = machine.names("/proc").into_iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    for id in processes.take(PROCESSES_MAX) {
        let folder = format!("/proc/{id}");
        // The limit is the account's: what others watch takes nothing from it.
        if !std::fs::metadata(machine.path(&folder)).is_ok_and(|metadata| metadata.uid() == user) {
            continue;
        }
        let open = machine.names(&format!("{folder}/fd"));
        inputs.seen += u64::from(!open.is_empty());
        let watches = |number: &String| {
            std::fs::read_link(machine.path(&format!("{folder}/fd/{number}")))
                .is_ok_and(|link| link == Path::new(WATCHER))
        };
        for number in open.into_iter().take(OPEN_MAX).filter(watches) {
            if let Ok(text) = machine.text(&format!("{folder}/fdinfo/{number}")) {
                let name = machine.word(&format!("{folder}/comm")).unwrap_or_default();
                inputs.watchers.push((name, text));
            }
        }
    }
    inputs
}

/// One line for each file: `inotify wd:3 ino:9e7e sdev:800013 mask:800afce …`.
fn files(text: &str) -> u64 {
    text.lines().filter(|line| line.starts_with("inotify wd:")).count() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    fn watching(files: usize, watchers: usize) -> Inputs {
        let text = format!("pos:\t0\nflags:\t00\n{}", "inotify wd:1 ino:9e7e sdev:800013 mask:1\n".repeat(files));
        let mut all = vec![("nextcloud".to_owned(), text)];
        all.resize(watchers, ("plasmashell".to_owned(), "pos:\t0\n".to_owned()));
        Inputs { watched_most: Some(1_000), watchers_most: Some(100), watchers: all, seen: 9 }
    }

    #[test]
    fn both_limits_below_at_and_above() {
        for (files, watchers, found) in [
            (799, 1, "watches-ok"),
            (800, 1, "watches-near"),
            (801, 1, "watches-near"),
            (1, 79, "watches-ok"),
            (1, 80, "watchers-near"),
            (1, 81, "watchers-near"),
        ] {
            assert_eq!(findings::<Watches>(watching(files, watchers)), [found], "{files} {watchers}");
        }
    }

    #[test]
    fn watchers_of_this_account_are_found_by_their_links() {
        let folder = tempfile::tempdir().unwrap();
        let process = folder.path().join("proc/7");
        std::fs::create_dir_all(process.join("fd")).unwrap();
        std::fs::create_dir_all(process.join("fdinfo")).unwrap();
        std::os::unix::fs::symlink(WATCHER, process.join("fd/5")).unwrap();
        std::os::unix::fs::symlink("/home/ana/secret.txt", process.join("fd/6")).unwrap();
        std::fs::write(process.join("fdinfo/5"), "pos:\t0\ninotify wd:1 ino:2\ninotify wd:2 ino:3\n").unwrap();
        std::fs::write(process.join("fdinfo/6"), "inotify wd:1\n").unwrap();
        std::fs::write(process.join("comm"), "nextcloud\n").unwrap();
        let machine = Machine::at(folder.path());
        let inputs = gather_from(&machine, getuid().as_raw());
        assert_eq!((inputs.seen, inputs.watchers.len()), (1, 1));
        assert_eq!((inputs.watchers[0].0.as_str(), files(&inputs.watchers[0].1)), ("nextcloud", 2));
        assert_eq!(gather_from(&machine, getuid().as_raw() + 1).seen, 0);
    }

    #[test]
    fn rows_below_at_and_above() {
        for (count, rows) in [(ROWS - 1, ROWS - 1), (ROWS, ROWS), (ROWS + 1, ROWS)] {
            let watchers = (0..count).map(|i| (format!("p{i}"), String::new())).collect();
            assert_eq!(Watches::judge(Inputs { watchers, ..watching(0, 1) }).tables[0].rows.len(), rows);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Watches>(vec![watching(1_000, 100), watching(0, 1), Inputs { seen: 0, ..watching(0, 1) }]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(name in "\\PC*", text in "(.*\n)*|(inotify wd:.*\n)*", most in any::<Option<u64>>()) {
            let inputs = Inputs { watched_most: most, watchers_most: most, watchers: vec![(name, text)], seen: 1 };
            told(Watches::ID, &Watches::judge(inputs));
        }
    }
}
