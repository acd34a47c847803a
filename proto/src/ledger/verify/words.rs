//! The words: what the openings in a bundle say, each tied to the event that committed to it.

use sha2::{Digest, Sha256};

use super::{Broken, chain};
use crate::encoding::to_hex;
use crate::ledger::body::Body;
use crate::ledger::bundle::Bundle;
use crate::ledger::event::Event;
use crate::ledger::kind::Kind;
use crate::ledger::part::{Opening, PartName, PartRef};

/// What the events of a bundle say, where it was disclosed.
pub(super) struct Words {
    bodies: Vec<Option<Body>>,
    withheld: u64,
}

/// Opens every part in the bundle. One that no event committed to is broken; one that is missing is withheld. What is there
/// must be what its event's kind may hold: words that can't be read would otherwise be words that nobody checks, and a
/// consent with one field too many would allow anything.
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
    let read = |(n, event)| read(bundle, event).map_err(|why| Broken::entry(n, why));
    let bodies = events.iter().enumerate().map(read).collect::<Result<_, _>>()?;
    Ok(Words { bodies, withheld })
}

impl Words {
    /// Words opened elsewhere, one per event.
    pub(super) fn of_bodies(bodies: Vec<Option<Body>>) -> Self {
        Self { bodies, withheld: 0 }
    }

    /// What event `n` says; `None` if it says nothing, or if that was withheld.
    pub(super) fn of(&self, n: usize) -> Option<&Body> {
        self.bodies.get(n).and_then(Option::as_ref)
    }

    /// Parts whose opening isn't there.
    pub(super) fn withheld(&self) -> u64 {
        self.withheld
    }
}

/// The words of one event, as far as they are disclosed; else what they mustn't be.
fn read(bundle: &Bundle, event: &Event) -> Result<Option<Body>, String> {
    let header = event.header();
    let mut body = None;
    for part in &header.parts {
        let Some(bytes) = bundle.openings.get(&part.commit) else { continue };
        let opening = Opening::open(bytes, part).map_err(|error| chain(&error))?;
        match (part.name, &header.kind) {
            (PartName::Body, kind) => {
                let read = Body::decode(kind.name(), opening.plaintext());
                body = Some(
                    read.map_err(|error| format!("disclosed, but not what its kind may hold: {}", chain(&error)))?,
                );
            }
            (PartName::Block, Kind::Series { block, .. }) => {
                if Sha256::digest(opening.plaintext()).as_slice() != block {
                    return Err("the samples aren't those the event names".to_owned());
                }
            }
            // No other kind has one: refused where the event was read.
            (PartName::Block, _) => {}
        }
    }
    Ok(body)
}
