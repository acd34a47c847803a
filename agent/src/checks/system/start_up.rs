//! `system.start-up`: programs that this computer starts with the desktop of everybody who logs in.
//!
//! The list of the person is another item, which asks for more: `system.own-start-up`.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use super::autostart::{self, Entry};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

const PROGRAMS: &str = "/etc/xdg/autostart";
const SERVICES: &str = "/etc/systemd/user";

pub(crate) struct StartUp;

pub(crate) struct Inputs {
    programs: Vec<Entry>,
    services: Vec<Entry>,
}

impl Check for StartUp {
    const ID: &'static str = "system.start-up";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let on = autostart::list(&mut draft, inputs.programs, inputs.services);
        let evidence = format!("{PROGRAMS}: {on} switched on");
        if on == 0 {
            draft.finding(Severity::Ok, "start-up-none", &[], evidence);
        } else {
            draft.finding(Severity::Ok, "start-up-listed", &[("count", on.into())], evidence);
        }
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    Inputs { programs: autostart::programs(machine, PROGRAMS), services: autostart::services(machine, SERVICES) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded};

    #[test]
    fn an_entry_that_is_off_does_not_start() {
        let draft = StartUp::judge(gather_from(&recorded("arch-laptop")));
        assert_eq!(draft.facts[0].value, 1_u64.into());
        assert_eq!(draft.tables[0].rows.len(), 4);
        assert_eq!(findings::<StartUp>(gather_from(&recorded("container"))), ["start-up-none"]);
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<StartUp>(["arch-laptop", "container"].map(|machine| gather_from(&recorded(machine))).into());
    }
}
