//! The copy on disk: raw entries, append-only, and one small index that says how far they count.
//!
//! ```text
//! DATA/audit/<log>/entries        u32 length of an agent's key (of an `open`, else 0), the key, u32 length, the raw entry …
//! DATA/audit/<log>/index          one JSON line of state; replaced whole
//! DATA/audit/<log>/sessions-<n>   one JSON line per session; grows ([`super::sessions`])
//! DATA/audit/<log>/words/…        words the auditor opened ([`super::words`])
//! DATA/audit/<log>/verified …     how far it was verified ([`super::progress`])
//! DATA/audit/<log>/contradiction  two checkpoints that can't both be honest, if the relay ever signed such; then -2, -3 …
//! ```
//!
//! What lies in `entries` beyond the length the index names was never verified and is cut off at the next start.
//! Not here: fetching ([`super::sync`]).

mod growth;
mod raw;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use venia_proto::encoding;
use venia_proto::key::VerifierKey;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::merkle::{Hash, verify_consistency};
use venia_proto::ledger::reading::{Saved, Unreadable};
use venia_relay::client::home::{Home, HomeError};

use super::index::Session;
use super::sessions;
pub(crate) use raw::Raw;

const FOLDER: &str = "audit";
const ENTRIES: &str = "entries";
const INDEX: &str = "index";
const CONTRADICTION: &str = "contradiction";
/// Most files of them; a relay that goes on contradicting itself doesn't fill the disk.
const CONTRADICTIONS_MAX: u32 = 64;
/// Largest index, in bytes: a statement, a checkpoint, and every session that is open.
const INDEX_MAX: usize = 1 << 28;

