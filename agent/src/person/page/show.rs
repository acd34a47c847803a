//! The person's page as HTML. Pure: everything it shows is in the [`Scene`].
//!
//! Five parts, always the same and in the same order, so that the script can replace one and leave the others alone: what is
//! asked, where the person is, what was said, what they may write, what happened. What is asked stands first: nothing above
//! it grows and pushes *allow* under somebody's finger.

use maud::{Markup, html};
use venia_ui::ending::ending;
use venia_ui::page::{Frame, Seal, act, document, part};
use venia_ui::words::Words;

use super::super::feed::{Close, News, news};
use super::super::fold::unfolded;
use super::question::card;
use super::scene::{Live, Notice, Scene, Stage, Until};

/// Lines of the feed that the page shows; the others are in the record.
const SHOWN: usize = 100;
/// Most characters of a field, as a browser counts them; the scene counts again.
pub(super) const FIELD: u32 = 2_000;

/// When a page is made.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moment {
    /// On the page's own clock.
    pub(super) now_ms: u64,
    /// After how many changes.
    pub(super) seen: u64,
}

/// The whole page, as this one of the pages.
///
/// `writes`: the person has no script and wants to write a line. Their page then stays as it is until they have.
pub(super) fn page(
    scene: &Scene,
    view: u64,
    writes: bool,
    seal: &Seal,
    record: Option<&Markup>,
    Moment { now_ms, seen }: Moment,
) -> String {
    let words = &scene.words;
    let say = |id: &str| words.say(id, &[]);
    let here = format!("/?view={view}");
    let acts = scene.sight.acts(view);
    let live = scene.live.as_ref().map(|live| words.say("page-connected", &[("name", &live.name)]));
    let title = match (&scene.stage, &scene.question) {
        (Stage::Session, Some(_)) => say("page-title-asked"),
        (Stage::Welcome | Stage::Asking, _) => say("page-title"),
        (Stage::Code { .. }, _) => say("page-title-code"),
        (Stage::Session, None) => say("page-title-session"),
        (Stage::Stopped | Stage::Over(_), _) => say("page-title-over"),
        (Stage::Failed(_) | Stage::Nobody, _) => say("page-title-failed"),
        (Stage::Left, _) => say("page-title-left"),
    };
    let typing = matches!(scene.stage, Stage::Welcome) || scene.question.is_some() || scene.live.is_some() && writes;
    let over = matches!(scene.stage, Stage::Over(_));
    let main = if acts {
        html! {
            (part("card", &html! { @if !over { (asks(scene, view, seal)) } }))
            (part("where", &html! {
                (stage(scene, view, seal, record, now_ms))
                // What came of it is read first, and signed then.
                @if over { (asks(scene, view, seal)) }
            }))
            (part("say", &html! { @if scene.live.is_some() { (chat(view, writes, seal, words)) } }))
            (part("news", &happened(scene, words)))
        }
    } else {
        html! {
            (part("card", &html! { p.warn role="status" { (say("page-elsewhere")) } }))
            (part("where", &html! { p { a.button href="/" { (say("page-act-here")) } } }))
            (part("say", &html! {}))
            (part("news", &html! {}))
        }
    };
    document(&Frame {
        words,
        seal,
        title: &title,
        live: live.as_deref(),
        stop: stop(scene, view, seal),
        places: html! {},
        main,
        here: &here,
        view: (!matches!(scene.stage, Stage::Left)).then_some(view),
        seen,
        wide: false,
        typing,
    })
}

/// The question, and why the last press did nothing.
fn asks(scene: &Scene, view: u64, seal: &Seal) -> Markup {
    let words = &scene.words;
    html! {
        @if let Some(notice) = scene.notice { p.warn role="alert" { (told(notice, words)) } }
        @if let Some(asked) = &scene.question { (card(asked, scene.time, view, seal, words)) }
    }
}

