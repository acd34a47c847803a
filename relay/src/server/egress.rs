//! How large a forwarded packet may be on its way out: the route's MTU, asked of the kernel once per place.
//!
//! A batch with one datagram too large fails as a whole, and with `EINVAL` it turns batching off for every session; so
//! what can't fit is dropped before (SECURITY C1; TRANSPORT, pitfall 10).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use rustix::net::sockopt;

use crate::client::packet::PAYLOAD_MAX;
use crate::client::udp::canonical;

/// IPv4 and UDP headers in bytes (RFC 791, RFC 768).
const HEADERS_V4: usize = 20 + 8;
/// IPv6 and UDP headers in bytes (RFC 8200, RFC 768).
const HEADERS_V6: usize = 40 + 8;

/// Largest UDP payload in bytes towards an address, at most [`PAYLOAD_MAX`]; that, too, when the kernel can't say.
pub(super) fn payload_max(to: SocketAddr) -> usize {
    let to = canonical(to);
    mtu(to).map_or(PAYLOAD_MAX, |mtu| fitting(mtu, to))
}

fn fitting(mtu: usize, to: SocketAddr) -> usize {
    let headers = match to {
        SocketAddr::V4(_) => HEADERS_V4,
        SocketAddr::V6(_) => HEADERS_V6,
    };
    mtu.saturating_sub(headers).min(PAYLOAD_MAX)
}

/// Connecting a UDP socket sends nothing; it looks the route up. A new socket for each question: one that was connected once
/// keeps the source address it got then, and asks from there ever after.
fn mtu(to: SocketAddr) -> Option<usize> {
    let socket = match to {
        SocketAddr::V4(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = socket.ok()?;
    socket.connect(to).ok()?;
    let mtu = match to {
        SocketAddr::V4(_) => sockopt::ip_mtu(&socket),
        SocketAddr::V6(_) => sockopt::ipv6_mtu(&socket),
    };
    usize::try_from(mtu.ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c1_the_way_out_clamps_by_mtu_and_family() {
        let (v4, v6) = ("192.0.2.1:1".parse().unwrap(), "[2001:db8::1]:1".parse().unwrap());
        assert_eq!((fitting(1280, v4), fitting(1280, v6)), (1252, 1232));
        assert_eq!((fitting(1480, v4), fitting(1500, v6)), (1452, 1452));
        assert_eq!((fitting(1479, v4), fitting(1499, v6)), (1451, 1451));
        assert_eq!((fitting(65_536, v4), fitting(0, v6)), (PAYLOAD_MAX, 0));
    }

    #[test]
    fn loopback_fits_everything() {
        assert_eq!(payload_max("127.0.0.1:9".parse().unwrap()), PAYLOAD_MAX);
        assert_eq!(payload_max("[::ffff:127.0.0.1]:9".parse().unwrap()), PAYLOAD_MAX);
    }
}
