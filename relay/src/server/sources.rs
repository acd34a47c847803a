//! How much of the door each source may have, and all of them together. Pure: time is handed in.
//!
//! A source is what one customer has: an IPv4 address, or the /64 an IPv6 customer is given. Each may begin so many handshakes
//! at once and then so many a second, and have so many connections. Addresses can be forged until a Retry has come back, so
//! whoever is over the rate with an address that isn't proved is asked to prove it, and is charged nothing: nobody can use up
//! another's share by writing their address on packets.
//!
//! Not here: what a peer may do once it is in ([`super::registry`], [`super::peer`]).

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// What one customer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// The upper 64 bits of IPv6 addresses.
    V6(u64),
}

impl Source {
    /// Of an address; IPv4 written as v4-mapped IPv6 is IPv4.
    pub fn of(address: SocketAddr) -> Self {
        match address.ip().to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            // The shift leaves 64 bits.
            IpAddr::V6(address) => Self::V6(u64::try_from(u128::from(address) >> 64).unwrap_or_default()),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => address.fmt(f),
            Self::V6(upper) => {
                let group = |n: u32| (upper >> (48 - 16 * n)) & 0xffff;
                write!(f, "{:x}:{:x}:{:x}:{:x}::/64", group(0), group(1), group(2), group(3))
            }
        }
    }
}

/// What the door allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections of all sources together. Each idle one costs about 30 kB.
    pub connections: usize,
    /// Connections of one source.
    pub connections_per_source: usize,
    /// Handshakes of one source a second, once it has used up its burst; 1 to 1,000,000.
    pub handshakes_per_second: u32,
    /// Handshakes of one source at once.
    pub handshakes_burst: u32,
}

impl Default for Limits {
    /// A company of 1,000 people behind one address comes back at once after a restart; 10,000 peers take 300 MB.
    fn default() -> Self {
        Self { connections: 20_000, connections_per_source: 2_000, handshakes_per_second: 50, handshakes_burst: 1_000 }
    }
}

/// Handshakes under way from which on peers must first prove their address (a Retry costs one round trip).
pub const RETRY_FROM: usize = 64;
/// Handshakes under way at once; more are ignored, and peers try again by themselves.
pub const HANDSHAKES: usize = 1024;
/// Those among them of one source: whoever begins many and ends none mustn't shut the door for everybody else. Above
/// [`RETRY_FROM`], so that forged addresses use up nobody's share.
pub const HANDSHAKES_PER_SOURCE: usize = 256;
/// Sources remembered at once: 6 MB. When all of them are in use, who is new must wait.
pub const SOURCES_MAX: usize = 65_536;

/// Microseconds of a second.
const SECOND_US: u64 = 1_000_000;

/// What to do with somebody who knocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Let them in.
    Accept,
    /// Ask them to prove their address first.
    Prove,
    /// Say nothing. They try again by themselves, later.
    Ignore,
}

/// Who came, from where.
#[derive(Debug, Default)]
pub struct Sources {
    limits: Limits,
    known: HashMap<Source, Known>,
    /// Handshakes under way and connections.
    inside: usize,
    under_way: usize,
    /// Known sources at which the idle ones are forgotten.
    sweep_at: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// When its handshakes so far are paid for, in microseconds. (GCRA: the theoretical arrival time, ITU-T I.371)
    paid_us: u64,
    inside: usize,
    under_way: usize,
}

