//! Receive buffers as the kernel glues them together, without a network.

use super::*;
use crate::client::packet::prefix;

/// A packet of 20 bytes.
fn packet(flow: Option<u64>, fill: u8) -> Vec<u8> {
    let mut bytes = flow.map(|flow| prefix(FlowId(flow)).to_vec()).unwrap_or_default();
    bytes.resize(20, fill);
    bytes
}

#[tokio::test]
async fn c1_port_0_and_the_like_are_dropped_before_quic_and_before_forwarding() {
    let flows = Flows::default();
    let socket = ForwardingSocket::new(Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap(), flows.clone());
    for (from, kept) in
        [("192.0.2.1:0", 0), ("224.0.0.1:5", 0), ("255.255.255.255:5", 0), ("[::]:5", 0), ("192.0.2.1:5", 1)]
    {
        let addr = from.parse().unwrap();
        for flow in [None, Some(7)] {
            let mut bytes = packet(flow, 0x40);
            let meta = RecvMeta { addr, len: 20, stride: 20, ecn: None, dst_ip: None };
            let found = socket.forward(&mut [IoSliceMut::new(&mut bytes)], &mut [meta], 1);
            assert_eq!(found, if flow.is_none() { kept } else { 0 }, "{from}");
        }
        // What is sent there vanishes; it doesn't fail, and the kernel never hears of it.
        let answer = Transmit { destination: addr, ecn: None, contents: b"x", segment_size: None, src_ip: None };
        if kept == 0 {
            assert!(socket.try_send(&answer).is_ok());
        }
    }
    // Only the packet with a usable source was looked up at all.
    assert_eq!(flows.dropped(), Dropped { unknown: 1, foreign: 0, blocked: 0 });
}

#[tokio::test]
async fn the_plain_rest_moves_to_the_front() {
    let socket = ForwardingSocket::new(Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap(), Flows::default());
    let mut all_tagged = packet(Some(7), 0x40);
    let mut mixed = [packet(Some(7), 0x40), packet(None, 0x41), packet(Some(7), 0x42), packet(None, 0x43)].concat();
    mixed.truncate(75);
    let meta = |len| RecvMeta { addr: ([192, 0, 2, 1], 5).into(), len, stride: 20, ecn: None, dst_ip: None };
    let mut metas = [meta(20), meta(75)];
    let mut buffers = [IoSliceMut::new(&mut all_tagged), IoSliceMut::new(&mut mixed)];
    assert_eq!(socket.forward(&mut buffers, &mut metas, 2), 1);
    assert_eq!((metas[0].len, metas[0].stride), (35, 20));
    assert_eq!(buffers[0][..35], [vec![0x41; 20], vec![0x43; 15]].concat());
}

/// TRANSPORT, pitfall 9: each of them has a default that silently costs batches or path MTU discovery.
#[tokio::test]
async fn quic_hears_what_the_socket_can() {
    let socket = ForwardingSocket::new(Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap(), Flows::default());
    assert!(!socket.may_fragment());
    assert!(socket.batch_max() > CONTROL_BATCH && socket.max_receive_segments() > 1);
    assert_eq!((socket.batch_max(), socket.max_transmit_segments()), (socket.udp.max_send_segments(), CONTROL_BATCH));
    assert_eq!(socket.max_receive_segments(), socket.udp.max_receive_segments());
}

/// TRANSPORT, pitfall 6: *nothing*, told as zero buffers, would never use up QUIC's turn.
#[tokio::test]
async fn what_isnt_quics_never_counts_as_received_and_others_get_their_turn() {
    let socket = ForwardingSocket::new(Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap(), Flows::default());
    let (other, at) = (std::net::UdpSocket::bind("127.0.0.1:0").unwrap(), socket.local_addr().unwrap());
    for _ in 0..ROUNDS + 1 {
        other.send_to(&packet(Some(7), 0x40), at).unwrap();
    }
    other.send_to(&packet(None, 0x41), at).unwrap();
    let (mut bytes, mut metas) = ([0; 100], [RecvMeta::default()]);
    let mut turns = 0;
    let count = std::future::poll_fn(|cx| {
        turns += 1;
        socket.poll_recv(cx, &mut [IoSliceMut::new(&mut bytes)], &mut metas)
    });
    assert_eq!(tokio::time::timeout(std::time::Duration::from_secs(20), count).await.unwrap().unwrap(), 1);
    assert_eq!((metas[0].len, &bytes[..20]), (20, packet(None, 0x41).as_slice()));
    assert!(turns > 1, "it gave others their turn, and woke itself");
}
