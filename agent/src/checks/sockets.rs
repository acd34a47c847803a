//! How `/proc` writes sockets, and whose they are (proc(5)).
//!
//! Whose socket it is can be seen for one's own programs only; without that the program is unknown, never guessed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use super::machine::Machine;

/// Most open files looked at of one program.
const FILES_MAX: usize = 4_096;

/// Which program holds which of these sockets: the links of `/proc/*/fd` read `socket:[number]`. Only the link is read, never
/// what is behind it; the search ends when all are found.
pub(super) fn owners(machine: &Machine, mut wanted: BTreeSet<u64>, longest: Duration) -> BTreeMap<u64, String> {
    let until = Instant::now() + longest;
    let mut owners = BTreeMap::new();
    for process in machine.names("/proc").iter().filter(|name| name.bytes().all(|b| b.is_ascii_digit())) {
        if wanted.is_empty() || Instant::now() >= until {
            break;
        }
        let Ok(files) = std::fs::read_dir(machine.path(&format!("/proc/{process}/fd"))) else { continue };
        let sockets: Vec<u64> = files
            .flatten()
            .take(FILES_MAX)
            .filter_map(|file| {
                let link = std::fs::read_link(file.path()).ok()?;
                link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
            })
            .filter(|socket| wanted.contains(socket))
            .collect();
        if let Some(name) = (!sockets.is_empty()).then(|| machine.word(&format!("/proc/{process}/comm"))).flatten() {
            for socket in sockets {
                wanted.remove(&socket);
                owners.insert(socket, name.clone());
            }
        }
    }
    owners
}

/// An address of `/proc/net`: hexadecimal words of 32 bits in the machine's own byte order.
pub(super) fn ip(hex: &str) -> Option<IpAddr> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

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
    fn a_socket_is_its_programs_own() {
        let root = tempfile::tempdir().unwrap();
        for (number, name, socket) in
            [("7", "cupsd", "socket:[20001]"), ("8", "x", "socket:[5]"), ("9", "y", "/etc/passwd")]
        {
            let folder = root.path().join("proc").join(number);
            std::fs::create_dir_all(folder.join("fd")).unwrap();
            std::fs::write(folder.join("comm"), format!("{name}\n")).unwrap();
            std::os::unix::fs::symlink(socket, folder.join("fd/3")).unwrap();
        }
        let found = owners(&Machine::at(root.path()), [20_001, 20_002].into(), LONG);
        assert_eq!(found, [(20_001, "cupsd".to_owned())].into());
        assert_eq!(owners(&Machine::at(root.path()), BTreeSet::new(), LONG), BTreeMap::new());
        let none = owners(&Machine::at(root.path()), [20_001].into(), Duration::ZERO);
        assert_eq!(none, BTreeMap::new(), "its time is over");
    }
}
