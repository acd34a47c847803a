//! Protection of the PC.
