//! The one UDP socket of an agent or console as QUIC sees it: the relay at its real address, and the other side of each
//! flow at a synthetic one.
//!
//! Outgoing packets to a synthetic address get the prefix and go to the relay; incoming prefixed packets lose it and
//! appear from the synthetic address. Everything else is dropped without an answer: packets from anyone but the relay,
//! packets of flows that aren't live here (those an announcement may be just behind, after a moment: [`Early`]), packets to
//! any other address. So dialling this port directly gets nothing, not even version negotiation (SECURITY C2), and a relay
//! can't start a flow nobody announced (SECURITY C3).
//!
//! A nudge from the relay goes no further than here: it says that a flow's packets reach the relay from a new address.
//! Anybody can forge one, so all it ever causes is one small frame on the control connection, ten times a second at most
//! (SECURITY C1).

use std::collections::{HashSet, VecDeque};
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use quinn::{AsyncUdpSocket, UdpPoller};
use quinn_udp::{RecvMeta, Transmit};
use tokio::sync::watch;
use venia_proto::id::FlowId;

use super::early::Early;
use super::link::LinkError;
use super::packet::{PAYLOAD_MAX, PREFIX, Packet, SyntheticAddress, prefix};
use super::segments::{self, Run};
use super::udp::{Udp, canonical, mapped};

/// Receive rounds in which nothing was kept before other tasks get their turn (TRANSPORT, pitfall 6).
const ROUNDS: usize = 8;
/// Flows one program may have live at once. A session has two at most; a relay that knocks on and on fills no memory.
/// (SECURITY C3)
pub(super) const LIVE_MAX: usize = 16;
/// The bit of a packet that belongs to a handshake. (RFC 9000, section 17.2)
const LONG_HEADER: u8 = 0x80;
/// Least time between two nudges that are honoured. (SECURITY C1)
const HONOUR_EVERY: Duration = Duration::from_millis(100);

/// A UDP socket that speaks with one relay only.
#[derive(Debug)]
pub(crate) struct RelayedSocket {
    udp: Arc<Udp>,
    paths: Mutex<Paths>,
    /// Datagrams of a mixed buffer that didn't go the way of its first one, and those that came before their flow was open.
    aside: Mutex<VecDeque<(RecvMeta, Vec<u8>)>>,
    /// Where prefixed batches are put together.
    prefixed: Mutex<Vec<u8>>,
    nudged: watch::Sender<()>,
    /// Who to wake when a packet that came too early may be read.
    reader: Mutex<Option<Waker>>,
}

#[derive(Debug)]
struct Paths {
    relay: SocketAddr,
    live: HashSet<FlowId>,
    /// Of flows that may be announced in a moment; `None` where nobody ever announces one.
    early: Option<Early>,
    /// When a nudge was honoured last.
    honoured: Option<Instant>,
}

/// Which of our connections a datagram belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Control,
    Through(FlowId),
}

impl RelayedSocket {
    /// `awaits`: flows are announced to this program, so that packets may come before the word that they may.
    pub(crate) fn new(udp: Udp, relay: SocketAddr, awaits: bool) -> Self {
        let early = awaits.then(Early::default);
        Self {
            udp: Arc::new(udp),
            paths: Mutex::new(Paths { relay: canonical(relay), live: HashSet::new(), early, honoured: None }),
            aside: Mutex::default(),
            prefixed: Mutex::default(),
            nudged: watch::Sender::new(()),
            reader: Mutex::default(),
        }
    }

    /// Lets packets of a flow through, both ways.
    ///
    /// # Errors
    /// If it is live already, or [`LIVE_MAX`] are.
    pub(crate) fn open(&self, flow: FlowId) -> Result<(), LinkError> {
        let mut paths = lock(&self.paths);
        if paths.live.contains(&flow) {
            return Err(LinkError::FlowInUse(flow));
        }
        if paths.live.len() >= LIVE_MAX {
            return Err(LinkError::TooManyFlows);
        }
        paths.live.insert(flow);
        let early = paths.early.as_mut().map(|early| early.take(flow, Instant::now())).unwrap_or_default();
        if !early.is_empty() {
            lock(&self.aside).extend(early);
            if let Some(reader) = lock(&self.reader).take() {
                reader.wake();
            }
        }
        Ok(())
    }

    /// Drops packets of a flow from now on, both ways.
    pub(crate) fn shut(&self, flow: FlowId) {
        lock(&self.paths).live.remove(&flow);
    }

    /// The relay's current address.
    pub(crate) fn relay(&self) -> SocketAddr {
        lock(&self.paths).relay
    }

    /// Speaks with the relay at another address from now on, and with the old one no more.
    pub(crate) fn follow(&self, relay: SocketAddr) {
        lock(&self.paths).relay = canonical(relay);
    }

    /// Changes with every nudge that is honoured: this computer's address may have changed.
    pub(crate) fn nudges(&self) -> watch::Receiver<()> {
        self.nudged.subscribe()
    }

