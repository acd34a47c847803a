//! `system.processes`: which programs use most of the processor and memory, watched for some seconds.
//!
//! Names of programs only. Command lines and environments hold passwords, file names and addresses of pages: they are
//! never opened. (MISSION R2)

use std::collections::BTreeMap;
use std::time::Duration;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::figure::{megabytes, percent, tenths};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure, whole};

/// Percent of the whole processor that one program may use before it is worth a question. Our choice: half.
const BUSY_PERCENT: f64 = 50.0;
/// Percent of the memory that one program may hold before it is worth a question. Our choice: half.
const BIG_PERCENT: f64 = 50.0;
/// Programs in uninterruptible sleep (state `D`, proc(5)) that aren't chance any more. Our choice.
const WAITING: u64 = 3;
/// Rows of each table.
const ROWS: usize = 10;
/// Most processes that are read; a PC of a person has hundreds.
const PROCESSES_MAX: usize = 4_096;
/// Bytes of a memory page where the kernel doesn't say; nearly everywhere.
const PAGE: u64 = 4_096;
/// Parent of the kernel's own threads, which all count as one program.
const KERNEL_THREADS: u64 = 2;

pub(crate) struct Processes;

pub(crate) struct Inputs {
    before: Snapshot,
    after: Snapshot,
    memory: u64,
    page: u64,
}

/// One look at `/proc`.
struct Snapshot {
    /// `/proc/stat`.
    total: String,
    /// `/proc/*/stat`.
    each: Vec<String>,
}

impl Check for Processes {
    const ID: &'static str = "system.processes";
    type Inputs = Inputs;

    fn gather(arguments: &Arguments) -> Result<Inputs, Failure> {
        let seconds = whole(arguments, "seconds")?;
        let machine = Machine::this();
        let before = Snapshot::take(&machine);
        std::thread::sleep(Duration::from_secs(seconds));
        let after = Snapshot::take(&machine);
        let memory = machine.text("/proc/meminfo").ok().and_then(|text| field(&text, "MemTotal:")).unwrap_or(0);
        let page = machine.text("/proc/self/smaps").ok().and_then(|text| field(&text, "KernelPageSize:"));
        Ok(Inputs { before, after, memory, page: page.unwrap_or(PAGE) })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let before: BTreeMap<u64, Process> =
            inputs.before.each.iter().filter_map(|line| Process::parse(line)).map(|p| (p.id, p)).collect();
        let after: Vec<Process> = inputs.after.each.iter().filter_map(|line| Process::parse(line)).collect();
        let ticks = inputs.after.ticks().zip(inputs.before.ticks());
        let Some((all, idle)) = ticks.map(|(a, b)| (a.0.saturating_sub(b.0), a.1.saturating_sub(b.1))) else {
            draft.finding(Severity::Unknown, "programs-unknown", &[], "/proc/stat has no cpu line");
            return draft;
        };
        if after.is_empty() {
            draft.finding(Severity::Unknown, "programs-unknown", &[], "/proc shows no process");
            return draft;
        }
        let programs = group(&before, &after, inputs.page);
        draft.fact("programs", programs.len() as u64, "");
        draft.fact("busy", tenths(percent(all.saturating_sub(idle), all)), "%");
        let mut rows: Vec<&Program> = programs.values().collect();
        rows.sort_by(|a, b| (b.ticks, b.memory, &a.name).cmp(&(a.ticks, a.memory, &b.name)));
        table(&mut draft, "by-cpu", &rows, all);
        rows.sort_by(|a, b| (b.memory, b.ticks, &a.name).cmp(&(a.memory, a.ticks, &b.name)));
        table(&mut draft, "by-memory", &rows, all);
        judge_programs(&mut draft, &rows, all, inputs.memory);
        let waiting = after.iter().filter(|process| process.state == 'D').count() as u64;
        if waiting >= WAITING {
            let evidence = format!("/proc/*/stat: {waiting} in state D");
            draft.finding(Severity::Warning, "waiting-programs", &[("count", waiting.into())], evidence);
        }
        if draft.findings.is_empty() {
            draft.finding(Severity::Ok, "processes-ok", &[], format!("/proc/*/stat: {} processes", after.len()));
        }
        if !after.iter().any(|process| process.id == 1) {
            draft.finding(Severity::Unknown, "programs-hidden", &[], "/proc/1 is not visible");
        }
        draft
    }
}

