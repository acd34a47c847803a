//! Internet and local network.

mod address;
pub(super) mod dns;
pub(super) mod interfaces;
mod resolve;
mod route;
