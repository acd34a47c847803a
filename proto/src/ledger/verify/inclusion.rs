//! The receipts: every event in one tree of a log the statement names, witnessed, and grown from the first one shown.
//! (SECURITY F3)

use std::collections::{BTreeMap, BTreeSet};

use super::{Broken, Unfinished, chain};
use crate::id::{Leaf, Strand};
use crate::key::{KeyName, VerifierKey};
use crate::ledger::bundle::{Bundle, read_consistency};
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::cosignature::Witnessed;
use crate::ledger::event::{Event, Header};
use crate::ledger::merkle::{self, Hash};
use crate::ledger::note::Note;
use crate::ledger::proof::Proof;
use crate::statement::Statement;

/// What the receipts show.
pub(super) struct Included {
    /// The largest checkpoint; of a whole bundle the only one.
    common: Checkpoint,
    log: VerifierKey,
    note: Note,
    indices: Vec<Option<u64>>,
    several: bool,
    witnessed: Witnessed,
}

/// Checks every receipt, the first checkpoint and the consistency proof.
pub(super) fn check(bundle: &Bundle, events: &[Event], statement: &Statement) -> Result<Included, Broken> {
    let receipts = receipts(bundle)?;
    let commonest = commonest(&receipts);
    let mut logs = Logs { statement, seen: Vec::new(), roots: BTreeMap::new() };
    let mut indices: Vec<Option<u64>> = Vec::with_capacity(events.len());
    let mut newest: BTreeMap<Strand, u64> = BTreeMap::new();
    for (n, (event, receipt)) in events.iter().zip(&receipts).enumerate() {
        let Some(proof) = receipt else {
            indices.push(None);
            continue;
        };
        let (checkpoint, _) = logs.open(&proof.checkpoint).map_err(|why| Broken::entry(n, why))?;
        if commonest.is_some_and(|note| note.text() == proof.checkpoint.text() && *note != proof.checkpoint) {
            return Err(Broken::entry(n, "its checkpoint has other signatures than the same one elsewhere"));
        }
        included(proof, event.leaf(), &checkpoint).map_err(|why| Broken::entry(n, why))?;
        if newest.insert(event.header().author, proof.index).is_some_and(|before| before >= proof.index) {
            return Err(Broken::entry(n, "stands in the log before the event it follows"));
        }
        indices.push(Some(proof.index));
    }
    let largest = logs.seen.iter().max_by_key(|(checkpoint, ..)| checkpoint.size);
    let Some((common, log, note)) = largest.cloned() else { return Err(Broken::entry(0, "has no receipt")) };
    let several = logs.seen.len() > 1;
    let witnessed =
        Witnessed::of(&note, statement).map_err(|bad| Broken { at: Some(super::At::Entry(0)), why: chain(&bad) })?;
    let included = Included { common, log, note, indices, several, witnessed };

    let first = included.check_first(bundle, &mut logs)?;
    included.check_consistency(bundle, &first)?;
    included.check_quotes(events, &first, &mut logs)?;
    Ok(included)
}

impl Included {
    /// Events read from the log itself, whose tree was checked as a whole.
    pub(super) fn read(common: Checkpoint, log: VerifierKey, note: Note, indices: Vec<u64>) -> Self {
        let indices = indices.into_iter().map(Some).collect();
        Self { common, log, note, indices, several: false, witnessed: Witnessed::default() }
    }

    /// The cosignatures on the common checkpoint.
    pub(super) fn witnessed(&self) -> Witnessed {
        self.witnessed
    }

    /// Where event `n` stands in the log; `None` if it has no receipt.
    pub(super) fn index(&self, n: usize) -> Option<u64> {
        self.indices.get(n).copied().flatten()
    }

    /// The log.
    pub(super) fn log(&self) -> &VerifierKey {
        &self.log
    }

    /// Checks another leaf's receipt against the common checkpoint, and gives its index.
    pub(super) fn also(&self, leaf: Leaf, proof: &[u8]) -> Result<u64, String> {
        let proof = parse(proof)?;
        if proof.checkpoint != self.note {
            return Err("its receipt is not against the common checkpoint".to_owned());
        }
        included(&proof, leaf, &self.common)?;
        Ok(proof.index)
    }

    /// Why the receipts don't make a whole record, if they don't.
    pub(super) fn not_common(&self) -> Option<Unfinished> {
        if self.indices.contains(&None) {
            Some(Unfinished::Receipts)
        } else if self.several {
            Some(Unfinished::Checkpoints)
        } else {
            None
        }
    }

