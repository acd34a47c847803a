//! `system.schedules`: tasks that the system runs by itself, and whether they still do: backups, checks of disks, renewals.
//!
//! Names only, of the system only. What people put into their own crontab isn't looked at, nor what any task does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::date::Date;
use super::{reply, unit};
use crate::checks::machine::Machine;
use crate::checks::tool::{self, Answer, Silence};
use crate::checks::{Check, Failure};

/// Longest wait for systemd.
const LIMIT: Duration = Duration::from_secs(5);
/// Days without a run after which a task that remembers its last run is overdue: the rarest usual rhythm is a month, and a
/// PC may be off for some days.
const OVERDUE_DAYS: i64 = 40;
/// Most findings of each kind; the table has the rest.
const FINDINGS: usize = 5;
const ARGUMENTS: [&str; 5] = ["show", "--no-pager", "--property=Id,Unit,ActiveState,Result", "*.timer", "*.service"];
/// Where systemd keeps, as the time of an empty file, when a task with `Persistent=` last ran: systemd.timer(5).
const STAMPS: &str = "/var/lib/systemd/timers";
/// Folders of cron and the rhythm of what is in them.
const CRON: [(&str, &str); 5] = [
    ("/etc/cron.d", "own times"),
    ("/etc/cron.daily", "daily"),
    ("/etc/cron.hourly", "hourly"),
    ("/etc/cron.monthly", "monthly"),
    ("/etc/cron.weekly", "weekly"),
];

pub(crate) struct Schedules;

pub(crate) struct Inputs {
    systemd: bool,
    answer: Result<Answer, Silence>,
    /// Timer and the day of its last run.
    stamps: BTreeMap<String, Date>,
    /// Name and rhythm.
    cron: Vec<(String, &'static str)>,
    today: Date,
}

impl Check for Schedules {
    const ID: &'static str = "system.schedules";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let machine = Machine::this();
        let answer = tool::SYSTEMCTL.ask(&ARGUMENTS, LIMIT);
        Ok(Inputs { systemd: machine.has(unit::BOOTED), answer, ..gather_from(&machine) })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let output =
            if inputs.systemd { reply::output(inputs.answer) } else { Err(format!("{} does not exist", unit::BOOTED)) };
        let mut rows: Vec<Vec<Value>> = Vec::new();
        match &output {
            Ok(output) => {
                let timers = timers(output, &inputs.stamps);
                draft.fact("timers", timers.len() as u64, "");
                judge(&mut draft, &timers, inputs.today);
                rows.extend(timers.into_iter().map(Timer::row));
            }
            Err(why) => {
                draft.finding(Severity::Unknown, "timers-unknown", &[], format!("systemctl show: {why}"));
            }
        }
        draft.fact("cron", inputs.cron.len() as u64, "");
        if output.is_ok() && draft.findings.is_empty() {
            let evidence = format!("systemctl show: {} timers, none failed or overdue", rows.len());
            draft.finding(Severity::Ok, "tasks-ok", &[], evidence);
        }
        let cron = |(name, rhythm): (String, &str)| vec![name.into(), rhythm.into(), "".into(), "".into()];
        rows.extend(inputs.cron.into_iter().map(cron));
        draft.table("tasks", &["task", "kind", "last", "state"], rows);
        draft
    }
}

/// What files tell.
fn gather_from(machine: &Machine) -> Inputs {
    let stamp = |name: String| {
        let modified = std::fs::metadata(machine.path(&format!("{STAMPS}/{name}"))).ok()?.modified().ok()?;
        Some((name.strip_prefix("stamp-")?.to_owned(), Date::of(modified)))
    };
    // `.placeholder` keeps Debian's folders alive; cron leaves hidden files out too.
    let names =
        |folder: &str| machine.names(folder).into_iter().filter(|name| !name.starts_with('.')).collect::<Vec<_>>();
    let cron = CRON.iter().flat_map(|(folder, rhythm)| names(folder).into_iter().map(|name| (name, *rhythm)));
    Inputs {
        systemd: false,
        answer: Err(Silence::NotInstalled("systemctl")),
        stamps: machine.names(STAMPS).into_iter().filter_map(stamp).collect(),
        cron: cron.collect(),
        today: Date::of(SystemTime::now()),
    }
}

struct Timer {
    name: String,
    active: bool,
    /// It or what it starts ended badly.
    failed: bool,
    last: Option<Date>,
}

