//! Where a log's bytes are: a file, or in tests something that fails on purpose.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FallocateFlags, OFlags, fallocate};
use rustix::io::retry_on_intr;

use super::JournalError;

/// A growing file. Every error of `write` and `sync` may have happened before or after the bytes were kept; the log
/// assumes neither.
pub trait Storage {
    /// Its length in bytes.
    fn length(&mut self) -> io::Result<u64>;
    /// Reads some bytes at an offset; 0 is the end.
    fn read(&mut self, at: u64, into: &mut [u8]) -> io::Result<usize>;
    /// Makes sure that these bytes can be written even if the disk fills up; the length stays as it is.
    /// [`io::ErrorKind::Unsupported`] where the file system can't promise that.
    fn reserve(&mut self, at: u64, bytes: u64) -> io::Result<()>;
    /// Writes all bytes at an offset.
    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// Returns once everything written is on the disk.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts at a length, which also gives reserved space back.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
}

/// A file of mode 0600.
#[derive(Debug)]
pub struct FileStorage(File);

impl FileStorage {
    /// Makes a new file; one that is there already is an error.
    pub(super) fn create(path: &Path) -> Result<Self, JournalError> {
        let made = options().create_new(true).mode(0o600).open(path);
        made.map(Self).map_err(JournalError::io("making the file"))
    }

    /// Opens a file that only its owner can read and write. Links are not followed.
    pub(super) fn open(path: &Path, write: bool) -> Result<Self, JournalError> {
        let io = JournalError::io("opening the file");
        let file = options().write(write).open(path).map_err(io)?;
        only_ours(path, &file.metadata().map_err(JournalError::io("opening the file"))?)?;
        Ok(Self(file))
    }
}

/// A folder of mode 0700: made, with those above it, if it isn't there.
pub(super) fn folder(path: &Path) -> Result<(), JournalError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(JournalError::io("making the folder"))?;
    check_folder(path)
}

/// Refuses a folder that others may enter.
pub(super) fn check_folder(path: &Path) -> Result<(), JournalError> {
    only_ours(path, &path.symlink_metadata().map_err(JournalError::io("opening the folder"))?)
}

/// Returns once the folder's list of files is on the disk.
pub(super) fn sync_folder(path: &Path) -> Result<(), JournalError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(JournalError::io("syncing the folder"))
}

fn only_ours(path: &Path, metadata: &std::fs::Metadata) -> Result<(), JournalError> {
    if metadata.mode() & 0o077 != 0 || metadata.file_type().is_symlink() {
        return Err(JournalError::Exposed { path: path.to_owned(), mode: metadata.mode() & 0o7777 });
    }
    Ok(())
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options
}

impl Storage for FileStorage {
    fn length(&mut self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read(&mut self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(into, at)
    }

    fn reserve(&mut self, at: u64, bytes: u64) -> io::Result<()> {
        // EOPNOTSUPP is `Unsupported` to std.
        Ok(retry_on_intr(|| fallocate(&self.0, FallocateFlags::KEEP_SIZE, at, bytes))?)
    }

    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, at)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }
}
