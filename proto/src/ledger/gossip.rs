//! Gossip: the two ends of a session show each other the largest checkpoint each holds, over the connection no relay can
//! read, so that a log which tells two people two histories is caught by the two themselves. (LEDGER section 1.8,
//! SECURITY F4)
//!
//! ```text
//! ours ── Show ──▶ peer        at the start, after new receipts (never more often than SHOW_EVERY_MS), at the end
//! ours ◀─ Theirs ─ peer        one size, two roots: evidence at once
//!                              else Ask the relay (never more often than ASK_EVERY_MS): is the smaller a prefix?
//! ours ◀─ Proof ── relay       holds: the larger is kept · fails: evidence, *supplied by the relay*
//! ours ◀─ NoProof  relay       asked again; none in TRIES: End, this session only, nobody is accused
//! ```
//!
//! An honest race freezes nobody: smaller, larger, late and repeated are all normal, and what the log didn't sign says
//! nothing about it. A checkpoint is *held* only once everything held before is proven a prefix of it; so whoever keeps the
//! held one from session to session can never be led from one history to the other without meeting the place where they
//! part.
//!
//! A machine without clock or network: the shell shows, asks, keeps the evidence and ends the session. It never waits for
//! this: a stop or a close goes its own way. Not here: the own receipts' proofs ([`super::pin`] checks them before they get
//! here), and what a frozen log means to whom.

use std::collections::{BTreeMap, VecDeque};

use super::checkpoint::Checkpoint;
use super::merkle::Hash;
use super::note::{NOTE_MAX, Note};
use super::pin::{Evidence, Pin, PinError};
use crate::key::{KeyName, VerifierKey};
use crate::minute::Minute;

/// Largest checkpoint that is taken from the other side, in bytes: as long as a note may be, so that no log can make its
/// checkpoints too long to be shown.
pub const SHOWN_MAX: usize = NOTE_MAX;
/// A newer checkpoint of a log is shown at most this often, in milliseconds; the end of a session doesn't wait for it.
pub const SHOW_EVERY_MS: u64 = 2_000;
/// The relay is asked at most this often, in milliseconds; the end of a session doesn't wait for it.
pub const ASK_EVERY_MS: u64 = 500;
/// Checkpoints looked at in one minute; what comes beyond is dropped unread. Twice what an honest program shows.
pub const TAKEN_PER_MINUTE: u32 = 60;
/// Times the relay is asked for one proof.
pub const TRIES: u8 = 3;
/// Wait before it is asked for the same proof again, in milliseconds.
pub const AGAIN_MS: u64 = 1_000;

/// Everything that can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Our own receipts advanced: this checkpoint is proven to continue the own one before it.
    Own(Vec<u8>),
    /// The other side shows a checkpoint: it may be anything.
    Theirs(Vec<u8>),
    /// The checkpoint of a receipt that the other side sent on, verified already and bounded by the events it came with.
    Receipt(Vec<u8>),
    /// The relay's answer to what was asked.
    Proof {
        /// The checkpoint of the larger tree, a signed note.
        checkpoint: Vec<u8>,
        /// The consistency proof.
        path: Vec<Hash>,
    },
    /// The relay refused, or didn't answer in time.
    NoProof,
    /// Nothing at all came from the relay since it was asked: it may be gone, which the connection finds out in its own
    /// time. No try: who isn't there refuses nothing. A relay that plays dead records nothing either, and that ends it.
    Silence,
    /// The connection to the relay is gone: there is nobody to ask, which is no fault of the log.
    RelayLost,
    /// It is back: what was being asked is asked again.
    RelayFound,
    /// The session ends: what wasn't shown or asked yet is so now.
    Ending,
    /// Time passed.
    Tick,
}

/// Everything it can order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Show the other side this checkpoint.
    Show(Vec<u8>),
    /// Ask the relay whether the tree of `second` leaves continues that of `first`.
    Ask {
        /// The log.
        origin: KeyName,
        /// The smaller size.
        first: u64,
        /// The larger size.
        second: u64,
    },
    /// The log contradicts itself: keep this, trust nothing more it says.
    Evidence {
        /// The log's key.
        log: VerifierKey,
        /// What shows it.
        found: Box<Evidence>,
    },
    /// The relay doesn't prove that its trees belong together: end this session, accuse nobody.
    End,
}

