//! The ledger's format and its proofs: who said what, when, and that nobody changed it since. (docs/ledger.md)

pub mod body;
pub mod checkpoint;
pub mod kind;
pub mod merkle;
pub mod note;
pub mod pin;
pub mod proof;
