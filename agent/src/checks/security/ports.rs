//! `security.ports`: which ports are open, to whom, and of which programs.
//!
//! From `/proc/net` alone (proc(5)): nothing is probed and no connection of the person is listed, only what waits for one.
//! Whose socket it is can be seen for one's own programs only; the check says when that hides something.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::machine::{Machine, Reading};
use crate::checks::{Check, Failure};

/// Tables and what they hold.
const TABLES: [(&str, &str); 4] =
    [("tcp", "/proc/net/tcp"), ("tcp6", "/proc/net/tcp6"), ("udp", "/proc/net/udp"), ("udp6", "/proc/net/udp6")];
/// State of a TCP socket that waits for connections, and of a UDP socket without partner (`include/net/tcp_states.h`).
const LISTENING: [(&str, &str); 2] = [("tcp", "0A"), ("udp", "07")];
/// Longest search for the owners of sockets.
const SEARCH: Duration = Duration::from_secs(3);
/// Most open files looked at of one program.
const FILES_MAX: usize = 4_096;

/// Ports that hand the computer to whoever comes: IANA's service names, and Docker's documentation for 2375.
const UNPROTECTED: [(&str, u16, &str); 4] =
    [("tcp", 23, "Telnet"), ("tcp", 512, "rexec"), ("tcp", 513, "rlogin"), ("tcp", 2375, "Docker")];
/// Ports of programs that show or control the screen.
const CONTROL: [(&str, u16, &str); 4] =
    [("tcp", 3389, "RDP"), ("tcp", 5900, "VNC"), ("tcp", 5901, "VNC"), ("tcp", 5938, "TeamViewer")];
/// Ports of programs that keep data and are meant for a server room.
const DATA: [(&str, u16, &str); 10] = [
    ("tcp", 21, "FTP"),
    ("tcp", 139, "NetBIOS"),
    ("tcp", 445, "SMB"),
    ("tcp", 2049, "NFS"),
    ("tcp", 3306, "MySQL"),
    ("tcp", 5432, "PostgreSQL"),
    ("tcp", 6379, "Redis"),
    ("tcp", 9200, "Elasticsearch"),
    ("tcp", 11211, "memcached"),
    ("tcp", 27017, "MongoDB"),
];

pub(crate) struct Ports;

pub(crate) struct Inputs {
    /// In the order of [`TABLES`].
    tables: Vec<Reading>,
    /// Program by socket number, of the programs that may be seen.
    owners: BTreeMap<u64, String>,
}

/// A port that waits for somebody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Open {
    port: u16,
    protocol: &'static str,
    exposed: bool,
    program: Option<String>,
}

impl Check for Ports {
    const ID: &'static str = "security.ports";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let machine = Machine::this();
        Ok(Inputs { tables: tables_from(&machine), owners: owners() })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if let Some(Err(error)) = inputs.tables.first() {
            draft.finding(Severity::Unknown, "ports-unknown", &[], format!("/proc/net/tcp {error}"));
            return draft;
        }
        let mut open: Vec<Open> = TABLES
            .iter()
            .zip(&inputs.tables)
            .filter_map(|((protocol, _), text)| Some((protocol.trim_end_matches('6'), text.as_ref().ok()?)))
            .flat_map(|(protocol, text)| text.lines().filter_map(move |line| listening(protocol, line)))
            .map(|(protocol, address, port, socket)| Open {
                port,
                protocol,
                exposed: !address.is_loopback(),
                program: inputs.owners.get(&socket).cloned(),
            })
            .collect();
        open.sort();
        open.dedup();
        let exposed = open.iter().filter(|open| open.exposed).count() as u64;
        draft.fact("open", open.len() as u64, "");
        draft.fact("exposed", exposed, "");
        known(&mut draft, &open, &UNPROTECTED, Severity::Critical, "open-without-password");
        known(&mut draft, &open, &CONTROL, Severity::Warning, "remote-control");
        known(&mut draft, &open, &DATA, Severity::Warning, "shared-data");
        if draft.findings.is_empty() {
            let evidence = format!("/proc/net: {} open, {exposed} not only on loopback", open.len());
            draft.finding(Severity::Ok, "ports-ok", &[("count", exposed.into())], evidence);
        }
        let hidden = open.iter().filter(|open| open.program.is_none()).count();
        if hidden > 0 {
            let evidence = format!("/proc/*/fd: {hidden} of {} sockets have no visible owner", open.len());
            draft.finding(Severity::Unknown, "owners-hidden", &[], evidence);
        }
        let rows = open.into_iter().map(Open::row).collect();
        draft.table("ports", &["protocol", "port", "exposed", "program"], rows);
        draft
    }
}

fn tables_from(machine: &Machine) -> Vec<Reading> {
    TABLES.iter().map(|(_, path)| machine.text(path)).collect()
}

