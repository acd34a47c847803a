//! `network.limits`: how near the computer is to running out of connections.
//!
//! Counts only, from `/proc/net/sockstat`, `/proc/net/tcp` and the settings of tcp(7) and the connection tracking
//! (`nf_conntrack-sysctl` in the kernel's documentation): whom a connection is with is not looked at.

use std::collections::BTreeSet;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use crate::checks::figure::{percent, tenths};
use crate::checks::machine::{Machine, Reading};
use crate::checks::{Check, Failure};

/// Percent of a limit from which it is about to be hit. Our choice: the last fifth fills in seconds under load.
const NEAR: f64 = 80.0;
/// Connections without a program from which something goes wrong. tcp(7): each costs memory that can't be swapped.
const ABANDONED: u64 = 1_000;
/// Size of the pages that `sockstat` and `tcp_mem` count in, in bytes: that of x86-64 and most of ARM.
const PAGE: u64 = 4_096;
/// The table of the connections of one family; no state or partner is read from it.
const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

pub(crate) struct Limits;

pub(crate) struct Inputs {
    sockets: Reading,
    sockets_v6: Reading,
    tables: Vec<Reading>,
    range: Reading,
    memory: Reading,
    tracked: Option<u64>,
    tracked_allowed: Option<u64>,
}

impl Check for Limits {
    const ID: &'static str = "network.limits";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(inputs_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let sockets = match &inputs.sockets {
            Ok(text) => text,
            Err(error) => {
                draft.finding(Severity::Unknown, "limits-unknown", &[], format!("/proc/net/sockstat {error}"));
                return draft;
            }
        };
        let v6 = inputs.sockets_v6.as_deref().ok().and_then(|text| count(text, "TCP6:", "inuse")).unwrap_or(0);
        let of = |word| count(sockets, "TCP:", word).unwrap_or(0);
        let abandoned = of("orphan");
        draft.fact("in-use", of("inuse").saturating_add(v6), "");
        draft.fact("ending", of("tw"), "");
        draft.fact("abandoned", abandoned, "");
        draft.fact("memory", of("mem").saturating_mul(PAGE), "bytes");

        if let Some((first, last)) = inputs.range.as_deref().ok().and_then(range) {
            let used = ports(&inputs.tables, first, last);
            let allowed = u64::from(last - first) + 1;
            draft.fact("ports-used", used, "");
            draft.fact("ports-allowed", allowed, "");
            let evidence = format!("{used} of {allowed} ports {first}-{last}");
            near(&mut draft, "ports-out", used, allowed, evidence);
        }
        if let Some(allowed) = inputs.memory.as_deref().ok().and_then(most_memory) {
            let used = of("mem");
            near(&mut draft, "memory-full", used, allowed, format!("{used} of {allowed} pages, tcp_mem"));
        }
        if let (Some(tracked), Some(allowed)) = (inputs.tracked, inputs.tracked_allowed) {
            draft.fact("tracked", tracked, "");
            draft.fact("tracked-allowed", allowed, "");
            near(&mut draft, "tracking-full", tracked, allowed, format!("nf_conntrack {tracked} of {allowed}"));
        }
        if abandoned >= ABANDONED {
            let evidence = format!("/proc/net/sockstat: orphan {abandoned}");
            draft.finding(Severity::Warning, "abandoned-many", &[("count", abandoned.into())], evidence);
        }
        if draft.findings.is_empty() {
            draft.finding(Severity::Ok, "limits-ok", &[], format!("/proc/net/sockstat: {} in use", of("inuse")));
        }
        draft
    }
}

fn inputs_from(machine: &Machine) -> Inputs {
    Inputs {
        sockets: machine.text("/proc/net/sockstat"),
        sockets_v6: machine.text("/proc/net/sockstat6"),
        tables: TABLES.iter().map(|path| machine.text(path)).collect(),
        range: machine.text("/proc/sys/net/ipv4/ip_local_port_range"),
        memory: machine.text("/proc/sys/net/ipv4/tcp_mem"),
        tracked: machine.number("/proc/sys/net/netfilter/nf_conntrack_count"),
        tracked_allowed: machine.number("/proc/sys/net/netfilter/nf_conntrack_max"),
    }
}

