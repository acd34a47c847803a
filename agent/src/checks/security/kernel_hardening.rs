//! `security.kernel-hardening`: settings of the system's core that make an attack harder.
//!
//! From `/proc/sys` alone. Those in which one value is plainly weak are judged; the others depend on what the computer is for
//! and are only told. Recommended values: the kernel's `admin-guide/sysctl` and the CIS benchmarks for Linux.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::machine::{Machine, Reading};
use crate::checks::{Check, Failure};

/// How much a weak value matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// Any distribution sets it; weak means that somebody turned it off.
    Must,
    /// Better, but not everywhere.
    May,
}

/// Names, what is good (`min` to `max`), and how much it matters.
const SETTINGS: [(&str, i64, i64, Weight); 19] = [
    ("fs.protected_fifos", 1, 2, Weight::May),
    ("fs.protected_hardlinks", 1, 1, Weight::Must),
    ("fs.protected_regular", 1, 2, Weight::May),
    ("fs.protected_symlinks", 1, 1, Weight::Must),
    ("fs.suid_dumpable", 0, 0, Weight::May),
    ("kernel.dmesg_restrict", 1, 1, Weight::May),
    ("kernel.kptr_restrict", 1, 2, Weight::May),
    ("kernel.perf_event_paranoid", 2, 4, Weight::May),
    ("kernel.randomize_va_space", 2, 2, Weight::Must),
    ("kernel.unprivileged_bpf_disabled", 1, 2, Weight::May),
    ("kernel.yama.ptrace_scope", 1, 3, Weight::May),
    ("net.ipv4.conf.all.accept_redirects", 0, 0, Weight::May),
    ("net.ipv4.conf.all.accept_source_route", 0, 0, Weight::Must),
    ("net.ipv4.conf.all.rp_filter", 1, 2, Weight::May),
    ("net.ipv4.conf.all.send_redirects", 0, 0, Weight::May),
    ("net.ipv4.icmp_echo_ignore_broadcasts", 1, 1, Weight::Must),
    ("net.ipv4.tcp_syncookies", 1, 2, Weight::Must),
    ("net.ipv6.conf.all.accept_source_route", -1, 0, Weight::Must),
    ("vm.mmap_min_addr", 4_096, i64::MAX, Weight::Must),
];
const TAINTED: &str = "/proc/sys/kernel/tainted";
/// A module without a valid signature was loaded, a module was forced (`admin-guide/tainted-kernels`).
const UNSIGNED: u64 = 1 << 13;
const FORCED: u64 = 1 << 1;
/// Names given in the evidence.
const NAMED: usize = 6;

pub(crate) struct KernelHardening;

pub(crate) struct Inputs {
    /// In the order of [`SETTINGS`].
    settings: Vec<Reading>,
    tainted: Reading,
}

impl Check for KernelHardening {
    const ID: &'static str = "security.kernel-hardening";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let number = |text: &Reading| text.as_ref().ok().and_then(|text| text.trim().parse::<i64>().ok());
        let known: Vec<_> = SETTINGS
            .iter()
            .zip(&inputs.settings)
            .filter_map(|((name, min, max, weight), text)| {
                let value = number(text)?;
                Some((*name, value, (*min..=*max).contains(&value), *weight))
            })
            .collect();
        if known.is_empty() {
            draft.finding(Severity::Unknown, "hardening-unknown", &[], "/proc/sys has none of the settings");
            return draft;
        }
        let weak = |wanted: Weight| -> Vec<String> {
            let weak = known.iter().filter(|(.., good, weight)| !good && *weight == wanted);
            weak.map(|(name, value, ..)| format!("{name}={value}")).collect()
        };
        let (must, may) = (weak(Weight::Must), weak(Weight::May));
        draft.fact("known", known.len() as u64, "");
        draft.fact("weak", (must.len() + may.len()) as u64, "");
        if !must.is_empty() {
            let named: Vec<&str> = must.iter().take(NAMED).map(String::as_str).collect();
            let count = [("count", Value::from(must.len() as u64))];
            draft.finding(Severity::Warning, "turned-off", &count, named.join(", "));
        }
        if let Some(bits) = inputs.tainted.ok().and_then(|text| text.trim().parse::<u64>().ok()) {
            draft.fact("foreign-drivers", bits & (UNSIGNED | FORCED) != 0, "");
            if bits & FORCED != 0 {
                draft.finding(Severity::Warning, "driver-forced", &[], format!("{TAINTED} is {bits}"));
            }
        }
        if draft.findings.is_empty() {
            let evidence = format!("{} settings known, {} could be stricter", known.len(), may.len());
            draft.finding(Severity::Ok, "hardening-ok", &[], evidence);
        }
        let rows =
            known.into_iter().map(|(name, value, good, _)| vec![name.into(), value.into(), good.into()]).collect();
        draft.table("settings", &["setting", "value", "good"], rows);
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let path = |name: &str| format!("/proc/sys/{}", name.replace('.', "/"));
    Inputs {
        settings: SETTINGS.iter().map(|(name, ..)| machine.text(&path(name))).collect(),
        tainted: machine.text(TAINTED),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, item, told};

    /// A computer where all is good but one setting.
    fn but(changed: &str, value: i64) -> Inputs {
        let settings =
            SETTINGS.iter().map(|(name, min, ..)| Ok(if *name == changed { value } else { *min }.to_string()));
        Inputs { settings: settings.collect(), tainted: Ok("0\n".into()) }
    }

    #[test]
    fn every_setting_is_declared() {
        let reads = &item(KernelHardening::ID).needs.reads;
        for (name, ..) in SETTINGS {
            assert!(reads.contains(&format!("/proc/sys/{}", name.replace('.', "/"))), "{name}");
        }
        assert!(reads.contains(&TAINTED.to_owned()));
    }

    #[test]
    fn each_setting_below_at_and_above() {
        for (name, min, max, weight) in SETTINGS {
            let bad = if weight == Weight::Must { "turned-off" } else { "hardening-ok" };
            assert_eq!(findings::<KernelHardening>(but(name, min - 1)), [bad], "{name}");
            assert_eq!(findings::<KernelHardening>(but(name, min)), ["hardening-ok"]);
            assert_eq!(findings::<KernelHardening>(but(name, max)), ["hardening-ok"]);
            if let Some(above) = max.checked_add(1) {
                assert_eq!(findings::<KernelHardening>(but(name, above)), [bad], "{name}");
            }
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<KernelHardening>(vec![
            but("kernel.randomize_va_space", 0),
            Inputs { tainted: Ok("12290\n".into()), ..but("", 0) },
            but("", 0),
            Inputs { settings: vec![Err(Unread::Absent); SETTINGS.len()], tainted: Err(Unread::Absent) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(texts in proptest::collection::vec("-?[0-9]{0,20}|.*", SETTINGS.len()), tainted in "[0-9]*|.*") {
            let settings = texts.into_iter().map(Ok).collect();
            told(KernelHardening::ID, &KernelHardening::judge(Inputs { settings, tainted: Ok(tainted) }));
        }
    }
}
