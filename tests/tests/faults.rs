//! The real agent on a disk that fails at one write after another, killed at one recorded step after another, and cut off
//! from its relay at each: never executed without a receipt on disk, nothing damaged, the session ends once in the log, and
//! its record verifies after the next start. (LEDGER section 8)
//!
//! By lot from `VENIA_SEED`; `VENIA_FAULTS=all cargo test -p venia-tests --test faults` tries every write and every step.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test that can't go on fails")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use venia_agent::archive::Archive;
use venia_agent::journal::{Journals, Mark, Record};
use venia_proto::id::{Leaf, SessionId};
use venia_proto::ledger::event::Event;
use venia_proto::ledger::kind::{Cause, Kind, Status};
use venia_proto::ledger::verify::{Finding, Roots, verify};
use venia_tests::harness::PATIENCE;
use venia_tests::harness::agent::Agent;
use venia_tests::harness::console::{Joined, Technician};
use venia_tests::harness::faulty::{Fault, has_failed};
use venia_tests::harness::process::{Heard, Process};
use venia_tests::harness::world::World;
use venia_tests::programs;
use venia_tests::sim::random::Random;

/// Faults of each kind without the long mode.
const TRIES: usize = 3;
/// No session of these tests makes so many calls of one kind in one thread.
const CALLS_MAX: usize = 200;
/// After so long without a word somebody looks what became of the other.
const QUIET: Duration = Duration::from_secs(5);
/// The how manieth write of a relay it is that keeps a yes from being confirmed: both sides wait then.
const AFTER_THE_ARRIVAL: usize = 30;
/// How often a journal is looked at.
const LOOK: Duration = Duration::from_millis(1);

const ABOUT: [&str; 8] =
    ["--ask", "system", "--run", "system.memory", "--outcome", "Looked at memory.", "--next", "Nothing."];

fn all() -> bool {
    std::env::var("VENIA_FAULTS").is_ok_and(|mode| mode == "all")
}

/// Some of the numbers from 1, or all of them.
fn some(last: usize, random: &mut Random) -> Vec<usize> {
    if all() {
        return (1..=last).collect();
    }
    let chosen: BTreeSet<usize> = (0..TRIES).map(|_| random.between(1, last as u64) as usize).collect();
    chosen.into_iter().collect()
}

fn random() -> Random {
    Random::new(std::env::var("VENIA_SEED").map_or(1, |seed| seed.parse().unwrap()))
}

/// Answers whatever the person is asked, with a technician at the other end, until the agent has ended.
fn carry_on(ana: &Technician<'_>, agent: &mut Agent) -> i32 {
    let mut console: Option<Process> = None;
    let mut heard = Instant::now();
    loop {
        match agent.process.listen(QUIET) {
            Heard::Line(line) => {
                heard = Instant::now();
                let said: Value = serde_json::from_str(&line).unwrap_or_default();
                if let Some(code) = said["feed"].as_str().and_then(|line| line.strip_prefix("code: ")) {
                    console = Some(ana.joining(code, &ABOUT));
                }
                reply(agent, &said);
            }
            // The technician didn't get through and has gone: the person needn't wait for the code to run out.
            Heard::Nothing if console.as_mut().is_none_or(Process::has_ended) => agent.process.say("stop"),
            Heard::Nothing => assert!(heard.elapsed() < PATIENCE, "silent for too long: {:?}", agent.process.printed()),
            Heard::End => break,
        }
    }
    // Whoever lost its peer may wait longer than we care.
    drop(console);
    agent.process.exit()
}

/// The same, where somebody else has the code.
fn answer(agent: &mut Agent) -> i32 {
    while let Some(line) = agent.process.next_line() {
        reply(agent, &serde_json::from_str(&line).unwrap_or_default());
    }
    agent.process.exit()
}

/// Yes to everything.
fn reply(agent: &mut Agent, said: &Value) {
    match said["asked"].as_str() {
        Some("arrival") => agent.process.say("yes"),
        Some("consent") => agent.process.say("allow"),
        Some("sign") => agent.process.say("sign"),
        Some("free") => agent.process.say("skip"),
        Some(_) | None => {}
    }
}

