//! An auditor's own copy of a service's record, verified while it grows.
//!
//! ```text
//! relay ──raw entries──▶ sync ──▶ mirror (entries, index) ──▶ list · show · verify · export
//! ```
//!
//! Nothing the relay stores beside the entries is believed, and nothing it says later may contradict what it said before:
//! the copy here is what it is held against. No SQL, no words: events hold commitments only. (SECURITY E5, F4)

pub(crate) mod check;
pub(crate) mod export;
pub(crate) mod following;
mod import;
pub(crate) mod index;
pub(crate) mod mirror;
pub(crate) mod progress;
pub(crate) mod sync;
pub(crate) mod tiles;

pub use import::{NotImported, import};
