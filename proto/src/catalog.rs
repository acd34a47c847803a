//! The catalogue: everything that can ever run on a person's PC, as data.
//!
//! One JSON file an item, in `proto/catalog/<area>/`, compiled in: what it is, whom it needs, what it discloses, its
//! parameters, and every sentence it can say, in both languages. The SHA-256 of the file's exact bytes is the item's
//! [`DefinitionHash`]: a consent names it, so an item can't change its meaning after it was allowed.
//!
//! It is *not* the code of the checks (that is in the agent) and nothing in it can be executed. Nothing executable
//! ever travels to the PC (MISSION R3).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::encoding::to_hex;
use crate::ledger::body::{Allowed, Arguments, Asked, DefinitionHash, ItemId};
use crate::report::{Draft, DraftFinding, Finding, REPORT_MAX, Report, Table, Text, Truncated, VALUE_MAX, Value};
use crate::scope::{Area, Scope};

mod files;

/// What an item does to the PC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Looks only.
    Reads,
    /// Changes something: asked every single time, on its own.
    Changes,
}

/// An item's definition: the parsed file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// `area.name`.
    pub id: ItemId,
    /// Area of support.
    pub area: Area,
    /// What it does to the PC.
    pub effect: Effect,
    /// Lowest level of technician who may run it, 1 to 5.
    pub level: u8,
    /// Whether the result may hold personal data: its tick box starts unticked. (SECURITY D5)
    pub personal: bool,
    /// One everyday phrase: "See how full your disks are".
    pub title: Text,
    /// What leaves the PC.
    pub discloses: Text,
    /// Parameters, in the order they are shown.
    pub parameters: Vec<Parameter>,
    /// Longest it may run, in milliseconds.
    pub deadline_ms: u32,
    /// Labels of the facts it may state.
    pub facts: BTreeMap<String, Text>,
    /// Tables it may fill.
    pub tables: BTreeMap<String, TableTexts>,
    /// Judgements it may make.
    pub findings: BTreeMap<String, FindingTexts>,
    /// SHA-256 of the definition file.
    #[serde(skip, default = "no_hash")]
    pub definition: DefinitionHash,
}

/// One typed argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Its key on the command line.
    pub name: String,
    /// What it means.
    pub title: Text,
    /// What it may be.
    pub accepts: Accepts,
    /// Used when it isn't given.
    pub default: String,
}

/// The finite set of values a parameter may take. There is no free text: a card couldn't show what it would mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Accepts {
    /// A whole number from `min` to `max`.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
        /// Unit, or empty.
        unit: String,
    },
    /// One of these words.
    Choice(Vec<String>),
}

/// Title and column labels of a table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableTexts {
    /// Title.
    pub title: Text,
    /// Column key and label, in order.
    pub columns: Vec<(String, Text)>,
    /// Most rows kept.
    pub rows_max: u32,
}

/// The sentences of a judgement; `{name}` holes are filled with its values.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingTexts {
    /// What was found.
    pub text: Text,
    /// What to do next.
    pub next: Text,
}

/// Arguments that don't fit the definition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// The item has no such parameter.
    #[error("there is no parameter {0:?}")]
    Unknown(String),
    /// The value is outside what the parameter accepts.
    #[error("parameter {name:?} can't be {value:?}")]
    NotAccepted {
        /// The parameter.
        name: String,
        /// The value given.
        value: String,
    },
}

/// A definition file that can't be used; only a developer ever meets it.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// Not the JSON of a definition.
    #[error("definition is not valid")]
    Json(#[from] serde_json::Error),
    /// A rule between fields is broken.
    #[error("definition of {item}: {rule}")]
    Rule {
        /// The item.
        item: String,
        /// The rule.
        rule: &'static str,
    },
}

/// Every item this build knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalog {
    items: BTreeMap<ItemId, Item>,
}

impl Catalog {
    /// The compiled-in catalogue. An error here is a broken build; a test opens it.
    pub fn built_in() -> Result<Self, DefinitionError> {
        Self::from_files(files::ALL)
    }

    /// A catalogue from definition texts.
    pub fn from_files(files: &[&str]) -> Result<Self, DefinitionError> {
        let mut items = BTreeMap::new();
        for file in files {
            let item = Item::parse(file)?;
            let id = item.id.clone();
            if items.insert(id.clone(), item).is_some() {
                return Err(DefinitionError::Rule { item: id.0, rule: "two items of one id" });
            }
        }
        Ok(Self { items })
    }

    /// The item of that id.
    pub fn get(&self, id: &ItemId) -> Option<&Item> {
        self.items.get(id)
    }

    /// The item, if this is also the definition of it we have: a consent never covers another one.
    pub fn find(&self, id: &ItemId, definition: &DefinitionHash) -> Option<&Item> {
        self.get(id).filter(|item| item.definition == *definition)
    }

    /// All items by id.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.items.values()
    }

    /// What a card for whole scopes covers: the reading items of these areas up to this level, with every declared
    /// value. Items that change something are never in it. (ARCHITECTURE section 3, SECURITY D3)
    pub fn reading(&self, scopes: &BTreeSet<Scope>, level: u8, uses: u32) -> Vec<Allowed> {
        self.items()
            .filter(|item| item.effect == Effect::Reads && item.level <= level && scopes.contains(&item.area.scope()))
            .map(|item| Allowed {
                item: item.id.clone(),
                definition: item.definition.clone(),
                values: BTreeMap::new(),
                uses,
            })
            .collect()
    }
}