    fn check_first(&self, bundle: &Bundle, logs: &mut Logs<'_>) -> Result<Checkpoint, Broken> {
        let broken = |why: String| Broken::file("first.checkpoint", why);
        let note = Note::parse(&bundle.first_checkpoint).map_err(|error| broken(chain(&error)))?;
        let (first, _) = logs.open_apart(&note).map_err(broken)?;
        if first.origin != self.common.origin {
            return Err(broken("of another log than the receipts".to_owned()));
        }
        let covers_open = self.index(0).is_some_and(|index| index < first.size);
        if !covers_open || first.size > self.common.size {
            return Err(broken("doesn't lie between the first event and the common checkpoint".to_owned()));
        }
        Ok(first)
    }

    fn check_consistency(&self, bundle: &Bundle, first: &Checkpoint) -> Result<(), Broken> {
        let broken = |why: String| Broken::file("consistency", why);
        let proof = read_consistency(&bundle.consistency);
        let proof = proof.ok_or_else(|| broken("not one base64 hash a line".to_owned()))?;
        merkle::verify_consistency(first.size, self.common.size, &first.root, &self.common.root, &proof)
            .map_err(|error| broken(chain(&error)))
    }

    /// Who claims to hold the whole record must hold it as the statement asks. A bundle that is `unclosed` anyway may
    /// still wait for its witnesses.
    pub(super) fn check_witnesses(&self) -> Result<(), Broken> {
        if self.witnessed.has_quorum() {
            return Ok(());
        }
        let Witnessed { cosigned, required, .. } = self.witnessed;
        let why = format!("a required witness is missing: {cosigned} of {required} cosigned the checkpoint");
        Err(Broken { at: Some(super::At::Entry(0)), why })
    }

    /// The checkpoints events quote: none from the future, never two roots of one size, and of another log only what an
    /// author held before it had any of this one. (docs/ledger.md, `after`)
    ///
    /// The agent holds no checkpoint between its open and the first receipt of it, so it quotes none: or a bundle could pass
    /// off a late checkpoint as the first, and every root quoted before would be held against nothing.
    fn check_quotes(&self, events: &[Event], first: &Checkpoint, logs: &mut Logs<'_>) -> Result<(), Broken> {
        let mut quotes = Quotes::new(&self.common.origin);
        for (n, event) in events.iter().enumerate() {
            let Header { author, after: Some(after), .. } = event.header() else { continue };
            let broken = |why: &str| Broken::entry(n, why);
            if !quotes.take(*author, &after.origin) {
                return Err(broken(QUOTES_ANOTHER));
            }
            if after.origin == self.common.origin {
                if self.index(n).is_some_and(|index| after.size > index) {
                    return Err(broken("quotes a checkpoint that didn't exist before it"));
                }
                let covers_open = self.index(0).is_some_and(|index| index < after.size);
                if *author == Strand::Agent && covers_open && after.size < first.size {
                    return Err(broken("quotes a checkpoint before the one that is said to be the first"));
                }
            } else if !may_come_from(logs.statement, &after.origin) {
                return Err(broken("a foreign origin: quotes a log that its own doesn't follow"));
            }
            logs.one_root(&after.origin, after.size, &after.root).map_err(|why| Broken::entry(n, why))?;
        }
        Ok(())
    }
}

/// Whether an author may come from this log: one the statement names, or an earlier one of the same chain of logs, which a
/// later statement doesn't name any more.
fn may_come_from(statement: &Statement, origin: &KeyName) -> bool {
    let (first, number) = chained(origin);
    let follows = |log: &KeyName| {
        let (of, newest) = chained(log);
        of == first && number <= newest
    };
    statement.relays.iter().any(|relay| follows(&relay.log.name))
}

/// The first log's name and the number of this one: `NAME`, `NAME/2`, `NAME/3` … ([`crate::ledger::succession::origin`])
fn chained(origin: &KeyName) -> (&str, u64) {
    let numbered = origin.as_str().rsplit_once('/').and_then(|(first, n)| Some((first, n.parse().ok()?)));
    numbered.unwrap_or((origin.as_str(), 1))
}

/// Said of an event that quotes another log although its author held a checkpoint of this one.
pub(super) const QUOTES_ANOTHER: &str = "quotes another log's checkpoint after one of the log it stands in";

