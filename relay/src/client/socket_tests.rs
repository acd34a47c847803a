//! What the one socket of a peer lets through, and what it says to QUIC.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use super::*;
use crate::client::packet::nudge;

const RELAY: &str = "192.0.2.1:4433";

fn socket() -> RelayedSocket {
    let udp = Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let socket = RelayedSocket::new(udp, RELAY.parse().unwrap(), true);
    socket.open(FlowId(7)).unwrap();
    socket.open(FlowId(8)).unwrap();
    socket
}

#[tokio::test]
async fn c3_so_many_flows_are_live_and_no_more() {
    let socket = socket();
    assert!(matches!(socket.open(FlowId(8)), Err(LinkError::FlowInUse(FlowId(8)))));
    for flow in 2..LIVE_MAX as u64 {
        socket.open(FlowId(100 + flow)).unwrap();
    }
    assert!(matches!(socket.open(FlowId(9)), Err(LinkError::TooManyFlows)));
    socket.shut(FlowId(7));
    socket.open(FlowId(9)).unwrap();
}

fn arrived(from: &str, len: usize, stride: usize) -> RecvMeta {
    RecvMeta {
        addr: from.parse().unwrap(),
        len,
        stride,
        ecn: None,
        dst_ip: from.parse::<SocketAddr>().ok().map(|a| a.ip()),
    }
}

fn packet(flow: Option<u64>, fill: u8) -> Vec<u8> {
    let mut bytes = flow.map(|flow| prefix(FlowId(flow)).to_vec()).unwrap_or_default();
    bytes.resize(20, fill);
    bytes
}

#[tokio::test]
async fn mixed_buffers_reach_each_connection_whole_and_in_order() {
    let socket = socket();
    let mut bytes = [packet(Some(7), 0x41), packet(None, 0x42), packet(Some(9), 0x43), packet(Some(7), 0x44)].concat();
    bytes.extend_from_slice(&packet(Some(8), 0x45)[..15]);
    let mut other = packet(None, 0x46);
    let (len, other_len) = (bytes.len(), other.len());
    let mut metas = [arrived(RELAY, len, 20), arrived("192.0.2.9:4433", other_len, 20)];
    let mut buffers = [IoSliceMut::new(&mut bytes), IoSliceMut::new(&mut other)];
    assert_eq!(socket.sort(&mut buffers, &mut metas, 2), 1);
    assert_eq!((metas[0].len, metas[0].stride, metas[0].dst_ip), (22, 11, None));
    assert_eq!(metas[0].addr, SyntheticAddress(FlowId(7)).into());
    assert_eq!(buffers[0][..22], [[0x41; 11], [0x44; 11]].concat());
    assert_eq!(socket.take_aside(&mut buffers, &mut metas), 2);
    assert_eq!((metas[0].addr, metas[0].len), ("[::ffff:192.0.2.1]:4433".parse().unwrap(), 20));
    assert_eq!((metas[1].addr, metas[1].len), (SyntheticAddress(FlowId(8)).into(), 6));
    assert_eq!(buffers[1][..6], [0x45; 6]);
    assert_eq!(socket.take_aside(&mut buffers, &mut metas), 0);
}

#[tokio::test]
async fn c2_only_the_relay_is_heard() {
    let socket = socket();
    for from in ["192.0.2.2:4433", "192.0.2.1:4434", "[2001:db8::1]:4433"] {
        for flow in [None, Some(7)] {
            let mut bytes = packet(flow, 0x40);
            let mut metas = [arrived(from, 20, 20)];
            assert_eq!(socket.sort(&mut [IoSliceMut::new(&mut bytes)], &mut metas, 1), 0, "{from} {flow:?}");
        }
    }
    socket.follow("192.0.2.2:4433".parse().unwrap());
    let mut bytes = packet(None, 0x40);
    assert_eq!(socket.sort(&mut [IoSliceMut::new(&mut bytes)], &mut [arrived("192.0.2.2:4433", 20, 20)], 1), 1);
    let mut bytes = packet(None, 0x40);
    assert_eq!(socket.sort(&mut [IoSliceMut::new(&mut bytes)], &mut [arrived(RELAY, 20, 20)], 1), 0);
}

