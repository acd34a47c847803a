//! `security.path`: whether somebody could put a program in the place of another.
//!
//! Folders in which programs are looked for (`PATH`) that anybody may write, or that depend on where one stands; services and
//! timed tasks whose files, or the programs they start, anybody may change. From settings and rights; nothing is started.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::command::program;
use super::drop_in::{file, files, home};
use super::standing::Standing;
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Where the system itself looks (systemd's and `login.defs`' usual).
const SYSTEM: [&str; 6] = ["/bin", "/sbin", "/usr/bin", "/usr/local/bin", "/usr/local/sbin", "/usr/sbin"];
/// Settings of everybody that set `PATH`.
const SETTINGS: [&str; 4] = ["/etc/bash.bashrc", "/etc/environment", "/etc/login.defs", "/etc/profile"];
/// Settings of one's own that do.
const OWN: [&str; 6] = [".bash_profile", ".bashrc", ".profile", ".xprofile", ".zprofile", ".zshrc"];
const DROP_INS: [(&str, &str); 2] = [("/etc/profile.d", ".sh"), ("/etc/environment.d", ".conf")];
/// Folders of services and timed tasks, and what their files' names end like.
const STARTED: [(&str, &str); 4] = [
    ("/etc/cron.d", ""),
    ("/etc/systemd/system", ".service"),
    ("/usr/lib/systemd/system", ".service"),
    ("/usr/local/lib/systemd/system", ".service"),
];
/// Most services whose programs are looked at.
const SERVICES_MAX: usize = 1_000;
/// Most findings of each kind; the table has the rest.
const FINDINGS: usize = 5;

pub(crate) struct Path;

pub(crate) struct Inputs {
    /// Folders of [`SYSTEM`] and of everybody's and one's own `PATH`, with what they are; none if there is no such folder.
    folders: Vec<(Folder, Option<Standing>)>,
    /// Files of services and tasks, and programs they start, that exist.
    started: Vec<(String, Started, Standing)>,
}

/// One folder of a `PATH`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Folder {
    path: String,
    /// The file that names it.
    from: String,
}

/// What of a service is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Started {
    File,
    Program,
}

impl Check for Path {
    const ID: &'static str = "security.path";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this(), rustix::process::getuid().as_raw()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let present = inputs.folders.iter().filter(|(_, standing)| standing.is_some()).count() as u64;
        if present == 0 && inputs.started.is_empty() {
            draft.finding(Severity::Unknown, "path-unknown", &[], "none of the usual folders can be seen");
            return draft;
        }
        let mut rows: Vec<Vec<Value>> = Vec::new();
        let writable = |standing: &Option<Standing>| standing.is_some_and(Standing::anybody_writes);
        for (folder, _) in inputs.folders.iter().filter(|(_, standing)| writable(standing)) {
            if rows.len() < FINDINGS {
                let values = [("folder", folder.path.clone().into())];
                draft.finding(Severity::Critical, "folder-writable", &values, format!("{} names it", folder.from));
            }
            rows.push(vec![folder.path.clone().into(), "folder anybody may write".into(), folder.from.clone().into()]);
        }
        let relative = || inputs.folders.iter().filter(|(folder, _)| is_relative(&folder.path));
        if let Some((folder, _)) = relative().next() {
            let values = [("file", folder.from.clone().into())];
            draft.finding(Severity::Warning, "folder-relative", &values, format!("PATH has {:?}", folder.path));
        }
        rows.extend(relative().map(|(folder, _)| -> Vec<Value> {
            vec![folder.path.clone().into(), "depends on where one stands".into(), folder.from.clone().into()]
        }));
        let loose = inputs.started.iter().filter(|(.., standing)| standing.anybody_writes());
        for (told, (path, what, standing)) in loose.enumerate() {
            let (finding, word) = match what {
                Started::File => ("service-writable", "service anybody may write"),
                Started::Program => ("program-writable", "program anybody may write"),
            };
            if told < FINDINGS {
                let evidence = format!("{path} has rights {}", standing.shown());
                draft.finding(Severity::Critical, finding, &[("path", path.clone().into())], evidence);
            }
            rows.push(vec![path.clone().into(), word.into(), "".into()]);
        }
        draft.fact("folders", present, "");
        draft.fact("started", inputs.started.len() as u64, "");
        if draft.findings.is_empty() {
            let evidence = format!("{present} folders, {} files of services and their programs", inputs.started.len());
            draft.finding(Severity::Ok, "path-ok", &[], evidence);
        }
        draft.table("wrong", &["path", "why", "from"], rows);
        draft
    }
}

