//! `venia`: the technician's and the auditor's program.
//!
//! `main -> cli -> commands -> driver -> {relay client, session machine, record}`. The machine of a session
//! ([`venia_proto::session::console`]) decides nothing and neither does this crate: the agent on the person's PC does.
//! What this side insists on is proof: every event is verified before it is believed, every receipt against the pinned
//! root's log, and the bundle by the same verifier an auditor uses.

mod audit;
mod auditing;
mod cli;
mod clock;
mod commands;
mod driver;
mod input;
mod keeping;
mod membership;
mod obeying;
mod packs;
mod page;
mod reach;
mod seen;
mod succession;
mod trouble;
pub mod unseal;
mod voice;

use std::ffi::OsString;
use std::io::{self, BufRead};
use std::process::ExitCode;

use venia_ui::cli::Program;
use venia_ui::logs;
use venia_ui::page::{Announce, printed};

pub use audit::{NotImported, import};
pub use cli::{Audit, Cli, Command, Filters, Format, JoinArgs, Period, RunSpec, RunSpecError};

/// What a test replaces.
pub struct Parts {
    /// Where codes, invites and typed commands come from.
    pub input: Box<dyn BufRead + Send>,
    /// How the technician's page is announced.
    pub announce: Announce,
    /// Whether the desktop is asked to open it.
    pub opens: bool,
}

impl Default for Parts {
    /// The process's own standard input; the page's address on standard output and in the browser.
    fn default() -> Self {
        Self { input: Box::new(io::BufReader::new(io::stdin())), announce: printed(), opens: true }
    }
}

/// The whole program. `args`: program name first.
pub fn main(args: impl Iterator<Item = OsString>, parts: Parts) -> ExitCode {
    let cli: Cli = match venia_ui::cli::parse(args) {
        Ok(cli) => cli,
        Err(exit) => return exit.into(),
    };
    logs::logs(Program::Console);
    logs::panics_say_place_only(cli.common.words());
    commands::run(&cli, parts)
}