/// What came of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Looked at.
    Looked,
    /// Dropped: too long, too many, or no checkpoint signed by a log we know. It says nothing about anybody.
    Dropped,
}

/// What one side of a session knows of its logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gossip {
    logs: BTreeMap<KeyName, Log>,
    /// The log of the relay we are connected to: the one that must answer.
    live: KeyName,
    asking: Option<Asking>,
    asked_ms: Option<u64>,
    relay_lost: bool,
    ending: bool,
    /// Their checkpoints of this minute.
    minute: Minute,
    outputs: VecDeque<Output>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Log {
    key: VerifierKey,
    /// The largest checkpoint that everything looked at is a prefix of.
    held: Option<Pin>,
    /// The newest one of our own receipts.
    own: Option<Place>,
    /// To be held against `held`: of our own and of theirs the newest, which stands for those before it. Whoever showed
    /// it has held them against each other.
    ours_next: Option<Pin>,
    theirs_next: Option<Pin>,
    /// The last one we showed, and the largest they did.
    shown: Option<Place>,
    theirs: Option<Place>,
    shown_ms: Option<u64>,
    /// It contradicted itself, or wouldn't prove that it doesn't.
    over: bool,
}

/// Size and root.
type Place = (u64, Hash);

/// The one question that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asking {
    older: Pin,
    newer: Pin,
    /// Whether `newer` is what was shown, and `older` what we held.
    grows: bool,
    tries: u8,
    /// When it is asked again; `None` while the relay has it.
    again_ms: Option<u64>,
}

impl Gossip {
    /// At the start of a session. `logs`: the statement's, with the checkpoint kept of each. `live`: the connected relay's.
    pub fn new(logs: impl IntoIterator<Item = (VerifierKey, Option<Pin>)>, live: &VerifierKey) -> Self {
        let logs = logs.into_iter().map(|(key, held)| (key.name.clone(), Log::new(key, held)));
        Self {
            logs: logs.collect(),
            live: live.name.clone(),
            asking: None,
            asked_ms: None,
            relay_lost: false,
            ending: false,
            minute: Minute::default(),
            outputs: VecDeque::new(),
        }
    }

    /// Every checkpoint to keep, by log.
    pub fn held(&self) -> impl Iterator<Item = (&VerifierKey, &Pin)> {
        self.logs.values().filter_map(|log| Some((&log.key, log.held.as_ref()?)))
    }

    /// Whether nothing is left to ask.
    pub fn is_settled(&self) -> bool {
        self.relay_lost || self.asking.is_none() && !self.logs.values().any(Log::has_next)
    }

