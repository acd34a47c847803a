//! The ledger's format and its proofs: who said what, when, and that nobody changed it since. (docs/ledger.md)

pub mod batch;
pub mod body;
pub mod bundle;
pub mod check_code;
pub mod checkpoint;
pub mod cosignature;
pub mod event;
pub mod evidence;
pub mod flag;
pub mod gossip;
pub mod heartbeat;
pub mod keeping;
pub mod kind;
pub mod looking;
pub mod merkle;
pub mod note;
pub mod notice;
pub mod part;
pub mod pin;
pub mod proof;
pub mod reading;
pub mod strand;
pub mod succession;
pub mod verify;
pub mod whole;
pub mod witness;
