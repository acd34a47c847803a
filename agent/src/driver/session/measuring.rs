//! What the agent measures of its own connections for an item that judges them: workers have no way out.
//!
//! Round trips and a capped load to the technician's program and back ([`venia_relay::client::gauge`]), and what QUIC knows
//! anyway. Dropping it ends it: nothing more is sent. Not here: what the figures mean (the item's check).

use std::net::SocketAddr;
use std::time::Duration;

use quinn::Connection;
use venia_relay::client::gauge::{self, Gauged, gauge};
use venia_relay::client::packet::PREFIX;

use crate::checks::{Figures, Pace};

/// Headers of UDP (RFC 768), IPv4 (RFC 791) and IPv6 (RFC 8200), in bytes.
const UDP: usize = 8;
/// See [`UDP`].
const IPV4: usize = 20;
/// See [`UDP`].
const IPV6: usize = 40;

/// Measures the session's connection; `relay` is the one to the relay it goes through.
pub(super) async fn figures(session: &Connection, relay: &Connection) -> Figures {
    let Gauged { trips, sent, lost, up, down } = gauge(session).await;
    Figures {
        relay: micros(relay.rtt()),
        trips: trips.into_iter().map(micros).collect(),
        sent,
        lost,
        // After the load, when the search for it had something to ride on.
        packet: packet(session.stats().path.current_mtu, relay.remote_address()),
        up: up.map(pace),
        down: down.map(pace),
    }
}

/// The packet in which a payload of the session leaves this computer.
fn packet(payload: u16, relay: SocketAddr) -> u32 {
    // A socket for both families writes IPv4 addresses as IPv6 ones.
    let headers = if relay.ip().to_canonical().is_ipv4() { IPV4 } else { IPV6 };
    u32::from(payload) + u32::try_from(PREFIX + UDP + headers).unwrap_or(0)
}

fn pace(gauge::Pace { bytes, time, whole }: gauge::Pace) -> Pace {
    Pace { bytes: bytes as u64, micros: micros(time), whole }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_counted_with_everything_around_it() {
        for (relay, whole) in [("192.0.2.1:1", 1_480), ("[::ffff:192.0.2.1]:1", 1_480), ("[2001:db8::1]:1", 1_500)] {
            assert_eq!(packet(1_443, relay.parse().unwrap()), whole);
        }
    }
}
