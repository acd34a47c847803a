//! `system.packages`: whether programs can be installed and updated: the data of packages is sound, nothing is half
//! installed, and no lock is left or held for hours.
//!
//! Counts only: a list of programs says what a person does. Nothing is repaired, locked or refreshed.

use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use super::reply;
use crate::checks::machine::Machine;
use crate::checks::tool::{self, Answer, Silence};
use crate::checks::{Check, Failure};

/// Longest wait for the package programs.
const LIMIT: Duration = Duration::from_secs(10);
/// Minutes from which an installation hangs. Our choice: large upgrades over a slow line take less.
const HANGS_MINUTES: u64 = 60;
/// Ticks of a second in `/proc/PID/stat`: 100 on every Linux of today (proc(5), `_SC_CLK_TCK`).
const TICKS: u64 = 100;
/// Programs that run for days and install now and then: how long they run says nothing.
const STANDING: [&str; 4] = ["packagekitd", "pamac-daemon", "snapd", "dnf5daemon-serv"];
/// Only states, no names: dpkg-query(1).
const STATES: [&str; 2] = ["--show", "--showformat=${db:Status-Abbrev}\\n"];

pub(crate) struct Packages;

pub(crate) struct Inputs {
    manager: Option<Manager>,
    answer: Result<Answer, Silence>,
    /// Steps of dpkg that were not written down at the end.
    updates: u64,
    lock: Lock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manager {
    Dpkg,
    Rpm,
    Pacman,
}

/// Whether somebody installs just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lock {
    Free,
    /// Minutes, where they can be told.
    Held(Option<u64>),
    /// It is there, and nobody who would hold it.
    Left,
}

impl Check for Packages {
    const ID: &'static str = "system.packages";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let machine = Machine::this();
        let manager = Manager::of(&machine);
        let answer = match manager {
            Some(Manager::Dpkg) => tool::DPKG_QUERY.ask(&STATES, LIMIT),
            // Each has itself installed: whoever can't say so can't read the data.
            Some(Manager::Rpm) => tool::RPM.ask(&["--query", "rpm"], LIMIT),
            Some(Manager::Pacman) => tool::PACMAN.ask(&["--query", "pacman"], LIMIT),
            None => Err(Silence::NotInstalled("dpkg, rpm or pacman")),
        };
        Ok(Inputs { manager, answer, updates: updates(&machine), lock: lock(&machine, manager) })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let Some(manager) = inputs.manager else {
            let evidence = "no data of dpkg, rpm or pacman below /var/lib and /usr/lib";
            draft.finding(Severity::Unknown, "packages-unknown", &[], evidence);
            return draft;
        };
        draft.fact("manager", manager.name(), "");
        locked(&mut draft, inputs.lock);
        match inputs.answer {
            Ok(answer) if answer.status == Some(0) => {
                if manager == Manager::Dpkg {
                    let states = States::count(&answer.output);
                    states.judge(&mut draft, inputs.updates, inputs.lock);
                }
            }
            Ok(answer) => {
                let evidence = format!("{}: {}", manager.name(), reply::why(&answer.error));
                draft.finding(Severity::Critical, "database-broken", &[], evidence);
            }
            Err(silence) => {
                draft.finding(Severity::Unknown, "packages-unknown", &[], silence.to_string());
            }
        }
        if draft.findings.is_empty() {
            draft.finding(Severity::Ok, "packages-ok", &[], format!("{}: its data is sound", manager.name()));
        }
        draft
    }
}

impl Manager {
    fn of(machine: &Machine) -> Option<Self> {
        let holds = |folder: &str| !machine.names(folder).is_empty();
        if machine.has("/var/lib/dpkg/status") {
            Some(Self::Dpkg)
        } else if holds("/usr/lib/sysimage/rpm") || holds("/var/lib/rpm") {
            Some(Self::Rpm)
        } else if machine.has("/var/lib/pacman/local") {
            Some(Self::Pacman)
        } else {
            None
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Dpkg => "dpkg",
            Self::Rpm => "rpm",
            Self::Pacman => "pacman",
        }
    }

