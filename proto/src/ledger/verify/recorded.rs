//! Whether a session holds as it stands in the log itself: for an auditor, who reads whole logs and no bundles.
//!
//! The same rules as for a bundle (SECURITY E9), over entries whose tree was checked as a whole: signatures and chains by
//! the strands' keys, the close's counts, members' notes at the ledger's time of their join, and the replay. Words are
//! optional: without them the clear fields still bind result to admit to consent.

use std::collections::BTreeMap;

use super::inclusion::{Included, QUOTES_ANOTHER, Quotes};
use super::members::{self, Members};
use super::words::Words;
use super::{Broken, chain, check_close, rules, sealing};
use crate::catalog::Catalog;
use crate::key::{KeyName, VerifierKey};
use crate::ledger::body::Body;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::event::Event;
use crate::ledger::kind::{Kind, KindName};
use crate::ledger::note::Note;
use crate::ledger::strand::{Admission, Strands};
use crate::now::Wall;
use crate::statement::Member;

/// A session, read from a log.
#[derive(Debug)]
pub struct Recorded<'a> {
    /// The log's key.
    pub log: &'a VerifierKey,
    /// The checkpoint whose tree these entries are in, of this log: whoever hands it in has checked its signature.
    pub checkpoint: &'a [u8],
    /// Who vouches for members.
    pub authority: &'a VerifierKey,
    /// The agent's key, as the relay told it: believed only if it is the one whose hash the events name.
    pub agent: &'a VerifierKey,
    /// Per event: its index in the log, and the relay's time of its commit; in the order of the log.
    pub places: &'a [(u64, Wall)],
    /// The events, in the order of the log.
    pub events: &'a [Event],
    /// What they say, where it could be opened.
    pub bodies: Vec<Option<Body>>,
}

/// What doesn't hold, and at which entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {entry}: {why}")]
pub struct Unsound {
    /// Index in the log.
    pub entry: u64,
    /// Why not.
    pub why: String,
}

/// Checks a session. Stops at the first thing that doesn't hold.
pub fn check_recorded(session: Recorded<'_>, catalog: &Catalog) -> Result<(), Unsound> {
    let places = session.places;
    check(session, catalog).map_err(|broken| unsound(broken, places))
}

/// Checks a session's signatures and strands alone, without the rules: what a relay's own admission promises.
pub fn check_strands(
    log: &VerifierKey,
    agent: &VerifierKey,
    places: &[(u64, Wall)],
    events: &[Event],
) -> Result<(), Unsound> {
    replay_strands(log, agent, places, events).map_err(|broken| unsound(broken, places))
}

fn unsound(broken: Broken, places: &[(u64, Wall)]) -> Unsound {
    let n = match broken.at {
        Some(super::At::Entry(n)) => usize::try_from(n).unwrap_or(usize::MAX),
        Some(super::At::File(_)) | None => 0,
    };
    let entry = places.get(n).or(places.first()).map_or(0, |(index, _)| *index);
    Unsound { entry, why: broken.why }
}

/// Every event in its place, by its strand's key, and quoting no tree that is newer than itself.
fn replay_strands(
    log: &VerifierKey,
    agent: &VerifierKey,
    places: &[(u64, Wall)],
    events: &[Event],
) -> Result<(), Broken> {
    let first = events.first().ok_or_else(|| Broken::entry(0, "nothing is recorded"))?;
    if first.header().kind.name() != KindName::Open {
        return Err(Broken::entry(0, "the session doesn't begin with its open"));
    }
    // The log names the agent's key by a hash of it, so no relay can put another key in its place.
    let kind = agent.name.as_str().split('-').next().unwrap_or_default();
    if KeyName::of(kind, &agent.key) != agent.name || first.key_name() != Some(&agent.name) {
        return Err(Broken::entry(0, "the key told for the agent isn't the one its events name"));
    }
    let mut strands = Strands::new(first.header().session, agent.clone());
    let mut quotes = Quotes::new(&log.name);
    for (n, event) in events.iter().enumerate() {
        match strands.admit(event).map_err(|error| Broken::entry(n, chain(&error)))? {
            Admission::New => {}
            Admission::Again => return Err(Broken::entry(n, "the same event stands twice")),
        }
        let known = event.header().after.as_ref().map(|after| &after.origin);
        if known.is_some_and(|origin| !quotes.take(event.header().author, origin)) {
            return Err(Broken::entry(n, QUOTES_ANOTHER));
        }
        let quoted = event.header().after.as_ref().filter(|after| after.origin == log.name);
        if quoted.zip(places.get(n)).is_some_and(|(after, (index, _))| after.size > *index) {
            return Err(Broken::entry(n, "quotes a tree that is newer than the event's own place in it"));
        }
    }
    Ok(())
}

fn check(session: Recorded<'_>, catalog: &Catalog) -> Result<(), Broken> {
    let Recorded { log, checkpoint, authority, agent, places, events, bodies } = session;
    replay_strands(log, agent, places, events)?;
    check_close(events)?;
    sealing::check_alike(events)?;
    let mut found = BTreeMap::new();
    let mut all_known = true;
    for (n, event) in events.iter().enumerate() {
        let Kind::Join { strand, key, .. } = &event.header().kind else { continue };
        let Some(Some(Body::Join(join))) = bodies.get(n) else {
            all_known = false;
            continue;
        };
        if join.member.is_empty() {
            continue;
        }
        let member = Member::open(join.member.as_bytes(), authority).map_err(|e| Broken::entry(n, chain(&e)))?;
        if member.key != *key || !members::fits(*strand, member.role) {
            return Err(Broken::entry(n, "the member note is of another key, or of a role that doesn't write there"));
        }
        if places.get(n).is_some_and(|(_, observed)| !member.valid_at(*observed)) {
            return Err(Broken::entry(n, "the member note no longer held when its owner joined"));
        }
        if places.get(n).is_some_and(|(_, observed)| member.lives_too_long(*observed)) {
            return Err(Broken::entry(n, members::TOO_LONG));
        }
        found.insert(*strand, member);
    }
    let note = Note::parse(checkpoint).map_err(|error| Broken::entry(0, chain(&error)))?;
    // Its signature is one for all sessions of a log, and the caller's to check.
    let common = Checkpoint::unverified(&note).map_err(|error| Broken::entry(0, chain(&error)))?;
    let indices = places.iter().map(|(index, _)| *index).collect();
    let record = rules::Record {
        events,
        words: &Words::of_bodies(bodies),
        included: &Included::read(common, log.clone(), note, indices),
        members: &Members::of(found),
        // Levels are judged only where every member's note could be read.
        catalog: all_known.then_some(catalog),
    };
    rules::replay(&record).map(drop)
}
