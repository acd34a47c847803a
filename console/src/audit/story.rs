//! One session in the order of the log, and how its events hang together: each act beside the answer it rests on.
//!
//! Pure but for [`Read::of`], which takes events and words from this computer's copy. Not here: how it is shown.

use std::collections::{BTreeMap, BTreeSet};

use venia_proto::id::{Leaf, Strand};
use venia_proto::ledger::body::{Body, Consent};
use venia_proto::ledger::event::Event;
use venia_proto::ledger::flag::{self, Flag, Pace};
use venia_proto::ledger::kind::{Answer, Kind, Status};
use venia_proto::ledger::part::PartName;
use venia_proto::now::Wall;
use venia_ui::words::Words;

use super::check::event_at;
use super::desk::Log;
use super::index::{Place, Session};
use super::mirror::MirrorError;
use super::replay;
use super::telling::{Definition, seconds};
use super::words::{Heard, Kept, Record};

/// A session's events, and the words of it that are here.
pub(crate) struct Read {
    events: Vec<(Place, Event)>,
    kept: Option<Kept>,
}

impl Read {
    /// Reads them from the copy.
    pub(crate) fn of(log: &Log, session: &Session) -> Result<Self, MirrorError> {
        let kept = log.words.read(&session.session)?;
        let file = log.copy.file()?;
        let event = |place: &Place| event_at(&file, *place).map(|event| (*place, event));
        Ok(Self { events: session.events.iter().map(event).collect::<Result<_, _>>()?, kept })
    }

    /// How they hang together. `key`: whether this folder has an auditor's.
    pub(crate) fn story(&self, session: &Session, key: bool) -> Story<'_> {
        let records: BTreeMap<u64, Record<'_>> =
            self.kept.iter().flat_map(|kept| kept.records()).map(|record| (record.entry, record)).collect();
        let told =
            |(place, event): &(Place, Event)| shown(session, *place, event.clone(), records.get(&place.entry), key);
        Story::of(self.events.iter().map(told).collect())
    }
}

/// One event and what is known of it here.
pub(crate) struct Shown<'a> {
    pub(crate) place: Place,
    pub(crate) event: Event,
    pub(crate) body: Option<Body>,
    pub(crate) plaintext: Option<&'a [u8]>,
    /// Why its words aren't here; `None` if they are, or if it has none.
    pub(crate) closed: Option<Closed>,
    pub(crate) flags: BTreeSet<Flag>,
}

/// Why words aren't shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Closed {
    /// This folder has no key.
    NoKey,
    /// Not asked for yet: this computer's copy alone was used.
    NotOpened,
    /// Sealed to others.
    NotOurs,
    /// Sealed to nobody.
    Nobody,
    /// Erased, and the log says so.
    Erased,
    /// The relay didn't give them.
    Missing,
    /// What was sealed isn't what was committed to.
    Lied,
    /// Committed to, and no text of this kind.
    Unreadable,
}

impl Closed {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NoKey => "no-key",
            Self::NotOpened => "not-opened",
            Self::NotOurs => "not-ours",
            Self::Nobody => "nobody",
            Self::Erased => "erased",
            Self::Missing => "missing",
            Self::Lied => "lied",
            Self::Unreadable => "unreadable",
        }
    }
}

fn shown<'a>(session: &Session, place: Place, event: Event, record: Option<&Record<'a>>, key: bool) -> Shown<'a> {
    let part = event.header().parts.iter().find(|part| part.name == PartName::Body);
    let body = record.and_then(|record| replay::body(&event, record));
    let closed = part.filter(|_| body.is_none()).map(|part| match record.map(|record| record.heard) {
        _ if part.sealed.is_none() => Closed::Nobody,
        _ if session.is_erased(&part.commit) => Closed::Erased,
        None if key => Closed::NotOpened,
        None => Closed::NoKey,
        Some(Heard::Shut) => Closed::NotOurs,
        Some(Heard::Nobody) => Closed::Nobody,
        Some(Heard::Erased) => Closed::Erased,
        Some(Heard::Missing) => Closed::Missing,
        Some(Heard::Lied) => Closed::Lied,
        Some(Heard::Opened(_)) => Closed::Unreadable,
    });
    let plaintext = record.filter(|_| body.is_some()).map(|record| record.plaintext);
    let flags = flag::of_event(&event, Wall::from_ms(place.observed));
    Shown { place, event, body, plaintext, closed, flags }
}

/// A session's events, and how they hang together.
pub(crate) struct Story<'a> {
    pub(crate) all: Vec<Shown<'a>>,
    places: BTreeMap<Leaf, usize>,
    /// What each request, admit and result is about, by its leaf.
    pub(crate) items: BTreeMap<Leaf, Definition>,
}

