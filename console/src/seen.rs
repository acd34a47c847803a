//! What this computer saw of the logs it works with: the largest checkpoint of each, and evidence against those that were
//! caught lying. (SECURITY F4, F5)
//!
//! Kept as an agent keeps it ([`venia_relay::client::seen`]). Not here: how two checkpoints are held against each other
//! (`proto::ledger::gossip`).

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::timeout;
use venia_proto::key::VerifierKey;
use venia_proto::ledger::evidence;
use venia_proto::ledger::gossip::Input;
use venia_proto::ledger::pin::Evidence;
use venia_proto::rendezvous::{Answer, Call, Refusal};
use venia_relay::client::control::{Control, ControlError};
use venia_relay::client::gossip::{Said, Talk};
use venia_relay::client::home::{Home, HomeError};
use venia_relay::client::seen;
pub(crate) use venia_relay::client::seen::{evidence_against, pin};
use venia_ui::failure::{Failure, Loss, Trouble};
use venia_ui::words::Words;

use crate::{clock, trouble};

/// How long a relay may take to look up a checkpoint of its own: nobody waits for it at a keyboard.
const SEEN: Duration = Duration::from_secs(2);
/// How long a relay may take to prove, in all its tries, that it continues what was seen.
const PROVEN: Duration = Duration::from_secs(12);

/// Keeps every checkpoint that a session's gossip holds.
pub(crate) fn remember(home: &Home, talk: &Talk<'_>) -> Result<(), HomeError> {
    for (log, pin) in talk.held() {
        seen::remember(home, log, &pin.note())?;
    }
    Ok(())
}

/// Keeps evidence against a log, the first found, and says where. From now on that log is frozen for this computer.
pub(crate) fn keep_evidence(
    home: &Home,
    statement: &[u8],
    log: &VerifierKey,
    found: &Evidence,
) -> Result<PathBuf, HomeError> {
    seen::keep_evidence(home, log, &evidence::File::of_log(statement.to_vec(), found))
}

/// Before anything is done through a relay: not through a log that was caught lying, which nothing is asked to find out, and not
/// through one that was set back behind what this computer saw of it. A relay that doesn't answer is no worse than before.
pub(crate) async fn trusted(home: &Home, control: &Control, words: &Words) -> Result<(), Failure> {
    let folder = |error| trouble::folder(&error, words);
    let log = &control.welcome().relay.log;
    if let Some(file) = evidence_against(home, log).map_err(folder)? {
        let file = file.display().to_string();
        let hint = words.say("console-log-lied-hint", &[]);
        return Err(trouble::said(
            Trouble::Fingerprint,
            words.say("console-log-lied", &[("file", &file)]),
            hint,
            words,
        ));
    }
    let Some(pin) = pin(home, log).map_err(folder)? else { return Ok(()) };
    match timeout(SEEN, control.call(Call::Seen { checkpoint: pin.note() })).await {
        Ok(Err(ControlError::Refused(Refusal::SetBack))) => {
            let (message, hint) = (words.say("console-set-back", &[]), words.say("console-set-back-hint", &[]));
            Err(trouble::said(Trouble::Disk, message, hint, words))
        }
        Ok(Ok(_) | Err(_)) | Err(_) => Ok(()),
    }
}

/// Outside a session: whether the log continues what is kept of it, at its newest and at each of `shown`. Keeps the
/// largest, or the evidence.
pub(crate) async fn continues(
    home: &Home,
    control: &Control,
    shown: Vec<Vec<u8>>,
    words: &Words,
) -> Result<(), Failure> {
    let folder = |error| trouble::folder(&error, words);
    let welcome = control.welcome();
    let mut talk = Talk::new(control, |log| pin(home, log)).map_err(folder)?;
    let origin = welcome.relay.log.name.to_string();
    let newest = control.call(Call::Consistency { origin, first: 0, second: 0 });
    if let Ok(Ok(Answer::Consistency { checkpoint, .. })) = timeout(SEEN, newest).await {
        talk.hear(clock::now().boot_ms, Input::Receipt(checkpoint));
    }
    for checkpoint in shown {
        // One after the other: each is held against all before it.
        talk.hear(clock::now().boot_ms, Input::Receipt(checkpoint));
        talk.settle(|| clock::now().boot_ms, PROVEN).await;
    }
    talk.settle(|| clock::now().boot_ms, PROVEN).await;
    while let Some(said) = talk.poll() {
        match said {
            // There is nobody to show anything to.
            Said::Show(_) => {}
            Said::Evidence { log, found } => {
                let file = keep_evidence(home, &welcome.statement_note, &log, &found).map_err(folder)?;
                return Err(forked(&file, words));
            }
            Said::Unproven => return Err(unproven(words)),
        }
    }
    remember(home, &talk).map_err(folder)
}

/// A log was caught lying just now.
pub(crate) fn forked(file: &std::path::Path, words: &Words) -> Failure {
    let file = file.display().to_string();
    let (message, hint) = (words.say("console-fork", &[("file", &file)]), words.say("console-log-lied-hint", &[]));
    trouble::said(Trouble::Fingerprint, message, hint, words).after(Loss::Recorded, words)
}

/// A relay doesn't prove that its log is one history.
pub(crate) fn unproven(words: &Words) -> Failure {
    let (message, hint) = (words.say("console-log-unproven", &[]), words.say("console-log-unproven-hint", &[]));
    trouble::said(Trouble::Fingerprint, message, hint, words).after(Loss::Recorded, words)
}
