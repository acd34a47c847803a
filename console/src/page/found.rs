//! What was found: the likely cause on top, then every finding, the worst first, then each report behind its title.

use maud::{Markup, html};
use venia_proto::catalog::Likely;
use venia_proto::ledger::verify::Finding as Verdict;
use venia_proto::report::{Finding, Severity};
use venia_ui::page::{finding, report};
use venia_ui::words::Words;

use super::session::{Came, Session};
use super::show::Look;
use crate::voice::Ended;

/// Causes and findings.
pub(super) fn found(session: &Session, look: &Look<'_>) -> Markup {
    let newest = session.newest();
    let mut ranked: Vec<(&Came, &Finding)> =
        newest.iter().flat_map(|came| came.report.findings.iter().map(move |found| (*came, found))).collect();
    let read = session.read();
    let diagnosis = session.goal.as_ref().map(|goal| (goal, goal.diagnose(&read)));
    match &diagnosis {
        // The goal knows which findings matter most to it; others come after those of the same severity.
        Some((_, diagnosis)) => {
            let place = |came: &Came, one: &Finding| {
                diagnosis.findings.iter().position(|known| *known.item == came.item && known.finding == one)
            };
            ranked.sort_by_key(|(came, one)| (one.severity, place(came, one).unwrap_or(usize::MAX)));
        }
        None => ranked.sort_by_key(|(_, one)| one.severity),
    }
    let (fine, bad): (Vec<_>, Vec<_>) = ranked.into_iter().partition(|(_, one)| one.severity == Severity::Ok);
    html! {
        h2 { (look.said("open-found")) }
        @if let Some((goal, diagnosis)) = &diagnosis {
            @if !read.is_empty() { (causes(look.scene.words.of(&goal.title), &diagnosis.causes, look)) }
            @if !session.missing.is_empty() {
                @let titles = session.missing.iter().map(|item| look.title(item)).collect::<Vec<_>>().join("; ");
                p.soft { (look.scene.words.say("console-goal-missing", &[("items", &titles)])) }
            }
        }
        @if bad.is_empty() && fine.is_empty() { p.soft { (look.said("open-found-nothing")) } }
        @if !bad.is_empty() { ul.found { @for (came, one) in bad { li { (one_of(came, one, look)) } } } }
        @if !fine.is_empty() {
            details id="fine" {
                summary { (look.scene.words.say("open-found-fine", &[("count", &fine.len())])) }
                ul.found { @for (came, one) in fine { li { (one_of(came, one, look)) } } }
            }
        }
    }
}

fn causes(goal: &str, causes: &[Likely<'_>], look: &Look<'_>) -> Markup {
    let words = &look.scene.words;
    html! {
        div.note {
            h3 { (words.say("console-goal-title", &[("goal", &goal)])) }
            @for (place, Likely { cause, evidence }) in causes.iter().enumerate() {
                @let id = if place == 0 { "console-goal-cause" } else { "console-goal-also" };
                p { strong { (words.say(id, &[("cause", &words.of(&cause.text))])) } }
                p { (words.say("report-next", &[("next", &words.of(&cause.next))])) }
                @if let Some(first) = evidence.first() {
                    p.soft { (words.say("open-cause-why", &[("item", &look.title(first.item))])) }
                }
            }
            @if causes.is_empty() { p { (words.say("console-goal-no-cause", &[])) } }
        }
    }
}

fn one_of(came: &Came, one: &Finding, look: &Look<'_>) -> Markup {
    let source = html! {
        a href=(format!("#in-r{}", came.number)) { (look.title(&came.item)) } " · " time { (came.at.clock) }
    };
    finding(one, Some(&source), &look.scene.words)
}

/// Every report behind its title, the newest first.
pub(super) fn reports(session: &Session, look: &Look<'_>) -> Markup {
    let words = &look.scene.words;
    html! {
        @if !session.reports.is_empty() {
            h2 { (look.said("open-reports")) }
            @for came in session.reports.iter().rev() {
                details id=(format!("r{}", came.number)) {
                    summary { span { (look.title(&came.item)) " · " time { (came.at.clock) } } }
                    // A link to something inside opens it.
                    div id=(format!("in-r{}", came.number)) {}
                    @if let Some(entry) = came.entry { p.soft { (words.say("open-entry", &[("entry", &entry)])) } }
                    (report(look.scene.catalog.get(&came.item), &came.report, words))
                }
            }
        }
    }
}

/// What the record is worth.
pub(super) fn verdict(ended: &Ended, words: &Words) -> String {
    let id = match ended.verdict {
        _ if ended.trails => "console-not-witnessed",
        Some(Verdict::Intact) => "open-verdict-intact",
        Some(Verdict::SelfConsistent) => "open-verdict-self-consistent",
        Some(Verdict::Unclosed) => "open-verdict-unclosed",
        Some(Verdict::Broken) => "open-verdict-broken",
        None => "open-verdict-none",
    };
    words.say(id, &[])
}
