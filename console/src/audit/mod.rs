//! An auditor's own copy of a service's record, verified while it grows.
//!
//! ```text
//! relay ──raw entries───▶ sync ──▶ mirror (entries, index, sessions) ──▶ list · show · verify · export
//!       ──sealed parts──▶ opening ──▶ words, kept as long as the statement says ──▶ show · search · verify
//! ```
//!
//! Nothing the relay stores beside the entries is believed, and nothing it says later may contradict what it said before:
//! the copy here is what it is held against. No SQL. The relay learns which sessions an auditor looks at, and not one word
//! that is searched for. (SECURITY E5, F4)

mod chain;
pub(crate) mod check;
pub(crate) mod desk;
mod erasures;
pub(crate) mod export;
pub(crate) mod following;
mod import;
pub(crate) mod index;
pub(crate) mod listing;
pub(crate) mod looking;
pub(crate) mod mirror;
pub(crate) mod opening;
pub(crate) mod progress;
pub(crate) mod replay;
pub(crate) mod search;
pub(crate) mod sessions;
pub(crate) mod story;
pub(crate) mod sync;
pub(crate) mod telling;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod tiles;
pub(crate) mod words;

pub use import::{NotImported, import};
