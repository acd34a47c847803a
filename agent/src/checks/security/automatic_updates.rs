//! `security.automatic-updates`: whether updates install by themselves, and whether they lately did.
//!
//! From the settings of what installs them and from the time stamps systemd keeps of its timers; nothing is installed and
//! nobody is asked. Snap refreshes its own programs only, so it is told and never counts as the system's updates.

use std::time::SystemTime;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::drop_in::{File, file, files};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Days without a run from which something is wrong: daily timers that missed a fortnight. Our choice, as that of
/// `system.updates`.
const LATE_DAYS: u64 = 14;
const DAY: u64 = 24 * 60 * 60;
/// Folders that hold links to the timers that are on.
const WANTED: [&str; 2] = ["/etc/systemd/system/timers.target.wants", "/usr/lib/systemd/system/timers.target.wants"];
/// Where systemd keeps when a timer last went off.
const STAMPS: &str = "/var/lib/systemd/timers";
const APT: &str = "/etc/apt/apt.conf.d";
const APT_PROGRAM: &str = "/usr/bin/unattended-upgrade";
const DNF: [&str; 2] = ["/etc/dnf/automatic.conf", "/etc/dnf/dnf5-plugins/automatic.conf"];
const OSTREE: &str = "/etc/rpm-ostreed.conf";
const SNAP: &str = "/run/snapd.socket";

/// Timers of systemd that install updates: name, what it belongs to, whether its settings decide too.
const TIMERS: [(&str, &str, Settings); 9] = [
    ("apt-daily-upgrade.timer", "unattended-upgrades", Settings::Apt),
    ("dnf-automatic-install.timer", "dnf-automatic", Settings::None),
    ("dnf-automatic.timer", "dnf-automatic", Settings::Dnf),
    ("dnf5-automatic.timer", "dnf5-automatic", Settings::Dnf),
    ("mintupdate-automation-upgrade.timer", "mintupdate", Settings::None),
    ("os-update.timer", "os-update", Settings::None),
    ("rpm-ostreed-automatic.timer", "rpm-ostree", Settings::Ostree),
    ("transactional-update.timer", "transactional-update", Settings::None),
    ("uupd.timer", "uupd", Settings::None),
];

/// Where it is set whether the timer installs or only looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settings {
    None,
    Apt,
    Dnf,
    Ostree,
}

pub(crate) struct AutomaticUpdates;

pub(crate) struct Inputs {
    /// Names of timers that are on.
    timers: Vec<String>,
    /// Seconds since each of [`TIMERS`] last went off.
    ages: Vec<Option<u64>>,
    apt_installed: bool,
    apt: Vec<File>,
    dnf: Vec<File>,
    ostree: File,
    snap: bool,
    systemd: bool,
}

impl Check for AutomaticUpdates {
    const ID: &'static str = "security.automatic-updates";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this(), SystemTime::now()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        draft.fact("snap", inputs.snap, "");
        if !inputs.systemd {
            draft.finding(Severity::Unknown, "automatic-unknown", &[], "/run/systemd/system does not exist");
            return draft;
        }
        let on =
            TIMERS.iter().zip(&inputs.ages).filter(|((timer, ..), _)| inputs.timers.iter().any(|name| name == timer));
        let on: Vec<(&str, &str, bool, Option<u64>)> =
            on.map(|((timer, name, settings), age)| (*timer, *name, inputs.installs(*settings), *age)).collect();
        // Of several the one that ran last counts.
        let best = on.iter().filter(|(_, _, installs, _)| *installs).min_by_key(|(.., age)| age.unwrap_or(u64::MAX));
        if let Some((timer, name, _, age)) = best {
            draft.fact("by", *name, "");
            judge_run(&mut draft, timer, name, *age);
        } else if let Some((timer, name, ..)) = on.first() {
            draft.fact("by", *name, "");
            let evidence = format!("{timer} is on, its settings install nothing");
            draft.finding(Severity::Warning, "only-looks", &[("name", (*name).into())], evidence);
        } else {
            draft.finding(Severity::Warning, "automatic-off", &[], format!("{}: none of {}", WANTED[0], TIMERS.len()));
        }
        draft
    }
}

fn judge_run(draft: &mut Draft, timer: &str, name: &str, age: Option<u64>) {
    let name = ("name", Value::from(name));
    let Some(days) = age.map(|age| age / DAY) else {
        return draft.finding(Severity::Unknown, "never-ran", &[name], format!("{STAMPS} has no stamp-{timer}"));
    };
    draft.fact("last-run", days, "days");
    let evidence = format!("{STAMPS}/stamp-{timer} is {days} days old");
    if days >= LATE_DAYS {
        draft.finding(Severity::Warning, "late", &[name, ("days", days.into())], evidence);
    } else {
        draft.finding(Severity::Ok, "automatic-on", &[name], evidence);
    }
}

fn gather_from(machine: &Machine, now: SystemTime) -> Inputs {
    let age = |(timer, ..): &(&str, &str, Settings)| {
        let stamp = std::fs::metadata(machine.path(&format!("{STAMPS}/stamp-{timer}"))).ok()?.modified().ok()?;
        now.duration_since(stamp).ok().map(|age| age.as_secs())
    };
    Inputs {
        timers: WANTED.iter().flat_map(|folder| machine.names(folder)).collect(),
        ages: TIMERS.iter().map(age).collect(),
        apt_installed: machine.has(APT_PROGRAM),
        apt: files(machine, APT, ""),
        dnf: DNF.iter().map(|path| file(machine, path)).collect(),
        ostree: file(machine, OSTREE),
        snap: machine.has(SNAP),
        systemd: machine.has("/run/systemd/system"),
    }
}