    /// When to hand in [`Input::Tick`] at the latest, on the boot clock.
    pub fn deadline(&self) -> Option<u64> {
        let again = self.asking.as_ref().filter(|_| !self.relay_lost).and_then(|asking| asking.again_ms);
        let waits = self.asking.is_none() && self.logs.values().any(Log::has_next);
        let asks = self.asked_ms.filter(|_| waits && !self.relay_lost).map(|asked| asked + ASK_EVERY_MS);
        let shows = self.logs.values().filter(|log| log.has_news()).filter_map(|log| log.shown_ms);
        shows.map(|shown| shown + SHOW_EVERY_MS).chain(again).chain(asks).min()
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Takes one input. `now_ms` is on the boot clock.
    pub fn handle(&mut self, now_ms: u64, input: Input) -> Taken {
        let mut taken = Taken::Looked;
        match input {
            Input::Own(note) => self.own(&note),
            Input::Theirs(note) => taken = self.theirs(now_ms, &note),
            Input::Receipt(note) => self.shown(&note),
            Input::Proof { checkpoint, path } => self.proof(now_ms, &checkpoint, &path),
            Input::NoProof => self.no_proof(now_ms),
            Input::Silence => self.silence(now_ms),
            Input::RelayLost => {
                self.relay_lost = true;
                self.silence(now_ms);
            }
            Input::RelayFound => self.relay_lost = false,
            Input::Ending => self.ending = true,
            Input::Tick => {}
        }
        self.ask(now_ms);
        self.show(now_ms, self.ending);
        taken
    }

    fn own(&mut self, note: &[u8]) {
        let Some((log, shown)) = self.read(note) else { return };
        let (before, now) = (log.own, place(&shown));
        if before.is_some_and(|(size, _)| now.0 < size) {
            // A receipt that was overtaken by the next one.
            return;
        }
        log.own = Some(now);
        if log.held.as_ref().map(place) == before {
            log.held = Some(shown);
        } else {
            self.compare(shown, true);
        }
    }

    fn theirs(&mut self, now_ms: u64, note: &[u8]) -> Taken {
        // Counted before the signature is looked at: that costs something.
        if note.len() > SHOWN_MAX || !self.minute.counts(now_ms, TAKEN_PER_MINUTE) {
            return Taken::Dropped;
        }
        if self.read(note).is_none() {
            return Taken::Dropped;
        }
        self.shown(note);
        Taken::Looked
    }

    fn shown(&mut self, note: &[u8]) {
        let Some((log, shown)) = self.read(note) else { return };
        if log.theirs.is_none_or(|(size, _)| size <= shown.checkpoint().size) {
            log.theirs = Some(place(&shown));
        }
        self.compare(shown, false);
    }

    /// Whose checkpoint it is, verified; `None` if it is nobody's, or of a log that is over.
    fn read(&mut self, note: &[u8]) -> Option<(&mut Log, Pin)> {
        let origin = Checkpoint::unverified(&Note::parse(note).ok()?).ok()?.origin;
        let log = self.logs.get_mut(&origin).filter(|log| !log.over)?;
        let pin = Pin::new(note, &log.key).ok()?;
        Some((log, pin))
    }

    /// Holds a checkpoint against what is known of its log, or keeps it until the relay can be asked.
    fn compare(&mut self, shown: Pin, ours: bool) {
        let origin = shown.checkpoint().origin.clone();
        let Some(log) = self.logs.get_mut(&origin) else { return };
        let open = self.asking.iter().flat_map(|asking| [&asking.older, &asking.newer]);
        let open = open.filter(|pin| pin.checkpoint().origin == origin);
        let known: Vec<&Pin> = log.held.iter().chain(&log.ours_next).chain(&log.theirs_next).chain(open).collect();
        let twin = known.into_iter().find(|pin| pin.checkpoint().size == shown.checkpoint().size).cloned();
        // One size, two roots: nobody has to be asked. The same tree again says nothing new.
        if let Some(mut twin) = twin {
            if let Err(PinError::Evidence(found)) = twin.advance(&shown.note(), &log.key, None) {
                self.caught(&origin, found);
            }
            return;
        }
        // The tree of no leaves is a prefix of every other: there is nothing to ask.
        let nothing = |pin: &Pin| pin.checkpoint().size == 0;
        if log.held.as_ref().is_none_or(nothing) {
            log.held = Some(shown);
        } else if !nothing(&shown) {
            let next = if ours { &mut log.ours_next } else { &mut log.theirs_next };
            if next.as_ref().is_none_or(|next| next.checkpoint().size < shown.checkpoint().size) {
                *next = Some(shown);
            }
        }
    }

    fn proof(&mut self, now_ms: u64, checkpoint: &[u8], path: &[Hash]) {
        let Some(asking) = self.asking.clone().filter(|asking| asking.again_ms.is_none()) else { return };
        let Asking { mut older, newer, grows, .. } = asking;
        let asked = place(&older);
        let origin = newer.checkpoint().origin.clone();
        let Some(log) = self.logs.get_mut(&origin) else { return };
        // The relay's own word on that size: another root there is a fork by itself.
        let answered = Pin::new(checkpoint, &log.key).ok();
        let Some(answered) = answered.filter(|pin| pin.checkpoint().size == newer.checkpoint().size) else {
            return self.no_proof(now_ms);
        };
        if let Err(PinError::Evidence(found)) = newer.clone().advance(&answered.note(), &log.key, None) {
            return self.caught(&origin, found);
        }
        match older.advance(&newer.note(), &log.key, Some(path)) {
            Ok(_) => {
                self.asking = None;
                if log.held.as_ref().is_some_and(|held| place(held) == asked) {
                    log.held = Some(newer);
                } else if grows {
                    // Our own receipts went on meanwhile: that these two belong together isn't shown yet.
                    self.compare(newer, false);
                }
            }
            Err(PinError::Evidence(found)) => self.caught(&origin, found),
            Err(PinError::Checkpoint(_) | PinError::NoProof) => self.no_proof(now_ms),
        }
    }

    fn no_proof(&mut self, now_ms: u64) {
        let Some(asking) = self.asking.as_mut().filter(|asking| asking.again_ms.is_none()) else { return };
        let origin = asking.newer.checkpoint().origin.clone();
        // Another relay's log is none that this relay must prove: nothing is learnt of it, and nothing is kept.
        let must = origin == self.live;
        if must && asking.tries < TRIES {
            asking.again_ms = Some(now_ms + AGAIN_MS);
            return;
        }
        self.asking = None;
        if let Some(log) = self.logs.get_mut(&origin).filter(|_| must) {
            log.over = true;
            self.outputs.push_back(Output::End);
        }
    }

    fn silence(&mut self, now_ms: u64) {
        let Some(asking) = self.asking.as_mut().filter(|asking| asking.again_ms.is_none()) else { return };
        asking.tries -= 1;
        asking.again_ms = Some(now_ms + AGAIN_MS);
    }

    fn caught(&mut self, origin: &KeyName, found: Box<Evidence>) {
        self.asking.take_if(|asking| asking.newer.checkpoint().origin == *origin);
        // The other side gets what it needs to find the same.
        self.show(0, true);
        let Some(log) = self.logs.get_mut(origin) else { return };
        log.over = true;
        let log = log.key.clone();
        self.outputs.push_back(Output::Evidence { log, found });
    }

    /// Asks the relay what is next to be asked.
    fn ask(&mut self, now_ms: u64) {
        if self.relay_lost {
            return;
        }
        if let Some(asking) = &mut self.asking {
            if asking.again_ms.is_some_and(|at| at <= now_ms) {
                asking.again_ms = None;
                asking.tries += 1;
                self.outputs.push_back(question(asking));
            }
            return;
        }
        if !self.ending && self.asked_ms.is_some_and(|asked| now_ms < asked + ASK_EVERY_MS) {
            return;
        }
        let live = self.live.clone();
        let mut logs: Vec<_> = self.logs.values_mut().filter(|log| log.has_next()).collect();
        // What this relay must answer goes first.
        logs.sort_by_key(|log| log.key.name != live);
        let Some(log) = logs.into_iter().next() else { return };
        let (Some(held), Some(shown)) = (&log.held, log.theirs_next.take().or_else(|| log.ours_next.take())) else {
            return;
        };
        let grows = held.checkpoint().size < shown.checkpoint().size;
        let (older, newer) = if grows { (held.clone(), shown) } else { (shown, held.clone()) };
        let asking = Asking { older, newer, grows, tries: 1, again_ms: None };
        self.outputs.push_back(question(&asking));
        self.asking = Some(asking);
        self.asked_ms = Some(now_ms);
    }

    /// Shows what the other side hasn't seen.
    fn show(&mut self, now_ms: u64, at_once: bool) {
        for log in self.logs.values_mut().filter(|log| log.has_news()) {
            let early = !at_once && log.shown_ms.is_some_and(|shown| now_ms < shown + SHOW_EVERY_MS);
            if let (Some(held), false) = (&log.held, early) {
                log.shown = Some(place(held));
                log.shown_ms = log.shown_ms.max(Some(now_ms));
                self.outputs.push_back(Output::Show(held.note()));
            }
        }
    }
}

impl Log {
    fn new(key: VerifierKey, held: Option<Pin>) -> Self {
        Self {
            key,
            own: held.as_ref().map(place),
            held,
            ours_next: None,
            theirs_next: None,
            shown: None,
            theirs: None,
            shown_ms: None,
            over: false,
        }
    }

    fn has_news(&self) -> bool {
        let held = self.held.as_ref().map(place);
        !self.over && held.is_some() && held != self.shown && held != self.theirs
    }

    fn has_next(&self) -> bool {
        !self.over && (self.ours_next.is_some() || self.theirs_next.is_some())
    }
}

fn place(pin: &Pin) -> Place {
    (pin.checkpoint().size, pin.checkpoint().root)
}

fn question(asking: &Asking) -> Output {
    let (older, newer) = (asking.older.checkpoint(), asking.newer.checkpoint());
    Output::Ask { origin: newer.origin.clone(), first: older.size, second: newer.size }
}

#[cfg(test)]
mod tests;
