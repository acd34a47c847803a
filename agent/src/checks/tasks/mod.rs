//! The person's own tasks: storage, printing, programs, sound, pictures, copies of their data.

mod age;
pub(super) mod browsers;
pub(super) mod everyday_programs;
mod home;
mod installed;
pub(super) mod mail_programs;
pub(super) mod printing;
pub(super) mod space;
mod walk;

use std::marker::PhantomData;

use super::{Of, Runner};

/// Every check of this area.
pub(super) const ALL: &[&dyn Runner] = &[
    &Of::<browsers::Browsers>(PhantomData),
    &Of::<everyday_programs::EverydayPrograms>(PhantomData),
    &Of::<mail_programs::MailPrograms>(PhantomData),
    &Of::<printing::Printing>(PhantomData),
    &Of::<space::Space>(PhantomData),
];
