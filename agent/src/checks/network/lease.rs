//! `network.lease`: whether the network gave the address, who did, and for how long.
//!
//! The time left comes from the system itself (`ip -j -4 addr`), whichever program asked for the address; how long it was
//! given for and by whom, from NetworkManager, systemd-networkd or dhclient, where they let themselves be read. Names of
//! the PC or of domains in those answers are left out.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde::Deserialize;
use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::address;
use super::card::shown;
use super::route::gateways;
use crate::checks::machine::{Machine, Reading};
use crate::checks::tool::{Answer, IP, NMCLI, Silence};
use crate::checks::{Check, Failure};

const ASK_SYSTEM: [&str; 4] = ["-j", "-4", "addr", "show"];
const ASK_MANAGER: [&str; 5] = ["-t", "-f", "GENERAL.DEVICE,DHCP4", "device", "show"];
const LIMIT: Duration = Duration::from_millis(1_200);
/// Folders where dhclient keeps what it was given, in Debian and in Fedora and openSUSE.
const DHCLIENT: [&str; 2] = ["/var/lib/dhcp", "/var/lib/dhclient"];
/// Where systemd-networkd keeps it, a file a card.
const NETWORKD: &str = "/run/systemd/netif/leases";
/// What is left of the time when a computer has asked its giver and then everybody, in eighths: T2 of RFC 2131, 4.4.5.
const LATE_EIGHTHS: u64 = 1;
/// Seconds below which an address is given for too short: RFC 2131 speaks of hours to weeks; each renewal is a chance to
/// lose it.
const SHORT: u64 = 120;
/// The kernel's "for ever".
const FOR_EVER: u64 = 0xffff_ffff;
/// Most files of leases read.
const FILES_MAX: usize = 16;

pub(crate) struct Lease;

pub(crate) struct Inputs {
    addresses: Result<Answer, Silence>,
    manager: Option<String>,
    /// Files of systemd-networkd by the card's number.
    networkd: Vec<(u32, Reading)>,
    dhclient: Vec<Reading>,
    route: Reading,
}

/// A card as `ip -j addr` tells it.
#[derive(Deserialize)]
struct Card {
    ifindex: u32,
    ifname: String,
    #[serde(default)]
    addr_info: Vec<Address>,
}

#[derive(Deserialize)]
struct Address {
    local: Ipv4Addr,
    #[serde(default)]
    dynamic: bool,
    #[serde(default)]
    valid_life_time: u64,
}

/// What a program that asked for an address remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Given {
    client: &'static str,
    giver: Option<Ipv4Addr>,
    seconds: Option<u64>,
}

impl Check for Lease {
    const ID: &'static str = "network.lease";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let manager = NMCLI.ask(&ASK_MANAGER, LIMIT).ok().filter(|answer| answer.status == Some(0));
        let addresses = IP.ask(&ASK_SYSTEM, LIMIT);
        Ok(inputs_from(&Machine::this(), addresses, manager.map(|answer| dhcp_lines(&answer.output))))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let cards = match cards(&inputs.addresses) {
            Ok(cards) => cards,
            Err(evidence) => {
                draft.finding(Severity::Unknown, "lease-unknown", &[], evidence);
                return draft;
            }
        };
        let routers = inputs.route.as_deref().map_or(Vec::new(), gateways);
        let mut rows = Vec::new();
        let (mut given, mut fixed) = (0_u64, 0_u64);
        for card in cards.iter().filter(|card| card.ifname != "lo") {
            for address in &card.addr_info {
                let memory = if address.dynamic { inputs.memory(card) } else { Given::default() };
                *(if address.dynamic { &mut given } else { &mut fixed }) += 1;
                judge_address(&mut draft, card, address, &memory);
                rows.push(row(card, address, &memory, &routers));
            }
        }
        draft.fact("given", given, "");
        draft.fact("fixed", fixed, "");
        draft.table("leases", &["card", "address", "kind", "giver", "lasts", "left", "client"], rows);
        if draft.findings.is_empty() {
            let finding = match (given, fixed) {
                (0, 0) => "no-address",
                (0, _) => "fixed-address",
                (_, _) => "given-ok",
            };
            draft.finding(Severity::Ok, finding, &[], format!("ip addr: {given} given, {fixed} fixed"));
        }
        draft
    }
}

fn inputs_from(machine: &Machine, addresses: Result<Answer, Silence>, manager: Option<String>) -> Inputs {
    let networkd = machine.names(NETWORKD).into_iter().take(FILES_MAX);
    let networkd =
        networkd.filter_map(|name| Some((name.parse().ok()?, machine.text(&format!("{NETWORKD}/{name}"))))).collect();
    let files = |folder: &str| {
        let names = machine.names(folder).into_iter().filter(|name| name.contains("lease"));
        names.map(|name| format!("{folder}/{name}")).collect::<Vec<_>>()
    };
    let dhclient = DHCLIENT.into_iter().flat_map(files).take(FILES_MAX).map(|path| machine.text(&path)).collect();
    Inputs { addresses, manager, networkd, dhclient, route: machine.text("/proc/net/route") }
}

