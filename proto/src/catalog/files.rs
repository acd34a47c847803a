//! The definition files, compiled in. One line an item, sorted by id.

/// The text of every definition, by area.
pub(super) const ALL: &[&[&str]] = &[HARDWARE, NETWORK, SECURITY, SYSTEM, TASKS];

const HARDWARE: &[&str] = &[
    include_str!("../../catalog/hardware/battery.json"),
    include_str!("../../catalog/hardware/bluetooth.json"),
    include_str!("../../catalog/hardware/board.json"),
    include_str!("../../catalog/hardware/cameras.json"),
    include_str!("../../catalog/hardware/cpu.json"),
    include_str!("../../catalog/hardware/disk-latency.json"),
    include_str!("../../catalog/hardware/disks.json"),
    include_str!("../../catalog/hardware/displays.json"),
    include_str!("../../catalog/hardware/drive-health.json"),
    include_str!("../../catalog/hardware/fans.json"),
    include_str!("../../catalog/hardware/graphics.json"),
    include_str!("../../catalog/hardware/inputs.json"),
    include_str!("../../catalog/hardware/kernel-faults.json"),
    include_str!("../../catalog/hardware/memory-errors.json"),
    include_str!("../../catalog/hardware/memory-modules.json"),
    include_str!("../../catalog/hardware/pci.json"),
    include_str!("../../catalog/hardware/printers-attached.json"),
    include_str!("../../catalog/hardware/processor.json"),
    include_str!("../../catalog/hardware/radio-switches.json"),
    include_str!("../../catalog/hardware/sound.json"),
    include_str!("../../catalog/hardware/temperatures.json"),
    include_str!("../../catalog/hardware/thunderbolt.json"),
    include_str!("../../catalog/hardware/usb.json"),
    include_str!("../../catalog/hardware/usb-resets.json"),
];

const NETWORK: &[&str] =
    &[include_str!("../../catalog/network/dns.json"), include_str!("../../catalog/network/interfaces.json")];

const SECURITY: &[&str] = &[
    include_str!("../../catalog/security/administrators.json"),
    include_str!("../../catalog/security/cpu-flaws.json"),
    include_str!("../../catalog/security/firewall.json"),
    include_str!("../../catalog/security/ports.json"),
];

const SYSTEM: &[&str] = &[
    include_str!("../../catalog/system/disk-space.json"),
    include_str!("../../catalog/system/memory.json"),
    include_str!("../../catalog/system/overview.json"),
    include_str!("../../catalog/system/processes.json"),
    include_str!("../../catalog/system/services.json"),
    include_str!("../../catalog/system/updates.json"),
];

const TASKS: &[&str] =
    &[include_str!("../../catalog/tasks/printing.json"), include_str!("../../catalog/tasks/space.json")];
