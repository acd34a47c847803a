//! The clock, by the network: systemd-timesyncd or chrony, whichever this computer has.

use std::time::Duration;

use super::{ASK, Performed, Seen, must};
use crate::caller::{Caller, Word};
use crate::program::{Patience, Programs};
use crate::request::{Row, State};

const LIMIT: Duration = Duration::from_secs(20);
/// How many seconds the network's time is awaited. timesyncd's first answer comes within a few (systemd-timesyncd(8)).
const PATIENCE_S: u32 = 20;

pub(super) fn look(programs: &dyn Programs) -> Result<Seen, String> {
    let arguments = ["show", "--property=CanNTP", "--property=NTP", "--property=NTPSynchronized"];
    let answer = must("timedatectl", programs.run("timedatectl", &arguments, Patience::Ask(ASK)))?;
    let is = |key: &str| {
        answer.output.lines().any(|line| line.strip_prefix(key).and_then(|rest| rest.strip_prefix('=')) == Some("yes"))
    };
    if !is("CanNTP") {
        return Err("no service that sets the clock is installed".to_owned());
    }
    let (set, right) = (is("NTP"), is("NTPSynchronized"));
    let word = |yes: bool| Row::Word(if yes { "yes" } else { "no" }.to_owned());
    let rows = vec![("set by the network".to_owned(), word(set)), ("right".to_owned(), word(right))];
    let plan = (!right).then(|| format!("set by the network: {}, right: no", if set { "yes" } else { "no" }));
    Ok(Seen { state: State { total: word(right), rows }, plan })
}

pub(super) fn perform(programs: &dyn Programs, caller: &mut dyn Caller) -> Performed {
    let on =
        must("timedatectl set-ntp", programs.run("timedatectl", &["set-ntp", "true"], Patience::Until(LIMIT, caller)));
    if let Err(why) = on {
        return Performed::Partly(why);
    }
    // chrony sets a clock that is far off only when it is told to; timesyncd asks again when it is started.
    if programs.run("chronyc", &["makestep"], Patience::Until(LIMIT, caller)).is_err() {
        let restart = ["try-restart", "--", "systemd-timesyncd.service"];
        let _other_service = programs.run("systemctl", &restart, Patience::Until(LIMIT, caller));
    }
    for _ in 0..PATIENCE_S {
        match look(programs) {
            Ok(Seen { plan: None, .. }) => return Performed::Done,
            Ok(Seen { plan: Some(_), .. }) => {}
            Err(why) => return Performed::Partly(why),
        }
        if caller.wait(1_000) == Word::Gone {
            return Performed::Partly("whoever asked for it is gone".to_owned());
        }
    }
    Performed::Partly("the network's time has not come yet".to_owned())
}
