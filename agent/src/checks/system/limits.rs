//! `system.limits`: whether the system is about to hit one of its limits, which looks like any other fault when it
//! happens.
//!
//! Only counters of the whole system and of the own account. What single programs keep open isn't looked at.

use rustix::process::getuid;
use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::figure::{percent, tenths};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Percent of a limit from which it is near: the usual warning of monitoring systems (Prometheus' node-mixin warns of
/// connections at 75, of open files at 70 and 90).
const NEAR_PERCENT: f64 = 80.0;
/// Percent from which the next program may fail already.
const REACHED_PERCENT: f64 = 95.0;

pub(crate) struct Limits;

pub(crate) struct Inputs {
    /// Name, finding, how much is used, how much may be.
    limits: Vec<(&'static str, &'static str, u64, u64)>,
    watches: Option<u64>,
    watchers: Option<u64>,
}

impl Check for Limits {
    const ID: &'static str = "system.limits";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this(), getuid().as_raw()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let mut rows: Vec<Vec<Value>> = Vec::new();
        let mut nearest = 0.0_f64;
        for (limit, finding, used, most) in inputs.limits {
            let share = percent(used, most);
            nearest = nearest.max(share);
            rows.push(vec![limit.into(), used.into(), most.into(), tenths(share).into()]);
            let severity = if share >= REACHED_PERCENT { Severity::Critical } else { Severity::Warning };
            if share >= NEAR_PERCENT {
                let values = [("percent", tenths(share.min(100.0)).into())];
                draft.finding(severity, finding, &values, format!("{limit}: {used} of {most}"));
            }
        }
        for (key, value) in [("watches", inputs.watches), ("watchers", inputs.watchers)] {
            if let Some(value) = value {
                draft.fact(key, value, "");
            }
        }
        if rows.is_empty() {
            draft.finding(Severity::Unknown, "limits-unknown", &[], "/proc/sys/fs/file-nr and others can't be read");
        } else if draft.findings.is_empty() {
            draft.finding(Severity::Ok, "limits-ok", &[], format!("the nearest limit is used to {nearest:.1} %"));
        }
        draft.table("limits", &["limit", "used", "most", "percent"], rows);
        draft
    }
}

fn gather_from(machine: &Machine, user: u32) -> Inputs {
    let number = |path: &str| machine.number::<u64>(path);
    let pair = |used: Option<u64>, most: Option<u64>| used.zip(most.filter(|most| *most > 0));
    let slice = format!("/sys/fs/cgroup/user.slice/user-{user}.slice");
    let kernel = |name: &str| number(&format!("/proc/sys/kernel/{name}"));
    let tracking = |name: &str| number(&format!("/proc/sys/net/netfilter/nf_conntrack_{name}"));
    let watching = |name: &str| number(&format!("/proc/sys/fs/inotify/max_user_{name}"));
    let limits = [
        ("open files", "files-near", open_files(&machine.text("/proc/sys/fs/file-nr").unwrap_or_default())),
        // A number for each, so that whichever of the two is smaller is the limit: proc(5).
        (
            "programs and their threads",
            "programs-near",
            pair(
                threads(&machine.text("/proc/loadavg").unwrap_or_default()),
                kernel("threads-max").into_iter().chain(kernel("pid_max")).min(),
            ),
        ),
        // `max` is no number: then there is no limit.
        (
            "threads of this account",
            "account-near",
            pair(number(&format!("{slice}/pids.current")), number(&format!("{slice}/pids.max"))),
        ),
        ("followed connections", "connections-near", pair(tracking("count"), tracking("max"))),
        ("ports of connections", "ports-near", pair(connections(machine), ports(machine))),
        ("terminals", "terminals-near", pair(kernel("pty/nr"), kernel("pty/max"))),
    ];
    Inputs {
        limits: limits
            .into_iter()
            .filter_map(|(limit, id, pair)| pair.map(|(used, most)| (limit, id, used, most)))
            .collect(),
        watches: watching("watches"),
        watchers: watching("instances"),
    }
}

