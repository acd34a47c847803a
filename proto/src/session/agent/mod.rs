//! The agent's session: the authority. What it doesn't order, doesn't happen.
//!
//! Flow of one run (ARCHITECTURE section 2): a [`Input::Run`] covered by a live grant is recorded with its `admit` in
//! one batch; the receipt opens the gate; only then [`Output::Perform`] carries a [`Permit`] to the worker. The result
//! is recorded, and its receipt opens the gate for [`Output::Send`].
//!
//! Not here: signatures, hashes, files, packets. Events are named by author and number ([`EntryRef`]); the driver
//! writes, signs, journals and submits what [`Output::Record`] lists, and reports [`Input::Journalled`] and
//! [`Input::Receipted`] in batch order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::catalog::Catalog;
use crate::consent::{Card, CardId, Choice, EntryRef, Grant, Permit, Planned, RunId, Wanted};
use crate::fences::Fences;
use crate::foreign::Foreign;
use crate::id::Strand;
use crate::ledger::body::{self, Body, Request};
use crate::ledger::kind::{Cause, Kind, KindName, Why};
use crate::minute::Minute;
use crate::now::Now;
use crate::policy::Policies;
use crate::report::Report;
use crate::scope::Scope;

use super::close::Close;
use super::gate::BatchId;
use super::timer::{self, Timer, Timers};

mod cards;
mod ending;
mod gates;
mod io;
mod previews;
mod runs;
mod state;
mod talk;
#[cfg(test)]
mod tests;

use gates::{Gated, Then};
pub use io::{Arrival, Entry, Finished, Input, Output, Phase, Tell};
use state::{Effect, OpenCard, Run, RunState};

/// Runs that may be admitted or running at once.
pub const RUNS_MAX: usize = 8;
/// Cards that may wait behind the open one (D5).
pub const CARDS_WAITING_MAX: usize = 5;
/// After this many refused cards nothing more is asked (D5).
pub const REFUSALS_MAX: u8 = 3;
/// Receipts missed in a row before the session ends (E10).
pub const WITHHELD_MAX: u8 = 3;
/// Events a technician may send within a minute; more is a flood.
pub const EVENTS_PER_MINUTE: u32 = 400;
/// Events of a session, all strands together, after which it ends: the relay takes 10,000 (SECURITY E6), and what a
/// session must still say at its end has to fit.
pub const SESSION_EVENTS_MAX: u64 = 9_900;
/// Items an offer may name.
pub const OFFER_MAX: usize = 256;

/// The agent's machine for one session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Agent {
    phase: Phase,
    arrival: Option<Box<Arrival>>,
    /// How many events of each strand the record holds.
    counts: BTreeMap<Strand, u64>,
    next_batch: u32,
    next_card: u32,
    next_run: u32,
    journalled: Option<BatchId>,
    receipted: Option<BatchId>,
    witnessed: Option<BatchId>,
    /// Nothing runs before witnesses cosigned its admission.
    strict: bool,
    /// What the owner of this PC never allows.
    policies: Policies,
    /// What holds workers in on this PC.
    fences: Fences,
    /// The batch of the `close` event.
    close_batch: Option<BatchId>,
    /// Numbers of the agent's events the technician doesn't have yet.
    unsent: BTreeSet<u64>,
    relay_lost: bool,
    link_lost: bool,
    /// What waits for a batch to pass its gate, in order.
    gated: VecDeque<Gated>,
    grants: Vec<Grant>,
    open_card: Option<OpenCard>,
    waiting_cards: VecDeque<Card>,
    /// Requests that wait for a card's answer.
    requests: BTreeMap<CardId, (EntryRef, Wanted)>,
    runs: BTreeMap<RunId, Run>,
    /// What previews found, by preview: a change is asked for only after its own.
    previews: BTreeMap<body::ItemId, Box<Planned>>,
    paused: Option<Cause>,
    /// When the session went on after a sleep.
    resumed_ms: Option<u64>,
    refused: BTreeMap<Scope, u64>,
    /// When the person left an item's box empty.
    left_out: BTreeMap<body::ItemId, u64>,
    refusals: u8,
    withheld: u8,
    chat_stopped: bool,
    /// The technician's events of this minute.
    minute: Minute,
    timers: Timers,
    effects: VecDeque<Effect>,
}

