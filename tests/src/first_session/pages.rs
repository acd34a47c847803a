//! `cargo try -- --pages`: both pages side by side, so that a newcomer plays both people in two tabs.
//!
//! Nothing is scripted: whoever tries it reads the code on one page and types it on the other.

use std::io;

use venia_ui::failure::Failure;
use venia_ui::terminal::Screen;

use super::Cli;
use super::guide::{Folder, Stage, prepare, step, step_failed};
use super::processes::{Running, role};

/// What begins the line that says where a page is.
const PAGE: &str = "page: ";

/// Shows both pages until both programs have ended.
pub(super) fn show(cli: &Cli, screen: &Screen) -> Result<bool, Failure> {
    let (language, words) = (cli.common.language(), screen.words());
    let broken = |doing: &'static str| move |error: io::Error| step_failed(doing, &error.to_string(), words);
    let folder = Folder::of(cli, words)?;
    let Stage { mut relay, address, agent_data, console_data } = prepare(cli, screen, folder.path())?;
    step(screen, "try-pages");
    let address = address.to_string();
    let person = role("agent", &agent_data, language, ["ask", "--person", "page", "--relay", &address]);
    let technician = role("console", &console_data, language, ["open"]);
    let pages = [
        (Running::start(person.map_err(broken("agent"))?).map_err(broken("agent"))?, "try-page-person"),
        (Running::start(technician.map_err(broken("console"))?).map_err(broken("console"))?, "try-page-technician"),
    ];
    std::thread::scope(|scope| {
        for (mut program, id) in pages {
            scope.spawn(move || {
                while let Ok(Some(line)) = program.line() {
                    // Each address works for a minute; then comes the next.
                    if let Some(at) = line.strip_prefix(PAGE) {
                        screen.note(&words.say(id, &[("address", &at)]));
                    }
                }
            });
        }
    });
    relay.stop();
    Ok(true)
}
