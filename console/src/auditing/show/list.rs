//! Sessions: listed, or counted by day, week or month; and the places where words were said.

use maud::{Markup, html};
use venia_proto::foreign::Foreign;
use venia_proto::ledger::kind::Answer;
use venia_proto::now::Wall;
use venia_ui::page::{Chart, Point, Shape, act};

use super::{Sheet, filters};
use crate::audit::index::Session;
use crate::audit::listing;
use crate::audit::looking::Looked;
use crate::audit::telling::kind;
use crate::auditing::asked::{Asked, Wrong};
use crate::cli::Period;

/// Sessions on one page of the list.
pub(in crate::auditing) const SHEET: usize = 100;
/// Places where words were said, on one page.
const PLACES: usize = 200;

/// Letters of a session's id in a table.
const SHORT: usize = 12;

/// How far one log's copy goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::auditing) struct Copied {
    pub(in crate::auditing) log: String,
    pub(in crate::auditing) entries: u64,
    /// The log's own time of its newest entry here.
    pub(in crate::auditing) observed: Option<Wall>,
}

/// What is on the page.
pub(in crate::auditing) struct List<'a> {
    pub(in crate::auditing) copies: &'a [Copied],
    pub(in crate::auditing) asked: &'a Asked,
    pub(in crate::auditing) wrong: Option<Wrong>,
    /// The sessions that are meant, the newest first.
    pub(in crate::auditing) sessions: &'a [&'a Session],
    /// Where the words were said.
    pub(in crate::auditing) looked: Option<&'a Looked<'a>>,
    /// Whether any words were opened on this computer.
    pub(in crate::auditing) opened: bool,
}

/// The page.
pub(in crate::auditing) fn page(sheet: &Sheet<'_>, list: &List<'_>) -> String {
    let words = sheet.words;
    let main = html! {
        (copies(sheet, list))
        (filters::form(sheet, "/", list.asked, filters::Use::Either))
        @match list.wrong {
            Some(wrong) => p.warn role="alert" { (wrong.say(words)) },
            None => {
                @if list.asked.needs_words() { (closed_words(sheet, list)) }
                h2 id="found" { (words.say("audit-listed", &[("count", &(list.sessions.len() as u64))])) }
                @match list.asked.by {
                    Some(period) => (counted(sheet, list, period)),
                    None => (listed(sheet, list)),
                }
                @if let Some(looked) = list.looked { (places(sheet, looked)) }
            }
        }
    };
    sheet.page(&sheet.text("auditing-title"), &main)
}

/// How old what is shown is, and the button that fetches what is new.
fn copies(sheet: &Sheet<'_>, list: &List<'_>) -> Markup {
    let of = list.asked.at("/");
    html! {
        @if list.copies.is_empty() { p.warn { (sheet.text("auditing-no-copy")) } }
        @for copy in list.copies {
            p {
                (sheet.words.say("auditing-copy", &[("log", &copy.log), ("entries", &copy.entries)]))
                @if let Some(observed) = copy.observed { " " (sheet.time(observed)) }
            }
        }
        (act(sheet.seal, "/fetch", &of, &html! {
            input type="hidden" name="of" value=(of);
            button type="submit" { (sheet.text("auditing-fetch")) }
        }))
        p.soft { (sheet.text("auditing-noted")) }
    }
}

/// What is about words is found only where they were opened.
fn closed_words(sheet: &Sheet<'_>, list: &List<'_>) -> Markup {
    let of = Asked { sheet: 0, ..list.asked.clone() }.at("/");
    html! {
        @if !list.opened { p.warn { (sheet.text("audit-nothing-opened")) } }
        (act(sheet.seal, "/open-words", &of, &html! {
            input type="hidden" name="of" value=(of);
            button type="submit" { (sheet.text("auditing-open-words")) }
        }))
        p.soft { (sheet.text("auditing-open-words-noted")) }
    }
}

fn listed(sheet: &Sheet<'_>, list: &List<'_>) -> Markup {
    let words = sheet.words;
    let head = ["opened", "session", "flags", "answers", "ended", "technician", "agent", "events"];
    let from = list.asked.sheet.saturating_mul(SHEET);
    let shown = list.sessions.get(from..).unwrap_or(&[]);
    let shown = shown.get(..SHEET).unwrap_or(shown);
    let turn = |to: usize, id: &str| {
        let at = Asked { sheet: to, ..list.asked.clone() }.at("/");
        html! { li { a href=(at) { (sheet.text(id)) } } }
    };
    html! {
        div.scroll tabindex="0" role="region" aria-labelledby="found" {
            table aria-labelledby="found" {
                thead { tr { @for column in head { th scope="col" { (words.say("auditing-column", &[("column", &column)])) } } } }
                tbody { @for session in shown { (row(sheet, session)) } }
            }
        }
        @if list.sessions.len() > SHEET {
            nav aria-label=(sheet.text("auditing-pages")) {
                ul {
                    @if let Some(before) = list.asked.sheet.checked_sub(1) { (turn(before, "auditing-newer")) }
                    @if from.saturating_add(SHEET) < list.sessions.len() { (turn(list.asked.sheet.saturating_add(1), "auditing-older")) }
                }
            }
        }
    }
}

