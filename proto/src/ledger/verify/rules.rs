//! The rules, replayed: what a record may say happened. (SECURITY E9)
//!
//! Every result has its admit; every admit a request and a consent that said yes to that technician, with this item,
//! this definition, these values, uses left and time left; the technician was let in, and the PC didn't sleep since; their
//! level reaches the item's; nothing ran while paused, after a stop or after a refusal; and nothing ran before its admit was
//! in the log.
//!
//! A change had been shown by its preview. What was withheld can't be checked and isn't: the clear fields alone still bind result to admit to consent. Times
//! are the agent's own claims, which it keeps by its boot clock; the order in the log is the relay's.

use std::collections::{BTreeMap, BTreeSet};

use super::inclusion::Included;
use super::members::Members;
use super::words::Words;
use super::{Broken, changes, places};
use crate::catalog::Catalog;
use crate::id::{Leaf, Strand};
use crate::ledger::body::{Admit, Allowed, Arguments, Body, Consent, DefinitionHash, ItemId, Outcome, Request};
use crate::ledger::event::Event;
use crate::ledger::flag;
use crate::ledger::kind::{Answer, Cause, Kind, Status};
use crate::now::Wall;

/// The highest certified level.
const LEVEL_MAX: u8 = 5;

/// Everything the rules look at.
pub(super) struct Record<'a> {
    pub(super) events: &'a [Event],
    pub(super) words: &'a Words,
    pub(super) included: &'a Included,
    pub(super) members: &'a Members,
    /// `None`: levels and parameters can't be judged.
    pub(super) catalog: Option<&'a Catalog>,
}

/// What the rules couldn't judge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Replayed {
    /// Runs by definitions this build doesn't have, for a technician below the highest level.
    pub(super) levels_unchecked: u64,
}

/// Replays a record in the order of the bundle.
pub(super) fn replay(record: &Record<'_>) -> Result<Replayed, Broken> {
    let mut replay = Replay {
        record,
        places: places(record.events),
        refused: BTreeSet::new(),
        admitted: BTreeSet::new(),
        ended: BTreeSet::new(),
        uses: BTreeMap::new(),
        halt: None,
        let_in: BTreeMap::new(),
        slept: None,
        clocks: BTreeMap::new(),
        replayed: Replayed::default(),
    };
    for (n, event) in record.events.iter().enumerate() {
        replay.step(n, event).map_err(|why| Broken::entry(n, why))?;
    }
    Ok(replay.replayed)
}

struct Replay<'a> {
    record: &'a Record<'a>,
    places: BTreeMap<Leaf, usize>,
    refused: BTreeSet<Leaf>,
    admitted: BTreeSet<Leaf>,
    ended: BTreeSet<Leaf>,
    /// By consent and entry of its card.
    uses: BTreeMap<(Leaf, usize), u64>,
    halt: Option<Halt>,
    /// By strand, whether the person let them in: the first answer to their join.
    let_in: BTreeMap<Strand, bool>,
    /// The last event that tells of a sleep: what was allowed before it isn't any more. (SECURITY A6)
    slept: Option<usize>,
    /// By strand, the time of its newest event.
    clocks: BTreeMap<Strand, Wall>,
    replayed: Replayed,
}

/// Why nothing may run now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Halt {
    Paused,
    Stopped,
}

