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
    include_str!("../../catalog/system/boot-time.json"),
    include_str!("../../catalog/system/clock.json"),
    include_str!("../../catalog/system/crashes.json"),
    include_str!("../../catalog/system/disk-space.json"),
    include_str!("../../catalog/system/disk-users.json"),
    include_str!("../../catalog/system/file-systems.json"),
    include_str!("../../catalog/system/flapping.json"),
    include_str!("../../catalog/system/journal.json"),
    include_str!("../../catalog/system/kernel.json"),
    include_str!("../../catalog/system/language.json"),
    include_str!("../../catalog/system/limits.json"),
    include_str!("../../catalog/system/load.json"),
    include_str!("../../catalog/system/logs-size.json"),
    include_str!("../../catalog/system/memory.json"),
    include_str!("../../catalog/system/out-of-memory.json"),
    include_str!("../../catalog/system/overview.json"),
    include_str!("../../catalog/system/own-start-up.json"),
    include_str!("../../catalog/system/packages.json"),
    include_str!("../../catalog/system/processes.json"),
    include_str!("../../catalog/system/schedules.json"),
    include_str!("../../catalog/system/services.json"),
    include_str!("../../catalog/system/session.json"),
    include_str!("../../catalog/system/sleep.json"),
    include_str!("../../catalog/system/start-up.json"),
    include_str!("../../catalog/system/support.json"),
    include_str!("../../catalog/system/swap.json"),
    include_str!("../../catalog/system/updates.json"),
    include_str!("../../catalog/system/virtual-machine.json"),
    include_str!("../../catalog/system/watches.json"),
];

const TASKS: &[&str] =
    &[include_str!("../../catalog/tasks/printing.json"), include_str!("../../catalog/tasks/space.json")];
