//! Placeholder of the room; see the README.

pub mod journal;
pub mod worker;
