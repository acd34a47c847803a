//! Placeholder of the room; see the README.
fn main() {}
