//! Hardware: parts and whether they fail.

pub(super) mod battery;
pub(super) mod bluetooth;
pub(super) mod board;
pub(super) mod cameras;
pub(super) mod cpu;
pub(super) mod disk_latency;
pub(super) mod disks;
pub(super) mod displays;
pub(super) mod drive_health;
pub(super) mod fans;
pub(super) mod graphics;
pub(super) mod inputs;
pub(super) mod kernel_faults;
pub(super) mod memory_errors;
pub(super) mod memory_modules;
pub(super) mod pci;
pub(super) mod printers_attached;
pub(super) mod processor;
pub(super) mod radio_switches;
pub(super) mod sound;
pub(super) mod temperatures;
pub(super) mod usb;
pub(super) mod usb_resets;

mod edid;
mod hwmon;
mod kernel_log;
mod names;
mod pci_bus;
#[cfg(test)]
mod recording;
mod smart;
mod smbios;
mod usb_bus;

use std::marker::PhantomData;

use super::{Of, Runner};

/// Every check of this area.
pub(super) const ALL: &[&dyn Runner] = &[
    &Of::<battery::Battery>(PhantomData),
    &Of::<bluetooth::Bluetooth>(PhantomData),
    &Of::<board::Board>(PhantomData),
    &Of::<cameras::Cameras>(PhantomData),
    &Of::<cpu::Cpu>(PhantomData),
    &Of::<disk_latency::DiskLatency>(PhantomData),
    &Of::<disks::Disks>(PhantomData),
    &Of::<displays::Displays>(PhantomData),
    &Of::<drive_health::DriveHealth>(PhantomData),
    &Of::<fans::Fans>(PhantomData),
    &Of::<graphics::Graphics>(PhantomData),
    &Of::<inputs::InputDevices>(PhantomData),
    &Of::<kernel_faults::KernelFaults>(PhantomData),
    &Of::<memory_errors::MemoryErrors>(PhantomData),
    &Of::<memory_modules::MemoryModules>(PhantomData),
    &Of::<pci::Pci>(PhantomData),
    &Of::<printers_attached::PrintersAttached>(PhantomData),
    &Of::<processor::Processor>(PhantomData),
    &Of::<radio_switches::RadioSwitches>(PhantomData),
    &Of::<sound::Sound>(PhantomData),
    &Of::<temperatures::Temperatures>(PhantomData),
    &Of::<usb::Usb>(PhantomData),
    &Of::<usb_resets::UsbResets>(PhantomData),
];
