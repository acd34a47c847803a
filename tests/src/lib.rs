//! The safety net: what the tests share, and the guided first session.

pub mod first_session;
#[expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]
pub mod harness;
pub mod sim;
