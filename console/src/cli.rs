//! The command line: names, shapes, and what makes a line wrong use (exit 2) before anything else happens.
//!
//! Not here: whether an item exists and takes these arguments, which the catalogue knows ([`crate::commands`]).

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use venia_proto::foreign::{Foreign, ForeignError};
use venia_proto::id::SessionId;
use venia_proto::ledger::body::{Arguments, ItemId};
use venia_proto::ledger::kind::KindName;
use venia_proto::now::Wall;
use venia_proto::scope::{Area, Scope};
use venia_ui::cli::Common;

/// Venia, for technicians and auditors
#[derive(Debug, clap::Parser)]
#[command(name = "venia", version)]
pub struct Cli {
    /// `--lang`, `--data`, `--json`.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Become a member of a help service with a one-time invite
    Enroll {
        /// The invite, or - to read it from standard input
        invite: String,
    },
    /// List every check that can be run, as JSON
    Checks {
        /// Only this area: hardware, system, network, security or tasks
        #[arg(long)]
        area: Option<Area>,
    },
    /// Connect to the person who reads you a code
    Join(JoinArgs),
    /// Work on a page in your own browser: code, goals, findings, chat, close
    Open,
    /// Fetch what people added to your records since: signatures, ratings, corrections
    Refresh,
    /// Read the service's whole record, as its auditor
    #[command(subcommand)]
    Audit(Audit),
    /// Verify a session's record, offline
    Verify {
        /// The record: session-….zip
        file: PathBuf,
        /// The organisation's root: its fingerprint, or a relay's address
        #[arg(long, value_name = "FINGERPRINT|ADDRESS")]
        root: Option<String>,
    },
    /// Write a session's logbook as a page to print, offline
    Report {
        /// The record: session-….zip
        file: PathBuf,
        /// The page to write; never over another file
        #[arg(long, value_name = "FILE.html")]
        out: PathBuf,
        /// The organisation's root: its fingerprint, or a relay's address
        #[arg(long, value_name = "FINGERPRINT|ADDRESS")]
        root: Option<String>,
    },
}

/// What an auditor can do.
#[derive(Debug, clap::Subcommand)]
pub enum Audit {
    /// Show the recipient that records are sealed to; makes this auditor's key on first use
    Key,
    /// List sessions, newest last
    List {
        /// Counts by day, week or month instead
        #[arg(long, value_name = "PERIOD")]
        by: Option<Period>,
        /// Only sessions in which somebody said this word; may be given several times
        #[arg(long, value_name = "WORD")]
        word: Vec<String>,
        /// Which sessions.
        #[command(flatten)]
        filters: Filters,
        /// Use this computer's copy alone
        #[arg(long)]
        offline: bool,
    },
    /// Show one session, consent beside action
    Show {
        /// The session's id
        session: SessionId,
        /// Use this computer's copy alone
        #[arg(long)]
        offline: bool,
    },
    /// Find words in what was said, written, run and found
    Search {
        /// All of them in the same entry, or - to read them from standard input; case and accents don't matter
        #[arg(required = true, value_name = "WORD")]
        words: Vec<String>,
        /// Which sessions.
        #[command(flatten)]
        filters: Filters,
        /// Use what was opened on this computer before
        #[arg(long)]
        offline: bool,
    },
    /// Verify the whole log from its raw bytes
    Verify {
        /// Only what came since it was found right last
        #[arg(long)]
        since_last: bool,
        /// Open the words first: scope, time and level are judged too
        #[arg(long)]
        words: bool,
        /// Threads that check signatures [default: as many as cores]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
        jobs: Option<u16>,
        /// Use this computer's copy alone
        #[arg(long)]
        offline: bool,
    },
    /// Show the record in your browser
    Open,
    /// Write the record for other tools
    Export {
        /// How
        #[arg(long)]
        format: Format,
        /// Folder to write into, made if missing; what an earlier export wrote there is continued
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Go on as the log grows, until Ctrl-C
        #[arg(long, conflicts_with = "offline")]
        follow: bool,
        /// With --follow: seconds between two looks
        #[arg(long, value_name = "SECONDS", default_value_t = 10, requires = "follow", value_parser = clap::value_parser!(u32).range(1..=86_400))]
        every: u32,
        /// Use this computer's copy alone
        #[arg(long)]
        offline: bool,
    },
}

