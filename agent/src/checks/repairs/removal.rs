//! Deletes what was shown and nothing else, whatever somebody puts in its place meanwhile.
//!
//! Every step is by descriptor: openat2(2) resolves names without following any link, without leaving the folder and
//! without entering another file system, not even one mounted over a folder inside. An entry is deleted only if it still
//! is the one that was listed (number and time of its last change), so a file that takes the name of another one stays.
//! Links are deleted as links. Not here: what may be deleted.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Instant;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, open, openat2, statat, unlinkat};
use rustix::io::Errno;
use rustix::process::getuid;
use sha2::{Digest, Sha256};

/// Bytes of a block in `st_blocks` (stat(2)).
const BLOCK: u64 = 512;
/// Deepest folder below an entry; each level holds a descriptor, and a worker has 64. What is deeper stays.
const DEPTH_MAX: usize = 40;
/// Most entries of one folder that are listed: more isn't shown, so more isn't deleted.
pub(super) const ENTRIES_MAX: usize = 100_000;
/// Most files and folders that are counted inside the listed ones.
const COUNTED_MAX: u64 = 400_000;

/// Why a folder can't be cleared at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Closed {
    /// There is no such folder: nothing to clear.
    #[error("no such folder")]
    Absent,
    /// The folder, or one above it, is a link.
    #[error("the folder is a link to another place")]
    Link,
    /// It is on another disk than the folder it is looked for in.
    #[error("the folder is on another disk")]
    Elsewhere,
    /// Anything else.
    #[error("the folder can't be opened: {0}")]
    Refused(Errno),
}

/// A folder's entries, as they were listed.
#[derive(Debug)]
pub(super) struct Listed {
    folder: OwnedFd,
    /// The entries, by name.
    pub(super) entries: Vec<Entry>,
    /// Whether there is more than was counted.
    pub(super) cut: bool,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    name: CString,
    identity: Identity,
    /// Its owner.
    pub(super) user: u32,
    /// Whether it is a file, a folder, a link …
    pub(super) kind: FileType,
    /// Seconds since 1970 of its last change: of content, name, owner or rights.
    pub(super) changed: i64,
    /// It and everything inside.
    pub(super) whole: Whole,
}

/// What an entry comes to, with everything inside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Whole {
    /// Bytes on the disk.
    pub(super) bytes: u64,
    /// Files and folders, itself too.
    pub(super) count: u64,
    /// The newest change of anything in it: what was written since is another thing.
    newest: (i64, u64),
    /// Seconds since 1970 of the newest use: a change of anything, or a file's reading.
    pub(super) used: i64,
    /// Whether something in it is no file, folder or link, or belongs to somebody else than the entry.
    pub(super) strange: bool,
}

/// What makes an entry the one that was listed: any write, rename or change of rights makes another of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Identity {
    device: u64,
    number: u64,
    changed: (i64, u64),
}

/// Opens a folder by a path below another one.
pub(super) fn folder(above: &Path, below: &str) -> Result<OwnedFd, Closed> {
    let above = open(above, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(closed)?;
    inside(above.as_fd(), below).map_err(closed)
}

/// Opens a folder at a fixed place, which may be a disk of its own, but no link.
pub(super) fn place(path: &Path) -> Result<OwnedFd, Closed> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    open(path, flags, Mode::empty()).map_err(closed)
}

fn closed(errno: Errno) -> Closed {
    match errno {
        Errno::NOENT => Closed::Absent,
        Errno::LOOP | Errno::NOTDIR => Closed::Link,
        Errno::XDEV => Closed::Elsewhere,
        errno => Closed::Refused(errno),
    }
}

fn inside<P: rustix::path::Arg>(above: BorrowedFd<'_>, below: P) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let resolve =
        ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    openat2(above, below, flags, Mode::empty(), resolve)
}

impl Listed {
    /// Lists a folder.
    pub(super) fn of(folder: OwnedFd) -> Result<Self, Closed> {
        let mut names = names(folder.as_fd()).map_err(Closed::Refused)?;
        let mut cut = names.len() > ENTRIES_MAX;
        names.truncate(ENTRIES_MAX);
        names.sort();
        let mut left = COUNTED_MAX;
        let us = getuid().as_raw();
        let mut entries = Vec::with_capacity(names.len());
        for name in names {
            let Ok(stat) = look(folder.as_fd(), &name) else { continue };
            let kind = FileType::from_raw_mode(stat.st_mode);
            let mut whole = Whole::default();
            whole.add(&stat, stat.st_uid);
            // Only into what is the person's own: somebody else could fill it until nothing is left to count with.
            if kind == FileType::Directory && stat.st_uid == us {
                add_up(folder.as_fd(), &name, 0, &mut left, (&mut whole, stat.st_uid));
                cut |= left == 0;
            }
            let (user, changed) = (stat.st_uid, stat.st_ctime);
            entries.push(Entry { name, identity: Identity::of(&stat), user, kind, changed, whole });
        }
        Ok(Self { folder, entries, cut })
    }

    /// Keeps only these.
    pub(super) fn only(mut self, which: impl FnMut(&Entry) -> bool) -> Self {
        self.entries.retain(which);
        self
    }

