//! What went wrong, as people and scripts get it: one of the kinds of COMMANDS.md, a sentence and the next step.

use venia_proto::message::PairRefusal;
use venia_proto::rendezvous::Refusal;
use venia_relay::client::control::ControlError;
use venia_relay::client::home::HomeError;
use venia_ui::failure::{Exit, Failure, Loss, Trouble};
use venia_ui::folder::{self, Said};
use venia_ui::words::Words;

use crate::audit::mirror::MirrorError;
use crate::audit::sync::SyncError;

/// The kind of a failure that says there is no copy of any log.
pub(crate) const NOTHING: &str = "nothing";

/// A failure of a shared kind with sentences of its own.
pub(crate) fn said(trouble: Trouble, message: String, hint: String, words: &Words) -> Failure {
    Failure { message, hint, ..Failure::of(trouble, words) }
}

/// Wrong use with sentences of its own: exit 2.
pub(crate) fn wrong_use(message: String, hint: String, words: &Words) -> Failure {
    said(Trouble::Usage, message, hint, words)
}

/// The relay.
pub(crate) fn control(error: &ControlError, words: &Words) -> Failure {
    tracing::info!(%error, "the relay");
    let trouble = match error {
        ControlError::WrongVersion(_) => Trouble::Version,
        ControlError::Greeting(why) => (*why).into(),
        ControlError::Replaced => Trouble::Busy,
        ControlError::Revoked => Trouble::Revoked,
        ControlError::Refused(why) => return refusal(*why, words),
        ControlError::Unreachable(_)
        | ControlError::Malformed(_)
        | ControlError::TooLarge(_)
        | ControlError::Tls(_) => Trouble::Unreachable,
    };
    Failure::of(trouble, words)
}

/// The relay's no.
pub(crate) fn refusal(why: Refusal, words: &Words) -> Failure {
    let invite = |message: String| said(Trouble::Expired, message, words.say("console-invite-hint", &[]), words);
    match why {
        Refusal::InviteUnknown => invite(words.say("console-invite-unknown", &[])),
        Refusal::InviteUsed => invite(words.say("console-invite-used", &[])),
        Refusal::InviteExpired => invite(words.say("console-invite-expired", &[])),
        Refusal::NotMember => {
            let hint = words.say("console-not-enrolled-hint", &[]);
            said(Trouble::Revoked, words.say("console-not-member", &[]), hint, words)
        }
        Refusal::Revoked => Failure::of(Trouble::Revoked, words),
        // Told like wrong words (SECURITY B3).
        Refusal::NoSuchCode => Failure::of(Trouble::WrongCode, words),
        Refusal::TooManyFailures => {
            let hint = words.say("console-too-many-hint", &[]);
            said(Trouble::Busy, words.say("console-too-many", &[]), hint, words)
        }
        Refusal::Busy => Failure::of(Trouble::Busy, words),
        Refusal::Quota => {
            let hint = words.say("console-quota-hint", &[]);
            said(Trouble::Busy, words.say("console-quota", &[]), hint, words)
        }
        Refusal::Disk | Refusal::SetBack => Failure::of(Trouble::Disk, words),
        Refusal::NotAllowed => {
            let hint = words.say("console-not-allowed-hint", &[]);
            said(Trouble::Revoked, words.say("console-not-allowed", &[]), hint, words)
        }
        // Only agents submit events.
        Refusal::Event { .. } | Refusal::Erased => Failure::of(Trouble::Unreachable, words),
    }
}

/// The agent's no.
pub(crate) fn pairing(why: PairRefusal, words: &Words) -> Failure {
    match why {
        PairRefusal::WrongCode => Failure::of(Trouble::WrongCode, words),
        PairRefusal::Spent => Failure::of(Trouble::Burnt, words),
        PairRefusal::Member => {
            let hint = words.say("console-not-allowed-hint", &[]);
            said(Trouble::Revoked, words.say("console-member-refused", &[]), hint, words)
        }
        PairRefusal::Version | PairRefusal::Malformed => Failure::of(Trouble::Version, words),
    }
}

