//! Which packets of which flow go where, and how many.
//!
//! A flow has two ends, each at the address its control connection has *validated*. A packet goes on only if it comes
//! from one end's address, to the other end; from anywhere else it is dropped, however well its flow id is known
//! (SECURITY C2). Each flow has its own budget, so that none can use up the relay (SECURITY C3).
//!
//! Whoever sends from elsewhere may be an end that a box on the way gave a new address, unnoticed by itself: it is nudged
//! to say so on its control connection. The nudge is smaller than what came in and rare, so it is no use for flooding
//! anybody (SECURITY C1), and it proves nothing: the flow stays where it is.
//!
//! Pure: time is handed in. Not here: sockets ([`super::forward`]), who may have a flow, and the proof that an end really
//! moved (SECURITY C4).

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use venia_proto::id::FlowId;

use crate::client::packet::{PAYLOAD_MAX, usable};
use crate::client::udp::canonical;

/// The ends of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// The person's PC.
    Agent,
    /// Who dials.
    Console,
}

/// Where an end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The validated remote address of its control connection.
    pub address: SocketAddr,
    /// Our own address it knows us by ([`quinn::Connection::local_ip`]): it hears packets from no other.
    pub local: Option<IpAddr>,
    /// Largest UDP payload in bytes that fits its way out; never above [`PAYLOAD_MAX`]. (SECURITY C1)
    pub payload_max: usize,
}

/// What one flow may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes per second, both directions together, after the burst.
    pub rate: u64,
    /// Bytes at once.
    pub burst: u64,
    /// Bytes from opening to removal.
    pub total: u64,
}

impl Default for Limits {
    /// A full gigabit line; far above any session, far below harm to the relay's other sessions.
    fn default() -> Self {
        Self { rate: 125_000_000, burst: 32 << 20, total: 64 << 30 }
    }
}

/// Smallest packet that is worth a nudge, in bytes, prefix included: QUIC's own are larger, and the nudge is smaller.
/// (SECURITY C1)
pub const NUDGE_FROM: usize = 20;
/// Least time between two nudges of one flow. (SECURITY C1)
pub const NUDGE_EVERY: Duration = Duration::from_millis(100);

/// A small packet costs the relay as much as this many bytes.
const LEAST_COST: u64 = 256;

/// What has gone through a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Packets handed on.
    pub packets: u64,
    /// Their bytes, prefixes included.
    pub bytes: u64,
    /// Packets dropped: over budget, or too large for the way out.
    pub dropped: u64,
}

/// Packets dropped that belong to no flow's account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Of flows that don't exist.
    pub unknown: u64,
    /// Of live flows, from an address that is neither end's.
    pub foreign: u64,
    /// The kernel's send buffer was full: packets lost as on any busy link.
    pub blocked: u64,
}

/// Why a flow wasn't opened or an end not moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlowError {
    /// The id is taken.
    #[error("flow id is taken")]
    Taken,
    /// There is no such flow.
    #[error("no such flow")]
    Unknown,
    /// The ends would be at one address, or at one nobody can be at.
    #[error("not an address an end of this flow can be at")]
    Address,
}

/// What to do with one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Hand it on.
    Forward(Place),
    /// Drop it silently.
    Drop,
    /// Drop it, and nudge the address it came from.
    Nudge,
}

/// All flows of a relay.
#[derive(Debug, Default)]
pub struct FlowTable {
    flows: HashMap<FlowId, Flow>,
    dropped: Dropped,
}

#[derive(Debug)]
struct Flow {
    agent: Place,
    console: Place,
    limits: Limits,
    budget: u64,
    refilled: Instant,
    spent: u64,
    /// When an unknown address was nudged last.
    nudged: Option<Instant>,
    traffic: Traffic,
}

impl FlowTable {
    /// Opens a flow between two ends.
    pub fn open(
        &mut self,
        flow: FlowId,
        agent: Place,
        console: Place,
        limits: Limits,
        now: Instant,
    ) -> Result<(), FlowError> {
        let (agent, console) = (agent.canonical()?, console.canonical()?);
        if self.flows.contains_key(&flow) {
            return Err(FlowError::Taken);
        }
        if agent.address == console.address {
            return Err(FlowError::Address);
        }
        let opened = Flow {
            agent,
            console,
            limits,
            budget: limits.burst,
            refilled: now,
            spent: 0,
            nudged: None,
            traffic: Traffic::default(),
        };
        self.flows.insert(flow, opened);
        Ok(())
    }

