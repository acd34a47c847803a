//! Packs: items an organisation describes itself. No code travels: a pack only chooses a program of [`grammar`]'s compiled
//! table, options that table allows, and how to read the lines that come back. (SECURITY G5)
//!
//! A pack is a file on the person's PC. It counts only if the organisation's statement lists its hash *and* the owner of
//! the PC names it too; either alone does nothing. Its items only ever read, never as root, and whatever they bring is
//! looked at by the person before it leaves, since nobody but the organisation vouches for what they say about it.
//!
//! Not here: asking the program (the agent's worker does), and whether a pack counts ([`crate::policy`]).

use std::collections::BTreeMap;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Accepts, Effect, Item, Kind};
use crate::encoding::to_hex;
use crate::foreign::Foreign;
use crate::ledger::body::{Arguments, DefinitionHash};
use crate::report::Severity;
use crate::statement::PackHash;

pub mod grammar;
pub mod reading;

/// Largest pack, in bytes.
pub const PACK_MAX: usize = 256 * 1024;
/// Most items of a pack.
pub const ITEMS_MAX: usize = 64;
/// Longest item as written, in bytes: a worker's request has room for it.
pub const ITEM_MAX: usize = 8 * 1024;
/// Most arguments of a command.
pub const ARGUMENTS_MAX: usize = 16;
/// What a pack begins with, so that a later format isn't misread.
const FORMAT: &str = "venia-pack/1";

/// A pack that was read and keeps every rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pack {
    /// SHA-256 of its exact bytes.
    pub hash: PackHash,
    /// Who describes its items, in their own words.
    pub organisation: String,
    /// Its items, each [`Item::described`].
    pub items: Vec<Item>,
}

/// What an organisation says of an item that isn't Venia's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Who describes it, in their own words.
    pub organisation: String,
    /// What is asked.
    pub command: Command,
    /// How its answer is read.
    pub reading: reading::Reading,
    /// The item as it is written in the pack: what a worker is given.
    pub written: String,
}

/// A program and its arguments, some of which are parameters of the item.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// A program of the table, by name.
    pub program: String,
    /// Its arguments; `{name}` alone, or after `=`, is the value of a parameter.
    pub arguments: Vec<String>,
}

