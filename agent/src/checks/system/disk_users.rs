//! `system.disk-users`: which programs read and write the disk most, watched for some seconds.
//!
//! Names and sums only, from `/proc/PID/io`, which the kernel shows of the own account's programs (of all, to the
//! administrator). Which files they are isn't looked at. It is apart from `system.processes` because no fence for files can
//! stand while it looks.

use std::collections::BTreeMap;
use std::time::Duration;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::figure::size;
use crate::checks::machine::{Machine, Unread};
use crate::checks::{Check, Failure, whole};

/// Bytes a second from which a program is felt by the others. Our choice: a quarter of what a spinning disk does in a row
/// (about 80 MB/s, as makers state for 2.5" ones).
const HEAVY: u64 = 20_000_000;
/// Most findings; the table has the rest.
const FINDINGS: usize = 3;
/// Rows of the table.
const ROWS: usize = 15;
/// Most processes that are read; a PC of a person has hundreds.
const PROCESSES_MAX: usize = 4_096;

pub(crate) struct DiskUsers;

pub(crate) struct Inputs {
    seconds: u64,
    before: Look,
    after: Look,
}

/// One look at `/proc`.
#[derive(Default)]
struct Look {
    /// Number of the process, its name and its `io`.
    seen: BTreeMap<u64, (String, String)>,
    /// Processes whose `io` isn't shown.
    hidden: u64,
}

impl Check for DiskUsers {
    const ID: &'static str = "system.disk-users";
    type Inputs = Inputs;

    fn gather(arguments: &Arguments) -> Result<Inputs, Failure> {
        let seconds = whole(arguments, "seconds")?;
        let machine = Machine::this();
        let before = Look::take(&machine);
        std::thread::sleep(Duration::from_secs(seconds));
        Ok(Inputs { seconds, before, after: Look::take(&machine) })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let seconds = inputs.seconds.max(1);
        let mut programs: BTreeMap<&str, Moved> = BTreeMap::new();
        for (id, (name, io)) in &inputs.after.seen {
            let Some(after) = Moved::parse(io) else { continue };
            // A number may have been given to another program in between: then all it moved is new.
            let before = inputs.before.seen.get(id).filter(|(earlier, _)| earlier == name);
            let before = before.and_then(|(_, io)| Moved::parse(io)).unwrap_or_default();
            let program = programs.entry(name).or_default();
            program.copies += 1;
            program.read = program.read.saturating_add(after.read.saturating_sub(before.read) / seconds);
            program.written = program.written.saturating_add(after.written.saturating_sub(before.written) / seconds);
        }
        if programs.is_empty() {
            draft.finding(Severity::Unknown, "users-unknown", &[], "/proc/*/io can't be read");
            return draft;
        }
        let sum = |of: fn(&Moved) -> u64| programs.values().map(of).fold(0, u64::saturating_add);
        draft.fact("read", sum(|moved| moved.read), "bytes");
        draft.fact("written", sum(|moved| moved.written), "bytes");
        draft.fact("hidden", inputs.after.hidden, "");
        let mut sorted: Vec<(&str, &Moved)> = programs.iter().map(|(name, moved)| (*name, moved)).collect();
        sorted.sort_by(|(a, x), (b, y)| (y.both(), a).cmp(&(x.both(), b)));
        for (name, moved) in sorted.iter().filter(|(_, moved)| moved.both() >= HEAVY).take(FINDINGS) {
            let values = [("program", (*name).into()), ("size", size(moved.both()).into())];
            let evidence = format!("/proc/*/io: {} read and {} written each second", moved.read, moved.written);
            draft.finding(Severity::Warning, "heavy-user", &values, evidence);
        }
        if draft.findings.is_empty() {
            let most = sorted.first().map_or(0, |(_, moved)| moved.both());
            draft.finding(Severity::Ok, "users-ok", &[], format!("/proc/*/io: at most {most} bytes a second"));
        }
        if inputs.after.hidden > 0 {
            let count = [("count", inputs.after.hidden.into())];
            draft.finding(Severity::Unknown, "users-hidden", &count, "/proc/*/io: permission denied");
        }
        let row = |(name, moved): &(&str, &Moved)| -> Vec<Value> {
            vec![(*name).into(), moved.copies.into(), (moved.read / 1_000).into(), (moved.written / 1_000).into()]
        };
        let rows = sorted.iter().filter(|(_, moved)| moved.both() > 0).take(ROWS).map(row).collect();
        draft.table("users", &["program", "copies", "read", "written"], rows);
        draft
    }
}

