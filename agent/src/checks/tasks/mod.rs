//! The person's own tasks: storage, printing, programs.

pub(super) mod printing;
pub(super) mod space;
mod walk;
