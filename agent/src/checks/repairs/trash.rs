//! `tasks.trash-to-empty` and `tasks.empty-trash`: the trash in the person's home, as desktops keep it (the freedesktop.org trash
//! specification): `files` holds what was thrown away, `info` where each came from.
//!
//! Names are never looked at beyond passing them back to the system. Trashes of other disks are left alone.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};
use venia_proto::catalog::PLAN;
use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use super::home::Home;
use super::removal::{Closed, Listed, folder, spelled};
use super::{Check, Failure, Repair, State};
use crate::checks::figure::size;

const FILES: &str = ".local/share/Trash/files";
const INFO: &str = ".local/share/Trash/info";
/// Longest time to delete; the definition's deadline is a little later.
const TIME: Duration = Duration::from_secs(100);
const DAY: u64 = 86_400;

pub(super) struct Trash;
pub(super) struct EmptyTrash;

/// What lies in a trash.
pub(super) struct Seen {
    files: Listed,
    /// Where it came from; there may be none.
    info: Option<Listed>,
}

/// What the preview judges.
pub(super) struct Inputs {
    seen: Result<Option<Seen>, String>,
    now: u64,
}

impl Check for Trash {
    const ID: &'static str = "tasks.trash-to-empty";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Ok(Inputs { seen: look(Home::own().as_ref()), now })
    }

    fn judge(Inputs { seen, now }: Inputs) -> Draft {
        let mut draft = Draft::default();
        let seen = match seen {
            Ok(seen) => seen,
            Err(why) => {
                draft.finding(Severity::Unknown, "trash-unknown", &[], why);
                return draft;
            }
        };
        let Some(seen) = seen.filter(|seen| !seen.files.entries.is_empty()) else {
            draft.fact("items", 0_u64, "");
            draft.finding(Severity::Ok, "trash-empty", &[], "~/.local/share/Trash/files: no entries");
            return draft;
        };
        let (count, bytes) = (seen.files.entries.len() as u64, seen.files.bytes());
        draft.fact("items", count, "");
        draft.fact("bytes", bytes, "bytes");
        let oldest = seen.files.entries.iter().filter_map(|entry| u64::try_from(entry.changed).ok()).min();
        if let Some(oldest) = oldest {
            draft.fact("oldest", now.saturating_sub(oldest) / DAY, "d");
        }
        if let Some(plan) = plan(&seen) {
            draft.fact(PLAN, plan, "");
        }
        let evidence = format!("~/.local/share/Trash/files: {count} entries");
        let values = [("count", count.into()), ("size", size(bytes).into())];
        draft.finding(Severity::Ok, "trash-holds", &values, evidence);
        if seen.files.cut {
            draft.finding(Severity::Unknown, "counted-partly", &[], "more entries than are counted");
        }
        draft
    }
}

