//! What a repair's definition says beyond other items': its preview, its undo, how long it can't be stopped, who does it.
//!
//! A repair never shows itself. Its *preview* is an ordinary reading item, allowed like any other, which states the fact
//! [`PLAN`] when there is something to change. The session lets a repair be asked only after such a report, the card shows
//! that report, and whoever performs compares what it finds with that plan and refuses if it isn't the same. (MISSION R1,
//! SECURITY G6)

use serde::{Deserialize, Serialize};

use super::item::{Effect, Item};
use super::kind::Kind;
use super::{Catalog, DefinitionError};
use crate::ledger::body::{Arguments, Asked, ItemId};
use crate::report::{Report, Text, Value};

/// The fact in which a preview names exactly what its repair would change: a public word that holds nothing private.
pub const PLAN: &str = "plan";
/// Longest plan, in bytes: it travels to whoever performs.
pub const PLAN_MAX: usize = 4_096;
/// Longest time a repair may say that it can't be stopped for, in seconds: a definition's deadline is 2 minutes.
const SECONDS_MAX: u32 = 120;

/// How an item changes the PC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The reading item that shows exactly what would change.
    pub preview: ItemId,
    /// How to undo it, or that it can't be undone.
    pub undo: Text,
    /// Whether STOP ends it at once; if not, the card says for how long it can't be stopped.
    pub interruptible: bool,
    /// About how long it takes, in seconds.
    pub seconds: u32,
    /// Who performs it.
    pub by: Performer,
}

/// Who performs a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Performer {
    /// A worker, with the rights of the person's account.
    Account,
    /// The small program with the administrator's rights, which the system asks a password for. (SECURITY G6)
    Administrator,
}

impl Change {
    pub(super) fn broken_rule(&self) -> Option<&'static str> {
        if !(1..=SECONDS_MAX).contains(&self.seconds) {
            Some("a change takes 1 s to 2 min")
        } else if self.undo.en.is_empty() || self.undo.es.is_empty() {
            Some("a change says how to undo it, or that nothing does")
        } else {
            None
        }
    }
}

impl Catalog {
    /// What a technician has to run before this change may be asked for: its preview, with the values both share.
    pub fn preview_of(&self, change: &Asked) -> Option<Asked> {
        let item = self.find(&change.item, &change.definition)?;
        let preview = self.get(&item.change.as_ref()?.preview)?;
        let shared: Arguments = change
            .arguments
            .iter()
            .filter(|(name, _)| preview.parameters.iter().any(|parameter| parameter.name == **name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        preview.asked(&shared).ok()
    }

    /// Whether this item is the preview of any change.
    pub fn is_preview(&self, item: &ItemId) -> bool {
        self.items().filter_map(|item| item.change.as_ref()).any(|change| change.preview == *item)
    }

    /// What only the whole catalogue can break.
    pub(super) fn check_previews(&self) -> Result<(), DefinitionError> {
        for item in self.items() {
            let Some(change) = &item.change else { continue };
            if let Some(rule) = self.broken_preview(item, change) {
                return Err(DefinitionError::Rule { item: item.id.0.clone(), rule });
            }
        }
        Ok(())
    }

    fn broken_preview(&self, item: &Item, change: &Change) -> Option<&'static str> {
        let Some(preview) = self.get(&change.preview) else { return Some("its preview isn't in the catalogue") };
        let other = |name: &str| preview.parameters.iter().find(|parameter| parameter.name == name);
        if preview.effect != Effect::Reads || preview.level > item.level {
            Some("a preview only reads, for technicians of the same level")
        } else if preview.facts.get(PLAN).is_none_or(|texts| texts.kind != Kind::Word) {
            Some("a preview states its plan as a word")
        } else if item.parameters.iter().any(|p| other(&p.name).is_some_and(|shared| shared.accepts != p.accepts)) {
            Some("a parameter of preview and change takes the same values")
        } else {
            None
        }
    }
}

impl Report {
    /// What would change, if this is the report of a preview and anything would.
    pub fn plan(&self) -> Option<&str> {
        self.facts.iter().filter(|fact| fact.key == PLAN).find_map(|fact| match &fact.value {
            Value::Text(plan) => (1..=PLAN_MAX).contains(&plan.len()).then_some(plan.as_str()),
            Value::Flag(_) | Value::Integer(_) | Value::Decimal(_) => None,
        })
    }
}
