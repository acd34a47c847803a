//! The catalogue: everything that can ever run on a person's PC, as data.
//!
//! One JSON file an item, in `proto/catalog/<area>/`, compiled in: what it is, whom it needs, what it discloses, its
//! parameters, and every sentence it can say, in both languages. The SHA-256 of the file's exact bytes is the item's
//! [`DefinitionHash`]: a consent names it, so an item can't change its meaning after it was allowed.
//!
//! A session needs a handful of the items, so a definition is read when it is first asked for: all of them take several
//! milliseconds, which a person with a code would wait for on both computers, and two megabytes.
//!
//! It is *not* the code of the checks (that is in the agent) and nothing in it can be executed. Nothing executable
//! ever travels to the PC (MISSION R3).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use crate::ledger::body::{Allowed, DefinitionHash, ItemId};
use crate::scope::Scope;

mod change;
mod files;
mod goal;
mod item;
mod kind;
mod needs;
pub mod pack;
mod telling;

pub use change::{Change, PLAN, PLAN_MAX, Performer};
pub use goal::{Cause, Diagnosis, Goal, Likely, Ranked};
pub use item::{
    Accepts, ArgumentError, DefinitionError, Effect, FindingTexts, Item, Parameter, Platform, SAMPLED, TableTexts,
};
pub use kind::{Column, FactTexts, Kind};
pub use needs::{FIGURES, Needs, Talk};

/// Every item this build knows.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    items: BTreeMap<ItemId, Entry>,
}

/// An item and, until it is asked for, its definition as it is written.
#[derive(Clone, Debug)]
struct Entry {
    file: &'static str,
    /// None in a broken build, which a test refuses: then the item doesn't exist.
    item: OnceLock<Option<Box<Item>>>,
}

impl Entry {
    /// The item that is known by that id. A file that isn't named after its item is as broken as one that keeps no rule.
    fn item(&self, id: &ItemId) -> Option<&Item> {
        self.item.get_or_init(|| Item::parse(self.file).ok().filter(|item| item.id == *id).map(Box::new)).as_deref()
    }
}

impl From<Item> for Entry {
    fn from(item: Item) -> Self {
        Self { file: "", item: Some(Box::new(item)).into() }
    }
}

impl Catalog {
    /// The compiled-in catalogue. Its definitions are read when they are asked for.
    pub fn built_in() -> Self {
        let entry = |&(id, file): &files::File| (ItemId(id.to_owned()), Entry { file, item: OnceLock::new() });
        Self { items: files::ALL.iter().copied().flatten().map(entry).collect() }
    }

    /// A catalogue from definition texts.
    pub fn from_files(files: &[&str]) -> Result<Self, DefinitionError> {
        let mut items = BTreeMap::new();
        for file in files {
            let item = Item::parse(file)?;
            let id = item.id.clone();
            if items.insert(id.clone(), item.into()).is_some() {
                return Err(DefinitionError::Rule { item: id.0, rule: "two items of one id" });
            }
        }
        let catalog = Self { items };
        catalog.check_previews()?;
        Ok(catalog)
    }

    /// The same, and the items of these packs. None of them takes the place of another.
    #[must_use]
    pub fn with_packs(mut self, packs: impl IntoIterator<Item = pack::Pack>) -> Self {
        for item in packs.into_iter().flat_map(|pack| pack.items) {
            self.items.entry(item.id.clone()).or_insert_with(|| item.into());
        }
        self
    }

    /// The item of that id.
    pub fn get(&self, id: &ItemId) -> Option<&Item> {
        self.items.get(id)?.item(id)
    }

    /// The item, if this is also the definition of it we have: a consent never covers another one.
    pub fn find(&self, id: &ItemId, definition: &DefinitionHash) -> Option<&Item> {
        self.get(id).filter(|item| item.definition == *definition)
    }

    /// All items by id.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter_map(|(id, entry)| entry.item(id))
    }

    /// What a card for whole scopes covers: the reading items of these areas up to this level, with every declared
    /// value. Items that change something are never in it. (ARCHITECTURE section 3, SECURITY D3)
    pub fn reading(&self, scopes: &BTreeSet<Scope>, level: u8, uses: u32) -> Vec<Allowed> {
        let asked = |of: &str| scopes.iter().any(|scope| scope.name() == of);
        self.items
            .iter()
            // An id begins with its scope: of no other one the definitions are read.
            .filter(|(id, _)| id.0.split_once('.').is_some_and(|(of, _)| asked(of)))
            .filter_map(|(id, entry)| entry.item(id))
            .filter(|item| item.effect == Effect::Reads && item.level <= level)
            .map(|item| Allowed {
                item: item.id.clone(),
                definition: item.definition.clone(),
                values: BTreeMap::new(),
                uses,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
