//! Whether a bundle is true: alone, offline, by the verifier's own root. (docs/ledger.md)
//!
//! A whole bundle whose statement asks for a quorum of witnesses is broken without it: whoever holds the close and one
//! checkpoint over everything could have held the cosigned one. Until the witnesses came, an honest program writes a
//! bundle that stops short of its common checkpoint, and that one is `unclosed`.
//!
//! In order: the zip, the statement and whose root signed it, every event's form, chain and signature, every receipt
//! against one checkpoint of a log the statement names, who the members were when they joined, the parts, the close;
//! then the rules are replayed (SECURITY E9): nothing ran that wasn't asked, allowed, recorded, in scope and in time.
//! The first thing that doesn't hold makes it *broken*, and the verdict says where.
//!
//! What it can't find: an agent and a technician who together recorded something false; addenda dropped from the end;
//! words in parts that were withheld. `receipt.html` and `README.txt` are not evidence and are not read here: whoever can
//! render the story compares the first, and says so with [`Verdict::compared`].

mod changes;
mod inclusion;
mod limits;
mod members;
mod recorded;
mod rules;
mod sealing;
mod words;

pub use limits::{Unchecked, Unfinished};
pub use recorded::{Recorded, Unsound, check_recorded, check_strands};

use std::collections::BTreeMap;

use serde::Serialize;

use super::bundle::{self, Bundle};
use super::check_code::check_code;
use super::cosignature::Witnessed;
use super::event::Event;
use super::kind::{Kind, KindName};
use super::strand::{Admission, Strands};
use crate::catalog::Catalog;
use crate::encoding;
use crate::fingerprint::Fingerprint;
use crate::id::{Leaf, SessionId, Strand};
use crate::key::VerifierKey;
use crate::statement::Statement;

/// What is said of a bundle. Serialises to the object `venia verify --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The one word.
    pub verdict: Finding,
    /// The session, once it is known.
    pub session: Option<String>,
    /// Events in the bundle.
    pub entries: u64,
    /// Parts whose opening isn't in the bundle.
    pub withheld: u64,
    /// Runs of items whose definition this verifier doesn't have: nobody checked that the technician's level reached theirs.
    pub levels_unchecked: u64,
    /// By strand, `Ana` if the chain from the verifier's root to that key holds (SECURITY F2), else `key 0a1b2c3d`.
    pub signed_by: BTreeMap<String, String>,
    /// When the first event happened, as its author claims.
    pub from: Option<String>,
    /// When the last event happened, as its author claims.
    pub to: Option<String>,
    /// When the first participant's join was recorded, by the relay's clock.
    pub recorded: Option<String>,
    /// Where it is broken.
    pub at: Option<At>,
    /// Why it isn't intact, or what an intact one could not be checked for.
    pub why: String,
    /// The same for an unclosed one, told apart.
    #[serde(skip)]
    pub unfinished: Option<Unfinished>,
    /// The same for an intact one, told apart.
    #[serde(skip)]
    pub unchecked: Vec<Unchecked>,
    /// By which two people compare their copies ([`check_code`]); `None` if the events can't be read.
    pub code: Option<String>,
    /// Whether `receipt.html` tells the story of these events.
    pub receipt: Receipt,
    /// Who cosigned the common checkpoint: *recorded*, or *recorded and witnessed*. `None` if the statement names no
    /// witness, or the receipts don't hold.
    pub witnessed: Option<Witnessed>,
}

/// What was found of `receipt.html`, which is no evidence but what people read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Receipt {
    /// Rendered again from the events: the same bytes.
    Matches,
    /// There is none, or another version made it.
    #[serde(rename = "not checked")]
    NotChecked,
    /// It says that this version made it, and isn't what this version makes: somebody changed it.
    Differs,
}

/// The four verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// Everything holds, from a root the verifier already had.
    Intact,
    /// Everything holds, but by keys from the file itself: anybody could have made it.
    SelfConsistent,
    /// Something was changed, dropped, swapped or done without consent.
    Broken,
    /// What is there holds, but the session's end or its common checkpoint isn't there.
    Unclosed,
}

/// A place in a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum At {
    /// Number of an entry: its event or its proof.
    Entry(u64),
    /// Name of another file.
    File(String),
}

/// Whose roots the verifier holds. (SECURITY F1)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roots<'a> {
    /// The one root the bundle must be by: another one is a replaced root.
    pub named: Option<Fingerprint>,
    /// Roots known from before: a bundle by another one is merely self-consistent.
    pub known: &'a [Fingerprint],
}

/// What doesn't hold, and where.
#[derive(Debug)]
struct Broken {
    at: Option<At>,
    why: String,
}

/// What is known so far, for a verdict at any point.
#[derive(Default)]
struct Story {
    session: Option<SessionId>,
    entries: u64,
    withheld: u64,
    levels_unchecked: u64,
    times: Option<(String, String)>,
    recorded: Option<String>,
    signed_by: BTreeMap<String, String>,
    code: Option<String>,
    witnessed: Option<Witnessed>,
    /// Checks that weren't possible.
    unchecked: Vec<Unchecked>,
}

