//! A relay whose log was followed by another, as a peer takes it: held against what was seen, accepted once, remembered.
//!
//! The root's statement names a new log; the log itself says which one it follows, where that was closed, and why. That is
//! held against the pin of the old log before anything is told to the new one: what it pretends to have kept must be proven,
//! and what it admits to have lost is said to the person. So no relay gets rid of two histories by beginning a third: the
//! old pin stays, and what contradicts it is evidence. (SECURITY F4, F5)
//!
//! Not here: what was accepted ([`super::followed`]), pins, evidence files, words.

use std::time::Duration;

use tokio::time::timeout;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::key::VerifierKey;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::event::After;
use venia_proto::ledger::evidence;
use venia_proto::ledger::note::Note;
use venia_proto::ledger::notice::{Closed, Succession};
use venia_proto::ledger::pin::{Evidence, Pin, PinError};
use venia_proto::ledger::succession::{Judgement, begins, judge};
use venia_proto::rendezvous::{Answer, Call, Refusal, Successor};
use venia_proto::statement::{Relay, Statement};

use super::control::{Control, ControlError};
use super::followed;
use super::home::{Home, HomeError};
use super::seen;

/// Most logs that are followed one after another, from the one that was seen: more than a century of them.
pub const CHAIN_MAX: usize = 128;
/// How long the relay may take for one answer.
const ANSWER: Duration = Duration::from_secs(10);

/// A log that follows what was seen, and what that is worth.
#[derive(Debug)]
pub struct Followed {
    /// The log that was seen.
    pub from: VerifierKey,
    /// The log that grows now.
    pub to: VerifierKey,
    /// The checkpoint of the old log that is quoted from now on, until there is a receipt of the new one.
    pub after: After,
    /// The new log's newest checkpoint: its pin from now on.
    pub checkpoint: Vec<u8>,
    /// What became of what was seen.
    pub worth: Worth,
}

/// What became of what was seen of a log.
#[derive(Debug)]
pub enum Worth {
    /// All of it is in the closed log, proven.
    Whole {
        /// A backup was restored on the way; nothing of what was seen is missing.
        restored: bool,
    },
    /// A backup was restored: the log was closed before what was seen of it.
    Lost {
        /// Entries it had, at least.
        had: u64,
        /// Entries that were kept of them.
        kept: u64,
    },
    /// A backup was restored, and the closed log contradicts what was seen of it.
    Contradicted(Option<Box<Evidence>>),
}

/// A log that isn't followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The relay.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The data folder.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// It doesn't show that its log follows the one that was seen.
    #[error("the relay can't show which log its own one follows: {0}")]
    Unshown(String),
    /// It pretends that nothing was lost, and contradicts what it signed before.
    #[error("the new log contradicts what was seen of the old one")]
    Contradicts {
        /// The old log.
        log: VerifierKey,
        /// What shows it, if anything does that others can check.
        evidence: Option<Box<Evidence>>,
    },
}

/// One log of the chain, verified as far as it can be alone.
struct Step {
    log: VerifierKey,
    note: Vec<u8>,
    head: Checkpoint,
    previous: Closed,
    cause: Succession,
}

/// Looks whether the relay's log is another than the `known` statement named, and holds it against what was seen of that.
/// `None`: it is the same, or nothing was ever seen of the old one. Nothing is written: [`followed::accept`].
pub async fn follow(
    home: &Home,
    control: &Control,
    root: &Fingerprint,
    known: Option<&Statement>,
    pin_of: impl Fn(&VerifierKey) -> Result<Option<Pin>, HomeError>,
) -> Result<Option<Followed>, FollowError> {
    let Some(known) = known else { return Ok(None) };
    let mut seen = false;
    for log in left(known, &control.welcome().statement, &control.welcome().relay) {
        match from(home, control, root, log, &pin_of).await? {
            Origin::Shown(followed) => return Ok(Some(*followed)),
            Origin::Forgotten => seen = true,
            Origin::Unseen => {}
        }
    }
    if seen { Err(FollowError::Unshown("it knows none of the logs that were seen".to_owned())) } else { Ok(None) }
}

