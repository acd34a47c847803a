//! Network and hardware addresses that weren't known before: those that lead to a person's line or device.
//!
//! Private addresses, public name servers, documentation, loopback, masks, multicast and versions stay: a technician needs
//! them, and they tell nobody apart.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::Hint::{Build as B, Words};
use super::Mark;
use super::window::around;
use super::{Build, Found, Rule};
use crate::redact::list::words;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "mac",
        mark: Mark::Mac,
        hint: B(Build::Colons),
        pattern: r"(?i)[0-9a-f]{2}(?:(?::[0-9a-f]{2}){5,}|(?:-[0-9a-f]{2}){5,}|(?:\\:[0-9a-f]{2}){5,})",
        take: mac,
    },
    Rule {
        id: "mac",
        mark: Mark::Mac,
        hint: Words("enx|wlx|wwx|dev_|hwaddr|chaddr|mac"),
        pattern: r"(?i)(?:(?-u:\b)(?:enx|wlx|wwx)(?P<s>[0-9a-f]{12})(?-u:\b)|dev_(?P<t>[0-9a-f]{2}(?:_[0-9a-f]{2}){5})|(?:mac|hwaddr|chaddr)(?:_?addr(?:ess)?)?[\x22']?\s*[=:]?\s*[\x22']?(?P<u>[0-9a-f]{12}|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4})(?-u:\b))",
        take: plain_mac,
    },
    Rule {
        id: "ipv6",
        mark: Mark::Address,
        hint: B(Build::Colons),
        pattern: r"(?i)[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:.]*",
        take: ipv6_token,
    },
    Rule {
        id: "ipv4",
        mark: Mark::Address,
        hint: B(Build::Dots),
        pattern: r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}",
        take: ipv4_token,
    },
];

/// An address as it was found.
pub(in crate::redact) type Address = IpAddr;

/// An IPv4 address in its usual spelling.
pub(super) fn ipv4(text: &str) -> Option<Ipv4Addr> {
    text.parse().ok()
}

/// `2024-01-15`, `15.01.2024`.
pub(super) fn is_dated(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['-', '.', '/', ' ']).collect();
    let year = |part: &str| part.len() == 4 && (part.starts_with("19") || part.starts_with("20"));
    parts.len() >= 3
        && (year(parts[0]) && parts[1].len() == 2 && parts[2].len() == 2
            || year(parts[2]) && parts[0].len() <= 2 && parts[1].len() <= 2)
}

fn mac(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let range = found.range();
    let text = &found.line[range.clone()];
    let mark = if text.contains("\\:") { "\\:" } else { &text[2..3] };
    let step = 2 + mark.len();
    let length = 6 * step - mark.len();
    let before = found.before();
    let glued = before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == ':' || (c == '-' && mark == "-"))
        || found.after().starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        || (found.after().starts_with(':') && found.after()[1..].starts_with(|c: char| c.is_ascii_hexdigit()));
    let count = (text.len() + mark.len()) / step;
    let at = match count {
        6 if !glued => range.start,
        // A DHCP identity: type, perhaps a time, and the address at its end.
        7 if text.starts_with("01") && !glued => range.end - length,
        10 if text.starts_with("00") && !glued => range.end - length,
        14 if text.starts_with("00") && !glued => range.end - length,
        _ => return,
    };
    let decimal = text.chars().all(|c| c.is_ascii_digit() || c == '-') && mark == "-";
    if !decimal && is_telling_mac(&found.line[at..at + length]) {
        taken.push(at..at + length);
    }
}

fn plain_mac(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let value = ["s", "t", "u"].into_iter().find_map(|name| found.group(name));
    if let Some(value) = value.filter(|value| is_telling_mac(value.as_str())) {
        taken.push(value.range());
    }
}

/// Whether a hardware address belongs to one device: neither nobody's, everybody's nor a group's.
pub(in crate::redact) fn is_telling_mac(text: &str) -> bool {
    let hex: String = text.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_ascii_lowercase();
    let group = u8::from_str_radix(hex.get(..2).unwrap_or("ff"), 16).is_ok_and(|first| first & 1 == 1);
    !group && !hex.chars().all(|c| c == '0')
}

