//! What every audit command begins with: the enrolment, the looks that go on record, copies brought up to date, and the
//! words kept beside them.

use venia_proto::ledger::looking::Look;
use venia_proto::ledger::notice::Looking;
use venia_proto::now::Wall;
use venia_relay::client::home::{Home, HomeError};
use venia_ui::cli::{Common, Program};
use venia_ui::failure::Failure;
use venia_ui::terminal::Screen;
use venia_ui::words::Words;

use super::{mirror, not_synced, something};
use crate::audit::index::{Erased, Session};
use crate::audit::mirror::Mirror;
use crate::audit::opening::Opener;
use crate::audit::sync::sync;
use crate::audit::words::Words as Heard;
use crate::membership::Membership;
use crate::unseal::Auditor;
use crate::{clock, trouble};

/// What every audit command begins with.
pub(super) struct Desk<'a> {
    pub(super) member: Membership,
    pub(super) screen: &'a Screen,
}

impl<'a> Desk<'a> {
    pub(super) fn open(common: &Common, screen: &'a Screen) -> Result<Self, Failure> {
        let words = screen.words();
        let folder = common.folder(Program::Console)?;
        let home = Home::open(&folder, false).map_err(|error| trouble::folder(&error, words))?;
        let member = Membership::load(home).map_err(|error| trouble::folder(&error, words))?;
        Ok(Self { member: member.ok_or_else(|| trouble::not_enrolled(words))?, screen })
    }

    /// This folder's key to sealed parts, if it has one.
    pub(super) fn auditor(&self) -> Result<Option<Auditor>, Failure> {
        Auditor::existing(&self.member.home).map_err(|error| trouble::folder(&error, self.screen.words()))
    }

    /// The logs with the words of these sessions: a search, as the record will say. Refused where no word could be read.
    pub(super) fn opened(
        &self,
        offline: bool,
        only: &dyn Fn(&Session) -> bool,
        words: &Words,
    ) -> Result<Vec<Log>, Failure> {
        let none = |logs: &[Log]| logs.iter().all(|log| log.words.is_empty());
        if offline {
            let logs = self.logs(true, &[], None)?;
            if none(&logs) {
                let hint = words.say("audit-nothing-hint", &[]);
                return Err(trouble::cannot_tell("closed", words.say("audit-nothing-opened", &[]), hint, words));
            }
            return Ok(logs);
        }
        if self.auditor()?.is_none() {
            let hint = words.say("audit-no-key-hint", &[]);
            return Err(trouble::cannot_tell("no-key", words.say("audit-no-key", &[]), hint, words));
        }
        self.logs(false, &[(Looking::Search, None)], Some(only))
    }

    /// The copies of the service's logs, brought up to date unless `offline`, and the words kept beside them. `only`: opens
    /// the words of these sessions first, if this folder has a key.
    pub(super) fn logs(
        &self,
        offline: bool,
        looks: &[Look],
        only: Option<&dyn Fn(&Session) -> bool>,
    ) -> Result<Vec<Log>, Failure> {
        let words = self.screen.words();
        let data = self.member.home.dir();
        let now = clock::now().wall;
        let only = only.filter(|_| !offline);
        let auditor = if only.is_some() { self.auditor()? } else { None };
        // What is opened just now is for this command, however soon it is due; what is due otherwise goes first.
        let sweep = auditor.is_none().then_some(now);
        let mirrors = if offline {
            Mirror::all(data).map_err(|error| mirror(&error, words))?
        } else {
            let progress = self.screen.progress(words.say("audit-reading", &[("done", &0_u64), ("size", &0_u64)]));
            let told = |done: u64, size: u64| {
                progress.say(words.say("audit-reading", &[("done", &done), ("size", &size)]));
            };
            let opening = |done: u64, size: u64| {
                progress.say(words.say("audit-opening", &[("done", &done), ("size", &size)]));
            };
            let opener = auditor.zip(only).map(|(auditor, only)| Opener { auditor, only, now, told: &opening });
            let synced = crate::commands::block_on(sync(&self.member, data, looks, opener.as_ref(), told), words)?;
            synced.map_err(|error| not_synced(error, words))?
        };
        let mirrors = something(mirrors, words)?;
        let logs = mirrors.into_iter().map(|copy| Log::open(copy, sweep));
        logs.collect::<Result<_, HomeError>>().map_err(|error| trouble::folder(&error, words))
    }
}

/// A log's copy, and the words kept beside it.
pub(super) struct Log {
    pub(super) copy: Mirror,
    pub(super) words: Heard,
}

impl Log {
    /// Whatever an auditor does first lets go of the words that are due or that the log says are erased. (SECURITY E11)
    pub(super) fn open(copy: Mirror, sweep: Option<Wall>) -> Result<Self, HomeError> {
        let mut words = Heard::open(copy.dir())?;
        if let Some(now) = sweep {
            words.sweep(now)?;
        }
        for session in copy.sessions.values().filter(|session| session.erased != Erased::Nothing) {
            words.obey(session)?;
        }
        Ok(Self { copy, words })
    }
}
