//! Hardware: parts and whether they fail.

pub(super) mod cpu;
pub(super) mod disks;
