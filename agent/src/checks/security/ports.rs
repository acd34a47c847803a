//! `security.ports`: which ports are open, to whom, and of which programs.
//!
//! An inventory from `/proc/net` alone (proc(5)): nothing is probed and no connection of the person is listed, only what
//! waits for one. What of it is a risk is the business of `security.exposed`.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::socket::{Open, Sockets};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

pub(crate) struct Ports;

impl Check for Ports {
    const ID: &'static str = "security.ports";
    type Inputs = Sockets;

    fn gather(_: &Arguments) -> Result<Sockets, Failure> {
        Ok(Sockets::of(&Machine::this()))
    }

    fn judge(inputs: Sockets) -> Draft {
        let mut draft = Draft::default();
        if let Some(why) = inputs.unread() {
            draft.finding(Severity::Unknown, "ports-unknown", &[], why);
            return draft;
        }
        let open = inputs.open();
        let exposed = open.iter().filter(|open| open.exposed).count() as u64;
        draft.fact("open", open.len() as u64, "");
        draft.fact("exposed", exposed, "");
        let evidence = format!("/proc/net: {} open, {exposed} not only on loopback", open.len());
        draft.finding(Severity::Ok, "ports-seen", &[("count", exposed.into())], evidence);
        let hidden = open.iter().filter(|open| open.program.is_none()).count();
        if hidden > 0 {
            let evidence = format!("/proc/*/fd: {hidden} of {} sockets have no visible owner", open.len());
            draft.finding(Severity::Unknown, "owners-hidden", &[], evidence);
        }
        let rows = open.into_iter().map(Open::row).collect();
        draft.table("ports", &["protocol", "port", "exposed", "program"], rows);
        draft
    }
}

impl Open {
    fn row(self) -> Vec<Value> {
        vec![
            self.protocol.into(),
            u32::from(self.port).into(),
            self.exposed.into(),
            self.program.unwrap_or_default().into(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};
    use crate::checks::security::socket;

    #[test]
    #[cfg(target_endian = "little")]
    fn a_laptop_that_shares_too_much() {
        let owners = [(20_001, "cupsd".to_owned()), (20_007, "vino-server".to_owned())].into();
        let draft = Ports::judge(Sockets { owners, ..socket::recorded::machine(&recorded("laptop-full")) });
        let expected: Vec<Vec<Value>> = [
            ("tcp", 22_u32, true, ""),
            ("udp", 68, true, ""),
            ("tcp", 631, false, "cupsd"),
            ("tcp", 2375, true, ""),
            ("tcp", 5432, true, ""),
            ("tcp", 5900, true, "vino-server"),
        ]
        .map(|(protocol, port, exposed, program)| vec![protocol.into(), port.into(), exposed.into(), program.into()])
        .into();
        assert_eq!(draft.tables[0].rows, expected);
        let found: Vec<String> = told(Ports::ID, &draft).findings.into_iter().map(|f| f.id).collect();
        assert_eq!(found, ["owners-hidden", "ports-seen"]);
    }

    #[test]
    fn everything_declared_is_said() {
        let owned = socket::recorded::lines(&[("00000000", 9, "00000000", "0A")]);
        assert_eq!(findings::<Ports>(owned), ["ports-seen"]);
        all_is_said::<Ports>(vec![
            socket::recorded::machine(&recorded("laptop-full")),
            Sockets { tables: vec![Err(Unread::Denied)], owners: BTreeMap::new() },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(.*\n)*|( [0-9]: [0-9A-F]{0,33}:[0-9A-F]{0,5} x 0A( [0-9]*){0,9}\n)*") {
            told(Ports::ID, &Ports::judge(socket::recorded::any(&text)));
        }
    }
}
