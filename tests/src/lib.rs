//! The safety net: what the tests share, and the guided first session.

pub mod first_session;
pub mod sim;
