//! `hardware.cpu`: how busy the processor is, and how hot the parts are.

use std::time::Duration;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::hwmon::{Sensor, sensors};
use crate::checks::figure::{percent, tenths};
use crate::checks::machine::{Machine, Reading};
use crate::checks::pressure::Pressure;
use crate::checks::{Check, Failure};

/// How long the processor is watched.
const SAMPLE: Duration = Duration::from_millis(500);
/// Percent in use from which the processor is full. Our choice; a short peak is normal, hence only a warning.
const FULL_PERCENT: f64 = 90.0;
/// Percent of the last minute in which programs waited for it (`psi.rst`: `some`). Our choice: a quarter.
const WAITS_PERCENT: f64 = 25.0;

pub(crate) struct Cpu;

pub(crate) struct Inputs {
    before: Reading,
    after: Reading,
    load: Reading,
    pressure: Reading,
    sensors: Vec<Sensor>,
    /// Times the cores were slowed down by heat.
    slowed: Vec<u64>,
}

impl Check for Cpu {
    const ID: &'static str = "hardware.cpu";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let machine = Machine::this();
        let before = machine.text("/proc/stat");
        std::thread::sleep(SAMPLE);
        Ok(Inputs { before, ..gather_from(&machine) })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let known = busy(&mut draft, &inputs);
        let mut slowed = None;
        if !inputs.slowed.is_empty() {
            let times = inputs.slowed.iter().fold(0_u64, |sum, n| sum.saturating_add(*n));
            draft.fact("slowed", times, "");
            slowed = Some(times);
        }
        let hottest = temperatures(&mut draft, &inputs.sensors, slowed);
        if draft.findings.iter().all(|finding| finding.severity == Severity::Unknown) {
            let share = known.map(|share| format!("/proc/stat: {share:.0} % in use"));
            match (share, hottest) {
                (Some(share), Some(hottest)) => {
                    draft.finding(Severity::Ok, "cpu-ok", &[], format!("{share}; at most {hottest:.0} °C"));
                }
                (Some(share), None) => draft.finding(Severity::Ok, "busy-ok", &[], share),
                (None, _) => {}
            }
        }
        draft
    }
}

/// One look, with the first look of the processor's counters missing.
fn gather_from(machine: &Machine) -> Inputs {
    let cores = machine.names("/sys/devices/system/cpu");
    let slowed =
        |core: String| machine.number(&format!("/sys/devices/system/cpu/{core}/thermal_throttle/core_throttle_count"));
    Inputs {
        before: Ok("cpu  0 0 0 0\n".to_owned()),
        after: machine.text("/proc/stat"),
        load: machine.text("/proc/loadavg"),
        pressure: machine.text("/proc/pressure/cpu"),
        sensors: sensors(machine),
        slowed: cores.into_iter().filter_map(slowed).collect(),
    }
}

/// Share in use, if it could be told.
fn busy(draft: &mut Draft, inputs: &Inputs) -> Option<f64> {
    let cores = inputs.after.as_ref().ok().map_or(0, |text| {
        let core = |line: &&str| line.starts_with("cpu") && !line.starts_with("cpu ");
        text.lines().filter(core).count() as u64
    });
    if cores > 0 {
        draft.fact("cores", cores, "");
    }
    let load = inputs.load.as_ref().ok().and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    if let Some(load) = load {
        draft.fact("load", load, "");
    }
    let waits = inputs.pressure.as_ref().ok().and_then(|text| Pressure::parse(text));
    if let Some(Pressure { some, .. }) = waits {
        draft.fact("waiting", some, "%");
        if some >= WAITS_PERCENT {
            let evidence = format!("/proc/pressure/cpu some avg60={some:.2}");
            draft.finding(Severity::Warning, "processor-waits", &[("percent", some.into())], evidence);
        }
    }
    let ticks = |reading: &Reading| ticks(reading.as_ref().ok()?);
    let Some((before, after)) = ticks(&inputs.before).zip(ticks(&inputs.after)) else {
        draft.finding(Severity::Unknown, "busy-unknown", &[], "/proc/stat has no cpu line");
        return None;
    };
    let (all, idle) = (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1));
    let share = percent(all.saturating_sub(idle), all);
    draft.fact("busy", tenths(share), "%");
    if share >= FULL_PERCENT {
        let evidence = format!("/proc/stat: {idle} of {all} ticks idle");
        draft.finding(Severity::Warning, "processor-full", &[("percent", share.into())], evidence);
    }
    Some(share)
}

/// All ticks and idle ones (proc(5): user nice system idle iowait irq softirq steal).
fn ticks(text: &str) -> Option<(u64, u64)> {
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line.split_whitespace().take(8).map_while(|word| word.parse().ok()).collect();
    let idle = ticks.get(3)?.saturating_add(ticks.get(4).copied().unwrap_or(0));
    Some((ticks.iter().fold(0, |sum, n| sum.saturating_add(*n)), idle))
}

