//! Who the people behind the strands were when they joined. (SECURITY F2)
//!
//! A strand's key must be the one of a note by the authority the statement names, and that note must have held at the
//! relay's time of the batch that committed the join. The agent has no note: its key is its own.

use std::collections::BTreeMap;

use super::inclusion::Included;
use super::words::Words;
use super::{Broken, chain};
use crate::foreign::Foreign;
use crate::id::Strand;
use crate::ledger::batch::Batch;
use crate::ledger::body::Body;
use crate::ledger::bundle::{Bundle, JoinBatch};
use crate::ledger::event::Event;
use crate::ledger::kind::Kind;
use crate::ledger::note;
use crate::now::Wall;
use crate::statement::{Member, Role, Statement};

/// Why a note that was made for longer than a day isn't one.
pub(super) const TOO_LONG: &str = "the member note lives longer than a day";
/// A PC's clock may be this far from the relay's before the verdict says so, in milliseconds.
const FAR_OFF_MS: u64 = 24 * 60 * 60 * 1_000;

/// The members of a session. An invited helper is not among them.
pub(super) struct Members {
    notes: BTreeMap<Strand, Member>,
    /// By strand, the number of its join and the relay's time of the batch that committed it.
    observed: BTreeMap<Strand, (usize, Wall)>,
}

/// Ties every joined strand to its note.
pub(super) fn check(
    bundle: &Bundle,
    events: &[Event],
    statement: &Statement,
    included: &Included,
) -> Result<Members, Broken> {
    let mut notes = BTreeMap::new();
    let mut times = BTreeMap::new();
    let mut joined = Vec::new();
    for (n, event) in events.iter().enumerate() {
        let Kind::Join { strand, key, .. } = &event.header().kind else { continue };
        joined.push(*strand);
        let observed = match bundle.batches.get(strand) {
            Some(batch) => Some(observed(batch, *strand, included.index(n), included)?),
            // Without a receipt of its own a join has no batch either: the bundle is unclosed.
            None if included.index(n).is_none() => None,
            None => return Err(Broken::file(format!("join.batch.{strand}"), "missing")),
        };
        times.extend(observed.map(|at| (*strand, (n, at))));
        let file = format!("members/{strand}");
        let Some(note) = bundle.members.get(strand) else {
            if matches!(strand, Strand::Observer(_)) {
                continue;
            }
            return Err(Broken::file(file, "missing"));
        };
        let member = Member::open(note, &statement.authority).map_err(|e| Broken::file(&file, chain(&e)))?;
        if member.key != *key {
            return Err(Broken::file(file, "the note of another key than the one that joined"));
        }
        if !fits(*strand, member.role) {
            return Err(Broken::file(file, "a role that doesn't write this strand"));
        }
        if observed.is_some_and(|time| !member.valid_at(time)) {
            return Err(Broken::file(file, "the note no longer held when its owner joined"));
        }
        if observed.is_some_and(|time| member.lives_too_long(time)) {
            return Err(Broken::file(file, TOO_LONG));
        }
        if observed.is_some_and(|time| !statement.valid_at(time)) {
            return Err(Broken::file("statement", "the statement no longer held when the session took place"));
        }
        notes.insert(*strand, member);
    }
    // A note or batch of somebody who never joined proves nothing and nobody checks it.
    if let Some(strand) = bundle.members.keys().find(|strand| !joined.contains(strand)) {
        return Err(Broken::file(format!("members/{strand}"), "of somebody who never joined"));
    }
    if let Some(strand) = bundle.batches.keys().find(|strand| !joined.contains(strand)) {
        return Err(Broken::file(format!("join.batch.{strand}"), "of somebody who never joined"));
    }
    Ok(Members { notes, observed: times })
}

impl Members {
    /// Members whose notes were checked elsewhere.
    pub(super) fn of(notes: BTreeMap<Strand, Member>) -> Self {
        Self { notes, observed: BTreeMap::new() }
    }

    /// The note the agent's join shows must be the one the bundle has, or say the same of the same key: it may have been
    /// renewed since. Otherwise the person saw somebody else arrive than the bundle tells of.
    pub(super) fn check_as_seen(
        &self,
        bundle: &Bundle,
        events: &[Event],
        words: &Words,
        statement: &Statement,
    ) -> Result<(), Broken> {
        for (n, event) in events.iter().enumerate() {
            let Kind::Join { strand, .. } = &event.header().kind else { continue };
            let Some(Body::Join(join)) = words.of(n) else { continue };
            let Some(member) = self.notes.get(strand) else {
                if join.member.is_empty() {
                    continue;
                }
                return Err(Broken::entry(n, "shows a member note that the bundle doesn't have"));
            };
            if bundle.members.get(strand).is_some_and(|note| note == join.member.as_bytes()) {
                continue;
            }
            let seen = Member::open(join.member.as_bytes(), &statement.authority)
                .map_err(|error| Broken::entry(n, format!("the note as seen at the join: {}", chain(&error))))?;
            let renewed = Member { not_after: member.not_after, ..seen.clone() };
            if renewed != *member {
                return Err(Broken::entry(n, "the note as seen at the join says something else than the bundle's"));
            }
            let held = |(_, at): &(usize, Wall)| seen.valid_at(*at) && !seen.lives_too_long(*at);
            if self.observed.get(strand).is_some_and(|observed| !held(observed)) {
                return Err(Broken::entry(n, "the note as seen at the join didn't hold then"));
            }
        }
        Ok(())
    }

    /// The relay's time of the first join that was recorded.
    pub(super) fn recorded(&self) -> Option<Wall> {
        self.observed.values().min().map(|(_, at)| *at)
    }

    /// The relay's time and the PC's of a join, where the two are more than a day apart. A dead clock is no crime, but
    /// whoever reads the times must know. (SECURITY A4)
    pub(super) fn clock_far_off(&self, events: &[Event]) -> Option<(Wall, Wall)> {
        let both = self.observed.values().filter_map(|(n, at)| Some((*at, events.get(*n)?.header().time)));
        both.into_iter().find(|(at, said)| at.ms().abs_diff(said.ms()) > FAR_OFF_MS)
    }

    /// Certified level of this strand's member.
    pub(super) fn level_of(&self, strand: Strand) -> Option<u8> {
        self.notes.get(&strand).map(|member| member.level)
    }

    /// Name of this strand's member, safe to show.
    pub(super) fn name_of(&self, strand: Strand) -> Option<String> {
        self.notes.get(&strand).map(|member| Foreign::visible(&member.name))
    }
}

/// The relay's time of the commit this join was part of.
fn observed(batch: &JoinBatch, strand: Strand, join: Option<u64>, included: &Included) -> Result<Wall, Broken> {
    let broken = |why: String| Broken::file(format!("join.batch.{strand}"), why);
    let opened = Batch::open(&batch.note, included.log()).map_err(|error| broken(chain(&error)))?;
    let index = included.also(note::leaf(&batch.note), &batch.proof).map_err(broken)?;
    // A batch note stands before the `n` entries it was committed with. One of a later commit would lend its time to
    // a note that had run out when its owner joined.
    if join.is_some_and(|join| join <= index || join - index > opened.n) {
        return Err(broken("another batch than the one the join was committed in".to_owned()));
    }
    Ok(opened.observed)
}

pub(super) fn fits(strand: Strand, role: Role) -> bool {
    match strand {
        Strand::Agent => false,
        Strand::Technician(_) => role.helps(),
        Strand::Observer(_) => true,
    }
}