    /// Bytes of all entries.
    pub(super) fn bytes(&self) -> u64 {
        self.entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.whole.bytes))
    }

    /// Names these entries and no others, without telling anything about them. It is no hash of a name or content, which
    /// could be guessed: only of numbers the disk gave.
    pub(super) fn digest(&self, into: &mut Sha256) {
        for Entry { identity, whole: Whole { bytes, count, newest, .. }, .. } in &self.entries {
            let Identity { device, number, changed: (seconds, nanoseconds) } = identity;
            let (newest, fraction) = (newest.0.cast_unsigned(), newest.1);
            for figure in [*device, *number, seconds.cast_unsigned(), *nanoseconds, *bytes, *count, newest, fraction] {
                into.update(figure.to_le_bytes());
            }
        }
    }

    /// Deletes every entry that still is the one listed; how many stay, and why the last of them does.
    pub(super) fn delete(&self, until: Instant) -> Result<(), (usize, String)> {
        let mut stayed = (0, String::new());
        for entry in &self.entries {
            if let Err(why) = self.delete_one(entry, until) {
                stayed = (stayed.0 + 1, why.to_owned());
            }
        }
        if stayed.0 == 0 { Ok(()) } else { Err(stayed) }
    }

    fn delete_one(&self, entry: &Entry, until: Instant) -> Result<(), &'static str> {
        match look(self.folder.as_fd(), &entry.name) {
            Err(Errno::NOENT) => return Ok(()),
            Ok(stat) if Identity::of(&stat) == entry.identity => {}
            Ok(_) | Err(_) => return Err("changed since it was listed"),
        }
        delete(self.folder.as_fd(), &entry.name, 0, until)
    }
}

impl Whole {
    fn add(&mut self, stat: &Stat, user: u32) {
        let kind = FileType::from_raw_mode(stat.st_mode);
        self.bytes = self.bytes.saturating_add(on_disk(stat));
        self.count += 1;
        self.newest = self.newest.max((stat.st_ctime, stat.st_ctime_nsec));
        // Listing a folder counts as reading it: only its changes say that it is used.
        let read = if kind == FileType::Directory { i64::MIN } else { stat.st_atime };
        self.used = self.used.max(stat.st_ctime).max(stat.st_mtime).max(read);
        let plain = matches!(kind, FileType::RegularFile | FileType::Directory | FileType::Symlink);
        self.strange |= !plain || stat.st_uid != user;
    }
}

impl Identity {
    fn of(stat: &Stat) -> Self {
        Self { device: stat.st_dev, number: stat.st_ino, changed: (stat.st_ctime, stat.st_ctime_nsec) }
    }
}

/// A hash in a plan's letters.
pub(super) fn spelled(digest: Sha256) -> String {
    venia_proto::encoding::to_hex(&digest.finalize())
}

fn delete(above: BorrowedFd<'_>, name: &CStr, depth: usize, until: Instant) -> Result<(), &'static str> {
    if Instant::now() >= until {
        return Err("no time was left");
    }
    match unlinkat(above, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR) => {}
        Err(Errno::BUSY) => return Err("in use"),
        Err(_) => return Err("permission denied"),
    }
    if depth == DEPTH_MAX {
        return Err("too many folders inside one another");
    }
    let folder = inside(above, name).map_err(|errno| match errno {
        Errno::XDEV => "on another disk",
        Errno::LOOP | Errno::NOTDIR => "replaced by a link",
        _ => "permission denied",
    })?;
    let mut stayed = Ok(());
    for name in names(folder.as_fd()).map_err(|_| "can't be listed")? {
        stayed = delete(folder.as_fd(), &name, depth + 1, until).and(stayed);
    }
    stayed?;
    // Whoever put something in since keeps it: only an empty folder goes.
    unlinkat(above, name, AtFlags::REMOVEDIR).map_err(|_| "not empty")
}

fn add_up(above: BorrowedFd<'_>, name: &CStr, depth: usize, left: &mut u64, (whole, user): (&mut Whole, u32)) {
    // What can't be seen may be anything.
    if depth == DEPTH_MAX {
        whole.strange = true;
        return;
    }
    let Ok(folder) = inside(above, name) else {
        whole.strange = true;
        return;
    };
    let Ok(names) = names(folder.as_fd()) else {
        whole.strange = true;
        return;
    };
    for name in names {
        if *left == 0 {
            // What isn't counted may be anything, and in use.
            whole.strange = true;
            return;
        }
        *left -= 1;
        let Ok(stat) = look(folder.as_fd(), &name) else { continue };
        whole.add(&stat, user);
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            add_up(folder.as_fd(), &name, depth + 1, left, (whole, user));
        }
    }
}

fn names(folder: BorrowedFd<'_>) -> rustix::io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let name = entry?.file_name().to_owned();
        if !matches!(name.to_bytes(), b"." | b"..") {
            names.push(name);
        }
        if names.len() > ENTRIES_MAX {
            break;
        }
    }
    Ok(names)
}

