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

use super::words::{Record, Words};

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

    /// What these events of a session say, where that is here; counts how much it was.
    pub(crate) fn bodies(
        &self,
        session: SessionId,
        entries: impl Iterator<Item = u64>,
        events: &[Event],
    ) -> Vec<Option<Body>> {
        let kept = self.words.read(&session.to_string()).ok().flatten();
        let records: BTreeMap<u64, Record<'_>> =
            kept.iter().flat_map(|kept| kept.records()).map(|record| (record.entry, record)).collect();
        let bodies: Vec<_> = entries.zip(events).map(|(entry, event)| body(event, records.get(&entry)?)).collect();
        let said = events.iter().filter(|event| event.header().parts.iter().any(|part| part.name == PartName::Body));
        let (said, read) = (said.count(), bodies.iter().flatten().count());
        let count = match read {
            0 if said > 0 => &self.without,
            read if read < said => &self.in_part,
            _ => &self.with_words,
        };
        count.fetch_add(1, Ordering::Relaxed);
        bodies
    }

    pub(crate) fn judged(&self) -> Judged {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Judged { with_words: of(&self.with_words), in_part: of(&self.in_part), without: of(&self.without) }
    }
}

/// What an event says, by the part it committed to.
pub(crate) fn body(event: &Event, record: &Record<'_>) -> Option<Body> {
    let header = event.header();
    let part = header.parts.iter().find(|part| part.name == PartName::Body)?;
    Body::decode(header.kind.name(), record.opening(part)?.plaintext()).ok()
}
