//! The relay: lets peers in, forwards the packets of their sessions without any key to read them, and keeps the ledger.

pub mod accept;
pub mod admin;
pub mod audit;
pub mod backup;
pub mod bulk;
pub mod check;
pub mod clock;
pub mod contradictions;
pub mod cosigning;
mod egress;
pub mod erasing;
pub mod flow;
pub mod forward;
mod gather;
pub mod hall;
pub mod identity;
pub mod ledger;
pub mod members;
pub mod organisation;
pub mod peer;
pub mod recipient;
pub mod recovery;
pub mod registry;
pub mod roaming;
pub mod serve;
pub mod settings;
pub mod witness;