    /// An end is somewhere else now. The caller has its proof: a nonce came back over the control connection. (SECURITY C4)
    pub fn follow(&mut self, flow: FlowId, end: End, place: Place) -> Result<(), FlowError> {
        let place = place.canonical()?;
        let flow = self.flows.get_mut(&flow).ok_or(FlowError::Unknown)?;
        let (moved, other) = match end {
            End::Agent => (&mut flow.agent, &flow.console),
            End::Console => (&mut flow.console, &flow.agent),
        };
        if place.address == other.address {
            return Err(FlowError::Address);
        }
        *moved = place;
        Ok(())
    }

    /// Removes a flow; says what went through it.
    pub fn remove(&mut self, flow: FlowId) -> Option<Traffic> {
        self.flows.remove(&flow).map(|flow| flow.traffic)
    }

    /// What went through a live flow so far.
    pub fn traffic(&self, flow: FlowId) -> Option<Traffic> {
        self.flows.get(&flow).map(|flow| flow.traffic)
    }

    /// Packets dropped outside any flow's account.
    pub fn dropped(&self) -> Dropped {
        self.dropped
    }

    /// Live flows.
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Whether no flow is live. (ARCHITECTURE, invariant 9: at rest nothing is left)
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// Judges one packet of `len` bytes, prefix included, and charges it.
    pub fn judge(&mut self, flow: FlowId, source: SocketAddr, len: usize, now: Instant) -> Verdict {
        let Some(flow) = self.flows.get_mut(&flow) else {
            self.dropped.unknown += 1;
            return Verdict::Drop;
        };
        let source = canonical(source);
        let place = if source == flow.agent.address {
            flow.console
        } else if source == flow.console.address {
            flow.agent
        } else {
            self.dropped.foreign += 1;
            return if flow.nudge(len, now) { Verdict::Nudge } else { Verdict::Drop };
        };
        if len > place.payload_max.min(PAYLOAD_MAX) || !flow.charge(len, now) {
            flow.traffic.dropped += 1;
            return Verdict::Drop;
        }
        flow.traffic.packets += 1;
        flow.traffic.bytes = flow.traffic.bytes.saturating_add(bytes(len));
        Verdict::Forward(place)
    }

    /// The kernel took `packets` packets less than we handed it.
    pub fn blocked(&mut self, packets: u64) {
        self.dropped.blocked = self.dropped.blocked.saturating_add(packets);
    }
}

impl Flow {
    /// Whether a packet of `len` bytes from an unknown address is answered with a nudge.
    fn nudge(&mut self, len: usize, now: Instant) -> bool {
        let rested = self.nudged.is_none_or(|last| now.saturating_duration_since(last) >= NUDGE_EVERY);
        let nudged = len >= NUDGE_FROM && rested;
        if nudged {
            self.nudged = Some(now);
        }
        nudged
    }

    /// A token bucket, and a total that never refills.
    fn charge(&mut self, len: usize, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.refilled);
        let earned = earned(self.limits.rate, elapsed);
        if earned > 0 {
            self.budget = self.budget.saturating_add(earned).min(self.limits.burst);
            self.refilled = now;
        }
        let cost = bytes(len).max(LEAST_COST);
        let spent = self.spent.saturating_add(cost);
        if cost > self.budget || spent > self.limits.total {
            return false;
        }
        self.budget -= cost;
        self.spent = spent;
        true
    }
}

impl Place {
    fn canonical(self) -> Result<Self, FlowError> {
        let address = canonical(self.address);
        if usable(address) { Ok(Self { address, ..self }) } else { Err(FlowError::Address) }
    }
}

fn earned(rate: u64, elapsed: Duration) -> u64 {
    let earned = u128::from(rate) * elapsed.as_micros() / 1_000_000;
    u64::try_from(earned).unwrap_or(u64::MAX)
}

