//! `hardware.processor`: which processor it is, its cores and speeds, and whether something holds it back.
//!
//! How busy and how hot it is at this moment is `hardware.cpu`'s.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use crate::checks::figure::percent;
use crate::checks::machine::{Machine, Reading};
use crate::checks::{Check, Failure};

/// Where the kernel keeps processors.
const FOLDER: &str = "/sys/devices/system/cpu";
/// Percent of its top speed that a setting must leave it. Our choice: power savers on battery set half or less.
const SPEED_PERCENT: f64 = 90.0;

pub(crate) struct Processor;

pub(crate) struct Inputs {
    info: Reading,
    /// Lists of numbers: `0-7`.
    present: Option<String>,
    online: Option<String>,
    threads_off: bool,
    driver: Option<String>,
    governor: Option<String>,
    /// In kHz.
    top: Option<u64>,
    allowed: Option<u64>,
    /// The two drivers' switches for short peaks of speed: `intel_pstate/no_turbo`, `cpufreq/boost`.
    no_turbo: Option<u8>,
    boost: Option<u8>,
    cache: Option<String>,
}

impl Check for Processor {
    const ID: &'static str = "hardware.processor";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let info = inputs.info.as_deref().unwrap_or_default();
        let model = field(info, "model name").or_else(|| field(info, "Model")).or_else(|| field(info, "uarch"));
        let numbers = |list: &Option<String>| list.as_deref().and_then(count);
        let present = numbers(&inputs.present);
        if model.is_none() && present.is_none() {
            draft.finding(Severity::Unknown, "processor-unknown", &[], "/proc/cpuinfo names no processor");
            return draft;
        }
        let mut word = |key: &str, value: Option<&str>| value.into_iter().for_each(|value| draft.fact(key, value, ""));
        word("model", model);
        word("microcode", field(info, "microcode"));
        word("cache", inputs.cache.as_deref());
        word("driver", inputs.driver.as_deref());
        word("governor", inputs.governor.as_deref());
        let flags = field(info, "flags").unwrap_or_default();
        draft.fact("virtual", flags.split(' ').any(|flag| flag == "hypervisor"), "");
        if let Some(cores) = cores(info) {
            draft.fact("cores", cores, "");
        }
        if let Some(present) = present {
            draft.fact("threads", present, "");
        }
        if let Some(top) = inputs.top {
            draft.fact("top-speed", top / 1_000, "MHz");
        }
        held_back(&mut draft, &inputs);
        if let Some((present, online)) = present.zip(numbers(&inputs.online))
            && online < present
            && !inputs.threads_off
        {
            let evidence = format!("{FOLDER}/online: {online} of {present}");
            draft.finding(Severity::Warning, "cores-off", &[("count", (present - online).into())], evidence);
        }
        if draft.findings.is_empty() {
            let evidence = format!("/proc/cpuinfo: {}", model.unwrap_or("no model name"));
            draft.finding(Severity::Ok, "processor-free", &[], evidence);
        }
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let speed = format!("{FOLDER}/cpu0/cpufreq");
    let cache = |index: String| {
        let folder = format!("{FOLDER}/cpu0/cache/{index}");
        Some((machine.number::<u8>(&format!("{folder}/level"))?, machine.word(&format!("{folder}/size"))?))
    };
    let caches = machine.names(&format!("{FOLDER}/cpu0/cache")).into_iter().filter_map(cache);
    Inputs {
        info: machine.text("/proc/cpuinfo"),
        present: machine.word(&format!("{FOLDER}/present")),
        online: machine.word(&format!("{FOLDER}/online")),
        threads_off: machine.word(&format!("{FOLDER}/smt/active")).as_deref() == Some("0"),
        driver: machine.word(&format!("{speed}/scaling_driver")),
        governor: machine.word(&format!("{speed}/scaling_governor")),
        top: machine.number(&format!("{speed}/cpuinfo_max_freq")),
        allowed: machine.number(&format!("{speed}/scaling_max_freq")),
        no_turbo: machine.number(&format!("{FOLDER}/intel_pstate/no_turbo")),
        boost: machine.number(&format!("{FOLDER}/cpufreq/boost")),
        cache: caches.max().map(|(level, size)| format!("L{level} {size}")),
    }
}

/// Settings that keep it below what it can (the kernel's `admin-guide/pm/cpufreq.rst` and `intel_pstate.rst`).
fn held_back(draft: &mut Draft, inputs: &Inputs) {
    if let Some((top, allowed)) = inputs.top.zip(inputs.allowed)
        && top > 0
        && percent(allowed, top) < SPEED_PERCENT
    {
        let values = [("allowed", (allowed / 1_000).into()), ("top", (top / 1_000).into())];
        let evidence = format!("{FOLDER}/cpu0/cpufreq/scaling_max_freq: {allowed} of {top} kHz");
        draft.finding(Severity::Warning, "speed-limited", &values, evidence);
    }
    if inputs.no_turbo == Some(1) {
        draft.finding(Severity::Warning, "turbo-off", &[], format!("{FOLDER}/intel_pstate/no_turbo: 1"));
    } else if inputs.boost == Some(0) {
        draft.finding(Severity::Warning, "turbo-off", &[], format!("{FOLDER}/cpufreq/boost: 0"));
    }
}