/// `TCP: inuse 5 orphan 0 tw 2 alloc 9 mem 1`.
fn count(text: &str, protocol: &str, word: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(protocol))?;
    let words: Vec<&str> = line.split_whitespace().collect();
    words.windows(2).find(|pair| pair[0] == word)?[1].parse().ok()
}

/// `32768 60999`.
fn range(text: &str) -> Option<(u16, u16)> {
    let mut words = text.split_whitespace();
    let (first, last) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    (first <= last).then_some((first, last))
}

/// The last of three numbers of pages: beyond it nothing is given any more.
fn most_memory(text: &str) -> Option<u64> {
    text.split_whitespace().nth(2)?.parse().ok()
}

/// How many ports of the range are taken. One is taken once, however many connections use it to different partners;
/// that makes the figure the safe one.
fn ports(tables: &[Reading], first: u16, last: u16) -> u64 {
    let port = |line: &str| u16::from_str_radix(line.split_whitespace().nth(1)?.split_once(':')?.1, 16).ok();
    let taken: BTreeSet<u16> = tables
        .iter()
        .flatten()
        .flat_map(|text| text.lines().filter_map(port))
        .filter(|port| (first..=last).contains(port))
        .collect();
    taken.len() as u64
}

fn near(draft: &mut Draft, finding: &str, used: u64, allowed: u64, evidence: String) {
    let share = percent(used, allowed);
    if share >= NEAR {
        draft.finding(Severity::Critical, finding, &[("percent", tenths(share).into())], evidence);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn of(orphan: u64, pages: u64, tracked: u64, ports: u16) -> Inputs {
        let line = |n: u16| format!(" {n}: 0100007F:{:04X} 0100007F:0050 01 0:0 0:0 0 0 0 9\n", 40_000 + n);
        Inputs {
            sockets: Ok(format!("sockets: used 9\nTCP: inuse 5 orphan {orphan} tw 2 alloc 9 mem {pages}\n")),
            sockets_v6: Ok("TCP6: inuse 3\n".into()),
            tables: vec![Ok((0..ports).map(line).collect()), Err(Unread::Absent)],
            range: Ok("40000\t40099\n".into()),
            memory: Ok("100\t500\t1000\n".into()),
            tracked: Some(tracked),
            tracked_allowed: Some(1_000),
        }
    }

    #[test]
    fn limits_below_at_and_above() {
        for (inputs, said) in [
            (of(0, 0, 0, 79), "limits-ok"),
            (of(0, 0, 0, 80), "ports-out"),
            (of(0, 0, 0, 81), "ports-out"),
            (of(0, 799, 0, 0), "limits-ok"),
            (of(0, 800, 0, 0), "memory-full"),
            (of(0, 801, 0, 0), "memory-full"),
            (of(0, 0, 799, 0), "limits-ok"),
            (of(0, 0, 800, 0), "tracking-full"),
            (of(0, 0, 801, 0), "tracking-full"),
            (of(999, 0, 0, 0), "limits-ok"),
            (of(1_000, 0, 0, 0), "abandoned-many"),
            (of(1_001, 0, 0, 0), "abandoned-many"),
        ] {
            assert_eq!(findings::<Limits>(inputs), [said]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        assert_eq!(findings::<Limits>(inputs_from(&recorded("network-debian-server"))), ["tracking-full"]);
        let nothing = inputs_from(&recorded("network-fedora-vpn"));
        all_is_said::<Limits>(vec![
            inputs_from(&recorded("network-debian-server")),
            of(1_000, 1_000, 1_000, 100),
            of(0, 0, 0, 0),
            nothing,
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(TCP: (inuse|orphan|mem|tw) [0-9]{0,21}\n)*|(.*\n)*", range in "[0-9]{1,5} [0-9]{1,5}", n in any::<[u64; 2]>()) {
            let reading = || Ok(text.clone());
            let inputs = Inputs {
                sockets: reading(), sockets_v6: reading(), tables: vec![reading()], range: Ok(range), memory: reading(),
                tracked: Some(n[0]), tracked_allowed: Some(n[1]),
            };
            told(Limits::ID, &Limits::judge(inputs));
        }
    }
}
