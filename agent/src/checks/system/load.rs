//! `system.load`: whether there is more work than the processor, the disks and the memory can do.
//!
//! The load counts what runs and what waits for a disk, so it is compared with the cores and explained by the time that
//! programs really waited. Which programs they are isn't looked at: `system.processes` does that, if the person agrees.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use crate::checks::figure::tenths;
use crate::checks::machine::{Machine, Reading};
use crate::checks::pressure::Pressure;
use crate::checks::{Check, Failure};

/// Load for each core, over 15 minutes, from which the computer is saturated: the alarm `NodeSystemSaturation` of
/// Prometheus' node-mixin.
const LOAD_PER_CORE: f64 = 2.0;
/// Percent of a minute in which some program waited for the processor. The same as in `hardware.cpu`.
const PROCESSOR_PERCENT: f64 = 25.0;
/// Percent of a minute in which some program waited for a disk. Our choice: one program that copies is normal and reaches
/// less, because it also has to work.
const DISK_PERCENT: f64 = 40.0;
/// Percent of a minute in which some program waited for memory: the example of the kernel's `psi.rst`.
const MEMORY_PERCENT: f64 = 15.0;

pub(crate) struct Load;

pub(crate) struct Inputs {
    load: Reading,
    stat: Reading,
    processor: Reading,
    disk: Reading,
    memory: Reading,
}

impl Check for Load {
    const ID: &'static str = "system.load";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let known = load(&mut draft, &inputs);
        waits(&mut draft, &inputs);
        if let Some(evidence) = known
            && draft.findings.iter().all(|finding| finding.severity == Severity::Unknown)
        {
            draft.finding(Severity::Ok, "load-ok", &[], evidence);
        }
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    Inputs {
        load: machine.text("/proc/loadavg"),
        stat: machine.text("/proc/stat"),
        processor: machine.text("/proc/pressure/cpu"),
        disk: machine.text("/proc/pressure/io"),
        memory: machine.text("/proc/pressure/memory"),
    }
}

/// The evidence, if there was a load to judge.
fn load(draft: &mut Draft, inputs: &Inputs) -> Option<String> {
    let core = |line: &&str| line.starts_with("cpu") && !line.starts_with("cpu ");
    let cores = inputs.stat.as_ref().map_or(0, |text| text.lines().filter(core).take(8_192).count());
    let cores = u32::try_from(cores).unwrap_or(0);
    if cores > 0 {
        draft.fact("cores", cores, "");
    }
    let text = match &inputs.load {
        Ok(text) => text,
        Err(error) => {
            draft.finding(Severity::Unknown, "load-unknown", &[], format!("/proc/loadavg {error}"));
            return None;
        }
    };
    let number = |word: &str| word.parse::<f64>().ok().filter(|load| (0.0..1e9).contains(load));
    let averages: Vec<f64> = text.split_whitespace().take(3).map_while(number).collect();
    let [one, five, fifteen] = averages[..] else {
        draft.finding(Severity::Unknown, "load-unknown", &[], "/proc/loadavg has no three averages");
        return None;
    };
    for (key, average) in [("load-1", one), ("load-5", five), ("load-15", fifteen)] {
        draft.fact(key, average, "");
    }
    let evidence = format!("/proc/loadavg: {one:.2} {five:.2} {fifteen:.2}; {cores} cores");
    if cores == 0 {
        draft.finding(Severity::Unknown, "load-unknown", &[], format!("{evidence} in /proc/stat"));
        return None;
    }
    let times = fifteen / f64::from(cores);
    if times >= LOAD_PER_CORE {
        draft.finding(Severity::Warning, "load-high", &[("times", tenths(times).into())], evidence.clone());
    }
    Some(evidence)
}

