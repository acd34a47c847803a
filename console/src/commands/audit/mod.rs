//! `venia audit`: what an auditor does. One file per subcommand.

mod key;

use venia_ui::cli::Common;
use venia_ui::failure::{Exit, Failure};
use venia_ui::terminal::Screen;

use crate::cli::Audit;

/// Runs one of them.
pub(super) fn run(command: &Audit, common: &Common, screen: &Screen) -> Result<Exit, Failure> {
    match command {
        Audit::Key => key::run(common, screen),
    }
}
