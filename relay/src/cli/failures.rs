//! What an operator is told when something can't be done: what happened, and the next step.

use std::path::Path;

use venia_proto::foreign::Foreign;
use venia_ui::failure::{Exit, Failure, Loss, Trouble};
use venia_ui::folder::{self, Said};
use venia_ui::words::Words;

use crate::client::home::HomeError;
use crate::server::accept::DoorError;
use crate::server::admin::Why;
use crate::server::config::{self, ConfigError};
use crate::server::identity::IdentityError;
use crate::server::ledger::StoreError;
use crate::server::ledger::committer::StartError;
use crate::server::ledger::head::HeadError;
use crate::server::ledger::succession::SuccessionError;
use crate::server::serve::ServeError;
use crate::server::settings::{AUDITORS_MAX, KEEP_DAYS_MAX, PACKS_MAX, SettingsError, WITNESSES_MAX};

/// A wish the relay didn't grant.
pub(super) fn refused(why: Why, name: &Foreign, words: &Words) -> Failure {
    match why {
        Why::Name => {
            said(Exit::WrongUse, "name", words, words.say("relay-name", &[]), words.say("relay-name-hint", &[]))
        }
        Why::Level => {
            said(Exit::WrongUse, "level", words, words.say("relay-level", &[]), words.say("relay-level-hint", &[]))
        }
        Why::NameTaken => said(
            Exit::Refused,
            "name-taken",
            words,
            words.say("relay-name-taken", &[("name", name)]),
            words.say("relay-name-taken-hint", &[]),
        ),
        Why::NoSuchMember => said(
            Exit::Refused,
            "no-such-member",
            words,
            words.say("relay-no-such-member", &[("name", name)]),
            words.say("relay-no-such-member-hint", &[]),
        ),
        Why::Recipient => said(
            Exit::WrongUse,
            "recipient",
            words,
            words.say("relay-recipient", &[("recipient", name)]),
            words.say("relay-recipient-hint", &[]),
        ),
        Why::TooManyAuditors => said(
            Exit::Refused,
            "too-many-auditors",
            words,
            words.say("relay-too-many-auditors", &[("most", &AUDITORS_MAX)]),
            words.say("relay-too-many-auditors-hint", &[]),
        ),
        Why::NoSuchAuditor => said(
            Exit::Refused,
            "no-such-auditor",
            words,
            words.say("relay-no-such-auditor", &[("recipient", name)]),
            words.say("relay-no-such-auditor-hint", &[]),
        ),
        Why::TooManyPacks => said(
            Exit::Refused,
            "too-many-packs",
            words,
            words.say("relay-too-many-packs", &[("most", &PACKS_MAX)]),
            words.say("relay-too-many-packs-hint", &[]),
        ),
        Why::NoSuchPack => said(
            Exit::Refused,
            "no-such-pack",
            words,
            words.say("relay-no-such-pack", &[("pack", name)]),
            words.say("relay-no-such-pack-hint", &[]),
        ),
        Why::WitnessKey => said(
            Exit::WrongUse,
            "witness-key",
            words,
            words.say("relay-witness-key", &[]),
            words.say("relay-witness-key-hint", &[]),
        ),
        Why::WitnessPlace => said(
            Exit::WrongUse,
            "witness-place",
            words,
            words.say("relay-witness-place", &[("place", name)]),
            words.say("relay-witness-place-hint", &[]),
        ),
        Why::WitnessTwice => said(
            Exit::Refused,
            "witness-twice",
            words,
            words.say("relay-witness-twice", &[]),
            words.say("relay-witness-list-hint", &[]),
        ),
        Why::TooManyWitnesses => said(
            Exit::Refused,
            "too-many-witnesses",
            words,
            words.say("relay-too-many-witnesses", &[("most", &WITNESSES_MAX)]),
            words.say("relay-too-many-witnesses-hint", &[]),
        ),
        Why::NoSuchWitness => said(
            Exit::Refused,
            "no-such-witness",
            words,
            words.say("relay-no-such-witness", &[("witness", name)]),
            words.say("relay-witness-list-hint", &[]),
        ),
        Why::Quorum => {
            said(Exit::Refused, "quorum", words, words.say("relay-quorum", &[]), words.say("relay-quorum-hint", &[]))
        }
        Why::NoSuchSession => said(
            Exit::Refused,
            "no-such-session",
            words,
            words.say("relay-no-such-session", &[("session", name)]),
            words.say("relay-erase-hint", &[]),
        ),
        Why::NoSuchPart => said(
            Exit::Refused,
            "no-such-part",
            words,
            words.say("relay-no-such-part", &[]),
            words.say("relay-erase-hint", &[]),
        ),
        Why::NoEvidence => said(
            Exit::Refused,
            "no-evidence",
            words,
            words.say("relay-no-such-evidence", &[("session", name)]),
            words.say("relay-evidence-hint", &[]),
        ),
        Why::Disk => Failure::of(Trouble::Disk, words),
        Why::Malformed => Failure::of(Trouble::Version, words),
    }
}

