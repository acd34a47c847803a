//! `tasks.clearable-caches` and `tasks.clear-caches`: what programs keep only to be faster and make again when it is gone.
//!
//! Only folders that hold nothing else (the freedesktop.org base directory specification calls all of `~/.cache`
//! non-essential; these are the large ones whose programs take it at its word), and only those of programs that don't run:
//! a browser whose cache goes while it runs may crash.

use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use venia_proto::catalog::PLAN;
use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::home::Home;
use super::removal::{Closed, Listed, folder, spelled};
use super::{Check, Failure, Repair, State};
use crate::checks::figure::size;
use crate::checks::machine::Machine;

const TIME: Duration = Duration::from_secs(100);

/// Whose cache, where below the home, and the names its processes have (cut at 15 letters, proc_pid_comm(5)).
const CACHES: [(&str, &str, &[&str]); 9] = [
    ("Brave", ".cache/BraveSoftware", &["brave", "brave-browser"]),
    ("Chrome", ".cache/google-chrome", &["chrome"]),
    ("Chromium", ".cache/chromium", &["chromium", "chromium-browse"]),
    ("Edge", ".cache/microsoft-edge", &["msedge"]),
    ("Firefox", ".cache/mozilla/firefox", &["firefox", "firefox-esr", "firefox-bin", "GeckoMain"]),
    ("Opera", ".cache/opera", &["opera"]),
    ("Thumbnails", ".cache/thumbnails", &[]),
    ("Vivaldi", ".cache/vivaldi", &["vivaldi-bin"]),
    ("pip", ".cache/pip", &["pip", "pip3"]),
];

pub(super) struct ClearableCaches;
pub(super) struct ClearCaches;

pub(super) struct Seen {
    caches: Vec<(&'static str, Listed)>,
    /// Programs that run, so that their caches stay.
    running: Vec<&'static str>,
}

impl Check for ClearableCaches {
    const ID: &'static str = "tasks.clearable-caches";
    type Inputs = Result<Seen, String>;

    fn gather(arguments: &Arguments) -> Result<Self::Inputs, Failure> {
        ClearCaches::look(arguments)
    }