/// Every session of a PC: its records in the order they were written. One whose first batch never got through is none.
fn journals(data: &Path) -> Vec<(SessionId, Vec<Record>)> {
    let journals = Journals::open(data).unwrap();
    let read = |session| journals.read(session).map(|replay| (session, replay.records));
    let all: Vec<_> = journals.sessions().unwrap().into_iter().filter_map(|session| read(session).ok()).collect();
    all.into_iter().filter(|(_, records)| !records.is_empty()).collect()
}

/// No result of anything that may have run stands before the receipt of its admit.
fn never_executed_without_a_receipt(what: &str, data: &Path) {
    for (_, records) in journals(data) {
        let mut receipted: BTreeSet<Leaf> = BTreeSet::new();
        for record in records {
            if let Record::Receipt { leaf, .. } = &record {
                receipted.insert(*leaf);
            }
            let Record::Event { note, .. } = &record else { continue };
            let event = Event::parse(&note.0).unwrap();
            if let Kind::Result { admit, status } = event.header().kind {
                assert!(receipted.contains(&admit) || status == Status::Lost, "{what}: {status:?} without a receipt");
            }
        }
    }
}

/// After the next start every session of this PC has ended once, in the log too, and verifies. How many there are.
fn completed(what: &str, world: &World, pc: &str, data: &Path) -> usize {
    let mut again = world.ask(pc);
    again.code();
    again.process.say("stop");
    assert_eq!(again.process.exit(), 1, "{what}");
    well(what, &again);
    let sessions = journals(data);
    let mut closed = 0;
    for (session, records) in &sessions {
        let replay = Journals::open(data).unwrap().read(*session).unwrap();
        let Ok(archive) = Archive::read(&replay) else { continue };
        let kinds: Vec<_> = archive.events.iter().map(|(event, _)| event.header().kind.clone()).collect();
        if !records.iter().any(|record| matches!(record, Record::Receipt { .. })) {
            // The log never took its open, and a relay that has started anew no longer knows that a member came for it.
            let begun = kinds.iter().any(|kind| matches!(kind, Kind::Consent { .. } | Kind::Admit { .. }));
            assert!(!begun, "{what}: a card without a receipt: {kinds:?}");
            assert!(records.contains(&Record::Mark(Mark::NeverBegan)), "{what}: offered for ever");
            continue;
        }
        let count = |wanted: fn(&Kind) -> bool| kinds.iter().filter(|kind| wanted(kind)).count();
        let ends = (count(|kind| matches!(kind, Kind::Open { .. })), count(|kind| matches!(kind, Kind::Close { .. })));
        assert_eq!(ends, (1, 1), "{what}: {kinds:?}");
        let bundle = data.join(format!("session-{session}.zip"));
        let zip = std::fs::read(&bundle).unwrap_or_else(|error| panic!("{what}: {}: {error}", bundle.display()));
        let verdict = verify(&zip, Roots { named: Some(world.address.root), known: &[] });
        assert_eq!(verdict.verdict, Finding::Intact, "{what}: {verdict:?}");
        closed += 1;
    }
    closed
}

fn well(what: &str, agent: &Agent) {
    let errors = agent.process.errors();
    assert!(!errors.contains("panicked") && !errors.contains("ERROR"), "{what}: {errors}");
}

/// The person was told, in a sentence of ours.
fn said_why(what: &str, agent: &Agent) {
    let told = format!("{}\n{}", agent.process.printed().join("\n"), agent.process.errors());
    assert!(["disk", "record", "folder", "kept", "keep"].iter().any(|word| told.contains(word)), "{what}: {told}");
}

