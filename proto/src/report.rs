//! A diagnostic's result as data: facts, tables and findings.
//!
//! Two shapes. A [`Draft`] is what a worker's `judge` returns: ids and values, no sentences. It crosses a pipe from a
//! process that parsed hostile input, so nothing in it is believed: [`crate::catalog::Item::tell`] keeps only what the
//! item's definition declares and adds the definition's own sentences, which gives a [`Report`]: what is recorded,
//! sent and shown. (SECURITY G4)

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Longest encoded report, in bytes of JSON; a worker cuts tables at a row to stay below it. (SECURITY E1)
pub const REPORT_MAX: usize = 960 * 1024;
/// Longest single value, evidence or cell, in bytes.
pub const VALUE_MAX: usize = 4_096;

/// One value of a fact or a cell.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// A measured number.
    Decimal(Decimal),
    /// Anything else; foreign text, shown only through [`crate::foreign::Foreign::visible`].
    Text(String),
}

/// A finite measured number. Compared and hashed by its bits, so that session machines that carry reports stay `Eq`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Decimal(f64);

impl Decimal {
    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Decimal {}

impl std::hash::Hash for Decimal {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// How bad a finding is. Ordered: the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Likely the cause, or data at risk.
    Critical,
    /// Worth a look.
    Warning,
    /// This PC can't tell, and the finding says why.
    Unknown,
    /// Looked at and fine.
    Ok,
}

/// A sentence in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// English.
    pub en: String,
    /// Spanish.
    pub es: String,
}

/// One figure or property.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// Declared in the item's definition, which has its label in both languages.
    pub key: String,
    /// The value.
    pub value: Value,
    /// Unit of the value: `bytes`, `s`, `%`, `°C`, or empty.
    pub unit: String,
}

/// Rows of the same kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Declared in the item's definition, which has its title in both languages.
    pub title: String,
    /// Declared column keys.
    pub columns: Vec<String>,
    /// Each as long as `columns`.
    pub rows: Vec<Vec<Value>>,
    /// Present when rows were left out to stay below [`REPORT_MAX`] or a declared number of rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<Truncated>,
}

/// How many of how many rows are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truncated {
    /// Rows kept.
    pub shown: u64,
    /// Rows there were.
    pub total: u64,
}

/// A judgement as the worker makes it: an id of the definition and the values for its sentence's holes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftFinding {
    /// How bad.
    pub severity: Severity,
    /// Declared in the item's definition.
    pub id: String,
    /// Fills `{name}` holes of the declared sentences.
    pub values: BTreeMap<String, Value>,
    /// The line, file or figure it rests on.
    pub evidence: String,
}

/// What a worker returns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// Figures and properties.
    pub facts: Vec<Fact>,
    /// Tables.
    pub tables: Vec<Table>,
    /// Judgements.
    pub findings: Vec<DraftFinding>,
}

/// A judgement with the definition's sentences.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// Id of the definition.
    pub id: String,
    /// What was found.
    pub text: Text,
    /// The line, file or figure it rests on; foreign text.
    pub evidence: String,
    /// What to do next.
    pub next: Text,
}

/// What is recorded, sent and shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Figures and properties.
    pub facts: Vec<Fact>,
    /// Tables.
    pub tables: Vec<Table>,
    /// Judgements, the worst first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether this PC could tell anything at all: nothing but *unknown* findings is status `unknown`.
    pub fn is_unknown(&self) -> bool {
        self.facts.is_empty()
            && self.tables.iter().all(|table| table.rows.is_empty())
            && !self.findings.is_empty()
            && self.findings.iter().all(|finding| finding.severity == Severity::Unknown)
    }
}

/// Short ways to build drafts, so that a check reads as a list of what it says.
impl Draft {
    /// Adds a fact.
    pub fn fact(&mut self, key: &str, value: impl Into<Value>, unit: &str) {
        self.facts.push(Fact { key: key.to_owned(), value: value.into(), unit: unit.to_owned() });
    }

    /// Adds a table.
    pub fn table(&mut self, title: &str, columns: &[&str], rows: Vec<Vec<Value>>) {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        self.tables.push(Table { title: title.to_owned(), columns, rows, truncated: None });
    }

    /// Adds a finding.
    pub fn finding(&mut self, severity: Severity, id: &str, values: &[(&str, Value)], evidence: impl Into<String>) {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        self.findings.push(DraftFinding { severity, id: id.to_owned(), values, evidence: evidence.into() });
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

/// Saturates at [`i64::MAX`]: a count that large is a broken counter, not a fact worth failing for.
impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(i64::from(number))
    }
}

/// Not-a-number and infinities become text: JSON can't write them.
impl From<f64> for Value {
    fn from(number: f64) -> Self {
        if number.is_finite() { Self::Decimal(Decimal(number)) } else { Self::Text(number.to_string()) }
    }
}
