//! The way out: default routes and whether the router answers on the local network (proc(5)).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The route is usable, `RTF_UP`.
const UP: u32 = 0x1;
/// The route says no, `RTF_REJECT`.
const REJECT: u32 = 0x200;
/// The neighbour's answer is known, `ATF_COM`.
const COMPLETE: u32 = 0x2;

/// Makes a route one to another computer, `RTF_GATEWAY`.
const GATEWAY: u32 = 0x2;
/// Made by the system for its own addresses, `RTF_LOCAL`.
const LOCAL: u32 = 0x8000_0000;

/// One way somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// The card, as the system names it.
    pub(super) card: String,
    /// Where it leads: an address and how much of it counts.
    pub(super) to: (IpAddr, u8),
    /// The router on the way; none for neighbours and tunnels.
    pub(super) gateway: Option<IpAddr>,
    /// The lower, the better.
    pub(super) metric: u32,
    /// It says no to whoever wants to go there.
    pub(super) rejects: bool,
}

impl Route {
    /// Whether it is the way to everywhere else.
    pub(super) fn is_default(&self) -> bool {
        self.to.1 == 0 && !self.rejects
    }

    /// Whether it leads to that address.
    pub(super) fn covers(&self, address: IpAddr) -> bool {
        let (to, prefix) = self.to;
        match (to, address) {
            (IpAddr::V4(to), IpAddr::V4(address)) => {
                (u32::from(to) ^ u32::from(address)).leading_zeros() >= u32::from(prefix)
            }
            (IpAddr::V6(to), IpAddr::V6(address)) => {
                (u128::from(to) ^ u128::from(address)).leading_zeros() >= u32::from(prefix)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// The usable routes of `/proc/net/route`.
pub(super) fn routes_v4(text: &str) -> Vec<Route> {
    let route = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let hex = |field: usize| u32::from_str_radix(words.get(field)?, 16).ok();
        let address = |field: usize| hex(field).map(|word| Ipv4Addr::from(word.to_ne_bytes()));
        let (flags, mask) = (hex(3)?, u32::from(address(7)?));
        let prefix = u8::try_from(mask.leading_ones()).ok()?;
        let gateway = address(2).filter(|gateway| flags & GATEWAY != 0 && !gateway.is_unspecified());
        (flags & (UP | REJECT) != 0).then_some(Route {
            card: (*words.first()?).to_owned(),
            to: (address(1)?.into(), prefix),
            gateway: gateway.map(IpAddr::V4),
            metric: words.get(6)?.parse().ok()?,
            rejects: flags & REJECT != 0,
        })
    };
    text.lines().filter_map(route).collect()
}

/// The usable routes of `/proc/net/ipv6_route` that lead to other computers.
pub(super) fn routes_v6(text: &str) -> Vec<Route> {
    let route = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let hex = |field: usize| u32::from_str_radix(words.get(field)?, 16).ok();
        let address = |field: usize| address_v6(words.get(field)?);
        let flags = hex(8)?;
        let to = address(0)?;
        let card = *words.get(9)?;
        let rejects = flags & REJECT != 0;
        // The route that ends all others (`lo`, highest metric) is always there and says nothing.
        let ours = flags & LOCAL != 0 || to.is_multicast() || (card == "lo" && hex(5)? == u32::MAX);
        (!ours && (flags & UP != 0 || rejects)).then_some(Route {
            card: card.to_owned(),
            to: (to.into(), u8::from_str_radix(words.get(1)?, 16).ok().filter(|prefix| *prefix <= 128)?),
            gateway: address(4).filter(|gateway| flags & GATEWAY != 0 && !gateway.is_unspecified()).map(IpAddr::V6),
            metric: hex(5)?,
            rejects,
        })
    };
    text.lines().filter_map(route).collect()
}

/// An address of 32 hexadecimal digits, as `/proc/net/if_inet6` and `ipv6_route` have them.
pub(super) fn address_v6(hex: &str) -> Option<Ipv6Addr> {
    (hex.len() == 32).then(|| u128::from_str_radix(hex, 16).ok().map(Ipv6Addr::from)).flatten()
}

/// The default gateways of `/proc/net/route`. `0.0.0.0` is a way without a router, as tunnels and modems have.
pub(super) fn gateways(text: &str) -> Vec<Ipv4Addr> {
    text.lines().filter_map(gateway).collect()
}

/// `Iface Destination Gateway Flags RefCnt Use Metric Mask …`; addresses are in the machine's own byte order.
fn gateway(line: &str) -> Option<Ipv4Addr> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let hex = |field: usize| u32::from_str_radix(words.get(field)?, 16).ok();
    let (destination, gateway, flags, mask) = (hex(1)?, hex(2)?, hex(3)?, hex(7)?);
    let default = destination == 0 && mask == 0 && flags & UP != 0 && flags & REJECT == 0;
    default.then(|| Ipv4Addr::from(gateway.to_ne_bytes()))
}

/// Whether `/proc/net/ipv6_route` has a default route that leads somewhere.
pub(super) fn leads_out_v6(text: &str) -> bool {
    text.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let default = words.first().is_some_and(|to| !to.is_empty() && to.bytes().all(|b| b == b'0'))
            && words.get(1) == Some(&"00");
        let flags = words.get(8).and_then(|flags| u32::from_str_radix(flags, 16).ok()).unwrap_or(REJECT);
        default && flags & UP != 0 && flags & REJECT == 0 && words.get(9) != Some(&"lo")
    })
}

