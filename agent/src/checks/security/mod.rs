//! Protection of the PC.

pub(super) mod administrators;
pub(super) mod cpu_flaws;
pub(super) mod exposed;
pub(super) mod firewall;
pub(super) mod ports;
pub(super) mod remote_access;
pub(super) mod sessions;

mod program;
mod remote_tools;
mod socket;

use std::marker::PhantomData;

use super::{Of, Runner};

/// Every check of this area.
pub(super) const ALL: &[&dyn Runner] = &[
    &Of::<administrators::Administrators>(PhantomData),
    &Of::<cpu_flaws::CpuFlaws>(PhantomData),
    &Of::<exposed::Exposed>(PhantomData),
    &Of::<firewall::Firewall>(PhantomData),
    &Of::<ports::Ports>(PhantomData),
    &Of::<remote_access::RemoteAccess>(PhantomData),
    &Of::<sessions::Sessions>(PhantomData),
];
