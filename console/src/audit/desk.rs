//! What reading the whole record begins with: the enrolment, the looks that go on record, copies brought up to date, and the
//! words kept beside them.

use std::path::Path;

use venia_proto::ledger::looking::Look;
use venia_proto::ledger::notice::Looking;
use venia_proto::now::Wall;
use venia_relay::client::home::{Home, HomeError};
use venia_ui::failure::Failure;
use venia_ui::words::Words;

use super::index::{Erased, Session};
use super::mirror::Mirror;
use super::opening::Opener;
use super::sync::sync;
use super::words::Words as Heard;
use crate::commands::block_on;
use crate::membership::Membership;
use crate::unseal::Auditor;
use crate::{clock, trouble};

/// An auditor's own folder.
pub(crate) struct Desk {
    pub(crate) member: Membership,
}

/// How far the logs are brought up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Entries read, and of how many.
    Reading(u64, u64),
    /// Sessions opened, and of how many.
    Opening(u64, u64),
}

impl Step {
    /// How far, and of how many.
    pub(crate) fn counts(self) -> (u64, u64) {
        match self {
            Self::Reading(done, size) | Self::Opening(done, size) => (done, size),
        }
    }

    /// The same as a sentence.
    pub(crate) fn say(self, words: &Words) -> String {
        let (id, done, size) = match self {
            Self::Reading(done, size) => ("audit-reading", done, size),
            Self::Opening(done, size) => ("audit-opening", done, size),
        };
        words.say(id, &[("done", &done), ("size", &size)])
    }
}

impl Desk {
    /// Opens the folder of an enrolled member.
    pub(crate) fn open(folder: &Path, words: &Words) -> Result<Self, Failure> {
        let home = Home::open(folder, false).map_err(|error| trouble::folder(&error, words))?;
        let member = Membership::load(home).map_err(|error| trouble::folder(&error, words))?;
        Ok(Self { member: member.ok_or_else(|| trouble::not_enrolled(words))? })
    }

    /// This folder's key to sealed parts, if it has one.
    pub(crate) fn auditor(&self, words: &Words) -> Result<Option<Auditor>, Failure> {
        Auditor::existing(&self.member.home).map_err(|error| trouble::folder(&error, words))
    }

    /// The logs with the words of these sessions: a search, as the record will say. Refused where no word could be read.
    pub(crate) fn opened(
        &self,
        offline: bool,
        only: &dyn Fn(&Session) -> bool,
        words: &Words,
        told: &dyn Fn(Step),
    ) -> Result<Vec<Log>, Failure> {
        let none = |logs: &[Log]| logs.iter().all(|log| log.words.is_empty());
        if offline {
            let logs = self.logs(true, &[], None, words, told)?;
            if none(&logs) {
                let hint = words.say("audit-nothing-hint", &[]);
                return Err(trouble::cannot_tell("closed", words.say("audit-nothing-opened", &[]), hint, words));
            }
            return Ok(logs);
        }
        if self.auditor(words)?.is_none() {
            let hint = words.say("audit-no-key-hint", &[]);
            return Err(trouble::cannot_tell("no-key", words.say("audit-no-key", &[]), hint, words));
        }
        self.logs(false, &[(Looking::Search, None)], Some(only), words, told)
    }

    /// The copies of the service's logs, brought up to date unless `offline`, and the words kept beside them. `only`: opens
    /// the words of these sessions first, if this folder has a key.
    pub(crate) fn logs(
        &self,
        offline: bool,
        looks: &[Look],
        only: Option<&dyn Fn(&Session) -> bool>,
        words: &Words,
        told: &dyn Fn(Step),
    ) -> Result<Vec<Log>, Failure> {
        let data = self.member.home.dir();
        let now = clock::now().wall;
        let only = only.filter(|_| !offline);
        let auditor = if only.is_some() { self.auditor(words)? } else { None };
        // What is opened just now is for this command, however soon it is due; what is due otherwise goes first.
        let sweep = auditor.is_none().then_some(now);
        let mirrors = if offline {
            Mirror::all(data).map_err(|error| trouble::copy(&error, words))?
        } else {
            let reading = |done, size| told(Step::Reading(done, size));
            let opening = |done, size| told(Step::Opening(done, size));
            reading(0, 0);
            let opener = auditor.zip(only).map(|(auditor, only)| Opener { auditor, only, now, told: &opening });
            let synced = block_on(sync(&self.member, data, looks, opener.as_ref(), reading), words)?;
            synced.map_err(|error| trouble::not_synced(error, words))?
        };
        let logs = something(mirrors, words)?.into_iter().map(|copy| Log::open(copy, sweep));
        logs.collect::<Result<_, HomeError>>().map_err(|error| trouble::folder(&error, words))
    }
}

/// Refuses to say anything about no log at all.
pub(crate) fn something(mirrors: Vec<Mirror>, words: &Words) -> Result<Vec<Mirror>, Failure> {
    if mirrors.is_empty() {
        let hint = words.say("audit-nothing-hint", &[]);
        return Err(trouble::cannot_tell(trouble::NOTHING, words.say("audit-nothing", &[]), hint, words));
    }
    Ok(mirrors)
}

/// A log's copy, and the words kept beside it.
pub(crate) struct Log {
    pub(crate) copy: Mirror,
    pub(crate) words: Heard,
}

impl Log {
    /// Whatever an auditor does first lets go of the words that are due or that the log says are erased. (SECURITY E11)
    pub(crate) fn open(copy: Mirror, sweep: Option<Wall>) -> Result<Self, HomeError> {
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
