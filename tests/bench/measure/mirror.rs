//! An auditor's copy of a large log, made quickly: one real session, read and opened by a real auditor, then its lines and
//! its file of words as often as wanted under other names. Listing and searching read nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::console::Joined;
use crate::harness::world::World;

/// Sessions in the copy.
pub const SESSIONS: usize = 10_000;
/// A word in every session.
const EVERYWHERE: &str = "ordinaryword";
/// A word in every thousandth: as long, so that it stands in the same place.
pub const NEEDLE: &str = "plantedword!";
/// Sessions from one with the needle to the next.
const RARE: usize = 1_000;

/// A copy of [`SESSIONS`] sessions with their words: the world it was made in, and the auditor's folder.
pub fn copy(program: &Path) -> (World, PathBuf) {
    let world = World::start(program);
    let bo = world.somebody("auditor");
    assert_eq!(bo.enroll(&world.invite_as("auditor", "Bo", 1)).0, 0);
    let (exit, said, errors) = world.run("console", &bo.data, ["audit", "key"], "");
    assert_eq!(exit, 0, "{errors}");
    world.add_auditor(said.first().expect("a recipient"));
    let ana = world.technician("Ana", 2);
    let mut agent = world.ask("pc");
    let about = ["--ask", "system", "--run", "system.memory", "--outcome", EVERYWHERE, "--next", "None."];
    let mut console = ana.joining(&agent.code(), &about);
    agent.allow();
    assert_eq!(Joined::of(&mut console).exit, 0);
    assert_eq!(agent.end(), 0);
    let (exit, _, errors) = world.run("console", &bo.data, ["audit", "search", EVERYWHERE], "");
    assert_eq!(exit, 0, "{errors}");
    let log = only(&bo.data.join("audit"));
    multiply(&log, &agent.session().to_string());
    let data = bo.data.clone();
    (world, data)
}

/// The one session of a copy, [`SESSIONS`] times.
fn multiply(log: &Path, session: &str) {
    let name = |n: usize| if n == 0 { session.to_owned() } else { format!("{n:032x}") };
    let index = log.join("index");
    let mut state: serde_json::Value = serde_json::from_slice(&fs::read(&index).expect("an index")).expect("JSON");
    let sessions = log.join(format!("sessions-{}", state["sessions"]["number"]));
    let text = fs::read_to_string(&sessions).expect("sessions");
    let line = text.lines().last().expect("a session");
    let lines: String = (0..SESSIONS).map(|n| line.replace(session, &name(n)) + "\n").collect();
    state["sessions"]["bytes"] = lines.len().into();
    state["sessions"]["lines"] = SESSIONS.into();
    fs::write(&sessions, lines).expect("room on the disk");
    fs::write(&index, state.to_string()).expect("room on the disk");
    let day = only(&log.join("words"));
    let words = fs::read(day.join(session)).expect("words");
    let at = words.windows(EVERYWHERE.len()).position(|window| window == EVERYWHERE.as_bytes()).expect("the word");
    for n in 1..SESSIONS {
        let file = day.join(name(n));
        // A copy of a file keeps what it must: only its owner reads it.
        fs::copy(day.join(session), &file).expect("room on the disk");
        if n % RARE == 0 {
            let mut planted = words.clone();
            planted[at..at + NEEDLE.len()].copy_from_slice(NEEDLE.as_bytes());
            fs::write(&file, planted).expect("room on the disk");
        }
    }
}

/// The one thing in a folder.
fn only(folder: &Path) -> PathBuf {
    fs::read_dir(folder).expect("a folder").next().expect("something in it").expect("its name").path()
}

/// How long a command over such a copy takes, from the start of the process to its end, in milliseconds.
pub fn timed(program: &Path, data: &Path, arguments: &[&str], lines: usize) -> f64 {
    let mut console = std::process::Command::new(program);
    console.args(["console", "--data"]).arg(data).args(["audit"]).args(arguments).args(["--offline", "--json"]);
    let started = std::time::Instant::now();
    let output = console.output().expect("the console");
    let took = started.elapsed();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found = output.stdout.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(found, lines, "lines of {arguments:?}");
    took.as_secs_f64() * 1e3
}

/// How many sessions hold the needle.
pub const PLANTED: usize = (SESSIONS - 1) / RARE;
