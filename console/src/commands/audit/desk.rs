//! What every audit command begins with, and how it says that it takes a while.

use std::cell::OnceCell;

use venia_proto::ledger::looking::Look;
use venia_ui::cli::{Common, Program};
use venia_ui::failure::Failure;
use venia_ui::terminal::{Progress, Screen};
use venia_ui::words::Words;

use crate::audit::desk::{self, Log, Step};
use crate::audit::index::Session;
use crate::membership::Membership;
use crate::unseal::Auditor;

/// What every audit command begins with.
pub(super) struct Desk<'a> {
    desk: desk::Desk,
    pub(super) screen: &'a Screen,
}

impl<'a> Desk<'a> {
    pub(super) fn open(common: &Common, screen: &'a Screen) -> Result<Self, Failure> {
        let desk = desk::Desk::open(&common.folder(Program::Console)?, screen.words())?;
        Ok(Self { desk, screen })
    }

    /// Whose folder this is.
    pub(super) fn member(&self) -> &Membership {
        &self.desk.member
    }

    /// This folder's key to sealed parts, if it has one.
    pub(super) fn auditor(&self) -> Result<Option<Auditor>, Failure> {
        self.desk.auditor(self.screen.words())
    }

    /// The logs with the words of these sessions.
    pub(super) fn opened(
        &self,
        offline: bool,
        only: &dyn Fn(&Session) -> bool,
        words: &Words,
    ) -> Result<Vec<Log>, Failure> {
        self.desk.opened(offline, only, words, &told(self.screen))
    }

    /// The copies of the service's logs, and the words kept beside them.
    pub(super) fn logs(
        &self,
        offline: bool,
        looks: &[Look],
        only: Option<&dyn Fn(&Session) -> bool>,
    ) -> Result<Vec<Log>, Failure> {
        self.desk.logs(offline, looks, only, self.screen.words(), &told(self.screen))
    }
}

/// Says on this screen how far it is, from the first word on.
fn told(screen: &Screen) -> impl Fn(Step) {
    let progress: OnceCell<Progress> = OnceCell::new();
    move |step| {
        let label = step.say(screen.words());
        progress.get_or_init(|| screen.progress(label.clone())).say(label);
    }
}
