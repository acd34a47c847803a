//! `venia audit`: an auditor reads the service's whole record. Looking is itself on record before anything is told.

mod desk;
mod key;
mod list;
mod search;
mod show;
mod telling;

use std::path::Path;

use serde_json::json;
use venia_proto::ledger::looking::Look;
use venia_proto::ledger::notice::Looking;
use venia_ui::cli::Common;
use venia_ui::failure::{Exit, Failure, Trouble};
use venia_ui::terminal::Screen;
use venia_ui::words::Words;

use crate::audit::check::{self, Freshness, Unproven};
use crate::audit::index::Session;
use crate::audit::mirror::MirrorError;
use crate::audit::replay::Replay;
use crate::audit::search::{Query, QueryError, WORD_MAX, WORDS_MAX};
use crate::audit::{export, tiles};
use crate::cli::{Audit, Format};
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
        Audit::Verify { since_last, words, offline } => verify(*since_last, *words, *offline, common, screen),
        Audit::Export { format, out, offline } => write(*format, out, *offline, common, screen),
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

fn verify(since_last: bool, opening: bool, offline: bool, common: &Common, screen: &Screen) -> Result<Exit, Failure> {
    let words = screen.words();
    let desk = Desk::open(common, screen)?;
    // Two looks: who reads the log finds that words were opened, not only that signatures were checked.
    let looks: &[Look] = match opening {
        true => &[(Looking::Verify, None), (Looking::Search, None)],
        false => &[(Looking::Verify, None)],
    };
    let all = |_: &Session| true;
    let only: Option<&dyn Fn(&Session) -> bool> = if opening { Some(&all) } else { None };
    for Log { mut copy, words: heard } in desk.logs(offline, looks, only)? {
        let replay = Replay::new(heard);
        let progress = screen.progress(words.say("audit-verifying", &[("done", &0_u64), ("size", &0_u64)]));
        let told = |done: u64, size: u64| {
            progress.say(words.say("audit-verifying", &[("done", &done), ("size", &size)]));
        };
        let log = copy.key.name.to_string();
        let verified = match check::verify(&copy, &desk.member.root, since_last, &replay, told) {
            Ok(verified) => verified,
            Err(Unproven::Mirror(error)) => return Err(mirror(&error, words)),
            Err(Unproven::Broken { entry, why }) => {
                drop(progress);
                if screen.json() {
                    screen.object(&json!({"verdict": "broken", "log": log, "at": entry, "why": why}))?;
                } else {
                    screen.line(&words.say("verify-broken-entry", &[("at", &entry), ("why", &why)]))?;
                }
                return Ok(Exit::Refused);
            }
        };
        drop(progress);
        copy.verified().map_err(|error| mirror(&error, words))?;
        let judged = replay.judged();
        let freshness = check::freshness(&copy, &desk.member.root);
        let (entries, sessions, holes) = (verified.entries, verified.sessions, verified.holes.len() as u64);
        if screen.json() {
            let silences: Vec<_> = verified.holes.iter().map(|(from, to)| json!({"from": from, "to": to})).collect();
            screen.object(&json!({
                "verdict": "intact", "log": log, "entries": entries, "sessions": sessions, "gaps": silences,
                "since_last": since_last, "root": desk.member.root.to_string(),
                "rules": {
                    "with_words": judged.with_words, "in_part": judged.in_part, "clear_fields_only": judged.without,
                },
                "witnessed": freshness.map(|found| found.witnessed),
                "observed": freshness.and_then(|found| found.observed),
            }))?;
        } else {
            screen
                .line(&words.say("audit-intact", &[("log", &log), ("entries", &entries), ("sessions", &sessions)]))?;
            screen.line(&words.say(
                "audit-judged",
                &[("words", &judged.with_words), ("part", &judged.in_part), ("without", &judged.without)],
            ))?;
            for (from, to) in &verified.holes {
                let (from, to) = (from.to_string(), to.to_string());
                screen.line(&words.say("audit-gap", &[("from", &from), ("to", &to)]))?;
            }
            if holes == 0 {
                screen.line(&words.say("audit-no-gaps", &[]))?;
            }
            if let Some(found) = freshness {
                screen.line(&fresh(&found, words))?;
            }
        }
    }
    Ok(Exit::Done)
}

fn write(format: Format, out: &Path, offline: bool, common: &Common, screen: &Screen) -> Result<Exit, Failure> {
    let words = screen.words();
    let logs = Desk::open(common, screen)?.logs(offline, &[(Looking::Export, None)], None)?;
    let several = logs.len() > 1;
    for (n, Log { copy, .. }) in logs.iter().enumerate() {
        // One folder per log: a log's tiles are a whole of their own.
        let out = if several { out.join(format!("log-{n}")) } else { out.to_owned() };
        let written = match format {
            Format::Tiles => tiles::write(copy, &out),
            Format::Jsonl => export::jsonl(copy, &out),
            Format::Csv => export::csv(copy, &out),
            Format::Ocsf => export::ocsf(copy, &out),
        };
        written.map_err(|error| mirror(&error, words))?;
        let (place, entries) = (out.display().to_string(), copy.state.reading.size);
        if screen.json() {
            screen.object(&json!({"out": place, "log": copy.key.name.to_string(), "entries": entries}))?;
        } else {
            screen.line(&words.say("audit-exported", &[("entries", &entries), ("out", &place)]))?;
        }
    }
    Ok(Exit::Done)
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
