//! The operator's command line (COMMANDS.md): `serve`, `address`, `invite`, `members`.
//!
//! Every command but `serve` asks the running relay over its local socket; when none runs, it takes the folder's lock and
//! does the same to the folder itself. Never two writers.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use venia_proto::address::HostPort;
use venia_proto::foreign::Foreign;
use venia_proto::statement;
use venia_ui::cli::{Common, Program, parse};
use venia_ui::failure::{Exit, Failure, Loss, Trouble};
use venia_ui::logs;
use venia_ui::terminal::Screen;
use venia_ui::words::Words;

use crate::client::home::{Home, HomeError};
use crate::server::accept::DoorError;
use crate::server::admin::{self, AdminError, ListedMember, Reply, Request, Why};
use crate::server::clock;
use crate::server::identity::{IdentityError, Published};
use crate::server::ledger::StoreError;
use crate::server::ledger::committer::StartError;
use crate::server::ledger::head::HeadError;
use crate::server::ledger::limits::Limits;
use crate::server::ledger::sqlite::Sqlite;
use crate::server::serve::{DATABASE, Options, Running, ServeError};

/// UDP port of a relay unless told otherwise.
pub const PORT: u16 = 4433;
/// Where a relay listens unless told otherwise: on this computer only, until its operator says more.
pub const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), PORT);

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
    let done = common.folder(Program::Relay).and_then(|folder| run(&folder, &screen, command));
    match done {
        Ok(()) => Exit::Done.into(),
        Err(failure) => screen.fail(&failure),
    }
}

fn run(folder: &Path, screen: &Screen, command: Command) -> Result<(), Failure> {
    let words = screen.words();
    match command {
        Command::Serve { listen, public } => serve(folder, screen, listen, public),
        Command::Address => tell(screen, &ask(folder, words, Request::Address)?),
        Command::Invite { role, name, level } => {
            tell(screen, &ask(folder, words, Request::Invite { name, role: role.into(), level })?)
        }
        Command::Members { command: Members::List } => tell(screen, &ask(folder, words, Request::Members)?),
        Command::Members { command: Members::Revoke { name } } => {
            tell(screen, &ask(folder, words, Request::Revoke { name })?)
        }
    }
}

fn serve(folder: &Path, screen: &Screen, listen: SocketAddr, public: Option<HostPort>) -> Result<(), Failure> {
    let words = screen.words();
    let system = |error: &dyn std::error::Error| {
        said(
            Exit::Refused,
            "system",
            words,
            words.say("relay-system", &[("detail", &chain(error))]),
            words.say("relay-system-hint", &[]),
        )
    };
    // A core file would hold every key. (SECURITY H3)
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(rustix::process::Resource::Core, none).map_err(|error| system(&error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| system(&error))?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(|error| system(&error))?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| system(&error))?;
        let options = Options { listen, public, limits: Limits::default() };
        let running = Running::start(folder, options).await.map_err(|error| failed(&error, folder, words))?;
        let told = announce(screen, &running);
        if told.is_ok() {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            screen.note(&words.say("relay-stopping", &[]));
        }
        running.stop().await;
        told
    })
}

fn announce(screen: &Screen, running: &Running) -> Result<(), Failure> {
    let address = running.address().to_string();
    if screen.json() {
        screen.object(&json!({ "address": address }))?;
        return screen.object(&json!({ "ready": true }));
    }
    screen.line(&format!("address: {address}"))?;
    screen.line("ready")
}