/// One kind of call, failing at its first, second, third … time, until a whole session gets by without it.
fn failing(call: &'static str, error: &'static str, ever_after: bool) {
    let world = World::start(programs!());
    let ana = world.technician("Ana", 3);
    // Without a failure: how many there are to fail, asked of a fault that never comes.
    let mut random = random();
    let (mut tried, mut left) = (0, if all() { (1..CALLS_MAX).collect() } else { some(8, &mut random) });
    left.reverse();
    while let Some(nth) = left.pop() {
        let (what, pc) = (format!("{call} {nth} fails with {error}, {ever_after}"), format!("pc-{nth}"));
        let mut agent = world.ask_with(&pc, Fault { call, error, nth, ever_after });
        let exit = carry_on(&ana, &mut agent);
        well(&what, &agent);
        never_executed_without_a_receipt(&what, &agent.data);
        if has_failed(&agent.data) {
            tried += 1;
            if exit != 0 {
                assert_eq!(exit, 1, "{what}");
                said_why(&what, &agent);
            }
        } else {
            assert_eq!(exit, 0, "{what}: nothing failed");
            left.clear();
        }
        completed(&what, &world, &pc, &agent.data);
    }
    eprintln!("{call}: {tried} failures");
    assert!(tried > 0, "{call} never failed");
}

#[test]
fn a_disk_that_loses_a_sync() {
    failing("fdatasync", "EIO", false);
}

#[test]
fn a_disk_that_is_gone() {
    failing("fdatasync", "EIO", true);
}

#[test]
fn a_disk_that_refuses_a_write() {
    failing("pwrite64", "EIO", false);
}

#[test]
fn a_disk_that_is_full_at_a_write() {
    failing("pwrite64", "ENOSPC", true);
}

#[test]
fn a_disk_that_promises_no_room() {
    failing("fallocate", "ENOSPC", true);
}

#[test]
fn a_folder_that_is_not_written() {
    failing("fsync", "EIO", false);
}

/// A relay whose disk fails under a session: nothing is receipted that isn't stored, so what was receipted is in the log
/// that is there after a restart, and the record verifies against it.
#[test]
fn a_relays_disk_that_fails() {
    let mut world = World::start(programs!());
    let mut random = random();
    let kinds = [("fdatasync", "EIO", false), ("pwrite64", "EIO", false), ("pwrite64", "ENOSPC", true)];
    let mut tried = 0;
    for (call, error, ever_after) in kinds {
        let by_lot = some(if all() { 40 } else { 12 }, &mut random).into_iter().take(if all() { 40 } else { 2 });
        for nth in by_lot.chain((ever_after && !all()).then_some(AFTER_THE_ARRIVAL)) {
            let what = format!("the relay's {call} {nth} fails with {error}, {ever_after}");
            let pc = format!("pc-{call}-{error}-{nth}");
            let data = {
                let ana = world.technician(&format!("Ana {call} {error} {nth}"), 3);
                let Some(mut failing) = world.fail_relay(Fault { call, error, nth, ever_after }) else { return };
                let mut agent = world.ask(&pc);
                let exit = carry_on(&ana, &mut agent);
                failing.signal(Signal::TERM);
                failing.exit();
                assert!(exit == 0 || exit == 1, "{what}: {exit}");
                well(&what, &agent);
                never_executed_without_a_receipt(&what, &agent.data);
                agent.data.clone()
            };
            tried += usize::from(has_failed(&world.relay_data));
            assert!(!world.relay.errors().contains("panicked"), "{what}: {}", world.relay.errors());
            world.kill_relay();
            world.restart_relay();
            completed(&what, &world, &pc, &data);
        }
    }
    eprintln!("{tried} failures");
    assert!(tried > 0);
}

