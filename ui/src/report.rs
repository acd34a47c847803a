//! A diagnostic's report as text: findings first, the worst on top, then figures, then tables.
//!
//! Labels come from the item's definition in the reader's language; every value and every evidence line came from a
//! machine that may be hostile and goes through [`Foreign::visible`].

use comfy_table::{ContentArrangement, Table as Grid, presets};
use venia_proto::catalog::Item;
use venia_proto::foreign::Foreign;
use venia_proto::report::{Fact, Finding, Report, Severity, Table};

use crate::terminal::{Ink, Style};
use crate::units;
use crate::words::Words;

/// The whole report, each line ended. Plain text unless the style has colour.
pub fn render(item: &Item, report: &Report, words: &Words, style: Style) -> String {
    let mut blocks: Vec<String> = vec![style.ink(Ink::Strong, words.of(&item.title)) + "\n"];
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_key(|finding| finding.severity);
    blocks.extend(findings.into_iter().map(|found| finding(found, words, style)));
    if !report.facts.is_empty() {
        blocks.push(facts(item, &report.facts, words, style));
    }
    blocks.extend(report.tables.iter().map(|filled| table(item, filled, words, style)));
    if report.findings.is_empty() && report.facts.is_empty() && report.tables.is_empty() {
        blocks.push(format!("  {}\n", words.say("report-empty", &[])));
    }
    blocks.concat()
}

/// A severity by icon and word, in its colour.
pub fn severity(severity: Severity, words: &Words, style: Style) -> String {
    let ink = match severity {
        Severity::Critical => Ink::Bad,
        Severity::Warning => Ink::Warn,
        Severity::Unknown => Ink::Faint,
        Severity::Ok => Ink::Good,
    };
    style.ink(ink, &severity_words(severity, words))
}

/// A severity by icon and word.
pub fn severity_words(severity: Severity, words: &Words) -> String {
    let (icon, id) = match severity {
        Severity::Critical => ("✖", "severity-critical"),
        Severity::Warning => ("▲", "severity-warning"),
        Severity::Unknown => ("?", "severity-unknown"),
        Severity::Ok => ("✔", "severity-ok"),
    };
    format!("{icon} {}", words.say(id, &[]))
}

fn finding(finding: &Finding, words: &Words, style: Style) -> String {
    let visible = |text: &str| Foreign::new(text).visible();
    let mut lines = format!("  {}  {}\n", severity(finding.severity, words, style), visible(words.of(&finding.text)));
    if !finding.evidence.is_empty() {
        let line = words.say("report-evidence", &[("evidence", &finding.evidence)]);
        lines.push_str(&format!("      {}\n", style.ink(Ink::Faint, &line)));
    }
    lines.push_str(&format!("      {}\n", words.say("report-next", &[("next", &words.of(&finding.next))])));
    lines
}

fn facts(item: &Item, facts: &[Fact], words: &Words, style: Style) -> String {
    let mut grid = grid(style);
    for fact in facts {
        grid.add_row([label(Some(item), &fact.key, words), units::value(&fact.value, &fact.unit, words)]);
    }
    indented(&grid)
}

/// A fact's label. Without its definition, or with a newer one than ours, the key is better than nothing.
pub fn label(item: Option<&Item>, key: &str, words: &Words) -> String {
    let text = item.and_then(|item| item.facts.get(key));
    text.map_or_else(|| Foreign::new(key).visible(), |text| words.of(&text.label).to_owned())
}

/// A table's title; without its definition, its key.
pub fn title(item: Option<&Item>, table: &Table, words: &Words) -> String {
    let texts = item.and_then(|item| item.tables.get(&table.title));
    texts.map_or_else(|| Foreign::new(table.title.as_str()).visible(), |texts| words.of(&texts.title).to_owned())
}

/// The label of a table's column; without its definition, its key.
pub fn column(item: Option<&Item>, table: &Table, key: &str, words: &Words) -> String {
    let texts = item.and_then(|item| item.tables.get(&table.title));
    texts
        .and_then(|texts| texts.columns.iter().find(|column| column.key == key))
        .map_or_else(|| Foreign::new(key).visible(), |column| words.of(&column.label).to_owned())
}

fn table(item: &Item, table: &Table, words: &Words, style: Style) -> String {
    let title = title(Some(item), table, words);
    let mut grid = grid(style);
    grid.set_header(table.columns.iter().map(|key| column(Some(item), table, key, words)));
    for row in &table.rows {
        grid.add_row(row.iter().zip(&table.columns).map(|(cell, key)| units::value(cell, unit_of(key), words)));
    }
    let mut block = format!("  {}\n{}", style.ink(Ink::Strong, &title), indented(&grid));
    if let Some(cut) = table.truncated {
        let line = words.say("report-truncated", &[("shown", &cut.shown), ("total", &cut.total)]);
        block.push_str(&format!("    {line}\n"));
    }
    block
}

/// A column has no unit of its own; the last word of its key says it.
pub fn unit_of(column: &str) -> &'static str {
    match column.rsplit('-').next().unwrap_or("") {
        "bytes" => "bytes",
        "seconds" => "s",
        "percent" => "%",
        "celsius" => "°C",
        _ => "",
    }
}

fn grid(style: Style) -> Grid {
    let mut grid = Grid::new();
    grid.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    grid.set_width(style.width.saturating_sub(4).max(20));
    grid
}

fn indented(grid: &Grid) -> String {
    grid.lines().map(|line| format!("   {}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests;