/// Which program holds which socket: the links of `/proc/*/fd` read `socket:[number]`. Only the link is read, never what
/// is behind it.
fn owners() -> BTreeMap<u64, String> {
    let machine = Machine::this();
    let until = Instant::now() + SEARCH;
    let mut owners = BTreeMap::new();
    for process in machine.names("/proc").iter().filter(|name| name.bytes().all(|b| b.is_ascii_digit())) {
        if Instant::now() >= until {
            break;
        }
        let Ok(files) = std::fs::read_dir(format!("/proc/{process}/fd")) else { continue };
        let sockets: Vec<u64> = files
            .flatten()
            .take(FILES_MAX)
            .filter_map(|file| {
                let link = std::fs::read_link(file.path()).ok()?;
                link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
            })
            .collect();
        if let Some(name) = (!sockets.is_empty()).then(|| machine.word(&format!("/proc/{process}/comm"))).flatten() {
            owners.extend(sockets.into_iter().map(|socket| (socket, name.clone())));
        }
    }
    owners
}

/// One line of a table, if its socket waits for somebody: protocol, address, port, socket number.
fn listening(table: &str, line: &str) -> Option<(&'static str, IpAddr, u16, u64)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (protocol, _) = *LISTENING.iter().find(|(name, state)| *name == table && words.get(3) == Some(state))?;
    let (address, port) = words.get(1)?.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    (port != 0).then_some((protocol, ip(address)?, port, words.get(9)?.parse().ok()?))
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

/// A finding for each exposed port of a list; one a port, whatever its address family.
fn known(draft: &mut Draft, open: &[Open], list: &[(&str, u16, &str)], severity: Severity, finding: &str) {
    for (protocol, port, service) in list {
        let found = |open: &&Open| open.exposed && open.port == *port && open.protocol == *protocol;
        if let Some(open) = open.iter().find(found) {
            let values = [("port", u32::from(*port).into()), ("service", (*service).into())];
            let program = open.program.as_deref().unwrap_or("unknown program");
            draft.finding(severity, finding, &values, format!("/proc/net/{protocol}: port {port}, {program}"));
        }
    }
}

impl Open {
    fn row(self) -> Vec<Value> {
        vec![
            self.protocol.into(),
            u32::from(self.port).into(),
            self.exposed.into(),
            self.program.unwrap_or_default().into(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn one(address: &str, port: u16, state: &str) -> Inputs {
        let line = format!("  0: {address}:{port:04X} 00000000:0000 {state} 0:0 00:0 0 0 0 77 1 0\n");
        let none = || Ok(String::new());
        Inputs { tables: vec![Ok(line), none(), none(), none()], owners: [(77, "server".to_owned())].into() }
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn a_laptop_that_shares_too_much() {
        let owners = [(20_001, "cupsd".to_owned()), (20_007, "vino-server".to_owned())].into();
        let draft = Ports::judge(Inputs { tables: tables_from(&recorded("laptop-full")), owners });
        let expected: Vec<Vec<Value>> = [
            ("tcp", 22_u32, true, ""),
            ("udp", 68, true, ""),
            ("tcp", 631, false, "cupsd"),
            ("tcp", 2375, true, ""),
            ("tcp", 5432, true, ""),
            ("tcp", 5900, true, "vino-server"),
        ]
        .map(|(protocol, port, exposed, program)| vec![protocol.into(), port.into(), exposed.into(), program.into()])
        .into();
        assert_eq!(draft.tables[0].rows, expected);
        let found: Vec<String> = told(Ports::ID, &draft).findings.into_iter().map(|f| f.id).collect();
        assert_eq!(found, ["open-without-password", "remote-control", "shared-data", "owners-hidden"]);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn addresses_are_read_in_the_machines_order() {
        assert_eq!(ip("0100007F"), Some(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(ip("00000000000000000000000001000000"), Some(Ipv6Addr::LOCALHOST.into()));
        assert_eq!(ip("0000000000000000FFFF00000100007F"), Some(Ipv4Addr::LOCALHOST.into()));
        for bad in ["", "0100007", "0100007G", "ñ100007", "0100007F0"] {
            assert_eq!(ip(bad), None);
        }
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn only_what_waits_and_can_be_reached_is_judged() {
        for (inputs, found) in [
            (one("00000000", 3389, "0A"), "remote-control"),
            (one("0101A8C0", 3389, "0A"), "remote-control"),
            (one("0100007F", 3389, "0A"), "ports-ok"),
            (one("00000000", 3389, "01"), "ports-ok"),
            (one("00000000", 3388, "0A"), "ports-ok"),
            (one("00000000", 3390, "0A"), "ports-ok"),
        ] {
            assert_eq!(findings::<Ports>(inputs), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Ports>(vec![
            Inputs { tables: tables_from(&recorded("laptop-full")), owners: BTreeMap::new() },
            one("00000000", 9, "0A"),
            Inputs { tables: vec![Err(Unread::Denied)], owners: BTreeMap::new() },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(.*\n)*|( [0-9]: [0-9A-F]{0,33}:[0-9A-F]{0,5} x 0A( [0-9]*){0,9}\n)*") {
            let tables = vec![Ok(text.clone()), Ok(text.clone()), Ok(text.clone()), Ok(text)];
            told(Ports::ID, &Ports::judge(Inputs { tables, owners: BTreeMap::new() }));
        }
    }
}
