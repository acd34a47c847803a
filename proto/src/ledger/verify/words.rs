//! The words: what the openings in a bundle say, each tied to the event that committed to it.

use sha2::{Digest, Sha256};

use super::{Broken, chain};
use crate::encoding::to_hex;
use crate::ledger::body::Body;
use crate::ledger::bundle::Bundle;
use crate::ledger::event::Event;
use crate::ledger::part::{Opening, PartName, PartRef};

/// What the events of a bundle say, where it was disclosed.
pub(super) struct Words {
    bodies: Vec<Option<Body>>,
    withheld: u64,
    unreadable: u64,
}

/// Opens every part in the bundle. One that no event committed to is broken; one that is missing is withheld.
pub(super) fn open(bundle: &Bundle, events: &[Event]) -> Result<Words, Broken> {
    let parts: Vec<&PartRef> = events.iter().flat_map(|event| &event.header().parts).collect();
    for (commit, bytes) in &bundle.openings {
        let file = || format!("parts/{}", to_hex(commit));
        let part = parts.iter().find(|part| part.commit == *commit);
        let part = part.ok_or_else(|| Broken::file(file(), "no event committed to it"))?;
        Opening::open(bytes, part).map_err(|error| Broken::file(file(), chain(&error)))?;
    }
    for (hash, bytes) in &bundle.sealed {
        let file = || format!("sealed/{}.age", to_hex(hash));
        if !parts.iter().any(|part| part.sealed == Some(*hash)) {
            return Err(Broken::file(file(), "no event names it"));
        }
        if Sha256::digest(bytes).as_slice() != hash {
            return Err(Broken::file(file(), "not the file the event names"));
        }
    }
    let withheld = parts.iter().filter(|part| !bundle.openings.contains_key(&part.commit)).count() as u64;
    let mut words = Words { bodies: Vec::with_capacity(events.len()), withheld, unreadable: 0 };
    for event in events {
        let body = words.read(bundle, event);
        words.bodies.push(body);
    }
    Ok(words)
}

impl Words {
    /// Words opened elsewhere, one per event.
    pub(super) fn of_bodies(bodies: Vec<Option<Body>>) -> Self {
        Self { bodies, withheld: 0, unreadable: 0 }
    }

    /// What event `n` says; `None` if it says nothing, or if that was withheld.
    pub(super) fn of(&self, n: usize) -> Option<&Body> {
        self.bodies.get(n).and_then(Option::as_ref)
    }

    /// Parts whose opening isn't there.
    pub(super) fn withheld(&self) -> u64 {
        self.withheld
    }

    /// Bodies that are there but aren't what their kind says. No proof depends on them.
    pub(super) fn unreadable(&self) -> u64 {
        self.unreadable
    }

    fn read(&mut self, bundle: &Bundle, event: &Event) -> Option<Body> {
        let header = event.header();
        let part = header.parts.iter().find(|part| part.name == PartName::Body)?;
        let opening = Opening::parse(bundle.openings.get(&part.commit)?).ok()?;
        let body = Body::decode(header.kind.name(), opening.plaintext()).ok();
        self.unreadable += u64::from(body.is_none());
        body
    }
}
