//! An organisation whose log was followed by another, as a member's program takes it: once, and with a word if anything was
//! lost. The same rules as an agent's ([`venia_relay::client::succession`]). (SECURITY F4, F5)
//!
//! Not here: an auditor's copies, which hold whole logs and compare more ([`crate::audit`]).

use venia_proto::key::VerifierKey;
use venia_relay::client::control::Control;
use venia_relay::client::followed::{self, Untold};
use venia_relay::client::home::{Home, HomeError};
use venia_relay::client::succession::{self, FollowError};
use venia_ui::failure::{Failure, Trouble};
use venia_ui::words::Words;

use crate::membership::{self, Membership};
use crate::{seen, trouble};

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
    let said = |(from, untold): (VerifierKey, Untold)| {
        Ok(match untold {
            Untold::Restored => words.say("log-restored", &[]),
            Untold::Lost(lost) => words.say("log-lost", &[("lost", &lost)]),
            Untold::Contradicted => {
                // Where nothing shows it that others could check, there is no file to name.
                match seen::evidence_against(home, &from)? {
                    Some(file) => words.say("log-contradicted", &[("file", &file.display().to_string())]),
                    None => words.say("log-contradicted-unproven", &[]),
                }
            }
        })
    };
    followed::untold(home, log)?.into_iter().map(said).collect()
}

fn unshown(words: &Words) -> Failure {
    trouble::said(Trouble::Fingerprint, words.say("log-unshown", &[]), words.say("log-unshown-hint", &[]), words)
}

#[cfg(test)]
mod tests {
    use venia_proto::key::{KeyName, SigningKey};
    use venia_proto::ledger::body::Language;
    use venia_proto::ledger::event::After;
    use venia_proto::ledger::evidence::{Claim, File};

    use venia_relay::client::succession::Worth;

    use super::*;

    fn log(n: u8) -> VerifierKey {
        SigningKey::new("log", [n; 32]).named(KeyName::new(&format!("log/{n}")).unwrap()).verifier().clone()
    }

    #[test]
    fn f4_a_contradiction_names_the_evidence_kept_of_it_whenever_that_was_found_or_says_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("pc"), true).unwrap();
        let after = After { origin: log(1).name, size: 9, root: [1; 32] };
        let worth = Worth::Contradicted(None);
        let followed = succession::Followed { from: log(1), to: log(2), after, checkpoint: Vec::new(), worth };
        followed::accept(&home, &followed).unwrap();
        for words in [Language::En, Language::Es].map(Words::new) {
            assert_eq!(untold(&home, &log(2), &words).unwrap(), [words.say("log-contradicted-unproven", &[])]);
        }
        // Found before, by gossip: this time the relay shows nothing.
        let claim = Claim::Fork { known: Vec::new(), shown: Vec::new() };
        let found = File { statement: Vec::new(), claim };
        let file = venia_relay::client::seen::keep_evidence(&home, &log(1), &found).unwrap().display().to_string();
        for words in [Language::En, Language::Es].map(Words::new) {
            assert_eq!(untold(&home, &log(2), &words).unwrap(), [words.say("log-contradicted", &[("file", &file)])]);
        }
        followed::told(&home, &log(2)).unwrap();
        assert!(untold(&home, &log(2), &Words::new(Language::En)).unwrap().is_empty());
    }
}
