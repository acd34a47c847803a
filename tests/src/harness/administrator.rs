//! The root program of a recorded computer: the shipped code, but for the programs it starts, with nobody's rights.

use std::path::{Path, PathBuf};

use venia_helper::{Answer, Helper, Patience, Programs, Stdin, Verbs, Word, run};

/// If this file is there, cleaning says in [`BEGAN`] that it began, and goes on until it is stopped, which it says in
/// [`STOPPED`].
pub const SLOW: &str = "slow";
/// See [`SLOW`].
pub const BEGAN: &str = "began";
/// See [`SLOW`].
pub const STOPPED: &str = "stopped";
/// Where APT keeps what it downloaded.
pub const ARCHIVES: &str = "var/cache/apt/archives";

/// Serves one request on standard input.
pub fn main(root: &Path) {
    let (programs, verbs) = (Recorded(root.to_owned()), Verbs::of(&["clear-package-cache"]));
    let mut output = std::io::stdout();
    let outcome = run(&Helper { root, programs: &programs, verbs: &verbs }, &mut Stdin::new(), &mut output);
    let line = outcome.line().unwrap();
    // Nobody reads any more if it was stopped.
    let _gone = std::io::Write::write_all(&mut output, &line);
}

struct Recorded(PathBuf);

impl Programs for Recorded {
    fn run(&self, name: &str, arguments: &[&str], patience: Patience<'_>) -> Result<Answer, String> {
        assert_eq!((name, arguments), ("apt-get", ["clean"].as_slice()));
        let Patience::Until(_, caller) = patience else { panic!("it could not be stopped") };
        if self.0.join(SLOW).exists() {
            std::fs::write(self.0.join(BEGAN), "").unwrap();
            while caller.wait(20) != Word::Gone {}
            std::fs::write(self.0.join(STOPPED), "").unwrap();
            return Err("apt-get was stopped".to_owned());
        }
        for entry in std::fs::read_dir(self.0.join(ARCHIVES)).unwrap().flatten() {
            std::fs::remove_file(entry.path()).unwrap();
        }
        Ok(Answer { success: true, output: String::new() })
    }
}
