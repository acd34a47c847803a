//! `security.permissions`: whether the wrong people may read or change the system's own files.
//!
//! Rights and owners only, of files in `/etc` and of a few whose rights matter most; what is inside isn't read. Expected rights
//! are those distributions ship, which the CIS benchmarks for Linux ask for too.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::standing::Standing;
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Most entries of `/etc` looked at; a full desktop has about 3,000.
const ENTRIES: usize = 8_000;
/// Deepest folder below `/etc`.
const DEPTH: usize = 6;
const TREE: &str = "/etc";
/// Files that hold what nobody else may read.
const SECRET: [&str; 6] =
    ["/etc/gshadow", "/etc/gshadow-", "/etc/security/opasswd", "/etc/shadow", "/etc/shadow-", "/etc/sudoers"];
/// Private keys of the SSH server, in `/etc/ssh`.
const HOST_KEY: (&str, &str) = ("ssh_host_", "_key");
/// Files that only root may own and nobody else write.
const ROOTS: [&str; 12] = [
    "/",
    "/bin",
    "/boot",
    "/etc",
    "/etc/crontab",
    "/etc/group",
    "/etc/ld.so.conf",
    "/etc/passwd",
    "/etc/shadow",
    "/lib",
    "/usr",
    "/usr/bin",
];
/// Folders where everybody may leave something, and nobody may take what is another's.
const SHARED: [&str; 3] = ["/dev/shm", "/tmp", "/var/tmp"];
/// Most findings of each kind; the table has the rest.
const FINDINGS: usize = 5;

pub(crate) struct Permissions;

pub(crate) struct Inputs {
    /// Entries below `/etc` that anybody may write, and host keys and secrets that anybody may read.
    found: Vec<(String, Standing)>,
    /// Of [`ROOTS`] and [`SHARED`].
    known: Vec<(&'static str, Standing)>,
    looked: u64,
    /// Folders below `/etc` that this account may not list.
    closed: u64,
    cut: bool,
}

impl Check for Permissions {
    const ID: &'static str = "security.permissions";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this(), ENTRIES))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if inputs.looked == 0 && inputs.known.is_empty() {
            draft.finding(Severity::Unknown, "permissions-unknown", &[], format!("{TREE} can't be listed"));
            return draft;
        }
        let mut rows = Vec::new();
        let mut say = |draft: &mut Draft, severity, finding: &str, list: Vec<(&str, Standing)>, what: &str| {
            for (path, standing) in list.iter().take(FINDINGS) {
                let evidence = format!("{path} has rights {}, owner {}", standing.shown(), standing.owner);
                draft.finding(severity, finding, &[("path", (*path).into())], evidence);
            }
            rows.extend(
                list.into_iter()
                    .map(|(path, standing)| -> Vec<Value> { vec![path.into(), standing.shown().into(), what.into()] }),
            );
        };
        let found = || inputs.found.iter().map(|(path, standing)| (path.as_str(), *standing));
        let known = |list: &'static [&str]| inputs.known.iter().copied().filter(|(path, _)| list.contains(path));
        let writable: Vec<_> = found().chain(known(&ROOTS)).filter(|(_, standing)| standing.anybody_writes()).collect();
        let readable: Vec<_> = found().filter(|(path, standing)| is_secret(path) && standing.anybody_reads()).collect();
        let foreign: Vec<_> = known(&ROOTS).filter(|(_, standing)| standing.owner != 0).collect();
        let loose: Vec<_> =
            known(&SHARED).filter(|(_, standing)| standing.anybody_writes() && !standing.sticky()).collect();
        draft.fact("looked", inputs.looked, "");
        draft.fact("wrong", (writable.len() + readable.len() + foreign.len() + loose.len()) as u64, "");
        say(&mut draft, Severity::Critical, "anybody-writes", writable, "anybody may write");
        say(&mut draft, Severity::Critical, "anybody-reads", readable, "anybody may read");
        say(&mut draft, Severity::Critical, "not-roots", foreign, "not root's");
        say(&mut draft, Severity::Warning, "anybody-deletes", loose, "anybody may delete");
        if draft.findings.is_empty() {
            let evidence = format!("{} entries of {TREE} and {} others", inputs.looked, inputs.known.len());
            draft.finding(Severity::Ok, "permissions-ok", &[], evidence);
        }
        if inputs.closed > 0 {
            let evidence = format!("{TREE}: {} folders can't be listed", inputs.closed);
            draft.finding(Severity::Unknown, "folders-closed", &[("count", inputs.closed.into())], evidence);
        }
        if inputs.cut {
            let evidence = format!("stopped after {ENTRIES} entries or {DEPTH} folders deep");
            draft.finding(Severity::Unknown, "looked-partly", &[], evidence);
        }
        draft.table("wrong", &["path", "rights", "why"], rows);
        draft
    }
}

