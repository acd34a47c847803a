//! Why something a person typed or checked isn't what it should be, in that person's language.
//!
//! Not here: what only a developer or an outside verifier can act on. That stays in the words of the specification, in
//! English, and is shown as such.

use venia_proto::catalog::ArgumentError;
use venia_proto::code::CodeError;
use venia_proto::foreign::ForeignError;
use venia_proto::invite::InviteError;
use venia_proto::ledger::verify::{Unchecked, Unfinished};

use crate::words::Words;

/// Why this isn't a code.
pub fn code(error: CodeError, words: &Words) -> String {
    words.say(
        match error {
            CodeError::Shape => "reason-code-shape",
            CodeError::Number => "reason-code-number",
            CodeError::Word => "reason-code-word",
        },
        &[],
    )
}

/// Why this isn't an invite.
pub fn invite(error: InviteError, words: &Words) -> String {
    words.say(
        match error {
            InviteError::Prefix => "reason-invite-prefix",
            InviteError::Damaged => "reason-invite-damaged",
            InviteError::Version => "reason-invite-version",
        },
        &[],
    )
}

/// Why this text can't stand there.
pub fn text(error: ForeignError, words: &Words) -> String {
    match error {
        ForeignError::Empty => words.say("reason-text-empty", &[]),
        ForeignError::TooLong(max) => words.say("reason-text-long", &[("max", &max)]),
        ForeignError::NotOneLine => words.say("reason-text-lines", &[]),
        ForeignError::Link => words.say("reason-text-link", &[]),
    }
}

/// Why an item can't run with these arguments.
pub fn argument(error: &ArgumentError, words: &Words) -> String {
    match error {
        ArgumentError::Unknown(name) => words.say("reason-argument-unknown", &[("name", name)]),
        ArgumentError::NotAccepted { name, value } => {
            words.say("reason-argument-value", &[("name", name), ("value", value)])
        }
    }
}

/// Why a record that holds isn't whole.
pub fn unfinished(open: Unfinished, words: &Words) -> String {
    words.say(
        match open {
            Unfinished::Close => "reason-unclosed-close",
            Unfinished::Receipts => "reason-unclosed-receipts",
            Unfinished::Checkpoints => "reason-unclosed-checkpoints",
            Unfinished::Witnesses => "reason-unclosed-witnesses",
        },
        &[],
    )
}

/// What an intact record could not be checked for, in one line.
pub fn unchecked(all: &[Unchecked], words: &Words) -> String {
    let said = all.iter().map(|unchecked| match unchecked {
        Unchecked::Withheld(parts) => words.say("reason-unchecked-withheld", &[("parts", parts)]),
        Unchecked::Levels(runs) => words.say("reason-unchecked-levels", &[("runs", runs)]),
        Unchecked::Clock { said, at } => {
            words.say("reason-unchecked-clock", &[("said", &said.to_string()), ("at", &at.to_string())])
        }
        Unchecked::Receipt => words.say("reason-unchecked-receipt", &[]),
    });
    said.collect::<Vec<_>>().join("; ")
}