/// Asks the running relay, else does it here.
fn ask(folder: &Path, words: &Words, request: Request) -> Result<Reply, Failure> {
    let system = |error: &dyn std::error::Error| {
        said(
            Exit::Refused,
            "system",
            words,
            words.say("relay-system", &[("detail", &chain(error))]),
            words.say("relay-system-hint", &[]),
        )
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| system(&error))?;
    let name = match &request {
        Request::Invite { name, .. } | Request::Revoke { name } => Foreign::new(name.as_str()),
        Request::Address | Request::Members => Foreign::new(""),
    };
    let reply = match runtime.block_on(admin::ask(folder, &request)) {
        Ok(Some(reply)) => reply,
        Ok(None) => alone(folder, words, request)?,
        Err(AdminError::NoAnswer | AdminError::Malformed) => {
            return Err(said(
                Exit::Refused,
                "silent",
                words,
                words.say("relay-silent", &[]),
                words.say("relay-silent-hint", &[]),
            ));
        }
        Err(error @ AdminError::Socket(_)) => return Err(system(&error)),
    };
    match reply {
        Reply::Refused { why } => Err(refused(why, &name, words)),
        Reply::Address { .. } | Reply::Invite { .. } | Reply::Members { .. } | Reply::Revoked { .. } => Ok(reply),
    }
}

/// Nobody runs here: takes the lock, so that nobody starts meanwhile, and works on the folder.
fn alone(folder: &Path, words: &Words, request: Request) -> Result<Reply, Failure> {
    let shown = Foreign::new(folder.to_string_lossy());
    let not_served = || {
        said(
            Exit::Refused,
            "not-served",
            words,
            words.say("relay-not-served", &[("folder", &shown)]),
            words.say("relay-not-served-hint", &[]),
        )
    };
    if !folder.join(DATABASE).is_file() {
        return Err(not_served());
    }
    let failed = |error: ServeError| failed(&error, folder, words);
    let home = Home::open(folder, true).map_err(|error| failed(error.into()))?;
    let published = Published::read(&home).map_err(|error| failed(error.into()))?;
    let address = published.and_then(|published| published.address()).ok_or_else(not_served)?;
    let path = home.path(DATABASE).map_err(|error| failed(error.into()))?;
    let mut store = Sqlite::open(&path).map_err(|error| failed(error.into()))?;
    let (reply, _) = admin::carry_out(&mut store, &address, request, clock::now().wall);
    Ok(reply)
}

fn tell(screen: &Screen, reply: &Reply) -> Result<(), Failure> {
    let words = screen.words();
    match reply {
        Reply::Address { address } if screen.json() => screen.object(&json!({ "address": address })),
        Reply::Address { address } => screen.line(&format!("address: {address}")),
        Reply::Invite { invite, name, role, level, expires } if screen.json() => screen.object(&json!({
            "invite": invite, "name": name, "role": role, "level": level, "expires": expires,
        })),
        Reply::Invite { invite, name, expires, .. } => {
            screen.line(&format!("invite: {}", invite.0))?;
            screen.note(&words.say("relay-invite-note", &[("name", name), ("expires", &expires.to_string())]));
            Ok(())
        }
        Reply::Members { members } if screen.json() => screen.object(&json!({ "members": members })),
        Reply::Members { members } if members.is_empty() => {
            screen.note(&words.say("relay-no-members", &[]));
            Ok(())
        }
        Reply::Members { members } => members.iter().try_for_each(|member| screen.line(&line(member, words))),
        Reply::Revoked { name } if screen.json() => screen.object(&json!({ "revoked": name })),
        Reply::Revoked { name } => screen.line(&words.say("relay-revoked", &[("name", name)])),
        Reply::Refused { why } => Err(refused(*why, &Foreign::new(""), words)),
    }
}

fn line(member: &ListedMember, words: &Words) -> String {
    let ListedMember { name, role, level, since, revoked } = member;
    let role = role.to_string();
    match revoked {
        None => {
            let since = since.to_string();
            words.say("relay-member", &[("name", name), ("role", &role), ("level", level), ("since", &since)])
        }
        Some(revoked) => {
            let revoked = revoked.to_string();
            words.say(
                "relay-member-revoked",
                &[("name", name), ("role", &role), ("level", level), ("revoked", &revoked)],
            )
        }
    }
}

