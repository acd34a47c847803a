//! Bad networks: a box on loopback between programs and their relay, which delays, loses, doubles and reorders packets as
//! a seed says.
//!
//! The box is to programs what a home router is: they know its address as the relay's, and the relay sees each of them at
//! an outer port of its own. What becomes of a packet is decided by [`fate`], which is pure; `VENIA_WEATHER_SEED=n` lives
//! every storm again as it was with that seed, and a failing test says which it was.
//!
//! Not here: what a session must survive. That stands in `tests/tests/weather*.rs`.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;

mod carrier;
pub mod fate;

use self::carrier::Carrier;
use self::fate::{LOSS_MAX, Weather};
use super::until;

/// What became of the packets so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Handed on.
    pub carried: u64,
    /// Of these, handed on twice.
    pub doubled: u64,
    /// Lost to bad luck.
    pub lost: u64,
    /// Lost to a cut.
    pub cut: u64,
    /// Too large.
    pub large: u64,
    /// Found the bottleneck's queue full.
    pub full: u64,
}

/// The box. Says its seed when a test fails, and is gone when dropped.
pub struct Storm {
    /// What programs take for the relay's address.
    pub at: SocketAddr,
    seed: u64,
    carrier: Arc<Carrier>,
    /// Some until dropped: its end must not wait for anybody.
    runtime: Option<Runtime>,
}

impl Storm {
    /// A box on a free port of this address (`127.0.0.1`, `::1`). `seed` holds unless `VENIA_WEATHER_SEED` says otherwise.
    pub fn on(address: &str, seed: u64, weather: Weather) -> Self {
        assert!(weather.loss <= LOSS_MAX, "nobody's session survives that");
        let seed = std::env::var("VENIA_WEATHER_SEED").map_or(seed, |seed| seed.parse().unwrap());
        let inner = UdpSocket::bind((address, 0)).unwrap();
        let at = inner.local_addr().unwrap();
        // A thread of its own: tests that wait for programs block theirs.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let entered = runtime.enter();
        let carrier = Carrier::new(inner, seed, weather);
        drop(entered);
        runtime.spawn(carrier.clone().run());
        Self { at, seed, carrier, runtime: Some(runtime) }
    }

    /// What lies behind it. Until then every packet is lost.
    pub fn lead_to(&self, relay: SocketAddr) {
        self.carrier.lead_to(relay);
    }

    /// Changes the weather from the next packet on; what is under way arrives. Also says how long the box has stood.
    pub fn change(&self, change: impl FnOnce(&mut Weather, Duration)) {
        self.carrier.change(change);
    }

    /// Nothing gets through, for anybody, until [`Self::mend`].
    pub fn cut(&self) {
        self.carrier.cut_all(true);
    }

    /// Undoes [`Self::cut`].
    pub fn mend(&self) {
        self.carrier.cut_all(false);
    }

    /// Nothing gets through for this client until [`Self::mend_for`].
    pub fn cut_for(&self, client: usize) {
        self.carrier.cut(client);
    }

    /// Undoes [`Self::cut_for`].
    pub fn mend_for(&self, client: usize) {
        self.carrier.mend(client);
    }

    /// How many clients have sent something; numbered from 0 in this order.
    pub fn clients(&self) -> usize {
        self.carrier.clients()
    }

    /// The client who sends from this port, as soon as it does.
    pub fn client(&self, port: u16) -> usize {
        until("a packet from that port", || self.carrier.client_with_port(port))
    }

    /// This client's outer port changes, as a router's binding does when it expires.
    pub fn rebind(&self, client: usize) {
        let _entered = self.runtime.as_ref().map(Runtime::enter);
        self.carrier.rebind(client);
    }

    /// What became of the packets so far.
    pub fn tally(&self) -> Tally {
        self.carrier.tally()
    }
}

impl Drop for Storm {
    #[expect(clippy::print_stderr, reason = "who wants to see the failure again must know")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{:?}\n  replay with VENIA_WEATHER_SEED={}", self.tally(), self.seed);
        }
        // Also from inside a test's own runtime, where waiting isn't allowed.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::PATIENCE;
    use super::*;

    fn socket() -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    }

    fn received(socket: &UdpSocket) -> (u8, SocketAddr) {
        let mut packet = [0; 8];
        let (len, from) = socket.recv_from(&mut packet).unwrap();
        assert_eq!(len, 1);
        (packet[0], from)
    }

    /// A box, what lies behind it, and two clients.
    fn box_between() -> (Storm, UdpSocket, [UdpSocket; 2]) {
        let (storm, relay) = (Storm::on("127.0.0.1", 1, Weather::FAIR), socket());
        storm.lead_to(relay.local_addr().unwrap());
        (storm, relay, [socket(), socket()])
    }

    #[test]
    fn fair_weather_hands_everything_on_in_order_and_back() {
        let (storm, relay, [one, two]) = box_between();
        for number in 0..100 {
            one.send_to(&[number], storm.at).unwrap();
        }
        let seen: Vec<(u8, SocketAddr)> = (0..100).map(|_| received(&relay)).collect();
        assert!(seen.iter().map(|(number, _)| *number).eq(0..100), "{seen:?}");
        let outer = seen[0].1;
        assert!(seen.iter().all(|(_, from)| *from == outer) && outer != one.local_addr().unwrap());
        two.send_to(&[7], storm.at).unwrap();
        let (_, other) = received(&relay);
        assert_ne!(other, outer, "each client has an outer port of its own");
        relay.send_to(&[8], other).unwrap();
        relay.send_to(&[9], outer).unwrap();
        assert_eq!((received(&one), received(&two)), ((9, storm.at), (8, storm.at)));
        assert_eq!((storm.clients(), storm.client(two.local_addr().unwrap().port())), (2, 1));
        assert_eq!(storm.tally(), Tally { carried: 103, ..Tally::default() });
    }

    #[test]
    fn a_new_port_is_used_from_the_next_packet_on_and_the_old_one_is_dead() {
        let (storm, relay, [one, _]) = box_between();
        one.send_to(&[1], storm.at).unwrap();
        let (_, old) = received(&relay);
        storm.rebind(0);
        one.send_to(&[2], storm.at).unwrap();
        let (_, new) = received(&relay);
        assert_ne!(old, new);
        relay.send_to(&[3], old).unwrap();
        relay.send_to(&[4], new).unwrap();
        assert_eq!(received(&one).0, 4);
    }

    #[test]
    fn cuts_lose_what_is_sent_meanwhile_and_a_clients_cut_nobody_elses() {
        let (storm, relay, [one, two]) = box_between();
        let sent = |from: &UdpSocket, number: u8| {
            let before = storm.tally();
            from.send_to(&[number], storm.at).unwrap();
            until("the packet's fate", || (storm.tally() != before).then_some(()));
        };
        sent(&one, 1);
        assert_eq!(received(&relay).0, 1);
        storm.cut_for(0);
        sent(&one, 2);
        sent(&two, 3);
        assert_eq!(received(&relay).0, 3);
        storm.mend_for(0);
        storm.cut();
        sent(&one, 4);
        sent(&two, 5);
        storm.mend();
        sent(&one, 6);
        assert_eq!(received(&relay).0, 6);
        assert_eq!(storm.tally().cut, 3);
    }

    #[test]
    fn a_delay_is_one() {
        const DELAY: Duration = Duration::from_millis(50);
        let (storm, relay, [one, _]) = box_between();
        storm.change(|weather, _| weather.delay = DELAY);
        let began = std::time::Instant::now();
        one.send_to(&[1], storm.at).unwrap();
        received(&relay);
        assert!(began.elapsed() >= DELAY);
    }
}
