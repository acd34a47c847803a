//! Protection of the PC.

pub(super) mod administrators;
pub(super) mod cpu_flaws;
pub(super) mod firewall;
pub(super) mod ports;

use std::marker::PhantomData;

use super::{Of, Runner};

/// Every check of this area.
pub(super) const ALL: &[&dyn Runner] = &[
    &Of::<administrators::Administrators>(PhantomData),
    &Of::<cpu_flaws::CpuFlaws>(PhantomData),
    &Of::<firewall::Firewall>(PhantomData),
    &Of::<ports::Ports>(PhantomData),
];