impl Snapshot {
    fn take(machine: &Machine) -> Self {
        let processes = machine.names("/proc").into_iter().filter(|name| name.bytes().all(|b| b.is_ascii_digit()));
        let each = processes.take(PROCESSES_MAX).filter_map(|id| machine.text(&format!("/proc/{id}/stat")).ok());
        Self { total: machine.text("/proc/stat").unwrap_or_default(), each: each.collect() }
    }

    /// Ticks of all processors together and, of them, idle ones (proc(5): user nice system idle iowait irq softirq steal).
    fn ticks(&self) -> Option<(u64, u64)> {
        let line = self.total.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let ticks: Vec<u64> = line.split_whitespace().take(8).map_while(|word| word.parse().ok()).collect();
        let idle = ticks.get(3)?.saturating_add(ticks.get(4).copied().unwrap_or(0));
        Some((ticks.iter().fold(0, |sum, n| sum.saturating_add(*n)), idle))
    }
}

/// What is used of one line of `/proc/*/stat`.
#[derive(Clone, Debug)]
struct Process {
    id: u64,
    name: String,
    state: char,
    parent: u64,
    ticks: u64,
    started: u64,
    pages: u64,
}

impl Process {
    fn parse(line: &str) -> Option<Self> {
        // A name may hold spaces and brackets: it ends at the last bracket.
        let (id, rest) = line.split_once(" (")?;
        let (name, rest) = rest.rsplit_once(") ")?;
        let words: Vec<&str> = rest.split_whitespace().collect();
        let number = |field: usize| words.get(field - 3)?.parse::<u64>().ok();
        Some(Self {
            id: id.parse().ok()?,
            name: name.to_owned(),
            state: words.first()?.chars().next()?,
            parent: number(4)?,
            ticks: number(14)?.saturating_add(number(15)?),
            started: number(22)?,
            pages: number(24)?,
        })
    }

    fn program(&self) -> &str {
        if self.parent == KERNEL_THREADS || self.id == KERNEL_THREADS { "kernel" } else { &self.name }
    }
}

/// All processes of one name.
#[derive(Default)]
struct Program {
    name: String,
    copies: u64,
    ticks: u64,
    memory: u64,
}

fn group(before: &BTreeMap<u64, Process>, after: &[Process], page: u64) -> BTreeMap<String, Program> {
    let mut programs: BTreeMap<String, Program> = BTreeMap::new();
    for process in after {
        // A number may have been given to another process in between.
        let earlier = before.get(&process.id).filter(|p| p.started == process.started).map_or(0, |p| p.ticks);
        let program = programs.entry(process.program().to_owned()).or_default();
        process.program().clone_into(&mut program.name);
        program.copies += 1;
        program.ticks = program.ticks.saturating_add(process.ticks.saturating_sub(earlier));
        program.memory = program.memory.saturating_add(process.pages.saturating_mul(page));
    }
    programs
}

fn table(draft: &mut Draft, title: &str, programs: &[&Program], all: u64) {
    let row = |program: &&Program| -> Vec<Value> {
        vec![
            program.name.clone().into(),
            program.copies.into(),
            tenths(percent(program.ticks, all)).into(),
            megabytes(program.memory).into(),
        ]
    };
    let rows = programs.iter().take(ROWS).map(row).collect();
    draft.table(title, &["program", "copies", "cpu", "memory"], rows);
}

