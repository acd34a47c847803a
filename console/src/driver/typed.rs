//! What a technician types in an interactive session.

use std::str::FromStr;

use venia_proto::foreign::{Foreign, ForeignError};

use crate::cli::{RunSpec, RunSpecError};

/// One typed command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// What can be run.
    Checks,
    /// Run one item, asking if need be.
    Run(RunSpec),
    /// Say something to the person.
    Chat(Foreign),
    /// Write a note into the record.
    Note(Foreign),
    /// End with an outcome and a next step, which are asked for.
    Close,
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
