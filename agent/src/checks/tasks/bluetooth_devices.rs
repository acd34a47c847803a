//! `tasks.bluetooth-devices`: whether Bluetooth is on, and which kinds of paired devices are connected.
//!
//! Of a device only its kind is told (headset, mouse, phone) and its battery: names and addresses, which say whose it is,
//! stay here. Nothing is searched for, and a service that is off isn't started.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::machine::Machine;
use crate::checks::tool::{self, Answer, Silence};
use crate::checks::{Check, Failure};

/// Longest wait for the Bluetooth service.
const LIMIT: Duration = Duration::from_secs(3);
/// Percent of its battery from which a device soon goes silent. Desktops warn at 20 and 10; between.
const BATTERY_LOW: u64 = 15;
/// Everything BlueZ knows; it isn't started for this.
const ARGUMENTS: [&str; 8] = [
    "--system",
    "--auto-start=no",
    "--json=short",
    "call",
    "org.bluez",
    "/",
    "org.freedesktop.DBus.ObjectManager",
    "GetManagedObjects",
];
/// Kinds of devices: freedesktop.org's names of icons, as BlueZ gives them, and a word.
const KINDS: [(&str, &str); 16] = [
    ("audio-card", "audio"),
    ("audio-headphones", "headphones"),
    ("audio-headset", "headset"),
    ("camera-photo", "camera"),
    ("camera-video", "camera"),
    ("computer", "computer"),
    ("input-gaming", "gamepad"),
    ("input-keyboard", "keyboard"),
    ("input-mouse", "mouse"),
    ("input-tablet", "tablet"),
    ("modem", "modem"),
    ("multimedia-player", "player"),
    ("network-wireless", "network"),
    ("phone", "phone"),
    ("printer", "printer"),
    ("video-display", "screen"),
];

pub(crate) struct BluetoothDevices;

pub(crate) struct Inputs {
    adapters: usize,
    /// Soft and hard switches of Bluetooth.
    switches: Vec<(bool, bool)>,
    answer: Option<Result<Answer, Silence>>,
}

/// What `busctl` prints of `a{oa{sa{sv}}}`.
#[derive(Deserialize)]
struct Objects {
    data: Vec<BTreeMap<String, BTreeMap<String, Properties>>>,
}

type Properties = BTreeMap<String, Property>;

#[derive(Deserialize)]
struct Property {
    data: serde_json::Value,
}

/// A paired device.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Device {
    kind: &'static str,
    connected: bool,
    blocked: bool,
    battery: Option<u64>,
}

impl Check for BluetoothDevices {
    const ID: &'static str = "tasks.bluetooth-devices";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let mut inputs = gather_from(&Machine::this());
        if inputs.adapters > 0 {
            inputs.answer = Some(tool::BUSCTL.ask(&ARGUMENTS, LIMIT));
        }
        Ok(inputs)
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        draft.fact("adapters", inputs.adapters as u64, "");
        if inputs.switches.iter().any(|(_, hard)| *hard) {
            draft.finding(Severity::Warning, "switch-off", &[], "/sys/class/rfkill: bluetooth hard");
        } else if inputs.switches.iter().any(|(soft, _)| *soft) {
            draft.finding(Severity::Warning, "turned-off", &[], "/sys/class/rfkill: bluetooth soft");
        } else if inputs.adapters == 0 {
            draft.finding(Severity::Ok, "no-bluetooth", &[], "/sys/class/bluetooth shows no adapter");
        }
        match &inputs.answer {
            None => {}
            Some(Err(silence)) => draft.finding(Severity::Unknown, "bluetooth-unknown", &[], silence.to_string()),
            Some(Ok(answer)) if answer.status != Some(0) => {
                let why = answer.error.lines().next().unwrap_or("no reason");
                draft.finding(Severity::Warning, "service-off", &[], format!("busctl: {why}"));
            }
            Some(Ok(answer)) => match serde_json::from_str::<Objects>(&answer.output) {
                Ok(objects) => judge_objects(&mut draft, &objects),
                Err(_) => draft.finding(Severity::Unknown, "bluetooth-unknown", &[], "busctl: no JSON of objects"),
            },
        }
        draft
    }
}

fn judge_objects(draft: &mut Draft, objects: &Objects) {
    let interfaces = || objects.data.iter().flat_map(BTreeMap::values);
    let adapters: Vec<&Properties> = interfaces().filter_map(|object| object.get("org.bluez.Adapter1")).collect();
    let devices: Vec<Device> = interfaces().filter_map(Device::of).collect();
    let powered = adapters.iter().any(|adapter| flag(adapter, "Powered"));
    draft.fact("on", powered, "");
    draft.fact("paired", devices.len() as u64, "");
    draft.fact("connected", devices.iter().filter(|device| device.connected).count() as u64, "");
    if !powered && draft.findings.is_empty() {
        draft.finding(Severity::Warning, "turned-off", &[], "org.bluez.Adapter1: Powered false");
    }
    for device in &devices {
        let said = ("device", Value::from(device.kind));
        if device.blocked {
            let evidence = format!("org.bluez.Device1 ({}): Blocked true", device.kind);
            draft.finding(Severity::Warning, "device-blocked", std::slice::from_ref(&said), evidence);
        }
        if let Some(battery) = device.battery.filter(|battery| device.connected && *battery <= BATTERY_LOW) {
            let evidence = format!("org.bluez.Battery1 ({}): {battery} %", device.kind);
            draft.finding(Severity::Warning, "battery-low", &[said, ("percent", battery.into())], evidence);
        }
    }
    if draft.findings.is_empty() {
        let evidence = format!("{} adapters, {} paired devices", adapters.len(), devices.len());
        draft.finding(Severity::Ok, "bluetooth-ok", &[], evidence);
    }
    let row = |device: &Device| -> Vec<Value> {
        let battery = device.battery.map_or("".into(), Value::from);
        vec![device.kind.into(), device.connected.into(), device.blocked.into(), battery]
    };
    draft.table("devices", &["device", "connected", "blocked", "battery"], devices.iter().map(row).collect());
}

