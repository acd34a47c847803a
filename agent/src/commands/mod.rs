//! The agent's commands, one file each.

use venia_proto::rendezvous::Refusal;
use venia_relay::client::control::ControlError;
use venia_relay::client::home::HomeError;
use venia_ui::failure::{Exit, Failure, Loss, Trouble};
use venia_ui::folder::{self, Said};
use venia_ui::words::Words;

use crate::journal::JournalError;

pub mod ask;
pub mod complete;
pub mod records;
pub mod redact;
pub mod sign;
pub mod withheld;

/// What a failure is called when a record's log takes nothing any more.
pub(crate) const LOG_CLOSED: &str = "log-closed";

/// A relay that can't be used, as the person is told.
pub(crate) fn relay_failure(error: &ControlError, words: &Words) -> Failure {
    tracing::debug!(%error, "the relay can't be used");
    let trouble = match error {
        ControlError::WrongVersion(_) => Trouble::Version,
        ControlError::Greeting(why) => (*why).into(),
        ControlError::Replaced => Trouble::Busy,
        ControlError::Revoked => Trouble::Revoked,
        ControlError::Refused(refusal) => match refusal {
            Refusal::Disk | Refusal::SetBack => Trouble::Disk,
            Refusal::NotMember | Refusal::Revoked => Trouble::Revoked,
            Refusal::Busy
            | Refusal::Quota
            | Refusal::TooManyFailures
            | Refusal::NotAllowed
            | Refusal::NoSuchCode
            | Refusal::InviteUnknown
            | Refusal::InviteUsed
            | Refusal::InviteExpired
            | Refusal::Erased
            | Refusal::Event { .. } => Trouble::Busy,
        },
        ControlError::Unreachable(_)
        | ControlError::Malformed(_)
        | ControlError::TooLarge(_)
        | ControlError::Tls(_) => Trouble::Unreachable,
    };
    Failure::of(trouble, words)
}

/// A data folder that can't be used, as the person is told.
pub(crate) fn home_failure(error: &HomeError, words: &Words) -> Failure {
    tracing::debug!(error = error as &dyn std::error::Error, "the data folder can't be used");
    let trouble = if matches!(error, HomeError::Busy(_)) { Trouble::Busy } else { Trouble::Disk };
    let Said { message, hint } = folder::say(error.problem(), error.path(), words);
    Failure { message, hint, ..Failure::of(trouble, words) }
}

/// A journal that can't be used, as the person is told.
pub(crate) fn journal_failure(error: &JournalError, words: &Words) -> Failure {
    tracing::debug!(%error, "the journal can't be used");
    Failure {
        message: words.say("agent-journal", &[("problem", &error.to_string())]),
        ..Failure::of(Trouble::Disk, words)
    }
}

/// A record that can't be completed, as the person is told.
pub(crate) fn complete_failure(error: &complete::CompleteError, words: &Words) -> Failure {
    use complete::CompleteError;
    match error {
        CompleteError::Journal(error) => journal_failure(error, words),
        CompleteError::Control(error) => relay_failure(error, words),
        CompleteError::Home(error) => home_failure(error, words),
        CompleteError::NeverBegan(began) => Failure {
            exit: Exit::Refused,
            kind: "never-began",
            message: words.say("agent-never-began", &[("opened", &began.to_string())]),
            state: Loss::Nothing.say(words),
            hint: words.say("agent-never-began-hint", &[]),
        },
        CompleteError::LogClosed => Failure {
            kind: LOG_CLOSED,
            message: words.say("agent-log-closed", &[]),
            ..Failure::of(Trouble::Busy, words)
        },
        CompleteError::Archive(_)
        | CompleteError::Strand(_)
        | CompleteError::Receipt
        | CompleteError::OtherService
        | CompleteError::Seal(_)
        | CompleteError::Bundle => Failure {
            message: words.say("agent-journal", &[("problem", &error.to_string())]),
            ..Failure::of(Trouble::Disk, words)
        },
    }
}

#[cfg(test)]
mod tests {
    use venia_proto::ledger::body::Language;

    use super::*;

    #[test]
    fn damage_to_what_was_seen_names_the_file_and_the_way_on() {
        let full = |words: &Words| Failure::of(Trouble::Disk, words).hint;
        for words in [Language::En, Language::Es].map(Words::new) {
            let failure = home_failure(&HomeError::Seen("/pc/checkpoint-x".into()), &words);
            assert!(failure.message.contains("/pc/checkpoint-x"), "{failure:?}");
            assert!(!failure.hint.is_empty() && failure.hint != full(&words), "{failure:?}");
        }
    }
}
