//! Receive buffers as the kernel glues them together, and datagrams that came one by one, without a network.

use proptest::prelude::*;

use super::*;
use crate::client::packet::{NUDGE, PAYLOAD_MAX, prefix};

const MOST: usize = 64;

fn place(port: u16) -> Place {
    Place { address: ([127, 0, 0, 1], port).into(), local: None, payload_max: PAYLOAD_MAX }
}

fn meta(len: usize, stride: usize) -> RecvMeta {
    RecvMeta { addr: ([192, 0, 2, 1], 5).into(), len, stride, ecn: None, dst_ip: None }
}

/// A packet of 20 bytes.
fn packet(flow: Option<u64>, fill: u8) -> Vec<u8> {
    sized(flow, fill, 20)
}

fn sized(flow: Option<u64>, fill: u8, len: usize) -> Vec<u8> {
    let mut bytes = flow.map(|flow| prefix(FlowId(flow)).to_vec()).unwrap_or_default();
    bytes.resize(len, fill);
    bytes
}

fn judge(flow: FlowId, len: usize) -> Verdict {
    match flow {
        FlowId(9) => Verdict::Drop,
        FlowId(10) => Verdict::Nudge,
        _ if len > PAYLOAD_MAX => Verdict::Drop,
        FlowId(flow) => Verdict::Forward(place(u16::try_from(flow).unwrap())),
    }
}

/// Sorts buffers, each with its stride.
fn gathered(buffers: &[(Vec<u8>, usize)], most: usize) -> Gathering {
    let mut gathering = Gathering::default();
    for (at, (bytes, stride)) in buffers.iter().enumerate() {
        gathering.add(at, bytes, &meta(bytes.len(), *stride), most, judge);
    }
    gathering
}

/// Flow, bytes and number of packets of what leaves.
fn leaving(gathering: &Gathering, buffers: &[(Vec<u8>, usize)]) -> Vec<(u64, Vec<u8>, usize)> {
    let buffers: Vec<_> = buffers.iter().map(|(bytes, _)| bytes.as_slice()).collect();
    let mut copy = Vec::new();
    let leaves = |batch: &Batch| (batch.flow.0, gathering.contents(batch, &buffers, &mut copy).to_vec(), batch.packets);
    gathering.batches.iter().map(leaves).collect()
}

