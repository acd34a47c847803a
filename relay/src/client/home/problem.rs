//! What is wrong with a data folder, by a word: people's sentences of it are named after that (`folder-…`), in `ui`, which a
//! peer's end of the relay doesn't know.

use std::io::ErrorKind;
use std::path::Path;

use super::HomeError;

impl HomeError {
    /// The word, the same in each program.
    pub fn problem(&self) -> &'static str {
        match self {
            Self::TooOpen { .. } => "too-open",
            Self::NotOurs(_) => "not-ours",
            Self::Busy(_) => "busy",
            Self::Damaged(_) => "damaged",
            Self::Seen(_) => "seen",
            Self::TooLarge { .. } => "too-large",
            Self::Random(_) => "random",
            Self::Name(_) => "disk",
            Self::Disk { source, .. } => of_the_system(source.kind()),
        }
    }

    /// The folder or file, as far as it is about one.
    pub fn path(&self) -> &Path {
        match self {
            Self::TooOpen { path, .. }
            | Self::NotOurs(path)
            | Self::Busy(path)
            | Self::Damaged(path)
            | Self::Seen(path)
            | Self::TooLarge { path, .. }
            | Self::Disk { path, .. } => path,
            Self::Name(name) => Path::new(name),
            Self::Random(_) => Path::new(""),
        }
    }
}

fn of_the_system(kind: ErrorKind) -> &'static str {
    if matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
        "full"
    } else if kind == ErrorKind::PermissionDenied {
        "forbidden"
    } else if matches!(kind, ErrorKind::AlreadyExists | ErrorKind::NotADirectory) {
        // A file stands where a folder is looked for.
        "not-ours"
    } else {
        "disk"
    }
}
