//! What happened in a session, put together from its signed events alone: the contents of the logbook (*bitácora*).
//!
//! Pure and deterministic: the same bundle gives the same story for ever, so that a verifier can tell it again and compare.
//! Nothing in it was typed for it. It judges nothing: whether the events are true is `proto::ledger::verify`'s, asked
//! first; here whatever can't be read counts as withheld.

use std::collections::{BTreeMap, BTreeSet};

use venia_proto::catalog::{Catalog, Item};
use venia_proto::encoding::to_hex;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::foreign::Foreign;
use venia_proto::id::{Leaf, SessionId, Strand};
use venia_proto::key::VerifierKey;
use venia_proto::ledger::body::{Addendum, Body, DefinitionHash, ItemId, Language, Open, Signoff};
use venia_proto::ledger::bundle::Bundle;
use venia_proto::ledger::check_code::check_code;
use venia_proto::ledger::cosignature::cosigned;
use venia_proto::ledger::event::Event;
use venia_proto::ledger::kind::{Addition, Answer, Cause, Kind, KindName, Status, Verified, Why};
use venia_proto::ledger::part::{Opening, PartName};
use venia_proto::ledger::proof::Proof;
use venia_proto::now::Wall;
use venia_proto::report::{Report, Text};
use venia_proto::statement::{Member, Statement};

/// What a story is told from.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// The organisation's statement, exact bytes.
    pub statement: &'a [u8],
    /// Member notes by strand.
    pub members: &'a BTreeMap<Strand, Vec<u8>>,
    /// The agent's key, where it is known.
    pub agent: Option<VerifierKey>,
    /// The events in the bundle's order, and what each says: `None` where that isn't disclosed.
    pub events: Vec<(Event, Option<Body>)>,
}

/// A session as its people should find it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Which session.
    pub session: SessionId,
    /// The person's language.
    pub language: Language,
    /// The first technician's name; `?` without a member note.
    pub who: Foreign,
    /// Whom they work for.
    pub organisation: Foreign,
    /// The organisation's root; `None` if the statement can't be read.
    pub root: Option<Fingerprint>,
    /// How the person wants to be called; may be a pseudonym.
    pub called: Option<Foreign>,
    /// The fault in the person's words.
    pub about: Option<Foreign>,
    /// Since when, in the person's words.
    pub since: Option<Foreign>,
    /// This PC's clock minus the ledger's, in milliseconds.
    pub skew_ms: Option<i64>,
    /// Id of the key by which the person's PC signs, lower-case hex.
    pub agent_key: Option<String>,
    /// When it began.
    pub opened: Wall,
    /// When and why it ended; `None` while it hasn't.
    pub closed: Option<(Wall, Cause)>,
    /// Time of the newest event.
    pub newest: Wall,
    /// Everybody who came, in order.
    pub helpers: Vec<Helper>,
    /// Every question and its answer, in order.
    pub answered: Vec<Answered>,
    /// Every item asked for and how it ended, in order.
    pub ran: Vec<Ran>,
    /// Notes for the record, in order.
    pub notes: Vec<Noted>,
    /// Chat lines.
    pub chats: u64,
    /// Pauses, their ends, and stops, in order.
    pub turns: Vec<(Wall, Turn)>,
    /// What came of it, in the technician's words.
    pub outcome: Option<Foreign>,
    /// What happens next, in the technician's words.
    pub next: Option<Foreign>,
    /// What else the technician saw.
    pub observations: Option<Foreign>,
    /// What was said after the close, in order.
    pub added: Vec<Added>,
    /// Kinds of events whose words aren't all in this copy.
    pub hidden: BTreeSet<KindName>,
    /// Parts that aren't in this copy.
    pub withheld: u64,
    /// Events.
    pub entries: usize,
    /// How many witnesses the statement names, and how many of them cosigned.
    pub witnesses: (usize, usize),
    /// Whether every event has its receipt.
    pub recorded: bool,
    /// By which two people compare their copies.
    pub code: String,
}

