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
use venia_ui::cli::{Common, Program};
use venia_ui::failure::{Exit, Failure};
use venia_ui::terminal::Screen;
use venia_ui::words::Words;

use crate::audit::check;
use crate::audit::desk::Log;
use crate::audit::index::Session;
use crate::audit::listing;
use crate::audit::search::Query;
use crate::cli::Audit;
use crate::{Parts, audit, auditing, input, trouble};
use desk::Desk;

pub(super) fn run(command: &Audit, common: &Common, screen: &Screen, parts: Parts) -> Result<Exit, Failure> {
    let words = screen.words();
    match command {
        Audit::Key => key::run(common, screen),
        Audit::Open => auditing::run(audit::desk::Desk::open(&common.folder(Program::Console)?, words)?, screen),
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
            let logs = desk.opened(*offline, &|session| listing::fits(session, filters), words)?;
            let exit = list::run(&logs, *by, filters, query.as_ref(), screen)?;
            desk.fresh(&logs);
            Ok(exit)
        }
        Audit::Search { words: asked, filters, offline } => {
            let query = query(asked, parts, words)?;
            let desk = Desk::open(common, screen)?;
            let logs = desk.opened(*offline, &|session| listing::fits(session, filters), words)?;
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
            if let Some(found) = check::freshness(copy, &self.member().root) {
                self.screen.note(&found.say(self.screen.words()));
            }
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
    query.map_err(|error| trouble::wrong_use(error.say(words), words.say("audit-query-hint", &[]), words))
}
