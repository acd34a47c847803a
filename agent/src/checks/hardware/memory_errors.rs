//! `hardware.memory-errors`: errors of the memory and the processor that the hardware itself noticed.
//!
//! Memory that corrects itself counts (EDAC in `/sys`); any processor reports what it can't correct to the log, and the
//! kernel keeps pages it gave up. Ordinary memory without correction can't tell: only a test of hours can.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::kernel_log::KernelLog;
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure, whole};

/// Where the kernel keeps memory controllers that count.
const FOLDER: &str = "/sys/devices/system/edac/mc";
/// Corrected errors a day from which a module is to be replaced: the threshold of mcelog's `mcelog.conf`.
const CORRECTED_A_DAY: u64 = 10;
/// What is looked for in the log: machine checks, and memory that was given up.
const PATTERN: &str = "Machine [Cc]heck|Hardware Error|Memory failure: 0x|EDAC .* [0-9]+ [CU]E ";

pub(crate) struct MemoryErrors;

pub(crate) struct Inputs {
    controllers: Vec<Controller>,
    /// `/proc/meminfo`.
    memory: Option<String>,
    log: KernelLog,
}

/// A memory controller's counts.
#[derive(Clone, Debug, Default)]
struct Controller {
    corrected: u64,
    uncorrected: u64,
    /// Seconds it has counted.
    seconds: u64,
    modules: Vec<Module>,
}

#[derive(Clone, Debug, Default)]
struct Module {
    label: String,
    corrected: u64,
    uncorrected: u64,
}

impl Check for MemoryErrors {
    const ID: &'static str = "hardware.memory-errors";
    type Inputs = Inputs;

    fn gather(arguments: &Arguments) -> Result<Inputs, Failure> {
        let log = KernelLog::ask(PATTERN, whole(arguments, "days")?);
        Ok(gather_from(&Machine::this(), log))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let sum = |count: fn(&Controller) -> u64| inputs.controllers.iter().map(count).fold(0_u64, u64::saturating_add);
        let (corrected, uncorrected) = (sum(|c| c.corrected), sum(|c| c.uncorrected));
        if !inputs.controllers.is_empty() {
            draft.fact("corrected", corrected, "");
            draft.fact("uncorrected", uncorrected, "");
            let row = |m: &Module| vec![Value::from(m.label.clone()), m.corrected.into(), m.uncorrected.into()];
            let modules = inputs.controllers.iter().flat_map(|controller| &controller.modules);
            draft.table("modules", &["module", "corrected", "uncorrected"], modules.map(row).collect());
        }
        let given_up = inputs.memory.as_deref().and_then(given_up);
        if let Some(kilobytes) = given_up {
            draft.fact("given-up", kilobytes, "kB");
        }
        if uncorrected > 0 || given_up.is_some_and(|kilobytes| kilobytes > 0) {
            let evidence = format!(
                "{FOLDER}: {uncorrected} uncorrected; /proc/meminfo HardwareCorrupted: {} kB",
                given_up.unwrap_or(0)
            );
            draft.finding(Severity::Critical, "memory-broken", &[], evidence);
        }
        let seconds = inputs.controllers.iter().map(|controller| controller.seconds).max().unwrap_or(0);
        // Days begun count whole, so that one error after a minute isn't a thousand a day.
        let a_day = corrected / seconds.div_ceil(86_400).max(1);
        if a_day >= CORRECTED_A_DAY {
            let evidence = format!("{FOLDER}: {corrected} corrected in {seconds} s");
            draft.finding(Severity::Warning, "memory-wears", &[("count", a_day.into())], evidence);
        }
        from_log(&mut draft, &inputs.log);
        if !draft.findings.iter().any(|f| matches!(f.severity, Severity::Critical | Severity::Warning)) {
            if inputs.controllers.is_empty() {
                draft.finding(Severity::Unknown, "nothing-counts", &[], format!("{FOLDER} has no controller"));
            } else {
                let evidence = format!("{FOLDER}: {corrected} corrected in {seconds} s, none uncorrected");
                draft.finding(Severity::Ok, "memory-sound", &[("count", corrected.into())], evidence);
            }
        }
        draft
    }
}

fn gather_from(machine: &Machine, log: KernelLog) -> Inputs {
    let controllers = machine.names(FOLDER).into_iter().filter(|name| is_numbered(name, "mc"));
    Inputs {
        controllers: controllers.filter_map(|name| Controller::read(machine, &name)).collect(),
        memory: machine.text("/proc/meminfo").ok(),
        log,
    }
}