/// Whether the gateway answered on the local network, from `/proc/net/arp`; nothing if nobody asked it lately.
pub(super) fn answers(text: &str, gateway: Ipv4Addr) -> Option<bool> {
    text.lines().skip(1).find_map(|line| {
        let mut words = line.split_whitespace();
        let address: Ipv4Addr = words.next()?.parse().ok()?;
        let flags = u32::from_str_radix(words.nth(1)?.trim_start_matches("0x"), 16).ok()?;
        (address == gateway).then_some(flags & COMPLETE != 0)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn default_routes_are_found() {
        let text = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n\
            wlan0 00000000 0101A8C0 0003 0 0 600 00000000 0 0 0\nwlan0 0001A8C0 00000000 0001 0 0 600 00FFFFFF 0 0 0\n\
            tun0 00000000 00000000 0001 0 0 0 00000080 0 0 0\nppp0 00000000 00000000 0001 0 0 0 00000000 0 0 0\n\
            * 00000000 00000000 0200 0 0 0 00000000 0 0 0\n";
        assert_eq!(gateways(text), [Ipv4Addr::new(192, 168, 1, 1), Ipv4Addr::UNSPECIFIED]);
    }

    #[test]
    fn a_route_that_rejects_leads_nowhere() {
        let line = |flags: &str, card: &str| {
            let zeros = "0".repeat(32);
            format!("{zeros} 00 {zeros} 00 fe800000000000000000000000000001 00000400 1 0 {flags} {card}\n")
        };
        assert!(leads_out_v6(&line("00000003", "wlan0")));
        assert!(!leads_out_v6(&line("00200200", "lo")));
        assert!(!leads_out_v6(&line("00000203", "wlan0")));
        assert!(!leads_out_v6(&line("00000000", "wlan0")));
        assert!(!leads_out_v6(""));
    }

    #[test]
    fn the_neighbour_table_tells_whether_it_answers() {
        let text = "IP address HW type Flags HW address Mask Device\n192.168.1.1 0x1 0x2 aa:bb:cc:dd:ee:ff * wlan0\n\
            192.168.1.9 0x1 0x0 00:00:00:00:00:00 * wlan0\n";
        assert_eq!(answers(text, Ipv4Addr::new(192, 168, 1, 1)), Some(true));
        assert_eq!(answers(text, Ipv4Addr::new(192, 168, 1, 9)), Some(false));
        assert_eq!(answers(text, Ipv4Addr::new(192, 168, 1, 2)), None);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn routes_of_both_families_are_read() {
        let text = "wlan0 00000000 0101A8C0 0003 0 0 600 00000000 0 0 0\nwlan0 0001A8C0 00000000 0001 0 0 600 00FFFFFF 0 0 0\n\
            * 0000000A 00000000 0200 0 0 0 000000FF 0 0 0\n";
        let routes = routes_v4(text);
        assert_eq!(routes.iter().filter(|route| route.is_default()).count(), 1);
        assert_eq!(routes[0].gateway, Some("192.168.1.1".parse().unwrap()));
        assert_eq!((routes[1].to.1, routes[1].gateway, routes[2].rejects), (24, None, true));
        assert!(routes[1].covers("192.168.1.77".parse().unwrap()) && !routes[1].covers("192.168.2.1".parse().unwrap()));
        assert!(routes[0].covers("8.8.8.8".parse().unwrap()) && !routes[0].covers("::1".parse().unwrap()));

        let zeros = "0".repeat(32);
        let text = format!(
            "{zeros} 00 {zeros} 00 fe800000000000000000000000000001 00000400 2 0 00000003 wlan0\n\
             fd000000000000000000000000000000 40 {zeros} 00 {zeros} 00000100 1 0 00000001 wlan0\n\
             ff000000000000000000000000000000 08 {zeros} 00 {zeros} 00000100 1 0 00000001 wlan0\n\
             {zeros} 00 {zeros} 00 {zeros} ffffffff 1 0 00200200 lo\n"
        );
        let routes = routes_v6(&text);
        assert_eq!(routes.len(), 2);
        assert_eq!(routes[0].gateway, Some("fe80::1".parse().unwrap()));
        assert!(routes[1].covers("fd00::9".parse().unwrap()) && !routes[1].covers("fe80::9".parse().unwrap()));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(.*\n)*|([0-9a-fx.:]* ){0,12}\n([0-9a-fx.:]* ){0,12}") {
            gateways(&text);
            leads_out_v6(&text);
            answers(&text, Ipv4Addr::LOCALHOST);
            let routes = [routes_v4(&text), routes_v6(&text)].concat();
            routes.iter().for_each(|route| {
                route.covers(Ipv4Addr::LOCALHOST.into());
                route.covers(Ipv6Addr::LOCALHOST.into());
            });
        }
    }
}