#[tokio::test]
async fn c3_packets_of_unannounced_and_forgotten_flows_are_dropped() {
    let socket = socket();
    socket.shut(FlowId(8));
    for (flow, kept) in [(7, 1), (8, 0), (9, 0)] {
        let mut bytes = packet(Some(flow), 0x40);
        assert_eq!(socket.sort(&mut [IoSliceMut::new(&mut bytes)], &mut [arrived(RELAY, 20, 20)], 1), kept);
    }
}

/// Kept, not accepted: QUIC sees them when, and only if, their flow is announced.
#[tokio::test]
async fn c3_what_begins_a_connection_waits_for_its_announcement() {
    for (awaits, taken) in [(true, 2), (false, 0)] {
        let udp = Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let socket = RelayedSocket::new(udp, RELAY.parse().unwrap(), awaits);
        let woken = Arc::new(Woken::default());
        *lock(&socket.reader) = Some(Waker::from(woken.clone()));
        let (mut one, mut other) = ([0; 80], [0; 80]);
        let all = [packet(Some(7), 0xc1), packet(Some(8), 0xc2), packet(Some(7), 0x43), packet(Some(7), 0xc4)].concat();
        one.copy_from_slice(&all);
        let mut buffers = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut other)];
        let mut metas = [arrived(RELAY, 80, 20), RecvMeta::default()];
        assert_eq!(socket.sort(&mut buffers, &mut metas, 1), 0);
        assert_eq!((socket.take_aside(&mut buffers, &mut metas), woken.0.load(Ordering::SeqCst)), (0, 0));
        socket.open(FlowId(7)).unwrap();
        // Whoever waits for packets looks again; what is of no handshake is gone.
        assert_eq!(woken.0.load(Ordering::SeqCst), usize::from(awaits));
        assert_eq!(socket.take_aside(&mut buffers, &mut metas), taken);
        if awaits {
            assert_eq!((buffers[0][0], buffers[1][0], metas[0].len, metas[0].stride), (0xc1, 0xc4, 11, 11));
            assert_eq!(metas[0].addr, SyntheticAddress(FlowId(7)).into());
        }
    }
}

/// Counts how often it was woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn c1_a_nudge_counts_only_from_the_relay_and_for_a_live_flow() {
    let socket = socket();
    socket.shut(FlowId(8));
    let mut heard = socket.nudges();
    let mut hears = |from: &str, bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        let len = bytes.len();
        let found = socket.sort(&mut [IoSliceMut::new(&mut bytes)], &mut [arrived(from, len, PREFIX)], 1);
        assert_eq!(found, 0, "QUIC sees no nudge");
        let changed = heard.has_changed().unwrap();
        heard.mark_unchanged();
        changed
    };
    assert!(!hears("192.0.2.2:4433", &nudge(FlowId(7))), "a stranger's");
    assert!(!hears("192.0.2.1:4434", &nudge(FlowId(7))), "another program's on the relay's computer");
    assert!(!hears(RELAY, &nudge(FlowId(8))), "of a flow that is over");
    assert!(!hears(RELAY, &nudge(FlowId(9))), "of a flow that never was");
    assert!(!hears(RELAY, &nudge(FlowId(7))[..PREFIX - 1]), "cut");
    // None of these counted, so the next isn't too early; and of two at once, one counts.
    assert!(hears(RELAY, &[nudge(FlowId(9)), nudge(FlowId(7)), nudge(FlowId(7))].concat()));
    socket.follow("192.0.2.3:4433".parse().unwrap());
    lock(&socket.paths).honoured = None;
    assert!(!hears(RELAY, &nudge(FlowId(7))), "the relay is elsewhere");
    assert!(hears("192.0.2.3:4433", &nudge(FlowId(7))));
}

#[tokio::test]
async fn c1_nudges_are_honoured_ten_times_a_second() {
    let socket = socket();
    let (mut paths, start) = (lock(&socket.paths), Instant::now());
    assert!(paths.honour(start));
    assert!(!paths.honour(start));
    assert!(!paths.honour(start + HONOUR_EVERY - Duration::from_millis(1)));
    assert!(paths.honour(start + HONOUR_EVERY));
    assert!(!paths.honour(start + HONOUR_EVERY * 2 - Duration::from_millis(1)));
    assert!(paths.honour(start + HONOUR_EVERY * 2 + Duration::from_millis(1)));
}