/// Somebody who came to help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Helper {
    /// Their strand.
    pub strand: Strand,
    /// Name and level by their member note; `None` for somebody without one.
    pub member: Option<(Foreign, u8)>,
    /// Id of their key, lower-case hex.
    pub key: String,
    /// How the person's PC knew them.
    pub verified: Verified,
    /// Their reason.
    pub reason: Option<Foreign>,
    /// When the person let them in; `None` if that never happened.
    pub admitted: Option<Wall>,
    /// When they signed off, and the number of that event.
    pub signed: Option<(Wall, usize)>,
}

/// One question as it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Number of the event.
    pub entry: usize,
    /// When it was answered.
    pub at: Wall,
    /// The exact text shown, as the consent event has it; empty if withheld.
    pub shown: String,
    /// The answer.
    pub answer: Answer,
    /// Milliseconds between card and answer.
    pub took_ms: u64,
}

/// One item asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Number of the event that says how it ended.
    pub entry: usize,
    /// When it ended or was refused.
    pub at: Wall,
    /// The item, if its name is in this copy.
    pub item: Option<(ItemId, DefinitionHash)>,
    /// The definition's title; of an item that is unknown here, its id on both sides.
    pub title: Text,
    /// How it ended; `None` if it was refused and never ran.
    pub status: Option<Status>,
    /// Why it was refused.
    pub why: Option<Why>,
    /// What was sent.
    pub report: Option<Report>,
}

/// A note for the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// Number of the event.
    pub entry: usize,
    /// When.
    pub at: Wall,
    /// Whose.
    pub by: Strand,
    /// The words; `None` if withheld.
    pub text: Option<Foreign>,
}

/// Something that held a session up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing ran from here on.
    Pause,
    /// It went on.
    Resume,
    /// STOP.
    Stop,
}

/// Something said after the close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// Number of the event.
    pub entry: usize,
    /// When.
    pub at: Wall,
    /// Whose.
    pub by: Strand,
    /// What is added.
    pub what: Addition,
    /// Number of the event it is about.
    pub about: Option<usize>,
    /// The words; `None` if withheld.
    pub words: Option<Addendum>,
}

impl Story {
    /// The story a bundle tells; `None` if its events can't be read.
    pub fn of_bundle(bundle: &Bundle, catalog: &Catalog) -> Option<Self> {
        let mut events = Vec::with_capacity(bundle.entries.len());
        for entry in &bundle.entries {
            let event = Event::parse(&entry.event).ok()?;
            let body = body(&event, &bundle.openings);
            events.push((event, body));
        }
        let participants = std::str::from_utf8(&bundle.participants).ok()?;
        let agent = participants.lines().find_map(|line| line.strip_prefix("agent ")?.parse().ok());
        let mut story =
            Self::tell(Source { statement: &bundle.statement, members: &bundle.members, agent, events }, catalog)?;
        let parts = bundle.entries.iter().filter_map(|entry| Event::parse(&entry.event).ok());
        let parts = parts.flat_map(|event| event.header().parts.clone());
        story.withheld = parts.filter(|part| !bundle.openings.contains_key(&part.commit)).count() as u64;
        story.recorded = bundle.entries.iter().all(|entry| entry.proof.is_some());
        if let Ok(statement) = Statement::open_unpinned(&bundle.statement) {
            let newest = bundle.entries.iter().rev().find_map(|entry| entry.proof.as_deref());
            let checkpoint = newest.and_then(|proof| Proof::parse(proof).ok()).map(|proof| proof.checkpoint);
            let by = |note| statement.witnesses.iter().filter(|key| matches!(cosigned(note, key), Ok(Some(_)))).count();
            story.witnesses = (statement.witnesses.len(), checkpoint.as_ref().map_or(0, by));
        }
        Some(story)
    }

