//! The auditor's page: the record of a service in the auditor's own browser, served on loopback by their own program.
//!
//! ```text
//! site (addresses, forms) -> state (copies, work) -> work (fetch, verify, export: the functions of `venia audit …`)
//!      \-> asked, timeline, trends (pure) -> show (HTML, pure)
//! ```
//!
//! Whatever can be seen or done here can be in a terminal too; the same functions say it, so that both say the same. What it
//! is *not*: a second opinion. It judges nothing by rules of its own, keeps nothing, and proves no more than the log does:
//! that something was allowed at a PC, never by whom. Reading the copy on this computer asks nobody; what the service is
//! asked for is on record in its log first.

mod asked;
mod download;
mod show;
mod site;
mod state;
#[cfg(test)]
mod testing;
mod timeline;
mod trends;
mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use venia_proto::catalog::Catalog;
use venia_relay::walking;
use venia_ui::failure::{Exit, Failure, Trouble};
use venia_ui::page::{Handle, LAUNCH_MS, Opened, Server, open};
use venia_ui::terminal::Screen;

use self::site::Face;
use self::state::State;
use crate::audit::desk::Desk;
use crate::trouble;

/// Whether somebody wants it to end is looked at this often.
const GLANCE: Duration = Duration::from_millis(100);
/// The last page is asked for and goes out within this time.
const LAST_ANSWER: Duration = Duration::from_secs(1);
/// How many addresses are printed, one after the other, for somebody who doesn't open them.
const ADDRESSES: u32 = 10;
/// Threads that answer: while one looks through every word, another says how far it is.
const THREADS: usize = 2;

/// Serves the page until it is closed, or Ctrl-C.
pub(crate) fn run(desk: Desk, screen: &Screen) -> Result<Exit, Failure> {
    let words = screen.words();
    let catalog = Catalog::built_in();
    // An auditor who never read the log fetches it from the page.
    let logs = match desk.logs(true, &[], None, words, &|_| ()) {
        Err(failure) if failure.kind == trouble::NOTHING => Vec::new(),
        logs => logs?,
    };
    let state = Arc::new(State::new(desk, logs, words.clone()));
    let none = |error: std::io::Error| {
        tracing::error!(%error, "no page");
        Failure::of(Trouble::NoPage, words)
    };
    let stop = walking::interrupted().map_err(none)?;
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(THREADS).enable_all().build().map_err(none)?;
    let ended = runtime.block_on(async {
        let server = Server::bind().map_err(none)?;
        let handle = server.handle();
        let site = Arc::new(Face { state: Arc::clone(&state), catalog });
        tokio::select! {
            () = server.serve(site) => Ok(()),
            announced = announce(&handle, screen) => announced,
            () = closed(&state) => Ok(()),
            () = interrupted(&stop) => Ok(()),
        }
    });
    // A verification keeps how far it came.
    state.stop.store(true, Ordering::Release);
    runtime.shutdown_timeout(LAST_ANSWER);
    ended.map(|()| Exit::Done)
}

/// Says where the page is until somebody has opened it: each address works for a minute. Ends if nobody comes.
async fn announce(handle: &Handle, screen: &Screen) -> Result<(), Failure> {
    let mut address = handle.address();
    for turn in 0..ADDRESSES {
        let Some(at) = address else { return std::future::pending().await };
        match screen.json() {
            true => screen.object(&json!({"page": at}))?,
            false => screen.line(&format!("page: {at}"))?,
        }
        if turn == 0 && open(&at) == Opened::No {
            screen.note(&screen.words().say("auditing-open-yourself", &[]));
        }
        for _ in 0..LAUNCH_MS / 500 {
            if handle.is_launched() {
                return std::future::pending().await;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        address = handle.address_again();
    }
    screen.note(&screen.words().say("auditing-nobody", &[]));
    Ok(())
}

/// Waits until the page was closed and its last answer went out; the server goes on meanwhile.
async fn closed(state: &State) {
    // An error would mean that nobody can close it any more.
    let _ = state.closing.subscribe().wait_for(|closing| *closing).await;
    tokio::time::sleep(LAST_ANSWER).await;
}

async fn interrupted(stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        tokio::time::sleep(GLANCE).await;
    }
}
