//! An organisation whose log was followed by another, as a member's program takes it: once, and with a word if anything was
//! lost. The same rules as an agent's ([`venia_relay::client::succession`]). (SECURITY F4, F5)
//!
//! Not here: an auditor's copies, which hold whole logs and compare more ([`crate::audit`]).

use venia_proto::encoding;
use venia_proto::key::VerifierKey;
use venia_proto::ledger::evidence;
use venia_proto::ledger::note::NOTE_MAX;
use venia_proto::ledger::pin::{Evidence, Pin};
use venia_relay::client::control::Control;
use venia_relay::client::home::{Home, HomeError};
use venia_relay::client::succession::{self, FollowError, Followed, Worth};
use venia_ui::failure::{Failure, Trouble};
use venia_ui::words::Words;

use crate::membership::{self, Membership};
use crate::trouble;

/// Takes the relay's log, if it is another than this program knew; what the member is to read of it, if anything. Before the
/// new statement is remembered: the one known before names the old log.
pub(crate) async fn follow(member: &Membership, control: &Control, words: &Words) -> Result<Option<String>, Failure> {
    let (home, folder) = (&member.home, |error: HomeError| trouble::folder(&error, words));
    let pin_of = |log: &VerifierKey| pin(home, log);
    let followed = succession::follow(home, control, &member.root, member.statement.as_ref(), pin_of).await;
    let followed = match followed {
        Ok(Some(followed)) => followed,
        Ok(None) => return Ok(None),
        Err(FollowError::Home(error)) => return Err(folder(error)),
        Err(FollowError::Control(error)) => return Err(trouble::control(&error, words)),
        Err(FollowError::Contradicts(evidence)) => {
            if let Some(evidence) = evidence {
                keep(home, &evidence).map_err(folder)?;
            }
            return Err(unshown(words));
        }
        Err(FollowError::Unshown(why)) => {
            tracing::warn!(%why, "the relay's new log");
            return Err(unshown(words));
        }
    };
    let told = told(home, &followed, words).map_err(folder)?;
    home.write(&pin_file(&followed.to), &followed.checkpoint).map_err(folder)?;
    succession::accept(home, &followed).map_err(folder)?;
    Ok(told)
}

/// File of the newest checkpoint accepted from a log.
pub(crate) fn pin_file(log: &VerifierKey) -> String {
    format!("checkpoint-{}", encoding::to_hex(&log.id()))
}

fn pin(home: &Home, log: &VerifierKey) -> Result<Option<Pin>, HomeError> {
    Ok(home.read(&pin_file(log), NOTE_MAX)?.and_then(|note| Pin::new(&note, log).ok()))
}

fn told(home: &Home, followed: &Followed, words: &Words) -> Result<Option<String>, HomeError> {
    Ok(match &followed.worth {
        Worth::Whole { restored: false } => None,
        Worth::Whole { restored: true } => Some(words.say("log-restored", &[])),
        Worth::Lost { had, kept } => Some(words.say("log-lost", &[("lost", &had.saturating_sub(*kept))])),
        Worth::Contradicted(evidence) => {
            let file = evidence.as_ref().map(|found| keep(home, found)).transpose()?;
            Some(words.say("log-contradicted", &[("file", &file.unwrap_or_else(|| "-".to_owned()))]))
        }
    })
}

/// Evidence names its log by a statement: the one known before.
fn keep(home: &Home, found: &Evidence) -> Result<String, HomeError> {
    const NAME: &str = "evidence-former-log";
    let statement = membership::statement_note(home)?.unwrap_or_default();
    home.write_new(NAME, &evidence::File::of_log(statement, found).to_bytes())?;
    Ok(home.path(NAME)?.display().to_string())
}

fn unshown(words: &Words) -> Failure {
    trouble::said(Trouble::Fingerprint, words.say("log-unshown", &[]), words.say("log-unshown-hint", &[]), words)
}