    /// Files that are locked while it installs.
    fn locks(self) -> &'static [&'static str] {
        match self {
            Self::Dpkg => &["/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock"],
            Self::Rpm => &["/usr/lib/sysimage/rpm/.rpm.lock", "/var/lib/rpm/.rpm.lock"],
            // It makes a file and takes it away again: nothing of the kernel's.
            Self::Pacman => &[],
        }
    }
}

/// Files of `/var/lib/dpkg/updates` with a number for a name: a run of dpkg that ended before it tidied up.
fn updates(machine: &Machine) -> u64 {
    let names = machine.names("/var/lib/dpkg/updates");
    names.iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).count() as u64
}

fn lock(machine: &Machine, manager: Option<Manager>) -> Lock {
    let Some(manager) = manager else { return Lock::Free };
    let locks = machine.text("/proc/locks").unwrap_or_default();
    let file = |path: &&str| std::fs::metadata(machine.path(path)).ok().map(|file| (file.dev(), file.ino()));
    let holder = manager.locks().iter().filter_map(file).find_map(|(device, file)| holder(&locks, device, file));
    // zypper writes its number here, and leaves the file empty or in place afterwards.
    let zypper = machine.number::<u64>("/run/zypp.pid").filter(|id| machine.has(&format!("/proc/{id}/stat")));
    if let Some(id) = holder.or(zypper) {
        return Lock::Held(minutes(machine, id));
    }
    if manager == Manager::Pacman && machine.has("/var/lib/pacman/db.lck") {
        let ids = machine.names("/proc").into_iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
        let names = |id: &String| machine.word(&format!("/proc/{id}/comm")).unwrap_or_default();
        let mut running = ids.filter(|id| matches!(names(id).as_str(), "pacman" | "packagekitd" | "pamac-daemon"));
        return match running.next().and_then(|id| id.parse().ok()) {
            Some(id) => Lock::Held(minutes(machine, id)),
            None => Lock::Left,
        };
    }
    Lock::Free
}

/// Who holds a lock on that file: lines `1: POSIX  ADVISORY  WRITE 4711 fd:01:131 0 EOF` (proc(5)); one that only waits has
/// `->` for a second word.
fn holder(locks: &str, device: u64, file: u64) -> Option<u64> {
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, kind, _, "WRITE", id, place, ..] = words[..] else { return None };
        let mut parts = place.split(':');
        let hex = |part: Option<&str>| u32::from_str_radix(part?, 16).ok();
        let (on, at) = ((hex(parts.next())?, hex(parts.next())?), parts.next()?.parse::<u64>().ok()?);
        // btrfs and overlays have a device for each volume, with a major number of 0, which isn't the one told here.
        let same = on == (major, minor) || on.0 == 0 || major == 0;
        (matches!(kind, "POSIX" | "FLOCK" | "OFDLCK") && at == file && same).then(|| id.parse().ok())?
    })
}

/// How long that process runs, unless it always does.
fn minutes(machine: &Machine, id: u64) -> Option<u64> {
    let stat = machine.text(&format!("/proc/{id}/stat")).ok()?;
    let uptime = machine.text("/proc/uptime").ok()?;
    age(&stat, &uptime)
}

fn age(stat: &str, uptime: &str) -> Option<u64> {
    let (name, rest) = stat.split_once(" (")?.1.rsplit_once(") ")?;
    if STANDING.contains(&name) {
        return None;
    }
    let started: u64 = rest.split_whitespace().nth(22 - 3)?.parse().ok()?;
    let uptime: u64 = uptime.split(['.', ' ']).next()?.trim().parse().ok()?;
    Some(uptime.checked_sub(started / TICKS)? / 60)
}