/// Highest temperature, if there is a sensor that can be believed.
fn temperatures(draft: &mut Draft, sensors: &[Sensor], slowed: Option<u64>) -> Option<f64> {
    let believed: Vec<&Sensor> = sensors.iter().filter(|s| s.is_plausible()).collect();
    let Some(hottest) = believed.iter().map(|s| s.degrees()).max_by(f64::total_cmp) else {
        let evidence = format!("/sys/class/hwmon and /sys/class/thermal: {} sensors, none usable", sensors.len());
        draft.finding(Severity::Unknown, "no-sensors", &[], evidence);
        return None;
    };
    draft.fact("hottest", tenths(hottest), "°C");
    for sensor in &believed {
        let (now, too_hot) = (sensor.degrees(), sensor.too_hot());
        let values = [("sensor", sensor.name.clone().into()), ("temperature", now.into())];
        let times = slowed.map_or_else(String::new, |times| format!("; slowed down {times} times"));
        let evidence = format!("{}: {now:.0} °C, dangerous from {too_hot:.0} °C{times}", sensor.name);
        if now >= too_hot {
            draft.finding(Severity::Critical, "too-hot", &values, evidence);
        } else if now >= sensor.hot() {
            draft.finding(Severity::Warning, "hot", &values, evidence);
        }
    }
    let row = |s: &&Sensor| -> Vec<Value> {
        vec![s.name.clone().into(), tenths(s.degrees()).into(), s.limit().map_or("".into(), Into::into)]
    };
    draft.table("sensors", &["sensor", "temperature", "limit"], believed.iter().map(row).collect());
    Some(hottest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn idle(sensors: Vec<Sensor>) -> Inputs {
        Inputs { sensors, ..gather_from(&recorded("desktop-fine")) }
    }

    fn sensor(value: i64, max: Option<i64>, critical: Option<i64>) -> Sensor {
        Sensor { name: "coretemp Core 0".into(), value, max, critical }
    }

    #[test]
    fn a_laptop_that_is_hot_and_busy() {
        let inputs = gather_from(&recorded("laptop-full"));
        assert_eq!(findings::<Cpu>(inputs), ["too-hot", "processor-waits", "processor-full"]);
        assert_eq!(findings::<Cpu>(gather_from(&recorded("desktop-fine"))), ["cpu-ok"]);
    }

    #[test]
    fn temperatures_below_at_and_above_their_limits() {
        for (value, max, critical, found) in [
            (84_999, None, None, "cpu-ok"),
            (85_000, None, None, "hot"),
            (94_999, None, None, "hot"),
            (95_000, None, None, "too-hot"),
            (149_999, None, None, "too-hot"),
            (79_999, Some(80_000), Some(100_000), "cpu-ok"),
            (80_000, Some(80_000), Some(100_000), "hot"),
            (94_999, Some(100_000), Some(100_000), "hot"),
            (95_000, Some(100_000), Some(100_000), "too-hot"),
            (69_000, Some(70_000), Some(1_000), "cpu-ok"),
            (150_000, None, None, "no-sensors"),
            (999, None, None, "no-sensors"),
            (-55_000, None, None, "no-sensors"),
        ] {
            assert!(findings::<Cpu>(idle(vec![sensor(value, max, critical)])).contains(&found.to_owned()), "{value}");
        }
    }

    #[test]
    fn use_below_at_and_above_its_limits() {
        for (work, waits, found) in [
            (899, 24.99, "cpu-ok"),
            (900, 0.0, "processor-full"),
            (1000, 0.0, "processor-full"),
            (0, 25.0, "processor-waits"),
            (0, 25.01, "processor-waits"),
        ] {
            let inputs = Inputs {
                after: Ok(format!("cpu  {work} 0 0 {} 0 0 0 0\n", 1000 - work)),
                pressure: Ok(format!("some avg10=0.00 avg60={waits} x\n")),
                ..idle(vec![sensor(40_000, None, None)])
            };
            assert_eq!(findings::<Cpu>(inputs), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Cpu>(vec![
            gather_from(&recorded("laptop-full")),
            gather_from(&recorded("desktop-fine")),
            idle(vec![]),
            idle(vec![sensor(90_000, None, None)]),
            Inputs { after: Err(Unread::Absent), ..idle(vec![]) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(a in "cpu ([0-9]{1,25} ){0,9}|.*", b in ".*", n in any::<i64>(), m in any::<Option<i64>>()) {
            told(Cpu::ID, &Cpu::judge(Inputs {
                before: Ok("cpu 1 2 3 4".into()), after: Ok(a), load: Ok(b.clone()), pressure: Ok(b),
                sensors: vec![sensor(n, m, m), sensor(n % 200_000, m, None), sensor(50_000, None, m)], slowed: vec![u64::MAX, 1],
            }));
        }
    }
}
