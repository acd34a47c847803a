//! Sockets of `/proc/net` (proc(5)) and the programs that hold them.
//!
//! Nothing is probed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use crate::checks::machine::{Machine, Reading};
use crate::checks::sockets::{ip, owners};

/// Tables and what they hold.
const TABLES: [(&str, &str); 4] =
    [("tcp", "/proc/net/tcp"), ("tcp6", "/proc/net/tcp6"), ("udp", "/proc/net/udp"), ("udp6", "/proc/net/udp6")];
/// State of a TCP socket that waits for connections, and of a UDP socket without partner (`include/net/tcp_states.h`).
const LISTENING: [(&str, &str); 2] = [("tcp", "0A"), ("udp", "07")];
/// State of a TCP connection in use.
const ESTABLISHED: &str = "01";
/// Longest search for the owners of sockets.
const SEARCH: Duration = Duration::from_secs(3);

/// What `/proc` says of the network.
pub(crate) struct Sockets {
    /// In the order of [`TABLES`].
    pub(super) tables: Vec<Reading>,
    /// Program by socket number, of the programs that may be seen.
    pub(super) owners: BTreeMap<u64, String>,
}

/// A port that waits for somebody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Open {
    pub(super) port: u16,
    pub(super) protocol: &'static str,
    /// Whether it waits at an address that other computers can reach.
    pub(super) exposed: bool,
    pub(super) program: Option<String>,
}

/// A connection in use that somebody else opened: its port is one that waits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Incoming {
    pub(super) port: u16,
    pub(super) from: IpAddr,
    pub(super) program: Option<String>,
}

/// One line of a table.
struct Line {
    local: IpAddr,
    port: u16,
    remote: IpAddr,
    state: String,
    socket: u64,
}

impl Sockets {
    /// The tables of that computer, and the owners of this one's sockets.
    pub(super) fn of(machine: &Machine) -> Self {
        let mut sockets = Self { tables: tables_from(machine), owners: BTreeMap::new() };
        let wanted = sockets.wanted();
        sockets.owners = owners(machine, wanted, SEARCH);
        sockets
    }

    /// Numbers of the sockets that are told of.
    fn wanted(&self) -> BTreeSet<u64> {
        let told = |line: &Line| line.state == ESTABLISHED || LISTENING.iter().any(|(_, state)| line.state == *state);
        self.lines().filter(|(_, line)| told(line)).map(|(_, line)| line.socket).collect()
    }

    /// Why nothing can be told, if the first table can't be read.
    pub(super) fn unread(&self) -> Option<String> {
        match self.tables.first() {
            Some(Ok(_)) => None,
            Some(Err(error)) => Some(format!("/proc/net/tcp {error}")),
            None => Some("/proc/net/tcp was not read".to_owned()),
        }
    }

    /// Every open port, sorted, once each.
    pub(super) fn open(&self) -> Vec<Open> {
        let mut open: Vec<Open> = self
            .lines()
            .filter(|(protocol, line)| line.port != 0 && LISTENING.contains(&(*protocol, line.state.as_str())))
            .map(|(protocol, line)| Open {
                port: line.port,
                protocol,
                exposed: !line.local.is_loopback(),
                program: self.owners.get(&line.socket).cloned(),
            })
            .collect();
        open.sort();
        open.dedup();
        open
    }

    /// Connections that another computer opened to this one.
    pub(super) fn incoming(&self) -> Vec<Incoming> {
        let waiting: BTreeSet<u16> =
            self.open().iter().filter(|open| open.protocol == "tcp").map(|open| open.port).collect();
        let mut incoming: Vec<Incoming> = self
            .lines()
            .filter(|(protocol, line)| *protocol == "tcp" && line.state == ESTABLISHED)
            .filter(|(_, line)| waiting.contains(&line.port) && !line.remote.is_loopback() && line.remote != line.local)
            .map(|(_, line)| Incoming {
                port: line.port,
                from: line.remote,
                program: self.owners.get(&line.socket).cloned(),
            })
            .collect();
        incoming.sort();
        incoming.dedup();
        incoming
    }

    fn lines(&self) -> impl Iterator<Item = (&'static str, Line)> {
        TABLES
            .iter()
            .zip(&self.tables)
            .filter_map(|((table, _), text)| Some((table.trim_end_matches('6'), text.as_ref().ok()?)))
            .flat_map(|(protocol, text)| text.lines().filter_map(move |line| Some((protocol, Line::parse(line)?))))
    }
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (local, port) = words.get(1)?.split_once(':')?;
        let (remote, _) = words.get(2)?.split_once(':')?;
        Some(Self {
            local: ip(local)?,
            port: u16::from_str_radix(port, 16).ok()?,
            remote: ip(remote)?,
            state: (*words.get(3)?).to_owned(),
            socket: words.get(9)?.parse().ok()?,
        })
    }
}

/// The tables, in their order.
pub(super) fn tables_from(machine: &Machine) -> Vec<Reading> {
    TABLES.iter().map(|(_, path)| machine.text(path)).collect()
}

/// Tables as tests write them.
#[cfg(test)]
pub(super) mod recorded {
    use super::{Machine, Sockets, tables_from};

    /// Tables that hold these lines of `/proc/net/tcp`; socket 77 belongs to a program called `server`.
    pub(in crate::checks::security) fn lines(lines: &[(&str, u16, &str, &str)]) -> Sockets {
        let table = lines
            .iter()
            .map(|(local, port, remote, state)| {
                format!("  0: {local}:{port:04X} {remote}:9C40 {state} 0:0 00:0 0 0 0 77 1 0\n")
            })
            .collect();
        let none = || Ok(String::new());
        Sockets { tables: vec![Ok(table), none(), none(), none()], owners: [(77, "server".to_owned())].into() }
    }

    /// What any computer could hold.
    pub(in crate::checks::security) fn any(text: &str) -> Sockets {
        Sockets { tables: vec![Ok(text.to_owned()); 4], owners: [(7, "sshd".to_owned())].into() }
    }

    /// The tables of a recorded computer, whose owners nobody recorded.
    pub(in crate::checks::security) fn machine(machine: &Machine) -> Sockets {
        Sockets { tables: tables_from(machine), owners: [].into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn only_what_others_opened_is_incoming() {
        let listens = ("00000000", 22, "00000000", "0A");
        for (line, incoming) in [
            (("0201A8C0", 22, "0901A8C0", "01"), 1),
            (("0201A8C0", 22, "0901A8C0", "06"), 0),
            (("0201A8C0", 23, "0901A8C0", "01"), 0),
            (("0100007F", 22, "0100007F", "01"), 0),
            (("0201A8C0", 22, "0201A8C0", "01"), 0),
        ] {
            assert_eq!(recorded::lines(&[listens, line]).incoming().len(), incoming, "{line:?}");
        }
    }
}