/// A relay that records nothing more once somebody was let in: the yes is never confirmed, and the technician never gets it.
/// Nothing runs, and both sides end by themselves and are told why.
#[test]
fn a_relay_that_stops_recording_ends_the_session_on_both_sides() {
    let mut world = World::start(programs!());
    let (data, fault) = (world.pc("pc"), Fault { call: "pwrite64", error: "ENOSPC", nth: 1, ever_after: true });
    {
        let ana = world.technician("Ana", 3);
        let mut agent = world.ask("pc");
        let mut console = ana.joining(&agent.code(), &ABOUT);
        agent.answer("arrival", "yes");
        agent.asked("consent");
        let Some(mut failing) = world.fail_relay(fault) else { return };
        agent.process.say("allow");
        // Each waits for its program at most `PATIENCE`; nobody says stop.
        let joined = Joined::of(&mut console);
        assert_eq!(joined.exit, 1, "{joined:#?}");
        let closed = joined.events("closed");
        assert_eq!(closed[0]["by"], "relay-withholds", "{joined:#?}");
        agent.answer("sign", "not now");
        assert_eq!(agent.process.exit(), 1);
        let told = agent.told().join("\n");
        assert!(told.contains("has not confirmed the record in time"), "{told}");
        assert!(told.contains("kept no record"), "{told}");
        assert_eq!(agent.closed(), (Cause::RelayWithholds, Cause::RelayWithholds));
        assert!(!agent.kinds().iter().any(|kind| matches!(kind, Kind::Result { .. })), "{:?}", agent.kinds());
        well("stopped recording", &agent);
        failing.signal(Signal::TERM);
        failing.exit();
    }
    world.kill_relay();
    world.restart_relay();
    assert_eq!(completed("stopped recording", &world, "pc", &data), 1);
}

/// A relay that never recorded the beginning, and then forgets that somebody came: told once, and never offered again.
#[test]
fn a_session_that_never_began() {
    let mut world = World::start(programs!());
    let data = {
        let ana = world.technician("Ana", 3);
        let fault = Fault { call: "pwrite64", error: "ENOSPC", nth: 1, ever_after: true };
        let Some(mut failing) = world.fail_relay(fault) else { return };
        let mut agent = world.ask("pc");
        assert_eq!(carry_on(&ana, &mut agent), 1);
        failing.signal(Signal::TERM);
        failing.exit();
        agent.data.clone()
    };
    assert_eq!(journals(&data).len(), 1, "kept here");
    world.kill_relay();
    world.restart_relay();
    for told in [true, false] {
        let mut again = world.ask("pc");
        again.code();
        again.process.say("stop");
        assert_eq!(again.process.exit(), 1);
        let printed = again.process.printed().join("\n");
        assert_eq!(printed.contains("never began"), told, "{printed}");
        well("never began", &again);
        assert!(Journals::open(&data).unwrap().unfinished().unwrap().is_empty());
    }
}

/// A technician's disk that fails: the session is on record all the same, and what lies in their folder is a record or
/// nothing, never half of one.
#[test]
fn a_technicians_disk_that_fails() {
    let world = World::start(programs!());
    let mut random = random();
    let mut tried = 0;
    for (call, error) in [("fsync", "EIO"), ("fdatasync", "EIO"), ("rename", "ENOSPC")] {
        for nth in some(if all() { 30 } else { 4 }, &mut random).into_iter().take(if all() { 30 } else { 2 }) {
            let what = format!("the console's {call} {nth} fails with {error}");
            let ana = world.technician(&format!("Ana {call} {nth}"), 3);
            let mut agent = world.ask(&format!("pc-{call}-{nth}"));
            let fault = Fault { call, error, nth, ever_after: true };
            let mut console = ana.joining_with(&agent.code(), &ABOUT, fault);
            let exit = answer(&mut agent);
            assert!(exit == 0 || exit == 1, "{what}: {exit}");
            let (ended, errors) = (console.exit(), console.errors());
            assert!(!errors.contains("panicked") && !errors.contains("ERROR"), "{what}: {errors}");
            if has_failed(&ana.data) {
                tried += 1;
                assert!(ended == 1 || ended == 0, "{what}: {ended} {errors}");
                assert!(ended == 0 || errors.len() > 20, "{what}: {errors}");
            } else {
                assert_eq!(ended, 0, "{what}: nothing failed, {errors}");
            }
            agent.assert_intact();
            let records = std::fs::read_dir(ana.data.join("sessions")).into_iter().flatten().flatten();
            for record in records.filter(|file| file.path().extension().is_some_and(|ending| ending == "zip")) {
                let zip = std::fs::read(record.path()).unwrap();
                let verdict = verify(&zip, Roots { named: Some(world.address.root), known: &[] });
                assert_ne!(verdict.verdict, Finding::Broken, "{what}: {verdict:?}");
            }
        }
    }
    eprintln!("{tried} failures");
    assert!(tried > 0);
}

