//! A small session for tests of the page: asked, answered, run, something taken out, a result.

use std::collections::{BTreeMap, BTreeSet};

use venia_proto::foreign::Foreign;
use venia_proto::id::{SessionId, Strand};
use venia_proto::key::SigningKey;
use venia_proto::ledger::body::{
    Admit, Arguments, Body, Consent, DefinitionHash, ItemId, Language, Open, Outcome, Redaction, Request,
};
use venia_proto::ledger::event::Event;
use venia_proto::ledger::flag;
use venia_proto::ledger::kind::{Answer, Kind, Status};
use venia_proto::ledger::part::{Opening, PartName, PartRef};
use venia_proto::ledger::strand::Author;
use venia_proto::now::Wall;

use crate::audit::index::{Place, Session};
use crate::audit::story::{Closed, Shown, Story};

/// What may differ.
pub(super) struct Told {
    /// Whether words are here.
    pub(super) open: bool,
    /// Milliseconds the answer took.
    pub(super) took: u64,
    pub(super) answer: Answer,
    /// The text that was shown.
    pub(super) text: String,
    /// The technician's reason.
    pub(super) why: String,
    pub(super) item: String,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            open: true,
            took: 4_000,
            answer: Answer::Yes,
            text: "May Ana look?".to_owned(),
            why: "slow".to_owned(),
            item: "system.memory".to_owned(),
        }
    }
}

/// A session of the index that began then.
pub(super) fn session(opened: i64) -> Session {
    Session::new("0a".repeat(16), "device-x+00000000+AA".to_owned(), opened)
}

/// Six events, recorded a second apart: open, request, consent, admit, redaction, result.
pub(super) fn story(told: &Told) -> Story<'static> {
    let key = SigningKey::new("device", [1; 32]);
    let part: [PartRef; 1] = [Opening::make([1; 32], b"{}").unwrap().part(PartName::Body, Some([0; 32]))];
    let mut agent = Author::new(SessionId([10; 16]), Strand::Agent);
    let mut ana = Author::new(SessionId([10; 16]), Strand::Technician(std::num::NonZeroU16::MIN));
    let mut all: Vec<Shown<'static>> = Vec::new();
    let mut add = |event: Event, body: Body| {
        let place = Place { entry: 7 + all.len() as u64, offset: 0, observed: 1_000 * all.len() as i64 };
        let (leaf, flags) = (event.leaf(), flag::of_event(&event, Wall::from_ms(place.observed)));
        let (body, closed) = if told.open { (Some(body), None) } else { (None, Some(Closed::NotOpened)) };
        all.push(Shown { place, event, body, plaintext: None, closed, flags });
        leaf
    };
    let at = |n: i64| Wall::from_ms(1_000 * n);
    let (item, definition) = (ItemId(told.item.clone()), DefinitionHash("00".repeat(32)));
    add(agent.write(Kind::Open { versions: vec![1] }, &part, at(0), &key), Body::Open(Open::default()));
    let asked = Request {
        item: item.clone(),
        definition: definition.clone(),
        arguments: Arguments::new(),
        why: Foreign::new(told.why.as_str()),
    };
    let request = add(ana.write(Kind::Request, &part, at(1), &key), Body::Request(asked));
    let said = Consent {
        text: told.text.clone(),
        language: Language::Es,
        scopes: BTreeSet::new(),
        items: Vec::new(),
        minutes: Some(30),
    };
    let consent = Kind::Consent { asked: request, answer: told.answer, took: told.took };
    let grant = add(agent.write(consent, &part, at(2), &key), Body::Consent(said));
    let runs = Admit { item, definition, fences: Vec::new() };
    let admit = add(agent.write(Kind::Admit { request, grant }, &part, at(3), &key), Body::Admit(runs));
    let taken = Redaction { set: "basic 1".to_owned(), rules: BTreeMap::from([("mail".to_owned(), 2)]) };
    add(agent.write(Kind::Redaction { admit }, &part, at(4), &key), Body::Redaction(taken));
    let outcome = Outcome { report: None, detail: Foreign::new("") };
    add(agent.write(Kind::Result { admit, status: Status::Done }, &part, at(5), &key), Body::Result(outcome));
    Story::of(all)
}
