//! `network.vpn`: tunnels, whose product they are, and whether the internet goes through them.
//!
//! Through which card the internet goes is asked of the system ([`super::probe::way`]): policies that the plain tables
//! don't show count too. The other end, keys, accounts and names that somebody chose are never looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::card::{self, shown};
use super::probe::{Reach, connect_all, way};
use super::targets::{HTTPS, INTERNET_V4, INTERNET_V6};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Products by the card they make: their documentation.
const CARDS: [(&str, &str); 13] = [
    ("CloudflareWARP", "Cloudflare WARP"),
    ("cscotun", "Cisco Secure Client"),
    ("fctvpn", "FortiClient"),
    ("gpd", "GlobalProtect"),
    ("ham", "Hamachi"),
    ("nordlynx", "NordVPN"),
    ("nordtun", "NordVPN"),
    ("proton", "Proton VPN"),
    ("tailscale", "Tailscale"),
    ("tunsnx", "Check Point"),
    ("wg0-mullvad", "Mullvad"),
    ("wt0", "NetBird"),
    ("zt", "ZeroTier"),
];
/// Products by the program that keeps them, as the kernel names it (15 letters at most).
const PROGRAMS: [(&str, &str); 17] = [
    ("PanGPS", "GlobalProtect"),
    ("charon", "strongSwan"),
    ("charon-nm", "strongSwan"),
    ("charon-systemd", "strongSwan"),
    ("expressvpnd", "ExpressVPN"),
    ("hamachid", "Hamachi"),
    ("mullvad-daemon", "Mullvad"),
    ("netbird", "NetBird"),
    ("nordvpnd", "NordVPN"),
    ("openconnect", "OpenConnect"),
    ("openfortivpn", "openfortivpn"),
    ("openvpn", "OpenVPN"),
    ("snx", "Check Point"),
    ("tailscaled", "Tailscale"),
    ("vpnagentd", "Cisco Secure Client"),
    ("warp-svc", "Cloudflare WARP"),
    ("zerotier-one", "ZeroTier"),
];
/// Kinds of card: `ARPHRD_*` of `linux/if_arp.h`.
const PPP: u32 = 512;
const NONE: u32 = 65_534;
const TUNNELS: [u32; 4] = [768, 769, 776, 778];
/// A card that carries addresses and not whole frames, `IFF_TUN`; the others (`IFF_TAP`) are of virtual machines.
const TUN: u32 = 0x1;
/// Packets sent from which silence means something.
const SENT_MIN: u64 = 5;

pub(crate) struct Vpn;

pub(crate) struct Inputs {
    cards: Vec<Card>,
    /// Whether any card is listed at all.
    listed: bool,
    programs: BTreeSet<&'static str>,
    /// The card the system would use, over IPv4 and IPv6.
    used: [Option<String>; 2],
    reached: Vec<Reach>,
}

/// A tunnel.
struct Card {
    name: String,
    kind: &'static str,
    received: u64,
    sent: u64,
}

impl Check for Vpn {
    const ID: &'static str = "network.vpn";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let machine = Machine::this();
        let cards = cards_from(&machine);
        let addresses = card::addresses();
        let used = [INTERNET_V4[0], INTERNET_V6[0]].map(|to| used(addresses.as_ref()?, to));
        let reached = if cards.iter().any(|card| used[0].as_ref() == Some(&card.name)) {
            connect_all(&INTERNET_V4.map(|ip| (ip, HTTPS).into())).map_err(Failure::Exhausted)?
        } else {
            Vec::new()
        };
        let listed = !card::names(&machine).is_empty();
        Ok(Inputs { cards, listed, programs: programs(&machine), used, reached })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if !inputs.listed {
            draft.finding(Severity::Unknown, "vpn-unknown", &[], "/sys/class/net shows no card");
            return draft;
        }
        let carries = |card: &Card, family: usize| inputs.used[family].as_ref() == Some(&card.name);
        let through = [0, 1].map(|family| inputs.cards.iter().any(|card| carries(card, family)));
        let row = |card: &Card| -> Vec<Value> {
            vec![
                shown(&card.name).into(),
                card.kind.into(),
                product(&card.name).unwrap_or_default().into(),
                (carries(card, 0) || carries(card, 1)).into(),
                card.received.into(),
                card.sent.into(),
            ]
        };
        let columns = ["card", "kind", "product", "internet", "received", "sent"];
        draft.table("tunnels", &columns, inputs.cards.iter().map(row).collect());
        draft.fact("tunnels", inputs.cards.len() as u64, "");
        draft.fact("internet", through[0], "");
        draft.fact("internet-ipv6", through[1], "");
        let programs: Vec<&str> = inputs.programs.iter().copied().collect();
        draft.fact("programs", programs.join(", "), "");
        inputs.judge(&mut draft, through);
        draft
    }
}

