//! `hardware.printers-attached`: printers and scanners on a cable, and whether the system took them.
//!
//! What is set up, waits or is stuck is `tasks.printing`'s; printers in the network aren't on a cable.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::names::{Bus, Name, Numbers, names};
use super::usb_bus::UsbDevice;
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// USB class of printers.
const PRINTER: u8 = 7;
/// USB classes of scanners: still pictures, and the maker's own beside a printer.
const PICTURE: u8 = 6;
const OWN: u8 = 0xff;

pub(crate) struct PrintersAttached;

pub(crate) struct Inputs {
    /// Whether there is a USB at all.
    bus: bool,
    devices: Vec<UsbDevice>,
    list: String,
    /// Old printers: `/dev/lp0` without USB.
    parallel: u64,
}

impl Check for PrintersAttached {
    const ID: &'static str = "hardware.printers-attached";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let found = inputs.devices.len() as u64 + inputs.parallel;
        if !inputs.bus && found == 0 {
            draft.finding(Severity::Unknown, "cable-unknown", &[], "/sys/bus/usb/devices shows nothing");
            return draft;
        }
        draft.fact("printers", found, "");
        let numbers: Vec<&Numbers> = inputs.devices.iter().map(|device| &device.numbers).collect();
        let row = |(device, name): (&UsbDevice, Name)| -> Vec<Value> {
            let has = |class: u8| device.functions.iter().any(|function| function.class == class);
            vec![
                name.maker.into(),
                device.called(&name.model).into(),
                device.place.clone().into(),
                (has(PICTURE) || has(OWN)).into(),
            ]
        };
        let rows = inputs.devices.iter().zip(names(&numbers, &inputs.list)).map(row).collect();
        draft.table("printers", &["maker", "model", "place", "scanner"], rows);
        let evidence =
            format!("/sys/bus/usb/devices: {} of printer class; {} parallel", inputs.devices.len(), inputs.parallel);
        if found == 0 {
            draft.finding(Severity::Ok, "no-printer-attached", &[], evidence);
        } else {
            draft.finding(Severity::Ok, "printers-found", &[("count", found.into())], evidence);
        }
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let all = UsbDevice::all(machine);
    let bus = !all.is_empty();
    let is_printer = |device: &UsbDevice| device.functions.iter().any(|function| function.class == PRINTER);
    let devices: Vec<UsbDevice> = all.into_iter().filter(is_printer).collect();
    let numbers: Vec<&Numbers> = devices.iter().map(|device| &device.numbers).collect();
    let parallel = machine.names("/sys/class/printer").iter().filter(|name| name.starts_with("lp")).count() as u64;
    Inputs { list: Bus::Usb.list(machine, &numbers), bus, devices, parallel }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recording::{recording, unpacked};
    use super::super::usb_bus::Function;
    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    #[test]
    fn a_printer_with_a_scanner_on_a_cable() {
        let draft = PrintersAttached::judge(gather_from(&recording("desktop-arch")));
        let row = vec!["Canon, Inc.".into(), "PIXMA MG2500 series".into(), "1-4".into(), true.into()];
        assert_eq!(draft.tables[0].rows, [row]);
        let found = |name| findings::<PrintersAttached>(gather_from(&recording(name)));
        assert_eq!(found("desktop-arch"), ["printers-found"]);
        assert_eq!(found("laptop-fedora"), ["no-printer-attached"]);
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<PrintersAttached>(vec![
            gather_from(&recording("desktop-arch")),
            gather_from(&recording("laptop-fedora")),
            gather_from(&unpacked("")),
        ]);
        let parallel = gather_from(&unpacked("/sys/class/printer/lp0/dev = 6:0\n"));
        assert_eq!(findings::<PrintersAttached>(parallel), ["printers-found"]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in ".*", class in any::<u8>(), parallel in 0_u64..9) {
            let functions = vec![Function { class, driver: None }];
            let device = UsbDevice { place: text.clone(), product: Some(text.clone()), functions, ..UsbDevice::default() };
            told(PrintersAttached::ID, &PrintersAttached::judge(Inputs { bus: false, devices: vec![device], list: text, parallel }));
        }
    }
}
