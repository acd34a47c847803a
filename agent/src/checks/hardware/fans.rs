//! `hardware.fans`: which fans turn, and whether one that should doesn't.
//!
//! A fan that stands still is normal in a cool computer, and a connector without a fan measures 0 too: only a fan its chip
//! complains about, or stillness in the heat, is a fault.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::hwmon::{Fan, Sensor, fans, sensors};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Degrees Celsius of the processor at which a fan must turn. Our choice: every maker's fans turn far below.
const HOT: f64 = 80.0;

pub(crate) struct Fans;

pub(crate) struct Inputs {
    fans: Vec<Fan>,
    sensors: Vec<Sensor>,
}

impl Check for Fans {
    const ID: &'static str = "hardware.fans";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if inputs.fans.is_empty() {
            draft.finding(Severity::Unknown, "no-fans", &[], "/sys/class/hwmon shows no fan");
            return draft;
        }
        let turning = inputs.fans.iter().filter(|fan| fan.turns > 0).count() as u64;
        draft.fact("fans", inputs.fans.len() as u64, "");
        draft.fact("turning", turning, "");
        let processor = |s: &&Sensor| s.is_plausible() && s.part() == "processor";
        let hottest = inputs.sensors.iter().filter(processor).map(Sensor::degrees).max_by(f64::total_cmp);
        if let Some(hottest) = hottest.filter(|hottest| turning == 0 && *hottest >= HOT) {
            let evidence = format!("/sys/class/hwmon: 0 turns a minute at {hottest:.0} °C");
            draft.finding(Severity::Critical, "still-in-the-heat", &[("temperature", hottest.into())], evidence);
        }
        for fan in inputs.fans.iter().filter(|fan| fan.alarm || fan.turns < fan.least) {
            let evidence = format!("{}: {} turns a minute, at least {}", fan.name, fan.turns, fan.least);
            draft.finding(Severity::Warning, "fan-too-slow", &[("fan", fan.name.clone().into())], evidence);
        }
        if draft.findings.is_empty() {
            let id = if turning > 0 { "fans-turn" } else { "fans-rest" };
            let evidence = format!("/sys/class/hwmon: {turning} of {} turn", inputs.fans.len());
            draft.finding(Severity::Ok, id, &[], evidence);
        }
        let row = |fan: &Fan| -> Vec<Value> { vec![fan.name.clone().into(), fan.turns.into(), fan.alarm.into()] };
        draft.table("fans", &["fan", "turns", "alarm"], inputs.fans.iter().map(row).collect());
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    Inputs { fans: fans(machine), sensors: sensors(machine) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recording::recording;
    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    fn of(name: &str) -> Inputs {
        gather_from(&recording(name))
    }

    #[test]
    fn fans_of_several_computers() {
        for (name, found) in [
            ("laptop-fedora", "fans-turn"),
            ("laptop-worn", "still-in-the-heat"),
            ("desktop-arch", "fans-turn"),
            ("server-debian", "fan-too-slow"),
            ("vm-ubuntu", "no-fans"),
        ] {
            assert_eq!(findings::<Fans>(of(name)), [found], "{name}");
        }
    }

    #[test]
    fn stillness_below_at_and_above_the_heat() {
        for (value, found) in [(79_999, "fans-rest"), (80_000, "still-in-the-heat"), (80_001, "still-in-the-heat")] {
            let sensor = Sensor { name: "coretemp Package id 0".into(), value, max: None, critical: None };
            let inputs = Inputs { fans: vec![Fan::default()], sensors: vec![sensor] };
            assert_eq!(findings::<Fans>(inputs), [found]);
        }
    }

    #[test]
    fn turns_below_at_and_above_the_fewest() {
        for (turns, found) in [(599, "fan-too-slow"), (600, "fans-turn"), (601, "fans-turn")] {
            let fan = Fan { turns, least: 600, ..Fan::default() };
            assert_eq!(findings::<Fans>(Inputs { fans: vec![fan], sensors: vec![] }), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let rest = Inputs { fans: vec![Fan::default()], sensors: vec![] };
        all_is_said::<Fans>(vec![of("laptop-fedora"), of("laptop-worn"), of("server-debian"), of("vm-ubuntu"), rest]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(name in ".*", turns in any::<u64>(), least in any::<u64>(), value in any::<i64>()) {
            let sensor = Sensor { name: format!("cpu{name}"), value: value % 300_000, max: None, critical: None };
            told(Fans::ID, &Fans::judge(Inputs { fans: vec![Fan { name, turns, least, alarm: false }], sensors: vec![sensor] }));
        }
    }
}
