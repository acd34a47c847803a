//! `hardware.temperatures`: how hot each part is against its own limit, and whether heat or weak power slows the computer.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::hwmon::{Sensor, sensors};
use crate::checks::figure::tenths;
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Most findings of hot parts; the table has the rest.
const FINDINGS: usize = 4;
/// Percent of the time since the start that a core was slowed by heat. Our choice: short peaks are normal.
const SLOWED_PERCENT: f64 = 1.0;
/// Times an hour a core was slowed by heat, where the kernel counts no time. Our choice: once a minute.
const SLOWED_AN_HOUR: f64 = 60.0;

pub(crate) struct Temperatures;

pub(crate) struct Inputs {
    sensors: Vec<Sensor>,
    cores: Vec<Slowed>,
    /// `/proc/uptime`.
    uptime: Option<String>,
    /// Boards without a battery that measure their supply: 1 is too low now (`rpi_volt`).
    weak_power: bool,
}

/// How often and how long a core was slowed (the kernel's `arch/x86/kernel/cpu/mce/therm_throt.c`).
#[derive(Clone, Copy, Debug, Default)]
struct Slowed {
    times: u64,
    milliseconds: Option<u64>,
}

impl Check for Temperatures {
    const ID: &'static str = "hardware.temperatures";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let mut believed: Vec<&Sensor> = inputs.sensors.iter().filter(|sensor| sensor.is_plausible()).collect();
        believed.sort_by(|a, b| (b.degrees() - b.too_hot()).total_cmp(&(a.degrees() - a.too_hot())));
        if let Some(hottest) = believed.iter().map(|sensor| sensor.degrees()).max_by(f64::total_cmp) {
            draft.fact("hottest", tenths(hottest), "°C");
        }
        for sensor in believed.iter().filter(|sensor| sensor.degrees() >= sensor.hot()).take(FINDINGS) {
            let values = [("part", sensor.part().into()), ("temperature", tenths(sensor.degrees()).into())];
            let (severity, id) = if sensor.degrees() >= sensor.too_hot() {
                (Severity::Critical, "part-too-hot")
            } else {
                (Severity::Warning, "part-hot")
            };
            let evidence =
                format!("{}: {:.0} °C, dangerous from {:.0} °C", sensor.name, sensor.degrees(), sensor.too_hot());
            draft.finding(severity, id, &values, evidence);
        }
        slowed(&mut draft, &inputs);
        if inputs.weak_power {
            draft.finding(Severity::Warning, "weak-power", &[], "/sys/class/hwmon: rpi_volt in0_lcrit_alarm 1");
        }
        if draft.findings.is_empty() && believed.is_empty() {
            let evidence =
                format!("/sys/class/hwmon, /sys/class/thermal: {} sensors, none usable", inputs.sensors.len());
            draft.finding(Severity::Unknown, "no-sensors", &[], evidence);
        } else if draft.findings.is_empty() {
            let evidence = format!("{} sensors, all below their limits", believed.len());
            draft.finding(Severity::Ok, "temperatures-fine", &[], evidence);
        }
        let row = |s: &&Sensor| -> Vec<Value> {
            let limit = s.limit().map_or("".into(), |limit| tenths(limit).into());
            vec![s.name.clone().into(), s.part().into(), tenths(s.degrees()).into(), limit]
        };
        draft.table("sensors", &["sensor", "part", "temperature", "limit"], believed.iter().map(row).collect());
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let folder = "/sys/devices/system/cpu";
    let core = |name: String| {
        let file = |end: &str| machine.number(&format!("{folder}/{name}/thermal_throttle/core_throttle_{end}"));
        Some(Slowed { times: file("count")?, milliseconds: file("total_time_ms") })
    };
    let weak = |chip: String| {
        let folder = format!("/sys/class/hwmon/{chip}");
        machine.word(&format!("{folder}/name")).as_deref() == Some("rpi_volt")
            && machine.number::<u8>(&format!("{folder}/in0_lcrit_alarm")) == Some(1)
    };
    Inputs {
        sensors: sensors(machine),
        cores: machine.names(folder).into_iter().filter_map(core).collect(),
        uptime: machine.text("/proc/uptime").ok(),
        weak_power: machine.names("/sys/class/hwmon").into_iter().any(weak),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share of time needs no more than 52 bits")]
fn slowed(draft: &mut Draft, inputs: &Inputs) {
    let Some(times) = inputs.cores.iter().map(|core| core.times).max() else { return };
    draft.fact("slowed", times, "");
    let uptime = inputs.uptime.as_deref().and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    let Some(uptime) = uptime.filter(|seconds| *seconds >= 1.0 && seconds.is_finite()) else { return };
    let longest = inputs.cores.iter().filter_map(|core| core.milliseconds).max();
    let (share, too_much) = match longest {
        Some(longest) => {
            let share = longest as f64 / 10.0 / uptime;
            (Some(share), share >= SLOWED_PERCENT)
        }
        None => (None, times as f64 * 3_600.0 / uptime >= SLOWED_AN_HOUR),
    };
    if let Some(share) = share {
        draft.fact("slowed-share", tenths(share.min(100.0)), "%");
    }
    if too_much {
        let evidence = format!("thermal_throttle: {times} times, {} ms in {uptime:.0} s", longest.unwrap_or(0));
        draft.finding(Severity::Warning, "slowed-by-heat", &[("times", times.into())], evidence);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recording::{recording, unpacked};
    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    fn cores(times: u64, milliseconds: Option<u64>) -> Inputs {
        Inputs {
            cores: vec![Slowed { times, milliseconds }],
            uptime: Some("3600.00 1.0".into()),
            ..gather_from(&recording("desktop-arch"))
        }
    }

    #[test]
    fn temperatures_of_several_computers() {
        let found = |name| findings::<Temperatures>(gather_from(&recording(name)));
        assert_eq!(found("laptop-fedora"), ["temperatures-fine"]);
        assert_eq!(found("laptop-worn"), ["part-too-hot", "part-too-hot", "slowed-by-heat"]);
        assert_eq!(found("desktop-arch"), ["temperatures-fine"]);
        assert_eq!(found("raspberry-pi"), ["weak-power"]);
        assert_eq!(found("vm-ubuntu"), ["no-sensors"]);
        let draft = Temperatures::judge(gather_from(&recording("desktop-arch")));
        let parts: Vec<String> = draft.tables[0].rows.iter().map(|row| row[1].to_string()).collect();
        assert_eq!(parts.iter().filter(|part| *part == "processor").count(), 2);
        assert!(!format!("{draft:?}").contains("AUXTIN0"), "a sensor that isn't connected");
    }

    #[test]
    fn time_and_times_slowed_below_at_and_above_their_limits() {
        for (times, milliseconds, found) in [
            (9_999, Some(35_999), "temperatures-fine"),
            (1, Some(36_000), "slowed-by-heat"),
            (1, Some(36_001), "slowed-by-heat"),
            (59, None, "temperatures-fine"),
            (60, None, "slowed-by-heat"),
        ] {
            assert_eq!(findings::<Temperatures>(cores(times, milliseconds)), [found], "{times} {milliseconds:?}");
        }
    }

    #[test]
    fn findings_below_at_and_above_their_number() {
        let hot = Sensor { name: "nvme".into(), value: 90_000, max: None, critical: None };
        for (count, found) in [(3, 3), (4, 4), (5, 4)] {
            let inputs = Inputs { sensors: vec![hot.clone(); count], ..gather_from(&unpacked("")) };
            assert_eq!(findings::<Temperatures>(inputs), vec!["part-hot"; found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let hot = Sensor { name: "amdgpu edge".into(), value: 90_000, max: None, critical: None };
        all_is_said::<Temperatures>(vec![
            gather_from(&recording("laptop-fedora")),
            gather_from(&recording("laptop-worn")),
            gather_from(&recording("raspberry-pi")),
            gather_from(&recording("vm-ubuntu")),
            Inputs { sensors: vec![hot], ..gather_from(&unpacked("")) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(name in ".*", n in any::<i64>(), m in any::<Option<i64>>(), a in any::<u64>(), b in any::<Option<u64>>(), uptime in "[0-9.einf]{0,12}") {
            let sensors = vec![
                Sensor { name: name.clone(), value: n, max: m, critical: m },
                Sensor { name, value: n % 200_000, max: m, critical: None },
            ];
            told(Temperatures::ID, &Temperatures::judge(Inputs {
                sensors, cores: vec![Slowed { times: a, milliseconds: b }], uptime: Some(uptime), weak_power: false,
            }));
        }
    }
}
