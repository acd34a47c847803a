//! A copy of the whole data folder, made while the relay runs: everything an operator needs to restore it.
//!
//! ```text
//! DEST/root.key authority.key tls.key log….key   the keys, as they are: keep the copy as safe as the relay
//! DEST/statement settings public                 what the organisation says and decided
//! DEST/relay.db archive/N.db                     the database and the closed logs, each at one moment (SQLite's online backup)
//! DEST/backup                                    that this is a copy, and of when
//! ```
//!
//! The last file makes the copy harmless: no relay starts in a folder that has it, because a log that goes on from an older
//! copy contradicts the receipts people hold. `venia-relay recover` takes it away, and begins a new log. (SECURITY F5)
//!
//! The copy is made beside DEST, checked, and only then called DEST. Pages of what was erased are overwritten in the
//! database before they can be copied ([`super::ledger::erasing`]), so it holds no more of them than the relay does.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::Backup;
use serde::{Deserialize, Serialize};
use venia_proto::encoding;
use venia_proto::now::Wall;

use super::identity::Keys;
use super::ledger::shards::{ARCHIVE, verified};
use super::ledger::sqlite::Sqlite;
use super::ledger::{Store as _, StoreError};
use super::serve::DATABASE;
use crate::client::home::{Home, HomeError};

/// The file that says that a folder is a copy.
pub const MARK: &str = "backup";
/// Largest such file, in bytes.
const MARK_MAX: usize = 4_096;
/// Largest of the other small files, in bytes.
const SMALL_MAX: usize = 64 * 1024;
/// What else is copied, beside keys and databases.
const FILES: [&str; 3] = ["statement", "settings", "public"];

/// What a copy says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// When it was made.
    pub made: Wall,
    /// The log that grew.
    pub origin: String,
    /// Its entries.
    pub size: u64,
}

