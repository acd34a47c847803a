//! The person's own tasks: storage, printing, programs.

pub(super) mod printing;
pub(super) mod space;
mod walk;

use std::marker::PhantomData;

use super::{Of, Runner};

/// Every check of this area.
pub(super) const ALL: &[&dyn Runner] = &[&Of::<printing::Printing>(PhantomData), &Of::<space::Space>(PhantomData)];
