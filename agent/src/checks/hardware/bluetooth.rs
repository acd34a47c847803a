//! `hardware.bluetooth`: adapters, whether they are on, and how many devices are paired and connected.
//!
//! Names and addresses of headphones and phones are the person's own: they are counted and stay here. The service is
//! asked only if it runs already; asking never starts it.

use std::time::Duration;

use serde_json::Value as Json;
use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use super::radio_switches::Switch;
use crate::checks::machine::Machine;
use crate::checks::tool::{self, Answer, Silence};
use crate::checks::{Check, Failure};

/// Longest wait for the service.
const LIMIT: Duration = Duration::from_secs(3);
/// Everything BlueZ knows, in one answer: its `doc/org.bluez.Adapter.rst` and `org.bluez.Device.rst`.
const ARGUMENTS: [&str; 8] = [
    "--system",
    "--json=short",
    "--auto-start=no",
    "call",
    "org.bluez",
    "/",
    "org.freedesktop.DBus.ObjectManager",
    "GetManagedObjects",
];

pub(crate) struct Bluetooth;

pub(crate) struct Inputs {
    /// Adapters the kernel has.
    adapters: u64,
    switches: Vec<Switch>,
    answer: Result<Answer, Silence>,
}

/// What BlueZ says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Service {
    adapters: u64,
    powered: u64,
    paired: u64,
    connected: u64,
}

impl Check for Bluetooth {
    const ID: &'static str = "hardware.bluetooth";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let (adapters, switches) = gather_from(&Machine::this());
        // Without an adapter there is nothing to ask about.
        let none = Err(Silence::NotInstalled(tool::BUSCTL.name));
        let answer = if adapters > 0 { tool::BUSCTL.ask(&ARGUMENTS, LIMIT) } else { none };
        Ok(Inputs { adapters, switches, answer })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        draft.fact("adapters", inputs.adapters, "");
        let blocked = |hard: bool| {
            let own = |switch: &&Switch| switch.kind == "bluetooth" && if hard { switch.hard } else { switch.soft };
            inputs.switches.iter().any(|switch| own(&switch))
        };
        let service = match &inputs.answer {
            Ok(answer) if answer.status == Some(0) => service(&answer.output),
            Ok(_) | Err(_) => None,
        };
        if let Some(service) = service {
            draft.fact("powered", service.powered > 0, "");
            draft.fact("paired", service.paired, "");
            draft.fact("connected", service.connected, "");
        }
        let evidence = format!("/sys/class/bluetooth: {} adapters", inputs.adapters);
        if inputs.adapters == 0 && inputs.switches.iter().all(|switch| switch.kind != "bluetooth") {
            draft.finding(Severity::Unknown, "no-adapter", &[], evidence);
        } else if blocked(true) || blocked(false) {
            let which = if blocked(true) { "hard" } else { "soft" };
            draft.finding(
                Severity::Warning,
                "bluetooth-blocked",
                &[],
                format!("/sys/class/rfkill: bluetooth {which}=1"),
            );
        } else if inputs.adapters == 0 {
            draft.finding(Severity::Warning, "adapter-missing", &[], format!("{evidence}; its switch is there"));
        } else {
            match service {
                Some(service) if service.adapters > 0 && service.powered == 0 => {
                    draft.finding(Severity::Warning, "bluetooth-off", &[], "org.bluez: Powered is false");
                }
                Some(service) => {
                    let evidence = format!("org.bluez: {} on, {} connected", service.powered, service.connected);
                    draft.finding(Severity::Ok, "bluetooth-on", &[("count", service.connected.into())], evidence);
                }
                None => draft.finding(Severity::Unknown, "service-silent", &[], why(&inputs.answer)),
            }
        }
        draft
    }
}

fn gather_from(machine: &Machine) -> (u64, Vec<Switch>) {
    // `hci0:11` is a connection and not an adapter.
    let adapters = machine.names("/sys/class/bluetooth").iter().filter(|name| !name.contains(':')).count() as u64;
    (adapters, Switch::all(machine))
}

/// Counts in `{"data":[{"/org/bluez/hci0":{"org.bluez.Adapter1":{"Powered":{"data":true}}}}]}`.
fn service(output: &str) -> Option<Service> {
    let answer: Json = serde_json::from_str(output).ok()?;
    let mut service = Service::default();
    for object in answer.pointer("/data/0")?.as_object()?.values() {
        let is = |interface: &str, property: &str| {
            object.pointer(&format!("/{interface}/{property}/data")).and_then(Json::as_bool) == Some(true)
        };
        service.adapters += u64::from(object.get("org.bluez.Adapter1").is_some());
        service.powered += u64::from(is("org.bluez.Adapter1", "Powered"));
        service.paired += u64::from(is("org.bluez.Device1", "Paired"));
        service.connected += u64::from(is("org.bluez.Device1", "Connected"));
    }
    Some(service)
}

fn why(answer: &Result<Answer, Silence>) -> String {
    match answer {
        Ok(answer) => format!("busctl: {}", answer.error.lines().next().unwrap_or("no reason")),
        Err(silence) => silence.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recording::{answer, recording};
    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    fn said(output: String) -> Result<Answer, Silence> {
        Ok(Answer { status: Some(0), output, error: String::new() })
    }

    fn of(name: &str, answer: Result<Answer, Silence>) -> Inputs {
        let (adapters, switches) = gather_from(&recording(name));
        Inputs { adapters, switches, answer }
    }

    fn off() -> String {
        answer("bluez-objects.json")
            .replace(r#""Powered":{"type":"b","data":true}"#, r#""Powered":{"type":"b","data":false}"#)
    }

    #[test]
    fn devices_are_counted_and_never_named() {
        let draft = Bluetooth::judge(of("laptop-fedora", said(answer("bluez-objects.json"))));
        let counts: Vec<String> = draft.facts.iter().map(|fact| fact.value.to_string()).collect();
        assert_eq!(counts, ["1", "true", "2", "1"]);
        assert!(!format!("{draft:?}").contains("Ana"));
        assert!(!format!("{draft:?}").contains("2C:54"));
        assert_eq!(findings::<Bluetooth>(of("laptop-fedora", said(off()))), ["bluetooth-off"]);
        assert_eq!(findings::<Bluetooth>(of("laptop-worn", said(off()))), ["bluetooth-blocked"]);
    }

    #[test]
    fn everything_declared_is_said() {
        let silent = || Err(Silence::TooSlow("busctl"));
        let refused = Answer { status: Some(1), output: String::new(), error: "The name is not activatable\n".into() };
        let switch = Switch { kind: "bluetooth".into(), soft: false, hard: false };
        all_is_said::<Bluetooth>(vec![
            of("laptop-fedora", said(answer("bluez-objects.json"))),
            of("laptop-fedora", said(off())),
            of("laptop-fedora", Ok(refused)),
            of("laptop-fedora", silent()),
            of("laptop-worn", silent()),
            of("server-debian", silent()),
            Inputs { adapters: 0, switches: vec![switch], answer: silent() },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(output in "\\{\"data\":\\[\\{\"x\":\\{\"org.bluez.(Adapter1|Device1)\":.*\\}\\}\\]\\}|.*", adapters in 0_u64..3) {
            told(Bluetooth::ID, &Bluetooth::judge(Inputs { adapters, switches: vec![], answer: said(output) }));
        }
    }
}
