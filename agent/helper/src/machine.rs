//! Files of the computer that looks read: bounded, and never blocking on a pipe.

use std::fs::OpenOptions;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Most that is read of one file, in bytes.
const FILE_MAX: u64 = 1024 * 1024;
/// Most names that are listed of one folder.
const NAMES_MAX: usize = 20_000;

/// A file's text; nothing if it isn't there, can't be read or is no file.
pub(crate) fn text(root: &Path, path: &str) -> Option<String> {
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOFOLLOW).bits()).ok()?;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(root.join(path)).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(FILE_MAX).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Files directly in a folder, with bytes on the disk, by name; nothing of links and folders.
pub(crate) fn files(folder: &Path) -> Vec<(String, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<(String, u64)> = entries
        .flatten()
        .take(NAMES_MAX)
        .filter_map(|entry| {
            let metadata = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
            Some((entry.file_name().into_string().ok()?, metadata.blocks().saturating_mul(512)))
        })
        .collect();
    files.sort();
    files
}

/// Folders directly in a folder.
pub(crate) fn folders(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let is_folder = |entry: &std::fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let mut folders: Vec<PathBuf> =
        entries.flatten().take(NAMES_MAX).filter(is_folder).map(|entry| entry.path()).collect();
    folders.sort();
    folders
}
