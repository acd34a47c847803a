//! Internet and local network.

mod address;
pub(super) mod dns;
pub(super) mod interfaces;
mod resolve;
mod route;

use std::marker::PhantomData;

use super::{Of, Runner};

/// Every check of this area.
pub(super) const ALL: &[&dyn Runner] = &[&Of::<dns::Dns>(PhantomData), &Of::<interfaces::Interfaces>(PhantomData)];
