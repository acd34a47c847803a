//! The upper half of the page, what it was about: who, when, the fault, what came of it, the computer, the findings.

use venia_proto::catalog::{Catalog, Item};
use venia_proto::foreign::Foreign;
use venia_proto::ledger::kind::{KindName, Verified};
use venia_proto::report::{Finding, Report, Severity, Table};

use super::markup::{Column, heading, list, moment, number, soft, subheading, table};
use crate::ending::ending;
use crate::report::{label, unit_of};
use crate::story::{Helper, Ran, Story};
use crate::units;
use crate::words::Words;

/// Most rows of a table on the page; the record holds all.
const ROWS_MAX: usize = 8;
/// A clock that is off by less, in milliseconds, isn't worth a word.
const SKEW_MS: u64 = 120_000;

/// Where a check's figures belong on the page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    Computer,
    Peripherals,
}

/// Words somebody wrote, between quotation marks; or why there are none.
pub(super) fn quoted(text: Option<&Foreign>, hidden: bool, words: &Words) -> String {
    match text {
        Some(text) => words.say("receipt-quote", &[("text", text)]),
        None if hidden => words.say("receipt-part-withheld", &[]),
        None => words.say("receipt-not-given", &[]),
    }
}

pub(super) fn time(ms: i64, words: &Words) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
    let seconds = ms as f64 / 1_000.0;
    units::duration(seconds, words.language())
}

/// Name and level, as their member note has it; else their key.
pub(super) fn named(helper: &Helper, story: &Story, words: &Words) -> String {
    match &helper.member {
        Some((name, level)) => {
            words.say("receipt-helper", &[("name", name), ("organisation", &story.organisation), ("level", level)])
        }
        None => words.say("receipt-helper-unknown", &[("key", &helper.key)]),
    }
}

/// The sheet's head.
pub(super) fn session(story: &Story, words: &Words) -> String {
    let hidden = story.hidden.contains(&KindName::Open);
    let mut rows = vec![
        (words.say("receipt-called", &[]), quoted(story.called.as_ref(), hidden, words)),
        (words.say("receipt-date", &[]), moment(story.opened).split(' ').next().unwrap_or("").to_owned()),
    ];
    if story.helpers.is_empty() {
        rows.push((words.say("receipt-recipient", &[]), words.say("receipt-nobody", &[])));
    }
    for helper in &story.helpers {
        let how = match helper.verified {
            Verified::Code => words.say("receipt-verified-code", &[]),
            Verified::Compared => words.say("receipt-verified-compared", &[]),
            Verified::Organisation => words.say("receipt-verified-organisation", &[]),
        };
        rows.push((words.say("receipt-recipient", &[]), named(helper, story, words)));
        rows.push((words.say("receipt-verified", &[]), how));
        let hidden = story.hidden.contains(&KindName::Join);
        rows.push((words.say("receipt-reason", &[]), quoted(helper.reason.as_ref(), hidden, words)));
    }
    rows.push((words.say("receipt-since", &[]), quoted(story.since.as_ref(), hidden, words)));
    rows.push((words.say("receipt-about", &[]), quoted(story.about.as_ref(), hidden, words)));
    rows.push((words.say("receipt-opened", &[]), moment(story.opened)));
    match story.closed {
        Some((at, cause)) => {
            rows.push((words.say("receipt-closed", &[]), moment(at)));
            let lasted = at.ms().saturating_sub(story.opened.ms());
            rows.push((words.say("receipt-lasted", &[]), time(lasted, words)));
            rows.push((words.say("receipt-ended-by", &[]), ending(cause, &story.who, words)));
        }
        None => rows.push((words.say("receipt-closed", &[]), words.say("receipt-still-open", &[]))),
    }
    for (level, ms) in story.time_by_level() {
        rows.push((words.say("receipt-level", &[("level", &level)]), time(ms, words)));
    }
    rows.push((words.say("receipt-session", &[]), story.session.to_string()));
    let mut html = list(&rows);
    if let Some(skew) = story.skew_ms.filter(|skew| skew.unsigned_abs() >= SKEW_MS) {
        html.push_str(&soft(&words.say("receipt-clock", &[("time", &time(skew.saturating_abs(), words))])));
    }
    html
}

/// What came of it, and what everybody saw besides.
pub(super) fn outcome(story: &Story, words: &Words) -> String {
    let signed = story.helpers.iter().any(|helper| helper.signed.is_some());
    let hidden = signed && story.hidden.contains(&KindName::Signoff);
    let mut rows = vec![
        (words.say("receipt-outcome", &[]), quoted(story.outcome.as_ref(), hidden, words)),
        (words.say("receipt-next", &[]), quoted(story.next.as_ref(), hidden, words)),
        (words.say("receipt-observations", &[]), quoted(story.observations.as_ref(), hidden, words)),
    ];
    for note in &story.notes {
        let label = words.say("receipt-note", &[("entry", &number(note.entry)), ("by", &note.by.to_string())]);
        rows.push((label, quoted(note.text.as_ref(), true, words)));
    }
    if story.chats > 0 {
        rows.push((words.say("receipt-chats", &[]), story.chats.to_string()));
    }
    heading(&words.say("receipt-outcome-heading", &[])) + &list(&rows)
}

