//! Hardware: parts and whether they fail.
