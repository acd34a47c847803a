//! Network cards as several items look at them, and their names as they may leave the PC.
//!
//! The system names most cards after their place (`enp3s0`), which says nothing about anybody. A name that holds the
//! card's number, or that somebody chose ("wg-acme"), is cut to its kind. (MISSION R4)

use std::collections::BTreeMap;
use std::net::IpAddr;

use sysinfo::Networks;

use crate::checks::machine::Machine;

/// Beginnings of names that the system, drivers and well-known programs give: systemd.net-naming-scheme(7) and the
/// programs' documentation.
const KINDS: [&str; 24] = [
    "bond",
    "br",
    "cni",
    "docker",
    "en",
    "eth",
    "ib",
    "incusbr",
    "lo",
    "lxcbr",
    "lxdbr",
    "podman",
    "ppp",
    "tailscale",
    "tap",
    "team",
    "tun",
    "usb",
    "veth",
    "virbr",
    "vnet",
    "wg",
    "wl",
    "ww",
];
/// How long the kernel's names are at most, without the closing zero (`IFNAMSIZ`).
const NAME_MAX: usize = 15;

/// A name as it may be shown.
pub(super) fn shown(name: &str) -> String {
    let kind = KINDS.iter().filter(|kind| name.starts_with(**kind)).max_by_key(|kind| kind.len());
    let Some(kind) = kind else { return "…".to_owned() };
    let rest = name.get(kind.len()..).unwrap_or_default();
    // `enx00e04c680001` is the number itself.
    let place = |rest: &str| {
        let mut letters = rest.bytes();
        match letters.next() {
            None => true,
            Some(b'0'..=b'9') => true,
            Some(b'o' | b'p' | b's' | b'a' | b'P') => letters.next().is_some_and(|b| b.is_ascii_digit()),
            Some(_) => false,
        }
    };
    let plain = |rest: &str| rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.');
    if name.len() <= NAME_MAX && place(rest.trim_start_matches("an")) && plain(rest) {
        name.to_owned()
    } else {
        format!("{}…", name.get(..3).filter(|start| matches!(*start, "enx" | "wlx" | "wwx")).unwrap_or(kind))
    }
}

/// Names of all cards but the loopback, as the system has them.
pub(super) fn names(machine: &Machine) -> Vec<String> {
    machine.names("/sys/class/net").into_iter().filter(|name| name != "lo").collect()
}

/// Whether it is a Wi-Fi card.
pub(super) fn wireless(machine: &Machine, name: &str) -> bool {
    ["wireless", "phy80211"].iter().any(|file| machine.has(&format!("/sys/class/net/{name}/{file}")))
}

/// Addresses by card, with the length of their prefix. Nothing if the system refused.
pub(super) fn addresses() -> Option<BTreeMap<String, Vec<(IpAddr, u8)>>> {
    let networks = Networks::new_with_refreshed_list().ok()?;
    let of = |data: &sysinfo::NetworkData| {
        let mut addresses: Vec<_> = data.ip_networks().iter().map(|ip| (ip.addr, ip.prefix)).collect();
        addresses.sort();
        addresses
    };
    Some(networks.iter().map(|(name, data)| (name.to_string_lossy().into_owned(), of(data))).collect())
}

/// The card that has this address.
pub(super) fn with(addresses: &BTreeMap<String, Vec<(IpAddr, u8)>>, address: IpAddr) -> Option<&str> {
    addresses.iter().find(|(_, all)| all.iter().any(|(ip, _)| *ip == address)).map(|(name, _)| name.as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn r4_only_names_that_the_system_gives_are_shown() {
        for (name, text) in [
            ("enp0s31f6", "enp0s31f6"),
            ("eth0", "eth0"),
            ("wlan0", "wlan0"),
            ("wlp2s0", "wlp2s0"),
            ("eno1", "eno1"),
            ("enp3s0.20", "enp3s0.20"),
            ("tailscale0", "tailscale0"),
            ("enx00e04c680001", "enx…"),
            ("wlx00e04c680001", "wlx…"),
            ("wg-acme", "wg…"),
            ("br-1a2b3c4d5e6f", "br…"),
            ("acme", "…"),
            ("ángel", "…"),
            ("", "…"),
        ] {
            assert_eq!(shown(name), text);
        }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(name in "(en|wl|wg|br)?\\PC{0,20}") {
            shown(&name);
        }
    }
}
