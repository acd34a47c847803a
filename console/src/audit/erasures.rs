//! What one log says was erased of another's sessions: a session of a closed log is erased by a note in the log that grows.
//!
//! Each copy knows how far its notes were handed on, so nothing is lost if we are killed between: the other copies are on the
//! disk before that is. Not here: erasures of a log's own sessions ([`super::mirror`]), and overwriting words
//! ([`super::words`]). (SECURITY E11)

use std::collections::BTreeSet;

use venia_proto::ledger::event::EVENT;
use venia_proto::ledger::notice::Notice;

use super::mirror::{Mirror, MirrorError};
use super::sessions;

/// A session, and the commitments of the parts that are gone; `None` for all of them.
type Erasure = (String, Option<Vec<[u8; 32]>>);

/// Hands every erase note that came since last time to the copies that hold its session.
pub(super) fn hand_on(mirrors: &mut [Mirror]) -> Result<(), MirrorError> {
    // With one log alone nothing is handed on, nor counts as that: another may come.
    let logs = if mirrors.len() > 1 { mirrors.len() } else { 0 };
    for n in 0..logs {
        let from = &mirrors[n];
        if from.state.handed >= from.state.bytes {
            continue;
        }
        let erasures = unheard(from)?;
        for (_, other) in mirrors.iter_mut().enumerate().filter(|(other, _)| *other != n) {
            obey(other, &erasures)?;
        }
        mirrors[n].state.handed = mirrors[n].state.bytes;
        mirrors[n].write_index()?;
    }
    Ok(())
}

/// What this log says was erased of sessions that aren't its own, and wasn't handed on yet.
fn unheard(from: &Mirror) -> Result<Vec<Erasure>, MirrorError> {
    let (mut raw, mut erasures) = (from.raw(from.state.handed)?, Vec::new());
    while let Some((_, entry)) = raw.next()? {
        if entry.starts_with(EVENT.as_bytes()) {
            continue;
        }
        // Only the log itself makes us delete anything.
        let Ok(Notice::Erase { session, parts }) = Notice::open(&entry, &from.key) else { continue };
        let session = session.to_string();
        if !from.sessions.contains_key(&session) {
            erasures.push((session, parts));
        }
    }
    Ok(erasures)
}

fn obey(copy: &mut Mirror, erasures: &[Erasure]) -> Result<(), MirrorError> {
    let mut changed = BTreeSet::new();
    for (id, parts) in erasures {
        let Some(session) = copy.sessions.get_mut(id) else { continue };
        let before = session.erased.clone();
        session.erase(parts.as_deref());
        if session.erased != before {
            changed.insert(id.clone());
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    let before = copy.state.sessions;
    copy.state.sessions = sessions::add(&copy.home, before, &copy.sessions, &changed)?;
    copy.write_index()?;
    sessions::forget(&copy.home, before, copy.state.sessions)
}

#[cfg(test)]
mod tests {
    use venia_proto::id::{SessionId, Strand};
    use venia_proto::key::SigningKey;
    use venia_proto::ledger::kind::Kind;
    use venia_proto::ledger::part::{Opening, PartName};
    use venia_proto::ledger::strand::Author;
    use venia_proto::now::Wall;

    use super::super::testing::{copy, grown, log};
    use super::*;

    fn open(session: SessionId) -> (String, Vec<u8>) {
        let key = SigningKey::new("device", [9; 32]);
        let part = [Opening::make([1; 32], b"{}").unwrap().part(PartName::Body, None)];
        let mut author = Author::new(session, Strand::Agent);
        let event = author.write(Kind::Open { versions: vec![1] }, &part, Wall::from_ms(1), &key);
        (key.verifier().to_string(), event.bytes().to_vec())
    }

    #[test]
    fn e11_a_note_reaches_the_closed_log_once_and_a_copy_from_before_catches_up() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new, one, two) = (log(1), log(2), SessionId([1; 16]), SessionId([2; 16]));
        let erase = |session, parts| (String::new(), Notice::Erase { session, parts }.sign(&new));
        let first = copy(folder.path(), &old, vec![open(one), open(two)]);
        // Brought up to date before anything was handed on, as every copy that is older than this rule.
        let second = copy(folder.path(), &new, vec![erase(one, Some(vec![[7; 32]]))]);
        assert_eq!(second.state.handed, 0);
        let mut mirrors = [first, second];
        hand_on(&mut mirrors).unwrap();
        drop(mirrors);
        let opened = |log: &SigningKey| Mirror::open(folder.path(), log.verifier()).unwrap();
        let kept = |session: SessionId| opened(&old).sessions[&session.to_string()].clone();
        assert!(kept(one).is_erased(&[7; 32]) && !kept(one).is_erased(&[8; 32]) && !kept(two).is_erased(&[7; 32]));
        // What comes later is handed on from where the last one stood.
        let second = grown(folder.path(), &new, vec![erase(two, None)]);
        assert!(second.state.handed > 0 && second.state.handed < second.state.bytes);
        assert_eq!(unheard(&second).unwrap(), [(two.to_string(), None)]);
        let mut mirrors = [opened(&old), second];
        hand_on(&mut mirrors).unwrap();
        assert_eq!(mirrors[1].state.handed, mirrors[1].state.bytes);
        drop(mirrors);
        assert!(kept(two).is_erased(&[9; 32]) && !kept(one).is_erased(&[8; 32]));
    }

    #[test]
    fn one_log_alone_hands_nothing_on_yet() {
        let folder = tempfile::tempdir().unwrap();
        let mut mirrors = [copy(folder.path(), &log(1), vec![open(SessionId([1; 16]))])];
        hand_on(&mut mirrors).unwrap();
        assert_eq!(mirrors[0].state.handed, 0);
    }
}
