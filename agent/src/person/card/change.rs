//! What the card of a change says beyond other cards: exactly what will change, how to undo it, and whether it can be
//! stopped. Pure.
//!
//! Labels are the definition's own; every value came from a worker and is made visible by `ui`. The plan isn't shown: it
//! says the same to a machine.

use venia_proto::catalog::{Change, PLAN, Performer};
use venia_proto::report::{Fact, Table};
use venia_ui::units;
use venia_ui::words::Words;

use super::{Found, Request};
use crate::person::sheet::Block;

/// Rows of one table that a card shows; a longer list isn't read.
const ROWS_MAX: usize = 20;

/// Below *What*: what changes, and how to undo it.
pub(super) fn lines(request: &Request<'_>, words: &Words) -> Vec<Block> {
    let mut lines = Vec::new();
    if let Some(shown) = &request.found {
        lines.push(Block::line(1, words.say("consent-change", &[])));
        let facts = shown.report.facts.iter().filter(|fact| fact.key != PLAN);
        lines.extend(facts.map(|known| Block::line(2, fact(known, shown, words))));
        lines.extend(shown.report.tables.iter().flat_map(|filled| table(filled, shown, words)));
    }
    for change in changes(request) {
        lines.push(Block::line(1, words.say("consent-undo", &[])));
        lines.push(Block::line(2, words.of(&change.undo).to_owned()));
        if change.by == Performer::Administrator {
            lines.push(Block::line(1, words.say("consent-administrator", &[])));
        }
    }
    lines
}

/// Below *How long*: whether it can be stopped.
pub(super) fn time_lines(request: &Request<'_>, words: &Words) -> Vec<Block> {
    let said = |change: &Change| {
        let id = if change.interruptible { "consent-takes" } else { "consent-takes-unstopped" };
        Block::line(1, words.say(id, &[("seconds", &change.seconds)]))
    };
    changes(request).map(said).collect()
}

fn changes<'a>(request: &'a Request<'_>) -> impl Iterator<Item = &'a Change> {
    request.items.iter().filter_map(|covered| covered.item.change.as_ref())
}

fn fact(fact: &Fact, shown: &Found<'_>, words: &Words) -> String {
    let title = shown.preview.facts.get(&fact.key).map_or(fact.key.as_str(), |texts| words.of(&texts.label));
    words.say("consent-value", &[("title", &title), ("value", &units::value(&fact.value, &fact.unit, words))])
}

fn table(table: &Table, shown: &Found<'_>, words: &Words) -> Vec<Block> {
    let Some(texts) = shown.preview.tables.get(&table.title).filter(|_| !table.rows.is_empty()) else {
        return Vec::new();
    };
    let mut lines = vec![Block::line(2, format!("{}:", words.of(&texts.title)))];
    for row in table.rows.iter().take(ROWS_MAX) {
        let cells = row.iter().zip(&texts.columns).map(|(cell, column)| {
            let value = units::value(cell, unit_of(&column.key), words);
            words.say("consent-value", &[("title", &words.of(&column.label)), ("value", &value)])
        });
        lines.push(Block::line(3, format!("- {}", cells.collect::<Vec<_>>().join("; "))));
    }
    let total = table.truncated.map_or(table.rows.len() as u64, |cut| cut.total);
    let more = total.saturating_sub(table.rows.len().min(ROWS_MAX) as u64);
    if more > 0 {
        lines.push(Block::line(3, words.say("consent-more", &[("count", &more)])));
    }
    lines
}

/// As in reports, the last word of a column's key says its unit.
fn unit_of(column: &str) -> &'static str {
    if column == "bytes" || column.ends_with("-bytes") { "bytes" } else { "" }
}
