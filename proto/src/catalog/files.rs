//! The definition files, compiled in. One line an item, sorted by id.

/// The text of every definition, by area.
pub(super) const ALL: &[&[&str]] = &[HARDWARE, NETWORK, SECURITY, SYSTEM, TASKS];

const HARDWARE: &[&str] =
    &[include_str!("../../catalog/hardware/cpu.json"), include_str!("../../catalog/hardware/disks.json")];

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

const TASKS: &[&str] = &[
    include_str!("../../catalog/tasks/backups.json"),
    include_str!("../../catalog/tasks/bluetooth-devices.json"),
    include_str!("../../catalog/tasks/browsers.json"),
    include_str!("../../catalog/tasks/caches.json"),
    include_str!("../../catalog/tasks/camera-apps.json"),
    include_str!("../../catalog/tasks/cloud-sync.json"),
    include_str!("../../catalog/tasks/default-programs.json"),
    include_str!("../../catalog/tasks/display-resolution.json"),
    include_str!("../../catalog/tasks/everyday-programs.json"),
    include_str!("../../catalog/tasks/language-keyboard.json"),
    include_str!("../../catalog/tasks/mail-ports.json"),
    include_str!("../../catalog/tasks/mail-programs.json"),
    include_str!("../../catalog/tasks/microphone.json"),
    include_str!("../../catalog/tasks/old-downloads.json"),
    include_str!("../../catalog/tasks/print-queues.json"),
    include_str!("../../catalog/tasks/printer-reach.json"),
    include_str!("../../catalog/tasks/printing.json"),
    include_str!("../../catalog/tasks/removable-drives.json"),
    include_str!("../../catalog/tasks/scanners.json"),
    include_str!("../../catalog/tasks/sound-output.json"),
    include_str!("../../catalog/tasks/space.json"),
    include_str!("../../catalog/tasks/temporary-files.json"),
    include_str!("../../catalog/tasks/trash.json"),
];