/// How what holds ends.
enum Ending {
    Whole { rooted: bool },
    Unclosed(Unfinished),
}

/// Verifies a bundle, with the levels and parameters of the built-in catalogue.
pub fn verify(zip: &[u8], roots: Roots<'_>) -> Verdict {
    verify_with(zip, roots, &Catalog::built_in())
}

/// Verifies a bundle with another catalogue: an organisation's packs, or that of another version.
pub fn verify_with(zip: &[u8], roots: Roots<'_>, catalog: &Catalog) -> Verdict {
    let mut story = Story::default();
    let mut unfinished = None;
    let (verdict, at, why) = match check(zip, roots, catalog, &mut story) {
        Err(broken) => (Finding::Broken, broken.at, broken.why),
        Ok(Ending::Unclosed(open)) => {
            unfinished = Some(open);
            (Finding::Unclosed, None, open.to_string())
        }
        Ok(Ending::Whole { rooted: true }) => (Finding::Intact, None, limits::sentence(&story.unchecked)),
        Ok(Ending::Whole { rooted: false }) => (Finding::SelfConsistent, None, "keys from the file".to_owned()),
    };
    let (from, to) = story.times.unzip();
    Verdict {
        verdict,
        session: story.session.map(|session| session.to_string()),
        entries: story.entries,
        withheld: story.withheld,
        levels_unchecked: story.levels_unchecked,
        signed_by: story.signed_by,
        from,
        to,
        recorded: story.recorded,
        at,
        why,
        unfinished,
        unchecked: story.unchecked,
        code: story.code,
        receipt: Receipt::NotChecked,
        witnessed: story.witnessed,
    }
}

fn check(zip: &[u8], roots: Roots<'_>, catalog: &Catalog, story: &mut Story) -> Result<Ending, Broken> {
    let bundle = Bundle::from_zip(zip)
        .map_err(|error| Broken { at: error.file().map(At::named), why: format!("not a bundle: {error}") })?;
    story.entries = bundle.entries.len() as u64;

    let statement = Statement::open_unpinned(&bundle.statement).map_err(|e| Broken::file("statement", chain(&e)))?;
    let root = statement.fingerprint();
    if roots.named.is_some_and(|named| named != root) {
        return Err(Broken::file("statement", format!("signed by the root {root}, not by the one named")));
    }
    let rooted = roots.named.is_some() || roots.known.contains(&root);
    if bundle.policy != bundle::policy(&statement).as_bytes() {
        return Err(Broken::file("policy", "not what the statement asks of a checkpoint"));
    }

    let events = parse_events(&bundle, story)?;
    story.code = Some(check_code(&events));
    let strands = replay_strands(&bundle, &events)?;
    check_close(&events)?;
    let included = inclusion::check(&bundle, &events, &statement)?;
    story.witnessed = Some(included.witnessed()).filter(|_| !statement.witnesses.is_empty());
    let members = members::check(&bundle, &events, &statement, &included)?;
    story.recorded = members.recorded().map(|at| at.to_string());
    let words = words::open(&bundle, &events)?;
    sealing::check(&events, &statement)?;
    members.check_as_seen(&bundle, &events, &words, &statement)?;
    story.withheld = words.withheld();
    let replayed = rules::replay(&rules::Record {
        events: &events,
        words: &words,
        included: &included,
        members: &members,
        catalog: Some(catalog),
    })?;

    if story.withheld > 0 {
        story.unchecked.push(Unchecked::Withheld(story.withheld));
    }
    story.levels_unchecked = replayed.levels_unchecked;
    if replayed.levels_unchecked > 0 {
        story.unchecked.push(Unchecked::Levels(replayed.levels_unchecked));
    }
    if let Some((at, said)) = members.clock_far_off(&events) {
        story.unchecked.push(Unchecked::Clock { said, at });
    }
    if bundle.receipt.is_some() {
        story.unchecked.push(Unchecked::Receipt);
    }
    for (strand, key) in strands.participants() {
        let name = members.name_of(strand).filter(|_| rooted);
        let shown = name.unwrap_or_else(|| format!("key {}", encoding::to_hex(&key.id())));
        story.signed_by.insert(strand.to_string(), shown);
    }
    Ok(if strands.closed().is_none() {
        Ending::Unclosed(Unfinished::Close)
    } else if included.not_common().is_some() && !included.witnessed().has_quorum() {
        Ending::Unclosed(Unfinished::Witnesses)
    } else if let Some(why) = included.not_common() {
        Ending::Unclosed(why)
    } else {
        included.check_witnesses()?;
        Ending::Whole { rooted }
    })
}

fn parse_events(bundle: &Bundle, story: &mut Story) -> Result<Vec<Event>, Broken> {
    let mut events: Vec<Event> = Vec::with_capacity(bundle.entries.len());
    for (n, entry) in bundle.entries.iter().enumerate() {
        let event = Event::parse(&entry.event).map_err(|error| Broken::entry(n, chain(&error)))?;
        if n == 0 {
            story.session = Some(event.header().session);
        }
        let first = events.first().unwrap_or(&event).header().time.to_string();
        story.times = Some((first, event.header().time.to_string()));
        events.push(event);
    }
    Ok(events)
}