impl Inputs {
    /// Whether the timer's settings let it install anything.
    fn installs(&self, settings: Settings) -> bool {
        match settings {
            Settings::None => true,
            Settings::Apt => self.apt_installed && apt(&self.apt),
            Settings::Dnf => {
                self.dnf.iter().any(|file| setting(file, "apply_updates").is_some_and(|value| yes(&value)))
            }
            Settings::Ostree => setting(&self.ostree, "AutomaticUpdatePolicy")
                .is_some_and(|value| matches!(value.as_str(), "stage" | "apply")),
        }
    }
}

/// `APT::Periodic::Unattended-Upgrade "1";` in the last file that says it: days between runs, 0 is never.
fn apt(files: &[File]) -> bool {
    let lines = files.iter().flat_map(|file| file.text.as_deref().unwrap_or_default().lines());
    let mut values = lines.filter_map(|line| {
        let rest = line.trim().strip_prefix("APT::Periodic::Unattended-Upgrade")?;
        Some(rest.trim().trim_end_matches(';').trim().trim_matches('"').to_owned())
    });
    values.next_back().is_some_and(|value| value != "0" && !value.is_empty())
}

/// `key = value` of an INI file; what is commented out doesn't count.
fn setting(file: &File, key: &str) -> Option<String> {
    file.text.as_deref().ok()?.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then(|| value.trim().to_ascii_lowercase())
    })
}

fn yes(value: &str) -> bool {
    matches!(value, "yes" | "true" | "1" | "on")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn text(text: &str) -> File {
        File { path: "/x".into(), text: Ok(text.into()) }
    }

    fn pc(timer: &str, age: Option<u64>) -> Inputs {
        Inputs {
            timers: vec![timer.into()],
            ages: TIMERS.iter().map(|_| age).collect(),
            apt_installed: true,
            apt: vec![text("APT::Periodic::Update-Package-Lists \"1\";\nAPT::Periodic::Unattended-Upgrade \"1\";\n")],
            dnf: vec![text("[commands]\n# apply_updates = no\napply_updates = yes\n")],
            ostree: text("[Daemon]\nAutomaticUpdatePolicy=stage\n"),
            snap: false,
            systemd: true,
        }
    }

    #[test]
    fn each_timer_counts_with_the_settings_it_reads() {
        for (timer, ..) in TIMERS {
            assert_eq!(findings::<AutomaticUpdates>(pc(timer, Some(0))), ["automatic-on"], "{timer}");
        }
        for (inputs, found) in [
            (
                Inputs { apt: vec![text("APT::Periodic::Unattended-Upgrade \"0\";")], ..pc(TIMERS[0].0, Some(0)) },
                "only-looks",
            ),
            (
                Inputs { apt: vec![text("//APT::Periodic::Unattended-Upgrade \"1\";")], ..pc(TIMERS[0].0, Some(0)) },
                "only-looks",
            ),
            (Inputs { apt_installed: false, ..pc(TIMERS[0].0, Some(0)) }, "only-looks"),
            (
                Inputs {
                    dnf: vec![text("#apply_updates = yes\napply_updates=no")],
                    ..pc("dnf-automatic.timer", Some(0))
                },
                "only-looks",
            ),
            (
                Inputs { ostree: text("AutomaticUpdatePolicy=none"), ..pc("rpm-ostreed-automatic.timer", Some(0)) },
                "only-looks",
            ),
            (pc("fstrim.timer", Some(0)), "automatic-off"),
        ] {
            assert_eq!(findings::<AutomaticUpdates>(inputs), [found]);
        }
    }

    #[test]
    fn a_missed_run_below_at_and_above() {
        for (age, found) in
            [(LATE_DAYS * DAY - 1, "automatic-on"), (LATE_DAYS * DAY, "late"), (LATE_DAYS * DAY + 1, "late")]
        {
            assert_eq!(findings::<AutomaticUpdates>(pc(TIMERS[0].0, Some(age))), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        // A copy of the recorded files is as old as its making.
        let stamp = recorded("laptop-guarded").path("/var/lib/systemd/timers/stamp-dnf5-automatic.timer");
        let now = std::fs::metadata(stamp).unwrap().modified().unwrap();
        assert_eq!(findings::<AutomaticUpdates>(gather_from(&recorded("desktop-invaded"), now)), ["only-looks"]);
        assert_eq!(findings::<AutomaticUpdates>(gather_from(&recorded("laptop-guarded"), now)), ["automatic-on"]);
        all_is_said::<AutomaticUpdates>(vec![
            gather_from(&recorded("desktop-invaded"), now),
            gather_from(&recorded("container"), now),
            pc("uupd.timer", Some(0)),
            pc("uupd.timer", Some(99 * DAY)),
            pc("uupd.timer", None),
            pc("", None),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(apt in "(APT::Periodic::Unattended-Upgrade.*\n)*|.*", dnf in "apply_updates=.*|.*", age in any::<Option<u64>>()) {
            let inputs = Inputs { apt: vec![text(&apt)], dnf: vec![text(&dnf)], ostree: text(&dnf), ..pc(TIMERS[0].0, age) };
            told(AutomaticUpdates::ID, &AutomaticUpdates::judge(inputs));
        }
    }
}
