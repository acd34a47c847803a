//! The operating system.

pub(super) mod disk_space;
pub(super) mod memory;
pub(super) mod overview;
pub(super) mod processes;
pub(super) mod services;
pub(super) mod updates;
