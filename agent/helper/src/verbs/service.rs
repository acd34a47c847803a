//! A service that hangs: ended and started again by systemd.

use super::{ASK, Performed, Seen, must};
use crate::program::{Patience, Programs};
use crate::request::{Row, Service, State};

pub(super) fn look(service: Service, programs: &dyn Programs) -> Result<Seen, String> {
    let arguments = ["show", "--property=LoadState,ActiveState,SubState", "--", service.unit()];
    let answer = must("systemctl", programs.run("systemctl", &arguments, Patience::Ask(ASK)))?;
    let value = |key: &str| {
        let line = answer.output.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.unwrap_or("unknown").chars().filter(|c| c.is_ascii_lowercase() || *c == '-').take(32).collect::<String>()
    };
    if value("LoadState") != "loaded" {
        return Err(format!("{} is not installed", service.unit()));
    }
    let state = format!("{} ({})", value("ActiveState"), value("SubState"));
    let rows = vec![(service.name().to_owned(), Row::Word(state.clone()))];
    let plan = Some(format!("{}: {state}", service.unit()));
    Ok(Seen { state: State { total: Row::Word(state), rows }, plan })
}

pub(super) fn perform(service: Service, programs: &dyn Programs) -> Performed {
    // Never stopped halfway: between the end and the new start nobody would start it.
    let restarted =
        must("systemctl restart", programs.run("systemctl", &["restart", "--", service.unit()], Patience::Whole));
    let active = programs.run("systemctl", &["is-active", "--quiet", "--", service.unit()], Patience::Ask(ASK));
    match (restarted, active) {
        (Ok(_), Ok(active)) if active.success => Performed::Done,
        (Ok(_), _) => Performed::Partly(format!("{} does not run", service.unit())),
        (Err(why), _) => Performed::Partly(why),
    }
}
