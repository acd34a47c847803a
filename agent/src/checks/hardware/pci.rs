//! `hardware.pci`: what is built into the computer, by name, and what has no driver.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::names::{Bus, Name, Numbers, names};
use super::pci_bus::PciPart;
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Most findings; the table has the rest.
const FINDINGS: usize = 5;

pub(crate) struct Pci;

pub(crate) struct Inputs {
    parts: Vec<PciPart>,
    list: String,
}

impl Check for Pci {
    const ID: &'static str = "hardware.pci";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if inputs.parts.is_empty() {
            draft.finding(Severity::Unknown, "parts-unknown", &[], "/sys/bus/pci/devices shows nothing");
            return draft;
        }
        let numbers: Vec<&Numbers> = inputs.parts.iter().map(|part| &part.numbers).collect();
        let names = names(&numbers, &inputs.list);
        let idle: Vec<(&PciPart, &Name)> =
            inputs.parts.iter().zip(&names).filter(|(part, _)| needs_driver(part)).collect();
        draft.fact("parts", inputs.parts.len() as u64, "");
        draft.fact("without-driver", idle.len() as u64, "");
        for (part, name) in idle.iter().take(FINDINGS) {
            let evidence = format!("/sys/bus/pci/devices/{}: {} {}, no driver", part.address, name.maker, name.model);
            let values = [("part", name.model.clone().into()), ("kind", kind(part).into())];
            draft.finding(Severity::Warning, "no-driver", &values, evidence);
        }
        if idle.is_empty() {
            let evidence = format!("/sys/bus/pci/devices: {} parts", inputs.parts.len());
            draft.finding(Severity::Ok, "parts-served", &[("count", (inputs.parts.len() as u64).into())], evidence);
        }
        let row = |(part, name): (&PciPart, &Name)| -> Vec<Value> {
            let on = part.parent().map(|parent| parent.strip_prefix("0000:").unwrap_or(parent));
            vec![
                part.address.strip_prefix("0000:").unwrap_or(&part.address).into(),
                on.unwrap_or_default().into(),
                kind(part).into(),
                name.maker.clone().into(),
                name.model.clone().into(),
                part.driver.clone().unwrap_or_default().into(),
            ]
        };
        let rows = inputs.parts.iter().zip(&names).map(row).collect();
        draft.table("parts", &["place", "on", "kind", "maker", "model", "driver"], rows);
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let parts = PciPart::all(machine);
    let numbers: Vec<&Numbers> = parts.iter().map(|part| &part.numbers).collect();
    let list = Bus::Pci.list(machine, &numbers);
    Inputs { parts, list }
}

/// Whether a person would miss something: bridges, memory, signal processors and the chipset's own helpers work without.
fn needs_driver(part: &PciPart) -> bool {
    part.driver.is_none()
        && match part.class >> 8 {
            // Storage, network, graphics, cameras, sound, serial buses with USB, wireless.
            0x0100..=0x01ff | 0x0200..=0x02ff | 0x0300..=0x03ff | 0x0400..=0x04ff | 0x0c03 | 0x0d00..=0x0dff => true,
            _ => false,
        }
}

/// PCI Code and ID Assignment Specification 1.15, in words.
fn kind(part: &PciPart) -> &'static str {
    match (part.kind(), (part.class >> 8) & 0xff) {
        (0x01, 0x08) => "NVMe disk",
        (0x01, _) => "storage",
        (0x02, _) => "network",
        (0x03, _) => "graphics",
        (0x04, 0x00) => "camera",
        (0x04, _) => "sound",
        (0x05, _) => "memory",
        (0x06, _) => "bridge",
        (0x07, _) => "serial port",
        (0x08, _) => "system",
        (0x09, _) => "input",
        (0x0b, _) => "processor",
        (0x0c, 0x03) => "USB",
        (0x0c, _) => "bus",
        (0x0d, _) => "wireless",
        (0x10, _) => "encryption",
        (0x11, _) => "sensors",
        (0x12, _) => "accelerator",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recording::{recording, unpacked};
    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    #[test]
    fn a_laptop_whose_card_reader_hangs_below_a_bridge() {
        let draft = Pci::judge(gather_from(&recording("laptop-fedora")));
        let row = draft.tables[0].rows.iter().find(|row| row[0] == "03:00.0".into()).unwrap();
        assert_eq!(row[1], "00:1d.0".into());
        assert_eq!(row[2], "NVMe disk".into());
        assert_eq!(row[4], "NVMe SSD Controller SM981/PM981/PM983".into());
        assert_eq!(findings::<Pci>(gather_from(&recording("laptop-fedora"))), ["parts-served"]);
    }

    #[test]
    fn only_what_a_person_would_miss_needs_a_driver() {
        for (class, missed) in
            [(0x02_8000, true), (0x0c_0330, true), (0x0c_0500, false), (0x06_0000, false), (0xff_0000, false)]
        {
            let part = PciPart { class, ..PciPart::default() };
            assert_eq!(needs_driver(&part), missed, "{class:x}");
            assert!(!needs_driver(&PciPart { driver: Some("x".into()), ..part }));
        }
    }

    #[test]
    fn findings_below_at_and_above_their_number() {
        for (idle, found) in [(1, 1), (4, 4), (5, 5), (6, 5)] {
            let part = PciPart { class: 0x02_8000, ..PciPart::default() };
            assert_eq!(findings::<Pci>(Inputs { parts: vec![part; idle], list: String::new() }).len(), found);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Pci>(vec![
            gather_from(&recording("laptop-fedora")),
            gather_from(&recording("laptop-worn")),
            gather_from(&unpacked("")),
        ]);
        assert_eq!(findings::<Pci>(gather_from(&recording("laptop-worn"))), ["no-driver"]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(address in ".*", class in any::<u32>(), path in ".*", list in ".*", n in any::<u16>()) {
            let numbers = Numbers { maker: n, model: n, record: Some(list.clone()) };
            let part = PciPart { address, class, numbers, driver: None, path, lanes: None };
            told(Pci::ID, &Pci::judge(Inputs { parts: vec![part.clone(), PciPart { driver: Some(list.clone()), ..part }], list }));
        }
    }
}
