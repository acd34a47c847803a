//! The form that chooses sessions: an ordinary GET, so that a page's address can be kept and sent.

use maud::{Markup, html};
use venia_proto::ledger::kind::{Cause, KindName};

use super::Sheet;
use crate::audit::telling::{kind, word};
use crate::auditing::asked::{Asked, period};
use crate::cli::Period;

/// Every cause a session can end for.
const CAUSES: [Cause; 14] = [
    Cause::Done,
    Cause::Person,
    Cause::Technician,
    Cause::Expiry,
    Cause::Silence,
    Cause::NoEyes,
    Cause::Sleep,
    Cause::Lock,
    Cause::RelayLost,
    Cause::RelayWithholds,
    Cause::Revoked,
    Cause::Misbehaviour,
    Cause::Crash,
    Cause::Disk,
];

/// The form. `path`: where it leads; `whole`: whether sessions may be listed instead of counted.
pub(in crate::auditing) fn form(sheet: &Sheet<'_>, path: &str, asked: &Asked, whole: bool) -> Markup {
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
    html! {
        // Whatever goes on meanwhile, this form only leads to another address.
        form method="get" action=(path) data-plain role="search" aria-label=(sheet.text("auditing-choose")) {
            label for="word" { (words.say("auditing-field", &[("field", &"word")])) }
            input id="word" name="word" type="search" value=(asked.words) autocomplete="off" spellcheck="false";
            div.columns {
                (date("from", filters.from.as_deref()))
                (date("to", filters.to.as_deref()))
                (text("technician", filters.technician.as_deref()))
                (text("agent", filters.agent.as_deref()))
                div {
                    label for="kind" { (words.say("auditing-field", &[("field", &"kind")])) }
                    select id="kind" name="kind" {
                        option value="" { (sheet.text("auditing-any")) }
                        @for name in KindName::ALL {
                            option value=(name) selected[filters.kind == Some(name)] { (kind(name, words)) }
                        }
                    }
                }
                (text("item", filters.item.as_deref()))
                div {
                    label for="outcome" { (words.say("auditing-field", &[("field", &"outcome")])) }
                    select id="outcome" name="outcome" {
                        option value="" { (sheet.text("auditing-any")) }
                        @for cause in CAUSES.map(|cause| word(&cause)) {
                            option value=(cause) selected[filters.outcome.as_ref() == Some(&cause)] {
                                (words.say("auditing-cause", &[("cause", &cause)]))
                            }
                        }
                        @if let Some(other) = filters.outcome.as_ref().filter(|other| !CAUSES.iter().any(|cause| word(cause) == **other)) {
                            option value=(other) selected { (venia_proto::foreign::Foreign::new(other.as_str()).visible()) }
                        }
                    }
                }
                div {
                    label for="by" { (words.say("auditing-field", &[("field", &"by")])) }
                    select id="by" name="by" {
                        @if whole { option value="" { (sheet.text("auditing-not-counted")) } }
                        @for by in [Period::Day, Period::Week, Period::Month] {
                            option value=(period(by)) selected[asked.by == Some(by)] {
                                (words.say("auditing-period", &[("period", &period(by))]))
                            }
                        }
                    }
                }
            }
            p {
                button.main type="submit" { (sheet.text("auditing-look")) } " "
                a.button href=(path) { (sheet.text("auditing-all")) }
            }
        }
    }
}