impl Agent {
    /// A session that nobody has joined yet, on a PC that can put up these fences.
    pub fn new(fences: Fences) -> Self {
        Self {
            phase: Phase::New,
            arrival: None,
            counts: BTreeMap::new(),
            next_batch: 0,
            next_card: 0,
            next_run: 0,
            journalled: None,
            receipted: None,
            witnessed: None,
            strict: false,
            policies: Policies::default(),
            fences,
            close_batch: None,
            unsent: BTreeSet::new(),
            relay_lost: false,
            link_lost: false,
            gated: VecDeque::new(),
            grants: Vec::new(),
            open_card: None,
            waiting_cards: VecDeque::new(),
            requests: BTreeMap::new(),
            runs: BTreeMap::new(),
            previews: BTreeMap::new(),
            paused: None,
            resumed_ms: None,
            refused: BTreeMap::new(),
            left_out: BTreeMap::new(),
            refusals: 0,
            withheld: 0,
            chat_stopped: false,
            minute: Minute::default(),
            timers: Timers::default(),
            effects: VecDeque::new(),
        }
    }

    /// The same, on a PC whose owner lets nothing run before witnesses cosigned its admission.
    pub fn strict(fences: Fences) -> Self {
        Self { strict: true, ..Self::new(fences) }
    }

    /// The same, under what the owner of this PC never allows.
    #[must_use]
    pub fn under(self, policies: Policies) -> Self {
        Self { policies, ..self }
    }

    /// Where the session stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Why it is paused, if it is.
    pub fn paused(&self) -> Option<Cause> {
        self.paused
    }

    /// Grants that are live at this time.
    pub fn live_grants(&self, now: Now) -> impl Iterator<Item = &Grant> {
        self.grants.iter().filter(move |grant| grant.is_live(now.boot_ms))
    }

