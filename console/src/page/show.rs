//! The technician's page as HTML. Pure: everything it shows is in the [`Scene`].
//!
//! The first line says at all times where the session stands and for how long; below it come the likely cause, the
//! findings, the reports, what can be run, what is said, and the end. Each is a part of its own, so that the script
//! replaces what changed and leaves what somebody types alone.

use maud::{Markup, html};
use venia_proto::foreign::Foreign;
use venia_proto::ledger::body::ItemId;
use venia_ui::failure::Failure;
use venia_ui::page::{Frame, Seal, act, document, part};
use venia_ui::reasons;
use venia_ui::words::Words;

use super::catalogue;
use super::press::Notice;
use super::scene::{Scene, Stage};
use super::session::{At, Session};
use super::{charts, feed, found, start};
use crate::voice::paused;

/// Most characters of a free text, as a browser counts them; `proto` counts again.
pub(super) const FIELD: u32 = 2_000;

/// What a page is made with.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) scene: &'a Scene,
    pub(super) seal: &'a Seal,
    /// What is looked for in the catalogue.
    pub(super) query: &'a str,
    /// Where this page is found again.
    pub(super) here: &'a str,
    pub(super) now_ms: u64,
    /// How many changes there had been.
    pub(super) seen: u64,
}

impl Look<'_> {
    pub(super) fn said(&self, id: &str) -> String {
        self.scene.words.say(id, &[])
    }

    /// A form of this path, bound to what it does, that leads back here.
    pub(super) fn form(&self, path: &str, does: &str, content: &Markup) -> Markup {
        let content = html! { input type="hidden" name="back" value=(self.here); (content) };
        act(self.seal, path, &self.scene.shown(does), &content)
    }

    /// An item's title; one that this build doesn't know has only its name.
    pub(super) fn title(&self, item: &ItemId) -> String {
        match self.scene.catalog.get(item) {
            Some(known) => Foreign::new(self.scene.words.of(&known.title)).visible(),
            None => Foreign::new(item.0.as_str()).visible(),
        }
    }

    /// The key of one letter that leads there, if keys are on.
    pub(super) fn key(&self, key: &'static str) -> Option<&'static str> {
        self.scene.keys.then_some(key)
    }
}

/// The whole page.
pub(super) fn page(look: Look<'_>) -> String {
    let scene = look.scene;
    let words = &scene.words;
    let title = look.said(match scene.stage {
        Stage::Start => "open-title-start",
        Stage::Session => "open-title-session",
        Stage::Over => "open-title-over",
        Stage::Left => "page-title-left",
    });
    let live = match (&scene.session, scene.stage) {
        (Some(session), Stage::Session) => Some(state(session, &look)),
        (None, Stage::Session) | (_, Stage::Start | Stage::Over | Stage::Left) => None,
    };
    let notice = part(
        "notice",
        &html! {
            @if let Some(notice) = &scene.notice { p.warn role="alert" data-n=(scene.presses) { (told(notice, &look)) } }
        },
    );
    let main = match (&scene.session, scene.stage) {
        (_, Stage::Start) | (None, Stage::Session | Stage::Over) => {
            html! { (notice) (part("start", &start::form(&look))) }
        }
        (Some(session), Stage::Session) => html! {
            (notice)
            div.desk {
                div {
                    (part("where", &standing(session, &look)))
                    (part("found", &found::found(session, &look)))
                    (part("watched", &charts::watched(session, &look)))
                    (part("reports", &found::reports(session, &look)))
                    (part("catalogue", &catalogue::catalogue(session, &look)))
                }
                div {
                    (part("talk", &html! { @if session.is_open() && session.known { (feed::talk(&look)) } }))
                    (part("finish", &finish(session, &look)))
                    (part("help", &help(&look)))
                    (part("news", &feed::happened(session, &look)))
                }
            }
        },
        (Some(session), Stage::Over) => html! {
            (notice)
            div.desk {
                div {
                    (part("where", &over(session, &look)))
                    (part("found", &found::found(session, &look)))
                    (part("watched", &charts::watched(session, &look)))
                    (part("reports", &found::reports(session, &look)))
                }
                div { (part("news", &feed::happened(session, &look))) }
            }
        },
        (_, Stage::Left) => html! { p.note { (look.said("page-left")) } },
    };
    document(&Frame {
        words,
        seal: look.seal,
        title: &title,
        live: live.as_ref().map(|(live, _)| live.as_str()),
        stop: html! { @if let Some((_, Some(since))) = &live { (counted(since, look.now_ms)) } },
        places: html! {},
        main,
        here: look.here,
        view: (scene.stage != Stage::Left).then_some(1),
        seen: look.seen,
        wide: scene.stage != Stage::Start && scene.stage != Stage::Left,
        typing: true,
    })
}

