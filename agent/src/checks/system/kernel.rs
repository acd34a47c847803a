//! `system.kernel`: whether the core of the system is up to date and noticed no fault.
//!
//! The kernel marks itself ("taints") when something happened that makes it less to be trusted: its own
//! `Documentation/admin-guide/tainted-kernels.rst`. Of the start options only three known ones are looked for: the line
//! holds disk ids and may hold secrets, and never leaves.

use std::cmp::Ordering;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::machine::{Machine, Reading};
use crate::checks::{Check, Failure};

/// Bit, letter and meaning of each mark (`tainted-kernels.rst`).
const MARKS: [(u32, char, &str); 19] = [
    (0, 'P', "proprietary module"),
    (1, 'F', "module forced"),
    (2, 'S', "out of specification"),
    (3, 'R', "module removed by force"),
    (4, 'M', "machine check"),
    (5, 'B', "bad page"),
    (6, 'U', "set by a program"),
    (7, 'D', "died"),
    (8, 'A', "ACPI table replaced"),
    (9, 'W', "warning"),
    (10, 'C', "staging driver"),
    (11, 'I', "firmware fault worked around"),
    (12, 'O', "module from outside"),
    (13, 'E', "unsigned module"),
    (14, 'L', "soft lockup"),
    (15, 'K', "live patch"),
    (16, 'X', "auxiliary"),
    (17, 'T', "randomised structures"),
    (18, 'N', "test"),
];
/// Rows of the table.
const ROWS: usize = 40;

pub(crate) struct Kernel;

pub(crate) struct Inputs {
    version: Reading,
    tainted: Reading,
    modules: Reading,
    options: Reading,
    installed: Vec<String>,
}

impl Check for Kernel {
    const ID: &'static str = "system.kernel";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let version = inputs.version.as_ref().map_or("", |text| text.trim());
        if !version.is_empty() {
            draft.fact("version", version, "");
        }
        let marks = marks(&mut draft, &inputs.tainted);
        modules(&mut draft, &inputs.modules);
        if !inputs.installed.is_empty() {
            draft.fact("installed", inputs.installed.len() as u64, "");
        }
        if let Some(newer) = newer(version, &inputs.installed) {
            let evidence = format!("/usr/lib/modules has {newer}; {version} runs");
            draft.finding(Severity::Warning, "newer-waiting", &[("version", newer.into())], evidence);
        }
        options(&mut draft, &inputs.options);
        if marks && draft.findings.is_empty() {
            draft.finding(Severity::Ok, "kernel-ok", &[], format!("/proc/sys/kernel/tainted; {version} runs"));
        }
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    Inputs {
        version: machine.text("/proc/sys/kernel/osrelease"),
        tainted: machine.text("/proc/sys/kernel/tainted"),
        modules: machine.text("/proc/modules"),
        options: machine.text("/proc/cmdline"),
        installed: machine.names("/usr/lib/modules"),
    }
}

/// Whether the kernel told its marks.
fn marks(draft: &mut Draft, tainted: &Reading) -> bool {
    let number = match tainted {
        Ok(text) => text.trim().parse::<u64>().map_err(|_| "has no number".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let number = match number {
        Ok(number) => number,
        Err(why) => {
            draft.finding(Severity::Unknown, "kernel-unknown", &[], format!("/proc/sys/kernel/tainted {why}"));
            return false;
        }
    };
    let set: Vec<(char, &str)> =
        MARKS.iter().filter(|(bit, ..)| number >> bit & 1 == 1).map(|(_, letter, what)| (*letter, *what)).collect();
    if !set.is_empty() {
        draft.fact("marks", set.iter().map(|(_, what)| *what).collect::<Vec<_>>().join(", "), "");
    }
    for (letters, severity, finding) in [
        (['M', 'B'], Severity::Critical, "hardware-fault"),
        (['D', 'L'], Severity::Critical, "kernel-crashed"),
        (['W', 'W'], Severity::Warning, "kernel-warned"),
        (['F', 'R'], Severity::Warning, "driver-forced"),
    ] {
        let of: Vec<&str> = set.iter().filter(|(mark, _)| letters.contains(mark)).map(|(_, what)| *what).collect();
        if !of.is_empty() {
            draft.finding(severity, finding, &[], format!("/proc/sys/kernel/tainted {number}: {}", of.join(", ")));
        }
    }
    true
}

/// Lines `nvidia 56827904 12 nvidia_uvm,nvidia_modeset, Live 0x0000000000000000 (POE)`.
fn modules(draft: &mut Draft, modules: &Reading) {
    let Ok(text) = modules else { return };
    let foreign: Vec<Vec<Value>> = text
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.split_once(' ')?;
            let marks = rest.rsplit_once('(')?.1.strip_suffix(')')?;
            // A module that is just being loaded or removed has `+` or `-`: that is no mark.
            let marks: String = marks.chars().filter(char::is_ascii_uppercase).collect();
            (!marks.is_empty()).then(|| vec![name.into(), marks.into()])
        })
        .collect();
    draft.fact("modules", text.lines().count() as u64, "");
    draft.fact("foreign", foreign.len() as u64, "");
    if !foreign.is_empty() {
        draft.table("foreign", &["module", "marks"], foreign.into_iter().take(ROWS).collect());
    }
}