/// Sends SIGKILL once some journal of this PC has so many lines. Ends when it did, or when told to.
struct Death {
    over: Arc<AtomicBool>,
    waiting: Option<thread::JoinHandle<bool>>,
}

impl Death {
    fn at(line: usize, data: &Path, victim: Pid) -> Self {
        let (over, journal) = (Arc::new(AtomicBool::new(false)), data.join("journal"));
        let told = over.clone();
        let waiting = thread::spawn(move || {
            while !told.load(Ordering::SeqCst) {
                if lines(&journal) >= line {
                    return kill_process(victim, Signal::KILL).is_ok();
                }
                thread::sleep(LOOK);
            }
            false
        });
        Self { over, waiting: Some(waiting) }
    }

    /// Whether it came.
    fn came(&mut self) -> bool {
        self.over.store(true, Ordering::SeqCst);
        self.waiting.take().is_some_and(|waiting| waiting.join().unwrap())
    }
}

/// Lines of the longest journal in a folder.
fn lines(journal: &Path) -> usize {
    let Ok(sessions) = std::fs::read_dir(journal) else { return 0 };
    let files = sessions.flatten().filter_map(|session| std::fs::read_dir(session.path()).ok());
    let count = |bytes: Vec<u8>| bytes.iter().filter(|byte| **byte == b'\n').count();
    files.flatten().flatten().filter_map(|file| std::fs::read(file.path()).ok()).map(count).max().unwrap_or(0)
}

/// A whole session, and how many lines its journal has.
fn steps(world: &World, ana: &Technician<'_>) -> usize {
    let mut agent = world.ask("pc-whole");
    assert_eq!(carry_on(ana, &mut agent), 0);
    agent.assert_intact();
    let steps = lines(&agent.data.join("journal"));
    assert!(steps > 8, "{steps} lines");
    steps
}

#[test]
fn killed_at_each_recorded_step() {
    let world = World::start(programs!());
    let ana = world.technician("Ana", 3);
    let steps = steps(&world, &ana);
    let mut killed = 0;
    for line in some(steps, &mut random()) {
        let (what, pc) = (format!("killed at line {line} of {steps}"), format!("pc-{line}"));
        let mut agent = world.ask(&pc);
        let mut death = Death::at(line, &agent.data, agent.process.pid());
        let exit = carry_on(&ana, &mut agent);
        let came = death.came();
        assert!(exit == if came { -9 } else { 0 } || line >= steps, "{what}: {exit}");
        killed += usize::from(came);
        never_executed_without_a_receipt(&what, &agent.data);
        completed(&what, &world, &pc, &agent.data);
    }
    eprintln!("{killed} killed");
    assert!(killed > 0);
}

#[test]
fn cut_off_at_each_recorded_step() {
    let mut world = World::start(programs!());
    let steps = steps(&world, &world.technician("Ana", 3));
    for line in some(steps, &mut random()) {
        let (what, pc) = (format!("cut off at line {line} of {steps}"), format!("pc-{line}"));
        let data = {
            let ana = world.technician(&format!("Ana {line}"), 3);
            let mut agent = world.ask(&pc);
            let mut death = Death::at(line, &agent.data, world.relay.pid());
            let exit = carry_on(&ana, &mut agent);
            assert!(exit == 0 || exit == 1, "{what}: {exit}");
            death.came();
            well(&what, &agent);
            never_executed_without_a_receipt(&what, &agent.data);
            agent.data.clone()
        };
        world.kill_relay();
        world.restart_relay();
        completed(&what, &world, &pc, &data);
    }
}
