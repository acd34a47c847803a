//! The nine bytes in front of a forwarded packet, the nudge, and the addresses that stand for "through the relay".
//!
//! A first byte of `0x04..=0x0f` starts no QUIC packet while nobody greases the fixed bit, and no other protocol QUIC
//! shares ports with (RFC 9443 section 3). Then come the flow id, 64 bits big-endian, and the packet. The prefix is
//! public and unauthenticated: whoever forges it is stopped by the source filters (SECURITY C2) and by QUIC itself.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};

use venia_proto::id::FlowId;

/// First byte of a forwarded packet.
pub const TAG: u8 = 0x04;
/// First byte of a nudge, the relay's answer to a forwarded packet from an address it doesn't know.
pub const NUDGE: u8 = 0x05;
/// Bytes in front of a forwarded packet: tag and flow id. A nudge is as long.
pub const PREFIX: usize = 9;
/// Largest forwarded UDP payload in bytes, prefix included: what IPv6 carries on Ethernet (1500 - 40 - 8). (SECURITY C1)
pub const PAYLOAD_MAX: usize = 1452;

/// Bits 6 and 7 of a QUIC packet's first byte: long header or fixed bit (RFC 8999 section 5.1, RFC 9000 section 17).
const QUIC_BITS: u8 = 0xc0;
/// The discard prefix (RFC 6666): routers drop it, so a synthetic address that leaks reaches nobody.
const DISCARD: u128 = 0x0100_u128 << 112;
/// UDP's own discard service; any port but 0 would do.
const DISCARD_PORT: u16 = 9;

/// What a UDP payload is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet {
    /// QUIC between this socket and its sender.
    Plain,
    /// QUIC of somebody's end-to-end connection, behind [`PREFIX`] bytes.
    Forwarded(FlowId),
    /// The relay says: a packet of this flow came from an address that is neither end's.
    Nudge(FlowId),
    /// Neither: dropped.
    Foreign,
}

impl Packet {
    /// Looks at the first bytes only; never fails.
    pub fn of(payload: &[u8]) -> Self {
        match payload {
            [first, ..] if first & QUIC_BITS != 0 => Self::Plain,
            // One byte behind the prefix at least, and it must be QUIC: the relay carries nothing else.
            [TAG, a, b, c, d, e, f, g, h, quic, ..] if quic & QUIC_BITS != 0 => {
                Self::Forwarded(FlowId(u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h])))
            }
            [NUDGE, a, b, c, d, e, f, g, h] => {
                Self::Nudge(FlowId(u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h])))
            }
            _ => Self::Foreign,
        }
    }
}

/// The prefix of a flow's packets.
pub fn prefix(flow: FlowId) -> [u8; PREFIX] {
    let [a, b, c, d, e, f, g, h] = flow.0.to_be_bytes();
    [TAG, a, b, c, d, e, f, g, h]
}

/// The nudge of a flow: the whole packet.
pub fn nudge(flow: FlowId) -> [u8; PREFIX] {
    let [_, a, b, c, d, e, f, g, h] = prefix(flow);
    [NUDGE, a, b, c, d, e, f, g, h]
}

/// The address that stands for "the other side of this flow" inside one program. Never sent anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntheticAddress(pub FlowId);

impl From<SyntheticAddress> for SocketAddr {
    fn from(SyntheticAddress(flow): SyntheticAddress) -> Self {
        SocketAddrV6::new(Ipv6Addr::from(DISCARD | u128::from(flow.0)), DISCARD_PORT, 0, 0).into()
    }
}

impl SyntheticAddress {
    /// The flow an address stands for, if it is a synthetic one.
    pub fn read(address: SocketAddr) -> Option<Self> {
        let IpAddr::V6(ip) = address.ip() else { return None };
        let bits = u128::from(ip);
        let flow = u64::try_from(bits ^ DISCARD).ok()?;
        (address.port() == DISCARD_PORT).then_some(Self(FlowId(flow)))
    }
}

/// Whether a packet may come from or go to this address: no port 0, unspecified, multicast or broadcast. (SECURITY C1)
///
/// One answer to a packet from port 0 fails with `EINVAL`, and that turns batching off for the whole socket.
pub fn usable(address: SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    address.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && !broadcast
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_read_back() {
        let mut payload = prefix(FlowId(0x0102_0304_0506_0708)).to_vec();
        assert_eq!(payload, [4, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(Packet::of(&payload), Packet::Foreign);
        payload.push(0x40);
        assert_eq!(Packet::of(&payload), Packet::Forwarded(FlowId(0x0102_0304_0506_0708)));
    }

    #[test]
    fn a_nudge_is_nine_bytes_and_nothing_else() {
        let mut payload = nudge(FlowId(0x0102_0304_0506_0708)).to_vec();
        assert_eq!(payload, [5, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(Packet::of(&payload), Packet::Nudge(FlowId(0x0102_0304_0506_0708)));
        assert_eq!(Packet::of(&payload[..PREFIX - 1]), Packet::Foreign);
        payload.push(0x40);
        assert_eq!(Packet::of(&payload), Packet::Foreign);
    }

    #[test]
    fn first_bytes_decide() {
        for first in 0..=u8::MAX {
            let payload = [first, 0, 0, 0, 0, 0, 0, 0, 0, 0x40];
            let expected = match first {
                4 => Packet::Forwarded(FlowId(0)),
                0x40..=0xff => Packet::Plain,
                _ => Packet::Foreign,
            };
            assert_eq!(Packet::of(&payload), expected, "{first:#x}");
        }
        assert_eq!(Packet::of(&[]), Packet::Foreign);
        assert_eq!(Packet::of(&[TAG, 0, 0, 0, 0, 0, 0, 0, 0, TAG]), Packet::Foreign);
    }

    #[test]
    fn synthetic_addresses_are_read_back_and_no_other_is_one() {
        for flow in [0, 1, u64::MAX] {
            let address = SocketAddr::from(SyntheticAddress(FlowId(flow)));
            assert_eq!(SyntheticAddress::read(address), Some(SyntheticAddress(FlowId(flow))));
            assert!(usable(address));
        }
        for other in ["[100::1]:10", "[100:0:0:1::1]:9", "[::ffff:1.2.3.4]:9", "1.2.3.4:9", "[2001:db8::1]:9"] {
            assert_eq!(SyntheticAddress::read(other.parse().unwrap()), None, "{other}");
        }
    }

    #[test]
    fn c1_port_0_unspecified_multicast_and_broadcast_are_unusable() {
        for bad in [
            "192.0.2.1:0",
            "0.0.0.0:9",
            "224.0.0.1:9",
            "255.255.255.255:9",
            "[2001:db8::1]:0",
            "[::]:9",
            "[ff02::1]:9",
            "[::ffff:0.0.0.0]:9",
            "[::ffff:224.0.0.1]:9",
            "[::ffff:255.255.255.255]:9",
            "[::ffff:192.0.2.1]:0",
        ] {
            assert!(!usable(bad.parse().unwrap()), "{bad}");
        }
        for good in ["192.0.2.1:1", "127.0.0.1:65535", "[2001:db8::1]:1", "[::1]:9", "[::ffff:192.0.2.1]:1"] {
            assert!(usable(good.parse().unwrap()), "{good}");
        }
    }
}
