//! `hardware.battery`: what is left of the battery, how worn it is, and whether it charges.
//!
//! Source: the kernel's `ABI/testing/sysfs-class-power`. Some batteries count energy (µWh), some charge (µAh). Serial
//! numbers are never read.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::figure::percent;
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Where the kernel keeps batteries and chargers.
const FOLDER: &str = "/sys/class/power_supply";
/// Percent of its first capacity below which a battery is worn: what makers of laptops and phones count as used up.
const WORN_PERCENT: f64 = 80.0;
/// And below which it is worn out and may give up without warning: where GNOME's power settings speak up.
const WORN_OUT_PERCENT: f64 = 50.0;
/// Percent left from which it is nearly empty: the usual warning of desktops (UPower's `PercentageLow` is 20, its
/// `PercentageCritical` 5).
const LOW_PERCENT: u64 = 10;
/// Percent above which a full battery rests although it is plugged in.
const RESTS_PERCENT: u64 = 90;

pub(crate) struct Battery;

pub(crate) struct Inputs {
    supplies: Vec<Supply>,
    chassis: Option<String>,
}

/// One battery or charger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Supply {
    name: String,
    battery: bool,
    /// Of a mouse or headphones, not of this computer.
    device: bool,
    online: Option<u8>,
    present: Option<u8>,
    status: Option<String>,
    /// Percent left.
    left: Option<u64>,
    full: Option<u64>,
    design: Option<u64>,
    now: Option<u64>,
    rate: Option<u64>,
    cycles: Option<u64>,
    /// Percent at which charging ends by a setting.
    ends: Option<u64>,
    model: Option<String>,
    technology: Option<String>,
}

impl Check for Battery {
    const ID: &'static str = "hardware.battery";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let own: Vec<&Supply> =
            inputs.supplies.iter().filter(|s| s.battery && !s.device && s.present != Some(0)).collect();
        let devices: Vec<&Supply> = inputs.supplies.iter().filter(|s| s.battery && s.device).collect();
        let plugged = inputs.supplies.iter().any(|supply| !supply.battery && supply.online.is_some_and(|on| on > 0));
        draft.fact("batteries", own.len() as u64, "");
        draft.fact("plugged", plugged, "");
        own.iter().for_each(|battery| judge_one(&mut draft, battery, plugged));
        for device in devices.iter().filter(|device| device.is_low()) {
            let left = device.left.unwrap_or(0);
            let values = [("device", device.model.clone().unwrap_or_default().into()), ("percent", left.into())];
            draft.finding(Severity::Warning, "device-low", &values, format!("{FOLDER}: {left} % left"));
        }
        // SMBIOS 3.7, 7.4.1: portable, laptop, notebook, convertible.
        let laptop = matches!(inputs.chassis.as_deref(), Some("8" | "9" | "10" | "14" | "31" | "32"));
        if own.is_empty() && laptop {
            draft.finding(Severity::Warning, "battery-missing", &[], format!("{FOLDER}: a laptop, and no battery"));
        } else if own.is_empty() && draft.findings.is_empty() {
            draft.finding(Severity::Unknown, "no-battery", &[], format!("{FOLDER} shows no battery"));
        } else if draft.findings.is_empty() {
            let evidence = own.iter().map(|battery| battery.figures()).collect::<Vec<_>>().join("; ");
            draft.finding(Severity::Ok, "battery-fine", &[], evidence);
        }
        let rows = own.iter().chain(&devices).map(|supply| supply.row()).collect();
        let columns =
            ["battery", "device", "model", "technology", "status", "left", "health", "cycles", "charge-limit", "hours"];
        draft.table("batteries", &columns, rows);
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    Inputs {
        supplies: machine.names(FOLDER).into_iter().filter_map(|name| Supply::read(machine, name)).collect(),
        chassis: machine.word("/sys/class/dmi/id/chassis_type"),
    }
}

