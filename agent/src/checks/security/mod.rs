//! Protection of the PC.

pub(super) mod access_control;
pub(super) mod administrators;
pub(super) mod antivirus;
pub(super) mod automatic_updates;
pub(super) mod cpu_flaws;
pub(super) mod disk_encryption;
pub(super) mod exposed;
pub(super) mod firewall;
pub(super) mod kernel_hardening;
pub(super) mod ports;
pub(super) mod remote_access;
pub(super) mod secure_boot;
pub(super) mod sessions;
pub(super) mod ssh;

mod drop_in;
mod program;
mod remote_tools;
mod socket;

use std::marker::PhantomData;

use super::{Of, Runner};

/// Every check of this area.
pub(super) const ALL: &[&dyn Runner] = &[
    &Of::<access_control::AccessControl>(PhantomData),
    &Of::<administrators::Administrators>(PhantomData),
    &Of::<antivirus::Antivirus>(PhantomData),
    &Of::<automatic_updates::AutomaticUpdates>(PhantomData),
    &Of::<cpu_flaws::CpuFlaws>(PhantomData),
    &Of::<disk_encryption::DiskEncryption>(PhantomData),
    &Of::<exposed::Exposed>(PhantomData),
    &Of::<firewall::Firewall>(PhantomData),
    &Of::<kernel_hardening::KernelHardening>(PhantomData),
    &Of::<ports::Ports>(PhantomData),
    &Of::<remote_access::RemoteAccess>(PhantomData),
    &Of::<secure_boot::SecureBoot>(PhantomData),
    &Of::<sessions::Sessions>(PhantomData),
    &Of::<ssh::Ssh>(PhantomData),
];