fn judge_programs(draft: &mut Draft, programs: &[&Program], all: u64, memory: u64) {
    for program in programs {
        let share = percent(program.ticks, all);
        if share >= BUSY_PERCENT {
            let values = [("program", program.name.clone().into()), ("percent", share.into())];
            let evidence = format!("/proc/*/stat: {} of {all} ticks", program.ticks);
            draft.finding(Severity::Warning, "busy-program", &values, evidence);
        }
        let share = percent(program.memory, memory);
        if share >= BIG_PERCENT {
            let values = [("program", program.name.clone().into()), ("percent", share.min(100.0).into())];
            let evidence = format!("/proc/*/stat: {} bytes of {memory}", program.memory);
            draft.finding(Severity::Warning, "big-program", &values, evidence);
        }
    }
}

/// Bytes of a line `Key: number kB`.
fn field(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    fn line(id: u64, name: &str, state: char, parent: u64, ticks: u64, pages: u64) -> String {
        format!(
            "{id} ({name}) {state} {parent} 1 1 0 -1 4194560 1 0 0 0 {ticks} 0 0 0 20 0 1 0 100 9999 {pages} 1844\n"
        )
    }

    /// Two looks, 1,000 ticks apart; memory of 1,000 pages of 1,000 bytes.
    fn inputs(before: &[String], after: &[String]) -> Inputs {
        Inputs {
            before: Snapshot { total: "cpu  0 0 0 0 0 0 0 0 0 0\n".into(), each: before.to_vec() },
            after: Snapshot { total: "cpu  400 0 100 400 100 0 0 0 0 0\n".into(), each: after.to_vec() },
            memory: 1_000_000,
            page: 1_000,
        }
    }

    fn idle() -> String {
        line(1, "systemd", 'S', 0, 0, 1)
    }

    #[test]
    fn copies_are_one_program_and_earlier_work_does_not_count() {
        let before = [line(7, "web (x)) y", 'R', 1, 5_000, 10)];
        let after = [idle(), line(7, "web (x)) y", 'R', 1, 5_100, 10), line(8, "web (x)) y", 'S', 1, 20, 5)];
        let draft = Processes::judge(inputs(&before, &after));
        let web: Vec<Value> = vec!["web (x)) y".into(), 2_u64.into(), 12.0.into(), 0_u64.into()];
        assert_eq!(draft.tables[0].rows[0], web);
        told(Processes::ID, &draft);
    }

    #[test]
    fn every_limit_below_at_and_above() {
        let stuck = |n: u64| (0..n).map(|i| line(10 + i, "cp", 'D', 1, 0, 1)).chain([idle()]).collect::<Vec<_>>();
        for (after, found) in [
            (vec![idle(), line(7, "a", 'R', 1, 499, 1)], "processes-ok"),
            (vec![idle(), line(7, "a", 'R', 1, 500, 1)], "busy-program"),
            (vec![idle(), line(7, "a", 'R', 1, 501, 1)], "busy-program"),
            (vec![idle(), line(7, "a", 'S', 1, 0, 499)], "processes-ok"),
            (vec![idle(), line(7, "a", 'S', 1, 0, 500)], "big-program"),
            (vec![idle(), line(7, "a", 'S', 1, 0, 5_000)], "big-program"),
            (stuck(WAITING - 1), "processes-ok"),
            (stuck(WAITING), "waiting-programs"),
            (stuck(WAITING + 1), "waiting-programs"),
        ] {
            assert_eq!(findings::<Processes>(inputs(&[], &after)), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let kernel: Vec<String> = (0..9).map(|i| line(20 + i, "kworker/0:1", 'D', KERNEL_THREADS, 90, 900)).collect();
        assert_eq!(Processes::judge(inputs(&[], &kernel)).tables[0].rows.len(), 1);
        all_is_said::<Processes>(vec![inputs(&[], &kernel), inputs(&[], &[idle()]), inputs(&[], &[])]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(total in ".*|cpu ([0-9]{1,25} ){0,9}", each in ".*|[0-9]* \\(.*\\) [A-Z]( [0-9]{1,25}){0,24}") {
            let look = || Snapshot { total: total.clone(), each: vec![each.clone()] };
            let inputs = Inputs { before: look(), after: look(), memory: 1, page: u64::MAX };
            told(Processes::ID, &Processes::judge(inputs));
        }
    }
}
