//! `venia audit show`: one session in the order of the log, each act beside the answer it rests on, and the words where
//! this folder's key opens them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use venia_proto::catalog::Catalog;
use venia_proto::id::SessionId;
use venia_proto::ledger::body::{Body, Language};
use venia_proto::ledger::flag::Flag;
use venia_proto::ledger::kind::{Kind, KindName};
use venia_proto::now::Wall;
use venia_proto::statement::Statement;
use venia_ui::failure::{Exit, Failure};
use venia_ui::terminal::{Ink, Screen};

use super::telling::{lines, marked, under};
use crate::audit::desk::Log;
use crate::audit::export::{event_json, session_json};
use crate::audit::index::Session;
use crate::audit::story::{Closed, Read, Shown, Story, rests};
use crate::audit::telling::Teller;
use crate::{clock, trouble};

pub(super) fn run(logs: &[Log], id: SessionId, key: bool, screen: &Screen) -> Result<Exit, Failure> {
    let words = screen.words();
    let name = id.to_string();
    let found = logs.iter().find_map(|log| log.copy.sessions.get(&name).map(|session| (log, session)));
    let Some((log, session)) = found else {
        let hint = words.say("audit-unknown-hint", &[]);
        return Err(trouble::cannot_tell("unknown", words.say("audit-unknown", &[("session", &name)]), hint, words));
    };
    let read = Read::of(log, session).map_err(|error| trouble::copy(&error, words))?;
    let story = read.story(session, key);
    if screen.json() {
        let events: Vec<Value> = story.all.iter().map(|shown| event(&story, shown)).collect();
        let mut told = session_json(session);
        told["flags"] = json!(story.flags(session));
        screen.object(&json!({"session": told, "events": events}))?;
    } else {
        print(&story, log, session, screen)?;
    }
    Ok(Exit::Done)
}

fn event(story: &Story<'_>, shown: &Shown<'_>) -> Value {
    let mut told = event_json(&shown.event, shown.place);
    told["flags"] = json!(shown.flags);
    told["local"] = json!(clock::local(shown.event.header().time));
    told["words"] = shown.plaintext.and_then(|text| serde_json::from_slice(text).ok()).unwrap_or(Value::Null);
    told["closed"] = json!(shown.closed.map(Closed::name));
    let own = matches!(shown.event.header().kind, Kind::Consent { .. }).then_some(shown);
    told["consent"] = own.or_else(|| story.grant(shown)).and_then(answer).unwrap_or(Value::Null);
    told
}

fn print(story: &Story<'_>, log: &Log, session: &Session, screen: &Screen) -> Result<(), Failure> {
    let words = screen.words();
    let opened = Wall::from_ms(session.opened);
    let (utc, local) = (opened.to_string(), clock::local(opened));
    let agent = session.agent.split('+').next().unwrap_or_default().to_owned();
    let title = words
        .say("audit-show", &[("session", &session.session), ("opened", &utc), ("local", &local), ("agent", &agent)]);
    screen.line(&screen.style().ink(Ink::Strong, &title))?;
    // One reason for all of them is said once.
    let reasons: BTreeSet<Closed> = story.all.iter().filter_map(|shown| shown.closed).collect();
    let open = story.all.iter().any(|shown| shown.body.is_some());
    let common = reasons.first().copied().filter(|_| reasons.len() == 1 && !open);
    screen.line(&match common {
        Some(reason) => closed(reason, screen),
        None => words.say("audit-words-open", &[]),
    })?;
    let statement = Statement::open_unpinned(log.copy.state.statement.as_bytes()).ok();
    let catalog = Catalog::built_in();
    let authority = statement.as_ref().map(|statement| &statement.authority);
    let teller = Teller { words, catalog: &catalog, style: screen.style(), authority };
    for shown in &story.all {
        screen.line("")?;
        entry(story, shown, &teller, common.is_none(), screen)?;
    }
    screen.line("")?;
    let flagged = story.flags(session);
    if !flagged.is_empty() {
        screen.line(&words.say("audit-flags", &[("flags", &names(&flagged))]))?;
    }
    screen.note(&words.say("audit-not-proven", &[]));
    Ok(())
}

fn entry(
    story: &Story<'_>,
    shown: &Shown<'_>,
    teller: &Teller<'_>,
    reasons: bool,
    screen: &Screen,
) -> Result<(), Failure> {
    let words = screen.words();
    let header = shown.event.header();
    let (author, what) = (header.author.to_string(), teller.what(&header.kind));
    let (utc, local) = (header.time.to_string(), clock::local(header.time));
    let entry = shown.place.entry;
    let title = words.say(
        "audit-event",
        &[("entry", &entry), ("time", &utc), ("local", &local), ("author", &author), ("what", &what)],
    );
    screen.line(&screen.style().ink(Ink::Strong, &title))?;
    if let Some(grant) = story.grant(shown) {
        screen.line(&under(&rests(grant, words)))?;
    }
    if let Kind::Addendum { about, .. } = &header.kind
        && let Some(close) = story.find(about)
    {
        screen.line(&under(&words.say("audit-about-entry", &[("entry", &close.place.entry)])))?;
    }
    // Stories know what a refusal and a result are about, by the request or the admit they name.
    let about = story.items.get(&shown.event.leaf());
    if let Some((item, _)) = about.filter(|_| matches!(header.kind.name(), KindName::Result | KindName::Refuse)) {
        screen.line(&under(&words.say("audit-of-item", &[("item", &item.0)])))?;
    }
    for line in shown.body.iter().flat_map(|body| lines(&teller.body(body, about), screen.style())) {
        screen.line(&line)?;
    }
    if let Some(reason) = shown.closed.filter(|_| reasons) {
        screen.line(&under(&closed(reason, screen)))?;
    }
    for flag in &shown.flags {
        screen.line(&marked(&words.say("audit-flag", &[("flag", &flag.name())]), screen.style()))?;
    }
    if shown.flags.contains(&Flag::Late) || shown.flags.contains(&Flag::Clock) {
        let at = Wall::from_ms(shown.place.observed);
        let (utc, local) = (at.to_string(), clock::local(at));
        screen.line(&under(&words.say("audit-recorded", &[("time", &utc), ("local", &local)])))?;
    }
    Ok(())
}

/// An answer for scripts: the question in its own words where they are here.
fn answer(shown: &Shown<'_>) -> Option<Value> {
    let Kind::Consent { answer, took, .. } = shown.event.header().kind else { return None };
    let said = if let Some(Body::Consent(consent)) = &shown.body { Some(consent) } else { None };
    let language = said.map(|said| match said.language {
        Language::En => "en",
        Language::Es => "es",
    });
    Some(json!({
        "entry": shown.place.entry, "answer": answer, "took": took,
        "text": said.map(|said| &said.text), "language": language, "minutes": said.and_then(|said| said.minutes),
    }))
}

fn closed(reason: Closed, screen: &Screen) -> String {
    screen.words().say("audit-closed", &[("why", &reason.name())])
}

fn names(flags: &BTreeSet<Flag>) -> String {
    flags.iter().map(|flag| flag.name()).collect::<Vec<_>>().join(" ")
}
