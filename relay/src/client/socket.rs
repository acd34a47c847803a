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
use super::packet::{PAYLOAD_MAX, PREFIX, Packet, SyntheticAddress, prefix};
use super::segments::{self, Run};
use super::udp::{Udp, canonical, mapped};

/// Receive rounds in which nothing was kept before other tasks get their turn (TRANSPORT, pitfall 6).
const ROUNDS: usize = 8;
/// The bit of a packet that belongs to a handshake. (RFC 9000, section 17.2)
const LONG_HEADER: u8 = 0x80;
/// Least time between two nudges that are honoured. (SECURITY C1)
const HONOUR_EVERY: Duration = Duration::from_millis(100);

/// A UDP socket that speaks with one relay only.
#[derive(Debug)]
pub(crate) struct RelayedSocket {
    udp: Arc<Udp>,
    paths: Mutex<Paths>,
    /// Datagrams of a mixed buffer that didn't go the way of its first one.
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

    /// Lets packets of a flow through, both ways; false if it was live already.
    pub(crate) fn open(&self, flow: FlowId) -> bool {
        let mut paths = lock(&self.paths);
        if !paths.live.insert(flow) {
            return false;
        }
        let early = paths.early.as_mut().map(|early| early.take(flow, Instant::now())).unwrap_or_default();
        if !early.is_empty() {
            lock(&self.aside).extend(early);
            if let Some(reader) = lock(&self.reader).take() {
                reader.wake();
            }
        }
        true
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
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;
    use crate::client::packet::nudge;

    const RELAY: &str = "192.0.2.1:4433";

    fn socket() -> RelayedSocket {
        let udp = Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let socket = RelayedSocket::new(udp, RELAY.parse().unwrap(), true);
        assert!(socket.open(FlowId(7)) && socket.open(FlowId(8)) && !socket.open(FlowId(8)));
        socket
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
        let mut bytes =
            [packet(Some(7), 0x41), packet(None, 0x42), packet(Some(9), 0x43), packet(Some(7), 0x44)].concat();
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
            let all =
                [packet(Some(7), 0xc1), packet(Some(8), 0xc2), packet(Some(7), 0x43), packet(Some(7), 0xc4)].concat();
            one.copy_from_slice(&all);
            let mut buffers = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut other)];
            let mut metas = [arrived(RELAY, 80, 20), RecvMeta::default()];
            assert_eq!(socket.sort(&mut buffers, &mut metas, 1), 0);
            assert_eq!((socket.take_aside(&mut buffers, &mut metas), woken.0.load(Ordering::SeqCst)), (0, 0));
            assert!(socket.open(FlowId(7)));
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
        socket.open(FlowId(7));
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
}