impl Look {
    fn take(machine: &Machine) -> Self {
        let mut look = Self::default();
        let processes = machine.names("/proc").into_iter().filter_map(|name| name.parse::<u64>().ok());
        for id in processes.take(PROCESSES_MAX) {
            match machine.text(&format!("/proc/{id}/io")) {
                Ok(io) => {
                    let name = machine.word(&format!("/proc/{id}/comm")).unwrap_or_default();
                    look.seen.insert(id, (name, io));
                }
                Err(Unread::Denied) => look.hidden += 1,
                // It ended in between.
                Err(Unread::Absent | Unread::Broken) => {}
            }
        }
        look
    }
}

/// Bytes that really went from and to disks (`read_bytes`, `write_bytes` of proc(5)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Moved {
    copies: u64,
    read: u64,
    written: u64,
}

impl Moved {
    fn parse(io: &str) -> Option<Self> {
        let number = |key: &str| io.lines().find_map(|line| line.strip_prefix(key)?.trim().parse::<u64>().ok());
        // What was written and deleted again before it reached the disk never went there.
        let cancelled = number("cancelled_write_bytes:").unwrap_or(0);
        let written = number("write_bytes:")?.saturating_sub(cancelled);
        Some(Self { copies: 0, read: number("read_bytes:")?, written })
    }

    fn both(&self) -> u64 {
        self.read.saturating_add(self.written)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn look(processes: &[(u64, &str, u64)], hidden: u64) -> Look {
        let io = |moved| format!("rchar: 9\nread_bytes: {moved}\nwrite_bytes: 5\ncancelled_write_bytes: 0\n");
        let seen = processes.iter().map(|(id, name, moved)| (*id, ((*name).to_owned(), io(*moved)))).collect();
        Look { seen, hidden }
    }

    fn moved(bytes: u64) -> Inputs {
        Inputs { seconds: 2, before: look(&[(7, "tar", 100)], 0), after: look(&[(7, "tar", 100 + bytes)], 0) }
    }

    #[test]
    fn bytes_each_second_below_at_and_above() {
        for (bytes, found) in
            [(0, "users-ok"), (2 * HEAVY - 2, "users-ok"), (2 * HEAVY, "heavy-user"), (2 * HEAVY + 2, "heavy-user")]
        {
            assert_eq!(findings::<DiskUsers>(moved(bytes)), [found], "{bytes}");
        }
    }

    #[test]
    fn copies_are_one_program_and_earlier_work_does_not_count() {
        let inputs = Inputs {
            seconds: 1,
            before: look(&[(7, "tar", 9_000), (8, "old", 500)], 0),
            after: look(&[(7, "tar", 12_000), (8, "tar", 1_000), (9, "idle", 0)], 3),
        };
        let draft = DiskUsers::judge(inputs);
        // What was written by the second copy is new too; of a number that changed hands, all is.
        assert_eq!(
            draft.tables[0].rows,
            [
                vec![Value::from("tar"), 2_u64.into(), 4_u64.into(), 0_u64.into()],
                vec!["idle".into(), 1_u64.into(), 0_u64.into(), 0_u64.into()]
            ]
        );
        told(DiskUsers::ID, &draft);
    }

    #[test]
    fn a_recorded_process_is_read() {
        let look = Look::take(&recorded("server-ill"));
        assert_eq!(look.seen.len(), 1);
        let (name, io) = &look.seen[&2214];
        assert_eq!(name, "mysqld");
        assert_eq!(Moved::parse(io), Some(Moved { copies: 0, read: 912_384_000, written: 712_384_000 - 4_096 }));
    }

    #[test]
    fn everything_declared_is_said() {
        let hidden = Inputs { after: look(&[(7, "tar", 100)], 9), ..moved(0) };
        let nothing = Inputs { seconds: 1, before: Look::default(), after: Look::default() };
        all_is_said::<DiskUsers>(vec![moved(9 * HEAVY), moved(0), hidden, nothing]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(name in "\\PC*", a in "(.*\n)*|((read|write|cancelled_write)_bytes: [0-9]{1,21}\n)*", b in "((read|write)_bytes: [0-9]{1,20}\n)*") {
            let look = |io: String| Look { seen: [(1, (name.clone(), io))].into(), hidden: u64::MAX };
            told(DiskUsers::ID, &DiskUsers::judge(Inputs { seconds: 0, before: look(a), after: look(b) }));
        }
    }
}
