//! `venia audit`: an auditor reads the service's whole record. Looking is itself on record before anything is told.

mod export;
mod key;
mod list;
mod show;
mod verify;

use std::time::Duration;

use venia_proto::id::SessionId;
use venia_proto::ledger::notice::Looking;
use venia_relay::client::home::Home;
use venia_ui::cli::{Common, Program};
use venia_ui::failure::{Exit, Failure, Trouble};
use venia_ui::terminal::Screen;
use venia_ui::words::Words;

use crate::audit::check::{self, Freshness};
use crate::audit::mirror::{Mirror, MirrorError};
use crate::audit::sync::{SyncError, sync};
use crate::cli::Audit;
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
        Audit::Verify { since_last, jobs, offline } => verify::run(*since_last, *jobs, *offline, common, screen),
        Audit::Export { format, out, follow, every, offline } => {
            let every = follow.then(|| Duration::from_secs((*every).into()));
            export::run(*format, out, every, *offline, common, screen)
        }
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
            synced.map_err(|error| not_synced(error, words))?
        };
        something(mirrors, words)
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
