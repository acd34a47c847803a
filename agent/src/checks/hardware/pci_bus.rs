//! What is on the PCI bus, from `/sys/bus/pci/devices` (the kernel's `ABI/testing/sysfs-bus-pci`).

use super::names::Numbers;
use crate::checks::machine::Machine;

/// Most parts that are looked at; a large server has some hundred.
const PARTS_MAX: usize = 1_024;

/// One part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PciPart {
    /// Its place: `0000:00:02.0`.
    pub(super) address: String,
    /// What it is: class, subclass and interface in 24 bits.
    pub(super) class: u32,
    /// Who made it.
    pub(super) numbers: Numbers,
    /// The program in the system that serves it.
    pub(super) driver: Option<String>,
    /// Where it hangs: `../../../devices/pci0000:00/0000:00:1d.0/0000:03:00.0`.
    pub(super) path: String,
    /// How many lanes it uses and has.
    pub(super) lanes: Option<(u32, u32)>,
}

impl PciPart {
    /// Every part.
    pub(super) fn all(machine: &Machine) -> Vec<Self> {
        let names = machine.names("/sys/bus/pci/devices").into_iter().take(PARTS_MAX);
        names.filter_map(|address| Self::read(machine, address)).collect()
    }

    fn read(machine: &Machine, address: String) -> Option<Self> {
        let folder = format!("/sys/bus/pci/devices/{address}");
        let record = format!("/run/udev/data/+pci:{address}");
        let class = machine.word(&format!("{folder}/class"))?;
        let lanes = |file: &str| machine.number::<u32>(&format!("{folder}/{file}")).filter(|n| (1..=32).contains(n));
        Some(Self {
            class: u32::from_str_radix(class.trim_start_matches("0x"), 16).ok()?,
            numbers: Numbers::read(machine, &format!("{folder}/vendor"), &format!("{folder}/device"), &record)?,
            driver: machine.link_name(&format!("{folder}/driver")),
            path: machine.link(&folder).unwrap_or_default(),
            lanes: lanes("current_link_width").zip(lanes("max_link_width")),
            address,
        })
    }

    /// Its class alone: 3 is graphics.
    pub(super) fn kind(&self) -> u32 {
        self.class >> 16
    }

    /// The part it is plugged into, if that is one too.
    pub(super) fn parent(&self) -> Option<&str> {
        let above = self.path.rsplit('/').nth(1)?;
        (above.split(':').count() == 3).then_some(above)
    }
}
