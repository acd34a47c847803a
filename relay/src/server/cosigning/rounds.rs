//! Rounds of asking: after each commit the newest checkpoint goes to every witness, the same one to all of them, so that a
//! quorum meets on one tree however busy the log is. What is committed during a round waits for the next.
//!
//! One request in flight per witness. Who doesn't answer is left out for a while that doubles, and holds up nobody.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::merkle::Hash;
use venia_proto::ledger::note::{Note, Signature};
use venia_proto::ledger::witness::AddCheckpoint;
use venia_proto::rendezvous::Answer;
use venia_proto::statement::WitnessKey;

use super::Cosigned;
use super::submit::{Said, submit};
use crate::server::ledger::continuity::Continuity;
use crate::server::ledger::queue::Ledger;
use crate::server::ledger::sqlite::Sqlite;
use crate::server::organisation::Organisation;
use crate::server::settings::WitnessAt;

/// First pause before a witness that didn't answer is asked again; doubles.
pub const PAUSE: Duration = Duration::from_secs(1);
/// Longest such pause.
pub const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Shortest pause between two rounds that no commit asked for.
const BREATH: Duration = Duration::from_millis(200);

/// The newest cosigned checkpoint is written to the disk this often: a commit's own fsync has the disk for itself.
pub const KEEP_EVERY: Duration = Duration::from_secs(10);

/// What is known of one witness.
#[derive(Clone, Debug, Default)]
struct Standing {
    /// The size it cosigned last, as far as we know.
    seen: u64,
    /// Times in a row that it didn't cosign.
    failures: u32,
    /// Not asked before.
    until: Option<Instant>,
}

/// By key and place: a witness that moved is asked at once.
type Known = BTreeMap<(WitnessKey, String), Standing>;

fn named(witness: &WitnessAt) -> (WitnessKey, String) {
    (witness.key.clone(), witness.at.to_string())
}

/// Asks the witnesses for as long as the relay runs.
pub async fn run(ledger: Ledger<Sqlite>, organisation: Arc<Organisation>, cosigned: Arc<Cosigned>) {
    let mut commits = ledger.commits();
    let (mut known, mut kept) = (Known::new(), None::<Instant>);
    loop {
        let witnesses = organisation.settings().witnesses;
        known.retain(|name, _| witnesses.iter().any(|witness| named(witness) == *name));
        commits.mark_unchanged();
        if !witnesses.is_empty() {
            round(&ledger, &cosigned, &witnesses, &mut known).await;
            if kept.is_none_or(|at| at.elapsed() >= KEEP_EVERY) {
                keep(&cosigned, &organisation).await;
                kept = Some(Instant::now());
            }
        }
        // A ledger that can't answer now leaves everybody due: not at once again.
        let soon = Instant::now() + BREATH;
        let again = known.values().filter_map(|standing| standing.until).min().map(|until| until.max(soon));
        tokio::select! {
            changed = commits.changed() => if changed.is_err() { return },
            () = cosigned.changed.notified() => {}
            () = wake(again) => {}
        }
    }
}

async fn wake(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn round(ledger: &Ledger<Sqlite>, cosigned: &Arc<Cosigned>, witnesses: &[WitnessAt], known: &mut Known) {
    let Some((checkpoint, _)) = between(ledger, cosigned, 0, 0).await else { return };
    let Ok(Checkpoint { size, .. }) = Checkpoint::of_note(&checkpoint, &cosigned.log) else { return };
    let now = Instant::now();
    let mut asked = JoinSet::new();
    for witness in witnesses {
        let standing = known.entry(named(witness)).or_default();
        if standing.until.is_some_and(|until| until > now) {
            continue;
        }
        let (ledger, cosigned, checkpoint) = (ledger.clone(), cosigned.clone(), checkpoint.clone());
        let (witness, seen) = (witness.clone(), standing.seen);
        asked.spawn(async move {
            let given = ask(&ledger, &cosigned, &witness, seen, &checkpoint, size).await;
            let passed = given.is_some_and(|lines| {
                lines
                    .into_iter()
                    .filter(|line| line.name == witness.key.name && line.id == witness.key.id())
                    .any(|line| cosigned.add(&checkpoint, &witness.key, line))
            });
            (named(&witness), passed)
        });
    }
    while let Some(done) = asked.join_next().await {
        let Ok((name, passed)) = done else { continue };
        let standing = known.entry(name).or_default();
        *standing = if passed {
            Standing { seen: size, ..Standing::default() }
        } else {
            let failures = standing.failures.saturating_add(1);
            Standing { seen: 0, failures, until: Some(Instant::now() + pause(failures)) }
        };
    }
    cosigned.settled(size);
}

async fn keep(cosigned: &Arc<Cosigned>, organisation: &Organisation) {
    let (cosigned, statement) = (cosigned.clone(), organisation.served());
    let kept = tokio::task::spawn_blocking(move || cosigned.keep(&statement.statement)).await;
    if let Ok(Err(error)) = kept {
        tracing::warn!(error = &error as &dyn std::error::Error, "cosignatures won't outlive a restart");
    }
}

/// Asks one witness; twice if it stands elsewhere than we thought.
async fn ask(
    ledger: &Ledger<Sqlite>,
    cosigned: &Cosigned,
    witness: &WitnessAt,
    seen: u64,
    checkpoint: &Note,
    size: u64,
) -> Option<Vec<Signature>> {
    let mut old = seen;
    for _ in 0..2 {
        let (_, proof) = between(ledger, cosigned, old, size).await?;
        let request = AddCheckpoint { old, proof, checkpoint: checkpoint.clone() };
        match submit(&witness.at, &request).await {
            Ok(Said::Cosigned(lines)) => return Some(lines),
            Ok(Said::Conflict(other)) if other <= size && other != old => old = other,
            Ok(Said::Conflict(other)) => {
                // It saw a tree of ours that we don't have, or another one of this size: were we set back?
                tracing::warn!(witness = %witness.key.name, %other, %size, "a witness holds another tree of this log");
                return None;
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(witness = %witness.key.name, error, "a witness didn't cosign");
                return None;
            }
        }
    }
    None
}

/// The checkpoint of the larger size, zero for the newest, and the proof from the smaller.
async fn between(ledger: &Ledger<Sqlite>, cosigned: &Cosigned, first: u64, second: u64) -> Option<(Note, Vec<Hash>)> {
    let origin = cosigned.log.name.as_str().to_owned();
    let pending = ledger.continuity(Continuity::Between { origin, first, second }).await.ok()?;
    let Ok(Ok(Answer::Consistency { checkpoint, path })) = pending.await else { return None };
    Some((Note::parse(&checkpoint).ok()?, path))
}

/// How long a witness is left out after so many failures in a row.
fn pause(failures: u32) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    PAUSE.saturating_mul(doubled.max(1)).min(PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_their_limit() {
        let seconds: Vec<_> = [1, 2, 3, 6, 7, 8, 33, u32::MAX].map(|n| pause(n).as_secs()).to_vec();
        assert_eq!(seconds, [1, 2, 4, 32, 60, 60, 60, 60]);
    }
}
