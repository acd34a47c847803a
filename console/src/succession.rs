//! An organisation whose log was followed by another, as a member's program takes it: once, and with a word if anything was
//! lost. The same rules as an agent's ([`venia_relay::client::succession`]). (SECURITY F4, F5)
//!
//! Not here: an auditor's copies, which hold whole logs and compare more ([`crate::audit`]).

use venia_proto::key::VerifierKey;
use venia_relay::client::control::Control;
use venia_relay::client::followed::{self, Told};
use venia_relay::client::home::{Home, HomeError};
use venia_relay::client::succession::{self, FollowError};
use venia_ui::failure::{Failure, Trouble};
use venia_ui::words::Words;

use crate::membership::{self, Membership};
use crate::trouble;

/// Takes the relay's log, if it is another than this program knew. Before the new statement is remembered: the one known
/// before names the old log. What the member is to read of it is kept until they were shown it: [`untold`].
pub(crate) async fn follow(member: &Membership, control: &Control, words: &Words) -> Result<(), Failure> {
    let (home, folder) = (&member.home, |error: HomeError| trouble::folder(&error, words));
    match succession::take(home, control, &member.root, member.statement.as_ref(), || membership::statement_note(home))
        .await
    {
        Ok(()) => Ok(()),
        Err(FollowError::Home(error)) => Err(folder(error)),
        Err(FollowError::Control(error)) => Err(trouble::control(&error, words)),
        Err(FollowError::Contradicts { .. }) => Err(unshown(words)),
        Err(FollowError::Unshown(why)) => {
            tracing::warn!(%why, "the relay's new log");
            Err(unshown(words))
        }
    }
}

/// What the member is to read of this log and those before it.
pub(crate) fn untold(home: &Home, log: &VerifierKey, words: &Words) -> Result<Vec<String>, HomeError> {
    let said = |told| match told {
        Told::Restored => words.say("log-restored", &[]),
        Told::Lost(lost) => words.say("log-lost", &[("lost", &lost)]),
        Told::Contradicted(Some(file)) => words.say("log-contradicted", &[("file", &file.display().to_string())]),
        Told::Contradicted(None) => words.say("log-contradicted-unproven", &[]),
    };
    Ok(followed::untold(home, log)?.into_iter().map(said).collect())
}

fn unshown(words: &Words) -> Failure {
    trouble::said(Trouble::Fingerprint, words.say("log-unshown", &[]), words.say("log-unshown-hint", &[]), words)
}
