//! The operating system.

pub(super) mod boot_time;
pub(super) mod clock;
pub(super) mod crashes;
pub(super) mod disk_space;
pub(super) mod disk_users;
pub(super) mod file_systems;
pub(super) mod flapping;
pub(super) mod journal;
pub(super) mod kernel;
pub(super) mod language;
pub(super) mod limits;
pub(super) mod load;
pub(super) mod logs_size;
pub(super) mod memory;
pub(super) mod out_of_memory;
pub(super) mod overview;
pub(super) mod own_start_up;
pub(super) mod packages;
pub(super) mod processes;
pub(super) mod schedules;
pub(super) mod services;
pub(super) mod session;
pub(super) mod sleep;
pub(super) mod start_up;
pub(super) mod support;
pub(super) mod swap;
pub(super) mod updates;
pub(super) mod virtual_machine;

mod autostart;
mod date;
mod log;
mod reply;
mod unit;

use std::marker::PhantomData;

use super::{Of, Runner};

/// Every check of this area.
pub(super) const ALL: &[&dyn Runner] = &[
    &Of::<boot_time::BootTime>(PhantomData),
    &Of::<clock::Clock>(PhantomData),
    &Of::<crashes::Crashes>(PhantomData),
    &Of::<disk_space::DiskSpace>(PhantomData),
    &Of::<disk_users::DiskUsers>(PhantomData),
    &Of::<file_systems::FileSystems>(PhantomData),
    &Of::<flapping::Flapping>(PhantomData),
    &Of::<journal::Journal>(PhantomData),
    &Of::<kernel::Kernel>(PhantomData),
    &Of::<language::Language>(PhantomData),
    &Of::<limits::Limits>(PhantomData),
    &Of::<load::Load>(PhantomData),
    &Of::<logs_size::LogsSize>(PhantomData),
    &Of::<memory::Memory>(PhantomData),
    &Of::<out_of_memory::OutOfMemory>(PhantomData),
    &Of::<overview::Overview>(PhantomData),
    &Of::<own_start_up::OwnStartUp>(PhantomData),
    &Of::<packages::Packages>(PhantomData),
    &Of::<processes::Processes>(PhantomData),
    &Of::<schedules::Schedules>(PhantomData),
    &Of::<services::Services>(PhantomData),
    &Of::<session::Session>(PhantomData),
    &Of::<sleep::Sleep>(PhantomData),
    &Of::<start_up::StartUp>(PhantomData),
    &Of::<support::Support>(PhantomData),
    &Of::<swap::Swap>(PhantomData),
    &Of::<updates::Updates>(PhantomData),
    &Of::<virtual_machine::VirtualMachine>(PhantomData),
];
