//! One item's definition: the parsed file, its rules, and what arguments it takes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::change::{Change, PLAN};
use super::kind::{Column, FactTexts};
use super::needs::{FIGURES, Needs, Talk};
use super::pack::Described;
use crate::encoding::to_hex;
use crate::ledger::body::{Arguments, Asked, DefinitionHash, ItemId};
use crate::report::{REPORT_MAX, Text};
use crate::scope::Area;

/// The parameter of an item that measures over an interval: how long, in seconds.
pub const SAMPLED: &str = "seconds";

/// What an item does to the PC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Looks only.
    Reads,
    /// Changes something: asked every single time, on its own.
    Changes,
}

/// A system an item runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Linux.
    Linux,
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
    /// What it can't do, or never looks at.
    pub cannot: Text,
    /// Where it runs.
    pub platforms: Vec<Platform>,
    /// What it touches.
    pub needs: Needs,
    /// How it changes the PC; of every item that does, and of no other.
    #[serde(default)]
    pub change: Option<Change>,
    /// Parameters, in the order they are shown.
    pub parameters: Vec<Parameter>,
    /// Longest it may run, in milliseconds.
    pub deadline_ms: u32,
    /// Longest report, in bytes of JSON; tables are cut at a row.
    pub output_max: u32,
    /// Labels of the facts it may state.
    pub facts: BTreeMap<String, FactTexts>,
    /// Tables it may fill.
    pub tables: BTreeMap<String, TableTexts>,
    /// Judgements it may make.
    pub findings: BTreeMap<String, FindingTexts>,
    /// Who describes it, if it isn't Venia: an item of a pack.
    #[serde(skip)]
    pub described: Option<Described>,
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
    /// Its columns, in order.
    pub columns: Vec<Column>,
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
        } else if !(1_024..=REPORT_MAX as u64).contains(&u64::from(self.output_max)) {
            Some("a report has 1 KiB to 960 KiB")
        } else if self.platforms.is_empty() {
            Some("an item runs somewhere")
        } else if let Some(rule) = self.needs.broken_rule() {
            Some(rule)
        } else if self.change.is_some() != (self.effect == Effect::Changes) {
            Some("what changes the PC says how, and nothing else does")
        } else if let Some(rule) = self.change.as_ref().and_then(Change::broken_rule) {
            Some(rule)
        } else if self.effect == Effect::Reads && (!self.needs.writes.is_empty() || self.needs.ends) {
            Some("what only reads writes nowhere and ends nothing")
        } else if self.parameters.iter().any(|p| p.name == PLAN) {
            Some("the plan is never an argument")
        } else if self.parameters.iter().any(|p| p.name == FIGURES) {
            Some("what the agent measured is never an argument")
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

    /// Whether it measures over an interval that its arguments set.
    pub fn samples(&self) -> bool {
        self.parameters.iter().any(|parameter| parameter.name == SAMPLED)
    }

    /// Whether it mostly waits: for an interval to pass, or for others to answer, who may be silent. Of several items these
    /// begin first, so that the others are done while they wait.
    pub fn waits(&self) -> bool {
        self.samples() || self.needs.talks.contains(&Talk::Network)
    }

    /// What somebody asks for when they ask for this item with these arguments.
    pub fn asked(&self, given: &Arguments) -> Result<Asked, ArgumentError> {
        Ok(Asked { item: self.id.clone(), definition: self.definition.clone(), arguments: self.arguments(given)? })
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

fn no_hash() -> DefinitionHash {
    DefinitionHash(String::new())
}
