//! What leaves together: forwarded datagrams of one receive call with the same way out, as one batch that the kernel cuts
//! up again. Sending costs by the batch, not by the byte (TRANSPORT, pitfall 14).
//!
//! The kernel wants the datagrams of a batch equally long, only the last may be shorter. Order within a flow stays, each
//! datagram is judged for itself, and what a packet carries isn't looked at. Datagrams that arrived glued together leave
//! from where they lie; only those that arrived one by one are copied. All memory is used again for the next call.
//!
//! Pure: no socket in sight. Not here: who may send where ([`super::flow`]).

use std::net::{IpAddr, SocketAddr};
use std::ops::{Deref, Range};

use quinn_udp::{EcnCodepoint, RecvMeta};
use venia_proto::id::FlowId;

use super::flow::{Place, Verdict};
use crate::client::packet::Packet;
use crate::client::segments;

/// Bytes one batch may have: the largest UDP payload.
pub(super) const BATCH_MAX: usize = 65_507;
/// Most datagrams of one buffer that may be copied to leave with those of others; more are a batch already.
const COPIED_MAX: usize = 1;
/// Batches looked back at for one to join: sessions whose packets arrive in turn, and a bound for who mixes them on purpose.
const LOOK_BACK: usize = 8;

/// Datagrams that leave together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) flow: FlowId,
    pub(super) to: Place,
    pub(super) ecn: Option<EcnCodepoint>,
    /// Bytes of each; the last may be shorter.
    pub(super) stride: usize,
    pub(super) packets: usize,
    bytes: usize,
    /// It arrived as a batch: only its own neighbours join.
    whole: bool,
    first: usize,
    last: usize,
}

/// Where neighbouring datagrams of a batch lie, and where those after them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    buffer: usize,
    bytes: Range<usize>,
    next: Option<usize>,
}

/// An address to nudge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nudged {
    pub(super) flow: FlowId,
    pub(super) to: SocketAddr,
    /// The address of ours that it wrote to.
    pub(super) from: Option<IpAddr>,
}

/// One receive call, sorted.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    pub(super) batches: Vec<Batch>,
    pub(super) nudges: Vec<Nudged>,
    /// Buffers with something plain in them.
    pub(super) plain: Vec<usize>,
    pieces: Vec<Piece>,
}

impl Gathering {
    /// Forgets the last call.
    pub(super) fn clear(&mut self) {
        let Self { batches, nudges, plain, pieces } = self;
        batches.clear();
        nudges.clear();
        plain.clear();
        pieces.clear();
    }

    /// Sorts one buffer, each of its datagrams for itself. `most`: datagrams a batch may have.
    pub(super) fn add(
        &mut self,
        buffer: usize,
        received: &[u8],
        meta: &RecvMeta,
        most: usize,
        mut judge: impl FnMut(FlowId, usize) -> Verdict,
    ) {
        let copied = received.len().div_ceil(meta.stride.max(1)) <= COPIED_MAX;
        let mut plain = false;
        for datagram in segments::datagrams(received.len(), meta.stride) {
            let flow = match Packet::of(&received[datagram.clone()]) {
                Packet::Plain => {
                    plain = true;
                    continue;
                }
                Packet::Nudge(_) | Packet::Foreign => continue,
                Packet::Forwarded(flow) => flow,
            };
            match judge(flow, datagram.len()) {
                Verdict::Drop => {}
                Verdict::Nudge => self.nudges.push(Nudged { flow, to: meta.addr, from: meta.dst_ip }),
                Verdict::Forward(to) => self.forward(buffer, datagram, (flow, to, meta.ecn), most, copied),
            }
        }
        if plain {
            self.plain.push(buffer);
        }
    }

    fn forward(
        &mut self,
        buffer: usize,
        datagram: Range<usize>,
        (flow, to, ecn): (FlowId, Place, Option<EcnCodepoint>),
        most: usize,
        copied: bool,
    ) {
        let (len, piece) = (datagram.len(), self.pieces.len());
        // Only the newest one that goes there: joining an older one would overtake it.
        let newest = self.batches.iter_mut().rev().take(LOOK_BACK).find(|batch| batch.flow == flow && batch.to == to);
        if let Some(batch) = newest.filter(|batch| batch.ecn == ecn && batch.fits(len, most))
            && let Some(last) = self.pieces.get_mut(batch.last)
        {
            let neighbour = last.buffer == buffer && last.bytes.end == datagram.start;
            if neighbour || (copied && !batch.whole) {
                batch.packets += 1;
                batch.bytes += len;
                if neighbour {
                    last.bytes.end = datagram.end;
                } else {
                    last.next = Some(piece);
                    batch.last = piece;
                    self.pieces.push(Piece { buffer, bytes: datagram, next: None });
                }
                return;
            }
        }
        self.pieces.push(Piece { buffer, bytes: datagram, next: None });
        self.batches.push(Batch {
            flow,
            to,
            ecn,
            stride: len,
            packets: 1,
            bytes: len,
            whole: !copied,
            first: piece,
            last: piece,
        });
    }

    /// The bytes of a batch: where they lie if that is one place, else together in `copy`.
    pub(super) fn contents<'a, B: Deref<Target = [u8]>>(
        &self,
        batch: &Batch,
        buffers: &'a [B],
        copy: &'a mut Vec<u8>,
    ) -> &'a [u8] {
        let bytes = |piece: &Piece| &buffers[piece.buffer][piece.bytes.clone()];
        if batch.first == batch.last {
            return bytes(&self.pieces[batch.first]);
        }
        copy.clear();
        let mut at = Some(batch.first);
        while let Some(piece) = at.and_then(|at| self.pieces.get(at)) {
            copy.extend_from_slice(bytes(piece));
            at = piece.next;
        }
        copy
    }
}

impl Batch {
    /// Whether one more of `len` bytes may follow: nothing follows a shorter one.
    fn fits(&self, len: usize, most: usize) -> bool {
        let shorter = self.bytes < self.packets * self.stride;
        !shorter && len <= self.stride && self.packets < most && self.bytes + len <= BATCH_MAX
    }
}

#[cfg(test)]
#[path = "gather_tests.rs"]
mod tests;