/// The chains, in the order of the file, by the keys `participants` and the joins name.
fn replay_strands(bundle: &Bundle, events: &[Event]) -> Result<Strands, Broken> {
    const FILE: &str = "participants";
    let malformed = || Broken::file(FILE, "not one strand and key a line");
    let text = std::str::from_utf8(&bundle.participants).map_err(|_| malformed())?;
    let mut named: Vec<(Strand, VerifierKey)> = Vec::new();
    for line in text.strip_suffix('\n').ok_or_else(malformed)?.split('\n') {
        let (strand, key) = line.split_once(' ').ok_or_else(malformed)?;
        named.push((strand.parse().map_err(|_| malformed())?, key.parse().map_err(|_| malformed())?));
    }
    let Some((Strand::Agent, agent)) = named.first() else {
        return Err(Broken::file(FILE, "the agent doesn't come first"));
    };
    let first = events.first().ok_or_else(|| Broken::entry(0, "missing"))?;
    let mut strands = Strands::new(first.header().session, agent.clone());
    for (n, event) in events.iter().enumerate() {
        if n == 0 && event.header().kind.name() != KindName::Open {
            return Err(Broken::entry(0, "the session doesn't begin with its open"));
        }
        match strands.admit(event).map_err(|error| Broken::entry(n, chain(&error)))? {
            Admission::New => {}
            Admission::Again => return Err(Broken::entry(n, "the same event stands twice")),
        }
    }
    let joined: BTreeMap<_, _> = strands.participants().collect();
    let listed: BTreeMap<_, _> = named.iter().map(|(strand, key)| (*strand, key)).collect();
    if joined != listed || listed.len() != named.len() {
        return Err(Broken::file(FILE, "not the strands and keys the agent's joins name"));
    }
    Ok(strands)
}

/// The close counts every event but the addenda, so that none can be dropped before it.
fn check_close(events: &[Event]) -> Result<(), Broken> {
    let mut counts: BTreeMap<Strand, u64> = BTreeMap::new();
    for (n, event) in events.iter().enumerate() {
        *counts.entry(event.header().author).or_default() += 1;
        if let Kind::Close { held, .. } = &event.header().kind {
            let count = |of: &BTreeMap<Strand, u64>, strand| of.get(strand).copied().unwrap_or(0);
            // A strand that never wrote may be counted as 0 or left out.
            let differs = held.keys().chain(counts.keys()).find(|strand| count(held, strand) != count(&counts, strand));
            if let Some(strand) = differs {
                let (said, found) = (count(held, strand), count(&counts, strand));
                return Err(Broken::entry(n, format!("the close counts {said} events of {strand}, here are {found}")));
            }
        }
    }
    Ok(())
}

impl Verdict {
    /// The verdict with what a renderer found of `receipt.html`. A changed one makes the bundle broken; one that can't be
    /// compared leaves the verdict as it is, and an intact one says so. What is broken already stays broken where it was.
    #[must_use]
    pub fn compared(mut self, receipt: Receipt) -> Self {
        if self.verdict == Finding::Broken {
            return self;
        }
        self.receipt = receipt;
        self.unchecked.retain(|unchecked| *unchecked != Unchecked::Receipt);
        match receipt {
            Receipt::Matches => {}
            Receipt::NotChecked => self.unchecked.push(Unchecked::Receipt),
            Receipt::Differs => {
                (self.verdict, self.unfinished) = (Finding::Broken, None);
                self.at = Some(At::File("receipt.html".to_owned()));
                self.why = "not the story these events tell: the page was changed after it was made".to_owned();
            }
        }
        if self.verdict == Finding::Intact {
            self.why = limits::sentence(&self.unchecked);
        }
        self
    }
}

impl Finding {
    /// The exit code of `venia verify`: 0 intact, 1 broken, 2 can't tell.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Intact => 0,
            Self::Broken => 1,
            Self::SelfConsistent | Self::Unclosed => 2,
        }
    }
}

impl At {
    /// Events and proofs are named by their number.
    fn named(file: &str) -> Self {
        let number = file.strip_suffix(".event").or_else(|| file.strip_suffix(".tlog-proof"));
        match number.and_then(|digits| digits.parse().ok()) {
            Some(number) => Self::Entry(number),
            None => Self::File(file.to_owned()),
        }
    }
}

impl Broken {
    fn entry(n: usize, why: impl Into<String>) -> Self {
        Self { at: Some(At::Entry(n as u64)), why: why.into() }
    }

    fn file(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self { at: Some(At::File(name.into())), why: why.into() }
    }
}

/// An error with its sources, as one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// Where each event stands in the bundle.
fn places(events: &[Event]) -> BTreeMap<Leaf, usize> {
    events.iter().enumerate().map(|(n, event)| (event.leaf(), n)).collect()
}