impl<'a> Story<'a> {
    pub(crate) fn of(all: Vec<Shown<'a>>) -> Self {
        let places = all.iter().enumerate().map(|(n, shown)| (shown.event.leaf(), n)).collect();
        let mut story = Self { all, places, items: BTreeMap::new() };
        let mut clocks: BTreeMap<Strand, Pace> = BTreeMap::new();
        for n in 0..story.all.len() {
            let shown = &story.all[n];
            let (header, leaf) = (shown.event.header(), shown.event.leaf());
            let before = clocks.get(&header.author).copied();
            let (pace, jumped) = Pace::next(before, header.time, Wall::from_ms(shown.place.observed));
            clocks.insert(header.author, pace);
            let about = match (&shown.body, &header.kind) {
                (Some(Body::Request(asked)), _) => Some((asked.item.clone(), asked.definition.clone())),
                (Some(Body::Admit(admit)), _) => Some((admit.item.clone(), admit.definition.clone())),
                (_, Kind::Admit { request, .. } | Kind::Refuse { request, .. }) => story.items.get(request).cloned(),
                (_, Kind::Result { admit, .. }) => story.items.get(admit).cloned(),
                _ => None,
            };
            let expired = story.expired(shown);
            story.items.extend(about.map(|item| (leaf, item)));
            let flags = &mut story.all[n].flags;
            flags.extend(jumped.then_some(Flag::Jump));
            flags.extend(expired.then_some(Flag::Expired));
        }
        story
    }

    /// The event with this leaf.
    pub(crate) fn find(&self, leaf: &Leaf) -> Option<&Shown<'a>> {
        self.places.get(leaf).and_then(|n| self.all.get(*n))
    }

    /// The consent an admit or a result rests on.
    pub(crate) fn grant(&self, shown: &Shown<'_>) -> Option<&Shown<'a>> {
        let kind = &shown.event.header().kind;
        let admit = if let Kind::Result { admit, .. } = kind { &self.find(admit)?.event.header().kind } else { kind };
        let Kind::Admit { grant, .. } = admit else { return None };
        self.find(grant)
    }

    /// Whether it ran outside the minutes the person allowed. After a crash a result says nothing about when it ended.
    fn expired(&self, shown: &Shown<'_>) -> bool {
        let header = shown.event.header();
        let Some(grant) = self.grant(shown) else { return false };
        let Some(Body::Consent(consent)) = &grant.body else { return false };
        let ran = !matches!(header.kind, Kind::Result { status: Status::Lost, .. });
        ran && flag::expired(grant.event.header().time, consent.minutes, header.time)
    }

    pub(crate) fn flags(&self, session: &Session) -> BTreeSet<Flag> {
        session.flags.iter().chain(self.all.iter().flat_map(|shown| &shown.flags)).copied().collect()
    }

    /// What was answered to the question that this event asked.
    pub(crate) fn answers<'s>(&'s self, shown: &'s Shown<'_>) -> impl Iterator<Item = &'s Shown<'a>> + 's {
        let leaf = shown.event.leaf();
        self.all
            .iter()
            .filter(move |other| matches!(&other.event.header().kind, Kind::Consent { asked, .. } if *asked == leaf))
    }
}

/// What an act rests on: never that the person said it, only that it was said at that PC. (SECURITY H4)
pub(crate) fn rests(grant: &Shown<'_>, words: &Words) -> String {
    let Kind::Consent { answer, took, .. } = &grant.event.header().kind else { return String::new() };
    let (entry, seconds) = (grant.place.entry, seconds(*took));
    match answer {
        Answer::Yes => {
            let until = match &grant.body {
                Some(Body::Consent(Consent { minutes, .. })) => {
                    let until = flag::granted_until(grant.event.header().time, *minutes);
                    words.say("audit-until", &[("time", &until.to_string())])
                }
                _ => String::new(),
            };
            format!("{}{until}", words.say("audit-allowed", &[("entry", &entry), ("seconds", &seconds)]))
        }
        Answer::No => words.say("audit-denied", &[("entry", &entry), ("seconds", &seconds)]),
        Answer::Silence => words.say("audit-unanswered", &[("entry", &entry), ("seconds", &seconds)]),
    }
}

#[cfg(test)]
mod tests {
    use venia_proto::foreign::Foreign;
    use venia_proto::id::SessionId;
    use venia_proto::key::SigningKey;
    use venia_proto::ledger::body::{Admit, Arguments, DefinitionHash, ItemId, Language, Outcome, Request};
    use venia_proto::ledger::kind::KindName;
    use venia_proto::ledger::part::{Opening, PartRef};
    use venia_proto::ledger::strand::Author;

    use super::*;

    const MINUTES: u32 = 30;
    const END: i64 = MINUTES as i64 * 60_000;

