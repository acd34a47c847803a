//! Strands: how a session's events follow each other, checked as they come.
//!
//! One strand per participant: a chain by `seq` and `prev`, tied to the other strands by `seen`. There is no sequencer;
//! the same check runs at the relay's admission, in the agent, in the console and in the verifier, over events in any
//! causal order.
//!
//! What it stops: a second event in one's own past (equivocation, kept as evidence), a note by a stranger's key under
//! somebody's strand (dropped: it proves nothing against them, SECURITY E6), a hole, and a word after the close other
//! than an addendum (SECURITY E7).
//!
//! Not here: what must have been allowed before what (SECURITY E9), quotas, proofs.

mod author;
mod offered;

pub use author::Author;
pub use offered::Offered;

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use crate::id::{Leaf, SessionId, Strand};
use crate::key::{ReadyKey, VerifierKey};
use crate::ledger::event::{Event, Header};
use crate::ledger::kind::{Kind, KindName};

/// All strands of one session, as far as their events are known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Strands {
    session: SessionId,
    chains: BTreeMap<Strand, Chain>,
    places: BTreeMap<Leaf, (Strand, u64)>,
    closed: Option<Leaf>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Chain {
    key: ReadyKey,
    leaves: Vec<Leaf>,
    /// Per other strand, the `seq` of the newest event this author named.
    seen: BTreeMap<Strand, u64>,
    quoted: bool,
}

/// An event that may stand in its strand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Admission {
    /// The next of its strand.
    New,
    /// The same bytes are already there: answer as the first time.
    Again,
}

/// An event that may not stand in its strand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StrandError {
    /// Of another session.
    #[error("the event belongs to another session")]
    OtherSession,
    /// No `join` has named this strand.
    #[error("no join has named the strand {0}")]
    UnknownStrand(Strand),
    /// Not signed by the strand's key. Dropped: it says nothing about the strand's owner.
    #[error("the event isn't signed by the key of {0}")]
    ForeignKey(Strand),
    /// The strand's own key signed two events for one place. Both are evidence.
    #[error("{author} signed two different events number {seq}")]
    Equivocation {
        /// Whose strand.
        author: Strand,
        /// Which place.
        seq: u64,
        /// The event already there.
        held: Leaf,
        /// The event offered.
        offered: Leaf,
    },
    /// An event before this one is missing.
    #[error("an event of {author} is missing: expected number {expected}, got {got}")]
    Gap {
        /// Whose strand.
        author: Strand,
        /// Number of the next event.
        expected: u64,
        /// Number of the event offered.
        got: u64,
    },
    /// `prev` isn't the event before.
    #[error("event {seq} of {author} doesn't name the event before it")]
    WrongPrev {
        /// Whose strand.
        author: Strand,
        /// Which event.
        seq: u64,
    },
    /// `seen` names an event of that strand that isn't known.
    #[error("the event has seen an unknown event of {0}")]
    SeenUnknown(Strand),
    /// `seen` names an older event than the author's event before did, or none.
    #[error("the event has seen less of {0} than the one before it")]
    SeenWentBack(Strand),
    /// `after` is null although an earlier event quoted a checkpoint.
    #[error("the event quotes no checkpoint although one before it did")]
    AfterLost,
    /// A `join` whose strand isn't the next of its role.
    #[error("the join names {got} where {expected} comes next")]
    StrandNumber {
        /// The next strand.
        expected: Strand,
        /// The strand named.
        got: Strand,
    },
    /// A `join` with a key that already writes another strand.
    #[error("the key of {0} already writes another strand")]
    KeyInUse(Strand),
    /// A `signoff` whose tip of that strand isn't the event known there.
    #[error("the signoff names an unknown tip of {0}")]
    WrongTip(Strand),
    /// A `signoff` that leaves out a strand it has seen, or names less of it than it has seen.
    #[error("the signoff names less of {0} than it has seen")]
    TipLeftOut(Strand),
    /// A `close` that counts events of somebody who never joined.
    #[error("the close counts events of {0}, who never joined")]
    CountsStranger(Strand),
    /// Anything but an addendum after the close.
    #[error("only an addendum may follow the close")]
    Closed,
    /// An addendum before the close, or about something else.
    #[error("an addendum must be about this session's close")]
    NotAboutClose,
}

/// Whose fault a [`StrandError`] is, and so what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Somebody else's event: drop it, and hold nothing against the strand.
    Stranger,
    /// Something before it hasn't arrived: it may be right later.
    Missing,
    /// The author broke the rules of its own strand.
    Author,
}

