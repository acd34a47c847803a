//! Walking a whole log with several hands: what an auditor's copy and an operator's database have in common.
//!
//! ```text
//! source ──▶ walk (one thread: parse, hash, tree, sort) ──▶ queue, bounded ──▶ hands: signatures, strands, rules
//! ```
//!
//! The walk is [`Whole`], which is pure; here are the threads. The first entry that doesn't hold is told, whatever order
//! the hands found things in: after a failure nothing more is read, what was read is judged to its end, and the smallest
//! entry wins.
//!
//! Not here: where entries come from ([`Source`]), and what is asked of one session (the caller's `judge`: whoever holds
//! its words hands them in there).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::signal::unix::{SignalKind, signal};
use venia_proto::id::SessionId;
use venia_proto::key::{ReadyKey, VerifierKey};
use venia_proto::ledger::event::Event;
use venia_proto::ledger::heartbeat::Hole;
use venia_proto::ledger::note::Note;
use venia_proto::ledger::reading::Read;
use venia_proto::ledger::verify::Unsound;
use venia_proto::ledger::whole::{Place, Session, Whole, agent_key, settle};

/// Relay-made notes checked in one go.
const NOTES_AT_ONCE: usize = 64;
/// Sessions and packs of notes that wait for each hand.
const WAITING: usize = 2;

/// One entry as it lies somewhere.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Where, in the source's own words.
    pub at: u64,
    /// With an `open`, the agent's key as the relay told it, where that is kept beside the entry; else empty.
    pub agent: String,
    /// The exact bytes.
    pub bytes: Vec<u8>,
}

/// What is known of a session from before the walk began.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// The agent's key.
    pub agent: VerifierKey,
    /// Where its events stand, in the order of the log.
    pub places: Vec<Place>,
}

/// Where entries come from.
pub trait Source {
    /// How reading fails.
    type Error;
    /// The next entry; `false` at the end.
    fn next(&mut self, record: &mut Record) -> Result<bool, Self::Error>;
    /// The key of the agent that opened this session, as the relay told it with this record.
    fn agent(&mut self, record: &Record, session: SessionId) -> Result<String, Self::Error>;
    /// An event's bytes, once more.
    fn event(&mut self, at: u64) -> Result<Vec<u8>, Self::Error>;
    /// What came of these sessions before the walk began; their events from there on may be left out. Asked once, at the
    /// end.
    fn earlier(&mut self, sessions: &BTreeSet<SessionId>) -> Result<BTreeMap<SessionId, Earlier>, Self::Error>;
}

/// A session with everything there is of it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Which.
    pub id: SessionId,
    /// The agent's key.
    pub agent: VerifierKey,
    /// Where its events stand.
    pub places: Vec<Place>,
    /// The events.
    pub events: Vec<Event>,
}

/// How a walk is done.
pub struct Terms<'a> {
    /// Hands that check signatures; one does everything in turn, without a thread.
    pub jobs: usize,
    /// Set by whoever wants it to stop at the next commit.
    pub stop: &'a AtomicBool,
    /// Entries after which it pauses, at a commit.
    pub pause_after: u64,
    /// What is asked of a session.
    pub judge: &'a (dyn Fn(Judged) -> Result<(), Unsound> + Sync),
}

/// Where a walk stands. Everything handed out until here was found right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walked {
    /// At the end of the log, with every session judged.
    End,
    /// At a commit; it goes on with the next call.
    Paused,
    /// At a commit, because somebody wants it to stop.
    Stopped,
}

/// A walk that didn't come through.
#[derive(Debug)]
pub enum NotWalked<E> {
    /// An entry doesn't hold.
    Unsound(Unsound),
    /// The source can't be read.
    Source(E),
}

/// What the hands do.
enum Work {
    Notes(Vec<(u64, Note)>),
    Session(Judged),
}

/// What the hands found.
#[derive(Default)]
struct Found {
    first: Mutex<Option<Unsound>>,
    any: AtomicBool,
}

