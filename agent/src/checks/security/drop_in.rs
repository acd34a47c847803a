//! Settings that are spread over a folder of small files (`name.d`), in the order programs read them.

use crate::checks::machine::{Machine, Reading};

/// Most files read of one folder; the fullest, systemd's own services, has about 500.
const FILES_MAX: usize = 1_000;

/// A file and what was read of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: Reading,
}

/// The file of that path, whether or not it is there.
pub(super) fn file(machine: &Machine, path: &str) -> File {
    File { path: path.to_owned(), text: machine.text(path) }
}

/// The files of that folder whose name ends like that, by name.
pub(super) fn files(machine: &Machine, folder: &str, ending: &str) -> Vec<File> {
    first(FILES_MAX, machine, folder, ending)
}

fn first(most: usize, machine: &Machine, folder: &str, ending: &str) -> Vec<File> {
    let names = machine.names(folder).into_iter().filter(|name| name.ends_with(ending) && !name.ends_with('~'));
    names.take(most).map(|name| file(machine, &format!("{folder}/{name}"))).collect()
}

/// Home of that user in passwd(5). The environment isn't asked: whoever sets it could name any folder.
pub(super) fn home(machine: &Machine, user: u32) -> Option<String> {
    let accounts = machine.text("/etc/passwd").ok()?;
    let line = accounts.lines().find(|line| line.split(':').nth(2) == Some(user.to_string().as_str()))?;
    line.split(':').nth(5).filter(|home| home.starts_with('/') && home.len() > 1).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::machine::Unread;

    #[test]
    fn files_come_by_name_and_without_copies_that_editors_leave() {
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine::at(folder.path());
        for name in ["20-b.conf", "10-a.conf", "x.conf~", "README"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let paths: Vec<String> = files(&machine, "", ".conf").into_iter().map(|file| file.path).collect();
        assert_eq!(paths, ["/10-a.conf", "/20-b.conf"]);
        assert_eq!(file(&machine, "/none").text, Err(Unread::Absent));
    }

    #[test]
    fn many_files_below_at_and_above() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        for (most, read) in [(2, 2), (3, 3), (4, 3)] {
            assert_eq!(first(most, &Machine::at(folder.path()), "", "").len(), read);
        }
    }

    #[test]
    fn a_home_is_the_accounts_own() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("etc")).unwrap();
        std::fs::write(folder.path().join("etc/passwd"), "root:x:0:0::/root:\nx:x:5:5::relative:\n").unwrap();
        let machine = Machine::at(folder.path());
        assert_eq!(home(&machine, 0).as_deref(), Some("/root"));
        assert_eq!((home(&machine, 5), home(&machine, 6)), (None, None));
    }
}