/// A copy that can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MirrorError {
    /// The folder.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The disk.
    #[error("the copy of the log can't be read or written")]
    Disk(#[from] io::Error),
    /// Not what we wrote.
    #[error("the copy of the log is damaged: {0}")]
    Damaged(&'static str),
    /// An entry no relay may write there.
    #[error("the log doesn't hold")]
    Log(#[from] Unreadable),
}

/// Everything the index says beside its sessions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    /// The log's verifier key; its name is the origin.
    pub(crate) log: String,
    /// The signed statement that names it.
    pub(crate) statement: String,
    /// The newest checkpoint that was held against the entries here.
    pub(crate) checkpoint: String,
    /// Bytes of `entries` that count.
    pub(crate) bytes: u64,
    /// How far the log was read.
    pub(crate) reading: Saved,
    /// Unexplained silences: from, to.
    pub(crate) holes: Vec<(i64, i64)>,
    /// Entries before this one are kept by nobody but this copy, which may have the first of them or none: the relay pruned
    /// them.
    #[serde(default)]
    pub(crate) pruned: u64,
    /// The last checkpoint of a log that was pruned after this copy was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) end: Option<String>,
    /// The relay closed this log at fewer entries than this copy holds: a restored backup lost the rest.
    #[serde(default)]
    pub(crate) closed: Option<u64>,
    /// Bytes of `entries` whose erase notes were handed to the logs before ([`super::erasures`]).
    #[serde(default)]
    pub(crate) handed: u64,
    /// Where the sessions stand.
    #[serde(default)]
    pub(crate) sessions: sessions::Kept,
}

/// One log's copy.
pub(crate) struct Mirror {
    pub(super) home: Home,
    pub(crate) key: VerifierKey,
    pub(crate) state: State,
    pub(crate) sessions: BTreeMap<String, Session>,
}

impl Mirror {
    /// Opens the copy of this log, made if missing.
    pub(crate) fn open(data: &Path, key: &VerifierKey) -> Result<Self, MirrorError> {
        let home = Home::open(&data.join(FOLDER).join(folder(key)), true)?;
        Self::load(home, Some(key))?.ok_or(MirrorError::Damaged("its log's key"))
    }

    /// Every copy in this data folder.
    pub(crate) fn all(data: &Path) -> Result<Vec<Self>, MirrorError> {
        Self::each(data, &[], Self::load)
    }

    /// Every copy, without its sessions: whoever verifies a whole log reads them from the entries.
    pub(crate) fn bare(data: &Path) -> Result<Vec<Self>, MirrorError> {
        Self::each(data, &[], |home, _| Self::state_of(home))
    }

    /// Every copy in this data folder but these, which are open.
    pub(crate) fn others(data: &Path, these: &[Self]) -> Result<Vec<Self>, MirrorError> {
        let open: Vec<_> = these.iter().map(Self::dir).collect();
        Self::each(data, &open, Self::load)
    }

    /// Lets go of the sessions.
    #[must_use]
    pub(crate) fn without_sessions(self) -> Self {
        Self { sessions: BTreeMap::new(), ..self }
    }

    fn each(
        data: &Path,
        but: &[&Path],
        load: impl Fn(Home, Option<&VerifierKey>) -> Result<Option<Self>, MirrorError>,
    ) -> Result<Vec<Self>, MirrorError> {
        let mut mirrors = Vec::new();
        let folders = match std::fs::read_dir(data.join(FOLDER)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(mirrors),
            folders => folders?,
        };
        for folder in folders {
            let path = folder?.path();
            if path.join(INDEX).is_file() && !but.contains(&path.as_path()) {
                mirrors.extend(load(Home::open(&path, true)?, None)?);
            }
        }
        Ok(mirrors)
    }

    fn state_of(home: Home) -> Result<Option<Self>, MirrorError> {
        let mut line = Vec::new();
        BufReader::new(File::open(home.dir().join(INDEX))?).read_until(b'\n', &mut line)?;
        let state: State = serde_json::from_slice(&line).map_err(|_| MirrorError::Damaged("its index"))?;
        let key = state.log.parse().map_err(|_| MirrorError::Damaged("its log's key"))?;
        Ok(Some(Self { home, key, state, sessions: BTreeMap::new() }))
    }

    /// Agent's key and places of these sessions; read once, line by line, and not held.
    pub(crate) fn places(&self, wanted: &BTreeSet<String>) -> Result<Vec<Session>, MirrorError> {
        sessions::places(&self.home, self.state.sessions, wanted)
    }

    fn load(home: Home, key: Option<&VerifierKey>) -> Result<Option<Self>, MirrorError> {
        let Some(index) = home.read(INDEX, INDEX_MAX)? else {
            let Some(key) = key.cloned() else { return Ok(None) };
            let state = State {
                log: key.to_string(),
                statement: String::new(),
                checkpoint: String::new(),
                bytes: 0,
                reading: Saved::default(),
                holes: Vec::new(),
                pruned: 0,
                end: None,
                closed: None,
                handed: 0,
                sessions: sessions::Kept::default(),
            };
            return Ok(Some(Self { home, key, state, sessions: BTreeMap::new() }));
        };
        let state: State = serde_json::from_slice(&index).map_err(|_| MirrorError::Damaged("its index"))?;
        let sessions = sessions::load(&home, state.sessions)?;
        let known: VerifierKey = state.log.parse().map_err(|_| MirrorError::Damaged("its log's key"))?;
        let same = key.is_none_or(|key| *key == known);
        Ok(same.then_some(Self { home, key: known, state, sessions }))
    }

    /// The entries that aren't here are kept by nobody: of those the log is known by its root only. What is here stays, and
    /// so does the checkpoint it leads to.
    pub(crate) fn known_by_root(
        &mut self,
        pruned: u64,
        checkpoint: &[u8],
        statement: &[u8],
    ) -> Result<(), MirrorError> {
        self.state.pruned = pruned;
        if self.state.reading.size == 0 {
            self.state.checkpoint = text(checkpoint)?;
            self.state.statement = text(statement)?;
        } else {
            self.state.end = Some(text(checkpoint)?);
        }
        self.write_index()
    }

    /// Whether this is a log of which nothing but the root is known.
    pub(crate) fn is_pruned(&self) -> bool {
        self.state.reading.size == 0 && self.state.pruned > 0
    }

    /// Where the log ended, if it was pruned before this copy had all of it.
    pub(crate) fn pruned_at(&self) -> Option<u64> {
        (self.state.pruned > self.state.reading.size).then_some(self.state.pruned)
    }

    /// Size and root at which a log ended that was pruned.
    pub(crate) fn ended(&self) -> Result<Option<(u64, Hash)>, MirrorError> {
        let end = match &self.state.end {
            Some(end) => end,
            None if self.is_pruned() => &self.state.checkpoint,
            None => return Ok(None),
        };
        let end =
            Checkpoint::open(end.as_bytes(), &self.key).map_err(|_| MirrorError::Damaged("its last checkpoint"))?;
        Ok(Some((end.size, end.root)))
    }

    /// Whether this proves that a later tree continues the one of this copy.
    pub(crate) fn is_continued(&self, last: &Checkpoint, path: &[Hash]) -> Result<bool, MirrorError> {
        let here = Checkpoint::open(self.state.checkpoint.as_bytes(), &self.key);
        let here = here.map_err(|_| MirrorError::Damaged("its checkpoint"))?;
        Ok(verify_consistency(here.size, last.size, &here.root, &last.root, path).is_ok())
    }

    /// The relay closed the log before the end of this copy, which stays as it is.
    pub(crate) fn outlives(&mut self, closed: u64) -> Result<(), MirrorError> {
        if self.state.closed == Some(closed) {
            return Ok(());
        }
        self.state.closed = Some(closed);
        self.write_index()
    }

    /// Keeps two checkpoints that can't both be honest, beside any that were kept before: the first is the oldest lie.
    pub(crate) fn contradicted(&self, shown: &[u8]) -> Result<PathBuf, MirrorError> {
        let mut bytes = self.state.checkpoint.clone().into_bytes();
        bytes.push(b'\n');
        bytes.extend_from_slice(shown);
        let name = |n: u32| if n == 1 { CONTRADICTION.to_owned() } else { format!("{CONTRADICTION}-{n}") };
        let mut last = name(1);
        for n in 1..=CONTRADICTIONS_MAX {
            last = name(n);
            let done = match self.home.read(&last, INDEX_MAX)? {
                // Shown again: it is here.
                Some(kept) => kept == bytes,
                None => self.home.write_new(&last, &bytes)?,
            };
            if done {
                break;
            }
        }
        Ok(self.home.dir().join(last))
    }

    /// Where it lies.
    pub(crate) fn dir(&self) -> &Path {
        self.home.dir()
    }

    fn entries(&self) -> PathBuf {
        self.home.dir().join(ENTRIES)
    }

    pub(super) fn write_index(&self) -> Result<(), MirrorError> {
        let index = serde_json::to_vec(&self.state).map_err(|_| MirrorError::Damaged("its index"))?;
        Ok(self.home.write(INDEX, &index)?)
    }
}

/// A folder's name: the origin as far as a file name takes it, and a hash of the whole key.
fn folder(key: &VerifierKey) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' };
    let hash = encoding::to_hex(&Sha256::digest(key.to_string().as_bytes())[..6]);
    let name: String = key.name.as_str().chars().map(plain).take(100).collect();
    format!("{}-{hash}", name.trim_start_matches('.'))
}

