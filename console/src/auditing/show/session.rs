//! One session: every event in the order of the log, and consent beside action.

use std::collections::BTreeSet;

use maud::{Markup, html};
use venia_proto::foreign::Foreign;
use venia_proto::ledger::body::Language;
use venia_proto::ledger::flag::Flag;
use venia_proto::now::Wall;
use venia_ui::page::act;

use super::Sheet;
use crate::audit::index::Session;
use crate::audit::listing;
use crate::audit::story::Closed;
use crate::audit::telling::Piece;
use crate::auditing::timeline::{Beside, Entry, Row};

/// Lines of a text that can't be folded away.
const LINES: usize = 12;

/// What is on the page.
pub(in crate::auditing) struct Told<'a> {
    pub(in crate::auditing) session: &'a Session,
    pub(in crate::auditing) rows: &'a [Row],
    pub(in crate::auditing) flags: &'a BTreeSet<Flag>,
}

/// The page.
pub(in crate::auditing) fn page(sheet: &Sheet<'_>, told: &Told<'_>) -> String {
    let words = sheet.words;
    let main = html! {
        (facts(sheet, told))
        p.note { (sheet.text("audit-not-proven")) }
        (act(sheet.seal, "/open-session", &told.session.session, &html! {
            input type="hidden" name="of" value=(told.session.session);
            button type="submit" { (sheet.text("auditing-open-session")) }
        }))
        p.soft { (sheet.text("auditing-open-session-noted")) }
        h2 id="events" { (sheet.text("auditing-events")) }
        ol.feed aria-labelledby="events" {
            @for row in told.rows {
                @match row {
                    Row::Event(one) => li id=(format!("e{}", one.entry)) { (entry(sheet, one)) },
                    Row::Silence(from, to) => li {
                        p.warn { strong {
                            (words.say("audit-gap", &[("from", &from.to_string()), ("to", &to.to_string())]))
                        } }
                    },
                }
            }
        }
    };
    sheet.page(&words.say("auditing-session-title", &[("session", &told.session.session)]), &main)
}

fn facts(sheet: &Sheet<'_>, told: &Told<'_>) -> Markup {
    let Told { session, rows, flags } = told;
    let column = |name: &str| sheet.words.say("auditing-column", &[("column", &name)]);
    let closed: BTreeSet<Closed> =
        rows.iter().filter_map(|row| if let Row::Event(entry) = row { entry.closed } else { None }).collect();
    html! {
        dl.facts {
            dt { (column("opened")) }
            dd { (sheet.time(Wall::from_ms(session.opened))) }
            dt { (column("agent")) }
            dd { (Foreign::new(session.agent.split('+').next().unwrap_or_default()).visible()) }
            dt { (column("technician")) }
            dd { @for name in &session.joined { (Foreign::new(name.as_str()).visible()) " " } }
            dt { (column("ended")) }
            dd {
                @if let Some(closed) = session.closed { (sheet.time(Wall::from_ms(closed))) " " }
                @match listing::ended(session) {
                    Some(cause) => (sheet.words.say("auditing-cause", &[("cause", &cause)])),
                    None => (sheet.text("auditing-not-ended")),
                }
            }
            dt { (column("flags")) }
            dd { @if flags.is_empty() { (sheet.text("auditing-nothing-flagged")) } @else { (sheet.marks(flags)) } }
        }
        @for reason in closed { (why(sheet, reason)) }
    }
}

fn entry(sheet: &Sheet<'_>, one: &Entry) -> Markup {
    let words = sheet.words;
    html! {
        h3 id=(format!("t{}", one.entry)) {
            a href=(format!("#e{}", one.entry)) { (one.entry) } " " (one.author) ": " (one.what)
        }
        p { (sheet.time(one.time)) }
        div.columns {
            div {
                @if let Some(item) = &one.item { p { (words.say("audit-of-item", &[("item", item)])) } }
                @if let Some(about) = one.about {
                    p { a href=(format!("#e{about}")) { (words.say("audit-about-entry", &[("entry", &about)])) } }
                }
                @for one in &one.pieces { (piece(sheet, one)) }
                @if let Some(reason) = one.closed { (why(sheet, reason)) }
                @for flag in &one.flags {
                    p.warn { strong { (words.say("audit-flag", &[("flag", &flag.name())])) } }
                }
                @if let Some(at) = one.recorded { p { (sheet.text("auditing-recorded")) " " (sheet.time(at)) } }
            }
            @if !one.beside.is_empty() {
                div.note role="group" aria-label=(sheet.text("auditing-consent")) {
                    @for answer in &one.beside { (beside(sheet, answer)) }
                }
            }
        }
    }
}

fn beside(sheet: &Sheet<'_>, answer: &Beside) -> Markup {
    html! {
        p { a href=(format!("#e{}", answer.entry)) { (answer.said) } }
        @if answer.hasty { p { strong.severity.warning { (sheet.words.say("audit-flag", &[("flag", &Flag::Hasty.name())])) } } }
        @if let Some((text, language)) = &answer.shown {
            @let (code, name) = tag(*language);
            details {
                summary { (sheet.words.say("auditing-as-shown", &[("language", &name)])) }
                blockquote lang=(code) { (lines(text)) }
            }
        }
        @if let Some(reason) = answer.closed { (why(sheet, reason)) }
    }
}

fn piece(sheet: &Sheet<'_>, piece: &Piece) -> Markup {
    match piece {
        Piece::Line(line) => html! { p { (line) } },
        Piece::Field(label, text) => html! { p { (label) ": " (text) } },
        Piece::Quote(label, text) => html! { p { (label) ":" } blockquote { (lines(text)) } },
        Piece::Block(text) if text.raw().lines().nth(LINES).is_some() => html! {
            // It stands open: whoever has read it can fold it away.
            details open {
                summary { (sheet.words.say("auditing-long-text", &[("lines", &text.raw().lines().count())])) }
                blockquote { (lines(text)) }
            }
        },
        Piece::Block(text) => html! { blockquote { (lines(text)) } },
        Piece::Report(text) => html! { pre tabindex="0" { (text) } },
    }
}

/// Somebody's words, each of their lines made visible by itself: what else would be a line's end stays one.
fn lines(text: &Foreign) -> Markup {
    html! {
        p {
            @for (n, line) in text.raw().split('\n').enumerate() {
                @if n > 0 { br; }
                (Foreign::new(line).visible())
            }
        }
    }
}

/// Why words aren't here. What was sealed and isn't what was committed to must not be missed.
fn why(sheet: &Sheet<'_>, reason: Closed) -> Markup {
    let said = sheet.words.say("audit-closed", &[("why", &reason.name())]);
    match reason {
        Closed::Lied | Closed::Unreadable => html! { p.warn { strong { (said) } } },
        Closed::NoKey | Closed::NotOpened | Closed::NotOurs | Closed::Nobody | Closed::Erased | Closed::Missing => {
            html! { p.soft { (said) } }
        }
    }
}

/// A language's code, and its name in itself.
fn tag(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::En => ("en", "English"),
        Language::Es => ("es", "español"),
    }
}
