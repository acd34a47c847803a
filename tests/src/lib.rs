//! The safety net: what the tests share, and the guided first session.

pub mod catalogue_page;
pub mod first_session;
#[path = "../bench/floor/mod.rs"]
pub mod floor;
#[expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]
pub mod harness;
#[path = "../bench/measure/mod.rs"]
pub mod measure;
pub mod sim;