    fn judge(seen: Self::Inputs) -> Draft {
        let mut draft = Draft::default();
        let seen = match seen {
            Ok(seen) => seen,
            Err(why) => {
                draft.finding(Severity::Unknown, "caches-unknown", &[], why);
                return draft;
            }
        };
        let bytes = total(&seen);
        draft.fact("bytes", bytes, "bytes");
        let row = |(whose, listed): &(&str, Listed)| -> Vec<Value> { vec![(*whose).into(), listed.bytes().into()] };
        draft.table("caches", &["whose", "held-bytes"], seen.caches.iter().map(row).collect());
        let evidence = format!("~/.cache: {} caches of programs that do not run", seen.caches.len());
        match ClearCaches::plan(&seen) {
            Some(plan) => {
                draft.fact(PLAN, plan, "");
                draft.finding(Severity::Ok, "caches-hold", &[("size", size(bytes).into())], evidence);
            }
            None => draft.finding(Severity::Ok, "caches-empty", &[], evidence),
        }
        for program in &seen.running {
            let evidence = format!("/proc: {program} runs");
            draft.finding(Severity::Unknown, "program-open", &[("program", (*program).into())], evidence);
        }
        draft
    }
}

impl Repair for ClearCaches {
    const ID: &'static str = "tasks.clear-caches";
    const COLUMNS: [&'static str; 3] = ["what", "before-bytes", "after-bytes"];
    type Seen = Seen;

    fn look(_: &Arguments) -> Result<Result<Seen, String>, Failure> {
        Ok(look(&Machine::this(), Home::own().as_ref()))
    }

    fn plan(seen: &Seen) -> Option<String> {
        let mut digest = Sha256::new();
        for (whose, listed) in &seen.caches {
            digest.update(whose.as_bytes());
            listed.digest(&mut digest);
        }
        seen.caches.iter().any(|(_, listed)| !listed.entries.is_empty()).then(|| spelled(digest))
    }

    fn state(seen: &Seen) -> State {
        let rows = seen.caches.iter().map(|(whose, listed)| ((*whose).to_owned(), listed.bytes().into())).collect();
        State { total: Some((total(seen).into(), "bytes")), rows }
    }

    fn perform(seen: &Seen, _: &Arguments) -> Result<(), String> {
        let until = Instant::now() + TIME;
        let mut left = Ok(());
        for (whose, listed) in &seen.caches {
            if let Err((count, why)) = listed.delete(until) {
                left = Err(format!("{whose}: {count} stay, {why}"));
            }
        }
        left
    }
}

fn total(seen: &Seen) -> u64 {
    seen.caches.iter().fold(0, |sum, (_, listed)| sum.saturating_add(listed.bytes()))
}

fn look(machine: &Machine, home: Option<&Home>) -> Result<Seen, String> {
    let home = home.ok_or("no home in /etc/passwd")?;
    let numbers = machine.names("/proc").into_iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    let names: Vec<String> = numbers.filter_map(|pid| machine.word(&format!("/proc/{pid}/comm"))).collect();
    let mut seen = Seen { caches: Vec::new(), running: Vec::new() };
    for (whose, below, programs) in CACHES {
        let listed = match folder(&home.path, below).and_then(Listed::of) {
            Ok(listed) => listed,
            // A cache that was moved to another place is left where it is.
            Err(Closed::Absent | Closed::Link | Closed::Elsewhere) => continue,
            Err(closed @ Closed::Refused(_)) => return Err(format!("~/{below}: {closed}")),
        };
        if names.iter().any(|name| programs.contains(&name.as_str())) {
            seen.running.push(whose);
        } else {
            seen.caches.push((whose, listed));
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use std::fs::{create_dir_all, write};
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::*;
    use crate::checks::proof::{all_is_said, told};

    fn home(root: &Path) -> Home {
        for below in [".cache/thumbnails/large", ".cache/mozilla/firefox/x.default/cache2", ".cache/other"] {
            create_dir_all(root.join("home").join(below)).unwrap();
            write(root.join("home").join(below).join("entry"), vec![1; 9_000]).unwrap();
        }
        Home { path: root.join("home") }
    }

    fn runs(root: &Path, name: &str) {
        create_dir_all(root.join("proc/42")).unwrap();
        write(root.join("proc/42/comm"), format!("{name}\n")).unwrap();
    }

    fn whose(seen: &Seen) -> Vec<&str> {
        seen.caches.iter().map(|(whose, _)| *whose).collect()
    }

    #[test]
    fn caches_of_closed_programs_go_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let (machine, home) = (Machine::at(root.path()), home(root.path()));
        assert_eq!(whose(&look(&machine, Some(&home)).unwrap()), ["Firefox", "Thumbnails"]);
        runs(root.path(), "firefox");
        let seen = look(&machine, Some(&home)).unwrap();
        assert_eq!((whose(&seen), seen.running.as_slice()), (vec!["Thumbnails"], ["Firefox"].as_slice()));
        ClearCaches::perform(&seen, &Arguments::new()).unwrap();
        assert!(!root.path().join("home/.cache/thumbnails/large").exists());
        for stays in [".cache/thumbnails", ".cache/other/entry", ".cache/mozilla/firefox/x.default/cache2/entry"] {
            assert!(root.path().join("home").join(stays).exists(), "{stays}");
        }
    }

    #[test]
    fn a_browser_that_was_opened_since_makes_another_plan() {
        let root = tempfile::tempdir().unwrap();
        let (machine, home) = (Machine::at(root.path()), home(root.path()));
        let shown = ClearCaches::plan(&look(&machine, Some(&home)).unwrap());
        assert_eq!(ClearCaches::plan(&look(&machine, Some(&home)).unwrap()), shown);
        runs(root.path(), "GeckoMain");
        assert_ne!(ClearCaches::plan(&look(&machine, Some(&home)).unwrap()), shown);
    }

    #[test]
    fn a_cache_that_is_a_link_is_left_alone() {
        let (outside, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(outside.path().join("precious"), "x").unwrap();
        create_dir_all(root.path().join("home/.cache")).unwrap();
        symlink(outside.path(), root.path().join("home/.cache/thumbnails")).unwrap();
        let home = Home { path: root.path().join("home") };
        assert!(look(&Machine::at(root.path()), Some(&home)).unwrap().caches.is_empty());
    }

    #[test]
    fn everything_declared_is_said() {
        let (root, empty) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (machine, home) = (Machine::at(root.path()), home(root.path()));
        runs(root.path(), "firefox-esr");
        all_is_said::<ClearableCaches>(vec![
            look(&machine, Some(&home)),
            look(&machine, Some(&Home { path: empty.path().to_owned() })),
            look(&machine, None),
        ]);
        let draft = ClearableCaches::judge(look(&machine, Some(&home)));
        assert!(told(ClearableCaches::ID, &draft).plan().is_some());
    }
}
