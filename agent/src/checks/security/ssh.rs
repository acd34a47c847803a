//! `security.ssh`: how this computer lets people log in over the network with SSH.
//!
//! From the server's own settings (sshd_config(5)); where a file is for the administrator only, the item says so instead of
//! assuming the defaults. Keys and accounts' own settings are never looked at.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::drop_in::{File, file, files};
use super::program::Programs;
use crate::checks::machine::{Machine, Unread};
use crate::checks::{Check, Failure};

/// Where the settings are: most systems; those that keep defaults below `/usr` (openSUSE).
const MAIN: [&str; 2] = ["/etc/ssh/sshd_config", "/usr/etc/ssh/sshd_config"];
/// Folders that the main file includes.
const INCLUDED: [&str; 2] = ["/etc/ssh/sshd_config.d", "/usr/etc/ssh/sshd_config.d"];
/// Where the server is.
const SERVER: [&str; 2] = ["/usr/sbin/sshd", "/usr/bin/sshd"];

/// Settings that are told, and the server's defaults (sshd_config(5), OpenSSH 10).
const KEYS: [(&str, &str); 8] = [
    ("Port", "22"),
    ("PermitRootLogin", "prohibit-password"),
    ("PasswordAuthentication", "yes"),
    ("KbdInteractiveAuthentication", "yes"),
    ("PermitEmptyPasswords", "no"),
    ("PubkeyAuthentication", "yes"),
    ("MaxAuthTries", "6"),
    ("X11Forwarding", "no"),
];

pub(crate) struct Ssh;

pub(crate) struct Inputs {
    installed: bool,
    runs: bool,
    /// The main file, then the included ones.
    files: Vec<File>,
}

/// A setting as it is in force.
struct Setting {
    value: String,
    /// The file that sets it; none for a default.
    from: Option<String>,
}

impl Check for Ssh {
    const ID: &'static str = "security.ssh";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        draft.fact("installed", inputs.installed, "");
        draft.fact("running", inputs.runs, "");
        if !inputs.installed && !inputs.runs {
            draft.finding(Severity::Ok, "no-ssh-server", &[], format!("{} don't exist", SERVER.join(", ")));
            return draft;
        }
        if let Some(hidden) = inputs.files.iter().find(|file| matches!(file.text, Err(Unread::Denied | Unread::Broken)))
        {
            let why = hidden.text.as_ref().err().map(ToString::to_string).unwrap_or_default();
            draft.finding(Severity::Unknown, "ssh-hidden", &[], format!("{} {why}", hidden.path));
            return draft;
        }
        let lines = lines(&inputs.files);
        let value = |key: &str| setting(&lines, key).value.to_ascii_lowercase();
        let evidence = |key: &str| {
            let setting = setting(&lines, key);
            format!("{key} {} ({})", setting.value, setting.from.as_deref().unwrap_or("default"))
        };
        // Without keyboard-interactive log-in too, a password has no way in; PAM asks for it there.
        let password = value("PasswordAuthentication") == "yes" || value("KbdInteractiveAuthentication") == "yes";
        let reached = if inputs.runs { Severity::Warning } else { Severity::Ok };
        if value("PermitEmptyPasswords") == "yes" && password {
            draft.finding(Severity::Critical, "empty-passwords", &[], evidence("PermitEmptyPasswords"));
        }
        if value("PermitRootLogin") == "yes" && password {
            draft.finding(Severity::Warning, "root-with-password", &[], evidence("PermitRootLogin"));
        }
        if password && reached == Severity::Warning {
            let key = if value("PasswordAuthentication") == "yes" {
                "PasswordAuthentication"
            } else {
                "KbdInteractiveAuthentication"
            };
            draft.finding(Severity::Warning, "passwords-accepted", &[], evidence(key));
        }
        if draft.findings.is_empty() {
            let (finding, seen) = if inputs.runs {
                ("ssh-ok", evidence("PasswordAuthentication"))
            } else {
                ("ssh-off", "no process sshd".to_owned())
            };
            draft.finding(Severity::Ok, finding, &[], seen);
        }
        if lines.iter().any(|line| line.matched) {
            draft.finding(Severity::Unknown, "for-some-only", &[], "sshd_config: has Match blocks");
        }
        let row = |(key, _): &(&str, &str)| -> Vec<Value> {
            let setting = setting(&lines, key);
            vec![(*key).into(), setting.value.into(), setting.from.is_none().into()]
        };
        draft.table("settings", &["setting", "value", "default"], KEYS.iter().map(row).collect());
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let main = MAIN.into_iter().map(|path| file(machine, path)).find(|file| file.text != Err(Unread::Absent));
    let included = INCLUDED.iter().flat_map(|folder| files(machine, folder, ".conf"));
    let programs = Programs::of(machine);
    Inputs {
        installed: SERVER.iter().any(|path| machine.has(path)),
        runs: programs.runs("sshd"),
        files: main.into_iter().chain(included).collect(),
    }
}

