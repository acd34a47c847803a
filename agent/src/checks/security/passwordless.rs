//! `security.passwordless`: where this computer lets somebody in, or up, without a password.
//!
//! Empty passwords, automatic log-in, log-in by group, administrator's rights without asking, and screens that don't lock.
//! Passwords themselves are never looked at: of a line of shadow(5) only whether its second field is empty leaves `gather`.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::drop_in::{File, file, files, home};
use crate::checks::machine::{Machine, Unread};
use crate::checks::{Check, Failure};

const SHADOW: &str = "/etc/shadow";
const SUDOERS: &str = "/etc/sudoers";
const SUDOERS_MORE: &str = "/etc/sudoers.d";
const DOAS: &str = "/etc/doas.conf";
/// Settings of log-in screens: single files, then folders of `.conf` files.
const LOGIN: [&str; 8] = [
    "/etc/gdm/custom.conf",
    "/etc/gdm3/custom.conf",
    "/etc/gdm3/daemon.conf",
    "/etc/greetd/config.toml",
    "/etc/lightdm/lightdm.conf",
    "/etc/lxdm/lxdm.conf",
    "/etc/plasmalogin.conf",
    "/etc/sddm.conf",
];
const LOGIN_MORE: [&str; 5] = [
    "/etc/lightdm/lightdm.conf.d",
    "/etc/sddm.conf.d",
    "/etc/systemd/system/getty@tty1.service.d",
    "/usr/lib/sddm/sddm.conf.d",
    "/usr/share/lightdm/lightdm.conf.d",
];
/// Groups whose members the log-in screens of GDM and LightDM let in without asking (Debian, Arch).
const GROUPS: [&str; 2] = ["autologin", "nopasswdlogin"];
/// Most findings of each kind; the table has the rest.
const FINDINGS: usize = 5;

pub(crate) struct Passwordless;

pub(crate) struct Inputs {
    accounts: File,
    /// Accounts without a password in shadow(5), or why it can't be read.
    empty: Result<Vec<String>, Unread>,
    groups: File,
    login: Vec<File>,
    /// Rules of sudo and doas.
    rules: Vec<File>,
    /// The person's own settings of the lock screen (KDE).
    lock: Option<File>,
}

/// One way in.
struct Way {
    account: String,
    what: What,
    path: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Empty,
    Automatic,
    Group,
    Rights,
    Unlocked,
}

impl Check for Passwordless {
    const ID: &'static str = "security.passwordless";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this(), rustix::process::getuid().as_raw()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let ways = inputs.ways();
        draft.fact("ways", ways.len() as u64, "");
        for what in [What::Empty, What::Automatic, What::Group, What::Rights, What::Unlocked] {
            for way in ways.iter().filter(|way| way.what == what).take(FINDINGS) {
                let (severity, finding) = what.finding();
                let account = ("account", Value::from(way.account.clone()));
                let values = if what == What::Unlocked { Vec::new() } else { vec![account] };
                draft.finding(severity, finding, &values, way.path.clone());
            }
        }
        if ways.is_empty() {
            let looked = inputs.login.iter().filter(|file| file.text.is_ok()).count();
            let evidence = format!("/etc/passwd, {looked} settings of log-in screens: no way without a password");
            draft.finding(Severity::Ok, "passwords-needed", &[], evidence);
        }
        if let Err(why) = inputs.empty {
            draft.finding(Severity::Unknown, "passwords-hidden", &[], format!("{SHADOW} {why}"));
        }
        if let Some(hidden) = inputs.rules.iter().find(|file| file.text == Err(Unread::Denied)) {
            draft.finding(Severity::Unknown, "rights-hidden", &[], format!("{} permission denied", hidden.path));
        }
        let rows =
            ways.into_iter().map(|way| vec![way.account.into(), way.what.word().into(), way.path.into()]).collect();
        draft.table("ways", &["account", "what", "where"], rows);
        draft
    }
}

fn gather_from(machine: &Machine, user: u32) -> Inputs {
    let mut login: Vec<File> = LOGIN.iter().map(|path| file(machine, path)).collect();
    login.extend(LOGIN_MORE.iter().flat_map(|folder| files(machine, folder, ".conf")));
    let mut rules = vec![file(machine, SUDOERS), file(machine, DOAS)];
    rules.extend(files(machine, SUDOERS_MORE, ""));
    Inputs {
        accounts: file(machine, "/etc/passwd"),
        empty: machine.text(SHADOW).map(|text| empty(&text)),
        groups: file(machine, "/etc/group"),
        login,
        rules,
        lock: home(machine, user).map(|home| file(machine, &format!("{home}/.config/kscreenlockerrc"))),
    }
}

