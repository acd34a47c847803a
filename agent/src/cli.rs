//! The agent's command line. (COMMANDS: `venia-agent`)

use std::path::PathBuf;
use std::str::FromStr;

use venia_proto::address::RelayAddress;
use venia_proto::foreign::Foreign;
use venia_proto::id::SessionId;
use venia_ui::cli::Common;

use crate::person::Medium;

/// Get help with this computer; nothing happens on it without your permission
#[derive(Debug, clap::Parser)]
#[command(name = "venia-agent", version, propagate_version = true)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
    /// What to do; without one, ask for help on a page in the browser.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the agent can do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show a code for a technician and serve one session
    Ask(Ask),
    /// List the sessions this computer keeps
    History,
    /// Show what was asked, allowed, run and sent in a session
    Show {
        /// The session
        session: SessionId,
    },
    /// Write a session's record to a file that anybody can verify
    Export {
        /// The session
        session: SessionId,
        /// The file to write; an existing one is not replaced
        file: PathBuf,
        /// Leave out the words of these entries, or of all: the file says how many, and still verifies
        #[arg(long, value_name = "ENTRY,…|all", value_delimiter = ',')]
        withhold: Vec<Withhold>,
    },
    /// Sign a session's record, rate it and comment on it
    Sign {
        /// The session
        session: SessionId,
        /// Instead, correct what the record says; name the number of the entry if it is one
        #[arg(long, value_name = "TEXT", value_parser = Foreign::text)]
        correct: Option<Foreign>,
        /// Instead, say that the problem is back
        #[arg(long, conflicts_with = "correct")]
        reopen: bool,
    },
    /// Print a text as it would leave this computer
    #[command(hide = true)]
    Redact(Redact),
}

/// What to redact.
#[derive(Debug, clap::Args)]
pub struct Redact {
    /// The file to read, or - for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Values known of a computer: a JSON object
    #[arg(long, value_name = "FILE.json")]
    pub known: Option<PathBuf>,
}

/// Whose words an exported record leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withhold {
    /// Everybody's.
    All,
    /// Those of the entry of this number, as `verify` counts: from 0, in the order of the bundle.
    Entry(usize),
}

/// A word that is neither a number nor `all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an entry's number, or the word all")]
pub struct NoEntry;

impl FromStr for Withhold {
    type Err = NoEntry;

    fn from_str(text: &str) -> Result<Self, NoEntry> {
        if text == "all" { Ok(Self::All) } else { text.parse().map(Self::Entry).map_err(|_| NoEntry) }
    }
}

/// How to ask.
#[derive(Clone, Debug, clap::Args)]
pub struct Ask {
    /// Address of the help service, venia://HOST:PORT#FINGERPRINT [default: the one used last]
    #[arg(long, value_name = "ADDRESS")]
    pub relay: Option<RelayAddress>,
    /// What the problem is, in your own words
    #[arg(long, value_name = "TEXT")]
    pub about: Option<String>,
    /// From now on nothing runs here before the help service's witnesses confirmed its record
    #[arg(long)]
    pub strict: bool,
    /// No longer so: their confirmation may come later
    #[arg(long, conflicts_with = "strict")]
    pub not_strict: bool,
    /// Where you are asked: in this terminal, or on a page in your browser
    #[arg(long, value_name = "terminal|page", default_value = "terminal", value_parser = place)]
    pub person: Medium,
}

impl Ask {
    /// The one used last, on a page.
    pub fn on_a_page() -> Self {
        Self { relay: None, about: None, strict: false, not_strict: false, person: Medium::Page }
    }
}

fn place(word: &str) -> Result<Medium, &'static str> {
    match word {
        "terminal" => Ok(Medium::Terminal),
        "page" => Ok(Medium::Page),
        _ => Err("terminal or page"),
    }
}
