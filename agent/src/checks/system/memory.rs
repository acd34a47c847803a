//! `system.memory`: whether memory is enough for what is open.
//!
//! Free memory alone says little on Linux, which uses all of it; what counts is `MemAvailable` and the time in which work
//! stood still for want of memory.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use crate::checks::figure::{percent, size, tenths};
use crate::checks::machine::{Machine, Reading};
use crate::checks::pressure::Pressure;
use crate::checks::{Check, Failure};

/// Percent of a minute in which some program waited. The example of the kernel's `psi.rst` raises its alarm there
/// (150 ms in a second).
const WAITS_PERCENT: f64 = 15.0;
/// Percent of a minute in which everything waited: six seconds of a computer that doesn't answer. Our choice, between the
/// alarm of `psi.rst` for `full` (5 %) and the point where systemd-oomd starts to end programs (60 %).
const STALLS_PERCENT: f64 = 10.0;
/// Percent of memory available where earlyoom, by default, asks programs to end.
const LOW_PERCENT: f64 = 10.0;
/// Percent of memory available where earlyoom, by default, ends them by force.
const EXHAUSTED_PERCENT: f64 = 5.0;
/// Percent of swap in use; systemd-oomd starts to end programs at 90.
const SWAP_PERCENT: f64 = 80.0;

pub(crate) struct Memory;

pub(crate) struct Inputs {
    memory: Reading,
    pressure: Reading,
    counters: Reading,
}

impl Check for Memory {
    const ID: &'static str = "system.memory";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let known = amounts(&mut draft, &inputs.memory);
        stalls(&mut draft, &inputs.pressure);
        closed_programs(&mut draft, &inputs.counters);
        if known && draft.findings.iter().all(|finding| finding.severity == Severity::Unknown) {
            let evidence = inputs.memory.ok().and_then(|text| line(&text, "MemAvailable:")).unwrap_or_default();
            draft.finding(Severity::Ok, "memory-ok", &[], format!("/proc/meminfo {evidence}"));
        }
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    Inputs {
        memory: machine.text("/proc/meminfo"),
        pressure: machine.text("/proc/pressure/memory"),
        counters: machine.text("/proc/vmstat"),
    }
}

/// Whether there were amounts to judge.
fn amounts(draft: &mut Draft, memory: &Reading) -> bool {
    let text = match memory {
        Ok(text) => text,
        Err(error) => {
            draft.finding(Severity::Unknown, "memory-unknown", &[], format!("/proc/meminfo {error}"));
            return false;
        }
    };
    let (Some(total), Some(available)) = (bytes(text, "MemTotal:"), bytes(text, "MemAvailable:")) else {
        draft.finding(Severity::Unknown, "memory-unknown", &[], "/proc/meminfo has no MemTotal or MemAvailable");
        return false;
    };
    draft.fact("total", total, "bytes");
    draft.fact("available", available, "bytes");
    let share = percent(available, total);
    draft.fact("available-share", tenths(share), "%");
    let evidence = format!("/proc/meminfo {}", line(text, "MemAvailable:").unwrap_or_default());
    let left = [("available", size(available).into())];
    if share <= EXHAUSTED_PERCENT {
        draft.finding(Severity::Critical, "memory-exhausted", &left, evidence);
    } else if share <= LOW_PERCENT {
        draft.finding(Severity::Warning, "memory-low", &left, evidence);
    }
    if let (Some(total), Some(free)) = (bytes(text, "SwapTotal:"), bytes(text, "SwapFree:")) {
        let used = total.saturating_sub(free);
        draft.fact("swap-total", total, "bytes");
        draft.fact("swap-used", used, "bytes");
        if percent(used, total) >= SWAP_PERCENT {
            let evidence = format!("/proc/meminfo {}", line(text, "SwapFree:").unwrap_or_default());
            draft.finding(Severity::Warning, "swap-full", &[("percent", percent(used, total).into())], evidence);
        }
    }
    true
}