impl Replay<'_> {
    fn step(&mut self, n: usize, event: &Event) -> Result<(), String> {
        let header = event.header();
        // A strand whose time goes back could make a grant last as long as it likes.
        if self.clocks.insert(header.author, header.time).is_some_and(|before| before > header.time) {
            return Err("its time is before that of the event it follows".to_owned());
        }
        match &header.kind {
            Kind::Consent { asked, answer, .. } => self.consent(n, *asked, *answer),
            Kind::Admit { request, grant } => self.admit(n, *request, *grant),
            Kind::Refuse { request, .. } => {
                self.request(*request, n).ok_or("refuses nothing that was requested before it")?;
                self.refused.insert(*request);
                Ok(())
            }
            Kind::Result { admit, status } => self.result(n, *admit, *status),
            Kind::Series { admit, .. } => {
                self.runs(n, *admit)?;
                self.halted("a series went on")
            }
            Kind::Redaction { admit } => self.admit_of(*admit, n).map(drop),
            Kind::Pause { cause, .. } => {
                self.halt = self.halt.or(Some(Halt::Paused));
                self.slept = (*cause == Cause::Sleep).then_some(n).or(self.slept);
                Ok(())
            }
            Kind::Resume { cause, .. } => {
                self.slept = (*cause == Cause::Sleep).then_some(n).or(self.slept);
                self.halt = self.halt.filter(|halt| *halt != Halt::Paused);
                Ok(())
            }
            Kind::Stop { .. } => {
                self.halt = Some(Halt::Stopped);
                Ok(())
            }
            // After a close only addenda are admitted to a strand at all.
            Kind::Open { .. }
            | Kind::Join { .. }
            | Kind::Request
            | Kind::Chat
            | Kind::Note
            | Kind::Signoff { .. }
            | Kind::Close { .. }
            | Kind::Addendum { .. } => Ok(()),
        }
    }

    fn consent(&mut self, n: usize, asked: Leaf, answer: Answer) -> Result<(), String> {
        let who = self.asked_of(asked, n).ok_or("answers nothing that was asked before it")?;
        if self
            .places
            .get(&asked)
            .is_some_and(|place| matches!(self.record.events[*place].header().kind, Kind::Join { .. }))
        {
            self.let_in.entry(who).or_insert(answer == Answer::Yes);
        }
        Ok(())
    }

    fn admit(&mut self, n: usize, request: Leaf, grant: Leaf) -> Result<(), String> {
        let without = |why: &str| format!("acted without consent: {why}");
        let (asked_at, technician) = self.request(request, n).ok_or_else(|| without("nobody had requested it"))?;
        if self.refused.contains(&request) {
            return Err(without("the request had been refused"));
        }
        if !self.admitted.insert(request) {
            return Err(without("the request had been admitted once"));
        }
        match self.halt {
            Some(Halt::Stopped) => return Err(without("the session had been stopped")),
            Some(Halt::Paused) => return Err(without("the session was paused")),
            None => {}
        }
        let granted_at = self.before(grant, n).ok_or_else(|| without("the consent it names isn't there"))?;
        let consent = self.record.events[granted_at].header();
        let Kind::Consent { asked, answer, .. } = &consent.kind else {
            return Err(without("what it names as consent isn't one"));
        };
        match answer {
            Answer::Yes => {}
            Answer::No => return Err(without("the person had said no")),
            Answer::Silence => return Err(without("nobody had answered, which is no")),
        }
        if self.asked_of(*asked, granted_at) != Some(technician) {
            return Err(without("the consent was given to somebody else"));
        }
        // A no at the door ends the session, whatever is said later.
        match self.let_in.get(&technician) {
            Some(true) => {}
            Some(false) => return Err(without("the person had not let them in")),
            None => return Err(without("nobody was asked whether to let them in")),
        }
        if self.slept.is_some_and(|slept| granted_at < slept) {
            return Err(without("the PC had slept since it was allowed"));
        }
        let index = |place: usize| self.record.included.index(place);
        let recorded = |place: usize| index(n).is_none_or(|own| index(place).is_some_and(|at| at < own));
        if !recorded(asked_at) || !recorded(granted_at) {
            return Err("acted before record: request and consent must stand in the log before their admit".to_owned());
        }

        let request = match self.record.words.of(asked_at) {
            Some(Body::Request(request)) => Some(request),
            Some(_) | None => None,
        };
        let admit = match self.record.words.of(n) {
            Some(Body::Admit(admit)) => Some(admit),
            Some(_) | None => None,
        };
        if let (Some(request), Some(admit)) = (request, admit)
            && (&request.item, &request.definition) != (&admit.item, &admit.definition)
        {
            return Err(without("another item than the one requested"));
        }
        if let Some(Body::Consent(consented)) = self.record.words.of(granted_at) {
            let now = self.record.events[n].header().time;
            if flag::expired(consent.time, consented.minutes, now) {
                return Err(without("the time allowed was over"));
            }
            if let Some(item) = item_of(request, admit) {
                self.use_up(grant, consented, item, request)?;
            }
        }
        match item_of(request, admit) {
            Some(item) if changes::is_unshown(self.record, &self.places, n, item) => {
                Err(without("what it would change had not been shown"))
            }
            Some(item) => self.check_level(item, technician),
            None => Ok(()),
        }
    }

    /// Takes one use of what the card allowed: an entry for this item that fits the values and has uses left.
    fn use_up(
        &mut self,
        grant: Leaf,
        consented: &Consent,
        (item, definition): (&ItemId, &DefinitionHash),
        request: Option<&Request>,
    ) -> Result<(), String> {
        let without = |why: &str| Err(format!("acted without consent: {why}"));
        let mut allowed: Vec<(usize, &Allowed)> = consented.items.iter().enumerate().collect();
        allowed.retain(|(_, allowed)| allowed.item == *item && allowed.definition == *definition);
        if allowed.is_empty() {
            return without("the item wasn't allowed");
        }
        if let Some(request) = request {
            let arguments = self.arguments(request)?;
            let fits = |(name, values): (&String, &BTreeSet<String>)| {
                arguments.get(name).is_none_or(|value| values.contains(value))
            };
            allowed.retain(|(_, allowed)| allowed.values.iter().all(fits));
            if allowed.is_empty() {
                return without("other values than those shown");
            }
        }
        // The narrowest entry first, so that a wide one is left for what only it covers.
        allowed.sort_by_key(|(_, allowed)| std::cmp::Reverse(allowed.values.len()));
        let left = allowed
            .into_iter()
            .find(|(n, allowed)| self.uses.get(&(grant, *n)).copied().unwrap_or(0) < u64::from(allowed.uses));
        let Some((n, _)) = left else { return without("it had run as often as it was allowed") };
        *self.uses.entry((grant, n)).or_default() += 1;
        Ok(())
    }

    /// A definition we have fills in its defaults and refuses what it doesn't declare.
    fn arguments(&self, request: &Request) -> Result<Arguments, String> {
        let item = self.record.catalog.and_then(|catalog| catalog.find(&request.item, &request.definition));
        match item.map(|item| item.arguments(&request.arguments)) {
            Some(arguments) => arguments.map_err(|error| format!("acted without consent: {error}")),
            None => Ok(request.arguments.clone()),
        }
    }

    fn check_level(&mut self, (item, definition): (&ItemId, &DefinitionHash), who: Strand) -> Result<(), String> {
        let Some(item) = self.record.catalog.and_then(|catalog| catalog.find(item, definition)) else {
            // What it needs can't be known from here. Nothing needs more than the highest level.
            let highest = self.record.members.level_of(who) == Some(LEVEL_MAX);
            self.replayed.levels_unchecked += u64::from(!highest);
            return Ok(());
        };
        match self.record.members.level_of(who) {
            Some(level) if level >= item.level => Ok(()),
            Some(level) => Err(format!(
                "acted without consent: {who} is certified for level {level}, the item needs {}",
                item.level
            )),
            None => Err(format!("acted without consent: {who} has no certified level")),
        }
    }

    fn result(&mut self, n: usize, admit: Leaf, status: Status) -> Result<(), String> {
        match status {
            Status::Done | Status::Unknown => {
                self.runs(n, admit)?;
                if self.halt == Some(Halt::Stopped) {
                    self.halted("a result was taken")?;
                }
            }
            // A run that a crash cut off had begun only if its admit was receipted; else its request is refused.
            Status::Failed | Status::Killed | Status::Withheld | Status::Lost | Status::Late => self.runs(n, admit)?,
        }
        if let (Status::Done, Some(Body::Result(Outcome { report: None, .. }))) = (status, self.record.words.of(n)) {
            return Err("done, but without a report".to_owned());
        }
        if self.ended.insert(admit) { Ok(()) } else { Err("a second result of one admit".to_owned()) }
    }

    /// Something ran: its admit must have been in the log by the time the author's newest checkpoint was signed.
    fn runs(&self, n: usize, admit: Leaf) -> Result<(), String> {
        let admitted_at = self.admit_of(admit, n)?;
        let Some(index) = self.record.included.index(admitted_at) else {
            // Neither has this event a receipt then; the bundle is unclosed and says so.
            return Ok(());
        };
        let after = self.record.events[n].header().after.as_ref();
        let log = &self.record.included.log().name;
        if after.is_some_and(|after| after.origin == *log && after.size > index) {
            Ok(())
        } else {
            Err("acted before record: its admit wasn't in the log yet".to_owned())
        }
    }

    fn halted(&self, what: &str) -> Result<(), String> {
        match self.halt {
            Some(Halt::Stopped) => Err(format!("acted without consent: {what} after the stop")),
            Some(Halt::Paused) => Err(format!("acted without consent: {what} during a pause")),
            None => Ok(()),
        }
    }

    /// Place of an event that comes before `n` in the bundle.
    fn before(&self, leaf: Leaf, n: usize) -> Option<usize> {
        self.places.get(&leaf).copied().filter(|place| *place < n)
    }

    fn request(&self, leaf: Leaf, n: usize) -> Option<(usize, Strand)> {
        let place = self.before(leaf, n)?;
        let header = self.record.events[place].header();
        matches!(header.kind, Kind::Request).then_some((place, header.author))
    }

    fn admit_of(&self, leaf: Leaf, n: usize) -> Result<usize, String> {
        let place = self.before(leaf, n);
        let admit = place.filter(|place| matches!(self.record.events[*place].header().kind, Kind::Admit { .. }));
        admit.ok_or_else(|| "acted without consent: nothing had been admitted".to_owned())
    }

    /// Whose question a consent answers: the one who joins, or the one who requests.
    fn asked_of(&self, asked: Leaf, n: usize) -> Option<Strand> {
        let header = self.record.events[self.before(asked, n)?].header();
        if let Kind::Join { strand, .. } = &header.kind {
            Some(*strand)
        } else {
            matches!(header.kind, Kind::Request).then_some(header.author)
        }
    }
}

fn item_of<'a>(request: Option<&'a Request>, admit: Option<&'a Admit>) -> Option<(&'a ItemId, &'a DefinitionHash)> {
    admit.map(|admit| (&admit.item, &admit.definition)).or(request.map(|request| (&request.item, &request.definition)))
}
