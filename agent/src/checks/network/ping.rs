//! Asks another computer for an echo, where an account without rights may (`net.ipv4.ping_group_range`, icmp(7)).
//!
//! The payload is zeros: nothing of the person or the PC is in it.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use rustix::net::sockopt::{
    Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery, ip_mtu, ipv6_mtu, set_ip_mtu_discover, set_ipv6_mtu_discover,
};
use rustix::net::{AddressFamily, SocketType, ipproto, socket};

use super::probe::left;

/// Bytes of the header of an echo: RFC 792, RFC 4443.
const HEADER: u32 = 8;
/// Bytes of the header around it: RFC 791 without options, RFC 8200.
const AROUND: [u32; 2] = [20, 40];
/// Largest packet asked for.
const PACKET_MAX: u32 = 1_500;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Echoes {
    /// For each packet: microseconds until its echo, or nothing.
    pub(super) echoes: Vec<Option<u64>>,
    /// For each packet: whether the system refused to send it whole, as it is larger than the way it knows.
    pub(super) too_large: Vec<bool>,
    /// The largest packet the system believes the way takes, now that it asked.
    pub(super) packet: Option<u32>,
}

/// Why it can't be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPing {
    /// This account may not.
    Denied,
    /// No way leads there.
    NoWay,
}

/// Sends one packet of each size, which count all headers, and waits for the echoes. No packet may be cut on its way.
pub(super) fn ping(to: SocketAddr, sizes: &[u32], until: Instant) -> Result<Echoes, NoPing> {
    let socket = open(to).map_err(|error| match error.kind() {
        ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable | ErrorKind::AddrNotAvailable => NoPing::NoWay,
        _ => NoPing::Denied,
    })?;
    let mut sent: Vec<Option<Instant>> = Vec::new();
    let mut too_large = Vec::new();
    for (number, size) in sizes.iter().enumerate() {
        let result = socket.send(&request(to.ip(), number, *size));
        // EMSGSIZE has no name in `ErrorKind`.
        let refused =
            result.as_ref().err().and_then(io::Error::raw_os_error) == Some(rustix::io::Errno::MSGSIZE.raw_os_error());
        too_large.push(refused);
        sent.push(result.is_ok().then(Instant::now));
    }
    let mut echoes: Vec<Option<u64>> = vec![None; sizes.len()];
    let waits = |echoes: &[Option<u64>]| sent.iter().zip(echoes).any(|(sent, echo)| sent.is_some() && echo.is_none());
    let mut answer = vec![0; PACKET_MAX as usize];
    while waits(&echoes) && !left(until).is_zero() {
        if socket.set_read_timeout(Some(left(until).max(Duration::from_millis(1)))).is_err() {
            break;
        }
        match socket.recv(&mut answer) {
            Ok(length) => {
                if let Some(number) = echo(to.ip(), answer.get(..length).unwrap_or_default())
                    && let (Some(Some(sent)), Some(echo)) = (sent.get(number), echoes.get_mut(number))
                {
                    *echo = Some(u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX));
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // The answer of a router on the way ("too large", "no way") wakes us too: the others may still come.
            Err(error) if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    let packet = if to.is_ipv4() { ip_mtu(&socket) } else { ipv6_mtu(&socket) };
    Ok(Echoes { echoes, too_large, packet: packet.ok() })
}

fn open(to: SocketAddr) -> io::Result<UdpSocket> {
    let (family, protocol) = match to {
        SocketAddr::V4(_) => (AddressFamily::INET, ipproto::ICMP),
        SocketAddr::V6(_) => (AddressFamily::INET6, ipproto::ICMPV6),
    };
    let socket = socket(family, SocketType::DGRAM, Some(protocol))?;
    if to.is_ipv4() {
        set_ip_mtu_discover(&socket, Ipv4PathMtuDiscovery::DO)?;
    } else {
        set_ipv6_mtu_discover(&socket, Ipv6PathMtuDiscovery::DO)?;
    }
    let socket = UdpSocket::from(socket);
    socket.connect(to)?;
    Ok(socket)
}

/// An echo request; the system fills in the checksum and the identifier.
fn request(to: IpAddr, number: usize, size: u32) -> Vec<u8> {
    let (kind, around) = if to.is_ipv4() { (8, AROUND[0]) } else { (128, AROUND[1]) };
    let length = size.min(PACKET_MAX).saturating_sub(around).max(HEADER);
    let mut packet = vec![0; length as usize];
    let [high, low] = u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes();
    packet[0] = kind;
    packet[6] = high;
    packet[7] = low;
    packet
}

/// The number of the request this is the echo of.
fn echo(from: IpAddr, packet: &[u8]) -> Option<usize> {
    let kind = if from.is_ipv4() { 0 } else { 129 };
    let header = packet.get(..HEADER as usize)?;
    (header[0] == kind).then(|| usize::from(u16::from_be_bytes([header[6], header[7]])))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;
    use crate::checks::network::probe::LIMIT;

    #[test]
    fn requests_have_their_size_and_echoes_their_number() {
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        for (size, length) in [(0, 8), (27, 8), (28, 8), (29, 9), (1_499, 1_479), (1_500, 1_480), (1_501, 1_480)] {
            assert_eq!(request(here, 0, size).len(), length);
        }
        let mut packet = request(here, 258, 60);
        assert_eq!(echo(here, &packet), None, "a request is no echo");
        packet[0] = 0;
        assert_eq!(echo(here, &packet), Some(258));
        assert_eq!(echo(here, &packet[..7]), None);
    }

    #[test]
    fn this_pc_answers_itself_where_it_may_be_asked() {
        let to = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
        match ping(to, &[64, 1_500], Instant::now() + LIMIT) {
            Ok(said) => {
                assert!(said.echoes.iter().all(Option::is_some), "{said:?}");
                assert_eq!(said.too_large, [false, false]);
                assert!(said.packet >= Some(1_500));
            }
            Err(error) => assert_eq!(error, NoPing::Denied),
        }
    }

    proptest! {
        #[test]
        fn garbage_is_no_echo(packet in any::<Vec<u8>>()) {
            echo(Ipv4Addr::LOCALHOST.into(), &packet);
        }
    }
}