/// Which log each author quotes: the one before, until it holds a checkpoint of its own; then never another again. Whoever
/// went back could choose, event by event, which of two histories to be seen in.
pub(super) struct Quotes<'a> {
    log: &'a KeyName,
    arrived: BTreeSet<Strand>,
}

impl<'a> Quotes<'a> {
    pub(super) fn new(log: &'a KeyName) -> Self {
        Self { log, arrived: BTreeSet::new() }
    }

    /// False: this author may quote that log no more.
    pub(super) fn take(&mut self, author: Strand, quoted: &KeyName) -> bool {
        if quoted == self.log {
            self.arrived.insert(author);
            true
        } else {
            !self.arrived.contains(&author)
        }
    }
}

/// Receipts may be missing only at the end: a session whose last events never reached the relay.
fn receipts(bundle: &Bundle) -> Result<Vec<Option<Proof>>, Broken> {
    let mut receipts = Vec::with_capacity(bundle.entries.len());
    let mut missing = None;
    for (n, entry) in bundle.entries.iter().enumerate() {
        receipts.push(match (&entry.proof, missing) {
            (Some(_), Some(missing)) => return Err(Broken::entry(missing, "has no receipt, but later events have")),
            (Some(proof), None) => Some(parse(proof).map_err(|why| Broken::entry(n, why))?),
            (None, _) => {
                missing = missing.or(Some(n));
                None
            }
        });
    }
    Ok(receipts)
}

/// The note most receipts hold. One checkpoint is one note in a bundle, its cosignatures included: otherwise a line nobody
/// knows, and so nobody checks, could be changed unseen. The odd one out is wrong, not whichever comes second.
fn commonest(receipts: &[Option<Proof>]) -> Option<&Note> {
    let mut notes: BTreeMap<Vec<u8>, (usize, &Note)> = BTreeMap::new();
    for proof in receipts.iter().flatten() {
        notes.entry(proof.checkpoint.to_bytes()).or_insert((0, &proof.checkpoint)).0 += 1;
    }
    notes.into_values().max_by_key(|(count, _)| *count).map(|(_, note)| note)
}

fn parse(proof: &[u8]) -> Result<Proof, String> {
    let proof = Proof::parse(proof).map_err(|error| chain(&error))?;
    // Nothing vouches for it, so it could be changed unseen.
    if proof.extra.is_some() { Err("its receipt carries extra data".to_owned()) } else { Ok(proof) }
}

fn included(proof: &Proof, leaf: Leaf, checkpoint: &Checkpoint) -> Result<(), String> {
    merkle::verify_inclusion(leaf, proof.index, checkpoint.size, &checkpoint.root, &proof.siblings)
        .map_err(|error| format!("not in the tree where its receipt says: {error}"))
}

/// The checkpoints met so far. Each signature is checked once.
struct Logs<'a> {
    statement: &'a Statement,
    seen: Vec<(Checkpoint, VerifierKey, Note)>,
    roots: BTreeMap<(KeyName, u64), Hash>,
}

impl Logs<'_> {
    /// A receipt's checkpoint.
    fn open(&mut self, note: &Note) -> Result<(Checkpoint, VerifierKey), String> {
        if let Some((checkpoint, log, _)) = self.seen.iter().find(|(.., seen)| seen == note) {
            return Ok((checkpoint.clone(), log.clone()));
        }
        let (checkpoint, log) = self.open_apart(note)?;
        self.seen.push((checkpoint.clone(), log.clone(), note.clone()));
        Ok((checkpoint, log))
    }

    /// Any checkpoint.
    fn open_apart(&mut self, note: &Note) -> Result<(Checkpoint, VerifierKey), String> {
        let claimed = Checkpoint::unverified(note).map_err(|error| chain(&error))?;
        let relay = self.statement.relay_of(claimed.origin.as_str());
        let relay = relay.ok_or_else(|| format!("a foreign origin: the statement names no log {}", claimed.origin))?;
        let checkpoint = Checkpoint::of_note(note, &relay.log).map_err(|error| chain(&error))?;
        self.one_root(&checkpoint.origin, checkpoint.size, &checkpoint.root)?;
        Ok((checkpoint, relay.log.clone()))
    }

    fn one_root(&mut self, origin: &KeyName, size: u64, root: &Hash) -> Result<(), String> {
        let known = *self.roots.entry((origin.clone(), size)).or_insert(*root);
        if known == *root { Ok(()) } else { Err(format!("two roots at one size: the log forked at {size} entries")) }
    }
}
