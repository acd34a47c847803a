//! The ledger from outside: whole sessions by real keys in a real tree, and every forgery of them.

mod forgeries;
mod fuzz;
mod python;
mod repacked;
mod rules;
mod support;
