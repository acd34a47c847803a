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

use super::cosigning;
use super::identity::{Keys, log_number};
use super::ledger::shards::{ARCHIVE, verified};
use super::ledger::sqlite::Sqlite;
use super::ledger::succession;
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
const FILES: [&str; 4] = ["statement", "settings", "public", cosigning::FILE];

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
    fs::rename(&beside.0, &dest).map_err(|error| {
        let taken = matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory);
        if taken { BackupError::Exists(dest.clone()) } else { BackupError::Write(error) }
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
    // A closed log's key that wasn't destroyed yet must not live on in a copy.
    let (number, _) = succession::current(&to)?;
    let closed = |name: &str| log_number(name).is_some_and(|of| of < number);
    for entry in fs::read_dir(folder).map_err(BackupError::Write)? {
        let name = entry.map_err(BackupError::Write)?.file_name();
        let Some(name) = name.to_str() else { continue };
        if !name.starts_with('.') && (name.ends_with(".key") || FILES.contains(&name)) && !closed(name) {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::ledger::limits::Limits;
    use super::super::recovery::recover;
    use super::super::serve::{Options, Running, ServeError};
    use super::*;
    use crate::clock;

    /// What nobody may find in a copy.
    const ERASED: &[u8] = b"the ciphertext of a part that was erased";

    async fn start(folder: &Path) -> Result<Running, ServeError> {
        let listen = "127.0.0.1:0".parse().unwrap();
        let public = Some("relay.example:4433".parse().unwrap());
        Running::start(folder, Options { listen, public, name: None, keep_days: None, limits: Limits::default() }).await
    }

    fn files(folder: &Path) -> BTreeSet<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn copy(folder: &Path, dest: &Path) -> Result<Mark, BackupError> {
        backup(folder, dest, clock::now().wall)
    }

    fn recovered(folder: &Path) -> Option<super::super::recovery::Recovered> {
        let home = Home::open(folder, true).unwrap();
        recover(&home, clock::now().wall).unwrap()
    }

    #[tokio::test]
    async fn f5_a_copy_of_a_running_relay_is_whole_private_and_starts_only_after_recovering() {
        let parent = tempfile::tempdir().unwrap();
        let (folder, dest) = (parent.path().join("relay"), parent.path().join("copy"));
        let relay = start(&folder).await.unwrap();
        let mut store = Sqlite::open(&folder.join(DATABASE)).unwrap();
        let sealed = "INSERT INTO sealed (session, sha256, bytes) VALUES (zeroblob(16), zeroblob(32), $1)";
        store.connection.execute(sealed, [ERASED]).unwrap();
        store.connection.execute("DELETE FROM sealed", []).unwrap();
        assert!(store.scrub(true).unwrap());
        fs::create_dir(&dest).unwrap();
        let mark = copy(&folder, &dest).unwrap();
        assert_eq!(mark.size, store.head().unwrap().unwrap().size);
        drop(store);
        let expected = [
            "authority.key",
            "backup",
            "log.key",
            "public",
            "relay.db",
            "root.key",
            "settings",
            "statement",
            "tls.key",
        ];
        let found = files(&dest);
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(&dest), 0o700);
        for file in &found {
            assert_eq!(mode(&dest.join(file)), 0o600, "{file}");
            let bytes = fs::read(dest.join(file)).unwrap();
            assert!(!bytes.windows(ERASED.len()).any(|window| window == ERASED), "{file}");
        }
        assert!(matches!(copy(&folder, &dest), Err(BackupError::Exists(_))));
        assert!(matches!(copy(&folder, &folder.join("copy")), Err(BackupError::Place(_))));
        assert!(matches!(copy(&folder, &parent.path().join("no/copy")), Err(BackupError::Place(_))));
        fs::write(parent.path().join("file"), b"").unwrap();
        assert!(matches!(copy(&folder, &parent.path().join("file")), Err(BackupError::Exists(_))));
        assert_eq!(files(parent.path()).len(), 3, "nothing is left beside");
        relay.stop().await;
        assert!(recovered(&folder).is_none(), "nothing was set back there");

        assert!(matches!(start(&dest).await, Err(ServeError::IsBackup(made)) if made == mark.made));
        let home = Home::open(&dest, true).unwrap();
        assert!(matches!(super::super::recovery::may_sign(&home), Err(ServeError::IsBackup(_))));
        drop(home);
        let recovered_here = recovered(&dest).unwrap();
        assert_eq!((recovered_here.had, recovered_here.logs.closed.size), (None, mark.size));
        assert!(recovered(&dest).is_none(), "once");
        start(&dest).await.unwrap().stop().await;
        // And a copy of that one has both logs.
        let second = parent.path().join("second");
        copy(&dest, &second).unwrap();
        assert!(files(&second).is_superset(&BTreeSet::from(["archive".to_owned(), "log-2.key".to_owned()])));
        assert_eq!(files(&second.join(ARCHIVE)), BTreeSet::from(["1.db".to_owned()]));
        // A crash left the closed log's key: no copy has it, and the next start destroys it, and no other.
        for name in ["log.key", "log-3.key", "log-02.key"] {
            fs::copy(dest.join("log-2.key"), dest.join(name)).unwrap();
        }
        let third = parent.path().join("third");
        copy(&dest, &third).unwrap();
        assert!(!files(&third).contains("log.key") && files(&third).contains("log-2.key"));
        start(&dest).await.unwrap().stop().await;
        let left: Vec<_> = files(&dest).into_iter().filter(|name| name.starts_with("log")).collect();
        assert_eq!(left, ["log-02.key", "log-2.key", "log-3.key"]);
        assert!(recovered(&second).unwrap().logs.origin.as_str().ends_with("/3"));
    }

    #[tokio::test]
    async fn f5_what_doesnt_hold_is_never_called_a_copy() {
        let parent = tempfile::tempdir().unwrap();
        let (folder, dest) = (parent.path().join("relay"), parent.path().join("copy"));
        start(&folder).await.unwrap().stop().await;
        let store = Sqlite::open(&folder.join(DATABASE)).unwrap();
        store.connection.execute("UPDATE nodes SET hash = zeroblob(32)", []).unwrap();
        drop(store);
        assert!(matches!(copy(&folder, &dest), Err(BackupError::Store(StoreError::Damaged(_)))));
        assert_eq!(files(parent.path()), BTreeSet::from(["relay".to_owned()]), "and nothing is left of it");
    }

    #[tokio::test]
    async fn f5_a_database_set_back_is_recovered_and_the_loss_is_counted() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("relay");
        start(&folder).await.unwrap().stop().await;
        let older = fs::read(folder.join(DATABASE)).unwrap();
        let size = |folder: &Path| Sqlite::open(&folder.join(DATABASE)).unwrap().head().unwrap().unwrap().size;
        let kept = size(&folder);
        start(&folder).await.unwrap().stop().await;
        let had = size(&folder);
        fs::write(folder.join(DATABASE), older).unwrap();
        assert!(start(&folder).await.is_err());
        let recovered_here = recovered(&folder).unwrap();
        assert_eq!((recovered_here.had, recovered_here.logs.closed.size), (Some(had), kept));
        start(&folder).await.unwrap().stop().await;
        assert!(recovered(&folder).is_none());
    }
}