/// The first such line of `/proc/cpuinfo`.
fn field<'a>(info: &'a str, key: &str) -> Option<&'a str> {
    let value = |line: &'a str| {
        let (name, value) = line.split_once(':')?;
        (name.trim_end() == key).then_some(value.trim())
    };
    info.lines().find_map(value).filter(|value| !value.is_empty())
}

/// Cores of one chip times chips.
fn cores(info: &str) -> Option<u64> {
    let each: u64 = field(info, "cpu cores")?.parse().ok()?;
    let chip = |line: &str| line.strip_prefix("physical id").map(|rest| rest.trim_matches([' ', '\t', ':']).to_owned());
    let chips: std::collections::BTreeSet<String> = info.lines().filter_map(chip).collect();
    Some(each.saturating_mul(chips.len().max(1) as u64))
}

/// How many numbers are in a list such as `0-3,6` (the kernel's `core-api/cpu_hotplug.rst`).
fn count(list: &str) -> Option<u64> {
    let mut sum = 0_u64;
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        sum = sum.saturating_add(last.checked_sub(first)?.saturating_add(1));
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recording::{recording, unpacked};
    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    #[test]
    fn processors_of_several_computers() {
        for (name, found) in [
            ("laptop-fedora", "processor-free"),
            ("laptop-worn", "speed-limited"),
            ("desktop-arch", "processor-free"),
            ("server-debian", "processor-free"),
            ("vm-ubuntu", "processor-free"),
            ("raspberry-pi", "processor-free"),
        ] {
            assert_eq!(findings::<Processor>(gather_from(&recording(name)))[0], found, "{name}");
        }
        let draft = Processor::judge(gather_from(&recording("server-debian")));
        let fact = |key: &str| draft.facts.iter().find(|f| f.key == key).map(|f| f.value.to_string());
        assert_eq!((fact("cores").as_deref(), fact("threads").as_deref()), (Some("4"), Some("8")));
        let pi = Processor::judge(gather_from(&recording("raspberry-pi")));
        assert!(!format!("{pi:?}").contains("10000000abcdef01"), "a serial number");
    }

    #[test]
    fn lists_of_numbers_are_counted() {
        for (list, expected) in
            [("0", Some(1)), ("0-7", Some(8)), ("0-3,6", Some(5)), ("", None), ("7-0", None), ("a-b", None)]
        {
            assert_eq!(count(list), expected, "{list}");
        }
    }

    #[test]
    fn speed_below_at_and_above_its_limit() {
        for (allowed, found) in [(899, "speed-limited"), (900, "processor-free"), (1000, "processor-free")] {
            let inputs = Inputs { top: Some(1000), allowed: Some(allowed), ..gather_from(&recording("laptop-fedora")) };
            assert_eq!(findings::<Processor>(inputs), [found]);
        }
    }

    #[test]
    fn cores_that_are_off_are_found_unless_threads_are_off_on_purpose() {
        for (threads_off, found) in [(false, "cores-off"), (true, "processor-free")] {
            let inputs = Inputs { online: Some("0-5".into()), threads_off, ..gather_from(&recording("laptop-fedora")) };
            assert_eq!(findings::<Processor>(inputs), [found]);
        }
        for (no_turbo, boost) in [(Some(1), None), (None, Some(0))] {
            let inputs = Inputs { no_turbo, boost, ..gather_from(&recording("laptop-fedora")) };
            assert_eq!(findings::<Processor>(inputs), ["turbo-off"]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let laptop = || gather_from(&recording("laptop-fedora"));
        all_is_said::<Processor>(vec![
            laptop(),
            gather_from(&recording("laptop-worn")),
            Inputs { no_turbo: Some(1), online: Some("0".into()), ..laptop() },
            gather_from(&unpacked("")),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(info in "((model name|cpu cores|physical id|flags)\t*: .*\n)*", list in "[0-9,-]{0,40}", a in any::<u64>(), b in any::<u64>()) {
            told(Processor::ID, &Processor::judge(Inputs {
                info: Ok(info.clone()), present: Some(list.clone()), online: Some(list), threads_off: false, driver: Some(info),
                governor: None, top: Some(a), allowed: Some(b), no_turbo: None, boost: Some(0), cache: None,
            }));
        }
    }
}
