//! The form that chooses sessions: an ordinary GET, so that a page's address can be kept and sent.

use maud::{Markup, html};
use venia_proto::foreign::Foreign;
use venia_proto::ledger::kind::{Cause, KindName};

use super::Sheet;
use crate::audit::telling::{kind, word};
use crate::auditing::asked::{Asked, period};
use crate::cli::{Filters, Period};

/// What is done with the sessions that are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auditing) enum Use {
    /// They are listed, or counted.
    Either,
    /// They are counted.
    Counted,
    /// They are saved.
    Saved,
}

/// The form. `path`: where it leads.
pub(in crate::auditing) fn form(sheet: &Sheet<'_>, path: &str, asked: &Asked, wanted: Use) -> Markup {
    let words = sheet.words;
    let text = |name: &str, value: Option<&str>| {
        let label = words.say("auditing-field", &[("field", &name)]);
        html! {
            div {
                label for=(name) { (label) }
                input id=(name) name=(name) type="text" value=(value.unwrap_or("")) maxlength="200" autocomplete="off" spellcheck="false";
            }
        }
    };
    let date = |name: &str, value: Option<&str>| {
        html! {
            div {
                label for=(name) { (words.say("auditing-field", &[("field", &name)])) }
                input id=(name) name=(name) type="date" value=(value.unwrap_or(""));
            }
        }
    };
    let filters = &asked.filters;
    let by = html! {
        div {
            label for="by" { (words.say("auditing-field", &[("field", &"by")])) }
            select id="by" name="by" {
                @if wanted == Use::Either { option value="" { (sheet.text("auditing-not-counted")) } }
                @for by in [Period::Day, Period::Week, Period::Month] {
                    option value=(period(by)) selected[asked.by == Some(by)] {
                        (words.say("auditing-period", &[("period", &period(by))]))
                    }
                }
            }
        }
    };
    let kinds = html! {
        div {
            label for="kind" { (words.say("auditing-field", &[("field", &"kind")])) }
            select id="kind" name="kind" {
                option value="" { (sheet.text("auditing-any")) }
                @for name in KindName::ALL {
                    option value=(name) selected[filters.kind == Some(name)] { (kind(name, words)) }
                }
            }
        }
    };
    let Filters { technician, agent, kind: of_kind, item, outcome, from, to } = filters;
    // What is asked for mustn't be folded away.
    let more = of_kind.is_some() || [technician, agent, item, outcome].into_iter().any(Option::is_some);
    html! {
        // Whatever goes on meanwhile, this form only leads to another address.
        form method="get" action=(path) data-plain role="search" aria-label=(sheet.text("auditing-choose")) {
            label for="word" { (words.say("auditing-field", &[("field", &"word")])) }
            input id="word" name="word" type="search" value=(asked.words) autocomplete="off" spellcheck="false";
            div.columns {
                (date("from", from.as_deref()))
                (date("to", to.as_deref()))
                @match wanted {
                    Use::Either | Use::Counted => (by),
                    Use::Saved => {}
                }
            }
            details open[more] {
                summary { (sheet.text("auditing-more")) }
                div.columns {
                    (text("technician", technician.as_deref()))
                    (text("agent", agent.as_deref()))
                    (kinds)
                    (text("item", item.as_deref()))
                    (causes(sheet, outcome.as_ref()))
                }
            }
            p {
                button.main type="submit" { (sheet.text("auditing-look")) } " "
                a.button href=(path) { (sheet.text("auditing-all")) }
            }
        }
    }
}

fn causes(sheet: &Sheet<'_>, outcome: Option<&String>) -> Markup {
    let words = sheet.words;
    let known = Cause::ALL.map(|cause| word(&cause));
    html! {
        div {
            label for="outcome" { (words.say("auditing-field", &[("field", &"outcome")])) }
            select id="outcome" name="outcome" {
                option value="" { (sheet.text("auditing-any")) }
                @for cause in &known {
                    option value=(cause) selected[outcome == Some(cause)] {
                        (words.say("auditing-cause", &[("cause", cause)]))
                    }
                }
                @if let Some(other) = outcome.filter(|other| !known.contains(other)) {
                    option value=(other) selected { (Foreign::new(other.as_str()).visible()) }
                }
            }
        }
    }
}