/// Cores this process may use.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// A flag that the first Ctrl-C or SIGTERM of this process sets, so that it can end at a good place.
pub fn interrupted() -> std::io::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = flag.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (ready, listening) = std::sync::mpsc::channel();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
            let (Ok(mut interrupt), Ok(mut terminate)) = signals else { return };
            let _ = ready.send(());
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            set.store(true, Ordering::Release);
        });
    })?;
    // Without signals it can still be killed, and goes on from what it kept last.
    let _ = listening.recv();
    Ok(flag)
}

/// Walks on until the end, a pause, a stop or the first failure. `see` is shown every entry, `silent` every unexplained
/// silence.
pub fn walk<S: Source>(
    whole: &mut Whole,
    source: &mut S,
    terms: &Terms<'_>,
    mut see: impl FnMut(&Read) -> Result<(), S::Error>,
    mut silent: impl FnMut(Hole),
) -> Result<Walked, NotWalked<S::Error>> {
    let found = Found::default();
    let log = whole.reading().log().ready();
    let ended = thread::scope(|scope| {
        let (queue, waiting) = sync_channel::<Work>(terms.jobs.max(1) * WAITING);
        let shared = Arc::new(Mutex::new(waiting));
        let several = terms.jobs > 1;
        if several {
            for _ in 0..terms.jobs {
                let (shared, found, log) = (shared.clone(), &found, &log);
                scope.spawn(move || {
                    while let Some(work) = take(&shared) {
                        found.note(carry_out(work, log, terms.judge));
                    }
                });
            }
        }
        // Held by the threads alone: if they all died, giving more work fails instead of waiting for ever.
        drop(shared);
        let hands = Hands { queue: several.then_some(queue), found: &found, log: &log, terms };
        steps(whole, source, &hands, &mut see, &mut silent)
        // `hands` goes, and with it the queue: the threads do what waits and end.
    });
    let first = found.first.into_inner().unwrap_or_else(PoisonError::into_inner);
    match (ended, first) {
        (Err(NotWalked::Unsound(walked)), Some(judged)) if judged.entry < walked.entry => {
            Err(NotWalked::Unsound(judged))
        }
        (Err(NotWalked::Source(error)), None) => Err(NotWalked::Source(error)),
        (Ok(_) | Err(NotWalked::Source(_)), Some(judged)) => Err(NotWalked::Unsound(judged)),
        (Err(NotWalked::Unsound(walked)), _) => Err(NotWalked::Unsound(walked)),
        (Ok(walked), None) => Ok(walked),
    }
}

struct Hands<'a> {
    queue: Option<SyncSender<Work>>,
    found: &'a Found,
    log: &'a ReadyKey,
    terms: &'a Terms<'a>,
}

impl Hands<'_> {
    fn give(&self, work: Work) {
        match &self.queue {
            // A queue nobody reads any more is one whose threads died; the scope tells.
            Some(queue) => drop(queue.send(work)),
            None => self.found.note(carry_out(work, self.log, self.terms.judge)),
        }
    }
}

impl Found {
    fn note(&self, result: Result<(), Unsound>) {
        let Err(unsound) = result else { return };
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        if first.as_ref().is_none_or(|first| unsound.entry < first.entry) {
            *first = Some(unsound);
        }
        self.any.store(true, Ordering::Release);
    }
}

fn take(waiting: &Mutex<Receiver<Work>>) -> Option<Work> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

fn carry_out(
    work: Work,
    log: &ReadyKey,
    judge: &(dyn Fn(Judged) -> Result<(), Unsound> + Sync),
) -> Result<(), Unsound> {
    match work {
        Work::Notes(notes) => notes.iter().try_for_each(|(index, note)| settle(*index, note, log)),
        Work::Session(session) => judge(session),
    }
}

