//! The entries in order, and every node of the tree over them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::{OptionalExtension as _, params};
use venia_proto::id::SessionId;
use venia_proto::key::VerifierKey;
use venia_proto::ledger::merkle::{Hash, Tree, parent};
use venia_proto::ledger::note;

use super::{Unchecked, at_entry, broken};
use crate::server::ledger::Store as _;
use crate::server::ledger::sqlite::Sqlite;
use crate::walking::{Earlier, Record, Source};

/// Entries read at once.
const PAGE: i64 = 256;

/// The table of entries, read on; each entry's nodes are compared as they become complete.
pub(super) struct Entries<'a> {
    store: &'a Sqlite,
    size: u64,
    next: u64,
    page: VecDeque<Vec<u8>>,
    tree: Tree,
    nodes: u64,
}

impl<'a> Entries<'a> {
    pub(super) fn new(store: &'a Sqlite, size: u64) -> Self {
        Self { store, size, next: 0, page: VecDeque::new(), tree: Tree::new(), nodes: 0 }
    }

    /// Hashes all that is left, and gives the root it leads to. What the entries say isn't looked at.
    pub(super) fn root(&mut self, stop: &AtomicBool) -> Result<Hash, Unchecked> {
        let mut record = Record::default();
        while self.next(&mut record)? {
            if stop.load(Ordering::Acquire) {
                return Err(Unchecked::Stopped(self.next));
            }
        }
        self.nothing_more()?;
        Ok(self.tree.root())
    }

    /// Neither an entry nor a node beyond what the head counts.
    pub(super) fn nothing_more(&self) -> Result<(), Unchecked> {
        let count = |sql: &str| self.store.connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        if count("SELECT count(*) FROM entries")?.cast_unsigned() != self.size {
            return Err(broken("entries", "there are entries that the head doesn't count"));
        }
        if count("SELECT count(*) FROM nodes")?.cast_unsigned() != self.nodes {
            return Err(broken("nodes", "there are nodes that the tree doesn't have"));
        }
        Ok(())
    }

    fn turn(&mut self) -> Result<(), Unchecked> {
        let sql = "SELECT entry, note FROM entries WHERE entry >= $1 AND entry < $2 ORDER BY entry LIMIT $3";
        let mut statement = self.store.connection.prepare_cached(sql)?;
        let page = params![self.next.cast_signed(), self.size.cast_signed(), PAGE];
        let mut rows = statement.query(page)?;
        let mut expected = self.next;
        while let Some(row) = rows.next()? {
            if row.get::<_, i64>(0)?.cast_unsigned() != expected {
                return Err(at_entry(expected, "the entry is missing"));
            }
            self.page.push_back(row.get(1)?);
            expected += 1;
        }
        Ok(())
    }

    /// Whether a stored leaf is the one the stored nodes around it were made of: then it is the entry that changed.
    fn fits(&self, place: u64, leaf: &Hash) -> Result<bool, Unchecked> {
        let (sibling, above) = (self.store.node(0, place ^ 1)?, self.store.node(1, place >> 1)?);
        let Some((sibling, above)) = sibling.zip(above) else { return Ok(true) };
        let together = if place & 1 == 0 { parent(leaf, &sibling) } else { parent(&sibling, leaf) };
        Ok(together == above)
    }

    fn compare(&mut self, bytes: &[u8]) -> Result<(), Unchecked> {
        let mut complete: Vec<(u8, u64, Hash)> = Vec::new();
        self.tree.append(note::leaf(bytes), |level, place, hash| complete.push((level, place, hash)));
        for (level, place, hash) in complete {
            let row = || format!("nodes level {level} place {place}");
            match self.store.node(level, place)? {
                Some(stored) if stored == hash => self.nodes += 1,
                Some(stored) if level == 0 && self.fits(place, &stored)? => {
                    return Err(at_entry(place, "not the bytes whose hash stands in the tree"));
                }
                Some(_) => return Err(broken(&row(), "not the hash the entries lead to")),
                None => return Err(broken(&row(), "missing")),
            }
        }
        Ok(())
    }
}

impl Source for Entries<'_> {
    type Error = Unchecked;

    fn next(&mut self, record: &mut Record) -> Result<bool, Unchecked> {
        if self.next == self.size {
            return Ok(false);
        }
        if self.page.is_empty() {
            self.turn()?;
        }
        let Some(bytes) = self.page.pop_front() else { return Err(at_entry(self.next, "the entry is missing")) };
        self.compare(&bytes)?;
        (record.at, record.bytes) = (self.next, bytes);
        self.next += 1;
        Ok(true)
    }

    fn agent(&mut self, _: &Record, session: SessionId) -> Result<String, Unchecked> {
        let sql = "SELECT agent FROM sessions WHERE session = $1";
        let agent = self.store.connection.prepare_cached(sql)?.query_row([session.0], |row| row.get(0)).optional()?;
        let wrong = |why| broken(&format!("sessions {session}"), why);
        let agent: String = agent.ok_or_else(|| wrong("missing"))?;
        let key: Result<VerifierKey, _> = agent.parse();
        key.map(|_| agent).map_err(|_| wrong("the agent's key is malformed"))
    }

    fn event(&mut self, at: u64) -> Result<Vec<u8>, Unchecked> {
        self.store.entry(at)?.ok_or_else(|| at_entry(at, "the entry is missing"))
    }

    /// A check begins at the first entry.
    fn earlier(&mut self, _: &BTreeSet<SessionId>) -> Result<BTreeMap<SessionId, Earlier>, Unchecked> {
        Ok(BTreeMap::new())
    }
}