fn gather_from(machine: &Machine, entries: usize) -> Inputs {
    let known = ROOTS.iter().chain(&SHARED).filter_map(|path| Some((*path, Standing::of(machine, path)?)));
    let mut inputs = Inputs { found: Vec::new(), known: known.collect(), looked: 0, closed: 0, cut: false };
    let mut left = entries;
    let mut folders = vec![(TREE.to_owned(), 1)];
    while let Some((folder, depth)) = folders.pop() {
        if std::fs::read_dir(machine.path(&folder)).is_err() {
            inputs.closed += 1;
            continue;
        }
        for name in machine.names(&folder) {
            if left == 0 {
                inputs.cut = true;
                return inputs;
            }
            left -= 1;
            let path = format!("{folder}/{name}");
            let Some(standing) = Standing::of_itself(machine, &path) else { continue };
            inputs.looked += 1;
            // Rights inside a folder that others can't enter mean nothing to them.
            if standing.folder && standing.anybody_enters() {
                if depth < DEPTH {
                    folders.push((path.clone(), depth + 1));
                } else {
                    inputs.cut = true;
                }
            }
            if standing.anybody_writes() && !(standing.folder && standing.sticky())
                || is_secret(&path) && standing.anybody_reads()
            {
                inputs.found.push((path, standing));
            }
        }
    }
    inputs
}

/// Whether nobody else may read it.
fn is_secret(path: &str) -> bool {
    let Some((folder, name)) = path.rsplit_once('/') else { return false };
    match folder {
        "/etc/ssh" => name.starts_with(HOST_KEY.0) && name.ends_with(HOST_KEY.1),
        "/etc/sudoers.d" => name != "README",
        _ => SECRET.contains(&path),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    fn write(root: &Path, path: &str, mode: u32) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn standing(mode: u32, owner: u32, folder: bool) -> Standing {
        Standing { mode, owner, folder, link: false }
    }

    fn pc(found: &[(&str, u32)], known: &[(&'static str, u32, u32)]) -> Inputs {
        Inputs {
            found: found.iter().map(|(path, mode)| ((*path).to_owned(), standing(*mode, 0, false))).collect(),
            known: known.iter().map(|(path, mode, owner)| (*path, standing(*mode, *owner, true))).collect(),
            looked: 9,
            closed: 0,
            cut: false,
        }
    }

    #[test]
    fn only_what_is_wrong_is_gathered() {
        let root = tempfile::tempdir().unwrap();
        for (path, mode) in [
            ("etc/passwd", 0o644),
            ("etc/shadow", 0o644),
            ("etc/gshadow", 0o640),
            ("etc/open.conf", 0o666),
            ("etc/a/b/open", 0o602),
            ("etc/ssh/ssh_host_rsa_key", 0o644),
            ("etc/ssh/ssh_host_rsa_key.pub", 0o644),
            ("etc/ssh/ssh_host_ed25519_key", 0o600),
            ("etc/sudoers.d/README", 0o644),
            ("etc/closed/open", 0o666),
            ("home/ana/open", 0o666),
        ] {
            write(root.path(), path, mode);
        }
        std::fs::set_permissions(root.path().join("etc/closed"), std::fs::Permissions::from_mode(0o750)).unwrap();
        std::os::unix::fs::symlink("/", root.path().join("etc/link")).unwrap();
        let inputs = gather_from(&Machine::at(root.path()), ENTRIES);
        let mut paths: Vec<&str> = inputs.found.iter().map(|(path, _)| path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["/etc/a/b/open", "/etc/open.conf", "/etc/shadow", "/etc/ssh/ssh_host_rsa_key"]);
        assert!(!inputs.cut && inputs.closed == 0);
    }

    #[test]
    fn a_tree_too_large_or_deep_is_said_to_be_cut() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &format!("etc/{}f", "d/".repeat(DEPTH - 1)), 0o644);
        assert!(!gather_from(&Machine::at(root.path()), ENTRIES).cut);
        write(root.path(), &format!("etc/{}f", "e/".repeat(DEPTH)), 0o644);
        assert!(gather_from(&Machine::at(root.path()), ENTRIES).cut);
        let root = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            write(root.path(), &format!("etc/{name}"), 0o644);
        }
        for (entries, cut) in [(2, true), (3, false), (4, false)] {
            assert_eq!(gather_from(&Machine::at(root.path()), entries).cut, cut, "{entries}");
        }
    }

    #[test]
    fn each_kind_of_wrong_is_told() {
        for (inputs, found) in [
            (pc(&[("/etc/x", 0o666)], &[]), "anybody-writes"),
            (pc(&[("/etc/shadow", 0o644)], &[]), "anybody-reads"),
            (pc(&[("/etc/shadow", 0o640)], &[]), "permissions-ok"),
            (pc(&[], &[("/etc/passwd", 0o644, 1000)]), "not-roots"),
            (pc(&[], &[("/etc", 0o777, 0)]), "anybody-writes"),
            (pc(&[], &[("/etc", 0o755, 0)]), "permissions-ok"),
            (pc(&[], &[("/tmp", 0o777, 0)]), "anybody-deletes"),
            (pc(&[], &[("/tmp", 0o1777, 0)]), "permissions-ok"),
        ] {
            assert_eq!(findings::<Permissions>(inputs), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Permissions>(vec![
            pc(&[("/etc/x", 0o666), ("/etc/shadow", 0o644)], &[("/tmp", 0o777, 0), ("/etc", 0o755, 5)]),
            Inputs { closed: 2, cut: true, ..pc(&[], &[("/etc", 0o755, 0)]) },
            Inputs { looked: 0, ..pc(&[], &[]) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(path in ".*|/etc/ssh/.*|/etc/sudoers.d/.*", mode in any::<u32>(), owner in any::<u32>(), folder in any::<bool>()) {
            let found = vec![(path, standing(mode, owner, folder))];
            told(Permissions::ID, &Permissions::judge(Inputs { found, ..pc(&[], &[("/tmp", mode, owner)]) }));
        }
    }
}
