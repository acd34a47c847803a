//! `venia checks`: the catalogue as one JSON array. No state, no enrolment, no network.
//!
//! JSON also without `--json`: its readers are scripts and the curious; what people need while they help is in the
//! interactive session. On a terminal the array is spread over lines.

use std::io::{self, IsTerminal as _};

use serde::Serialize;
use venia_proto::catalog::{Catalog, Effect, Item, Parameter};
use venia_proto::report::Text;
use venia_proto::scope::Area;
use venia_ui::failure::{Exit, Failure};
use venia_ui::terminal::Screen;

/// One item, as COMMANDS.md promises it.
#[derive(Serialize)]
struct Check<'a> {
    id: &'a str,
    area: Area,
    effect: Effect,
    level: u8,
    title: &'a Text,
    discloses: &'a Text,
    parameters: &'a [Parameter],
}

pub(super) fn run(area: Option<Area>, screen: &Screen) -> Result<Exit, Failure> {
    let catalog = Catalog::built_in();
    let wanted = |item: &&Item| area.is_none_or(|area| item.area == area);
    let checks: Vec<Check<'_>> = catalog.items().filter(wanted).map(check).collect();
    let spread = !screen.json() && io::stdout().is_terminal();
    match serde_json::to_string_pretty(&checks) {
        Ok(text) if spread => screen.line(&text)?,
        Ok(_) | Err(_) => screen.object(&checks)?,
    }
    Ok(Exit::Done)
}

fn check(item: &Item) -> Check<'_> {
    Check {
        id: &item.id.0,
        area: item.area,
        effect: item.effect,
        level: item.level,
        title: &item.title,
        discloses: &item.discloses,
        parameters: &item.parameters,
    }
}
