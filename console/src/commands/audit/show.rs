//! `venia audit show`: one session in the order of the log, each act beside the answer it rests on.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use venia_proto::id::{Leaf, SessionId};
use venia_proto::ledger::event::Event;
use venia_proto::ledger::kind::{Answer, Kind};
use venia_proto::now::Wall;
use venia_ui::failure::{Exit, Failure};
use venia_ui::terminal::Screen;

use super::{list, mirror};
use crate::audit::check::event_at;
use crate::audit::export::{event_json, session_json};
use crate::audit::index::{Place, flags};
use crate::audit::mirror::Mirror;
use crate::trouble;

pub(super) fn run(mirrors: &[Mirror], id: SessionId, screen: &Screen) -> Result<Exit, Failure> {
    let words = screen.words();
    let name = id.to_string();
    let found = mirrors.iter().find_map(|copy| copy.sessions.get(&name).map(|session| (copy, session)));
    let Some((copy, session)) = found else {
        let hint = words.say("audit-unknown-hint", &[]);
        return Err(trouble::cannot_tell("unknown", words.say("audit-unknown", &[("session", &name)]), hint, words));
    };
    let file = copy.file().map_err(|error| mirror(&error, words))?;
    let events = session.events.iter().map(|place| Ok((*place, event_at(&file, *place)?)));
    let events: Vec<(Place, Event)> = events.collect::<Result<_, _>>().map_err(|error| mirror(&error, words))?;
    let places: BTreeMap<Leaf, usize> = events.iter().enumerate().map(|(n, (_, e))| (e.leaf(), n)).collect();
    if screen.json() {
        let told: Vec<Value> = events
            .iter()
            .map(|(place, event)| {
                let mut told = event_json(event, *place);
                told["flags"] = json!(flags(event, Wall::from_ms(place.observed)));
                told["consent"] = consent(event, &events, &places).map_or(
                    Value::Null,
                    |(entry, answer, took)| json!({"entry": entry, "answer": answer, "took": took}),
                );
                told
            })
            .collect();
        screen.object(&json!({"session": session_json(session), "events": told}))?;
        return Ok(Exit::Done);
    }
    let opened = Wall::from_ms(session.opened).to_string();
    let agent = session.agent.split('+').next().unwrap_or_default().to_owned();
    screen.line(&words.say("audit-show", &[("session", &name), ("opened", &opened), ("agent", &agent)]))?;
    for (place, event) in &events {
        let header = event.header();
        let (kind, author) = (header.kind.name().to_string(), header.author.to_string());
        let time = header.time.to_string();
        let flagged = flags(event, Wall::from_ms(place.observed));
        let flagged = flagged.iter().map(|flag| flag.name()).collect::<Vec<_>>().join(" ");
        screen.line(&words.say(
            "audit-event",
            &[("entry", &place.entry), ("time", &time), ("author", &author), ("kind", &kind), ("flags", &flagged)],
        ))?;
        if let Some((entry, answer, took)) = consent(event, &events, &places) {
            let id = match answer {
                Answer::Yes => "audit-allowed",
                Answer::No => "audit-denied",
                Answer::Silence => "audit-unanswered",
            };
            let seconds = format!("{}.{:03}", took / 1_000, took % 1_000);
            screen.line(&words.say(id, &[("entry", &entry), ("seconds", &seconds)]))?;
        }
    }
    let flagged = list::flags(session);
    if !flagged.is_empty() {
        screen.line(&words.say("audit-flags", &[("flags", &flagged)]))?;
    }
    screen.note(&words.say("audit-sealed", &[]));
    Ok(Exit::Done)
}

/// The answer an event is or rests on: its entry, what was said, and how long it took.
fn consent(event: &Event, events: &[(Place, Event)], places: &BTreeMap<Leaf, usize>) -> Option<(u64, Answer, u64)> {
    let find = |leaf: &Leaf| places.get(leaf).and_then(|n| events.get(*n));
    let kind = &event.header().kind;
    let admit = if let Kind::Result { admit, .. } = kind { &find(admit)?.1.header().kind } else { kind };
    let (place, consent) = if let Kind::Admit { grant, .. } = admit { find(grant)? } else { find(&event.leaf())? };
    let Kind::Consent { answer, took, .. } = consent.header().kind else { return None };
    Some((place.entry, answer, took))
}
