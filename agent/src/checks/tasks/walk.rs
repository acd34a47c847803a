//! Adds up a folder without ever leaving it.
//!
//! Every step is by descriptor and follows no link, so nobody who can write in the folder can lead the walk elsewhere
//! while it runs; another file system (a stick, a server that may be gone) is never entered. Names are only passed back to
//! the system: none is kept.

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::Instant;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fstat, open, openat, statat};
use rustix::io::Errno;

/// Bytes of a block in `st_blocks` (stat(2)).
const BLOCK: u64 = 512;
/// Deepest folder, the first included; each level holds a descriptor, and a worker has 64. Deeper ones aren't counted.
const DEPTH: usize = 48;

/// How far all walks together may go.
pub(super) struct Budget {
    /// Files and folders left.
    pub(super) entries: u64,
    /// When to stop.
    pub(super) until: Instant,
    /// Folders and files with several names that were counted, by device and number: none counts twice.
    seen: BTreeSet<(u64, u64)>,
}

/// What a folder holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    /// Bytes on the disk.
    pub(super) bytes: u64,
    /// Folders that this account may not open.
    pub(super) denied: u64,
    /// Whether the budget ended before the folder did.
    pub(super) cut: bool,
}

impl Size {
    /// Adds another folder to the sum.
    pub(super) fn add(&mut self, other: Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.denied = self.denied.saturating_add(other.denied);
        self.cut |= other.cut;
    }
}

/// A file or folder on the way.
pub(super) struct Entry<'a> {
    /// Its name: to be classed at once, and never kept.
    pub(super) name: &'a CStr,
    /// 1 directly in the folder, 2 one below, and so on.
    pub(super) level: usize,
    stat: &'a Stat,
}

impl Entry<'_> {
    /// Bytes on the disk.
    pub(super) fn bytes(&self) -> u64 {
        on_disk(self.stat)
    }

    /// Whether it is a folder.
    pub(super) fn is_folder(&self) -> bool {
        FileType::from_raw_mode(self.stat.st_mode) == FileType::Directory
    }

    /// Whose it is.
    pub(super) fn owner(&self) -> u32 {
        self.stat.st_uid
    }

    /// When its content last changed, in seconds since 1970.
    pub(super) fn modified(&self) -> u64 {
        u64::try_from(self.stat.st_mtime).unwrap_or(0)
    }
}

impl Budget {
    /// A budget of that many entries until then.
    pub(super) fn new(entries: u64, until: Instant) -> Self {
        Self { entries, until, seen: BTreeSet::new() }
    }

    /// Leaves that folder out of all walks.
    pub(super) fn leave_out(&mut self, folder: &Path) {
        if let Ok(stat) = statat(CWD, folder, AtFlags::SYMLINK_NOFOLLOW) {
            self.seen.insert(identity(&stat));
        }
    }

    /// What that folder holds; nothing if there is no such folder, or it is a link, or was counted. Folders *above* it may
    /// be links: people do move their home.
    pub(super) fn size(&mut self, folder: &Path) -> Option<Size> {
        self.each(folder, &mut |_| ())
    }

    /// As [`Budget::size`], and passes every file and folder in it to `visit`.
    pub(super) fn each(&mut self, folder: &Path, visit: &mut dyn FnMut(Entry<'_>)) -> Option<Size> {
        let mut size = Size::default();
        let descriptor = match open(folder, flags(), Mode::empty()) {
            Ok(descriptor) => descriptor,
            Err(Errno::ACCESS | Errno::PERM) => return Some(Size { denied: 1, ..size }),
            Err(_) => return None,
        };
        let stat = fstat(&descriptor).ok()?;
        if !self.seen.insert(identity(&stat)) {
            return None;
        }
        let mut open = vec![Dir::new(descriptor).ok()?];
        while let (level, Some(entries)) = (open.len(), open.last_mut()) {
            if self.entries == 0 || Instant::now() >= self.until {
                size.cut = true;
                break;
            }
            let Some(Ok(entry)) = entries.read() else {
                open.pop();
                continue;
            };
            let Ok(descriptor) = entries.fd() else {
                size.cut = true;
                break;
            };
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            self.entries -= 1;
            let Ok(found) = statat(descriptor, name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT) else {
                continue;
            };
            // Another file system, or counted already.
            if found.st_dev != stat.st_dev || self.is_counted(&found) {
                continue;
            }
            size.bytes = size.bytes.saturating_add(on_disk(&found));
            visit(Entry { name, level, stat: &found });
            if FileType::from_raw_mode(found.st_mode) != FileType::Directory {
                continue;
            }
            match enter(descriptor, name, &stat) {
                Ok(_) if level >= DEPTH => size.cut = true,
                Ok(Some(inside)) => open.push(inside),
                Ok(None) => {}
                Err(Closed::Denied) => size.denied += 1,
                Err(Closed::Exhausted) => size.cut = true,
            }
        }
        Some(size)
    }

    /// Whether the file has been counted under another name, or the folder by a walk of its own.
    fn is_counted(&mut self, found: &Stat) -> bool {
        if FileType::from_raw_mode(found.st_mode) == FileType::Directory {
            self.seen.contains(&identity(found))
        } else {
            found.st_nlink > 1 && !self.seen.insert(identity(found))
        }
    }
}

/// Why a folder that is there stays closed.
#[derive(Debug, PartialEq, Eq)]
enum Closed {
    /// This account may not open it.
    Denied,
    /// No descriptor is left.
    Exhausted,
}

/// Opens a folder below another; nothing if it has been replaced in the meantime by a link or another file system.
fn enter(above: BorrowedFd<'_>, name: &CStr, first: &Stat) -> Result<Option<Dir>, Closed> {
    let descriptor = match openat(above, name, flags(), Mode::empty()) {
        Ok(descriptor) => descriptor,
        Err(Errno::ACCESS | Errno::PERM) => return Err(Closed::Denied),
        Err(Errno::MFILE | Errno::NFILE | Errno::NOMEM) => return Err(Closed::Exhausted),
        Err(_) => return Ok(None),
    };
    let same = fstat(&descriptor).is_ok_and(|stat| stat.st_dev == first.st_dev);
    Ok(Dir::new(descriptor).ok().filter(|_| same))
}

fn flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC
}

