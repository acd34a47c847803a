//! What the owner of this PC never allows: one file for the whole PC, one of the person's own. Both hold.
//!
//! A policy that is there and can't be understood, or that others could have written, ends the program before anybody
//! is called: what was forbidden isn't allowed by an accident. Here is only how the files are read; what they mean is
//! [`venia_proto::policy`]'s.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use venia_proto::now::Wall;
use venia_proto::policy::{Policies, Policy};

/// The policy of the whole PC.
pub const SYSTEM: &str = "/etc/venia/policy.toml";
/// The person's own, in the data folder.
pub const OWN: &str = "policy.toml";
/// Largest policy, in bytes.
pub const POLICY_MAX: u64 = 64 * 1024;
/// Permission bits of a file that somebody else than its owner can write.
const OTHERS_WRITE: u32 = 0o022;

/// A policy that can't be kept.
#[derive(Debug, thiserror::Error)]
pub enum OwnerError {
    /// It is there and can't be read.
    #[error("{0} can't be read")]
    Read(PathBuf, #[source] std::io::Error),
    /// Somebody else than the administrator, or than the person, owns it or can write it.
    #[error("{0} could have been written by somebody else")]
    Writable(PathBuf),
    /// More than [`POLICY_MAX`] bytes.
    #[error("{0} has more than {POLICY_MAX} bytes")]
    TooLong(PathBuf),
    /// Not a policy.
    #[error("{0} is not a policy: {1}")]
    Malformed(PathBuf, String),
}

/// Everything that holds on this PC now. `system` is the whole PC's file, `data` the person's data folder.
pub fn policies(system: &Path, data: &Path, now: Wall) -> Result<Policies, OwnerError> {
    let person = rustix::process::getuid().as_raw();
    let (system, own) = (read(system, &[0])?, read(&data.join(OWN), &[0, person])?);
    Ok(Policies { system, own, offset_minutes: offset(now) })
}

fn read(path: &Path, owners: &[u32]) -> Result<Option<Policy>, OwnerError> {
    let failed = |error| OwnerError::Read(path.to_owned(), error);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let metadata = file.metadata().map_err(failed)?;
    if !owners.contains(&metadata.uid()) || metadata.mode() & OTHERS_WRITE != 0 {
        return Err(OwnerError::Writable(path.to_owned()));
    }
    let mut text = String::new();
    file.take(POLICY_MAX + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > POLICY_MAX {
        return Err(OwnerError::TooLong(path.to_owned()));
    }
    let malformed = |error: basic_toml::Error| OwnerError::Malformed(path.to_owned(), error.to_string());
    basic_toml::from_str(&text).map(Some).map_err(malformed)
}

/// How far local time is ahead of UTC, in minutes.
fn offset(now: Wall) -> i32 {
    let at = jiff::Timestamp::from_millisecond(now.ms()).unwrap_or_default();
    jiff::tz::TimeZone::system().to_offset(at).seconds() / 60
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn own(text: &[u8], mode: u32) -> Result<Policies, OwnerError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(OWN);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        policies(&folder.path().join("none"), folder.path(), Wall::from_ms(0))
    }

    #[test]
    fn without_a_file_nothing_is_forbidden() {
        let folder = tempfile::tempdir().unwrap();
        let policies = policies(&folder.path().join("none"), folder.path(), Wall::from_ms(0)).unwrap();
        assert_eq!((policies.system, policies.own), (None, None));
    }

    #[test]
    fn a_policy_is_read() {
        let text = b"forbid-scopes = [\"security\", \"repair\"]\nforbid-items = [\"tasks.space\"]\nhours = [\"mon-fri 08:00-20:00\"]\n";
        let policy = own(text, 0o644).unwrap().own.unwrap();
        assert_eq!((policy.forbid_scopes.len(), policy.hours.len()), (2, 1));
    }

    #[test]
    fn a_policy_that_others_can_write_is_refused() {
        for (mode, fits) in [(0o600, true), (0o644, true), (0o664, false), (0o646, false), (0o622, false)] {
            assert_eq!(own(b"", mode).is_ok(), fits, "{mode:o}");
        }
    }

    #[test]
    fn a_policy_nobody_understands_is_refused_and_said_why() {
        let error = own(b"forbid-items = []\n\nforbid-itmes = []\n", 0o600).unwrap_err().to_string();
        assert!(error.contains("unknown field `forbid-itmes`"), "{error}");
        for text in [&b"forbid-scopes = [\"all\"]"[..], b"hours = [\"always\"]", b"{", b"\xff"] {
            assert!(own(text, 0o600).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_longest_policy_at_and_above_its_limit() {
        let of = |length: u64| own(format!("#{}", "x".repeat(usize::try_from(length).unwrap() - 1)).as_bytes(), 0o600);
        assert!(of(POLICY_MAX - 1).is_ok() && of(POLICY_MAX).is_ok());
        assert!(matches!(of(POLICY_MAX + 1), Err(OwnerError::TooLong(_))));
    }

    #[test]
    fn the_whole_pcs_policy_belongs_to_the_administrator() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("system.toml");
        std::fs::write(&path, "forbid-items = [\"tasks.space\"]").unwrap();
        let read = policies(&path, &folder.path().join("data"), Wall::from_ms(0));
        let root = rustix::process::getuid().is_root();
        assert_eq!(read.is_ok(), root, "a file of the person's is no policy of the whole PC");
    }
}