impl Timer {
    fn row(self) -> Vec<Value> {
        let state = match (self.failed, self.active) {
            (true, _) => "failed",
            (false, true) => "active",
            (false, false) => "off",
        };
        let last = self.last.map(|last| last.to_string()).unwrap_or_default();
        vec![self.name.into(), "timer".into(), last.into(), state.into()]
    }
}

fn timers(output: &str, stamps: &BTreeMap<String, Date>) -> Vec<Timer> {
    let units = unit::properties(output);
    let is_failed = |unit: &BTreeMap<&str, &str>| unit.get("ActiveState") == Some(&"failed");
    let failed: BTreeSet<&str> =
        units.iter().filter(|unit| is_failed(unit)).filter_map(|unit| unit.get("Id").copied()).collect();
    let timer = |unit: &BTreeMap<&str, &str>| {
        let id = unit.get("Id").filter(|id| id.ends_with(".timer"))?;
        let starts = unit.get("Unit").copied().unwrap_or_default();
        Some(Timer {
            name: unit::shown(id),
            active: unit.get("ActiveState") == Some(&"active"),
            failed: failed.contains(id) || failed.contains(starts),
            last: stamps.get(*id).copied(),
        })
    };
    units.iter().filter_map(timer).collect()
}

fn judge(draft: &mut Draft, timers: &[Timer], today: Date) {
    for timer in timers.iter().filter(|timer| timer.failed).take(FINDINGS) {
        let evidence = format!("systemctl show {}: it or its service is failed", timer.name);
        draft.finding(Severity::Warning, "task-failed", &[("task", timer.name.clone().into())], evidence);
    }
    let overdue = timers.iter().filter(|timer| timer.active && !timer.failed).filter_map(|timer| {
        let days = today.days_since(timer.last?);
        (days >= OVERDUE_DAYS).then_some((timer, days))
    });
    for (timer, days) in overdue.take(FINDINGS) {
        let values = [("task", timer.name.clone().into()), ("days", days.into())];
        let evidence = format!("{STAMPS}: {} is {days} days old", timer.name);
        draft.finding(Severity::Warning, "task-overdue", &values, evidence);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn answered(output: &str) -> Inputs {
        let answer = Answer { status: Some(0), output: output.to_owned(), error: String::new() };
        let today = Date::parse("2026-11-26").unwrap();
        Inputs { systemd: true, answer: Ok(answer), stamps: BTreeMap::new(), cron: vec![], today }
    }

    fn last(day: &str, state: &str) -> Inputs {
        let stamps = [("fstrim.timer".to_owned(), Date::parse(day).unwrap())].into();
        Inputs { stamps, ..answered(&format!("Id=fstrim.timer\nUnit=fstrim.service\nActiveState={state}\n")) }
    }

    #[test]
    fn an_overdue_task_below_at_and_above() {
        for (day, state, found) in [
            ("2026-10-18", "active", "tasks-ok"),
            ("2026-10-17", "active", "task-overdue"),
            ("2026-10-16", "active", "task-overdue"),
            ("2020-01-01", "inactive", "tasks-ok"),
            ("2030-01-01", "active", "tasks-ok"),
        ] {
            assert_eq!(findings::<Schedules>(last(day, state)), [found], "{day} {state}");
        }
    }

    #[test]
    fn a_timer_whose_service_failed_is_named_without_people() {
        let output = recorded("server-ill").text("/tools/systemctl-show.txt").unwrap();
        let draft = Schedules::judge(Inputs { cron: gather_from(&recorded("server-ill")).cron, ..answered(&output) });
        let report = told(Schedules::ID, &draft);
        assert_eq!(report.findings[0].text.en, "A timed task has failed: restic-backup.timer.");
        assert_eq!(report.findings.len(), 1);
        let rows: Vec<&Value> = report.tables[0].rows.iter().map(|row| &row[0]).collect();
        let expected = ["apt-daily.timer", "fstrim.timer", "restic-backup.timer", "certbot", "logrotate", "man-db"];
        assert_eq!(rows, expected.map(Value::from).iter().collect::<Vec<_>>());
        assert!(!format!("{report:?}").contains("marta"));
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Schedules>(vec![
            last("2020-01-01", "active"),
            last("2026-11-25", "active"),
            answered("Id=a.timer\nUnit=a.service\nActiveState=failed\n"),
            Inputs { systemd: false, ..answered("") },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(output in "(.*\n)*|((Id|Unit|ActiveState)=[a-z0-9@.-]*\n\n?)*") {
            told(Schedules::ID, &Schedules::judge(answered(&output)));
        }
    }
}