/// The other computer was there and is gone.
pub(crate) fn agent_gone(words: &Words) -> Failure {
    let hint = words.say("console-agent-gone-hint", &[]);
    said(Trouble::Unreachable, words.say("console-agent-gone", &[]), hint, words)
}

/// The agent's program broke the rules; what came before is in the record.
pub(crate) fn broke_rules(why: &str, words: &Words) -> Failure {
    let message = words.say("console-broke-rules", &[("why", &why)]);
    said(Trouble::Version, message, words.say("console-broke-rules-hint", &[]), words).after(Loss::Recorded, words)
}

/// The connection broke in the middle of a session.
pub(crate) fn lost(words: &Words) -> Failure {
    let hint = words.say("console-lost-hint", &[]);
    said(Trouble::Unreachable, words.say("console-lost", &[]), hint, words).after(Loss::Recorded, words)
}

/// The data folder.
pub(crate) fn folder(error: &HomeError, words: &Words) -> Failure {
    tracing::debug!(error = error as &dyn std::error::Error, "the data folder can't be used");
    let Said { message, hint } = folder::say(error.problem(), error.path(), words);
    said(Trouble::Disk, message, hint, words)
}

/// No enrolment in this folder.
pub(crate) fn not_enrolled(words: &Words) -> Failure {
    let hint = words.say("console-not-enrolled-hint", &[]);
    said(Trouble::Revoked, words.say("console-not-enrolled", &[]), hint, words)
}

/// A file that can't be read, or a word that isn't there: nothing can be told.
pub(crate) fn cannot_tell(kind: &'static str, message: String, hint: String, words: &Words) -> Failure {
    Failure { exit: Exit::WrongUse, kind, message, state: Loss::Nothing.say(words), hint }
}

/// A copy that couldn't be brought up to date.
pub(crate) fn not_synced(error: SyncError, words: &Words) -> Failure {
    match error {
        SyncError::Control(error) => control(&error, words),
        SyncError::Mirror(error) => copy(&error, words),
        SyncError::Home(error) => folder(&error, words),
        SyncError::Contradiction(file) => {
            let file = file.display().to_string();
            broken(words.say("audit-contradiction", &[("file", &file)]), words)
        }
    }
}

/// The copy on this computer.
pub(crate) fn copy(error: &MirrorError, words: &Words) -> Failure {
    tracing::info!(error = error as &dyn std::error::Error, "the copy of the log");
    match error {
        MirrorError::Home(error) => folder(error, words),
        MirrorError::Log(unreadable) => {
            let why = unreadable.why.to_string();
            broken(words.say("verify-broken-entry", &[("at", &unreadable.entry), ("why", &why)]), words)
        }
        MirrorError::Disk(_) | MirrorError::Damaged(_) => {
            let why = error.to_string();
            let hint = words.say("audit-copy-hint", &[]);
            said(Trouble::Disk, words.say("audit-copy", &[("why", &why)]), hint, words)
        }
    }
}

fn broken(message: String, words: &Words) -> Failure {
    let failure = cannot_tell("broken", message, words.say("audit-broken-hint", &[]), words);
    Failure { exit: Exit::Refused, ..failure }
}

#[cfg(test)]
mod tests {
    use venia_proto::ledger::body::Language;

    use super::*;

    #[test]
    fn damage_to_what_was_seen_names_the_file_and_the_way_on() {
        for words in [Language::En, Language::Es].map(Words::new) {
            let failure = folder(&HomeError::Seen("/pc/checkpoint-x".into()), &words);
            assert!(failure.message.contains("/pc/checkpoint-x"), "{failure:?}");
            assert_eq!(failure.hint, words.say("folder-seen-hint", &[]));
            assert_ne!(failure.hint, folder(&HomeError::NotOurs("/pc".into()), &words).hint);
        }
    }
}
