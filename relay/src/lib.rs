//! How a peer reaches a relay and, through it, another peer; and (feature `server`) the relay itself.

#[cfg(feature = "server")]
pub mod server;