impl Inputs {
    fn judge(&self, draft: &mut Draft, through: [bool; 2]) {
        if through[0] && !self.reached.is_empty() && !self.reached.iter().any(Reach::there) {
            let words: Vec<&str> = self.reached.iter().map(Reach::word).collect();
            let evidence = format!("two public addresses through the tunnel: {}", words.join(", "));
            draft.finding(Severity::Critical, "vpn-dead", &[], evidence);
        }
        for card in self.cards.iter().filter(|card| card.received == 0 && card.sent >= SENT_MIN) {
            let values = [("card", shown(&card.name).into())];
            let evidence = format!("/sys/class/net/{}: {} sent, 0 received", shown(&card.name), card.sent);
            draft.finding(Severity::Warning, "one-way", &values, evidence);
        }
        if through[0] && !through[1] && self.used[1].is_some() {
            let evidence = "the system's way over IPv4 is a tunnel, over IPv6 it isn't";
            draft.finding(Severity::Warning, "beside-vpn", &[], evidence);
        }
        if self.cards.len() > 1 {
            let count = self.cards.len() as u64;
            draft.finding(Severity::Warning, "several", &[("count", count.into())], format!("{count} tunnel cards"));
        }
        if draft.findings.is_empty() {
            let (finding, evidence) = if through[0] || through[1] {
                ("all-through", "the system's way to the internet is a tunnel")
            } else if !self.cards.is_empty() {
                ("part-through", "the system's way to the internet is no tunnel")
            } else if !self.programs.is_empty() {
                ("not-connected", "a program of a VPN runs, and /sys/class/net has no tunnel")
            } else {
                ("no-vpn", "/sys/class/net has no tunnel")
            };
            draft.finding(Severity::Ok, finding, &[], evidence);
        }
    }
}

fn used(addresses: &BTreeMap<String, Vec<(IpAddr, u8)>>, to: IpAddr) -> Option<String> {
    card::with(addresses, way(to)?.source).map(str::to_owned)
}

fn cards_from(machine: &Machine) -> Vec<Card> {
    let tunnel = |name: String| {
        let folder = format!("/sys/class/net/{name}");
        let state = machine.word(&format!("{folder}/operstate"));
        let count = |file: &str| machine.number(&format!("{folder}/statistics/{file}")).unwrap_or(0);
        let kind = kind(
            machine.text(&format!("{folder}/uevent")).ok().as_deref().unwrap_or_default(),
            machine.number(&format!("{folder}/type")).unwrap_or(0),
            machine.word(&format!("{folder}/tun_flags")).as_deref(),
        )?;
        // A tunnel that is off says "down"; one that works says "unknown", as it has no cable.
        let card = Card { received: count("rx_packets"), sent: count("tx_packets"), name, kind };
        state.is_none_or(|state| state != "down").then_some(card)
    };
    card::names(machine).into_iter().filter_map(tunnel).collect()
}

fn kind(uevent: &str, number: u32, tun: Option<&str>) -> Option<&'static str> {
    let tun = tun.map(|flags| u32::from_str_radix(flags.trim_start_matches("0x"), 16).unwrap_or(0));
    if uevent.lines().any(|line| line == "DEVTYPE=wireguard") {
        Some("WireGuard")
    } else if tun.is_some() {
        tun.is_some_and(|flags| flags & TUN != 0).then_some("TUN")
    } else if number == PPP {
        Some("PPP")
    } else if number == NONE || TUNNELS.contains(&number) {
        // Modems of mobile networks look the same but for what they say they are.
        (!uevent.lines().any(|line| line == "DEVTYPE=wwan")).then_some("IP")
    } else {
        None
    }
}

fn product(card: &str) -> Option<&'static str> {
    CARDS.iter().find(|(start, _)| card.starts_with(start)).map(|(_, product)| *product)
}

