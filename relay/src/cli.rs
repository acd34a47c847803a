//! The operator's command line (COMMANDS.md): `serve`, `address`, `invite`, `members`, `auditor-key`, `witness`, `backup` …
//!
//! `serve` runs the relay, `witness` another program in a folder of its own. Every other command asks the running relay over
//! its local socket; when none runs, it takes the folder's lock and does the same to the folder itself. Never two writers.
//! `check` and `backup` only read, beside a running relay too; `recover` works on a folder where none runs.

mod ask;
mod check;
mod contradictions;
mod erasing;
mod failures;
mod packs;
mod serve;
mod succession;
mod witness;

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use venia_proto::address::HostPort;
use venia_proto::key::VerifierKey;
use venia_proto::statement::{self, PackHash};
use venia_ui::cli::{Common, Program, parse};
use venia_ui::failure::{Exit, Failure};
use venia_ui::logs;
use venia_ui::terminal::Screen;

use self::ask::{ask, tell};
use crate::server::admin::Request;
use crate::server::ledger::limits::Limits;
use crate::server::serve::Options;

/// UDP port of a relay unless told otherwise.
pub const PORT: u16 = 4433;
/// Where a relay listens unless told otherwise: on this computer only, until its operator says more.
pub const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), PORT);

/// TCP port of a witness unless told otherwise.
pub const WITNESS_PORT: u16 = 4480;
/// Where a witness listens unless told otherwise.
pub const WITNESS_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), WITNESS_PORT);

/// The relay: introduces people and technicians, forwards what it can't read, keeps the ledger.
#[derive(Debug, Parser)]
#[command(name = "venia-relay", version, disable_help_subcommand = false)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the relay; the first start makes its keys and its ledger
    Serve {
        /// Where to listen
        #[arg(long, value_name = "ADDR:PORT", default_value_t = LISTEN)]
        listen: SocketAddr,
        /// What the address says [default: as last time, else where it listens]
        #[arg(long, value_name = "HOST:PORT")]
        public: Option<HostPort>,
        /// What the organisation calls itself [default: as last time, else the host of its address]
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Days technicians keep what they were sent [default: as last time, else 30]
        #[arg(long, value_name = "DAYS")]
        keep_days: Option<u32>,
    },
    /// Print the address people type
    Address,
    /// Make a word that lets one person become a member, once, within 24 hours
    Invite {
        /// What they may do
        #[arg(long, value_enum)]
        role: RoleWord,
        /// Their name, as people will read it
        #[arg(long)]
        name: String,
        /// Certified support level
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=5), value_name = "1..5")]
        level: u8,
    },
    /// See members, or withdraw a membership
    Members {
        #[command(subcommand)]
        command: Members,
    },
    /// See or change who can open the records of sessions that begin from now on
    AuditorKey {
        #[command(subcommand)]
        command: AuditorKey,
    },
    /// See or change which packs of items the organisation stands for
    Pack {
        #[command(subcommand)]
        command: Pack,
    },
    /// Derive the whole ledger anew from its entries, and compare
    Check {
        /// Threads that check signatures [default: as many as cores]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
        jobs: Option<u16>,
    },
    /// Run a witness of other people's logs: it never cosigns two histories of one
    Witness {
        /// Where to listen, over HTTP
        #[arg(long, value_name = "ADDR:PORT", default_value_t = WITNESS_LISTEN)]
        listen: SocketAddr,
        /// A log to watch: its verifier key, as `venia-relay witness-key list` prints it; may be given again
        #[arg(long, value_name = "VKEY", required = true)]
        log: Vec<VerifierKey>,
    },
    /// See or change who cosigns this relay's checkpoints, and how many must
    WitnessKey {
        #[command(subcommand)]
        command: WitnessKey,
    },
    /// Erase the sealed parts of a session, for good
    Erase {
        /// The session
        #[arg(required_unless_present = "list")]
        session: Option<String>,
        /// Only this part: its commitment; may be given again
        #[arg(long, value_name = "COMMIT")]
        part: Vec<String>,
        /// What was erased, and who deleted their copies
        #[arg(long, conflicts_with_all = ["session", "part"])]
        list: bool,
    },
    /// See or change for how long sealed parts are kept
    Retention {
        /// Days after the last event of a session
        #[arg(long, value_name = "N", conflicts_with = "forever")]
        days: Option<u32>,
        /// For ever, which is how it begins
        #[arg(long)]
        forever: bool,
    },
    /// Copy everything to a new folder, while the relay runs or not; keep the copy as safe as the relay
    Backup {
        /// The new folder
        #[arg(value_name = "DEST")]
        dest: PathBuf,
    },
    /// After a restored backup: end the old log where it ends now, and begin a new one
    Recover,
    /// Delete the entries of logs that were closed before a year; old receipts stay valid
    Prune {
        /// The year
        #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(i16).range(1970..=9999))]
        before: i16,
    },
    /// See or export what proves that somebody signed two different events for one place
    Evidence {
        #[command(subcommand)]
        command: Evidence,
    },
}

#[derive(Debug, Subcommand)]
enum Evidence {
    /// Everything that is kept
    List,
    /// Write one to a file that anybody can check with: venia verify
    Export {
        /// The session
        session: String,
        /// Where to; it must not exist
        file: std::path::PathBuf,
        /// Which of the session's, as listed [default: the first]
        #[arg(long, value_name = "N")]
        number: Option<usize>,
    },
}

