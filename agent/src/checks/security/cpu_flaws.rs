//! `security.cpu-flaws`: known flaws of the processor and what the kernel does against them.
//!
//! Source: the kernel's own list, `/sys/devices/system/cpu/vulnerabilities` (its `testing/sysfs-devices-system-cpu`).

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

const FOLDER: &str = "/sys/devices/system/cpu/vulnerabilities";
/// Names given in the evidence.
const NAMED: usize = 8;

pub(crate) struct CpuFlaws;

pub(crate) struct Inputs {
    /// Name of the flaw and the kernel's line about it.
    flaws: Vec<(String, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Absent,
    Covered,
    Open,
    Unclear,
}

impl Check for CpuFlaws {
    const ID: &'static str = "security.cpu-flaws";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if inputs.flaws.is_empty() {
            draft.finding(Severity::Unknown, "flaws-unknown", &[], format!("{FOLDER} has no readable file"));
            return draft;
        }
        let of = |wanted: State| -> Vec<&str> {
            inputs.flaws.iter().filter(|(_, line)| state(line) == wanted).map(|(name, _)| name.as_str()).collect()
        };
        let (open, unclear) = (of(State::Open), of(State::Unclear));
        draft.fact("known", inputs.flaws.len() as u64, "");
        draft.fact("open", open.len() as u64, "");
        let count = |names: &[&str]| [("count", Value::from(names.len() as u64))];
        let evidence = |names: &[&str]| {
            let named: Vec<&str> = names.iter().take(NAMED).copied().collect();
            format!("{FOLDER}: {}{}", named.join(", "), if names.len() > NAMED { " …" } else { "" })
        };
        if !open.is_empty() {
            draft.finding(Severity::Warning, "flaws-open", &count(&open), evidence(&open));
        }
        if !unclear.is_empty() {
            draft.finding(Severity::Unknown, "flaws-unclear", &count(&unclear), evidence(&unclear));
        }
        if open.is_empty() && unclear.is_empty() {
            let evidence = format!("{FOLDER}: {} flaws, none vulnerable", inputs.flaws.len());
            draft.finding(Severity::Ok, "flaws-ok", &[], evidence);
        }
        let present = inputs.flaws.iter().filter(|(_, line)| state(line) != State::Absent);
        let rows = present.map(|(name, line)| vec![name.clone().into(), line.clone().into()]).collect();
        draft.table("flaws", &["flaw", "state"], rows);
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let line = |name: String| machine.word(&format!("{FOLDER}/{name}")).map(|line| (name, line));
    Inputs { flaws: machine.names(FOLDER).into_iter().filter_map(line).collect() }
}

/// `Not affected`, `Vulnerable…`, `Mitigation: …`, `Unknown: …`, each also after `KVM: `.
fn state(line: &str) -> State {
    let line = line.strip_prefix("KVM: ").unwrap_or(line);
    if line.starts_with("Not affected") {
        State::Absent
    } else if line.starts_with("Mitigation") {
        State::Covered
    } else if line.starts_with("Vulnerable") || line.starts_with("Processor vulnerable") {
        State::Open
    } else {
        State::Unclear
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn one(line: &str) -> Inputs {
        Inputs { flaws: vec![("mds".into(), line.into())] }
    }

    #[test]
    fn each_word_of_the_kernel_is_understood() {
        for (line, found) in [
            ("Not affected", "flaws-ok"),
            ("Mitigation: Clear CPU buffers; SMT vulnerable", "flaws-ok"),
            ("KVM: Mitigation: VMX disabled", "flaws-ok"),
            ("Vulnerable: Clear CPU buffers attempted, no microcode", "flaws-open"),
            ("KVM: Vulnerable", "flaws-open"),
            ("Unknown: Dependent on hypervisor status", "flaws-unclear"),
            ("something new", "flaws-unclear"),
        ] {
            assert_eq!(findings::<CpuFlaws>(one(line)), [found], "{line}");
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let laptop = gather_from(&recorded("laptop-full"));
        assert_eq!(laptop.flaws.len(), 4);
        all_is_said::<CpuFlaws>(vec![laptop, gather_from(&recorded("container")), one("Not affected")]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(flaws in any::<Vec<(String, String)>>()) {
            told(CpuFlaws::ID, &CpuFlaws::judge(Inputs { flaws }));
        }
    }
}
