//! A copy of the log's size and root beside the database, which only ever grows. (SECURITY F5)
//!
//! A database that comes back from an older backup is consistent with itself: nothing in it says that receipts were given
//! for more. This file does. It is rewritten in place after every durable commit, without an fsync of its own: what the
//! kernel hasn't written yet when the power fails makes it older than the database, never newer, and older is harmless.
//!
//! It is no proof against somebody who sets back the whole folder, this file included; peers who hold a newer checkpoint
//! find that.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::str::FromStr;

use venia_proto::encoding;
use venia_proto::key::KeyName;
use venia_proto::ledger::merkle::Hash;

use crate::client::home::{Home, HomeError};

/// The file's name in the data folder.
pub const HEAD_FILE: &str = "head";
/// An origin is at most as long as a key name.
const HEAD_MAX: usize = 1_024;

/// The file, and what it said when it was opened.
#[derive(Debug)]
pub struct HeadFile {
    file: File,
    origin: KeyName,
    before: Option<(u64, Hash)>,
}

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    size: u64,
    root: Hash,
    origin: String,
}

/// A file that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// The data folder.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The file can't be opened for writing.
    #[error("the copy of the log's head can't be written")]
    Write(#[source] io::Error),
}

impl HeadFile {
    /// Opens it for a log; makes it if there is none. What another log's file said is forgotten: its sizes say nothing
    /// about this one.
    pub fn open(home: &Home, origin: &KeyName) -> Result<Self, HeadError> {
        let said = home.read(HEAD_FILE, HEAD_MAX)?;
        let line = said.and_then(|bytes| str::from_utf8(&bytes).ok()?.parse::<Line>().ok());
        let before = line.filter(|line| line.origin == origin.as_str()).map(|line| (line.size, line.root));
        if before.is_none() {
            // Whole and on the disk once, so that later only a line of the same length changes.
            home.write(HEAD_FILE, line_of(origin, 0, &[0; 32]).as_bytes())?;
        }
        let file = File::options().write(true).open(home.path(HEAD_FILE)?).map_err(HeadError::Write)?;
        Ok(Self { file, origin: origin.clone(), before: before.filter(|(size, _)| *size > 0) })
    }

    /// What it says of a log, if there is one; nothing is made.
    pub fn known(home: &Home, origin: &KeyName) -> Result<Option<(u64, Hash)>, HomeError> {
        let line = home.read(HEAD_FILE, HEAD_MAX)?.and_then(|bytes| str::from_utf8(&bytes).ok()?.parse::<Line>().ok());
        let ours = line.filter(|line| line.origin == origin.as_str() && line.size > 0);
        Ok(ours.map(|line| (line.size, line.root)))
    }

    /// Size and root this log was known to have before this program began.
    pub fn before(&self) -> Option<(u64, Hash)> {
        self.before
    }

    /// The log has this size and root, durably.
    pub fn advance(&self, size: u64, root: &Hash) {
        // The log itself is safe; a copy that stays behind protects less, and hurts nobody.
        if let Err(error) = self.file.write_all_at(line_of(&self.origin, size, root).as_bytes(), 0) {
            tracing::warn!(error = &error as &dyn std::error::Error, "the copy of the log's head stays behind");
        }
    }
}

/// Always of the same length for one origin.
fn line_of(origin: &KeyName, size: u64, root: &Hash) -> String {
    format!("{size:020} {} {origin}\n", encoding::to_hex(root), origin = origin.as_str())
}

impl FromStr for Line {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut words = text.strip_suffix('\n').ok_or(())?.splitn(3, ' ');
        let mut word = || words.next().ok_or(());
        let size = word()?.parse().map_err(|_| ())?;
        let root = encoding::hex(word()?).ok_or(())?;
        Ok(Self { size, root, origin: word()?.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(name: &str) -> KeyName {
        KeyName::new(name).unwrap()
    }

    #[test]
    fn f5_what_was_reached_is_known_again() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("relay"), true).unwrap();
        let open = |name: &str| HeadFile::open(&home, &origin(name)).unwrap();
        assert_eq!(open("log").before(), None);
        let file = open("log");
        file.advance(9, &[1; 32]);
        file.advance(1_000_000, &[2; 32]);
        assert_eq!(open("log").before(), Some((1_000_000, [2; 32])));
        assert_eq!(open("log/2").before(), None, "another log's sizes say nothing");
        assert_eq!(open("log/2").before(), None);
        for damaged in ["", "x", "00000000000000000009 zz log\n", "9 log"] {
            home.write(HEAD_FILE, damaged.as_bytes()).unwrap();
            assert_eq!(open("log").before(), None, "{damaged}");
        }
    }
}
