//! Placeholder of the room; see the README.

pub mod sim;
