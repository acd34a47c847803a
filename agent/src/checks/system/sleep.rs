//! `system.sleep`: whether the computer can sleep, and whether it woke up when it did.
//!
//! The kernel counts since the start which step failed and which part made it fail (`Documentation/ABI/testing/sysfs-power`).
//! What wakes it up isn't looked at.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use crate::checks::machine::{Machine, Reading};
use crate::checks::{Check, Failure};

/// Failures from which sleep doesn't work: a single one may be a program that just held it up.
const FAILURES: u64 = 2;
/// Percent of the memory that the swap needs for switching off with everything kept: the kernel aims at an image of two
/// fifths (`image_size` in sysfs-power).
const IMAGE_PERCENT: u64 = 40;
/// Links to nothing that switch a way of sleeping off: systemctl(1), `mask`.
const MASKS: [&str; 3] = [
    "/etc/systemd/system/sleep.target",
    "/etc/systemd/system/suspend.target",
    "/etc/systemd/system/systemd-suspend.service",
];

pub(crate) struct Sleep;

pub(crate) struct Inputs {
    states: Reading,
    mode: Option<String>,
    disk: Option<String>,
    success: Option<u64>,
    fail: Option<u64>,
    failed_step: Option<String>,
    failed_part: Option<String>,
    masked: Option<&'static str>,
    memory: Reading,
}

impl Check for Sleep {
    const ID: &'static str = "system.sleep";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let states = match &inputs.states {
            Ok(states) => states,
            Err(error) => {
                draft.finding(Severity::Unknown, "sleep-unknown", &[], format!("/sys/power/state {error}"));
                return draft;
            }
        };
        let has = |state: &str| states.split_whitespace().any(|word| word == state);
        let suspend = has("mem") || has("standby") || has("freeze");
        let hibernate = has("disk") && inputs.disk.as_deref().is_some_and(|disk| disk != "[disabled]");
        draft.fact("suspend", suspend, "");
        draft.fact("hibernate", hibernate, "");
        if let Some(mode) = inputs.mode.as_deref().and_then(chosen) {
            draft.fact("mode", mode, "");
        }
        let (slept, failed) = (inputs.success.unwrap_or(0), inputs.fail.unwrap_or(0));
        if inputs.success.is_some() {
            draft.fact("slept", slept, "");
            draft.fact("failed", failed, "");
        }
        if failed > 0 {
            if let Some(step) = inputs.failed_step.clone() {
                draft.fact("failed-step", step, "");
            }
            if let Some(part) = inputs.failed_part.clone() {
                draft.fact("failed-part", part, "");
            }
        }
        if failed >= FAILURES {
            let step = inputs.failed_step.as_deref().unwrap_or("step not kept");
            let evidence = format!("/sys/power/suspend_stats: {failed} failed, {slept} well; last: {step}");
            draft.finding(Severity::Warning, "sleep-failed", &[("count", failed.into())], evidence);
        }
        if let Some(mask) = inputs.masked {
            draft.finding(Severity::Warning, "sleep-forbidden", &[], format!("{mask} is a link to /dev/null"));
        }
        if hibernate && let Some((swap, memory)) = amounts(&inputs.memory) {
            // No swap at all is a choice: then nobody expects it to work.
            if swap > 0 && swap < memory / 100 * IMAGE_PERCENT {
                let evidence = format!("/proc/meminfo: SwapTotal {swap} kB, MemTotal {memory} kB");
                draft.finding(Severity::Warning, "hibernate-too-big", &[], evidence);
            }
        }
        if draft.findings.is_empty() {
            let evidence = format!("/sys/power/state: {}; {slept} well, {failed} failed", states.trim());
            if !suspend && !hibernate {
                draft.finding(Severity::Ok, "no-sleep", &[], evidence);
            } else if slept > 0 {
                draft.finding(Severity::Ok, "sleep-ok", &[("count", slept.into())], evidence);
            } else {
                draft.finding(Severity::Ok, "sleep-untried", &[], evidence);
            }
        }
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let stats = |file: &str| format!("/sys/power/suspend_stats/{file}");
    // Like every reading of a link to /dev/null: the link itself is looked at, never what it leads to.
    let masked = |path: &&&str| {
        std::fs::read_link(machine.path(path)).is_ok_and(|target| target == std::path::Path::new("/dev/null"))
    };
    Inputs {
        states: machine.text("/sys/power/state"),
        mode: machine.word("/sys/power/mem_sleep"),
        disk: machine.word("/sys/power/disk"),
        success: machine.number(&stats("success")),
        fail: machine.number(&stats("fail")),
        failed_step: machine.word(&stats("last_failed_step")),
        failed_part: machine.word(&stats("last_failed_dev")),
        masked: MASKS.iter().find(masked).copied(),
        memory: machine.text("/proc/meminfo"),
    }
}

