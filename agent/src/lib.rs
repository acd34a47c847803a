//! The agent on the person's PC: the only place where consent is given and where anything runs.
//!
//! `main -> cli -> commands -> driver -> {relay client, person, worker, journal}`; those four never see one another.
//! The rules are [`venia_proto::session::agent`]'s; this crate does what it orders and reports what happened.

pub mod journal;
pub mod person;
pub mod worker;