fn ipv6_token(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let range = found.range();
    let text = &found.line[range.clone()];
    let end = text.trim_end_matches('.').len();
    let glued = found.before().ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        || found.after().starts_with(|c: char| c.is_ascii_alphanumeric());
    // `[…]:443` has a port; `2001:…:` a colon of the sentence; `host:2001:…` isn't one.
    let candidates = [&text[..end], text[..end].trim_end_matches(':'), text[..end].trim_start_matches(':')];
    if glued {
        return;
    }
    for candidate in candidates {
        if candidate.parse::<Ipv6Addr>().is_ok() {
            let start = range.start + (candidate.as_ptr() as usize - text.as_ptr() as usize);
            taken.push(start..start + candidate.len());
            return;
        }
    }
}

fn ipv4_token(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let range = found.range();
    let (before, after) = (found.before(), found.after());
    let text = &found.line[range.clone()];
    let Some(address) = ipv4(text) else { return };
    let glued = before.ends_with(|c: char| c.is_ascii_digit())
        || after.starts_with(|c: char| c.is_ascii_digit())
        || before.ends_with('.') && before[..before.len() - 1].ends_with(|c: char| c.is_ascii_digit())
        || after.starts_with('.') && after[1..].starts_with(|c: char| c.is_ascii_digit());
    if !glued && !is_version(address, before, after) {
        taken.push(range);
    }
}

/// How far in front of four numbers a word may stand that makes them a version, in bytes.
const VERSION_NEAR: usize = 256;

/// Whether four numbers with dots are a version: by the word around them, else by what stands in front, else by size.
fn is_version(address: Ipv4Addr, before: &str, after: &str) -> bool {
    let before = &before[around(before, &(before.len()..before.len()), VERSION_NEAR).start..];
    let lower = before.to_lowercase();
    let word = lower.trim_end_matches(['"', '\'', '(', '[', ' ', '\t', '=', ':', '>', '<', ',', '~']);
    let ends = |list: &'static str| words(list).any(|end| word.ends_with(end));
    let glued = before.chars().next_back();
    if ends(
        "version|versión|versions|ver|ver.|release|firmware|driver|bios|build|revision|rev|rev.|upgrade\
        |package|paquete|update|plugin|extension|module|vers|oid|section|chapter|sección|kernel|fw|sdk\
        |api|standards-version",
    ) {
        return true;
    }
    // `v1.2.3.4`, `libfoo-1.2.3.4`, `Chrome/109.0.0.0`, `libfoo.so.1.2.3.4`, `1.2.3.4-5ubuntu`, `1.2.3.4~rc1`.
    let named = glued.is_some_and(|c| c.is_alphabetic() || matches!(c, '-' | '_' | '+' | '~' | '.'))
        || glued == Some('/') && before[..before.len() - 1].ends_with(|c: char| c.is_alphanumeric())
        || glued == Some('@') && address.octets()[0] < 64;
    let tailed = after.starts_with(['~', '+'])
        || after.starts_with('-')
            && after[1..].starts_with(|c: char| c.is_ascii_alphanumeric())
            && !before.ends_with(' ')
        || after.starts_with('-') && after[1..].starts_with(|c: char| c.is_ascii_digit()) && address.octets()[0] < 32
        || after.starts_with('_')
        || [".el", ".fc", ".deb", ".rpm", ".so", ".tar", ".jar", ".x86", ".dll", ".exe", "ubuntu", "build"]
            .iter()
            .any(|tail| after.starts_with(tail))
        || after.starts_with(|c: char| c.is_ascii_alphabetic());
    let from_to = after.trim_start().starts_with("->") || after.trim_start().starts_with("=>") || word.ends_with("->");
    if named && !before.ends_with("ip-") && !before.ends_with("://") || tailed {
        return true;
    }
    let moved = ["upgrad", "updat", "downgrad", "version", "versión", "actualiz", "instal"]
        .iter()
        .any(|word| lower.contains(word));
    if moved && address.octets()[0] < 32 {
        return true;
    }
    if ends(
        "from|to|address|addr|ip|src|dst|rhost|peer|remote|host|via|inet|client|nameserver|server|gateway\
        |for|by|dirección|direccion|desde|at|connect|ping|port|route|public|://|listen|endpoint\
        |destination|source|ban|x-forwarded-for|x-real-ip|allowed ips|raddr|laddr|ipv4|dns|router|wan\
        |external|externa|pública",
    ) {
        return false;
    }
    if after.starts_with(':') && after[1..].starts_with(|c: char| c.is_ascii_digit())
        || after.starts_with('/') && after[1..].starts_with(|c: char| c.is_ascii_digit())
        || after.starts_with(" port ")
        || after.starts_with('#')
    {
        return false;
    }
    // Nothing tells: numbers of versions are small.
    let octets = address.octets();
    from_to && octets[0] < 32 || octets.iter().filter(|octet| **octet >= 32).count() < 2
}