fn judge_one(draft: &mut Draft, battery: &Supply, plugged: bool) {
    let evidence = format!("{FOLDER}/{}: {}", battery.name, battery.figures());
    match battery.health() {
        Some(health) if health < WORN_OUT_PERCENT => {
            draft.finding(Severity::Critical, "battery-worn-out", &[("percent", health.into())], evidence.clone());
        }
        Some(health) if health < WORN_PERCENT => {
            draft.finding(Severity::Warning, "battery-worn", &[("percent", health.into())], evidence.clone());
        }
        Some(_) => (),
        None => draft.finding(Severity::Unknown, "wear-unknown", &[], evidence.clone()),
    }
    let status = battery.status.as_deref().unwrap_or_default();
    let left = battery.left.unwrap_or(100);
    let enough = battery.ends.unwrap_or(100).min(RESTS_PERCENT);
    if plugged
        && matches!(status, "Discharging" | "Not charging")
        && left < enough
        && battery.ends.is_none_or(|e| e == 100)
    {
        draft.finding(Severity::Warning, "plugged-not-charging", &[("percent", left.into())], evidence);
    } else if !plugged && battery.is_low() {
        draft.finding(Severity::Warning, "battery-low", &[("percent", left.into())], evidence);
    }
}

impl Supply {
    fn read(machine: &Machine, name: String) -> Option<Self> {
        let file = |file: &str| format!("{FOLDER}/{name}/{file}");
        let kind = machine.word(&file("type"))?;
        // Energy where it is counted, else charge: never one of each.
        let unit = if machine.has(&file("energy_full")) { "energy" } else { "charge" };
        let amount = |end: &str| machine.number(&file(&format!("{unit}_{end}")));
        let rate = if unit == "energy" { "power_now" } else { "current_now" };
        Some(Self {
            battery: kind == "Battery",
            device: machine.word(&file("scope")).as_deref() == Some("Device"),
            online: machine.number(&file("online")),
            present: machine.number(&file("present")),
            status: machine.word(&file("status")),
            left: machine.number(&file("capacity")).filter(|percent| *percent <= 100),
            full: amount("full"),
            design: amount("full_design"),
            now: amount("now"),
            // Negative while it empties, with some drivers.
            rate: machine.number::<i64>(&file(rate)).map(i64::unsigned_abs),
            cycles: machine.number(&file("cycle_count")),
            ends: machine.number(&file("charge_control_end_threshold")).filter(|percent| (1..=100).contains(percent)),
            model: machine.word(&file("model_name")),
            technology: machine.word(&file("technology")),
            name,
        })
    }

    /// Percent of its first capacity that is left; new ones may have more.
    fn health(&self) -> Option<f64> {
        let (full, design) = self.full.zip(self.design)?;
        (design > 0 && full > 0).then(|| percent(full, design).min(100.0))
    }

    fn is_low(&self) -> bool {
        self.left.is_some_and(|left| left <= LOW_PERCENT) && self.status.as_deref() != Some("Charging")
    }

    /// Hours until it is empty, if it empties.
    #[expect(clippy::cast_precision_loss, reason = "tenths of an hour need no more than 52 bits")]
    fn hours(&self) -> Option<f64> {
        let (now, rate) = self.now.zip(self.rate)?;
        let empties = self.status.as_deref() == Some("Discharging") && rate > 0;
        empties.then(|| (now as f64 * 10.0 / rate as f64).round() / 10.0).filter(|hours| *hours < 1_000.0)
    }

    fn figures(&self) -> String {
        let figure = |figure: Option<u64>| figure.map_or_else(|| "?".to_owned(), |figure| figure.to_string());
        format!(
            "full {} of {}, {} cycles, {} % left, {}",
            figure(self.full),
            figure(self.design),
            figure(self.cycles.filter(|cycles| *cycles > 0)),
            figure(self.left),
            self.status.as_deref().unwrap_or("?"),
        )
    }

