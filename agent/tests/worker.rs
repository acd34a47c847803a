//! Workers against hostile workers: this program starts itself again as the thing that misbehaves.
//!
//! It has its own `main` because a worker's output must be a report and nothing else, which a test harness doesn't
//! give. The module is compiled in by path: its door without a permit is private to the agent.
//! STOP's promise is 100 ms until every process is dead; what the kernel says in `/proc` counts, not what the worker's
//! handle says. Nothing here sleeps: waiting is for something that can be seen, with a bound.
#![expect(unreachable_pub, reason = "the agent's module is private to this program")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test without the harness that clippy recognises")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what a test program says")]

#[path = "../src/worker/mod.rs"]
#[expect(dead_code, reason = "the door that takes a permit is not used here")]
#[expect(unused_imports, reason = "the module's own unit tests run in the agent's library")]
mod worker;

#[path = "hostile/mod.rs"]
mod hostile;

use std::fs;
use std::io::ErrorKind;
use std::process::{ExitCode, id};
use std::time::{Duration, Instant};

use hostile::{fence, misdeeds};
use venia_proto::catalog::Item;
use venia_proto::fences::Fences;
use venia_proto::ledger::body::Arguments;
use venia_proto::report::Value;
use worker::{
    FIRST_ARGUMENT, Fault, House, KilledBy, Order, Outcome, Program, SAID_MAX, StartError, TERM_GRACE, Worker,
};

/// STOP's promise. (MISSION R1, SECURITY G2)
const STOP_MAX: Duration = Duration::from_millis(100);
/// Bound of every wait for something that must happen at all.
const PATIENCE: Duration = Duration::from_secs(20);
/// A deadline that doesn't strike in a test.
const LONG: u32 = 60_000;
const NONE: [i32; 0] = [];
/// What misdeeds that start programs declare.
const PROGRAMS: &str = r#"{"tools":["setsid","sh","sleep"]}"#;

type Test = (&'static str, fn());
const TESTS: &[Test] = &[
    ("a_worker_reports", a_worker_reports),
    ("g1_fences_stand", g1_fences_stand),
    ("g1_an_inherited_descriptor_is_closed", g1_an_inherited_descriptor_is_closed),
    ("g2_stop_kills_within_100_ms", g2_stop_kills_within_100_ms),
    ("g2_dropping_the_handle_kills", g2_dropping_the_handle_kills),
    ("g2_a_report_does_not_save_an_orphan", g2_a_report_does_not_save_an_orphan),
    ("g2_processes_are_bounded", g2_processes_are_bounded),
    ("many_threads_fit_into_the_memory", many_threads_fit_into_the_memory),
    ("g2_workers_do_not_kill_each_other", g2_workers_do_not_kill_each_other),
    ("g4_bad_ends_are_told_apart", g4_bad_ends_are_told_apart),
    ("g4_standard_error_is_capped", g4_standard_error_is_capped),
    ("g4_what_holds_a_worker_is_compared", g4_what_holds_a_worker_is_compared),
    ("a_deadline_kills", a_deadline_kills),
    ("a_request_has_a_limit", a_request_has_a_limit),
    ("g1_nothing_undeclared_is_reached_while_gathering", fence::g1_nothing_undeclared_is_reached_while_gathering),
    ("g1_what_is_declared_is_reached", fence::g1_what_is_declared_is_reached),
    ("g1_nothing_at_all_is_reached_while_judging", fence::g1_nothing_at_all_is_reached_while_judging),
    ("g1_ways_out_kill", fence::g1_ways_out_kill),
    ("e11_venias_own_folders_are_never_read", fence::e11_venias_own_folders_are_never_read),
    ("g1_a_worker_without_its_fence_does_nothing", fence::g1_a_worker_without_its_fence_does_nothing),
    ("g1_every_item_works_behind_its_fence", hostile::catalogue::g1_every_item_works_behind_its_fence),
    ("g1_every_program_answers_behind_the_fence", hostile::catalogue::g1_every_program_answers_behind_the_fence),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == FIRST_ARGUMENT) {
        return worker::run_child(misdeeds::find, misdeeds::reach, std::path::Path::to_owned);
    }
    if arguments.first().is_some_and(|first| first == hostile::catalogue::WORKER) {
        return hostile::catalogue::work();
    }
    // The harness's own conversation, so that `cargo test NAME` and nextest work.
    if arguments.iter().any(|argument| argument == "--list") {
        if !arguments.iter().any(|argument| argument == "--ignored") {
            TESTS.iter().for_each(|(name, _)| println!("{name}: test"));
        }
        return ExitCode::SUCCESS;
    }
    let wanted: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    for (name, test) in TESTS {
        if wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str())) {
            // A panic ends the program: the line says which test it was.
            eprintln!("test {name}");
            test();
            assert_eq!(children(), NONE, "{name} left a child, or a zombie");
        }
    }
    ExitCode::SUCCESS
}

