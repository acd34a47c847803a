//! What a session says to the technician, wherever they are: in a terminal or on a page.
//!
//! The session says what happened as data ([`Told`]); a terminal makes sentences or JSON of it at once, a page keeps it and
//! shows it ([`crate::page`]). Not here: what any of it means, which the machine and the record decide.

use venia_proto::catalog::Catalog;
use venia_proto::ledger::body::ItemId;
use venia_proto::ledger::kind::{Cause, Status, Why};
use venia_ui::failure::Failure;
use venia_ui::terminal::{Progress, Screen};
use venia_ui::words::Words;

mod diagnosis;
mod terminal;
mod told;

use terminal::Terminal;
pub(crate) use told::{Ended, Told};

/// The voice of one session.
pub(crate) struct Voice<'a> {
    words: &'a Words,
    catalog: &'a Catalog,
    to: To<'a>,
}

/// Where it goes.
enum To<'a> {
    Terminal(Terminal<'a>),
    Page(&'a dyn Fn(Told)),
}

impl<'a> Voice<'a> {
    /// The voice in a terminal.
    pub(crate) fn new(screen: &'a Screen, catalog: &'a Catalog) -> Self {
        Self { words: screen.words(), catalog, to: To::Terminal(Terminal::new(screen, catalog)) }
    }

    /// The voice on a page.
    pub(crate) fn on_page(words: &'a Words, catalog: &'a Catalog, page: &'a dyn Fn(Told)) -> Self {
        Self { words, catalog, to: To::Page(page) }
    }

    pub(crate) fn words(&self) -> &'a Words {
        self.words
    }

    pub(crate) fn catalog(&self) -> &'a Catalog {
        self.catalog
    }

    /// Something happened.
    pub(crate) fn tell(&mut self, told: Told) {
        match &mut self.to {
            To::Terminal(terminal) => terminal.tell(&told),
            To::Page(page) => page(told),
        }
    }

    /// A failure. Gives nothing back: the caller knows the exit code.
    pub(crate) fn error(&mut self, failure: &Failure) {
        self.tell(Told::Failed(failure.clone()));
    }

    /// Something long begins: the person is asked, or an item runs. `typing`: somebody who types keeps the prompt.
    pub(crate) fn wait(&mut self, item: Option<&ItemId>, now_ms: u64, typing: bool) {
        match &mut self.to {
            To::Terminal(terminal) => terminal.wait(item, now_ms, typing),
            To::Page(page) => page(item.map_or(Told::Waiting, |item| Told::Running(item.clone()))),
        }
    }

    /// The end of the record is awaited, until this is dropped.
    pub(crate) fn wait_for_close(&mut self) -> Option<Progress> {
        match &mut self.to {
            To::Terminal(terminal) => Some(terminal.wait_for_close()),
            To::Page(page) => {
                page(Told::Closing);
                None
            }
        }
    }

    /// The last word. Results before it were written as well as they could be; if this one can't be, the caller says so.
    pub(crate) fn closed(&mut self, ended: Ended) -> Result<(), Failure> {
        match &mut self.to {
            To::Terminal(terminal) => terminal.closed(&ended),
            To::Page(page) => {
                page(Told::Closed(Box::new(ended)));
                Ok(())
            }
        }
    }

    /// A second passed; a page counts by itself.
    pub(crate) fn tick(&mut self, now_ms: u64) {
        if let To::Terminal(terminal) = &mut self.to {
            terminal.tick(now_ms);
        }
    }

    /// A prompt for somebody who types; a page has fields.
    pub(crate) fn prompt(&mut self, text: &str) {
        if let To::Terminal(terminal) = &mut self.to {
            terminal.prompt(text);
        }
    }

    /// Everything that can be run, for somebody who types; a page has its catalogue.
    pub(crate) fn checks(&mut self) {
        if let To::Terminal(terminal) = &mut self.to {
            terminal.checks();
        }
    }

    /// The list of commands, for somebody who types.
    pub(crate) fn help(&mut self) {
        if let To::Terminal(terminal) = &mut self.to {
            terminal.note(&self.words.say("console-help", &[]));
        }
    }
}

/// Why something was refused.
pub(crate) fn why(why: Why, words: &Words) -> String {
    match why {
        Why::OutsideGrant => words.say("console-why-outside-grant", &[]),
        Why::Level => words.say("console-why-level", &[]),
        Why::Arguments => words.say("console-why-arguments", &[]),
        Why::UnknownItem => words.say("console-why-unknown-item", &[]),
        Why::Repeated => words.say("console-why-repeated", &[]),
        Why::NoReceipt => words.say("console-why-no-receipt", &[]),
        Why::Paused => words.say("console-why-paused", &[]),
        Why::Policy => words.say("console-why-policy", &[]),
        Why::Limit => words.say("console-why-limit", &[]),
        Why::Stopped => words.say("console-why-stopped", &[]),
        Why::Person => words.say("console-why-person", &[]),
        Why::Unfenced => words.say("console-why-unfenced", &[]),
        Why::NotShown => words.say("console-why-not-shown", &[]),
    }
}

/// What became of a run that brought no report; `name` is the item's.
pub(crate) fn unsent(status: Status, name: &str, words: &Words) -> String {
    match status {
        Status::Done | Status::Unknown => words.say("console-result-unsent", &[("item", &name)]),
        Status::Failed => words.say("console-result-failed", &[("item", &name)]),
        Status::Killed => words.say("console-result-killed", &[("item", &name)]),
        Status::Withheld => words.say("console-result-withheld", &[("item", &name)]),
        Status::Lost => words.say("console-result-lost", &[("item", &name)]),
        Status::Late => words.say("console-result-late", &[("item", &name)]),
    }
}

/// Why nothing runs.
pub(crate) fn paused(why: Cause, words: &Words) -> String {
    let id = match why {
        Cause::NoEyes => "console-paused-no-eyes",
        Cause::Sleep => "console-paused-sleep",
        Cause::RelayLost => "console-paused-relay-lost",
        Cause::Person
        | Cause::Technician
        | Cause::Expiry
        | Cause::Silence
        | Cause::Lock
        | Cause::RelayWithholds
        | Cause::Revoked
        | Cause::Misbehaviour
        | Cause::Crash
        | Cause::Disk
        | Cause::Done => "console-paused",
    };
    words.say(id, &[])
}

/// How a session ended.
pub(crate) fn closed(cause: Cause, words: &Words) -> String {
    match cause {
        Cause::Done => words.say("console-closed-done", &[]),
        Cause::Person => words.say("console-closed-person", &[]),
        Cause::Technician => words.say("console-closed-technician", &[]),
        Cause::Silence => words.say("console-closed-silence", &[]),
        Cause::NoEyes => words.say("console-closed-no-eyes", &[]),
        Cause::Expiry => words.say("console-closed-expiry", &[]),
        Cause::Sleep => words.say("console-closed-sleep", &[]),
        Cause::Lock => words.say("console-closed-lock", &[]),
        Cause::RelayLost => words.say("console-closed-relay-lost", &[]),
        Cause::RelayWithholds => words.say("console-closed-relay-withholds", &[]),
        Cause::Revoked => words.say("console-closed-revoked", &[]),
        Cause::Misbehaviour => words.say("console-closed-misbehaviour", &[]),
        Cause::Crash => words.say("console-closed-crash", &[]),
        Cause::Disk => words.say("console-closed-disk", &[]),
    }
}
