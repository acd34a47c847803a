//! What the command lines of all three programs share: `--lang`, `--data`, `--json` before and after the subcommand,
//! where data lives, and how wrong use ends. (COMMANDS.md, first paragraph)

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use etcetera::BaseStrategy;
use venia_proto::ledger::body::Language;

use crate::failure::{Exit, Failure, Trouble};
use crate::terminal::Screen;
use crate::words::{Words, choose};

/// Options of every command. Flatten it into the program's own parser.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct Common {
    /// Language: en or es [default: the system's, else en]
    #[arg(long, global = true, value_name = "en|es", hide_possible_values = true, value_parser = language())]
    pub lang: Option<Language>,
    /// Folder for keys and records [default: the platform's place]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Print JSON for scripts
    #[arg(long, global = true)]
    pub json: bool,
}

/// One of the three programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Program {
    /// `venia-relay`.
    Relay,
    /// `venia-agent`.
    Agent,
    /// `venia`.
    Console,
}

impl Program {
    /// The name people type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Relay => "venia-relay",
            Self::Agent => "venia-agent",
            Self::Console => "venia",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Relay => "venia/relay",
            Self::Agent => "venia/agent",
            Self::Console => "venia/console",
        }
    }
}

impl Common {
    /// The language asked for, else the system's, else English.
    pub fn language(&self) -> Language {
        choose(self.lang, sys_locale::get_locales())
    }

    /// The sentences in that language.
    pub fn words(&self) -> Words {
        Words::new(self.language())
    }

    /// The screen for these options.
    pub fn screen(&self) -> Screen {
        Screen::new(self.words(), self.json)
    }

    /// Where the program keeps its data: `--data`, else (relay) systemd's `STATE_DIRECTORY`, else the platform's
    /// place. Absolute; not made yet.
    pub fn folder(&self, program: Program) -> Result<PathBuf, Failure> {
        let state = std::env::var_os("STATE_DIRECTORY");
        let platform = || {
            let strategy = etcetera::base_strategy::choose_native_strategy().ok()?;
            Some(strategy.data_dir())
        };
        place(program, self.data.as_deref(), state.as_deref(), platform)
            .and_then(|folder| std::path::absolute(folder).ok())
            .ok_or_else(|| Failure::of(Trouble::NoHome, &self.words()))
    }
}

/// Parses a program's arguments, program name first. `Err` is the exit of a program that has nothing left to do:
/// [`Exit::Done`] after `--help`, [`Exit::WrongUse`] after wrong use, said on stderr (and as `{"error":…}` on stdout
/// with `--json`).
pub fn parse<P: clap::Parser>(args: impl IntoIterator<Item = OsString>) -> Result<P, Exit> {
    let args: Vec<OsString> = args.into_iter().collect();
    P::try_parse_from(&args).map_err(|error| refuse(&error, &args))
}

fn refuse(error: &clap::Error, args: &[OsString]) -> Exit {
    let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    // Help goes to stdout and errors to stderr; a reader that went away is no error.
    let _ = error.print();
    if asked_for {
        return Exit::Done;
    }
    let words = Words::new(choose(wanted(args), sys_locale::get_locales()));
    // The details are the parser's, in English; what happened and what to do next is said in the reader's language.
    let _ = Screen::new(words.clone(), wants_json(args)).fail(&Failure::of(Trouble::Usage, &words));
    Exit::WrongUse
}

/// The arguments couldn't be parsed, so options are looked for by hand.
fn options(args: &[OsString]) -> impl Iterator<Item = &OsString> {
    args.iter().skip(1).take_while(|arg| *arg != "--")
}

fn wants_json(args: &[OsString]) -> bool {
    options(args).any(|arg| arg == "--json")
}

fn wanted(args: &[OsString]) -> Option<Language> {
    let given = |word: &str| {
        let whole = format!("--lang={word}");
        options(args).any(|arg| *arg == *whole)
            || options(args).zip(options(args).skip(1)).any(|(name, value)| name == "--lang" && value == word)
    };
    given("es").then_some(Language::Es).or(given("en").then_some(Language::En))
}

