//! A log that follows another: when a new one begins, what its first note is worth to who saw the old one.
//!
//! A relay's record is a chain of logs: one a year, and one more after each restored backup. Each but the first begins with
//! a [`Notice::Key`] that names the log before, the size it was closed at, and its root there. That note alone proves
//! nothing: a relay that forked its log could begin another to be rid of the two histories. So whoever holds a checkpoint
//! of the old log holds it against what the new one says of it ([`judge`]), and keeps it. (SECURITY F4, F5)
//!
//! Not here: asking for proofs, keeping pins, telling people.
//!
//! [`Notice::Key`]: super::notice::Notice::Key

use super::checkpoint::Checkpoint;
use super::merkle::{self, Hash, ProofError};
use super::note;
use super::notice::{Closed, Notice, NoticeError, Succession};
use crate::key::{KeyError, KeyName, VerifierKey};
use crate::now::Wall;

/// Where the [`Notice::Key`] stands in a log that follows another: after the batch note of its commit.
pub const KEY_INDEX: u64 = 1;
/// Entries of the commit a log that follows another begins with: the batch note and the key note.
pub const FIRST_SIZE: u64 = 2;
/// How far the statement's serial is moved on when a log was recovered. Statements that were signed after the backup are
/// lost with it, and whoever saw one of them takes nothing older: more than an organisation signs in its whole life.
pub const SERIAL_JUMP: u64 = 1_000_000;

/// What the end of a log means to somebody who holds a checkpoint of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Judgement {
    /// It was closed at the very tree that was seen.
    Same,
    /// It was closed at a larger tree: to be believed once a proof shows that it continues the one that was seen.
    Prove,
    /// It was closed at a smaller one, and says why: a backup was restored. What was recorded after it is lost there.
    Lost {
        /// Entries the log once had, at least.
        had: u64,
        /// Entries it was closed at.
        kept: u64,
    },
    /// Two different trees of one size; or the log pretends that nothing was lost, and is smaller than what it signed.
    Contradicts,
}

/// Holds what a new log says of the one before against a checkpoint of that one. `None`: it speaks of another log.
pub fn judge(seen: &Checkpoint, closed: &Closed, cause: Succession) -> Option<Judgement> {
    if seen.origin != closed.origin {
        return None;
    }
    Some(match (seen.size.cmp(&closed.size), cause) {
        (std::cmp::Ordering::Equal, _) if seen.root == closed.root => Judgement::Same,
        (std::cmp::Ordering::Equal, _) => Judgement::Contradicts,
        (std::cmp::Ordering::Less, _) => Judgement::Prove,
        (std::cmp::Ordering::Greater, Succession::Recovered) => Judgement::Lost { had: seen.size, kept: closed.size },
        (std::cmp::Ordering::Greater, Succession::Year) => Judgement::Contradicts,
    })
}