impl StrandError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::OtherSession | Self::ForeignKey(_) => Fault::Stranger,
            Self::UnknownStrand(_) | Self::Gap { .. } | Self::SeenUnknown(_) => Fault::Missing,
            Self::Equivocation { .. }
            | Self::WrongPrev { .. }
            | Self::SeenWentBack(_)
            | Self::AfterLost
            | Self::StrandNumber { .. }
            | Self::KeyInUse(_)
            | Self::WrongTip(_)
            | Self::TipLeftOut(_)
            | Self::CountsStranger(_)
            | Self::Closed
            | Self::NotAboutClose => Fault::Author,
        }
    }
}

impl Strands {
    /// A session about to begin. The agent's key comes from its own connection, or from a verifier's participants.
    pub fn new(session: SessionId, agent: VerifierKey) -> Self {
        let chains = BTreeMap::from([(Strand::Agent, Chain::new(agent))]);
        Self { session, chains, places: BTreeMap::new(), closed: None }
    }

    /// Checks the signature and the place of an event, and takes it in if it is new.
    pub fn admit(&mut self, event: &Event) -> Result<Admission, StrandError> {
        let admission = self.check(event)?;
        match admission {
            Admission::New => self.take(event),
            Admission::Again => {}
        }
        Ok(admission)
    }

    /// Takes in an event that one's own log admitted before: signed by the strand's key, and the next of its chain. The other
    /// rules became stricter with time, and aren't asked a second time of what already stands in the log.
    pub fn restore(&mut self, event: &Event) -> Result<(), StrandError> {
        let key = self.key_for(event)?;
        let (header, author) = (event.header(), event.header().author);
        event.verify_by(key).map_err(|_| StrandError::ForeignKey(author))?;
        let expected = self.count(author);
        if header.seq != expected {
            return Err(StrandError::Gap { author, expected, got: header.seq });
        }
        let before = expected.checked_sub(1).and_then(|seq| self.leaf_at(author, seq));
        if header.prev != before {
            return Err(StrandError::WrongPrev { author, seq: header.seq });
        }
        // A second join for one strand would give it another key and forget what it wrote.
        if let Kind::Join { strand, .. } = header.kind
            && self.chains.contains_key(&strand)
        {
            return Err(StrandError::StrandNumber { expected: self.next_like(strand), got: strand });
        }
        self.take(event);
        Ok(())
    }

    /// Checks the signature and the place of an event.
    pub fn check(&self, event: &Event) -> Result<Admission, StrandError> {
        let key = self.key_for(event)?;
        event.verify_by(key).map_err(|_| StrandError::ForeignKey(event.header().author))?;
        self.check_place(event)
    }

    fn key_for(&self, event: &Event) -> Result<&ReadyKey, StrandError> {
        let header = event.header();
        if header.session != self.session {
            return Err(StrandError::OtherSession);
        }
        let chain = self.chains.get(&header.author).ok_or(StrandError::UnknownStrand(header.author))?;
        Ok(&chain.key)
    }

    fn check_place(&self, event: &Event) -> Result<Admission, StrandError> {
        let header = event.header();
        let author = header.author;
        let chain = self.chains.get(&author).ok_or(StrandError::UnknownStrand(author))?;
        let expected = chain.len();
        if let Some(held) = self.leaf_at(author, header.seq) {
            let offered = event.leaf();
            return if held == offered {
                Ok(Admission::Again)
            } else {
                Err(StrandError::Equivocation { author, seq: header.seq, held, offered })
            };
        }
        if header.seq != expected {
            return Err(StrandError::Gap { author, expected, got: header.seq });
        }
        if header.prev != chain.leaves.last().copied() {
            return Err(StrandError::WrongPrev { author, seq: header.seq });
        }
        self.check_seen(chain, header)?;
        if chain.quoted && header.after.is_none() {
            return Err(StrandError::AfterLost);
        }
        self.check_kind(header)?;
        Ok(Admission::New)
    }

    /// The only key that writes this strand.
    pub fn key_of(&self, strand: Strand) -> Option<&VerifierKey> {
        self.chains.get(&strand).map(|chain| chain.key.verifier())
    }

    /// Every strand that was named, with its key: the agent first.
    pub fn participants(&self) -> impl Iterator<Item = (Strand, &VerifierKey)> {
        self.chains.iter().map(|(&strand, chain)| (strand, chain.key.verifier()))
    }

    /// How many events of this strand are known.
    pub fn count(&self, strand: Strand) -> u64 {
        self.chains.get(&strand).map_or(0, Chain::len)
    }

    /// The event at this place of a strand.
    pub fn leaf_at(&self, strand: Strand, seq: u64) -> Option<Leaf> {
        self.chains.get(&strand)?.leaves.get(usize::try_from(seq).ok()?).copied()
    }

    /// Strand and number of a known event.
    pub fn place_of(&self, leaf: Leaf) -> Option<(Strand, u64)> {
        self.places.get(&leaf).copied()
    }

