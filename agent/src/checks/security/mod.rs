//! Protection of the PC.

pub(super) mod access_control;
pub(super) mod administrators;
pub(super) mod antivirus;
pub(super) mod automatic_updates;
pub(super) mod browser_policies;
pub(super) mod cpu_flaws;
pub(super) mod disk_encryption;
pub(super) mod exposed;
pub(super) mod firewall;
pub(super) mod kernel_hardening;
pub(super) mod logins;
pub(super) mod passwordless;
pub(super) mod path;
pub(super) mod permissions;
pub(super) mod ports;
pub(super) mod remote_access;
pub(super) mod root_certificates;
pub(super) mod secure_boot;
pub(super) mod sessions;
pub(super) mod ssh;
pub(super) mod start_up;

mod certificate;
mod command;
mod drop_in;
mod program;
mod remote_tools;
mod socket;
mod standing;

use std::marker::PhantomData;

use super::{Of, Runner};

/// Every check of this area.
pub(super) const ALL: &[&dyn Runner] = &[
    &Of::<access_control::AccessControl>(PhantomData),
    &Of::<administrators::Administrators>(PhantomData),
    &Of::<antivirus::Antivirus>(PhantomData),
    &Of::<automatic_updates::AutomaticUpdates>(PhantomData),
    &Of::<browser_policies::BrowserPolicies>(PhantomData),
    &Of::<cpu_flaws::CpuFlaws>(PhantomData),
    &Of::<disk_encryption::DiskEncryption>(PhantomData),
    &Of::<exposed::Exposed>(PhantomData),
    &Of::<firewall::Firewall>(PhantomData),
    &Of::<kernel_hardening::KernelHardening>(PhantomData),
    &Of::<logins::Logins>(PhantomData),
    &Of::<passwordless::Passwordless>(PhantomData),
    &Of::<path::Path>(PhantomData),
    &Of::<permissions::Permissions>(PhantomData),
    &Of::<ports::Ports>(PhantomData),
    &Of::<remote_access::RemoteAccess>(PhantomData),
    &Of::<root_certificates::RootCertificates>(PhantomData),
    &Of::<secure_boot::SecureBoot>(PhantomData),
    &Of::<sessions::Sessions>(PhantomData),
    &Of::<ssh::Ssh>(PhantomData),
    &Of::<start_up::StartUp>(PhantomData),
];