/// A log that doesn't show what it follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// Not a note of that log's.
    #[error(transparent)]
    Notice(#[from] NoticeError),
    /// Another kind of note.
    #[error("the log doesn't begin with the note of what it follows")]
    NoKey,
    /// The note isn't where it must be in the tree.
    #[error("the note of what the log follows isn't in it")]
    NotIncluded(#[source] ProofError),
}

/// Reads the note a log begins with: signed by it, and in its tree, so that it can't tell everybody something else.
pub fn begins(
    note: &[u8],
    path: &[Hash],
    checkpoint: &Checkpoint,
    log: &VerifierKey,
) -> Result<(Closed, Succession), ChainError> {
    let Notice::Key { previous, cause } = Notice::open(note, log)? else { return Err(ChainError::NoKey) };
    merkle::verify_inclusion(note::leaf(note), KEY_INDEX, checkpoint.size, &checkpoint.root, path)
        .map_err(ChainError::NotIncluded)?;
    Ok((previous, cause))
}

/// The origin of the log that comes `number`th, the first being 1: `NAME`, `NAME/2`, `NAME/3` …
pub fn origin(first: &KeyName, number: u64) -> Result<KeyName, KeyError> {
    if number <= 1 { Ok(first.clone()) } else { KeyName::new(&format!("{}/{number}", first.as_str())) }
}

/// Whether these are origins of logs that one service kept, one after another, as [`origin`] names them.
pub fn is_one_service(one: &KeyName, other: &KeyName) -> bool {
    let first = |name: &KeyName| {
        let numbered = name.as_str().rsplit_once('/').filter(|(_, number)| number.parse::<u64>().is_ok());
        numbered.map_or(name.as_str(), |(first, _)| first).to_owned()
    };
    first(one) == first(other)
}

/// Whether a log that began then should be followed by another: another calendar year has come. Never before every session
/// has ended: a session stands in one log, so that its receipts are against one tree. (SECURITY F3)
pub fn is_due(begun: Wall, now: Wall, is_open: bool) -> bool {
    !is_open && year(now) > year(begun)
}

/// The calendar year, in UTC.
pub fn year(at: Wall) -> i16 {
    // What Wall holds, the time library can always write.
    jiff::Timestamp::from_millisecond(at.ms()).map_or(0, |at| jiff::tz::TimeZone::UTC.to_datetime(at).year())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SigningKey;
    use crate::ledger::merkle::Tree;

    fn name(text: &str) -> KeyName {
        KeyName::new(text).unwrap()
    }

    fn key(origin: &str) -> SigningKey {
        SigningKey::new("log", [1; 32]).named(name(origin))
    }

    fn seen(size: u64, root: u8) -> Checkpoint {
        Checkpoint::of(key("log").verifier(), size, [root; 32])
    }

    fn closed(origin: &str, size: u64, root: u8) -> Closed {
        Closed { origin: name(origin), size, root: [root; 32] }
    }

    #[test]
    fn the_logs_of_one_service_are_known_by_their_origins() {
        let (first, tenth) = (name("relay/log"), origin(&name("relay/log"), 10).unwrap());
        for (one, other, same) in [
            (&first, &tenth, true),
            (&tenth, &origin(&first, 2).unwrap(), true),
            (&first, &first, true),
            (&first, &name("relay/other"), false),
            (&tenth, &name("relay/log2/10"), false),
        ] {
            assert_eq!(is_one_service(one, other), same, "{one} {other}");
        }
    }

    #[test]
    fn f5_what_was_seen_is_held_against_what_the_new_log_says() {
        use Succession::{Recovered, Year};
        for cause in [Year, Recovered] {
            assert_eq!(judge(&seen(9, 1), &closed("log", 9, 1), cause), Some(Judgement::Same));
            assert_eq!(judge(&seen(9, 1), &closed("log", 9, 2), cause), Some(Judgement::Contradicts));
            assert_eq!(judge(&seen(9, 1), &closed("log", 10, 2), cause), Some(Judgement::Prove));
            assert_eq!(judge(&seen(9, 1), &closed("other", 9, 1), cause), None);
        }
        let lost = Judgement::Lost { had: 9, kept: 8 };
        assert_eq!(judge(&seen(9, 1), &closed("log", 8, 1), Recovered), Some(lost));
        assert_eq!(judge(&seen(9, 1), &closed("log", 8, 1), Year), Some(Judgement::Contradicts));
    }

    #[test]
    fn f5_a_log_shows_what_it_follows_or_is_not_believed() {
        let log = key("log/2");
        let said = Notice::Key { previous: closed("log", 9, 1), cause: Succession::Recovered };
        let (batch, note) = (b"batch".as_slice(), said.sign(&log));
        let mut tree = Tree::new();
        for entry in [batch, note.as_slice(), b"more".as_slice()] {
            tree.append(note::leaf(entry), |_, _, _| {});
        }
        let hash = |entry: &[u8]| note::leaf(entry).0;
        let path = [hash(batch), hash(b"more")];
        let checkpoint = Checkpoint::of(log.verifier(), tree.size(), tree.root());
        let read = begins(&note, &path, &checkpoint, log.verifier());
        assert_eq!(read, Ok((closed("log", 9, 1), Succession::Recovered)));
        let told = |note: &[u8], path: &[Hash]| begins(note, path, &checkpoint, log.verifier());
        assert!(matches!(told(&note, &path[..1]), Err(ChainError::NotIncluded(_))));
        let other = Notice::Key { previous: closed("log", 8, 1), cause: Succession::Recovered }.sign(&log);
        assert!(matches!(told(&other, &path), Err(ChainError::NotIncluded(_))), "told to this one alone");
        let gap = Notice::Gap { from: Wall::MIN, to: Wall::MAX }.sign(&log);
        assert_eq!(told(&gap, &path), Err(ChainError::NoKey));
        let forged = said.sign(&SigningKey::new("log", [2; 32]).named(name("log/2")));
        assert!(matches!(told(&forged, &path), Err(ChainError::Notice(_))));
    }

    #[test]
    fn origins_are_numbered_from_the_first() {
        let first = name("log-8c1f");
        let told: Vec<_> = (1..=3).map(|n| origin(&first, n).unwrap().as_str().to_owned()).collect();
        assert_eq!(told, ["log-8c1f", "log-8c1f/2", "log-8c1f/3"]);
    }

    #[test]
    fn a_log_lives_for_a_year_and_never_ends_within_a_session() {
        let at = |text: &str| text.parse::<Wall>().unwrap();
        let (eve, new_year) = (at("2026-12-31T23:59:59.999Z"), at("2027-01-01T00:00:00.000Z"));
        assert!(!is_due(eve, eve, false));
        assert!(is_due(eve, new_year, false));
        assert!(!is_due(eve, new_year, true));
        assert!(!is_due(new_year, new_year, false));
        assert!(!is_due(new_year, eve, false), "a clock set back begins nothing");
        assert_eq!((year(Wall::MIN), year(Wall::MAX), year(eve)), (0, 9_999, 2_026));
    }
}
