//! What a session's events say, for the rules that need words: scope, time, level. (SECURITY E9)
//!
//! Only words that are here are used, and each only with the commitment of its event. Where they aren't, the clear fields
//! alone still bind result to admit to consent, and the verdict says for how many sessions that was all.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use venia_proto::id::SessionId;
use venia_proto::ledger::body::Body;
use venia_proto::ledger::event::Event;
use venia_proto::ledger::part::PartName;
use venia_proto::ledger::verify::Unsound;

use super::words::{Heard, Record, Words};

/// The words of one log's sessions, read as each is judged, on any core.
pub(crate) struct Replay {
    words: Words,
    with_words: AtomicU64,
    in_part: AtomicU64,
    without: AtomicU64,
}

/// How many sessions were judged how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Judged {
    /// By everything they say.
    pub(crate) with_words: u64,
    /// By some of it.
    pub(crate) in_part: u64,
    /// By their clear fields only.
    pub(crate) without: u64,
}

impl Replay {
    pub(crate) fn new(words: Words) -> Self {
        Self { words, with_words: AtomicU64::new(0), in_part: AtomicU64::new(0), without: AtomicU64::new(0) }
    }

    /// What these events of a session say, where that is here; counts how much it was. Words that lie, or that are none, are
    /// broken where they stand: otherwise nobody would check what they allow.
    pub(crate) fn bodies(
        &self,
        session: SessionId,
        entries: impl Iterator<Item = u64>,
        events: &[Event],
    ) -> Result<Vec<Option<Body>>, Unsound> {
        let kept = self.words.read(&session.to_string()).ok().flatten();
        let records: BTreeMap<u64, Record<'_>> =
            kept.iter().flat_map(|kept| kept.records()).map(|record| (record.entry, record)).collect();
        let read = |(entry, event): (u64, &Event)| match records.get(&entry) {
            Some(record) => said(event, record).map_err(|why| Unsound { entry, why }),
            None => Ok(None),
        };
        let bodies: Vec<_> = entries.zip(events).map(read).collect::<Result<_, _>>()?;
        let speaking =
            events.iter().filter(|event| event.header().parts.iter().any(|part| part.name == PartName::Body));
        let (said, read) = (speaking.count(), bodies.iter().flatten().count());
        let count = match read {
            0 if said > 0 => &self.without,
            read if read < said => &self.in_part,
            _ => &self.with_words,
        };
        count.fetch_add(1, Ordering::Relaxed);
        Ok(bodies)
    }

    pub(crate) fn judged(&self) -> Judged {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Judged { with_words: of(&self.with_words), in_part: of(&self.in_part), without: of(&self.without) }
    }
}

/// What an event says, by the part it committed to.
pub(crate) fn body(event: &Event, record: &Record<'_>) -> Option<Body> {
    said(event, record).ok().flatten()
}

/// The same; else why it is nothing an honest author seals.
fn said(event: &Event, record: &Record<'_>) -> Result<Option<Body>, String> {
    let header = event.header();
    let Some(part) = header.parts.iter().find(|part| part.name == PartName::Body && part.commit == record.commit)
    else {
        return Ok(None);
    };
    if record.heard == Heard::Lied {
        return Err("what was sealed isn't what the event committed to".to_owned());
    }
    let Some(opening) = record.opening(part) else { return Ok(None) };
    match Body::decode(header.kind.name(), opening.plaintext()) {
        Ok(body) => Ok(Some(body)),
        Err(error) => Err(format!("opened, but not what its kind may hold: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use venia_proto::id::Strand;
    use venia_proto::key::SigningKey;
    use venia_proto::ledger::kind::Kind;
    use venia_proto::ledger::part::Opening;
    use venia_proto::ledger::strand::Author;
    use venia_proto::now::Wall;

    use super::super::words::Covered;
    use super::*;

    #[test]
    fn e9_words_that_lie_or_are_none_are_broken_at_their_entry() {
        let session = SessionId([1; 16]);
        let good = b"{\"text\":\"good day\"}";
        for (plaintext, lied, broken) in [(&good[..], false, false), (b"{}", false, true), (good, true, true)] {
            let folder = tempfile::tempdir().unwrap();
            let opening = Opening::make([7; 32], plaintext).unwrap();
            let part = [opening.part(PartName::Body, None)];
            let key = SigningKey::new("device", [1; 32]);
            let event = Author::new(session, Strand::Agent).write(Kind::Chat, &part, Wall::from_ms(0), &key);
            let heard = if lied { Heard::Lied } else { Heard::Opened([7; 32]) };
            let record = |entry, commit| Record {
                entry,
                time: Wall::from_ms(0),
                kind: event.header().kind.name(),
                commit,
                heard,
                plaintext: if lied { b"" } else { plaintext },
            };
            let mut words = Words::open(folder.path()).unwrap();
            let covered = Covered { recipient: "age1x".to_owned(), events: 1 };
            words.keep(&session.to_string(), &covered, &[record(9, part[0].commit)], Wall::from_ms(0)).unwrap();
            let replay = Replay::new(words);
            let events = std::slice::from_ref(&event);
            match replay.bodies(session, std::iter::once(9), events) {
                Ok(bodies) => assert!(!broken && bodies[0].is_some(), "{lied}"),
                Err(unsound) => assert!(broken && unsound.entry == 9, "{unsound:?}"),
            }
            // A file of ours that speaks of another part says nothing of this one.
            assert_eq!(said(&event, &record(9, [0; 32])), Ok(None));
            assert_eq!(replay.bodies(session, std::iter::once(8), events).unwrap(), [None]);
        }
    }
}
