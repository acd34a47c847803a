//! `system.updates`: updates that wait and whether a restart is due.
//!
//! Only counts leave the PC: a list of programs says what a person does. APT is asked to *simulate* an upgrade, pacman what
//! its lists know, both offline; other systems say that they can't tell, for their programs write caches and logs even when
//! they only look. A kernel whose modules are gone tells everywhere.

use std::time::{Duration, SystemTime};

use rustix::process::{Resource, getrlimit, getuid};
use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use crate::checks::machine::{Machine, Reading};
use crate::checks::tool::{self, Answer, Silence};
use crate::checks::{Check, Failure};

/// Longest wait for APT; it reads all package lists.
const LIMIT: Duration = Duration::from_secs(25);
/// Days after which "no updates" only means that nobody looked. Distributions look daily; our choice.
const OLD_DAYS: u64 = 14;
const DAY: u64 = 24 * 60 * 60;
/// Simulates and locks nothing: apt-get(8).
const SIMULATE: [&str; 5] = ["-s", "-qq", "-o", "Debug::NoLocking=1", "upgrade"];
/// Keeps no cache file: an account that may write APT's own would refresh it, which changes the PC.
const NO_CACHE: [&str; 4] = ["-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="];

/// Folders and stamps that fetching package lists touches.
const FETCHED: [&str; 4] = [
    "/var/lib/apt/periodic/update-success-stamp",
    "/var/lib/apt/lists/partial",
    "/var/lib/apt/lists",
    "/var/lib/pacman/sync",
];

pub(crate) struct Updates;

/// What is installed in an older version than the lists have: pacman(8).
const OUTDATED: [&str; 2] = ["--query", "--upgrades"];

pub(crate) struct Inputs {
    simulated: Result<Answer, Silence>,
    /// What pacman said, where there is no APT.
    outdated: Result<Answer, Silence>,
    files: Files,
    /// Seconds since the package lists were fetched.
    lists_age: Option<u64>,
}

/// What files tell.
struct Files {
    /// Debian and Ubuntu make it when a package wants a restart.
    restart_file: bool,
    kernel: Reading,
    /// Kernels that have modules.
    modules: Vec<String>,
}

impl Check for Updates {
    const ID: &'static str = "system.updates";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let machine = Machine::this();
        Ok(Inputs {
            simulated: tool::APT_GET.ask(&arguments(may_write()), LIMIT),
            outdated: match tool::APT_GET.place() {
                Some(_) => Err(Silence::NotInstalled("pacman")),
                None => tool::PACMAN.ask(&OUTDATED, LIMIT),
            },
            files: files_from(&machine),
            lists_age: lists_age(&machine),
        })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let restart = inputs.files.restart();
        draft.fact("restart", restart.is_some(), "");
        if let Some(evidence) = restart {
            draft.finding(Severity::Warning, "restart-due", &[], evidence);
        }
        if let (Err(Silence::NotInstalled(_)), Some(count)) = (&inputs.simulated, outdated(&inputs.outdated)) {
            judge_outdated(&mut draft, count);
            lists(&mut draft, inputs.lists_age);
            if draft.findings.iter().all(|finding| finding.severity == Severity::Unknown) {
                draft.finding(Severity::Ok, "updates-ok", &[], "pacman --query --upgrades: nothing to install");
            }
            return draft;
        }
        match inputs.simulated {
            Ok(answer) if answer.status == Some(0) => {
                waiting(&mut draft, &answer.output);
                lists(&mut draft, inputs.lists_age);
                if draft.findings.iter().all(|finding| finding.severity == Severity::Unknown) {
                    draft.finding(Severity::Ok, "updates-ok", &[], "apt-get -s upgrade: nothing to install");
                }
            }
            Ok(answer) => {
                lists(&mut draft, inputs.lists_age);
                // Without a cache of its own, APT needs a temporary file; a worker may not write even that.
                let ended = "ended by a signal; without a cache it has to write, which is not allowed here";
                let why =
                    if answer.status.is_none() { ended } else { answer.error.lines().next().unwrap_or("no reason") };
                draft.finding(Severity::Unknown, "updates-unknown", &[], format!("apt-get -s upgrade: {why}"));
            }
            Err(silence) => draft.finding(Severity::Unknown, "updates-unknown", &[], silence.to_string()),
        }
        draft
    }
}

