//! `venia audit`: an auditor reads the service's whole record. Looking is itself on record before anything is told.

mod desk;
mod export;
mod key;
mod list;
mod search;
mod show;
mod telling;
mod verify;

use std::time::Duration;

use venia_proto::ledger::notice::Looking;
use venia_ui::cli::Common;
use venia_ui::failure::{Exit, Failure, Trouble};
use venia_ui::terminal::Screen;
use venia_ui::words::Words;

use crate::audit::check::{self, Freshness};
use crate::audit::index::Session;
use crate::audit::mirror::{Mirror, MirrorError};
use crate::audit::search::{Query, QueryError, WORD_MAX, WORDS_MAX};
use crate::audit::sync::SyncError;
use crate::cli::Audit;
use crate::{Parts, input, trouble};
use desk::{Desk, Log};

pub(super) fn run(command: &Audit, common: &Common, screen: &Screen, parts: Parts) -> Result<Exit, Failure> {
    let words = screen.words();
    match command {
        Audit::Key => key::run(common, screen),
        Audit::List { by, word, filters, offline } if word.is_empty() && filters.item.is_none() => {
            let desk = Desk::open(common, screen)?;
            let logs = desk.logs(*offline, &[(Looking::List, None)], None)?;
            let exit = list::run(&logs, *by, filters, None, screen)?;
            desk.fresh(&logs);
            Ok(exit)
        }
        // What a session is about stands in its words only.
        Audit::List { by, word, filters, offline } => {
            let query = match word.is_empty() {
                true => None,
                false => Some(query(word, parts, words)?),
            };
            let desk = Desk::open(common, screen)?;
            let logs = desk.opened(*offline, &|session| list::fits(session, filters), words)?;
            let exit = list::run(&logs, *by, filters, query.as_ref(), screen)?;
            desk.fresh(&logs);
            Ok(exit)
        }
        Audit::Search { words: asked, filters, offline } => {
            let query = query(asked, parts, words)?;
            let desk = Desk::open(common, screen)?;
            let logs = desk.opened(*offline, &|session| list::fits(session, filters), words)?;
            search::run(&logs, &query, filters, screen)
        }
        Audit::Show { session, offline } => {
            let desk = Desk::open(common, screen)?;
            let id = session.to_string();
            let only = |known: &Session| known.session == id;
            let logs = desk.logs(*offline, &[(Looking::Show, Some(*session))], Some(&only))?;
            let exit = show::run(&logs, *session, desk.auditor()?.is_some(), screen)?;
            desk.fresh(&logs);
            Ok(exit)
        }
        Audit::Verify { since_last, words, jobs, offline } => {
            verify::run(verify::Asked { since_last: *since_last, words: *words, jobs: *jobs }, *offline, common, screen)
        }
        Audit::Export { format, out, follow, every, offline } => {
            let every = follow.then(|| Duration::from_secs((*every).into()));
            export::run(*format, out, every, *offline, common, screen)
        }
    }
}

impl Desk<'_> {
    /// Says of each log how fresh its witnesses' word is. Scripts read it in `verify --json`.
    fn fresh(&self, logs: &[Log]) {
        for Log { copy, .. } in logs.iter().filter(|_| !self.screen.json()) {
            if let Some(found) = check::freshness(copy, &self.member.root) {
                self.screen.note(&fresh(&found, self.screen.words()));
            }
        }
    }
}

/// How fresh the witnesses' word on a log is.
fn fresh(found: &Freshness, words: &Words) -> String {
    let observed = found.observed.map_or_else(|| "?".to_owned(), |observed| observed.to_string());
    let (by, required) = (found.witnessed.cosigned, found.witnessed.required);
    match found.witnessed.at {
        Some(at) if found.witnessed.is_witnessed() => {
            words.say("audit-witnessed", &[("by", &by), ("at", &at.to_string()), ("observed", &observed)])
        }
        Some(_) | None => {
            words.say("audit-not-witnessed", &[("by", &by), ("required", &required), ("observed", &observed)])
        }
    }
}

/// The words to search for; `-` alone: from standard input, because arguments are public to this computer's other users
/// (SECURITY H3).
fn query(asked: &[String], mut parts: Parts, words: &Words) -> Result<Query, Failure> {
    let typed = match asked {
        [dash] if dash == "-" => input::word(&mut *parts.input),
        _ => None,
    };
    let query = match &typed {
        Some(line) => Query::new([line.as_str()]),
        None => Query::new(asked.iter().map(String::as_str).filter(|word| *word != "-")),
    };
    query.map_err(|error| {
        let message = match error {
            QueryError::Empty => words.say("audit-query-empty", &[]),
            QueryError::TooMany => words.say("audit-query-many", &[("most", &WORDS_MAX)]),
            QueryError::TooLong => words.say("audit-query-long", &[("most", &WORD_MAX)]),
        };
        trouble::wrong_use(message, words.say("audit-query-hint", &[]), words)
    })
}

/// Refuses to say anything about no log at all.
fn something(mirrors: Vec<Mirror>, words: &Words) -> Result<Vec<Mirror>, Failure> {
    if mirrors.is_empty() {
        let hint = words.say("audit-nothing-hint", &[]);
        return Err(trouble::cannot_tell("nothing", words.say("audit-nothing", &[]), hint, words));
    }
    Ok(mirrors)
}

/// A copy that couldn't be brought up to date.
fn not_synced(error: SyncError, words: &Words) -> Failure {
    match error {
        SyncError::Control(error) => trouble::control(&error, words),
        SyncError::Mirror(error) => mirror(&error, words),
        SyncError::Home(error) => trouble::folder(&error, words),
        SyncError::Contradiction(file) => {
            let file = file.display().to_string();
            broken(words.say("audit-contradiction", &[("file", &file)]), words)
        }
    }
}

/// The copy on this computer.
fn mirror(error: &MirrorError, words: &Words) -> Failure {
    tracing::info!(error = error as &dyn std::error::Error, "the copy of the log");
    match error {
        MirrorError::Home(error) => trouble::folder(error, words),
        MirrorError::Log(unreadable) => {
            let why = unreadable.why.to_string();
            broken(words.say("verify-broken-entry", &[("at", &unreadable.entry), ("why", &why)]), words)
        }
        MirrorError::Disk(_) | MirrorError::Damaged(_) => {
            let why = error.to_string();
            let hint = words.say("audit-copy-hint", &[]);
            trouble::said(Trouble::Disk, words.say("audit-copy", &[("why", &why)]), hint, words)
        }
    }
}

fn broken(message: String, words: &Words) -> Failure {
    let failure = trouble::cannot_tell("broken", message, words.say("audit-broken-hint", &[]), words);
    Failure { exit: Exit::Refused, ..failure }
}