/// General data of the computer and of what is connected to it, from the checks that ran.
pub(super) fn computer(story: &Story, words: &Words, catalog: &Catalog) -> String {
    let mut html = String::new();
    for (which, title) in [
        (Subject::Computer, words.say("receipt-computer", &[])),
        (Subject::Peripherals, words.say("receipt-peripherals", &[])),
    ] {
        html.push_str(&heading(&title));
        let mut nothing = true;
        // Of a check that ran twice, the newest answer.
        for (n, ran) in story.ran.iter().enumerate() {
            let of = |ran: &Ran| ran.item.as_ref().map(|(id, _)| id.clone());
            let again = || story.ran.iter().skip(n + 1).any(|later| later.report.is_some() && of(later) == of(ran));
            let (Some(item), Some(report)) = (&ran.item, &ran.report) else { continue };
            if subject(&item.0.0) != Some(which) || again() || (report.facts.is_empty() && report.tables.is_empty()) {
                continue;
            }
            nothing = false;
            html.push_str(&subheading(&Foreign::new(words.of(&ran.title)).visible()));
            html.push_str(&figures(ran.definition(catalog), report, words));
        }
        if nothing {
            html.push_str(&soft(&words.say("receipt-no-data", &[])));
        }
    }
    html
}

/// Every judgement, the worst on top.
pub(super) fn findings(story: &Story, words: &Words) -> String {
    let reports = story.ran.iter().filter_map(|ran| Some((ran.entry, ran.report.as_ref()?)));
    let mut found: Vec<(Severity, usize, &Finding)> = reports
        .flat_map(|(entry, report)| report.findings.iter().map(move |finding| (finding.severity, entry, finding)))
        .collect();
    found.sort_by_key(|(severity, entry, _)| (*severity, *entry));
    let heading = heading(&words.say("receipt-findings", &[]));
    if found.is_empty() {
        return heading + &soft(&words.say("receipt-no-findings", &[]));
    }
    let visible = |text: &str| Foreign::new(text).visible();
    let rows: Vec<Vec<String>> = found
        .into_iter()
        .map(|(severity, entry, finding)| {
            vec![
                severity_of(severity, words),
                visible(words.of(&finding.text)),
                visible(&finding.evidence),
                visible(words.of(&finding.next)),
                number(entry),
            ]
        })
        .collect();
    let head = [
        (words.say("receipt-severity", &[]), Column::Time),
        (words.say("receipt-found", &[]), Column::Text),
        (words.say("receipt-evidence", &[]), Column::Text),
        (words.say("receipt-advice", &[]), Column::Text),
        (words.say("receipt-entry", &[]), Column::Number),
    ];
    heading + &table(&head, &rows)
}

fn severity_of(severity: Severity, words: &Words) -> String {
    crate::report::severity(severity, words, crate::terminal::Style::PLAIN)
}

/// By area and id: what a support logbook asks for, and nothing about programs, ports or accounts.
fn subject(item: &str) -> Option<Subject> {
    match item {
        "system.overview" | "system.memory" | "system.disk-space" | "hardware.cpu" => Some(Subject::Computer),
        "tasks.printing" | "network.interfaces" => Some(Subject::Peripherals),
        other if other.starts_with("hardware.") => Some(Subject::Peripherals),
        _ => None,
    }
}

fn figures(item: Option<&Item>, report: &Report, words: &Words) -> String {
    let facts: Vec<_> = report
        .facts
        .iter()
        .map(|fact| (label(item, &fact.key, words), units::value(&fact.value, &fact.unit, words)))
        .collect();
    let mut html = if facts.is_empty() { String::new() } else { list(&facts) };
    for filled in &report.tables {
        html.push_str(&rows(item, filled, words));
    }
    html
}

fn rows(item: Option<&Item>, filled: &Table, words: &Words) -> String {
    let texts = item.and_then(|item| item.tables.get(&filled.title));
    let head: Vec<_> = filled
        .columns
        .iter()
        .map(|key| {
            let named = texts.and_then(|texts| texts.columns.iter().find(|column| column.key == *key));
            let text =
                named.map_or_else(|| Foreign::new(key.as_str()).visible(), |column| words.of(&column.label).to_owned());
            (text, Column::Text)
        })
        .collect();
    let shown: Vec<Vec<String>> = filled
        .rows
        .iter()
        .take(ROWS_MAX)
        .map(|row| row.iter().zip(&filled.columns).map(|(cell, key)| units::value(cell, unit_of(key), words)).collect())
        .collect();
    let total = filled.truncated.map_or(0, |cut| cut.total).max(filled.rows.len() as u64);
    let mut html = table(&head, &shown);
    if total > shown.len() as u64 {
        html.push_str(&soft(&words.say("report-truncated", &[("shown", &shown.len()), ("total", &total)])));
    }
    html
}