    /// The story of a session that may still lack its proofs; `None` without a first event.
    pub fn tell(source: Source<'_>, catalog: &Catalog) -> Option<Self> {
        let statement = Statement::open_unpinned(source.statement).ok();
        let (first, _) = source.events.first()?;
        let opened = first.header().time;
        let mut story = Self {
            session: first.header().session,
            language: Language::default(),
            who: Foreign::new("?"),
            organisation: statement.as_ref().map_or_else(|| Foreign::new(""), |s| s.organisation.clone()),
            root: statement.as_ref().map(Statement::fingerprint),
            called: None,
            about: None,
            since: None,
            skew_ms: None,
            agent_key: source.agent.as_ref().map(|key| to_hex(&key.id())),
            opened,
            closed: None,
            newest: opened,
            helpers: Vec::new(),
            answered: Vec::new(),
            ran: Vec::new(),
            notes: Vec::new(),
            chats: 0,
            turns: Vec::new(),
            outcome: None,
            next: None,
            observations: None,
            added: Vec::new(),
            hidden: BTreeSet::new(),
            withheld: 0,
            entries: source.events.len(),
            witnesses: (0, 0),
            recorded: false,
            code: check_code(source.events.iter().map(|(event, _)| event)),
        };
        let member = |strand| {
            let note: &Vec<u8> = source.members.get(&strand)?;
            Member::open(note, &statement.as_ref()?.authority).ok().map(|member| (member.name, member.level))
        };
        let mut told = Told {
            story: &mut story,
            catalog,
            places: BTreeMap::new(),
            items: BTreeMap::new(),
            joins: BTreeMap::new(),
        };
        for (n, (event, body)) in source.events.iter().enumerate() {
            told.event(n, event, body.as_ref(), &member);
        }
        if let Some((name, _)) = story.helpers.iter().find_map(|helper| helper.member.clone()) {
            story.who = name;
        }
        Some(story)
    }

    /// The definitions behind the checks that ran, and those that this catalogue doesn't have, by item.
    pub fn items(&self) -> impl Iterator<Item = &(ItemId, DefinitionHash)> {
        self.ran.iter().filter_map(|ran| ran.item.as_ref())
    }

    /// How long each level of support was there, in milliseconds; level 0 is somebody without a membership.
    pub fn time_by_level(&self) -> BTreeMap<u8, i64> {
        let end = self.closed.map_or(self.newest, |(at, _)| at);
        let mut levels = BTreeMap::new();
        for helper in &self.helpers {
            let level = helper.member.as_ref().map_or(0, |(_, level)| *level);
            let here = helper.admitted.map_or(0, |from| end.ms().saturating_sub(from.ms()).max(0));
            *levels.entry(level).or_insert(0) += here;
        }
        levels
    }
}

impl Ran {
    /// The definition it ran by, if this catalogue has exactly that one.
    pub fn definition<'c>(&self, catalog: &'c Catalog) -> Option<&'c Item> {
        let (item, definition) = self.item.as_ref()?;
        catalog.find(item, definition)
    }
}

/// A story on its way.
struct Told<'a> {
    story: &'a mut Story,
    catalog: &'a Catalog,
    places: BTreeMap<Leaf, usize>,
    items: BTreeMap<Leaf, (ItemId, DefinitionHash)>,
    /// Strand by the leaf of its join.
    joins: BTreeMap<Leaf, Strand>,
}