impl Repair for EmptyTrash {
    const ID: &'static str = "tasks.empty-trash";
    const COLUMNS: [&'static str; 3] = ["what", "before-bytes", "after-bytes"];
    type Seen = Option<Seen>;

    fn look(_: &Arguments) -> Result<Result<Self::Seen, String>, Failure> {
        Ok(look(Home::own().as_ref()))
    }

    fn plan(seen: &Self::Seen) -> Option<String> {
        plan(seen.as_ref()?)
    }

    fn state(seen: &Self::Seen) -> State {
        let bytes = seen.as_ref().map_or(0, |seen| seen.files.bytes());
        State { total: Some((bytes.into(), "bytes")), rows: vec![("Trash".to_owned(), bytes.into())] }
    }

    fn perform(seen: &Self::Seen, _: &Arguments) -> Result<(), String> {
        seen.as_ref().map_or(Ok(()), |seen| empty(seen, Instant::now() + TIME))
    }
}

/// Nothing if there is no trash yet.
fn look(home: Option<&Home>) -> Result<Option<Seen>, String> {
    let home = home.ok_or("no home in /etc/passwd")?;
    let list = |below| folder(&home.path, below).and_then(Listed::of);
    let files = match list(FILES) {
        Ok(files) => files,
        Err(Closed::Absent) => return Ok(None),
        Err(closed) => return Err(format!("~/{FILES}: {closed}")),
    };
    Ok(Some(Seen { files, info: list(INFO).ok() }))
}

fn plan(seen: &Seen) -> Option<String> {
    let mut digest = Sha256::new();
    seen.files.digest(&mut digest);
    (!seen.files.entries.is_empty()).then(|| spelled(digest))
}

/// First the things, then the notes about them: whoever stops it in between leaves notes without things, which desktops
/// clear by themselves, and never things that can't be put back.
fn empty(seen: &Seen, until: Instant) -> Result<(), String> {
    let left = |(count, why): (usize, String)| format!("{count} things stay: {why}");
    seen.files.delete(until).map_err(left)?;
    match &seen.info {
        Some(info) => info.delete(until).map_err(left),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{create_dir_all, write};
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::*;
    use crate::checks::proof::told;

    fn home(root: &Path) -> Home {
        create_dir_all(root.join(FILES)).unwrap();
        create_dir_all(root.join(INFO)).unwrap();
        Home { path: root.to_owned() }
    }

    fn throw_away(root: &Path, name: &str, bytes: usize) {
        write(root.join(FILES).join(name), vec![1; bytes]).unwrap();
        let from = format!("[Trash Info]\nPath=/home/ana/{name}\nDeletionDate=2026-01-02T03:04:05\n");
        write(root.join(INFO).join(format!("{name}.trashinfo")), from).unwrap();
    }

    fn findings(seen: Result<Option<Seen>, String>) -> Vec<String> {
        let report = told(Trash::ID, &Trash::judge(Inputs { seen, now: u64::MAX }));
        report.findings.into_iter().map(|finding| finding.id).collect()
    }

    #[test]
    fn what_was_shown_is_deleted_with_its_notes() {
        let root = tempfile::tempdir().unwrap();
        let home = home(root.path());
        throw_away(root.path(), "secreto.pdf", 20_000);
        create_dir_all(root.path().join(FILES).join("folder/in")).unwrap();
        let seen = look(Some(&home)).unwrap();
        let draft = Trash::judge(Inputs { seen: look(Some(&home)), now: u64::MAX });
        assert!(!format!("{draft:?}").contains("secreto"));
        let shown = told(Trash::ID, &draft).plan().unwrap().to_owned();
        assert_eq!(EmptyTrash::plan(&seen), Some(shown), "the preview's plan is the repair's");
        empty(&seen.unwrap(), Instant::now() + TIME).unwrap();
        let after = look(Some(&home)).unwrap();
        assert_eq!(EmptyTrash::state(&after).total, Some((0_u64.into(), "bytes")));
        assert_eq!(EmptyTrash::plan(&after), None);
        assert_eq!(std::fs::read_dir(root.path().join(INFO)).unwrap().count(), 0);
    }

    #[test]
    fn a_trash_that_changed_since_has_another_plan() {
        let root = tempfile::tempdir().unwrap();
        let home = home(root.path());
        throw_away(root.path(), "one", 10);
        let shown = EmptyTrash::plan(&look(Some(&home)).unwrap());
        throw_away(root.path(), "two", 10);
        assert_ne!(EmptyTrash::plan(&look(Some(&home)).unwrap()), shown);
    }

    #[test]
    fn everything_declared_is_said() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(findings(look(None)), ["trash-unknown"]);
        assert_eq!(findings(look(Some(&Home { path: root.path().to_owned() }))), ["trash-empty"]);
        let home = home(root.path());
        assert_eq!(findings(look(Some(&home))), ["trash-empty"]);
        throw_away(root.path(), "one", 10);
        assert_eq!(findings(look(Some(&home))), ["trash-holds"]);
        let mut seen = look(Some(&home)).unwrap().unwrap();
        seen.files.cut = true;
        assert_eq!(findings(Ok(Some(seen))), ["counted-partly", "trash-holds"]);
    }

    #[test]
    fn a_trash_that_is_a_link_is_left_alone() {
        let (outside, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        home(outside.path());
        throw_away(outside.path(), "precious", 10);
        create_dir_all(root.path().join(".local/share")).unwrap();
        symlink(outside.path().join(".local/share/Trash"), root.path().join(".local/share/Trash")).unwrap();
        let seen = look(Some(&Home { path: root.path().to_owned() }));
        assert_eq!(findings(seen), ["trash-unknown"]);
    }
}
