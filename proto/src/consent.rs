//! Consent: what was asked, what the person allowed, and the one value that lets something run.
//!
//! A [`Grant`] comes only from the person's answer to a [`Card`] on this PC. A [`Permit`] comes only from a live grant,
//! is neither `Clone` nor `Copy`, and can't be built anywhere else: its fields are private and this file has the only
//! constructor. The worker takes it by value, so one permit runs one item once. (ARCHITECTURE invariants 1 and 4)
//!
//! Not here: when cards are shown and what else must hold before something runs ([`crate::session::agent`]).

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{Effect, Item};
use crate::id::Strand;
use crate::ledger::body::{Allowed, Arguments, Asked, DefinitionHash, ItemId};
use crate::ledger::kind::Why;
use crate::report::Report;
use crate::scope::Scope;

/// Minutes a grant lasts when the person just says *allow*.
pub const MINUTES_DEFAULT: u32 = 30;
/// Longest time a person can set, in minutes; *until I stop* asks again instead.
pub const MINUTES_MAX: u32 = 480;
/// *Until I stop* asks again after this many minutes (D2).
pub const ASK_AGAIN_MINUTES: u32 = 60;
/// *Until I stop* ends for good after this many minutes (D2).
pub const HARD_END_MINUTES: u32 = 480;
/// How many times one item of an allowed card may run (D3).
pub const USES_MAX: u32 = 20;

/// Milliseconds of a minute.
const MINUTE_MS: u64 = 60_000;

/// An event by its author and number: how rules speak about events that aren't written yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryRef {
    /// Whose strand.
    pub author: Strand,
    /// Which of its events.
    pub seq: u64,
}

/// Number of a card within a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CardId(pub u32);

/// Number of a run within a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u32);

/// One question to the person. Everything it covers is listed; nothing else is ever covered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Card {
    /// Its number.
    pub id: CardId,
    /// The `join` or `request` it is about.
    pub asked: EntryRef,
    /// What kind of question.
    pub question: Question,
    /// Whole scopes it names.
    pub scopes: BTreeSet<Scope>,
    /// Every item it covers, once its box is ticked.
    pub items: Vec<Allowed>,
    /// Of a change: what its preview found.
    pub planned: Option<Box<Planned>>,
    /// Items whose box isn't ticked: a yes doesn't cover them.
    pub unticked: BTreeSet<ItemId>,
}

/// What a preview found: the card of its change shows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Planned {
    /// The preview.
    pub item: ItemId,
    /// The arguments it ran with.
    pub arguments: Arguments,
    /// What it found, its plan included.
    pub report: Report,
    /// Boot-clock milliseconds of its end.
    pub seen_ms: u64,
}

/// What a card asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// Do you know this person?
    Arrival,
    /// May they do this for a while?
    Grant,
    /// An *until I stop* grant has lasted an hour: may it go on? Holds when the first one began.
    Renewal {
        /// Boot-clock milliseconds of the first answer.
        since_ms: u64,
    },
    /// May this one change be made?
    Change,
    /// The session was paused: shall it go on?
    Resume,
    /// This is what a run brought and what would be sent: send it? (SECURITY E2)
    Preview {
        /// The run.
        run: RunId,
    },
}

/// The person's answer to a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Choice {
    /// Yes, or allow for so many minutes; `None` is *until I stop*.
    Allow {
        /// Minutes, 1 to [`MINUTES_MAX`].
        minutes: Option<u32>,
    },
    /// No.
    Deny,
}

/// What a technician wants to run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// The item.
    pub item: ItemId,
    /// Its definition.
    pub definition: DefinitionHash,
    /// Every argument, defaults filled in.
    pub arguments: Arguments,
    /// Of a change: the plan its preview showed. Whoever performs keeps to it.
    pub plan: Option<String>,
}

impl Card {
    /// Whether its items have boxes to tick: a single question is answered by its answer.
    pub fn has_boxes(&self) -> bool {
        self.question == Question::Grant && self.items.len() > 1
    }

    /// The items a yes covers.
    pub fn ticked(&self) -> impl Iterator<Item = &Allowed> {
        self.items.iter().filter(|allowed| !self.unticked.contains(&allowed.item))
    }
}

/// What the person allowed, in memory only: gone with the session, the process, a change of key, a sleep. (A6, D3)
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Grant {
    /// The `consent` event.
    consent: EntryRef,
    /// The only strand that may use it.
    technician: Strand,
    /// Per item: what may run and how often still.
    items: BTreeMap<ItemId, Allowed>,
    /// Boot-clock millisecond at which it is dead.
    expires_ms: u64,
    /// Set for *until I stop*: when the first of its answers was given.
    until_stop_since_ms: Option<u64>,
}

/// Leave to run one item once, with exactly these arguments.
///
/// ```compile_fail
/// fn twice(permit: venia_proto::consent::Permit) { drop(permit.clone()); }
/// ```
/// ```compile_fail
/// let forged = venia_proto::consent::Permit { run: venia_proto::consent::RunId(0) };
/// ```
#[derive(Debug)]
pub struct Permit {
    run: RunId,
    wanted: Wanted,
    grant: EntryRef,
}

