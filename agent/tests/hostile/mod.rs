//! Workers that misbehave, and workers of the catalogue, behind the real fences.

pub mod catalogue;
pub mod fence;
pub mod misdeeds;
