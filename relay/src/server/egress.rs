//! How large a forwarded packet may be on its way out: the route's MTU, asked of the kernel once per place.
//!
//! A batch with one datagram too large fails as a whole, and with `EINVAL` it turns batching off for every session; so
//! what can't fit is dropped before (SECURITY C1; TRANSPORT, pitfall 10).

use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, connect_unspec, socket_with, sockopt};

use crate::client::packet::PAYLOAD_MAX;
use crate::client::udp::canonical;

/// IPv4 and UDP headers in bytes (RFC 791, RFC 768).
const HEADERS_V4: usize = 20 + 8;
/// IPv6 and UDP headers in bytes (RFC 8200, RFC 768).
const HEADERS_V6: usize = 40 + 8;

/// Asks the kernel for routes. The start of a session waits for the answers, so the sockets it is asked through are kept.
#[derive(Debug, Default)]
pub(super) struct Routes {
    v4: Option<OwnedFd>,
    v6: Option<OwnedFd>,
}

impl Routes {
    /// Largest UDP payload in bytes towards an address, at most [`PAYLOAD_MAX`]; that, too, when the kernel can't say.
    pub(super) fn payload_max(&mut self, to: SocketAddr) -> usize {
        let to = canonical(to);
        self.mtu(to).map_or(PAYLOAD_MAX, |mtu| fitting(mtu, to))
    }

    fn mtu(&mut self, to: SocketAddr) -> Option<usize> {
        let (kept, family) = match to {
            SocketAddr::V4(_) => (&mut self.v4, AddressFamily::INET),
            SocketAddr::V6(_) => (&mut self.v6, AddressFamily::INET6),
        };
        // A socket that failed isn't asked again: the next question gets a new one.
        let socket = kept.take().or_else(|| socket_with(family, SocketType::DGRAM, SocketFlags::CLOEXEC, None).ok())?;
        let mtu = ask(&socket, to).ok()?;
        *kept = Some(socket);
        usize::try_from(mtu).ok()
    }
}

/// Connecting a UDP socket sends nothing; it looks the route up. Afterwards that is undone (connect(2), `AF_UNSPEC`): with the source
/// address of its last answer it would know the way to few others, and it would hold a port that whoever was asked about
/// could send to.
fn ask(socket: &OwnedFd, to: SocketAddr) -> rustix::io::Result<u32> {
    connect(socket, &to)?;
    let mtu = match to {
        SocketAddr::V4(_) => sockopt::ip_mtu(socket),
        SocketAddr::V6(_) => sockopt::ipv6_mtu(socket),
    }?;
    connect_unspec(socket)?;
    Ok(mtu)
}

fn fitting(mtu: usize, to: SocketAddr) -> usize {
    let headers = match to {
        SocketAddr::V4(_) => HEADERS_V4,
        SocketAddr::V6(_) => HEADERS_V6,
    };
    mtu.saturating_sub(headers).min(PAYLOAD_MAX)
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
        let mut routes = Routes::default();
        for to in ["127.0.0.1:9", "[::ffff:127.0.0.1]:9", "[::1]:9", "127.0.0.1:10"] {
            assert_eq!(routes.payload_max(to.parse().unwrap()), PAYLOAD_MAX, "{to}");
        }
        assert!(routes.mtu("127.0.0.2:9".parse().unwrap()) > Some(PAYLOAD_MAX));
    }

    /// The source address of one answer would be a martian on the way to the next: after loopback, no way out were known.
    #[test]
    fn a_kept_socket_knows_the_way_as_a_new_one_does() {
        // What isn't loopback has no way out at all on a computer without a network, and the socket is let go of.
        let ends =
            ["127.0.0.1:9", "192.0.2.99:9", "[::1]:9", "[2001:db8::9]:9", "192.0.2.99:9", "[::1]:9", "127.0.0.5:9"];
        let mut kept = Routes::default();
        for to in ends.map(|end| end.parse().unwrap()) {
            assert_eq!(kept.mtu(to), Routes::default().mtu(to), "{to}");
        }
        for socket in [kept.v4.as_ref().unwrap(), kept.v6.as_ref().unwrap()] {
            let here = SocketAddr::try_from(rustix::net::getsockname(socket).unwrap()).unwrap();
            assert!(here.ip().is_unspecified() && here.port() == 0, "{here}");
        }
    }
}