/// Where a session stands, and since when.
fn state<'s>(session: &'s Session, look: &Look<'_>) -> (String, Option<&'s At>) {
    let words = &look.scene.words;
    if let Some(since) = &session.closing {
        return (look.said("open-closing"), Some(since));
    }
    if let Some(since) = &session.offline {
        return (words.say("open-offline", &[("clock", &since.clock)]), None);
    }
    if session.signed_off {
        return (look.said("open-ending"), None);
    }
    if session.id.is_none() {
        return (look.said("open-pairing"), Some(&session.began));
    }
    if let Some((since, _)) = &session.paused {
        return (look.said("open-paused"), Some(since));
    }
    if let Some(since) = &session.asked {
        return (look.said("open-waiting"), Some(since));
    }
    let running: Vec<_> = session.runs.iter().filter(|run| run.running).collect();
    match (running.first(), running.len()) {
        (Some(run), 1) => (words.say("open-running", &[("item", &look.title(&run.item))]), Some(&run.since)),
        (Some(run), count) => (words.say("open-running-many", &[("count", &count)]), Some(&run.since)),
        (None, _) => (look.said("open-ready"), None),
    }
}

/// How long ago that was; the script goes on counting.
pub(super) fn counted(since: &At, now_ms: u64) -> Markup {
    let seconds = now_ms.saturating_sub(since.ms) / 1_000;
    html! { time data-at=(since.ms) { (seconds / 60) ":" (format!("{:02}", seconds % 60)) } }
}

fn standing(session: &Session, look: &Look<'_>) -> Markup {
    let words = &look.scene.words;
    let goal = session.goal.as_ref().map(|goal| words.of(&goal.title));
    let sent = session.reports.len();
    html! {
        dl.facts {
            dt { (look.said("open-reason")) } dd { (session.reason.visible()) }
            @if let Some(goal) = goal { dt { (look.said("open-goal")) } dd { (goal) } }
            @if !session.scopes.is_empty() {
                dt { (look.said("open-scopes-asked")) }
                dd { (session.scopes.iter().map(|scope| start::scope(*scope, words)).collect::<Vec<_>>().join("; ")) }
            }
            dt { (look.said("open-allowed")) }
            dd {
                @match session.allowed {
                    None => (look.said("open-allowed-nothing")),
                    Some(None) => (look.said("open-allowed-until-stop")),
                    Some(Some(until)) if until <= look.now_ms => (look.said("open-allowed-over")),
                    Some(Some(until)) => {
                        time data-left=(until - look.now_ms) { ((until - look.now_ms) / 60_000) " min" }
                    }
                }
            }
            dt { (look.said("open-sent")) } dd { (sent) }
            @if session.redacted > 0 { dt { (look.said("open-redacted")) } dd { (session.redacted) } }
            @if session.refused > 0 { dt { (look.said("open-refused")) } dd { (session.refused) } }
        }
        @if let Some(failure) = &session.failure { (failed(failure, look)) }
        @if let Some((_, why)) = &session.paused { p.note role="status" { (paused(*why, words)) } }
        @if session.asked.is_some() { p.note { (look.said("open-waiting-more")) } }
        @if session.signed_off { p.note role="status" { (look.said("open-signed-off")) } }
        @if !session.runs.is_empty() {
            ul { @for run in &session.runs {
                li {
                    (words.say(if run.running { "open-run-running" } else { "open-run-asked" }, &[("item", &look.title(&run.item))]))
                    " " (counted(&run.since, look.now_ms))
                }
            } }
        }
    }
}

