//! Landlock: which files a worker may open, which it may start, and whom it may signal. (landlock(7))
//!
//! Rules are of files and folders, with all below them; nothing can be taken out again. Venia's own folders therefore
//! are never part of what is allowed: a folder above them is allowed piece by piece around them.

use std::fs;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
};
use rustix::fs::{FileType, fstat};

use super::FenceError;

/// Versions from which Landlock knows more than files: TCP, ioctl(2) on devices, signals and abstract sockets, and
/// connecting to sockets in the file system.
const TCP: u8 = 4;
const IOCTL: u8 = 5;
const SCOPES: u8 = 6;
const SOCKETS: u8 = 9;
/// Newest version this was written for; a newer one is used as this.
const NEWEST: u8 = 9;
/// Most pieces a folder above Venia's own is allowed in. Beyond it the rest is not allowed: too little, never too much.
const PIECES_MAX: usize = 4_096;

/// What may be opened. The empty one is nothing at all.
#[derive(Debug, Default)]
pub(super) struct Open {
    /// Files and folders that may be read.
    pub(super) reads: Vec<Piece>,
    /// Files and folders out of which may be deleted. Nothing is ever made or written.
    pub(super) deletes: Vec<Piece>,
    /// Files that may be executed.
    pub(super) runs: Vec<PathBuf>,
    /// Whether connections to other computers may be made.
    pub(super) network: bool,
    /// Whether sockets among what is read may be connected to.
    pub(super) services: bool,
    /// Whether programs of the person may be ended.
    pub(super) signals: bool,
}

/// A file, or a folder with all below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// May be read and listed.
    Whole(PathBuf),
    /// May be listed only, for something below it is not allowed.
    Names(PathBuf),
}

/// Fences this thread in, and what it starts. Everything that version `version` knows is denied unless `open` has it.
pub(super) fn fence(version: u8, open: &Open) -> Result<Vec<PathFd>, FenceError> {
    let abi = ABI::from(i32::from(version));
    let mut rules =
        Ruleset::default().set_compatibility(CompatLevel::HardRequirement).handle_access(AccessFs::from_all(abi))?;
    if version >= TCP {
        rules = rules.handle_access(AccessNet::BindTcp)?;
        if !open.network {
            rules = rules.handle_access(AccessNet::ConnectTcp)?;
        }
    }
    if version >= SCOPES {
        let signals = if open.signals { BitFlags::EMPTY } else { Scope::Signal.into() };
        rules = rules.scope(signals | Scope::AbstractUnixSocket)?;
    }
    let mut rules = rules.create()?;
    let mut held = Vec::new();
    for piece in &open.reads {
        let (path, names) = match piece {
            Piece::Whole(path) => (path, false),
            Piece::Names(path) => (path, true),
        };
        // What isn't there, or can't be reached, can't be read either.
        let Ok(handle) = PathFd::new(path) else { continue };
        let access = if names { AccessFs::ReadDir.into() } else { reading(version, path, &handle, open.services) };
        rules = rules.add_rule(PathBeneath::new(&handle, access))?;
        if path.starts_with("/proc") {
            held.push(handle);
        }
    }
    for piece in &open.deletes {
        // A folder above Venia's own is only looked at: what is deleted is below a piece that is allowed whole.
        let Piece::Whole(path) = piece else { continue };
        let Ok(handle) = PathFd::new(path) else { continue };
        rules = rules.add_rule(PathBeneath::new(&handle, AccessFs::RemoveFile | AccessFs::RemoveDir))?;
    }
    for path in &open.runs {
        let Ok(handle) = PathFd::new(path) else { continue };
        rules = rules.add_rule(PathBeneath::new(&handle, AccessFs::Execute | AccessFs::ReadFile))?;
    }
    let status = rules.restrict_self()?;
    if status.ruleset == RulesetStatus::FullyEnforced { Ok(held) } else { Err(FenceError::Part) }
}