/// Whether this process could change APT's cache. A worker can't: its files may not grow.
fn may_write() -> bool {
    getuid().is_root() && getrlimit(Resource::Fsize).current != Some(0)
}

fn arguments(may_write: bool) -> Vec<&'static str> {
    let without: &[&str] = if may_write { &NO_CACHE } else { &[] };
    [without, &SIMULATE].concat()
}

fn files_from(machine: &Machine) -> Files {
    let modules = machine.names("/lib/modules");
    Files {
        restart_file: machine.has("/run/reboot-required"),
        kernel: machine.text("/proc/sys/kernel/osrelease"),
        modules: if modules.is_empty() { machine.names("/usr/lib/modules") } else { modules },
    }
}

/// Age of the newest of [`FETCHED`].
fn lists_age(machine: &Machine) -> Option<u64> {
    FETCHED
        .into_iter()
        .filter_map(|path| std::fs::metadata(machine.path(path)).ok()?.modified().ok())
        .max()
        .and_then(|fetched| SystemTime::now().duration_since(fetched).ok())
        .map(|age| age.as_secs())
}

impl Files {
    /// Why a restart is due, if it is.
    fn restart(&self) -> Option<String> {
        if self.restart_file {
            return Some("/run/reboot-required exists".to_owned());
        }
        // Containers have no modules at all; that says nothing.
        let kernel = self.kernel.as_ref().ok()?.trim();
        let replaced = !self.modules.is_empty() && !self.modules.iter().any(|module| module == kernel);
        replaced.then(|| format!("/lib/modules/{kernel} does not exist, {} others do", self.modules.len()))
    }
}

/// Lines `Inst name [old] (new Debian:12/stable-security [amd64])`.
fn waiting(draft: &mut Draft, output: &str) {
    let lines = || output.lines().filter(|line| line.starts_with("Inst "));
    let pending = lines().count() as u64;
    let security = lines().filter(|line| line.to_ascii_lowercase().contains("-security")).count() as u64;
    draft.fact("pending", pending, "");
    draft.fact("security", security, "");
    let evidence = format!("apt-get -s upgrade: {pending} to install, {security} from a security source");
    if security > 0 {
        draft.finding(Severity::Warning, "security-updates", &[("count", security.into())], evidence);
    } else if pending > 0 {
        draft.finding(Severity::Warning, "updates-waiting", &[("count", pending.into())], evidence);
    }
}

/// How many lines `linux 6.17.7-1 -> 6.17.8-1` there are; those the owner keeps back end in `[ignored]`. With none, pacman
/// ends with status 1 and says nothing.
fn outdated(answer: &Result<Answer, Silence>) -> Option<u64> {
    let answer = answer.as_ref().ok()?;
    let quiet = answer.output.trim().is_empty() && answer.error.trim().is_empty();
    (answer.status == Some(0) || (answer.status == Some(1) && quiet)).then_some(())?;
    let waits = |line: &&str| line.contains(" -> ") && !line.trim_end().ends_with("[ignored]");
    Some(answer.output.lines().filter(waits).count() as u64)
}

/// pacman's lists don't say which are for security.
fn judge_outdated(draft: &mut Draft, count: u64) {
    draft.fact("pending", count, "");
    if count > 0 {
        let evidence = format!("pacman --query --upgrades: {count} to install");
        draft.finding(Severity::Warning, "updates-waiting", &[("count", count.into())], evidence);
    }
}

