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
    include_str!("../../catalog/hardware/usb.json"),
    include_str!("../../catalog/hardware/usb-resets.json"),
];

const NETWORK: &[&str] = &[
    include_str!("../../catalog/network/captive-portal.json"),
    include_str!("../../catalog/network/connections.json"),
    include_str!("../../catalog/network/dns.json"),
    include_str!("../../catalog/network/duplicates.json"),
    include_str!("../../catalog/network/errors.json"),
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
    include_str!("../../catalog/security/access-control.json"),
    include_str!("../../catalog/security/administrators.json"),
    include_str!("../../catalog/security/antivirus.json"),
    include_str!("../../catalog/security/automatic-updates.json"),
    include_str!("../../catalog/security/browser-policies.json"),
    include_str!("../../catalog/security/cpu-flaws.json"),
    include_str!("../../catalog/security/disk-encryption.json"),
    include_str!("../../catalog/security/exposed.json"),
    include_str!("../../catalog/security/firewall.json"),
    include_str!("../../catalog/security/kernel-hardening.json"),
    include_str!("../../catalog/security/logins.json"),
    include_str!("../../catalog/security/passwordless.json"),
    include_str!("../../catalog/security/path.json"),
    include_str!("../../catalog/security/permissions.json"),
    include_str!("../../catalog/security/ports.json"),
    include_str!("../../catalog/security/remote-access.json"),
    include_str!("../../catalog/security/root-certificates.json"),
    include_str!("../../catalog/security/secure-boot.json"),
    include_str!("../../catalog/security/sessions.json"),
    include_str!("../../catalog/security/ssh.json"),
    include_str!("../../catalog/security/start-up.json"),
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
];

const TASKS: &[&str] =
    &[include_str!("../../catalog/tasks/printing.json"), include_str!("../../catalog/tasks/space.json")];

/// The goals, in the order in which they are offered.
pub(super) const GOALS: &[&str] =
    &[include_str!("../../catalog/goals/slow-computer.json"), include_str!("../../catalog/goals/before-repair.json")];
