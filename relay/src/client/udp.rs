//! The bare UDP socket under both halves: batched receiving and sending, large buffers, readiness.
//!
//! Knows addresses, not packets. Addresses are canonical here: IPv4 is `V4` even on a dual-stack socket, because QUIC on
//! the relay keeps a path's state across an IPv4 port change only then (TRANSPORT, pitfall 4). What must never be sent
//! to, isn't (SECURITY C1).

use std::fmt;
use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use quinn::UdpPoller;
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;

use super::packet::usable;

/// Kernel buffers asked for, in bytes each way: a burst must survive until this program is scheduled again. QUIC leaves
/// them as they are (TRANSPORT, pitfall 13).
const KERNEL_BUFFER: usize = 4 << 20;
/// Receive errors in a row before other tasks get their turn.
const ERRORS_IN_A_ROW: usize = 16;

/// One UDP socket.
pub(crate) struct Udp {
    io: tokio::net::UdpSocket,
    state: UdpSocketState,
    /// For what strangers cause: a send that fails turns batching off in the state it was made with, and here there is none
    /// to lose. Relays alone answer strangers. (SECURITY C1; TRANSPORT, pitfall 10)
    #[cfg(feature = "server")]
    aside: UdpSocketState,
    v6: bool,
}

impl Udp {
    /// Binds; `[::]` serves IPv4 too. Needs a tokio runtime.
    pub(crate) fn bind(local: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(local), Type::DGRAM, Some(Protocol::UDP))?;
        if local.is_ipv6() {
            socket.set_only_v6(!local.ip().is_unspecified())?;
        }
        // The kernel grants what its own limit allows; less is slower, not wrong.
        for refused in [socket.set_recv_buffer_size(KERNEL_BUFFER), socket.set_send_buffer_size(KERNEL_BUFFER)] {
            if let Err(error) = refused {
                tracing::debug!(%error, "the kernel refused a larger socket buffer");
            }
        }
        socket.set_nonblocking(true)?;
        socket.bind(&local.into())?;
        let socket = std::net::UdpSocket::from(socket);
        let state = UdpSocketState::new((&socket).into())?;
        #[cfg(feature = "server")]
        let aside = UdpSocketState::new((&socket).into())?;
        Ok(Self {
            io: tokio::net::UdpSocket::from_std(socket)?,
            state,
            #[cfg(feature = "server")]
            aside,
            v6: local.is_ipv6(),
        })
    }

    /// Where the socket is bound.
    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    /// Sends, or drops silently what can't or mustn't be sent: any error but `WouldBlock` would end a QUIC connection
    /// (TRANSPORT, pitfall 5).
    pub(crate) fn send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        if !usable(transmit.destination) {
            return Ok(());
        }
        let native = Transmit {
            destination: self.native(transmit.destination),
            ecn: transmit.ecn,
            contents: transmit.contents,
            segment_size: transmit.segment_size,
            src_ip: transmit.src_ip.map(|ip| self.native_ip(ip)),
        };
        self.io.try_io(Interest::WRITABLE, || self.state.send((&self.io).into(), &native))
    }

    /// Sends one datagram that may as well be lost, from the local address that `from` names. Nothing that comes of it
    /// touches what [`Self::send`] does: neither its batching nor its readiness. (SECURITY C1)
    #[cfg(feature = "server")]
    pub(crate) fn send_aside(&self, contents: &[u8], to: SocketAddr, from: Option<IpAddr>) {
        if !usable(to) {
            return;
        }
        let src_ip = from.map(|ip| self.native_ip(ip));
        let datagram = Transmit { destination: self.native(to), ecn: None, contents, segment_size: None, src_ip };
        // Whoever it was for sends again, and is answered again.
        let _ = self.aside.try_send((&self.io).into(), &datagram);
    }

    /// Receives at least one buffer; sources are canonical.
    pub(crate) fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut errors = 0;
        loop {
            ready!(self.io.poll_recv_ready(cx))?;
            match self.io.try_io(Interest::READABLE, || self.state.recv((&self.io).into(), buffers, metas)) {
                Ok(count) => {
                    for meta in metas.iter_mut().take(count) {
                        meta.addr = canonical(meta.addr);
                    }
                    return Poll::Ready(Ok(count));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // What the network reports about an earlier packet is no reason to stop receiving.
                Err(_) if errors < ERRORS_IN_A_ROW => errors += 1,
                Err(_) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
        }
    }

    /// Asked anew each time: it falls to 1 once the kernel refused a batch.
    pub(crate) fn max_send_segments(&self) -> usize {
        self.state.max_gso_segments().max(1)
    }

    /// Most datagrams in one receive buffer.
    pub(crate) fn max_receive_segments(&self) -> usize {
        self.state.gro_segments()
    }

    /// Whether the platform may fragment what we send; path MTU discovery needs a no.
    pub(crate) fn may_fragment(&self) -> bool {
        self.state.may_fragment()
    }

    /// Tells one task when the socket can send again.
    pub(crate) fn poller(self: &Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Writable { udp: self.clone(), wait: None })
    }

    fn native(&self, address: SocketAddr) -> SocketAddr {
        match address {
            SocketAddr::V4(v4) if self.v6 => (v4.ip().to_ipv6_mapped(), v4.port()).into(),
            SocketAddr::V4(_) => address,
            SocketAddr::V6(_) if self.v6 => address,
            SocketAddr::V6(_) => canonical(address),
        }
    }

    fn native_ip(&self, ip: IpAddr) -> IpAddr {
        match ip {
            IpAddr::V4(v4) if self.v6 => v4.to_ipv6_mapped().into(),
            IpAddr::V4(_) => ip,
            IpAddr::V6(_) if self.v6 => ip,
            IpAddr::V6(_) => ip.to_canonical(),
        }
    }
}

