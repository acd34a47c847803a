//! What a technician types in an interactive session. Typing decides nothing the machine wouldn't take from a script too;
//! a session can't be closed without an outcome and a next step, so `close` asks for both.

use std::str::FromStr;

use venia_proto::foreign::{Foreign, ForeignError};
use venia_proto::ledger::body::{Arguments, ItemId, Signoff};
use venia_proto::session::console::Input;
use venia_ui::reasons;

use super::Live;
use super::plan::run_of;
use crate::cli::{RunSpec, RunSpecError};
use crate::clock;
use crate::voice::Told;

/// Where somebody who types stands.
pub(super) enum Typing {
    /// At the prompt.
    Command,
    /// Asked for the outcome.
    Outcome,
    /// Asked for the next step; the outcome is known.
    Next(Foreign),
}

/// One typed command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// What can be run.
    Checks,
    /// Run one item, asking if need be.
    Run(RunSpec),
    /// Run one item again if that needs no question.
    Sample(ItemId),
    /// Say something to the person.
    Chat(Foreign),
    /// Write a note into the record.
    Note(Foreign),
    /// End with an outcome and a next step, which are asked for.
    Close,
    /// End with this outcome and next step; from a form that asked for both.
    SignOff(Signoff),
    /// End now, without them: the record says so.
    Leave,
    /// The list of commands.
    Help,
    /// An empty line.
    Nothing,
}

/// A line that is no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TypedError {
    /// No such word.
    #[error("no such command")]
    Unknown,
    /// A run that can't be read.
    #[error(transparent)]
    Run(#[from] RunSpecError),
    /// A text that can't be sent.
    #[error(transparent)]
    Text(#[from] ForeignError),
}

impl FromStr for Typed {
    type Err = TypedError;

    fn from_str(line: &str) -> Result<Self, TypedError> {
        let line = line.trim();
        let (word, rest) = line.split_once(char::is_whitespace).map_or((line, ""), |(word, rest)| (word, rest.trim()));
        match (word, rest) {
            ("", _) => Ok(Self::Nothing),
            ("checks", "") => Ok(Self::Checks),
            ("close", "") => Ok(Self::Close),
            ("help" | "?", "") => Ok(Self::Help),
            ("run", spec) => Ok(Self::Run(spec.parse()?)),
            ("chat", text) => Ok(Self::Chat(Foreign::text(text)?)),
            ("note", text) => Ok(Self::Note(Foreign::text(text)?)),
            (_, _) => Err(TypedError::Unknown),
        }
    }
}

impl Live<'_, '_, '_> {
    /// Somebody typed a line.
    pub(super) fn line(&mut self, line: &str) {
        let Some(typing) = self.typing.take() else { return };
        self.spoke = true;
        let words = self.voice.words();
        self.typing = Some(match typing {
            Typing::Command => match line.parse() {
                Ok(typed) => self.command(typed),
                Err(error) => {
                    tracing::debug!(%error, "typed");
                    self.voice.tell(Told::NotUnderstood(words.say("console-not-understood", &[])));
                    Typing::Command
                }
            },
            Typing::Outcome => match Foreign::text(line) {
                Ok(outcome) => Typing::Next(outcome),
                Err(error) => {
                    let why = words.say("console-needs-text", &[("why", &reasons::text(error, words))]);
                    self.voice.tell(Told::NotUnderstood(why));
                    Typing::Outcome
                }
            },
            Typing::Next(outcome) => match Foreign::text(line) {
                Ok(next) => {
                    self.inputs.push_back(Input::SignOff(Signoff { outcome, next, observations: None }));
                    Typing::Command
                }
                Err(error) => {
                    let why = words.say("console-needs-text", &[("why", &reasons::text(error, words))]);
                    self.voice.tell(Told::NotUnderstood(why));
                    Typing::Next(outcome)
                }
            },
        });
    }

    fn command(&mut self, typed: Typed) -> Typing {
        let words = self.voice.words();
        match typed {
            Typed::Nothing => {}
            Typed::Checks => self.voice.checks(),
            Typed::Help => self.voice.help(),
            Typed::Chat(text) => self.inputs.push_back(Input::Chat(text)),
            Typed::Note(text) => self.inputs.push_back(Input::Note(text)),
            Typed::Run(spec) => match self.voice.catalog().get(&spec.item).map(|item| item.asked(&spec.arguments)) {
                Some(Ok(asked)) => self.inputs.push_back(run_of(self.voice.catalog(), asked)),
                Some(Err(error)) => {
                    let (item, why) = (spec.item.0, reasons::argument(&error, words));
                    let why = words.say("console-run-arguments", &[("item", &item), ("why", &why)]);
                    self.voice.tell(Told::NotUnderstood(why));
                }
                None => {
                    let why = words.say("console-item-unknown", &[("item", &spec.item.0)]);
                    self.voice.tell(Told::NotUnderstood(why));
                }
            },
            Typed::Sample(item) => self.sample(item),
            Typed::Close => return Typing::Outcome,
            Typed::SignOff(signoff) => self.inputs.push_back(Input::SignOff(signoff)),
            Typed::Leave => self.leave(),
        }
        Typing::Command
    }

    /// A command came as a value: nothing was asked for it, line by line.
    pub(super) fn typed(&mut self, typed: Typed) {
        if let Some(Typing::Command) = &self.typing {
            self.spoke = true;
            let typing = self.command(typed);
            // Leaving ends all typing.
            if self.typing.is_some() {
                self.typing = Some(typing);
            }
        }
    }

    /// What is watched runs again, and nobody is asked for it.
    fn sample(&mut self, item: ItemId) {
        let asked = self.voice.catalog().get(&item).and_then(|item| item.asked(&Arguments::new()).ok());
        match asked.filter(|asked| self.machine.covers(clock::now().boot_ms, asked)) {
            Some(asked) => self.inputs.push_back(Input::Run(asked)),
            None => self.voice.tell(Told::Uncovered(item)),
        }
    }

    /// Asks for the next line.
    pub(super) fn prompt(&mut self) {
        let words = self.voice.words();
        let text = match &self.typing {
            None => return,
            Some(Typing::Command) => words.say("console-prompt", &[]),
            Some(Typing::Outcome) => words.say("console-prompt-outcome", &[]),
            Some(Typing::Next(_)) => words.say("console-prompt-next", &[]),
        };
        self.voice.prompt(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_and_nothing_else() {
        let text = |text: &str| Foreign::new(text);
        for (line, typed) in [
            ("", Ok(Typed::Nothing)),
            ("  help ", Ok(Typed::Help)),
            ("?", Ok(Typed::Help)),
            ("checks", Ok(Typed::Checks)),
            ("close", Ok(Typed::Close)),
            ("chat  hello  there", Ok(Typed::Chat(text("hello  there")))),
            ("note seen", Ok(Typed::Note(text("seen")))),
            ("chat", Err(TypedError::Text(ForeignError::Empty))),
            ("run", Err(TypedError::Run(RunSpecError::NoItem))),
            ("close now", Err(TypedError::Unknown)),
            ("rm -rf /", Err(TypedError::Unknown)),
            ("CHECKS", Err(TypedError::Unknown)),
        ] {
            assert_eq!(line.parse::<Typed>(), typed, "{line:?}");
        }
        let run = "run system.overview:a=b".parse::<Typed>();
        assert_eq!(run, "system.overview:a=b".parse().map(Typed::Run).map_err(TypedError::Run));
    }
}
