//! `system.out-of-memory`: programs that were closed because memory ran out: by the kernel, by systemd-oomd, or by a
//! service's own limit.
//!
//! The kernel counts for everybody; the names are in its messages, which not every account may read.

use std::collections::BTreeMap;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::log::{self, Heard};
use super::unit;
use crate::checks::machine::{Machine, Reading};
use crate::checks::{Check, Failure};

/// Most findings; the table has the rest.
const FINDINGS: usize = 5;
/// Most services whose counters are read.
const SERVICES_MAX: usize = 512;
/// Longest name of a program that is kept, in characters.
const NAME_MAX: usize = 40;
const SERVICES: &str = "/sys/fs/cgroup/system.slice";

pub(crate) struct OutOfMemory;

pub(crate) struct Inputs {
    counters: Reading,
    kernel: Heard,
    guard: Heard,
    /// Services and what their `memory.events` says.
    services: Vec<(String, String)>,
}

impl Check for OutOfMemory {
    const ID: &'static str = "system.out-of-memory";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let guard = ["--identifier=systemd-oomd", "--boot", "--reverse", "--no-pager", "--output=cat", "--lines=50"];
        Ok(Inputs { kernel: log::kernel(), guard: log::ask(&guard), ..gather_from(&Machine::this()) })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let counted = inputs.counters.as_ref().ok().and_then(|text| counter(text, "oom_kill"));
        if let Some(counted) = counted {
            draft.fact("kills", counted, "");
        }
        let kernel = programs(&inputs.kernel, killed_by_kernel);
        let guard = programs(&inputs.guard, killed_by_guard);
        let services: Vec<(&String, u64)> = inputs
            .services
            .iter()
            .filter_map(|(name, text)| Some((name, counter(text, "oom_kill").filter(|count| *count > 0)?)))
            .collect();
        let mut rows: Vec<Vec<Value>> = Vec::new();
        for (by, programs) in [("kernel", &kernel), ("systemd-oomd", &guard)] {
            for (program, count) in programs {
                let values = [("program", program.clone().into()), ("count", (*count).into())];
                if rows.len() < FINDINGS {
                    let evidence = format!("killed by {by}: {program}, {count} times");
                    draft.finding(Severity::Warning, "program-closed", &values, evidence);
                }
                rows.push(vec![program.clone().into(), (*count).into(), by.into()]);
            }
        }
        for (service, count) in services {
            let name = unit::shown(service);
            if draft.findings.len() < 2 * FINDINGS {
                let values = [("service", name.clone().into()), ("count", count.into())];
                let evidence = format!("{SERVICES}: oom_kill {count} in {name}");
                draft.finding(Severity::Warning, "service-closed", &values, evidence);
            }
            rows.push(vec![name.into(), count.into(), "its limit".into()]);
        }
        if draft.findings.is_empty() {
            match counted {
                Some(0) => draft.finding(Severity::Ok, "memory-enough", &[], "/proc/vmstat oom_kill 0"),
                Some(count) => {
                    let evidence = format!("/proc/vmstat oom_kill {count}");
                    draft.finding(Severity::Warning, "some-closed", &[("count", count.into())], evidence);
                }
                None => {
                    let why = inputs.kernel.err().unwrap_or_else(|| "no count and no message".to_owned());
                    draft.finding(Severity::Unknown, "kills-unknown", &[], format!("/proc/vmstat; {why}"));
                }
            }
        }
        draft.table("closed", &["program", "count", "by"], rows);
        draft
    }
}

/// What files tell.
fn gather_from(machine: &Machine) -> Inputs {
    let services = machine.names(SERVICES).into_iter().filter(|name| name.ends_with(".service")).take(SERVICES_MAX);
    let events = |name: String| {
        let text = machine.text(&format!("{SERVICES}/{name}/memory.events")).ok()?;
        Some((name, text))
    };
    Inputs {
        counters: machine.text("/proc/vmstat"),
        kernel: Err("not asked".to_owned()),
        guard: Err("not asked".to_owned()),
        services: services.filter_map(events).collect(),
    }
}

fn programs(heard: &Heard, name: fn(&str) -> Option<String>) -> BTreeMap<String, u64> {
    let mut programs = BTreeMap::new();
    for program in heard.iter().flat_map(|text| text.lines().filter_map(name)) {
        let count: &mut u64 = programs.entry(program).or_default();
        *count += 1;
    }
    programs
}