fn bytes(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::client::packet::PREFIX;

    const AGENT: &str = "192.0.2.1:1000";
    const CONSOLE: &str = "[2001:db8::1]:2000";

    fn place(address: &str) -> Place {
        Place { address: address.parse().unwrap(), local: None, payload_max: PAYLOAD_MAX }
    }

    fn table(limits: Limits, now: Instant) -> FlowTable {
        let mut table = FlowTable::default();
        table.open(FlowId(7), place(AGENT), place(CONSOLE), limits, now).unwrap();
        table
    }

    fn goes(table: &mut FlowTable, flow: u64, from: &str, len: usize, now: Instant) -> Option<String> {
        match table.judge(FlowId(flow), from.parse().unwrap(), len, now) {
            Verdict::Forward(place) => Some(place.address.to_string()),
            Verdict::Drop | Verdict::Nudge => None,
        }
    }

    #[test]
    fn c2_only_the_two_ends_can_use_a_flow_and_only_towards_each_other() {
        let now = Instant::now();
        let mut table = table(Limits::default(), now);
        assert_eq!(goes(&mut table, 7, AGENT, 100, now).as_deref(), Some(CONSOLE));
        assert_eq!(goes(&mut table, 7, "[::ffff:192.0.2.1]:1000", 100, now).as_deref(), Some(CONSOLE));
        assert_eq!(goes(&mut table, 7, CONSOLE, 100, now).as_deref(), Some(AGENT));
        for stranger in ["192.0.2.1:1001", "192.0.2.2:1000", "[2001:db8::1]:1000", "[2001:db8::2]:2000"] {
            assert_eq!(goes(&mut table, 7, stranger, 100, now), None, "{stranger}");
        }
        assert_eq!(goes(&mut table, 8, AGENT, 100, now), None);
        assert_eq!(table.dropped(), Dropped { unknown: 1, foreign: 4, blocked: 0 });
        assert_eq!(table.remove(FlowId(7)), Some(Traffic { packets: 3, bytes: 300, dropped: 0 }));
        assert_eq!(goes(&mut table, 7, AGENT, 100, now), None);
        assert!(table.is_empty());
    }

    #[test]
    fn c1_oversize_is_dropped_by_the_way_out() {
        let now = Instant::now();
        let mut table = table(Limits::default(), now);
        assert!(goes(&mut table, 7, AGENT, PAYLOAD_MAX, now).is_some());
        assert!(goes(&mut table, 7, AGENT, PAYLOAD_MAX + 1, now).is_none());
        table.follow(FlowId(7), End::Console, Place { payload_max: 1232, ..place(CONSOLE) }).unwrap();
        assert!(goes(&mut table, 7, AGENT, 1232, now).is_some());
        assert!(goes(&mut table, 7, AGENT, 1233, now).is_none());
        assert!(goes(&mut table, 7, CONSOLE, 1233, now).is_some());
        table.follow(FlowId(7), End::Console, Place { payload_max: 9000, ..place(CONSOLE) }).unwrap();
        assert!(goes(&mut table, 7, AGENT, PAYLOAD_MAX + 1, now).is_none());
        assert_eq!(table.traffic(FlowId(7)).map(|traffic| traffic.dropped), Some(3));
    }

    #[test]
    fn c3_a_flow_has_a_rate_a_burst_and_a_total() {
        let start = Instant::now();
        let limits = Limits { rate: 1000, burst: 2000, total: 5000 };
        let mut table = table(limits, start);
        let at = |ms| start + Duration::from_millis(ms);
        assert!(goes(&mut table, 7, AGENT, 1000, at(0)).is_some());
        assert!(goes(&mut table, 7, CONSOLE, 1000, at(0)).is_some());
        assert!(goes(&mut table, 7, AGENT, 1000, at(0)).is_none(), "burst spent");
        assert!(goes(&mut table, 7, AGENT, 1000, at(999)).is_none(), "not earned yet");
        assert!(goes(&mut table, 7, AGENT, 1000, at(1000)).is_some());
        assert!(goes(&mut table, 7, AGENT, 1000, at(60_000)).is_some());
        assert!(goes(&mut table, 7, AGENT, 745, at(60_000)).is_some());
        assert!(goes(&mut table, 7, AGENT, 256, at(90_000)).is_none(), "total spent: 4745 and 256 is 5001");
        assert!(goes(&mut table, 7, AGENT, 255, at(90_000)).is_none(), "small packets cost 256");
    }

    #[test]
    fn c3_small_packets_are_not_free() {
        let now = Instant::now();
        let mut table = table(Limits { rate: 0, burst: 512, total: 1 << 20 }, now);
        assert!(goes(&mut table, 7, AGENT, 30, now).is_some());
        assert!(goes(&mut table, 7, AGENT, 30, now).is_some());
        assert!(goes(&mut table, 7, AGENT, 30, now).is_none());
    }

    #[test]
    fn c1_an_unknown_address_is_nudged_rarely_and_by_less_than_it_sent() {
        const { assert!(PREFIX < NUDGE_FROM) };
        let start = Instant::now();
        let mut table = table(Limits::default(), start);
        let at = |ms| start + Duration::from_millis(ms);
        let mut nudged =
            |flow, from: &str, len, ms| table.judge(FlowId(flow), from.parse().unwrap(), len, at(ms)) == Verdict::Nudge;
        let (moved, other) = ("192.0.2.1:1001", "192.0.2.9:9");
        assert!(!nudged(8, moved, 100, 0), "no such flow");
        assert!(!nudged(7, AGENT, 100, 0) && !nudged(7, CONSOLE, 100, 0), "the ends are known");
        assert!(!nudged(7, AGENT, PAYLOAD_MAX + 1, 0), "nor for what is too large");
        assert!(!nudged(7, moved, NUDGE_FROM - 1, 0));
        assert!(nudged(7, moved, NUDGE_FROM, 0));
        assert!(!nudged(7, moved, NUDGE_FROM + 1, 99), "one in 100 ms");
        assert!(!nudged(7, other, 100, 99), "of a flow, not of an address: forged sources are free");
        assert!(nudged(7, moved, NUDGE_FROM + 1, 100));
        assert!(!nudged(7, moved, 100, 199));
        assert!(!nudged(7, moved, NUDGE_FROM - 1, 201), "what is too small uses nothing up");
        assert!(nudged(7, moved, 100, 201));
        assert_eq!(table.dropped(), Dropped { unknown: 1, foreign: 8, blocked: 0 });
    }

    #[test]
    fn c1_each_flow_has_its_own_nudges_and_none_after_its_end() {
        let now = Instant::now();
        let mut table = table(Limits::default(), now);
        table.open(FlowId(8), place(AGENT), place(CONSOLE), Limits::default(), now).unwrap();
        let stranger = "192.0.2.9:9".parse().unwrap();
        assert_eq!(table.judge(FlowId(7), stranger, 100, now), Verdict::Nudge);
        assert_eq!(table.judge(FlowId(8), stranger, 100, now), Verdict::Nudge);
        table.remove(FlowId(7));
        let later = now + NUDGE_EVERY;
        assert_eq!(table.judge(FlowId(7), stranger, 100, later), Verdict::Drop);
        assert_eq!(table.judge(FlowId(8), stranger, 100, later), Verdict::Nudge);
    }

    #[test]
    fn ends_are_at_two_real_places() {
        let now = Instant::now();
        let mut table = table(Limits::default(), now);
        let taken = table.open(FlowId(7), place(AGENT), place(CONSOLE), Limits::default(), now);
        assert_eq!(taken, Err(FlowError::Taken));
        for (one, other) in
            [(AGENT, AGENT), (AGENT, "[::ffff:192.0.2.1]:1000"), ("192.0.2.1:0", CONSOLE), (AGENT, "[::]:9")]
        {
            let outcome = table.open(FlowId(8), place(one), place(other), Limits::default(), now);
            assert_eq!(outcome, Err(FlowError::Address), "{one} {other}");
        }
        assert_eq!(table.follow(FlowId(7), End::Agent, place(CONSOLE)), Err(FlowError::Address));
        assert_eq!(table.follow(FlowId(9), End::Agent, place("192.0.2.1:5")), Err(FlowError::Unknown));
        assert_eq!(table.follow(FlowId(7), End::Agent, place("192.0.2.3:1")), Ok(()));
        assert_eq!(goes(&mut table, 7, CONSOLE, 1, now).as_deref(), Some("192.0.2.3:1"));
        assert_eq!(goes(&mut table, 7, AGENT, 1, now), None, "the old place is nobody's");
        assert_eq!(table.len(), 1);
    }
}
