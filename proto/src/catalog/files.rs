//! The definition files, compiled in. One line an item, sorted by id.

/// The text of every definition, by area; previews and repairs of all areas stand together.
pub(super) const ALL: &[&[&str]] = &[HARDWARE, NETWORK, REPAIRS, SECURITY, SYSTEM, TASKS];

const REPAIRS: &[&str] = &[
    include_str!("../../catalog/network/address-lease.json"),
    include_str!("../../catalog/network/flush-dns.json"),
    include_str!("../../catalog/network/name-cache.json"),
    include_str!("../../catalog/network/renew-lease.json"),
    include_str!("../../catalog/system/clear-package-cache.json"),
    include_str!("../../catalog/system/clock-by-network.json"),
    include_str!("../../catalog/system/end-process.json"),
    include_str!("../../catalog/system/kept-packages.json"),
    include_str!("../../catalog/system/old-messages.json"),
    include_str!("../../catalog/system/one-service.json"),
    include_str!("../../catalog/system/own-programs.json"),
    include_str!("../../catalog/system/repair-packages.json"),
    include_str!("../../catalog/system/restart-service.json"),
    include_str!("../../catalog/system/synchronise-clock.json"),
    include_str!("../../catalog/system/unfinished-packages.json"),
    include_str!("../../catalog/system/vacuum-journal.json"),
    include_str!("../../catalog/tasks/cancel-print-job.json"),
    include_str!("../../catalog/tasks/clear-caches.json"),
    include_str!("../../catalog/tasks/clear-temporary-files.json"),
    include_str!("../../catalog/tasks/clearable-caches.json"),
    include_str!("../../catalog/tasks/empty-trash.json"),
    include_str!("../../catalog/tasks/old-temporary-files.json"),
    include_str!("../../catalog/tasks/trash-to-empty.json"),
    include_str!("../../catalog/tasks/waiting-document.json"),
];

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
