//! `security.ssh-keys`: keys that open this computer's accounts without a password.
//!
//! Of each line of `authorized_keys` (sshd(8)) its kind, its strength and whether it is restricted: neither the key nor the
//! comment, which usually names a person and a computer. Private keys are never looked at. A key somebody added is the
//! commonest way to keep a way in.

use std::time::SystemTime;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::standing::Standing;
use crate::checks::machine::{Machine, Reading, Unread};
use crate::checks::{Check, Failure};

/// Files below a home (`AuthorizedKeysFile` of sshd_config(5)).
const FILES: [&str; 2] = [".ssh/authorized_keys", ".ssh/authorized_keys2"];
/// Days within which a change is lately.
const LATELY_DAYS: u64 = 14;
const DAY: u64 = 24 * 60 * 60;
/// Bits below which an RSA key is weak (NIST SP 800-131A; `RequiredRSASize` of OpenSSH).
const RSA_BITS: u64 = 2_048;
/// Bytes of an RSA key that aren't its number: its kind, its exponent, three lengths and a zero (RFC 4253, 6.6).
const RSA_OVERHEAD: u64 = 23;
/// Kinds of keys (sshd(8), `ssh -Q key`), each with the word that is told.
const KINDS: [(&str, &str); 8] = [
    ("ecdsa-sha2-nistp256", "ECDSA"),
    ("ecdsa-sha2-nistp384", "ECDSA"),
    ("ecdsa-sha2-nistp521", "ECDSA"),
    ("sk-ecdsa-sha2-nistp256@openssh.com", "security key"),
    ("sk-ssh-ed25519@openssh.com", "security key"),
    ("ssh-dss", "DSA"),
    ("ssh-ed25519", "Ed25519"),
    ("ssh-rsa", "RSA"),
];

pub(crate) struct SshKeys;

pub(crate) struct Inputs {
    lists: Vec<List>,
    /// Whether the agent may see the lists of all accounts.
    all: bool,
    /// Why the accounts can't be told.
    accounts: Result<(), Unread>,
}

/// The list of one account.
struct List {
    account: String,
    text: Reading,
    standing: Option<Standing>,
    /// Seconds since it was changed.
    age: Option<u64>,
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    kind: &'static str,
    weak: bool,
    restricted: bool,
}

impl Check for SshKeys {
    const ID: &'static str = "security.ssh-keys";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this(), rustix::process::getuid().as_raw(), SystemTime::now()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if let Err(error) = inputs.accounts {
            draft.finding(Severity::Unknown, "keys-unknown", &[], format!("/etc/passwd {error}"));
            return draft;
        }
        let mut rows: Vec<Vec<Value>> = Vec::new();
        for list in &inputs.lists {
            let account = || ("account", Value::from(list.account.clone()));
            let keys: Vec<Key> = list.text.as_deref().unwrap_or_default().lines().filter_map(Key::parse).collect();
            if list.standing.is_some_and(Standing::anybody_writes) {
                let evidence =
                    format!("{} has rights {}", FILES[0], list.standing.map(Standing::shown).unwrap_or_default());
                draft.finding(Severity::Critical, "list-writable", &[account()], evidence);
            }
            let weak = keys.iter().filter(|key| key.weak).count() as u64;
            if weak > 0 {
                let evidence = format!("{}: DSA, or RSA below {RSA_BITS} bits", FILES[0]);
                draft.finding(Severity::Warning, "keys-weak", &[account(), ("count", weak.into())], evidence);
            }
            let days = list.age.map(|age| age / DAY).filter(|days| *days < LATELY_DAYS && !keys.is_empty());
            if let Some(days) = days {
                let evidence = format!("{} changed {days} days ago", FILES[0]);
                draft.finding(Severity::Warning, "changed-lately", &[account(), ("days", days.into())], evidence);
            }
            rows.extend(keys.into_iter().map(|key| -> Vec<Value> {
                vec![list.account.clone().into(), key.kind.into(), key.weak.into(), key.restricted.into()]
            }));
        }
        let count = rows.len() as u64;
        draft.fact("keys", count, "");
        if draft.findings.is_empty() {
            let (finding, values) =
                if count == 0 { ("no-keys", vec![]) } else { ("keys-listed", vec![("count", count.into())]) };
            draft.finding(Severity::Ok, finding, &values, format!("{} accounts with a list", inputs.lists.len()));
        }
        let denied = inputs.lists.iter().any(|list| list.text == Err(Unread::Denied));
        if !inputs.all || denied {
            draft.finding(Severity::Unknown, "others-hidden", &[], "lists of other accounts are theirs to read");
        }
        draft.table("keys", &["account", "kind", "weak", "restricted"], rows);
        draft
    }
}

/// As root the lists of all accounts, else one's own: homes of others aren't even tried.
fn gather_from(machine: &Machine, user: u32, now: SystemTime) -> Inputs {
    let accounts = machine.text("/etc/passwd");
    let of = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        let (account, number, home) = (*fields.first()?, fields.get(2)?.parse::<u32>().ok()?, *fields.get(5)?);
        (home.starts_with('/') && home.len() > 1 && (user == 0 || number == user))
            .then(|| (account.to_owned(), home.to_owned()))
    };
    let homes = accounts.as_deref().unwrap_or_default().lines().filter_map(of);
    let list = |(account, home): (String, String), file: &str| {
        let path = format!("{home}/{file}");
        let text = machine.text(&path);
        let changed = std::fs::metadata(machine.path(&path)).ok().and_then(|metadata| metadata.modified().ok());
        let age = changed.and_then(|changed| now.duration_since(changed).ok()).map(|age| age.as_secs());
        (text != Err(Unread::Absent)).then(|| List { account, text, standing: Standing::of(machine, &path), age })
    };
    let mut lists = Vec::new();
    for home in homes {
        lists.extend(FILES.iter().filter_map(|file| list(home.clone(), file)));
    }
    Inputs { lists, all: user == 0, accounts: accounts.map(|_| ()) }
}

