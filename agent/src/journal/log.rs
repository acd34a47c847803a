//! The file of one session: lines that can only be added.
//!
//! ```text
//! <SHA-256 of what follows the space, in hex> {"line":7,"previous":"<the hash of line 6>","records":[…]}
//! ```
//! One line is one batch is one fsync, so a batch is there as a whole or not at all. A person checks a line with
//! `cut -c66- | tr -d '\n' | sha256sum`, and the order by the chain of `previous` (null in line 0).
//!
//! A line is *torn*, the trace of a crash during a write that nobody was told had succeeded, only if it is the last
//! one and is cut short or has a hole (zero bytes where a page never reached the disk). Anything else that doesn't
//! check out was damaged after it was written: an error that names the line, and nothing is repaired.
//!
//! The chain is against accidents. It doesn't stop somebody who writes in this folder: what does is the ledger, whose
//! proofs are inside the lines.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use venia_proto::encoding::{hex, to_hex};

use super::JournalError;
use super::record::Record;
use super::storage::Storage;

/// Space kept free at the end of the file for the last words of a session: a result, a refusal, stop and close, with
/// openings and receipts, in bytes. (LEDGER section 5)
pub const RESERVED: u64 = 4 * 1024 * 1024;
/// Longest line, in bytes; a batch that needs more is refused.
pub const LINE_MAX: usize = 8 * 1024 * 1024;
/// Longest file, in bytes: 256 MiB of a session (SECURITY E6), once open and once sealed, with base64 and notes around it.
pub const FILE_MAX: u64 = 1024 * 1024 * 1024;

/// An open log.
#[derive(Debug)]
pub struct Log<S> {
    storage: S,
    end: u64,
    lines: u64,
    previous: Option<[u8; 32]>,
    health: Health,
    reserved: bool,
}

/// What a log holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// All records in order.
    pub records: Vec<Record>,
    /// Bytes of a torn last line, which no append had acknowledged.
    pub torn: Option<u64>,
}

/// Where a batch was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Where it belongs.
    Whole,
    /// The disk is full: in the space for last words.
    Reserved,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    /// Takes batches.
    Well,
    /// Takes last words only.
    Full,
    /// Takes nothing: after a failed write or sync nobody knows what is on the disk until it is read again.
    Failed,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<R> {
    line: u64,
    previous: Option<String>,
    records: R,
}

impl<S: Storage> Log<S> {
    /// Begins a log in empty storage. A disk that can't hold even the last words holds no session.
    pub fn begin(storage: S) -> Result<Self, JournalError> {
        let mut log = Self { storage, end: 0, lines: 0, previous: None, health: Health::Well, reserved: true };
        log.reserve(RESERVED)?;
        log.storage.sync().map_err(JournalError::io("syncing"))?;
        Ok(log)
    }

    /// Reads and checks everything, cuts a torn line off, and goes on. Without space for last words it opens all the
    /// same, and takes them while they fit: a crash must be closed on a full disk too.
    pub fn reopen(mut storage: S) -> Result<(Self, Replay), JournalError> {
        let found = scan(&mut storage)?;
        let Found { replay, end, lines, previous } = found;
        if replay.torn.is_some() {
            storage.truncate(end).and_then(|()| storage.sync()).map_err(JournalError::io("cutting a torn line"))?;
        }
        let mut log = Self { storage, end, lines, previous, health: Health::Well, reserved: true };
        match log.reserve(RESERVED) {
            Ok(()) | Err(JournalError::Full) => Ok((log, replay)),
            Err(error) => Err(error),
        }
    }

    /// Adds a batch and returns once it is on the disk. [`JournalError::Full`] wrote nothing and leaves room for
    /// [`Self::append_last_words`]; after any other failure of the disk nothing is taken any more.
    pub fn append(&mut self, batch: &[Record]) -> Result<(), JournalError> {
        match self.health {
            Health::Well => {}
            Health::Full => return Err(JournalError::Full),
            Health::Failed => return Err(JournalError::Stopped),
        }
        let (line, hash) = self.encode(batch)?;
        if self.end + line.len() as u64 + RESERVED > FILE_MAX {
            // The file's own end is kept free like the disk's.
            self.health = Health::Full;
            return Err(JournalError::Full);
        }
        self.reserve(line.len() as u64 + RESERVED)?;
        self.write(&line, hash)
    }

    /// Adds a batch that is signed already, on a full disk from the reserved space: left out, it would be a hole before the
    /// close, which no relay and no verifier accepts. Nothing may run on a batch that is only [`Kept::Reserved`].
    pub fn append_signed(&mut self, batch: &[Record]) -> Result<Kept, JournalError> {
        match self.append(batch) {
            Ok(()) => Ok(Kept::Whole),
            Err(JournalError::Full) => self.append_last_words(batch).map(|()| Kept::Reserved),
            Err(error) => Err(error),
        }
    }

    /// Adds a batch from the reserved space: result, refusal, stop, close and what belongs to them, only.
    pub fn append_last_words(&mut self, batch: &[Record]) -> Result<(), JournalError> {
        if self.health == Health::Failed {
            return Err(JournalError::Stopped);
        }
        let (line, hash) = self.encode(batch)?;
        self.write(&line, hash)
    }

    /// Whether the file system promised the space for last words. Where it can't, a full disk may refuse them.
    pub fn is_reserved(&self) -> bool {
        self.reserved
    }

