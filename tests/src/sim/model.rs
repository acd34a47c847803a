//! What consent means, in about fifty lines. It shares nothing with the machine: it reads the cards the person saw and
//! what they answered, and says what may run. The watch compares it with what the machine does, both ways.

use std::collections::BTreeMap;

use venia_proto::consent::{Card, EntryRef, Question};
use venia_proto::ledger::body::{Allowed, Request};

/// Milliseconds an admission waits for its receipt at most.
const RECEIPT_MS: u64 = 5_000;
/// Milliseconds the items of the simulation may run, and the grace.
const WORK_MS: u64 = 12_000;
const MINUTE_MS: u64 = 60_000;

/// Something the person allowed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Granted {
    items: Vec<Allowed>,
    until_ms: u64,
}

/// A run that was admitted and isn't over.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Admitted {
    /// The consent it rests on.
    pub grant: EntryRef,
    /// What exactly.
    pub wanted: Request,
    /// Whether a worker has it, or the person looks at what it brought.
    pub running: bool,
    looked_at: bool,
    until_ms: u64,
}

/// Everything consent depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Model {
    /// The person knows who is there, and it isn't over.
    pub known: bool,
    /// Nothing runs until the person says so.
    pub paused: bool,
    /// By `consent` event.
    pub grants: BTreeMap<EntryRef, Granted>,
    /// By `request` event.
    pub runs: BTreeMap<EntryRef, Admitted>,
}

impl Model {
    /// A grant ends with its time, and everything under it; an admission and a worker end with theirs.
    pub fn time_is(&mut self, now_ms: u64) {
        self.grants.retain(|_, granted| now_ms < granted.until_ms);
        self.runs.retain(|_, run| now_ms < run.until_ms && self.grants.contains_key(&run.grant));
    }

    /// A yes to a card, at this time; `minutes` are none for *until I stop*.
    pub fn allows(&mut self, card: &Card, minutes: Option<u32>, consent: EntryRef, now_ms: u64) {
        let lasts_ms = u64::from(minutes.unwrap_or(60)) * MINUTE_MS;
        let until_ms = match card.question {
            Question::Arrival | Question::Resume | Question::Preview { .. } => return,
            Question::Grant | Question::Change => now_ms + lasts_ms.min(480 * MINUTE_MS),
            Question::Renewal { since_ms } => (now_ms + lasts_ms).min(since_ms + 480 * MINUTE_MS),
        };
        self.grants.insert(consent, Granted { items: card.ticked().cloned().collect(), until_ms });
    }

    /// Whether this grant covers this run: item, definition, every value, a use left.
    pub fn covers(&self, grant: EntryRef, wanted: &Request) -> bool {
        let value_fits = |(name, values): (&String, &std::collections::BTreeSet<String>)| {
            wanted.arguments.get(name).is_some_and(|value| values.contains(value))
        };
        self.known
            && !self.paused
            && self.grants.get(&grant).into_iter().flat_map(|granted| &granted.items).any(|allowed| {
                (&allowed.item, &allowed.definition) == (&wanted.item, &wanted.definition)
                    && allowed.uses > 0
                    && allowed.values.iter().all(value_fits)
            })
    }

    /// A use is taken when a run is admitted.
    pub fn admits(&mut self, request: EntryRef, grant: EntryRef, wanted: Request, now_ms: u64) {
        let items = self.grants.get_mut(&grant).into_iter().flat_map(|granted| &mut granted.items);
        items
            .filter(|allowed| allowed.item == wanted.item)
            .for_each(|allowed| allowed.uses = allowed.uses.saturating_sub(1));
        self.runs.insert(
            request,
            Admitted { grant, wanted, running: false, looked_at: false, until_ms: now_ms + RECEIPT_MS },
        );
    }

    /// Its receipt came: from here only its grant's time counts.
    pub fn is_receipted(&mut self, request: EntryRef) {
        if let Some(run) = self.runs.get_mut(&request) {
            run.until_ms = u64::MAX;
        }
    }

    /// It runs now.
    pub fn starts(&mut self, request: EntryRef, now_ms: u64) {
        if let Some(run) = self.runs.get_mut(&request) {
            (run.running, run.until_ms) = (true, now_ms + WORK_MS);
        }
    }

    /// Its worker is done; the person has as long to look as what they allowed lasts.
    pub fn is_looked_at(&mut self, request: EntryRef) {
        if let Some(run) = self.runs.get_mut(&request).filter(|run| run.running) {
            (run.looked_at, run.until_ms) = (true, u64::MAX);
        }
    }

    /// Nothing goes on but a look; after a sleep nothing is allowed either.
    pub fn pauses(&mut self, slept: bool) {
        self.paused = true;
        self.runs.retain(|_, run| run.looked_at && !slept);
        if slept {
            self.grants.clear();
        }
    }

    /// Nothing is allowed any more, ever.
    pub fn ends(&mut self) {
        *self = Self::default();
    }

    /// A sleep shorter than a pause holds back receipts.
    pub fn dozes(&mut self, ms: u64) {
        self.runs.values_mut().filter(|run| !run.running).for_each(|run| run.until_ms += ms);
    }
}