fn refused(why: Why, name: &Foreign, words: &Words) -> Failure {
    match why {
        Why::Name => {
            said(Exit::WrongUse, "name", words, words.say("relay-name", &[]), words.say("relay-name-hint", &[]))
        }
        Why::Level => {
            said(Exit::WrongUse, "level", words, words.say("relay-level", &[]), words.say("relay-level-hint", &[]))
        }
        Why::NameTaken => said(
            Exit::Refused,
            "name-taken",
            words,
            words.say("relay-name-taken", &[("name", name)]),
            words.say("relay-name-taken-hint", &[]),
        ),
        Why::NoSuchMember => said(
            Exit::Refused,
            "no-such-member",
            words,
            words.say("relay-no-such-member", &[("name", name)]),
            words.say("relay-no-such-member-hint", &[]),
        ),
        Why::Disk => Failure::of(Trouble::Disk, words),
        Why::Malformed => Failure::of(Trouble::Version, words),
    }
}

fn failed(error: &ServeError, folder: &Path, words: &Words) -> Failure {
    let folder = Foreign::new(folder.to_string_lossy());
    let detail = chain(error);
    let about_folder = |error: &HomeError| match error {
        HomeError::Busy(_) => said(
            Exit::Refused,
            "running",
            words,
            words.say("relay-running", &[("folder", &folder)]),
            words.say("relay-running-hint", &[]),
        ),
        HomeError::TooOpen { .. }
        | HomeError::NotOurs(_)
        | HomeError::Name(_)
        | HomeError::Damaged(_)
        | HomeError::TooLarge { .. }
        | HomeError::Random(_)
        | HomeError::Disk { .. } => said(
            Exit::Refused,
            "folder",
            words,
            words.say("relay-folder", &[("folder", &folder), ("detail", &detail)]),
            words.say("relay-folder-hint", &[]),
        ),
    };
    match error {
        ServeError::Home(error)
        | ServeError::Identity(IdentityError::Home(error))
        | ServeError::Head(HeadError::Home(error)) => about_folder(error),
        ServeError::Identity(IdentityError::Statement(_) | IdentityError::Name(_))
        | ServeError::Head(HeadError::Write(_)) => said(
            Exit::Refused,
            "folder",
            words,
            words.say("relay-folder", &[("folder", &folder), ("detail", &detail)]),
            words.say("relay-folder-hint", &[]),
        ),
        ServeError::Store(error) | ServeError::Ledger(StartError::Store(error)) => match error {
            StoreError::SetBack { had, found } => said(
                Exit::Refused,
                "set-back",
                words,
                words.say(
                    "relay-set-back",
                    &[("folder", &folder), ("had", &had.to_string()), ("found", &found.to_string())],
                ),
                words.say("relay-set-back-hint", &[]),
            ),
            StoreError::Database(_)
            | StoreError::File(_)
            | StoreError::HeadMoved
            | StoreError::Newer { .. }
            | StoreError::Foreign(_)
            | StoreError::Damaged(_) => said(
                Exit::Refused,
                "ledger",
                words,
                words.say("relay-ledger", &[("folder", &folder), ("detail", &detail)]),
                words.say("relay-ledger-hint", &[]),
            ),
        },
        ServeError::Door(DoorError::Listen { address, .. }) => said(
            Exit::Refused,
            "listen",
            words,
            words.say("relay-listen", &[("address", &address.to_string())]),
            words.say("relay-listen-hint", &[]),
        ),
        ServeError::Door(DoorError::Tls(_)) | ServeError::Ledger(StartError::Thread(_)) | ServeError::Socket(_) => {
            said(
                Exit::Refused,
                "system",
                words,
                words.say("relay-system", &[("detail", &detail)]),
                words.say("relay-system-hint", &[]),
            )
        }
        ServeError::NoPublic => said(
            Exit::WrongUse,
            "no-public",
            words,
            words.say("relay-no-public", &[]),
            words.say("relay-no-public-hint", &[]),
        ),
    }
}

/// A failure of this program's own, in its three sentences.
fn said(exit: Exit, kind: &'static str, words: &Words, message: String, hint: String) -> Failure {
    Failure { exit, kind, message, state: Loss::Nothing.say(words), hint }
}

/// An error and its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !line.contains(&said) {
            line.push_str(": ");
            line.push_str(&said);
        }
        cause = error.source();
    }
    line
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
