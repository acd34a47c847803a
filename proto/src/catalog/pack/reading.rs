//! How the lines a program answers become a report. Pure and total: any text may come.
//!
//! Three shapes, no expressions: lines, columns, and `key=value` pairs; and a list of what makes a finding. Whoever needs
//! more needs an item of ours.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Judgement;
use crate::catalog::Item;
use crate::report::{Draft, Value};

/// Most lines that are read.
pub const LINES_MAX: usize = 2_000;
/// Most findings of one judgement; the table has the rest.
const FINDINGS_MAX: usize = 5;

/// How an answer is read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// The shape of the lines.
    pub shape: Shape,
    /// What makes a finding; all that hold are made.
    pub judgements: Vec<Judgement>,
}

/// The shape of the lines.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Shape {
    /// Each line is a row of one cell.
    Lines {
        /// The table.
        table: String,
    },
    /// Each line is a row: words with blanks between; the last column takes the rest.
    Columns {
        /// The table.
        table: String,
        /// Lines to pass over first.
        skip: usize,
    },
    /// `key=value` or `key: value` lines; those that are named become facts.
    Pairs {
        /// Which key becomes which fact.
        facts: BTreeMap<String, String>,
    },
}

/// What must be so for a finding.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum When {
    /// The program isn't here, was too slow or said that it failed. Every item has such a finding.
    Silent,
    /// It answered, and no other judgement but of this kind holds.
    Otherwise,
    /// There is a row.
    Rows,
    /// A cell of this column, or the fact, has exactly this text.
    Is {
        /// Key of a column or a fact.
        key: String,
        /// The text.
        text: String,
    },
    /// A cell of this column, or the fact, is a number above this.
    Above {
        /// Key of a column or a fact.
        key: String,
        /// The number.
        number: i64,
    },
}

impl Reading {
    /// What is wrong with it, for this item.
    pub(super) fn broken_rule(&self, item: &Item) -> Option<&'static str> {
        let declared = match &self.shape {
            Shape::Lines { table } => item.tables.get(table).is_some_and(|table| table.columns.len() == 1),
            Shape::Columns { table, skip } => item.tables.contains_key(table) && *skip <= 10,
            Shape::Pairs { facts } => !facts.is_empty() && facts.values().all(|fact| item.facts.contains_key(fact)),
        };
        let is_key = |key: &str| match &self.shape {
            Shape::Lines { table } | Shape::Columns { table, .. } => {
                item.tables.get(table).is_some_and(|table| table.columns.iter().any(|column| column.key == key))
            }
            Shape::Pairs { facts } => facts.values().any(|fact| fact == key),
        };
        let keys = self.judgements.iter().filter_map(|judgement| judgement.when.key());
        let has = |when: &When| self.judgements.iter().any(|judgement| judgement.when == *when);
        // A sentence of a pack has no holes: nothing a program answers becomes a part of it.
        let holes = |judgement: &Judgement| {
            let texts = item.findings.get(&judgement.finding);
            texts.is_none_or(|texts| {
                [&texts.text.en, &texts.text.es, &texts.next.en, &texts.next.es].iter().any(|text| text.contains('{'))
            })
        };
        if !declared {
            Some("what is read is declared in the definition")
        } else if !keys.into_iter().all(is_key) {
            Some("a judgement names a column or a fact")
        } else if self.judgements.iter().any(holes) {
            Some("a judgement names a declared finding, whose texts have no holes")
        } else if !has(&When::Silent) || !has(&When::Otherwise) {
            Some("there is a finding for silence and one for everything else")
        } else {
            None
        }
    }

    /// The report of an answer; `None` if there was none, or the program said that it failed. `said` is the evidence then.
    pub fn read(&self, item: &Item, answer: Option<&str>, said: &str) -> Draft {
        let mut draft = Draft::default();
        let Some(answer) = answer else {
            self.judge(&mut draft, |when| (*when == When::Silent).then(|| vec![said.to_owned()]));
            return draft;
        };
        let rows = self.fill(item, answer, &mut draft);
        let mut found = 0;
        let holds = |when: &When| match when {
            When::Silent | When::Otherwise => None,
            When::Rows => Some(rows.iter().map(|row| line(row)).collect()),
            When::Is { key, text } => Some(matching(&rows, key, |cell| cell == text)),
            When::Above { key, number } => Some(matching(&rows, key, |cell| {
                cell.trim_end_matches('%').parse::<f64>().is_ok_and(|n| n > *number as f64)
            })),
        };
        self.judge(&mut draft, |when| holds(when).filter(|evidence| !evidence.is_empty()).inspect(|_| found += 1));
        if found == 0 {
            self.judge(&mut draft, |when| {
                (*when == When::Otherwise).then(|| vec![format!("{} lines", answer.lines().count())])
            });
        }
        draft
    }

    fn judge(&self, draft: &mut Draft, mut evidence: impl FnMut(&When) -> Option<Vec<String>>) {
        for judgement in &self.judgements {
            for evidence in evidence(&judgement.when).into_iter().flatten().take(FINDINGS_MAX) {
                draft.finding(judgement.severity, &judgement.finding, &[], evidence);
            }
        }
    }

    /// Fills the table or the facts; gives them back as rows of key and text.
    fn fill(&self, item: &Item, answer: &str, draft: &mut Draft) -> Vec<Vec<(String, String)>> {
        let lines = answer.lines().take(LINES_MAX);
        match &self.shape {
            Shape::Lines { table } => {
                let rows =
                    lines.filter(|line| !line.trim().is_empty()).map(|line| vec![line.trim().to_owned()]).collect();
                tabled(item, table, rows, draft)
            }
            Shape::Columns { table, skip } => {
                let count = item.tables.get(table).map_or(1, |table| table.columns.len());
                let rows =
                    lines.skip(*skip).filter(|line| !line.trim().is_empty()).map(|line| words(line, count)).collect();
                tabled(item, table, rows, draft)
            }
            Shape::Pairs { facts } => {
                let pairs: Vec<(String, String)> = lines
                    .filter_map(|line| line.split_once('=').or_else(|| line.split_once(": ")))
                    .filter_map(|(key, value)| Some((facts.get(key.trim())?.clone(), value.trim().to_owned())))
                    .collect();
                for (fact, value) in &pairs {
                    let kind = item.facts.get(fact).map(|fact| fact.kind).unwrap_or_default();
                    draft.fact(fact, typed(kind, value), "");
                }
                pairs.into_iter().map(|pair| vec![pair]).collect()
            }
        }
    }
}

