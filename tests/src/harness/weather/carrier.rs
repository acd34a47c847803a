//! What carries packets through the weather: sockets, a queue of what is under way, and one thread.
//!
//! Everything is decided when a packet comes in, under one lock, so what a test changes holds from the next packet on.
//! Not here: what is decided ([`super::fate`]).

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use super::Tally;
use super::fate::{Fate, Line, Loss, Way, Weather};

/// Kernel buffers asked for, in bytes: the weather loses packets, this program doesn't.
const KERNEL_BUFFER: usize = 4 << 20;
/// Largest UDP payload.
const PAYLOAD_MAX: usize = 65_536;

/// The box, shared by its tasks and the test.
pub(super) struct Carrier {
    inner: UdpSocket,
    inside: Mutex<Inside>,
    came: Notify,
}

struct Inside {
    seed: u64,
    began: Instant,
    weather: Weather,
    relay: Option<SocketAddr>,
    clients: Vec<Client>,
    all_cut: bool,
    cut: BTreeSet<usize>,
    /// Under way, by arrival and order of departure.
    under_way: BTreeMap<(Instant, u64), Parcel>,
    sent: u64,
    tally: Tally,
}

/// One inner address, and the outer socket that stands for it.
struct Client {
    inner: SocketAddr,
    outer: Arc<UdpSocket>,
    receiving: AbortHandle,
    up: Line,
    down: Line,
}

struct Parcel {
    way: Way,
    client: usize,
    bytes: Vec<u8>,
}

impl Carrier {
    /// A box whose inner side is bound already. Needs its runtime.
    pub(super) fn new(inner: std::net::UdpSocket, seed: u64, weather: Weather) -> Arc<Self> {
        let inside = Inside {
            seed,
            began: Instant::now(),
            weather,
            relay: None,
            clients: Vec::new(),
            all_cut: false,
            cut: BTreeSet::new(),
            under_way: BTreeMap::new(),
            sent: 0,
            tally: Tally::default(),
        };
        Arc::new(Self { inner: registered(inner), inside: Mutex::new(inside), came: Notify::new() })
    }

    /// Carries for ever.
    pub(super) async fn run(self: Arc<Self>) {
        tokio::join!(self.clone().take_in(), self.hand_out());
    }