/// Takes the relay's log, if it is another than the `known` statement named: as it is judged by [`follow`], with its pin, the
/// evidence found, and what is to be told ([`followed::untold`]). Before the new statement is remembered: the `known` one, whose
/// signed bytes are `note`, names the old log, and evidence names its log by it.
pub async fn take(
    home: &Home,
    control: &Control,
    root: &Fingerprint,
    known: Option<&Statement>,
    note: impl Fn() -> Result<Option<Vec<u8>>, HomeError>,
) -> Result<(), FollowError> {
    let keep = |log: &VerifierKey, found: &Evidence| {
        seen::keep_evidence(home, log, &evidence::File::of_log(note()?.unwrap_or_default(), found)).map(drop)
    };
    let followed = match follow(home, control, root, known, |log| seen::pin(home, log)).await {
        Ok(Some(followed)) => followed,
        Ok(None) => return Ok(()),
        Err(error) => {
            if let FollowError::Contradicts { log, evidence: Some(evidence) } = &error {
                keep(log, evidence)?;
            }
            return Err(error);
        }
    };
    if let Worth::Contradicted(Some(evidence)) = &followed.worth {
        keep(&followed.from, evidence)?;
    }
    seen::remember(home, &followed.to, &followed.checkpoint)?;
    Ok(followed::accept(home, &followed)?)
}

/// The logs that a relay's log may have to show it follows: the one it had, or, if this isn't a relay that was known, every
/// one that the new statement has given up. So a relay doesn't get rid of what was seen of it by another name and another
/// key, nor by a namesake that it leaves behind. One that is merely added gives up nothing.
fn left(known: &Statement, now: &Statement, relay: &Relay) -> Vec<VerifierKey> {
    if known.relays.iter().any(|before| before.log == relay.log) {
        return Vec::new();
    }
    let is_same = |a: &Relay, b: &Relay| a.tls == b.tls || a.name == b.name;
    let gone = |before: &&Relay| now.relays.iter().all(|stays| stays.log != before.log);
    let (own, others): (Vec<&Relay>, Vec<&Relay>) = known.relays.iter().partition(|before| is_same(before, relay));
    // Of a relay that was known the others may begin new logs of their own at the same time: they answer for those.
    let answers = |before: &&Relay| !own.is_empty() && now.relays.iter().any(|stays| is_same(before, stays));
    let given_up = others.into_iter().filter(gone).filter(|before| !answers(before));
    own.iter().copied().chain(given_up).map(|relay| relay.log.clone()).collect()
}

/// What a relay shows of one log that it may follow.
enum Origin {
    /// Nothing was ever seen of that log.
    Unseen,
    /// It was seen, and the relay knows neither it nor what came before it.
    Forgotten,
    /// The relay's log follows it.
    Shown(Box<Followed>),
}

async fn from(
    home: &Home,
    control: &Control,
    root: &Fingerprint,
    mut log: VerifierKey,
    pin_of: impl Fn(&VerifierKey) -> Result<Option<Pin>, HomeError>,
) -> Result<Origin, FollowError> {
    // An older backup may have forgotten the newest log altogether: then the one before it must be shown.
    let mut newest = None;
    for _ in 0..CHAIN_MAX {
        let Some(pin) = pin_of(&log)? else { break };
        match chain(control, root, &log).await {
            Ok(steps) => return Ok(Origin::Shown(Box::new(weigh(control, (log, pin), newest, steps).await?))),
            Err(FollowError::Control(ControlError::Refused(Refusal::NotAllowed))) => {}
            Err(error) => return Err(error),
        }
        let earlier = followed::before(home, &log)?;
        newest = newest.or(Some((log, pin)));
        let Some(earlier) = earlier else { break };
        log = earlier;
    }
    Ok(if newest.is_some() { Origin::Forgotten } else { Origin::Unseen })
}

