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
use venia_relay::client::followed::{self, Untold};
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
    let said = |(from, untold): (VerifierKey, Untold)| {
        Ok(match untold {
            Untold::Restored => words.say("log-restored", &[]),
            Untold::Lost(lost) => words.say("log-lost", &[("lost", &lost)]),
            Untold::Contradicted => {
                // Where nothing shows it that others could check, there is no file to name.
                match known::evidence_against(home, &from)? {
                    Some(file) => words.say("log-contradicted", &[("file", &file.display().to_string())]),
                    None => words.say("log-contradicted-unproven", &[]),
                }
            }
        })
    };
    followed::untold(home, log)?.into_iter().map(said).collect()
}

fn unshown(words: &Words) -> Failure {
    let (message, hint) = (words.say("log-unshown", &[]), words.say("log-unshown-hint", &[]));
    Failure { message, hint, ..Failure::of(Trouble::Fingerprint, words) }
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