/// No copy was made. Whatever was begun is gone again.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something is there already, and stays.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// No place for a copy: within the data folder, or nowhere.
    #[error("{} is no place for a copy", .0.display())]
    Place(PathBuf),
    /// The folder there can't be made or written.
    #[error("the copy can't be written")]
    Write(#[source] io::Error),
    /// The data folder, or the copy's.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The database, or its copy.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was written isn't what it must be.
    #[error("the copy doesn't hold: {0}")]
    Unsound(&'static str),
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Mark {
    /// What this folder says of itself, if it is a copy.
    pub fn read(home: &Home) -> Result<Option<Self>, HomeError> {
        let Some(bytes) = home.read(MARK, MARK_MAX)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|_| HomeError::Damaged(home.dir().join(MARK)))
    }
}

/// Copies a data folder to `dest`, which must not exist or be an empty folder. The relay may run: SQLite lets another program
/// read the database at one moment while it is written.
pub fn backup(folder: &Path, dest: &Path, now: Wall) -> Result<Mark, BackupError> {
    let place = || BackupError::Place(dest.to_owned());
    let (parent, name) = dest.parent().zip(dest.file_name()).ok_or_else(place)?;
    let parent = parent.canonicalize().map_err(|_| place())?;
    let folder = folder.canonicalize().map_err(BackupError::Write)?;
    if parent.starts_with(&folder) {
        return Err(place());
    }
    let dest = parent.join(name);
    let free = match fs::read_dir(&dest) {
        Ok(mut files) => files.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    if !free {
        return Err(BackupError::Exists(dest));
    }
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| BackupError::Home(HomeError::Random(error)))?;
    let beside = Beside(parent.join(format!(".{}.{}", name.to_string_lossy(), encoding::to_hex(&random))));
    DirBuilder::new().mode(0o700).create(&beside.0).map_err(BackupError::Write)?;
    let mark = fill(&folder, &beside.0, now)?;
    check(&beside.0, &mark)?;
    // Onto nothing or onto an empty folder; anything that came there meanwhile stays, and we fail.
    fs::rename(&beside.0, &dest).map_err(|error| match error.kind() {
        io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory => BackupError::Exists(dest.clone()),
        _ => BackupError::Write(error),
    })?;
    File::open(&parent).and_then(|parent| parent.sync_all()).map_err(BackupError::Write)?;
    Ok(mark)
}

fn fill(folder: &Path, copy: &Path, now: Wall) -> Result<Mark, BackupError> {
    let (from, to) = (Home::open(folder, false)?, Home::open(copy, false)?);
    // The database first: what the small files say may then be newer than it, never older.
    database(&from.path(DATABASE)?, &to.path(DATABASE)?)?;
    let archive = folder.join(ARCHIVE);
    if archive.is_dir() {
        let target = copy.join(ARCHIVE);
        DirBuilder::new().mode(0o700).create(&target).map_err(BackupError::Write)?;
        for entry in fs::read_dir(&archive).map_err(BackupError::Write)? {
            let path = entry.map_err(BackupError::Write)?.path();
            if let Some(name) = path.file_name().filter(|_| path.extension().is_some_and(|end| end == "db")) {
                database(&path, &target.join(name))?;
            }
        }
        File::open(&target).and_then(|target| target.sync_all()).map_err(BackupError::Write)?;
    }
    for entry in fs::read_dir(folder).map_err(BackupError::Write)? {
        let name = entry.map_err(BackupError::Write)?.file_name();
        let Some(name) = name.to_str() else { continue };
        if !name.starts_with('.') && (name.ends_with(".key") || FILES.contains(&name)) {
            let bytes = from.read(name, SMALL_MAX)?.map(zeroize::Zeroizing::new);
            bytes.map_or(Ok(()), |bytes| to.write(name, &bytes))?;
        }
    }
    let log = Keys::open(&to)?.log;
    let store = Sqlite::reader(&to.path(DATABASE)?)?;
    let size = store.head()?.map_or(0, |head| head.size);
    let mark = Mark { made: now, origin: log.verifier().name.as_str().to_owned(), size };
    let bytes = serde_json::to_vec(&mark).map_err(|_| BackupError::Unsound("its mark"))?;
    to.write(MARK, &bytes)?;
    Ok(mark)
}

/// One database at one moment, while others may write it: the copy has no write-ahead log of its own.
fn database(from: &Path, to: &Path) -> Result<(), BackupError> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    drop(made.map_err(BackupError::Write)?);
    let source = Sqlite::reader(from)?;
    let mut target = Connection::open(to)?;
    target.pragma_update(None, "trusted_schema", "OFF")?;
    target.pragma_update(None, "synchronous", "FULL")?;
    // All in one step: one moment, which the writer need not wait for.
    Backup::new(&source.connection, &mut target)?.step(-1)?;
    target.pragma_update(None, "journal_mode", "DELETE")?;
    target.close().map_err(|(_, error)| error)?;
    File::open(to).and_then(|file| file.sync_all()).map_err(BackupError::Write)
}

/// Reads the copy back: keys, databases, each log's head against its tree and its key.
fn check(copy: &Path, mark: &Mark) -> Result<(), BackupError> {
    let home = Home::open(copy, false)?;
    let keys = Keys::open(&home)?;
    let store = Sqlite::reader(&home.path(DATABASE)?)?;
    whole(&store)?;
    let size = verified(&store, keys.log.verifier())?.map_or(0, |(head, _)| head.size);
    if size != mark.size {
        return Err(BackupError::Unsound("its log"));
    }
    for shard in store.shards()? {
        let archive = store.archive(shard.number)?;
        whole(&archive)?;
        if verified(&archive, &shard.log)?.is_none_or(|(head, _)| head.size != shard.size) {
            return Err(BackupError::Unsound("a closed log"));
        }
    }
    Ok(())
}

fn whole(store: &Sqlite) -> Result<(), BackupError> {
    let said: String = store.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if said == "ok" { Ok(()) } else { Err(BackupError::Unsound("its database")) }
}

/// A copy that isn't called DEST yet; gone when dropped.
struct Beside(PathBuf);

impl Drop for Beside {
    fn drop(&mut self) {
        // Once renamed there is nothing left here.
        let _ = fs::remove_dir_all(&self.0);
    }
}