/// Judges what was seen by the chain that follows it. `newest`: what was seen of a later log, which the relay forgot.
async fn weigh(
    control: &Control,
    (log, pin): (VerifierKey, Pin),
    newest: Option<(VerifierKey, Pin)>,
    steps: Vec<Step>,
) -> Result<Followed, FollowError> {
    let (Some(first), Some(last)) = (steps.first(), steps.last()) else {
        return Err(FollowError::Unshown("nothing follows".to_owned()));
    };
    let judged = judge(pin.checkpoint(), &first.previous, first.cause)
        .ok_or_else(|| FollowError::Unshown("it follows another log".to_owned()))?;
    let restored = steps.iter().any(|step| step.cause == Succession::Recovered);
    let worth = match (judged, first.cause) {
        (Judgement::Same, _) => Worth::Whole { restored },
        (Judgement::Lost { had, kept }, _) => Worth::Lost { had, kept },
        (Judgement::Prove | Judgement::Contradicts, cause) => {
            match (continued(control, &log, &pin, &first.previous).await?, cause) {
                (Ok(()), _) if judged == Judgement::Prove => Worth::Whole { restored },
                (found, Succession::Recovered) => Worth::Contradicted(found.err().flatten()),
                (found, Succession::Year) => {
                    return Err(FollowError::Contradicts { log, evidence: found.err().flatten() });
                }
            }
        }
    };
    // What it forgot altogether it can only have lost by a backup older than that.
    let (from, pin, worth) = match (newest, worth) {
        (None, worth) => (log, pin, worth),
        (Some((log, pin)), Worth::Whole { .. } | Worth::Lost { .. }) if restored => {
            let had = pin.checkpoint().size;
            (log, pin, Worth::Lost { had, kept: 0 })
        }
        (Some((log, pin)), worth @ Worth::Contradicted(_)) => (log, pin, worth),
        (Some((log, _)), Worth::Whole { .. } | Worth::Lost { .. }) => {
            return Err(FollowError::Contradicts { log, evidence: None });
        }
    };
    let seen = pin.checkpoint();
    let after = After { origin: seen.origin.clone(), size: seen.size, root: seen.root };
    Ok(Followed { from, to: last.log.clone(), after, checkpoint: last.note.clone(), worth })
}

/// Asks for the proof that the closed log continues what was seen. The inner error: it doesn't, and what shows it.
async fn continued(
    control: &Control,
    log: &VerifierKey,
    pin: &Pin,
    closed: &Closed,
) -> Result<Result<(), Option<Box<Evidence>>>, FollowError> {
    let (origin, first) = (log.name.as_str().to_owned(), pin.checkpoint().size);
    let asked = ask(control, Call::Consistency { origin, first, second: 0 }).await;
    let (checkpoint, path) = match asked {
        Ok(Answer::Consistency { checkpoint, path }) => (checkpoint, path),
        Ok(_) => return Err(ControlError::Malformed(None).into()),
        // It was closed before what was seen: no proof exists.
        Err(ControlError::Refused(Refusal::NotAllowed)) => return Ok(Err(None)),
        Err(error) => return Err(error.into()),
    };
    let last = Checkpoint::open(&checkpoint, log).map_err(|error| FollowError::Unshown(error.to_string()))?;
    if (last.size, last.root) != (closed.size, closed.root) {
        return Err(FollowError::Unshown("the old log doesn't end where the new one says".to_owned()));
    }
    Ok(match pin.clone().advance(&checkpoint, log, Some(&path)) {
        Ok(_) => Ok(()),
        Err(PinError::Evidence(evidence)) => Err(Some(evidence)),
        Err(PinError::Checkpoint(_) | PinError::NoProof) => Err(None),
    })
}

/// Every log after this one, up to the one that grows.
async fn chain(control: &Control, root: &Fingerprint, from: &VerifierKey) -> Result<Vec<Step>, FollowError> {
    let grows = &control.welcome().relay.log;
    let mut steps: Vec<Step> = Vec::new();
    while steps.last().map_or(from, |step| &step.log) != grows {
        let log = steps.last().map_or(from, |step| &step.log).to_string();
        let Answer::Successors { logs } = ask(control, Call::Successors { log }).await? else {
            return Err(ControlError::Malformed(None).into());
        };
        if logs.is_empty() || steps.len() + logs.len() > CHAIN_MAX {
            return Err(FollowError::Unshown("the chain of logs doesn't lead to the one that grows".to_owned()));
        }
        for successor in logs {
            let step = read(&successor, root).map_err(FollowError::Unshown)?;
            let follows = match steps.last() {
                None => step.previous.origin == from.name,
                // A closed log's checkpoint is its last: what the next one says must be just that.
                Some(before) => {
                    let Checkpoint { origin, size, root } = &before.head;
                    (origin, size, root) == (&step.previous.origin, &step.previous.size, &step.previous.root)
                }
            };
            if !follows {
                return Err(FollowError::Unshown("a log doesn't follow the one before it".to_owned()));
            }
            steps.push(step);
        }
    }
    Ok(steps)
}