impl Inputs {
    fn ways(&self) -> Vec<Way> {
        let way = |account: &str, what, path: &str| Way { account: account.to_owned(), what, path: path.to_owned() };
        let mut ways = Vec::new();
        let unasked = empty(self.accounts.text.as_deref().unwrap_or_default());
        ways.extend(unasked.iter().map(|account| way(account, What::Empty, "/etc/passwd")));
        ways.extend(self.empty.iter().flatten().map(|account| way(account, What::Empty, SHADOW)));
        for file in &self.login {
            let account = file.text.as_deref().ok().and_then(automatic);
            ways.extend(account.map(|account| way(&account, What::Automatic, &file.path)));
        }
        for line in self.groups.text.as_deref().unwrap_or_default().lines() {
            let fields: Vec<&str> = line.split(':').collect();
            let group = fields.first().filter(|group| GROUPS.contains(group));
            let members = group.and(fields.get(3)).into_iter().flat_map(|members| members.split(','));
            let members = members.map(str::trim).filter(|name| !name.is_empty());
            ways.extend(members.map(|name| way(name, What::Group, "/etc/group")));
        }
        for file in &self.rules {
            let lines = file.text.as_deref().unwrap_or_default().lines();
            // A file of sudoers.d is often named after the account it is for.
            let path = if file.path.starts_with(SUDOERS_MORE) { SUDOERS_MORE } else { file.path.as_str() };
            ways.extend(lines.filter_map(unasked_rights).map(|account| way(&account, What::Rights, path)));
        }
        let lock = self.lock.as_ref().and_then(|file| file.text.as_deref().ok());
        if lock.is_some_and(unlocked) {
            ways.push(way("", What::Unlocked, "~/.config/kscreenlockerrc"));
        }
        ways
    }
}

impl What {
    fn word(self) -> &'static str {
        match self {
            Self::Empty => "empty password",
            Self::Automatic => "automatic log-in",
            Self::Group => "log-in by group",
            Self::Rights => "administrator's rights",
            Self::Unlocked => "screen does not lock",
        }
    }

    fn finding(self) -> (Severity, &'static str) {
        match self {
            Self::Empty => (Severity::Critical, "empty-password"),
            Self::Automatic => (Severity::Warning, "automatic-log-in"),
            Self::Group => (Severity::Warning, "log-in-by-group"),
            Self::Rights => (Severity::Warning, "rights-without-password"),
            Self::Unlocked => (Severity::Warning, "screen-unlocked"),
        }
    }
}

/// Accounts whose second field is empty: passwd(5), shadow(5). Nothing else of the line is kept.
fn empty(text: &str) -> Vec<String> {
    let account = |line: &str| {
        let mut fields = line.split(':');
        let (name, password) = (fields.next()?, fields.next()?);
        let accounts = !name.is_empty() && !name.starts_with(['+', '-', '#']) && password.is_empty();
        (accounts && fields.next().is_some()).then(|| name.to_owned())
    };
    text.lines().filter_map(account).collect()
}

/// Whom a log-in screen lets in by itself: GDM's `AutomaticLogin` or `TimedLogin` with its `…Enable`, LightDM's
/// `autologin-user`, LXDM's `autologin`, SDDM's `User` of `[Autologin]`, greetd's `initial_session`, agetty's `--autologin`.
fn automatic(text: &str) -> Option<String> {
    let mut section = String::new();
    let mut found = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.to_ascii_lowercase();
        } else if line.starts_with("ExecStart=") && line.contains("agetty") {
            found.extend(agetty(line).map(|account| ("agetty", account.to_owned())));
        } else if let Some((key, value)) = line.split_once('=') {
            let value = value.trim().trim_matches('"').to_owned();
            let key = match (section.as_str(), key.trim()) {
                ("daemon", "AutomaticLoginEnable" | "TimedLoginEnable") => "enable",
                ("daemon", "AutomaticLogin" | "TimedLogin") => "gdm",
                (_, "autologin-user") | ("base", "autologin") | ("autologin", "User") | ("initial_session", "user") => {
                    "other"
                }
                _ => continue,
            };
            found.push((key, value));
        }
    }
    let gdm = found
        .iter()
        .any(|(key, value)| *key == "enable" && matches!(value.to_ascii_lowercase().as_str(), "true" | "1"));
    let counts = |(key, value): &(&str, String)| *key != "enable" && (*key != "gdm" || gdm) && !value.is_empty();
    found.into_iter().find(counts).map(|(_, account)| account)
}

/// `agetty --autologin NAME`, `-a NAME` (agetty(8)).
fn agetty(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    while let Some(word) = words.next() {
        if let Some(name) = word.strip_prefix("--autologin=") {
            return Some(name);
        }
        if matches!(word, "--autologin" | "-a") {
            return words.next();
        }
    }
    None
}

/// Whom a rule gives rights without asking: `NOPASSWD:` of sudoers(5), `permit nopass` of doas.conf(5).
fn unasked_rights(line: &str) -> Option<String> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let mut words = line.split_whitespace();
    let first = words.next()?;
    if first == "permit" {
        let words: Vec<&str> = words.take_while(|word| !matches!(*word, "as" | "cmd")).collect();
        return words.contains(&"nopass").then(|| words.last().map(|word| (*word).to_owned())).flatten();
    }
    if first.starts_with("Defaults") {
        return line.contains("!authenticate").then(|| "ALL".to_owned());
    }
    line.contains("NOPASSWD:").then(|| first.to_owned())
}

