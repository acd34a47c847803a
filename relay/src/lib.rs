//! Placeholder of the room; see the README.
