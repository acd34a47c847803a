//! `security.administrators`: accounts that may change everything.
//!
//! From the account files alone: rules in `/etc/sudoers` are for root's eyes, and accounts of a directory server aren't in
//! any file. Passwords are never looked at.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::machine::{Machine, Reading};
use crate::checks::{Check, Failure};

/// Groups whose members distributions let become root: Debian and Ubuntu; Fedora, Arch and macOS; old Ubuntu.
const GROUPS: [&str; 3] = ["admin", "sudo", "wheel"];
/// Administrators, besides root, from which there are many on a person's PC. Our choice: a family's two and a spare.
const MANY: usize = 4;
/// Words of nsswitch.conf(5) that mean accounts come from elsewhere.
const DIRECTORIES: [&str; 4] = ["ldap", "nis", "sss", "winbind"];

pub(crate) struct Administrators;

pub(crate) struct Inputs {
    accounts: Reading,
    groups: Reading,
    sources: Reading,
    /// User number of the account the agent runs in.
    own: u32,
}

/// One line of passwd(5).
struct Account<'a> {
    name: &'a str,
    user: u32,
    group: u32,
}

impl Check for Administrators {
    const ID: &'static str = "security.administrators";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this(), rustix::process::getuid().as_raw()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let (accounts, groups) = match (&inputs.accounts, &inputs.groups) {
            (Ok(accounts), Ok(groups)) => (accounts, groups),
            (Err(error), _) => {
                draft.finding(Severity::Unknown, "administrators-unknown", &[], format!("/etc/passwd {error}"));
                return draft;
            }
            (_, Err(error)) => {
                draft.finding(Severity::Unknown, "administrators-unknown", &[], format!("/etc/group {error}"));
                return draft;
            }
        };
        let accounts: Vec<Account<'_>> = accounts.lines().filter_map(Account::parse).collect();
        let mut rows: Vec<(&str, String)> = Vec::new();
        for account in accounts.iter().filter(|account| account.user == 0) {
            rows.push((account.name, "uid 0".to_owned()));
            if account.name != "root" {
                let values = [("account", account.name.into())];
                draft.finding(
                    Severity::Critical,
                    "second-root",
                    &values,
                    format!("/etc/passwd {} has uid 0", account.name),
                );
            }
        }
        let roots = rows.len();
        for (group, number, members) in groups.lines().filter_map(group) {
            let primary = accounts.iter().filter(|account| account.group == number).map(|account| account.name);
            for name in members.split(',').map(str::trim).filter(|name| !name.is_empty()).chain(primary) {
                if !rows.iter().any(|(known, _)| *known == name) {
                    rows.push((name, group.to_owned()));
                }
            }
        }
        draft.fact("administrators", rows.len() as u64, "");
        let own = accounts.iter().find(|account| account.user == inputs.own).map(|account| account.name);
        draft.fact("own-account", own.is_some_and(|own| rows.iter().any(|(name, _)| *name == own)), "");
        let count = [("count", Value::from(rows.len() as u64))];
        let evidence = format!("/etc/group sudo, wheel, admin: {} members", rows.len() - roots);
        if rows.len() - roots >= MANY {
            draft.finding(Severity::Warning, "many-administrators", &count, evidence);
        } else if draft.findings.is_empty() {
            draft.finding(Severity::Ok, "administrators-ok", &count, evidence);
        }
        if let Some(line) = inputs.sources.ok().as_deref().and_then(elsewhere) {
            draft.finding(Severity::Unknown, "accounts-elsewhere", &[], format!("/etc/nsswitch.conf {line}"));
        }
        let rows = rows.into_iter().map(|(name, because)| vec![name.into(), because.into()]).collect();
        draft.table("administrators", &["account", "because"], rows);
        draft
    }
}

fn gather_from(machine: &Machine, own: u32) -> Inputs {
    Inputs {
        accounts: machine.text("/etc/passwd"),
        groups: machine.text("/etc/group"),
        sources: machine.text("/etc/nsswitch.conf"),
        own,
    }
}

impl<'a> Account<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let fields: Vec<&str> = line.split(':').collect();
        Some(Self {
            name: fields.first().filter(|name| !name.is_empty())?,
            user: fields.get(2)?.parse().ok()?,
            group: fields.get(3)?.parse().ok()?,
        })
    }
}

/// A group of administrators: its name, number and members (group(5)).
fn group(line: &str) -> Option<(&str, u32, &str)> {
    let fields: Vec<&str> = line.split(':').collect();
    let name = fields.first().filter(|name| GROUPS.contains(name))?;
    Some((name, fields.get(2)?.parse().ok()?, fields.get(3)?))
}

fn elsewhere(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.trim_start().starts_with("passwd:"))?;
    // Fedora writes `sss` by default; whether a server is behind it can't be seen from here.
    line.split_whitespace().any(|word| DIRECTORIES.contains(&word)).then(|| line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn members(count: usize) -> Inputs {
        let names: Vec<String> = (0..count).map(|i| format!("user{i}")).collect();
        Inputs { groups: Ok(format!("sudo:x:27:{}\n", names.join(","))), ..gather_from(&recorded("container"), 0) }
    }

    #[test]
    fn a_laptop_with_a_second_root() {
        let draft = Administrators::judge(gather_from(&recorded("laptop-full"), 1000));
        let rows: Vec<Value> = draft.tables[0].rows.iter().map(|row| row[0].clone()).collect();
        assert_eq!(rows, ["root".into(), "toor".into(), "ana".into(), "luis".into()]);
        assert_eq!(draft.facts[1].value, Value::Flag(true));
        let found: Vec<String> =
            told(Administrators::ID, &draft).findings.into_iter().map(|finding| finding.id).collect();
        assert_eq!(found, ["second-root"]);
    }

    #[test]
    fn many_below_at_and_above() {
        for (count, found) in [
            (0, "administrators-ok"),
            (MANY - 1, "administrators-ok"),
            (MANY, "many-administrators"),
            (MANY + 1, "many-administrators"),
        ] {
            assert_eq!(findings::<Administrators>(members(count)), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Administrators>(vec![
            gather_from(&recorded("laptop-full"), 1000),
            gather_from(&recorded("desktop-fine"), 1001),
            members(9),
            Inputs { accounts: Err(Unread::Denied), ..members(1) },
            Inputs { groups: Err(Unread::Absent), ..members(1) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(a in "(.*:.*:[0-9]*:[0-9]*\n)*|.*", b in "((sudo|wheel):.*:[0-9]*:.*\n)*|.*", c in "passwd:.*") {
            told(Administrators::ID, &Administrators::judge(Inputs { accounts: Ok(a), groups: Ok(b), sources: Ok(c), own: 0 }));
        }
    }
}
