//! `venia`, the shipped program, run by a test.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::process::Process;
use super::weather::Storm;
use super::world::World;

/// A technician's folder.
pub struct Technician<'a> {
    world: &'a World,
    /// The folder.
    pub data: PathBuf,
}

/// What a `join --json` said.
#[derive(Debug)]
pub struct Joined {
    /// Its exit code.
    pub exit: i32,
    /// Its lines.
    pub said: Vec<Value>,
    /// Its standard error.
    pub errors: String,
}

impl World {
    /// Somebody with an own folder, not enrolled.
    pub fn somebody(&self, folder: &str) -> Technician<'_> {
        Technician { world: self, data: self.folder().join(folder) }
    }

    /// An enrolled technician.
    pub fn technician(&self, name: &str, level: u8) -> Technician<'_> {
        let technician = self.somebody(&format!("console-{name}"));
        let (exit, _, errors) = technician.enroll(&self.invite_word(name, level));
        assert_eq!(exit, 0, "{errors}");
        technician
    }

    /// An enrolled technician who reaches the relay through this box alone.
    pub fn technician_through(&self, storm: &Storm, name: &str, level: u8) -> Technician<'_> {
        storm.lead_to(SocketAddr::new(storm.at.ip(), self.really_listening().port()));
        let mut invite = self.invite(name, level);
        invite.relay.at = storm.at.to_string().parse().unwrap();
        let technician = self.somebody(&format!("console-{name}"));
        let (exit, _, errors) = technician.enroll(&invite.word());
        assert_eq!(exit, 0, "{errors}");
        technician
    }
}

impl<'a> Technician<'a> {
    /// Where it is.
    pub(super) fn world(&self) -> &'a World {
        self.world
    }
    /// `venia enroll - --json`: exit code, the object it printed, standard error.
    pub fn enroll(&self, invite: &str) -> (i32, Value, String) {
        let (exit, lines, errors) = self.world.run("console", &self.data, ["enroll", "-", "--json"], invite);
        (exit, serde_json::from_str(&lines.concat()).unwrap_or_default(), errors)
    }

    /// `venia join - --json`, with these further arguments.
    pub fn join(&self, code: &str, arguments: &[&str]) -> Joined {
        let mut process = self.joining(code, arguments);
        Joined::of(&mut process)
    }

    /// The same, still running.
    pub fn joining(&self, code: &str, arguments: &[&str]) -> Process {
        let mut process = self.waiting(arguments);
        process.say(code);
        process
    }

    /// The same, waiting for its code.
    pub fn waiting(&self, arguments: &[&str]) -> Process {
        let given = ["join", "-", "--json", "--reason", "To look."].into_iter().chain(arguments.iter().copied());
        self.world.spawn("console", &self.data, given)
    }
}

impl Joined {
    /// Waits for the end of a `join`.
    pub fn of(process: &mut Process) -> Self {
        let exit = process.exit();
        let said = process.printed().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        Self { exit, said, errors: process.errors() }
    }

    /// The lines of one event.
    pub fn events(&self, name: &str) -> Vec<&Value> {
        self.said.iter().filter(|line| line["event"] == name).collect()
    }

    /// The one error: its kind; panics unless a sentence and a hint came with it, on both outputs.
    pub fn error(&self) -> &str {
        let errors = self.events("error");
        assert_eq!(errors.len(), 1, "{self:#?}");
        for key in ["message", "hint"] {
            let sentence = errors[0][key].as_str().unwrap_or_default();
            assert!(sentence.len() > 10, "{self:#?}");
            // The terminal wraps lines; words stay in their order.
            let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(flat(&self.errors).contains(&flat(sentence)), "{self:#?}");
        }
        errors[0]["kind"].as_str().unwrap()
    }
}

/// Everything below a folder that contains these bytes, in any file.
pub fn files_with(folder: &Path, needle: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let bytes = std::fs::read(entry.path()).unwrap_or_default();
                if bytes.windows(needle.len()).any(|window| window == needle) {
                    found.push(entry.path());
                }
            }
        }
    }
    found
}
