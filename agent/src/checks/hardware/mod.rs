//! Hardware: parts and whether they fail.

pub(super) mod cpu;
pub(super) mod disks;

use std::marker::PhantomData;

use super::{Of, Runner};

/// Every check of this area.
pub(super) const ALL: &[&dyn Runner] = &[&Of::<cpu::Cpu>(PhantomData), &Of::<disks::Disks>(PhantomData)];
