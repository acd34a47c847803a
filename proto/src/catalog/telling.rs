//! From what a worker returned to what may be recorded, sent and shown.

use std::collections::{BTreeMap, BTreeSet};

use super::item::Item;
use crate::report::{Draft, DraftFinding, Fact, Finding, Report, Table, Text, Truncated, VALUE_MAX, Value};

/// Longest unit of a fact, in bytes.
pub(super) const UNIT_MAX: usize = 16;
/// Longest value in a hole of a sentence, in bytes.
const FILLED_MAX: usize = 256;
/// The same in a sentence that comes from elsewhere, where marks stand for what is private.
const HOLE_MAX: usize = 4 * FILLED_MAX;

impl Item {
    /// Makes a report of what a worker returned: undeclared facts, tables, columns and findings are dropped, long
    /// values cut, tables cut at a row, sentences taken from this definition. A worker that was taken over by the file
    /// it parsed can at most lie about declared values. (SECURITY G4, E1)
    pub fn tell(&self, draft: Draft) -> Report {
        let mut told = BTreeSet::new();
        let mut report = Report {
            facts: draft.facts.into_iter().filter(|fact| self.declares(fact)).collect(),
            tables: draft
                .tables
                .into_iter()
                // Each once: ten thousand of them would take minutes to cut to size, and a stop would wait.
                .filter(|table| told.insert(table.title.clone()))
                .filter_map(|table| self.tell_table(table))
                .collect(),
            findings: draft.findings.into_iter().filter_map(|finding| self.tell_finding(finding)).collect(),
        };
        report.findings.sort_by_key(|finding| finding.severity);
        self.fit(&mut report);
        report
    }

    /// Cuts a report to this item's size; a told one again after something in it grew, for what is private in it was replaced.
    pub fn fit(&self, report: &mut Report) {
        for fact in &mut report.facts {
            shorten(&mut fact.value);
            cut(&mut fact.unit, UNIT_MAX);
        }
        report.tables.iter_mut().flat_map(|table| &mut table.rows).flatten().for_each(shorten);
        report.findings.iter_mut().for_each(|finding| cut(&mut finding.evidence, VALUE_MAX));
        fit(report, self.output_max as usize);
    }

    /// What of a report from somebody else's program this definition stands for, and whether that was all of it. Facts, tables
    /// and findings it doesn't declare are dropped; a sentence that isn't this definition's own, with values in its holes, is
    /// put back to it, and all is as short as an honest agent makes it. A program that was taken over, at the other end of a
    /// session, can at most lie about declared values: it can't say to a technician what to do. (SECURITY G4)
    pub fn vouched(&self, mut report: Report) -> (Report, bool) {
        let mut told = BTreeSet::new();
        let before = report.clone();
        report.facts.retain(|fact| self.declares(fact));
        report.tables = std::mem::take(&mut report.tables)
            .into_iter()
            .filter(|table| told.insert(table.title.clone()))
            .filter_map(|table| self.tell_table(table))
            .collect();
        report.findings.retain(|finding| self.findings.contains_key(&finding.id));
        self.fit(&mut report);
        for finding in &mut report.findings {
            let Some(texts) = self.findings.get(&finding.id) else { continue };
            for (said, own) in [(&mut finding.text, &texts.text), (&mut finding.next, &texts.next)] {
                for (said, own) in [(&mut said.en, &own.en), (&mut said.es, &own.es)] {
                    // What is private may have been taken out of an honest one's literal words too: no fault, then.
                    if !is_filled(own, said) {
                        *said = fill(own, &BTreeMap::new());
                    }
                }
            }
        }
        let evidence =
            |report: &Report| report.findings.iter().map(|finding| finding.evidence.len()).collect::<Vec<_>>();
        let whole =
            (&report.facts, &report.tables, evidence(&report)) == (&before.facts, &before.tables, evidence(&before));
        (report, whole)
    }

    fn declares(&self, fact: &Fact) -> bool {
        self.facts.get(&fact.key).is_some_and(|texts| texts.kind.holds(&fact.value))
    }