/// The VPN programs that run: their names alone are read.
fn programs(machine: &Machine) -> BTreeSet<&'static str> {
    let numbers = machine.names("/proc").into_iter().filter(|name| name.bytes().all(|b| b.is_ascii_digit()));
    let names = numbers.filter_map(|number| machine.word(&format!("/proc/{number}/comm")));
    names
        .filter_map(|name| PROGRAMS.iter().find(|(program, _)| *program == name))
        .map(|(_, product)| *product)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::network::probe::Outcome;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn with(cards: &[(&str, u64)], used: [&str; 2], outcome: Outcome) -> Inputs {
        let card = |(name, received): &(&str, u64)| Card {
            name: (*name).to_owned(),
            kind: "TUN",
            received: *received,
            sent: SENT_MIN,
        };
        Inputs {
            cards: cards.iter().map(card).collect(),
            listed: true,
            programs: BTreeSet::new(),
            used: used.map(|name| Some(name.to_owned()).filter(|name| !name.is_empty())),
            reached: vec![Reach { outcome, micros: 0 }; 2],
        }
    }

    #[test]
    fn what_goes_through_decides() {
        use Outcome::{Open, Silent};
        for (cards, used, outcome, said) in [
            (&[][..], ["eth0", ""], Silent, &["no-vpn"][..]),
            (&[("tun0", 1)], ["tun0", ""], Open, &["all-through"]),
            (&[("tun0", 1)], ["tun0", "tun0"], Open, &["all-through"]),
            (&[("tun0", 1)], ["eth0", ""], Silent, &["part-through"]),
            (&[("tun0", 1)], ["tun0", ""], Silent, &["vpn-dead"]),
            (&[("tun0", 1)], ["tun0", "eth0"], Open, &["beside-vpn"]),
            (&[("tun0", 0)], ["eth0", "eth0"], Open, &["one-way"]),
            (&[("tun0", 1), ("wg0", 1)], ["eth0", ""], Open, &["several"]),
        ] {
            assert_eq!(findings::<Vpn>(with(cards, used, outcome)), said);
        }
        let mut sent = with(&[("tun0", 0)], ["eth0", ""], Open);
        sent.cards[0].sent = SENT_MIN - 1;
        assert_eq!(findings::<Vpn>(sent), ["part-through"]);
    }

    #[test]
    fn r4_kinds_and_products_are_told_and_chosen_names_are_not() {
        let cards = cards_from(&recorded("network-fedora-vpn"));
        let kinds: Vec<_> = cards.iter().map(|card| (card.name.as_str(), card.kind, product(&card.name))).collect();
        assert_eq!(kinds, [("tailscale0", "TUN", Some("Tailscale")), ("wg-acme", "WireGuard", None)]);
        let inputs = Inputs { cards, ..with(&[], ["wlp0s20f3", ""], Outcome::Open) };
        assert!(!format!("{:?}", Vpn::judge(inputs)).contains("acme"));
        assert!(cards_from(&recorded("desktop-fine")).is_empty());
        assert_eq!(kind("", 1, Some("0x1002")), None);
        assert_eq!(kind("", PPP, None), Some("PPP"));
        assert_eq!(kind("DEVTYPE=wwan", NONE, None), None);
    }

    #[test]
    fn programs_are_found_by_their_exact_name() {
        let folder = tempfile::tempdir().unwrap();
        for (number, name) in [("12", "tailscaled"), ("13", "openvpn-helper"), ("self", "openvpn")] {
            std::fs::create_dir_all(folder.path().join("proc").join(number)).unwrap();
            std::fs::write(folder.path().join("proc").join(number).join("comm"), format!("{name}\n")).unwrap();
        }
        assert_eq!(programs(&Machine::at(folder.path())), ["Tailscale"].into());
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Vpn>(vec![
            with(&[("tun0", 0), ("wg0", 1)], ["tun0", "eth0"], Outcome::Silent),
            with(&[("tun0", 1)], ["tun0", ""], Outcome::Open),
            with(&[("tun0", 1)], ["eth0", ""], Outcome::Open),
            with(&[], ["eth0", ""], Outcome::Open),
            Inputs { programs: ["OpenVPN"].into(), ..with(&[], ["eth0", ""], Outcome::Open) },
            Inputs { listed: false, ..with(&[], ["", ""], Outcome::Open) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(name in ".{0,20}", uevent in "(.*\n)*", tun in "(0x)?[0-9a-f]{0,9}", number in any::<u32>()) {
            let kind = kind(&uevent, number, Some(&tun)).unwrap_or("IP");
            let cards = vec![Card { name: name.clone(), kind, received: 0, sent: u64::MAX }];
            told(Vpn::ID, &Vpn::judge(Inputs { cards, ..with(&[], [&name, "eth0"], Outcome::Silent) }));
        }
    }
}
