//! One file per command.

mod audit;
mod checks;
mod enroll;
mod join;
mod open;
mod refresh;
mod report;
mod verify;

use std::process::ExitCode;

use venia_proto::catalog::DefinitionError;
use venia_ui::failure::{Exit, Failure, Trouble};
use venia_ui::words::Words;

use crate::Parts;
use crate::cli::{Cli, Command};

/// Runs the command and says how it ended.
pub(crate) fn run(cli: &Cli, parts: Parts) -> ExitCode {
    let screen = cli.common.screen();
    let ended = match &cli.command {
        Command::Checks { area } => checks::run(*area, &screen),
        Command::Verify { file, root } => verify::run(file, root.as_deref(), &cli.common, &screen),
        Command::Report { file, out, root } => report::run(file, out, root.as_deref(), &cli.common, &screen),
        Command::Audit(command) => audit::run(command, &cli.common, &screen, parts),
        Command::Enroll { invite } => enroll::run(invite, &cli.common, &screen, parts),
        Command::Open => open::run(&cli.common, &screen, parts),
        Command::Refresh => refresh::run(&cli.common, &screen),
        // Its failures are events of its stream, not an object of their own.
        Command::Join(args) => return join::run(args, &cli.common, &screen, parts).into(),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => screen.fail(&failure),
    }
}

/// What is compiled in can't be read: no technician can do anything about it.
fn broken_build(error: &DefinitionError, words: &Words) -> Failure {
    tracing::error!(%error, "a built-in goal");
    Failure { exit: Exit::Refused, ..Failure::of(Trouble::Usage, words) }
}

/// Runs something that needs the network, on this thread.
pub(crate) fn block_on<T>(work: impl Future<Output = T>, words: &Words) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        tracing::error!(%error, "no runtime");
        Failure::of(Trouble::Unreachable, words)
    })?;
    Ok(runtime.block_on(work))
}