fn a_worker_reports() {
    let outcome = run("report", LONG);
    let Outcome::Done(draft) = outcome else { panic!("{outcome:?}") };
    assert_eq!(draft.facts[0].key, "greeting");
    assert_eq!(draft.facts[0].value, Value::from("hello"));
}

fn g1_fences_stand() {
    let Outcome::Done(draft) = run("look", LONG) else { panic!("no report") };
    let fact = |key: &str| draft.facts.iter().find(|fact| fact.key == key).unwrap().value.to_string();
    let limits = fact("limits");
    let limit = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(limit("Max core file size"), ["0", "0"]);
    assert_eq!(limit("Max file size"), ["0", "0"]);
    assert_eq!(limit("Max open files"), ["64", "64"]);
    assert_eq!(limit("Max cpu time"), ["62", "62"]);
    assert_eq!(limit("Max address space"), ["1073741824", "1073741824"]);
    assert!(limit("Max processes").iter().all(|most| most.parse::<u64>().is_ok()));
    assert!(fact("status").lines().any(|line| line == "NoNewPrivs:\t1"));
    assert_eq!(fact("environment"), "LANG=C.UTF-8 MALLOC_ARENA_MAX=1");
    assert_eq!(fact("arguments"), FIRST_ARGUMENT);
    assert_eq!(fact("folder"), "/");
    assert_eq!(fact("descriptors"), "0 1 2");
    assert_eq!(fact("leads"), "session group");
    assert_eq!(fact("dumpable"), "false");
}

fn g1_an_inherited_descriptor_is_closed() {
    // Without close-on-exec, as a careless terminal leaves one open in everything it starts.
    let file = fs::File::open("/etc/passwd").unwrap();
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).unwrap();
    let Outcome::Done(draft) = run("look", LONG) else { panic!("no report") };
    assert!(draft.facts.iter().any(|fact| fact.key == "descriptors" && fact.value == Value::from("0 1 2")));
}

fn g2_stop_kills_within_100_ms() {
    // On an old PC, where a child may leave session and group, and behind the fence.
    let (old, fenced) = (house(Fences::NONE), house(worker::probe()));
    for (house, what, processes) in [
        (&fenced, "hang", 0),
        (&fenced, "allocate-slowly", 0),
        (&fenced, "flood-stderr", 0),
        (&fenced, "ignore-signals", 1),
        (&fenced, "leave-quietly", 1),
        (&fenced, "stop-itself", 0),
        (&fenced, "fork-for-ever", 8),
        (&fenced, "outrun", 0),
        (&old, "hang", 0),
        (&old, "ignore-signals", 1),
        (&old, "double-fork", 1),
        (&old, "hide-in-a-group", 1),
        (&old, "fork-for-ever", 8),
        (&old, "outrun", 0),
    ] {
        runtime().block_on(async {
            let mark = mark(what);
            let mut worker = start_in(house, what, LONG, &mark);
            until(what, || marked(&mark).len() > processes).await;
            let stopped = Instant::now();
            worker.kill();
            let outcome = worker.outcome().await;
            until(what, || marked(&mark).is_empty()).await;
            let took = stopped.elapsed();
            assert_eq!(outcome, Outcome::Killed(KilledBy::Stop), "{what}");
            assert!(took < STOP_MAX, "{what} took {took:?}");
        });
    }
}

