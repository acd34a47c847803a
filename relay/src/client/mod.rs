//! What a peer needs to reach a relay and, through it, another peer: keys, folder, one socket, one endpoint.
//!
//! Not here: what is said over the connections ([`venia_proto`]), and the relay's own half (`server`).

pub mod bulk;
pub mod code;
pub mod control;
mod early;
pub mod followed;
pub mod frames;
pub mod gauge;
pub mod gossip;
mod here;
pub mod home;
pub mod keeper;
pub mod link;
pub mod packet;
pub mod receipt;
pub mod seen;
pub(crate) mod segments;
mod socket;
pub mod succession;
pub mod tls;
pub mod transport;
pub(crate) mod udp;