fn gather_from(machine: &Machine, user: u32) -> Inputs {
    let mut folders: Vec<Folder> =
        SYSTEM.iter().map(|path| Folder { path: (*path).to_owned(), from: "system".to_owned() }).collect();
    let mut settings: Vec<_> = SETTINGS.iter().map(|path| file(machine, path)).collect();
    settings.extend(DROP_INS.iter().flat_map(|(folder, ending)| files(machine, folder, ending)));
    let home = home(machine, user);
    for settings in settings.iter().filter_map(|file| Some((&file.path, file.text.as_deref().ok()?))) {
        folders.extend(named(settings.0, settings.1, home.as_deref()));
    }
    for name in OWN {
        let Some(text) = home.as_ref().and_then(|home| machine.text(&format!("{home}/{name}")).ok()) else { continue };
        folders.extend(named(&format!("~/{name}"), &text, home.as_deref()));
    }
    folders.sort();
    folders.dedup_by(|a, b| a.path == b.path);
    let standing = |folder: Folder| {
        let standing = (!is_relative(&folder.path)).then(|| Standing::of(machine, &folder.path)).flatten();
        (folder, standing)
    };
    Inputs { folders: folders.into_iter().map(standing).collect(), started: started(machine) }
}

fn started(machine: &Machine) -> Vec<(String, Started, Standing)> {
    let mut started = Vec::new();
    let inside = STARTED.iter().flat_map(|(folder, ending)| files(machine, folder, ending));
    for file in inside.take(SERVICES_MAX) {
        started.extend(Standing::of(machine, &file.path).map(|standing| (file.path.clone(), Started::File, standing)));
        let text = file.text.as_deref().unwrap_or_default();
        let commands = text.lines().filter_map(|line| Some(line.trim().strip_prefix("Exec")?.split_once('=')?.1));
        let programs: Vec<&str> = commands.filter_map(program).filter(|path| path.starts_with('/')).collect();
        for path in programs {
            let standing = Standing::of(machine, path).filter(|standing| !standing.folder);
            started.extend(standing.map(|standing| (path.to_owned(), Started::Program, standing)));
        }
    }
    started.sort_by(|a, b| a.0.cmp(&b.0));
    started.dedup_by(|a, b| a.0 == b.0);
    started
}

/// The folders of every `PATH=…` of a file of settings; `$HOME` and `~` are the home, `$PATH` is what was there before.
fn named(from: &str, text: &str, home: Option<&str>) -> Vec<Folder> {
    let value = |line: &str| -> Option<String> {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        // login.defs(5) has `ENV_PATH  PATH=…`.
        let line =
            line.strip_prefix("ENV_PATH").or_else(|| line.strip_prefix("ENV_SUPATH")).unwrap_or(line).trim_start();
        let value = line.strip_prefix("PATH=")?;
        let value = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value.get(1..)?.split(quote).next()?,
            Some(_) | None => value.split([' ', ';', '\t', '#']).next()?,
        };
        Some(value.to_owned())
    };
    let folder = |part: &str| -> Option<Folder> {
        let below =
            part.strip_prefix("${HOME}").or_else(|| part.strip_prefix("$HOME")).or_else(|| part.strip_prefix('~'));
        let path = match (below, home) {
            (Some(below), Some(home)) => format!("{home}{below}"),
            (Some(_), None) => return None,
            // What other settings or programs say isn't known here.
            (None, _) if part.contains(['$', '`', '(']) => return None,
            (None, _) => part.to_owned(),
        };
        Some(Folder { path, from: from.to_owned() })
    };
    let values: Vec<String> =
        text.lines().filter(|line| !line.trim_start().starts_with('#')).filter_map(value).collect();
    values.iter().filter(|value| !value.is_empty()).flat_map(|value| value.split(':')).filter_map(folder).collect()
}