impl Grant {
    /// The grant a person's *allow* makes. `None` for an arrival, resume or preview card, which grants nothing, and for minutes
    /// outside 1 to [`MINUTES_MAX`].
    pub fn answered(
        card: &Card,
        minutes: Option<u32>,
        consent: EntryRef,
        technician: Strand,
        now_ms: u64,
    ) -> Option<Self> {
        let since_ms = match card.question {
            Question::Arrival | Question::Resume | Question::Preview { .. } => return None,
            Question::Renewal { since_ms } => since_ms,
            Question::Grant | Question::Change => now_ms,
        };
        if minutes.is_some_and(|minutes| !(1..=MINUTES_MAX).contains(&minutes)) {
            return None;
        }
        let until_stop = minutes.is_none().then_some(since_ms);
        let lasts_ms = u64::from(minutes.unwrap_or(ASK_AGAIN_MINUTES)) * MINUTE_MS;
        let hard_end_ms = since_ms + u64::from(HARD_END_MINUTES) * MINUTE_MS;
        Some(Self {
            consent,
            technician,
            items: card.ticked().map(|allowed| (allowed.item.clone(), allowed.clone())).collect(),
            expires_ms: (now_ms + lasts_ms).min(hard_end_ms),
            until_stop_since_ms: until_stop,
        })
    }

    /// The `consent` event it rests on.
    pub fn consent(&self) -> EntryRef {
        self.consent
    }

    /// When it dies, on the boot clock.
    pub fn expires_ms(&self) -> u64 {
        self.expires_ms
    }

    /// Whether its time isn't over. At the very millisecond of expiry it is dead.
    pub fn is_live(&self, now_ms: u64) -> bool {
        now_ms < self.expires_ms
    }

    /// If this was *until I stop* and its hard end isn't reached, the card that asks to go on.
    pub fn renewal(&self, id: CardId, asked: EntryRef) -> Option<Card> {
        let since_ms = self.until_stop_since_ms?;
        (self.expires_ms < since_ms + u64::from(HARD_END_MINUTES) * MINUTE_MS).then(|| Card {
            id,
            asked,
            question: Question::Renewal { since_ms },
            scopes: BTreeSet::new(),
            items: self.items.values().cloned().collect(),
            planned: None,
            unticked: BTreeSet::new(),
        })
    }

    /// Whether it covers this run now: same technician, item, definition, values, with a use left.
    pub fn covers(&self, technician: Strand, wanted: &Wanted, now_ms: u64) -> bool {
        self.is_live(now_ms)
            && self.technician == technician
            && self.items.get(&wanted.item).is_some_and(|allowed| {
                allowed.definition == wanted.definition
                    && allowed.uses > 0
                    && allowed
                        .values
                        .iter()
                        .all(|(name, values)| wanted.arguments.get(name).is_some_and(|value| values.contains(value)))
            })
    }

    /// Takes one use, before the run is admitted, so that two requests can't share the last one.
    pub(crate) fn reserve(&mut self, item: &ItemId) {
        if let Some(allowed) = self.items.get_mut(item) {
            allowed.uses = allowed.uses.saturating_sub(1);
        }
    }

    /// The permit, if the grant is still live. The only place where one is made.
    pub(crate) fn permit(&self, run: RunId, wanted: &Wanted, now_ms: u64) -> Option<Permit> {
        let named = self.items.get(&wanted.item).is_some_and(|allowed| allowed.definition == wanted.definition);
        (named && self.is_live(now_ms)).then(|| Permit { run, wanted: wanted.clone(), grant: self.consent })
    }
}

impl Permit {
    /// The run it is for.
    pub fn run(&self) -> RunId {
        self.run
    }

    /// The item.
    pub fn item(&self) -> &ItemId {
        &self.wanted.item
    }

    /// Its definition.
    pub fn definition(&self) -> &DefinitionHash {
        &self.wanted.definition
    }

    /// The arguments.
    pub fn arguments(&self) -> &Arguments {
        &self.wanted.arguments
    }

    /// Of a change: what the person was shown would change.
    pub fn plan(&self) -> Option<&str> {
        self.wanted.plan.as_deref()
    }

    /// The `consent` event it rests on.
    pub fn grant(&self) -> EntryRef {
        self.grant
    }
}

/// What a card that shows exactly these arguments would cover.
pub fn allowed(asked: &Asked, uses: u32) -> Allowed {
    Allowed {
        item: asked.item.clone(),
        definition: asked.definition.clone(),
        values: asked.arguments.iter().map(|(name, value)| (name.clone(), BTreeSet::from([value.clone()]))).collect(),
        uses,
    }
}

/// Checks a request against the definition and the technician's level: what is wrong with it, whatever was granted.
pub fn wanted(item: &Item, arguments: &Arguments, level: u8) -> Result<Wanted, Why> {
    if level < item.level {
        return Err(Why::Level);
    }
    let arguments = item.arguments(arguments).map_err(|_| Why::Arguments)?;
    Ok(Wanted { item: item.id.clone(), definition: item.definition.clone(), arguments, plan: None })
}

/// Whether an item may stand on a card for several things. What changes the PC never does.
pub fn may_share_a_card(item: &Item) -> bool {
    match item.effect {
        Effect::Reads => true,
        Effect::Changes => false,
    }
}

#[cfg(test)]
mod tests;
