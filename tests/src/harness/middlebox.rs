//! A box between one program and the relay, as a home router or a hostile network is: it sees addresses and bytes, keeps a
//! copy of every packet, and decides what becomes of the next one.
//!
//! It knows no key. What it can do is all that anybody on the way can: lose, delay, reorder, repeat, change, or send
//! elsewhere. (SECURITY C2, and the network in docs/threat-model.md)

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::net::UdpSocket;
use tokio::task::AbortHandle;
use venia_relay::client::packet::{PREFIX, Packet};

use crate::sim::random::Random;

/// Packets a disturbed line holds back before it lets the first of them go.
const HELD: usize = 4;
/// Copies kept each way: the newest.
const COPIES: usize = 20_000;

/// What becomes of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// They arrive.
    Honest,
    /// Of a hundred, both ways, so many are lost, so many come twice, so many have a byte changed, and so many wait for
    /// later ones.
    Disturbed {
        /// Lost.
        lost: u64,
        /// Twice.
        twice: u64,
        /// Changed.
        changed: u64,
        /// Behind later ones.
        late: u64,
    },
    /// Packets of sessions from inside go past the relay, straight to this address; the rest is honest.
    Past {
        /// Where.
        to: SocketAddr,
        /// Without the prefix that says which flow it is.
        bare: bool,
    },
}

/// The box; gone when dropped.
pub struct Middlebox {
    /// What the program inside takes for the relay.
    pub at: SocketAddr,
    state: Arc<Mutex<State>>,
    running: AbortHandle,
}

struct State {
    line: Line,
    random: Random,
    up: VecDeque<Vec<u8>>,
    down: VecDeque<Vec<u8>>,
    past: u64,
    hurt: u64,
}

/// Packets one way that wait.
#[derive(Default)]
struct Waiting(VecDeque<Vec<u8>>);

impl Middlebox {
    /// Before this relay. Needs a tokio runtime.
    pub async fn before(relay: SocketAddr, seed: u64) -> Self {
        let inner = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let outer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let at = inner.local_addr().unwrap();
        let (line, random) = (Line::Honest, Random::new(seed));
        let state = State { line, random, up: VecDeque::new(), down: VecDeque::new(), past: 0, hurt: 0 };
        let state = Arc::new(Mutex::new(state));
        let running = tokio::spawn(carry(inner, outer, relay, state.clone())).abort_handle();
        Self { at, state, running }
    }

    /// From now on.
    pub fn becomes(&self, line: Line) {
        self.lock().line = line;
    }

    /// Copies of what went up to the relay, oldest first.
    pub fn went_up(&self) -> Vec<Vec<u8>> {
        self.lock().up.iter().cloned().collect()
    }

    /// Copies of what came down from the relay, oldest first.
    pub fn came_down(&self) -> Vec<Vec<u8>> {
        self.lock().down.iter().cloned().collect()
    }

    /// Packets sent past the relay so far.
    pub fn past(&self) -> u64 {
        self.lock().past
    }

    /// Packets lost, doubled, changed or late so far.
    pub fn hurt(&self) -> u64 {
        self.lock().hurt
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Drop for Middlebox {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn carry(inner: UdpSocket, outer: UdpSocket, relay: SocketAddr, state: Arc<Mutex<State>>) {
    let mut inside = None;
    let (mut up, mut down) = (vec![0; 2000], vec![0; 2000]);
    let (mut waiting_up, mut waiting_down) = (Waiting::default(), Waiting::default());
    loop {
        tokio::select! {
            Ok((length, from)) = inner.recv_from(&mut up) => {
                inside = Some(from);
                let packet = &up[..length];
                let past = state.lock().unwrap().leaves_past(packet);
                if let Some((to, bytes)) = past {
                    let _ = outer.send_to(&bytes, to).await;
                    continue;
                }
                let leaving = state.lock().unwrap().passes(packet, true, &mut waiting_up);
                for packet in leaving {
                    let _ = outer.send_to(&packet, relay).await;
                }
            }
            Ok((length, from)) = outer.recv_from(&mut down) => {
                let Some(inside) = inside.filter(|_| from == relay) else { continue };
                let leaving = state.lock().unwrap().passes(&down[..length], false, &mut waiting_down);
                for packet in leaving {
                    let _ = inner.send_to(&packet, inside).await;
                }
            }
        }
    }
}

impl State {
    fn leaves_past(&mut self, packet: &[u8]) -> Option<(SocketAddr, Vec<u8>)> {
        let Line::Past { to, bare } = self.line else { return None };
        let Packet::Forwarded(_) = Packet::of(packet) else { return None };
        self.past += 1;
        Some((to, packet[if bare { PREFIX } else { 0 }..].to_vec()))
    }

    fn passes(&mut self, packet: &[u8], up: bool, waiting: &mut Waiting) -> Vec<Vec<u8>> {
        let copies = if up { &mut self.up } else { &mut self.down };
        copies.push_back(packet.to_vec());
        if copies.len() > COPIES {
            copies.pop_front();
        }
        let Line::Disturbed { lost, twice, changed, late } = self.line else {
            // What still waits arrives behind everybody, once.
            return std::iter::once(packet.to_vec()).chain(waiting.0.drain(..)).collect();
        };
        let lot = self.random.between(0, 99);
        let mut bytes = packet.to_vec();
        let mut leaving = Vec::new();
        let (twice, changed, late) = (lost + twice, lost + twice + changed, lost + twice + changed + late);
        self.hurt += u64::from(lot < late);
        if lot < lost {
        } else if lot < twice {
            leaving = vec![bytes.clone(), bytes];
        } else if lot < changed {
            let at = usize::try_from(self.random.between(0, bytes.len().max(1) as u64 - 1)).unwrap();
            bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 0x55);
            leaving.push(bytes);
        } else if lot < late {
            waiting.0.push_back(bytes);
        } else {
            leaving.push(bytes);
        }
        while waiting.0.len() > HELD {
            leaving.extend(waiting.0.pop_back());
        }
        leaving
    }
}