fn g2_dropping_the_handle_kills() {
    runtime().block_on(async {
        let mark = mark("dropped");
        let worker = start_in(&house(Fences::NONE), "double-fork", LONG, &mark);
        until("start", || marked(&mark).len() > 1).await;
        drop(worker);
        until("end", || marked(&mark).is_empty() && children().is_empty()).await;
    });
}

fn g2_a_report_does_not_save_an_orphan() {
    let mark = mark("orphan");
    let outcome =
        runtime().block_on(async { start_in(&house(Fences::NONE), "report-and-leave", LONG, &mark).outcome().await });
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    assert_eq!(marked(&mark), NONE);
}

/// The kernel exempts root, so this one worker gives root up before it forks.
fn g2_processes_are_bounded() {
    let outcome = run("count-forks", LONG);
    let Outcome::Done(draft) = outcome else { panic!("{outcome:?}") };
    let Value::Integer(forks) = draft.facts[0].value else { panic!("{draft:?}") };
    assert!((1..1_000).contains(&forks), "{forks} forks");
}

fn many_threads_fit_into_the_memory() {
    let outcome = run("many-threads", LONG);
    let Outcome::Done(draft) = outcome else { panic!("{outcome:?}") };
    assert_eq!(draft.facts[0].value, Value::Integer(misdeeds::THREADS as i64));
}

fn g2_workers_do_not_kill_each_other() {
    runtime().block_on(async {
        let (first, second) = (mark("first"), mark("second"));
        let mut stopped = start("hang", LONG, &first);
        let mut other = start("hang-with-child", LONG, &second);
        until("start", || !marked(&first).is_empty() && marked(&second).len() > 1).await;
        stopped.kill();
        assert_eq!(stopped.outcome().await, Outcome::Killed(KilledBy::Stop));
        assert_eq!(marked(&second).len(), 2);
        other.kill();
        assert_eq!(other.outcome().await, Outcome::Killed(KilledBy::Stop));
        assert_eq!(other.outcome().await, Outcome::Killed(KilledBy::Stop), "asked twice");
    });
}

fn g4_bad_ends_are_told_apart() {
    const ABORT: i32 = 6;
    for (what, fault) in [
        ("flood", Fault::Flood),
        ("flood-by-one", Fault::Flood),
        ("end-early", Fault::NotAReport),
        ("long-line", Fault::NotAReport),
        ("garbage", Fault::NotAReport),
        ("nothing", Fault::NotAReport),
        ("extra-field", Fault::NotAReport),
        ("close-pipe", Fault::ClosedPipe),
        ("crash", Fault::Signal(ABORT)),
        ("allocate", Fault::Signal(ABORT)),
        ("panic", Fault::Exit(101)),
        ("fail", Fault::Check),
        ("no-such-check", Fault::UnknownItem),
    ] {
        let outcome = run(what, LONG);
        let Outcome::Failed(failure) = outcome else { panic!("{what}: {outcome:?}") };
        assert_eq!(failure.fault, fault, "{what}: {failure:?}");
    }
    assert!(matches!(run("at-the-limit", LONG), Outcome::Done(_)));
}

fn g4_standard_error_is_capped() {
    let Outcome::Failed(failure) = run("say-and-fail", LONG) else { panic!("no failure") };
    assert_eq!((failure.fault, failure.said.raw().len()), (Fault::Check, SAID_MAX));
}

fn g4_what_holds_a_worker_is_compared() {
    let Outcome::Failed(failure) = run("claim-less", LONG) else { panic!("no failure") };
    assert_eq!(failure.fault, Fault::Unfenced);
}