fn place(
    program: Program,
    data: Option<&Path>,
    state: Option<&OsStr>,
    platform: impl FnOnce() -> Option<PathBuf>,
) -> Option<PathBuf> {
    // systemd gives a colon-separated list when a unit names several; the first is ours.
    let state = match program {
        Program::Relay => state.and_then(|list| std::env::split_paths(list).next()),
        Program::Agent | Program::Console => None,
    };
    data.map(Path::to_owned)
        .or(state.filter(|folder| folder.is_absolute()))
        .or_else(|| platform().map(|base| base.join(program.folder())))
}

fn language() -> impl TypedValueParser<Value = Language> {
    PossibleValuesParser::new(["en", "es"]).map(|word| if word == "es" { Language::Es } else { Language::En })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    /// A program to try.
    #[derive(Debug, Parser)]
    #[command(name = "try")]
    struct Cli {
        #[command(flatten)]
        common: Common,
        #[command(subcommand)]
        command: Command,
    }

    #[derive(Debug, PartialEq, clap::Subcommand)]
    enum Command {
        Look { what: Option<String> },
    }

    fn parsed(line: &str) -> Result<Cli, Exit> {
        parse(std::iter::once("try").chain(line.split_whitespace()).map(OsString::from))
    }

    #[test]
    fn common_options_work_before_and_after_the_subcommand() {
        let all = Common { lang: Some(Language::Es), data: Some("/d".into()), json: true };
        for line in
            ["--lang es --data /d --json look", "look --lang es --data /d --json", "--json look --lang=es x --data /d"]
        {
            assert_eq!(parsed(line).expect(line).common, all, "{line}");
        }
        assert_eq!(parsed("look x").expect("plain").common, Common::default());
    }

    #[test]
    fn wrong_use_is_2_and_help_is_0() {
        for line in ["", "look --lang fr", "look --lang ES", "--nonsense look", "listen", "look a b"] {
            assert_eq!(parsed(line).expect_err(line), Exit::WrongUse, "{line}");
        }
        for line in ["--help", "look --help", "help"] {
            assert_eq!(parsed(line).expect_err(line), Exit::Done, "{line}");
        }
    }

    #[test]
    fn the_program_s_own_description_stands_in_its_help() {
        let help = <Cli as clap::CommandFactory>::command().render_help().to_string();
        assert!(help.starts_with("A program to try\n"), "{help}");
    }

    #[test]
    fn json_is_found_in_a_line_that_does_not_parse() {
        let args = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert!(wants_json(&args("try --nonsense --json")));
        assert!(!wants_json(&args("--json look")), "the program's own name");
        assert!(!wants_json(&args("try look -- --json")));
        assert_eq!(wanted(&args("try --lang es --nonsense")), Some(Language::Es));
        assert_eq!(wanted(&args("try --nonsense --lang=en")), Some(Language::En));
        assert_eq!(wanted(&args("try es --lang")), None);
    }

    #[test]
    fn data_before_state_directory_before_platform() {
        let base = || Some(PathBuf::from("/home/x/.local/share"));
        let data = Some(Path::new("mine"));
        let state = Some(OsStr::new("/var/lib/venia:/var/lib/other"));
        let at = |program, data, state| place(program, data, state, base).expect("a place");
        assert_eq!(at(Program::Relay, data, state), Path::new("mine"));
        assert_eq!(at(Program::Relay, None, state), Path::new("/var/lib/venia"));
        assert_eq!(at(Program::Relay, None, Some(OsStr::new(""))), Path::new("/home/x/.local/share/venia/relay"));
        assert_eq!(at(Program::Agent, None, state), Path::new("/home/x/.local/share/venia/agent"));
        assert_eq!(at(Program::Console, None, None), Path::new("/home/x/.local/share/venia/console"));
        assert_eq!(place(Program::Agent, None, None, || None), None);
    }
}