impl Told<'_> {
    fn event(
        &mut self,
        entry: usize,
        event: &Event,
        body: Option<&Body>,
        member: &impl Fn(Strand) -> Option<(Foreign, u8)>,
    ) {
        let header = event.header();
        let (at, leaf) = (header.time, event.leaf());
        self.places.insert(leaf, entry);
        if body.is_none() && !header.parts.is_empty() {
            self.story.hidden.insert(header.kind.name());
        }
        match &header.kind {
            Kind::Open { .. } => {
                if let Some(Body::Open(open)) = body {
                    self.opening(open);
                }
            }
            Kind::Join { strand, key, verified } => {
                self.joins.insert(leaf, *strand);
                let reason = if let Some(Body::Join(join)) = body { Some(join.reason.clone()) } else { None };
                self.story.helpers.push(Helper {
                    strand: *strand,
                    member: member(*strand),
                    key: to_hex(&key.id()),
                    verified: *verified,
                    reason,
                    admitted: None,
                    signed: None,
                });
            }
            Kind::Consent { asked, answer, took } => {
                let shown = if let Some(Body::Consent(consent)) = body { consent.text.clone() } else { String::new() };
                self.story.answered.push(Answered { entry, at, shown, answer: *answer, took_ms: *took });
                let strand = self.joins.get(asked).copied().filter(|_| *answer == Answer::Yes);
                if let Some(helper) = strand.and_then(|strand| self.helper(strand)) {
                    helper.admitted.get_or_insert(at);
                }
            }
            Kind::Request => {
                if let Some(Body::Request(asked)) = body {
                    self.items.insert(leaf, (asked.item.clone(), asked.definition.clone()));
                }
            }
            Kind::Admit { request, .. } => {
                let admitted = if let Some(Body::Admit(admit)) = body {
                    Some((admit.item.clone(), admit.definition.clone()))
                } else {
                    self.items.get(request).cloned()
                };
                self.items.extend(admitted.map(|item| (leaf, item)));
            }
            Kind::Refuse { request, why } => {
                let item = self.items.get(request).cloned();
                self.ran(Ran { entry, at, item, title: unknown(), status: None, why: Some(*why), report: None });
            }
            Kind::Result { admit, status } => {
                let item = self.items.get(admit).cloned();
                let report = if let Some(Body::Result(outcome)) = body { outcome.report.clone() } else { None };
                self.ran(Ran { entry, at, item, title: unknown(), status: Some(*status), why: None, report });
            }
            Kind::Note => {
                let text = if let Some(Body::Said(said)) = body { Some(said.text.clone()) } else { None };
                self.story.notes.push(Noted { entry, at, by: header.author, text });
            }
            Kind::Chat => self.story.chats += 1,
            Kind::Pause { .. } => self.story.turns.push((at, Turn::Pause)),
            Kind::Resume { .. } => self.story.turns.push((at, Turn::Resume)),
            Kind::Stop { .. } => self.story.turns.push((at, Turn::Stop)),
            Kind::Signoff { .. } => {
                if let Some(helper) = self.helper(header.author) {
                    helper.signed = Some((at, entry));
                }
                if let Some(Body::Signoff(Signoff { outcome, next, observations })) = body {
                    self.story.outcome = Some(outcome.clone());
                    self.story.next = Some(next.clone());
                    self.story.observations.clone_from(observations);
                }
            }
            Kind::Close { cause, .. } => self.story.closed = Some((at, *cause)),
            Kind::Addendum { about, what } => {
                let words = if let Some(Body::Addendum(added)) = body { Some(added.clone()) } else { None };
                let about = self.places.get(about).copied();
                self.story.added.push(Added { entry, at, by: header.author, what: *what, about, words });
            }
            // Samples and hidden items are told with the result they belong to.
            Kind::Series { .. } | Kind::Redaction { .. } => {}
        }
        self.story.newest = self.story.newest.max(at);
    }

    fn opening(&mut self, open: &Open) {
        self.story.language = open.language;
        self.story.called.clone_from(&open.called);
        self.story.about.clone_from(&open.about);
        self.story.since.clone_from(&open.since);
        self.story.skew_ms = open.skew_ms;
    }

    fn helper(&mut self, strand: Strand) -> Option<&mut Helper> {
        self.story.helpers.iter_mut().find(|helper| helper.strand == strand)
    }

    fn ran(&mut self, mut ran: Ran) {
        if let Some((id, _)) = &ran.item {
            let named = || Text { en: id.0.clone(), es: id.0.clone() };
            ran.title = ran.definition(self.catalog).map_or_else(named, |item| item.title.clone());
        }
        self.story.ran.push(ran);
    }
}

/// Title of an item whose name isn't in this copy.
fn unknown() -> Text {
    Text { en: "?".to_owned(), es: "?".to_owned() }
}

/// What an event says, if its part is among these openings.
fn body(event: &Event, openings: &BTreeMap<[u8; 32], Vec<u8>>) -> Option<Body> {
    let header = event.header();
    let part = header.parts.iter().find(|part| part.name == PartName::Body)?;
    let opening = Opening::parse(openings.get(&part.commit)?).ok()?;
    Body::decode(header.kind.name(), opening.plaintext()).ok()
}