/// `used free most`; the second is always 0 today: proc(5).
fn open_files(text: &str) -> Option<(u64, u64)> {
    let numbers: Vec<u64> = text.split_whitespace().map_while(|word| word.parse().ok()).collect();
    let [used, free, most] = numbers[..] else { return None };
    (most > 0).then(|| (used.saturating_sub(free), most))
}

/// The second of `running/all` in the fourth word of `/proc/loadavg`.
fn threads(text: &str) -> Option<u64> {
    text.split_whitespace().nth(3)?.split_once('/')?.1.parse().ok()
}

/// TCP connections of both families, those that are closing included: each keeps its port. Some of them were accepted and
/// take none, so this is the most it can be.
fn connections(machine: &Machine) -> Option<u64> {
    let count = |path: &str, line: &str, key: &str| {
        let text = machine.text(path).ok()?;
        let words: Vec<&str> = text.lines().find_map(|l| l.strip_prefix(line))?.split_whitespace().collect();
        words.windows(2).find(|pair| pair[0] == key)?[1].parse::<u64>().ok()
    };
    let used = count("/proc/net/sockstat", "TCP:", "inuse")?;
    let closing = count("/proc/net/sockstat", "TCP:", "tw").unwrap_or(0);
    let newer = count("/proc/net/sockstat6", "TCP6:", "inuse").unwrap_or(0);
    Some(used.saturating_add(closing).saturating_add(newer))
}

fn ports(machine: &Machine) -> Option<u64> {
    let text = machine.text("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut words = text.split_whitespace().map_while(|word| word.parse::<u64>().ok());
    let (first, last) = (words.next()?, words.next()?);
    last.checked_sub(first).map(|between| between.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn used(used: u64, most: u64) -> Inputs {
        Inputs { limits: vec![("open files", "files-near", used, most)], watches: None, watchers: None }
    }

    #[test]
    fn a_limit_below_at_and_above() {
        for (part, found, severity) in [
            (799, "limits-ok", Severity::Ok),
            (800, "files-near", Severity::Warning),
            (949, "files-near", Severity::Warning),
            (950, "files-near", Severity::Critical),
            (1_000, "files-near", Severity::Critical),
            (5_000, "files-near", Severity::Critical),
        ] {
            let report = told(Limits::ID, &Limits::judge(used(part, 1_000)));
            assert_eq!((report.findings[0].id.as_str(), report.findings[0].severity), (found, severity), "{part}");
        }
    }

    #[test]
    fn counters_are_read_as_the_kernel_writes_them() {
        assert_eq!(open_files("13152\t0\t9223372036854775807\n"), Some((13_152, 9_223_372_036_854_775_807)));
        assert_eq!(open_files("1 2"), None);
        assert_eq!(threads("0.21 0.30 0.31 1/1012 40121\n"), Some(1_012));
        let server = recorded("server-ill");
        assert_eq!(connections(&server), Some(310 + 22_800 + 12));
        assert_eq!(ports(&server), Some(28_232));
    }

    #[test]
    fn an_ill_server_is_near_its_limits_and_an_account_without_limit_is_not() {
        let found = findings::<Limits>(gather_from(&recorded("server-ill"), 1000));
        assert_eq!(found, ["connections-near", "files-near", "account-near", "ports-near"]);
        let found = findings::<Limits>(gather_from(&recorded("server-ill"), 1001));
        assert_eq!(found, ["connections-near", "files-near", "ports-near"]);
    }

    #[test]
    fn everything_declared_is_said() {
        let many = [("programs", "programs-near", 9, 10), ("terminals", "terminals-near", 10, 10)];
        all_is_said::<Limits>(vec![
            gather_from(&recorded("server-ill"), 1000),
            Inputs { limits: many.into(), ..used(1, 1) },
            used(0, 10),
            Inputs { limits: vec![], ..used(1, 1) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in ".*|([0-9]{1,21}[ \t/])*", part in any::<u64>(), most in any::<u64>()) {
            let _any = (open_files(&text), threads(&text));
            told(Limits::ID, &Limits::judge(used(part, most)));
        }
    }
}
