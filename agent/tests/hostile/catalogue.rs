//! Every item of the catalogue, and every program that items may ask, behind the fence and without: what they can tell
//! must be the same. A test of this PC: what isn't installed here is shown elsewhere.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, ExitCode, Stdio};

use venia_agent::{checks, known};
use venia_proto::catalog::{Catalog, Item};
use venia_proto::fences::Fences;
use venia_proto::ledger::body::{Arguments, ItemId};
use venia_proto::report::{Draft, Severity};

use crate::runtime;
use crate::worker::{self, House, Order, Outcome, Program, Reach};

/// The first argument of a worker that runs the agent's own checks.
pub const WORKER: &str = "worker-of-the-catalogue";
/// How a program ends that answered.
const OK: &str = "exit status: 0";
/// Ends a trace.
const END: &[u8] = b"\nend of trace\n";
/// Not in the catalogue: asks one program of the table.
const ASK: &str = "system.ask-a-program";

type Judge = Box<dyn FnOnce() -> Draft>;
type Gather = Box<dyn FnOnce(&Arguments) -> Result<Judge, String>>;

/// As the agent does.
pub fn work() -> ExitCode {
    let find = |item: &ItemId, tools: &[String], _: Option<&str>| -> Option<Gather> {
        if item.0 == ASK {
            return Some(Box::new(ask));
        }
        let check = checks::find(item)?;
        checks::declare(tools);
        Some(Box::new(move |arguments| {
            check.gather(arguments).map(|judge| judge as Judge).map_err(|failure| failure.to_string())
        }))
    };
    let reach = |name: &str| checks::reach(name).map(|(programs, reads)| Reach { programs, reads });
    worker::run_child(find, reach, checks::place)
}

/// Asks a program, and says how it ended and how many lines it said.
fn ask(arguments: &Arguments) -> Result<Judge, String> {
    let mut command = Command::new(&arguments["program"]);
    command.args(arguments["arguments"].split_whitespace()).env_clear().env("LANG", "C.UTF-8").stdin(Stdio::null());
    let output = command.output().map_err(|error| error.to_string())?;
    let mut draft = Draft::default();
    draft.fact("status", output.status.to_string(), "");
    draft.fact("lines", output.stdout.iter().filter(|byte| **byte == b'\n').count() as u64, "");
    draft.fact("error", String::from_utf8_lossy(&output.stderr).into_owned(), "");
    Ok(Box::new(|| draft))
}

/// Programs of the table, with something harmless to ask them, and whom they talk to.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("aplay", "-l", ""),
    ("apt-get", "-s -qq -o Debug::NoLocking=1 upgrade", ""),
    ("apt-mark", "showhold", ""),
    ("arecord", "-l", ""),
    ("busctl", "--system --no-pager list", "services"),
    ("chronyc", "tracking", "services network"),
    ("coredumpctl", "--no-pager list", ""),
    ("dmidecode", "-t 0", ""),
    ("dpkg", "--audit", ""),
    ("dpkg-query", "-W", ""),
    ("ethtool", "lo", "kernel"),
    ("findmnt", "-J", ""),
    ("getent", "passwd root", "services"),
    ("ip", "-j address", "kernel"),
    ("iptables-save", "", "kernel"),
    ("iw", "dev", "kernel"),
    ("journalctl", "--no-pager -n 1", ""),
    ("last", "-n 1", ""),
    ("lastb", "-n 1", ""),
    ("loginctl", "--no-pager list-sessions", "services"),
    ("lpstat", "-r", "services network"),
    ("lsblk", "-J", ""),
    ("mokutil", "--sb-state", ""),
    ("nft", "list tables", "kernel"),
    ("nmcli", "-t general", "services"),
    ("ping", "-c 1 127.0.0.1", "network"),
    ("resolvectl", "--no-pager status", "services"),
    ("rpm", "-qa", ""),
    ("scanimage", "-L", "services network"),
    ("smartctl", "--scan", ""),
    ("ss", "-tln", "kernel"),
    ("systemctl", "--no-pager --version", "services"),
    ("systemd-analyze", "--no-pager time", "services"),
    ("timedatectl", "--no-pager", "services"),
    ("udisksctl", "status", "services"),
    ("upower", "-e", "services"),
];