/// What reading means for this file.
fn reading(version: u8, path: &Path, handle: &PathFd, services: bool) -> BitFlags<AccessFs> {
    let kind = fstat(handle).map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode));
    let mut access = BitFlags::from(AccessFs::ReadFile);
    if kind == FileType::Directory {
        access |= AccessFs::ReadDir;
    }
    if path == Path::new("/dev/null") {
        access |= AccessFs::WriteFile;
    } else if path.starts_with("/dev") && version >= IOCTL {
        // A disk's health or a sound card's name is asked by ioctl(2) on its device.
        access |= AccessFs::IoctlDev;
    }
    if services && version >= SOCKETS && path.starts_with("/run") {
        access |= AccessFs::ResolveUnix;
    }
    access
}

/// That path without Venia's own folders: nothing if it is in one, its pieces if one is below it.
pub(super) fn outside(path: &Path, private: &[PathBuf]) -> Vec<Piece> {
    // The kernel's own files: no link in them leads to anybody's folders but `root` and `cwd` of processes, and a
    // rule isn't made of those.
    if ["/proc", "/sys", "/usr"].iter().any(|own| path.starts_with(own)) {
        return vec![Piece::Whole(path.to_owned())];
    }
    // A rule is of the file at the end of all links.
    let Ok(path) = fs::canonicalize(path) else { return Vec::new() };
    let mut pieces = Vec::new();
    take_apart(path, private, &mut pieces);
    pieces
}

fn take_apart(path: PathBuf, private: &[PathBuf], pieces: &mut Vec<Piece>) {
    if private.iter().any(|own| path.starts_with(own)) || pieces.len() >= PIECES_MAX {
        return;
    }
    if !private.iter().any(|own| own.starts_with(&path)) {
        pieces.push(Piece::Whole(path));
        return;
    }
    for entry in fs::read_dir(&path).into_iter().flatten().flatten() {
        // A link may lead anywhere, our folders included; where it leads to is allowed or not by itself.
        if entry.file_type().is_ok_and(|kind| !kind.is_symlink()) {
            take_apart(entry.path(), private, pieces);
        }
    }
    pieces.push(Piece::Names(path));
}

/// The version of this kernel; 0 if Landlock can't be used. Fences the calling thread in.
pub(super) fn version() -> u8 {
    let probe = || Ruleset::default().handle_access(AccessFs::Execute)?.create()?.restrict_self();
    match probe().map(|status| (status.ruleset, status.landlock)) {
        Ok((RulesetStatus::FullyEnforced, LandlockStatus::Available { effective_abi, .. })) => {
            u8::try_from(effective_abi as i32).unwrap_or(0).min(NEWEST)
        }
        Ok(_) | Err(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e11_what_is_above_venias_own_folders_is_allowed_around_them() {
        let folder = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(folder.path()).unwrap();
        let own = home.join(".local/share/venia/agent");
        fs::create_dir_all(&own).unwrap();
        fs::create_dir_all(home.join(".local/share/fonts")).unwrap();
        fs::create_dir_all(home.join(".config")).unwrap();
        fs::write(home.join("letter"), "").unwrap();
        std::os::unix::fs::symlink(&own, home.join("shortcut")).unwrap();
        let private = [own.clone()];
        let mut pieces = outside(&home, &private);
        pieces.sort_by_key(|piece| format!("{piece:?}"));
        let (names, whole) = (|path: &str| Piece::Names(home.join(path)), |path: &str| Piece::Whole(home.join(path)));
        let mut expected = [
            names(".local/share/venia"),
            names(".local/share"),
            names(".local"),
            Piece::Names(home.clone()),
            whole(".config"),
            whole(".local/share/fonts"),
            whole("letter"),
        ];
        expected.sort_by_key(|piece| format!("{piece:?}"));
        assert_eq!(pieces, expected);
        for inside in [own.clone(), own.join("key"), home.join("shortcut")] {
            assert_eq!(outside(&inside, &private), [], "{}", inside.display());
        }
        assert_eq!(outside(&home.join("letter"), &private), [whole("letter")]);
        assert_eq!(outside(&home.join("none"), &private), []);
        assert_eq!(outside(&home, &[]), [Piece::Whole(home)]);
    }
}
