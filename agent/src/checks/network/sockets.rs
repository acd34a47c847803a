//! Connections of this computer, from `/proc/net/tcp` and the links of `/proc/*/fd` (proc(5)).
//!
//! Whom a connection is with becomes one bit, inside or outside, as soon as it is read: no partner leaves this file.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use super::address::is_inside;
use crate::checks::machine::Machine;

/// Longest search for the owners of sockets.
const SEARCH: Duration = Duration::from_millis(1_000);
/// Most open files looked at of one program.
const FILES_MAX: usize = 4_096;

/// A connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Connection {
    /// Its state by number, `include/net/tcp_states.h`.
    pub(super) state: u8,
    /// Whether its partner is on the internet.
    pub(super) outside: bool,
    /// Its number, by which programs hold it; 0 if none holds it any more.
    pub(super) socket: u64,
}

/// The connections of a table.
pub(super) fn connections(text: &str) -> Vec<Connection> {
    text.lines().filter_map(connection).collect()
}

/// `sl local remote state tx:rx tr:when retransmits uid timeout inode …`.
fn connection(line: &str) -> Option<Connection> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (partner, _) = words.get(2)?.split_once(':')?;
    Some(Connection {
        state: u8::from_str_radix(words.get(3)?, 16).ok()?,
        outside: !is_inside(ip(partner)?),
        socket: words.get(9)?.parse().ok()?,
    })
}

/// Hexadecimal words of 32 bits in the machine's own byte order.
fn ip(hex: &str) -> Option<IpAddr> {
    let word = |from: usize| u32::from_str_radix(hex.get(from..from + 8)?, 16).ok().map(u32::to_ne_bytes);
    match hex.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(0)?))),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?].concat();
            Some(Ipv6Addr::from(<[u8; 16]>::try_from(words).ok()?).to_canonical())
        }
        _ => None,
    }
}

/// Which program holds which socket, of the programs that may be seen. Only the link is read, never what is behind it.
pub(super) fn owners() -> BTreeMap<u64, String> {
    let machine = Machine::this();
    let until = Instant::now() + SEARCH;
    let mut owners = BTreeMap::new();
    for process in machine.names("/proc").iter().filter(|name| name.bytes().all(|b| b.is_ascii_digit())) {
        if Instant::now() >= until {
            break;
        }
        let Ok(files) = std::fs::read_dir(format!("/proc/{process}/fd")) else { continue };
        let socket = |file: std::fs::DirEntry| {
            let link = std::fs::read_link(file.path()).ok()?;
            link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse::<u64>().ok()
        };
        let sockets: Vec<u64> = files.flatten().take(FILES_MAX).filter_map(socket).collect();
        if let Some(name) = (!sockets.is_empty()).then(|| machine.word(&format!("/proc/{process}/comm"))).flatten() {
            owners.extend(sockets.into_iter().map(|socket| (socket, name.clone())));
        }
    }
    owners
}

/// Whether something waits for connections at that port of this computer.
pub(super) fn listens(table: &str, port: u16) -> bool {
    const LISTENING: &str = "0A";
    table.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let here = words.get(1).and_then(|local| u16::from_str_radix(local.split_once(':')?.1, 16).ok());
        words.get(3) == Some(&LISTENING) && here == Some(port)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
        0: 0100007F:0C38 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4411 1 0 100 0 0 10 0\n\
        1: 1401A8C0:9C40 0E5D08D8:01BB 01 00000000:00000000 02:00000400 00000000  1000        0 9001 2 0 20 4 30 10 -1\n\
        2: 1401A8C0:9C41 0101A8C0:0035 08 00000000:00000000 00:00000000 00000000  1000        0 9002 1 0 20 4 30 10 -1\n";

    #[test]
    #[cfg(target_endian = "little")]
    fn a_table_is_read() {
        let all = connections(TABLE);
        let expected = [(10, false, 4_411), (1, true, 9_001), (8, false, 9_002)];
        assert_eq!(all.iter().map(|c| (c.state, c.outside, c.socket)).collect::<Vec<_>>(), expected);
        assert!(listens(TABLE, 3_128) && !listens(TABLE, 40_000) && !listens(TABLE, 3_129));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "( [0-9]: [0-9A-F]{0,33}:[0-9A-F]{0,5} [0-9A-F]{0,33}:[0-9A-F]{0,5} 0[0-9A]( [0-9]*){0,9}\n)*|(.*\n)*") {
            connections(&text);
            listens(&text, 80);
        }
    }
}