/// One buffer: flow, where it lies and number of packets of what leaves, and whether something plain is left.
fn planned(received: &[u8], stride: usize, most: usize) -> (Vec<(u64, Range<usize>, usize)>, bool) {
    let gathering = gathered(&[(received.to_vec(), stride)], most);
    let lies = |batch: &Batch| {
        assert_eq!(batch.first, batch.last, "what arrived together isn't copied");
        (batch.flow.0, gathering.pieces[batch.first].bytes.clone(), batch.packets)
    };
    (gathering.batches.iter().map(lies).collect(), gathering.plain == [0])
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

#[test]
fn what_arrives_one_by_one_leaves_together_in_order() {
    let one = |flow, fill, len| (sized(Some(flow), fill, len), len);
    // Two sessions in turn; flow 7 ends a batch with a shorter one, and goes on with larger ones.
    let buffers = [
        one(7, 0x41, 20),
        one(8, 0x42, 30),
        one(7, 0x43, 20),
        (packet(None, 0x44), 20),
        one(9, 0x45, 20),
        one(8, 0x46, 30),
        one(7, 0x47, 15),
        one(7, 0x48, 40),
        one(10, 0x49, 20),
        one(7, 0x4a, 40),
    ];
    let gathering = gathered(&buffers, MOST);
    let bytes = |all: &[usize]| all.iter().flat_map(|at| buffers[*at].0.clone()).collect::<Vec<u8>>();
    let expected = vec![(7, bytes(&[0, 2, 6]), 3), (8, bytes(&[1, 5]), 2), (7, bytes(&[7, 9]), 2)];
    assert_eq!(leaving(&gathering, &buffers), expected);
    assert_eq!(gathering.plain, [3]);
    assert_eq!(gathering.nudges, [Nudged { flow: FlowId(10), to: ([192, 0, 2, 1], 5).into(), from: None }]);
    assert_eq!(leaving(&gathered(&buffers, 1), &buffers).len(), 7, "without batches each leaves alone");
}

#[test]
fn a_batch_that_arrived_as_one_is_not_copied() {
    let glued = (packet(Some(7), 0x40).repeat(2), 20);
    let single = (packet(Some(7), 0x41), 20);
    for buffers in [[single.clone(), glued.clone()], [glued.clone(), single.clone()], [glued.clone(), glued.clone()]] {
        let gathering = gathered(&buffers, MOST);
        assert!(gathering.batches.iter().all(|batch| batch.first == batch.last));
        assert_eq!(gathering.batches.len(), 2);
    }
}

#[test]
fn another_mark_of_congestion_leaves_apart() {
    let mut gathering = Gathering::default();
    let bytes = packet(Some(7), 0x40);
    for (at, ecn) in [None, Some(EcnCodepoint::Ce), Some(EcnCodepoint::Ce), None].into_iter().enumerate() {
        gathering.add(at, &bytes, &RecvMeta { ecn, ..meta(20, 20) }, MOST, judge);
    }
    let marks: Vec<_> = gathering.batches.iter().map(|batch| (batch.ecn, batch.packets)).collect();
    assert_eq!(marks, [(None, 1), (Some(EcnCodepoint::Ce), 2), (None, 1)]);
}

#[test]
fn single_datagrams_end_at_the_largest_udp_payload_and_at_most_many() {
    let buffers = vec![(sized(Some(7), 0x40, 1400), 1400); 50];
    let sizes = |most| gathered(&buffers, most).batches.iter().map(|batch| batch.packets).collect::<Vec<_>>();
    assert_eq!(sizes(64), [46, 4]);
    assert_eq!(sizes(46), [46, 4]);
    assert_eq!(sizes(45), [45, 5]);
}

#[test]
fn looking_back_is_bounded() {
    let apart = |between: u64| {
        let flows = [7].into_iter().chain(100..100 + between).chain([7]);
        let buffers: Vec<_> = flows.map(|flow| (packet(Some(flow), 0x40), 20)).collect();
        gathered(&buffers, MOST).batches.len() as u64 - between
    };
    assert_eq!((apart(LOOK_BACK as u64 - 1), apart(LOOK_BACK as u64), apart(LOOK_BACK as u64 + 1)), (1, 2, 2));
}

#[test]
fn memory_is_used_again_and_nothing_else_is() {
    let buffers = [(packet(Some(7), 0x40), 20), (packet(None, 0x40), 20), (packet(Some(10), 0x40), 20)];
    let mut gathering = gathered(&buffers, MOST);
    gathering.clear();
    assert!(gathering.batches.is_empty() && gathering.nudges.is_empty() && gathering.plain.is_empty());
    gathering.add(0, &buffers[0].0, &meta(20, 20), MOST, judge);
    assert_eq!(leaving(&gathering, &buffers), [(7, buffers[0].0.clone(), 1)]);
}

/// One buffer as the kernel may hand it over: datagrams of one length, the last perhaps shorter.
fn any_buffer() -> impl Strategy<Value = (Vec<u8>, usize, Option<EcnCodepoint>)> {
    let kind = prop_oneof![
        4 => prop::sample::select(vec![Some(7), Some(8)]),
        1 => prop::sample::select(vec![None, Some(9), Some(10), Some(11), Some(12)]),
    ];
    let stride = prop_oneof![3 => Just(40), 1 => 10usize..60];
    let ecn = prop::sample::select(vec![None, None, Some(EcnCodepoint::Ect0), Some(EcnCodepoint::Ce)]);
    let count = prop_oneof![3 => Just(1usize), 1 => 1usize..12];
    (count, stride, ecn, prop::num::u8::ANY, 1usize..60).prop_flat_map(move |(count, stride, ecn, fill, last)| {
        prop::collection::vec(kind.clone(), count).prop_map(move |kinds| {
            let mut bytes = Vec::new();
            for (at, flow) in kinds.iter().enumerate() {
                let len = if at + 1 == count { last.min(stride) } else { stride };
                let mut datagram = sized(*flow, fill.wrapping_add(at as u8) | 0x40, stride);
                datagram.truncate(len);
                bytes.extend(datagram);
            }
            (bytes, stride, ecn)
        })
    })
}

proptest! {
    /// Against the obvious way to do it: each datagram by itself.
    #[test]
    fn what_leaves_is_what_was_judged(
        buffers in prop::collection::vec(any_buffer(), 0..32),
        most in prop::sample::select(vec![1usize, 2, 5, 64]),
    ) {
        let mut expected = std::collections::BTreeMap::<u64, Vec<(Vec<u8>, Option<EcnCodepoint>)>>::new();
        let (mut plain, mut nudges, mut gathering) = (Vec::new(), 0, Gathering::default());
        for (at, (bytes, stride, ecn)) in buffers.iter().enumerate() {
            gathering.add(at, bytes, &RecvMeta { ecn: *ecn, ..meta(bytes.len(), *stride) }, most, judge);
            for datagram in bytes.chunks(*stride) {
                match datagram.first() {
                    Some(&NUDGE) | None => {}
                    Some(first) if first & 0xc0 != 0 => plain.push(at),
                    Some(_) if datagram.len() < 10 || datagram[9] & 0xc0 == 0 => {}
                    Some(_) => {
                        let flow = u64::from_be_bytes(datagram[1..9].try_into().unwrap());
                        match judge(FlowId(flow), datagram.len()) {
                            Verdict::Drop => {}
                            Verdict::Nudge => nudges += 1,
                            Verdict::Forward(_) => expected.entry(flow).or_default().push((datagram.to_vec(), *ecn)),
                        }
                    }
                }
            }
        }
        plain.dedup();
        let slices: Vec<_> = buffers.iter().map(|(bytes, _, _)| bytes.as_slice()).collect();
        let (mut found, mut copy) = (std::collections::BTreeMap::<u64, Vec<_>>::new(), Vec::new());
        for batch in &gathering.batches {
            let contents = gathering.contents(batch, &slices, &mut copy);
            prop_assert!(batch.packets <= most && contents.len() <= BATCH_MAX);
            prop_assert_eq!(batch.to, place(u16::try_from(batch.flow.0).unwrap()));
            // What the kernel makes of it.
            let cut: Vec<_> = contents.chunks(batch.stride).map(|datagram| (datagram.to_vec(), batch.ecn)).collect();
            prop_assert_eq!(cut.len(), batch.packets);
            found.entry(batch.flow.0).or_default().extend(cut);
        }
        prop_assert_eq!(found, expected);
        prop_assert_eq!(&gathering.plain, &plain);
        prop_assert_eq!(gathering.nudges.len(), nudges);
    }
}