fn lists(draft: &mut Draft, age: Option<u64>) {
    let Some(age) = age else {
        return draft.finding(Severity::Unknown, "checked-unknown", &[], "the package lists have no time");
    };
    let days = age / DAY;
    draft.fact("checked", days, "");
    if days >= OLD_DAYS {
        let evidence = format!("the package lists are {days} days old");
        draft.finding(Severity::Warning, "lists-old", &[("days", days.into())], evidence);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn simulated(output: &str, lists_age: Option<u64>) -> Inputs {
        Inputs {
            simulated: Ok(Answer { status: Some(0), output: output.to_owned(), error: String::new() }),
            outdated: Err(Silence::NotInstalled("pacman")),
            files: files_from(&recorded("container")),
            lists_age,
        }
    }

    fn pacman(status: i32, output: &str, error: &str) -> Inputs {
        let answer = Answer { status: Some(status), output: output.to_owned(), error: error.to_owned() };
        Inputs { simulated: Err(Silence::NotInstalled("apt-get")), outdated: Ok(answer), ..simulated("", Some(0)) }
    }

    #[test]
    fn a_system_of_pacman_is_asked_too() {
        let lines = "linux 6.17.7.arch1-1 -> 6.17.8.arch1-1\nnano 8.6-1 -> 8.7-1\nnvidia 580-1 -> 581-1 [ignored]\n";
        let draft = Updates::judge(pacman(0, lines, ""));
        assert_eq!(draft.facts[1].value, 2_u64.into());
        assert!(!format!("{draft:?}").contains("nano"));
        for (status, output, error, found) in [
            (0, lines, "", vec!["updates-waiting"]),
            (1, "", "", vec!["updates-ok"]),
            (1, "", "error: failed to initialize alpm library\n", vec!["updates-unknown"]),
        ] {
            assert_eq!(findings::<Updates>(pacman(status, output, error)), found, "{status} {error}");
        }
    }

    #[test]
    fn a_laptop_that_was_not_updated() {
        let laptop = recorded("laptop-full");
        let output = laptop.text("/tools/apt-get-simulated.txt").unwrap();
        let inputs = Inputs { files: files_from(&laptop), ..simulated(&output, Some(0)) };
        let draft = Updates::judge(inputs);
        assert_eq!(
            draft.findings.iter().map(|f| f.id.as_str()).collect::<Vec<_>>(),
            ["restart-due", "security-updates"]
        );
        assert_eq!(draft.facts[1].value, 3_u64.into());
        assert_eq!(draft.facts[2].value, 2_u64.into());
        assert!(!format!("{draft:?}").contains("openssl"));
    }

    #[test]
    fn a_restart_is_due_when_the_kernels_modules_are_gone() {
        let files = |modules: &[&str]| Files {
            restart_file: false,
            kernel: Ok("6.1.0-18\n".into()),
            modules: modules.iter().map(|&m| m.to_owned()).collect(),
        };
        assert!(files(&["6.1.0-20"]).restart().is_some());
        assert!(files(&["6.1.0-18", "6.1.0-20"]).restart().is_none());
        assert!(files(&[]).restart().is_none());
    }

    #[test]
    fn apt_only_simulates_and_changes_no_cache() {
        for may_write in [false, true] {
            assert!(arguments(may_write).contains(&"-s"));
            assert_eq!(arguments(may_write).contains(&"Dir::Cache::pkgcache="), may_write);
            assert_eq!(arguments(may_write).last(), Some(&"upgrade"));
        }
    }

    #[test]
    fn an_apt_that_was_ended_still_tells_the_age_of_its_lists() {
        let ended = Answer { status: None, output: String::new(), error: String::new() };
        let inputs = Inputs { simulated: Ok(ended), ..simulated("", Some(OLD_DAYS * DAY)) };
        assert_eq!(findings::<Updates>(inputs), ["lists-old", "updates-unknown"]);
    }

    #[test]
    fn old_lists_below_at_and_above() {
        for (age, found) in
            [(OLD_DAYS * DAY - 1, "updates-ok"), (OLD_DAYS * DAY, "lists-old"), (OLD_DAYS * DAY + 1, "lists-old")]
        {
            assert_eq!(findings::<Updates>(simulated("Conf x\n", Some(age))), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let none = || Inputs { simulated: Err(Silence::NotInstalled("apt-get")), ..simulated("", None) };
        let broken = Answer { status: Some(100), output: String::new(), error: "E: The list is broken\n".into() };
        all_is_said::<Updates>(vec![
            Inputs { files: files_from(&recorded("laptop-full")), ..none() },
            Inputs { simulated: Ok(broken), ..none() },
            simulated("Inst a [1] (2 Debian-Security:12/stable-security [amd64])\n", Some(99 * DAY)),
            simulated("Inst a [1] (2 Debian:12.9/stable [amd64])\n", Some(0)),
            simulated("", Some(0)),
            simulated("", None),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(output in "(Inst .*\n|.*)*", age in any::<Option<u64>>()) {
            told(Updates::ID, &Updates::judge(simulated(&output, age)));
            told(Updates::ID, &Updates::judge(Inputs { lists_age: age, ..pacman(0, &output, "") }));
        }
    }
}