/// A log by the root's statement, its head by its key, and the note it begins with in its tree.
fn read(successor: &Successor, root: &Fingerprint) -> Result<Step, String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let statement = Statement::open(&successor.statement, root).map_err(|error| told(&error))?;
    let claimed = Note::parse(&successor.checkpoint).map_err(|error| told(&error))?;
    let origin = Checkpoint::unverified(&claimed).map_err(|error| told(&error))?.origin;
    let log = statement.relay_of(origin.as_str()).ok_or("a log that no statement names")?.log.clone();
    let head = Checkpoint::of_note(&claimed, &log).map_err(|error| told(&error))?;
    let (previous, cause) = begins(&successor.note, &successor.path, &head, &log).map_err(|error| told(&error))?;
    Ok(Step { log, note: successor.checkpoint.clone(), head, previous, cause })
}

async fn ask(control: &Control, call: Call) -> Result<Answer, ControlError> {
    timeout(ANSWER, control.call(call)).await.unwrap_or(Err(ControlError::Unreachable(None)))
}

#[cfg(test)]
mod tests {
    use venia_proto::foreign::Foreign;
    use venia_proto::key::{KeyName, SigningKey};
    use venia_proto::now::Wall;

    use super::*;

    fn log(n: u8) -> VerifierKey {
        SigningKey::new("log", [n; 32]).named(KeyName::new(&format!("log/{n}")).unwrap()).verifier().clone()
    }

    fn relay(name: &str, tls: u8, of: u8) -> Relay {
        let tls = SigningKey::new("tls", [tls; 32]);
        Relay { name: Foreign::new(name), address: "127.0.0.1:1".parse().unwrap(), tls: *tls.public(), log: log(of) }
    }

    fn statement(relays: &[&Relay]) -> Statement {
        let key = log(99);
        Statement {
            root: key.clone(),
            organisation: Foreign::new("Org"),
            serial: 1,
            not_after: Wall::from_ms(1),
            relays: relays.iter().copied().cloned().collect(),
            authority: key,
            auditors: Vec::new(),
            witnesses: Vec::new(),
            quorum: 0,
            packs: Vec::new(),
            keep_days: 1,
        }
    }

    #[test]
    fn f4_no_name_or_key_lets_a_relay_leave_what_was_seen_of_it() {
        let (a, b) = (relay("a", 1, 1), relay("b", 2, 2));
        let (renewed, renamed, other_key) = (relay("a", 1, 3), relay("x", 1, 3), relay("a", 9, 3));
        let stranger = relay("x", 9, 3);
        type Case<'a> = (&'a [&'a Relay], &'a [&'a Relay], &'a Relay, &'a [u8]);
        let cases: [Case<'_>; 12] = [
            (&[&a], &[&a], &a, &[]),
            (&[&a], &[&renewed], &renewed, &[1]),
            (&[&a], &[&renamed], &renamed, &[1]),
            (&[&a], &[&other_key], &other_key, &[1]),
            (&[&a], &[&stranger], &stranger, &[1]),
            // A second relay, added by an honest organisation.
            (&[&a], &[&a, &b], &b, &[]),
            (&[&a], &[&a, &stranger], &stranger, &[]),
            // One that was named before has its own history.
            (&[&a, &b], &[&b], &b, &[]),
            // A namesake that nobody is sent to doesn't stand in for the one that left.
            (&[&a], &[&other_key, &relay("y", 8, 4)], &relay("y", 8, 4), &[1]),
            // Both relays begin a new year: each answers for its own log.
            (&[&a, &b], &[&renewed, &relay("b", 2, 4)], &renewed, &[1]),
            // The other one is gone at the same time: whatever was seen of it has to be shown too, if nothing was of this.
            (&[&a, &b], &[&renewed], &renewed, &[1, 2]),
            (&[&a, &b], &[&stranger], &stranger, &[1, 2]),
        ];
        for (known, now, reached, expected) in cases {
            let expected: Vec<_> = expected.iter().map(|n| log(*n)).collect();
            assert_eq!(left(&statement(known), &statement(now), reached), expected, "{known:?} {now:?} {reached:?}");
        }
    }
}
