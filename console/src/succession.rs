//! An organisation whose log was followed by another, as a member's program takes it: once, and with a word if anything was
//! lost. The same rules as an agent's ([`venia_relay::client::succession`]). (SECURITY F4, F5)
//!
//! Not here: an auditor's copies, which hold whole logs and compare more ([`crate::audit`]).

use venia_proto::key::VerifierKey;
use venia_proto::ledger::pin::Evidence;
use venia_relay::client::control::Control;
use venia_relay::client::home::{Home, HomeError};
use venia_relay::client::succession::{self, FollowError, Followed, Worth};
use venia_ui::failure::{Failure, Trouble};
use venia_ui::words::Words;

use crate::membership::{self, Membership};
use crate::{seen, trouble};

/// Takes the relay's log, if it is another than this program knew; what the member is to read of it, if anything. Before the
/// new statement is remembered: the one known before names the old log.
pub(crate) async fn follow(member: &Membership, control: &Control, words: &Words) -> Result<Option<String>, Failure> {
    let (home, folder) = (&member.home, |error: HomeError| trouble::folder(&error, words));
    let pin_of = |log: &VerifierKey| seen::pin(home, log);
    let followed = succession::follow(home, control, &member.root, member.statement.as_ref(), pin_of).await;
    let followed = match followed {
        Ok(Some(followed)) => followed,
        Ok(None) => return Ok(None),
        Err(FollowError::Home(error)) => return Err(folder(error)),
        Err(FollowError::Control(error)) => return Err(trouble::control(&error, words)),
        Err(FollowError::Contradicts { log, evidence }) => {
            if let Some(evidence) = evidence {
                keep(home, &log, &evidence).map_err(folder)?;
            }
            return Err(unshown(words));
        }
        Err(FollowError::Unshown(why)) => {
            tracing::warn!(%why, "the relay's new log");
            return Err(unshown(words));
        }
    };
    let told = told(home, &followed, words).map_err(folder)?;
    home.write(&seen::file("checkpoint", &followed.to), &followed.checkpoint).map_err(folder)?;
    succession::accept(home, &followed).map_err(folder)?;
    Ok(told)
}

fn told(home: &Home, followed: &Followed, words: &Words) -> Result<Option<String>, HomeError> {
    Ok(match &followed.worth {
        Worth::Whole { restored: false } => None,
        Worth::Whole { restored: true } => Some(words.say("log-restored", &[])),
        Worth::Lost { had, kept } => Some(words.say("log-lost", &[("lost", &had.saturating_sub(*kept))])),
        Worth::Contradicted(evidence) => {
            let file = evidence.as_ref().map(|found| keep(home, &followed.from, found)).transpose()?;
            Some(words.say("log-contradicted", &[("file", &file.unwrap_or_else(|| "-".to_owned()))]))
        }
    })
}

/// Evidence names its log by a statement: the one known before.
fn keep(home: &Home, log: &VerifierKey, found: &Evidence) -> Result<String, HomeError> {
    let statement = membership::statement_note(home)?.unwrap_or_default();
    Ok(seen::keep_evidence(home, &statement, log, found)?.display().to_string())
}

fn unshown(words: &Words) -> Failure {
    trouble::said(Trouble::Fingerprint, words.say("log-unshown", &[]), words.say("log-unshown-hint", &[]), words)
}
