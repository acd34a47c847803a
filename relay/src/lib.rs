//! How a peer reaches a relay and, through it, another peer ([`client`]), and the relay itself (`server`).
//!
//! A relay forwards the packets of end-to-end QUIC connections without any key to read them, and keeps the ledger. Peers
//! build without the `server` feature, so that no database code reaches a person's PC.

#[cfg(feature = "server")]
pub mod cli;
#[cfg(not(target_os = "linux"))]
compile_error!("Venia is built and tested on Linux only, so far: nobody has run it on Windows or macOS.");

pub mod client;
pub mod clock;
#[cfg(feature = "server")]
pub mod server;
pub mod walking;
