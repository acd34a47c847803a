//! The definition files, compiled in. One line an item, sorted by id.

/// The text of every definition, by area.
pub(super) const ALL: &[&[&str]] = &[HARDWARE, NETWORK, SECURITY, SYSTEM, TASKS];

const HARDWARE: &[&str] =
    &[include_str!("../../catalog/hardware/cpu.json"), include_str!("../../catalog/hardware/disks.json")];

const NETWORK: &[&str] =
    &[include_str!("../../catalog/network/dns.json"), include_str!("../../catalog/network/interfaces.json")];

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
    include_str!("../../catalog/security/ssh-keys.json"),
    include_str!("../../catalog/security/start-up.json"),
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
