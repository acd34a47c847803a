//! Everything on the internet that an item of this area ever talks to. (SECURITY D3)
//!
//! A short compiled list of places that exist to be asked whether a network works. No parameter, file or technician adds
//! to it, and what is sent there is the same from every PC: no name, no number, nothing of the person.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where web servers listen with TLS: RFC 9110.
pub(super) const HTTPS: u16 = 443;
/// Where web servers listen without: RFC 9110.
pub(super) const HTTP: u16 = 80;

/// Public name servers that also listen on port 443, each of another operator (Cloudflare, Quad9).
pub(super) const INTERNET_V4: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(1, 1, 1, 1)), IpAddr::V4(Ipv4Addr::new(9, 9, 9, 9))];
/// The same two over IPv6.
pub(super) const INTERNET_V6: [IpAddr; 2] = [
    IpAddr::V6(Ipv6Addr::new(0x2606, 0x4700, 0x4700, 0, 0, 0, 0, 0x1111)),
    IpAddr::V6(Ipv6Addr::new(0x2620, 0xfe, 0, 0, 0, 0, 0, 0x9)),
];

/// A page that a distribution keeps for asking whether the web is reached, and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CheckPage {
    /// The name of its computer.
    pub(super) host: &'static str,
    /// Its path.
    pub(super) path: &'static str,
    /// How its text begins.
    pub(super) begins: &'static str,
}

/// The `connectivity` settings of NetworkManager's packages in Debian and Fedora.
pub(super) const CHECK_PAGES: [CheckPage; 2] = [
    CheckPage { host: "network-test.debian.org", path: "/nm", begins: "NetworkManager is online" },
    CheckPage { host: "fedoraproject.org", path: "/static/hotspot.txt", begins: "OK" },
];

/// Well-known sites with certificates of public authorities; only a handshake is made with them.
pub(super) const TLS_HOSTS: [&str; 2] = ["www.wikipedia.org", "www.debian.org"];
