//! A diagnostic's report on a page: figures first, then tables. Findings stand apart, because a page ranks those of several
//! reports together.
//!
//! Labels come from the item's definition in the reader's language; every value and every evidence line came from a
//! machine that may be hostile and goes through `Foreign::visible`. (SECURITY D4)

use maud::{Markup, html};
use venia_proto::catalog::Item;
use venia_proto::foreign::Foreign;
use venia_proto::report::{Fact, Finding, Report, Severity, Table, Value};

use crate::report::{column, label, severity_words, title, unit_of};
use crate::units;
use crate::words::Words;

/// Figures and tables; that there is nothing is said too.
pub fn report(item: Option<&Item>, report: &Report, words: &Words) -> Markup {
    html! {
        @if !report.facts.is_empty() { (facts(item, &report.facts, words)) }
        @for filled in &report.tables { (table(item, filled, words)) }
        @if report.facts.is_empty() && report.tables.is_empty() && report.findings.is_empty() {
            p.soft { (words.say("report-empty", &[])) }
        }
    }
}

/// Figures and properties.
pub fn facts(item: Option<&Item>, facts: &[Fact], words: &Words) -> Markup {
    html! {
        dl.facts {
            @for fact in facts {
                dt { (label(item, &fact.key, words)) }
                dd { (units::value(&fact.value, &fact.unit, words)) }
            }
        }
    }
}

/// Rows under their headings; the first cell of a row names it.
pub fn table(item: Option<&Item>, table: &Table, words: &Words) -> Markup {
    let numbers: Vec<bool> = (0..table.columns.len())
        .map(|place| table.rows.iter().all(|row| row.get(place).is_some_and(is_number)) && !table.rows.is_empty())
        .collect();
    let class = |place: usize| if numbers.get(place) == Some(&true) { "n" } else { "" };
    html! {
        div.scroll tabindex="0" role="group" aria-label=(title(item, table, words)) {
            table {
                caption { (title(item, table, words)) }
                thead { tr { @for (place, key) in table.columns.iter().enumerate() {
                    th scope="col" class=(class(place)) { (column(item, table, key, words)) }
                } } }
                tbody { @for row in &table.rows { tr {
                    @for (place, (cell, key)) in row.iter().zip(&table.columns).enumerate() {
                        @let shown = units::value(cell, unit_of(key), words);
                        @if place == 0 { th scope="row" class=(class(place)) { (shown) } }
                        @else { td class=(class(place)) { (shown) } }
                    }
                } } }
            }
        }
        @if let Some(cut) = table.truncated {
            p.soft { (words.say("report-truncated", &[("shown", &cut.shown), ("total", &cut.total)])) }
        }
    }
}

/// One judgement: how bad, what, what it rests on, what to do next. `source`: where it comes from, safe to show.
pub fn finding(found: &Finding, source: Option<&Markup>, words: &Words) -> Markup {
    let visible = |text: &str| Foreign::new(text).visible();
    html! {
        p { (severity(found.severity, words)) " " strong { (visible(words.of(&found.text))) } }
        @if !found.evidence.is_empty() {
            p.soft { (words.say("report-evidence", &[("evidence", &found.evidence)])) }
        }
        @if let Some(source) = source { p.soft { (source) } }
        p { (words.say("report-next", &[("next", &words.of(&found.next))])) }
    }
}

/// A severity by icon, word and colour.
pub fn severity(severity: Severity, words: &Words) -> Markup {
    let class = match severity {
        Severity::Critical => "severity critical",
        Severity::Warning => "severity warning",
        Severity::Unknown => "severity unknown",
        Severity::Ok => "severity ok",
    };
    html! { span class=(class) { (severity_words(severity, words)) } }
}

fn is_number(value: &Value) -> bool {
    match value {
        Value::Integer(_) | Value::Decimal(_) => true,
        Value::Flag(_) | Value::Text(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use venia_proto::catalog::Catalog;
    use venia_proto::ledger::body::{ItemId, Language};
    use venia_proto::report::{Draft, Text, Truncated};

    use super::*;

    const HOSTILE: &str = "</td><script>alert(1)</script>\u{202e}\u{1b}[2J\" onclick=\"x";

    #[test]
    fn d4_what_a_report_holds_is_shown_as_text() {
        let words = Words::new(Language::Es);
        let mut draft = Draft::default();
        draft.fact(HOSTILE, HOSTILE, HOSTILE);
        draft.table(HOSTILE, &[HOSTILE, "size-bytes"], vec![vec![HOSTILE.into(), 1_024i64.into()]]);
        let mut filled = Report { facts: draft.facts, tables: draft.tables, findings: Vec::new() };
        filled.tables[0].truncated = Some(Truncated { shown: 1, total: 2 });
        let text = Text { en: HOSTILE.to_owned(), es: HOSTILE.to_owned() };
        let found = Finding {
            severity: Severity::Critical,
            id: "x".to_owned(),
            text: text.clone(),
            evidence: HOSTILE.to_owned(),
            next: text,
        };
        let page = html! { (report(None, &filled, &words)) (finding(&found, None, &words)) }.into_string();
        assert!(!page.contains("<script") && !page.contains('\u{202e}') && !page.contains('\u{1b}'), "{page}");
        assert!(!page.contains("onclick=\""), "{page}");
        assert!(page.contains("<td class=\"n\">1,0 KiB</td>"), "{page}");
    }

    #[test]
    fn labels_are_those_of_the_definition() {
        let catalog = Catalog::built_in();
        let item = catalog.get(&ItemId("system.memory".to_owned())).unwrap();
        let mut draft = Draft::default();
        draft.fact("total", 16_642_998_272i64, "bytes");
        let told = item.tell(draft);
        let words = Words::new(Language::En);
        let page = report(Some(item), &told, &words).into_string();
        assert!(page.contains(words.of(&item.facts["total"].label)) && page.contains("15.5 GiB"), "{page}");
        assert!(report(Some(item), &Report::default(), &words).into_string().contains("<p"));
    }
}