fn locked(draft: &mut Draft, lock: Lock) {
    match lock {
        Lock::Free => {}
        Lock::Held(minutes) => {
            let long = minutes.filter(|minutes| *minutes >= HANGS_MINUTES);
            if let Some(minutes) = minutes {
                draft.fact("locked-for", minutes, "min");
            }
            if let Some(minutes) = long {
                let evidence = format!("/proc/locks: held by a program that runs for {minutes} minutes");
                draft.finding(Severity::Warning, "install-hangs", &[("minutes", minutes.into())], evidence);
            } else {
                let evidence = "/proc/locks: the lock of the package data is held";
                draft.finding(Severity::Warning, "install-running", &[], evidence);
            }
        }
        Lock::Left => {
            let evidence = "/var/lib/pacman/db.lck exists, and no pacman runs";
            draft.finding(Severity::Warning, "lock-left", &[], evidence);
        }
    }
}

/// How many packages are in which state.
#[derive(Debug, Default, PartialEq, Eq)]
struct States {
    installed: u64,
    unfinished: u64,
    damaged: u64,
}

impl States {
    /// Lines of three letters: what is wanted, what is, and whether it must be installed again (dpkg-query(1)).
    fn count(output: &str) -> Self {
        let mut states = Self::default();
        for line in output.lines() {
            let mut letters = line.chars().skip(1);
            match letters.next() {
                Some('i') => states.installed += 1,
                // Half-installed, unpacked, half-configured, triggers awaited or pending.
                Some('H' | 'U' | 'F' | 'W' | 't') => states.unfinished += 1,
                Some(_) | None => {}
            }
            if letters.next() == Some('R') {
                states.damaged += 1;
            }
        }
        states
    }