impl Key {
    /// `[options] kind base64 [comment]`; options may hold quoted spaces.
    fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        if line.starts_with('#') {
            return None;
        }
        let (at, (name, kind)) =
            KINDS.iter().filter_map(|kind| Some((word_at(line, kind.0)?, kind))).min_by_key(|(at, _)| *at)?;
        let options = line.get(..at)?;
        let data = line.get(at + name.len()..)?.split_whitespace().next()?.trim_end_matches('=').len() as u64;
        let bits = (data * 3 / 4).saturating_sub(RSA_OVERHEAD) * 8;
        let weak = *kind == "DSA" || (*kind == "RSA" && bits < RSA_BITS);
        let restricted = ["command=", "from=", "restrict"].iter().any(|option| options.contains(option));
        Some(Self { kind, weak, restricted })
    }
}

/// Where that word stands alone.
fn word_at(line: &str, word: &str) -> Option<usize> {
    line.match_indices(word).map(|(at, _)| at).find(|at| {
        let before = line.get(..*at).is_some_and(|before| before.is_empty() || before.ends_with([' ', '\t']));
        before && line.get(at + word.len()..).is_some_and(|after| after.starts_with([' ', '\t']))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    /// A line with an RSA key of that many bits.
    fn rsa(bits: usize) -> String {
        format!("ssh-rsa {} ana@laptop", "A".repeat(((bits / 8 + 23) * 4).div_ceil(3)))
    }

    fn list(text: &str, mode: u32, days: u64) -> Inputs {
        let standing = Standing { mode, owner: 1000, folder: false, file: true, link: false };
        let list =
            List { account: "ana".into(), text: Ok(text.into()), standing: Some(standing), age: Some(days * DAY) };
        Inputs { lists: vec![list], all: true, accounts: Ok(()) }
    }

    #[test]
    fn each_form_of_a_line_is_read_and_nothing_private_kept() {
        let key = |kind, weak, restricted| Some(Key { kind, weak, restricted });
        for (line, expected) in [
            ("ssh-ed25519 AAAAC3 ana@laptop".to_owned(), key("Ed25519", false, false)),
            ("command=\"/usr/bin/rsync x\",restrict ssh-ed25519 AAAAC3 backup".to_owned(), key("Ed25519", false, true)),
            ("from=\"192.0.2.4\" ecdsa-sha2-nistp256 AAAAE2 x".to_owned(), key("ECDSA", false, true)),
            ("sk-ssh-ed25519@openssh.com AAAAG x".to_owned(), key("security key", false, false)),
            ("ssh-dss AAAAB3 x".to_owned(), key("DSA", true, false)),
            (rsa(1_024), key("RSA", true, false)),
            (rsa(2_040), key("RSA", true, false)),
            (rsa(2_048), key("RSA", false, false)),
            (rsa(2_056), key("RSA", false, false)),
            (rsa(4_096), key("RSA", false, false)),
            ("# ssh-ed25519 AAAAC3".to_owned(), None),
            ("ssh-ed25519".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(Key::parse(&line), expected, "{line}");
        }
        let draft = SshKeys::judge(list("ssh-ed25519 AAAAC3NzaC1 maria@secreto\n", 0o600, 99));
        assert!(!format!("{draft:?}").contains("maria") && !format!("{draft:?}").contains("AAAAC3"));
    }

    #[test]
    fn a_change_below_at_and_above() {
        for (days, found) in
            [(LATELY_DAYS - 1, "changed-lately"), (LATELY_DAYS, "keys-listed"), (LATELY_DAYS + 1, "keys-listed")]
        {
            assert_eq!(findings::<SshKeys>(list("ssh-ed25519 AAAA x\n", 0o600, days)), [found]);
        }
    }

    #[test]
    fn only_ones_own_list_is_looked_at_unless_root() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("etc")).unwrap();
        let accounts = "root:x:0:0::/root:\nana:x:1000:1000::/home/ana:\nluis:x:1001:1001::/home/luis:\n";
        std::fs::write(root.path().join("etc/passwd"), accounts).unwrap();
        for home in ["root", "home/ana", "home/luis"] {
            std::fs::create_dir_all(root.path().join(home).join(".ssh")).unwrap();
            std::fs::write(root.path().join(home).join(FILES[0]), "ssh-ed25519 AAAA x\n").unwrap();
        }
        let of = |user| -> Vec<String> {
            let inputs = gather_from(&Machine::at(root.path()), user, SystemTime::now());
            inputs.lists.into_iter().map(|list| list.account).collect()
        };
        assert_eq!(of(1000), ["ana"]);
        assert_eq!(of(0), ["root", "ana", "luis"]);
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<SshKeys>(vec![
            list("ssh-dss AAAA x\n", 0o622, 1),
            list("ssh-ed25519 AAAA x\n", 0o600, 99),
            Inputs { lists: Vec::new(), all: false, accounts: Ok(()) },
            Inputs { lists: Vec::new(), all: true, accounts: Err(Unread::Denied) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(.*(ssh-rsa|ssh-dss|ñ)[ \t].*\n|.*\n)*", mode in any::<u32>()) {
            told(SshKeys::ID, &SshKeys::judge(list(&text, mode, 99)));
        }
    }
}