impl fmt::Debug for Udp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Udp").field("local", &self.io.local_addr().ok()).finish_non_exhaustive()
    }
}

/// IPv4 as `V4`, also when the kernel wrote it as a v4-mapped IPv6 address.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => (ip, address.port()).into(),
        IpAddr::V6(_) => address,
    }
}

/// IPv4 as v4-mapped IPv6: how an endpoint that also has synthetic addresses must see it (TRANSPORT, pitfall 3).
pub(crate) fn mapped(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) => (v4.ip().to_ipv6_mapped(), v4.port()).into(),
        SocketAddr::V6(_) => address,
    }
}

/// The unspecified address of the same family, any port: where to bind in order to reach `remote`.
pub(crate) fn any_local(remote: SocketAddr) -> SocketAddr {
    match canonical(remote) {
        SocketAddr::V4(_) => (std::net::Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

type Wait = Pin<Box<dyn Future<Output = io::Result<()>> + Send + Sync>>;

/// One connection's wait for a writable socket; each has its own, or wake-ups would be lost (TRANSPORT, pitfall 8).
struct Writable {
    udp: Arc<Udp>,
    wait: Option<Wait>,
}

impl UdpPoller for Writable {
    fn poll_writable(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { udp, wait } = self.get_mut();
        let future = wait.get_or_insert_with(|| {
            let udp = udp.clone();
            Box::pin(async move { udp.io.writable().await })
        });
        let outcome = future.as_mut().poll(cx);
        if outcome.is_ready() {
            *wait = None;
        }
        outcome
    }
}

impl fmt::Debug for Writable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writable").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    use super::*;

    fn bound() -> Udp {
        Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap()
    }

    fn to(destination: &str) -> Transmit<'static> {
        let destination = destination.parse().unwrap();
        Transmit { destination, ecn: None, contents: b"x", segment_size: None, src_ip: None }
    }

    /// TRANSPORT, pitfall 5: any other error would end a QUIC connection.
    #[tokio::test]
    async fn what_the_kernel_refuses_is_lost_and_no_error() {
        let udp = bound();
        // Not allowed, no route from there, and nobody listens.
        let (broadcast, far) = (to("127.255.255.255:9"), to("192.0.2.1:9"));
        assert!(udp.state.try_send((&udp.io).into(), &broadcast).is_err());
        assert!(udp.state.try_send((&udp.io).into(), &far).is_err());
        udp.io.writable().await.unwrap();
        for transmit in [broadcast, far, to("127.0.0.1:1")] {
            assert!(udp.send(&transmit).is_ok(), "{transmit:?}");
        }
    }

    /// TRANSPORT, pitfall 13: QUIC never asks for larger buffers.
    #[tokio::test]
    async fn the_kernel_is_asked_for_large_buffers() {
        let udp = bound();
        let most = |name| {
            let read = std::fs::read_to_string(format!("/proc/sys/net/core/{name}")).unwrap();
            read.trim().parse::<usize>().unwrap()
        };
        // Linux counts its own bookkeeping as much again.
        let socket = socket2::SockRef::from(&udp.io);
        assert_eq!(socket.recv_buffer_size().unwrap(), 2 * most("rmem_max").min(KERNEL_BUFFER));
        assert_eq!(socket.send_buffer_size().unwrap(), 2 * most("wmem_max").min(KERNEL_BUFFER));
    }

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// TRANSPORT, pitfall 8: with one waker for all, all connections but one would wait for ever.
    #[tokio::test]
    async fn everybody_who_waits_to_send_is_woken() {
        let udp = Arc::new(bound());
        udp.io.writable().await.unwrap();
        let full = udp.io.try_io(Interest::WRITABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
        assert!(full.is_err());
        let mut waiting: Vec<_> = (0..3).map(|_| (udp.poller(), Arc::new(Woken::default()))).collect();
        for (poller, woken) in &mut waiting {
            let waker = Waker::from(woken.clone());
            assert!(poller.as_mut().poll_writable(&mut Context::from_waker(&waker)).is_pending());
        }
        // Whatever happens on a socket, the kernel tells all it is ready for.
        let other = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        other.send_to(b"x", udp.local_addr().unwrap()).unwrap();
        udp.io.readable().await.unwrap();
        for (poller, woken) in &mut waiting {
            assert_eq!(woken.0.load(Ordering::SeqCst), 1);
            let waker = Waker::from(woken.clone());
            assert!(poller.as_mut().poll_writable(&mut Context::from_waker(&waker)).is_ready());
        }
    }

    #[cfg(feature = "server")]
    #[tokio::test]
    async fn c1_what_fails_aside_costs_nobody_their_batches() {
        let udp = bound();
        let (before, other) = (udp.max_send_segments(), std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
        let to = other.local_addr().unwrap();
        udp.send_aside(b"nudge", to, Some("127.0.0.1".parse().unwrap()));
        let mut heard = [0; 9];
        assert_eq!(other.recv_from(&mut heard).unwrap(), (5, udp.local_addr().unwrap()));
        // The answer to a packet that was sent to everybody can't be sent from there: quinn-udp takes that for a kernel
        // without batches.
        udp.send_aside(b"nudge", to, Some("255.255.255.255".parse().unwrap()));
        assert_eq!(udp.aside.max_gso_segments(), 1, "it did fail");
        assert_eq!(udp.max_send_segments(), before);
        assert!(before > 1);
    }
}
