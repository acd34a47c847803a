//! The processes of this PC, as `/proc/<pid>/stat` tells them (proc_pid_stat(5)).
//!
//! Only what killing a tree needs. A process may vanish between two reads: what can't be read isn't there. Under a
//! `/proc` mounted with `hidepid=2` a worker's undumpable children are invisible and only the signal to the group
//! reaches them.

use std::fs;
use std::os::unix::fs::MetadataExt;

use rustix::process::Pid;

/// One process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Process {
    /// Its id.
    pub(super) pid: i32,
    /// Its parent's id.
    pub(super) parent: i32,
    /// Its session: inherited, or its own id after `setsid`. Nobody can enter another session.
    pub(super) session: i32,
    /// Clock ticks between boot and its start: with `pid` the name no other process ever has.
    pub(super) started: u64,
    /// Whether it still runs. A leader that ended its first thread and left others running shows as a zombie with more
    /// than one thread: it lives.
    pub(super) lives: bool,
    /// Threads, for the limit that counts them.
    threads: u64,
}

impl Process {
    /// The process of that id.
    pub(super) fn read(pid: i32) -> Option<Self> {
        parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The process id as the kernel takes it.
    pub(super) fn id(&self) -> Option<Pid> {
        Pid::from_raw(self.pid)
    }
}

/// All processes that can be seen.
pub(super) fn all() -> std::io::Result<Vec<Process>> {
    Ok(ids()?.filter_map(Process::read).collect())
}

/// Threads of all processes of a user: what RLIMIT_NPROC counts.
pub(super) fn threads_of(uid: u32) -> std::io::Result<u64> {
    // This very program keeps its memory private, which makes the system its owner there.
    let us = std::process::id().cast_signed();
    let own = |pid: &i32| *pid == us || fs::metadata(format!("/proc/{pid}")).is_ok_and(|folder| folder.uid() == uid);
    Ok(ids()?.filter(own).filter_map(Process::read).map(|process| process.threads).sum())
}

fn ids() -> std::io::Result<impl Iterator<Item = i32>> {
    let entries = fs::read_dir("/proc")?;
    Ok(entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()))
}

/// The name in parentheses is the process's own choice, `) R 1` included: fields count from the *last* parenthesis.
fn parse(stat: &[u8]) -> Option<Process> {
    let text = String::from_utf8_lossy(stat);
    let (head, tail) = text.rsplit_once(')')?;
    let pid = head.split_once(' ')?.0.parse().ok()?;
    let fields: Vec<&str> = tail.split_ascii_whitespace().collect();
    // proc_pid_stat(5) numbers from 1 and the state, first here, is its field 3.
    let field = |number: usize| fields.get(number - 3).copied();
    let threads = field(20)?.parse().ok()?;
    let lives = match field(3)? {
        "X" | "x" => false,
        "Z" => threads > 1,
        _ => true,
    };
    Some(Process {
        pid,
        parent: field(4)?.parse().ok()?,
        session: field(6)?.parse().ok()?,
        started: field(22)?.parse().ok()?,
        lives,
        threads,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g2_a_process_name_cannot_forge_fields() {
        let line = b"77 (a) R 1 1 1) S 70 77 60 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 9001 1 1\n";
        let process = Process { pid: 77, parent: 70, session: 60, started: 9001, lives: true, threads: 3 };
        assert_eq!(parse(line), Some(process));
    }

    #[test]
    fn g2_a_zombie_with_threads_lives() {
        let line = |state: &str, threads: u32| {
            format!("7 (x) {state} 1 7 7 0 -1 0 1 2 3 4 5 6 7 8 20 0 {threads} 0 5 1 1").into_bytes()
        };
        for (state, threads, lives) in
            [("Z", 1, false), ("Z", 2, true), ("X", 1, false), ("D", 1, true), ("T", 1, true)]
        {
            assert_eq!(parse(&line(state, threads)).map(|p| p.lives), Some(lives), "{state} {threads}");
        }
        for broken in [&b""[..], b"7", b"7 (x", b"7 (x) S", b"x (x) S 1 7 7 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 5"] {
            assert_eq!(parse(broken), None);
        }
    }

    #[test]
    fn this_process_is_there() {
        let pid = std::process::id() as i32;
        let us = Process::read(pid).unwrap();
        assert!(us.lives && all().unwrap().iter().any(|process| (process.pid, process.started) == (pid, us.started)));
        assert!(threads_of(rustix::process::geteuid().as_raw()).unwrap() >= us.threads);
    }
}