    fn row(&self) -> Vec<Value> {
        let text = |text: &Option<String>| Value::from(text.clone().unwrap_or_default());
        let number = |number: Option<u64>| number.map_or("".into(), Value::from);
        vec![
            self.name.clone().into(),
            self.device.into(),
            text(&self.model),
            text(&self.technology),
            text(&self.status),
            number(self.left),
            self.health().map_or("".into(), |health| health.round().into()),
            // Firmware that doesn't count says 0.
            number(self.cycles.filter(|cycles| *cycles > 0)),
            number(self.ends),
            self.hours().map_or("".into(), Into::into),
        ]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recording::{recording, unpacked};
    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    fn battery(full: u64, left: u64, status: &str, ends: Option<u64>, online: u8) -> Inputs {
        let battery = Supply {
            battery: true,
            status: Some(status.into()),
            left: Some(left),
            full: Some(full),
            design: Some(1_000),
            ends,
            ..Supply::default()
        };
        Inputs { supplies: vec![battery, Supply { online: Some(online), ..Supply::default() }], chassis: None }
    }

    #[test]
    fn batteries_of_several_computers() {
        let found = |name| findings::<Battery>(gather_from(&recording(name)));
        assert_eq!(found("laptop-fedora"), ["battery-fine"]);
        assert_eq!(found("laptop-worn"), ["battery-worn-out", "battery-low"]);
        assert_eq!(found("desktop-arch"), ["no-battery"]);
        let draft = Battery::judge(gather_from(&recording("laptop-worn")));
        let row = &draft.tables[0].rows[0];
        assert_eq!((&row[6], &row[7]), (&45.0.into(), &Value::Integer(1_041)));
        assert_eq!(row[9], 0.1.into());
        assert!(!format!("{draft:?}").contains("1503"), "a serial number");
        assert_eq!(Battery::judge(gather_from(&recording("laptop-fedora"))).tables[0].rows.len(), 2);
    }

    #[test]
    fn wear_below_at_and_above_its_limits() {
        for (full, found) in [
            (499, "battery-worn-out"),
            (500, "battery-worn"),
            (799, "battery-worn"),
            (800, "battery-fine"),
            (1_100, "battery-fine"),
            (0, "wear-unknown"),
        ] {
            assert_eq!(findings::<Battery>(battery(full, 50, "Charging", None, 1)), [found], "{full}");
        }
    }

    #[test]
    fn charging_and_what_is_left_below_at_and_above_their_limits() {
        for (left, status, ends, online, found) in [
            (89, "Not charging", None, 1, "plugged-not-charging"),
            (89, "Discharging", Some(100), 1, "plugged-not-charging"),
            (90, "Not charging", None, 1, "battery-fine"),
            (60, "Not charging", Some(80), 1, "battery-fine"),
            (50, "Charging", None, 1, "battery-fine"),
            (11, "Discharging", None, 0, "battery-fine"),
            (10, "Discharging", None, 0, "battery-low"),
            (9, "Discharging", None, 0, "battery-low"),
        ] {
            assert_eq!(findings::<Battery>(battery(1_000, left, status, ends, online)), [found], "{left} {status}");
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let mouse =
            Supply { battery: true, device: true, left: Some(5), model: Some("M720".into()), ..Supply::default() };
        all_is_said::<Battery>(vec![
            gather_from(&recording("laptop-fedora")),
            gather_from(&recording("laptop-worn")),
            gather_from(&recording("desktop-arch")),
            gather_from(&unpacked("/sys/class/dmi/id/chassis_type = 10\n")),
            battery(700, 50, "Discharging", None, 1),
            battery(0, 50, "Charging", None, 1),
            Inputs { supplies: vec![mouse], chassis: None },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in ".*", a in any::<Option<u64>>(), b in any::<Option<u64>>(), left in 0_u64..101, device in any::<bool>()) {
            let supply = Supply {
                name: text.clone(), battery: true, device, status: Some("Discharging".into()), left: Some(left), full: a, design: b,
                now: a, rate: b, cycles: a, model: Some(text), ..Supply::default()
            };
            told(Battery::ID, &Battery::judge(Inputs { supplies: vec![supply], chassis: Some("10".into()) }));
        }
    }
}