/// Public name servers and other services that everybody uses.
const SHARED: &str = "8.8.8.8|8.8.4.4|1.1.1.1|1.0.0.1|1.1.1.2|1.0.0.2|1.1.1.3|9.9.9.9|9.9.9.10|149.112.112.112|208.67.222.222\
    |208.67.220.220|4.2.2.1|4.2.2.2|80.58.61.250|80.58.61.254|94.140.14.14|94.140.15.15|76.76.2.0\
    |185.228.168.9|64.6.64.6|77.88.8.8|114.114.114.114|2001:4860:4860::8888|2001:4860:4860::8844\
    |2606:4700:4700::1111|2606:4700:4700::1001|2620:fe::fe|2620:fe::9|2620:119:35::35|2620:119:53::53\
    |2001:4860:4860::64|2a10:50c0::ad1:ff";

/// Whether an address is the same everywhere: loopback, any, a group's, a mask, a public name server, `fe80::1`.
pub(in crate::redact) fn is_everybodys(address: Address) -> bool {
    let shared = words(SHARED).any(|shared| shared.parse() == Ok(address));
    let alone = match address {
        IpAddr::V4(address) => address.octets()[0] == 0 || address.octets()[0] >= 240,
        IpAddr::V6(address) => address.segments()[0] & 0xffc0 == 0xfe80 && address.segments()[4..7] == [0, 0, 0],
    };
    shared || alone || address.is_loopback() || address.is_unspecified() || address.is_multicast()
}

/// Whether an address leads to somebody although nobody said that it was theirs.
pub(in crate::redact) fn is_notable(address: Address) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            let shared = words(SHARED).any(|shared| shared.parse() == Ok(IpAddr::V4(address)));
            let carrier = a == 100 && (64..128).contains(&b);
            let reserved = a == 0 || a >= 224 || (a == 198 && matches!(b, 18 | 19)) || (a == 192 && b == 0);
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_documentation()
                || carrier
                || reserved
                || shared)
        }
        IpAddr::V6(address) => {
            if let Some(address) = address.to_ipv4_mapped() {
                return is_notable(IpAddr::V4(address));
            }
            let [a, b, c, ..] = address.segments();
            let shared = words(SHARED).any(|shared| shared.parse() == Ok(IpAddr::V6(address)));
            let documentation = (a == 0x2001 && b == 0xdb8) || a == 0x3fff;
            let global = a & 0xe000 == 0x2000;
            // A link's own address holds the hardware's, unless it was given by hand: `fe80::1`.
            let own = a & 0xffc0 == 0xfe80 && address.segments()[4..7] != [0, 0, 0];
            let site = a & 0xfe00 == 0xfc00 && (b, c) != (0, 0);
            (global && !documentation && !shared && address.segments()[2..] != [0; 6]) || own || site
        }
    }
}