    /// Per strand with events, how many there are and the newest one.
    pub fn tips(&self) -> BTreeMap<Strand, (u64, Leaf)> {
        let tip = |(&strand, chain): (&Strand, &Chain)| Some((strand, (chain.len(), *chain.leaves.last()?)));
        self.chains.iter().filter_map(tip).collect()
    }

    /// The close, once it is known.
    pub fn closed(&self) -> Option<Leaf> {
        self.closed
    }

    fn check_seen(&self, chain: &Chain, header: &Header) -> Result<(), StrandError> {
        for (&strand, leaf) in &header.seen {
            let known = self.places.get(leaf).filter(|(of, _)| *of == strand);
            let (_, seq) = known.ok_or(StrandError::SeenUnknown(strand))?;
            if chain.seen.get(&strand).is_some_and(|before| seq < before) {
                return Err(StrandError::SeenWentBack(strand));
            }
        }
        let forgotten = chain.seen.keys().find(|strand| !header.seen.contains_key(strand));
        forgotten.map_or(Ok(()), |&strand| Err(StrandError::SeenWentBack(strand)))
    }

    fn check_kind(&self, header: &Header) -> Result<(), StrandError> {
        match (&header.kind, self.closed) {
            (Kind::Addendum { about, .. }, closed) if closed == Some(*about) => return Ok(()),
            (Kind::Addendum { .. }, _) => return Err(StrandError::NotAboutClose),
            (_, Some(_)) => return Err(StrandError::Closed),
            (_, None) => {}
        }
        if let Kind::Join { strand, key, .. } = &header.kind {
            let expected = self.next_like(*strand);
            if *strand != expected {
                return Err(StrandError::StrandNumber { expected, got: *strand });
            }
            let mut keys = self.chains.values().map(|chain| chain.key.verifier());
            if keys.any(|other| other.key == key.key || other.name == key.name) {
                return Err(StrandError::KeyInUse(*strand));
            }
        }
        if let Kind::Signoff { tips } = &header.kind {
            let unknown = tips.iter().find(|(strand, (count, leaf))| {
                count.checked_sub(1).and_then(|seq| self.leaf_at(**strand, seq)) != Some(*leaf)
            });
            if let Some((&strand, _)) = unknown {
                return Err(StrandError::WrongTip(strand));
            }
            // Who signs off was let in by the agent, so has seen it.
            if !tips.contains_key(&Strand::Agent) {
                return Err(StrandError::TipLeftOut(Strand::Agent));
            }
            let named = |strand: &Strand| tips.get(strand).map_or(0, |(count, _)| *count);
            let seen = |leaf| self.places.get(leaf).map_or(0, |(_, seq)| seq + 1);
            if let Some((&strand, _)) = header.seen.iter().find(|(strand, leaf)| named(strand) < seen(leaf)) {
                return Err(StrandError::TipLeftOut(strand));
            }
        }
        if let Kind::Close { held, .. } = &header.kind
            && let Some(&strand) = held.keys().find(|strand| !self.chains.contains_key(strand))
        {
            return Err(StrandError::CountsStranger(strand));
        }
        Ok(())
    }

    /// The next strand of the same role, numbered from 1 in order of arrival.
    fn next_like(&self, strand: Strand) -> Strand {
        let free = |of: fn(NonZeroU16) -> Strand| {
            let mut numbers = (1..=u16::MAX).filter_map(NonZeroU16::new);
            numbers.find(|&n| !self.chains.contains_key(&of(n))).map_or(strand, of)
        };
        match strand {
            Strand::Agent => Strand::Agent,
            Strand::Technician(_) => free(Strand::Technician),
            Strand::Observer(_) => free(Strand::Observer),
        }
    }

    fn take(&mut self, event: &Event) {
        let (header, leaf) = (event.header(), event.leaf());
        let seen = header.seen.iter().filter_map(|(&strand, leaf)| Some((strand, self.places.get(leaf)?.1))).collect();
        if let Some(chain) = self.chains.get_mut(&header.author) {
            chain.leaves.push(leaf);
            chain.seen = seen;
            chain.quoted |= header.after.is_some();
        }
        self.places.insert(leaf, (header.author, header.seq));
        if let Kind::Join { strand, key, .. } = &header.kind {
            self.chains.insert(*strand, Chain::new(key.clone()));
        }
        if header.kind.name() == KindName::Close {
            self.closed = Some(leaf);
        }
    }
}

impl Chain {
    fn new(key: VerifierKey) -> Self {
        Self { key: key.ready(), leaves: Vec::new(), seen: BTreeMap::new(), quoted: false }
    }

    fn len(&self) -> u64 {
        self.leaves.len() as u64
    }
}

#[cfg(test)]
mod tests;
