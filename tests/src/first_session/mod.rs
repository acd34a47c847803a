//! `cargo try`: relay, agent and console as real processes on this computer, talking QUIC over loopback.
//!
//! One program that re-executes itself in each role, so that nothing else has to be built. The first argument tells the
//! role: `relay`, `agent`, `agent-yes`, `console`, or the worker's own; tests also use `agent-scripted`. Everything the
//! shipped programs do is done by their own code; only people are added: one who says yes for `--yes`, one who passes the
//! code on, since here nobody reads it aloud, and one a test answers for.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use venia_agent::helper::Door;
use venia_agent::person::page::Page;
use venia_agent::person::terminal::Terminal;
use venia_agent::person::{Medium, Person};
use venia_agent::worker::FIRST_ARGUMENT;
use venia_proto::fences::Fences;
use venia_ui::cli::{Common, parse};
use venia_ui::failure::Exit;

use crate::harness::administrator;
use crate::harness::scripted::Scripted;

mod guide;
mod pages;
mod people;
mod processes;

/// Names the file an agent's person passes the code through; only this program's own roles read it.
const CODE_FILE: &str = "VENIA_TRY_CODE_FILE";

/// Names the folder that a test's agent takes for the whole computer; only `agent-scripted` reads it.
pub const MACHINE: &str = "VENIA_TRY_MACHINE";
/// Tells a test's agent, once it is set, that this PC can't fence workers in; only `agent-scripted` reads it.
pub const UNFENCED: &str = "VENIA_TRY_UNFENCED";
/// Names the program that a test's agent starts its workers from; only `agent-scripted` reads it.
pub const WORKER: &str = "VENIA_TRY_WORKER";
/// How the first argument of the workers of a recorded computer begins.
const WORKER_AT: &str = "worker-at:";
/// How the first argument of its root program begins.
const HELPER_AT: &str = "helper-at:";
/// Without this file on the recorded computer, its root program isn't installed.
pub const HELPER: &str = "usr/libexec/venia-helper";

/// A first session on this computer: relay, agent and console, talking to each other
#[derive(Debug, clap::Parser)]
#[command(name = "cargo try", version)]
pub struct Cli {
    /// `--lang`, `--data`, `--json`.
    #[command(flatten)]
    pub common: Common,
    /// Let a scripted person answer yes to everything
    #[arg(long)]
    pub yes: bool,
    /// Open two pages in the browser, side by side: play the person on one and the technician on the other
    #[arg(long, conflicts_with_all = ["yes", "json"])]
    pub pages: bool,
    /// Keep everything in this folder, which must be new or empty
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// Plays the role the first argument names, or guides through a session.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let role = args.get(1).and_then(|role| role.to_str()).unwrap_or_default().to_owned();
    // What the role's own program would see as its arguments.
    let own = || args.iter().take(1).chain(args.iter().skip(2)).cloned().collect::<Vec<_>>();
    match role.as_str() {
        FIRST_ARGUMENT => venia_agent::main(args, venia_agent::Parts::shipped()),
        "relay" => venia_relay::cli::main(own()),
        "console" => venia_console::main(own().into_iter(), venia_console::Parts::default()),
        "agent" => venia_agent::main(own(), agent_parts(false)),
        "agent-yes" => venia_agent::main(own(), agent_parts(true)),
        "agent-scripted" => {
            let person: venia_agent::FindPerson = Box::new(|_, medium| {
                Ok(match medium {
                    Medium::Terminal => Box::new(Scripted),
                    Medium::Page => Box::new(Page::shipped()),
                })
            });
            let mut parts = venia_agent::Parts { person, ..venia_agent::Parts::shipped() };
            if let Some(worker) = std::env::var_os(WORKER) {
                parts.program.path = worker.into();
            }
            if let Some(machine) = std::env::var_os(MACHINE) {
                let mut first = OsString::from(WORKER_AT);
                first.push(&machine);
                parts.program.first_argument = first;
                parts.door = recorded_door(&machine);
            }
            if std::env::var_os(UNFENCED).is_some() {
                parts.probe = || Fences::NONE;
            }
            venia_agent::main(own(), parts)
        }
        role if role.starts_with(HELPER_AT) => {
            administrator::main(Path::new(&role[HELPER_AT.len()..]));
            ExitCode::SUCCESS
        }
        role if role.starts_with(WORKER_AT) => {
            venia_agent::checks::pretend(PathBuf::from(&role[WORKER_AT.len()..]));
            let mut parts = venia_agent::Parts::shipped();
            parts.program.first_argument = OsString::from(role);
            venia_agent::main(args, parts)
        }
        _ => match parse::<Cli>(args) {
            Ok(cli) => guide::run(&cli),
            Err(exit) => exit.into(),
        },
    }
}

/// The root program of a recorded computer, without anybody's rights and without a password.
fn recorded_door(machine: &OsStr) -> Door {
    let mut role = OsString::from(HELPER_AT);
    role.push(machine);
    let needs = vec![(Path::new(machine).join(HELPER), "venia-helper")];
    Door { command: vec!["/proc/self/exe".into(), role], needs }
}

fn agent_parts(yes: bool) -> venia_agent::Parts {
    let code_file = std::env::var_os(CODE_FILE).map(PathBuf::from);
    let person: venia_agent::FindPerson = Box::new(move |words, medium| {
        let person: Box<dyn Person> = match medium {
            Medium::Page => Box::new(Page::shipped()),
            Medium::Terminal if yes => Box::new(people::SaysYes),
            Medium::Terminal => Box::new(Terminal::stdio(words)?),
        };
        Ok(match &code_file {
            Some(file) => Box::new(people::PassesTheCodeOn { person, file: file.clone() }),
            None => person,
        })
    });
    venia_agent::Parts { person, ..venia_agent::Parts::shipped() }
}

/// Refuses a folder that holds something already: a first session must not meet another one's keys.
fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}

/// The exit code of a guide.
fn code(done: bool) -> ExitCode {
    if done { Exit::Done.into() } else { Exit::Refused.into() }
}