impl Sources {
    /// Nobody has come.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Somebody knocks. [`Verdict::Accept`] counts them as inside, in a handshake. `proved`: whether a Retry came back from
    /// that address. `now_us`: microseconds since boot.
    pub fn knocks(&mut self, source: Source, proved: bool, now_us: u64) -> Verdict {
        self.sweep(now_us);
        let known = self.known.get(&source).copied().unwrap_or_default();
        let full = self.known.len() >= SOURCES_MAX && !self.known.contains_key(&source);
        let crowded = self.inside >= self.limits.connections || self.under_way >= HANDSHAKES || full;
        let own = known.inside >= self.limits.connections_per_source || known.under_way >= HANDSHAKES_PER_SOURCE;
        if crowded || own {
            return Verdict::Ignore;
        }
        let each = SECOND_US / u64::from(self.limits.handshakes_per_second.max(1));
        let ahead = each.saturating_mul(u64::from(self.limits.handshakes_burst.saturating_sub(1)));
        let over = known.paid_us > now_us.saturating_add(ahead);
        if !proved && (over || self.under_way >= RETRY_FROM) {
            return Verdict::Prove;
        }
        if over {
            return Verdict::Ignore;
        }
        let known = self.known.entry(source).or_default();
        known.paid_us = known.paid_us.max(now_us).saturating_add(each);
        known.inside += 1;
        known.under_way += 1;
        self.inside += 1;
        self.under_way += 1;
        Verdict::Accept
    }

    /// Their handshake has ended, well or not.
    pub fn settled(&mut self, source: Source) {
        self.under_way = self.under_way.saturating_sub(1);
        if let Some(known) = self.known.get_mut(&source) {
            known.under_way = known.under_way.saturating_sub(1);
        }
    }

    /// They are gone.
    pub fn left(&mut self, source: Source) {
        self.inside = self.inside.saturating_sub(1);
        if let Some(known) = self.known.get_mut(&source) {
            known.inside = known.inside.saturating_sub(1);
        }
    }

    /// Who is inside, those in a handshake too.
    pub fn inside(&self) -> usize {
        self.inside
    }

