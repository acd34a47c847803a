//! `network.routes`: the ways out, which of them is taken, and what is odd about them.
//!
//! Which card is used comes from the system itself ([`super::probe::way`], which sends nothing), so rules that the plain
//! tables don't show count too.

use std::collections::BTreeMap;
use std::net::IpAddr;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::address;
use super::card::{self, shown};
use super::probe::way;
use super::route::{Route, routes_v4, routes_v6};
use super::targets::{INTERNET_V4, INTERNET_V6};
use crate::checks::machine::{Machine, Reading};
use crate::checks::{Check, Failure};

pub(crate) struct Routes;

pub(crate) struct Inputs {
    v4: Reading,
    v6: Reading,
    cards: BTreeMap<String, Card>,
    addresses: Option<BTreeMap<String, Vec<(IpAddr, u8)>>>,
    /// The card the system would use.
    used: [Option<String>; 2],
}

/// What decides whether a card can carry anything.
#[derive(Clone, Copy)]
struct Card {
    wireless: bool,
    real: bool,
    down: bool,
}

impl Check for Routes {
    const ID: &'static str = "network.routes";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let addresses = card::addresses();
        let used = [INTERNET_V4[0], INTERNET_V6[0]]
            .map(|to| card::with(addresses.as_ref()?, way(to)?.source).map(str::to_owned));
        Ok(inputs_from(&Machine::this(), addresses, used))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let routes = match &inputs.v4 {
            Ok(text) => [routes_v4(text), inputs.v6.as_deref().map_or(Vec::new(), routes_v6)].concat(),
            Err(error) => {
                draft.finding(Severity::Unknown, "routes-unknown", &[], format!("/proc/net/route {error}"));
                return draft;
            }
        };
        let out: Vec<&Route> = routes.iter().filter(|route| route.is_default()).collect();
        draft.fact("routes", routes.len() as u64, "");
        for (fact, used) in ["used", "used-ipv6"].iter().zip(&inputs.used) {
            draft.fact(fact, used.as_deref().map(shown).unwrap_or_default(), "");
        }
        let rows = out.iter().map(|route| inputs.row(route)).collect();
        draft.table("ways-out", &["card", "family", "gateway", "metric", "connected"], rows);

        if out.is_empty() && inputs.used.iter().all(Option::is_none) {
            draft.finding(
                Severity::Critical,
                "no-way-out",
                &[],
                "/proc/net/route and ipv6_route have no default route",
            );
        }
        inputs.judge_ways(&mut draft, &out, &routes);
        let refused = routes.iter().filter(|route| route.rejects).count();
        if refused > 0 {
            let evidence = format!("{refused} routes are unreachable, prohibit or blackhole");
            draft.finding(Severity::Warning, "refused-ways", &[("count", (refused as u64).into())], evidence);
        }
        if draft.findings.is_empty() {
            draft.finding(Severity::Ok, "routes-ok", &[], format!("{} default routes", out.len()));
        }
        draft
    }
}

fn inputs_from(
    machine: &Machine,
    addresses: Option<BTreeMap<String, Vec<(IpAddr, u8)>>>,
    used: [Option<String>; 2],
) -> Inputs {
    let of = |name: &String| Card {
        wireless: card::wireless(machine, name),
        real: machine.has(&format!("/sys/class/net/{name}/device")),
        down: machine
            .word(&format!("/sys/class/net/{name}/operstate"))
            .is_some_and(|state| matches!(state.as_str(), "down" | "lowerlayerdown" | "notpresent")),
    };
    Inputs {
        v4: machine.text("/proc/net/route"),
        v6: machine.text("/proc/net/ipv6_route"),
        cards: card::names(machine).into_iter().map(|name| (name.clone(), of(&name))).collect(),
        addresses,
        used,
    }
}

impl Inputs {
    fn row(&self, route: &Route) -> Vec<Value> {
        vec![
            shown(&route.card).into(),
            if route.to.0.is_ipv4() { "IPv4" } else { "IPv6" }.into(),
            route.gateway.map(address::shown).unwrap_or_default().into(),
            route.metric.into(),
            self.cards.get(&route.card).map_or("".into(), |card| (!card.down).into()),
        ]
    }

    fn judge_ways(&self, draft: &mut Draft, out: &[&Route], routes: &[Route]) {
        for route in out {
            let name = [("card", Value::from(shown(&route.card)))];
            if self.cards.get(&route.card).is_some_and(|card| card.down) {
                let evidence = format!("default route over {}, which is down", shown(&route.card));
                draft.finding(Severity::Warning, "unplugged", &name, evidence);
            }
            if let Some(gateway) = route.gateway.filter(|gateway| !self.is_near(*gateway, &route.card, routes)) {
                let evidence = format!("{} is in no network of {}", address::shown(gateway), shown(&route.card));
                draft.finding(Severity::Critical, "gateway-outside", &name, evidence);
            }
        }
        for v4 in [true, false] {
            let mut best: Vec<&&Route> = out.iter().filter(|route| route.to.0.is_ipv4() == v4).collect();
            best.sort_by_key(|route| route.metric);
            // IPv6 routers of one card share a metric by design (RFC 4191); of two cards they must not.
            if let [first, second, ..] = best[..]
                && first.metric == second.metric
                && first.card != second.card
            {
                let values = [("first", shown(&first.card).into()), ("second", shown(&second.card).into())];
                let evidence = format!("two default routes with metric {}", first.metric);
                draft.finding(Severity::Warning, "two-equal", &values, evidence);
            }
            let card = |route: &Route| self.cards.get(&route.card).copied();
            if let Some((first, others)) = best.split_first()
                && card(first).is_some_and(|card| card.wireless)
                && others.iter().any(|other| card(other).is_some_and(|card| card.real && !card.wireless && !card.down))
            {
                let evidence = format!("{} has the lowest metric, {}", shown(&first.card), first.metric);
                draft.finding(Severity::Warning, "wireless-first", &[], evidence);
            }
        }
    }

