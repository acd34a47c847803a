//! Internet and local network.