fn identity(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}

fn on_disk(stat: &Stat) -> u64 {
    u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(BLOCK)
}

#[cfg(test)]
mod tests {
    use std::fs::{create_dir, create_dir_all, hard_link, write};
    use std::os::fd::AsFd;
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    use super::*;

    const MANY: u64 = 1_000_000;

    fn budget(entries: u64) -> Budget {
        Budget::new(entries, Instant::now() + Duration::from_secs(60))
    }

    fn file(folder: &Path, name: &str) {
        write(folder.join(name), vec![1; 1 << 20]).unwrap();
    }

    fn megabytes(size: Option<Size>) -> u64 {
        size.unwrap().bytes >> 20
    }

    #[test]
    fn links_are_never_followed() {
        let outside = tempfile::tempdir().unwrap();
        file(outside.path(), "big");
        let folder = tempfile::tempdir().unwrap();
        create_dir(folder.path().join("in")).unwrap();
        file(&folder.path().join("in"), "a");
        symlink(outside.path(), folder.path().join("out")).unwrap();
        symlink(outside.path().join("big"), folder.path().join("in/big")).unwrap();
        symlink(folder.path(), folder.path().join("in/again")).unwrap();
        assert_eq!(megabytes(budget(MANY).size(folder.path())), 1);
        assert_eq!(budget(MANY).size(&folder.path().join("out")), None);
        assert_eq!(budget(MANY).size(&folder.path().join("none")), None);
        assert_eq!(budget(MANY).size(&folder.path().join("in/a")), None);
    }

    #[test]
    fn another_file_system_is_never_entered() {
        // Of the root, `/proc` is one that every Linux has; walking it would count more than the one entry.
        let folder = Path::new("/proc/self");
        let inside = statat(CWD, folder, AtFlags::empty()).unwrap();
        let root = statat(CWD, "/", AtFlags::empty()).unwrap();
        assert_ne!(inside.st_dev, root.st_dev);
        let above = open("/", flags(), Mode::empty()).unwrap();
        assert!(matches!(enter(above.as_fd(), c"proc", &root), Ok(None)));
    }

    #[test]
    fn nothing_counts_twice() {
        let folder = tempfile::tempdir().unwrap();
        create_dir_all(folder.path().join("a/b")).unwrap();
        file(&folder.path().join("a"), "x");
        file(&folder.path().join("a/b"), "y");
        hard_link(folder.path().join("a/x"), folder.path().join("x2")).unwrap();
        let mut budget = budget(MANY);
        assert_eq!(megabytes(budget.size(&folder.path().join("a/b"))), 1);
        assert_eq!(megabytes(budget.size(folder.path())), 1);
        assert_eq!(budget.size(folder.path()), None);
    }

    #[test]
    fn every_entry_is_passed_once_with_its_level() {
        let folder = tempfile::tempdir().unwrap();
        create_dir_all(folder.path().join("a/b")).unwrap();
        file(&folder.path().join("a/b"), "x");
        symlink("x", folder.path().join("a/b/link")).unwrap();
        let mut met = Vec::new();
        let size = budget(MANY).each(folder.path(), &mut |entry| {
            met.push((entry.name.to_str().unwrap().to_owned(), entry.level, entry.is_folder()));
            assert!(entry.modified() > 1_600_000_000 && entry.owner() == rustix::process::getuid().as_raw());
            assert!(entry.bytes() >= 1 << 20 || entry.name != c"x");
        });
        met.sort();
        let expected = [("a", 1, true), ("b", 2, true), ("link", 3, false), ("x", 3, false)];
        assert_eq!(met, expected.map(|(name, level, folder)| (name.to_owned(), level, folder)));
        assert_eq!(megabytes(size), 1);
    }

    #[test]
    fn a_folder_left_out_is_not_counted() {
        let folder = tempfile::tempdir().unwrap();
        create_dir(folder.path().join("own")).unwrap();
        file(&folder.path().join("own"), "x");
        let mut budget = budget(MANY);
        budget.leave_out(&folder.path().join("own"));
        assert_eq!(megabytes(budget.size(folder.path())), 0);
    }

    #[test]
    fn the_budget_below_at_and_above() {
        let folder = tempfile::tempdir().unwrap();
        for i in 0..5 {
            write(folder.path().join(i.to_string()), "").unwrap();
        }
        for (entries, cut) in [(4, true), (5, true), (6, false)] {
            assert_eq!(budget(entries).size(folder.path()).unwrap().cut, cut, "{entries}");
        }
        assert!(Budget::new(MANY, Instant::now()).size(folder.path()).unwrap().cut);
    }

    #[test]
    fn depth_below_at_and_above() {
        for (levels, cut) in [(DEPTH - 1, false), (DEPTH, true), (DEPTH + 1, true)] {
            let folder = tempfile::tempdir().unwrap();
            create_dir_all(folder.path().join("d/".repeat(levels))).unwrap();
            assert_eq!(budget(MANY).size(folder.path()).unwrap().cut, cut, "{levels}");
        }
    }
}
