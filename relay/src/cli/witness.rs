//! `venia-relay witness`: runs a witness until it is told to stop; and `venia-relay witness-key`: what a relay's operator
//! is told of the witnesses of their own log.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use venia_proto::foreign::Foreign;
use venia_proto::key::VerifierKey;
use venia_ui::failure::{Exit, Failure};
use venia_ui::terminal::Screen;

use super::failures::{chain, home_failed, said, system};
use crate::server::serve::DATABASE;
use crate::server::settings::WitnessAt;
use crate::server::witness::desk::{Desk, DeskError};
use crate::server::witness::http::{Listening, Patience};

/// Where a witness keeps its data when nobody says: within the relay's place, never the relay's own files.
pub(super) const FOLDER: &str = "witness";

/// Runs a witness in the foreground.
pub(super) fn serve(folder: &Path, screen: &Screen, listen: SocketAddr, logs: Vec<VerifierKey>) -> Result<(), Failure> {
    let words = screen.words();
    let system = |error: &dyn std::error::Error| system(error, words);
    let shown = Foreign::new(folder.to_string_lossy());
    // Who steals a relay's folder must not get its witness with it.
    if folder.join(DATABASE).exists() {
        return Err(said(
            Exit::WrongUse,
            "folder",
            words,
            words.say("relay-witness-folder", &[("folder", &shown)]),
            words.say("relay-witness-folder-hint", &[]),
        ));
    }
    // A core file would hold the key. (SECURITY H3)
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(rustix::process::Resource::Core, none).map_err(|error| system(&error))?;
    let desk = Desk::open(folder, logs).map_err(|error| match &error {
        DeskError::Home(error) => home_failed(error, folder, words),
        DeskError::Kept(_) | DeskError::NoLog => said(
            Exit::Refused,
            "witness-memory",
            words,
            words.say("relay-witness-memory", &[("folder", &shown), ("detail", &chain(&error))]),
            words.say("relay-witness-memory-hint", &[]),
        ),
    })?;
    let vkey = desk.vkey().to_string();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| system(&error))?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(|error| system(&error))?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| system(&error))?;
        let taken = |_| {
            said(
                Exit::Refused,
                "listen",
                words,
                words.say("relay-witness-listen", &[("address", &listen.to_string())]),
                words.say("relay-listen-hint", &[]),
            )
        };
        let listening = Listening::on(listen, desk, Patience::default()).await.map_err(taken)?;
        let at = format!("http://{}", listening.local_addr().map_err(|error| system(&error))?);
        if screen.json() {
            screen.object(&json!({ "witness": vkey, "listening": at }))?;
        } else {
            screen.line(&format!("witness: {vkey}"))?;
            screen.line(&format!("listening: {at}"))?;
        }
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = listening.serve() => {}
        }
        screen.note(&words.say("relay-witness-stopping", &[]));
        Ok(())
    })
}

/// Prints the witnesses of a relay's log.
pub(super) fn list(
    screen: &Screen,
    (serial, log, quorum): (u64, &str, u32),
    witnesses: &[WitnessAt],
) -> Result<(), Failure> {
    if screen.json() {
        return screen.object(&json!({ "serial": serial, "log": log, "quorum": quorum, "witnesses": witnesses }));
    }
    screen.line(&format!("log: {log}"))?;
    for WitnessAt { key, at } in witnesses {
        screen.line(&format!("witness: {key} {at}"))?;
    }
    screen.line(&format!("quorum: {quorum}"))?;
    if witnesses.is_empty() {
        screen.note(&screen.words().say("relay-no-witnesses", &[]));
    }
    Ok(())
}