impl Item {
    /// Reads a definition file and checks what its schema can't say.
    pub fn parse(file: &str) -> Result<Self, DefinitionError> {
        let mut item: Self = serde_json::from_str(file)?;
        item.definition = DefinitionHash(to_hex(&Sha256::digest(file.as_bytes())));
        match item.broken_rule() {
            Some(rule) => Err(DefinitionError::Rule { item: item.id.0, rule }),
            None => Ok(item),
        }
    }

    fn broken_rule(&self) -> Option<&'static str> {
        let word = |text: &str| {
            !text.is_empty()
                && text.len() <= 48
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        let name = self.id.0.strip_prefix(self.area.scope().name()).and_then(|rest| rest.strip_prefix('.'));
        let keys = self.facts.keys().chain(self.tables.keys()).chain(self.findings.keys());
        if !name.is_some_and(word) {
            Some("the id must be area.name")
        } else if !(1..=5).contains(&self.level) {
            Some("the level must be 1 to 5")
        } else if !(100..=120_000).contains(&self.deadline_ms) {
            Some("the deadline must be 0.1 s to 2 min")
        } else if !keys.chain(self.parameters.iter().map(|p| &p.name)).all(|key| word(key)) {
            Some("keys are lower-case words")
        } else if self.parameters.iter().any(|p| !p.accepts.contains(&p.default)) {
            Some("a default must be acceptable")
        } else if self.tables.values().any(|table| table.rows_max == 0 || table.columns.is_empty()) {
            Some("a table needs rows and columns")
        } else {
            None
        }
    }

    /// Fills in defaults and refuses what isn't declared. The result names every parameter.
    pub fn arguments(&self, given: &Arguments) -> Result<Arguments, ArgumentError> {
        if let Some(name) = given.keys().find(|name| !self.parameters.iter().any(|p| p.name == **name)) {
            return Err(ArgumentError::Unknown(name.clone()));
        }
        self.parameters
            .iter()
            .map(|parameter| {
                let value = given.get(&parameter.name).unwrap_or(&parameter.default);
                if parameter.accepts.contains(value) {
                    Ok((parameter.name.clone(), value.clone()))
                } else {
                    Err(ArgumentError::NotAccepted { name: parameter.name.clone(), value: value.clone() })
                }
            })
            .collect()
    }

    /// What somebody asks for when they ask for this item with these arguments.
    pub fn asked(&self, given: &Arguments) -> Result<Asked, ArgumentError> {
        Ok(Asked { item: self.id.clone(), definition: self.definition.clone(), arguments: self.arguments(given)? })
    }

    /// Makes a report of what a worker returned: undeclared facts, tables, columns and findings are dropped, long
    /// values cut, tables cut at a row, sentences taken from this definition. A worker that was taken over by the file
    /// it parsed can at most lie about declared values. (SECURITY G4, E1)
    pub fn tell(&self, draft: Draft) -> Report {
        let mut report = Report {
            facts: draft.facts.into_iter().filter(|fact| self.facts.contains_key(&fact.key)).collect(),
            tables: draft.tables.into_iter().filter_map(|table| self.tell_table(table)).collect(),
            findings: draft.findings.into_iter().filter_map(|finding| self.tell_finding(finding)).collect(),
        };
        for fact in &mut report.facts {
            shorten(&mut fact.value);
            cut(&mut fact.unit, 16);
        }
        report.findings.sort_by_key(|finding| finding.severity);
        fit(&mut report);
        report
    }

    fn tell_table(&self, mut table: Table) -> Option<Table> {
        let texts = self.tables.get(&table.title)?;
        let declared: Vec<String> = texts.columns.iter().map(|(key, _)| key.clone()).collect();
        if table.columns != declared {
            return None;
        }
        let total = table.truncated.map_or(0, |t| t.total).max(table.rows.len() as u64);
        table.rows.retain(|row| row.len() == declared.len());
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

impl Accepts {
    /// Whether this exact text is one of the values. Numbers have one spelling, so that a grant compares texts.
    pub fn contains(&self, value: &str) -> bool {
        match self {
            Self::Integer { min, max, .. } => {
                value.parse::<i64>().is_ok_and(|n| (*min..=*max).contains(&n) && n.to_string() == value)
            }
            Self::Choice(words) => words.iter().any(|word| word == value),
        }
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
                cut(&mut value, 256);
                filled.push_str(&value);
            }
            None => filled.push('?'),
        }
        rest = tail;
    }
    filled.push_str(rest);
    filled
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

/// Halves the longest table until the report fits in [`REPORT_MAX`]; what has no table that could shrink loses its
/// facts and evidence last.
fn fit(report: &mut Report) {
    let size = |report: &Report| serde_json::to_vec(report).map_or(usize::MAX, |json| json.len());
    while size(report) > REPORT_MAX {
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

fn no_hash() -> DefinitionHash {
    DefinitionHash(String::new())
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

#[cfg(test)]
mod tests;