/// `Autolock=false` and `LockOnResume=false` of `[Daemon]` (KDE's kscreenlocker).
fn unlocked(text: &str) -> bool {
    let says = |key: &str| {
        text.lines().any(|line| line.split_once('=').is_some_and(|(k, v)| k.trim() == key && v.trim() == "false"))
    };
    says("Autolock") && says("LockOnResume")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn text(path: &str, text: &str) -> File {
        File { path: path.into(), text: Ok(text.into()) }
    }

    fn pc() -> Inputs {
        Inputs {
            accounts: text("/etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
            empty: Ok(Vec::new()),
            groups: text("/etc/group", "root:x:0:\n"),
            login: Vec::new(),
            rules: Vec::new(),
            lock: None,
        }
    }

    #[test]
    fn each_log_in_screens_words_are_understood() {
        for (settings, account) in [
            ("[daemon]\nAutomaticLoginEnable=true\nAutomaticLogin=ana\n", Some("ana")),
            ("[daemon]\nTimedLoginEnable = true\nTimedLogin = ana\n", Some("ana")),
            ("[daemon]\nAutomaticLoginEnable=false\nAutomaticLogin=ana\n", None),
            ("[daemon]\n#AutomaticLoginEnable=true\nAutomaticLogin=ana\n", None),
            ("[Seat:*]\nautologin-user=ana\nautologin-user-timeout=0\n", Some("ana")),
            ("[Seat:*]\n#autologin-user=\n", None),
            ("[Autologin]\nRelogin=false\nSession=plasma\nUser=ana\n", Some("ana")),
            ("[Autologin]\nUser=\n", None),
            ("[Users]\nUser=ana\n", None),
            ("[base]\nautologin=ana\n", Some("ana")),
            ("[initial_session]\ncommand = \"sway\"\nuser = \"ana\"\n", Some("ana")),
            (
                "[Service]\nExecStart=\nExecStart=-/sbin/agetty -o '-p -f -- \\\\u' --noclear --autologin ana %I $TERM\n",
                Some("ana"),
            ),
            ("[Service]\nExecStart=-/sbin/agetty --noclear %I\n", None),
        ] {
            assert_eq!(automatic(settings).as_deref(), account, "{settings}");
        }
    }

    #[test]
    fn rules_that_do_not_ask_are_found() {
        for (line, account) in [
            ("ana ALL=(ALL:ALL) NOPASSWD: ALL", Some("ana")),
            ("%wheel\tALL=(ALL)\tNOPASSWD: ALL # why", Some("%wheel")),
            ("# %wheel ALL=(ALL) NOPASSWD: ALL", None),
            ("%sudo ALL=(ALL:ALL) ALL", None),
            ("Defaults !authenticate", Some("ALL")),
            ("Defaults env_reset", None),
            ("permit nopass keepenv ana as root", Some("ana")),
            ("permit persist :wheel", None),
            ("", None),
        ] {
            assert_eq!(unasked_rights(line).as_deref(), account, "{line}");
        }
    }

    #[test]
    fn only_empty_passwords_leave_the_list_of_passwords() {
        assert_eq!(empty("root:!:19000::::::\nana:$y$j9T$x:1::::::\nluis::1::::::\n+::::\n:x\nhalf:\n"), ["luis"]);
    }

    #[test]
    fn a_desktop_that_asks_nobody() {
        let inputs = gather_from(&recorded("desktop-invaded"), 1000);
        assert_eq!(
            findings::<Passwordless>(inputs),
            ["empty-password", "automatic-log-in", "log-in-by-group", "rights-without-password"]
        );
        assert_eq!(
            findings::<Passwordless>(gather_from(&recorded("laptop-guarded"), 1000)),
            ["passwords-hidden", "passwords-needed"]
        );
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Passwordless>(vec![
            gather_from(&recorded("desktop-invaded"), 1000),
            pc(),
            Inputs { lock: Some(text("", "[Daemon]\nAutolock=false\nLockOnResume=false\n")), ..pc() },
            Inputs {
                empty: Err(Unread::Denied),
                rules: vec![File { path: SUDOERS.into(), text: Err(Unread::Denied) }],
                ..pc()
            },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(
            accounts in "(.*:.*:.*\n)*", login in "(\\[(daemon|Autologin)\\]\n|(User|AutomaticLogin|ExecStart)=.*\n|.*\n)*",
            rules in "(.* NOPASSWD: .*\n|permit nopass .*\n|.*\n)*", lock in ".*=false\n.*",
        ) {
            let inputs = Inputs {
                accounts: text("p", &accounts), groups: text("g", &accounts), empty: Ok(empty(&accounts)),
                login: vec![text("l", &login)], rules: vec![text("r", &rules)], lock: Some(text("k", &lock)),
            };
            told(Passwordless::ID, &Passwordless::judge(inputs));
        }
    }
}
