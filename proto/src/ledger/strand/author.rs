//! One who writes a strand.

use std::collections::BTreeMap;

use crate::id::{Leaf, SessionId, Strand};
use crate::key::SigningKey;
use crate::ledger::event::{After, Event, Header};
use crate::ledger::kind::Kind;
use crate::ledger::part::PartRef;
use crate::now::Wall;

/// Writes one strand so that it can't contradict itself: `seq` and `prev` follow, and neither `seen`, `after` nor `time`
/// ever goes back.
///
/// After a restart it is rebuilt by [`Author::follow`] over the journal, its own events included.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Author {
    session: SessionId,
    strand: Strand,
    next: u64,
    prev: Option<Leaf>,
    seen: BTreeMap<Strand, (u64, Leaf)>,
    after: Option<After>,
    time: Wall,
}

impl Author {
    /// At the beginning of a strand.
    pub fn new(session: SessionId, strand: Strand) -> Self {
        Self { session, strand, next: 0, prev: None, seen: BTreeMap::new(), after: None, time: Wall::MIN }
    }

    /// Takes notice of an event: another strand's newest, or one's own from the journal. Older ones and those of other
    /// sessions change nothing. Checking it first is the caller's business ([`super::Strands`]).
    pub fn follow(&mut self, event: &Event) {
        let header = event.header();
        if header.session != self.session {
            return;
        }
        if header.author != self.strand {
            self.see(header.author, header.seq, event.leaf());
        } else if header.seq >= self.next {
            self.next = header.seq + 1;
            self.prev = Some(event.leaf());
            self.time = self.time.max(header.time);
            if let Some(after) = &header.after {
                self.receipted(after.clone());
            }
        }
    }

    /// Takes notice of a verified checkpoint: the next events quote it, unless a larger one of its log is known.
    pub fn receipted(&mut self, after: After) {
        let older = self.after.as_ref().is_some_and(|known| known.origin == after.origin && known.size > after.size);
        if !older {
            self.after = Some(after);
        }
    }

    /// Writes the next event. A clock that went back is held at the last event's time.
    pub fn write(&mut self, kind: Kind, parts: &[PartRef], time: Wall, key: &SigningKey) -> Event {
        self.time = self.time.max(time);
        let header = Header {
            session: self.session,
            author: self.strand,
            seq: self.next,
            prev: self.prev,
            seen: self.seen.iter().map(|(&strand, &(_, leaf))| (strand, leaf)).collect(),
            kind,
            time: self.time,
            after: self.after.clone(),
            parts: parts.to_vec(),
        };
        let event = header.sign(key);
        self.next += 1;
        self.prev = Some(event.leaf());
        event
    }

    /// The strand written.
    pub fn strand(&self) -> Strand {
        self.strand
    }

    /// The number the next event will have.
    pub fn next_seq(&self) -> u64 {
        self.next
    }

    /// The checkpoint the next event will quote.
    pub fn after(&self) -> Option<&After> {
        self.after.as_ref()
    }

    /// What a `signoff` written now must name: every strand's events so far, the own ones before it included.
    pub fn tips(&self) -> BTreeMap<Strand, (u64, Leaf)> {
        let own = self.prev.map(|prev| (self.strand, (self.next, prev)));
        self.seen.iter().map(|(&strand, &(seq, leaf))| (strand, (seq + 1, leaf))).chain(own).collect()
    }

    /// What a `close` written now must name: how many events of every strand, itself included.
    pub fn held(&self) -> BTreeMap<Strand, u64> {
        let own = (self.strand, self.next + 1);
        self.seen.iter().map(|(&strand, &(seq, _))| (strand, seq + 1)).chain([own]).collect()
    }

    fn see(&mut self, strand: Strand, seq: u64, leaf: Leaf) {
        let newer = self.seen.get(&strand).is_none_or(|&(known, _)| seq > known);
        if newer {
            self.seen.insert(strand, (seq, leaf));
        }
    }
}
