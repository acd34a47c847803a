//! `system.overview`: what kind of computer this is. No figure is sampled, so it answers at once.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use crate::checks::machine::{Machine, Reading};
use crate::checks::{Check, Failure};

/// Days after which a restart is worth a try: kernels and services get their updates only then. Our choice: monthly, as
/// the large vendors publish.
const LONG_UPTIME_DAYS: u64 = 30;
const DAY: u64 = 24 * 60 * 60;

pub(crate) struct Overview;

pub(crate) struct Inputs {
    os_release: Reading,
    kernel: Reading,
    cpu: Reading,
    memory: Reading,
    uptime: Reading,
    architecture: &'static str,
}

impl Check for Overview {
    const ID: &'static str = "system.overview";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let os = inputs.os_release.ok().and_then(|text| quoted(&text, "PRETTY_NAME="));
        draft.fact("os", os.unwrap_or_else(|| std::env::consts::OS.to_owned()), "");
        if let Ok(kernel) = inputs.kernel {
            draft.fact("kernel", kernel.trim(), "");
        }
        draft.fact("architecture", inputs.architecture, "");
        if let Ok(cpu) = inputs.cpu {
            processor(&mut draft, &cpu);
        }
        if let Some(kib) = inputs.memory.ok().and_then(|text| kib(&text, "MemTotal:")) {
            draft.fact("memory", kib.saturating_mul(1024), "bytes");
        }
        match &inputs.uptime {
            Ok(text) => uptime(&mut draft, text),
            Err(error) => {
                draft.finding(Severity::Unknown, "uptime-unknown", &[], format!("/proc/uptime {error}"));
            }
        }
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    Inputs {
        os_release: machine.text("/etc/os-release").or_else(|_| machine.text("/usr/lib/os-release")),
        kernel: machine.text("/proc/sys/kernel/osrelease"),
        cpu: machine.text("/proc/cpuinfo"),
        memory: machine.text("/proc/meminfo"),
        uptime: machine.text("/proc/uptime"),
        architecture: std::env::consts::ARCH,
    }
}

fn processor(draft: &mut Draft, text: &str) {
    // "model name" on x86, "Model" or "Hardware" on many ARM boards.
    let field = |name: &str| {
        text.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            (key.trim() == name).then(|| value.trim().to_owned())
        })
    };
    if let Some(cpu) = ["model name", "Model", "Hardware"].into_iter().find_map(field) {
        draft.fact("cpu", cpu, "");
    }
    let cores = text.lines().filter(|line| line.split(':').next().map(str::trim) == Some("processor")).count();
    if cores > 0 {
        draft.fact("cores", cores as u64, "");
    }
    if let Some(flags) = field("flags") {
        draft.fact("virtual", flags.split_whitespace().any(|flag| flag == "hypervisor"), "");
    }
}

fn uptime(draft: &mut Draft, text: &str) {
    let Some(seconds) = text.split(['.', ' ']).next().and_then(|word| word.trim().parse::<u64>().ok()) else {
        return draft.finding(Severity::Unknown, "uptime-unknown", &[], "/proc/uptime has no number");
    };
    draft.fact("uptime", seconds, "s");
    let (days, evidence) = (seconds / DAY, format!("/proc/uptime: {seconds} s"));
    if days >= LONG_UPTIME_DAYS {
        draft.finding(Severity::Warning, "long-uptime", &[("days", days.into())], evidence);
    } else {
        draft.finding(Severity::Ok, "uptime-ok", &[], evidence);
    }
}

fn quoted(text: &str, key: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix(key))?.trim();
    Some(value.trim_matches(['"', '\'']).to_owned()).filter(|value| !value.is_empty())
}

fn kib(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use venia_proto::report::Value;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    #[test]
    fn a_laptop_is_described() {
        let report = told(Overview::ID, &Overview::judge(gather_from(&recorded("laptop-full"))));
        let fact = |key: &str| report.facts.iter().find(|fact| fact.key == key).map(|fact| fact.value.clone());
        assert_eq!(fact("os"), Some("Debian GNU/Linux 12 (bookworm)".into()));
        assert_eq!(fact("cpu"), Some("Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz".into()));
        assert_eq!(fact("cores"), Some(Value::Integer(2)));
        assert_eq!(fact("virtual"), Some(Value::Flag(false)));
        assert_eq!(fact("memory"), Some(Value::Integer(8_041_236 * 1024)));
    }

    #[test]
    fn a_long_uptime_below_at_and_above() {
        for (seconds, finding) in [
            (LONG_UPTIME_DAYS * DAY - 1, "uptime-ok"),
            (LONG_UPTIME_DAYS * DAY, "long-uptime"),
            (LONG_UPTIME_DAYS * DAY + 1, "long-uptime"),
        ] {
            let inputs = Inputs { uptime: Ok(format!("{seconds}.17 12.50\n")), ..gather_from(&recorded("container")) };
            assert_eq!(findings::<Overview>(inputs), [finding]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Overview>(vec![
            gather_from(&recorded("laptop-full")),
            gather_from(&recorded("desktop-fine")),
            Inputs { uptime: Err(Unread::Denied), ..gather_from(&recorded("container")) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(a in "\\PC*|PRETTY_NAME=.*", b in ".*", c in "(.*:.*\n)*", d in "MemTotal:.*", e in ".*") {
            told(Overview::ID, &Overview::judge(Inputs {
                os_release: Ok(a), kernel: Ok(b), cpu: Ok(c), memory: Ok(d), uptime: Ok(e), architecture: "x",
            }));
        }
    }
}
