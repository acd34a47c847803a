//! The whole log, from raw bytes: `venia audit verify`.
//!
//! One walk over the copy ([`venia_proto::ledger::whole`]): tree, commits and the time between them, every tree an event
//! quotes, and what this auditor saw before; then every session on several threads: signatures strictly, strands, counts,
//! rules (SECURITY E9). Never a stored hash. A run that is interrupted goes on where it stopped ([`super::progress`]).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::AtomicBool;

use venia_proto::catalog::Catalog;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::id::SessionId;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::cosignature::Witnessed;
use venia_proto::ledger::event::Event;
use venia_proto::ledger::heartbeat::Hole;
use venia_proto::ledger::merkle::{Hash, Tree};
use venia_proto::ledger::note::{self, Note};
use venia_proto::ledger::reading::{Read, Reading};
use venia_proto::ledger::verify::{Recorded, Unsound, check_recorded};
use venia_proto::ledger::whole::{self, Whole, held_against};
use venia_proto::now::Wall;
use venia_proto::statement::Statement;
use venia_relay::client::home::HomeError;
use venia_relay::walking::{Earlier, Judged, NotWalked, Record, Source, Terms, Walked, walk};
use venia_ui::words::Words;

use super::index::Place;
use super::mirror::{Mirror, MirrorError, Raw};
use super::progress::{Mark, Verifying};
use super::replay::Replay;
use crate::membership::Membership;
use crate::seen;

/// Entries after which a run keeps how far it came: less than a second of work.
const KEPT_EVERY: u64 = 1 << 13;
/// Entries between two words of progress.
const TOLD_EVERY: u64 = 1 << 10;

/// What is asked of a verification.
pub(crate) struct Wish<'a> {
    /// The organisation's root.
    pub(crate) root: &'a Fingerprint,
    /// Only what came since everything was found right last.
    pub(crate) since_last: bool,
    /// Threads that check signatures.
    pub(crate) jobs: usize,
    /// Trees this log was seen to have, elsewhere than in the copy: size and root.
    pub(crate) seen: &'a [(u64, Hash)],
    /// Set by whoever wants it to stop.
    pub(crate) stop: &'a AtomicBool,
    /// What sessions say, where that is here.
    pub(crate) replay: &'a Replay,
}

/// What a verified log is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    /// Entries in the log.
    pub(crate) entries: u64,
    /// The entry the verification began at, in this run or the one it goes on with.
    pub(crate) from: u64,
    /// The entry this run began at.
    pub(crate) resumed: u64,
    /// Sessions that began among them.
    pub(crate) sessions: u64,
    /// Unexplained silences.
    pub(crate) holes: Vec<(Wall, Wall)>,
}

/// Who cosigned the newest checkpoint of a copy, and the log's own time of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Freshness {
    pub(crate) witnessed: Witnessed,
    /// What the log's newest batch note says.
    pub(crate) observed: Option<Wall>,
}

impl Freshness {
    /// The same as a sentence.
    pub(crate) fn say(&self, words: &Words) -> String {
        let observed = self.observed.map_or_else(|| "?".to_owned(), |observed| observed.to_string());
        let (by, required) = (self.witnessed.cosigned, self.witnessed.required);
        match self.witnessed.at {
            Some(at) if self.witnessed.is_witnessed() => {
                words.say("audit-witnessed", &[("by", &by), ("at", &at.to_string()), ("observed", &observed)])
            }
            Some(_) | None => {
                words.say("audit-not-witnessed", &[("by", &by), ("required", &required), ("observed", &observed)])
            }
        }
    }
}

/// How fresh the witnesses' word on a copy is; `None` if the statement names no witness. Believed from the root alone.
pub(crate) fn freshness(mirror: &Mirror, root: &Fingerprint) -> Option<Freshness> {
    let statement = Statement::open(mirror.state.statement.as_bytes(), root).ok()?;
    let note = Note::parse(mirror.state.checkpoint.as_bytes()).ok()?;
    let named = !statement.witnesses.is_empty();
    let observed = mirror.state.reading.last.as_ref().map(|(_, observed)| Wall::from_ms(*observed));
    // A forged line is no cosignature.
    let none = Witnessed { required: statement.quorum, ..Witnessed::default() };
    named.then(|| Freshness { witnessed: Witnessed::of(&note, &statement).unwrap_or(none), observed })
}

/// The tree this member's own sessions were shown last: an auditor who also helps people holds the log to it.
pub(crate) fn pinned(member: &Membership, copy: &Mirror) -> Result<Option<(u64, Hash)>, HomeError> {
    let pin = seen::pin(&member.home, &copy.key)?;
    Ok(pin.map(|pin| (pin.checkpoint().size, pin.checkpoint().root)))
}

