//! What the headers alone say about each session: enough to list, filter and flag ten thousand of them at once.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use venia_proto::encoding::to_hex;
use venia_proto::ledger::event::Event;
use venia_proto::ledger::flag::{self, Flag, Pace};
use venia_proto::ledger::kind::{Answer, Cause, Kind, Status};
use venia_proto::now::Wall;

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
    /// What an `erase` note of the log's says is gone.
    #[serde(default, skip_serializing_if = "Erased::is_nothing")]
    pub(crate) erased: Erased,
    /// How each strand's clock went.
    #[serde(default)]
    clocks: BTreeMap<String, Pace>,
    #[serde(with = "places")]
    pub(crate) events: Vec<Place>,
}

/// Which of a session's words the log says are erased.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Erased {
    /// Nothing.
    #[default]
    Nothing,
    /// The parts with these commitments, in hex.
    Parts(BTreeSet<String>),
    /// Everything.
    All,
}

impl Erased {
    fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }
}

/// Places as one short text, `entry:offset:observed;…`, each number less the one before: ten thousand sessions have a
/// hundred thousand of them, and a list reads them all.
mod places {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Place;

    pub(super) fn serialize<S: Serializer>(places: &[Place], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&write(places))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Place>, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        read(&text).ok_or_else(|| serde::de::Error::custom("not a list of places"))
    }

    pub(super) fn write(places: &[Place]) -> String {
        let mut text = String::with_capacity(places.len() * 12);
        let mut last = Place { entry: 0, offset: 0, observed: 0 };
        for place in places {
            if !text.is_empty() {
                text.push(';');
            }
            let entry = place.entry.wrapping_sub(last.entry).cast_signed();
            let offset = place.offset.wrapping_sub(last.offset).cast_signed();
            let observed = place.observed.wrapping_sub(last.observed);
            text.push_str(&format!("{entry}:{offset}:{observed}"));
            last = *place;
        }
        text
    }

    pub(super) fn read(text: &str) -> Option<Vec<Place>> {
        let mut last = Place { entry: 0, offset: 0, observed: 0 };
        let mut next = |part: &str| -> Option<Place> {
            let mut numbers = part.split(':').map(|number| number.parse::<i64>().ok());
            let (entry, offset, observed) = (numbers.next()??, numbers.next()??, numbers.next()??);
            if numbers.next().is_some() {
                return None;
            }
            last = Place {
                entry: last.entry.wrapping_add(entry.cast_unsigned()),
                offset: last.offset.wrapping_add(offset.cast_unsigned()),
                observed: last.observed.wrapping_add(observed),
            };
            Some(last)
        };
        if text.is_empty() { Some(Vec::new()) } else { text.split(';').map(&mut next).collect() }
    }
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
            erased: Erased::Nothing,
            clocks: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    /// Takes in that these parts were erased, all of them without `parts`.
    pub(crate) fn erase(&mut self, parts: Option<&[[u8; 32]]>) {
        let Some(parts) = parts else {
            self.erased = Erased::All;
            return;
        };
        let named = parts.iter().map(|part| to_hex(part));
        match &mut self.erased {
            Erased::All => {}
            Erased::Parts(known) => known.extend(named),
            Erased::Nothing => self.erased = Erased::Parts(named.collect()),
        }
    }

    /// Whether the part with this commitment was erased.
    pub(crate) fn is_erased(&self, commit: &[u8; 32]) -> bool {
        match &self.erased {
            Erased::Nothing => false,
            Erased::Parts(parts) => parts.contains(&to_hex(commit)),
            Erased::All => true,
        }
    }

    /// Takes in the next event.
    pub(crate) fn take(&mut self, event: &Event, place: Place) {
        let header = event.header();
        *self.kinds.entry(header.kind.name().to_string()).or_default() += 1;
        self.flags.extend(flag::of_event(event, Wall::from_ms(place.observed)));
        let author = header.author.to_string();
        let (pace, jumped) = Pace::next(self.clocks.get(&author).copied(), header.time, Wall::from_ms(place.observed));
        self.clocks.insert(author, pace);
        self.flags.extend(jumped.then_some(Flag::Jump));
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

#[cfg(test)]
mod tests {
    use venia_proto::id::{SessionId, Strand};
    use venia_proto::key::SigningKey;
    use venia_proto::ledger::part::{Opening, PartName};
    use venia_proto::ledger::strand::Author;

    use super::*;

    #[test]
    fn places_are_kept_in_little_room_and_come_back() {
        let place = |entry, offset, observed| Place { entry, offset, observed };
        for list in [
            vec![],
            vec![place(7, 0, 1_795_514_402_000)],
            vec![place(7, 900, 5), place(9, 1_800, 5), place(u64::MAX, u64::MAX, i64::MIN)],
            vec![place(9, 1_800, -5), place(7, 3, i64::MAX)],
        ] {
            let text = places::write(&list);
            assert_eq!(places::read(&text).as_ref(), Some(&list), "{text}");
        }
        for damaged in ["1", "1:2", "1:2:x", "1:2:3;", "1:2:3:4", ":", "99999999999999999999:0:0"] {
            assert_eq!(places::read(damaged), None, "{damaged}");
        }
    }

    #[test]
    fn a_clock_that_jumps_is_flagged() {
        let key = SigningKey::new("device", [1; 32]);
        let mut author = Author::new(SessionId([1; 16]), Strand::Agent);
        let part = [Opening::make([1; 32], b"{}").unwrap().part(PartName::Body, None)];
        let mut session = Session::new("0".repeat(32), key.verifier().to_string(), 0);
        for (entry, time, flagged) in [(0, 5, false), (1, 5, false), (2, 6 + flag::SKEW_MS, true)] {
            let kind = if entry == 0 { Kind::Open { versions: vec![1] } } else { Kind::Chat };
            let event = author.write(kind, &part, Wall::from_ms(time), &key);
            session.take(&event, Place { entry, offset: 0, observed: 5 });
            assert_eq!(session.flags.contains(&Flag::Jump), flagged, "{entry}");
        }
    }

    #[test]
    fn what_was_erased_adds_up() {
        let erased = |names: &[[u8; 32]]| Some(names.to_vec());
        let mut session = Session::new("0".repeat(32), "device-x+0+0".to_owned(), 0);
        session.erase(erased(&[[1; 32]]).as_deref());
        session.erase(erased(&[[2; 32], [1; 32]]).as_deref());
        assert!(session.is_erased(&[1; 32]) && session.is_erased(&[2; 32]) && !session.is_erased(&[3; 32]));
        session.erase(None);
        assert!(session.is_erased(&[3; 32]));
        session.erase(erased(&[[4; 32]]).as_deref());
        assert_eq!(session.erased, Erased::All, "nothing takes back the whole");
    }
}