/// The word in brackets: `s2idle [deep]`.
fn chosen(text: &str) -> Option<&'static str> {
    let word = text.split_once('[')?.1.split_once(']')?.0;
    ["s2idle", "shallow", "deep"].into_iter().find(|known| *known == word)
}

/// Swap and memory in kB.
fn amounts(memory: &Reading) -> Option<(u64, u64)> {
    let text = memory.as_ref().ok()?;
    let kib = |key: &str| -> Option<u64> {
        text.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
    };
    Some((kib("SwapTotal:")?, kib("MemTotal:")?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn with(states: &str, success: u64, fail: u64) -> Inputs {
        Inputs {
            states: Ok(states.to_owned()),
            mode: Some("s2idle [deep]".into()),
            disk: Some("[platform] shutdown reboot suspend test_resume".into()),
            success: Some(success),
            fail: Some(fail),
            failed_step: Some("suspend".into()),
            failed_part: None,
            masked: None,
            memory: Ok("MemTotal: 1000 kB\nSwapTotal: 1000 kB\n".into()),
        }
    }

    #[test]
    fn failures_below_at_and_above() {
        for (states, success, fail, found) in [
            ("freeze mem disk", 3, FAILURES - 1, "sleep-ok"),
            ("freeze mem disk", 3, FAILURES, "sleep-failed"),
            ("freeze mem disk", 3, FAILURES + 1, "sleep-failed"),
            ("freeze mem disk", 0, 0, "sleep-untried"),
            ("", 0, 0, "no-sleep"),
        ] {
            assert_eq!(findings::<Sleep>(with(states, success, fail)), [found], "{states} {fail}");
        }
    }

    #[test]
    fn swap_for_everything_below_at_and_above() {
        for (swap, found) in [(0, "sleep-ok"), (399, "hibernate-too-big"), (400, "sleep-ok"), (401, "sleep-ok")] {
            let memory = Ok(format!("MemTotal: 1000 kB\nSwapTotal: {swap} kB\n"));
            assert_eq!(findings::<Sleep>(Inputs { memory, ..with("mem disk", 1, 0) }), [found], "{swap}");
        }
        let disabled = Inputs {
            disk: Some("[disabled]".into()),
            memory: Ok("MemTotal: 9 kB\nSwapTotal: 1 kB\n".into()),
            ..with("mem disk", 1, 0)
        };
        assert_eq!(findings::<Sleep>(disabled), ["sleep-ok"]);
    }

    #[test]
    fn a_laptop_that_wakes_up_badly() {
        let report = told(Sleep::ID, &Sleep::judge(gather_from(&recorded("arch-laptop"))));
        assert_eq!(report.findings[0].id, "sleep-failed");
        let fact = |key: &str| report.facts.iter().find(|fact| fact.key == key).map(|fact| fact.value.to_string());
        assert_eq!(fact("mode").as_deref(), Some("s2idle"));
        assert_eq!(fact("failed-part").as_deref(), Some("0000:01:00.0"));
    }

    #[test]
    fn a_mask_is_a_link_to_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let units = folder.path().join("etc/systemd/system");
        std::fs::create_dir_all(&units).unwrap();
        let masked = || gather_from(&Machine::at(folder.path())).masked;
        assert_eq!(masked(), None);
        std::os::unix::fs::symlink("/dev/null", units.join("suspend.target")).unwrap();
        assert_eq!(masked(), Some("/etc/systemd/system/suspend.target"));
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Sleep>(vec![
            gather_from(&recorded("arch-laptop")),
            with("mem", 2, 0),
            with("mem", 0, 0),
            with("", 0, 0),
            Inputs { masked: Some(MASKS[0]), ..with("mem", 0, 0) },
            Inputs { memory: Ok("MemTotal: 1000 kB\nSwapTotal: 1 kB\n".into()), ..with("disk", 0, 0) },
            Inputs { states: Err(Unread::Absent), ..with("", 0, 0) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(a in ".*|(mem|disk| )*", b in any::<Option<String>>(), memory in "((MemTotal|SwapTotal): [0-9]{1,21} kB\n)*", n in any::<u64>()) {
            let inputs = Inputs { mode: b.clone(), disk: b.clone(), failed_part: b.clone(), failed_step: b, memory: Ok(memory), ..with(&a, n, n) };
            told(Sleep::ID, &Sleep::judge(inputs));
        }
    }
}