fn over(session: &Session, look: &Look<'_>) -> Markup {
    let words = &look.scene.words;
    let again = html! { button.main type="submit" { (look.said("open-again")) } };
    html! {
        @if let Some(ended) = &session.ended {
            p.note { strong { (crate::voice::closed(ended.cause, words)) } }
            dl.facts {
                @if let Some(signoff) = &ended.signoff {
                    dt { (look.said("open-outcome")) } dd { (signoff.outcome.visible()) }
                    dt { (look.said("open-next")) } dd { (signoff.next.visible()) }
                }
                dt { (look.said("open-verdict")) } dd { (found::verdict(ended, words)) }
                dt { (look.said("open-bundle")) }
                dd translate="no" {
                    @match &ended.bundle {
                        Some(path) => { code { (Foreign::new(path.display().to_string()).visible()) } },
                        None => (words.say("console-no-bundle", &[])),
                    }
                }
            }
        }
        @if let Some(failure) = &session.failure { (failed(failure, look)) }
        p { a.button href="/markdown" data-key=[look.key("m")] { (look.said("open-markdown")) } }
        p.soft { (look.said("open-code-gone")) }
        (look.form("/again", "again", &again))
        (leave(look))
    }
}

/// A failure in its three sentences, in the language in which they were said.
pub(super) fn failed(failure: &Failure, look: &Look<'_>) -> Markup {
    html! {
        div.warn role="alert" lang=(start::tag(look.scene.spoken)) {
            p { strong { (failure.message) } }
            p { (failure.state) }
            p { (failure.hint) }
        }
    }
}

/// Ends the program.
pub(super) fn leave(look: &Look<'_>) -> Markup {
    look.form("/leave", "leave", &html! { button.plain type="submit" { (look.said("open-leave")) } })
}

/// The end: outcome and next step, both.
fn finish(session: &Session, look: &Look<'_>) -> Markup {
    let draft = &look.scene.draft;
    let close = html! {
        p.soft { (look.said("open-close-both")) }
        label for="outcome" { (look.said("open-outcome")) }
        textarea id="outcome" name="outcome" maxlength=(FIELD) required data-key=[look.key("x")] { (draft.outcome) }
        label for="next" { (look.said("open-next")) }
        textarea id="next" name="next" maxlength=(FIELD) required { (draft.next) }
        p { button.main type="submit" { (look.said("open-close")) } }
    };
    let end = html! { p { (look.said("open-end-what")) } button type="submit" { (look.said("open-end")) } };
    html! {
        h2 { (look.said("open-finish")) }
        @if session.is_open() { (look.form("/close", "close", &close)) }
        p { a.button href="/markdown" data-key=[look.key("m")] { (look.said("open-markdown")) } }
        details id="end" { summary { (look.said("open-end-summary")) } (look.form("/end", "end", &end)) }
    }
}

/// The keys of one letter: only where a script hears them.
fn help(look: &Look<'_>) -> Markup {
    const KEYS: [(&str, &str); 6] = [
        ("s", "open-key-search"),
        ("c", "open-key-chat"),
        ("n", "open-key-note"),
        ("x", "open-key-close"),
        ("m", "open-key-markdown"),
        ("?", "open-key-help"),
    ];
    let switch = look.said(if look.scene.keys { "open-keys-off" } else { "open-keys-on" });
    html! {
        div data-scripted hidden {
            details id="keys" data-key=[look.key("?")] {
                summary { (look.said("open-keys")) }
                dl.facts { @for (key, id) in KEYS { dt { kbd { (key) } } dd { (look.said(id)) } } }
                (look.form("/keys", "keys", &html! { button type="submit" { (switch) } }))
            }
        }
    }
}

fn told(notice: &Notice, look: &Look<'_>) -> String {
    let words: &Words = &look.scene.words;
    match notice {
        Notice::Changed => look.said("open-changed"),
        Notice::Code(error) => words.say("console-code-malformed", &[("why", &reasons::code(*error, words))]),
        Notice::Reason(error) => words.say("open-reason-missing", &[("why", &reasons::text(*error, words))]),
        Notice::Text(error) => words.say("open-text-missing", &[("why", &reasons::text(*error, words))]),
        Notice::Outcome(error) => words.say("open-outcome-missing", &[("why", &reasons::text(*error, words))]),
        Notice::Next(error) => words.say("open-next-missing", &[("why", &reasons::text(*error, words))]),
        Notice::Arguments(item, error) => {
            let (item, why) = (look.title(item), reasons::argument(error, words));
            words.say("console-run-arguments", &[("item", &item), ("why", &why)])
        }
        Notice::Level(item) => words.say("open-level", &[("item", &look.title(item))]),
        Notice::Busy => look.said("open-busy"),
    }
}
