//! Placeholder of the room; see the README.

pub mod journal;
pub mod person;
pub mod worker;
