//! What the end-to-end tests stand on: a relay, agents and consoles as real processes on loopback, each with a folder of
//! its own, and technicians who speak the wire themselves ([`visitor`]) and need not be honest.
//!
//! Everything waits for an event (a line, a frame, a file, the end of a process) and gives up loudly after [`PATIENCE`].
//! Not here: rules. What a test expects stands in the test.

use std::time::{Duration, Instant};

pub mod administrator;
pub mod agent;
pub mod beside;
pub mod collector;
pub mod console;
pub mod disk;
pub mod faulty;
pub mod half_open;
pub mod hostile;
pub mod impostor;
pub mod lying_relay;
pub mod middle_relay;
pub mod middlebox;
pub mod packets;
pub mod pretender;
pub mod process;
pub mod scripted;
pub mod taken;
pub mod two_faced;
pub mod visitor;
pub mod weather;
pub mod world;

/// How long anything may take; a debug build on a busy machine needs a fraction of it.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often something that can't announce itself (a file, a process) is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// `venia-try`, as cargo built it for the calling test.
#[macro_export]
macro_rules! programs {
    () => {
        ::std::path::Path::new(env!("CARGO_BIN_EXE_venia-try"))
    };
}

/// Looks until there is something to see.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(started.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(LOOK);
    }
}

/// Awaits within [`PATIENCE`].
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain for {what}"),
    }
}
