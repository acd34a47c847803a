//! An organisation whose log was followed by another, as a member's program takes it: once, and with a word if anything was
//! lost. The same rules as an agent's ([`venia_relay::client::succession`]). (SECURITY F4, F5)
//!
//! Not here: an auditor's copies, which hold whole logs and compare more ([`crate::audit`]).

use venia_proto::key::VerifierKey;
use venia_proto::ledger::pin::Evidence;
use venia_relay::client::control::Control;
use venia_relay::client::followed::{self, Untold};
use venia_relay::client::home::{Home, HomeError};
use venia_relay::client::succession::{self, FollowError, Worth};
use venia_ui::failure::{Failure, Trouble};
use venia_ui::words::Words;

use crate::membership::{self, Membership};
use crate::{seen, trouble};

/// Takes the relay's log, if it is another than this program knew. Before the new statement is remembered: the one known
/// before names the old log. What the member is to read of it is kept until they were shown it: [`untold`].
pub(crate) async fn follow(member: &Membership, control: &Control, words: &Words) -> Result<(), Failure> {
    let (home, folder) = (&member.home, |error: HomeError| trouble::folder(&error, words));
    let pin_of = |log: &VerifierKey| seen::pin(home, log);
    let followed = succession::follow(home, control, &member.root, member.statement.as_ref(), pin_of).await;
    let followed = match followed {
        Ok(Some(followed)) => followed,
        Ok(None) => return Ok(()),
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
    if let Worth::Contradicted(Some(evidence)) = &followed.worth {
        keep(home, &followed.from, evidence).map_err(folder)?;
    }
    seen::remember_pin(home, &followed.to, &followed.checkpoint).map_err(folder)?;
    followed::accept(home, &followed).map_err(folder)
}

/// What the member is to read of this log and those before it.
pub(crate) fn untold(home: &Home, log: &VerifierKey, words: &Words) -> Result<Vec<String>, HomeError> {
    let said = |(from, untold): (VerifierKey, Untold)| {
        Ok(match untold {
            Untold::Restored => words.say("log-restored", &[]),
            Untold::Lost(lost) => words.say("log-lost", &[("lost", &lost)]),
            Untold::Contradicted => {
                let file = seen::evidence_against(home, &from)?;
                let file = file.map_or_else(|| "-".to_owned(), |file| file.display().to_string());
                words.say("log-contradicted", &[("file", &file)])
            }
        })
    };
    followed::untold(home, log)?.into_iter().map(said).collect()
}

/// Evidence names its log by a statement: the one known before.
fn keep(home: &Home, log: &VerifierKey, found: &Evidence) -> Result<(), HomeError> {
    let statement = membership::statement_note(home)?.unwrap_or_default();
    seen::keep_evidence(home, &statement, log, found).map(drop)
}

fn unshown(words: &Words) -> Failure {
    trouble::said(Trouble::Fingerprint, words.say("log-unshown", &[]), words.say("log-unshown-hint", &[]), words)
}
