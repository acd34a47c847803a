//! `system.support`: until when the makers of this system publish security updates for it.
//!
//! What the system itself says (`SUPPORT_END` of os-release(5)) comes first, then a table in this program with its sources
//! and its own date. What is newer than the table is told as unknown: a guessed date would be worse than none.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use super::date::Date;
use crate::checks::machine::{Machine, Reading};
use crate::checks::{Check, Failure};

/// Releases and dates, with their sources.
const TABLE: &str = include_str!("releases.txt");
/// Days before the end from which the move to another version should be planned. Our choice: three months, as Ubuntu and
/// Fedora begin to remind.
const SOON_DAYS: i64 = 90;

pub(crate) struct Support;

pub(crate) struct Inputs {
    os_release: Reading,
    today: Date,
}

/// How long a release is looked after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Care {
    /// Until the last day, and with limits until the second.
    Until(Date, Option<Date>),
    /// For ever, if its updates are installed.
    Rolling,
}

impl Check for Support {
    const ID: &'static str = "system.support";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this(), Date::today()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let text = match &inputs.os_release {
            Ok(text) => text,
            Err(error) => {
                draft.finding(Severity::Unknown, "system-unknown", &[], format!("/etc/os-release {error}"));
                return draft;
            }
        };
        let Some(id) = field(text, "ID") else {
            draft.finding(Severity::Unknown, "system-unknown", &[], "/etc/os-release has no ID");
            return draft;
        };
        let version = field(text, "VERSION_ID");
        draft.fact("system", field(text, "PRETTY_NAME").unwrap_or_else(|| id.clone()), "");
        let own = field(text, "SUPPORT_END").and_then(|end| Date::parse(&end));
        let release = format!("{id} {}", version.as_deref().unwrap_or("without a version"));
        let (care, source) = match own {
            Some(end) => (Some(Care::Until(end, None)), "SUPPORT_END of os-release".to_owned()),
            None => {
                draft.fact("table-date", table_date(), "");
                (find(&id, version.as_deref()), format!("table of {}", table_date()))
            }
        };
        match care {
            Some(Care::Until(end, extended)) => judge(&mut draft, end, extended, inputs.today, &source),
            Some(Care::Rolling) => draft.finding(Severity::Ok, "support-rolling", &[], format!("{source}: {release}")),
            None => draft.finding(Severity::Unknown, "support-unknown", &[], format!("{source}: no {release}")),
        }
        draft
    }
}

fn gather_from(machine: &Machine, today: Date) -> Inputs {
    Inputs { os_release: machine.text("/etc/os-release").or_else(|_| machine.text("/usr/lib/os-release")), today }
}

fn judge(draft: &mut Draft, end: Date, extended: Option<Date>, today: Date, source: &str) {
    draft.fact("support-end", end.to_string(), "");
    if let Some(extended) = extended {
        draft.fact("extended-end", extended.to_string(), "");
    }
    let left = end.days_since(today);
    draft.fact("days-left", left.max(0), "");
    let date = || ("date", end.to_string().into());
    let evidence = format!("{source}: {end}; today is {today}");
    // The last day is still one with updates: os-release(5).
    match extended.filter(|until| today <= *until) {
        _ if left > SOON_DAYS => draft.finding(Severity::Ok, "support-ok", &[date()], evidence),
        _ if left >= 0 => draft.finding(Severity::Warning, "support-ends-soon", &[date()], evidence),
        Some(until) => {
            let values = [date(), ("until", until.to_string().into())];
            draft.finding(Severity::Warning, "extended-only", &values, evidence);
        }
        None => draft.finding(Severity::Critical, "support-ended", &[date()], evidence),
    }
}

/// The care for that release: the exact version, else the one it is a part of (`9.4` of `9`).
fn find(id: &str, version: Option<&str>) -> Option<Care> {
    let rolling = |id: &str| TABLE.lines().any(|line| line.strip_prefix("rolling ") == Some(id));
    // Debian's next version has no number until it comes out.
    if rolling(id) || (id == "debian" && version.is_none()) {
        return Some(Care::Rolling);
    }
    let mut version = version?;
    loop {
        let found = TABLE.lines().find_map(|line| care(line, id, version));
        match (found, version.rsplit_once('.')) {
            (Some(found), _) => return Some(found),
            (None, Some((whole, _))) => version = whole,
            (None, None) => return None,
        }
    }
}

fn care(line: &str, id: &str, version: &str) -> Option<Care> {
    let mut words = line.split_whitespace();
    (words.next() == Some(id) && words.next() == Some(version)).then_some(())?;
    Some(Care::Until(Date::parse(words.next()?)?, words.next().and_then(Date::parse)))
}

