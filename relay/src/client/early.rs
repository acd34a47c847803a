//! Packets of flows nobody announced yet: kept for a moment, in case the announcement is just behind them.
//!
//! The relay sends the announcement and, right after it, the console's first packets. They travel on two ways that share
//! no order, and the network and this computer's tasks may swap them. Dropped, they come again only when the console's
//! guess of the round trip is over, a second later.
//!
//! Kept isn't accepted: nothing in here has been looked at beyond its flow, and QUIC hears of a packet only once its flow
//! is announced (SECURITY C3). Whoever writes the relay's address can fill the few places and make a session begin a
//! second later, as if there were none; memory stays what it is.
//!
//! Pure: no socket, no clock of its own.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use quinn_udp::RecvMeta;
use venia_proto::id::FlowId;

/// Packets kept at most, of all flows together. A console begins with two, and begins again a second later.
pub(super) const PACKETS_MAX: usize = 16;
/// How long a packet waits for its flow. Later, its sender sends it again. (RFC 9002, section 6.2.2)
pub(super) const KEPT: Duration = Duration::from_secs(1);

/// Packets whose flow isn't live.
#[derive(Debug, Default)]
pub(super) struct Early {
    packets: VecDeque<Packet>,
}

#[derive(Debug)]
struct Packet {
    flow: FlowId,
    arrived: Instant,
    meta: RecvMeta,
    bytes: Vec<u8>,
}

impl Early {
    /// Keeps a packet; the oldest goes if there is no room.
    pub(super) fn keep(&mut self, flow: FlowId, meta: RecvMeta, bytes: &[u8], now: Instant) {
        self.forget(now);
        if self.packets.len() == PACKETS_MAX {
            self.packets.pop_front();
        }
        self.packets.push_back(Packet { flow, arrived: now, meta, bytes: bytes.to_vec() });
    }

    /// A flow is live now: what came too early, in the order it came.
    pub(super) fn take(&mut self, flow: FlowId, now: Instant) -> Vec<(RecvMeta, Vec<u8>)> {
        self.forget(now);
        let (due, others) = std::mem::take(&mut self.packets).into_iter().partition(|packet| packet.flow == flow);
        self.packets = others;
        let due: VecDeque<Packet> = due;
        due.into_iter().map(|packet| (packet.meta, packet.bytes)).collect()
    }

    fn forget(&mut self, now: Instant) {
        while self.packets.front().is_some_and(|oldest| now.saturating_duration_since(oldest.arrived) >= KEPT) {
            self.packets.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(early: &mut Early, flow: u64, now: Instant) -> Vec<u8> {
        early.take(FlowId(flow), now).into_iter().map(|(_, bytes)| bytes[0]).collect()
    }

    fn with(packets: &[(u64, u8)], now: Instant) -> Early {
        let mut early = Early::default();
        for (flow, fill) in packets {
            early.keep(FlowId(*flow), RecvMeta::default(), &[*fill], now);
        }
        early
    }

    #[test]
    fn a_flow_gets_its_own_packets_once_and_in_order() {
        let now = Instant::now();
        let mut early = with(&[(7, 1), (8, 2), (7, 3)], now);
        assert_eq!(kept(&mut early, 9, now), Vec::<u8>::new());
        assert_eq!(kept(&mut early, 7, now), [1, 3]);
        assert_eq!(kept(&mut early, 7, now), Vec::<u8>::new());
        assert_eq!(kept(&mut early, 8, now), [2]);
    }

    #[test]
    fn c3_a_packet_waits_so_long_and_no_longer() {
        let now = Instant::now();
        let moment = Duration::from_nanos(1);
        assert_eq!(kept(&mut with(&[(7, 1)], now), 7, now + KEPT - moment), [1]);
        assert_eq!(kept(&mut with(&[(7, 1)], now), 7, now + KEPT), Vec::<u8>::new());
        assert_eq!(kept(&mut with(&[(7, 1)], now), 7, now + KEPT + moment), Vec::<u8>::new());
    }

    #[test]
    fn c3_so_many_packets_are_kept_and_no_more() {
        let now = Instant::now();
        for sent in [PACKETS_MAX - 1, PACKETS_MAX, PACKETS_MAX + 1] {
            let packets: Vec<_> = (0..sent).map(|at| (7, u8::try_from(at).unwrap())).collect();
            let newest: Vec<u8> = packets[sent.saturating_sub(PACKETS_MAX)..].iter().map(|(_, fill)| *fill).collect();
            assert_eq!(kept(&mut with(&packets, now), 7, now), newest);
        }
    }
}
