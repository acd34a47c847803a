//! The relay: lets peers in, forwards the packets of their sessions without any key to read them, and keeps the ledger.

pub mod accept;
mod egress;
pub mod flow;
pub mod forward;