fn stalls(draft: &mut Draft, pressure: &Reading) {
    let pressure = match pressure {
        Ok(text) => Pressure::parse(text).ok_or("has no averages".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    match pressure {
        Ok(Pressure { some, full }) => {
            draft.fact("waiting", some, "%");
            draft.fact("stalled", full, "%");
            if full >= STALLS_PERCENT {
                let evidence = format!("/proc/pressure/memory full avg60={full:.2}");
                draft.finding(Severity::Critical, "memory-stalls", &[("percent", full.into())], evidence);
            } else if some >= WAITS_PERCENT {
                let evidence = format!("/proc/pressure/memory some avg60={some:.2}");
                draft.finding(Severity::Warning, "memory-waits", &[("percent", some.into())], evidence);
            }
        }
        Err(why) => {
            draft.finding(Severity::Unknown, "pressure-unknown", &[], format!("/proc/pressure/memory {why}"));
        }
    }
}

fn closed_programs(draft: &mut Draft, counters: &Reading) {
    let count =
        counters.as_ref().ok().and_then(|text| line(text, "oom_kill ")?.split_whitespace().nth(1)?.parse::<u64>().ok());
    if let Some(count) = count {
        draft.fact("closed-programs", count, "");
        if count > 0 {
            let evidence = format!("/proc/vmstat oom_kill {count}");
            draft.finding(Severity::Warning, "programs-closed", &[("count", count.into())], evidence);
        }
    }
}

fn bytes(text: &str, key: &str) -> Option<u64> {
    line(text, key)?.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib.saturating_mul(1024))
}

fn line(text: &str, key: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn with(available: u64, swap_free: u64, some: f64, full: f64) -> Inputs {
        Inputs {
            memory: Ok(format!(
                "MemTotal: 1000 kB\nMemAvailable: {available} kB\nSwapTotal: 1000 kB\nSwapFree: {swap_free} kB\n"
            )),
            pressure: Ok(format!("some avg10=0 avg60={some:.2} x\nfull avg10=0 avg60={full:.2} x\n")),
            counters: Ok("oom_kill 0\n".to_owned()),
        }
    }

    #[test]
    fn a_laptop_without_memory_left() {
        let findings = findings::<Memory>(gather_from(&recorded("laptop-full")));
        assert_eq!(findings, ["memory-exhausted", "memory-stalls", "swap-full", "programs-closed"]);
        assert_eq!(self::findings::<Memory>(gather_from(&recorded("desktop-fine"))), ["memory-ok"]);
    }

    #[test]
    fn every_limit_below_at_and_above() {
        for (inputs, found) in [
            (with(101, 1000, 0.0, 0.0), "memory-ok"),
            (with(100, 1000, 0.0, 0.0), "memory-low"),
            (with(51, 1000, 0.0, 0.0), "memory-low"),
            (with(50, 1000, 0.0, 0.0), "memory-exhausted"),
            (with(0, 1000, 0.0, 0.0), "memory-exhausted"),
            (with(500, 201, 0.0, 0.0), "memory-ok"),
            (with(500, 200, 0.0, 0.0), "swap-full"),
            (with(500, 0, 0.0, 0.0), "swap-full"),
            (with(500, 1000, 14.99, 0.0), "memory-ok"),
            (with(500, 1000, 15.0, 0.0), "memory-waits"),
            (with(500, 1000, 90.0, 9.99), "memory-waits"),
            (with(500, 1000, 90.0, 10.0), "memory-stalls"),
        ] {
            assert_eq!(findings::<Memory>(inputs), [found]);
        }
    }

    #[test]
    fn no_swap_is_no_full_swap() {
        let mut inputs = with(500, 0, 0.0, 0.0);
        inputs.memory = inputs.memory.map(|text| text.replace("SwapTotal: 1000", "SwapTotal: 0"));
        assert_eq!(findings::<Memory>(inputs), ["memory-ok"]);
    }

    #[test]
    fn everything_declared_is_said() {
        let silent =
            || Inputs { memory: Err(Unread::Absent), pressure: Err(Unread::Absent), counters: Err(Unread::Absent) };
        assert_eq!(findings::<Memory>(silent()), ["memory-unknown", "pressure-unknown"]);
        assert!(told(Memory::ID, &Memory::judge(silent())).is_unknown());
        all_is_said::<Memory>(vec![
            gather_from(&recorded("laptop-full")),
            gather_from(&recorded("desktop-fine")),
            with(80, 1000, 20.0, 0.0),
            silent(),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(a in "(Mem(Total|Available):.*\n)*", b in "((some|full).*\n)*", c in "(oom_kill .*)?") {
            told(Memory::ID, &Memory::judge(Inputs { memory: Ok(a), pressure: Ok(b), counters: Ok(c) }));
        }
    }
}