/// STOP, wherever there is something to stop.
fn stop(scene: &Scene, view: u64, seal: &Seal) -> Markup {
    let words = &scene.words;
    let id = match scene.stage {
        Stage::Session => "page-stop",
        Stage::Asking | Stage::Code { .. } => "page-stop-waiting",
        Stage::Welcome | Stage::Nobody | Stage::Stopped | Stage::Over(_) | Stage::Failed(_) | Stage::Left => {
            return html! {};
        }
    };
    let button = html! { (viewed(view)) button.stop type="submit" id="stop" { (words.say(id, &[])) } };
    act(seal, "/stop", "", &button)
}

fn stage(scene: &Scene, view: u64, seal: &Seal, record: Option<&Markup>, now_ms: u64) -> Markup {
    let words = &scene.words;
    let say = |id: &str| words.say(id, &[]);
    match &scene.stage {
        Stage::Welcome => welcome(scene, view, seal),
        Stage::Asking => html! { p role="status" { (say("page-asking")) } },
        Stage::Code { code, until_ms, away } => waiting(code, until_ms.saturating_sub(now_ms), *away, words),
        Stage::Session => html! {
            @match &scene.live {
                Some(live) => (session(live, now_ms, words)),
                None => { p.note { (say("page-arriving")) } },
            }
        },
        Stage::Stopped => html! { p.note role="status" { strong { (say("feed-stopped-receipt")) } } },
        Stage::Over(close) => over(close, view, seal, record, scene.question.is_none(), words),
        Stage::Failed(failure) => html! {
            div.warn role="alert" {
                p { (failure.message) }
                p { strong { (failure.state) } }
                p { (failure.hint) }
            }
            (again(scene, view, seal))
            (leave(view, seal, words))
        },
        Stage::Nobody => html! {
            p.note { (say("page-nobody")) }
            (again(scene, view, seal))
            (leave(view, seal, words))
        },
        Stage::Left => html! { p.note { (say("page-left")) } },
    }
}

/// The field for the address of a service that isn't known here yet.
fn address(scene: &Scene) -> Markup {
    html! {
        @if scene.unaddressed {
            label for="address" { (scene.words.say("page-address", &[])) }
            input id="address" name="address" type="text" maxlength=(FIELD) autocomplete="off" placeholder="venia://…" required;
        }
    }
}

fn welcome(scene: &Scene, view: u64, seal: &Seal) -> Markup {
    let words = &scene.words;
    let say = |id: &str| words.say(id, &[]);
    let fields = html! {
        (viewed(view))
        (address(scene))
        h2 { (say("page-intake")) }
        p.soft { (say("page-intake-free")) }
        label for="about" { (say("page-intake-about")) }
        textarea id="about" name="about" maxlength=(FIELD) autocomplete="off" {}
        label for="since" { (say("page-intake-since")) }
        input id="since" name="since" type="text" maxlength=(FIELD) autocomplete="off";
        label for="called" { (say("page-intake-called")) }
        input id="called" name="called" type="text" maxlength=(FIELD) autocomplete="off";
        p { button.main type="submit" { (say("page-begin")) } }
    };
    html! {
        div.note {
            p { strong { (say("page-nothing-yet")) } }
            p { (say("page-each-thing")) }
            p { (say("page-stop-always")) }
        }
        (act(seal, "/begin", "", &fields))
        (leave(view, seal, words))
    }
}

fn waiting(code: &str, left_ms: u64, away: bool, words: &Words) -> Markup {
    let say = |id: &str| words.say(id, &[]);
    let minutes = left_ms / 60_000;
    let seconds = format!("{:02}", left_ms / 1_000 % 60);
    html! {
        p { (say("page-code-read")) }
        p.code translate="no" { (code) }
        @if away {
            p.warn role="status" { (say("feed-away")) }
        }
        p.spelling { (say("page-code-aloud")) " " span translate="no" { (spelled(code)) } }
        p { (say("page-code-left")) " " time data-left=(left_ms) { (minutes) ":" (seconds) } }
        div.warn {
            p { strong { (say("code-only-you")) } }
            p { (say("code-nobody-asks")) }
        }
        p.note { (say("page-nothing-yet")) }
    }
}

/// Letter by letter, as one reads it into a telephone.
fn spelled(code: &str) -> String {
    let letters = |word: &str| word.to_uppercase().chars().map(String::from).collect::<Vec<_>>().join(" ");
    code.split('-').map(letters).collect::<Vec<_>>().join(" — ")
}

