//! `venia-relay backup`, `recover` and `prune`: what they do to the folder, and what they print.

use std::path::Path;

use serde_json::json;
use venia_proto::foreign::Foreign;
use venia_ui::failure::{Exit, Failure, Loss};
use venia_ui::terminal::Screen;
use venia_ui::words::Words;

use super::failures::{chain, failed, said, system};
use crate::client::home::{Home, HomeError};
use crate::clock;
use crate::server::backup::{BackupError, backup as copy};
use crate::server::ledger::sqlite::Sqlite;
use crate::server::recovery::{self, Recovered};
use crate::server::serve::DATABASE;

/// Copies the folder. A relay may run there; if none does, none starts meanwhile.
pub(super) fn backup(folder: &Path, dest: &Path, screen: &Screen) -> Result<(), Failure> {
    let words = screen.words();
    let dest = std::path::absolute(dest).map_err(|error| system(&error, words))?;
    if !folder.join(DATABASE).is_file() {
        return Err(not_served(folder, words));
    }
    let lock = match Home::open(folder, true) {
        Ok(home) => {
            // A database of an older program is brought to this one's version, as a start would.
            Sqlite::open(&folder.join(DATABASE)).map_err(|error| failed(&error.into(), folder, words))?;
            Some(home)
        }
        Err(HomeError::Busy(_)) => None,
        Err(error) => return Err(failed(&error.into(), folder, words)),
    };
    let done = copy(folder, &dest, clock::now().wall);
    drop(lock);
    let mark = done.map_err(|error| not_copied(&error, &dest, words))?;
    let (place, made) = (dest.to_string_lossy().into_owned(), mark.made.to_string());
    if screen.json() {
        return screen.object(&json!({"backup": place, "log": mark.origin, "entries": mark.size, "made": made}));
    }
    screen.line(&words.say("relay-backup", &[("place", &Foreign::new(place)), ("entries", &mark.size)]))?;
    screen.note(&words.say("relay-backup-note", &[]));
    Ok(())
}

/// Goes on from an older copy, with a new log.
pub(super) fn recover(folder: &Path, screen: &Screen) -> Result<(), Failure> {
    let words = screen.words();
    if !folder.join(DATABASE).is_file() {
        return Err(not_served(folder, words));
    }
    let done =
        Home::open(folder, true).map_err(Into::into).and_then(|home| recovery::recover(&home, clock::now().wall));
    let Some(recovered) = done.map_err(|error| failed(&error, folder, words))? else {
        return Err(said(
            Exit::Refused,
            "nothing-set-back",
            words,
            words.say("relay-nothing-set-back", &[("folder", &Foreign::new(folder.to_string_lossy()))]),
            words.say("relay-nothing-set-back-hint", &[]),
        ));
    };
    tell(&recovered, screen)
}

fn tell(recovered: &Recovered, screen: &Screen) -> Result<(), Failure> {
    let (words, logs) = (screen.words(), &recovered.logs);
    let (closed, origin) = (logs.closed.origin.as_str().to_owned(), logs.origin.as_str().to_owned());
    let (kept, until) = (logs.closed.size, logs.until.to_string());
    if screen.json() {
        return screen.object(&json!({
            "recovered": origin, "closed": closed, "entries": kept, "had": recovered.had, "until": until,
            "serial": logs.serial, "left_open": logs.left_open, "withdrawn": logs.withdrawn,
        }));
    }
    screen.line(&words.say("relay-recovered", &[("closed", &closed), ("entries", &kept), ("origin", &origin)]))?;
    screen.line(&match recovered.had {
        Some(had) => words.say("relay-recovered-lost", &[("lost", &had.saturating_sub(kept)), ("until", &until)]),
        None => words.say("relay-recovered-unknown", &[("until", &until)]),
    })?;
    screen.line(&words.say("relay-recovered-again", &[("until", &until)]))?;
    if logs.left_open > 0 {
        screen.line(&words.say("relay-recovered-open", &[("sessions", &logs.left_open)]))?;
    }
    if logs.withdrawn > 0 {
        screen.line(&words.say("relay-recovered-invites", &[("invites", &logs.withdrawn)]))?;
    }
    screen.note(&words.say("relay-recovered-note", &[]));
    Ok(())
}

/// Which logs' entries aren't kept any more.
pub(super) fn pruned(screen: &Screen, logs: &[(String, u64)]) -> Result<(), Failure> {
    if screen.json() {
        let logs: Vec<_> = logs.iter().map(|(log, entries)| json!({"log": log, "entries": entries})).collect();
        return screen.object(&json!({"pruned": logs}));
    }
    let words = screen.words();
    if logs.is_empty() {
        screen.note(&words.say("relay-nothing-pruned", &[]));
    }
    logs.iter()
        .try_for_each(|(log, entries)| screen.line(&words.say("relay-pruned", &[("log", log), ("entries", entries)])))
}

pub(super) fn not_served(folder: &Path, words: &Words) -> Failure {
    let folder = Foreign::new(folder.to_string_lossy());
    let message = words.say("relay-not-served", &[("folder", &folder)]);
    said(Exit::Refused, "not-served", words, message, words.say("relay-not-served-hint", &[]))
}

fn not_copied(error: &BackupError, dest: &Path, words: &Words) -> Failure {
    let (place, detail) = (Foreign::new(dest.to_string_lossy()), chain(error));
    let (exit, kind, id) = match error {
        BackupError::Exists(_) => (Exit::WrongUse, "exists", "relay-backup-exists"),
        BackupError::Place(_) => (Exit::WrongUse, "place", "relay-backup-place"),
        BackupError::Write(_) | BackupError::Home(_) | BackupError::Store(_) | BackupError::Unsound(_) => {
            (Exit::Refused, "backup", "relay-backup-failed")
        }
    };
    let message = words.say(id, &[("place", &place), ("detail", &detail)]);
    let hint = words.say("relay-backup-hint", &[]);
    Failure { exit, kind, message, state: Loss::Nothing.say(words), hint }
}
