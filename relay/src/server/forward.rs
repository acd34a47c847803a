//! The relay's UDP socket as QUIC sees it: prefixed packets leave again from inside the receive path, to the other end of
//! their flow; the plain rest is the relay's own connections'.
//!
//! Nothing is decrypted, and nothing could be: the relay holds no key of the end-to-end connection. Packets that go the
//! same way leave as one batch (`super::gather`). A full send buffer loses packets, as any router would. What comes from
//! port 0 and the like is dropped before anything looks at it (SECURITY C1).
//!
//! All of it happens in QUIC's own receive task and under its lock, so one socket is one core's work, and new connections
//! wait for what is being forwarded (TRANSPORT, pitfall 7).

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use quinn::{AsyncUdpSocket, Connection, UdpPoller};
use quinn_udp::{RecvMeta, Transmit};
use venia_proto::id::FlowId;

use super::egress::Routes;
use super::flow::{Dropped, End, FlowError, FlowTable, Limits, Place, Traffic};
use super::gather::{Batch, Gathering};
use crate::client::packet::{Packet, nudge, usable};
use crate::client::segments;
use crate::client::udp::{Udp, canonical};

/// Receive rounds in which nothing was the relay's own before other tasks get their turn (TRANSPORT, pitfall 6).
const ROUNDS: usize = 8;
/// Datagrams of one control connection that leave together. QUIC keeps memory for as many, and one more, for as long as the
/// connection lives, from its first word on: an idle agent would weigh 11 KB more with the ten QUIC would take. A handshake's answer
/// takes two, and so does the greeting.
const CONTROL_BATCH: usize = 1;

/// The flows of a running relay. Cheap to clone; every clone is the same table.
#[derive(Clone, Debug, Default)]
pub struct Flows(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    table: Mutex<FlowTable>,
    /// Apart, because the kernel is asked while packets are judged.
    routes: Mutex<Routes>,
}

impl Flows {
    /// Opens a flow between two peers.
    pub fn open(&self, flow: FlowId, agent: Proved<'_>, console: Proved<'_>, limits: Limits) -> Result<(), FlowError> {
        let (agent, console) = (self.place(agent), self.place(console));
        self.lock().open(flow, agent, console, limits, Instant::now())
    }

    /// Sends a flow to where its peer is now.
    pub fn follow(&self, flow: FlowId, end: End, peer: Proved<'_>) -> Result<(), FlowError> {
        let place = self.place(peer);
        self.lock().follow(flow, end, place)
    }

    /// Removes a flow: its packets are dropped from now on. (SECURITY A5)
    pub fn remove(&self, flow: FlowId) -> Option<Traffic> {
        self.lock().remove(flow)
    }

    /// What went through a live flow so far.
    pub fn traffic(&self, flow: FlowId) -> Option<Traffic> {
        self.lock().traffic(flow)
    }

    /// Packets dropped outside any flow's account.
    pub fn dropped(&self) -> Dropped {
        self.lock().dropped()
    }

    /// Live flows.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether no flow is live.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, FlowTable> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, peer: Proved<'_>) -> Place {
        let address = canonical(peer.at);
        let payload_max = self.0.routes.lock().unwrap_or_else(PoisonError::into_inner).payload_max(address);
        Place { address, local: peer.control.local_ip(), payload_max }
    }
}

/// A peer where it proved to be (SECURITY C4). Not where its connection says: that changes before the new path is
/// validated, and may have changed since the proof (TRANSPORT, pitfall 11).
#[derive(Clone, Copy, Debug)]
pub struct Proved<'a> {
    /// Its control connection.
    pub control: &'a Connection,
    /// Its address.
    pub at: SocketAddr,
}

/// The relay's socket.
#[derive(Debug)]
pub(super) struct ForwardingSocket {
    udp: Arc<Udp>,
    flows: Flows,
    /// QUIC's one driver task alone takes it.
    work: Mutex<Work>,
}

/// Memory that one receive call leaves to the next.
#[derive(Debug, Default)]
struct Work {
    gathering: Gathering,
    /// Where datagrams that arrived one by one are put together.
    copy: Vec<u8>,
}

impl ForwardingSocket {
    pub(super) fn new(udp: Udp, flows: Flows) -> Self {
        Self { udp: Arc::new(udp), flows, work: Mutex::default() }
    }

    /// Datagrams that may leave in one batch, by the kernel.
    pub(super) fn batch_max(&self) -> usize {
        self.udp.max_send_segments()
    }

    /// Forwards what is prefixed; returns how many buffers still hold something plain, moved to the front.
    fn forward(&self, buffers: &mut [IoSliceMut<'_>], metas: &mut [RecvMeta], count: usize) -> usize {
        let (now, most) = (Instant::now(), self.batch_max());
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let Work { gathering, copy } = &mut *work;
        gathering.clear();
        let mut table = self.flows.lock();
        for (at, (buffer, meta)) in buffers.iter().zip(metas.iter()).take(count).enumerate() {
            if usable(meta.addr) {
                let received = &buffer[..meta.len.min(buffer.len())];
                gathering.add(at, received, meta, most, |flow, len| table.judge(flow, meta.addr, len, now));
            }
        }
        drop(table);
        for batch in &gathering.batches {
            self.send(batch, gathering.contents(batch, buffers, copy));
        }
        for nudged in &gathering.nudges {
            self.udp.send_aside(&nudge(nudged.flow), nudged.to, nudged.from);
        }
        let mut kept = 0;
        for &at in &gathering.plain {
            let (mut meta, len) = (metas[at], metas[at].len.min(buffers[at].len()));
            let own = |datagram: &[u8]| (Packet::of(datagram) == Packet::Plain).then_some(((), 0));
            let (Some(run), _) = segments::sort(&mut buffers[at][..len], meta.stride, own) else { continue };
            meta.len = run.len;
            meta.stride = run.stride;
            buffers.swap(kept, at);
            metas[kept] = meta;
            kept += 1;
        }
        kept
    }

    fn send(&self, batch: &Batch, contents: &[u8]) {
        let sent = self.udp.send(&Transmit {
            destination: batch.to.address,
            ecn: batch.ecn,
            contents,
            segment_size: (batch.packets > 1).then_some(batch.stride),
            src_ip: batch.to.local,
        });
        if sent.is_err() {
            self.flows.lock().blocked(u64::try_from(batch.packets).unwrap_or(u64::MAX));
        }
    }
}

impl AsyncUdpSocket for ForwardingSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        self.udp.poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.udp.send(transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        for _ in 0..ROUNDS {
            let count = ready!(self.udp.poll_recv(cx, buffers, metas))?;
            let kept = self.forward(buffers, metas, count);
            if kept > 0 {
                return Poll::Ready(Ok(kept));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.udp.local_addr()
    }

    /// For control connections alone: what is forwarded goes past QUIC.
    fn max_transmit_segments(&self) -> usize {
        self.batch_max().min(CONTROL_BATCH)
    }

    fn max_receive_segments(&self) -> usize {
        self.udp.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.udp.may_fragment()
    }
}

#[cfg(test)]
#[path = "forward_tests.rs"]
mod tests;
