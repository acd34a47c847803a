//! Who owns a file and who may write it (stat(2)). Only that: what is inside stays inside.

use std::os::unix::fs::MetadataExt;

use crate::checks::machine::Machine;

/// Others may write.
const OTHERS_WRITE: u32 = 0o002;
/// Others may read.
const OTHERS_READ: u32 = 0o004;
/// Others may enter the folder, or run the file.
const OTHERS_ENTER: u32 = 0o001;
/// Only an owner may delete in a folder.
const STICKY: u32 = 0o1000;

/// What one file's or folder's entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// Rights without the kind of file.
    pub(super) mode: u32,
    /// Number of the account that owns it.
    pub(super) owner: u32,
    pub(super) folder: bool,
    pub(super) link: bool,
}

impl Standing {
    /// Of what is at that path, links followed.
    pub(super) fn of(machine: &Machine, path: &str) -> Option<Self> {
        std::fs::metadata(machine.path(path)).ok().map(|metadata| Self::from(&metadata))
    }

    /// Of what is at that path itself, even if it is a link.
    pub(super) fn of_itself(machine: &Machine, path: &str) -> Option<Self> {
        std::fs::symlink_metadata(machine.path(path)).ok().map(|metadata| Self::from(&metadata))
    }

    /// Whether any account may write it; a link's own rights mean nothing.
    pub(super) fn anybody_writes(self) -> bool {
        !self.link && self.mode & OTHERS_WRITE != 0
    }

    /// Whether any account may read it.
    pub(super) fn anybody_reads(self) -> bool {
        !self.link && self.mode & OTHERS_READ != 0
    }

    /// Whether any account may reach what is in the folder.
    pub(super) fn anybody_enters(self) -> bool {
        self.mode & OTHERS_ENTER != 0
    }

    /// Whether everybody may add to the folder, but nobody remove what is another's.
    pub(super) fn sticky(self) -> bool {
        self.mode & STICKY != 0
    }

    /// As `ls` writes it in numbers.
    pub(super) fn shown(self) -> String {
        format!("{:04o}", self.mode)
    }
}

impl From<&std::fs::Metadata> for Standing {
    fn from(metadata: &std::fs::Metadata) -> Self {
        Self {
            mode: metadata.mode() & 0o7777,
            owner: metadata.uid(),
            folder: metadata.is_dir(),
            link: metadata.file_type().is_symlink(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_anybody_may_do_is_read_from_the_mode() {
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine::at(folder.path());
        let path = folder.path().join("f");
        std::fs::write(&path, "").unwrap();
        for (mode, reads, writes) in
            [(0o600, false, false), (0o644, true, false), (0o622, false, true), (0o777, true, true)]
        {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let standing = Standing::of(&machine, "/f").unwrap();
            assert_eq!((standing.anybody_reads(), standing.anybody_writes()), (reads, writes), "{}", standing.shown());
            assert_eq!(standing.owner, rustix::process::getuid().as_raw());
        }
        std::os::unix::fs::symlink("f", folder.path().join("l")).unwrap();
        assert!(!Standing::of_itself(&machine, "/l").unwrap().anybody_writes());
        assert!(Standing::of(&machine, "/l").unwrap().anybody_writes());
        assert_eq!(Standing::of(&machine, "/none"), None);
    }
}
