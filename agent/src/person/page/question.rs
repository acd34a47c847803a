//! A question as HTML: the sentences of its sheet in their order, and two equal buttons. Pure.
//!
//! Not here: whether a press counts ([`super::scene`]), and what the sentences are (`card`).

use maud::{Markup, html};
use venia_proto::foreign::Foreign;
use venia_proto::report::Finding;
use venia_ui::page::{Seal, act, finding};
use venia_ui::words::Words;

use super::super::sheet::{Block, Brought, Entry, Risk, Sheet};
use super::super::{Asking, Question};
use super::scene::Asked;
use super::show::{FIELD, viewed};

/// Minutes that a card offers beside *until I stop*.
const TIMES: [u32; 2] = [10, 30];

/// The question and its buttons.
pub(super) fn card(asked: &Asked, time: Option<Option<u32>>, view: u64, seal: &Seal, words: &Words) -> Markup {
    let Question { sheet, kind, .. } = &asked.question;
    let content = html! {
        (viewed(view))
        // Enter in a field presses the first button of a form: one that does nothing.
        button type="submit" hidden disabled {}
        (laid_out(sheet, *kind, time, words))
        (buttons(*kind, words))
    };
    let title = sheet.blocks.iter().find_map(|block| match block {
        Block::Title(text) => Some(text.clone()),
        Block::Blank
        | Block::Heading(_)
        | Block::Line { .. }
        | Block::Quote(_)
        | Block::Entry(_)
        | Block::Report(_)
        | Block::Hint(_)
        | Block::Times(_)
        | Block::Asks(_) => None,
    });
    html! {
        section.card aria-labelledby="asked" {
            h2 id="asked" { (title.unwrap_or_else(|| words.say(heading(*kind), &[]))) }
            (act(seal, "/answer", &asked.shown, &content))
        }
    }
}

fn heading(kind: Asking) -> &'static str {
    match kind {
        Asking::Resume => "page-card-resume",
        Asking::Consent { .. } => "page-card-consent",
        Asking::Sign => "page-card-sign",
        Asking::Arrival | Asking::Preview | Asking::Free => "page-card-free",
    }
}

fn buttons(kind: Asking, words: &Words) -> Markup {
    let button = |does: &str, id: &str, arms: bool| {
        html! { button type="submit" name="do" value=(does) data-arm[arms] { (words.say(id, &[])) } }
    };
    let pair = |no: Markup, yes: Markup| html! { div.pair { (no) (yes) } };
    match kind {
        Asking::Arrival => pair(button("no", "page-no", false), button("yes", "page-yes", true)),
        Asking::Resume => pair(button("no", "page-end", false), button("yes", "page-go-on", true)),
        Asking::Consent { .. } => pair(button("deny", "page-deny", false), button("allow", "page-allow", true)),
        Asking::Preview => pair(button("keep", "page-keep", false), button("send", "page-send", true)),
        Asking::Sign => html! {
            fieldset.stars {
                legend { (words.say("page-stars", &[])) }
                @for stars in 1..=5_u8 {
                    label.box { input type="radio" name="stars" value=(stars); (words.say("page-star", &[("count", &stars)])) }
                }
            }
            label for="comment" { (words.say("page-comment", &[])) }
            textarea id="comment" name="comment" maxlength=(FIELD) {}
            (pair(button("not-now", "page-not-now", false), button("sign", "page-sign", true)))
        },
        Asking::Free => html! {
            input name="text" type="text" maxlength=(FIELD) aria-labelledby="asked" autocomplete="off";
            p { (button("say", "page-say-send", false)) }
        },
    }
}

/// The sentences of a question, in their order.
fn laid_out(sheet: &Sheet, kind: Asking, time: Option<Option<u32>>, words: &Words) -> Markup {
    let default = if let Asking::Consent { minutes, .. } = kind { minutes } else { None };
    let boxes = sheet.blocks.iter().any(|block| matches!(block, Block::Entry(entry) if entry.number.is_some()));
    let timed = sheet.offers_times();
    let listed = |block: &Block| matches!(block, Block::Line { text, .. } if text.starts_with("- "));
    let mut rows: Vec<Markup> = Vec::new();
    let mut blocks = sheet.blocks.iter().peekable();
    while let Some(block) = blocks.next() {
        rows.push(match block {
            // A title stands above the form.
            Block::Blank | Block::Hint(_) | Block::Title(_) => continue,
            // The buttons say it.
            Block::Asks(_) if timed => continue,
            Block::Heading(text) => html! { h3 { (text) } },
            Block::Line { text, .. } if listed(block) => {
                let mut points = vec![text];
                while let Some(Block::Line { text, .. }) = blocks.next_if(|next| listed(next)) {
                    points.push(text);
                }
                html! { ul { @for point in points { li { (point.trim_start_matches("- ")) } } } }
            }
            Block::Line { depth, text } => html! { p class=(format!("d{depth}")) { (text) } },
            Block::Quote(text) => html! { blockquote { p { (text) } } },
            Block::Entry(entry) => self::entry(entry, words),
            Block::Report(brought) => self::brought(brought, words),
            Block::Times(_) => times(time.unwrap_or(default), words),
            Block::Asks(text) => html! { p { strong { (text) } } },
        });
    }
    html! {
        @for row in rows { (row) }
        @if boxes {
            p.row {
                // With a script, ticking is enough.
                button.scriptless type="submit" name="do" value="tick" data-auto { (words.say("page-tick", &[])) } " "
                button type="submit" name="do" value="all" { (words.say("page-tick-all", &[])) }
            }
        }
    }
}

/// What a run brought, findings first, the worst on top.
fn brought(brought: &Brought, words: &Words) -> Markup {
    let Brought { item, report, .. } = brought;
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_key(|finding| finding.severity);
    html! {
        div.brought {
            h3 { (words.of(&item.title)) }
            @for found in findings { (finding(found, None, words)) }
            (venia_ui::page::report(Some(item), report, words))
        }
    }
}

fn entry(entry: &Entry, words: &Words) -> Markup {
    let risk = match entry.risk {
        Risk::Reads => "risk reads",
        Risk::Personal => "risk personal",
        Risk::Changes => "risk changes",
    };
    html! {
        @if let Some(number) = entry.number {
            label.box {
                input type="checkbox" name="box" value=(number) checked[entry.ticked];
                span class=(risk) { (entry.title) }
            }
            @if entry.ticked { input type="hidden" name="was" value=(number); }
        } @else {
            p class=(risk) { (entry.title) }
        }
        // With which values, and whose it is, is never folded away. (SECURITY D3, G5)
        @for detail in &entry.details { p.d2 { (detail) } }
        details {
            summary { (words.say("page-exactly", &[])) }
            p translate="no" { code { (Foreign::new(entry.id.as_str()).visible()) } }
        }
    }
}

fn times(chosen: Option<u32>, words: &Words) -> Markup {
    html! {
        fieldset.stars {
            legend.heard { (words.say("page-time", &[])) }
            @for minutes in TIMES {
                label.box {
                    input type="radio" name="time" value=(minutes) checked[chosen == Some(minutes)];
                    (words.say("page-minutes", &[("minutes", &minutes)]))
                }
            }
            label.box { input type="radio" name="time" value="until-stop" checked[chosen.is_none()]; (words.say("page-until-stop", &[])) }
        }
    }
}
