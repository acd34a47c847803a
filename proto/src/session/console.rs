//! The technician's side: follows what the agent decided, and decides nothing.
//!
//! It keeps a view of the grants, so that an honest program asks before it runs, and it works through a list of runs,
//! the scripted ones (`venia join --run …`) and the typed ones alike. What it believes has no power: the agent checks
//! everything again.

use std::collections::{BTreeMap, VecDeque};

use crate::consent::EntryRef;
use crate::foreign::Foreign;
use crate::id::Strand;
use crate::ledger::body::{Asked, Body, Consent, Request, Said, Signoff};
use crate::ledger::kind::{Answer, Cause, Kind, Status, Why};
use crate::now::Now;

use super::agent::RUNS_MAX;
use super::timer::{Timer, Timers};

mod grants;
mod io;

use grants::Grants;
pub use io::{Input, Output, Tell, Write};

/// After its own sign-off, or the end of the connection, the console waits this long for the receipted close.
pub const CLOSE_WAIT_MS: u64 = 10_000;

/// Where a console stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Phase {
    /// The person hasn't said yet whether they know the technician.
    Arriving,
    /// The card for the offer isn't answered.
    Offering,
    /// Things can be run.
    Open,
    /// The sign-off is sent.
    SignedOff,
    /// Over; the receipt of the close is awaited.
    Closed,
    /// The bundle is being written.
    Collected,
}

/// One run, and the change that it is the preview of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Job {
    asked: Asked,
    change: Option<Asked>,
}

/// Events of the agent that a console takes within a minute. Four for each that the agent takes of the technician
/// ([`super::agent::EVENTS_PER_MINUTE`]): an answer, an admission, what was left out and a result. And twice that, for
/// the two begin their minutes at different moments, and the person says something too.
pub const AGENT_EVENTS_PER_MINUTE: u32 = 3_200;

/// The console's machine for one session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Console {
    strand: Strand,
    why: Foreign,
    offered: bool,
    phase: Phase,
    grants: Grants,
    queue: VecDeque<Job>,
    /// Runs asked for and not ended, by the number of their `request`.
    runs: BTreeMap<u64, Job>,
    /// Which request an `admit` belongs to, by the admit's number.
    admits: BTreeMap<u64, u64>,
    /// Results that came before their admit: each travels on a stream of its own. By the admit's number.
    early: BTreeMap<u64, (EntryRef, Status, Body)>,
    /// The request that waits for a card, and when it was sent.
    asking: Option<(u64, u64)>,
    next_seq: u64,
    paused: bool,
    /// So many consents to go on after a pause are still to come: each comes after its `resume`, later than the next one if
    /// its receipt is late, and answers no offer.
    resumed: u32,
    /// The person's last answer was given at this time or later. The word of an answer waits for its receipt, so the
    /// time at which it arrives would make a grant seem to last longer than it does.
    answered_ms: Option<u64>,
    signoff: Option<Signoff>,
    /// The number of the agent's `close`.
    last: Option<u64>,
    timers: Timers,
    outputs: VecDeque<Output>,
}

impl Console {
    /// A session as it stands after `Arrive` was sent. `offered`: whether anything was on the offer.
    pub fn new(strand: Strand, why: Foreign, offered: bool) -> Self {
        Self {
            strand,
            why,
            offered,
            phase: Phase::Arriving,
            grants: Grants::default(),
            queue: VecDeque::new(),
            runs: BTreeMap::new(),
            admits: BTreeMap::new(),
            early: BTreeMap::new(),
            asking: None,
            next_seq: 0,
            paused: false,
            resumed: 0,
            answered_ms: None,
            signoff: None,
            last: None,
            timers: Timers::default(),
            outputs: VecDeque::new(),
        }
    }

    /// The strand this console writes.
    pub fn strand(&self) -> Strand {
        self.strand
    }

    /// Whether runs are waiting or running.
    pub fn is_busy(&self) -> bool {
        !self.queue.is_empty() || !self.runs.is_empty()
    }

    /// Whether the session is over for this side.
    pub fn is_over(&self) -> bool {
        self.phase >= Phase::Closed
    }

    /// Whether this would run now without a question: a live grant covers it and has a use left. What is watched runs again
    /// only then, so that nobody is asked every few seconds.
    pub fn covers(&self, now_ms: u64, asked: &Asked) -> bool {
        // With others before it, it would begin at another time, when the grant may be over.
        let first = self.queue.is_empty() && self.runs.len() < RUNS_MAX;
        self.phase == Phase::Open && !self.paused && first && self.grants.covers(now_ms, asked)
    }

