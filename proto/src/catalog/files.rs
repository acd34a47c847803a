//! The definition files, compiled in. One line an item, sorted by id.

/// The text of every definition, by area; previews and repairs of all areas stand together.
pub(super) const ALL: &[&[&str]] = &[HARDWARE, NETWORK, REPAIRS, SECURITY, SYSTEM, TASKS];

const REPAIRS: &[&str] =
    &[include_str!("../../catalog/tasks/empty-trash.json"), include_str!("../../catalog/tasks/trash.json")];

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

const TASKS: &[&str] =
    &[include_str!("../../catalog/tasks/printing.json"), include_str!("../../catalog/tasks/space.json")];