    /// Runs a worker has a permit for and whose end isn't known.
    pub fn running(&self) -> impl Iterator<Item = RunId> + '_ {
        self.runs.iter().filter(|(_, run)| run.state == RunState::Running).map(|(id, _)| *id)
    }

    /// What a preview card is about: exactly what would be recorded and sent, and how many things were taken out of it.
    pub fn preview(&self, run: RunId) -> Option<(&body::ItemId, &Report, u64)> {
        let run = self.runs.get(&run)?;
        let hidden = run.redaction.iter().flat_map(|redaction| redaction.rules.values()).sum();
        if let RunState::LookedAt(report) = &run.state { Some((&run.wanted.item, report, hidden)) } else { None }
    }

    /// When to call [`Self::handle`] with [`Input::Tick`] at the latest, on the boot clock.
    pub fn deadline(&self) -> Option<u64> {
        self.timers.next()
    }

    /// Whether nothing is left: no timer, no run, no card, nothing to do (invariant 9).
    pub fn is_at_rest(&self) -> bool {
        self.timers.is_empty()
            && self.runs.is_empty()
            && self.open_card.is_none()
            && self.waiting_cards.is_empty()
            && self.requests.is_empty()
            && self.previews.is_empty()
            && self.gated.is_empty()
            && self.grants.is_empty()
            && self.unsent.is_empty()
            && self.effects.is_empty()
    }

    /// The next thing to do. A permit is made here and nowhere else, from a grant that is live at this moment; a run
    /// whose grant died since it was ordered is refused instead.
    pub fn poll_output(&mut self, now: Now) -> Option<Output> {
        while let Some(effect) = self.effects.pop_front() {
            return Some(match effect {
                Effect::Record { batch, entries } => Output::Record { batch, entries },
                Effect::Ask(card) => Output::Ask(card),
                Effect::Withdraw(card) => Output::Withdraw(card),
                Effect::Tell(tell) => Output::Tell(tell),
                Effect::Perform(run) => match self.permit(run, now) {
                    Some(permit) => Output::Perform(permit),
                    None => continue,
                },
                Effect::Kill(run) => Output::Kill(run),
                Effect::Send(entry) => {
                    self.unsent.remove(&entry.seq);
                    Output::Send(entry)
                }
                Effect::Outcome { result, grant, item } => {
                    self.unsent.remove(&result.seq);
                    let live = self.is_granted(grant, now);
                    self.tell(if live { Tell::Sent(item) } else { Tell::NotSent(item) });
                    if live { Output::Send(result) } else { Output::SendBare(result) }
                }
                Effect::SendBare(entry) => {
                    self.unsent.remove(&entry.seq);
                    Output::SendBare(entry)
                }
                Effect::Cut => Output::Cut,
                Effect::SendCloseRecorded => Output::SendCloseRecorded,
                Effect::Closed(close) => Output::Closed(close),
                Effect::Released => Output::Released,
            });
        }
        None
    }

    /// Takes one input. Timers that are due fire first, so that a late answer can't outrun the silence before it.
    pub fn handle(&mut self, catalog: &Catalog, now: Now, input: Input) {
        if let Input::Slept { ms } = input {
            // While this PC slept no receipt could reach it: that isn't the relay withholding.
            self.timers.postpone(ms, |timer| matches!(timer, Timer::Receipt(_) | Timer::Chat(_)));
        }
        while let Some(timer) = self.timers.expired(now.boot_ms) {
            self.fire(now, timer);
        }
        match input {
            Input::Tick => {}
            Input::Journalled(batch) => self.journalled(now, batch),
            Input::Receipted(batch) => self.receipted(now, batch),
            Input::Witnessed(batch) => self.witnessed(now, batch),
            Input::NotRecorded(batch) => self.not_recorded(now, batch),
            _ if self.phase == Phase::Closed => {}
            Input::Arrived(arrival) => self.arrived(now, arrival),
            Input::Stop => self.close(now, Close::Stopped),
            Input::JournalFailed => self.close(now, Close::Disk),
            Input::Revoked => self.close(now, Close::Revoked),
            Input::LogDoubted => self.close(now, Close::RelayWithholds),
            Input::Left => self.close(now, Close::TechnicianLeft),
            Input::Nonsense { expected, got } => self.close(now, Close::PeerMisbehaved { expected, got }),
            Input::LinkLost => {
                self.link_lost = true;
                self.lost(now);
            }
            Input::RelayLost => {
                self.relay_lost = true;
                self.lost(now);
            }
            Input::LinkFound => {
                self.link_lost = false;
                self.found(now);
            }
            Input::RelayFound => {
                self.relay_lost = false;
                self.found(now);
            }
            Input::EyesLost => self.eyes_lost(now),
            Input::EyesBack => self.timers.stop(Timer::Eyes),
            Input::PersonGone => self.person_gone(now),
            Input::Slept { ms } => self.slept(now, ms),
            Input::Shown { card, text, language } => self.shown(card, text, language),
            Input::Ticked { card, ticked } => self.ticked(now, card, &ticked),
            Input::Answered { card, choice, shown } => self.answered(catalog, now, card, choice, &shown),
            Input::PersonSays(text) => self.person_says(now, text),
            Input::Finished { run, outcome } => self.finished(catalog, now, run, outcome),
            Input::Ask { seq, request } => {
                if let Some(request_ref) = self.theirs(now, seq) {
                    self.ask(catalog, now, request_ref, request);
                }
            }
            Input::Run { seq, request } => {
                if let Some(request_ref) = self.theirs(now, seq) {
                    self.run(catalog, now, request_ref, request);
                }
            }
            Input::Said { seq, text, chat } => {
                if let Some(said) = self.theirs(now, seq) {
                    self.said(now, said, text, chat);
                }
            }
            Input::SignedOff { seq } => {
                if let Some(signoff) = self.theirs(now, seq) {
                    self.close_with(now, Close::Done, vec![Entry::Theirs(signoff)]);
                }
            }
        }
        self.rearm(now);
    }

    fn fire(&mut self, now: Now, timer: Timer) {
        match timer {
            Timer::FirstSeen => self.show_next(now),
            Timer::Silence => self.silence(now),
            Timer::Receipt(batch) => self.receipt_missed(now, batch),
            Timer::Chat(_) => self.chat_stopped = true,
            Timer::Grant => self.grants_ended(now),
            Timer::Run(run) => self.overdue(run),
            Timer::Eyes => self.unseen(now),
            Timer::Gone => {
                self.pause(now, Cause::NoEyes);
                self.close(now, Close::NoEyes);
            }
            Timer::Lost => self.close(now, Close::Lost),
            Timer::Idle | Timer::SessionMax => self.close(now, Close::Expiry),
            Timer::Close => self.release(),
            // The waiting room's timers; a session sets none of them.
            Timer::Code | Timer::Pairing => {}
        }
    }

    /// The technician as arrived, with the strand they write.
    fn technician(&self) -> Option<Strand> {
        self.arrival.as_ref().map(|arrival| arrival.strand)
    }

    /// Counts an event of the technician and checks its pace. `None` if it came before the arrival or in a flood,
    /// which ends the session.
    fn theirs(&mut self, now: Now, seq: u64) -> Option<EntryRef> {
        let Some(author) = self.technician() else {
            self.close(now, Close::PeerMisbehaved { expected: "arrival first", got: "an event".to_owned() });
            return None;
        };
        let next = self.counts.get(&author).copied().unwrap_or(0);
        if seq != next {
            // An event may be used once, and in its place.
            self.close(now, Close::PeerMisbehaved { expected: "the next event", got: format!("{seq} for {next}") });
            return None;
        }
        if !self.minute.counts(now.boot_ms, EVENTS_PER_MINUTE) {
            let expected = "at most 400 events a minute";
            self.close(now, Close::PeerMisbehaved { expected, got: "more".to_owned() });
            return None;
        }
        if self.counts.values().sum::<u64>() >= SESSION_EVENTS_MAX {
            self.close(now, Close::Expiry);
            return None;
        }
        self.timers.set(Timer::Idle, now.boot_ms + timer::IDLE_MS);
        Some(EntryRef { author, seq })
    }

    fn arrived(&mut self, now: Now, arrival: Box<Arrival>) {
        if self.phase != Phase::New || arrival.offer.items.len() > OFFER_MAX {
            let got = "a second arrival or a longer offer".to_owned();
            return self.close(now, Close::PeerMisbehaved { expected: "one arrival, at most 256 items", got });
        }
        self.phase = Phase::Arriving;
        let open = Entry::Own {
            kind: Kind::Open { versions: arrival.versions.clone() },
            body: Body::Open(arrival.open.clone()),
        };
        let join = Entry::Own {
            kind: Kind::Join { strand: arrival.strand, key: arrival.key.clone(), verified: arrival.verified },
            body: Body::Join(body::Join {
                member: arrival.member.clone(),
                reason: arrival.reason.clone(),
                offer: arrival.offer.clone(),
            }),
        };
        self.minute = Minute::begun(now.boot_ms);
        self.timers.set(Timer::SessionMax, now.boot_ms + timer::SESSION_MAX_MS);
        self.timers.set(Timer::Idle, now.boot_ms + timer::IDLE_MS);
        let asked = EntryRef { author: Strand::Agent, seq: 1 };
        let card = self.new_card(asked, crate::consent::Question::Arrival, BTreeSet::new(), Vec::new());
        self.waiting_cards.push_back(card);
        self.arrival = Some(arrival);
        let batch = self.record(vec![open, join]);
        self.await_receipt(batch, now.boot_ms + timer::ADMISSION_MS);
        self.after(batch, KindName::Open, Then::Send(EntryRef { author: Strand::Agent, seq: 0 }));
        self.after(batch, KindName::Join, Then::Send(asked));
        self.after(batch, KindName::Join, Then::Arrival);
    }

    /// Orders a batch to be recorded and counts its events.
    fn record(&mut self, entries: Vec<Entry>) -> BatchId {
        for entry in &entries {
            let count = self.counts.entry(ending::author(entry)).or_default();
            if let Entry::Own { .. } = entry {
                self.unsent.insert(*count);
            }
            *count += 1;
        }
        let batch = BatchId(self.next_batch);
        self.next_batch += 1;
        self.effects.push_back(Effect::Record { batch, entries });
        batch
    }

    /// Records one event of the agent alone and names it.
    fn record_own(&mut self, kind: Kind<EntryRef>, body: Body) -> (BatchId, EntryRef) {
        let entry = self.next_own(0);
        (self.record(vec![Entry::Own { kind, body }]), entry)
    }

    /// The name of the agent's event that will be written after `ahead` others.
    fn next_own(&self, ahead: u64) -> EntryRef {
        EntryRef { author: Strand::Agent, seq: self.counts.get(&Strand::Agent).copied().unwrap_or(0) + ahead }
    }

    fn tell(&mut self, tell: Tell) {
        self.effects.push_back(Effect::Tell(tell));
    }

    /// Keeps the grant timer at the earliest expiry.
    fn rearm(&mut self, now: Now) {
        match self.grants.iter().map(Grant::expires_ms).min() {
            Some(at) => self.timers.set(Timer::Grant, at),
            None => self.timers.stop(Timer::Grant),
        }
        // Something allowed isn't idle, however quiet it is; idleness begins when the last grant has ended.
        match self.grants.iter().map(Grant::expires_ms).max() {
            Some(at) => self.timers.set(Timer::Idle, at.max(now.boot_ms) + timer::IDLE_MS),
            None => self.timers.cap(Timer::Idle, now.boot_ms + timer::IDLE_MS),
        }
        if self.phase == Phase::Closed {
            self.timers.stop(Timer::Idle);
        }
    }
}