/// Where a log doesn't hold, or why that can't be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unproven {
    /// Our own disk.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    /// An entry.
    #[error("entry {entry}: {why}")]
    Broken {
        /// Index in the log.
        entry: u64,
        /// The session it belongs to, if it is an event.
        session: Option<SessionId>,
        /// Why.
        why: String,
    },
    /// Somebody stopped it; it goes on there.
    #[error("stopped at entry {0}")]
    Stopped(u64),
}

/// Verifies a copy: everything, or what came since it was found right last. `told` hears entries read, and of how many.
pub(crate) fn verify(mirror: &Mirror, wish: &Wish<'_>, told: impl FnMut(u64, u64)) -> Result<Verified, Unproven> {
    let ended = attempt(mirror, wish, told);
    match ended {
        Ok(verified) => {
            mirror.keep_verified()?;
            Ok(verified)
        }
        Err(Unproven::Broken { entry, why, .. }) => {
            mirror.forget_verifying()?;
            Err(Unproven::Broken { entry, session: mirror.session_at(entry), why })
        }
        Err(error @ (Unproven::Mirror(_) | Unproven::Stopped(_))) => Err(error),
    }
}

fn attempt(mirror: &Mirror, wish: &Wish<'_>, mut told: impl FnMut(u64, u64)) -> Result<Verified, Unproven> {
    let size = mirror.state.reading.size;
    let statement = Statement::open(mirror.state.statement.as_bytes(), wish.root);
    let statement = statement.map_err(|error| broken(0, error.to_string()))?;
    if statement.relay_of(mirror.key.name.as_str()).is_none_or(|relay| relay.log != mirror.key) {
        return Err(broken(0, "the statement names another key for this log".to_owned()));
    }
    let before = mirror.verified()?;
    let mut run = match mirror.verifying(wish.since_last)? {
        Some(run) => run,
        None => {
            let mark = before.clone().filter(|_| wish.since_last).unwrap_or_default();
            let since_last = wish.since_last;
            Verifying { since_last, mark, owed: Vec::new(), opened: 0, holes: Vec::new() }
        }
    };
    let from = before.as_ref().filter(|_| wish.since_last).map_or(0, |before| before.reading.size);
    let resumed = run.mark.reading.size;
    let mut whole = Whole::new(reading_of(mirror, &run.mark)?);
    run.owed.iter().for_each(|session| whole.owe(*session));
    // The log must still be the one that was found right, and the one that sessions on this computer were shown.
    let last = before.as_ref().map(|before| reading_of(mirror, before)).transpose()?;
    let last = last.iter().map(|reading| (reading.size(), reading.root()));
    for (seen, root) in last.chain(wish.seen.iter().copied()).filter(|(seen, _)| *seen > 0 && *seen <= size) {
        whole.expect(seen, root)?;
    }
    let mut source = Copy { mirror, raw: mirror.raw(run.mark.bytes)?, file: None };
    let catalog = Catalog::built_in();
    let judge = |session: Judged| one(mirror, &statement, wish.replay, &catalog, session);
    let terms = Terms { jobs: wish.jobs, stop: wish.stop, pause_after: KEPT_EVERY, judge: &judge };
    let opened_before = run.opened;
    loop {
        let mut holes = Vec::new();
        let mut see = |read: &Read| {
            if read.index.is_multiple_of(TOLD_EVERY) {
                told(read.index, size);
            }
            Ok(())
        };
        let mut silent = |hole: Hole| holes.push((hole.from.ms(), hole.to.ms()));
        let walked = walk(&mut whole, &mut source, &terms, &mut see, &mut silent);
        let walked = walked.map_err(|error| match error {
            NotWalked::Unsound(unsound) => unsound.into(),
            NotWalked::Source(error) => Unproven::Mirror(error),
        })?;
        run.holes.extend(holes);
        run.opened = opened_before + whole.opened();
        if walked == Walked::End {
            break;
        }
        let reading = whole.reading().save().ok_or(MirrorError::Damaged("a commit is cut"))?;
        let at = reading.size;
        run.mark = Mark { reading, bytes: source.raw.at() };
        run.owed = whole.unjudged().collect();
        mirror.keep_verifying(&run)?;
        if walked == Walked::Stopped {
            return Err(Unproven::Stopped(at));
        }
    }
    let signed = Checkpoint::open(mirror.state.checkpoint.as_bytes(), &mirror.key);
    let signed = signed.map_err(|error| broken(size, error.to_string()))?;
    if (signed.size, signed.root) != (whole.reading().size(), whole.reading().root()) {
        return Err(broken(size, "the entries don't lead to the root the relay signed".to_owned()));
    }
    older(mirror, &whole)?;
    let holes = run.holes.iter().map(|(from, to)| (Wall::from_ms(*from), Wall::from_ms(*to))).collect();
    Ok(Verified { entries: size, from, resumed, sessions: run.opened, holes })
}

