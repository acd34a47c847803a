//! The ledger's format and its proofs: who said what, when, and that nobody changed it since. (docs/ledger.md)

pub mod batch;
pub mod body;
pub mod event;
pub mod kind;
pub mod note;
pub mod part;
pub mod strand;