fn session(live: &Live, now_ms: u64, words: &Words) -> Markup {
    html! {
        div.note {
            p { (words.say("page-with-you", &[("name", &live.name)])) }
            @if live.paused { p { strong { (words.say("feed-paused", &[])) } } }
            @if let Until::At(until) = live.until {
                p { (words.say("page-time-left", &[])) " "
                    time data-left=(until.saturating_sub(now_ms)) { (until.saturating_sub(now_ms) / 60_000) " min" } }
            }
        }
    }
}

fn over(close: &Close, view: u64, seal: &Seal, record: Option<&Markup>, asked: bool, words: &Words) -> Markup {
    html! {
        p.note { strong { (ending(close.cause, &close.name, words)) } }
        @if let Some(signoff) = &close.signoff {
            p { (words.say("close-outcome", &[("outcome", &signoff.outcome)])) }
            p { (words.say("close-next", &[("next", &signoff.next)])) }
        }
        // The receipt counts more exactly.
        @if record.is_none() {
            p { (words.say("close-counts", &[("allowed", &close.allowed), ("refused", &close.refused), ("sent", &close.sent)])) }
        }
        @if close.sent == 0 { p { strong { (words.say("close-nothing-shared", &[])) } } }
        @if let Some(record) = record { (record) }
        @if close.bundle.is_some() {
            p { a.button href="/record" download { (words.say("page-save-copy", &[])) } }
        }
        @if asked { (leave(view, seal, words)) }
    }
}

fn again(scene: &Scene, view: u64, seal: &Seal) -> Markup {
    let again = html! {
        (viewed(view))
        (address(scene))
        p { button.main type="submit" { (scene.words.say("page-again", &[])) } }
    };
    act(seal, "/begin", "", &again)
}

fn leave(view: u64, seal: &Seal, words: &Words) -> Markup {
    let button = html! { (viewed(view)) button.plain type="submit" { (words.say("page-leave", &[])) } };
    act(seal, "/leave", "", &button)
}

fn chat(view: u64, writes: bool, seal: &Seal, words: &Words) -> Markup {
    let say = |id: &str| words.say(id, &[]);
    let field = html! {
        (viewed(view))
        label for="text" { (say("page-say")) }
        input id="text" name="text" type="text" maxlength=(FIELD) autocomplete="off" data-once;
        p { button type="submit" { (say("page-say-send")) } }
    };
    html! {
        div class=[(!writes).then_some("scripted")] { (act(seal, "/say", "", &field)) }
        @if !writes { p.scriptless { a.button href=(format!("/?view={view}&write=1")) { (say("page-say")) } } }
    }
}

fn happened(scene: &Scene, words: &Words) -> Markup {
    let shown: Vec<&(u64, News)> =
        scene.feed.iter().rev().filter(|(_, news)| !stands_elsewhere(news)).take(SHOWN).collect();
    html! {
        @if !shown.is_empty() {
            h2 id="happened" { (words.say("page-happened", &[])) }
            ol.feed reversed aria-labelledby="happened" {
                @for (number, one) in shown { li id=(format!("n{number}")) { (line(one, words)) } }
            }
        }
    }
}

/// What the rest of the page says already, or says for terminals.
fn stands_elsewhere(news: &News) -> bool {
    matches!(news, News::Code(_) | News::CodeAdvice { .. } | News::Closed(_) | News::SignLater { .. })
}

fn line(one: &News, words: &Words) -> String {
    if let News::Connected(name) = one {
        return words.say("page-came", &[("name", name)]);
    }
    // That the receipt is being made stands above, while it is.
    if matches!(one, News::Stopped) {
        return words.say("feed-stopped", &[]);
    }
    unfolded(&news(one, words))
}

fn told(notice: Notice, words: &Words) -> String {
    words.say(
        match notice {
            Notice::Changed => "page-changed",
            Notice::TooSoon => "page-too-soon",
            Notice::NothingTicked => "again-boxes",
            Notice::TooLong => "again-too-long",
        },
        &[],
    )
}

/// Which of the pages a form is from.
pub(super) fn viewed(view: u64) -> Markup {
    html! { input type="hidden" name="view" value=(view); }
}
