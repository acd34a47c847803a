//! The relay: it introduces, forwards what it can't read, and records.

pub mod registry;
