//! The ledger from outside: whole sessions by real keys in a real tree, and every forgery of them.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that can't go on fails")]

mod changes;
mod crafted;
mod forgeries;
mod fuzz;
mod hostile;
mod listed;
mod loopholes;
mod mutations;
mod outside;
mod people;
mod python;
mod repacked;
mod rules;
mod succession;
mod support;
