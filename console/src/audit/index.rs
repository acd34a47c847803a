//! What the headers alone say about each session: enough to list, filter and flag ten thousand of them at once.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use venia_proto::ledger::event::Event;
use venia_proto::ledger::kind::{Answer, Cause, Kind, Status, Verified};
use venia_proto::now::Wall;

/// A yes within less than this was hardly read, in milliseconds.
pub(crate) const HASTY_MS: u64 = 1_000;
/// An author's clock further than this from the relay's is wrong, in milliseconds.
pub(crate) const SKEW_MS: i64 = 5 * 60 * 1_000;
/// An event recorded later than this after its author's time is late, in milliseconds.
pub(crate) const LATE_MS: i64 = 60 * 1_000;

/// Something an auditor should look at twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Flag {
    /// A yes under one second.
    Hasty,
    /// An author's clock ran ahead of the relay's.
    Clock,
    /// Recorded long after it happened.
    Late,
    /// The log was silent without explanation while the session was open.
    Gap,
    /// Something was taken out of a result.
    Redaction,
    /// Nobody compared a code: the organisation alone vouches.
    Organisation,
    /// A result was kept back by the person, or lost.
    Withheld,
    /// Nobody closed it.
    Abandoned,
}

impl Flag {
    /// The word in JSON, in lists and in messages' names.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hasty => "hasty",
            Self::Clock => "clock",
            Self::Late => "late",
            Self::Gap => "gap",
            Self::Redaction => "redaction",
            Self::Organisation => "organisation",
            Self::Withheld => "withheld",
            Self::Abandoned => "abandoned",
        }
    }
}

/// Where an event lies: its index in the log, where its record begins in the mirror, and the relay's time of its commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) entry: u64,
    pub(crate) offset: u64,
    pub(crate) observed: i64,
}

/// One session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) session: String,
    /// The agent's verifier key, as the relay told it.
    pub(crate) agent: String,
    /// Key names of those who joined.
    pub(crate) joined: Vec<String>,
    /// The relay's time of the first event, in milliseconds since 1970.
    pub(crate) opened: i64,
    /// The relay's time of the close.
    pub(crate) closed: Option<i64>,
    /// Why it ended.
    pub(crate) ended: Option<Cause>,
    /// How many events of each kind.
    pub(crate) kinds: BTreeMap<String, u64>,
    /// Answers, and the milliseconds each took.
    pub(crate) answers: Vec<(Answer, u64)>,
    /// How runs ended.
    pub(crate) results: Vec<Status>,
    pub(crate) flags: BTreeSet<Flag>,
    pub(crate) events: Vec<Place>,
}

impl Session {
    /// A session that begins.
    pub(crate) fn new(session: String, agent: String, opened: i64) -> Self {
        Self {
            session,
            agent,
            joined: Vec::new(),
            opened,
            closed: None,
            ended: None,
            kinds: BTreeMap::new(),
            answers: Vec::new(),
            results: Vec::new(),
            flags: BTreeSet::new(),
            events: Vec::new(),
        }
    }

    /// Takes in the next event.
    pub(crate) fn take(&mut self, event: &Event, place: Place) {
        let header = event.header();
        *self.kinds.entry(header.kind.name().to_string()).or_default() += 1;
        self.flags.extend(flags(event, Wall::from_ms(place.observed)));
        self.events.push(place);
        match &header.kind {
            Kind::Join { key, .. } => self.joined.push(key.name.to_string()),
            Kind::Consent { answer, took, .. } => self.answers.push((*answer, *took)),
            Kind::Result { status, .. } => self.results.push(*status),
            Kind::Close { cause, .. } => (self.closed, self.ended) = (Some(place.observed), Some(*cause)),
            Kind::Open { .. }
            | Kind::Request
            | Kind::Admit { .. }
            | Kind::Refuse { .. }
            | Kind::Series { .. }
            | Kind::Chat
            | Kind::Note
            | Kind::Redaction { .. }
            | Kind::Pause { .. }
            | Kind::Resume { .. }
            | Kind::Stop { .. }
            | Kind::Signoff { .. }
            | Kind::Addendum { .. } => {}
        }
    }
}

/// What one event alone gives reason to look at.
pub(crate) fn flags(event: &Event, observed: Wall) -> BTreeSet<Flag> {
    let header = event.header();
    let mut flags = BTreeSet::new();
    let mut flag = |flag, holds: bool| {
        if holds {
            flags.insert(flag);
        }
    };
    match &header.kind {
        Kind::Consent { answer, took, .. } => flag(Flag::Hasty, *answer == Answer::Yes && *took < HASTY_MS),
        Kind::Join { verified, .. } => flag(Flag::Organisation, *verified == Verified::Organisation),
        Kind::Redaction { .. } => flag(Flag::Redaction, true),
        Kind::Result { status, .. } => {
            flag(Flag::Withheld, matches!(status, Status::Withheld | Status::Lost));
            flag(Flag::Late, *status == Status::Late);
        }
        Kind::Open { .. }
        | Kind::Request
        | Kind::Admit { .. }
        | Kind::Refuse { .. }
        | Kind::Series { .. }
        | Kind::Chat
        | Kind::Note
        | Kind::Pause { .. }
        | Kind::Resume { .. }
        | Kind::Stop { .. }
        | Kind::Signoff { .. }
        | Kind::Close { .. }
        | Kind::Addendum { .. } => {}
    }
    let behind = observed.ms().saturating_sub(header.time.ms());
    flag(Flag::Clock, behind < -SKEW_MS);
    flag(Flag::Late, behind > LATE_MS);
    flags
}

#[cfg(test)]
mod tests {
    use venia_proto::id::{Leaf, SessionId, Strand};
    use venia_proto::key::SigningKey;
    use venia_proto::ledger::part::{Opening, PartName};
    use venia_proto::ledger::strand::Author;

    use super::*;

    #[test]
    fn flags_begin_where_their_limits_say() {
        let key = SigningKey::new("device", [1; 32]);
        let now = 1_795_514_402_000;
        let mut author = Author::new(SessionId([1; 16]), Strand::Agent);
        let part = [Opening::make([1; 32], b"{}").unwrap().part(PartName::Body, None)];
        author.write(Kind::Open { versions: vec![1] }, &part, Wall::from_ms(now), &key);
        let mut found = |answer, took, observed: i64| {
            let kind = Kind::Consent { asked: Leaf([0; 32]), answer, took };
            flags(&author.write(kind, &part, Wall::from_ms(now), &key), Wall::from_ms(observed))
        };
        assert_eq!(found(Answer::Yes, HASTY_MS - 1, now), [Flag::Hasty].into());
        assert_eq!(found(Answer::Yes, HASTY_MS, now), [].into());
        assert_eq!(found(Answer::No, 0, now), [].into(), "a no may be quick");
        assert_eq!(found(Answer::No, 0, now + LATE_MS), [].into());
        assert_eq!(found(Answer::No, 0, now + LATE_MS + 1), [Flag::Late].into());
        assert_eq!(found(Answer::No, 0, now - SKEW_MS), [].into());
        assert_eq!(found(Answer::No, 0, now - SKEW_MS - 1), [Flag::Clock].into());
    }
}
