//! Whose process is at the other end of a connection on this computer: the kernel's own table says it.
//!
//! The launch address stands in the browser's command line and cookies ignore ports, so neither keeps another *account* of
//! this computer out. This does. (SECURITY H2; `/proc/net/tcp`, proc(5))
//!
//! It doesn't keep out other programs of the same account: nothing can. (SECURITY H4)

use std::net::{Ipv4Addr, SocketAddrV4};

/// The account that owns the socket at `peer` which is connected to `ours`; `None` if the table doesn't list it.
pub(super) fn owner(table: &str, peer: SocketAddrV4, ours: SocketAddrV4) -> Option<u32> {
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let (_, local, remote) = (fields.next()?, address(fields.next()?)?, address(fields.next()?)?);
        // State, queues, timer and retransmissions stand between.
        let account = fields.nth(4)?;
        (local == peer && remote == ours).then(|| account.parse().ok())?
    })
}

/// `0100007F:1F90` is 127.0.0.1:8080 (the kernel prints the address as one number of this computer's byte order).
fn address(field: &str) -> Option<SocketAddrV4> {
    let (host, port) = field.split_once(':')?;
    let host = u32::from_str_radix(host, 16).ok()?;
    Some(SocketAddrV4::new(Ipv4Addr::from(host.to_ne_bytes()), u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener, TcpStream};

    use super::*;

    const TABLE: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 41 1 0 100 0 0 10 0
   1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 02:00000BE5 00000000  1001        0 42 2 0 20 4 30 10 -1
   2: 0100007F:1F90 0100007F:C350 01 00000000:00000000 02:00000BE5 00000000  1000        0 43 2 0 20 4 30 10 -1
   3: broken
   4: 0100007F:C351 0100007F:1F90 01 00000000:00000000 02:00000BE5 00000000  -1        0 42 2 0 20 4 30 10 -1
";

    fn local(port: u16) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn h2_the_other_end_is_found_and_not_our_own() {
        assert_eq!(owner(TABLE, local(50_000), local(8_080)), Some(1_001));
        assert_eq!(owner(TABLE, local(8_080), local(50_000)), Some(1_000));
        assert_eq!(owner(TABLE, local(50_001), local(8_080)), None);
        assert_eq!(owner(TABLE, local(50_002), local(8_080)), None);
        assert_eq!(owner("", local(50_000), local(8_080)), None);
    }

    #[test]
    fn the_kernel_s_table_is_read() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (SocketAddr::V4(peer), SocketAddr::V4(ours)) = (stream.local_addr().unwrap(), stream.peer_addr().unwrap())
        else {
            panic!("an IPv6 socket");
        };
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        assert_eq!(owner(&table, peer, ours), Some(rustix::process::getuid().as_raw()));
    }
}
