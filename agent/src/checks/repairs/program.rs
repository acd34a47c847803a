//! `system.own-programs` and `system.end-process`: one of the person's own programs that takes too much memory, ended.
//!
//! Only from the list that was shown, and only the very same process: its number and the moment of its start are the plan,
//! and the signal goes through a pidfd whose start was compared, never to a number that may be somebody else's by now. What
//! the desktop stands on, and Venia itself, isn't on the list.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use venia_proto::catalog::PLAN;
use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::{Check, Failure, Repair, State};
use crate::checks::machine::Machine;
use crate::checks::whole;

/// Programs on the list.
const LISTED: usize = 10;
/// How long a program may take to save and end, once it was asked to; then it is ended without being asked.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long the kernel may take to end it.
const DYING: Duration = Duration::from_secs(2);
/// Whoever ends one of these ends the person's whole session. Cut at 15 letters, as the system cuts them.
const NEVER: [&str; 23] = [
    "(sd-pam)",
    "Xorg",
    "Xwayland",
    "at-spi-bus-laun",
    "cinnamon",
    "cinnamon-sessio",
    "dbus-broker",
    "dbus-daemon",
    "gnome-session-b",
    "gnome-shell",
    "kwin_wayland",
    "kwin_x11",
    "lxqt-session",
    "marco",
    "mate-session",
    "plasmashell",
    "sshd",
    "startplasma-way",
    "startplasma-x11",
    "sway",
    "systemd",
    "xfce4-session",
    "xfwm4",
];

pub(super) struct OwnPrograms;
pub(super) struct EndProcess;

/// What the preview judges: the list, and whose place on it was asked about.
pub(super) struct Inputs {
    programs: Vec<Program>,
    place: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    bytes: u64,
    name: String,
    pid: i32,
    parent: i32,
    /// Clock ticks between boot and its start.
    started: u64,
}

impl Check for OwnPrograms {
    const ID: &'static str = "system.own-programs";
    type Inputs = Inputs;

    fn gather(arguments: &Arguments) -> Result<Inputs, Failure> {
        let place = usize::try_from(whole(arguments, "place")?).map_err(|_| Failure::Argument("place"))?;
        Ok(Inputs { programs: own(&Machine::this()), place })
    }

    fn judge(Inputs { programs, place }: Inputs) -> Draft {
        let mut draft = Draft::default();
        let row = |(n, program): (usize, &Program)| -> Vec<Value> {
            vec![(n as u64 + 1).into(), program.name.clone().into(), program.bytes.into()]
        };
        let Some(chosen) = place.checked_sub(1).and_then(|n| programs.get(n)) else {
            draft.finding(
                Severity::Unknown,
                "no-such-program",
                &[],
                format!("{} programs, place {place}", programs.len()),
            );
            return draft;
        };
        draft.fact("program", chosen.name.clone(), "");
        draft.fact("bytes", chosen.bytes, "bytes");
        draft.fact(PLAN, chosen.plan(), "");
        let rows = programs.iter().take(LISTED).enumerate().map(row).collect();
        draft.table("others", &["place", "program", "memory-bytes"], rows);
        let values = [("place", (place as u64).into()), ("program", chosen.name.clone().into())];
        draft.finding(Severity::Ok, "program-chosen", &values, format!("/proc/{}/stat", chosen.pid));
        draft
    }
}

impl Repair for EndProcess {
    const ID: &'static str = "system.end-process";
    const COLUMNS: [&'static str; 3] = ["what", "before-bytes", "after-bytes"];
    type Seen = Option<Program>;

    fn look(arguments: &Arguments) -> Result<Result<Self::Seen, String>, Failure> {
        let plan = arguments.get(PLAN).ok_or(Failure::Argument(PLAN))?;
        // Its place on the list may be another by now; what was shown is the process.
        Ok(Ok(own(&Machine::this()).into_iter().find(|program| program.plan() == *plan)))
    }

    fn plan(seen: &Self::Seen) -> Option<String> {
        seen.as_ref().map(Program::plan)
    }

    fn state(seen: &Self::Seen) -> State {
        let bytes = seen.as_ref().map_or(0, |program| program.bytes);
        let rows = seen.iter().map(|program| (program.name.clone(), program.bytes.into())).collect();
        State { total: Some((bytes.into(), "bytes")), rows }
    }

    fn perform(seen: &Self::Seen, _: &Arguments) -> Result<(), String> {
        seen.as_ref().map_or(Ok(()), |program| end(&Machine::this(), program, PATIENCE))
    }
}

impl Program {
    fn plan(&self) -> String {
        // Without its name: that is the person's own choice, and a plan is a public word.
        format!("{} {}", self.pid, self.started)
    }
}

/// The account's own programs, the largest first, without those that are never ended.
fn own(machine: &Machine) -> Vec<Program> {
    let user = rustix::process::getuid().as_raw();
    let page = rustix::param::page_size() as u64;
    let numbers = machine.names("/proc").into_iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    let theirs = numbers.filter(|pid| {
        std::fs::metadata(machine.path(&format!("/proc/{pid}"))).is_ok_and(|folder| folder.uid() == user)
    });
    let all: Vec<Program> =
        theirs.filter_map(|pid| program(&machine.text(&format!("/proc/{pid}/stat")).ok()?, page)).collect();
    endable(all, i32::try_from(std::process::id()).unwrap_or(0))
}

fn endable(mut all: Vec<Program>, us: i32) -> Vec<Program> {
    // We, and whoever started us: the agent and the terminal it runs in.
    let mut ours = BTreeSet::new();
    let mut next = Some(us);
    while let Some(pid) = next.filter(|pid| *pid > 1 && ours.insert(*pid)) {
        next = all.iter().find(|program| program.pid == pid).map(|program| program.parent);
    }
    all.retain(|program| {
        !ours.contains(&program.pid) && !NEVER.contains(&program.name.as_str()) && !program.name.starts_with("venia")
    });
    all.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.pid.cmp(&b.pid)));
    all
}

