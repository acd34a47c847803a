//! The language all parts of Venia speak, and every rule.
//!
//! Pure: no sockets, files, clock or randomness of its own. Time and random bytes are handed in; what should happen is
//! handed out. Shells (`relay`, `agent`, `console`) do what they are told and report back. So every rule can be tested
//! without a network, and replayed from a seed.

pub mod address;
pub mod backoff;
pub mod bounded;
pub mod catalog;
pub mod code;
pub mod consent;
pub mod encoding;
pub mod fences;
pub mod fingerprint;
pub mod fold;
pub mod foreign;
pub mod greeting;
pub mod id;
pub mod invite;
pub mod json;
pub mod key;
pub mod ledger;
pub mod message;
pub mod minute;
pub mod now;
pub mod pairing;
pub mod policy;
pub mod rendezvous;
pub mod report;
pub mod scope;
pub mod session;
pub mod statement;
pub mod wire;
pub mod words;