    /// When to call [`Self::handle`] with [`Input::Tick`] at the latest.
    pub fn deadline(&self) -> Option<u64> {
        self.timers.next()
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Now, input: Input) {
        if self.timers.expired(now.boot_ms).is_some() {
            self.collect();
        }
        match input {
            Input::Event { entry, kind, body } => self.event(now, entry, kind, body),
            Input::CloseRecorded => self.collect(),
            Input::LinkLost => self.link_lost(now),
            Input::Tick => {}
            _ if self.phase > Phase::Open => {}
            Input::Run(asked) => self.queue.push_back(Job { asked, change: None }),
            Input::Change { preview, change } => self.queue.push_back(Job { asked: preview, change: Some(change) }),
            Input::Chat(text) => self.talk(Write::Chat(Said { text })),
            Input::Note(text) => self.talk(Write::Note(Said { text })),
            Input::SignOff(signoff) => self.signoff = Some(signoff),
        }
        self.pump(now);
    }

    fn event(&mut self, now: Now, entry: EntryRef, kind: Kind<EntryRef>, body: Body) {
        // What an agent says behind its own close is no part of the session. (SECURITY E7)
        if self.last.is_some_and(|last| entry.seq > last) {
            return;
        }
        let known_ms = *self.answered_ms.get_or_insert(now.boot_ms);
        match kind {
            Kind::Consent { asked, answer, took } => {
                let sent_ms = self.asking.filter(|(seq, _)| asked.author == self.strand && asked.seq == *seq);
                let answered_ms = known_ms.max(sent_ms.map_or(0, |(_, at)| at)).saturating_add(took).min(now.boot_ms);
                self.answered_ms = Some(answered_ms);
                self.consent(entry, answered_ms, asked, answer, took, body);
            }
            Kind::Admit { request, grant } => {
                if request.author == self.strand {
                    self.grants.admitted(request.seq, grant);
                }
                if let Some(job) = self.mine(request) {
                    self.tell(Tell::Running(job.asked.item.clone()));
                    self.admits.insert(entry.seq, request.seq);
                    self.asking.take_if(|(seq, _)| *seq == request.seq);
                    if let Some((result, status, body)) = self.early.remove(&entry.seq) {
                        self.result(result, entry, status, body);
                    }
                }
            }
            Kind::Refuse { request, why } => {
                if let Some(job) = self.mine(request).cloned() {
                    self.runs.remove(&request.seq);
                    self.asking.take_if(|(seq, _)| *seq == request.seq);
                    self.refused(job, why);
                }
            }
            Kind::Result { admit, status } => self.result(entry, admit, status, body),
            Kind::Redaction { admit } => {
                let job = self.admits.get(&admit.seq).and_then(|request| self.runs.get(request));
                if let (Some(item), Body::Redaction(redaction)) = (job.map(|job| job.asked.item.clone()), body) {
                    let count = redaction.rules.values().fold(0, |sum: u64, times| sum.saturating_add(*times));
                    self.tell(Tell::Redacted { item, count });
                }
            }
            Kind::Chat => {
                if let Body::Said(said) = body {
                    self.tell(Tell::Said(said.text));
                }
            }
            Kind::Pause { cause, .. } => {
                self.paused = true;
                self.tell(Tell::Paused(cause));
            }
            Kind::Resume { cause, .. } => {
                self.paused = false;
                self.resumed = self.resumed.saturating_add(1);
                if cause == Cause::Sleep {
                    self.grants.end();
                }
                self.tell(Tell::Resumed);
            }
            Kind::Close { by, cause, .. } => {
                self.last.get_or_insert(entry.seq);
                self.closed(now, by, cause);
            }
            Kind::Open { .. }
            | Kind::Join { .. }
            | Kind::Request
            | Kind::Series { .. }
            | Kind::Note
            | Kind::Stop { .. }
            | Kind::Signoff { .. }
            | Kind::Addendum { .. } => {}
        }
    }

    fn consent(&mut self, consent: EntryRef, answered_ms: u64, asked: EntryRef, answer: Answer, took: u64, body: Body) {
        let card = if let Body::Consent(card) = body { Some(card) } else { None };
        let yes = answer == Answer::Yes;
        let names_nothing = |card: &Consent| card.scopes.is_empty() && card.items.is_empty();
        let going_on =
            self.phase > Phase::Arriving && self.resumed > 0 && yes && card.as_ref().is_some_and(names_nothing);
        if going_on {
            self.resumed -= 1;
        }
        // The answer is told before what follows from it. That it goes on was told by the `resume`, and allows nothing new.
        if !going_on {
            let told = if self.phase == Phase::Arriving { None } else { card.clone() };
            self.tell(Tell::Consent { answer, card: told, took });
        }
        match self.phase {
            Phase::Arriving => {
                if yes {
                    self.phase = if self.offered { Phase::Offering } else { Phase::Open };
                }
                return;
            }
            Phase::Offering if asked.author != self.strand && !going_on => {
                self.phase = Phase::Open;
                if !yes {
                    for job in std::mem::take(&mut self.queue) {
                        self.refused(job, Why::Person);
                    }
                    if self.signoff.take().is_some() {
                        self.outputs.push_back(Output::Leave);
                    }
                }
            }
            Phase::Offering | Phase::Open | Phase::SignedOff | Phase::Closed | Phase::Collected => {}
        }
        if let (true, Some(card)) = (yes, &card) {
            self.grants.given(consent, card, answered_ms, (asked.author == self.strand).then_some(asked.seq));
        }
    }

