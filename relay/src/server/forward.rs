//! The relay's UDP socket as QUIC sees it: prefixed packets leave again from inside the receive path, to the other end of
//! their flow; the plain rest is the relay's own connections'.
//!
//! Nothing is decrypted, and nothing could be: the relay holds no key of the end-to-end connection. Neighbouring packets
//! of one flow leave as one batch. A full send buffer loses packets, as any router would. What comes from port 0 and the
//! like is dropped before anything looks at it (SECURITY C1).

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use quinn::{AsyncUdpSocket, Connection, UdpPoller};
use quinn_udp::{RecvMeta, Transmit};
use venia_proto::id::FlowId;

use super::egress;
use super::flow::{Dropped, End, FlowError, FlowTable, Limits, Place, Traffic, Verdict};
use crate::client::packet::{Packet, nudge, usable};
use crate::client::segments;
use crate::client::udp::{Udp, canonical};

/// Receive rounds in which nothing was the relay's own before other tasks get their turn (TRANSPORT, pitfall 6).
const ROUNDS: usize = 8;
/// Bytes one batch may have: the largest UDP payload.
const BATCH_MAX: usize = 65_507;

/// The flows of a running relay. Cheap to clone; every clone is the same table.
#[derive(Clone, Debug, Default)]
pub struct Flows(Arc<Mutex<FlowTable>>);

impl Flows {
    /// Opens a flow between the peers of two control connections, where they are now.
    pub fn open(
        &self,
        flow: FlowId,
        agent: &Connection,
        console: &Connection,
        limits: Limits,
    ) -> Result<(), FlowError> {
        self.lock().open(flow, place(agent), place(console), limits, Instant::now())
    }

    /// Sends a flow to where a control connection's peer is now. Only after its proof (SECURITY C4): the address changes
    /// before the new path is validated (TRANSPORT, pitfall 11).
    pub fn follow(&self, flow: FlowId, end: End, control: &Connection) -> Result<(), FlowError> {
        self.lock().follow(flow, end, place(control))
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a control connection's peer is.
fn place(control: &Connection) -> Place {
    let address = canonical(control.remote_address());
    Place { address, local: control.local_ip(), payload_max: egress::payload_max(address) }
}

/// The relay's socket.
#[derive(Debug)]
pub(super) struct ForwardingSocket {
    udp: Arc<Udp>,
    flows: Flows,
}

/// Neighbouring datagrams of one flow with the same way out.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Batch {
    flow: FlowId,
    to: Place,
    bytes: Range<usize>,
    packets: usize,
}

impl ForwardingSocket {
    pub(super) fn new(udp: Udp, flows: Flows) -> Self {
        Self { udp: Arc::new(udp), flows }
    }

    /// Forwards what is prefixed; returns how many buffers still hold something plain, moved to the front.
    fn forward(&self, buffers: &mut [IoSliceMut<'_>], metas: &mut [RecvMeta], count: usize) -> usize {
        let now = Instant::now();
        let mut kept = 0;
        for at in 0..count {
            let mut meta = metas[at];
            if !usable(meta.addr) {
                continue;
            }
            let len = meta.len.min(buffers[at].len());
            let received = &mut buffers[at][..len];
            let most = self.udp.max_send_segments();
            let mut table = self.flows.lock();
            let mut nudges = Vec::new();
            let (batches, plain) = plan(received, meta.stride, most, |flow, len| {
                let verdict = table.judge(flow, meta.addr, len, now);
                if verdict == Verdict::Nudge {
                    nudges.push(flow);
                }
                verdict
            });
            drop(table);
            for flow in nudges {
                self.udp.send_aside(&nudge(flow), meta.addr, meta.dst_ip);
            }
            for batch in batches {
                self.send(&batch, &received[batch.bytes.clone()], &meta);
            }
            if !plain {
                continue;
            }
            let own = |datagram: &[u8]| (Packet::of(datagram) == Packet::Plain).then_some(((), 0));
            let (Some(run), _) = segments::sort(received, meta.stride, own) else { continue };
            meta.len = run.len;
            meta.stride = run.stride;
            buffers.swap(kept, at);
            metas[kept] = meta;
            kept += 1;
        }
        kept
    }

    fn send(&self, batch: &Batch, contents: &[u8], meta: &RecvMeta) {
        let sent = self.udp.send(&Transmit {
            destination: batch.to.address,
            ecn: meta.ecn,
            contents,
            segment_size: (batch.packets > 1).then_some(meta.stride),
            src_ip: batch.to.local,
        });
        if sent.is_err() {
            self.flows.lock().blocked(u64::try_from(batch.packets).unwrap_or(u64::MAX));
        }
    }
}

/// Gathers neighbouring datagrams that leave the same way, at most `most` in a batch; says whether plain ones are left.
fn plan(
    received: &[u8],
    stride: usize,
    most: usize,
    mut judge: impl FnMut(FlowId, usize) -> Verdict,
) -> (Vec<Batch>, bool) {
    let mut batches: Vec<Batch> = Vec::new();
    let mut plain = false;
    for datagram in segments::datagrams(received.len(), stride) {
        let flow = match Packet::of(&received[datagram.clone()]) {
            Packet::Plain => {
                plain = true;
                continue;
            }
            Packet::Nudge(_) | Packet::Foreign => continue,
            Packet::Forwarded(flow) => flow,
        };
        let Verdict::Forward(to) = judge(flow, datagram.len()) else { continue };
        match batches.last_mut() {
            Some(batch)
                if batch.flow == flow
                    && batch.to == to
                    && batch.bytes.end == datagram.start
                    && batch.packets < most
                    && datagram.end - batch.bytes.start <= BATCH_MAX =>
            {
                batch.bytes.end = datagram.end;
                batch.packets += 1;
            }
            _ => batches.push(Batch { flow, to, bytes: datagram, packets: 1 }),
        }
    }
    (batches, plain)
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

#[cfg(test)]
#[path = "forward_tests.rs"]
mod tests;