/// A relay that can't start.
pub(super) fn failed(error: &ServeError, folder: &Path, words: &Words) -> Failure {
    let path = folder;
    let folder = Foreign::new(path.to_string_lossy());
    let detail = chain(error);
    let about_folder = |error: &HomeError| home_failed(error, path, words);
    match error {
        ServeError::Config(ConfigError::Malformed(_) | ConfigError::Range { .. } | ConfigError::Read(_)) => said(
            Exit::WrongUse,
            "config",
            words,
            words.say("relay-config", &[("file", &config::FILE), ("detail", &detail)]),
            words.say("relay-config-hint", &[]),
        ),
        ServeError::Home(error)
        | ServeError::Identity(IdentityError::Home(error))
        | ServeError::Succession(SuccessionError::Identity(IdentityError::Home(error)))
        | ServeError::Head(HeadError::Home(error)) => about_folder(error),
        ServeError::Identity(IdentityError::Statement(_) | IdentityError::Name(_))
        | ServeError::Succession(
            SuccessionError::Identity(IdentityError::Statement(_) | IdentityError::Name(_))
            | SuccessionError::NoLog
            | SuccessionError::Archive(_),
        )
        | ServeError::Head(HeadError::Write(_)) => said(
            Exit::Refused,
            "folder",
            words,
            words.say("relay-folder", &[("folder", &folder), ("detail", &detail)]),
            words.say("relay-folder-hint", &[]),
        ),
        ServeError::Settings(SettingsError::KeepDays) => said(
            Exit::WrongUse,
            "keep-days",
            words,
            words.say("relay-keep-days", &[("most", &KEEP_DAYS_MAX)]),
            words.say("relay-keep-days-hint", &[]),
        ),
        // `serve` sets no more than these.
        ServeError::Settings(
            SettingsError::Name
            | SettingsError::TooManyAuditors
            | SettingsError::NoSuchAuditor
            | SettingsError::TooManyPacks
            | SettingsError::NoSuchPack
            | SettingsError::TooManyWitnesses
            | SettingsError::NoSuchWitness
            | SettingsError::WitnessTwice
            | SettingsError::Quorum,
        ) => said(Exit::WrongUse, "name", words, words.say("relay-name", &[]), words.say("relay-name-hint", &[])),
        ServeError::IsBackup(made) => said(
            Exit::Refused,
            "backup",
            words,
            words.say("relay-is-backup", &[("folder", &folder), ("made", &made.to_string())]),
            words.say("relay-is-backup-hint", &[]),
        ),
        ServeError::Store(error)
        | ServeError::Ledger(StartError::Store(error))
        | ServeError::Succession(SuccessionError::Store(error)) => match error {
            StoreError::SetBack { had, found } => said(
                Exit::Refused,
                "set-back",
                words,
                words.say(
                    "relay-set-back",
                    &[("folder", &folder), ("had", &had.to_string()), ("found", &found.to_string())],
                ),
                words.say("relay-set-back-hint", &[]),
            ),
            StoreError::Database(_)
            | StoreError::File(_)
            | StoreError::HeadMoved
            | StoreError::Newer { .. }
            | StoreError::Foreign(_)
            | StoreError::Damaged(_) => said(
                Exit::Refused,
                "ledger",
                words,
                words.say("relay-ledger", &[("folder", &folder), ("detail", &detail)]),
                words.say("relay-ledger-hint", &[]),
            ),
        },
        ServeError::Door(DoorError::Listen { address, .. }) => said(
            Exit::Refused,
            "listen",
            words,
            words.say("relay-listen", &[("address", &address.to_string())]),
            words.say("relay-listen-hint", &[]),
        ),
        ServeError::Door(DoorError::Tls(_)) | ServeError::Ledger(StartError::Thread(_)) | ServeError::Socket(_) => {
            said(
                Exit::Refused,
                "system",
                words,
                words.say("relay-system", &[("detail", &detail)]),
                words.say("relay-system-hint", &[]),
            )
        }
        ServeError::NoPublic => said(
            Exit::WrongUse,
            "no-public",
            words,
            words.say("relay-no-public", &[]),
            words.say("relay-no-public-hint", &[]),
        ),
    }
}