/// The beginning of a session's id: random enough to tell sessions apart, short enough to read. Its page says all of it.
fn short(session: &str) -> &str {
    session.get(..SHORT).unwrap_or(session)
}

fn row(sheet: &Sheet<'_>, session: &Session) -> Markup {
    let count = |wanted: Answer| session.answers.iter().filter(|(answer, _)| *answer == wanted).count() as u64;
    let answers = sheet.words.say(
        "auditing-answers",
        &[("yes", &count(Answer::Yes)), ("no", &count(Answer::No)), ("silence", &count(Answer::Silence))],
    );
    let agent = session.agent.split('+').next().unwrap_or_default();
    let ended = listing::ended(session);
    html! {
        tr {
            td { (sheet.time(Wall::from_ms(session.opened))) }
            th scope="row" { a href=(format!("/session/{}", session.session)) { (short(&session.session)) } }
            td { (sheet.marks(&session.flags)) }
            td { (answers) }
            td {
                @match ended {
                    Some(cause) => (sheet.words.say("auditing-cause", &[("cause", &cause)])),
                    None => (sheet.text("auditing-not-ended")),
                }
            }
            td { @for name in &session.joined { (Foreign::new(name.as_str()).visible()) " " } }
            td { (Foreign::new(agent).visible()) }
            td.n { (session.events.len()) }
        }
    }
}

fn counted(sheet: &Sheet<'_>, list: &List<'_>, period: Period) -> Markup {
    let counts = listing::counted(list.sessions, period);
    let points: Vec<Point> = counts
        .iter()
        .map(|(begin, (count, _))| Point { label: begin.clone(), value: u32::try_from(*count).ok().map(f64::from) })
        .collect();
    let title = sheet.text("auditing-chart-sessions");
    let about = sheet.text("auditing-chart-beside");
    let written = |value: f64| format!("{value}");
    let chart = Chart {
        id: "count",
        title: &title,
        about: &about,
        shape: Shape::Bars,
        least: 1.0,
        points: &points,
        written: &written,
    };
    let column = |name: &str| sheet.words.say("auditing-column", &[("column", &name)]);
    html! {
        (chart.draw())
        div.scroll tabindex="0" role="region" aria-labelledby="found" {
            table aria-labelledby="found" {
                thead { tr {
                    th scope="col" { (column("period")) }
                    th.n scope="col" { (column("sessions")) }
                    th.n scope="col" { (column("flagged")) }
                } }
                tbody {
                    @for (begin, (count, flagged)) in counts.iter().rev() {
                        tr {
                            th scope="row" { a href=(list.asked.within(begin).at("/")) { (begin) } }
                            td.n { (count) }
                            td.n { (flagged) }
                        }
                    }
                }
            }
        }
    }
}

/// Where all of the words stand in one entry.
fn places(sheet: &Sheet<'_>, looked: &Looked<'_>) -> Markup {
    let words = sheet.words;
    let count: u64 = looked.found.iter().map(|(_, found)| found.len() as u64).sum();
    let (sessions, parts) = (looked.found.len() as u64, looked.through.opened);
    let through = words.say("audit-places", &[("places", &count), ("sessions", &sessions), ("parts", &parts)]);
    let column = |name: &str| words.say("auditing-column", &[("column", &name)]);
    let all = looked.found.iter().rev().flat_map(|(session, found)| found.iter().map(move |found| (session, found)));
    html! {
        h2 id="places" { (sheet.text("auditing-places-found")) }
        p { (through) }
        @for (id, count) in looked.through.closed() {
            @if count > 0 { p.warn { (words.say(id, &[("count", &count)])) } }
        }
        @if count > PLACES as u64 { p.warn { (words.say("auditing-places-cut", &[("most", &(PLACES as u64))])) } }
        div.scroll tabindex="0" role="region" aria-labelledby="places" {
            table aria-labelledby="places" {
                thead { tr {
                    th scope="col" { (column("entry")) }
                    th scope="col" { (column("session")) }
                    th scope="col" { (column("kind")) }
                    th scope="col" { (column("time")) }
                    th scope="col" { (column("text")) }
                } }
                tbody {
                    @for (session, found) in all.take(PLACES) {
                        tr {
                            th scope="row" { a href=(format!("/session/{}#e{}", session.session, found.entry)) { (found.entry) } }
                            td { (short(&session.session)) }
                            td { (kind(found.kind, words)) }
                            td { (sheet.time(found.time)) }
                            td { q { (found.snippet.visible()) } }
                        }
                    }
                }
            }
        }
    }
}
