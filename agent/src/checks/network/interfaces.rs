//! `network.interfaces`: network cards, whether they are connected, with which addresses.
//!
//! Hardware numbers (MAC) are neither kept nor told, nor the name of a wireless network; a card named after its number is
//! masked too. (MISSION R4)

use std::ffi::OsString;
use std::net::IpAddr;

use sysinfo::{NetworkData, Networks};
use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::address::shown;
use super::card;
use crate::checks::figure::percent;
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Percent of packets with errors from which a connection is bad. A sound cable has none; our choice.
const ERRORS_PERCENT: f64 = 1.0;
/// Packets below which a percentage says nothing.
const PACKETS_MIN: u64 = 1_000;

pub(crate) struct Interfaces;

pub(crate) struct Inputs {
    cards: Vec<Card>,
    /// By card: address and length of its prefix. Nothing if the system refused.
    addresses: Option<Vec<(String, IpAddr, u8)>>,
}

/// What `/sys/class/net/*` says of one (the kernel's `testing/sysfs-class-net`).
struct Card {
    name: String,
    /// Whether there is a device behind it; bridges and tunnels have none.
    real: bool,
    wireless: bool,
    state: String,
    speed: Option<i64>,
    packet: Option<u64>,
    packets: u64,
    errors: u64,
}

impl Check for Interfaces {
    const ID: &'static str = "network.interfaces";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let addresses = Networks::new_with_refreshed_list().ok().map(|networks| {
            let of = |(name, data): (&OsString, &NetworkData)| {
                let name = name.to_string_lossy().into_owned();
                data.ip_networks().iter().map(|ip| (name.clone(), ip.addr, ip.prefix)).collect::<Vec<_>>()
            };
            let mut addresses: Vec<_> = networks.iter().flat_map(of).collect();
            addresses.sort();
            addresses
        });
        Ok(Inputs { cards: cards_from(&Machine::this()), addresses })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if inputs.cards.is_empty() {
            draft.finding(Severity::Unknown, "interfaces-unknown", &[], "/sys/class/net shows no card");
            return draft;
        }
        let none = Vec::new();
        let all = inputs.addresses.as_ref().unwrap_or(&none);
        let of = |card: &Card| -> Vec<(IpAddr, u8)> {
            all.iter().filter(|(name, ..)| *name == card.name).map(|(_, address, prefix)| (*address, *prefix)).collect()
        };
        let rows = inputs.cards.iter().map(|card| card.row(&of(card))).collect();
        let columns = ["card", "wireless", "connected", "speed", "packet", "addresses", "errors"];
        draft.table("interfaces", &columns, rows);
        let connected: Vec<&Card> = inputs.cards.iter().filter(|card| card.connected()).collect();
        draft.fact("connected", connected.len() as u64, "");
        if connected.is_empty() {
            let states: Vec<String> = inputs.cards.iter().map(|c| format!("{}: {}", c.shown(), c.state)).collect();
            let evidence = format!("/sys/class/net/*/operstate {}", states.join(", "));
            draft.finding(Severity::Critical, "not-connected", &[], evidence);
        }
        for card in &connected {
            card.judge(&mut draft, inputs.addresses.as_ref().map(|_| of(card)));
        }
        if draft.findings.is_empty() {
            let names: Vec<String> = connected.iter().map(|card| card.shown()).collect();
            draft.finding(Severity::Ok, "interfaces-ok", &[], format!("/sys/class/net up: {}", names.join(", ")));
        }
        if inputs.addresses.is_none() {
            draft.finding(Severity::Unknown, "addresses-unknown", &[], "the system refused the list of addresses");
        }
        draft
    }
}

fn cards_from(machine: &Machine) -> Vec<Card> {
    let card = |name: String| {
        let folder = format!("/sys/class/net/{name}");
        let count = |file: &str| machine.number::<u64>(&format!("{folder}/statistics/{file}")).unwrap_or(0);
        Card {
            real: machine.has(&format!("{folder}/device")),
            wireless: machine.has(&format!("{folder}/wireless")) || machine.has(&format!("{folder}/phy80211")),
            state: machine.word(&format!("{folder}/operstate")).unwrap_or_else(|| "unknown".to_owned()),
            speed: machine.number(&format!("{folder}/speed")).filter(|speed| *speed > 0),
            packet: machine.number(&format!("{folder}/mtu")),
            packets: count("rx_packets").saturating_add(count("tx_packets")),
            errors: count("rx_errors").saturating_add(count("tx_errors")),
            name,
        }
    };
    let mut cards: Vec<Card> =
        machine.names("/sys/class/net").into_iter().filter(|name| name != "lo").map(card).collect();
    // In a container no card has a device behind it, and its only card counts all the same.
    if cards.iter().any(|card| card.real) {
        cards.retain(|card| card.real);
    }
    cards
}

impl Card {
    /// Tunnels and some drivers can't tell their state and say `unknown` while they work.
    fn connected(&self) -> bool {
        self.state == "up" || (self.state == "unknown" && self.packets > 0)
    }

    fn shown(&self) -> String {
        card::shown(&self.name)
    }