/// What is kept of NetworkManager's answer: the rest of the options has names and domains.
fn dhcp_lines(text: &str) -> String {
    let kept = |line: &&str| {
        line.starts_with("GENERAL.DEVICE:")
            || line.contains(":dhcp_lease_time = ")
            || line.contains(":dhcp_server_identifier = ")
    };
    text.lines().filter(kept).collect::<Vec<_>>().join("\n")
}

fn cards(answer: &Result<Answer, Silence>) -> Result<Vec<Card>, String> {
    let answer = answer.as_ref().map_err(ToString::to_string)?;
    serde_json::from_str(&answer.output).map_err(|_| "ip gave no list of addresses".to_owned())
}

fn judge_address(draft: &mut Draft, card: &Card, address: &Address, memory: &Given) {
    let name = ("card", Value::from(shown(&card.ifname)));
    let left = address.valid_life_time;
    if address.local.is_link_local() {
        let evidence = format!("{}: {}", shown(&card.ifname), address.local);
        draft.finding(Severity::Critical, "no-giver", &[name], evidence);
    } else if address.dynamic
        && let Some(seconds) = memory.seconds.filter(|seconds| *seconds > 0 && *seconds != FOR_EVER)
    {
        if seconds < SHORT {
            let evidence = format!("{}: given for {seconds} s", memory.client);
            draft.finding(Severity::Warning, "very-short", &[("seconds", seconds.into())], evidence);
        } else if left.saturating_mul(8) < seconds.saturating_mul(LATE_EIGHTHS) {
            let evidence = format!("{}: {left} s left of {seconds} s", shown(&card.ifname));
            draft.finding(Severity::Warning, "renewal-fails", &[name, ("minutes", (left / 60).into())], evidence);
        }
    }
}

fn row(card: &Card, address: &Address, memory: &Given, routers: &[Ipv4Addr]) -> Vec<Value> {
    let giver = memory.giver.map(|giver| if routers.contains(&giver) { "router" } else { "another device" });
    let left = (address.dynamic && address.valid_life_time != FOR_EVER).then_some(address.valid_life_time);
    vec![
        shown(&card.ifname).into(),
        address::shown(address.local.into()).into(),
        if address.dynamic { "given" } else { "fixed" }.into(),
        giver.unwrap_or_default().into(),
        memory.seconds.map_or("".into(), Into::into),
        left.map_or("".into(), Into::into),
        memory.client.into(),
    ]
}

impl Inputs {
    /// What is remembered of a card, from whichever program asked.
    fn memory(&self, card: &Card) -> Given {
        let networkd = || {
            let (_, text) = self.networkd.iter().find(|(index, _)| *index == card.ifindex)?;
            text.as_deref().ok().map(networkd)
        };
        let manager = || self.manager.as_deref()?.split("GENERAL.DEVICE:").find_map(|part| manager(part, &card.ifname));
        let leases = || {
            let all = self.dhclient.iter().flatten().flat_map(|text| dhclient(text));
            all.filter(|(name, _)| *name == card.ifname).last().map(|(_, given)| given)
        };
        networkd().or_else(manager).or_else(leases).unwrap_or_default()
    }
}

/// `SERVER_ADDRESS=192.168.1.1`, `LIFETIME=3600`; a dump without promise, so what is missing is missing.
fn networkd(text: &str) -> Given {
    let fields: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
    let field = |name| fields.get(name).map(|value| value.trim());
    Given {
        client: "systemd-networkd",
        giver: field("SERVER_ADDRESS").and_then(|value| value.parse().ok()),
        seconds: field("LIFETIME").and_then(|value| value.trim_end_matches('s').parse().ok()),
    }
}

/// `wlan0`, then lines `DHCP4.OPTION[3]:dhcp_lease_time = 3600`.
fn manager(part: &str, card: &str) -> Option<Given> {
    let mut lines = part.lines();
    let value = |name: &str| part.lines().find_map(|line| line.split_once(name)?.1.trim().strip_prefix("= "));
    let seconds = value(":dhcp_lease_time").and_then(|value| value.parse().ok());
    let giver = value(":dhcp_server_identifier").and_then(|value| value.parse().ok());
    (lines.next()? == card && seconds.is_some()).then_some(Given { client: "NetworkManager", giver, seconds })
}