/// proc_pid_stat(5). The name in parentheses is the program's own choice: fields count from the *last* one.
fn program(stat: &str, page: u64) -> Option<Program> {
    let (head, tail) = stat.rsplit_once(')')?;
    let (pid, name) = head.split_once(" (")?;
    let fields: Vec<&str> = tail.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).copied();
    if matches!(field(3)?, "Z" | "X" | "x") {
        return None;
    }
    let pages: u64 = field(24)?.parse().ok()?;
    let name = name.chars().map(|c| if c.is_control() { '?' } else { c }).take(16).collect();
    let (pid, parent, started) = (pid.parse().ok()?, field(4)?.parse().ok()?, field(22)?.parse().ok()?);
    Some(Program { bytes: pages.saturating_mul(page), name, pid, parent, started })
}

/// Asks it to end, and ends it if it doesn't.
fn end(machine: &Machine, program: &Program, patience: Duration) -> Result<(), String> {
    let handle = Pid::from_raw(program.pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    let Some(handle) = handle else { return Ok(()) };
    // Of the process behind the handle, whatever has its number: compared after it was opened.
    let stat = machine.text(&format!("/proc/{}/stat", program.pid)).unwrap_or_default();
    if self::program(&stat, 1).is_none_or(|now| now.started != program.started) {
        return Ok(());
    }
    for (signal, wait) in [(Signal::TERM, patience), (Signal::KILL, DYING)] {
        if pidfd_send_signal(&handle, signal).is_err() {
            return Err("the system refuses to end it".to_owned());
        }
        let seconds = i64::try_from(wait.as_secs()).unwrap_or(i64::MAX);
        let wait = Timespec { tv_sec: seconds, tv_nsec: i64::from(wait.subsec_nanos()) };
        if poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&wait)).is_ok_and(|ended| ended > 0) {
            return Ok(());
        }
    }
    Err("it does not end: it waits for a device".to_owned())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, told};

    fn stat(pid: i32, name: &str, parent: i32, started: u64, pages: u64) -> String {
        format!("{pid} ({name}) S {parent} 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 {started} 99 {pages} 1")
    }

    fn of(pid: i32, name: &str, parent: i32, pages: u64) -> Program {
        program(&stat(pid, name, parent, 5, pages), 4096).unwrap()
    }

    #[test]
    fn a_name_cannot_forge_fields() {
        let program = program(&stat(7, "a) R 1 1 (b", 1, 9, 2), 4096).unwrap();
        assert_eq!((program.pid, program.parent, program.started, program.bytes), (7, 1, 9, 8192));
    }

    #[test]
    fn what_the_desktop_stands_on_and_we_ourselves_are_never_listed() {
        let all = vec![
            of(10, "systemd", 1, 900),
            of(20, "gnome-shell", 10, 800),
            of(30, "bash", 20, 700),
            of(40, "venia-agent", 30, 600),
            of(50, "venia-agent", 40, 500),
            of(60, "firefox", 20, 400),
            of(70, "gimp", 20, 450),
        ];
        let names: Vec<String> = endable(all, 50).into_iter().map(|program| program.name).collect();
        assert_eq!(names, ["gimp", "firefox"], "bash started the agent");
    }

    #[test]
    fn only_the_very_process_that_was_shown_is_ended() {
        let mut child = Command::new("/usr/bin/sleep").arg("60").stdin(Stdio::null()).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let machine = Machine::at(std::path::Path::new("/"));
        let real = program(&machine.text(&format!("/proc/{pid}/stat")).unwrap(), 1).unwrap();
        let earlier = Program { started: real.started - 1, ..real.clone() };
        end(&machine, &earlier, PATIENCE).unwrap();
        assert!(child.try_wait().unwrap().is_none(), "another process of that number is left alone");
        end(&machine, &real, PATIENCE).unwrap();
        assert!(child.wait().unwrap().code().is_none());
        end(&machine, &real, PATIENCE).unwrap();
    }

    #[test]
    fn a_program_that_does_not_listen_is_ended_all_the_same() {
        let script = "trap '' TERM; echo ready; while :; do sleep 1; done";
        let mut child = Command::new("/bin/sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = [0; 6];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
        let machine = Machine::at(std::path::Path::new("/"));
        let real = program(&machine.text(&format!("/proc/{}/stat", child.id())).unwrap(), 1).unwrap();
        end(&machine, &real, Duration::from_millis(50)).unwrap();
        assert!(child.wait().unwrap().code().is_none());
    }

    #[test]
    fn everything_declared_is_said() {
        let inputs = |place| Inputs { programs: vec![of(60, "firefox", 20, 400), of(70, "gimp", 20, 4)], place };
        all_is_said::<OwnPrograms>(vec![inputs(1), inputs(2), inputs(3), inputs(0)]);
        let draft = OwnPrograms::judge(inputs(2));
        assert_eq!(told(OwnPrograms::ID, &draft).plan(), Some("70 5"));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in ".*[(].*[)]( [0-9A-Z-]{1,20}){0,30}") {
            program(&text, 4096);
        }
    }
}
