//! How a peer reaches a relay and, through it, another peer ([`client`]), and the relay itself (`server`).
//!
//! A relay forwards the packets of end-to-end QUIC connections without any key to read them, and keeps the ledger. Peers
//! build without the `server` feature, so that no database code reaches a person's PC.

#[cfg(feature = "server")]
pub mod cli;
pub mod client;
#[cfg(feature = "server")]
pub mod server;
