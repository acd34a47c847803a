//! The definition files, compiled in. One line an item, sorted by id.

/// The text of every definition.
pub(super) const ALL: &[&str] = &[include_str!("../../catalog/system/overview.json")];
