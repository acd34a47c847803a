//! What is on the USB, from `/sys/bus/usb/devices` (the kernel's `ABI/testing/sysfs-bus-usb`; USB 3.2, chapter 9).
//!
//! Serial numbers are never read; what a device calls itself only where no list knows it.

use super::names::Numbers;
use crate::checks::machine::Machine;

/// Most devices that are looked at: the buses of a PC have 127 places each.
const DEVICES_MAX: usize = 512;
/// Most that is read of what a device says it can, in bytes.
const ABILITIES_MAX: u64 = 4_096;

/// One device.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct UsbDevice {
    /// Where it is plugged in: `1-4.2` is port 2 of what is in port 4 of bus 1; `usb1` is the bus.
    pub(super) place: String,
    /// Who made it.
    pub(super) numbers: Numbers,
    /// What it calls itself.
    pub(super) product: Option<String>,
    /// In Mbit/s.
    pub(super) speed: Option<f64>,
    /// The fastest it says it can, in Mbit/s; 0 if it doesn't say.
    pub(super) ability: u32,
    /// Whether others are plugged into it.
    pub(super) hub: bool,
    /// Its functions.
    pub(super) functions: Vec<Function>,
}

/// One function of a device: a printer with a scanner has two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Function {
    /// What it is (USB-IF's defined class codes).
    pub(super) class: u8,
    /// The program in the system that serves it.
    pub(super) driver: Option<String>,
}

impl UsbDevice {
    /// Every device; none if the system has no such bus.
    pub(super) fn all(machine: &Machine) -> Vec<Self> {
        let names = machine.names("/sys/bus/usb/devices");
        let devices = names.iter().filter(|name| !name.contains(':')).take(DEVICES_MAX);
        devices.filter_map(|place| Self::read(machine, place, &names)).collect()
    }

    fn read(machine: &Machine, place: &str, names: &[String]) -> Option<Self> {
        let folder = format!("/sys/bus/usb/devices/{place}");
        let file = |name: &str| format!("{folder}/{name}");
        let record = machine.word(&file("dev")).map(|number| format!("/run/udev/data/c{number}"));
        let own = |name: &&String| name.split_once(':').is_some_and(|(device, _)| device == place);
        let function = |name: &String| Function {
            class: hex(machine, &format!("/sys/bus/usb/devices/{name}/bInterfaceClass")).unwrap_or(0),
            driver: machine.link_name(&format!("/sys/bus/usb/devices/{name}/driver")),
        };
        let abilities = machine.bytes(&file("bos_descriptors"), ABILITIES_MAX).unwrap_or_default();
        Some(Self {
            numbers: Numbers::read(machine, &file("idVendor"), &file("idProduct"), &record.unwrap_or_default())?,
            product: machine.word(&file("product")),
            speed: machine.number(&file("speed")).filter(|speed: &f64| speed.is_finite() && *speed > 0.0),
            ability: ability(&abilities),
            hub: hex(machine, &file("bDeviceClass")) == Some(9),
            functions: names.iter().filter(own).map(function).collect(),
            place: place.to_owned(),
        })
    }

    /// Whether it is a bus itself.
    pub(super) fn is_root(&self) -> bool {
        self.place.starts_with("usb")
    }

    /// What it is plugged into: `1-4` for `1-4.2`, `usb1` for `1-4`.
    pub(super) fn parent(&self) -> Option<String> {
        match self.place.rsplit_once('.') {
            Some((hub, _)) => Some(hub.to_owned()),
            None => self.place.split_once('-').map(|(bus, _)| format!("usb{bus}")),
        }
    }

    /// Its name in a table that names parts.
    pub(super) fn called(&self, listed: &str) -> String {
        // A list that doesn't know it gives its numbers, which say less than what it calls itself.
        let unlisted = format!("{:04x}:{:04x}", self.numbers.maker, self.numbers.model);
        if listed == unlisted { self.product.clone().unwrap_or(unlisted) } else { listed.to_owned() }
    }
}

fn hex(machine: &Machine, path: &str) -> Option<u8> {
    u8::from_str_radix(&machine.word(path)?, 16).ok()
}

/// The fastest of a binary object store (USB 3.2, 9.6.2): each ability has its length, 0x10, and its kind; kind 3 has the
/// speeds as bits (bit 3: 5 Gbit/s), kind 10 is there from 10 Gbit/s on.
fn ability(store: &[u8]) -> u32 {
    const SUPER_SPEED: u8 = 3;
    const SUPER_SPEED_PLUS: u8 = 10;
    let mut fastest = 0;
    let mut rest = store.get(5..).unwrap_or_default();
    while let [length, 0x10, kind, ..] = rest {
        let length = usize::from(*length);
        if *kind == SUPER_SPEED && length >= 6 && rest.get(4).is_some_and(|speeds| speeds & 0x08 != 0) {
            fastest = fastest.max(5_000);
        } else if *kind == SUPER_SPEED_PLUS {
            fastest = fastest.max(10_000);
        }
        match rest.get(length..) {
            Some(after) if length > 0 => rest = after,
            Some(_) | None => break,
        }
    }
    fastest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recording::bytes;
    use super::*;

    #[test]
    fn what_a_device_says_it_can() {
        let usb2 = "05 0f 0c 00 01 07 10 02 06 00 00 00";
        let usb3 = "05 0f 16 00 02 07 10 02 06 00 00 00 0a 10 03 00 0e 00 01 0a ff 07";
        for (store, expected) in [
            ("", 0),
            (usb2, 0),
            (usb3, 5_000),
            ("05 0f 16 00 01 0a 10 03 00 06 00 01 0a ff 07", 0),
            (&format!("{usb3} 14 10 0a 00 01 00 00 00"), 10_000),
            ("05 0f 16 00 01 00 10 03", 0),
        ] {
            assert_eq!(ability(&bytes(store)), expected, "{store}");
        }
    }

    #[test]
    fn places_are_a_tree() {
        for (place, parent) in [("1-4.2", Some("1-4")), ("1-4", Some("usb1")), ("usb1", None), ("", None)] {
            assert_eq!(UsbDevice { place: place.into(), ..UsbDevice::default() }.parent().as_deref(), parent);
        }
    }

    proptest! {
        #[test]
        fn any_store_is_read(store in prop::collection::vec(prop_oneof![any::<u8>(), Just(0x10_u8), Just(3_u8)], 0..80)) {
            prop_assert!(ability(&store) <= 10_000);
        }
    }
}