fn text(note: &[u8]) -> Result<String, MirrorError> {
    String::from_utf8(note.to_vec()).map_err(|_| MirrorError::Damaged("a note that isn't text"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{copy, log};
    use super::*;

    #[test]
    fn f4_the_first_evidence_stays_and_what_comes_later_lies_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let copy = copy(folder.path(), &log(1), Vec::new());
        let kept = |n: u32| copy.contradicted(n.to_string().as_bytes()).unwrap();
        let first = kept(1);
        let bytes = std::fs::read(&first).unwrap();
        assert!(first.ends_with("contradiction") && bytes.starts_with(copy.state.checkpoint.as_bytes()));
        assert!(kept(2).ends_with("contradiction-2"));
        assert_eq!((kept(1), std::fs::read(&first).unwrap()), (first.clone(), bytes.clone()), "shown again, kept once");
        for n in 3..=CONTRADICTIONS_MAX {
            assert!(kept(n).ends_with(format!("contradiction-{n}")));
        }
        // One more is too many: nothing is overwritten for it.
        let last = kept(CONTRADICTIONS_MAX);
        assert_eq!(kept(CONTRADICTIONS_MAX + 1), last);
        assert!(std::fs::read(last).unwrap().ends_with(CONTRADICTIONS_MAX.to_string().as_bytes()));
        assert_eq!(std::fs::read(first).unwrap(), bytes);
    }
}
