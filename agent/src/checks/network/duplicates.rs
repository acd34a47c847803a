//! `network.duplicates`: one address, two devices.
//!
//! Seen from three sides: the table of neighbours (`/proc/net/arp`), the system's own test of its IPv6 addresses
//! (`DADFAILED`), and what it wrote about conflicts in the last day. Hardware numbers are compared here and never told.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use super::address::shown;
use super::card;
use super::route::gateways;
use crate::checks::machine::{Machine, Reading};
use crate::checks::tool::{Answer, JOURNALCTL, Silence};
use crate::checks::{Check, Failure};

/// The last day's messages of those who notice conflicts: the kernel (IPv6) and the programs that get addresses (RFC 5227).
const ASK: [&str; 14] = [
    "-b",
    "-q",
    "--no-pager",
    "-o",
    "cat",
    "--since=-1day",
    "-n",
    "500",
    "-t",
    "kernel",
    "-t",
    "NetworkManager",
    "-t",
    "systemd-networkd",
];
const LIMIT: Duration = Duration::from_millis(1_200);
/// What such a message says: `ndisc`/`addrconf` of the kernel, NetworkManager's `l3cfg`, systemd-networkd's `ipv4acd`.
const CONFLICTS: [&str; 4] = ["duplicate address", "address conflict", "conflict detected", "ipv4acd: conflict"];
/// `IFA_F_DADFAILED` of `linux/if_addr.h`.
const DAD_FAILED: u32 = 0x08;
/// The neighbour's number is known, `ATF_COM`.
const COMPLETE: u32 = 0x2;
/// Other addresses of the router's device from which somebody may pose as them. A router with a second network or a
/// printer server inside has one or two.
const SHARED: u64 = 3;

pub(crate) struct Duplicates;

pub(crate) struct Inputs {
    files: Files,
    own: BTreeSet<Ipv4Addr>,
    messages: Result<Answer, Silence>,
}

struct Files {
    neighbours: Reading,
    addresses_v6: Reading,
    route: Reading,
}

/// A line of `/proc/net/arp` whose number is known.
struct Neighbour<'a> {
    address: Ipv4Addr,
    number: &'a str,
    card: &'a str,
}

impl Check for Duplicates {
    const ID: &'static str = "network.duplicates";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let own = card::addresses().unwrap_or_default().into_values().flatten();
        let own = own.filter_map(|(ip, _)| if let IpAddr::V4(v4) = ip { Some(v4) } else { None }).collect();
        let mut messages = JOURNALCTL.ask(&ASK, LIMIT);
        if let Ok(answer) = &mut messages {
            answer.output = conflicts(&answer.output).to_string();
        }
        Ok(Inputs { files: files_from(&Machine::this()), own, messages })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let text = match &inputs.files.neighbours {
            Ok(text) => text,
            Err(error) => {
                draft.finding(Severity::Unknown, "duplicates-unknown", &[], format!("/proc/net/arp {error}"));
                return draft;
            }
        };
        let neighbours: Vec<Neighbour> = text.lines().skip(1).filter_map(neighbour).collect();
        draft.fact("neighbours", neighbours.len() as u64, "");
        let routers = inputs.files.route.as_deref().map_or(Vec::new(), gateways);
        judge_neighbours(&mut draft, &neighbours, &inputs.own, &routers);

        let failed = inputs.files.addresses_v6.as_deref().map_or(0, |text| text.lines().filter(|l| failed(l)).count());
        if failed > 0 {
            let evidence = format!("/proc/net/if_inet6: {failed} with flag 08");
            draft.finding(Severity::Critical, "own-ipv6", &[], evidence);
        }
        match reports(&inputs.messages) {
            Ok(0) => draft.fact("reports", 0_u64, ""),
            Ok(count) => {
                draft.fact("reports", count, "");
                let evidence = format!("journal of the last day: {count} messages");
                draft.finding(Severity::Warning, "reported", &[("count", count.into())], evidence);
            }
            Err(evidence) => draft.finding(Severity::Unknown, "messages-hidden", &[], evidence),
        }
        if draft.findings.iter().all(|finding| finding.severity == Severity::Unknown) {
            let evidence = format!("/proc/net/arp: {} devices", neighbours.len());
            draft.finding(Severity::Ok, "no-duplicates", &[], evidence);
        }
        draft
    }
}

fn files_from(machine: &Machine) -> Files {
    Files {
        neighbours: machine.text("/proc/net/arp"),
        addresses_v6: machine.text("/proc/net/if_inet6"),
        route: machine.text("/proc/net/route"),
    }
}

/// How many messages tell of a conflict. Only the number is kept: they hold addresses and numbers of devices.
fn conflicts(text: &str) -> u64 {
    let tells = |line: &&str| {
        let line = line.to_ascii_lowercase();
        CONFLICTS.iter().any(|words| line.contains(words))
    };
    text.lines().filter(tells).count() as u64
}

fn reports(messages: &Result<Answer, Silence>) -> Result<u64, String> {
    let answer = messages.as_ref().map_err(ToString::to_string)?;
    // journalctl(1) says so on standard error and shows one's own messages alone.
    if answer.error.contains("not seeing messages") || answer.error.contains("ermission") {
        return Err("journalctl: messages of the system are not shown".to_owned());
    }
    answer.output.trim().parse().map_err(|_| "journalctl gave no messages".to_owned())
}

