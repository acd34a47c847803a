//! The definition files, compiled in. One line an item, sorted by id.

/// The text of every definition, by area.
pub(super) const ALL: &[&[&str]] = &[HARDWARE, NETWORK, SECURITY, SYSTEM, TASKS];

const HARDWARE: &[&str] =
    &[include_str!("../../catalog/hardware/cpu.json"), include_str!("../../catalog/hardware/disks.json")];

const NETWORK: &[&str] = &[
    include_str!("../../catalog/network/captive-portal.json"),
    include_str!("../../catalog/network/connections.json"),
    include_str!("../../catalog/network/dns.json"),
    include_str!("../../catalog/network/duplicates.json"),
    include_str!("../../catalog/network/errors.json"),
    include_str!("../../catalog/network/firewall-blocks.json"),
    include_str!("../../catalog/network/gateway.json"),
    include_str!("../../catalog/network/hosts.json"),
    include_str!("../../catalog/network/interfaces.json"),
    include_str!("../../catalog/network/internet.json"),
    include_str!("../../catalog/network/ipv6.json"),
    include_str!("../../catalog/network/lease.json"),
    include_str!("../../catalog/network/limits.json"),
    include_str!("../../catalog/network/mtu.json"),
    include_str!("../../catalog/network/path.json"),
    include_str!("../../catalog/network/proxy.json"),
    include_str!("../../catalog/network/routes.json"),
    include_str!("../../catalog/network/tls.json"),
    include_str!("../../catalog/network/vpn.json"),
    include_str!("../../catalog/network/wifi.json"),
];

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