    fn result(&mut self, entry: EntryRef, admit: EntryRef, status: Status, body: Body) {
        let Some(request) = self.admits.remove(&admit.seq) else {
            // At most one for each run under way; anything more is a program that makes things up.
            if self.early.len() < RUNS_MAX {
                self.early.insert(admit.seq, (entry, status, body));
            }
            return;
        };
        let Some(Job { asked, change }) = self.runs.remove(&request) else { return };
        let report = if let Body::Result(outcome) = body { outcome.report } else { None };
        let planned = report.as_ref().is_some_and(|report| report.plan().is_some());
        self.tell(Tell::Result { item: asked.item, status, report, entry });
        match change {
            // In front, for what a preview found doesn't count for long.
            Some(change) if planned => self.queue.push_front(Job { asked: change, change: None }),
            Some(change) => self.tell(Tell::Refused { item: change.item, why: Why::NotShown }),
            None => {}
        }
    }

    /// A run that won't be, and the change behind it neither.
    fn refused(&mut self, job: Job, why: Why) {
        self.tell(Tell::Refused { item: job.asked.item, why });
        if let Some(change) = job.change {
            self.tell(Tell::Refused { item: change.item, why: Why::NotShown });
        }
    }

    fn closed(&mut self, now: Now, by: Cause, cause: Cause) {
        if self.phase < Phase::Closed {
            self.phase = Phase::Closed;
            self.end_runs();
            self.tell(Tell::Closed { by, cause });
            self.timers.start(Timer::Close, now.boot_ms + CLOSE_WAIT_MS);
        }
    }

    fn link_lost(&mut self, now: Now) {
        if self.phase < Phase::Closed {
            self.phase = Phase::Closed;
            self.end_runs();
            self.tell(Tell::Lost);
        }
        // The relay may hold the close already; the shell asks until this timer ends.
        if self.phase == Phase::Closed {
            self.timers.start(Timer::Close, now.boot_ms);
        }
    }

    /// What was asked for and has no end yet won't get one.
    fn end_runs(&mut self) {
        let open = std::mem::take(&mut self.runs).into_values().chain(std::mem::take(&mut self.queue));
        for job in open.collect::<Vec<_>>() {
            self.refused(job, Why::Stopped);
        }
    }

    fn collect(&mut self) {
        if self.phase != Phase::Collected {
            self.phase = Phase::Collected;
            self.timers.clear();
            self.end_runs();
            self.early.clear();
            self.outputs.push_back(Output::Collect);
        }
    }

    /// A line may be said as soon as the person knows the technician, while they read the card too. Before that the agent
    /// takes one for misbehaviour.
    fn talk(&mut self, write: Write) {
        match self.phase {
            Phase::Arriving => self.tell(Tell::Unsaid),
            Phase::Offering | Phase::Open => {
                self.write(write);
            }
            Phase::SignedOff | Phase::Closed | Phase::Collected => {}
        }
    }

    /// Sends what can be sent: runs under a grant at once, others one question at a time; at last the sign-off.
    fn pump(&mut self, now: Now) {
        if self.phase != Phase::Open || self.paused {
            return;
        }
        while self.runs.len() < RUNS_MAX {
            let Some(job) = self.queue.front().cloned() else { break };
            let asked = &job.asked;
            let covered = self.grants.spend(now.boot_ms, asked);
            if !covered && self.asking.is_some() {
                break;
            }
            self.queue.pop_front();
            let Asked { item, definition, arguments } = asked.clone();
            let request = Request { item, definition, arguments, why: self.why.clone() };
            let item_asked = asked.item.clone();
            let write = if covered { Write::Run(request) } else { Write::Ask(request) };
            let seq = self.write(write);
            self.runs.insert(seq, job);
            if !covered {
                self.asking = Some((seq, now.boot_ms));
                self.grants.awaits(seq, item_asked);
            }
        }
        if self.queue.is_empty()
            && self.runs.is_empty()
            && let Some(signoff) = self.signoff.take()
        {
            self.write(Write::Signoff(signoff));
            self.phase = Phase::SignedOff;
            self.timers.set(Timer::Close, now.boot_ms + CLOSE_WAIT_MS);
        }
    }

    fn write(&mut self, write: Write) -> u64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        self.outputs.push_back(Output::Write(write));
        seq
    }

    /// The run a request of ours stands for.
    fn mine(&self, request: EntryRef) -> Option<&Job> {
        self.runs.get(&request.seq).filter(|_| request.author == self.strand)
    }

    fn tell(&mut self, tell: Tell) {
        self.outputs.push_back(Output::Tell(tell));
    }
}

#[cfg(test)]
mod tests;
