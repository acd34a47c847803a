//! Hardware: parts and whether they fail.

pub(super) mod board;
pub(super) mod cpu;
pub(super) mod disks;
pub(super) mod graphics;
pub(super) mod memory_modules;
pub(super) mod pci;
pub(super) mod processor;

mod names;
mod pci_bus;
#[cfg(test)]
mod recording;
mod smbios;

use std::marker::PhantomData;

use super::{Of, Runner};

/// Every check of this area.
pub(super) const ALL: &[&dyn Runner] = &[
    &Of::<board::Board>(PhantomData),
    &Of::<cpu::Cpu>(PhantomData),
    &Of::<disks::Disks>(PhantomData),
    &Of::<graphics::Graphics>(PhantomData),
    &Of::<memory_modules::MemoryModules>(PhantomData),
    &Of::<pci::Pci>(PhantomData),
    &Of::<processor::Processor>(PhantomData),
];