/// The day of the table.
pub(super) fn table_date() -> &'static str {
    TABLE.lines().find_map(|line| line.strip_prefix("date ")).unwrap_or("")
}

/// A value of os-release(5), without its quotes.
fn field(text: &str, key: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?.trim();
    Some(value.trim_matches(['"', '\'']).to_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn on(text: &str, day: &str) -> Inputs {
        Inputs { os_release: Ok(text.to_owned()), today: Date::parse(day).unwrap() }
    }

    #[test]
    fn the_table_is_whole() {
        let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut releases = std::collections::BTreeSet::new();
        for line in lines {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["date", day] => assert!(Date::parse(day).is_some()),
                ["rolling", id] => assert!(releases.insert((id, ""))),
                [id, version, end] => {
                    assert!(releases.insert((id, version)) && Date::parse(end).is_some(), "{line}");
                }
                [id, version, end, extended] => {
                    assert!(releases.insert((id, version)), "{line}");
                    assert!(Date::parse(end).unwrap() < Date::parse(extended).unwrap(), "{line}");
                }
                _ => panic!("{line}"),
            }
        }
        assert!(Date::parse(table_date()).is_some() && releases.len() > 60);
    }

    #[test]
    fn each_day_below_at_and_above() {
        let debian = "ID=debian\nVERSION_ID=\"12\"\n";
        for (day, found) in [
            ("2026-04-11", "support-ok"),
            ("2026-04-12", "support-ends-soon"),
            ("2026-04-13", "support-ends-soon"),
            ("2026-07-11", "support-ends-soon"),
            ("2026-07-12", "extended-only"),
            ("2028-06-30", "extended-only"),
            ("2028-07-01", "support-ended"),
        ] {
            assert_eq!(findings::<Support>(on(debian, day)), [found], "{day}");
        }
        assert_eq!(findings::<Support>(on("ID=fedora\nVERSION_ID=42\n", "2026-05-13")), ["support-ends-soon"]);
        assert_eq!(findings::<Support>(on("ID=fedora\nVERSION_ID=42\n", "2026-05-14")), ["support-ended"]);
    }

    #[test]
    fn what_the_system_says_itself_comes_first() {
        let text = "ID=fedora\nVERSION_ID=42\nSUPPORT_END=2027-01-01\n";
        assert_eq!(findings::<Support>(on(text, "2026-05-14")), ["support-ok"]);
        let broken = "ID=fedora\nVERSION_ID=42\nSUPPORT_END=soon\n";
        assert_eq!(findings::<Support>(on(broken, "2026-05-14")), ["support-ended"]);
    }

    #[test]
    fn a_point_release_is_one_of_its_version_and_a_newer_one_is_unknown() {
        let of = |id, version| find(id, Some(version));
        assert_eq!(of("almalinux", "9.4"), of("almalinux", "9"));
        assert_eq!(of("alpine", "3.22.1"), of("alpine", "3.22"));
        assert!(of("linuxmint", "22.2").is_some());
        for (id, version) in [("debian", "99"), ("ubuntu", "30.04"), ("fedora", "4"), ("zorin", "17"), ("date", "")] {
            assert_eq!(of(id, version), None, "{id} {version}");
        }
        assert_eq!(find("debian", None), Some(Care::Rolling));
        assert_eq!(find("fedora", None), None);
    }

    #[test]
    fn everything_declared_is_said() {
        let day = Date::parse("2026-11-26").unwrap();
        all_is_said::<Support>(vec![
            gather_from(&recorded("laptop-full"), day),
            gather_from(&recorded("container"), day),
            on("ID=arch\nPRETTY_NAME=\"Arch Linux\"\n", "2026-11-26"),
            on("ID=ubuntu\nVERSION_ID=\"22.04\"\n", "2026-11-26"),
            on("ID=ubuntu\nVERSION_ID=\"22.04\"\n", "2027-05-01"),
            on("ID=centos\nVERSION_ID=\"7\"\n", "2026-11-26"),
            on("ID=ubuntu\nVERSION_ID=\"30.04\"\n", "2026-11-26"),
            on("PRETTY_NAME=mine\n", "2026-11-26"),
            Inputs { os_release: Err(Unread::Absent), today: day },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "\\PC*|(ID|VERSION_ID|SUPPORT_END)=[a-z0-9.\"-]*\n(VERSION_ID|SUPPORT_END)=[0-9.-]*") {
            told(Support::ID, &Support::judge(on(&text, "2026-11-26")));
        }
    }
}
