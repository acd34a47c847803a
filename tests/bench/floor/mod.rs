//! What the numbers are held against: the least that any program doing the same job must spend.
//!
//! Not here: anything of Venia's that is measured.

#![expect(clippy::expect_used, reason = "a bench that can't go on says so")]

pub mod forwarder;
pub mod lean;

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use venia_proto::key::VerifierKey;
use venia_proto::ledger::event::Event;
use venia_proto::ledger::note::Note;

/// Strict Ed25519 verification alone of notes that are parsed already. (RFC 8032, `verify_strict`)
pub fn verify_strictly(events: &[(Event, VerifierKey)]) {
    for (event, key) in events {
        event.verify(key).expect("signed a moment ago");
    }
}

/// The same of notes of any kind.
pub fn verify_notes_strictly(notes: &[(Note, VerifierKey)]) {
    for (note, key) in notes {
        note.verify(key).expect("signed a moment ago");
    }
}

/// A bare file that is appended to.
pub struct Bare(File);

impl Bare {
    /// A new file.
    pub fn create(path: &Path) -> Self {
        Self(File::create(path).expect("a file"))
    }

    /// One write and one `fdatasync`.
    pub fn append(&mut self, bytes: usize) {
        self.0.write_all(&vec![0x56; bytes]).expect("room on the disk");
        self.0.sync_data().expect("a disk that writes");
    }
}
