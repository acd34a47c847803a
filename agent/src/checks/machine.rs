//! The computer as files below a root: `/`, or a recorded one in tests.
//!
//! Reads are bounded, never block on a pipe or device, and never fail a check: why a file can't be read is a value. It is
//! *not* a fence: that the paths are fixed at compile time is what keeps it to what a definition discloses.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::OFlags;

/// Most that is read of one file, in bytes. The largest file of use, `/proc/net/tcp` of a busy server, is below it.
const FILE_MAX: u64 = 1024 * 1024;
/// Most names that are listed of one folder.
const NAMES_MAX: usize = 8_192;

/// What was read, or why it could not be.
pub(crate) type Reading = Result<String, Unread>;

/// Why a file could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unread {
    /// There is no such file: another system, an older kernel, a container.
    #[error("does not exist here")]
    Absent,
    /// This account may not read it.
    #[error("permission denied")]
    Denied,
    /// It is there and gives an error, or isn't a file.
    #[error("can't be read")]
    Broken,
}

/// The recorded computer that a test put in the place of this one.
static RECORDED: OnceLock<PathBuf> = OnceLock::new();

/// Puts the computer whose files are below that folder in the place of this one, for the rest of this process: tests of
/// whole sessions must not change the computer they run on. The shipped program never calls it.
pub fn pretend(root: PathBuf) {
    // A second call changes nothing.
    let _first = RECORDED.set(root);
}

/// A computer's files.
pub(crate) struct Machine {
    root: PathBuf,
}

impl Machine {
    /// This computer.
    pub(crate) fn this() -> Self {
        Self::at(RECORDED.get().map_or(Path::new("/"), PathBuf::as_path))
    }

    /// The computer whose files are below that folder.
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The file of that absolute path, cut at 1 MiB; bytes that aren't UTF-8 are replaced.
    pub(crate) fn text(&self, path: &str) -> Reading {
        Ok(String::from_utf8_lossy(&self.bytes(path, FILE_MAX)?).into_owned())
    }

    /// The first `max` bytes of that file as they are.
    pub(crate) fn bytes(&self, path: &str, max: u64) -> Result<Vec<u8>, Unread> {
        let mut bytes = Vec::new();
        self.open(path)?.take(max).read_to_end(&mut bytes).map_err(|error| why(error.kind()))?;
        Ok(bytes)
    }

    /// Where that link leads, as it is written there: `../../bus/pci/drivers/i915`. Nothing if it is no link.
    pub(crate) fn link(&self, path: &str) -> Option<String> {
        std::fs::read_link(self.path(path)).ok()?.into_os_string().into_string().ok()
    }

    /// The last name of where that link leads, which is how `/sys` names a driver or a class.
    pub(crate) fn link_name(&self, path: &str) -> Option<String> {
        self.link(path)?.rsplit('/').next().map(str::to_owned).filter(|name| !name.is_empty())
    }

    /// The file's text without white space around it, or nothing.
    pub(crate) fn word(&self, path: &str) -> Option<String> {
        self.text(path).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// The number the file holds, or nothing.
    pub(crate) fn number<T: std::str::FromStr>(&self, path: &str) -> Option<T> {
        self.word(path)?.parse().ok()
    }

    /// Names in that folder, sorted; none if it can't be listed.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path(folder)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.flatten().take(NAMES_MAX).filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// Whether something has that path.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// Where that path is on the computer we run on.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    fn open(&self, path: &str) -> Result<File, Unread> {
        // Opening a named pipe would wait for a writer: whoever can put one into /etc could hang the check.
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(i32::try_from(flags.bits()).unwrap_or(0))
            .open(self.path(path))
            .map_err(|error| why(error.kind()))?;
        match file.metadata() {
            Ok(metadata) if metadata.is_file() => Ok(file),
            Ok(_) | Err(_) => Err(Unread::Broken),
        }
    }
}

fn why(kind: ErrorKind) -> Unread {
    if matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory) {
        Unread::Absent
    } else if kind == ErrorKind::PermissionDenied {
        Unread::Denied
    } else {
        Unread::Broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_the_limit_and_no_further() {
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine::at(folder.path());
        let limit = usize::try_from(FILE_MAX).unwrap();
        for (size, read) in [(limit - 1, limit - 1), (limit, limit), (limit + 1, limit)] {
            std::fs::write(folder.path().join("f"), vec![b'x'; size]).unwrap();
            assert_eq!(machine.text("/f").unwrap().len(), read);
        }
    }

    #[test]
    fn a_link_is_read_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine::at(folder.path());
        std::os::unix::fs::symlink("../../drivers/i915", folder.path().join("driver")).unwrap();
        assert_eq!(machine.link("/driver").as_deref(), Some("../../drivers/i915"));
        assert_eq!(machine.link_name("/driver").as_deref(), Some("i915"));
        assert_eq!(machine.link_name("/none"), None);
    }

    #[test]
    fn what_is_no_file_is_a_value_and_never_blocks() {
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine::at(folder.path());
        rustix::fs::mkfifoat(rustix::fs::CWD, folder.path().join("pipe"), rustix::fs::Mode::from(0o600)).unwrap();
        assert_eq!(machine.text("/pipe"), Err(Unread::Broken));
        assert_eq!(machine.text("/"), Err(Unread::Broken));
        assert_eq!(machine.text("/none"), Err(Unread::Absent));
        assert_eq!(machine.text("/pipe/none"), Err(Unread::Absent));
        assert_eq!(machine.names("/none"), Vec::<String>::new());
    }
}
