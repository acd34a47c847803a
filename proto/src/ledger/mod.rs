//! The ledger's format and its proofs: who said what, when, and that nobody changed it since. (docs/ledger.md)

pub mod body;
pub mod kind;
pub mod merkle;
pub mod note;
