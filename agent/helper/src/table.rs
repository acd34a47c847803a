//! Which of the compiled verbs the administrator of this computer allows: a file only they can write.
//!
//! One verb a line, `#` begins a comment. Without the file nothing is allowed. It is opened without following links, and
//! nobody but root may be able to write it or its folder: else whoever can would have the verbs that were taken away.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags, Stat, fstat, open, openat};

/// Where it is.
pub const TABLE: &str = "/etc/venia/verbs";
/// Longest table, in bytes.
const TABLE_MAX: u64 = 4 * 1024;
/// Others who may write: group and everybody.
const OTHERS_WRITE: u32 = 0o022;

/// The allowed verbs, or why none is.
#[derive(Debug)]
pub struct Verbs(Result<BTreeSet<String>, TableError>);

/// A table that allows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// There is none.
    #[error("there is no table of allowed repairs")]
    Absent,
    /// Somebody besides root could write it.
    #[error("others than the administrator can write the table of allowed repairs")]
    Writable,
    /// It is no file, a link, too long, or can't be read.
    #[error("the table of allowed repairs can't be read")]
    Unreadable,
}

impl Verbs {
    /// Reads the table there.
    pub fn read(path: &Path) -> Self {
        Self(read(path, 0))
    }

    /// A table of these verbs.
    pub fn of(verbs: &[&str]) -> Self {
        Self(Ok(verbs.iter().map(|&verb| verb.to_owned()).collect()))
    }

    /// Whether that verb may be performed, or why not.
    pub fn allow(&self, verb: &str) -> Result<(), String> {
        match &self.0 {
            Ok(verbs) if verbs.contains(verb) => Ok(()),
            Ok(_) => Err("the administrator's table doesn't allow this repair".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn read(path: &Path, owner: u32) -> Result<BTreeSet<String>, TableError> {
    let unreadable =
        |errno| if errno == rustix::io::Errno::NOENT { TableError::Absent } else { TableError::Unreadable };
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Err(TableError::Unreadable) };
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let folder = open(folder, flags | OFlags::DIRECTORY, Mode::empty()).map_err(unreadable)?;
    let table = openat(&folder, name, flags, Mode::empty()).map_err(unreadable)?;
    let only_theirs = |stat: &Stat| stat.st_uid == owner && stat.st_mode & OTHERS_WRITE == 0;
    let (above, own) = (fstat(&folder).map_err(unreadable)?, fstat(&table).map_err(unreadable)?);
    if !only_theirs(&above) || !only_theirs(&own) {
        return Err(TableError::Writable);
    }
    let table = File::from(table);
    if !table.metadata().is_ok_and(|table| table.is_file() && table.len() <= TABLE_MAX) {
        return Err(TableError::Unreadable);
    }
    let mut text = String::new();
    table.take(TABLE_MAX).read_to_string(&mut text).map_err(|_| TableError::Unreadable)?;
    Ok(text
        .lines()
        .map(|line| line.split('#').next().unwrap_or("").trim())
        .filter(|verb| !verb.is_empty())
        .map(str::to_owned)
        .collect())
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn own() -> u32 {
        rustix::process::getuid().as_raw()
    }

    fn table(text: &str, mode: u32, folder_mode: u32) -> (tempfile::TempDir, Result<BTreeSet<String>, TableError>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("verbs");
        write(&path, text).unwrap();
        set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        set_permissions(folder.path(), Permissions::from_mode(folder_mode)).unwrap();
        let found = read(&path, own());
        (folder, found)
    }

    #[test]
    fn g6_a_table_lists_verbs_and_comments() {
        let (_folder, found) =
            table("# what Ana may do\nrestart-service\n\n  vacuum-journal # old ones\n", 0o644, 0o755);
        assert_eq!(found, Ok(["restart-service".to_owned(), "vacuum-journal".to_owned()].into()));
        let verbs = Verbs::of(&["restart-service"]);
        assert!(verbs.allow("restart-service").is_ok() && verbs.allow("vacuum-journal").is_err());
    }

    #[test]
    fn g6_a_table_others_can_write_allows_nothing() {
        for (mode, folder_mode) in [(0o664, 0o755), (0o646, 0o755), (0o644, 0o775), (0o644, 0o757), (0o666, 0o777)] {
            assert_eq!(table("restart-service\n", mode, folder_mode).1, Err(TableError::Writable), "{mode:o}");
        }
        let (folder, _) = table("restart-service\n", 0o644, 0o755);
        assert_eq!(read(&folder.path().join("verbs"), own() + 1), Err(TableError::Writable), "another's file");
    }

    #[test]
    fn g6_a_table_that_is_a_link_or_none_allows_nothing() {
        let (folder, _) = table("restart-service\n", 0o644, 0o755);
        symlink(folder.path().join("verbs"), folder.path().join("link")).unwrap();
        assert_eq!(read(&folder.path().join("link"), own()), Err(TableError::Unreadable));
        assert_eq!(read(&folder.path().join("none"), own()), Err(TableError::Absent));
        assert!(Verbs::read(&folder.path().join("none")).allow("restart-service").is_err());
        std::fs::create_dir(folder.path().join("dir")).unwrap();
        assert_eq!(read(&folder.path().join("dir"), own()), Err(TableError::Unreadable));
    }

    #[test]
    fn g6_what_is_shipped_names_every_verb_and_asks_for_the_password_each_time() {
        use crate::request::{Keep, Service, Verb};
        let every = [
            Verb::ClearPackageCache,
            Verb::RenewLease,
            Verb::RepairPackages,
            Verb::RestartService { service: Service::Cups },
            Verb::SynchroniseClock,
            Verb::VacuumJournal { keep: Keep::Week },
        ];
        let (_folder, found) = table(include_str!("../packaging/verbs"), 0o644, 0o755);
        assert_eq!(found, Ok(every.iter().map(|verb| verb.name().to_owned()).collect()));
        let policy = include_str!("../packaging/org.venia.helper.policy");
        assert_eq!(policy.matches(">auth_admin<").count(), 3);
        assert!(!policy.contains(">yes<") && !policy.contains("auth_admin_keep<"));
        assert!(policy.contains(">/usr/libexec/venia-helper<"));
    }

    #[test]
    fn a_table_below_at_and_above_its_limit() {
        let limit = usize::try_from(TABLE_MAX).unwrap();
        for (length, fits) in [(limit - 1, true), (limit, true), (limit + 1, false)] {
            assert_eq!(table(&"#".repeat(length), 0o644, 0o755).1.is_ok(), fits, "{length}");
        }
    }
}
