//! The least that forwards UDP between two ends: whatever comes from one leaves for the other, in the batches in which it came, by
//! the same library the product uses. It knows two addresses and nothing of what it carries.

use std::io::IoSliceMut;
use std::net::SocketAddr;

use quinn::udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// Bytes of the largest packet.
const PACKET: usize = 1_500;

/// Forwards for ever between `agent` and whoever else speaks first. `batched`: as it came; else packet by packet.
pub async fn forward(socket: UdpSocket, agent: SocketAddr, batched: bool) {
    let state = UdpSocketState::new((&socket).into()).expect("a socket");
    let mut room = vec![vec![0; PACKET * state.gro_segments().max(1)]; BATCH_SIZE];
    let mut metas = vec![RecvMeta::default(); BATCH_SIZE];
    let mut console = None;
    loop {
        socket.readable().await.expect("a socket");
        let mut buffers: Vec<_> = room.iter_mut().map(|buffer| IoSliceMut::new(buffer)).collect();
        let came = socket.try_io(Interest::READABLE, || state.recv((&socket).into(), &mut buffers, &mut metas));
        let Ok(count) = came else { continue };
        for (buffer, meta) in buffers.iter().zip(&metas).take(count) {
            let to = if meta.addr == agent {
                console
            } else {
                console = Some(meta.addr);
                Some(agent)
            };
            let (Some(destination), stride) = (to, meta.stride.max(1)) else { continue };
            let whole = &buffer[..meta.len];
            let each = if batched { whole.len().max(1) } else { stride };
            for contents in whole.chunks(each) {
                let segment_size = (contents.len() > stride).then_some(stride);
                let transmit = Transmit { destination, ecn: meta.ecn, contents, segment_size, src_ip: None };
                // A full socket loses it, as any router would.
                let _ = socket.try_io(Interest::WRITABLE, || state.try_send((&socket).into(), &transmit));
            }
        }
    }
}