    /// A consent at 0, a request, an admit and a result, as an auditor finds them; with their words if `open`.
    fn story(admitted: i64, ended: i64, status: Status, open: bool) -> Vec<BTreeSet<Flag>> {
        let key = SigningKey::new("device", [1; 32]);
        let part: [PartRef; 1] = [Opening::make([1; 32], b"{}").unwrap().part(PartName::Body, Some([0; 32]))];
        let session = SessionId([1; 16]);
        let mut agent = Author::new(session, Strand::Agent);
        let mut ana = Author::new(session, Strand::Technician(std::num::NonZeroU16::MIN));
        let mut all = Vec::new();
        let mut add = |event: Event, body: Body| {
            let time = event.header().time;
            let place = Place { entry: all.len() as u64, offset: 0, observed: time.ms() };
            let mut shown = shown(&Session::new(String::new(), String::new(), 0), place, event, None, true);
            shown.body = Some(body).filter(|_| open);
            let leaf = shown.event.leaf();
            all.push(shown);
            leaf
        };
        let at = Wall::from_ms;
        let (item, definition) = (ItemId("system.memory".to_owned()), DefinitionHash("00".repeat(32)));
        let consent = Kind::Consent { asked: Leaf([0; 32]), answer: Answer::Yes, took: 2_000 };
        let said = Consent {
            text: "May Ana look?".to_owned(),
            language: Language::En,
            scopes: BTreeSet::new(),
            items: Vec::new(),
            minutes: Some(MINUTES),
        };
        let grant = add(agent.write(consent, &part, at(0), &key), Body::Consent(said));
        let (why, arguments) = (Foreign::new("slow"), Arguments::new());
        let asked = Request { item: item.clone(), definition: definition.clone(), arguments, why };
        let request = add(ana.write(Kind::Request, &part, at(1), &key), Body::Request(asked));
        let runs = Admit { item, definition, fences: Vec::new() };
        let admit = agent.write(Kind::Admit { request, grant }, &part, at(admitted), &key);
        let admit = add(admit, Body::Admit(runs));
        let result = agent.write(Kind::Result { admit, status }, &part, at(ended), &key);
        add(result, Body::Result(Outcome { report: None, detail: Foreign::new("") }));
        let story = Story::of(all);
        assert_eq!(story.items.len(), if open { 3 } else { 0 }, "request, admit and result are about one item");
        story.all.into_iter().map(|shown| shown.flags).collect()
    }

    #[test]
    fn d2_what_ran_outside_the_minutes_allowed_is_flagged() {
        let flagged = |admitted, ended, status, open| -> [bool; 2] {
            let flags = story(admitted, ended, status, open);
            assert!(flags[..2].iter().all(BTreeSet::is_empty), "{flags:?}");
            [2, 3].map(|n| flags[n].contains(&Flag::Expired))
        };
        assert_eq!(flagged(2, END, Status::Done, true), [false, false]);
        assert_eq!(flagged(2, END + 1, Status::Done, true), [false, true]);
        assert_eq!(flagged(END, END + 1, Status::Lost, true), [false, false], "nobody knows when it was lost");
        assert_eq!(flagged(END + 1, END + 1, Status::Failed, true), [true, true]);
        assert_eq!(flagged(END + 1, END + 1, Status::Done, false), [false, false], "minutes are words");
    }

    #[test]
    fn why_words_are_closed_is_said_as_it_is() {
        let key = SigningKey::new("device", [1; 32]);
        let mut agent = Author::new(SessionId([1; 16]), Strand::Agent);
        let opening = Opening::make([1; 32], br#"{"text":"hello"}"#).unwrap();
        let mut session = Session::new(String::new(), String::new(), 0);
        let place = Place { entry: 5, offset: 0, observed: 0 };
        let mut event = |sealed| {
            let kind = if agent.next_seq() == 0 { Kind::Open { versions: vec![1] } } else { Kind::Chat };
            agent.write(kind, &[opening.part(PartName::Body, sealed)], Wall::from_ms(0), &key)
        };
        event(None);
        let (nobody, ours) = (event(None), event(Some([9; 32])));
        let record = |heard| Record {
            entry: 5,
            time: Wall::from_ms(0),
            kind: KindName::Chat,
            commit: opening.commit(),
            heard,
            plaintext: opening.plaintext(),
        };
        let why = |event: &Event, heard: Option<Heard>, key, session: &Session| {
            let record = heard.map(record);
            shown(session, place, event.clone(), record.as_ref(), key).closed
        };
        assert_eq!(why(&nobody, None, true, &session), Some(Closed::Nobody));
        assert_eq!(why(&ours, None, false, &session), Some(Closed::NoKey));
        assert_eq!(why(&ours, None, true, &session), Some(Closed::NotOpened));
        assert_eq!(why(&ours, Some(Heard::Opened([1; 32])), false, &session), None);
        assert_eq!(why(&ours, Some(Heard::Opened([2; 32])), true, &session), Some(Closed::Unreadable));
        for (heard, closed) in
            [(Heard::Shut, Closed::NotOurs), (Heard::Missing, Closed::Missing), (Heard::Lied, Closed::Lied)]
        {
            assert_eq!(why(&ours, Some(heard), true, &session), Some(closed));
        }
        session.erase(None);
        assert_eq!(why(&ours, None, true, &session), Some(Closed::Erased));
        let words = Words::new(Language::En);
        for closed in [
            Closed::NoKey,
            Closed::NotOpened,
            Closed::NotOurs,
            Closed::Nobody,
            Closed::Erased,
            Closed::Missing,
            Closed::Lied,
            Closed::Unreadable,
        ] {
            assert_ne!(words.say("audit-closed", &[("why", &closed.name())]), "?");
        }
    }
}
