//! Verifying the whole log: how it is asked for, and what came of it.

use maud::{Markup, html};
use venia_ui::page::act;

use super::{Sheet, failed};
use crate::audit::check::Verified;
use crate::auditing::work::Verdict;

/// The page.
pub(in crate::auditing) fn page(sheet: &Sheet<'_>) -> String {
    let field = |name: &str, checked: bool, id: &str| {
        html! {
            label.box { input type="checkbox" name=(name) value="yes" checked[checked]; (sheet.text(id)) }
        }
    };
    let main = html! {
        p { (sheet.text("auditing-verify-about")) }
        @if sheet.board.job.is_none() {
            (act(sheet.seal, "/verify", "", &html! {
                (field("fetch", true, "auditing-verify-fetch"))
                (field("words", false, "auditing-verify-words"))
                (field("since", false, "auditing-verify-since"))
                p { button.main type="submit" { (sheet.text("auditing-verify-begin")) } }
            }))
            p.soft { (sheet.text("auditing-verify-noted")) }
        }
        @if let Some((at, verdicts)) = &sheet.board.verified {
            h2 { (sheet.text("auditing-verdict")) }
            p { (sheet.time(*at)) }
            @match verdicts {
                Ok(verdicts) => { @for one in verdicts { (verdict(sheet, one)) } }
                Err(failure) => (failed(failure)),
            }
        }
    };
    sheet.page(&sheet.text("auditing-verify-title"), &main)
}

fn verdict(sheet: &Sheet<'_>, verdict: &Verdict) -> Markup {
    let words = sheet.words;
    match verdict {
        Verdict::Intact { log, verified, rules, closed, pruned, freshness } => {
            let Verified { entries, from, resumed, sessions, holes } = verified;
            let (with, part, without) = (rules.with_words, rules.in_part, rules.without);
            let judged = words.say("audit-judged", &[("words", &with), ("part", &part), ("without", &without)]);
            html! {
                div.note role="status" {
                    p { strong.severity.ok {
                        (words.say("audit-intact", &[("log", log), ("entries", entries), ("sessions", sessions)]))
                    } }
                    @if resumed > from { p { (words.say("audit-resumed", &[("at", resumed)])) } }
                    @if *from > 0 { p { (words.say("audit-since", &[("at", from)])) } }
                    p { (judged) }
                    @if holes.is_empty() { p { (sheet.text("audit-no-gaps")) } }
                    @if let Some(found) = freshness { p { (found.say(words)) } }
                }
                @for (from, to) in holes {
                    p.warn { strong { (words.say("audit-gap", &[("from", &from.to_string()), ("to", &to.to_string())])) } }
                }
                @if let Some(closed) = closed { p.warn { (words.say("audit-outlives", &[("log", log), ("closed", closed)])) } }
                @if let Some(entries) = pruned {
                    p.warn { (words.say("audit-pruned-rest", &[("log", log), ("entries", entries)])) }
                }
            }
        }
        Verdict::Broken { log, entry, session, why } => html! {
            div.warn role="alert" {
                p { (words.say("auditing-log", &[("log", log)])) }
                p { strong.severity.critical {
                    @match session {
                        Some(session) => (words.say("audit-broken", &[("at", entry), ("session", session), ("why", why)])),
                        None => (words.say("verify-broken-entry", &[("at", entry), ("why", why)])),
                    }
                } }
                @if let Some(session) = session {
                    p { a href=(format!("/session/{session}#e{entry}")) { (sheet.text("auditing-broken-there")) } }
                }
                p { (sheet.text("audit-broken-hint")) }
            }
        },
        Verdict::Pruned { log, entries } => {
            html! { p.note { (words.say("audit-pruned", &[("log", log), ("entries", entries)])) } }
        }
        Verdict::Stopped { log, entry } => html! {
            div.note {
                p { (words.say("auditing-log", &[("log", log)])) }
                p { strong { (words.say("audit-stopped", &[("at", entry)])) } }
                p { (sheet.text("audit-stopped-hint")) }
            }
        },
        Verdict::Unread { log, failure } => html! {
            p { (words.say("auditing-log", &[("log", log)])) }
            (failed(failure))
        },
    }
}