fn a_deadline_kills() {
    const DEADLINE: Duration = Duration::from_millis(300);
    let begun = Instant::now();
    assert_eq!(run("hang", 300), Outcome::Killed(KilledBy::Deadline));
    assert!(begun.elapsed() >= DEADLINE);
    // Who stopped itself doesn't hear TERM, and is killed once its grace is over.
    let begun = Instant::now();
    assert_eq!(run("stop-itself", 300), Outcome::Killed(KilledBy::Deadline));
    assert!(begun.elapsed() >= DEADLINE + TERM_GRACE);
}

fn a_request_has_a_limit() {
    runtime().block_on(async {
        let long = Arguments::from([("mark".to_owned(), "x".repeat(worker::REQUEST_MAX))]);
        let refused = Order::for_item(&house(Fences::NONE), &item("report", LONG, "{}"), &long).start();
        assert!(matches!(refused, Err(StartError::TooLong)));
        let mut missing = house(Fences::NONE);
        missing.program.path = "/nonexistent".into();
        let refused = Order::for_item(&missing, &item("report", LONG, "{}"), &Arguments::new()).start();
        assert!(matches!(refused, Err(StartError::Spawn(error)) if error.kind() == ErrorKind::NotFound));
    });
}

/// Runs an item to its end.
fn run(what: &str, deadline_ms: u32) -> Outcome {
    let mark = mark(what);
    runtime().block_on(async { start(what, deadline_ms, &mark).outcome().await })
}

fn start(what: &str, deadline_ms: u32, mark: &str) -> Worker {
    start_in(&house(worker::probe()), what, deadline_ms, mark)
}

fn start_in(house: &House, what: &str, deadline_ms: u32, mark: &str) -> Worker {
    let arguments = Arguments::from([("mark".to_owned(), mark.to_owned())]);
    Order::for_item(house, &item(what, deadline_ms, PROGRAMS), &arguments).start().unwrap()
}

fn house(fences: Fences) -> House {
    let program = Program { path: std::env::current_exe().unwrap(), first_argument: FIRST_ARGUMENT.into() };
    House::new(program, fences, None, &[])
}

fn item(what: &str, deadline_ms: u32, needs: &str) -> Item {
    let text = r#"{"en":"x","es":"x"}"#;
    Item::parse(&format!(
        r#"{{"id":"system.{what}","area":"system","effect":"reads","level":1,"personal":false,"title":{text},
        "discloses":{text},"parameters":[],"cannot":{{"en":"It changes nothing","es":"No cambia nada"}},"platforms":["linux"],"needs":{needs},"output_max":65536,"deadline_ms":{deadline_ms},"facts":{{}},"tables":{{}},"findings":{{}}}}"#
    ))
    .unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A number that `sleep` accepts as seconds and that no other process has among its arguments.
fn mark(what: &str) -> String {
    let place = what.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    format!("86400.{}{place}", id())
}

/// Living processes that show the mark, and workers of ours: a worker's own arguments say nothing.
fn marked(mark: &str) -> Vec<i32> {
    let descends = |pid: i32| worker_of(pid).is_some_and(|tag| tag == mark);
    all().filter(|pid| shows(*pid, mark) || descends(*pid)).collect()
}

/// The mark a worker wrote as its own name, for it has no marked argument.
fn worker_of(pid: i32) -> Option<String> {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    let tag = name.trim_end().strip_prefix("w-")?;
    (alive(pid)).then(|| format!("86400.{}{tag}", id()))
}

fn shows(pid: i32, mark: &str) -> bool {
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    arguments.split(|byte| *byte == 0).any(|argument| argument == mark.as_bytes()) && alive(pid)
}

fn alive(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .ok()
        .and_then(|stat| stat.rsplit_once(')').map(|(_, tail)| !tail.starts_with(" Z") && !tail.starts_with(" X")))
        .unwrap_or(false)
}

/// All our children, zombies included.
fn children() -> Vec<i32> {
    let parent = |pid: i32| -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    all().filter(|pid| parent(*pid) == Some(id())).collect()
}

fn all() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Looks again and again, with a bound.
async fn until(what: &str, mut seen: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !seen() {
        assert!(Instant::now() < end, "{what}: not seen in time");
        tokio::task::yield_now().await;
    }
}