fn options(draft: &mut Draft, options: &Reading) {
    let has = |option: &str| options.as_ref().is_ok_and(|text| text.split_whitespace().any(|word| word == option));
    if has("nomodeset") {
        draft.finding(Severity::Warning, "safe-graphics", &[], "/proc/cmdline: nomodeset");
    }
    if let Some(option) = ["mitigations=off", "nopti"].into_iter().find(|option| has(option)) {
        draft.finding(Severity::Warning, "protections-off", &[], format!("/proc/cmdline: {option}"));
    }
}

/// The newest installed version, if it is newer than the one that runs and of the same flavour (`amd64`, `lts`).
fn newer(version: &str, installed: &[String]) -> Option<String> {
    if version.is_empty() {
        return None;
    }
    let newest = installed
        .iter()
        .filter(|other| flavour(other) == flavour(version))
        .max_by(|a, b| numbers(a).cmp(&numbers(b)))?;
    (numbers(newest).cmp(&numbers(version)) == Ordering::Greater).then(|| newest.clone())
}

/// The last word with a letter and no part of a number: `amd64` of `6.1.0-18-amd64`, nothing of `6.17.8-arch1-1`.
fn flavour(version: &str) -> &str {
    let last = version.rsplit(['-', '.']).next().unwrap_or("");
    if last.bytes().any(|byte| byte.is_ascii_alphabetic()) { last } else { "" }
}

/// The numbers of a version, in order, those of the flavour left out.
fn numbers(version: &str) -> Vec<u64> {
    let stem = version.strip_suffix(flavour(version)).unwrap_or(version);
    stem.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn with(tainted: u64, options: &str) -> Inputs {
        Inputs {
            version: Ok("6.1.0-18-amd64\n".into()),
            tainted: Ok(format!("{tainted}\n")),
            modules: Ok("snd 16384 1 - Live 0x0000000000000000\n".into()),
            options: Ok(options.to_owned()),
            installed: vec!["6.1.0-18-amd64".into()],
        }
    }

    #[test]
    fn each_mark_means_what_the_kernel_says() {
        for (bit, found) in [
            (0, "kernel-ok"),
            (1, "driver-forced"),
            (4, "hardware-fault"),
            (5, "hardware-fault"),
            (7, "kernel-crashed"),
            (9, "kernel-warned"),
            (12, "kernel-ok"),
            (14, "kernel-crashed"),
        ] {
            assert_eq!(findings::<Kernel>(with(1 << bit, "quiet")), [found], "{bit}");
        }
        assert!(MARKS.iter().enumerate().all(|(i, (bit, ..))| usize::try_from(*bit) == Ok(i)));
    }

    #[test]
    fn only_a_newer_one_of_the_same_flavour_waits() {
        let installed = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        for (version, others, waiting) in [
            ("6.1.0-18-amd64", installed(&["6.1.0-18-amd64", "6.1.0-20-amd64"]), Some("6.1.0-20-amd64")),
            ("6.1.0-9-amd64", installed(&["6.1.0-9-amd64", "6.1.0-10-amd64"]), Some("6.1.0-10-amd64")),
            ("6.1.0-20-amd64", installed(&["6.1.0-18-amd64", "6.1.0-20-amd64"]), None),
            ("6.12.58-1-lts", installed(&["6.12.58-1-lts", "6.17.8-arch1-1"]), None),
            ("5.15.0-91-generic", installed(&["5.15.0-91-generic", "5.15.0-119-generic"]), Some("5.15.0-119-generic")),
            ("6.17.8-300.fc43.x86_64", installed(&["6.17.9-300.fc43.x86_64"]), Some("6.17.9-300.fc43.x86_64")),
            ("", installed(&["6.1.0-18-amd64"]), None),
            ("6.1.0-18-amd64", vec![], None),
        ] {
            assert_eq!(newer(version, &others).as_deref(), waiting, "{version}");
        }
    }

    #[test]
    fn an_ill_server_is_told_and_its_start_line_stays_here() {
        let draft = Kernel::judge(gather_from(&recorded("server-ill")));
        let ids: Vec<&str> = draft.findings.iter().map(|finding| finding.id.as_str()).collect();
        assert_eq!(ids, ["kernel-crashed", "kernel-warned", "newer-waiting", "protections-off"]);
        assert!(!format!("{draft:?}").contains("UUID"));
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Kernel>(vec![
            gather_from(&recorded("server-ill")),
            with(0, "root=/dev/sda1 quiet"),
            with(u64::MAX, "nomodeset"),
            Inputs { tainted: Err(Unread::Absent), ..with(0, "") },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(
            version in "\\PC*|[0-9.a-z-]*", tainted in ".*|[0-9]{1,21}", modules in "(.*\n)*|[a-z]* [0-9]* \\(.*\\)",
            installed in prop::collection::vec("\\PC*|[0-9.a-z-]*", 0..4),
        ) {
            let inputs = Inputs { version: Ok(version), tainted: Ok(tainted), modules: Ok(modules), installed, ..with(0, "") };
            told(Kernel::ID, &Kernel::judge(inputs));
        }
    }
}