/// An empty part of `PATH` is where one stands, too.
fn is_relative(path: &str) -> bool {
    !path.starts_with('/')
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn standing(mode: u32) -> Standing {
        Standing { mode, owner: 0, folder: true, link: false }
    }

    fn pc(path: &str, mode: Option<u32>, started: &[(&str, Started, u32)]) -> Inputs {
        let folder = Folder { path: path.to_owned(), from: "~/.profile".to_owned() };
        Inputs {
            folders: vec![(folder, mode.map(standing))],
            started: started.iter().map(|(path, what, mode)| ((*path).to_owned(), *what, standing(*mode))).collect(),
        }
    }

    fn paths(text: &str) -> Vec<String> {
        named("x", text, Some("/home/ana")).into_iter().map(|folder| folder.path).collect()
    }

    #[test]
    fn each_way_to_set_the_path_is_read() {
        for (text, expected) in [
            ("PATH=\"/usr/local/bin:/usr/bin\"", vec!["/usr/local/bin", "/usr/bin"]),
            ("export PATH=$HOME/bin:$PATH", vec!["/home/ana/bin"]),
            ("  PATH=~/x:${HOME}/y; export PATH", vec!["/home/ana/x", "/home/ana/y"]),
            ("ENV_PATH\tPATH=/usr/bin:/games", vec!["/usr/bin", "/games"]),
            ("PATH=.:/opt/x:$PATH", vec![".", "/opt/x"]),
            ("PATH=/opt/x::", vec!["/opt/x", "", ""]),
            ("PATH=$PATH", vec![]),
            ("# PATH=/tmp", vec![]),
            ("MANPATH=/tmp", vec![]),
            ("PATH=", vec![]),
        ] {
            assert_eq!(paths(text), expected, "{text}");
        }
        assert_eq!(named("x", "PATH=~/x", None), []);
    }

    #[test]
    fn each_kind_of_wrong_is_told() {
        for (inputs, found) in [
            (pc("/opt/x", Some(0o777), &[]), "folder-writable"),
            (pc("/opt/x", Some(0o1777), &[]), "folder-writable"),
            (pc("/opt/x", Some(0o775), &[]), "path-ok"),
            (pc("/a", Some(0o755), &[("/etc/systemd/system/x.service", Started::File, 0o666)]), "service-writable"),
            (pc("/a", Some(0o755), &[("/opt/x/run", Started::Program, 0o757)]), "program-writable"),
            (pc("/a", None, &[("/opt/x/run", Started::Program, 0o755)]), "path-ok"),
        ] {
            assert_eq!(findings::<Path>(inputs), [found]);
        }
    }

    #[test]
    fn services_and_what_they_start_are_found_in_files() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["etc/systemd/system", "opt/x"] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let service = root.path().join("etc/systemd/system/x.service");
        std::fs::write(&service, "[Service]\nExecStartPre=-/bin/none\nExecStart=!/opt/x/run --now\n").unwrap();
        std::fs::write(root.path().join("opt/x/run"), "").unwrap();
        std::fs::set_permissions(root.path().join("opt/x/run"), std::fs::Permissions::from_mode(0o777)).unwrap();
        let found = started(&Machine::at(root.path()));
        let found: Vec<(&str, Started)> = found.iter().map(|(path, what, _)| (path.as_str(), *what)).collect();
        assert_eq!(found, [("/etc/systemd/system/x.service", Started::File), ("/opt/x/run", Started::Program)]);
        assert_eq!(findings::<Path>(gather_from(&Machine::at(root.path()), 0)), ["program-writable"]);
    }

    #[test]
    fn everything_declared_is_said() {
        assert_eq!(findings::<Path>(gather_from(&recorded("desktop-invaded"), 1000)), ["folder-relative"]);
        all_is_said::<Path>(vec![
            pc("/opt/x", Some(0o777), &[("/s", Started::File, 0o666), ("/p", Started::Program, 0o666)]),
            pc(".", None, &[("/s", Started::File, 0o644)]),
            pc("/opt/x", Some(0o755), &[]),
            pc("/opt/x", None, &[]),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(export )?(PATH=(.*:)*.*\n|.*)", mode in any::<Option<u32>>(), path in ".*") {
            let _folders = paths(&text);
            told(Path::ID, &Path::judge(pc(&path, mode, &[("/s", Started::File, mode.unwrap_or(0))])));
        }
    }
}
