//! `hardware.thunderbolt`: docks, disks and displays on Thunderbolt, and whether the computer has let them in.
//!
//! Source: the kernel's `ABI/testing/sysfs-bus-thunderbolt`. What isn't let in gets power and shows nothing, which looks
//! like a broken dock. The numbers that name one device (`unique_id`) are never read.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Where the kernel keeps them: `domain0` a controller, `0-0` the computer itself, `0-1` what is plugged in.
const FOLDER: &str = "/sys/bus/thunderbolt/devices";

pub(crate) struct Thunderbolt;

pub(crate) struct Inputs {
    controllers: u64,
    devices: Vec<Device>,
    security: Option<String>,
}

/// What is plugged in.
struct Device {
    place: String,
    maker: String,
    model: String,
    /// 0: not let in.
    authorized: u8,
    /// `20.0 Gb/s`.
    speed: Option<String>,
}

impl Check for Thunderbolt {
    const ID: &'static str = "hardware.thunderbolt";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if inputs.controllers == 0 {
            draft.finding(Severity::Unknown, "no-thunderbolt", &[], format!("{FOLDER} shows no controller"));
            return draft;
        }
        draft.fact("devices", inputs.devices.len() as u64, "");
        if let Some(security) = &inputs.security {
            draft.fact("security", security.clone(), "");
        }
        for device in inputs.devices.iter().filter(|device| device.authorized == 0) {
            let name = format!("{} {}", device.maker, device.model);
            let evidence = format!("{FOLDER}/{}/authorized: 0", device.place);
            draft.finding(Severity::Warning, "not-let-in", &[("device", name.trim().into())], evidence);
        }
        if draft.findings.is_empty() {
            let evidence = format!("{FOLDER}: {} devices, all let in", inputs.devices.len());
            draft.finding(Severity::Ok, "all-let-in", &[("count", (inputs.devices.len() as u64).into())], evidence);
        }
        let row = |device: &Device| -> Vec<Value> {
            vec![
                device.place.clone().into(),
                device.maker.clone().into(),
                device.model.clone().into(),
                (device.authorized > 0).into(),
                device.speed.clone().unwrap_or_default().into(),
            ]
        };
        draft.table(
            "devices",
            &["place", "maker", "model", "let-in", "speed"],
            inputs.devices.iter().map(row).collect(),
        );
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let names = machine.names(FOLDER);
    let device = |place: &String| {
        let word = |file: &str| machine.word(&format!("{FOLDER}/{place}/{file}"));
        // Route 0 is the computer's own end; names with a dot or a colon are services and ends of cables.
        let (domain, route) = place.split_once('-')?;
        if domain.parse::<u8>().is_err() || route == "0" || route.contains(['.', ':']) {
            return None;
        }
        Some(Device {
            authorized: word("authorized")?.parse().ok()?,
            maker: word("vendor_name").unwrap_or_default(),
            model: word("device_name").unwrap_or_default(),
            speed: word("rx_speed"),
            place: place.clone(),
        })
    };
    Inputs {
        controllers: names.iter().filter(|name| name.starts_with("domain")).count() as u64,
        devices: names.iter().filter_map(device).collect(),
        security: machine.word(&format!("{FOLDER}/domain0/security")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recording::{recording, unpacked};
    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    #[test]
    fn a_dock_that_was_not_let_in_is_named() {
        let draft = Thunderbolt::judge(gather_from(&recording("laptop-fedora")));
        let row = &draft.tables[0].rows;
        assert_eq!(row.len(), 1, "neither the computer's own end nor a cable's");
        assert_eq!(row[0][..4], ["0-1".into(), "Lenovo".into(), "ThinkPad Thunderbolt 3 Dock".into(), true.into()]);
        assert!(!format!("{draft:?}").contains("00c54f10"), "what names one device");
        let shut = format!("{FOLDER}/domain0/security = user\n{FOLDER}/0-1/authorized = 0\n");
        assert_eq!(findings::<Thunderbolt>(gather_from(&unpacked(&shut))), ["not-let-in"]);
    }

    #[test]
    fn everything_declared_is_said() {
        let shut = format!("{FOLDER}/domain0/security = user\n{FOLDER}/0-1/authorized = 0\n");
        all_is_said::<Thunderbolt>(vec![
            gather_from(&recording("laptop-fedora")),
            gather_from(&unpacked(&shut)),
            gather_from(&unpacked("")),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in ".*", authorized in any::<u8>()) {
            let device = Device { place: text.clone(), maker: text.clone(), model: text.clone(), authorized, speed: Some(text.clone()) };
            told(Thunderbolt::ID, &Thunderbolt::judge(Inputs { controllers: 1, devices: vec![device], security: Some(text) }));
        }
    }
}
