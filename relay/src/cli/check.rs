//! `venia-relay check`: beside a running relay, or holding the folder's lock while none runs.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde_json::json;
use venia_proto::foreign::Foreign;
use venia_ui::failure::{Exit, Failure};
use venia_ui::terminal::Screen;

use super::failures::{failed, said, system};
use crate::client::home::{Home, HomeError};
use crate::server::check::{At, Checked, Unchecked, Wish, check};
use crate::server::identity::{Published, existing_log};
use crate::server::ledger::head::HeadFile;
use crate::server::ledger::sqlite::Sqlite;
use crate::server::serve::{DATABASE, ServeError};
use crate::walking;

pub(super) fn run(folder: &Path, jobs: Option<u16>, screen: &Screen) -> Result<Exit, Failure> {
    let words = screen.words();
    let stop = walking::interrupted().map_err(|error| system(&error, words))?;
    let progress = screen.progress(words.say("relay-checking", &[("done", &0_u64), ("size", &0_u64)]));
    let told = |done: u64, size: u64| progress.say(words.say("relay-checking", &[("done", &done), ("size", &size)]));
    let checked = checked(folder, jobs, &stop, screen, told)?;
    drop(progress);
    match checked {
        Ok(Checked { entries, sessions }) => {
            if screen.json() {
                screen.object(&json!({
                    "verdict": "intact", "entries": entries, "sessions": sessions, "at": null, "why": "",
                }))?;
            } else {
                screen.line(&words.say("relay-intact", &[("entries", &entries), ("sessions", &sessions)]))?;
            }
            Ok(Exit::Done)
        }
        Err((at, why, size)) => {
            if screen.json() {
                screen.object(&json!({
                    "verdict": "broken", "entries": size, "sessions": null, "at": at, "why": why,
                }))?;
                return Ok(Exit::Refused);
            }
            screen.line(&match &at {
                At::Entry(entry) => words.say("relay-broken-entry", &[("at", entry), ("why", &why)]),
                At::Row(row) => words.say("relay-broken-row", &[("at", row), ("why", &why)]),
            })?;
            screen.note(&words.say("relay-broken-note", &[]));
            Ok(Exit::Refused)
        }
    }
}

/// What was found: whole, or where it breaks, why, and how many entries the head counts.
type Found = Result<Checked, (At, String, Option<u64>)>;

fn checked(
    folder: &Path,
    jobs: Option<u16>,
    stop: &AtomicBool,
    screen: &Screen,
    mut told: impl FnMut(u64, u64),
) -> Result<Found, Failure> {
    let words = screen.words();
    let shown = Foreign::new(folder.to_string_lossy());
    // Nothing was found wrong; nothing could be looked at.
    let unknown = |failure: Failure| Failure { exit: Exit::WrongUse, ..failure };
    let failed = |error: ServeError| unknown(failed(&error, folder, words));
    let not_served = || {
        let (message, hint) =
            (words.say("relay-not-served", &[("folder", &shown)]), words.say("relay-not-served-hint", &[]));
        said(Exit::WrongUse, "not-served", words, message, hint)
    };
    if !folder.join(DATABASE).is_file() {
        return Err(not_served());
    }
    // Held until the end, so that nobody starts meanwhile; a relay that runs already is read beside.
    let home = match Home::open(folder, true) {
        Err(HomeError::Busy(_)) => Home::open(folder, false),
        home => home,
    };
    let home = home.map_err(|error| failed(error.into()))?;
    let key = existing_log(&home).map_err(|error| failed(error.into()))?.ok_or_else(not_served)?;
    let log = key.verifier();
    let published = Published::read(&home).map_err(|error| failed(error.into()))?.ok_or_else(not_served)?;
    if published.statement.relay_of(log.name.as_str()).is_none_or(|relay| relay.log != *log) {
        return Ok(Err((At::Row("statement".to_owned()), "it names another key for this log".to_owned(), None)));
    }
    // Before the database: what the copy of the head says was durable there already.
    let head = HeadFile::known(&home, &log.name).map_err(|error| failed(error.into()))?;
    let path = home.path(DATABASE).map_err(|error| failed(error.into()))?;
    let mut size = None;
    let found = Sqlite::reader(&path).and_then(|store| Ok((store.is_current()?, store)));
    let found = found.map_err(Unchecked::from).and_then(|(current, store)| {
        if !current {
            return Ok(None);
        }
        let jobs = jobs.map_or_else(walking::cores, usize::from);
        let told = |done, of| {
            size = Some(of);
            told(done, of);
        };
        check(&store, &Wish { log, head, jobs, stop }, told).map(Some)
    });
    match found {
        Ok(Some(checked)) => Ok(Ok(checked)),
        Ok(None) => {
            let (message, hint) =
                (words.say("relay-check-old", &[("folder", &shown)]), words.say("relay-check-old-hint", &[]));
            Err(said(Exit::WrongUse, "version", words, message, hint))
        }
        Err(Unchecked::Broken { at, why }) => Ok(Err((at, why, size))),
        Err(Unchecked::Store(error)) => Err(failed(error.into())),
        Err(Unchecked::Stopped(_)) => {
            let (message, hint) = (words.say("relay-check-stopped", &[]), words.say("relay-check-stopped-hint", &[]));
            Err(said(Exit::WrongUse, "stopped", words, message, hint))
        }
    }
}
