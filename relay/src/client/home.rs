//! The data folder of a program: 0700, its files 0600, one program at a time.
//!
//! Keys lie here as PKCS#8 PEM (RFC 8410, RFC 7468), so that standard tools read them. What others could read is refused,
//! never quietly repaired: a key somebody may have copied isn't a key any more. Files are replaced whole, by a rename that
//! is on the disk before we say so; a crash leaves the old file or the new one.
//!
//! Not here: the agent's journal and the relay's database, which have their own rules for writing.

mod problem;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};
use venia_proto::encoding;
use venia_proto::key::SigningKey;
use zeroize::Zeroizing;

/// Permission bits nobody but the owner may have.
const OTHERS: u32 = 0o077;
/// Largest key file, in bytes; ours have 119.
const KEY_FILE_MAX: usize = 1024;
const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----\n";
const PEM_END: &str = "\n-----END PRIVATE KEY-----\n";
const LOCK_FILE: &str = "lock";

/// A data folder that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// Other users of this computer can open it.
    #[error("other users of this computer can open {} (mode {mode:o}); allow its owner alone (chmod go= …)", path.display())]
    TooOpen {
        /// The folder or file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It belongs to somebody else, or is no folder or plain file.
    #[error("{} isn't this user's own plain file or folder", .0.display())]
    NotOurs(PathBuf),
    /// Another program works in this folder. (SECURITY D6)
    #[error("another program is working in {}", .0.display())]
    Busy(PathBuf),
    /// A name that would lead out of the folder.
    #[error("{0:?} isn't a file name of a data folder")]
    Name(String),
    /// A file that can't be ours.
    #[error("{} is damaged", .0.display())]
    Damaged(PathBuf),
    /// What was seen of a help service can't be read any more. Never the same as nothing seen: whoever can spoil one byte would
    /// undo all of it. (SECURITY F5)
    #[error("what was seen of the help service is damaged in {}", .0.display())]
    Seen(PathBuf),
    /// A file larger than it may be.
    #[error("{} is larger than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: usize,
    },
    /// The operating system gave no random bytes.
    #[error("this computer gives no random numbers")]
    Random(#[source] getrandom::Error),
    /// The disk or its permissions.
    #[error("{} can't be read or written", path.display())]
    Disk {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// An open data folder. Holds its lock, if it was opened with one, until dropped.
#[derive(Debug)]
pub struct Home {
    dir: PathBuf,
    /// Kept open: the lock goes with it, also when the program dies.
    _lock: Option<Lock>,
}

/// A lock that is let go when this is dropped, and not only when its last descriptor is closed: a program that is just being
/// started holds a copy of ours for a moment, and whoever comes next would be told that the folder is in use.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // It goes with the descriptor in any case.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

impl Home {
    /// Opens the folder, made if missing. With `lock`, refuses to share it with another program that also asked for the
    /// lock (SECURITY D6); without, reads beside it.
    pub fn open(dir: &Path, lock: bool) -> Result<Self, HomeError> {
        if let Err(source) = DirBuilder::new().recursive(true).mode(0o700).create(dir) {
            return Err(disk(dir)(source));
        }
        let metadata = fs::metadata(dir).map_err(disk(dir))?;
        if !metadata.is_dir() {
            return Err(HomeError::NotOurs(dir.to_owned()));
        }
        private(dir, &metadata)?;
        let lock = if lock { Some(lock_file(dir)?) } else { None };
        Ok(Self { dir: dir.to_owned(), _lock: lock })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Path of a file of this folder: a plain name, letters, digits, `-`, `_` and inner dots.
    pub fn path(&self, name: &str) -> Result<PathBuf, HomeError> {
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if plain && !name.is_empty() && !name.starts_with('.') {
            Ok(self.dir.join(name))
        } else {
            Err(HomeError::Name(name.to_owned()))
        }
    }

    /// The signing key in file `name`, named `kind-…`; made of fresh random bytes on first use. The first of two programs
    /// to make it wins, the other reads it.
    pub fn key(&self, name: &str, kind: &str) -> Result<SigningKey, HomeError> {
        if let Some(key) = self.existing_key(name, kind)? {
            return Ok(key);
        }
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut_slice()).map_err(HomeError::Random)?;
        let key = SigningKey::new(kind, *seed);
        if self.place(name, pem(&key).as_bytes(), Existing::Stays)? {
            return Ok(key);
        }
        self.existing_key(name, kind)?.ok_or_else(|| HomeError::Damaged(self.dir.join(name)))
    }

    /// The signing key in file `name`, if there is one.
    pub fn existing_key(&self, name: &str, kind: &str) -> Result<Option<SigningKey>, HomeError> {
        let Some(text) = self.read(name, KEY_FILE_MAX)?.map(Zeroizing::new) else { return Ok(None) };
        let key = std::str::from_utf8(&text)
            .ok()
            .and_then(|text| text.strip_prefix(PEM_BEGIN)?.strip_suffix(PEM_END))
            .and_then(encoding::base64)
            .map(Zeroizing::new)
            .and_then(|der| SigningKey::from_pkcs8(kind, &der).ok());
        key.map(Some).ok_or_else(|| HomeError::Damaged(self.dir.join(name)))
    }

    /// Bytes of a file, at most `limit`; `None` if it doesn't exist. Links are refused, and files others can open.
    pub fn read(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, HomeError> {
        let path = self.path(name)?;
        let file = match plain_only(OpenOptions::new().read(true)).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
                return Err(HomeError::NotOurs(path));
            }
            Err(source) => return Err(HomeError::Disk { path, source }),
        };
        let metadata = file.metadata().map_err(disk(&path))?;
        if !metadata.is_file() {
            return Err(HomeError::NotOurs(path));
        }
        private(&path, &metadata)?;
        let mut bytes = Vec::with_capacity(limit.min(usize::try_from(metadata.len()).unwrap_or(limit)));
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        file.take(most).read_to_end(&mut bytes).map_err(disk(&path))?;
        if bytes.len() > limit { Err(HomeError::TooLarge { path, limit }) } else { Ok(Some(bytes)) }
    }

    /// Replaces a file as a whole; it is on the disk when this returns.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), HomeError> {
        self.place(name, bytes, Existing::IsReplaced).map(|_| ())
    }

    /// Makes a file; false if there is one already, which stays as it is. For secrets of which a second would lose the first.
    pub fn write_new(&self, name: &str, bytes: &[u8]) -> Result<bool, HomeError> {
        self.place(name, bytes, Existing::Stays)
    }

    /// Removes a file; no error if there is none.
    pub fn remove(&self, name: &str) -> Result<(), HomeError> {
        let path = self.path(name)?;
        match fs::remove_file(&path) {
            Ok(()) => self.sync(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(HomeError::Disk { path, source }),
        }
    }

    /// Writes beside, syncs, moves into place, syncs the folder; false if a file was there and stays.
    fn place(&self, name: &str, bytes: &[u8], existing: Existing) -> Result<bool, HomeError> {
        let path = self.path(name)?;
        let mut unique = [0; 8];
        getrandom::fill(&mut unique).map_err(HomeError::Random)?;
        let beside = Beside(self.dir.join(format!(".{name}.{}", encoding::to_hex(&unique))));
        let mut file = plain_only(OpenOptions::new().write(true).create_new(true).mode(0o600))
            .open(&beside.0)
            .map_err(disk(&path))?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(disk(&path))?;
        let placed = match existing {
            Existing::IsReplaced => fs::rename(&beside.0, &path).map(|()| true),
            // A second name, not a rename: it fails when the file is there.
            Existing::Stays => match fs::hard_link(&beside.0, &path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
                other => other.map(|()| true),
            },
        };
        let placed = placed.map_err(disk(&path))?;
        drop(beside);
        self.sync()?;
        Ok(placed)
    }

    fn sync(&self) -> Result<(), HomeError> {
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(disk(&self.dir))
    }
}

/// What happens to a file that is there already.
enum Existing {
    IsReplaced,
    Stays,
}

/// A file not yet in place; removed when dropped.
struct Beside(PathBuf);

impl Drop for Beside {
    fn drop(&mut self) {
        // Once renamed there is nothing left to remove.
        let _ = fs::remove_file(&self.0);
    }
}

/// Never follows a link, never hangs on a pipe, never passes the file on to a child.
fn plain_only(options: &mut OpenOptions) -> &OpenOptions {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    options.custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
}

fn private(path: &Path, metadata: &fs::Metadata) -> Result<(), HomeError> {
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(HomeError::NotOurs(path.to_owned()));
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & OTHERS != 0 { Err(HomeError::TooOpen { path: path.to_owned(), mode }) } else { Ok(()) }
}

fn lock_file(dir: &Path) -> Result<Lock, HomeError> {
    let path = dir.join(LOCK_FILE);
    let file = plain_only(OpenOptions::new().write(true).create(true).truncate(false).mode(0o600))
        .open(&path)
        .map_err(disk(&path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Lock(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(HomeError::Busy(dir.to_owned())),
        Err(error) => Err(disk(&path)(error.into())),
    }
}

fn disk(path: &Path) -> impl FnOnce(io::Error) -> HomeError {
    let path = path.to_owned();
    move |source| HomeError::Disk { path, source }
}

/// 48 bytes of PKCS#8 fill exactly one line of PEM.
fn pem(key: &SigningKey) -> Zeroizing<String> {
    let line = Zeroizing::new(encoding::to_base64(&key.to_pkcs8()));
    Zeroizing::new([PEM_BEGIN, &line, PEM_END].concat())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("a/b");
        (parent, dir)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn folders_are_0700_and_files_0600() {
        let (_parent, dir) = folder();
        let home = Home::open(&dir, true).unwrap();
        home.key("device.pem", "device").unwrap();
        home.write("state", b"x").unwrap();
        assert_eq!(mode(&dir), 0o700);
        for entry in fs::read_dir(&dir).unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600);
        }
        let mut names: Vec<_> = fs::read_dir(&dir).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["device.pem", "lock", "state"]);
    }

    #[test]
    fn wider_modes_are_refused() {
        let (_parent, dir) = folder();
        let home = Home::open(&dir, false).unwrap();
        home.key("device.pem", "device").unwrap();
        for (bits, refused) in [(0o640, true), (0o604, true), (0o610, true), (0o600, false), (0o400, false)] {
            fs::set_permissions(dir.join("device.pem"), fs::Permissions::from_mode(bits)).unwrap();
            let outcome = home.key("device.pem", "device");
            assert_eq!(matches!(outcome, Err(HomeError::TooOpen { mode, .. }) if mode == bits), refused, "{bits:o}");
            assert_eq!(outcome.is_ok(), !refused, "{bits:o}");
        }
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o750)).unwrap();
        assert!(matches!(Home::open(&dir, false), Err(HomeError::TooOpen { mode: 0o750, .. })));
    }

    #[test]
    fn a_lock_is_gone_although_somebody_still_holds_a_copy_of_its_descriptor() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("data");
        let home = Home::open(&dir, true).unwrap();
        let copy = home._lock.as_ref().unwrap().0.try_clone().unwrap();
        drop(home);
        assert!(Home::open(&dir, true).is_ok());
        drop(copy);
    }

    #[test]
    fn d6_a_second_lock_is_refused_until_the_first_is_gone() {
        let (_parent, dir) = folder();
        let first = Home::open(&dir, true).unwrap();
        assert!(matches!(Home::open(&dir, true), Err(HomeError::Busy(_))));
        assert!(Home::open(&dir, false).is_ok());
        drop(first);
        assert!(Home::open(&dir, true).is_ok());
    }

    #[test]
    fn keys_are_made_once_and_read_back() {
        let (_parent, dir) = folder();
        let home = Home::open(&dir, false).unwrap();
        assert!(home.existing_key("device.pem", "device").unwrap().is_none());
        let made = home.key("device.pem", "device").unwrap();
        let read = home.key("device.pem", "device").unwrap();
        assert_eq!(made.public(), read.public());
        assert_ne!(made.public(), home.key("other.pem", "device").unwrap().public());
        let text = fs::read_to_string(dir.join("device.pem")).unwrap();
        assert_eq!((text.lines().count(), text.len()), (3, 119));
    }

    #[test]
    fn damaged_keys_and_links_are_refused_and_stay() {
        let (_parent, dir) = folder();
        let home = Home::open(&dir, false).unwrap();
        home.write("device.pem", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
        assert!(matches!(home.key("device.pem", "device"), Err(HomeError::Damaged(_))));
        assert!(fs::read_to_string(dir.join("device.pem")).unwrap().contains("AAAA"));
        symlink(dir.join("device.pem"), dir.join("linked.pem")).unwrap();
        assert!(matches!(home.key("linked.pem", "device"), Err(HomeError::NotOurs(_))));
    }

    #[test]
    fn files_are_replaced_whole_and_have_a_limit() {
        let (_parent, dir) = folder();
        let home = Home::open(&dir, false).unwrap();
        assert_eq!(home.read("state", 4).unwrap(), None);
        home.write("state", b"12345678").unwrap();
        home.write("state", b"1234").unwrap();
        assert_eq!(home.read("state", 4).unwrap().as_deref(), Some(b"1234".as_slice()));
        assert_eq!(home.read("state", 5).unwrap().as_deref(), Some(b"1234".as_slice()));
        assert!(matches!(home.read("state", 3), Err(HomeError::TooLarge { limit: 3, .. })));
        home.remove("state").unwrap();
        home.remove("state").unwrap();
        assert_eq!(home.read("state", 4).unwrap(), None);
    }

    #[test]
    fn names_stay_inside_the_folder() {
        let (_parent, dir) = folder();
        let home = Home::open(&dir, false).unwrap();
        for bad in ["", ".", "..", ".hidden", "../x", "a/b", "/etc/passwd", "a\0b", "ñ"] {
            assert!(matches!(home.read(bad, 1), Err(HomeError::Name(_))), "{bad:?}");
            assert!(matches!(home.write(bad, b"x"), Err(HomeError::Name(_))), "{bad:?}");
        }
    }
}
