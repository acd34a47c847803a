//! `hardware.usb`: what is plugged in where, by name, and what is slower than it could be or has no driver.
//!
//! Serial numbers of sticks and phones are never read.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::names::{Bus, Name, Numbers, names};
use super::usb_bus::{Function, UsbDevice};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Most findings of a kind; the table has the rest.
const FINDINGS: usize = 4;
/// Classes of functions that a program of the person may serve without a driver: smart cards, the maker's own, firmware
/// loading and the like.
const DRIVERLESS: [u8; 6] = [0x00, 0x0b, 0x0d, 0xdc, 0xfe, 0xff];

pub(crate) struct Usb;

pub(crate) struct Inputs {
    devices: Vec<UsbDevice>,
    list: String,
}

impl Check for Usb {
    const ID: &'static str = "hardware.usb";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if inputs.devices.is_empty() {
            draft.finding(Severity::Unknown, "usb-unknown", &[], "/sys/bus/usb/devices shows nothing");
            return draft;
        }
        let numbers: Vec<&Numbers> = inputs.devices.iter().map(|device| &device.numbers).collect();
        let names = names(&numbers, &inputs.list);
        let plugged = || inputs.devices.iter().zip(&names).filter(|(device, _)| !device.is_root());
        draft.fact("devices", plugged().count() as u64, "");
        for (device, name) in plugged().filter(|(device, _)| is_slow(device)).take(FINDINGS) {
            let speed = device.speed.unwrap_or_default();
            let evidence = format!("/sys/bus/usb/devices/{}: {speed} of {} Mbit/s", device.place, device.ability);
            let values = [("device", device.called(&name.model).into()), ("speed", speed.into())];
            draft.finding(Severity::Warning, "slow-port", &values, evidence);
        }
        for (device, name) in plugged().filter(|(device, _)| is_idle(device)).take(FINDINGS) {
            let evidence = format!("/sys/bus/usb/devices/{}: no function has a driver", device.place);
            let values = [("device", device.called(&name.model).into())];
            draft.finding(Severity::Warning, "device-without-driver", &values, evidence);
        }
        if draft.findings.is_empty() {
            let count = plugged().count() as u64;
            let evidence = format!("/sys/bus/usb/devices: {count} plugged in");
            draft.finding(Severity::Ok, "usb-fine", &[("count", count.into())], evidence);
        }
        let rows = inputs.devices.iter().zip(&names).map(row).collect();
        draft.table("devices", &["place", "on", "kind", "maker", "model", "speed", "ability", "driver"], rows);
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let devices = UsbDevice::all(machine);
    let numbers: Vec<&Numbers> = devices.iter().map(|device| &device.numbers).collect();
    let list = Bus::Usb.list(machine, &numbers);
    Inputs { devices, list }
}

/// Plugged into a port or a cable that doesn't reach what the device can.
fn is_slow(device: &UsbDevice) -> bool {
    device.ability > 0 && device.speed.is_some_and(|speed| speed < f64::from(device.ability.min(5_000)))
}

/// No function has a driver, and there is one that needs one.
fn is_idle(device: &UsbDevice) -> bool {
    let served = |function: &Function| function.driver.is_some();
    !device.functions.iter().any(served) && device.functions.iter().any(|f| !DRIVERLESS.contains(&f.class))
}

fn row((device, name): (&UsbDevice, &Name)) -> Vec<Value> {
    let mut drivers: Vec<&str> = device.functions.iter().filter_map(|f| f.driver.as_deref()).collect();
    drivers.sort_unstable();
    drivers.dedup();
    vec![
        device.place.clone().into(),
        device.parent().unwrap_or_default().into(),
        kind(device).into(),
        name.maker.clone().into(),
        device.called(&name.model).into(),
        device.speed.map_or("".into(), Into::into),
        if device.ability == 0 { "".into() } else { device.ability.into() },
        drivers.join(" ").into(),
    ]
}

/// USB-IF's defined class codes, in words: the first function that says something.
fn kind(device: &UsbDevice) -> &'static str {
    if device.hub {
        return "hub";
    }
    let word = |function: &Function| match function.class {
        0x01 => Some("sound"),
        0x02 | 0x0a => Some("network or modem"),
        0x03 => Some("input"),
        0x06 => Some("photo"),
        0x07 => Some("printer"),
        0x08 => Some("storage"),
        0x0b => Some("card reader"),
        0x0d => Some("security"),
        0x0e => Some("camera"),
        0xe0 => Some("wireless"),
        _ => None,
    };
    device.functions.iter().find_map(word).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recording::{recording, unpacked};
    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    #[test]
    fn devices_of_several_computers() {
        let found = |name| findings::<Usb>(gather_from(&recording(name)));
        assert_eq!(found("laptop-fedora"), ["usb-fine"]);
        assert_eq!(found("laptop-worn"), ["slow-port"]);
        assert_eq!(found("desktop-arch"), ["usb-fine"]);
        let draft = Usb::judge(gather_from(&recording("laptop-fedora")));
        let row = draft.tables[0].rows.iter().find(|row| row[0] == "2-1".into()).unwrap();
        assert_eq!(row[1..5], ["usb2".into(), "storage".into(), "SanDisk Corp.".into(), "Ultra Flair".into()]);
        assert_eq!(row[5..7], [5_000.0.into(), Value::Integer(5_000)]);
        for name in ["laptop-fedora", "laptop-worn", "desktop-arch"] {
            let said = format!("{:?}", Usb::judge(gather_from(&recording(name))));
            for serial in ["4C530001234567890123", "NA7ABCDE", "8C1234"] {
                assert!(!said.contains(serial), "{serial}");
            }
        }
    }

    #[test]
    fn speed_below_at_and_above_what_a_device_can() {
        for (speed, ability, slow) in [
            (480.0, 5_000, true),
            (5_000.0, 5_000, false),
            (5_000.0, 10_000, false),
            (480.0, 10_000, true),
            (480.0, 0, false),
        ] {
            let device = UsbDevice { speed: Some(speed), ability, ..UsbDevice::default() };
            assert_eq!(is_slow(&device), slow, "{speed} of {ability}");
        }
    }

    #[test]
    fn a_function_without_driver_counts_only_if_it_needs_one() {
        for (class, idle) in [(0x08, true), (0x0e, true), (0x0b, false), (0xff, false), (0x00, false)] {
            let device = |driver: Option<&str>| UsbDevice {
                functions: vec![Function { class, driver: driver.map(str::to_owned) }],
                ..UsbDevice::default()
            };
            assert_eq!(is_idle(&device(None)), idle, "{class:x}");
            assert!(!is_idle(&device(Some("x"))));
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let idle = "/sys/bus/usb/devices/1-1/idVendor = 0001\n/sys/bus/usb/devices/1-1/idProduct = 0002\n\
                    /sys/bus/usb/devices/1-1:1.0/bInterfaceClass = 08\n";
        all_is_said::<Usb>(vec![
            gather_from(&recording("laptop-fedora")),
            gather_from(&recording("laptop-worn")),
            gather_from(&unpacked(idle)),
            gather_from(&unpacked("")),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(place in "(usb)?[0-9.-]{0,12}|.*", product in ".*", class in any::<u8>(), speed in any::<f64>(), ability in any::<u32>()) {
            let functions = vec![Function { class, driver: None }];
            let device = UsbDevice { place, product: Some(product.clone()), speed: Some(speed), ability, functions, ..UsbDevice::default() };
            told(Usb::ID, &Usb::judge(Inputs { devices: vec![device], list: product }));
        }
    }
}
