//! `hardware.radio-switches`: whether Wi-Fi, Bluetooth and mobile data are switched off, by a key or by a setting.
//!
//! Source: the kernel's `ABI/stable/sysfs-class-rfkill`. *hard* is a switch or the firmware, *soft* a setting.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Where the kernel keeps switches.
const FOLDER: &str = "/sys/class/rfkill";

pub(crate) struct RadioSwitches;

pub(crate) struct Inputs {
    switches: Vec<Switch>,
}

/// One switch of one radio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Switch {
    /// `wlan`, `bluetooth`, `wwan` …
    pub(super) kind: String,
    pub(super) soft: bool,
    pub(super) hard: bool,
}

impl Check for RadioSwitches {
    const ID: &'static str = "hardware.radio-switches";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(Inputs { switches: Switch::all(&Machine::this()) })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if inputs.switches.is_empty() {
            draft.finding(Severity::Unknown, "no-radio", &[], format!("{FOLDER} shows no radio"));
            return draft;
        }
        draft.fact("radios", inputs.switches.len() as u64, "");
        let row = |s: &Switch| -> Vec<Value> { vec![s.radio().into(), s.soft.into(), s.hard.into()] };
        draft.table("radios", &["radio", "setting", "switch"], inputs.switches.iter().map(row).collect());
        let mut radios: Vec<&str> = inputs.switches.iter().map(Switch::radio).collect();
        radios.sort_unstable();
        radios.dedup();
        for radio in radios {
            let own = || inputs.switches.iter().filter(|switch| switch.radio() == radio);
            let values = [("radio", radio.into())];
            if own().any(|switch| switch.hard) {
                draft.finding(Severity::Warning, "switched-off", &values, format!("{FOLDER}: {radio} hard=1"));
            } else if own().any(|switch| switch.soft) {
                draft.finding(Severity::Warning, "turned-off", &values, format!("{FOLDER}: {radio} soft=1"));
            }
        }
        if draft.findings.is_empty() {
            let evidence = format!("{FOLDER}: {} radios, none blocked", inputs.switches.len());
            draft.finding(Severity::Ok, "radios-on", &[], evidence);
        }
        draft
    }
}

impl Switch {
    /// Every switch.
    pub(super) fn all(machine: &Machine) -> Vec<Self> {
        let switch = |name: String| {
            let flag = |file: &str| machine.number::<u8>(&format!("{FOLDER}/{name}/{file}")) == Some(1);
            Some(Self { kind: machine.word(&format!("{FOLDER}/{name}/type"))?, soft: flag("soft"), hard: flag("hard") })
        };
        machine.names(FOLDER).into_iter().filter_map(switch).collect()
    }

    fn radio(&self) -> &str {
        match self.kind.as_str() {
            "wlan" => "Wi-Fi",
            "bluetooth" => "Bluetooth",
            "wwan" => "4G/5G",
            "gps" => "GPS",
            "nfc" => "NFC",
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recording::recording;
    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    fn of(name: &str) -> Inputs {
        Inputs { switches: Switch::all(&recording(name)) }
    }

    #[test]
    fn switches_of_several_computers() {
        assert_eq!(findings::<RadioSwitches>(of("laptop-fedora")), ["radios-on"]);
        // Bluetooth by a setting, Wi-Fi by a key: the key comes first, whatever the setting says.
        assert_eq!(findings::<RadioSwitches>(of("laptop-worn")), ["turned-off", "switched-off"]);
        assert_eq!(findings::<RadioSwitches>(of("server-debian")), ["no-radio"]);
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<RadioSwitches>(vec![of("laptop-fedora"), of("laptop-worn"), of("server-debian")]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(kinds in prop::collection::vec((".*", any::<bool>(), any::<bool>()), 0..9)) {
            let switches = kinds.into_iter().map(|(kind, soft, hard)| Switch { kind, soft, hard }).collect();
            told(RadioSwitches::ID, &RadioSwitches::judge(Inputs { switches }));
        }
    }
}