    /// Sources remembered.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether no source is remembered.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Forgets who is gone and owes nothing, each time their number has doubled: a knock costs no more on average.
    fn sweep(&mut self, now_us: u64) {
        if self.known.len() >= self.sweep_at {
            self.known.retain(|_, known| known.inside > 0 || known.paid_us > now_us);
            self.sweep_at = (2 * self.known.len()).clamp(64, SOURCES_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(n: u32) -> Source {
        Source::V4(Ipv4Addr::from(n))
    }

    fn sources(limits: Limits) -> Sources {
        Sources::new(limits)
    }

    const SMALL: Limits =
        Limits { connections: 5, connections_per_source: 3, handshakes_per_second: 10, handshakes_burst: 2 };

    /// Comes and goes at once.
    fn visits(sources: &mut Sources, from: Source, proved: bool, now_us: u64) -> Verdict {
        let verdict = sources.knocks(from, proved, now_us);
        if verdict == Verdict::Accept {
            sources.settled(from);
            sources.left(from);
        }
        verdict
    }

    #[test]
    fn a_source_is_what_one_customer_has() {
        for (address, expected) in [
            ("192.0.2.7:1", "192.0.2.7"),
            ("[::ffff:192.0.2.7]:1", "192.0.2.7"),
            ("[2001:db8:1:2:3:4:5:6]:1", "2001:db8:1:2::/64"),
        ] {
            assert_eq!(Source::of(address.parse().unwrap()).to_string(), expected);
        }
    }

    #[test]
    fn c3_a_source_has_a_burst_and_then_a_rate() {
        let mut sources = sources(SMALL);
        let each = SECOND_US / 10;
        for (at, expected) in [
            (0, Verdict::Accept),
            (0, Verdict::Accept),
            (0, Verdict::Ignore),
            (each - 1, Verdict::Ignore),
            (each, Verdict::Accept),
            (each, Verdict::Ignore),
            (10 * each, Verdict::Accept),
            (10 * each, Verdict::Accept),
            (10 * each, Verdict::Ignore),
        ] {
            assert_eq!(visits(&mut sources, source(1), true, at), expected, "{at}");
        }
        assert_eq!(visits(&mut sources, source(2), true, 0), Verdict::Accept, "another isn't concerned");
    }

    #[test]
    fn c3_a_forged_address_uses_up_nobodys_share() {
        let mut sources = sources(SMALL);
        for n in 0..100 {
            let expected = if n < 2 { Verdict::Accept } else { Verdict::Prove };
            assert_eq!(visits(&mut sources, source(1), false, 0), expected, "{n}");
        }
        // Whoever is really there pays one round trip, and waits no longer than two handshakes' time.
        let each = SECOND_US / 10;
        assert_eq!(visits(&mut sources, source(1), true, each), Verdict::Accept);
    }

    #[test]
    fn c3_connections_are_counted_by_source_and_together() {
        let mut sources = sources(Limits { handshakes_burst: 100, ..SMALL });
        for n in 0..4 {
            let expected = if n < 3 { Verdict::Accept } else { Verdict::Ignore };
            assert_eq!(sources.knocks(source(1), true, 0), expected, "{n}");
        }
        assert_eq!(sources.knocks(source(2), true, 0), Verdict::Accept);
        assert_eq!(sources.knocks(source(2), true, 0), Verdict::Accept);
        assert_eq!(sources.knocks(source(3), true, 0), Verdict::Ignore, "five are here");
        sources.settled(source(1));
        assert_eq!(sources.knocks(source(3), true, 0), Verdict::Ignore, "a handshake that ended well stays");
        sources.left(source(1));
        assert_eq!(sources.knocks(source(3), true, 0), Verdict::Accept);
        assert_eq!(sources.inside(), 5);
    }

    #[test]
    fn handshakes_under_way_below_at_and_above_both_limits() {
        let mut sources = sources(Limits { connections: usize::MAX, ..Limits::default() });
        for n in 0..HANDSHAKES + 1 {
            let from = source(n as u32);
            let unproved = sources.knocks(from, false, 0);
            match n {
                0..RETRY_FROM => assert_eq!(unproved, Verdict::Accept, "{n}"),
                RETRY_FROM..HANDSHAKES => {
                    assert_eq!(unproved, Verdict::Prove, "{n}");
                    assert_eq!(sources.knocks(from, true, 0), Verdict::Accept, "{n}");
                }
                _ => assert_eq!((unproved, sources.knocks(from, true, 0)), (Verdict::Ignore, Verdict::Ignore)),
            }
        }
    }

    #[test]
    fn c3_one_source_uses_up_its_own_share_of_handshakes_and_not_the_door() {
        let mut sources = sources(Limits { connections: usize::MAX, ..Limits::default() });
        for n in 0..HANDSHAKES_PER_SOURCE + 1 {
            let expected = if n < HANDSHAKES_PER_SOURCE { Verdict::Accept } else { Verdict::Ignore };
            assert_eq!(sources.knocks(source(1), true, 0), expected, "{n}");
        }
        assert_eq!(sources.knocks(source(2), true, 0), Verdict::Accept);
        sources.settled(source(1));
        assert_eq!(sources.knocks(source(1), true, 0), Verdict::Accept, "one has ended");
        const { assert!(RETRY_FROM < HANDSHAKES_PER_SOURCE && HANDSHAKES_PER_SOURCE < HANDSHAKES) };
    }

    #[test]
    fn what_is_remembered_is_bounded_and_forgotten() {
        let mut sources = sources(Limits { connections: usize::MAX, ..Limits::default() });
        let mut accepted = 0;
        for n in 0..SOURCES_MAX + 10 {
            accepted += usize::from(sources.knocks(source(n as u32), true, 0) == Verdict::Accept);
            sources.settled(source(n as u32));
        }
        assert_eq!((accepted, sources.len()), (SOURCES_MAX, SOURCES_MAX));
        (0..SOURCES_MAX).for_each(|n| sources.left(source(n as u32)));
        assert_eq!(sources.knocks(source(1 << 30), true, 2 * SECOND_US), Verdict::Accept);
        assert_eq!((sources.len(), sources.inside()), (1, 1), "who is gone and owes nothing is forgotten");
    }
}