impl Device {
    /// Devices that only passed by aren't paired, and nobody's business.
    fn of(object: &BTreeMap<String, Properties>) -> Option<Self> {
        let device = object.get("org.bluez.Device1").filter(|device| flag(device, "Paired"))?;
        let icon = device.get("Icon").and_then(|icon| icon.data.as_str()).unwrap_or_default();
        let battery = object.get("org.bluez.Battery1").and_then(|battery| battery.get("Percentage"));
        Some(Self {
            kind: KINDS.iter().find(|(name, _)| *name == icon).map_or("other", |(_, word)| word),
            connected: flag(device, "Connected"),
            blocked: flag(device, "Blocked"),
            battery: battery.and_then(|percentage| percentage.data.as_u64()),
        })
    }
}

fn flag(properties: &Properties, name: &str) -> bool {
    properties.get(name).and_then(|property| property.data.as_bool()).unwrap_or(false)
}

fn gather_from(machine: &Machine) -> Inputs {
    let adapters = machine.names("/sys/class/bluetooth").into_iter().filter(|name| !name.contains(':')).count();
    let switch = |name: &String| {
        let file = |file: &str| machine.word(&format!("/sys/class/rfkill/{name}/{file}"));
        (file("type").as_deref() == Some("bluetooth"))
            .then(|| (file("soft").as_deref() == Some("1"), file("hard").as_deref() == Some("1")))
    };
    let switches = machine.names("/sys/class/rfkill").iter().filter_map(switch).collect();
    Inputs { adapters, switches, answer: None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn said(output: String) -> Inputs {
        let answer = Answer { status: Some(0), output, error: String::new() };
        Inputs { adapters: 1, switches: vec![(false, false)], answer: Some(Ok(answer)) }
    }

    fn text() -> String {
        recorded("ubuntu-laptop").text("/tools/busctl-bluez.json").unwrap()
    }

    #[test]
    fn devices_are_kinds_without_names() {
        let inputs = gather_from(&recorded("ubuntu-laptop"));
        assert_eq!((inputs.adapters, inputs.switches), (1, vec![(false, false)]));
        let draft = BluetoothDevices::judge(said(text()));
        let rows = [
            ["headset".into(), true.into(), false.into(), 61_u64.into()],
            ["mouse".into(), false.into(), false.into(), "".into()],
        ];
        assert_eq!(draft.tables[0].rows, rows);
        let all = format!("{draft:?}");
        assert!(!all.contains("Lucia") && !all.contains("00:1B:66") && !all.contains("dev_"));
        assert_eq!(told(BluetoothDevices::ID, &draft).findings[0].id, "bluetooth-ok");
    }

    #[test]
    fn battery_below_at_and_above() {
        for (battery, found) in
            [(BATTERY_LOW - 1, "battery-low"), (BATTERY_LOW, "battery-low"), (BATTERY_LOW + 1, "bluetooth-ok")]
        {
            let output = text().replace("\"data\":61", &format!("\"data\":{battery}"));
            assert_eq!(findings::<BluetoothDevices>(said(output)), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let refused = Answer { status: Some(1), output: String::new(), error: "Call failed: no such name\n".into() };
        let with = |switches: &[(bool, bool)], answer| Inputs { adapters: 1, switches: switches.to_vec(), answer };
        let off =
            text().replace("\"Powered\":{\"type\":\"b\",\"data\":true}", "\"Powered\":{\"type\":\"b\",\"data\":false}");
        assert_eq!(findings::<BluetoothDevices>(said(off)), ["turned-off"]);
        all_is_said::<BluetoothDevices>(vec![
            said(text()),
            said(text().replace("\"data\":61", "\"data\":3")),
            said(text().replacen(
                "\"Blocked\":{\"type\":\"b\",\"data\":false}",
                "\"Blocked\":{\"type\":\"b\",\"data\":true}",
                1,
            )),
            with(&[(false, true)], None),
            with(&[(true, false)], None),
            with(&[], Some(Ok(refused))),
            with(&[], Some(Err(Silence::NotInstalled("busctl")))),
            said("no JSON".into()),
            gather_from(&recorded("container")),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(output in ".*", percent in any::<u64>(), switches in any::<Vec<(bool, bool)>>()) {
            told(BluetoothDevices::ID, &BluetoothDevices::judge(said(output)));
            let output = text().replace("\"data\":61", &format!("\"data\":{percent}"));
            told(BluetoothDevices::ID, &BluetoothDevices::judge(Inputs { switches, ..said(output) }));
        }
    }
}