impl When {
    fn key(&self) -> Option<&str> {
        match self {
            Self::Silent | Self::Otherwise | Self::Rows => None,
            Self::Is { key, .. } | Self::Above { key, .. } => Some(key),
        }
    }
}

fn tabled(item: &Item, table: &str, rows: Vec<Vec<String>>, draft: &mut Draft) -> Vec<Vec<(String, String)>> {
    let Some(texts) = item.tables.get(table) else { return Vec::new() };
    let keys: Vec<&str> = texts.columns.iter().map(|column| column.key.as_str()).collect();
    let cells =
        |row: &Vec<String>| row.iter().zip(&texts.columns).map(|(cell, column)| typed(column.kind, cell)).collect();
    draft.table(table, &keys, rows.iter().map(cells).collect());
    rows.into_iter().map(|row| keys.iter().map(|key| (*key).to_owned()).zip(row).collect()).collect()
}

/// The words of a line as so many cells; missing ones are empty.
fn words(line: &str, count: usize) -> Vec<String> {
    let mut rest = line.trim();
    let mut cells = Vec::with_capacity(count);
    while cells.len() + 1 < count {
        let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        cells.push(word.to_owned());
        rest = after.trim_start();
    }
    cells.push(rest.to_owned());
    cells
}

/// A text as a value of that kind; what isn't of it is empty, which means unknown.
fn typed(kind: crate::catalog::Kind, text: &str) -> Value {
    match kind {
        crate::catalog::Kind::Number => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(number), _) => number.into(),
            (Err(_), Ok(number)) if number.is_finite() => number.into(),
            (Err(_), _) => "".into(),
        },
        crate::catalog::Kind::Flag => match text {
            "yes" | "true" | "1" => true.into(),
            "no" | "false" | "0" => false.into(),
            _ => "".into(),
        },
        crate::catalog::Kind::Word
        | crate::catalog::Kind::Text
        | crate::catalog::Kind::User
        | crate::catalog::Kind::Host
        | crate::catalog::Kind::Address
        | crate::catalog::Kind::Mac
        | crate::catalog::Kind::Serial => text.into(),
    }
}

fn matching(rows: &[Vec<(String, String)>], key: &str, fits: impl Fn(&str) -> bool) -> Vec<String> {
    let holds = |row: &&Vec<(String, String)>| row.iter().any(|(name, cell)| name == key && fits(cell));
    rows.iter().filter(holds).map(|row| line(row)).collect()
}

fn line(row: &[(String, String)]) -> String {
    row.iter().map(|(_, cell)| cell.as_str()).collect::<Vec<_>>().join(" ")
}
