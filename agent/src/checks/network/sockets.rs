//! Connections of this computer, from `/proc/net/tcp` (proc(5)).
//!
//! Whom a connection is with becomes one bit, inside or outside, as soon as it is read: no partner leaves this file.

use std::collections::BTreeMap;
use std::time::Duration;

use super::address::is_inside;
use crate::checks::machine::Machine;
use crate::checks::sockets::ip;

/// Longest search for the owners of sockets.
const SEARCH: Duration = Duration::from_millis(1_000);

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

/// Which programs hold these connections, of those that may be seen.
pub(super) fn owners(connections: &[Connection]) -> BTreeMap<u64, String> {
    let wanted = connections.iter().map(|connection| connection.socket).filter(|socket| *socket != 0).collect();
    crate::checks::sockets::owners(&Machine::this(), wanted, SEARCH)
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
