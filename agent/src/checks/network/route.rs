//! The way out: default routes and whether the router answers on the local network (proc(5)).

use std::net::Ipv4Addr;

/// The route is usable, `RTF_UP`.
const UP: u32 = 0x1;
/// The route says no, `RTF_REJECT`.
const REJECT: u32 = 0x200;
/// The neighbour's answer is known, `ATF_COM`.
const COMPLETE: u32 = 0x2;

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

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(.*\n)*|([0-9a-fx.:]* ){0,12}\n([0-9a-fx.:]* ){0,12}") {
            gateways(&text);
            leads_out_v6(&text);
            answers(&text, Ipv4Addr::LOCALHOST);
        }
    }
}
