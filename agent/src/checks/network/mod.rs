//! Internet and local network.

mod address;
mod card;
pub(super) mod dns;
pub(super) mod errors;
pub(super) mod hosts;
pub(super) mod interfaces;
pub(super) mod ipv6;
pub(super) mod limits;
mod probe;
mod resolve;
mod route;
pub(super) mod routes;
mod targets;

use std::marker::PhantomData;

use super::{Of, Runner};

/// Every check of this area.
pub(super) const ALL: &[&dyn Runner] = &[
    &Of::<dns::Dns>(PhantomData),
    &Of::<errors::Errors>(PhantomData),
    &Of::<hosts::Hosts>(PhantomData),
    &Of::<interfaces::Interfaces>(PhantomData),
    &Of::<ipv6::Ipv6>(PhantomData),
    &Of::<limits::Limits>(PhantomData),
    &Of::<routes::Routes>(PhantomData),
];
