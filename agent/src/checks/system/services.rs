//! `system.services`: services of the system that failed, where systemd keeps them.
//!
//! Only names, and of them only what says nothing about a person: the instance of `user@1000.service` and the place of
//! `media-ana-stick.mount` stay here. Services of the person's own account aren't looked at.

use std::time::Duration;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::unit;
use crate::checks::machine::Machine;
use crate::checks::tool::{self, Answer, Silence};
use crate::checks::{Check, Failure};

/// Longest wait for systemd.
const LIMIT: Duration = Duration::from_secs(5);
/// Most findings; the table has the rest.
const FINDINGS: usize = 5;
/// One unit a line, without decoration: systemctl(1).
const ARGUMENTS: [&str; 7] = ["list-units", "--failed", "--all", "--full", "--plain", "--no-legend", "--no-pager"];

pub(crate) struct Services;

pub(crate) struct Inputs {
    /// Whether systemd started this system: sd_booted(3).
    systemd: bool,
    answer: Result<Answer, Silence>,
}

impl Check for Services {
    const ID: &'static str = "system.services";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let answer = tool::SYSTEMCTL.ask(&ARGUMENTS, LIMIT);
        Ok(Inputs { systemd: Machine::this().has(unit::BOOTED), answer })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if !inputs.systemd {
            draft.finding(Severity::Unknown, "no-service-manager", &[], format!("{} does not exist", unit::BOOTED));
            return draft;
        }
        let answer = match inputs.answer {
            Ok(answer) if answer.status == Some(0) => answer,
            Ok(answer) => {
                let why = answer.error.lines().next().unwrap_or("no reason").to_owned();
                draft.finding(Severity::Unknown, "services-unknown", &[], format!("systemctl: {why}"));
                return draft;
            }
            Err(silence) => {
                draft.finding(Severity::Unknown, "services-unknown", &[], silence.to_string());
                return draft;
            }
        };
        let failed: Vec<(String, String)> = answer.output.lines().filter_map(failed).collect();
        draft.fact("failed", failed.len() as u64, "");
        for (service, state) in failed.iter().take(FINDINGS) {
            let evidence = format!("systemctl list-units --failed: {service} {state}");
            draft.finding(Severity::Warning, "service-failed", &[("service", service.clone().into())], evidence);
        }
        if failed.is_empty() {
            draft.finding(Severity::Ok, "services-ok", &[], "systemctl list-units --failed: none");
        }
        let rows: Vec<Vec<Value>> = failed.into_iter().map(|(s, state)| vec![s.into(), state.into()]).collect();
        draft.table("services", &["service", "state"], rows);
        draft
    }
}

/// `UNIT LOAD ACTIVE SUB DESCRIPTION`: the unit as it may leave the PC, and its state.
fn failed(line: &str) -> Option<(String, String)> {
    let mut words = line.split_whitespace().skip_while(|word| matches!(*word, "●" | "*" | "×"));
    let (name, _load, active, sub) = (words.next()?, words.next()?, words.next()?, words.next()?);
    (active == "failed").then(|| (unit::shown(name), sub.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn answered(output: String) -> Inputs {
        Inputs { systemd: true, answer: Ok(Answer { status: Some(0), output, error: String::new() }) }
    }

    #[test]
    fn failed_services_are_named_without_people() {
        let output = recorded("laptop-full").text("/tools/systemctl-failed.txt").unwrap();
        let draft = Services::judge(answered(output));
        let names: Vec<&Value> = draft.tables[0].rows.iter().map(|row| &row[0]).collect();
        let expected: Vec<Value> =
            ["NetworkManager.service", "cups.service", "openvpn-client@….service", "….mount"].map(Into::into).into();
        assert_eq!(names, expected.iter().collect::<Vec<_>>());
        let said = format!("{draft:?}");
        assert!(!said.contains("@ana") && !said.contains("media") && !said.contains("FOTOS"));
        told(Services::ID, &draft);
    }

    #[test]
    fn findings_below_at_and_above_their_number() {
        for (failed, found) in [(0, 1), (1, 1), (4, 4), (5, 5), (6, 5)] {
            let output = (0..failed).map(|i| format!("s{i}.service loaded failed failed S\n")).collect();
            assert_eq!(findings::<Services>(answered(output)).len(), found);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let refused = Answer { status: Some(1), output: String::new(), error: "Host is down\n".into() };
        all_is_said::<Services>(vec![
            answered("a.service loaded failed failed A\n".into()),
            answered(String::new()),
            Inputs { systemd: false, answer: Err(Silence::NotInstalled("systemctl")) },
            Inputs { systemd: true, answer: Err(Silence::TooSlow("systemctl")) },
            Inputs { systemd: true, answer: Ok(refused) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(output in "(.*\n)*|([●@.a-z]+ x failed x\n)*") {
            told(Services::ID, &Services::judge(answered(output)));
        }
    }
}