pub fn g1_every_program_answers_behind_the_fence() {
    let fences = worker::probe();
    let mut wrong = Vec::new();
    for (name, arguments, talks) in PROGRAMS {
        let Some((programs, _)) = checks::reach(name) else { continue };
        let talks: Vec<String> = talks.split_whitespace().map(|talk| format!("{talk:?}")).collect();
        let needs = format!(r#"{{"tools":["{name}"],"talks":[{}]}}"#, talks.join(","));
        let item = crate::item("ask-a-program", 30_000, &needs);
        let program = programs[0].display().to_string();
        let arguments = [("program", program.as_str()), ("arguments", arguments)];
        let arguments: Arguments = arguments.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let said = |fences| {
            let outcome = run_with(&house(fences), &item, &arguments);
            let Outcome::Done(draft) = outcome else { return (format!("{outcome:?}"), false, String::new()) };
            let fact = |key: &str| draft.facts.iter().find(|fact| fact.key == key).unwrap().value.to_string();
            (fact("status"), fact("lines") != "0", fact("error"))
        };
        let free = said(Fences::NONE);
        // What can't answer here at all can't be compared: no such device, no service to ask, a file it would write.
        if free.0 != OK {
            continue;
        }
        eprintln!("  {name} answers here");
        let fenced = said(fences);
        if (&free.0, free.1) != (&fenced.0, fenced.1) {
            wrong.push(format!("{name}: {free:?} {fenced:?}\n{}", refused(&house(fences), &item, &arguments)));
        }
    }
    assert!(wrong.is_empty(), "the fence takes something away:\n{}", wrong.join("\n"));
}

fn house(fences: Fences) -> House {
    let program = Program { path: std::env::current_exe().unwrap(), first_argument: WORKER.into() };
    House::new(program, fences, known::person_home(), &[])
}

pub fn g1_every_item_works_behind_its_fence() {
    let fences = worker::probe();
    assert!(fences.are_enough(), "{fences:?}");
    let mut wrong = Vec::new();
    for item in Catalog::built_in().items() {
        let (free, fenced) = (run(&house(Fences::NONE), item), run(&house(fences), item));
        let lost = match (&free, &fenced) {
            // What an interval brings is another thing each time; what can't be known then is not.
            (Outcome::Done(free), Outcome::Done(fenced)) if samples(item) => {
                unknown(fenced).difference(&unknown(free)).cloned().collect()
            }
            (Outcome::Done(free), Outcome::Done(fenced)) => lost(free, fenced),
            (Outcome::Done(_), broken) => BTreeSet::from([format!("{broken:?}")]),
            // What fails without a fence fails for another reason.
            (Outcome::Failed(_) | Outcome::Killed(_), _) => BTreeSet::new(),
        };
        if !lost.is_empty() {
            wrong.push(format!(
                "{}: {lost:?}\n{}",
                item.id.0,
                refused(&house(fences), item, &item.arguments(&Arguments::new()).unwrap())
            ));
        }
    }
    assert!(wrong.is_empty(), "the fence takes something away:\n{}", wrong.join("\n"));
}

fn run(house: &House, item: &Item) -> Outcome {
    run_with(house, item, &item.arguments(&Arguments::new()).unwrap())
}

fn run_with(house: &House, item: &Item, arguments: &Arguments) -> Outcome {
    runtime().block_on(async { Order::for_item(house, item, arguments).start().unwrap().outcome().await })
}

/// Whether what it looks at depends on what happens meanwhile.
fn samples(item: &Item) -> bool {
    item.parameters.iter().any(|parameter| parameter.name == "seconds")
}

fn unknown(draft: &Draft) -> BTreeSet<String> {
    let unknown = draft.findings.iter().filter(|finding| finding.severity == Severity::Unknown);
    unknown.map(|finding| format!("unknown {}", finding.id)).collect()
}

/// What only the one without a fence could tell, and what only the one behind it doesn't know.
fn lost(free: &Draft, fenced: &Draft) -> BTreeSet<String> {
    let told = |draft: &Draft| -> BTreeSet<String> {
        let facts = draft.facts.iter().map(|fact| format!("fact {}", fact.key));
        let tables = draft.tables.iter().filter(|table| !table.rows.is_empty());
        facts.chain(tables.map(|table| format!("table {}", table.title))).collect()
    };
    let new: BTreeSet<String> = unknown(fenced).difference(&unknown(free)).cloned().collect();
    new.union(&told(free).difference(&told(fenced)).cloned().collect()).cloned().collect()
}

/// The system calls that were refused behind the fence, as strace(1) saw them; to be read by whoever mends `needs`.
fn refused(house: &House, item: &Item, arguments: &Arguments) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (trace, script) = (folder.path().join("trace"), folder.path().join("worker"));
    let this = std::env::current_exe().unwrap();
    // The tracer is the grandchild: the worker stays the agent's own child.
    let strace = format!("strace -D -f -qq -o {} {}", trace.display(), this.display());
    // A shell adds to the environment, and a worker wants none.
    let text = format!("#!/bin/sh\nexec env -i LANG=C.UTF-8 {strace} \"$@\"\n");
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let program = Program { path: script, first_argument: OsString::from(WORKER) };
    // A worker writes no files, and neither does what it is started with; a pipe is none.
    rustix::fs::mkfifoat(rustix::fs::CWD, &trace, rustix::fs::Mode::from(0o600)).unwrap();
    let mut pipe = fs::OpenOptions::new().read(true).write(true).open(&trace).unwrap();
    let reader = std::thread::spawn(move || {
        let (mut text, mut piece) = (Vec::new(), [0; 65_536]);
        while !text.ends_with(END) {
            let length = pipe.read(&mut piece).unwrap();
            text.extend_from_slice(&piece[..length]);
        }
        String::from_utf8_lossy(&text).into_owned()
    });
    let outcome = run_with(&House { program, ..house.clone() }, item, arguments);
    fs::OpenOptions::new().write(true).open(&trace).unwrap().write_all(END).unwrap();
    let trace = reader.join().unwrap();
    assert!(trace.len() > END.len(), "no trace: is strace(1) installed? {outcome:?}");
    if !matches!(outcome, Outcome::Done(_)) {
        return format!("the traced one ended otherwise: {outcome:?}");
    }
    let after = trace.lines().skip_while(|line| !line.contains("landlock_restrict_self") && !line.contains("seccomp("));
    after
        .filter(|line| line.contains("EACCES") || line.contains("EPERM") || line.contains("SIGSYS"))
        .collect::<Vec<_>>()
        .join("\n")
}