/// `address type flags number mask card`.
fn neighbour(line: &str) -> Option<Neighbour<'_>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let flags = u32::from_str_radix(words.get(2)?.trim_start_matches("0x"), 16).ok()?;
    let number = *words.get(3)?;
    let known = flags & COMPLETE != 0 && number != "00:00:00:00:00:00";
    known.then_some(Neighbour { address: words.first()?.parse().ok()?, number, card: words.get(5)? })
}

/// Whether a line of `/proc/net/if_inet6` is an address that somebody else has.
fn failed(line: &str) -> bool {
    let flags = line.split_whitespace().nth(4).and_then(|flags| u32::from_str_radix(flags, 16).ok());
    flags.is_some_and(|flags| flags & DAD_FAILED != 0)
}

fn judge_neighbours(draft: &mut Draft, all: &[Neighbour], own: &BTreeSet<Ipv4Addr>, routers: &[Ipv4Addr]) {
    if let Some(other) = all.iter().find(|other| own.contains(&other.address) && !other.address.is_loopback()) {
        let evidence = format!("/proc/net/arp: {} is a neighbour", shown(other.address.into()));
        draft.finding(Severity::Critical, "own-address", &[], evidence);
    }
    for router in routers.iter().collect::<BTreeSet<_>>() {
        let devices: BTreeMap<&str, &str> =
            all.iter().filter(|other| other.address == *router).map(|other| (other.number, other.card)).collect();
        if devices.len() > 1 {
            let address = shown(IpAddr::V4(*router));
            let evidence = format!("/proc/net/arp: {} devices with {address}", devices.len());
            draft.finding(Severity::Warning, "two-routers", &[("address", address.into())], evidence);
        }
        let same = |other: &&Neighbour| {
            other.address != *router && devices.get(other.number).is_some_and(|card| *card == other.card)
        };
        let others = all.iter().filter(same).count() as u64;
        if others >= SHARED {
            let evidence = format!("/proc/net/arp: {others} addresses with the router's device");
            draft.finding(Severity::Warning, "router-shared", &[("count", others.into())], evidence);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn journal(output: &str, error: &str) -> Result<Answer, Silence> {
        Ok(Answer { status: Some(0), output: output.to_owned(), error: error.to_owned() })
    }

    fn at(machine: &str) -> Inputs {
        let own = ["192.168.1.20".parse().unwrap()].into();
        Inputs { files: files_from(&recorded(machine)), own, messages: journal("0", "") }
    }

    fn arp(lines: &str) -> Inputs {
        let mut inputs = at("network-fedora-vpn");
        inputs.files.neighbours = Ok(format!("IP address HW type Flags HW address Mask Device\n{lines}"));
        inputs
    }

    fn line(address: &str, number: u8) -> String {
        format!("{address} 0x1 0x2 02:00:00:00:00:{number:02x} * wlp0s20f3\n")
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn neighbours_are_compared() {
        let router = line("192.168.1.1", 1);
        for (lines, said) in [
            (router.clone(), "no-duplicates"),
            (router.clone() + &line("192.168.1.20", 9), "own-address"),
            (router.clone() + &line("192.168.1.20", 9).replace("0x2", "0x0"), "no-duplicates"),
            (router.clone() + &line("192.168.1.1", 2).replace("wlp0s20f3", "eth0"), "two-routers"),
        ] {
            assert_eq!(findings::<Duplicates>(arp(&lines)), [said], "{lines}");
        }
        for (others, said) in [(2, "no-duplicates"), (3, "router-shared"), (4, "router-shared")] {
            let lines: String = (0..others).map(|n| line(&format!("192.168.1.{}", 100 + n), 1)).collect();
            assert_eq!(findings::<Duplicates>(arp(&(router.clone() + &lines))), [said]);
        }
    }

    #[test]
    fn messages_are_counted_and_not_kept() {
        let text = recorded("network-debian-server").text("/tools/journal-network.txt").unwrap();
        assert_eq!(conflicts(&text), 3);
        let with = |messages| findings::<Duplicates>(Inputs { messages, ..at("desktop-fine") });
        assert_eq!(with(journal("3", "")), ["reported"]);
        let hint = "Hint: You are currently not seeing messages from other users and the system.\n";
        assert_eq!(with(journal("0", hint)), ["messages-hidden", "no-duplicates"]);
        assert_eq!(with(Err(Silence::NotInstalled("journalctl"))), ["messages-hidden", "no-duplicates"]);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn everything_declared_is_said() {
        let mut taken = at("network-fedora-vpn");
        taken.files.addresses_v6 = Ok("fe800000000000000000000000000001 02 40 20 88 eth0\n".into());
        let mut denied = at("container");
        denied.files.neighbours = Err(Unread::Denied);
        let router = line("192.168.1.1", 1);
        let shared: String = (50..60).map(|n| line(&format!("192.168.1.{n}"), 1)).collect();
        all_is_said::<Duplicates>(vec![
            at("network-fedora-vpn"),
            arp(&(router.clone() + &line("192.168.1.20", 3) + &line("192.168.1.1", 2) + &shared)),
            Inputs { messages: journal("2", ""), ..at("network-fedora-vpn") },
            Inputs { messages: journal("", "No journal files were opened due to insufficient permissions."), ..taken },
            denied,
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "([0-9.]{0,12} 0x1 0x[0-9] [0-9a-f:]{0,17} \\* .{0,9}\n)*|(.*\n)*") {
            conflicts(&text);
            let mut inputs = arp(&text);
            inputs.files.addresses_v6 = Ok(text.clone());
            inputs.messages = journal(&text, "");
            told(Duplicates::ID, &Duplicates::judge(inputs));
        }
    }
}
