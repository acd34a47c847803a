//! A failure as people and scripts get it: what happened, whether anything was shared or lost, and the next step.
//!
//! Every error of a program becomes one of these at its very top; nothing else ends a program with a non-zero code.

use std::fmt;
use std::process::ExitCode;

use serde_json::{Value, json};
use venia_proto::greeting::GreetingError;

use crate::words::Words;

/// How a program ends. (COMMANDS.md, first paragraph)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// What was asked for was done.
    Done,
    /// Refused, failed or broken.
    Refused,
    /// Wrong use, or it can't be told.
    WrongUse,
}

/// Failures that several commands share, each with its own sentences in `trouble.ftl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// The spoken code didn't match.
    WrongCode,
    /// The code was used up before.
    Burnt,
    /// A code or invite is too old or was used.
    Expired,
    /// The member may no longer take part.
    Revoked,
    /// The root isn't the expected one.
    Fingerprint,
    /// The other side speaks no version we speak.
    Version,
    /// The relay or the other side can't be reached.
    Unreachable,
    /// The disk is full or failing.
    Disk,
    /// One session at a time.
    Busy,
    /// Questions need a terminal on standard input and output. (SECURITY D4)
    NoTerminal,
    /// No page can be served on this computer.
    NoPage,
    /// The platform has no place for data.
    NoHome,
    /// Standard output can't be written.
    Output,
    /// The command line can't be understood.
    Usage,
}

/// Whether anything was shared or lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loss {
    /// Neither shared nor lost.
    Nothing,
    /// Nothing shared; whether something is lost isn't the question.
    NothingShared,
    /// Nothing lost; whether something was shared isn't the question.
    NothingLost,
    /// Something was shared, and the record has it.
    Recorded,
}

/// What the person or script is told, in that order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Exit code.
    pub exit: Exit,
    /// One stable word for scripts: `wrong-code`, `usage` …
    pub kind: &'static str,
    /// What happened; one or two sentences, already safe to show.
    pub message: String,
    /// Whether anything was shared or lost; a sentence.
    pub state: String,
    /// The one next step; a sentence.
    pub hint: String,
}

impl Exit {
    /// 0, 1 or 2.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::WrongUse => 2,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl From<GreetingError> for Trouble {
    /// A relay whose greeting isn't believed.
    fn from(error: GreetingError) -> Self {
        match error {
            GreetingError::WrongRoot | GreetingError::Statement(_) | GreetingError::Batch(_) => Self::Fingerprint,
            GreetingError::Expired => Self::Expired,
            GreetingError::SetBack => Self::Disk,
            GreetingError::Moved => Self::Unreachable,
        }
    }
}

impl Trouble {
    /// Every one.
    pub const ALL: [Self; 14] = [
        Self::WrongCode,
        Self::Burnt,
        Self::Expired,
        Self::Revoked,
        Self::Fingerprint,
        Self::Version,
        Self::Unreachable,
        Self::Disk,
        Self::Busy,
        Self::NoTerminal,
        Self::NoPage,
        Self::NoHome,
        Self::Output,
        Self::Usage,
    ];

    /// The word scripts see.
    pub fn name(self) -> &'static str {
        match self {
            Self::WrongCode => "wrong-code",
            Self::Burnt => "burnt",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Fingerprint => "fingerprint",
            Self::Version => "version",
            Self::Unreachable => "unreachable",
            Self::Disk => "disk",
            Self::Busy => "busy",
            Self::NoTerminal => "no-terminal",
            Self::NoPage => "no-page",
            Self::NoHome => "no-home",
            Self::Output => "output",
            Self::Usage => "usage",
        }
    }

    /// The exit code it ends a program with.
    pub fn exit(self) -> Exit {
        match self {
            Self::NoTerminal | Self::NoHome | Self::Usage => Exit::WrongUse,
            Self::WrongCode
            | Self::Burnt
            | Self::Expired
            | Self::Revoked
            | Self::Fingerprint
            | Self::NoPage
            | Self::Version
            | Self::Unreachable
            | Self::Disk
            | Self::Busy
            | Self::Output => Exit::Refused,
        }
    }
}

impl Loss {
    /// Its sentence.
    pub fn say(self, words: &Words) -> String {
        match self {
            Self::Nothing => words.say("nothing-shared-nor-lost", &[]),
            Self::NothingShared => words.say("nothing-shared", &[]),
            Self::NothingLost => words.say("nothing-lost", &[]),
            Self::Recorded => words.say("record-kept", &[]),
        }
    }
}

impl Failure {
    /// A shared failure with its own sentences, before anything was shared or lost.
    pub fn of(trouble: Trouble, words: &Words) -> Self {
        let id = format!("trouble-{}", trouble.name());
        Self {
            exit: trouble.exit(),
            kind: trouble.name(),
            message: words.say(&id, &[]),
            state: Loss::Nothing.say(words),
            hint: words.say(&format!("{id}-hint"), &[]),
        }
    }

    /// The same failure after more had happened.
    #[must_use]
    pub fn after(self, loss: Loss, words: &Words) -> Self {
        Self { state: loss.say(words), ..self }
    }

    /// The same failure with another next step.
    #[must_use]
    pub fn with_hint(self, hint: String) -> Self {
        Self { hint, ..self }
    }

    /// What a command that prints one object prints instead of it:
    /// `{"error":{"kind","message","state","hint"}}`.
    pub fn json(&self) -> Value {
        json!({ "error": {
            "kind": self.kind, "message": self.message, "state": self.state, "hint": self.hint,
        }})
    }
}

/// For `anyhow` and logs; people get the three sentences of [`crate::terminal::Screen::fail`].
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use venia_proto::ledger::body::Language;

    use super::*;

    #[test]
    fn every_trouble_has_its_sentences_in_both_languages() {
        for words in [Language::En, Language::Es].map(Words::new) {
            for trouble in Trouble::ALL {
                let failure = Failure::of(trouble, &words);
                for sentence in [&failure.message, &failure.state, &failure.hint] {
                    assert!(sentence.ends_with('.') && !sentence.contains('\u{27e8}'), "{sentence}");
                }
            }
        }
    }

    #[test]
    fn exit_codes_are_the_documented_ones() {
        assert_eq!([Exit::Done, Exit::Refused, Exit::WrongUse].map(Exit::code), [0, 1, 2]);
        assert_eq!(Trouble::NoTerminal.exit(), Exit::WrongUse);
        assert_eq!(Trouble::WrongCode.exit(), Exit::Refused);
    }

    #[test]
    fn scripts_get_one_object() {
        let json = Failure::of(Trouble::Busy, &Words::new(Language::Es)).json();
        let error = json["error"].as_object().expect("an object");
        assert_eq!(error.keys().collect::<Vec<_>>(), ["hint", "kind", "message", "state"]);
        assert_eq!(error["kind"], "busy");
    }
}