/// TRANSPORT, pitfall 9: each of them has a default that silently costs batches or path MTU discovery.
#[tokio::test]
async fn quic_hears_what_the_socket_can() {
    let socket = socket();
    assert!(!socket.may_fragment());
    assert!(socket.max_transmit_segments() > 1 && socket.max_receive_segments() > 1);
    assert_eq!(socket.max_transmit_segments(), socket.udp.max_send_segments());
    assert_eq!(socket.max_receive_segments(), socket.udp.max_receive_segments());
    // Pitfall 3: QUIC refuses synthetic addresses on a socket that says it is IPv4.
    assert!(socket.local_addr().unwrap().is_ipv6());
}

/// TRANSPORT, pitfall 5: an error would end the connection; a packet that may not leave is lost.
#[tokio::test]
async fn c2_what_may_not_leave_is_lost_and_no_error() {
    let relay = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    relay.set_nonblocking(true).unwrap();
    let at = relay.local_addr().unwrap();
    let socket = RelayedSocket::new(Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap(), at, false);
    socket.open(FlowId(7)).unwrap();
    let mut poller = socket.udp.poller();
    std::future::poll_fn(|cx| poller.as_mut().poll_writable(cx)).await.unwrap();
    let send = |destination: SocketAddr, len: usize| {
        let contents = &vec![0x40; len];
        socket.try_send(&Transmit { destination, ecn: None, contents, segment_size: None, src_ip: None })
    };
    let (live, unknown) = (SyntheticAddress(FlowId(7)), SyntheticAddress(FlowId(8)));
    assert!(send(unknown.into(), 20).is_ok());
    assert!(send(live.into(), PAYLOAD_MAX - PREFIX + 1).is_ok());
    assert!(send("127.0.0.1:9".parse().unwrap(), 20).is_ok());
    assert_eq!(relay.recv(&mut [0; 2000]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    assert!(send(live.into(), PAYLOAD_MAX - PREFIX).is_ok());
    assert_eq!(relay.recv(&mut [0; 2000]).unwrap(), PAYLOAD_MAX);
    socket.shut(FlowId(7));
    assert!(send(live.into(), 20).is_ok());
    assert_eq!(relay.recv(&mut [0; 2000]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

/// TRANSPORT, pitfall 6: *nothing*, told as zero buffers, would never use up QUIC's turn.
#[tokio::test]
async fn what_isnt_ours_never_counts_as_received_and_others_get_their_turn() {
    let relay = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let udp = Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let (at, socket) = (udp.local_addr().unwrap(), RelayedSocket::new(udp, relay.local_addr().unwrap(), true));
    for _ in 0..ROUNDS + 1 {
        relay.send_to(&packet(Some(7), 0x40), at).unwrap();
    }
    relay.send_to(&packet(None, 0x41), at).unwrap();
    let (mut bytes, mut metas, mut turns) = ([0; 100], [RecvMeta::default()], 0);
    let count = std::future::poll_fn(|cx| {
        turns += 1;
        socket.poll_recv(cx, &mut [IoSliceMut::new(&mut bytes)], &mut metas)
    });
    assert_eq!(tokio::time::timeout(Duration::from_secs(20), count).await.unwrap().unwrap(), 1);
    assert_eq!((metas[0].len, &bytes[..20]), (20, packet(None, 0x41).as_slice()));
    assert!(turns > 1, "it gave others their turn, and woke itself");
}

#[tokio::test]
async fn c1_oversize_datagrams_are_dropped_one_by_one() {
    let socket = socket();
    for (len, kept) in [(PAYLOAD_MAX - 1, 1), (PAYLOAD_MAX, 1), (PAYLOAD_MAX + 1, 0)] {
        let mut bytes = vec![0x40; len];
        assert_eq!(socket.sort(&mut [IoSliceMut::new(&mut bytes)], &mut [arrived(RELAY, len, len)], 1), kept);
    }
    let mut bytes = vec![0x40; PAYLOAD_MAX + 1 + 30];
    let mut metas = [arrived(RELAY, PAYLOAD_MAX + 31, PAYLOAD_MAX + 1)];
    assert_eq!(socket.sort(&mut [IoSliceMut::new(&mut bytes)], &mut metas, 1), 1);
    assert_eq!((metas[0].len, metas[0].stride), (30, 30));
}