    fn judge(&self, draft: &mut Draft, updates: u64, lock: Lock) {
        draft.fact("installed", self.installed, "");
        draft.fact("unfinished", self.unfinished, "");
        if self.damaged > 0 {
            let evidence = format!("dpkg-query: {} marked as to be installed again", self.damaged);
            draft.finding(Severity::Critical, "broken-packages", &[("count", self.damaged.into())], evidence);
        }
        // While somebody installs, half of it is normal.
        if (self.unfinished > 0 || updates > 0) && lock == Lock::Free {
            let evidence = format!("dpkg-query: {} half installed; {updates} steps not tidied up", self.unfinished);
            draft.finding(Severity::Critical, "interrupted", &[("count", self.unfinished.into())], evidence);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn dpkg(output: &str, updates: u64, lock: Lock) -> Inputs {
        let answer = Answer { status: Some(0), output: output.to_owned(), error: String::new() };
        Inputs { manager: Some(Manager::Dpkg), answer: Ok(answer), updates, lock }
    }

    #[test]
    fn states_are_read_as_dpkg_writes_them() {
        let output = recorded("server-ill").text("/tools/dpkg-query-states.txt").unwrap();
        assert_eq!(States::count(&output), States { installed: 6, unfinished: 3, damaged: 1 });
        let found = findings::<Packages>(dpkg(&output, updates(&recorded("server-ill")), Lock::Free));
        assert_eq!(found, ["broken-packages", "interrupted"]);
    }

    #[test]
    fn what_is_half_done_below_at_and_above() {
        for (output, updates, lock, found) in [
            ("ii \nrc \n", 0, Lock::Free, "packages-ok"),
            ("ii \niU \n", 0, Lock::Free, "interrupted"),
            ("ii \n", 1, Lock::Free, "interrupted"),
            ("iU \n", 1, Lock::Held(Some(1)), "install-running"),
            ("ii \n", 0, Lock::Held(Some(HANGS_MINUTES - 1)), "install-running"),
            ("ii \n", 0, Lock::Held(Some(HANGS_MINUTES)), "install-hangs"),
            ("ii \n", 0, Lock::Held(Some(HANGS_MINUTES + 1)), "install-hangs"),
            ("ii \n", 0, Lock::Held(None), "install-running"),
        ] {
            assert_eq!(findings::<Packages>(dpkg(output, updates, lock)), [found], "{output} {updates} {lock:?}");
        }
    }

    #[test]
    fn only_the_holder_of_that_file_is_one() {
        let locks = "1: POSIX  ADVISORY  WRITE 4711 fd:01:131 0 EOF\n1: -> POSIX  ADVISORY  WRITE 9 fd:01:132 0 EOF\n\
            2: FLOCK  ADVISORY  READ 8 fd:01:133 0 EOF\n3: FLOCK  ADVISORY  WRITE 7 00:1f:134 0 EOF\n";
        let device = rustix::fs::makedev(0xfd, 1);
        for (file, expected) in [(131, Some(4_711)), (132, None), (133, None), (134, Some(7)), (135, None)] {
            assert_eq!(holder(locks, device, file), expected, "{file}");
        }
        assert_eq!(holder(locks, rustix::fs::makedev(8, 1), 131), None, "the same number on another disk");
    }

    #[test]
    fn how_long_it_runs_is_told_unless_it_always_does() {
        let stat = |name| format!("7 ({name}) S 1 7 7 0 -1 4194560 1 0 0 0 1 1 0 0 20 0 1 0 60000 1 1 1\n");
        assert_eq!(age(&stat("apt-get"), "4200.17 12.50\n"), Some(60));
        assert_eq!(age(&stat("packagekitd"), "4200.17 12.50\n"), None);
        assert_eq!(age(&stat("apt (x) y"), "600.00 1.00\n"), Some(0));
        assert_eq!(age(&stat("apt"), "1.00 1.00\n"), None, "started after now");
    }

    #[test]
    fn a_left_lock_is_one_nobody_holds() {
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine::at(folder.path());
        std::fs::create_dir_all(folder.path().join("var/lib/pacman/local")).unwrap();
        std::fs::create_dir_all(folder.path().join("proc/7")).unwrap();
        assert_eq!(Manager::of(&machine), Some(Manager::Pacman));
        assert_eq!(lock(&machine, Some(Manager::Pacman)), Lock::Free);
        std::fs::write(folder.path().join("var/lib/pacman/db.lck"), "").unwrap();
        assert_eq!(lock(&machine, Some(Manager::Pacman)), Lock::Left);
        std::fs::write(folder.path().join("proc/7/comm"), "pacman\n").unwrap();
        assert_eq!(lock(&machine, Some(Manager::Pacman)), Lock::Held(None));
    }

    #[test]
    fn the_manager_is_told_by_its_data() {
        for (machine, manager) in
            [("server-ill", Some(Manager::Dpkg)), ("suse-vm", Some(Manager::Rpm)), ("container", None)]
        {
            assert_eq!(Manager::of(&recorded(machine)), manager, "{machine}");
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let broken = Answer { status: Some(1), output: String::new(), error: "error: db5 error(-30973)\n".into() };
        let rpm = |answer| Inputs { manager: Some(Manager::Rpm), answer, updates: 0, lock: Lock::Free };
        all_is_said::<Packages>(vec![
            dpkg("iHR\n", 0, Lock::Free),
            dpkg("ii \n", 0, Lock::Held(Some(99))),
            dpkg("ii \n", 0, Lock::Held(None)),
            dpkg("ii \n", 0, Lock::Left),
            dpkg("ii \n", 0, Lock::Free),
            rpm(Ok(broken)),
            rpm(Err(Silence::NotInstalled("rpm"))),
            Inputs { manager: None, ..dpkg("", 0, Lock::Free) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(output in "(.*\n)*|([a-zA-Z ]{0,4}\n)*", locks in "(.*\n)*|(1: POSIX x WRITE [0-9]* [0-9a-f:]* 0\n)*", stat in ".*|[0-9] \\(.*\\) ([0-9]{1,21} ){0,24}", n in any::<u64>()) {
            let _any = (holder(&locks, n, n), age(&stat, &output), age(&stat, "99999.0 1"));
            told(Packages::ID, &Packages::judge(dpkg(&output, n, Lock::Free)));
        }
    }
}
