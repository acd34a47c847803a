//! What is said and what happened, line by line.

use maud::{Markup, html};
use venia_proto::ledger::kind::Answer;

use super::session::{Happened, Session};
use super::show::{FIELD, Look};
use crate::voice::{paused, unsent, why};

/// Lines that the page shows; the others are in the record.
const SHOWN: usize = 150;

/// A line to the person, and a note for the record.
pub(super) fn talk(look: &Look<'_>) -> Markup {
    let field = |id: &'static str, label: &str, button: &str, key: &'static str| {
        html! {
            label for=(id) { (look.said(label)) }
            input id=(id) name="text" type="text" maxlength=(FIELD) required autocomplete="off" data-once data-key=[look.key(key)];
            p { button type="submit" { (look.said(button)) } }
        }
    };
    html! {
        h2 { (look.said("open-talk")) }
        div.columns {
            (look.form("/say", "say", &field("chat", "open-chat", "open-chat-send", "c")))
            (look.form("/note", "note", &field("note", "open-note", "open-note-write", "n")))
        }
    }
}

/// What happened, newest first.
pub(super) fn happened(session: &Session, look: &Look<'_>) -> Markup {
    html! {
        h2 id="happened" { (look.said("open-happened")) }
        ol.feed reversed aria-labelledby="happened" aria-live="polite" aria-relevant="additions" {
            @for (number, at, what) in session.feed.iter().rev().take(SHOWN) {
                li id=(format!("n{number}")) { time { (at.clock) } " " (line(what, look)) }
            }
        }
    }
}

/// One line, safe to show.
pub(super) fn line(what: &Happened, look: &Look<'_>) -> String {
    let words = &look.scene.words;
    match what {
        Happened::Paired(session) => words.say("console-paired", &[("session", &session.to_string())]),
        Happened::Answered { answer: Answer::Yes, card: false, .. } => look.said("console-known"),
        Happened::Answered { answer: Answer::Yes, card: true, minutes: Some(minutes) } => {
            words.say("console-allowed", &[("minutes", minutes)])
        }
        Happened::Answered { answer: Answer::Yes, card: true, minutes: None } => {
            look.said("console-allowed-until-stop")
        }
        Happened::Answered { answer: Answer::No, card: false, .. } => look.said("console-unknown"),
        Happened::Answered { answer: Answer::No, card: true, .. } => look.said("console-denied"),
        Happened::Answered { answer: Answer::Silence, .. } => look.said("console-unanswered"),
        Happened::Asked(item) => words.say("open-line-asked", &[("item", &look.title(item))]),
        Happened::Sent(item) => words.say("open-line-sent", &[("item", &look.title(item))]),
        Happened::Redacted(item, count) => {
            words.say("open-line-redacted", &[("item", &look.title(item)), ("count", count)])
        }
        Happened::Unsent(item, status) => unsent(*status, &look.title(item), words),
        Happened::Refused(item, reason) => {
            let (item, why) = (look.title(item), why(*reason, words));
            words.say("console-refused", &[("item", &item), ("why", &why)])
        }
        Happened::NeedsLevel(item) => {
            let level = look.scene.catalog.get(item).map_or(0, |item| item.level);
            words.say("console-needs-level", &[("item", &look.title(item)), ("level", &level)])
        }
        Happened::Theirs(text) => words.say("console-said", &[("text", text)]),
        Happened::Mine(text) => words.say("open-line-mine", &[("text", text)]),
        Happened::Noted(text) => words.say("open-line-noted", &[("text", text)]),
        Happened::Unsaid => look.said("console-unsaid"),
        Happened::Paused(why) => paused(*why, words),
        Happened::Resumed => look.said("console-resumed"),
        Happened::Offline => look.said("open-line-offline"),
        Happened::Online => look.said("open-line-online"),
        Happened::SignedOff => look.said("open-line-signed-off"),
        Happened::Auditor(auditor) => words.say("console-auditor-added", &[("auditor", auditor)]),
        Happened::Sentence(line) => line.clone(),
    }
}