fn steps<S: Source>(
    whole: &mut Whole,
    source: &mut S,
    hands: &Hands<'_>,
    see: &mut impl FnMut(&Read) -> Result<(), S::Error>,
    silent: &mut impl FnMut(Hole),
) -> Result<Walked, NotWalked<S::Error>> {
    let mut notes = Vec::new();
    let read = read(whole, source, hands, &mut notes, see, silent);
    hands.give(Work::Notes(notes));
    match read {
        Ok(Walked::Paused | Walked::Stopped) | Err(NotWalked::Source(_)) => read,
        // After a failure too: an earlier entry may be the first that doesn't hold.
        Ok(Walked::End) | Err(NotWalked::Unsound(_)) => {
            let before: BTreeSet<_> = whole.unwalked().chain(whole.unproven_new()).collect();
            let earlier = if before.is_empty() { Ok(BTreeMap::new()) } else { source.earlier(&before) };
            let mut earlier = earlier.map_err(NotWalked::Source)?;
            for (session, known) in &earlier {
                hands.found.note(whole.check_new(*session, &known.places));
            }
            while let Some(session) = whole.rest() {
                match complete(session, source, &mut earlier) {
                    Ok(session) => hands.give(Work::Session(session)),
                    Err(NotWalked::Unsound(unsound)) => hands.found.note(Err(unsound)),
                    Err(NotWalked::Source(error)) => return read.and(Err(NotWalked::Source(error))),
                }
            }
            let finished = whole.finish().map_err(NotWalked::Unsound);
            read.and_then(|walked| finished.map(|()| walked))
        }
    }
}

fn read<S: Source>(
    whole: &mut Whole,
    source: &mut S,
    hands: &Hands<'_>,
    notes: &mut Vec<(u64, Note)>,
    see: &mut impl FnMut(&Read) -> Result<(), S::Error>,
    silent: &mut impl FnMut(Hole),
) -> Result<Walked, NotWalked<S::Error>> {
    let until = whole.reading().size().saturating_add(hands.terms.pause_after);
    let mut record = Record::default();
    loop {
        if whole.reading().is_whole() {
            if hands.terms.stop.load(Ordering::Acquire) {
                return Ok(Walked::Stopped);
            }
            if whole.reading().size() >= until {
                return Ok(Walked::Paused);
            }
        }
        if hands.found.any.load(Ordering::Acquire) || !source.next(&mut record).map_err(NotWalked::Source)? {
            return Ok(Walked::End);
        }
        let (mut told, mut seen) = (Ok(()), Ok(()));
        let agent = |session| {
            source.agent(&record, session).unwrap_or_else(|error| {
                told = Err(error);
                String::new()
            })
        };
        let taken = whole.push(record.at, &record.bytes, agent, |read| seen = see(read));
        told.and(seen).map_err(NotWalked::Source)?;
        let taken = taken.map_err(NotWalked::Unsound)?;
        taken.hole.into_iter().for_each(&mut *silent);
        if let Some(note) = taken.owed {
            notes.push((taken.index, note));
            if notes.len() == NOTES_AT_ONCE {
                hands.give(Work::Notes(std::mem::take(notes)));
            }
        }
        while let Some(session) = whole.ready() {
            hands.give(Work::Session(complete(session, source, &mut BTreeMap::new())?));
        }
    }
}

/// Reads again what wasn't held, and what came before the walk began.
fn complete<S: Source>(
    session: Session,
    source: &mut S,
    earlier: &mut BTreeMap<SessionId, Earlier>,
) -> Result<Judged, NotWalked<S::Error>> {
    let agent = agent_key(&session).map_err(NotWalked::Unsound)?;
    let Session { id, mut places, events, .. } = session;
    let from = places.first().map_or(u64::MAX, |place| place.entry);
    let agent = match agent {
        Some(agent) => agent,
        None => {
            let unopened = || Unsound { entry: from, why: "the session doesn't begin with its open".to_owned() };
            let known = earlier.remove(&id).ok_or_else(unopened).map_err(NotWalked::Unsound)?;
            let Earlier { agent, places: mut all } = known;
            all.retain(|place| place.entry < from);
            all.append(&mut places);
            places = all;
            agent
        }
    };
    let events = match events {
        Some(events) => events,
        None => {
            let mut events = Vec::with_capacity(places.len());
            for place in &places {
                let bytes = source.event(place.at).map_err(NotWalked::Source)?;
                let unsound = |why: String| NotWalked::Unsound(Unsound { entry: place.entry, why });
                let event = Event::parse(&bytes).map_err(|error| unsound(error.to_string()))?;
                if event.header().session != id {
                    return Err(unsound("stands in another session than when it was read".to_owned()));
                }
                events.push(event);
            }
            events
        }
    };
    Ok(Judged { id, agent, places, events })
}
