//! The agent on the person's PC: the only place where consent is given and where anything runs.
//!
//! `main -> cli -> commands -> driver -> {relay client, person, worker, journal}`; those four never see one another.
//! The rules are [`venia_proto::session::agent`]'s; this crate does what it orders and reports what happened.

#[cfg(not(target_os = "linux"))]
compile_error!("Venia is built and tested on Linux only, so far: nobody has run it on Windows or macOS.");

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use venia_proto::fences::Fences;
use venia_proto::ledger::body::{Arguments, ItemId};
use venia_ui::cli::{Program, parse};
use venia_ui::failure::{Exit, Failure};
use venia_ui::logs;
use venia_ui::terminal::Screen;
use venia_ui::words::Words;

pub mod archive;
pub mod checks;
pub mod cli;
pub mod commands;
pub mod driver;
pub mod helper;
pub mod journal;
pub mod known;
pub mod owner;
pub mod packs;
pub mod person;
pub mod redact;
pub mod seal;
pub mod submit;
pub mod succession;
pub mod worker;

use cli::{Cli, Command};
use person::page::Page;
use person::terminal::Terminal;
use person::{Medium, Person};

/// File of this PC's key in its data folder.
pub(crate) const KEY_FILE: &str = "key";
/// Kind of key, as its name in notes begins.
pub(crate) const KEY_KIND: &str = "device";

/// Brings the person, or says why there is none.
pub type FindPerson = Box<dyn Fn(&Words, Medium) -> Result<Box<dyn Person>, Failure>>;

/// What a test replaces.
pub struct Parts {
    /// Who answers.
    pub person: FindPerson,
    /// The program a worker re-executes.
    pub program: worker::Program,
    /// How the root program is started.
    pub door: helper::Door,
    /// What the owner of the whole PC never allows.
    pub policy: PathBuf,
    /// Finds out what this PC can fence workers in with.
    pub probe: fn() -> Fences,
}

impl Parts {
    /// The shipped program's: a person at a terminal or a page, and itself.
    pub fn shipped() -> Self {
        Self {
            person: Box::new(|words, medium| match medium {
                Medium::Terminal => Ok(Box::new(Terminal::stdio(words)?)),
                Medium::Page => Ok(Box::new(Page::shipped())),
            }),
            program: worker::Program::this(),
            door: helper::Door::shipped(),
            policy: owner::SYSTEM.into(),
            probe: worker::probe,
        }
    }
}

/// Runs the agent. A worker is told apart before anything else: it closes every descriptor it inherited.
pub fn main(args: impl IntoIterator<Item = OsString>, parts: Parts) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if args.get(1).is_some_and(|first| *first == *parts.program.first_argument) {
        let find = |item: &ItemId, tools: &[String], described: Option<&str>| {
            let described = match described {
                Some(written) => Some(checks::find_described(written)?),
                None => None,
            };
            let ours = checks::find(item).filter(|_| described.is_none());
            checks::declare(tools);
            (described.is_some() || ours.is_some()).then_some(move |arguments: &Arguments| {
                let gathered = match (described, ours) {
                    (Some(described), _) => described(arguments),
                    (None, Some(check)) => check.gather(arguments),
                    (None, None) => Err(checks::Failure::Argument("item")),
                };
                gathered.map_err(|failure| failure.to_string())
            })
        };
        let reach = |name: &str| checks::reach(name).map(|(programs, reads)| worker::Reach { programs, reads });
        return worker::run_child(find, reach, checks::place);
    }
    match parse::<Cli>(args) {
        Ok(cli) => run(cli, parts),
        Err(exit) => exit.into(),
    }
}

fn run(cli: Cli, parts: Parts) -> ExitCode {
    let Cli { common, command } = cli;
    logs::logs(Program::Agent);
    logs::panics_say_place_only(common.words());
    keep_memory_private();
    let screen = common.screen();
    // One thread: a worker dies with the thread that started it, and an agent that waits should cost nothing.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(async {
            // Started without a word: by somebody who clicked on it.
            match command.unwrap_or_else(|| Command::Ask(cli::Ask::on_a_page())) {
                Command::Ask(ask) => commands::ask::ask(ask, &common, parts).await,
                Command::Redact(redact) => commands::redact::redact(&redact, &common),
                Command::History => commands::records::history(&common),
                Command::Show { session } => commands::records::show(session, &common),
                Command::Export { session, file, withhold } => {
                    commands::records::export(session, &file, &withhold, &common).await
                }
                Command::Sign { session, correct, reopen } => {
                    let what = commands::sign::Wish::of(correct, reopen);
                    commands::sign::sign(session, what, &common, parts).await
                }
            }
        }),
        Err(error) => {
            tracing::error!(%error, "no runtime");
            Ok(Exit::Refused)
        }
    };
    said(ended, &screen)
}

fn said(ended: Result<Exit, Failure>, screen: &Screen) -> ExitCode {
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => screen.fail(&failure),
    }
}

/// A crash must not write keys and openings to a file (SECURITY H3), and no other program of the person, a worker least of
/// all, reads them out of this one.
fn keep_memory_private() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    // Fails only where it is zero already and can't be raised.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "other programs may look into this one");
    }
}
