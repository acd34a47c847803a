//! Protection of the PC.

pub(super) mod administrators;
pub(super) mod cpu_flaws;
pub(super) mod firewall;
pub(super) mod ports;
