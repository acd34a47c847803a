//! A help service whose log was followed by another, as this PC takes it: once, with a word to the person if anything was lost.
//!
//! What the new log says of the old one is held against what this PC saw ([`venia_relay::client::succession`]). A log that
//! admits a restored backup is accepted, and the person is told in plain words; one that pretends that nothing happened and
//! contradicts what it signed is refused, and so is one that doesn't show what it follows. The old pin and the evidence stay.
//! (SECURITY F4, F5)

use venia_proto::fingerprint::Fingerprint;
use venia_proto::key::VerifierKey;
use venia_proto::statement::Statement;
use venia_relay::client::control::Control;
use venia_relay::client::followed::{self, Told};
use venia_relay::client::home::{Home, HomeError};
use venia_relay::client::succession::{self, FollowError};
use venia_ui::failure::{Failure, Trouble};
use venia_ui::words::Words;

use crate::commands::{home_failure, relay_failure};
use crate::known;

/// Takes the relay's log, if it is another than this PC knew. Before the new statement is remembered: the one known before
/// names the old log. What the person is to read of it is kept until they were shown it: [`untold`].
pub async fn follow(
    home: &Home,
    control: &Control,
    root: &Fingerprint,
    known: Option<&Statement>,
    words: &Words,
) -> Result<(), Failure> {
    let folder = |error: HomeError| home_failure(&error, words);
    match succession::take(home, control, root, known, || known::statement_note(home, root)).await {
        Ok(()) => Ok(()),
        Err(FollowError::Home(error)) => Err(folder(error)),
        Err(FollowError::Control(error)) => Err(relay_failure(&error, words)),
        Err(FollowError::Contradicts { .. }) => Err(unshown(words)),
        Err(FollowError::Unshown(why)) => {
            tracing::warn!(%why, "the relay's new log");
            Err(unshown(words))
        }
    }
}

/// Whether this log is one that the relay's followed, and this PC accepted that: nothing comes to it any more.
pub fn is_closed(home: &Home, log: &VerifierKey, control: &Control) -> Result<bool, HomeError> {
    Ok(followed::former(home, &control.welcome().relay.log)?.contains(log))
}

/// What the person is to read of this log and those before it.
pub fn untold(home: &Home, log: &VerifierKey, words: &Words) -> Result<Vec<String>, HomeError> {
    let said = |told| match told {
        Told::Restored => words.say("log-restored", &[]),
        Told::Lost(lost) => words.say("log-lost", &[("lost", &lost)]),
        Told::Contradicted(Some(file)) => words.say("log-contradicted", &[("file", &file.display().to_string())]),
        Told::Contradicted(None) => words.say("log-contradicted-unproven", &[]),
    };
    Ok(followed::untold(home, log)?.into_iter().map(said).collect())
}

fn unshown(words: &Words) -> Failure {
    let (message, hint) = (words.say("log-unshown", &[]), words.say("log-unshown-hint", &[]));
    Failure { message, hint, ..Failure::of(Trouble::Fingerprint, words) }
}