/// A folder that can't be used.
pub(super) fn home_failed(error: &HomeError, folder: &Path, words: &Words) -> Failure {
    tracing::warn!(error = error as &dyn std::error::Error, "the data folder can't be used");
    let folder = Foreign::new(folder.to_string_lossy());
    match error {
        HomeError::Busy(_) => said(
            Exit::Refused,
            "running",
            words,
            words.say("relay-running", &[("folder", &folder)]),
            words.say("relay-running-hint", &[]),
        ),
        HomeError::TooOpen { .. }
        | HomeError::NotOurs(_)
        | HomeError::Name(_)
        | HomeError::Damaged(_)
        | HomeError::Seen(_)
        | HomeError::TooLarge { .. }
        | HomeError::Random(_)
        | HomeError::Disk { .. } => {
            let Said { message, hint } = folder::say(error.problem(), error.path(), words);
            said(Exit::Refused, "folder", words, message, hint)
        }
    }
}

/// The operating system refused something.
pub(super) fn system(error: &dyn std::error::Error, words: &Words) -> Failure {
    let detail = chain(error);
    said(
        Exit::Refused,
        "system",
        words,
        words.say("relay-system", &[("detail", &detail)]),
        words.say("relay-system-hint", &[]),
    )
}

/// A failure of this program's own, in its three sentences.
pub(super) fn said(exit: Exit, kind: &'static str, words: &Words, message: String, hint: String) -> Failure {
    Failure { exit, kind, message, state: Loss::Nothing.say(words), hint }
}

/// An error and its causes, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !line.contains(&said) {
            line.push_str(": ");
            line.push_str(&said);
        }
        cause = error.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn every_problem_of_a_folder_has_sentences() {
        let path = || folder_path().to_owned();
        let disk = |kind| HomeError::Disk { path: path(), source: Error::from(kind) };
        let all = [
            HomeError::TooOpen { path: path(), mode: 0o755 },
            HomeError::NotOurs(path()),
            HomeError::Busy(path()),
            HomeError::Name("../key".to_owned()),
            HomeError::Damaged(path()),
            HomeError::Seen(path()),
            HomeError::TooLarge { path: path(), limit: 9 },
            HomeError::Random(getrandom::Error::UNSUPPORTED),
            disk(ErrorKind::StorageFull),
            disk(ErrorKind::QuotaExceeded),
            disk(ErrorKind::PermissionDenied),
            disk(ErrorKind::NotADirectory),
            disk(ErrorKind::Other),
        ];
        for error in &all {
            assert!(folder::PROBLEMS.contains(&error.problem()), "{error}");
        }
        let named: Vec<_> = all.iter().filter(|error| error.path() == folder_path()).collect();
        assert_eq!(named.len(), all.len() - 2, "all but a name and randomness");
    }

    fn folder_path() -> &'static Path {
        Path::new("/home/ana/venia")
    }
}
