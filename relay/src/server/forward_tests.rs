//! Receive buffers as the kernel glues them together, without a network.

use super::*;
use crate::client::packet::{PAYLOAD_MAX, prefix};

fn place(port: u16) -> Place {
    Place { address: ([127, 0, 0, 1], port).into(), local: None, payload_max: PAYLOAD_MAX }
}

/// A packet of 20 bytes.
fn packet(flow: Option<u64>, fill: u8) -> Vec<u8> {
    let mut bytes = flow.map(|flow| prefix(FlowId(flow)).to_vec()).unwrap_or_default();
    bytes.resize(20, fill);
    bytes
}

fn planned(received: &[u8], stride: usize, most: usize) -> (Vec<(u64, Range<usize>, usize)>, bool) {
    let (batches, plain) = plan(received, stride, most, |flow, len| match flow {
        FlowId(9) => Verdict::Drop,
        _ if len > PAYLOAD_MAX => Verdict::Drop,
        FlowId(flow) => Verdict::Forward(place(u16::try_from(flow).unwrap())),
    });
    (batches.into_iter().map(|batch| (batch.flow.0, batch.bytes, batch.packets)).collect(), plain)
}

#[test]
fn neighbours_of_one_flow_leave_together() {
    let mut bytes = packet(Some(7), 0x40).repeat(5);
    bytes.truncate(95);
    assert_eq!(planned(&bytes, 20, 64), (vec![(7, 0..95, 5)], false));
    assert_eq!(planned(&bytes, 20, 2), (vec![(7, 0..40, 2), (7, 40..80, 2), (7, 80..95, 1)], false));
    assert_eq!(planned(&bytes, 20, 1).0.len(), 5);
}

#[test]
fn mixed_buffers_are_judged_packet_by_packet() {
    let kinds = [Some(7), Some(7), None, Some(7), Some(9), Some(7), Some(8), Some(8)];
    let bytes: Vec<u8> = kinds.iter().flat_map(|flow| packet(*flow, 0x40)).collect();
    let expected = vec![(7, 0..40, 2), (7, 60..80, 1), (7, 100..120, 1), (8, 120..160, 2)];
    assert_eq!(planned(&bytes, 20, 64), (expected, true));
    let foreign = [0x10; 20];
    assert_eq!(planned(&foreign, 20, 64), (vec![], false));
    assert_eq!(planned(&[], 0, 64), (vec![], false));
}

#[test]
fn c1_one_oversize_packet_doesnt_take_its_neighbours_along() {
    let mut bytes = packet(Some(7), 0x40);
    bytes.resize(PAYLOAD_MAX + 1, 0x40);
    bytes.extend(packet(Some(7), 0x41));
    let at = PAYLOAD_MAX + 1;
    assert_eq!(planned(&bytes, at, 64), (vec![(7, at..at + 20, 1)], false));
}

#[test]
fn batches_end_at_the_largest_udp_payload() {
    let mut one = packet(Some(7), 0x40);
    one.resize(1400, 0x40);
    let bytes = one.repeat(50);
    let (batches, _) = planned(&bytes, 1400, 64);
    assert_eq!(batches, vec![(7, 0..46 * 1400, 46), (7, 46 * 1400..70_000, 4)]);
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
