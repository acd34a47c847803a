//! `system.flapping`: services that fail and are started again and again, which costs time and fills the log while
//! everything seems to run.
//!
//! systemd counts how often it restarted a service by itself (`NRestarts`, since version 235). A person's own services
//! aren't looked at.

use std::time::Duration;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::{reply, unit};
use crate::checks::machine::Machine;
use crate::checks::tool::{self, Answer, Silence};
use crate::checks::{Check, Failure};

/// Longest wait for systemd.
const LIMIT: Duration = Duration::from_secs(5);
/// Restarts from which it isn't chance: systemd's own `DefaultStartLimitBurst` (systemd-system.conf(5)).
const OFTEN: u64 = 5;
/// Most findings; the table has the rest.
const FINDINGS: usize = 5;
const ARGUMENTS: [&str; 4] = ["show", "--no-pager", "--property=Id,NRestarts,ActiveState,SubState", "*.service"];

pub(crate) struct Flapping;

pub(crate) struct Inputs {
    systemd: bool,
    answer: Result<Answer, Silence>,
}

impl Check for Flapping {
    const ID: &'static str = "system.flapping";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(Inputs { systemd: Machine::this().has(unit::BOOTED), answer: tool::SYSTEMCTL.ask(&ARGUMENTS, LIMIT) })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if !inputs.systemd {
            draft.finding(Severity::Unknown, "no-service-manager", &[], format!("{} does not exist", unit::BOOTED));
            return draft;
        }
        let output = match reply::output(inputs.answer) {
            Ok(output) => output,
            Err(why) => {
                draft.finding(Severity::Unknown, "flapping-unknown", &[], format!("systemctl show: {why}"));
                return draft;
            }
        };
        let services: Vec<Service> = unit::properties(&output).iter().filter_map(Service::of).collect();
        if services.is_empty() {
            let evidence = "systemctl show: no service has NRestarts";
            draft.finding(Severity::Unknown, "flapping-unknown", &[], evidence);
            return draft;
        }
        judge(&mut draft, services);
        draft
    }
}

struct Service {
    name: String,
    restarts: u64,
    state: String,
}

impl Service {
    fn of(unit: &std::collections::BTreeMap<&str, &str>) -> Option<Self> {
        Some(Self {
            name: unit::shown(unit.get("Id")?),
            restarts: unit.get("NRestarts")?.parse().ok()?,
            state: unit.get("SubState").copied().unwrap_or_default().to_owned(),
        })
    }

    /// Whether it waits for its next start just now: systemd(1), states of a service.
    fn waits(&self) -> bool {
        self.state.starts_with("auto-restart")
    }
}

fn judge(draft: &mut Draft, services: Vec<Service>) {
    draft.fact("services", services.len() as u64, "");
    let mut restarted: Vec<Service> =
        services.into_iter().filter(|service| service.restarts > 0 || service.waits()).collect();
    restarted.sort_by(|a, b| (b.waits(), b.restarts, &a.name).cmp(&(a.waits(), a.restarts, &b.name)));
    draft.fact("restarted", restarted.len() as u64, "");
    for service in restarted.iter().filter(|service| service.waits() || service.restarts >= OFTEN).take(FINDINGS) {
        let evidence = format!("systemctl show {}: NRestarts={}, {}", service.name, service.restarts, service.state);
        let name = ("service", service.name.clone().into());
        if service.waits() {
            draft.finding(Severity::Warning, "restarting-now", &[name], evidence);
        } else {
            let values = [name, ("count", service.restarts.into())];
            draft.finding(Severity::Warning, "restarted-often", &values, evidence);
        }
    }
    if draft.findings.is_empty() {
        let most = restarted.first().map_or(0, |service| service.restarts);
        draft.finding(Severity::Ok, "flapping-ok", &[], format!("systemctl show: NRestarts is at most {most}"));
    }
    let row =
        |service: Service| -> Vec<Value> { vec![service.name.into(), service.restarts.into(), service.state.into()] };
    draft.table("restarts", &["service", "restarts", "state"], restarted.into_iter().map(row).collect());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn answered(output: &str) -> Inputs {
        let answer = Answer { status: Some(0), output: output.to_owned(), error: String::new() };
        Inputs { systemd: true, answer: Ok(answer) }
    }

    fn shown(restarts: u64, state: &str) -> Inputs {
        answered(&format!("Id=a.service\nNRestarts={restarts}\nActiveState=active\nSubState={state}\n"))
    }

    #[test]
    fn restarts_below_at_and_above() {
        for (restarts, state, found) in [
            (0, "running", "flapping-ok"),
            (OFTEN - 1, "running", "flapping-ok"),
            (OFTEN, "running", "restarted-often"),
            (OFTEN + 1, "running", "restarted-often"),
            (0, "auto-restart", "restarting-now"),
            (0, "auto-restart-queued", "restarting-now"),
        ] {
            assert_eq!(findings::<Flapping>(shown(restarts, state)), [found], "{restarts} {state}");
        }
        let many: String = (0..9).map(|i| format!("Id=s{i}.service\nNRestarts=9\nSubState=running\n\n")).collect();
        assert_eq!(findings::<Flapping>(answered(&many)).len(), FINDINGS);
    }

    #[test]
    fn an_ill_server_has_two_of_them_and_no_instance_is_told() {
        let output = recorded("server-ill").text("/tools/systemctl-show.txt").unwrap();
        let draft = Flapping::judge(answered(&output));
        let ids: Vec<&str> = draft.findings.iter().map(|finding| finding.id.as_str()).collect();
        assert_eq!(ids, ["restarting-now", "restarted-often"]);
        assert!(!format!("{draft:?}").contains("marta"));
        told(Flapping::ID, &draft);
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Flapping>(vec![
            shown(9, "running"),
            shown(0, "running"),
            shown(9, "auto-restart"),
            answered(""),
            Inputs { systemd: true, answer: Err(Silence::TooSlow("systemctl")) },
            Inputs { systemd: false, answer: Err(Silence::NotInstalled("systemctl")) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(output in "(.*\n)*|((Id|NRestarts|SubState)=[a-z0-9@.-]*\n\n?)*") {
            told(Flapping::ID, &Flapping::judge(answered(&output)));
        }
    }
}
