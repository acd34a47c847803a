//! `venia-relay serve`: runs until it is told to stop.

use std::path::Path;

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use venia_ui::failure::Failure;
use venia_ui::terminal::Screen;

use super::failures::{failed, system};
use crate::server::serve::{Options, Running};

/// Runs a relay in the foreground.
pub(super) fn serve(folder: &Path, screen: &Screen, options: Options) -> Result<(), Failure> {
    let words = screen.words();
    let system = |error: &dyn std::error::Error| system(error, words);
    // A core file would hold every key. (SECURITY H3)
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(rustix::process::Resource::Core, none).map_err(|error| system(&error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| system(&error))?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(|error| system(&error))?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| system(&error))?;
        let failed = |error| failed(&error, folder, words);
        let mut running = Running::start(folder, options.clone()).await.map_err(failed)?;
        let told = announce(screen, &running);
        while told.is_ok() {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                () = running.outlived() => {
                    // A log is followed by another at a start only, when nobody is here to be served by either.
                    running = running.again(folder, options.clone()).await.map_err(failed)?;
                    continue;
                }
            }
            screen.note(&words.say("relay-stopping", &[]));
            break;
        }
        running.stop().await;
        told
    })
}

fn announce(screen: &Screen, running: &Running) -> Result<(), Failure> {
    let address = running.address().to_string();
    if screen.json() {
        screen.object(&json!({ "address": address }))?;
        return screen.object(&json!({ "ready": true }));
    }
    screen.line(&format!("address: {address}"))?;
    screen.line("ready")
}
