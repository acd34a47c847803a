//! `venia audit export`: the record for other tools, once or as the log grows.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use venia_proto::ledger::looking::Look;
use venia_proto::ledger::notice::Looking;
use venia_proto::now::Wall;
use venia_relay::client::control::ControlError;
use venia_relay::walking;
use venia_ui::cli::Common;
use venia_ui::failure::{Exit, Failure};
use venia_ui::terminal::Screen;
use venia_ui::words::Words;

use super::desk::Desk;
use crate::audit::desk::Log;
use crate::audit::following;
use crate::audit::mirror::Mirror;
use crate::audit::sync::{Looker, SyncError};
use crate::cli::Format;
use crate::commands::block_on;
use crate::{clock, trouble};

/// What goes on record.
const LOOK: Look = (Looking::Export, None);
/// How often it is looked whether somebody wants it to end.
const GLANCE: Duration = Duration::from_millis(100);

pub(super) fn run(
    format: Format,
    out: &Path,
    every: Option<Duration>,
    offline: bool,
    common: &Common,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let desk = Desk::open(common, screen)?;
    match every {
        None => {
            let logs = desk.logs(offline, &[LOOK], None)?;
            let mirrors: Vec<Mirror> = logs.into_iter().map(|log| log.copy).collect();
            write(&mirrors, format, out, true, screen)?;
            Ok(Exit::Done)
        }
        Some(every) => follow(&desk, format, out, every),
    }
}

/// Looks again and again, over one connection and so with one note in the log; a lost connection is made anew.
fn follow(desk: &Desk<'_>, format: Format, out: &Path, every: Duration) -> Result<Exit, Failure> {
    let (screen, words, data) = (desk.screen, desk.screen.words(), desk.member().home.dir());
    let stop = walking::interrupted().map_err(|error| trouble::copy(&error.into(), words))?;
    let followed = async {
        let mut looker = Some(Looker::arrive(desk.member(), &[LOOK]).await.map_err(|e| trouble::not_synced(e, words))?);
        let mut first = true;
        while !stop.load(Ordering::Acquire) {
            // Words are due whether the relay answers or not; the copies aren't open meanwhile.
            let due = Mirror::bare(data).map_err(|error| trouble::copy(&error, words))?;
            drop(obeyed(due, Some(clock::now().wall), words)?);
            let round = match &looker {
                Some(looker) => looker.round(desk.member(), data, None, |_, _| {}).await,
                None => Looker::arrive(desk.member(), &[LOOK]).await.map(|again| {
                    looker = Some(again);
                    Vec::new()
                }),
            };
            match round {
                Ok(mirrors) => {
                    let mirrors = obeyed(mirrors, None, words)?;
                    write(&mirrors, format, out, first, screen)?;
                    first &= mirrors.is_empty();
                }
                // It may come back; what was written stays, and nothing is missed.
                Err(SyncError::Control(error @ ControlError::Unreachable(_))) => {
                    tracing::info!(error = &error as &dyn std::error::Error, "the relay");
                    if let Some(lost) = looker.take() {
                        lost.leave().await;
                    }
                }
                Err(error) => return Err(trouble::not_synced(error, words)),
            }
            let until = tokio::time::Instant::now() + every;
            while !stop.load(Ordering::Acquire) && tokio::time::Instant::now() < until {
                tokio::time::sleep_until(until.min(tokio::time::Instant::now() + GLANCE)).await;
            }
        }
        if let Some(looker) = looker {
            looker.leave().await;
        }
        Ok(Exit::Done)
    };
    block_on(followed, words)?
}

/// Lets go of the words beside these copies that are due, or that a log says are erased.
fn obeyed(mirrors: Vec<Mirror>, sweep: Option<Wall>, words: &Words) -> Result<Vec<Mirror>, Failure> {
    let logs = mirrors.into_iter().map(|copy| Log::open(copy, sweep).map(|log| log.copy));
    logs.collect::<Result<_, _>>().map_err(|error| trouble::folder(&error, words))
}

/// Writes what there is; says so if something came or `always`.
fn write(mirrors: &[Mirror], format: Format, out: &Path, always: bool, screen: &Screen) -> Result<(), Failure> {
    let words = screen.words();
    // Of a pruned log there is nothing to write; its place stays its own.
    for (n, copy) in mirrors.iter().enumerate().filter(|(_, copy)| !copy.is_pruned()) {
        let out = following::place(n, mirrors.len(), out);
        let added = following::export(copy, format, &out).map_err(|error| trouble::copy(&error, words))?;
        if added == Some(0) && !always {
            continue;
        }
        let (place, entries) = (out.display().to_string(), copy.state.reading.size);
        if screen.json() {
            let log = copy.key.name.to_string();
            screen.object(&json!({"out": place, "log": log, "entries": entries, "added": added}))?;
            continue;
        }
        screen.line(&match added {
            Some(added) => words.say("audit-added", &[("added", &added), ("entries", &entries), ("out", &place)]),
            None => words.say("audit-exported", &[("entries", &entries), ("out", &place)]),
        })?;
    }
    Ok(())
}
