//! `venia audit`: an auditor reads the service's whole record. Looking is itself on record before anything is told.

mod key;
mod list;
mod show;

use std::path::Path;

use serde_json::json;
use venia_proto::id::SessionId;
use venia_proto::ledger::notice::Looking;
use venia_relay::client::home::Home;
use venia_ui::cli::{Common, Program};
use venia_ui::failure::{Exit, Failure, Trouble};
use venia_ui::terminal::Screen;
use venia_ui::words::Words;

use crate::audit::check::{self, Freshness, Unproven};
use crate::audit::mirror::{Mirror, MirrorError};
use crate::audit::sync::{SyncError, sync};
use crate::audit::{export, tiles};
use crate::cli::{Audit, Format};
use crate::membership::Membership;
use crate::trouble;

pub(super) fn run(command: &Audit, common: &Common, screen: &Screen) -> Result<Exit, Failure> {
    match command {
        Audit::Key => key::run(common, screen),
        Audit::List { by, filters, offline } => {
            let desk = Desk::open(common, screen)?;
            let mirrors = desk.mirrors(*offline, Looking::List, None)?;
            let exit = list::run(&mirrors, *by, filters, screen)?;
            desk.fresh(&mirrors);
            Ok(exit)
        }
        Audit::Show { session, offline } => {
            let desk = Desk::open(common, screen)?;
            let mirrors = desk.mirrors(*offline, Looking::Show, Some(*session))?;
            let exit = show::run(&mirrors, *session, screen)?;
            desk.fresh(&mirrors);
            Ok(exit)
        }
        Audit::Verify { since_last, offline } => verify(*since_last, *offline, common, screen),
        Audit::Export { format, out, offline } => write(*format, out, *offline, common, screen),
    }
}

/// What every audit command begins with.
struct Desk<'a> {
    member: Membership,
    screen: &'a Screen,
}

impl<'a> Desk<'a> {
    fn open(common: &Common, screen: &'a Screen) -> Result<Self, Failure> {
        let words = screen.words();
        let folder = common.folder(Program::Console)?;
        let home = Home::open(&folder, false).map_err(|error| trouble::folder(&error, words))?;
        let member = Membership::load(home).map_err(|error| trouble::folder(&error, words))?;
        Ok(Self { member: member.ok_or_else(|| trouble::not_enrolled(words))?, screen })
    }

    /// The copies of the service's logs, brought up to date unless `offline`.
    fn mirrors(&self, offline: bool, what: Looking, session: Option<SessionId>) -> Result<Vec<Mirror>, Failure> {
        let words = self.screen.words();
        let data = self.member.home.dir();
        let mirrors = if offline {
            Mirror::all(data).map_err(|error| mirror(&error, words))?
        } else {
            let progress = self.screen.progress(words.say("audit-reading", &[("done", &0_u64), ("size", &0_u64)]));
            let told = |done: u64, size: u64| {
                progress.say(words.say("audit-reading", &[("done", &done), ("size", &size)]));
            };
            let synced = super::block_on(sync(&self.member, data, what, session, told), words)?;
            synced.map_err(|error| match error {
                SyncError::Control(error) => trouble::control(&error, words),
                SyncError::Mirror(error) => mirror(&error, words),
                SyncError::Contradiction(file) => {
                    let file = file.display().to_string();
                    let message = words.say("audit-contradiction", &[("file", &file)]);
                    broken(message, words)
                }
            })?
        };
        if mirrors.is_empty() {
            let hint = words.say("audit-nothing-hint", &[]);
            return Err(trouble::cannot_tell("nothing", words.say("audit-nothing", &[]), hint, words));
        }
        Ok(mirrors)
    }
}

impl Desk<'_> {
    /// Says of each log how fresh its witnesses' word is. Scripts read it in `verify --json`.
    fn fresh(&self, mirrors: &[Mirror]) {
        for copy in mirrors.iter().filter(|_| !self.screen.json()) {
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

fn verify(since_last: bool, offline: bool, common: &Common, screen: &Screen) -> Result<Exit, Failure> {
    let words = screen.words();
    let desk = Desk::open(common, screen)?;
    for mut copy in desk.mirrors(offline, Looking::Verify, None)? {
        let progress = screen.progress(words.say("audit-verifying", &[("done", &0_u64), ("size", &0_u64)]));
        let told = |done: u64, size: u64| {
            progress.say(words.say("audit-verifying", &[("done", &done), ("size", &size)]));
        };
        let log = copy.key.name.to_string();
        if copy.is_pruned() {
            drop(progress);
            pruned(&copy, &log, screen)?;
            continue;
        }
        let verified = match check::verify(&copy, &desk.member.root, since_last, told) {
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
        let freshness = check::freshness(&copy, &desk.member.root);
        let (entries, sessions, holes) = (verified.entries, verified.sessions, verified.holes.len() as u64);
        if screen.json() {
            let silences: Vec<_> = verified.holes.iter().map(|(from, to)| json!({"from": from, "to": to})).collect();
            screen.object(&json!({
                "verdict": "intact", "log": log, "entries": entries, "sessions": sessions, "gaps": silences,
                "since_last": since_last, "root": desk.member.root.to_string(),
                "witnessed": freshness.map(|found| found.witnessed),
                "observed": freshness.and_then(|found| found.observed),
            }))?;
        } else {
            screen
                .line(&words.say("audit-intact", &[("log", &log), ("entries", &entries), ("sessions", &sessions)]))?;
            for (from, to) in &verified.holes {
                let (from, to) = (from.to_string(), to.to_string());
                screen.line(&words.say("audit-gap", &[("from", &from), ("to", &to)]))?;
            }
            if holes == 0 {
                screen.line(&words.say("audit-no-gaps", &[]))?;
            }
            if let Some(closed) = copy.state.closed {
                screen.line(&words.say("audit-outlives", &[("log", &log), ("closed", &closed)]))?;
            }
            if let Some(found) = freshness {
                screen.line(&fresh(&found, words))?;
            }
        }
    }
    Ok(Exit::Done)
}

/// A log of which the relay keeps the root alone: nothing else can be said of it.
fn pruned(copy: &Mirror, log: &str, screen: &Screen) -> Result<(), Failure> {
    let entries = copy.state.pruned;
    if screen.json() {
        return screen.object(&json!({"verdict": "pruned", "log": log, "entries": entries}));
    }
    screen.line(&screen.words().say("audit-pruned", &[("log", &log), ("entries", &entries)]))
}

fn write(format: Format, out: &Path, offline: bool, common: &Common, screen: &Screen) -> Result<Exit, Failure> {
    let words = screen.words();
    let mut mirrors = Desk::open(common, screen)?.mirrors(offline, Looking::Export, None)?;
    mirrors.retain(|copy| !copy.is_pruned());
    let several = mirrors.len() > 1;
    for (n, copy) in mirrors.iter().enumerate() {
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
