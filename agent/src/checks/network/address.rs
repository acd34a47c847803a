//! Addresses as they may leave the PC.
//!
//! An address on the internet says who and where somebody is, and one made from a network card's number names the
//! device: of these only the kind is shown. Addresses inside a home are the same in a million homes. (MISSION R4)

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Name servers open to everybody: whoever uses one shares it with millions.
const PUBLIC_SERVERS: [Ipv6Addr; 6] = [
    Ipv6Addr::new(0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8844),
    Ipv6Addr::new(0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8888),
    Ipv6Addr::new(0x2606, 0x4700, 0x4700, 0, 0, 0, 0, 0x1001),
    Ipv6Addr::new(0x2606, 0x4700, 0x4700, 0, 0, 0, 0, 0x1111),
    Ipv6Addr::new(0x2620, 0xfe, 0, 0, 0, 0, 0, 0x9),
    Ipv6Addr::new(0x2620, 0xfe, 0, 0, 0, 0, 0, 0xfe),
];

/// An address of this PC or its router.
pub(super) fn shown(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) if is_inside_v4(v4) => v4.to_string(),
        IpAddr::V4(_) => "*.*.*.*".to_owned(),
        IpAddr::V6(v6) if v6.is_loopback() || v6.is_unspecified() => v6.to_string(),
        IpAddr::V6(v6) if v6.is_unicast_link_local() => "fe80::*".to_owned(),
        IpAddr::V6(v6) if v6.is_unique_local() => "fd*::*".to_owned(),
        IpAddr::V6(_) => "*::*".to_owned(),
    }
}

/// An address of a name server, which names its operator: shown in full where a person's own can't be in it.
pub(super) fn shown_server(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) if PUBLIC_SERVERS.contains(&v6) => v6.to_string(),
        IpAddr::V6(_) => shown(address),
    }
}

/// Whether it can't be reached from the internet: a public name has no business there.
pub(super) fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_inside_v4(v4),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unspecified() || v6.is_unicast_link_local() || v6.is_unique_local(),
    }
}

/// RFC 1918, loopback, link-local, unspecified, and the shared space of providers (RFC 6598).
fn is_inside_v4(v4: Ipv4Addr) -> bool {
    let [a, b, ..] = v4.octets();
    v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || (a == 100 && b & 0xc0 == 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r4_public_addresses_and_card_numbers_stay_here() {
        for (address, text) in [
            ("192.168.1.20", "192.168.1.20"),
            ("10.0.0.1", "10.0.0.1"),
            ("172.15.255.255", "*.*.*.*"),
            ("172.16.0.0", "172.16.0.0"),
            ("100.63.255.255", "*.*.*.*"),
            ("100.64.0.0", "100.64.0.0"),
            ("100.128.0.0", "*.*.*.*"),
            ("83.44.1.9", "*.*.*.*"),
            ("fe80::0250:56ff:fe12:3456", "fe80::*"),
            ("fd12:3456::1", "fd*::*"),
            ("2a02:9001::1", "*::*"),
            ("::1", "::1"),
        ] {
            assert_eq!(shown(address.parse().unwrap()), text);
        }
        assert_eq!(shown_server("80.58.61.250".parse().unwrap()), "80.58.61.250");
        assert_eq!(shown_server("2620:fe::9".parse().unwrap()), "2620:fe::9");
        assert_eq!(shown_server("2a02:9001::1".parse().unwrap()), "*::*");
    }
}
