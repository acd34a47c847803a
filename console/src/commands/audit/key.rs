//! `venia audit key`: this auditor's recipient, for the organisation's statement. (SECURITY E4)
//!
//! Only the public half is ever printed. Records sealed before a key stood in the statement stay closed to it.

use serde::Serialize;
use venia_relay::client::home::Home;
use venia_ui::cli::{Common, Program};
use venia_ui::failure::{Exit, Failure};
use venia_ui::terminal::Screen;

use crate::{trouble, unseal};

/// What `--json` prints.
#[derive(Serialize)]
struct Key {
    recipient: String,
}

pub(super) fn run(common: &Common, screen: &Screen) -> Result<Exit, Failure> {
    let words = screen.words();
    let home = Home::open(&common.folder(Program::Console)?, false).map_err(|error| trouble::folder(&error, words))?;
    let identity = unseal::Auditor::of(&home).map_err(|error| trouble::folder(&error, words))?;
    let recipient = identity.recipient();
    if screen.json() {
        screen.object(&Key { recipient })?;
        return Ok(Exit::Done);
    }
    // The recipient alone on its line: it is copied into another command.
    screen.line(&recipient)?;
    Ok(Exit::Done)
}