fn look(folder: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<Stat> {
    statat(folder, name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT)
}

fn on_disk(stat: &Stat) -> u64 {
    u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(BLOCK)
}

#[cfg(test)]
mod tests {
    use std::fs::{create_dir, create_dir_all, rename, write};
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    use rustix::fs::CWD;

    use super::*;

    /// Whether something has that name, a link too.
    fn there(path: &Path) -> bool {
        statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn listed(above: &Path, below: &str) -> Listed {
        Listed::of(folder(above, below).unwrap()).unwrap()
    }

    fn plan(listed: &Listed) -> String {
        let mut digest = Sha256::new();
        listed.digest(&mut digest);
        spelled(digest)
    }

    #[test]
    fn everything_listed_goes_and_nothing_beyond_a_link() {
        let (outside, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(outside.path().join("precious"), "x").unwrap();
        create_dir_all(root.path().join("bin/a/b/c")).unwrap();
        write(root.path().join("bin/a/b/c/deep"), vec![1; 9_000]).unwrap();
        write(root.path().join("bin/file"), "x").unwrap();
        symlink(outside.path(), root.path().join("bin/out")).unwrap();
        symlink(outside.path().join("precious"), root.path().join("bin/a/out")).unwrap();
        let listed = listed(root.path(), "bin");
        assert_eq!(listed.entries.iter().map(|entry| entry.whole.count).collect::<Vec<_>>(), [5, 1, 1]);
        assert_eq!(listed.delete(soon()), Ok(()));
        assert!(there(&root.path().join("bin")) && there(&outside.path().join("precious")));
        assert_eq!(std::fs::read_dir(root.path().join("bin")).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_a_link_is_never_opened() {
        let (outside, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        create_dir(outside.path().join("bin")).unwrap();
        symlink(outside.path(), root.path().join("link")).unwrap();
        symlink(outside.path().join("bin"), root.path().join("bin")).unwrap();
        for below in ["link/bin", "bin", "link", "../x", "bin/.."] {
            assert!(folder(root.path(), below).is_err(), "{below}");
        }
        assert_eq!(folder(root.path(), "bin").err(), Some(Closed::Link));
        assert_eq!(folder(root.path(), "none").err(), Some(Closed::Absent));
    }

    #[test]
    fn another_file_system_is_never_entered() {
        assert_eq!(folder(Path::new("/"), "proc").err(), Some(Closed::Elsewhere));
    }

    #[test]
    fn what_took_the_place_of_a_listed_entry_stays() {
        let (outside, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(outside.path().join("precious"), "x").unwrap();
        create_dir_all(root.path().join("bin/folder")).unwrap();
        write(root.path().join("bin/file"), "old").unwrap();
        let listed = listed(root.path(), "bin");
        rename(root.path().join("bin/folder"), root.path().join("moved")).unwrap();
        symlink(outside.path(), root.path().join("bin/folder")).unwrap();
        rename(root.path().join("bin/file"), root.path().join("old")).unwrap();
        write(root.path().join("bin/file"), "new").unwrap();
        assert_eq!(listed.delete(soon()), Err((2, "changed since it was listed".to_owned())));
        for stays in ["bin/folder", "bin/file", "moved", "old"] {
            assert!(there(&root.path().join(stays)), "{stays}");
        }
        assert!(there(&outside.path().join("precious")));
    }

    #[test]
    fn a_folder_replaced_by_a_link_while_it_is_deleted_leads_nowhere() {
        let (outside, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(outside.path().join("precious"), "x").unwrap();
        symlink(outside.path(), root.path().join("swapped")).unwrap();
        let above = open(root.path(), OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap();
        assert!(matches!(inside(above.as_fd(), c"swapped").err(), Some(Errno::LOOP | Errno::NOTDIR)));
    }

    #[test]
    fn the_same_entries_have_the_same_plan_and_others_another() {
        let root = tempfile::tempdir().unwrap();
        create_dir_all(root.path().join("bin/a")).unwrap();
        let empty = plan(&listed(root.path(), "bin"));
        assert_eq!(empty, plan(&listed(root.path(), "bin")));
        write(root.path().join("bin/a/more"), vec![1; 9_000]).unwrap();
        let grown = plan(&listed(root.path(), "bin"));
        assert_ne!(empty, grown, "something was put into a listed folder");
        write(root.path().join("bin/b"), "x").unwrap();
        assert_ne!(grown, plan(&listed(root.path(), "bin")));
    }

    #[test]
    fn depth_below_at_and_above() {
        for (levels, gone) in [(DEPTH_MAX, true), (DEPTH_MAX + 1, true), (DEPTH_MAX + 2, false)] {
            let root = tempfile::tempdir().unwrap();
            create_dir_all(root.path().join("bin").join("d/".repeat(levels - 1))).unwrap();
            assert_eq!(listed(root.path(), "bin").delete(soon()).is_ok(), gone, "{levels}");
        }
    }

    #[test]
    fn without_time_nothing_goes() {
        let root = tempfile::tempdir().unwrap();
        create_dir_all(root.path().join("bin/a")).unwrap();
        assert!(listed(root.path(), "bin").delete(Instant::now()).is_err());
        assert!(there(&root.path().join("bin/a")));
    }
}