    fn encode(&self, records: &[Record]) -> Result<(Vec<u8>, [u8; 32]), JournalError> {
        let previous = self.previous.map(|hash| to_hex(&hash));
        let json = serde_json::to_vec(&Line { line: self.lines, previous, records }).map_err(JournalError::Encode)?;
        let hash: [u8; 32] = Sha256::digest(&json).into();
        let mut line = to_hex(&hash).into_bytes();
        line.push(b' ');
        line.extend(json);
        line.push(b'\n');
        if line.len() > LINE_MAX || self.end + line.len() as u64 > FILE_MAX {
            return Err(JournalError::TooLong);
        }
        Ok((line, hash))
    }

    fn reserve(&mut self, bytes: u64) -> Result<(), JournalError> {
        match self.storage.reserve(self.end, bytes) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                self.reserved = false;
                Ok(())
            }
            Err(error) => {
                let error = JournalError::io("reserving space")(error);
                self.health = if matches!(error, JournalError::Full) { Health::Full } else { Health::Failed };
                Err(error)
            }
        }
    }

    /// A failed sync is never tried again: the kernel may have dropped the pages and report success the second time.
    fn write(&mut self, line: &[u8], hash: [u8; 32]) -> Result<(), JournalError> {
        let written = self.storage.write(self.end, line).and_then(|()| self.storage.sync());
        if let Err(source) = written {
            self.health = Health::Failed;
            // Not `Full`, whatever the kernel says: part of the line may be on the disk.
            return Err(JournalError::Io { doing: "writing", source });
        }
        self.end += line.len() as u64;
        self.lines += 1;
        self.previous = Some(hash);
        Ok(())
    }
}

/// Reads and checks everything; changes nothing.
pub(super) fn read(storage: &mut impl Storage) -> Result<Replay, JournalError> {
    Ok(scan(storage)?.replay)
}

struct Found {
    replay: Replay,
    end: u64,
    lines: u64,
    previous: Option<[u8; 32]>,
}

fn scan(storage: &mut impl Storage) -> Result<Found, JournalError> {
    let length = storage.length().map_err(JournalError::io("reading"))?;
    if length > FILE_MAX {
        return Err(JournalError::TooLong);
    }
    let mut found = Found { replay: Replay::default(), end: 0, lines: 0, previous: None };
    let mut reader = BufReader::with_capacity(64 * 1024, Reading { storage, at: 0, end: length });
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = LINE_MAX as u64 + 1;
        reader.by_ref().take(limit).read_until(b'\n', &mut line).map_err(JournalError::io("reading"))?;
        if line.is_empty() {
            return Ok(found);
        }
        let damaged = |why| Err(JournalError::Damaged { line: found.lines, why });
        match check(&line, found.lines, found.previous) {
            Ok((records, hash)) => {
                found.replay.records.extend(records);
                found.end += line.len() as u64;
                found.lines += 1;
                found.previous = Some(hash);
            }
            Err(_) if found.end + line.len() as u64 != length => return damaged("it is damaged and not the last"),
            Err(Wrong::Bytes) if line.last() != Some(&b'\n') || line.contains(&0) => {
                found.replay.torn = Some(length - found.end);
                return Ok(found);
            }
            Err(Wrong::Bytes) => return damaged("its hash is wrong"),
            Err(Wrong::Place) => return damaged("it doesn't follow the line before"),
            Err(Wrong::Words) => return damaged("this version can't read it"),
        }
    }
}

/// What is wrong with a line.
enum Wrong {
    /// The bytes aren't those that were hashed.
    Bytes,
    /// It belongs elsewhere.
    Place,
    /// What it says isn't known here.
    Words,
}

fn check(line: &[u8], number: u64, previous: Option<[u8; 32]>) -> Result<(Vec<Record>, [u8; 32]), Wrong> {
    let text = line.strip_suffix(b"\n").ok_or(Wrong::Bytes)?;
    let (head, json) = text.split_at_checked(65).ok_or(Wrong::Bytes)?;
    let head = std::str::from_utf8(head).ok().and_then(|head| head.strip_suffix(' '));
    let hash: [u8; 32] = head.and_then(hex).ok_or(Wrong::Bytes)?;
    if Sha256::digest(json).as_slice() != hash {
        return Err(Wrong::Bytes);
    }
    let line: Line<Vec<Record>> = serde_json::from_slice(json).map_err(|_unknown| Wrong::Words)?;
    if line.line != number || line.previous != previous.map(|hash| to_hex(&hash)) {
        return Err(Wrong::Place);
    }
    Ok((line.records, hash))
}

/// Storage read from the start to where it ended when we looked: beside a running agent it grows.
struct Reading<'a, S> {
    storage: &'a mut S,
    at: u64,
    end: u64,
}

impl<S: Storage> Read for Reading<'_, S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(into.len());
        let length = self.storage.read(self.at, &mut into[..left])?;
        self.at += length as u64;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk that takes everything and keeps nothing.
    struct Endless;

    impl Storage for Endless {
        fn length(&mut self) -> io::Result<u64> {
            Ok(0)
        }
        fn read(&mut self, _: u64, _: &mut [u8]) -> io::Result<usize> {
            Ok(0)
        }
        fn reserve(&mut self, _: u64, _: u64) -> io::Result<()> {
            Ok(())
        }
        fn write(&mut self, _: u64, _: &[u8]) -> io::Result<()> {
            Ok(())
        }
        fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }
        fn truncate(&mut self, _: u64) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_longest_file_keeps_room_for_last_words() {
        let batch = [Record::Statement("words".into())];
        let mut log = Log::begin(Endless).unwrap();
        log.append(&batch).unwrap();
        let line = log.end;
        log.end = FILE_MAX - RESERVED - line - 200;
        log.append(&batch).unwrap();
        assert!(matches!(log.append(&batch), Err(JournalError::Full)));
        log.append_last_words(&batch).unwrap();
    }
}