/// A pack that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// More than [`PACK_MAX`] bytes.
    #[error("a pack has at most {PACK_MAX} bytes")]
    TooLong,
    /// Not the JSON of a pack.
    #[error("not a pack")]
    Json(#[from] serde_json::Error),
    /// A definition in it can't be used.
    #[error(transparent)]
    Definition(#[from] super::DefinitionError),
    /// A rule of packs is broken.
    #[error("{item}: {rule}")]
    Rule {
        /// The item, or the pack.
        item: String,
        /// The rule.
        rule: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: String,
    organisation: String,
    items: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenItem {
    definition: serde_json::Value,
    command: Command,
    reading: reading::Reading,
}

impl Pack {
    /// Reads a pack and checks every rule; the bytes are hashed as they are.
    pub fn parse(bytes: &[u8]) -> Result<Self, PackError> {
        if bytes.len() > PACK_MAX {
            return Err(PackError::TooLong);
        }
        let hash = PackHash(Sha256::digest(bytes).into());
        let written: Written = serde_json::from_slice(bytes)?;
        let rule = |item: &str, rule| PackError::Rule { item: item.to_owned(), rule };
        if written.format != FORMAT {
            return Err(rule(&written.format, "this format isn't known"));
        }
        let organisation = written.organisation;
        if !(1..=80).contains(&organisation.chars().count()) || organisation.chars().any(char::is_control) {
            return Err(rule("organisation", "a name of 1 to 80 characters on one line"));
        }
        if !(1..=ITEMS_MAX).contains(&written.items.len()) {
            return Err(rule("items", "a pack has 1 to 64 items"));
        }
        let mut items = Vec::with_capacity(written.items.len());
        for written in &written.items {
            let mut item = Self::item(&written.to_string(), &organisation)?;
            // A consent binds the whole pack: the command and the reading as much as the words.
            let bound = format!("{FORMAT}\n{}\n{}\n", to_hex(&hash.0), item.id.0);
            item.definition = DefinitionHash(to_hex(&Sha256::digest(bound.as_bytes())));
            if items.iter().any(|other: &Item| other.id == item.id) {
                return Err(rule(&item.id.0, "two items of one id"));
            }
            items.push(item);
        }
        Ok(Self { hash, organisation, items })
    }

    /// One item as it is written in a pack, with every rule of packs checked; its definition is that of the text alone.
    pub fn item(text: &str, organisation: &str) -> Result<Item, PackError> {
        let WrittenItem { definition, command, reading } = serde_json::from_str(text)?;
        let mut item = Item::parse(&definition.to_string())?;
        let rule = if text.len() > ITEM_MAX {
            Some("an item has at most 8 KiB")
        } else if !is_plain(&definition) {
            // These words stand on the person's card: they must not move its cursor or hide a part of it. (D4)
            Some("texts are plain: no control or direction characters")
        } else {
            broken_rule(&item, &command).or_else(|| reading.broken_rule(&item))
        };
        if let Some(rule) = rule {
            return Err(PackError::Rule { item: item.id.0, rule });
        }
        let program = grammar::named(&command.program);
        item.needs.talks = program.map(|program| program.talks.to_vec()).unwrap_or_default();
        item.needs.tools = vec![command.program.clone()];
        let (organisation, written) = (organisation.to_owned(), text.to_owned());
        item.described = Some(Described { organisation, command, reading, written });
        Ok(item)
    }
}

impl Described {
    /// The exact command for these arguments, which are those of [`Item::arguments`].
    pub fn argv(&self, arguments: &Arguments) -> Vec<String> {
        argv(&self.command, arguments)
    }

    /// The command as a card shows it.
    pub fn shown(&self, arguments: &Arguments) -> String {
        std::iter::once(self.command.program.clone()).chain(self.argv(arguments)).collect::<Vec<_>>().join(" ")
    }
}

fn broken_rule(item: &Item, command: &Command) -> Option<&'static str> {
    let kinds = item.facts.values().map(|fact| fact.kind);
    let mut kinds = kinds.chain(item.tables.values().flat_map(|table| &table.columns).map(|column| column.kind));
    let named = item.id.0.split_once('.').is_some_and(|(_, name)| name.starts_with("x-"));
    if !named {
        // No pack can take the place of an item of ours, now or later.
        Some("an item of a pack is named area.x-name")
    } else if item.effect != Effect::Reads {
        Some("a pack only reads")
    } else if !item.personal {
        Some("what a pack brings is looked at before it leaves: personal is true")
    } else if item.needs != super::Needs::default() {
        Some("what a pack's item needs follows from its program")
    } else if kinds.any(|kind| kind == Kind::Word) {
        // Only the build itself can vouch that a value holds nobody's words.
        Some("a pack has no public words")
    } else if command.arguments.len() > ARGUMENTS_MAX {
        Some("a command has at most 16 arguments")
    } else {
        unlike_the_grammar(item, command)
    }
}

/// Tries the command with every value at an edge of each parameter: what the grammar takes at the edges of a range it
/// takes within, and of a list every word is tried.
fn unlike_the_grammar(item: &Item, command: &Command) -> Option<&'static str> {
    let program = grammar::named(&command.program);
    let Some(program) = program else { return Some("the program isn't in the table") };
    let holes = command.arguments.iter().flat_map(|argument| hole(argument));
    let parameters: BTreeMap<&str, &Accepts> =
        item.parameters.iter().map(|parameter| (parameter.name.as_str(), &parameter.accepts)).collect();
    for name in holes {
        if !parameters.contains_key(name) {
            return Some("a hole names a parameter");
        }
    }
    // A value never becomes an option: it stands after `=`, or begins with something else than a dash.
    for argument in &command.arguments {
        let alone = hole(argument).filter(|name| argument.len() == name.len() + 2);
        let values = alone.and_then(|name| parameters.get(name)).map(|accepts| edges(accepts)).unwrap_or_default();
        if values.iter().any(|value| value.starts_with('-')) {
            return Some("a value doesn't begin with a dash");
        }
    }
    let most = parameters.values().map(|accepts| edges(accepts).len()).max().unwrap_or(1).max(1);
    for turn in 0..most {
        let arguments: Arguments = parameters
            .iter()
            .filter_map(|(name, accepts)| {
                let values = edges(accepts);
                Some(((*name).to_owned(), values.get(turn % values.len().max(1))?.clone()))
            })
            .collect();
        if !program.takes(&argv(command, &arguments)) {
            return Some("the program doesn't take these arguments");
        }
    }
    None
}

/// When a finding is made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// What must be so.
    pub when: reading::When,
    /// How bad it is.
    pub severity: Severity,
    /// The finding of the definition.
    pub finding: String,
}

/// Whether every text in it is shown as it is.
fn is_plain(value: &serde_json::Value) -> bool {
    let plain = |text: &str| Foreign::new(text).visible() == text;
    match value {
        serde_json::Value::String(text) => plain(text),
        serde_json::Value::Array(values) => values.iter().all(is_plain),
        serde_json::Value::Object(fields) => fields.iter().all(|(name, value)| plain(name) && is_plain(value)),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => true,
    }
}

fn argv(command: &Command, arguments: &Arguments) -> Vec<String> {
    command.arguments.iter().map(|written| fill(written, arguments)).collect()
}

fn edges(accepts: &Accepts) -> Vec<String> {
    match accepts {
        Accepts::Integer { min, max, .. } => vec![min.to_string(), max.to_string()],
        Accepts::Choice(words) => words.clone(),
    }
}

/// The parameter an argument names, if it does.
fn hole(argument: &str) -> Option<&str> {
    let value = argument.rsplit_once('=').map_or(argument, |(_, value)| value);
    value.strip_prefix('{')?.strip_suffix('}')
}

fn fill(written: &str, arguments: &Arguments) -> String {
    match hole(written) {
        Some(name) => {
            let value = arguments.get(name).map_or("", String::as_str);
            let before = written.len() - name.len() - 2;
            format!("{}{value}", written.get(..before).unwrap_or(""))
        }
        None => written.to_owned(),
    }
}

#[cfg(test)]
mod tests;