    pub(super) fn lead_to(&self, relay: SocketAddr) {
        self.lock().relay = Some(relay);
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Weather, Duration)) {
        let mut inside = self.lock();
        let now = inside.began.elapsed();
        change(&mut inside.weather, now);
    }

    pub(super) fn cut_all(&self, cut: bool) {
        self.lock().all_cut = cut;
    }

    pub(super) fn cut(&self, client: usize) {
        self.lock().cut.insert(client);
    }

    pub(super) fn mend(&self, client: usize) {
        self.lock().cut.remove(&client);
    }

    pub(super) fn tally(&self) -> Tally {
        self.lock().tally
    }

    pub(super) fn clients(&self) -> usize {
        self.lock().clients.len()
    }

    pub(super) fn client_with_port(&self, port: u16) -> Option<usize> {
        self.lock().clients.iter().position(|client| client.inner.port() == port)
    }

    /// Another outer port for this client from now on; what comes to the old one is lost. Needs the runtime.
    pub(super) fn rebind(self: &Arc<Self>, client: usize) {
        let mut inside = self.lock();
        let old = inside.clients[client].outer.local_addr().unwrap();
        let (outer, receiving) = self.outer(old.ip(), client);
        let client = &mut inside.clients[client];
        client.receiving.abort();
        (client.outer, client.receiving) = (outer, receiving);
    }

    async fn take_in(self: Arc<Self>) {
        let mut buffer = vec![0; PAYLOAD_MAX];
        loop {
            // What the network reports about an earlier packet is no packet.
            let Ok((len, from)) = self.inner.recv_from(&mut buffer).await else { continue };
            let mut inside = self.lock();
            let Some(relay) = inside.relay else { continue };
            let client = match inside.clients.iter().position(|client| client.inner == from) {
                Some(client) => client,
                None => {
                    let client = inside.clients.len();
                    let (outer, receiving) = self.outer(local(relay), client);
                    let line = |way| Line::new(inside.seed, way, client);
                    let (up, down) = (line(Way::Up), line(Way::Down));
                    inside.clients.push(Client { inner: from, outer, receiving, up, down });
                    client
                }
            };
            inside.send(Way::Up, client, &buffer[..len]);
            drop(inside);
            self.came.notify_one();
        }
    }

    async fn take_back(self: Arc<Self>, outer: Arc<UdpSocket>, client: usize) {
        let mut buffer = vec![0; PAYLOAD_MAX];
        loop {
            let Ok((len, from)) = outer.recv_from(&mut buffer).await else { continue };
            let mut inside = self.lock();
            if inside.relay == Some(from) {
                inside.send(Way::Down, client, &buffer[..len]);
                drop(inside);
                self.came.notify_one();
            }
        }
    }

    async fn hand_out(&self) {
        loop {
            let next = self.lock().under_way.first_key_value().map(|((at, _), _)| *at);
            match next {
                None => self.came.notified().await,
                Some(at) => tokio::select! {
                    () = sleep_until(at) => self.arrive().await,
                    () = self.came.notified() => {}
                },
            }
        }
    }

    /// Hands out everything that has arrived by now.
    async fn arrive(&self) {
        loop {
            let (socket, to, bytes) = {
                let mut inside = self.lock();
                let Some(first) = inside.under_way.first_entry().filter(|first| first.key().0 <= Instant::now()) else {
                    return;
                };
                let parcel = first.remove();
                let client = &inside.clients[parcel.client];
                match (parcel.way, inside.relay) {
                    (Way::Up, Some(relay)) => (Some(client.outer.clone()), relay, parcel.bytes),
                    (Way::Up, None) => continue,
                    (Way::Down, _) => (None, client.inner, parcel.bytes),
                }
            };
            // Nobody may be there any more: lost, as anywhere.
            let _ = socket.as_deref().unwrap_or(&self.inner).send_to(&bytes, to).await;
        }
    }

    fn outer(self: &Arc<Self>, at: IpAddr, client: usize) -> (Arc<UdpSocket>, AbortHandle) {
        let outer = Arc::new(registered(std::net::UdpSocket::bind((at, 0)).unwrap()));
        let receiving = tokio::spawn(self.clone().take_back(outer.clone(), client)).abort_handle();
        (outer, receiving)
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn send(&mut self, way: Way, client: usize, bytes: &[u8]) {
        let line = match way {
            Way::Up => &mut self.clients[client].up,
            Way::Down => &mut self.clients[client].down,
        };
        // Judged in any case: a cut changes no later packet's luck.
        let fate = line.send(&self.weather, bytes.len(), self.began.elapsed());
        let cut = self.all_cut || self.cut.contains(&client);
        match if cut { Fate::Lost(Loss::Cut) } else { fate } {
            Fate::Arrives { at, again } => {
                self.tally.carried += 1;
                self.tally.doubled += u64::from(again.is_some());
                for at in [Some(at), again].into_iter().flatten() {
                    let parcel = Parcel { way, client, bytes: bytes.to_vec() };
                    self.under_way.insert((self.began + at, self.sent), parcel);
                    self.sent += 1;
                }
            }
            Fate::Lost(Loss::Cut) => self.tally.cut += 1,
            Fate::Lost(Loss::Large) => self.tally.large += 1,
            Fate::Lost(Loss::Full) => self.tally.full += 1,
            Fate::Lost(Loss::Luck) => self.tally.lost += 1,
        }
    }
}

/// Where to bind in order to reach the relay.
fn local(relay: SocketAddr) -> IpAddr {
    match relay {
        SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    }
}

fn registered(socket: std::net::UdpSocket) -> UdpSocket {
    // The kernel grants what its own limit allows.
    let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&socket, KERNEL_BUFFER);
    socket.set_nonblocking(true).unwrap();
    UdpSocket::from_std(socket).unwrap()
}