/// `Out of memory: Killed process 4711 (firefox) total-vm:…`, and the same of a group; older kernels write the last part
/// alone.
fn killed_by_kernel(line: &str) -> Option<String> {
    let (before, rest) = line.split_once("Killed process ")?;
    let known = before.is_empty() || before.ends_with("ut of memory: ");
    let (_id, rest) = rest.split_once(" (")?;
    // A name may hold brackets: it ends at the last one before the sizes.
    let end = rest.find(") total-vm").or_else(|| rest.find("), UID")).or_else(|| rest.rfind(')'));
    let name = end.and_then(|end| rest.get(..end)).unwrap_or(rest);
    (known && !name.is_empty()).then(|| name.chars().take(NAME_MAX).collect())
}

/// `Killed /user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-firefox-4711.scope due to memory used …`: of
/// the path only the program or service.
fn killed_by_guard(line: &str) -> Option<String> {
    let path = line.strip_prefix("Killed ")?.split(" due to ").next()?;
    let last = path.rsplit('/').next().filter(|last| !last.is_empty())?;
    let Some(stem) = last.strip_suffix(".scope").and_then(|stem| stem.strip_prefix("app-")) else {
        return Some(unit::shown(last));
    };
    // app-<desktop>-<program>-<number>: systemd's "Desktop Environment Integration".
    let name = stem.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-').rsplit('-').next()?;
    (!name.is_empty()).then(|| name.chars().take(NAME_MAX).collect())
}

fn counter(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn counted(count: u64) -> Inputs {
        Inputs {
            counters: Ok(format!("nr_free_pages 1\noom_kill {count}\n")),
            kernel: Ok(String::new()),
            guard: Ok(String::new()),
            services: vec![],
        }
    }

    #[test]
    fn the_programs_are_named_by_each_that_closes_them() {
        for (line, expected) in [
            ("Out of memory: Killed process 4711 (firefox) total-vm:9kB, anon-rss:8kB", Some("firefox")),
            ("Memory cgroup out of memory: Killed process 9 (a (b) c) total-vm:1kB", Some("a (b) c")),
            ("Killed process 12 (java), UID 1000, total-vm:1kB", Some("java")),
            ("somebody wrote: Killed process 12 (java)", None),
            ("Killed process 12", None),
        ] {
            assert_eq!(killed_by_kernel(line).as_deref(), expected, "{line}");
        }
        for (line, expected) in [
            (
                "Killed /user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-firefox-4711.scope due to memory used",
                Some("firefox"),
            ),
            ("Killed /system.slice/mysql.service due to memory pressure for /system.slice", Some("mysql.service")),
            ("Killed /user.slice/user-1000.slice/session-3.scope due to x", Some("….scope")),
            ("Killed ", None),
        ] {
            assert_eq!(killed_by_guard(line).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn an_ill_server_names_the_program_and_the_service() {
        let server = recorded("server-ill");
        let kernel = server.text("/tools/journalctl-kernel.txt").map_err(|error| error.to_string());
        let report = told(OutOfMemory::ID, &OutOfMemory::judge(Inputs { kernel, ..gather_from(&server) }));
        let texts: Vec<&str> = report.findings.iter().map(|finding| finding.text.en.as_str()).collect();
        assert_eq!(
            texts,
            [
                "Memory ran out, and a program was closed 2 times: mysqld.",
                "A service hit its own limit of memory 3 times: mysql.service."
            ]
        );
    }

    #[test]
    fn a_count_without_names_is_told_too() {
        for (count, found) in [(0, "memory-enough"), (1, "some-closed"), (2, "some-closed")] {
            assert_eq!(findings::<OutOfMemory>(counted(count)), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<OutOfMemory>(vec![
            Inputs { kernel: Ok("Killed process 1 (a), UID 0\n".into()), ..counted(1) },
            Inputs { services: vec![("b.service".into(), "oom 1\noom_kill 1\n".into())], ..counted(1) },
            counted(0),
            counted(1),
            Inputs { counters: Err(Unread::Denied), ..counted(0) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(a in "(oom_kill .*\n)*", b in "(.*\n)*|(Killed process .* \\(.*\n)*", c in "(Killed .*\n)*") {
            let services = vec![(c.clone(), a.clone())];
            told(OutOfMemory::ID, &OutOfMemory::judge(Inputs { counters: Ok(a), kernel: Ok(b), guard: Ok(c), services }));
        }
    }
}