/// Which sessions are meant; every condition must hold.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Filters {
    /// Name of a technician's key, or its beginning
    #[arg(long, value_name = "KEY")]
    pub technician: Option<String>,
    /// Name of an agent's key, or its beginning
    #[arg(long, value_name = "KEY")]
    pub agent: Option<String>,
    /// With an event of this kind
    #[arg(long, value_name = "KIND")]
    pub kind: Option<KindName>,
    /// In which this check was asked for
    #[arg(long, value_name = "ITEM")]
    pub item: Option<String>,
    /// Ended for this cause: done, person, silence …
    #[arg(long, value_name = "CAUSE")]
    pub outcome: Option<String>,
    /// Opened on this day (UTC) or later
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub from: Option<String>,
    /// Opened on this day (UTC) or earlier
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub to: Option<String>,
}

/// Over what sessions are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Period {
    /// Days, UTC.
    Day,
    /// Weeks from Monday, UTC.
    Week,
    /// Months, UTC.
    Month,
}

/// How a record is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// C2SP tlog-tiles: raw entries and their tree
    Tiles,
    /// One JSON object a line: sessions and events
    Jsonl,
    /// Tables: sessions and events
    Csv,
    /// OCSF API Activity events for a SIEM
    Ocsf,
}

/// What `join` takes.
#[derive(Debug, clap::Args)]
pub struct JoinArgs {
    /// The code, or - to read it from standard input
    pub code: String,
    /// Why you come, in your words: the person reads it
    #[arg(long, value_name = "TEXT", value_parser = Foreign::reason)]
    pub reason: Foreign,
    /// Kinds of things you ask to be allowed
    #[arg(long, value_name = "SCOPE,…", value_delimiter = ',')]
    pub ask: Vec<Scope>,
    /// A check to run; may be given several times
    #[arg(long, value_name = "ITEM[:KEY=VALUE,…]", requires_all = ["outcome", "next"])]
    pub run: Vec<RunSpec>,
    /// What the person complains about: runs everything that tells why
    #[arg(long, value_name = "NAME", requires_all = ["outcome", "next"])]
    pub goal: Option<String>,
    /// What came of it: the session closes with it
    #[arg(long, value_name = "TEXT", requires = "next", value_parser = text)]
    pub outcome: Option<Foreign>,
    /// What happens next
    #[arg(long, value_name = "TEXT", requires = "outcome", value_parser = text)]
    pub next: Option<Foreign>,
}

/// An item and its arguments as typed: `network.ports:protocol=tcp,limit=20`, values percent-encoded (RFC 3986
/// section 2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSpec {
    /// The item.
    pub item: ItemId,
    /// Its arguments, decoded.
    pub arguments: Arguments,
}

/// A text that names no run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunSpecError {
    /// Nothing before the colon.
    #[error("a run begins with the item's name")]
    NoItem,
    /// Something between two commas that isn't `key=value`.
    #[error("arguments are written key=value, with commas between")]
    NotAPair,
    /// The same key again.
    #[error("{0:?} is given twice")]
    Twice(String),
    /// `%` without two hex digits, or bytes that aren't UTF-8.
    #[error("{0:?} is not percent-encoded text")]
    Encoding(String),
}

impl FromStr for RunSpec {
    type Err = RunSpecError;

    fn from_str(text: &str) -> Result<Self, RunSpecError> {
        let (item, pairs) = text.split_once(':').map_or((text, None), |(item, pairs)| (item, Some(pairs)));
        if item.is_empty() {
            return Err(RunSpecError::NoItem);
        }
        let mut arguments = Arguments::new();
        for pair in pairs.into_iter().flat_map(|pairs| pairs.split(',')) {
            let (key, value) = pair.split_once('=').ok_or(RunSpecError::NotAPair)?;
            if key.is_empty() {
                return Err(RunSpecError::NotAPair);
            }
            let value = decoded(value).ok_or_else(|| RunSpecError::Encoding(value.to_owned()))?;
            if arguments.insert(key.to_owned(), value).is_some() {
                return Err(RunSpecError::Twice(key.to_owned()));
            }
        }
        Ok(Self { item: ItemId(item.to_owned()), arguments })
    }
}

impl fmt::Display for RunSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.item.0)
    }
}

fn decoded(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            bytes.push(digit(rest.next())? << 4 | digit(rest.next())?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn text(text: &str) -> Result<Foreign, ForeignError> {
    Foreign::text(text)
}

/// A day, as the ledger's times begin.
pub(crate) fn day(text: &str) -> Result<String, &'static str> {
    let midnight = format!("{text}T00:00:00.000Z");
    if midnight.parse::<Wall>().is_ok() { Ok(text.to_owned()) } else { Err("a day is written YYYY-MM-DD") }
}