    /// Whether the router can be a neighbour on that card: a route without a router leads to it, or it is link-local.
    fn is_near(&self, gateway: IpAddr, card: &str, routes: &[Route]) -> bool {
        let local = match gateway {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        };
        let neighbour =
            |route: &Route| route.card == card && route.gateway.is_none() && !route.rejects && route.covers(gateway);
        let Some(addresses) = self.addresses.as_ref().and_then(|all| all.get(card)) else { return true };
        let own = |(ip, prefix): &(IpAddr, u8)| {
            Route { card: String::new(), to: (*ip, *prefix), gateway: None, metric: 0, rejects: false }.covers(gateway)
        };
        local || routes.iter().any(neighbour) || addresses.iter().any(own)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn at(machine: &str) -> Inputs {
        let used = [Some("eth0".to_owned()), None];
        inputs_from(&recorded(machine), Some(BTreeMap::new()), if machine == "container" { [None, None] } else { used })
    }

    fn ways(lines: &[(&str, &str, &str, u32, &str)]) -> Inputs {
        let line = |(card, to, gateway, metric, mask): &(&str, &str, &str, u32, &str)| {
            let flags = if *card == "*" { "0200" } else { "0003" };
            format!("{card} {to} {gateway} {flags} 0 0 {metric} {mask} 0 0 0\n")
        };
        let card = |wireless, down| Card { wireless, real: true, down };
        let cards = [("eth0", card(false, false)), ("eth1", card(false, true)), ("wlan0", card(true, false))];
        Inputs {
            v4: Ok(lines.iter().map(line).collect()),
            v6: Ok(String::new()),
            cards: cards.map(|(name, card)| (name.to_owned(), card)).into(),
            addresses: Some([("eth0".to_owned(), vec![("192.168.1.7".parse().unwrap(), 24)])].into()),
            used: [None, None],
        }
    }

    const OUT: &str = "00000000";
    const ROUTER: &str = "0101A8C0";

    #[test]
    #[cfg(target_endian = "little")]
    fn odd_ways_are_named() {
        for (lines, said) in [
            (&[("eth0", OUT, ROUTER, 100, OUT)][..], &["routes-ok"][..]),
            (&[("eth0", OUT, "0102A8C0", 100, OUT)], &["gateway-outside"]),
            (&[("eth0", OUT, ROUTER, 100, OUT), ("wlan0", OUT, ROUTER, 600, OUT)], &["routes-ok"]),
            (&[("eth0", OUT, ROUTER, 600, OUT), ("wlan0", OUT, ROUTER, 600, OUT)], &["two-equal"]),
            (&[("eth0", OUT, ROUTER, 600, OUT), ("wlan0", OUT, ROUTER, 599, OUT)], &["wireless-first"]),
            (&[("eth0", OUT, ROUTER, 600, OUT), ("eth0", OUT, ROUTER, 600, OUT)], &["routes-ok"]),
            (&[("eth1", OUT, ROUTER, 100, OUT)], &["unplugged"]),
            (&[("eth1", OUT, ROUTER, 100, OUT), ("wlan0", OUT, ROUTER, 50, OUT)], &["unplugged"]),
            (&[], &["no-way-out"]),
            (&[("eth0", OUT, ROUTER, 100, OUT), ("*", "0000000A", OUT, 0, "000000FF")], &["refused-ways"]),
        ] {
            assert_eq!(findings::<Routes>(ways(lines)), said, "{lines:?}");
        }
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn machines() {
        assert_eq!(findings::<Routes>(at("container")), ["no-way-out"]);
        assert_eq!(findings::<Routes>(at("desktop-fine")), ["routes-ok"]);
        let draft = Routes::judge(at("network-fedora-vpn"));
        assert_eq!(draft.tables[0].rows.len(), 2);
        assert!(!format!("{draft:?}").contains("acme"));
        assert_eq!(told(Routes::ID, &draft).findings[0].id, "routes-ok");
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn everything_declared_is_said() {
        let mut denied = ways(&[]);
        denied.v4 = Err(Unread::Denied);
        all_is_said::<Routes>(vec![
            ways(&[]),
            ways(&[("eth0", OUT, "0102A8C0", 100, OUT), ("*", "0000000A", OUT, 0, "000000FF")]),
            ways(&[("eth0", OUT, ROUTER, 600, OUT), ("wlan0", OUT, ROUTER, 600, OUT)]),
            ways(&[("eth0", OUT, ROUTER, 600, OUT), ("wlan0", OUT, ROUTER, 5, OUT)]),
            ways(&[("eth1", OUT, ROUTER, 100, OUT)]),
            at("desktop-fine"),
            denied,
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(eth0 [0-9A-F]{8} [0-9A-F]{8} 000[0-9] 0 0 [0-9]{1,3} [0-9A-F]{8} 0 0 0\n)*|(.*\n)*") {
            let inputs = Inputs { v4: Ok(text.clone()), v6: Ok(text), ..ways(&[]) };
            told(Routes::ID, &Routes::judge(inputs));
        }
    }
}