/// Every `lease { … }` of dhclient.leases(5), the newest last, with its card.
fn dhclient(text: &str) -> Vec<(&str, Given)> {
    text.split("lease {")
        .filter_map(|block| {
            let value = |name: &str| {
                let line = block.lines().find_map(|line| line.trim().strip_prefix(name))?;
                Some(line.trim().trim_end_matches(';').trim_matches('"'))
            };
            let given = Given {
                client: "dhclient",
                giver: value("option dhcp-server-identifier").and_then(|value| value.parse().ok()),
                seconds: value("option dhcp-lease-time").and_then(|value| value.parse().ok()),
            };
            Some((value("interface")?, given))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn said(output: &str) -> Result<Answer, Silence> {
        Ok(Answer { status: Some(0), output: output.to_owned(), error: String::new() })
    }

    fn at(machine: &str) -> Inputs {
        let tool = |name: &str| recorded(machine).text(&format!("/tools/{name}")).ok();
        inputs_from(
            &recorded(machine),
            said(&tool("ip-addr.json").unwrap()),
            tool("nmcli-dhcp.txt").map(|t| dhcp_lines(&t)),
        )
    }

    fn one(local: &str, dynamic: bool, left: u64, seconds: u64) -> Inputs {
        let address = format!(r#"{{"family":"inet","local":"{local}","dynamic":{dynamic},"valid_life_time":{left}}}"#);
        let manager = format!("GENERAL.DEVICE:eth0\nDHCP4.OPTION[1]:dhcp_lease_time = {seconds}\n");
        Inputs {
            addresses: said(
                &format!(r#"[{{"ifindex":2,"ifname":"eth0","addr_info":[{address}]}},{{}}]"#).replace(",{}", ""),
            ),
            manager: Some(manager),
            networkd: vec![],
            dhclient: vec![],
            route: Err(Unread::Absent),
        }
    }

    #[test]
    fn three_programs_are_understood() {
        for (machine, client, giver, seconds) in [
            ("network-fedora-vpn", "NetworkManager", "router", 86_400_i64),
            ("network-debian-server", "dhclient", "another device", 7_200),
            ("network-arch-desktop", "systemd-networkd", "router", 3_600),
        ] {
            let draft = Lease::judge(at(machine));
            let row = &draft.tables[0].rows[0];
            assert_eq!((&row[2], &row[3]), (&"given".into(), &giver.into()), "{machine}");
            assert_eq!((&row[4], &row[6]), (&seconds.into(), &client.into()), "{machine}");
            assert!(!format!("{draft:?}").contains("lugo"));
        }
        let found = |machine| findings::<Lease>(at(machine));
        assert_eq!(found("network-fedora-vpn"), ["given-ok"]);
        assert_eq!(found("network-debian-server"), ["renewal-fails"]);
        assert_eq!(found("network-arch-desktop"), ["given-ok"]);
    }

    #[test]
    fn limits_below_at_and_above() {
        for (left, seconds, said) in [
            (99, 800, "renewal-fails"),
            (100, 800, "given-ok"),
            (101, 800, "given-ok"),
            (100, 119, "very-short"),
            (100, 120, "given-ok"),
            (100, 121, "given-ok"),
            (1, FOR_EVER, "given-ok"),
            (1, 0, "given-ok"),
        ] {
            assert_eq!(findings::<Lease>(one("192.168.1.7", true, left, seconds)), [said]);
        }
        assert_eq!(findings::<Lease>(one("169.254.3.4", false, FOR_EVER, 0)), ["no-giver"]);
        assert_eq!(findings::<Lease>(one("192.168.1.7", false, FOR_EVER, 9)), ["fixed-address"]);
    }

    #[test]
    fn everything_declared_is_said() {
        let with = |addresses| Inputs { addresses, ..one("", true, 0, 0) };
        all_is_said::<Lease>(vec![
            at("network-fedora-vpn"),
            at("network-debian-server"),
            one("169.254.3.4", false, FOR_EVER, 0),
            one("192.168.1.7", false, FOR_EVER, 0),
            one("192.168.1.7", true, 9, 9),
            with(said("[]")),
            with(Err(Silence::NotInstalled("ip"))),
        ]);
        assert_eq!(findings::<Lease>(with(said("{"))), ["lease-unknown"]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(lease \\{|interface \"e\";|option .*|[A-Z_]*=.*|GENERAL.DEVICE:e|.*\n)*", left in any::<u64>(), seconds in any::<u64>()) {
            let inputs = Inputs {
                manager: Some(text.clone()), networkd: vec![(2, Ok(text.clone()))], dhclient: vec![Ok(text.clone())],
                route: Ok(text.clone()), ..one("10.0.0.1", true, left, seconds)
            };
            told(Lease::ID, &Lease::judge(inputs));
            dhclient(&text);
            told(Lease::ID, &Lease::judge(Inputs { addresses: said(&text), ..one("10.0.0.1", true, left, seconds) }));
            told(Lease::ID, &Lease::judge(one("10.0.0.1", true, left, seconds)));
        }
    }
}
