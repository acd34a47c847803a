//! What the headers say about each session, on disk: one JSON line a session, in a file that grows.
//!
//! The newest line of a session counts. Bringing a copy up to date writes what changed, not ten thousand sessions; once half
//! of the lines are old, all is written again into a file of the next number. Like the entries, what lies beyond the length
//! the index names was never kept and is cut off.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use serde::{Deserialize, Serialize};
use venia_relay::client::home::Home;

use super::index::Session;
use super::mirror::MirrorError;

/// Largest file of sessions, in bytes: a million of them, each twice.
const SESSIONS_MAX: usize = 2 << 30;
/// Old lines that don't matter yet.
const SPARE: u64 = 64;

/// Which file counts, and how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    number: u64,
    bytes: u64,
    lines: u64,
}

impl Kept {
    fn file(self) -> String {
        format!("sessions-{}", self.number)
    }
}

/// Every session.
pub(crate) fn load(home: &Home, kept: Kept) -> Result<BTreeMap<String, Session>, MirrorError> {
    if kept.bytes == 0 {
        return Ok(BTreeMap::new());
    }
    let damaged = || MirrorError::Damaged("its sessions");
    let bytes = home.read(&kept.file(), SESSIONS_MAX)?.ok_or_else(damaged)?;
    let length = usize::try_from(kept.bytes).map_err(|_| damaged())?;
    let lines = bytes.get(..length).ok_or_else(damaged)?;
    let mut sessions = BTreeMap::new();
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let session: Session = serde_json::from_slice(line).map_err(|_| damaged())?;
        sessions.insert(session.session.clone(), session);
    }
    Ok(sessions)
}

/// These sessions alone, the newest line of each; the file is read line by line and not held.
pub(crate) fn places(home: &Home, kept: Kept, wanted: &BTreeSet<String>) -> Result<Vec<Session>, MirrorError> {
    if kept.bytes == 0 {
        return Ok(Vec::new());
    }
    let damaged = |_| MirrorError::Damaged("its sessions");
    let file = File::open(home.path(&kept.file())?)?.take(kept.bytes);
    let mut found = BTreeMap::new();
    for line in BufReader::new(file).lines() {
        let line = line?;
        let named: Named = serde_json::from_str(&line).map_err(damaged)?;
        if wanted.contains(&named.session) {
            let session: Session = serde_json::from_str(&line).map_err(damaged)?;
            found.insert(named.session, session);
        }
    }
    Ok(found.into_values().collect())
}

#[derive(Deserialize)]
struct Named {
    session: String,
}

/// Writes what changed. It counts once the index names what is given back; then [`forget`] what counted before.
pub(crate) fn add(
    home: &Home,
    kept: Kept,
    sessions: &BTreeMap<String, Session>,
    changed: &BTreeSet<String>,
) -> Result<Kept, MirrorError> {
    let lines = kept.lines + changed.len() as u64;
    if changed.is_empty() {
        return Ok(kept);
    }
    if lines > 2 * sessions.len() as u64 + SPARE {
        let text = written(sessions.values())?;
        let next = Kept { number: kept.number + 1, bytes: text.len() as u64, lines: sessions.len() as u64 };
        home.write(&next.file(), &text)?;
        return Ok(next);
    }
    let text = written(changed.iter().filter_map(|id| sessions.get(id)))?;
    let mut options = OpenOptions::new();
    let path = home.path(&kept.file())?;
    let mut file = options.create(true).truncate(false).write(true).mode(0o600).open(path)?;
    file.set_len(kept.bytes)?;
    file.seek(SeekFrom::Start(kept.bytes))?;
    file.write_all(&text)?;
    file.sync_all()?;
    Ok(Kept { bytes: kept.bytes + text.len() as u64, lines, ..kept })
}

/// Removes the file that counted before, if another one does now.
pub(crate) fn forget(home: &Home, before: Kept, now: Kept) -> Result<(), MirrorError> {
    if before.number == now.number { Ok(()) } else { Ok(home.remove(&before.file())?) }
}

fn written<'a>(sessions: impl Iterator<Item = &'a Session>) -> Result<Vec<u8>, MirrorError> {
    let mut text = Vec::new();
    for session in sessions {
        serde_json::to_writer(&mut text, session).map_err(|_| MirrorError::Damaged("its sessions"))?;
        text.push(b'\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(n: u64, opened: i64) -> Session {
        Session::new(format!("{n:032x}"), "device-x+0+0".to_owned(), opened)
    }

    #[test]
    fn the_newest_line_counts_and_old_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("log"), true).unwrap();
        let mut kept = Kept::default();
        let mut all = BTreeMap::new();
        for round in 0..200 {
            let newer = session(round % 5, round.cast_signed());
            let changed = BTreeSet::from([newer.session.clone()]);
            all.insert(newer.session.clone(), newer);
            let next = add(&home, kept, &all, &changed).unwrap();
            assert!(next.lines <= 2 * all.len() as u64 + SPARE);
            assert_eq!(load(&home, next).unwrap(), all);
            forget(&home, kept, next).unwrap();
            kept = next;
        }
        assert!(kept.number > 0, "it was written again");
        let files = std::fs::read_dir(home.dir()).unwrap().flatten();
        let files = files.filter(|file| file.file_name().to_string_lossy().starts_with("sessions-"));
        assert_eq!(files.count(), 1);
    }

    #[test]
    fn what_the_index_doesnt_name_never_counts() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("log"), true).unwrap();
        let one = BTreeMap::from([(session(1, 1).session, session(1, 1))]);
        let changed: BTreeSet<String> = one.keys().cloned().collect();
        let kept = add(&home, Kept::default(), &one, &changed).unwrap();
        let two = BTreeMap::from([(session(1, 2).session, session(1, 2))]);
        add(&home, kept, &two, &changed).unwrap();
        assert_eq!(load(&home, kept).unwrap(), one, "as if the crash came before the index");
        let longer = Kept { bytes: 1 << 20, ..kept };
        assert!(matches!(load(&home, longer), Err(MirrorError::Damaged(_))));
    }
}