    fn row(&self, addresses: &[(IpAddr, u8)]) -> Vec<Value> {
        let addresses: Vec<String> = addresses.iter().map(|(ip, prefix)| format!("{}/{prefix}", shown(*ip))).collect();
        vec![
            self.shown().into(),
            self.wireless.into(),
            self.connected().into(),
            self.speed.map_or("".into(), Into::into),
            self.packet.map_or("".into(), Into::into),
            addresses.join(" ").into(),
            self.errors.into(),
        ]
    }

    /// Judges a connected card; without addresses where they aren't known.
    fn judge(&self, draft: &mut Draft, addresses: Option<Vec<(IpAddr, u8)>>) {
        let card = ("card", Value::from(self.shown()));
        if let Some(addresses) = addresses {
            let self_assigned = |ip: &IpAddr| match ip {
                IpAddr::V4(v4) => v4.is_link_local(),
                IpAddr::V6(v6) => v6.is_unicast_link_local(),
            };
            let v4: Vec<&IpAddr> = addresses.iter().map(|(ip, _)| ip).filter(|ip| ip.is_ipv4()).collect();
            let given = addresses.iter().any(|(ip, _)| !self_assigned(ip));
            if !v4.is_empty() && !given {
                let evidence = format!("{}: {}", self.shown(), shown(*v4[0]));
                draft.finding(Severity::Critical, "self-assigned", std::slice::from_ref(&card), evidence);
            } else if !given {
                let evidence = format!("{}: {} addresses, none given by a router", self.shown(), addresses.len());
                draft.finding(Severity::Warning, "no-address", std::slice::from_ref(&card), evidence);
            }
        }
        let share = percent(self.errors, self.packets);
        if share >= ERRORS_PERCENT && self.packets >= PACKETS_MIN {
            let evidence = format!("/sys/class/net/{}/statistics: {} of {}", self.shown(), self.errors, self.packets);
            draft.finding(Severity::Warning, "packet-errors", &[card, ("percent", share.into())], evidence);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn card(state: &str, packets: u64, errors: u64) -> Card {
        Card {
            name: "eth0".into(),
            real: true,
            wireless: false,
            state: state.into(),
            speed: None,
            packet: Some(1500),
            packets,
            errors,
        }
    }

    fn with(card: Card, addresses: &[&str]) -> Inputs {
        let addresses = addresses.iter().map(|a| ("eth0".to_owned(), a.parse().unwrap(), 24)).collect();
        Inputs { cards: vec![card], addresses: Some(addresses) }
    }

    #[test]
    fn a_laptop_between_two_networks() {
        let cards = cards_from(&recorded("laptop-full"));
        assert_eq!(cards.iter().map(Card::shown).collect::<Vec<_>>(), ["enp0s31f6", "enx…", "wlp2s0"]);
        let address = |card: &str, ip: &str| (card.to_owned(), ip.parse().unwrap(), 16);
        let addresses =
            vec![address("wlp2s0", "169.254.7.1"), address("wlp2s0", "fe80::1"), address("lo", "127.0.0.1")];
        let draft = Interfaces::judge(Inputs { cards, addresses: Some(addresses) });
        let said = format!("{draft:?}");
        assert!(!said.contains("00e04c680001"));
        let found: Vec<String> = told(Interfaces::ID, &draft).findings.into_iter().map(|f| f.id).collect();
        assert_eq!(found, ["self-assigned", "packet-errors"]);
    }

    #[test]
    fn addresses_decide() {
        for (addresses, found) in [
            (&["192.168.1.2"][..], "interfaces-ok"),
            (&["169.254.1.1", "192.168.1.2"], "interfaces-ok"),
            (&["169.254.1.1", "2a02::1"], "interfaces-ok"),
            (&["2a02::1", "fe80::1"], "interfaces-ok"),
            (&["169.254.1.1"], "self-assigned"),
            (&["169.254.1.1", "fe80::1"], "self-assigned"),
            (&["fe80::1"], "no-address"),
            (&[], "no-address"),
        ] {
            assert_eq!(findings::<Interfaces>(with(card("up", 0, 0), addresses)), [found], "{addresses:?}");
        }
    }

    #[test]
    fn errors_below_at_and_above_both_limits() {
        for (packets, errors, found) in [
            (999, 999, "interfaces-ok"),
            (1_000, 9, "interfaces-ok"),
            (1_000, 10, "packet-errors"),
            (1_001, 11, "packet-errors"),
        ] {
            assert_eq!(findings::<Interfaces>(with(card("up", packets, errors), &["10.0.0.2"])), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Interfaces>(vec![
            with(card("down", 0, 0), &[]),
            with(card("unknown", 1, 0), &["10.0.0.2"]),
            with(card("up", 5_000, 500), &[]),
            with(card("up", 0, 0), &["169.254.1.1"]),
            Inputs { cards: vec![card("up", 0, 0)], addresses: None },
            Inputs { cards: vec![], addresses: None },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(name in "(enx)?[0-9a-f]{0,13}|\\PC{0,9}", state in "up|unknown|.*", n in any::<[u64; 2]>(), ip in any::<IpAddr>()) {
            let card = Card { name: name.clone(), ..card(&state, n[0], n[1]) };
            told(Interfaces::ID, &Interfaces::judge(Inputs { cards: vec![card], addresses: Some(vec![(name, ip, 255)]) }));
        }
    }
}