    fn tell_table(&self, mut table: Table) -> Option<Table> {
        let texts = self.tables.get(&table.title)?;
        if !table.columns.iter().eq(texts.columns.iter().map(|column| &column.key)) {
            return None;
        }
        let total = table.truncated.map_or(0, |t| t.total).max(table.rows.len() as u64);
        table.rows.retain(|row| {
            row.len() == texts.columns.len()
                && row.iter().zip(&texts.columns).all(|(cell, column)| column.kind.holds(cell))
        });
        table.rows.truncate(texts.rows_max as usize);
        table.rows.iter_mut().flatten().for_each(shorten);
        let shown = table.rows.len() as u64;
        table.truncated = (shown < total).then_some(Truncated { shown, total });
        Some(table)
    }

    fn tell_finding(&self, finding: DraftFinding) -> Option<Finding> {
        let texts = self.findings.get(&finding.id)?;
        let fill = |text: &Text| Text { en: fill(&text.en, &finding.values), es: fill(&text.es, &finding.values) };
        let (text, next) = (fill(&texts.text), fill(&texts.next));
        let mut evidence = finding.evidence;
        cut(&mut evidence, VALUE_MAX);
        Some(Finding { severity: finding.severity, id: finding.id, text, evidence, next })
    }
}

/// Fills `{name}` holes in one pass, so that a value that itself contains a hole stays as it is.
fn fill(template: &str, values: &BTreeMap<String, Value>) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            continue;
        };
        match values.get(name) {
            Some(value) => {
                let mut value = crate::foreign::Foreign::new(value.to_string()).visible();
                cut(&mut value, FILLED_MAX);
                filled.push_str(&value);
            }
            None => filled.push('?'),
        }
        rest = tail;
    }
    filled.push_str(rest);
    filled
}

/// Whether a sentence may have come of this template: its literal parts in order, and no more than a value in each hole.
fn is_filled(template: &str, sentence: &str) -> bool {
    let mut literals = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((_, tail)) = after.split_once('}') else { break };
        literals.push(before);
        rest = tail;
    }
    let holes = literals.len();
    let Some((first, between)) = literals.split_first() else { return sentence == template };
    let Some(mut left) = sentence.strip_prefix(first).and_then(|left| left.strip_suffix(rest)) else { return false };
    let literal = template.len().saturating_sub(2 * holes);
    if sentence.len() > literal + holes * HOLE_MAX {
        return false;
    }
    for part in between {
        let Some((_, after)) = left.split_once(part) else { return false };
        left = after;
    }
    true
}

fn shorten(value: &mut Value) {
    if let Value::Text(text) = value {
        cut(text, VALUE_MAX);
    }
}

/// Cuts at a character so that at most `max` bytes remain.
fn cut(text: &mut String, max: usize) {
    if text.len() > max {
        let end = (0..=max).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
        text.truncate(end);
    }
}

/// Halves the longest table until the report fits; what has no table that could shrink loses its
/// facts and evidence last.
fn fit(report: &mut Report, max: usize) {
    let size = |report: &Report| serde_json::to_vec(report).map_or(usize::MAX, |json| json.len());
    while size(report) > max {
        if let Some(table) =
            report.tables.iter_mut().filter(|table| !table.rows.is_empty()).max_by_key(|t| t.rows.len())
        {
            let total = table.truncated.map_or(table.rows.len() as u64, |t| t.total);
            table.rows.truncate(table.rows.len() / 2);
            table.truncated = Some(Truncated { shown: table.rows.len() as u64, total });
        } else if report.findings.len() > 1 {
            report.findings.truncate(report.findings.len() / 2);
        } else if !report.facts.is_empty() {
            report.facts.truncate(report.facts.len() / 2);
        } else {
            report.findings.clear();
            return;
        }
    }
}

/// As a sentence shows it: whole numbers as they are, decimals with one digit, no quotes.
impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Decimal(number) => write!(f, "{:.1}", number.get()),
            Self::Text(text) => f.write_str(text),
        }
    }
}
