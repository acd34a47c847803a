//! Says where a page is, until somebody has opened it.
//!
//! An address works for a minute (SECURITY H2), and whoever is to open it may have gone for coffee: another one follows in
//! its place, a few times. Not here: what happens when nobody comes, which is for each program to say.

use std::io::Write as _;
use std::time::Duration;

use super::browser::{Opened, open};
use super::guard::LAUNCH_MS;
use super::server::Handle;

/// How many addresses are said, one after the other, for somebody who doesn't open them.
const ADDRESSES: u32 = 10;
/// Whether somebody came is asked this often, in milliseconds.
const GLANCE_MS: u64 = 500;

/// Where the page's address goes.
pub type Announce = Box<dyn Fn(&str) + Send>;

/// The shipped programs' announcement: `page: http://127.0.0.1:PORT/…` on standard output.
pub fn printed() -> Announce {
    Box::new(|address| {
        let mut out = std::io::stdout().lock();
        // Whoever closed it doesn't wait for an address.
        let _ = writeln!(out, "page: {address}").and_then(|()| out.flush());
    })
}

/// Announces the page until somebody has opened it; whether somebody did. `opens`: the desktop is asked to open it, once.
pub async fn announce(handle: &Handle, say: &Announce, opens: bool) -> bool {
    let mut address = handle.address();
    for turn in 0..ADDRESSES {
        let Some(at) = address else { break };
        say(&at);
        if turn == 0 && opens && open(&at) == Opened::No {
            tracing::debug!("there is no display");
        }
        for _ in 0..LAUNCH_MS / GLANCE_MS {
            if handle.is_launched() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(GLANCE_MS)).await;
        }
        address = handle.address_again();
    }
    handle.is_launched()
}