#[derive(Debug, Subcommand)]
enum AuditorKey {
    /// Every key that records are sealed to
    List,
    /// Seal records to one more key; people are told
    Add {
        /// The auditor's age recipient, age1…
        recipient: String,
    },
    /// Seal nothing more to a key; what it could open, it still can
    Remove {
        /// The auditor's age recipient, age1…
        recipient: String,
    },
}

#[derive(Debug, Subcommand)]
enum Pack {
    /// The hash of every pack
    List,
    /// Stand for one more pack; it runs only where the owner of a computer names it too
    Add {
        /// The pack
        file: std::path::PathBuf,
    },
    /// Stand for a pack no more
    Remove {
        /// Its hash, as listed
        hash: PackHash,
    },
}

#[derive(Debug, Subcommand)]
enum WitnessKey {
    /// The log's key, every witness, and how many are required
    List,
    /// Ask one more witness for its cosignature after each commit
    Add {
        /// The witness's verifier key, as it prints it
        vkey: String,
        /// Where it listens: http://HOST:PORT
        url: String,
    },
    /// Ask a witness no more
    Remove {
        /// The witness's verifier key
        vkey: String,
    },
    /// Require so many cosignatures under the last checkpoint of a session
    Quorum {
        /// How many; 0 requires none
        n: u32,
    },
}

#[derive(Debug, Subcommand)]
enum Members {
    /// Everybody who is or was a member
    List,
    /// Withdraw a membership: their sessions end at once
    Revoke {
        /// The member's name
        name: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleWord {
    Technician,
    Auditor,
    Administrator,
}

impl From<RoleWord> for statement::Role {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::Technician => Self::Technician,
            RoleWord::Auditor => Self::Auditor,
            RoleWord::Administrator => Self::Administrator,
        }
    }
}

/// The whole program: arguments in, exit code out.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Cli { common, command } = match parse::<Cli>(args) {
        Ok(cli) => cli,
        Err(exit) => return exit.into(),
    };
    logs::logs(Program::Relay);
    logs::panics_say_place_only(common.words());
    let screen = common.screen();
    let own = matches!(command, Command::Witness { .. }) && common.data.is_none();
    let folder = common.folder(Program::Relay);
    let folder = folder.map(|folder| if own { folder.join(witness::FOLDER) } else { folder });
    let done = folder.and_then(|folder| run(&folder, &screen, command));
    match done {
        Ok(exit) => exit.into(),
        Err(failure) => screen.fail(&failure),
    }
}

fn run(folder: &Path, screen: &Screen, command: Command) -> Result<Exit, Failure> {
    let told = |request| tell(screen, &ask(folder, screen.words(), request)?);
    let done = match command {
        Command::Check { jobs } => return check::run(folder, jobs, screen),
        Command::Serve { listen, public, name, keep_days } => {
            serve::serve(folder, screen, Options { listen, public, name, keep_days, limits: Limits::default() })
        }
        Command::Erase { session: Some(session), part, .. } => told(erasing::request(&session, part, screen.words())?),
        Command::Erase { session: None, .. } => told(Request::Erasures),
        Command::Retention { days, forever } => told(Request::Retention { change: forever || days.is_some(), days }),
        Command::Backup { dest } => succession::backup(folder, &dest, screen),
        Command::Recover => succession::recover(folder, screen),
        Command::Prune { before } => told(Request::Prune { before }),
        Command::Witness { listen, log } => witness::serve(folder, screen, listen, log),
        Command::WitnessKey { command } => told(match command {
            WitnessKey::List => Request::Witnesses,
            WitnessKey::Add { vkey, url } => Request::WitnessAdd { key: vkey, at: url },
            WitnessKey::Remove { vkey } => Request::WitnessRemove { key: vkey },
            WitnessKey::Quorum { n } => Request::Quorum { quorum: n },
        }),
        Command::Evidence { command: Evidence::List } => told(Request::Evidence),
        Command::Evidence { command: Evidence::Export { session, file, number } } => {
            let request = contradictions::request(&session, number, screen.words())?;
            contradictions::write(screen, &ask(folder, screen.words(), request)?, &file)
        }
        Command::Address => told(Request::Address),
        Command::Invite { role, name, level } => told(Request::Invite { name, role: role.into(), level }),
        Command::Members { command: Members::List } => told(Request::Members),
        Command::Members { command: Members::Revoke { name } } => told(Request::Revoke { name }),
        Command::Pack { command: Pack::List } => told(Request::Packs),
        Command::Pack { command: Pack::Add { file } } => {
            told(Request::PackAdd { pack: packs::hash(&file, screen.words())? })
        }
        Command::Pack { command: Pack::Remove { hash } } => told(Request::PackRemove { pack: hash }),
        Command::AuditorKey { command: AuditorKey::List } => told(Request::Auditors),
        Command::AuditorKey { command: AuditorKey::Add { recipient } } => told(Request::AuditorAdd { recipient }),
        Command::AuditorKey { command: AuditorKey::Remove { recipient } } => told(Request::AuditorRemove { recipient }),
    };
    done.map(|()| Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
