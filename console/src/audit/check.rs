//! The whole log, from raw bytes: `venia audit verify`.
//!
//! First the tree, the commits and the time between them, in order; then every session on all cores: signatures
//! strictly, strands, counts, rules (SECURITY E9), and that every tree an event quotes is one this log had. Never a stored
//! hash. Memory holds places, not bytes.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::thread;

use venia_proto::fingerprint::Fingerprint;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::cosignature::Witnessed;
use venia_proto::ledger::event::Event;
use venia_proto::ledger::merkle::Hash;
use venia_proto::ledger::note::Note;
use venia_proto::ledger::notice::LogEntry;
use venia_proto::ledger::reading::Reading;
use venia_proto::ledger::verify::{Recorded, check_recorded};
use venia_proto::now::Wall;
use venia_proto::statement::Statement;

use super::index::{Place, Session};
use super::mirror::{Mirror, MirrorError};

/// What a verified log is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) entries: u64,
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

/// Where a log doesn't hold.
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
        /// Why.
        why: String,
    },
}

/// Verifies a copy: everything, or what came since it was found right last. `told` hears entries read, and of how many.
pub(crate) fn verify(
    mirror: &Mirror,
    root: &Fingerprint,
    since_last: bool,
    mut told: impl FnMut(u64, u64),
) -> Result<Verified, Unproven> {
    let broken = |entry, why: String| Unproven::Broken { entry, why };
    let size = mirror.state.reading.size;
    let statement = Statement::open(mirror.state.statement.as_bytes(), root);
    let statement = statement.map_err(|error| broken(0, error.to_string()))?;
    if statement.relay_of(mirror.key.name.as_str()).is_none_or(|relay| relay.log != mirror.key) {
        return Err(broken(0, "the statement names another key for this log".to_owned()));
    }
    let start = mirror.state.verified.clone().filter(|_| since_last);
    let from = start.as_ref().map_or(0, |(_, bytes)| *bytes);
    let mut reading = match &start {
        Some((saved, _)) => {
            Reading::resume(mirror.key.clone(), saved).map_err(|e| broken(e.entry, e.why.to_string()))?
        }
        None => Reading::new(mirror.key.clone()),
    };
    let mut roots: Vec<(u64, Hash)> = vec![(reading.size(), reading.root())];
    let mut found: BTreeMap<String, Vec<Place>> = BTreeMap::new();
    let mut holes = Vec::new();
    let mut raw = mirror.raw(from)?;
    while let Some((offset, bytes)) = raw.next()? {
        let read = reading.push(&bytes).map_err(|error| broken(error.entry, error.why.to_string()))?;
        holes.extend(read.hole.map(|hole| (hole.from, hole.to)));
        if let LogEntry::Event(event) = &read.entry {
            let place = Place { entry: read.index, offset, observed: read.observed.ms() };
            found.entry(event.header().session.to_string()).or_default().push(place);
        }
        if reading.is_whole() {
            roots.push((reading.size(), reading.root()));
        }
        if read.index % 1_024 == 0 {
            told(read.index, size);
        }
    }
    let signed = Checkpoint::open(mirror.state.checkpoint.as_bytes(), &mirror.key);
    let signed = signed.map_err(|error| broken(size, error.to_string()))?;
    if (signed.size, signed.root) != (reading.size(), reading.root()) {
        return Err(broken(reading.size(), "the entries don't lead to the root the relay signed".to_owned()));
    }
    let work: Vec<(&Session, Vec<Place>)> = found
        .into_iter()
        .map(|(id, places)| {
            let session = mirror.sessions.get(&id).ok_or(MirrorError::Damaged("its index"))?;
            // Reading from the start, the places are the log's own; the index isn't asked.
            Ok((session, if start.is_some() { session.events.clone() } else { places }))
        })
        .collect::<Result<_, MirrorError>>()?;
    let sessions = work.len() as u64;
    let oldest = start.as_ref().map_or(0, |(saved, _)| saved.size);
    let checking = Checking { mirror, statement: &statement, roots: &roots.into_iter().collect(), oldest };
    checking.all(&work)?;
    told(size, size);
    Ok(Verified { entries: size, sessions, holes })
}

struct Checking<'a> {
    mirror: &'a Mirror,
    statement: &'a Statement,
    roots: &'a HashMap<u64, Hash>,
    /// Trees smaller than this were judged last time.
    oldest: u64,
}

impl Checking<'_> {
    /// Every session, on all cores; the first entry that breaks.
    fn all(&self, work: &[(&Session, Vec<Place>)]) -> Result<(), Unproven> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let share = work.len().div_ceil(cores).max(1);
        let results: Vec<Result<(), Unproven>> = thread::scope(|scope| {
            let threads: Vec<_> = work
                .chunks(share)
                .map(|part| {
                    scope.spawn(move || -> Result<(), Unproven> {
                        let file = self.mirror.file()?;
                        part.iter().try_for_each(|(session, places)| self.one(&file, session, places))
                    })
                })
                .collect();
            let gone = || Unproven::Mirror(MirrorError::Damaged("a thread ended"));
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(gone()))).collect()
        });
        results.into_iter().collect()
    }

    fn one(&self, file: &File, session: &Session, places: &[Place]) -> Result<(), Unproven> {
        let at = |entry, why: String| Unproven::Broken { entry, why };
        let events = places.iter().map(|place| event_at(file, *place)).collect::<Result<Vec<_>, _>>()?;
        let first = places.first().map_or(0, |place| place.entry);
        let agent = session.agent.parse().map_err(|_| at(first, "the agent's key is malformed".to_owned()))?;
        for (event, place) in events.iter().zip(places) {
            let Some(after) = event.header().after.as_ref().filter(|after| after.origin == self.mirror.key.name) else {
                continue;
            };
            if after.size >= self.oldest && self.roots.get(&after.size) != Some(&after.root) {
                return Err(at(place.entry, "quotes a tree this log never had".to_owned()));
            }
        }
        let times: Vec<_> = places.iter().map(|place| (place.entry, Wall::from_ms(place.observed))).collect();
        let recorded = Recorded {
            log: &self.mirror.key,
            checkpoint: self.mirror.state.checkpoint.as_bytes(),
            authority: &self.statement.authority,
            agent: &agent,
            places: &times,
            bodies: events.iter().map(|_| None).collect(),
            events: &events,
        };
        check_recorded(recorded, None).map_err(|unsound| at(unsound.entry, unsound.why))
    }
}

/// Reads one event where it lies.
pub(crate) fn event_at(file: &File, place: Place) -> Result<Event, MirrorError> {
    let mut offset = place.offset;
    let mut read = || -> Result<Vec<u8>, MirrorError> {
        let mut length = [0; 4];
        file.read_exact_at(&mut length, offset)?;
        let mut bytes = vec![0; usize::try_from(u32::from_le_bytes(length)).unwrap_or(0).min(1 << 16)];
        file.read_exact_at(&mut bytes, offset + 4)?;
        offset += 4 + bytes.len() as u64;
        Ok(bytes)
    };
    read()?;
    Event::parse(&read()?).map_err(|_| MirrorError::Damaged("an event"))
}
