//! The raw entries of a copy, read back in order, and what is told from their bytes alone: a root, and what the log says of
//! the one before it.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};

use venia_proto::ledger::merkle::{Hash, Tree};
use venia_proto::ledger::note;
use venia_proto::ledger::notice::{Closed, LogEntry, Notice, Succession};
use venia_proto::ledger::succession::KEY_INDEX;
use venia_relay::walking::Record;

use super::{Mirror, MirrorError};

/// Largest record: an event is at most 16 KiB and its signature.
const RECORD_MAX: usize = 64 * 1024;

/// Raw entries, one after another.
pub(crate) struct Raw {
    file: Option<BufReader<File>>,
    at: u64,
    end: u64,
}

impl Raw {
    /// Where the next entry begins.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// The next entry's offset and bytes; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Vec<u8>)>, MirrorError> {
        let mut record = Record::default();
        Ok(self.read(&mut record)?.then_some((record.at, record.bytes)))
    }

    /// The next entry; `false` at the end.
    pub(crate) fn read(&mut self, record: &mut Record) -> Result<bool, MirrorError> {
        let Some(file) = self.file.as_mut().filter(|_| self.at < self.end) else { return Ok(false) };
        record.at = self.at;
        let mut agent = std::mem::take(&mut record.agent).into_bytes();
        for part in [&mut agent, &mut record.bytes] {
            let mut length = [0; 4];
            file.read_exact(&mut length)?;
            let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
            if length > RECORD_MAX {
                return Err(MirrorError::Damaged("a record's length"));
            }
            part.resize(length, 0);
            file.read_exact(part)?;
            self.at += 4 + length as u64;
        }
        record.agent = String::from_utf8(agent).map_err(|_| MirrorError::Damaged("an agent's key"))?;
        Ok(true)
    }
}

impl Mirror {
    /// The raw entries that count, from a byte on.
    pub(crate) fn raw(&self, from: u64) -> Result<Raw, MirrorError> {
        if self.state.bytes == 0 {
            return Ok(Raw { file: None, at: 0, end: 0 });
        }
        let mut file = BufReader::with_capacity(1 << 16, File::open(self.entries())?);
        file.seek(SeekFrom::Start(from))?;
        Ok(Raw { file: Some(file), at: from, end: self.state.bytes })
    }

    /// The raw entries, to read one where it lies.
    pub(crate) fn file(&self) -> Result<File, MirrorError> {
        Ok(File::open(self.entries())?)
    }

    /// The root of this copy's first entries; none if it hasn't as many.
    pub(crate) fn root_at(&self, size: u64) -> Result<Option<Hash>, MirrorError> {
        let (mut tree, mut raw) = (Tree::new(), self.raw(0)?);
        while tree.size() < size {
            let Some((_, entry)) = raw.next()? else { return Ok(None) };
            tree.append(note::leaf(&entry), |_, _, _| {});
        }
        Ok(Some(tree.root()))
    }

    /// What this log says of the one before; none if it is the first, or nothing but its root is known.
    pub(crate) fn follows(&self) -> Result<Option<(Closed, Succession)>, MirrorError> {
        let mut raw = self.raw(0)?;
        for _ in 0..KEY_INDEX {
            raw.next()?;
        }
        let Some((_, entry)) = raw.next()? else { return Ok(None) };
        Ok(match LogEntry::open(&entry, &self.key) {
            Ok(LogEntry::Notice(Notice::Key { previous, cause })) => Some((previous, cause)),
            Ok(_) | Err(_) => None,
        })
    }
}
