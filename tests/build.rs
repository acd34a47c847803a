//! Tells somebody who waits in front of a terminal why the first `cargo try` is silent for a while.
//!
//! Cargo captures what build scripts print, and `cargo try` is quiet; so this goes to the terminal itself, once per
//! build folder. Where there is no terminal (continuous integration, pipes) nobody is told.

use std::io::Write as _;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Ok(mut terminal) = std::fs::OpenOptions::new().write(true).open("/dev/tty") {
        let spanish = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
            .is_some_and(|locale| locale.starts_with("es"));
        let line = if spanish {
            "Venia: la primera vez se compila todo; tarda unos cinco minutos con dos núcleos. Después empieza enseguida."
        } else {
            "Venia: the first time, everything is compiled; about five minutes on two cores. After that it starts at once."
        };
        // A terminal that can't be written to has nobody in front of it.
        let _ = writeln!(terminal, "{line}");
    }
}
