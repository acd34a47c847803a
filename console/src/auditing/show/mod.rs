//! The auditor's page as HTML. Pure: everything shown is given; nothing here reads the copies or asks the time.
//!
//! Two parts on every page, so that the script can replace one and leave the other alone: the work that goes on, and what the
//! page is about.

pub(super) mod export;
pub(super) mod filters;
pub(super) mod list;
pub(super) mod session;
pub(super) mod trends;
pub(super) mod verify;

use maud::{Markup, html};
use venia_proto::ledger::flag::Flag;
use venia_proto::now::Wall;
use venia_ui::failure::Failure;
use venia_ui::page::{Frame, Seal, act, document, part};
use venia_ui::words::Words;

use super::state::{Board, Job, Progress, What};
use crate::clock;

/// The pages of this program, as its links name them.
const PLACES: [(Place, &str, &str); 4] = [
    (Place::Sessions, "/", "auditing-sessions"),
    (Place::Trends, "/trends", "auditing-trends"),
    (Place::Verify, "/verify", "auditing-verify"),
    (Place::Export, "/export", "auditing-export"),
];

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The list, and a session of it.
    Sessions,
    /// Over time.
    Trends,
    /// The whole log.
    Verify,
    /// For other tools.
    Export,
}

/// What every page needs.
pub(super) struct Sheet<'a> {
    pub(super) words: &'a Words,
    pub(super) seal: &'a Seal,
    pub(super) board: &'a Board,
    /// Where this page is found again.
    pub(super) here: &'a str,
    pub(super) place: Place,
}

impl Sheet<'_> {
    /// The sentence of that id.
    pub(super) fn text(&self, id: &str) -> String {
        self.words.say(id, &[])
    }

    /// The whole page.
    pub(super) fn page(&self, title: &str, main: &Markup) -> String {
        let places = html! {
            nav aria-label=(self.text("auditing-places")) {
                ul {
                    @for (place, at, id) in PLACES {
                        li { a href=(at) aria-current=[(place == self.place).then_some("page")] { (self.text(id)) } }
                    }
                }
            }
        };
        let main = html! {
            (part("job", &self.job()))
            (part("about", main))
            (part("end", &self.end()))
        };
        document(&Frame {
            words: self.words,
            seal: self.seal,
            title,
            live: None,
            stop: html! {},
            places,
            main,
            here: self.here,
            // Only work that goes on changes a page by itself.
            view: self.board.job.map(|_| 1),
            // Whether the work has ended meanwhile is looked at once more in any case.
            seen: 0,
            wide: true,
            typing: false,
        })
    }

    /// A page while the copies are brought up to date.
    pub(super) fn waiting(&self) -> String {
        self.page(&self.text("auditing-title"), &html! { p { (self.text("auditing-waiting")) } })
    }

    fn job(&self) -> Markup {
        html! {
            @match (&self.board.job, &self.board.fetched) {
                (Some(job), _) => (self.running(*job)),
                (None, Some((at, Ok(())))) => p.note role="status" {
                    (self.words.say("auditing-fetched", &[("time", &at.to_string()), ("local", &clock::local(*at))]))
                },
                (None, Some((_, Err(failure)))) => (failed(failure)),
                (None, None) => {}
            }
        }
    }

    fn running(&self, job: Job) -> Markup {
        let (label, done, size) = match job.step {
            Some(Progress::Fetching(step)) => {
                let (done, size) = step.counts();
                (step.say(self.words), done, size)
            }
            Some(Progress::Verifying(done, size)) => {
                (self.words.say("audit-verifying", &[("done", &done), ("size", &size)]), done, size)
            }
            None => (self.text("auditing-begins"), 0, 0),
        };
        html! {
            div.note {
                p role="status" id="label" { (label) }
                @if size > 0 { p { progress max=(size) value=(done.min(size)) aria-labelledby="label" {} } }
                @if job.what == What::Verify {
                    (act(self.seal, "/verify/stop", "", &html! {
                        button type="submit" { (self.text("auditing-verify-stop")) }
                    }))
                }
            }
        }
    }

    /// What every page ends with: what no log proves, and the way out.
    fn end(&self) -> Markup {
        html! {
            p.soft { (self.text("audit-not-proven")) }
            (act(self.seal, "/close", "", &html! { button.plain type="submit" { (self.text("auditing-close")) } }))
        }
    }

    /// A time in UTC and the auditor's own.
    pub(super) fn time(&self, at: Wall) -> Markup {
        html! { time datetime=(at) { (at) } " " span.soft { "(" (clock::local(at)) ")" } }
    }

    /// What to look at twice, in a word each.
    pub(super) fn marks(&self, flags: &std::collections::BTreeSet<Flag>) -> Markup {
        html! {
            @for (n, flag) in flags.iter().enumerate() {
                @if n > 0 { ", " }
                strong.severity.warning { (self.words.say("auditing-flag", &[("flag", &flag.name())])) }
            }
        }
    }
}

/// What went wrong, in its three sentences.
pub(super) fn failed(failure: &Failure) -> Markup {
    html! {
        div.warn role="alert" {
            p { strong { (failure.message) } }
            p { (failure.state) }
            p { (failure.hint) }
        }
    }
}

/// The last page.
pub(super) fn goodbye(words: &Words, seal: &Seal) -> String {
    document(&Frame {
        words,
        seal,
        title: &words.say("auditing-closed-title", &[]),
        live: None,
        stop: html! {},
        places: html! {},
        main: html! { p.note { (words.say("auditing-closed", &[])) } },
        here: super::site::CLOSED,
        view: None,
        seen: 0,
        wide: false,
        typing: false,
    })
}

/// Milliseconds as people read them: `0.9 s`, `75.0 s`, `12 min 30 s`, `2 h 5 min`.
pub(super) fn lasted(ms: u64) -> String {
    let (seconds, minutes) = (ms / 1_000, ms / 60_000);
    match ms {
        0..100_000 => format!("{seconds}.{} s", ms % 1_000 / 100),
        100_000..6_000_000 if seconds % 60 == 0 => format!("{minutes} min"),
        100_000..6_000_000 => format!("{minutes} min {} s", seconds % 60),
        _ => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

#[cfg(test)]
mod tests;