fn waits(draft: &mut Draft, inputs: &Inputs) {
    let mut unknown = Vec::new();
    for (what, reading, waiting, stalled, limit, finding) in [
        ("cpu", &inputs.processor, "processor-waiting", None, PROCESSOR_PERCENT, "processor-waits"),
        ("io", &inputs.disk, "disk-waiting", Some("disk-stalled"), DISK_PERCENT, "disk-waits"),
        ("memory", &inputs.memory, "memory-waiting", Some("memory-stalled"), MEMORY_PERCENT, "memory-waits"),
    ] {
        let Some(pressure) = reading.as_ref().ok().and_then(|text| Pressure::parse(text)) else {
            let why = reading.as_ref().map_or_else(ToString::to_string, |_| "has no averages".to_owned());
            unknown.push(format!("/proc/pressure/{what} {why}"));
            continue;
        };
        draft.fact(waiting, pressure.some, "%");
        if let Some(stalled) = stalled {
            draft.fact(stalled, pressure.full, "%");
        }
        if pressure.some >= limit {
            let evidence = format!("/proc/pressure/{what} some avg60={:.2}", pressure.some);
            draft.finding(Severity::Warning, finding, &[("percent", pressure.some.into())], evidence);
        }
    }
    if !unknown.is_empty() {
        draft.finding(Severity::Unknown, "waits-unknown", &[], unknown.join("; "));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn with(fifteen: f64, processor: f64, disk: f64, memory: f64) -> Inputs {
        let some = |percent: f64| Ok(format!("some avg10=0.00 avg60={percent:.2} avg300=0.00 total=1\n"));
        Inputs {
            load: Ok(format!("0.10 0.20 {fifteen:.2} 1/812 40121\n")),
            stat: Ok("cpu  1 2\ncpu0 1 2\ncpu1 1 2\nintr 1\n".to_owned()),
            processor: some(processor),
            disk: some(disk),
            memory: some(memory),
        }
    }

    #[test]
    fn every_limit_below_at_and_above() {
        for (inputs, found) in [
            (with(3.99, 0.0, 0.0, 0.0), "load-ok"),
            (with(4.0, 0.0, 0.0, 0.0), "load-high"),
            (with(40.0, 0.0, 0.0, 0.0), "load-high"),
            (with(0.0, 24.99, 39.99, 14.99), "load-ok"),
            (with(0.0, 25.0, 0.0, 0.0), "processor-waits"),
            (with(0.0, 26.0, 0.0, 0.0), "processor-waits"),
            (with(0.0, 0.0, 40.0, 0.0), "disk-waits"),
            (with(0.0, 0.0, 90.0, 0.0), "disk-waits"),
            (with(0.0, 0.0, 0.0, 15.0), "memory-waits"),
            (with(0.0, 0.0, 0.0, 50.0), "memory-waits"),
        ] {
            assert_eq!(findings::<Load>(inputs), [found]);
        }
    }

    #[test]
    fn recorded_machines_are_told_apart() {
        let found = findings::<Load>(gather_from(&recorded("laptop-full")));
        assert!(found.contains(&"load-high".to_owned()) && found.contains(&"processor-waits".to_owned()));
        assert_eq!(findings::<Load>(gather_from(&recorded("server-ill")))[..2], ["load-high", "disk-waits"]);
    }

    #[test]
    fn everything_declared_is_said() {
        let silent = || Inputs {
            load: Err(Unread::Absent),
            stat: Err(Unread::Absent),
            processor: Err(Unread::Absent),
            disk: Ok("some\n".to_owned()),
            memory: Err(Unread::Denied),
        };
        assert!(told(Load::ID, &Load::judge(silent())).is_unknown());
        let no_cores = Inputs { stat: Ok(String::new()), ..with(1.0, 0.0, 0.0, 0.0) };
        assert_eq!(findings::<Load>(no_cores), ["load-unknown"]);
        all_is_said::<Load>(vec![
            with(1.0, 1.0, 1.0, 1.0),
            with(9.0, 90.0, 90.0, 90.0),
            silent(),
            gather_from(&recorded("server-ill")),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(a in ".*|([0-9.e-]{1,9} ){0,4}", b in "(cpu.*\n)*", c in "((some|full).*\n)*") {
            let inputs = Inputs { load: Ok(a), stat: Ok(b), processor: Ok(c.clone()), disk: Ok(c.clone()), memory: Ok(c) };
            told(Load::ID, &Load::judge(inputs));
        }
    }
}