/// Reports of the processor (the kernel's `arch/x86/kernel/cpu/mce`) and pages given up (`mm/memory-failure.c`).
fn from_log(draft: &mut Draft, log: &KernelLog) {
    match log.messages() {
        Ok(messages) => {
            // One event has many lines; each begins with one of these.
            let begins = |text: &str| {
                text.contains("Machine check events logged")
                    || text.contains("Machine Check:")
                    || text.contains("Machine Check Exception")
                    || text.contains("Memory failure: 0x")
            };
            let count = messages.iter().filter(|message| begins(message.text)).count() as u64;
            draft.fact("reports", count, "");
            if count > 0 {
                let evidence = format!("log of {} days: {count} machine checks", log.days());
                draft.finding(Severity::Warning, "hardware-reports", &[("count", count.into())], evidence);
            }
        }
        Err(unheard) => unheard.tell(draft),
    }
}

impl Controller {
    fn read(machine: &Machine, name: &str) -> Option<Self> {
        let folder = format!("{FOLDER}/{name}");
        let count = |file: &str| machine.number::<u64>(&format!("{folder}/{file}"));
        let module = |name: String| {
            let file = |file: &str| format!("{folder}/{name}/{file}");
            Some(Module {
                corrected: machine.number(&file("dimm_ce_count"))?,
                uncorrected: machine.number(&file("dimm_ue_count")).unwrap_or(0),
                label: machine.word(&file("dimm_label")).unwrap_or(name),
            })
        };
        let modules = machine.names(&folder).into_iter().filter(|name| is_numbered(name, "dimm"));
        Some(Self {
            corrected: count("ce_count")?,
            uncorrected: count("ue_count").unwrap_or(0),
            seconds: count("seconds_since_reset").unwrap_or(0),
            modules: modules.filter_map(module).collect(),
        })
    }
}

fn is_numbered(name: &str, start: &str) -> bool {
    name.strip_prefix(start).is_some_and(|number| number.parse::<u16>().is_ok())
}

/// `HardwareCorrupted:     0 kB`.
fn given_up(memory: &str) -> Option<u64> {
    let line = memory.lines().find_map(|line| line.strip_prefix("HardwareCorrupted:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::kernel_log::tests::{absent, denied, log};
    use super::super::recording::{answer, recording, unpacked};
    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    fn counted(corrected: u64, uncorrected: u64, seconds: u64) -> Inputs {
        let controller = Controller { corrected, uncorrected, seconds, modules: vec![] };
        Inputs { controllers: vec![controller], memory: None, log: log("") }
    }

    #[test]
    fn a_server_whose_memory_wears() {
        let inputs = gather_from(&recording("server-debian"), log(""));
        let draft = MemoryErrors::judge(inputs);
        assert_eq!(draft.tables[0].rows[1], vec!["DIMM_A2".into(), Value::Integer(1_337), Value::Integer(0)]);
        assert_eq!(draft.findings[0].id, "memory-wears");
        assert_eq!(draft.findings[0].values["count"], Value::Integer(191));
        let inputs = gather_from(&recording("laptop-fedora"), log(&answer("log-memory.txt")));
        assert_eq!(findings::<MemoryErrors>(inputs), ["hardware-reports"]);
    }

    #[test]
    fn errors_below_at_and_above_their_limits() {
        for (corrected, uncorrected, seconds, found) in [
            (9, 0, 60, "memory-sound"),
            (10, 0, 60, "memory-wears"),
            (19, 0, 2 * 86_400, "memory-sound"),
            (20, 0, 2 * 86_400, "memory-wears"),
            (21, 0, 2 * 86_400, "memory-wears"),
            (0, 1, 60, "memory-broken"),
        ] {
            assert_eq!(findings::<MemoryErrors>(counted(corrected, uncorrected, seconds)), [found], "{corrected}");
        }
        for (memory, found) in
            [("HardwareCorrupted:     0 kB", "memory-sound"), ("HardwareCorrupted:     4 kB", "memory-broken")]
        {
            let inputs = Inputs { memory: Some(memory.into()), ..counted(0, 0, 60) };
            assert_eq!(findings::<MemoryErrors>(inputs), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<MemoryErrors>(vec![
            gather_from(&recording("server-debian"), log(&answer("log-memory.txt"))),
            Inputs { memory: Some("HardwareCorrupted: 0 kB".into()), ..counted(1, 1, 60) },
            counted(1, 0, 60),
            gather_from(&unpacked(""), denied()),
            gather_from(&unpacked(""), absent()),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(a in any::<u64>(), b in any::<u64>(), seconds in any::<u64>(), memory in "HardwareCorrupted:[ 0-9a-z]*", lines in "([0-9]{1,12}\\.0 kernel: .*(Machine Check:)?.*\n)*", label in ".*") {
            let module = Module { label, corrected: a, uncorrected: b };
            let controller = Controller { corrected: a, uncorrected: b, seconds, modules: vec![module] };
            told(MemoryErrors::ID, &MemoryErrors::judge(Inputs {
                controllers: vec![controller.clone(), controller], memory: Some(memory), log: log(&lines),
            }));
        }
    }
}
