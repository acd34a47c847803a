//! Opens an address in the person's browser, where there is a display.

use std::process::{Command, Stdio};

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// The desktop took it.
    Yes,
    /// There is no display, or nothing that opens addresses: the person has to.
    No,
}

/// The desktop's own way (xdg-utils). Its window system is found through the environment, like the browser's own settings.
const PROGRAM: &str = "/usr/bin/xdg-open";

/// Asks the desktop to open it. Doesn't wait for the browser.
pub fn open(address: &str) -> Opened {
    let display =
        ["WAYLAND_DISPLAY", "DISPLAY"].into_iter().any(|name| std::env::var_os(name).is_some_and(|at| !at.is_empty()));
    if !display {
        return Opened::No;
    }
    let mut program = Command::new(PROGRAM);
    program.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match program.spawn() {
        Ok(mut child) => {
            // It ends once the browser has the address; nobody waits for that, and it leaves no zombie.
            std::thread::spawn(move || child.wait());
            Opened::Yes
        }
        Err(error) => {
            tracing::debug!(%error, "no browser could be opened");
            Opened::No
        }
    }
}
