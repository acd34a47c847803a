//! The processes of this PC, as `/proc/<pid>/stat` tells them (proc_pid_stat(5)).
//!
//! Only what killing a tree needs, with few system calls: a worker's whole life takes milliseconds. A process may vanish between two reads: what can't be read isn't there. Under a
//! `/proc` mounted with `hidepid=2` a worker's undumpable children are invisible and only the signal to the group
//! reaches them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::Pid;

/// Room for a line of `/proc/<pid>/stat`: 52 numbers of at most 20 digits, and a name of at most 64 bytes.
const LINE_MAX: usize = 1_200;

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
        let mut line = [0; LINE_MAX];
        let length = File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut line).ok()?;
        parse(&line[..length])
    }

    /// The process id as the kernel takes it.
    pub(super) fn id(&self) -> Option<Pid> {
        Pid::from_raw(self.pid)
    }
}

/// Every process that descends from this one: the children of each thread, their children, and so on. Where the kernel
/// doesn't list children (it was built without), all processes that can be seen.
///
/// Whoever ends meanwhile hands its children to us: our own are looked at until no new one is among them, so that who is
/// seen ended here has left nobody behind unseen.
pub(super) fn below_us() -> std::io::Result<Vec<Process>> {
    let us = std::process::id().cast_signed();
    if !Path::new(&format!("/proc/{us}/task/{us}/children")).exists() {
        return Ok(ids()?.filter_map(Process::read).collect());
    }
    let mut found = BTreeMap::new();
    loop {
        let before = found.len();
        let mut parents = vec![us];
        while let Some(parent) = parents.pop() {
            for child in children(parent) {
                if !found.contains_key(&child)
                    && let Some(process) = Process::read(child)
                {
                    found.insert(child, process);
                    parents.push(child);
                }
            }
        }
        if found.len() == before {
            return Ok(found.into_values().collect());
        }
    }
}

/// Children of all threads of a process (proc_tid_children(5)).
fn children(parent: i32) -> Vec<i32> {
    let threads = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split(' ').filter_map(|child| child.parse().ok()).collect::<Vec<_>>()).collect()
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
        assert!(us.lives);
        let mut child = std::process::Command::new("/bin/sleep").arg("60").spawn().unwrap();
        let below =
            |child: i32| below_us().unwrap().iter().any(|process| (process.pid, process.parent) == (child, pid));
        assert!(below(child.id() as i32));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!below(child.id() as i32));
        assert!(threads_of(rustix::process::geteuid().as_raw()).unwrap() >= us.threads);
    }
}