/// One setting of a file.
struct Line<'a> {
    key: &'a str,
    value: &'a str,
    from: &'a str,
    /// Whether it only counts for some accounts or addresses.
    matched: bool,
}

/// All settings in the order the server reads them: included files stand in the place of the `Include`.
fn lines(files: &[File]) -> Vec<Line<'_>> {
    let Some((main, included)) = files.split_first() else { return Vec::new() };
    let included: Vec<Line<'_>> = included.iter().flat_map(of_file).collect();
    let mut lines = Vec::new();
    let mut included = Some(included);
    for line in of_file(main) {
        if line.key.eq_ignore_ascii_case("include") {
            lines.extend(included.take().unwrap_or_default());
        } else {
            lines.push(line);
        }
    }
    lines
}

fn of_file(file: &File) -> Vec<Line<'_>> {
    let mut matched = false;
    let text = file.text.as_deref().unwrap_or_default();
    let pairs = text.lines().map(str::trim).filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (key, value) = line.split_once([' ', '\t', '='])?;
        Some((key, value.trim_start_matches([' ', '\t', '=']).split(['#', ' ']).next().unwrap_or("").trim_matches('"')))
    });
    pairs
        .map(|(key, value)| {
            if key.eq_ignore_ascii_case("match") {
                matched = !value.eq_ignore_ascii_case("all");
            }
            Line { key, value, from: &file.path, matched }
        })
        .collect()
}

/// The first value counts; an old name of a key counts as the key.
fn setting(lines: &[Line<'_>], key: &str) -> Setting {
    let is = |line: &&Line<'_>| {
        let old =
            key == "KbdInteractiveAuthentication" && line.key.eq_ignore_ascii_case("ChallengeResponseAuthentication");
        !line.matched && (line.key.eq_ignore_ascii_case(key) || old)
    };
    match lines.iter().find(is) {
        Some(line) => Setting { value: line.value.to_owned(), from: Some(line.from.to_owned()) },
        None => {
            let default = KEYS.iter().find(|(name, _)| *name == key).map_or("", |(_, default)| default);
            Setting { value: default.to_owned(), from: None }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Reading;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn set(main: Reading, included: &str, runs: bool) -> Inputs {
        let files = vec![
            File { path: MAIN[0].into(), text: main },
            File { path: "/etc/ssh/sshd_config.d/50-cloud-init.conf".into(), text: Ok(included.into()) },
        ];
        Inputs { installed: true, runs, files }
    }

    #[test]
    fn the_first_value_in_the_servers_order_counts() {
        let keys = "PasswordAuthentication no\nKbdInteractiveAuthentication no\n";
        for (main, included, found) in [
            (keys.to_owned(), "", "ssh-ok"),
            (String::new(), keys, "passwords-accepted"),
            (
                format!("Include /etc/ssh/sshd_config.d/*.conf\n{keys}"),
                "PasswordAuthentication yes",
                "passwords-accepted",
            ),
            (format!("{keys}Include /etc/ssh/sshd_config.d/*.conf\n"), "PasswordAuthentication yes", "ssh-ok"),
            ("passwordauthentication=\"no\"\nChallengeResponseAuthentication no # why\n".to_owned(), "", "ssh-ok"),
            ("#PasswordAuthentication no\n".to_owned(), "", "passwords-accepted"),
            ("PasswordAuthentication no\n".to_owned(), "", "passwords-accepted"),
        ] {
            assert_eq!(findings::<Ssh>(set(Ok(main.clone()), included, true)), [found], "{main} {included}");
        }
        let some = set(Ok(format!("{keys}Match User backup\n PasswordAuthentication yes\n")), "", true);
        assert_eq!(findings::<Ssh>(some), ["for-some-only", "ssh-ok"]);
    }

    #[test]
    fn a_desktop_that_lets_root_in() {
        let inputs = gather_from(&recorded("desktop-invaded"));
        assert_eq!(findings::<Ssh>(inputs), ["empty-passwords", "root-with-password", "passwords-accepted"]);
    }

    #[test]
    fn everything_declared_is_said() {
        let keys = "PasswordAuthentication no\nKbdInteractiveAuthentication no\nMatch Address 10.0.0.0/8\n";
        all_is_said::<Ssh>(vec![
            gather_from(&recorded("desktop-invaded")),
            gather_from(&recorded("container")),
            set(Ok(keys.into()), "", true),
            set(Ok(String::new()), "", false),
            set(Err(Unread::Denied), "", true),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(main in "((Include|Match|PermitRootLogin|[A-Za-z]*)[ =\t].*\n)*|.*", included in "(.*\n)*", runs in any::<bool>()) {
            told(Ssh::ID, &Ssh::judge(set(Ok(main), &included, runs)));
        }
    }
}
