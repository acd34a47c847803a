//! What another process costs, by the kernel's own accounting.

use std::fs;
use std::time::Duration;

use nix::time::ClockId;
use nix::unistd::Pid;

use crate::harness::process::Process;

/// Processor time of it so far: every thread, those that have ended too, user and kernel, to the nanosecond
/// (clock_getcpuclockid(3)). Its children aren't in it.
pub fn cpu(process: &Process) -> Duration {
    let clock = ClockId::pid_cpu_clock_id(Pid::from_raw(process.pid().as_raw_pid())).expect("it lives");
    clock.now().expect("it lives").into()
}

/// Memory, shared pages counted by their share, in bytes (proc(5), `Pss`).
pub fn memory(process: &Process) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", process.pid().as_raw_pid())).expect("it lives");
    let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).expect("a figure");
    pss.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).expect("kilobytes") * 1024
}