    /// Sorts what arrived; returns how many buffers still hold something, moved to the front.
    fn sort(&self, buffers: &mut [IoSliceMut<'_>], metas: &mut [RecvMeta], count: usize) -> usize {
        let mut paths = lock(&self.paths);
        let mut nudged = false;
        let mut kept = 0;
        for at in 0..count {
            let meta = metas[at];
            if !same_place(meta.addr, paths.relay) {
                continue;
            }
            let len = meta.len.min(buffers[at].len());
            let (front, rest) = segments::sort(&mut buffers[at][..len], meta.stride, |datagram| {
                nudged |= paths.is_nudge(datagram);
                let way = paths.way(datagram);
                if way.is_none() {
                    paths.keep(datagram, meta);
                }
                way
            });
            if let Some(run) = front {
                buffers.swap(kept, at);
                metas[kept] = described(run, meta, paths.relay);
                kept += 1;
            }
            if !rest.is_empty() {
                let rest = rest.into_iter().map(|(run, bytes)| (described(run, meta, paths.relay), bytes));
                lock(&self.aside).extend(rest);
            }
        }
        if nudged && paths.honour(Instant::now()) {
            self.nudged.send_replace(());
        }
        kept
    }

    fn take_aside(&self, buffers: &mut [IoSliceMut<'_>], metas: &mut [RecvMeta]) -> usize {
        let mut aside = lock(&self.aside);
        let mut taken = 0;
        while taken < buffers.len().min(metas.len()) {
            let Some((meta, bytes)) = aside.pop_front() else { break };
            // It came out of such a buffer, so it fits into one.
            let Some(room) = buffers[taken].get_mut(..bytes.len()) else { continue };
            room.copy_from_slice(&bytes);
            metas[taken] = meta;
            taken += 1;
        }
        taken
    }

    fn send_through(&self, flow: FlowId, transmit: &Transmit<'_>) -> io::Result<()> {
        let relay = {
            let paths = lock(&self.paths);
            if !paths.live.contains(&flow) {
                return Ok(());
            }
            paths.relay
        };
        let stride = transmit.segment_size.unwrap_or(transmit.contents.len()).max(1);
        if stride.min(transmit.contents.len()) + PREFIX > PAYLOAD_MAX {
            return Ok(());
        }
        let mut batch = lock(&self.prefixed);
        batch.clear();
        for datagram in transmit.contents.chunks(stride) {
            batch.extend_from_slice(&prefix(flow));
            batch.extend_from_slice(datagram);
        }
        self.udp.send(&Transmit {
            destination: relay,
            ecn: transmit.ecn,
            contents: &batch,
            segment_size: transmit.segment_size.map(|_| stride + PREFIX),
            src_ip: None,
        })
    }
}

impl Paths {
    fn way(&self, datagram: &[u8]) -> Option<(Way, usize)> {
        if datagram.len() > PAYLOAD_MAX {
            return None;
        }
        match Packet::of(datagram) {
            Packet::Plain => Some((Way::Control, 0)),
            Packet::Forwarded(flow) => self.live.contains(&flow).then_some((Way::Through(flow), PREFIX)),
            Packet::Nudge(_) | Packet::Foreign => None,
        }
    }

    /// Keeps a packet that begins a connection through a flow that isn't live, if it may become so.
    fn keep(&mut self, datagram: &[u8], meta: RecvMeta) {
        let (Some(early), Packet::Forwarded(flow)) = (&mut self.early, Packet::of(datagram)) else { return };
        let bytes = &datagram[PREFIX..];
        if datagram.len() <= PAYLOAD_MAX && bytes[0] & LONG_HEADER != 0 {
            let run = Run { way: Way::Through(flow), len: bytes.len(), stride: bytes.len() };
            early.keep(flow, described(run, meta, self.relay), bytes, Instant::now());
        }
    }

    /// Only of a flow that is live here: a relay's word about any other changes nothing.
    fn is_nudge(&self, datagram: &[u8]) -> bool {
        matches!(Packet::of(datagram), Packet::Nudge(flow) if self.live.contains(&flow))
    }

    /// A flood of forged nudges must not become a flood of frames. (SECURITY C1)
    fn honour(&mut self, now: Instant) -> bool {
        let due = self.honoured.is_none_or(|last| now.saturating_duration_since(last) >= HONOUR_EVERY);
        if due {
            self.honoured = Some(now);
        }
        due
    }
}

impl AsyncUdpSocket for RelayedSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        self.udp.poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        if let Some(SyntheticAddress(flow)) = SyntheticAddress::read(transmit.destination) {
            return self.send_through(flow, transmit);
        }
        let relay = self.relay();
        if !same_place(canonical(transmit.destination), relay) {
            return Ok(());
        }
        // The kernel picks the source: ours may have changed since the connection began.
        self.udp.send(&Transmit { destination: relay, src_ip: None, ..transmit.clone() })
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        // Before the look into `aside`: whoever puts something there later finds somebody to wake.
        lock(&self.reader).get_or_insert_with(|| cx.waker().clone()).clone_from(cx.waker());
        let taken = self.take_aside(buffers, metas);
        if taken > 0 {
            return Poll::Ready(Ok(taken));
        }
        for _ in 0..ROUNDS {
            let count = ready!(self.udp.poll_recv(cx, buffers, metas))?;
            let kept = self.sort(buffers, metas, count);
            if kept > 0 {
                return Poll::Ready(Ok(kept));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        // QUIC refuses synthetic (IPv6) addresses on a socket that says it is IPv4.
        self.udp.local_addr().map(mapped)
    }

    fn max_transmit_segments(&self) -> usize {
        self.udp.max_send_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.udp.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.udp.may_fragment()
    }
}

/// Same address and port; flow labels and scopes, which the kernel fills in, don't count.
fn same_place(one: SocketAddr, other: SocketAddr) -> bool {
    one.ip() == other.ip() && one.port() == other.port()
}

fn described(run: Run<Way>, meta: RecvMeta, relay: SocketAddr) -> RecvMeta {
    let addr = match run.way {
        Way::Control => mapped(relay),
        Way::Through(flow) => SyntheticAddress(flow).into(),
    };
    // No local address: QUIC would send from it for ever, also after this computer changed networks.
    RecvMeta { addr, len: run.len, stride: run.stride, ecn: meta.ecn, dst_ip: None }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "socket_tests.rs"]
mod tests;