/// One session, by its words where they are here.
fn one(
    mirror: &Mirror,
    statement: &Statement,
    replay: &Replay,
    catalog: &Catalog,
    session: Judged,
) -> Result<(), Unsound> {
    let places: Vec<_> = session.places.iter().map(|place| (place.entry, place.observed)).collect();
    let recorded = Recorded {
        log: &mirror.key,
        checkpoint: mirror.state.checkpoint.as_bytes(),
        authority: &statement.authority,
        agent: &session.agent,
        places: &places,
        bodies: replay.bodies(session.id, session.places.iter().map(|place| place.entry), &session.events)?,
        events: &session.events,
    };
    check_recorded(recorded, catalog)
}

/// Trees from before this run began that its events quote: the entries are hashed once more, up to the largest of them.
fn older(mirror: &Mirror, whole: &Whole) -> Result<(), Unproven> {
    let mut quoted = whole.older().peekable();
    let (mut raw, mut tree) = (mirror.raw(0)?, Tree::new());
    while let Some(next) = quoted.peek() {
        if next.0 == tree.size() {
            held_against(*next, &tree.root())?;
            quoted.next();
            continue;
        }
        let Some((_, bytes)) = raw.next()? else {
            return Err(broken(next.2, "quotes a tree this log never had".to_owned()));
        };
        tree.append(note::leaf(&bytes), |_, _, _| {});
    }
    Ok(())
}

fn reading_of(mirror: &Mirror, mark: &Mark) -> Result<Reading, Unproven> {
    if mark.reading.size == 0 {
        return Ok(Reading::new(mirror.key.clone()));
    }
    Ok(Reading::resume(mirror.key.clone(), &mark.reading).map_err(Unsound::from)?)
}

/// A copy, as the walk reads it.
struct Copy<'a> {
    mirror: &'a Mirror,
    raw: Raw,
    file: Option<File>,
}

impl Source for Copy<'_> {
    type Error = MirrorError;

    fn next(&mut self, record: &mut Record) -> Result<bool, MirrorError> {
        self.raw.read(record)
    }

    fn agent(&mut self, record: &Record, _: SessionId) -> Result<String, MirrorError> {
        Ok(record.agent.clone())
    }

    fn event(&mut self, at: u64) -> Result<Vec<u8>, MirrorError> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(self.mirror.file()?),
        };
        bytes_at(file, at)
    }

    fn earlier(&mut self, sessions: &BTreeSet<SessionId>) -> Result<BTreeMap<SessionId, Earlier>, MirrorError> {
        let damaged = |_| MirrorError::Damaged("its index");
        let wanted = sessions.iter().map(ToString::to_string).collect();
        let mut found = BTreeMap::new();
        for placed in self.mirror.places(&wanted)? {
            let place = |place: Place| {
                let Place { entry, offset: at, observed } = place;
                whole::Place { entry, at, observed: Wall::from_ms(observed) }
            };
            let agent = placed.agent.parse().map_err(|_| MirrorError::Damaged("an agent's key"))?;
            let places = placed.events.into_iter().map(place).collect();
            found.insert(placed.session.parse().map_err(damaged)?, Earlier { agent, places });
        }
        Ok(found)
    }
}

impl Mirror {
    /// The session an entry belongs to, if it can still be read as an event.
    fn session_at(&self, entry: u64) -> Option<SessionId> {
        let mut raw = self.raw(0).ok()?;
        let mut record = Record::default();
        for _ in 0..=entry {
            if !raw.read(&mut record).ok()? {
                return None;
            }
        }
        Some(Event::parse(&record.bytes).ok()?.header().session)
    }
}

/// Reads one event where it lies.
pub(crate) fn event_at(file: &File, place: Place) -> Result<Event, MirrorError> {
    Event::parse(&bytes_at(file, place.offset)?).map_err(|_| MirrorError::Damaged("an event"))
}

fn bytes_at(file: &File, mut offset: u64) -> Result<Vec<u8>, MirrorError> {
    let mut read = || -> Result<Vec<u8>, MirrorError> {
        let mut length = [0; 4];
        file.read_exact_at(&mut length, offset)?;
        let mut bytes = vec![0; usize::try_from(u32::from_le_bytes(length)).unwrap_or(0).min(1 << 16)];
        file.read_exact_at(&mut bytes, offset + 4)?;
        offset += 4 + bytes.len() as u64;
        Ok(bytes)
    };
    read()?;
    read()
}

fn broken(entry: u64, why: String) -> Unproven {
    Unproven::Broken { entry, session: None, why }
}

impl From<Unsound> for Unproven {
    fn from(unsound: Unsound) -> Self {
        broken(unsound.entry, unsound.why)
    }
}
